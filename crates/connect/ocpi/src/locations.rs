//! Where one can charge.

use serde::{Deserialize, Serialize};

use crate::{
    BusinessDetails, Capability, CiText, ConnectorFormat, ConnectorStandard, DateTime, EvseStatus, PowerType,
    Text,
};

/// A place with charging equipment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// The operator's country.
    pub country_code: CiText<2>,
    /// The operator.
    pub party_id: CiText<3>,
    /// Its id.
    pub id: CiText<36>,
    /// Whether it may be shown to everybody.
    pub publish: bool,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<255>>,
    /// Street and number.
    pub address: Text<45>,
    /// City or town.
    pub city: Text<45>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Text<10>>,
    /// ISO 3166-1 alpha-3.
    pub country: Text<3>,
    /// Where it is.
    pub coordinates: GeoLocation,
    /// Its equipment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evses: Vec<Evse>,
    /// Who operates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<BusinessDetails>,
    /// IANA name of its time zone.
    pub time_zone: Text<255>,
    /// When it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_times: Option<Hours>,
    /// When any of this changed.
    pub last_updated: DateTime,
}

/// A position: degrees as text with five decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoLocation {
    /// Degrees north.
    pub latitude: Text<10>,
    /// Degrees east.
    pub longitude: Text<11>,
}

impl GeoLocation {
    /// The text form; `None` out of range.
    #[must_use]
    pub fn of(lat_deg: f64, lon_deg: f64) -> Option<Self> {
        let fits = lat_deg.abs() <= 90.0 && lon_deg.abs() <= 180.0;
        let text = |deg: f64| format!("{:.5}", deg + 0.0);
        fits.then(|| Self { latitude: Text::fitted(&text(lat_deg)), longitude: Text::fitted(&text(lon_deg)) })
    }
}

/// Opening times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Always open.
    pub twentyfourseven: bool,
}

/// One place to charge one vehicle at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evse {
    /// Its id within our systems.
    pub uid: CiText<36>,
    /// Its id by eMI3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse_id: Option<CiText<48>>,
    /// Its status.
    pub status: EvseStatus,
    /// What it can do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// Its connectors, one at least.
    pub connectors: Vec<Connector>,
    /// Where it is, when not where the location is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<GeoLocation>,
    /// What is written on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_reference: Option<Text<16>>,
    /// When any of this changed.
    pub last_updated: DateTime,
}

/// One way to plug in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connector {
    /// Its number within the EVSE.
    pub id: CiText<36>,
    /// Its shape.
    pub standard: ConnectorStandard,
    /// Socket or cable.
    pub format: ConnectorFormat,
    /// Its current.
    pub power_type: PowerType,
    /// Volts at most; line to neutral for three phases.
    pub max_voltage: i32,
    /// Amperes at most.
    pub max_amperage: i32,
    /// Watts at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_electric_power: Option<i32>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tariff_ids: Vec<CiText<36>>,
    /// When any of this changed.
    pub last_updated: DateTime,
}
