//! Which stations are meant: the filter of everything that is done to many of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use voltwin_core::{TenantId, TwinId};
use voltwin_graph::TwinRef;
use voltwin_ocpp::Version;

use crate::http::Problem;
use crate::network::{STATION, Zones, is_a, place, text};
use crate::state::AppState;

/// Stations that a filter may name.
const NAMED_MAX: usize = 20_000;

/// Which stations. Every field that is given must hold; at least one must be given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Filter {
    /// These very stations, at most 20,000; one that does not exist is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) stations: Option<Vec<TwinId>>,
    /// In this zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    /// At this site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) site: Option<String>,
    /// Of this maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vendor: Option<String>,
    /// Of this model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// With this firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) firmware_version: Option<String>,
    /// `1.6`, `2.0.1` or `2.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ocpp_version: Option<String>,
    /// Connected now, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) online: Option<bool>,
    /// `true`: all stations, so that nobody reaches all by leaving everything out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) all: Option<bool>,
}

/// A station that a filter holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) id: TwinId,
    pub(crate) version: Option<Version>,
    pub(crate) online: bool,
}

/// The stations that the filter holds, by id.
pub(crate) fn choose(state: &AppState, tenant: &TenantId, filter: &Filter) -> Result<Vec<Chosen>, Problem> {
    if *filter == Filter::default() || filter.all == Some(false) {
        let detail = "the filter is empty; give at least one of its fields, or `\"all\": true`";
        return Err(Problem::field("filter", detail));
    }
    if filter.stations.as_ref().is_some_and(|stations| stations.len() > NAMED_MAX) {
        let detail = format!("the filter names more than {NAMED_MAX} stations");
        return Err(Problem::field("filter.stations", detail).limit(NAMED_MAX));
    }
    if let Some(Err(error)) = filter.ocpp_version.as_deref().map(str::parse::<Version>) {
        return Err(Problem::field("filter.ocpp_version", error.to_string()));
    }
    let mut chosen = state.runtime.read(tenant, |graph| -> Result<Vec<Chosen>, Problem> {
        let zones = Zones::of(graph);
        let look = |twin: TwinRef<'_>| {
            let place = (filter.zone.is_some() || filter.site.is_some()).then(|| place(graph, &zones, &twin));
            holds(filter, &twin, place.as_ref()).then(|| Chosen {
                id: twin.id().clone(),
                version: twin.text("ocpp_version").and_then(|text| text.parse().ok()),
                online: online(&twin),
            })
        };
        match &filter.stations {
            None => Ok(graph.twins_of(STATION).filter_map(look).collect()),
            Some(named) => {
                let mut chosen = Vec::new();
                for id in named {
                    let twin = graph.twin(id.as_str()).filter(|twin| is_a(graph, twin, STATION));
                    let twin = twin.ok_or_else(|| {
                        Problem::field("filter.stations", format!("there is no station `{id}`"))
                    })?;
                    chosen.extend(look(twin));
                }
                Ok(chosen)
            }
        }
    })?;
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    chosen.dedup_by(|a, b| a.id == b.id);
    if chosen.is_empty() {
        return Err(Problem::field("filter", "no station is held by this filter"));
    }
    Ok(chosen)
}

fn online(twin: &TwinRef<'_>) -> bool {
    twin.get("online").is_some_and(|value| value.as_bool() == Some(true))
}

fn holds(filter: &Filter, twin: &TwinRef<'_>, place: Option<&crate::network::Place>) -> bool {
    let same = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
    };
    let properties = [
        ("vendor", &filter.vendor),
        ("model", &filter.model),
        ("firmware_version", &filter.firmware_version),
        ("ocpp_version", &filter.ocpp_version),
    ];
    let property = |(name, wanted): (&str, &Option<String>)| same(wanted, text(twin, name).as_deref());
    let id = |twin: Option<&TwinId>| twin.map(|id| id.as_str().to_owned());
    properties.into_iter().all(property)
        && filter.online.is_none_or(|wanted| wanted == online(twin))
        && same(&filter.zone, id(place.and_then(|place| place.zone.as_ref())).as_deref())
        && same(&filter.site, id(place.and_then(|place| place.site.as_ref())).as_deref())
}
