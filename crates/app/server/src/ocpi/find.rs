//! Where locations and EVSEs of OCPI are among the twins.

use voltwin_core::{TenantId, TwinId};
use voltwin_graph::{Graph, TwinRef};
use voltwin_ocpi::{CiText, DateTime, Gap, evse_uid, location, location_id};
use voltwin_store::OcpiSettings;

use super::partner::operator;
use crate::network::{EVSE, HUB, SITE, STATION, is_a, parent};
use crate::state::AppState;

/// An EVSE of a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) station: TwinId,
    pub(super) evse: u32,
    pub(super) online: bool,
    pub(super) free: bool,
    /// The OCPP version of the station is a 2.x.
    pub(super) v2: bool,
}

/// The site of a twin: itself, or what it stands in.
pub(super) fn site_of<'g>(graph: &'g Graph, twin: TwinRef<'g>) -> Option<TwinRef<'g>> {
    if is_a(graph, &twin, SITE) {
        return Some(twin);
    }
    if is_a(graph, &twin, HUB) {
        return parent(graph, &twin, "contains", SITE);
    }
    if is_a(graph, &twin, STATION) {
        return parent(graph, &twin, "contains", SITE)
            .or_else(|| parent(graph, &twin, "contains", HUB).and_then(|hub| site_of(graph, hub)));
    }
    if is_a(graph, &twin, EVSE) {
        return parent(graph, &twin, "hasEvse", STATION).and_then(|station| site_of(graph, station));
    }
    parent(graph, &twin, "hasConnector", EVSE).and_then(|evse| site_of(graph, evse))
}

/// The site that is shown as this location.
pub(super) fn site<'g>(graph: &'g Graph, location: &str) -> Option<TwinRef<'g>> {
    graph.twins_of(SITE).find(|site| location_id(site.id().as_str()).is(location))
}

/// The EVSE of a location with this uid; without one, a free one whose station is there.
pub(super) fn place(state: &AppState, tenant: &TenantId, location: &str, uid: Option<&str>) -> Option<Place> {
    state.runtime.read(tenant, |graph| {
        let site = site(graph, location)?;
        let direct = site.related("contains").filter(|twin| is_a(graph, twin, STATION));
        let hubs = site.related("contains").filter(|twin| is_a(graph, twin, HUB));
        let stations = direct.chain(hubs.flat_map(|hub| hub.related("contains")));
        let mut places = stations.flat_map(|station| {
            let evses: Vec<_> = station.related("hasEvse").collect();
            evses.into_iter().map(move |evse| (station, evse))
        });
        let found = match uid {
            Some(uid) => places.find(|(_, evse)| evse_uid(evse.id().as_str()).is(uid)),
            None => places.find(|(station, evse)| station.bool("online") == Some(true) && free(evse)),
        };
        let (station, evse) = found?;
        Some(Place {
            station: station.id().clone(),
            evse: u32::try_from(evse.i64("evse_id")?).ok()?,
            online: station.bool("online") == Some(true),
            free: free(&evse),
            v2: station.text("ocpp_version").is_some_and(|version| version.starts_with('2')),
        })
    })
}

fn free(evse: &TwinRef<'_>) -> bool {
    evse.related("hasConnector").any(|plug| plug.text("status") == Some("Available"))
}

/// What of a tenant cannot be published, and why.
pub(crate) fn gaps(state: &AppState, tenant: &TenantId, settings: &OcpiSettings) -> Vec<Gap> {
    let Ok(operator) = operator(settings) else { return Vec::new() };
    state.runtime.read(tenant, |graph| {
        let sites = graph.twins_of(SITE);
        let of = |site: TwinRef<'_>| {
            location(&operator, graph, &site, |_| Vec::<CiText<36>>::new(), DateTime::default()).1
        };
        let mut gaps: Vec<Gap> = sites.flat_map(of).collect();
        let homeless = graph.twins_of(STATION).filter(|station| site_of(graph, *station).is_none());
        let missing = "a site that contains it".to_owned();
        gaps.extend(homeless.map(|station| Gap { twin: station.id().clone(), missing: missing.clone() }));
        gaps
    })
}
