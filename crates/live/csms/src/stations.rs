//! The twins of a station: made when first heard of, kept true with every message.

use voltwin_core::{
    Dtmi, Event, EventBody, PropertyMap, PropertyName, RelationshipId, TenantId, TwinId, Value,
};
use voltwin_graph::{Graph, TwinRef};
use voltwin_ocpp::{ConnectorStatus, Version};
use voltwin_runtime::RuntimeError;

use crate::CentralSystem;

pub(crate) const STATION: &str = "dtmi:voltwin:ChargingStation;1";
const EVSE: &str = "dtmi:voltwin:EVSE;1";
const CONNECTOR: &str = "dtmi:voltwin:Connector;1";

/// The twin id of an EVSE.
pub(crate) fn evse_id(station: &TwinId, evse: u32) -> Result<TwinId, voltwin_core::CoreError> {
    TwinId::new(&format!("{station}:{evse}"))
}

/// The twin id of a connector.
pub(crate) fn connector_id(
    station: &TwinId,
    evse: u32,
    connector: u32,
) -> Result<TwinId, voltwin_core::CoreError> {
    TwinId::new(&format!("{station}:{evse}:{connector}"))
}

/// Properties from pairs whose names are literals of this crate.
pub(crate) fn properties(values: impl IntoIterator<Item = (&'static str, Value)>) -> PropertyMap {
    values.into_iter().filter_map(|(name, value)| Some((PropertyName::new(name).ok()?, value))).collect()
}

/// A patch that sets some properties and removes others.
pub(crate) fn patch(
    set: impl IntoIterator<Item = (&'static str, Value)>,
    remove: impl IntoIterator<Item = &'static str>,
) -> EventBody {
    let set = set.into_iter().map(|(name, value)| (name, Some(value)));
    let remove = remove.into_iter().map(|name| (name, None));
    let named = |(name, value)| Some((PropertyName::new(name).ok()?, value));
    EventBody::Patched { values: set.chain(remove).filter_map(named).collect() }
}

fn created(model: &str, values: impl IntoIterator<Item = (&'static str, Value)>) -> Option<EventBody> {
    Some(EventBody::Created { model: Dtmi::new(model).ok()?, properties: properties(values) })
}

fn offline() -> EventBody {
    patch([("online", false.into()), ("status", "Offline".into())], [])
}

fn linked(name: &str, target: &TwinId) -> Option<EventBody> {
    Some(EventBody::Linked {
        id: RelationshipId::new(&format!("{name}-{target}")).ok()?,
        name: PropertyName::new(name).ok()?,
        target: target.clone(),
        properties: PropertyMap::new(),
    })
}

impl CentralSystem {
    /// Makes the station's twin if there is none yet.
    pub(crate) async fn ensure_station(
        &self,
        tenant: &TenantId,
        station: &TwinId,
    ) -> Result<(), RuntimeError> {
        self.ensure_named_station(tenant, station, station.as_str()).await
    }

    pub(crate) async fn ensure_named_station(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        name: &str,
    ) -> Result<(), RuntimeError> {
        if self.inner.runtime.read(tenant, |graph| graph.twin(station.as_str()).is_some()) {
            return Ok(());
        }
        let Some(body) =
            created(STATION, [("name", name.into()), ("online", false.into()), ("status", "Offline".into())])
        else {
            return Ok(());
        };
        self.inner.runtime.submit(self.event(tenant, station, body)).await.map(drop)
    }

    /// Makes the twins of an EVSE and its connector if there are none yet, and hangs them under the station.
    pub(crate) async fn ensure_connector(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        evse: u32,
        connector: u32,
    ) -> Result<TwinId, crate::CsmsError> {
        let (evse_twin, twin) = (evse_id(station, evse)?, connector_id(station, evse, connector)?);
        let (has_evse, has_connector) = self.inner.runtime.read(tenant, |graph| {
            (graph.twin(evse_twin.as_str()).is_some(), graph.twin(twin.as_str()).is_some())
        });
        if has_connector {
            return Ok(twin);
        }
        self.ensure_station(tenant, station).await?;
        let number = |n: u32| Value::from(i64::from(n));
        if !has_evse {
            let made = created(EVSE, [("evse_id", number(evse))]);
            self.submit_each(tenant, [(&evse_twin, made), (station, linked("hasEvse", &evse_twin))]).await?;
        }
        let made = created(
            CONNECTOR,
            [("evse_id", number(evse)), ("connector_id", number(connector)), ("status", "Available".into())],
        );
        self.submit_each(tenant, [(&twin, made), (&evse_twin, linked("hasConnector", &twin))]).await?;
        Ok(twin)
    }

    /// Records events one after the other, each seeing the one before.
    async fn submit_each<'a>(
        &self,
        tenant: &TenantId,
        events: impl IntoIterator<Item = (&'a TwinId, Option<EventBody>)>,
    ) -> Result<(), RuntimeError> {
        for (twin, body) in events {
            if let Some(body) = body {
                self.inner.runtime.submit(self.event(tenant, twin, body)).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn mark_online(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        version: Version,
    ) -> Result<(), RuntimeError> {
        self.ensure_station(tenant, station).await?;
        let now = self.inner.runtime.now().to_string();
        let status = self.inner.runtime.read(tenant, |graph| station_status(graph, station, None));
        let body = patch(
            [
                ("online", true.into()),
                ("ocpp_version", version.to_string().into()),
                ("last_seen", now.into()),
                ("status", status.into()),
            ],
            [],
        );
        self.inner.runtime.submit(self.event(tenant, station, body)).await.map(drop)
    }

    pub(crate) async fn mark_offline(&self, tenant: &TenantId, station: &TwinId) {
        if let Err(error) = self.inner.runtime.submit(self.event(tenant, station, offline())).await {
            tracing::warn!(%station, %error, "could not record that the station went offline");
        }
    }

    /// After a restart nothing is connected, whatever the graph remembers. It is said of every station that was
    /// ever connected, so that rules which wait for one to come back begin to wait again.
    pub(crate) async fn mark_all_offline(&self, tenant: &TenantId) {
        let stations: Vec<TwinId> = self.inner.runtime.read(tenant, |graph| {
            let known = |twin: &TwinRef<'_>| twin.get("last_seen").is_some();
            graph.twins_of(STATION).filter(known).map(|twin| twin.id().clone()).collect()
        });
        let offline = |station: &TwinId| self.event(tenant, station, offline());
        let events = stations.iter().map(offline).collect();
        for (station, result) in stations.iter().zip(self.inner.runtime.submit_all(events).await) {
            if let Err(error) = result {
                tracing::warn!(%station, %error, "could not record that the station went offline");
            }
        }
    }

    /// Every registered station has a twin, also one that has never connected.
    pub(crate) async fn ensure_registered_stations(&self, tenant: &TenantId) -> Result<(), crate::CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let mut cursor = None;
        loop {
            let page = store.stations(cursor.as_deref(), 500).await?;
            for station in page.items {
                let name = if station.name.is_empty() { &station.station } else { &station.name };
                self.ensure_named_station(tenant, &station.station.parse()?, name).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// The station's own figures after its connector `changed` took `power_w`.
    pub(crate) fn station_power(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        changed: &TwinId,
        power_w: f64,
    ) -> f64 {
        self.inner.runtime.read(tenant, |graph| {
            connectors(graph, station)
                .into_iter()
                .map(|twin| if twin.id() == changed { power_w } else { number(&twin, "power_w") })
                .sum()
        })
    }
}

fn number(twin: &TwinRef<'_>, name: &str) -> f64 {
    twin.get(name).and_then(|value| value.as_f64()).unwrap_or(0.0)
}

fn connectors<'g>(graph: &'g Graph, station: &TwinId) -> Vec<TwinRef<'g>> {
    let Some(station) = graph.twin(station.as_str()) else { return Vec::new() };
    let evses: Vec<_> = station.related("hasEvse").collect();
    evses.iter().flat_map(|evse| evse.related("hasConnector").collect::<Vec<_>>()).collect()
}

/// The status of a station as a whole, from its connectors; `changed` is a connector whose new status is not in
/// the graph yet.
pub(crate) fn station_status(
    graph: &Graph,
    station: &TwinId,
    changed: Option<(&TwinId, ConnectorStatus)>,
) -> &'static str {
    use ConnectorStatus as S;
    let mut statuses: Vec<ConnectorStatus> = connectors(graph, station)
        .into_iter()
        .filter(|twin| changed.is_none_or(|(id, _)| twin.id() != id))
        .filter_map(|twin| twin.get("status")?.as_str()?.parse().ok())
        .collect();
    statuses.extend(changed.map(|(_, status)| status));
    let all = |wanted: &[S]| !statuses.is_empty() && statuses.iter().all(|status| wanted.contains(status));
    let any = |wanted: &[S]| statuses.iter().any(|status| wanted.contains(status));
    if all(&[S::Faulted]) {
        "Faulted"
    } else if all(&[S::Faulted, S::Unavailable]) {
        "Unavailable"
    } else if any(&[S::Charging]) {
        "Charging"
    } else if any(&[S::Preparing, S::SuspendedEV, S::SuspendedEVSE, S::Finishing, S::Occupied, S::Reserved]) {
        "Occupied"
    } else {
        "Available"
    }
}

/// Events of one message, in order, all of `tenant`.
pub(crate) struct Events<'a> {
    csms: &'a CentralSystem,
    tenant: &'a TenantId,
    trace: voltwin_core::TraceId,
    pub(crate) list: Vec<Event>,
}

impl<'a> Events<'a> {
    pub(crate) fn new(csms: &'a CentralSystem, tenant: &'a TenantId, trace: voltwin_core::TraceId) -> Self {
        Self { csms, tenant, trace, list: Vec::new() }
    }

    /// Adds an event that happens now.
    pub(crate) fn add_now(&mut self, twin: &TwinId, body: EventBody) {
        self.add(twin, self.csms.inner.runtime.now(), body);
    }

    /// Adds an event that happened at `at`.
    pub(crate) fn add(&mut self, twin: &TwinId, at: voltwin_core::Timestamp, body: EventBody) {
        let received = self.csms.inner.runtime.now();
        let event = Event::new(self.tenant.clone(), twin.clone(), at, received, body);
        self.list.push(event.traced(self.trace));
    }
}
