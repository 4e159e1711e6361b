//! What counts as wrong.

use voltwin_core::{Severity, Value};
use voltwin_graph::TwinRef;

/// One condition on one property of one kind of twin.
pub struct Rule {
    /// The alarm's stable code.
    pub code: &'static str,
    /// The model whose twins it watches (and those that extend it).
    pub model: &'static str,
    /// The property whose change is looked at.
    pub property: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Seconds for which the condition must hold before the alarm is raised.
    pub delay_s: f64,
    /// Whether the new value is wrong; the flag tells whether the alarm is open, for hysteresis.
    pub wrong: fn(&Value, &TwinRef<'_>, bool) -> bool,
    /// What to tell a person.
    pub message: fn(&Value, &TwinRef<'_>) -> String,
}

/// Every rule.
pub const RULES: &[Rule] = &[
    Rule {
        code: "ConnectorFaulted",
        model: "dtmi:voltwin:Connector;1",
        property: "status",
        severity: Severity::Major,
        delay_s: 0.0,
        wrong: |value, _, _| value.as_str() == Some("Faulted"),
        message: |_, twin| {
            let code = twin.get("error_code");
            let code = code.as_ref().and_then(Value::as_str).filter(|code| !matches!(*code, "" | "NoError"));
            format!("the connector reports a fault: {}", code.unwrap_or("no error code given"))
        },
    },
    Rule {
        code: "StationOffline",
        model: "dtmi:voltwin:ChargingStation;1",
        property: "online",
        severity: Severity::Major,
        delay_s: 30.0,
        // one that has never come is being set up, and is not lost
        wrong: |value, twin, _| value.as_bool() == Some(false) && twin.get("last_seen").is_some(),
        message: |_, _| "the station has been unreachable for 30 s".to_owned(),
    },
    Rule {
        code: "StationFaulted",
        model: "dtmi:voltwin:ChargingStation;1",
        property: "status",
        severity: Severity::Critical,
        delay_s: 0.0,
        wrong: |value, _, _| value.as_str() == Some("Faulted"),
        message: |_, _| "the whole station reports a fault".to_owned(),
    },
    Rule {
        code: "FirmwareUpdateFailed",
        model: "dtmi:voltwin:ChargingStation;1",
        property: "firmware_status",
        severity: Severity::Minor,
        delay_s: 0.0,
        wrong: |value, _, _| {
            let failed = [
                "DownloadFailed",
                "InstallationFailed",
                "InstallVerificationFailed",
                "InvalidSignature",
                "RevokedCertificate",
                "InvalidCertificate",
            ];
            value.as_str().is_some_and(|status| failed.contains(&status))
        },
        message: |value, _| format!("a firmware update ended with {}", value.as_str().unwrap_or("an error")),
    },
    Rule {
        code: "GridOverload",
        model: "dtmi:voltwin:GridConnection;1",
        property: "power_w",
        severity: Severity::Critical,
        delay_s: 5.0,
        wrong: |value, twin, open| {
            let limit_w = twin.get("max_power_w").and_then(|limit| limit.as_f64());
            let fraction = if open { 0.97 } else { 1.0 };
            matches!((value.as_f64(), limit_w), (Some(power_w), Some(limit_w)) if power_w > limit_w * fraction)
        },
        message: |value, twin| {
            let kw = |value: Option<f64>| value.unwrap_or(0.0) / 1e3;
            let limit_w = twin.get("max_power_w").and_then(|limit| limit.as_f64());
            format!("{:.0} kW drawn of {:.0} kW allowed", kw(value.as_f64()), kw(limit_w))
        },
    },
    Rule {
        code: "VehicleFaulted",
        model: "dtmi:voltwin:Vehicle;1",
        property: "status",
        severity: Severity::Major,
        delay_s: 0.0,
        wrong: |value, _, _| value.as_str() == Some("Faulted"),
        message: |_, _| "the vehicle reports a fault".to_owned(),
    },
    Rule {
        code: "VehicleLowCharge",
        model: "dtmi:voltwin:Vehicle;1",
        property: "soc",
        severity: Severity::Minor,
        delay_s: 0.0,
        wrong: |value, _, open| value.as_f64().is_some_and(|soc| soc < if open { 0.08 } else { 0.05 }),
        message: |value, _| format!("{:.1} % charge left", value.as_f64().unwrap_or(0.0) * 100.0),
    },
    Rule {
        code: "PackOverTemperature",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "temp_c",
        severity: Severity::Critical,
        delay_s: 0.0,
        wrong: |value, _, open| value.as_f64().is_some_and(|temp_c| temp_c > if open { 52.0 } else { 55.0 }),
        message: |value, _| {
            format!("the pack is at {:.1} °C, the limit is 55 °C", value.as_f64().unwrap_or(0.0))
        },
    },
    Rule {
        code: "BatterySoftShort",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "warnings",
        severity: Severity::Critical,
        delay_s: 0.0,
        wrong: |value, _, _| names(value, "soft-short"),
        message: |_, _| "a cell of the battery loses charge against the others (soft-short)".to_owned(),
    },
    Rule {
        code: "BatteryThermal",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "warnings",
        severity: Severity::Critical,
        delay_s: 0.0,
        wrong: |value, _, _| names(value, "thermal"),
        message: |_, _| "the battery, or one of its cells, is warmer than it should be (thermal)".to_owned(),
    },
    Rule {
        code: "BatteryWeakCell",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "warnings",
        severity: Severity::Major,
        delay_s: 0.0,
        wrong: |value, _, _| names(value, "weak-cell"),
        message: |_, _| "a cell of the battery has less capacity than the others (weak-cell)".to_owned(),
    },
    Rule {
        code: "BatteryCellSpread",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "warnings",
        severity: Severity::Minor,
        delay_s: 0.0,
        wrong: |value, _, _| names(value, "cell-spread"),
        message: |_, _| "the cells of the battery are far apart (cell-spread)".to_owned(),
    },
    Rule {
        code: "BatteryCurrentBias",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "warnings",
        severity: Severity::Minor,
        delay_s: 0.0,
        wrong: |value, _, _| names(value, "current-bias"),
        message: |_, _| "the current sensor of the battery is off by a constant (current-bias)".to_owned(),
    },
    Rule {
        code: "BatterySensorStuck",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "warnings",
        severity: Severity::Minor,
        delay_s: 0.0,
        wrong: |value, _, _| names(value, "sensor-stuck"),
        message: |_, _| {
            "a sensor of the battery shows the same though it must move (sensor-stuck)".to_owned()
        },
    },
    Rule {
        code: "BatterySensorImplausible",
        model: "dtmi:voltwin:BatteryPack;1",
        property: "warnings",
        severity: Severity::Minor,
        delay_s: 0.0,
        wrong: |value, _, _| names(value, "sensor-implausible"),
        message: |_, _| "a sensor of the battery shows what cannot be (sensor-implausible)".to_owned(),
    },
];

/// Whether a list of words holds one.
fn names(value: &Value, word: &str) -> bool {
    let Value::Json(json) = value else { return false };
    json.as_array().is_some_and(|list| list.iter().any(|entry| entry.as_str() == Some(word)))
}
