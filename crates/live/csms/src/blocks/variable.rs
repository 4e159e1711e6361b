//! One variable of a station's device model: its name in each version, its key, and what is known of it.
//!
//! OCPP 2.x names a variable by component, EVSE and variable, each with an instance; a configuration key of 1.6 is a
//! variable of the component `Configuration`. The key of its record is
//! `Component[instance]/evse/connector/Variable[instance]/Type` without the parts that are not there.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use voltwin_core::RECORD_KEY_BYTES_MAX;
use voltwin_ocpp::MAX_CONNECTOR;

use super::payload::{clip, number, text};
use crate::log::{MASK, names_secret};

/// The component under which configuration keys of OCPP 1.6 stand.
pub(super) const CONFIGURATION: &str = "Configuration";
/// The attribute type that is meant when none is said.
pub(super) const ACTUAL: &str = "Actual";
/// Characters of a value that are kept, the most that OCPP 2.x allows.
const VALUE_MAX: usize = 2_500;

/// Which variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct VariableName {
    /// The component; `Configuration` for a key of OCPP 1.6.
    pub component: String,
    /// The instance of the component, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The EVSE, where the component belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evse: Option<i64>,
    /// The connector of the EVSE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<i64>,
    /// The variable.
    pub variable: String,
    /// The instance of the variable, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable_instance: Option<String>,
}

/// What is known of one attribute of a variable.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Variable {
    /// Which variable.
    #[serde(flatten)]
    pub name: VariableName,
    /// `Actual`, `Target`, `MinSet` or `MaxSet`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value as the station writes it, at most 2 500 characters; `***` for a secret, absent when it was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the value is a secret, which is never stored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Whether a person can change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Whether it is kept over a restart (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent: Option<bool>,
    /// Whether it can never change at all (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<bool>,
    /// `string`, `decimal`, `integer`, `dateTime`, `boolean`, `OptionList`, `SequenceList` or `MemberList` (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// The unit (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The lowest value that it takes (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The highest value, or the longest text, that it takes (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The values that it takes, separated by commas (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<String>,
    /// Whether monitors can be set on it (2.x).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitorable: Option<bool>,
    /// True while a new value waits for a restart of the station.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reboot_required: bool,
    /// Why the value is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl VariableName {
    /// A configuration key of OCPP 1.6.
    #[must_use]
    pub fn configuration(key: &str) -> Self {
        Self { component: CONFIGURATION.to_owned(), variable: key.to_owned(), ..Self::default() }
    }

    /// From `component` and `variable` of OCPP 2.x.
    pub(crate) fn read(json: &Json) -> Option<Self> {
        let (component, variable) = (json.get("component")?, json.get("variable")?);
        let evse = component.get("evse");
        Some(Self {
            component: text(component, "name")?.to_owned(),
            instance: text(component, "instance").map(str::to_owned),
            evse: evse.and_then(|evse| number(evse, "id")),
            connector: evse.and_then(|evse| number(evse, "connectorId")),
            variable: text(variable, "name")?.to_owned(),
            variable_instance: text(variable, "instance").map(str::to_owned),
        })
    }

    /// `component` and `variable` as OCPP 2.x spells them.
    pub(crate) fn write(&self) -> Json {
        let mut component = json!({"name": self.component});
        if let Some(instance) = &self.instance {
            component["instance"] = instance.as_str().into();
        }
        if let Some(evse) = self.evse {
            component["evse"] = json!({"id": evse});
            if let Some(connector) = self.connector {
                component["evse"]["connectorId"] = connector.into();
            }
        }
        let mut variable = json!({"name": self.variable});
        if let Some(instance) = &self.variable_instance {
            variable["instance"] = instance.as_str().into();
        }
        json!({"component": component, "variable": variable})
    }

    /// Whether its value must not be stored.
    pub(crate) fn is_secret(&self) -> bool {
        names_secret(&self.variable) || names_secret(&self.component)
    }

    /// The key of its record; `None` for a name that no key can hold.
    #[must_use]
    pub fn key(&self, kind: &str) -> Option<String> {
        let mut key = escaped(&self.component);
        if let Some(instance) = &self.instance {
            let _ = write!(key, "[{}]", escaped(instance));
        }
        if let Some(evse) = self.evse {
            let _ = write!(key, "/{evse}");
            if let Some(connector) = self.connector {
                let _ = write!(key, "/{connector}");
            }
        }
        let _ = write!(key, "/{}", escaped(&self.variable));
        if let Some(instance) = &self.variable_instance {
            let _ = write!(key, "[{}]", escaped(instance));
        }
        let _ = write!(key, "/{}", escaped(kind));
        (key.len() <= RECORD_KEY_BYTES_MAX && !self.variable.is_empty()).then_some(key)
    }
}

/// The name with the marks of the key written as `%XX`.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '/' | '[' | ']' | '%') || c.is_control() {
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

impl Variable {
    /// Nothing known yet.
    pub(crate) fn new(name: VariableName, kind: &str) -> Self {
        Self { secret: name.is_secret(), name, kind: kind.to_owned(), ..Self::default() }
    }

    /// Takes a new value, masked where it is a secret and doubted where it cannot be true.
    pub(crate) fn set(&mut self, value: Option<&str>) {
        let masked = self.secret || self.kind.is_empty();
        self.value = value.map(|value| if masked { MASK.to_owned() } else { clip(value, VALUE_MAX) });
        self.doubt = value.and_then(|value| doubt(&self.name.variable, value));
    }

    /// Takes what a report says of one attribute and of the variable's characteristics.
    pub(crate) fn describe(&mut self, attribute: &Json, characteristics: Option<&Json>) {
        let flag = |json: &Json, field: &str| json.get(field).and_then(Json::as_bool);
        let mutability = text(attribute, "mutability");
        self.secret |= mutability == Some("WriteOnly");
        self.read_only = Some(mutability == Some("ReadOnly"));
        self.persistent = flag(attribute, "persistent");
        self.constant = flag(attribute, "constant");
        if let Some(about) = characteristics {
            self.data_type = text(about, "dataType").map(str::to_owned);
            self.unit = text(about, "unit").map(|unit| clip(unit, 16));
            self.min = about.get("minLimit").and_then(Json::as_f64);
            self.max = about.get("maxLimit").and_then(Json::as_f64);
            self.values = text(about, "valuesList").map(|values| clip(values, 1_000));
            self.monitorable = flag(about, "supportsMonitoring");
        }
        self.set(text(attribute, "value"));
    }

    pub(crate) fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or(Json::Null)
    }
}

/// Counts that no station can have; nothing is ever sized by them.
fn doubt(variable: &str, value: &str) -> Option<String> {
    let counts_connectors = ["NumberOfConnectors", "EVSECount"].contains(&variable);
    let absurd =
        counts_connectors && value.parse::<i64>().is_ok_and(|n| !(0..=i64::from(MAX_CONNECTOR)).contains(&n));
    absurd.then(|| format!("no station has this many connectors; {MAX_CONNECTOR} at most are believed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(json: &Json) -> VariableName {
        VariableName::read(json).unwrap()
    }

    #[test]
    fn keys_tell_variables_apart() {
        for (json, key) in [
            (
                json!({"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}),
                "OCPPCommCtrlr/HeartbeatInterval/Actual",
            ),
            (
                json!({"component": {"name": "Connector", "evse": {"id": 1, "connectorId": 2}},
                    "variable": {"name": "AvailabilityState"}}),
                "Connector/1/2/AvailabilityState/Actual",
            ),
            (
                json!({"component": {"name": "EVSE", "evse": {"id": 3}}, "variable": {"name": "Power"}}),
                "EVSE/3/Power/Actual",
            ),
            (
                json!({"component": {"name": "DeviceDataCtrlr"},
                    "variable": {"name": "ItemsPerMessage", "instance": "GetVariables"}}),
                "DeviceDataCtrlr/ItemsPerMessage[GetVariables]/Actual",
            ),
            (
                json!({"component": {"name": "A/B", "instance": "x]y"}, "variable": {"name": "50%\n"}}),
                "A%2FB[x%5Dy]/50%25%0A/Actual",
            ),
        ] {
            let name = name(&json);
            assert_eq!(name.key(ACTUAL).as_deref(), Some(key));
            assert_eq!(name.write(), json);
        }
        assert_eq!(
            VariableName::configuration("HeartbeatInterval").key(ACTUAL).unwrap(),
            "Configuration/HeartbeatInterval/Actual"
        );
        assert_eq!(VariableName::configuration(&"/".repeat(400)).key(ACTUAL), None);
    }

    #[test]
    fn a_secret_is_never_kept() {
        for variable in ["AuthorizationKey", "BasicAuthPassword", "ftpPASSWORDold"] {
            let mut known = Variable::new(VariableName::configuration(variable), ACTUAL);
            known.set(Some("hunter2"));
            assert_eq!(known.value.as_deref(), Some(MASK));
        }
        let mut known = Variable::new(VariableName::configuration("Pin"), ACTUAL);
        known.describe(&json!({"mutability": "WriteOnly", "value": "1234"}), None);
        assert!(!known.to_json().to_string().contains("1234"));
    }

    #[test]
    fn an_absurd_count_is_doubted_and_sizes_nothing() {
        let mut known = Variable::new(VariableName::configuration("NumberOfConnectors"), ACTUAL);
        known.set(Some("1634030126"));
        assert!(known.doubt.is_some());
        known.set(Some("2"));
        assert_eq!((known.doubt, known.value.as_deref()), (None, Some("2")));
    }
}
