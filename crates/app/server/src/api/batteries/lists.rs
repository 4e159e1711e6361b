//! Batteries now and before.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use voltwin_batteries::{BATTERY_PACK, Cause, Status};
use voltwin_core::{PropertyName, Timestamp, TwinId};

use super::figures::Bounds;
use super::view::{Battery, BatteryDetail, status_word};
use super::{outlook, with_battery};
use crate::api::history::window;
use crate::auth::Principal;
use crate::http::{Id, Json, Page, PageLimit, Problem, Query, one_of};
use crate::state::AppState;

const SORTS: [&str; 6] = ["id", "soh", "soc", "risk", "residual", "temp"];
const WORST_MAX: usize = 10;
/// Properties of the history, and what they are called in the answer.
const SERIES: [(&str, &str); 15] = [
    ("soc", "estimated_soc"),
    ("soc_low", "estimated_soc_low"),
    ("soc_high", "estimated_soc_high"),
    ("soh", "estimated_soh"),
    ("soh_low", "estimated_soh_low"),
    ("soh_high", "estimated_soh_high"),
    ("resistance_ratio", "estimated_resistance"),
    ("temp_estimate_c", "estimated_temp_c"),
    ("temp_c", "temp_c"),
    ("excess_temp_k", "excess_temp_k"),
    ("voltage_v", "voltage_v"),
    ("current_a", "current_a"),
    ("residual_v", "residual_v"),
    ("reported_soc", "soc"),
    ("reported_soh", "soh"),
];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// `id`, `soh`, `soc`, `risk`, `residual` or `temp`.
    #[param(default = "id")]
    sort: Option<String>,
    /// `asc` or `desc`; by default health and ids rise, the rest falls.
    order: Option<String>,
    /// Only of this chemistry.
    chemistry: Option<String>,
    /// Only with this status.
    status: Option<String>,
    /// Only with a warning of this cause, or of `any`.
    warning: Option<String>,
    /// A part of the id, the vehicle or its name.
    q: Option<String>,
}

/// Everything of a tenant, in no order.
fn all(state: &AppState, principal: &Principal) -> Vec<Battery> {
    state.runtime.read(&principal.tenant, |graph| {
        state.batteries.look(&principal.tenant, |known| {
            graph
                .twins_of(BATTERY_PACK)
                .map(|twin| Battery::of(twin, &known(twin.id()).unwrap_or_default()))
                .collect()
        })
    })
}

impl ListQuery {
    fn check(&self) -> Result<(), Problem> {
        one_of("sort", self.sort.as_deref(), &SORTS)?;
        one_of("order", self.order.as_deref(), &["asc", "desc"])?;
        let words = Status::ALL.map(status_word);
        one_of("status", self.status.as_deref(), &words.each_ref().map(String::as_str))?;
        let mut causes = Cause::ALL.map(Cause::as_str).to_vec();
        causes.push("any");
        one_of("warning", self.warning.as_deref(), &causes)
    }

    fn wants(&self, battery: &Battery) -> bool {
        let chemistry = |wanted: &String| {
            battery.chemistry.as_ref().is_some_and(|chemistry| chemistry.eq_ignore_ascii_case(wanted))
        };
        let warned = |wanted: &String| {
            battery.warnings.iter().any(|warning| wanted == "any" || warning.cause == wanted)
        };
        let named = |part: &String| {
            let part = part.to_lowercase();
            let names = [Some(&battery.id), battery.vehicle.as_ref(), battery.vehicle_name.as_ref()];
            names.into_iter().flatten().any(|name| name.to_lowercase().contains(&part))
        };
        self.chemistry.as_ref().is_none_or(chemistry)
            && self.status.as_ref().is_none_or(|status| battery.status == *status)
            && self.warning.as_ref().is_none_or(warned)
            && self.q.as_ref().is_none_or(named)
    }

    /// What it is sorted by, rising; what has none comes last.
    fn key(&self, battery: &Battery) -> f64 {
        let middle = |bounds: Option<Bounds>| bounds.map(|bounds| bounds.value);
        let sort = self.sort.as_deref().unwrap_or("id");
        let value = match sort {
            "soh" => middle(battery.soh),
            "soc" => middle(battery.soc),
            "risk" => Some(battery.risk),
            "residual" => battery.residual_v.map(f64::abs),
            "temp" => middle(battery.temp_c),
            _ => Some(0.0),
        };
        let falling = match self.order.as_deref() {
            Some(order) => order == "desc",
            None => !matches!(sort, "id" | "soh"),
        };
        value.map_or(f64::INFINITY, |value| if falling { -value } else { value })
    }
}

/// Batteries, sorted and chosen.
#[utoipa::path(get, path = "/batteries", tag = "batteries", params(ListQuery),
    responses((status = 200, body = Page<Battery>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Battery>>, Problem> {
    let limit = query.limit.get()?;
    query.check()?;
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let mut batteries: Vec<(f64, Battery)> = all(&state, &principal)
        .into_iter()
        .filter(|battery| query.wants(battery))
        .map(|battery| (query.key(&battery), battery))
        .collect();
    batteries.sort_by(|(a, one), (b, other)| a.total_cmp(b).then_with(|| one.id.cmp(&other.id)));
    if query.sort.as_deref().unwrap_or("id") == "id" && query.order.as_deref() == Some("desc") {
        batteries.reverse();
    }
    // ids may fall, so a place is found by its id where it still stands, else by its key
    let start = after.map_or(0, |(key, id)| {
        let at = batteries.iter().position(|(_, battery)| battery.id == id);
        at.map_or_else(|| batteries.partition_point(|(other, _)| *other <= key), |place| place + 1)
    });
    let page = Page::of(batteries.into_iter().skip(start), limit, |(key, battery)| {
        format!("{:016x}-{}", key.to_bits(), battery.id)
    });
    let items = page.items.into_iter().map(|(_, battery)| battery).collect();
    Ok(Json(Page { items, next: page.next }))
}

fn read_cursor(cursor: &str) -> Result<(f64, String), Problem> {
    let parts = cursor
        .split_once('-')
        .and_then(|(key, id)| Some((f64::from_bits(u64::from_str_radix(key, 16).ok()?), id.to_owned())));
    parts.ok_or_else(|| Problem::field("cursor", "`cursor` is not the `next` of a page before"))
}

/// How many batteries have a health in a span.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthBin {
    from: f64,
    to: f64,
    count: usize,
}

/// The batteries of a fleet in figures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryOverview {
    count: usize,
    /// Mean health; null where none is known.
    mean_soh: Option<f64>,
    mean_soc: Option<f64>,
    /// Energy of all when new and full.
    capacity_wh: f64,
    /// Energy that they hold now.
    energy_wh: f64,
    by_status: BTreeMap<String, usize>,
    by_chemistry: BTreeMap<String, usize>,
    by_warning: BTreeMap<String, usize>,
    /// From 0.5 to 1.1 in steps of 0.02; what is outside counts in the first and the last.
    soh_histogram: Vec<HealthBin>,
    /// Those that ask most to be looked at, at most 10.
    worst: Vec<Battery>,
}

/// The batteries of the fleet in figures.
#[utoipa::path(get, path = "/batteries/overview", tag = "batteries",
    responses((status = 200, body = BatteryOverview)))]
pub(super) async fn overview(State(state): State<AppState>, principal: Principal) -> Json<BatteryOverview> {
    const BINS: usize = 30;
    const FROM: f64 = 0.5;
    const STEP: f64 = 0.02;
    let mut batteries = all(&state, &principal);
    let mut counts = [0; BINS];
    let (mut healths, mut charges) = (Vec::new(), Vec::new());
    let (mut capacity_wh, mut energy_wh) = (0.0, 0.0);
    let [mut by_status, mut by_chemistry, mut by_warning] =
        [(); 3].map(|()| BTreeMap::<String, usize>::new());
    for battery in &batteries {
        *by_status.entry(battery.status.clone()).or_default() += 1;
        let chemistry = battery.chemistry.clone().unwrap_or_else(|| "unknown".to_owned());
        *by_chemistry.entry(chemistry).or_default() += 1;
        for warning in &battery.warnings {
            *by_warning.entry(warning.cause.to_owned()).or_default() += 1;
        }
        let new_wh = battery.capacity_wh.unwrap_or(0.0);
        capacity_wh += new_wh;
        if let Some((soh, soc)) = battery.soh.zip(battery.soc) {
            let bin = ((soh.value - FROM) / STEP).clamp(0.0, (BINS - 1) as f64);
            counts[bin as usize] += 1;
            healths.push(soh.value);
            charges.push(soc.value);
            energy_wh += new_wh * soh.value * soc.value;
        }
    }
    let mean =
        |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    batteries.sort_by(|a, b| b.risk.total_cmp(&a.risk).then_with(|| a.id.cmp(&b.id)));
    let edge = |bin: usize| ((FROM + STEP * bin as f64) * 100.0).round() / 100.0;
    Json(BatteryOverview {
        count: batteries.len(),
        mean_soh: mean(&healths),
        mean_soc: mean(&charges),
        capacity_wh,
        energy_wh,
        by_status,
        by_chemistry,
        by_warning,
        soh_histogram: counts
            .iter()
            .enumerate()
            .map(|(bin, count)| HealthBin { from: edge(bin), to: edge(bin + 1), count: *count })
            .collect(),
        worst: batteries.into_iter().filter(|battery| battery.soh.is_some()).take(WORST_MAX).collect(),
    })
}

/// One battery.
#[utoipa::path(get, path = "/batteries/{id}", tag = "batteries",
    params(("id" = String, Path, description = "The battery pack.")),
    responses((status = 200, body = BatteryDetail), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery.")))]
pub(super) async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<BatteryDetail>, Problem> {
    with_battery(&state, &principal, &id, |twin, known| BatteryDetail::of(twin, &known)).map(Json)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// The start; an hour before the end when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// The end, exclusive; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Into how many equal spans the time is cut.
    #[param(minimum = 1, maximum = 2000, default = 300)]
    points: Option<usize>,
}

/// `(t_ms, min, mean, max, count)` of a span that has values.
type Span = (i64, f64, f64, f64, u64);

/// What a battery was over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryHistory {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// By figure, `[t_ms, min, mean, max, count]` of each span that has values.
    #[schema(value_type = BTreeMap<String, Vec<Vec<f64>>>)]
    series: BTreeMap<&'static str, Vec<Span>>,
}

/// State, bounds, readings and residuals of a battery over time.
#[utoipa::path(get, path = "/batteries/{id}/history", tag = "batteries",
    params(("id" = String, Path, description = "The battery pack."), HistoryQuery),
    responses((status = 200, body = BatteryHistory), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery.")))]
pub(super) async fn history(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<BatteryHistory>, Problem> {
    with_battery(&state, &principal, &id, |_, _| ())?;
    let (from, to, points) = window(&state, query.from, query.to, query.points)?;
    let mut series = BTreeMap::new();
    for (name, property) in SERIES {
        let property = PropertyName::new(property)?;
        let buckets = state.history.downsample(&principal.tenant, &id, &property, from, to, points).await?;
        series.insert(
            name,
            buckets.into_iter().map(|b| (b.t.as_millis(), b.min, b.mean, b.max, b.count)).collect(),
        );
    }
    Ok(Json(BatteryHistory { from, to, series }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CompareQuery {
    /// A battery.
    #[param(value_type = String)]
    a: TwinId,
    /// Another.
    #[param(value_type = String)]
    b: TwinId,
}

/// Figures of the first less those of the second; null where one is not known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryDifference {
    soc: Option<f64>,
    soh: Option<f64>,
    resistance_ratio: Option<f64>,
    temp_c: Option<f64>,
    risk: f64,
}

/// Two batteries beside each other.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryComparison {
    a: BatteryDetail,
    b: BatteryDetail,
    difference: BatteryDifference,
    forecast: PairForecast,
}

/// The health of both over ten years; empty where nothing is known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PairForecast {
    a: Vec<super::figures::Ahead>,
    b: Vec<super::figures::Ahead>,
}

/// Two batteries beside each other.
#[utoipa::path(get, path = "/batteries/compare", tag = "batteries", params(CompareQuery),
    responses((status = 200, body = BatteryComparison), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery.")))]
pub(super) async fn compare(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<CompareQuery>,
) -> Result<Json<BatteryComparison>, Problem> {
    let detail =
        |id: &TwinId| with_battery(&state, &principal, id, |twin, known| BatteryDetail::of(twin, &known));
    let (a, b) = (detail(&query.a)?, detail(&query.b)?);
    let forecast = PairForecast {
        a: outlook::decade(&state, &principal, &query.a).await?,
        b: outlook::decade(&state, &principal, &query.b).await?,
    };
    let less = |one: Option<Bounds>, other: Option<Bounds>| Some(one?.value - other?.value);
    let (one, other) = (&a.battery, &b.battery);
    let difference = BatteryDifference {
        soc: less(one.soc, other.soc),
        soh: less(one.soh, other.soh),
        resistance_ratio: less(one.resistance_ratio, other.resistance_ratio),
        temp_c: less(one.temp_c, other.temp_c),
        risk: one.risk - other.risk,
    };
    Ok(Json(BatteryComparison { a, b, difference, forecast }))
}
