//! A site as a location, its stations' EVSEs as EVSEs.

use voltwin_core::TwinId;
use voltwin_graph::{Graph, TwinRef};

use crate::map::Operator;
use crate::map::ids::{evse_id, evse_uid, location_id};
use crate::{
    Capability, CiText, Connector, ConnectorFormat, ConnectorStandard, DateTime, Evse, EvseStatus,
    GeoLocation, Hours, Location, PowerType, Text,
};

const STATION: &str = "dtmi:voltwin:ChargingStation;1";
const HUB: &str = "dtmi:voltwin:Hub;1";

/// Volts between a phase and neutral.
const AC_V: f64 = 230.0;
/// Watts up to which an AC connector of unknown current is taken for one of a single phase.
const ONE_PHASE_W: f64 = 7_400.0;

/// Why something is not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The twin.
    pub twin: TwinId,
    /// What it lacks, for a person.
    pub missing: String,
}

/// The location of a site with the EVSEs of its stations; `None` when OCPI demands something that the site lacks.
/// `tariffs` gives the ids of the tariffs of a connector's twin. Every `last_updated` is `now`: see
/// [`crate::settle`].
pub fn location(
    operator: &Operator,
    graph: &Graph,
    site: &TwinRef<'_>,
    tariffs: impl Fn(&TwinId) -> Vec<CiText<36>>,
    now: DateTime,
) -> (Option<Location>, Vec<Gap>) {
    let mut gaps = Vec::new();
    let mut evses = Vec::new();
    for station in stations(graph, site) {
        station_evses(operator, &station, &tariffs, now, &mut evses, &mut gaps);
    }
    let text = |name: &'static str| site.text(name).map(str::trim).filter(|text| !text.is_empty());
    let coordinates =
        site.f64("lat_deg").zip(site.f64("lon_deg")).and_then(|(lat, lon)| GeoLocation::of(lat, lon));
    let country =
        text("country").filter(|text| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()));
    let needed = [
        ("address", text("address").is_some()),
        ("city", text("city").is_some()),
        ("country (three capital letters)", country.is_some()),
        ("time_zone", text("time_zone").is_some()),
        ("lat_deg and lon_deg", coordinates.is_some()),
    ];
    let missing: Vec<&str> = needed.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        gaps.push(Gap { twin: site.id().clone(), missing: missing.join(", ") });
    }
    let build = || {
        Some(Location {
            country_code: operator.country_code.clone(),
            party_id: operator.party_id.clone(),
            id: location_id(site.id().as_str()),
            publish: true,
            name: text("name").map(Text::fitted),
            address: Text::fitted(text("address")?),
            city: Text::fitted(text("city")?),
            postal_code: text("postal_code").map(Text::fitted),
            country: Text::fitted(country?),
            coordinates: coordinates.clone()?,
            evses,
            operator: Some(operator.business_details.clone()),
            time_zone: Text::fitted(text("time_zone")?),
            opening_times: Some(Hours { twentyfourseven: true }),
            last_updated: now,
        })
    };
    (build(), gaps)
}

/// Stations of a site, directly and in its hubs, by id.
fn stations<'g>(graph: &'g Graph, site: &TwinRef<'g>) -> Vec<TwinRef<'g>> {
    let is_a = |twin: &TwinRef<'_>, model: &str| graph.ontology().is_a(twin.model().as_str(), model);
    let mut found: Vec<TwinRef<'g>> = Vec::new();
    for member in site.related("contains") {
        if is_a(&member, STATION) {
            found.push(member);
        } else if is_a(&member, HUB) {
            found.extend(member.related("contains").filter(|twin| is_a(twin, STATION)));
        }
    }
    found.sort_by(|a, b| a.id().cmp(b.id()));
    found.dedup_by(|a, b| a.id() == b.id());
    found
}

fn station_evses(
    operator: &Operator,
    station: &TwinRef<'_>,
    tariffs: &impl Fn(&TwinId) -> Vec<CiText<36>>,
    now: DateTime,
    evses: &mut Vec<Evse>,
    gaps: &mut Vec<Gap>,
) {
    let mut twins: Vec<_> = station.related("hasEvse").collect();
    twins.sort_by_key(|evse| evse.i64("evse_id").unwrap_or(i64::MAX));
    let name = station.text("name").filter(|name| !name.is_empty() && name.chars().count() <= 16);
    for evse in twins {
        let mut plugs: Vec<_> = evse.related("hasConnector").collect();
        plugs.sort_by_key(|plug| plug.i64("connector_id").unwrap_or(i64::MAX));
        let mut connectors = Vec::new();
        for plug in &plugs {
            match connector(plug, tariffs(plug.id()), now) {
                Ok(connector) => connectors.push(connector),
                Err(missing) => gaps.push(Gap { twin: plug.id().clone(), missing }),
            }
        }
        if connectors.is_empty() {
            gaps.push(Gap {
                twin: evse.id().clone(),
                missing: "a connector that can be published".to_owned(),
            });
            continue;
        }
        evses.push(Evse {
            uid: evse_uid(evse.id().as_str()),
            evse_id: Some(evse_id(operator, evse.id().as_str())),
            status: status(station, &plugs),
            capabilities: vec![
                Capability::RemoteStartStopCapable,
                Capability::RfidReader,
                Capability::Reservable,
                Capability::UnlockCapable,
            ],
            connectors,
            coordinates: station
                .f64("lat_deg")
                .zip(station.f64("lon_deg"))
                .and_then(|(lat, lon)| GeoLocation::of(lat, lon)),
            physical_reference: name.map(Text::fitted),
            last_updated: now,
        });
    }
}

/// The status of an EVSE: what its busiest connector says; unknown while the station is away.
fn status(station: &TwinRef<'_>, plugs: &[TwinRef<'_>]) -> EvseStatus {
    if station.bool("online") != Some(true) {
        return EvseStatus::Unknown;
    }
    let of = |plug: &TwinRef<'_>| match plug.text("status") {
        Some("Preparing" | "Charging" | "SuspendedEVSE" | "SuspendedEV" | "Finishing" | "Occupied") => {
            EvseStatus::Charging
        }
        Some("Reserved") => EvseStatus::Reserved,
        Some("Available") => EvseStatus::Available,
        Some("Unavailable") => EvseStatus::Inoperative,
        Some("Faulted") => EvseStatus::OutOfOrder,
        _ => EvseStatus::Unknown,
    };
    use EvseStatus as S;
    let said: Vec<EvseStatus> = plugs.iter().map(of).collect();
    [S::Charging, S::Reserved, S::Available, S::Inoperative, S::OutOfOrder]
        .into_iter()
        .find(|status| said.contains(status))
        .unwrap_or(S::Unknown)
}

/// What a kind of connector is: its standard and format, whether it is DC, and the volts and amperes that its standard
/// bounds it to.
struct Kind {
    standard: ConnectorStandard,
    format: ConnectorFormat,
    dc: bool,
    max_v: f64,
    max_a: f64,
}

fn kind(name: &str) -> Option<Kind> {
    use ConnectorFormat::{Cable, Socket};
    use ConnectorStandard as C;
    let kind = |standard, format, dc, max_v, max_a| Some(Kind { standard, format, dc, max_v, max_a });
    match name {
        "cCCS1" => kind(C::Iec62196T1Combo, Cable, true, 1_000.0, 500.0),
        "cCCS2" => kind(C::Iec62196T2Combo, Cable, true, 1_000.0, 500.0),
        "cG105" | "cChaoJi" => {
            let standard = if name == "cG105" { C::Chademo } else { C::Chaoji };
            kind(standard, Cable, true, 1_000.0, 400.0)
        }
        "cGBT" => kind(C::GbtDc, Cable, true, 1_000.0, 250.0),
        "cTesla" => kind(C::TeslaS, Cable, true, 500.0, 350.0),
        "Pan" => kind(C::PantographTopDown, Cable, true, 1_000.0, 600.0),
        "cType1" => kind(C::Iec62196T1, Cable, false, AC_V, 80.0),
        "cType2" => kind(C::Iec62196T2, Cable, false, AC_V, 63.0),
        "sType2" => kind(C::Iec62196T2, Socket, false, AC_V, 63.0),
        "sType3" => kind(C::Iec62196T3c, Socket, false, AC_V, 63.0),
        "s309-1P-16A" => kind(C::Iec603092Single16, Socket, false, AC_V, 16.0),
        "s309-3P-16A" => kind(C::Iec603092Three16, Socket, false, AC_V, 16.0),
        "s309-3P-32A" => kind(C::Iec603092Three32, Socket, false, AC_V, 32.0),
        "sBS1361" => kind(C::DomesticG, Socket, false, AC_V, 13.0),
        "sCEE-7-7" => kind(C::DomesticF, Socket, false, AC_V, 16.0),
        _ => None,
    }
}

fn connector(plug: &TwinRef<'_>, tariff_ids: Vec<CiText<36>>, now: DateTime) -> Result<Connector, String> {
    let name = plug.text("type").unwrap_or_default();
    let missing = || match name {
        "" => "type".to_owned(),
        other => format!("a type that OCPI knows (`{other}` has no counterpart)"),
    };
    let kind = kind(name).ok_or_else(missing)?;
    let number = plug.i64("connector_id").ok_or("connector_id")?;
    let power_w = plug.f64("max_power_w").filter(|w| (1.0..=2e9).contains(w));
    let known_a = plug.f64("max_current_a").filter(|a| (1.0..=1e6).contains(a));
    let max_v = plug.f64("max_voltage_v").filter(|v| (1.0..=1e6).contains(v)).unwrap_or(kind.max_v);
    let three = name.contains("3P") || (!name.contains("1P") && power_w.is_some_and(|w| w > ONE_PHASE_W));
    let (power_type, phases) = match (kind.dc, three) {
        (true, _) => (PowerType::Dc, 1.0),
        (false, true) => (PowerType::Ac3Phase, 3.0),
        (false, false) => (PowerType::Ac1Phase, 1.0),
    };
    // a DC connector gives its power at any voltage that the vehicle asks for; an AC one at that of the grid
    let from_power = power_w.filter(|_| !kind.dc).map(|w| (w / (max_v * phases)).min(kind.max_a));
    Ok(Connector {
        id: CiText::new(&number.to_string()).map_err(|error| error.to_string())?,
        standard: kind.standard,
        format: kind.format,
        power_type,
        max_voltage: max_v.round() as i32,
        max_amperage: known_a.or(from_power).unwrap_or(kind.max_a).round().max(1.0) as i32,
        max_electric_power: power_w.map(|w| w.round() as i32),
        tariff_ids,
        last_updated: now,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::BusinessDetails;
    use voltwin_core::{Event, EventBody, PropertyMap, PropertyName, RelationshipId, Seq, Timestamp, Value};
    use voltwin_ontology::Ontology;

    pub(crate) fn operator() -> Operator {
        Operator {
            country_code: CiText::new("DE").unwrap(),
            party_id: CiText::new("VOL").unwrap(),
            business_details: BusinessDetails { name: Text::fitted("Volt"), website: None },
        }
    }

    pub(crate) struct World {
        pub(crate) graph: Graph,
        seq: u64,
    }

    impl World {
        pub(crate) fn new() -> Self {
            let mut world = Self { graph: Graph::new(Ontology::built_in()), seq: 0 };
            world.twin(
                "SITE",
                "Site",
                &[
                    ("name", "Harbour".into()),
                    ("address", "Quay 1".into()),
                    ("city", "Hamburg".into()),
                    ("country", "DEU".into()),
                    ("time_zone", "Europe/Berlin".into()),
                    ("lat_deg", 53.54.into()),
                    ("lon_deg", 9.98.into()),
                ],
            );
            world.twin("ST", "ChargingStation", &[("online", true.into())]);
            world.twin("ST:1", "EVSE", &[("evse_id", 1i64.into())]);
            let plug = [
                ("evse_id", 1i64.into()),
                ("connector_id", 1i64.into()),
                ("type", "cCCS2".into()),
                ("status", "Available".into()),
                ("max_power_w", 150_000.0.into()),
            ];
            world.twin("ST:1:1", "Connector", &plug);
            world.link("SITE", "contains", "ST");
            world.link("ST", "hasEvse", "ST:1");
            world.link("ST:1", "hasConnector", "ST:1:1");
            world
        }

        fn happen(&mut self, twin: &str, body: EventBody) {
            self.seq += 1;
            let at = Timestamp::from_micros(1);
            let event = Event::new("t".parse().unwrap(), twin.parse().unwrap(), at, at, body);
            self.graph.apply(&self.graph.check(&event).unwrap(), Seq(self.seq));
        }

        fn twin(&mut self, id: &str, model: &str, values: &[(&str, Value)]) {
            let model = format!("dtmi:voltwin:{model};1").parse().unwrap();
            let properties = values
                .iter()
                .map(|(name, value)| (PropertyName::new(name).unwrap(), value.clone()))
                .collect();
            self.happen(id, EventBody::Created { model, properties });
        }

        fn link(&mut self, source: &str, name: &str, target: &str) {
            let id = RelationshipId::new(&format!("{name}-{target}")).unwrap();
            let (name, target) = (PropertyName::new(name).unwrap(), target.parse().unwrap());
            self.happen(source, EventBody::Linked { id, name, target, properties: PropertyMap::new() });
        }

        pub(crate) fn patch(&mut self, twin: &str, name: &str, value: Value) {
            self.happen(twin, EventBody::patch([(name, value)]));
        }

        pub(crate) fn location(&self) -> (Option<Location>, Vec<Gap>) {
            let site = self.graph.twin("SITE").unwrap();
            location(&operator(), &self.graph, &site, |_| Vec::new(), DateTime::default())
        }
    }

    #[test]
    fn a_site_becomes_a_location() {
        let (location, gaps) = World::new().location();
        let location = location.unwrap();
        assert!(gaps.is_empty(), "{gaps:?}");
        assert_eq!(location.coordinates.latitude.as_str(), "53.54000");
        let evse = &location.evses[0];
        assert_eq!((evse.uid.as_str(), &evse.status), ("ST:1", &EvseStatus::Available));
        let plug = &evse.connectors[0];
        assert_eq!(plug.standard, ConnectorStandard::Iec62196T2Combo);
        assert_eq!((plug.max_voltage, plug.max_amperage), (1_000, 500));
        let json = serde_json::to_string(&location).unwrap();
        assert_eq!(crate::read::<Location>(json.as_bytes()).unwrap(), location);
    }

    #[test]
    fn what_ocpi_demands_and_a_twin_lacks_is_told() {
        let mut world = World::new();
        world.patch("SITE", "address", "".into());
        world.patch("ST:1:1", "type", "wInductive".into());
        let (location, gaps) = world.location();
        assert!(location.is_none());
        let told: Vec<(&str, &str)> =
            gaps.iter().map(|gap| (gap.twin.as_str(), gap.missing.as_str())).collect();
        assert_eq!(told[0].0, "ST:1:1");
        assert_eq!(told.last().unwrap(), &("SITE", "address"));
    }

    #[test]
    fn an_ac_socket_has_the_amperes_of_its_power() {
        let mut world = World::new();
        world.patch("ST:1:1", "type", "sType2".into());
        for (power_w, power_type, amperes) in [
            (22_000.0, PowerType::Ac3Phase, 32),
            (11_000.0, PowerType::Ac3Phase, 16),
            (3_680.0, PowerType::Ac1Phase, 16),
        ] {
            world.patch("ST:1:1", "max_power_w", power_w.into());
            let plug = world.location().0.unwrap().evses[0].connectors[0].clone();
            assert_eq!((plug.power_type, plug.max_voltage, plug.max_amperage), (power_type, 230, amperes));
        }
        world.patch("ST:1:1", "max_current_a", 20.0.into());
        assert_eq!(world.location().0.unwrap().evses[0].connectors[0].max_amperage, 20);
    }

    #[test]
    fn the_status_follows_the_twins() {
        let mut world = World::new();
        let seen = |world: &World| world.location().0.unwrap().evses[0].status.clone();
        for (said, status) in [
            ("Charging", EvseStatus::Charging),
            ("Reserved", EvseStatus::Reserved),
            ("Faulted", EvseStatus::OutOfOrder),
            ("Unavailable", EvseStatus::Inoperative),
        ] {
            world.patch("ST:1:1", "status", said.into());
            assert_eq!(seen(&world), status);
        }
        world.patch("ST", "online", false.into());
        assert_eq!(seen(&world), EvseStatus::Unknown);
    }
}
