//! The files of `ontology/`, embedded.

/// File name within `ontology/`, and text.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("BatteryPack.json", include_str!("../../../../ontology/BatteryPack.json")),
    ("ChargingStation.json", include_str!("../../../../ontology/ChargingStation.json")),
    ("ChargingTransaction.json", include_str!("../../../../ontology/ChargingTransaction.json")),
    ("Connector.json", include_str!("../../../../ontology/Connector.json")),
    ("EVSE.json", include_str!("../../../../ontology/EVSE.json")),
    ("GridConnection.json", include_str!("../../../../ontology/GridConnection.json")),
    ("Hub.json", include_str!("../../../../ontology/Hub.json")),
    ("Site.json", include_str!("../../../../ontology/Site.json")),
    ("SiteMember.json", include_str!("../../../../ontology/SiteMember.json")),
    ("Vehicle.json", include_str!("../../../../ontology/Vehicle.json")),
    ("Zone.json", include_str!("../../../../ontology/Zone.json")),
    ("ZoneMember.json", include_str!("../../../../ontology/ZoneMember.json")),
    ("energygrid/Battery.json", include_str!("../../../../ontology/energygrid/Battery.json")),
    ("energygrid/ElectricVehicle.json", include_str!("../../../../ontology/energygrid/ElectricVehicle.json")),
    ("energygrid/UsagePoint.json", include_str!("../../../../ontology/energygrid/UsagePoint.json")),
];
