//! Writes the seed corpora: real frames of every kind, charging profiles, tariffs, and OCPI objects. What is written is read
//! again first, so that a seed cannot rot: `cargo run --example seeds` in this folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use voltwin_ocpi::{
    AuthorizationInfo, CancelReservation, Cdr, CommandResult, Credentials, Envelope, Location, ReserveNow, Session,
    SetChargingProfile, StartSession, StopSession, Token, UnlockConnector, VersionDetails, read,
};
use voltwin_ocpp::{Origin, Version, describe_actions};
use voltwin_tariff::Tariff;

type Seeds = BTreeMap<String, Vec<u8>>;

/// What the target `frame` reads before a text that it takes as it is: version, policy, booted, and that it is a text.
fn header(version: usize, policy: u8) -> [u8; 4] {
    [version as u8, policy, 0, 3]
}

/// A payload with every field of a schema once.
fn full(schema: &Value) -> Value {
    if let Some(word) = schema["enum"].get(0) {
        return word.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            Value::Object(fields.map(|(name, of)| (name.clone(), full(of))).collect::<Map<_, _>>())
        }
        Some("array") => {
            let count = schema["minItems"].as_u64().unwrap_or(1).max(1);
            (0..count).map(|_| full(&schema["items"])).collect()
        }
        Some("boolean") => json!(true),
        Some("integer" | "number") => {
            let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
            json!(1.0_f64.max(least.unwrap_or(1.0)).min(most.unwrap_or(1.0)) as i64)
        }
        Some("string") => match schema["format"].as_str() {
            Some("date-time") => json!("2026-11-21T08:00:00Z"),
            Some("date") => json!("2026-11-21"),
            _ if schema["pattern"].is_string() => json!("08:30"),
            _ => json!("a"),
        },
        _ => json!({"free": ["form"]}),
    }
}

fn frames() -> Seeds {
    let mut seeds = Seeds::new();
    for (index, version) in [Version::V16, Version::V201, Version::V21].into_iter().enumerate() {
        let mut add = |name: &str, policy: u8, frame: String| {
            let text = [&header(index, policy), frame.as_bytes()].concat();
            seeds.insert(format!("{version}-{name}"), text);
        };
        for action in describe_actions(version).iter().filter(|action| action.origin != Origin::System) {
            let frame = json!([2, "m1", action.action, full(&action.request)]);
            add(action.action, 0, frame.to_string());
        }
        add("result", 0, json!([3, "m1", {"status": "Accepted"}]).to_string());
        add("error", 0, json!([4, "m1", "InternalError", "why", {}]).to_string());
        add("result-error", 0, json!([5, "m1", "FormatViolation", "why", {}]).to_string());
        let values = json!({"id": 1, "pending": 0, "basetime": "2026-11-21T08:00:00Z", "data": [{"t": 0, "v": "1"}]});
        add("send", 0, json!([6, "m1", "NotifyPeriodicEventStream", values]).to_string());
        add("strange", 1, json!([2, "m1", "StatusNotification", {"connectorId": "one", "colour": "red"}]).to_string());
        add("broken", 2, r#"[2,"m1","Heartbeat",{"#.to_owned());
    }
    seeds
}

/// The target `profiles` reads bytes: an EVSE, its transaction, a window, a unit, and profiles after that.
fn profiles() -> Seeds {
    let word = |value: u32| value.to_le_bytes().to_vec();
    let near = |value: u32| [word(value), vec![9]].concat();
    let question = [
        vec![1, 1, 1, 0, 1],
        near(1_000),
        vec![0],
        near(2_000),
        word(86_400),
        vec![0, 3, 2],
    ]
    .concat();
    let mut seeds = Seeds::new();
    for (name, purpose, kind) in [
        ("station-max", 0, 0),
        ("external", 1, 0),
        ("default-daily", 2, 1),
        ("default-weekly", 2, 2),
        ("relative", 3, 3),
        ("dynamic", 3, 4),
        ("priority", 4, 0),
        ("local-generation", 5, 0),
    ] {
        let period = |start: u32, watts: u32| {
            [word(start), vec![1, 9], word(watts * 16), vec![1, 3, 0, 0, 0]].concat()
        };
        let profile = |id: u32, watts: u32| {
            [
                vec![0, 2],
                period(0, watts),
                period(3_600, watts / 2),
                vec![1],
                word(id),
                vec![1, purpose, id as u8, kind, 0, 0, 1, 0, 1],
                near(0),
                vec![1],
                word(43_200),
                vec![0],
            ]
            .concat()
        };
        seeds.insert(name.to_owned(), [question.clone(), profile(1, 11_000), profile(2, 7_400)].concat());
    }
    seeds
}

fn tariffs() -> Seeds {
    let everything = json!({
        "currency": "EUR",
        "elements": [{
            "components": [
                {"kind": "energy", "price": "0.45", "tax_percent": "19", "step": 1},
                {"kind": "time", "price": "1.20", "tax_percent": "19", "step": 60},
                {"kind": "parking", "price": "6.00", "tax_percent": "19", "step": 60},
                {"kind": "flat", "price": "0.50", "tax_percent": "19"}],
            "restrictions": {
                "start_time": "08:00", "end_time": "20:00", "start_date": "2026-01-01", "end_date": "2027-01-01",
                "days": ["monday", "friday"], "min_energy_wh": "1000", "max_energy_wh": "50000",
                "min_power_w": "11000", "max_power_w": "50000", "min_current_a": "16", "max_current_a": "63",
                "min_duration_s": 60, "max_duration_s": 7200}}],
        "min_price": {"net": "0.50", "gross": "0.60"}, "max_price": {"net": "80", "gross": "95.20"},
        "idle_grace_s": 600, "rounding": "line", "texts": [{"language": "en", "text": "Day price"}],
        "url": "https://example.org/tariff", "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z"});
    let priced = |elements: Value| json!({"currency": "EUR", "elements": elements});
    let energy = |price: &str| json!({"kind": "energy", "price": price, "tax_percent": "20"});
    let night = json!({"start_time": "22:00", "end_time": "06:00"});
    let mut limits = priced(json!([{"components": [energy("1")]}]));
    limits["min_price"] = json!({"net": "8", "gross": "12"});
    limits["max_price"] = json!({"net": "10", "gross": "15"});
    let mut total = priced(json!([{"components": [energy("0.333333"), {"kind": "flat", "price": "0.50"}]}]));
    total["rounding"] = json!("total");
    let all = [
        ("everything", everything),
        ("energy", priced(json!([{"components": [energy("0.45")]}]))),
        ("night", priced(json!([{"components": [energy("0.20")], "restrictions": night}, {"components": [energy("0.50")]}]))),
        ("steps", priced(json!([{"components": [{"kind": "time", "price": "2", "step": 300}, {"kind": "parking", "price": "3", "step": 900}]}]))),
        ("first-kwh-free", priced(json!([{"components": [energy("0")], "restrictions": {"max_energy_wh": "1000"}}, {"components": [energy("0.5")]}]))),
        ("reservation", priced(json!([{"components": [{"kind": "time", "price": "6"}], "restrictions": {"reservation": "reservation"}}, {"components": [energy("0.5")]}]))),
        ("limits", limits),
        ("total", total),
    ];
    all.into_iter().map(|(name, json)| (name.to_owned(), checked::<Tariff>(&json))).collect()
}

/// The text of an object that can be read.
fn checked<T: DeserializeOwned>(json: &Value) -> Vec<u8> {
    let text = json.to_string().into_bytes();
    if let Err(error) = serde_json::from_slice::<T>(&text) {
        panic!("a seed is none: {error}: {json}");
    }
    text
}

fn partner<T: DeserializeOwned + Serialize>(json: &Value) -> Vec<u8> {
    let text = json.to_string().into_bytes();
    if let Err(error) = read::<T>(&text) {
        panic!("a seed is none: {error}: {json}");
    }
    text
}

fn objects() -> Seeds {
    let (at, us) = ("2026-11-21T08:00:00Z", json!({"country_code": "DE", "party_id": "VOL"}));
    let with = |base: &Value, more: Value| {
        let mut all = base.as_object().cloned().unwrap_or_default();
        all.extend(more.as_object().cloned().unwrap_or_default());
        Value::Object(all)
    };
    let token = json!({"country_code": "NL", "party_id": "TNM", "uid": "RFID-1", "type": "RFID", "contract_id": "NL-TNM-C1",
        "issuer": "Provider", "valid": true, "whitelist": "ALLOWED", "language": "nl", "last_updated": at});
    let plug = json!({"id": "1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
        "max_amperage": 32, "max_electric_power": 22000, "tariff_ids": ["T1"], "last_updated": at});
    let evse = json!({"uid": "ST:1", "evse_id": "DE*VOL*EST*1", "status": "AVAILABLE",
        "capabilities": ["RESERVABLE", "REMOTE_START_STOP_CAPABLE"], "connectors": [plug], "last_updated": at});
    let location = with(&us, json!({"id": "SITE", "publish": true, "name": "Port", "address": "Quay 1", "city": "Hamburg",
        "postal_code": "20457", "country": "DEU", "coordinates": {"latitude": "53.543600", "longitude": "9.988900"},
        "evses": [evse], "time_zone": "Europe/Berlin", "opening_times": {"twentyfourseven": true}, "last_updated": at}));
    let tariff = with(&us, json!({"id": "T1", "currency": "EUR", "elements": [{"price_components": [
        {"type": "ENERGY", "price": 0.45, "vat": 19, "step_size": 1}], "restrictions": {"start_time": "08:00"}}],
        "last_updated": at}));
    let who = json!({"country_code": "NL", "party_id": "TNM", "uid": "RFID-1", "type": "RFID", "contract_id": "NL-TNM-C1"});
    let periods = json!([{"start_date_time": at, "tariff_id": "T1",
        "dimensions": [{"type": "ENERGY", "volume": 12.5}, {"type": "TIME", "volume": 1.5}]}]);
    let session = with(&us, json!({"id": "17", "start_date_time": at, "kwh": 12.5, "cdr_token": who, "auth_method": "WHITELIST",
        "location_id": "SITE", "evse_uid": "ST:1", "connector_id": "1", "currency": "EUR", "charging_periods": periods,
        "total_cost": {"excl_vat": 5.63, "incl_vat": 6.7}, "status": "ACTIVE", "last_updated": at}));
    let cdr = with(&us, json!({"id": "17", "start_date_time": at, "end_date_time": "2026-11-21T09:30:00Z", "session_id": "17",
        "cdr_token": who, "auth_method": "COMMAND", "authorization_reference": "REF-1", "cdr_location": {"id": "SITE",
            "address": "Quay 1", "city": "Hamburg", "postal_code": "20457", "country": "DEU",
            "coordinates": {"latitude": "53.543600", "longitude": "9.988900"}, "evse_uid": "ST:1",
            "evse_id": "DE*VOL*EST*1", "connector_id": "1", "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET", "connector_power_type": "AC_3_PHASE"},
        "currency": "EUR", "tariffs": [tariff], "charging_periods": periods,
        "signed_data": {"encoding_method": "OCMF", "signed_values": [
            {"nature": "Start", "plain_data": "{}", "signed_data": "T0NNRnx7fXx7fQ=="}]},
        "total_cost": {"excl_vat": 5.63, "incl_vat": 6.7}, "total_energy": 12.5, "total_time": 1.5,
        "total_reservation_cost": {"excl_vat": 1}, "last_updated": at}));
    let url = "https://partner.example/results/1";
    let version = "2.2.1";
    let credentials = json!({"token": "0123456789abcdef", "url": "https://partner.example/ocpi/versions", "roles": [
        {"role": "EMSP", "party_id": "TNM", "country_code": "NL", "business_details": {"name": "Provider"}}]});
    let details = json!({"version": version, "endpoints": [
        {"identifier": "tokens", "role": "SENDER", "url": "https://partner.example/ocpi/2.2.1/tokens"}]});
    let wish = json!({"response_url": url, "charging_profile": {"charging_rate_unit": "W", "duration": 600, "charging_profile_period": [
        {"start_period": 0, "limit": 11000}, {"start_period": 120, "limit": 3680.5}]}});
    let place = json!({"response_url": url, "location_id": "SITE", "evse_uid": "ST:1"});
    let start = with(&place, json!({"token": token, "authorization_reference": "REF-1"}));
    let reserve = with(&place, json!({"token": token, "reservation_id": "R1", "expiry_date": "2026-11-21T09:00:00Z"}));
    let cancel = json!({"response_url": url, "reservation_id": "R1"});
    let stop = json!({"response_url": url, "session_id": "17"});
    let unlock = with(&place, json!({"connector_id": "1"}));
    let allowed = json!({"allowed": "ALLOWED", "token": token, "authorization_reference": "REF-1",
        "info": {"language": "en", "text": "Welcome"}});
    let result = json!({"result": "EVSE_OCCUPIED", "message": [{"language": "en", "text": "Taken"}]});
    let envelope = json!({"data": [], "status_code": 1000, "status_message": "ok", "timestamp": at});
    [
        ("token", partner::<Token>(&token)),
        ("credentials", partner::<Credentials>(&credentials)),
        ("version-details", partner::<VersionDetails>(&details)),
        ("start-session", partner::<StartSession>(&start)),
        ("stop-session", partner::<StopSession>(&stop)),
        ("reserve-now", partner::<ReserveNow>(&reserve)),
        ("cancel-reservation", partner::<CancelReservation>(&cancel)),
        ("unlock-connector", partner::<UnlockConnector>(&unlock)),
        ("charging-profile", partner::<SetChargingProfile>(&wish)),
        ("authorization-info", partner::<AuthorizationInfo>(&allowed)),
        ("command-result", partner::<CommandResult>(&result)),
        ("location", partner::<Location>(&location)),
        ("session", partner::<Session>(&session)),
        ("cdr", partner::<Cdr>(&cdr)),
        ("tariff", partner::<voltwin_ocpi::Tariff>(&tariff)),
        ("envelope", partner::<Envelope<Value>>(&envelope)),
        ("page", b"offset=20&limit=50&date_from=2026-11-21T08:00:00Z".to_vec()),
        ("authorization", b"Token MDEyMzQ1Njc4OWFiY2RlZg==".to_vec()),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text))
    .collect()
}

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (target, seeds) in
        [("frame", frames()), ("profiles", profiles()), ("tariff", tariffs()), ("ocpi", objects())]
    {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in &seeds {
            fs::write(folder.join(name), bytes)?;
        }
        println!("{target}: {} seeds", seeds.len());
    }
    Ok(())
}
