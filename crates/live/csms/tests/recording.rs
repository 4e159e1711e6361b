//! The wire recorded, and played again into a copy.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use serde_json::{Value as Json, json};
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_csms::{
    Admission, CentralSystem, CommandRequest, CsmsConfig, CsmsError, Link, Outgoing, RecordingError,
    Replayed, replay,
};
use voltwin_ocpp::Version;
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_store::{Store, TokenPolicy, TokenStatus};

async fn call(link: &mut Link, id: &str, action: &str, payload: Json) -> Json {
    let out = link.on_text(&json!([2, id, action, payload]).to_string()).await;
    let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
    serde_json::from_str(text).unwrap()
}

/// A station charges before and while it is recorded, obeys two commands, loses its connection and comes back.
async fn record() -> (String, Json) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let tenant = TenantId::new("t").unwrap();
    let early = Timestamp::from_micros(1);
    store.add_tenant(&tenant, TokenPolicy::Accept, "test", early).await.unwrap();
    store.tenant(&tenant).set_token("BARRED", TokenStatus::Blocked, "test", early).await.unwrap();
    // numbers of other stations
    for _ in 0..41 {
        store.next_transaction_number().await.unwrap();
    }
    let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
    let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
    let station = TwinId::new("ST-1").unwrap();
    let who = Admission { tenant: tenant.clone(), station: station.clone() };
    let mut link = csms.link(who.clone(), Version::V16).await.unwrap();
    let boot = json!({"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1.0"});
    call(&mut link, "b1", "BootNotification", boot.clone()).await;
    let at = |offset_s: f64| runtime.now().plus_seconds(offset_s).to_string();
    let start = |connector: u32, tag: &str| json!({"connectorId": connector, "idTag": tag, "meterStart": 1_000, "timestamp": at(0.0)});
    let first = call(&mut link, "s1", "StartTransaction", start(1, "TAG")).await[2]["transactionId"].clone();

    let recording = csms.record_wire(&tenant, &station, (600, 1_000), "tester").await.unwrap();
    call(&mut link, "h1", "Heartbeat", json!({})).await;
    let values = json!({"connectorId": 1, "transactionId": first, "meterValue": [{"timestamp": at(0.0),
        "sampledValue": [{"value": "1500", "unit": "Wh"}, {"value": "7.4", "measurand": "Power.Active.Import", "unit": "kW"}]}]});
    call(&mut link, "m1", "MeterValues", values).await;
    let second =
        call(&mut link, "s2", "StartTransaction", start(2, "TAG-2")).await[2]["transactionId"].clone();
    assert!(second.as_i64().unwrap() > 41);
    assert_eq!(
        call(&mut link, "a1", "Authorize", json!({"idTag": "BARRED"})).await[2]["idTagInfo"]["status"],
        "Blocked"
    );
    link.on_text(r#"[2,"bad","StatusNotification",{"connectorId":"one"}]"#).await;
    for (key, value, status) in
        [("AuthorizationKey", "0123456789abcdef", "Accepted"), ("MeterValueSampleInterval", "30", "Rejected")]
    {
        let payload = json!({"key": key, "value": value});
        let request = CommandRequest::Raw { action: "ChangeConfiguration".to_owned(), payload };
        let command = csms.command(&tenant, &station, request, "tester", Duration::from_secs(5));
        let obey = async {
            let out: Json = loop {
                if let Some(Outgoing::Text(text)) = link.next().await.into_iter().next() {
                    break serde_json::from_str(&text).unwrap();
                }
            };
            link.on_text(&json!([3, out[1], {"status": status}]).to_string()).await;
        };
        tokio::join!(command, obey).0.unwrap();
    }
    link.close().await;
    let mut link = csms.link(who, Version::V16).await.unwrap();
    call(&mut link, "b2", "BootNotification", boot).await;
    let stop = json!({"transactionId": first, "meterStop": 2_500, "timestamp": at(60.0), "reason": "Local"});
    call(&mut link, "e1", "StopTransaction", stop).await;
    let ended = csms.stop_recording(&tenant, &recording.id).await.unwrap();
    assert_eq!((ended.state.as_str(), ended.dropped), ("stopped", 0));
    // nothing is added any more
    call(&mut link, "h2", "Heartbeat", json!({})).await;
    assert_eq!(csms.recordings(&tenant).await.unwrap(), [ended]);
    let file = csms.recording_file(&tenant, &recording.id).await.unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let live = runtime.read(&tenant, |graph| {
        let property =
            |twin: &str, name: &str| graph.twin(twin).and_then(|twin| twin.get(name)).map(|v| v.to_json());
        json!([
            property("ST-1:1:1", "energy_wh"),
            property("ST-1:2:1", "transaction_id"),
            property("ST-1", "online"),
            property("ST-1:1:1", "power_w"),
            property("ST-1", "firmware_version")
        ])
    });
    csms.delete_recording(&tenant, &recording.id).await.unwrap();
    let gone = csms.recording(&tenant, &recording.id).await.unwrap_err();
    assert!(matches!(gone, CsmsError::Recording(RecordingError::Missing(_))), "{gone}");
    runtime.stop().await;
    (text, live)
}

async fn play(text: &str, until: Option<Timestamp>) -> Result<Replayed, CsmsError> {
    let folder = tempfile::tempdir().unwrap();
    replay(text.as_bytes(), until, folder.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_plays_to_the_same_twins_and_the_same_answers() {
    let (text, live) = record().await;
    assert!(!text.contains("0123456789abcdef"), "a secret is in the recording");
    assert!(!text.contains("\"tenant\""));
    let once = play(&text, None).await.unwrap();
    assert_eq!(once.differences, [], "{once:?}");
    // six answers, two commands, and the error for the bad frame
    assert!(once.complete && once.compared == 9, "{once:?}");
    let property = |twin: &str, name: &str| once.twins[twin]["properties"].get(name).cloned();
    let copy = json!([
        property("ST-1:1:1", "energy_wh"),
        property("ST-1:2:1", "transaction_id"),
        property("ST-1", "online"),
        property("ST-1:1:1", "power_w"),
        property("ST-1", "firmware_version")
    ]);
    assert_eq!(copy, live);
    let ended = once.transactions.iter().find(|transaction| transaction["state"] == "ended").unwrap();
    assert_eq!(ended["energy_wh"], "1500");
    let again = play(&text, None).await.unwrap();
    assert_eq!((&again.digest, &again.answers), (&once.digest, &once.answers));
    // and on one thread
    let handle = std::thread::spawn({
        let text = text.clone();
        move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(play(&text, None))
        }
    });
    assert_eq!(handle.join().unwrap().unwrap().digest, once.digest);
    // only the beginning
    let begun: Json = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let until = begun["at"].as_str().unwrap().parse().unwrap();
    let part = play(&text, Some(until)).await.unwrap();
    assert!(part.frames_in < once.frames_in && part.digest != once.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_not_what_was_recorded_is_named() {
    let (text, _) = record().await;
    let lines: Vec<&str> = text.lines().collect();
    let with = |number: usize, line: String| {
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines[number - 1] = line;
        lines.join("\n") + "\n"
    };
    let tampered = lines[2].replace("h1", "h7");
    assert_ne!(tampered, lines[2]);
    let cut = &lines[4][..lines[4].len() / 2];
    let mut lost = lines.clone();
    lost.remove(3);
    let cases = [
        (with(3, tampered), "line 3: ", "check"),
        (with(5, cut.to_owned()), "line 5: ", "cut short"),
        (text.trim_end().to_owned(), &*format!("line {}: ", lines.len()), "line break"),
        (lost.join("\n") + "\n", "line 4: ", "check"),
        (with(2, "x".repeat(9 << 20)), "line 2: ", "8388608"),
        (with(1, "{}".to_owned()), "line 1: ", "check"),
        (String::new(), "line 1: ", "empty"),
    ];
    for (text, line, word) in cases {
        let error = play(&text, None).await.unwrap_err().to_string();
        assert!(error.starts_with(line) && error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn recordings_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let tenant = TenantId::new("t").unwrap();
    store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
    let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
    let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await.unwrap();
    let station = TwinId::new("ST-1").unwrap();
    let begin = async |max_s, max_frames| csms.record_wire(&tenant, &station, (max_s, max_frames), "t").await;
    assert!(matches!(begin(10, 10).await.unwrap_err(), CsmsError::NoStation(_)));
    let who = Admission { tenant: tenant.clone(), station: station.clone() };
    let mut link = csms.link(who, Version::V16).await.unwrap();
    for (max_s, max_frames) in [(0, 10), (10, 0), (86_401, 10), (10, 100_001)] {
        assert!(matches!(
            begin(max_s, max_frames).await.unwrap_err(),
            CsmsError::Recording(RecordingError::Refused(_))
        ));
    }
    let recording = begin(60, 3).await.unwrap();
    let again = begin(60, 3).await.unwrap_err().to_string();
    assert!(again.contains("already"), "{again}");
    for n in 0..5 {
        link.on_text(&json!([2, n.to_string(), "Heartbeat", {}]).to_string()).await;
    }
    let full = loop {
        let found = csms.recording(&tenant, &recording.id).await.unwrap();
        if found.state != "recording" {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((full.state.as_str(), full.frames), ("full", 3));
    assert!(csms.recording(&tenant, "../../voltwin").await.is_err());
    runtime.stop().await;
}
