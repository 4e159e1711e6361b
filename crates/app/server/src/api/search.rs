//! One box that finds everything.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_graph::{Graph, TwinRef};
use voltwin_security::Permission;
use voltwin_store::TransactionFilter;

use super::transactions::state_name;
use crate::auth::{Guard, Principal};
use crate::http::{Json, Problem, Query};
use crate::network::{CONNECTOR, EVSE, STATION, VEHICLE, text};
use crate::state::AppState;

const QUERY_CHARS_MAX: usize = 100;
/// Hits of each kind.
const HITS_MAX: usize = 10;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(Guard::needs(Permission::Read).on(routes!(search)))
}

/// What was found, the best first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hits {
    items: Vec<Hit>,
}

/// One thing that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hit {
    /// `station`, `vehicle`, `transaction`, `alarm` or `twin`.
    #[schema(value_type = String, example = "station")]
    kind: &'static str,
    /// Its id; of a transaction its number.
    id: String,
    title: String,
    subtitle: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// 1 to 100 characters of an id, a name, an id token, a transaction number, an alarm; case does not matter.
    #[param(min_length = 1, max_length = 100)]
    q: String,
}

/// Find stations, vehicles, transactions, open alarms and other twins by a part of their ids or names.
#[utoipa::path(get, path = "/search", tag = "search", params(SearchQuery),
    responses((status = 200, body = Hits)))]
async fn search(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Hits>, Problem> {
    let words = query.q.trim();
    if !(1..=QUERY_CHARS_MAX).contains(&words.chars().count()) {
        let detail = format!("`q` must have 1 to {QUERY_CHARS_MAX} characters");
        return Err(Problem::field("q", detail).limit(QUERY_CHARS_MAX));
    }
    let needle = words.to_lowercase();
    let mut items = state.runtime.read(&principal.tenant, |graph| twins(graph, &needle));
    items.extend(transactions(&state, &principal, words).await?);
    let found = |alarm: &voltwin_store::Alarm| {
        [&alarm.code, &alarm.message, &alarm.twin].iter().any(|text| rank(text, &needle).is_some())
    };
    let alarms = state.open_alarms(&principal.tenant).await?;
    items.extend(alarms.into_iter().filter(found).take(HITS_MAX).map(|alarm| Hit {
        kind: "alarm",
        id: alarm.id.to_string(),
        title: alarm.message,
        subtitle: Some(format!("{} · {}", alarm.code, alarm.twin)),
    }));
    Ok(Json(Hits { items }))
}

/// How well a text answers: 0 it is the needle, 1 it begins with it, 2 it holds it.
fn rank(text: &str, needle: &str) -> Option<u8> {
    let text = text.to_lowercase();
    match text.find(needle)? {
        0 if text.len() == needle.len() => Some(0),
        0 => Some(1),
        _ => Some(2),
    }
}

fn twins(graph: &Graph, needle: &str) -> Vec<Hit> {
    let mut found: [Vec<(u8, TwinRef<'_>)>; 3] = Default::default();
    for twin in graph.twins() {
        let by_name = twin.text("name").and_then(|name| rank(name, needle));
        let Some(rank) = rank(twin.id().as_str(), needle).into_iter().chain(by_name).min() else { continue };
        let kind = match twin.model().as_str() {
            STATION => 0,
            VEHICLE => 1,
            // they would bury their station, whose id theirs begin with
            EVSE | CONNECTOR if rank > 0 => continue,
            _ => 2,
        };
        found[kind].push((rank, twin));
    }
    let mut hits = Vec::new();
    for (kind, mut found) in ["station", "vehicle", "twin"].into_iter().zip(found) {
        found.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.id().cmp(y.id())));
        hits.extend(found.into_iter().take(HITS_MAX).map(|(_, twin)| Hit {
            kind,
            id: twin.id().to_string(),
            title: text(&twin, "name").unwrap_or_else(|| twin.id().to_string()),
            subtitle: Some(match text(&twin, "status") {
                Some(status) => format!("{} · {status}", twin.id()),
                None => format!("{} · {}", twin.id(), twin.model().short_name()),
            }),
        }));
    }
    hits
}

/// By number, by station or by id token, each as a whole.
async fn transactions(state: &AppState, principal: &Principal, words: &str) -> Result<Vec<Hit>, Problem> {
    let registry = state.registry(&principal.tenant);
    let mut records = Vec::new();
    if let Ok(number) = words.trim_start_matches('#').parse::<i64>() {
        records.extend(registry.transaction(number).await?);
    }
    let by_token = TransactionFilter { id_token: Some(words.to_owned()), ..TransactionFilter::default() };
    records.extend(registry.transactions(&by_token, None, HITS_MAX).await?.items);
    Ok(records
        .into_iter()
        .map(|record| Hit {
            kind: "transaction",
            id: record.number.to_string(),
            title: format!("#{} at {}", record.number, record.station),
            subtitle: Some(format!(
                "{} · {} Wh · {}",
                state_name(record.state),
                record.energy_wh,
                record.id_token.as_deref().unwrap_or("no token")
            )),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn the_whole_beats_the_start_beats_the_middle() {
        assert_eq!(rank("ST-1", "st-1"), Some(0));
        assert_eq!(rank("ST-12", "st-1"), Some(1));
        assert_eq!(rank("WEST-1", "st-1"), Some(2));
        assert_eq!(rank("V-1", "st-1"), None);
    }
}
