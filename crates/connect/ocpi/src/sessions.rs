//! Charging sessions and what is billed of them.

use serde::{Deserialize, Serialize};

use crate::tariffs::{Price, Tariff};
use crate::{
    AuthMethod, CiText, ConnectorFormat, ConnectorStandard, DateTime, DimensionType, GeoLocation, Number,
    PowerType, SessionStatus, Text, TokenType,
};

/// A charging session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The operator's country.
    pub country_code: CiText<2>,
    /// The operator.
    pub party_id: CiText<3>,
    /// Its id.
    pub id: CiText<36>,
    /// When it began.
    pub start_date_time: DateTime,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date_time: Option<DateTime>,
    /// How many kWh were charged.
    pub kwh: Number,
    /// Who charges.
    pub cdr_token: CdrToken,
    /// How it was authorised.
    pub auth_method: AuthMethod,
    /// What the authorisation is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiText<36>>,
    /// Where.
    pub location_id: CiText<36>,
    /// At which EVSE.
    pub evse_uid: CiText<36>,
    /// At which connector.
    pub connector_id: CiText<36>,
    /// ISO 4217.
    pub currency: Text<3>,
    /// What was used, over time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charging_periods: Vec<ChargingPeriod>,
    /// What it costs so far, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_cost: Option<Price>,
    /// Where it stands.
    pub status: SessionStatus,
    /// When any of this changed.
    pub last_updated: DateTime,
}

/// The token of a session, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdrToken {
    /// The owner's country.
    pub country_code: CiText<2>,
    /// The owner.
    pub party_id: CiText<3>,
    /// Its id.
    pub uid: CiText<36>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: TokenType,
    /// The contract of the driver.
    pub contract_id: CiText<36>,
}

/// A stretch of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChargingPeriod {
    /// When it began; it ends where the next begins, or with the session.
    pub start_date_time: DateTime,
    /// What was used.
    pub dimensions: Vec<Dimension>,
    /// By which tariff it is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff_id: Option<CiText<36>>,
}

/// One thing that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// What.
    #[serde(rename = "type")]
    pub kind: DimensionType,
    /// How much: kWh, hours …
    pub volume: Number,
}

/// Where a billed session took place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CdrLocation {
    /// The location.
    pub id: CiText<36>,
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
    /// The EVSE within our systems.
    pub evse_uid: CiText<36>,
    /// The EVSE by eMI3.
    pub evse_id: CiText<48>,
    /// The connector.
    pub connector_id: CiText<36>,
    /// Its shape.
    pub connector_standard: ConnectorStandard,
    /// Socket or cable.
    pub connector_format: ConnectorFormat,
    /// Its current.
    pub connector_power_type: PowerType,
}

/// What is billed: the last word on a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cdr {
    /// The operator's country.
    pub country_code: CiText<2>,
    /// The operator.
    pub party_id: CiText<3>,
    /// Its id.
    pub id: CiText<39>,
    /// When the session began.
    pub start_date_time: DateTime,
    /// When it ended.
    pub end_date_time: DateTime,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<CiText<36>>,
    /// Who charged.
    pub cdr_token: CdrToken,
    /// How it was authorised.
    pub auth_method: AuthMethod,
    /// What the authorisation is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_reference: Option<CiText<36>>,
    /// Where.
    pub cdr_location: CdrLocation,
    /// ISO 4217.
    pub currency: Text<3>,
    /// By which tariffs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tariffs: Vec<Tariff>,
    /// What was used, over time.
    pub charging_periods: Vec<ChargingPeriod>,
    /// What the meter signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_data: Option<SignedData>,
    /// What it costs.
    pub total_cost: Price,
    /// Of it, flat fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_fixed_cost: Option<Price>,
    /// kWh.
    pub total_energy: Number,
    /// What the energy costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_energy_cost: Option<Price>,
    /// Hours in all, parking too.
    pub total_time: Number,
    /// What the charging time costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_time_cost: Option<Price>,
    /// Hours without charging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_parking_time: Option<Number>,
    /// What they cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_parking_cost: Option<Price>,
    /// What the reservation costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_reservation_cost: Option<Price>,
    /// More, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Text<255>>,
    /// Whether it takes another one back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<bool>,
    /// The one that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_reference_id: Option<CiText<39>>,
    /// When it was made.
    pub last_updated: DateTime,
}

/// Readings that a meter signed, so that a driver can check the bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedData {
    /// How they are encoded and signed, such as `OCMF`.
    pub encoding_method: CiText<36>,
    /// Which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_method_version: Option<i64>,
    /// The key to check them with, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<CiText<512>>,
    /// The readings.
    pub signed_values: Vec<SignedValue>,
    /// Where they can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Text<512>>,
}

/// One reading that a meter signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedValue {
    /// `Start`, `End` or `Intermediate`.
    pub nature: CiText<32>,
    /// What was signed, readable.
    pub plain_data: Text<512>,
    /// Data and signature, base64.
    pub signed_data: Text<5000>,
}
