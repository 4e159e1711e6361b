//! Recorded sessions through real sockets.

use std::sync::Arc;

use crate::support::{self, Central};
use tokio_util::sync::CancellationToken;
use voltwin_core::Decimal;
use voltwin_fleet_sim::{
    Crowd, LoadConfig, Replay, ReplayConfig, ReplayProtocol, StormConfig, parse_sessions, run_load, run_storm,
};
use voltwin_ocpp::Version;

const FILE: &str = "arrival,departure,station_id,session_id,delivered_energy (kWh)
2019-05-01 08:00:00-07:00,2019-05-01 12:00:00-07:00,CA-1,2_39_131_30_2019-05-01 08:18:44.595638,7.8340000000000005
2019-05-01 08:30:00-07:00,2019-05-01 12:30:00-07:00,CA-2,b,17.666
2019-05-01 12:00:00-07:00,2019-05-01 13:00:00-07:00,CA-1,c,0.1
2019-05-01 12:10:00-07:00,2019-05-01 13:00:00-07:00,CA-3,d,3.0000000000000027
2019-05-02 08:00:00-07:00,2019-05-02 09:00:00-07:00,CA-3,e,1
";

/// The digits of the energy register in the last sampled value of a frame.
fn register(text: &str) -> Decimal {
    let rest = text.split_once("transactionData").map_or(text, |(_, rest)| rest);
    let sampled = rest.split_once("sampledValue").unwrap().1;
    let digits = sampled.split_once("\"value\":").unwrap().1;
    let digits = digits.trim_start_matches('"');
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap();
    digits[..end].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn energies_arrive_exactly_in_every_version() {
    let sessions = parse_sessions(FILE.as_bytes()).unwrap();
    let protocols = [
        ReplayProtocol::Only(Version::V16),
        ReplayProtocol::Only(Version::V201),
        ReplayProtocol::Only(Version::V21),
        ReplayProtocol::Mixed,
    ];
    for protocol in protocols {
        let central = Central::start().await;
        let mut config = ReplayConfig::new(&central.url, Some("pw".into()));
        config.protocol = protocol;
        config.speed = 100_000.0;
        config.day = Some("2019-05-01".parse().unwrap());
        let report = Replay::run(&sessions, &config, CancellationToken::new(), |_| {}).await.unwrap();
        assert_eq!((report.sessions.len(), report.acked), (4, 4), "{report:?}");
        assert_eq!(report.acked_energy_wh, "28600.0000000000032".parse().unwrap());
        assert_eq!(report.sessions[0].energy_wh, "7834.0000000000005".parse().unwrap());
        let seen = central.seen.lock().unwrap().clone();
        for told in &report.sessions {
            let path = format!("/ocpp/{}", told.station);
            let id = told.transaction_id.clone().unwrap();
            let mine = |s: &&support::Seen| s.path == path;
            let (begin, end): (Decimal, Decimal) = if told.protocol == Version::V16 {
                let start = seen
                    .iter()
                    .filter(mine)
                    .find(|s| s.action == "StartTransaction" && s.payload["idTag"] == told.id_token.as_str());
                let stop = seen.iter().filter(mine).find(|s| {
                    s.action == "StopTransaction" && s.payload["transactionId"] == id.parse::<i64>().unwrap()
                });
                (start.unwrap().payload["meterStart"].as_i64().unwrap().into(), register(&stop.unwrap().text))
            } else {
                let of = |kind: &str| {
                    let event = seen.iter().filter(mine).find(|s| {
                        s.payload["eventType"] == kind
                            && s.payload["transactionInfo"]["transactionId"] == id.as_str()
                    });
                    register(&event.unwrap().text)
                };
                (of("Started"), of("Ended"))
            };
            assert_eq!(end - begin, told.energy_wh, "{protocol:?} {told:?}");
        }
        let stop = seen.iter().find(|s| s.action == "StopTransaction" || s.payload["eventType"] == "Ended");
        assert!(stop.unwrap().payload["timestamp"].as_str().unwrap().starts_with("2019-05-01T"));
    }
}

#[tokio::test]
async fn selections_that_cannot_be_replayed_are_refused() {
    let mut sessions = parse_sessions(FILE.as_bytes()).unwrap();
    let mut config = ReplayConfig::new("ws://127.0.0.1:1/ocpp", None);
    let run = async |sessions: &[_], config: &ReplayConfig| {
        Replay::run(sessions, config, CancellationToken::new(), |_| {}).await.unwrap_err().to_string()
    };
    config.day = Some("2020-01-01".parse().unwrap());
    assert!(run(&sessions, &config).await.contains("2019-05-01 to 2019-05-02"));
    config.day = None;
    config.speed = 0.5;
    assert!(run(&sessions, &config).await.contains("speed"));
    config.speed = 10.0;
    sessions[2].arrival = sessions[0].departure.plus_seconds(-1.0);
    let error = run(&sessions, &config).await;
    assert!(error.contains("overlap on station CA-1") && error.contains("`c`"), "{error}");
}

fn crowd(url: &str, version: Version) -> Crowd {
    Crowd {
        url: url.to_owned(),
        tenant: None,
        version,
        trust: None,
        stations: (0..5).map(|n| format!("L-{n}")).collect(),
        password: Arc::new(|_| None),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_ends_with_everybody_back() {
    let central = Central::start().await;
    let config = StormConfig {
        crowd: crowd(&central.url, Version::V201),
        rounds: 2,
        within: std::time::Duration::from_millis(50),
        connectors: 1,
        queued: 2,
        limit: std::time::Duration::from_secs(20),
        connecting: 5,
    };
    let report = run_storm(&config, CancellationToken::new()).await.unwrap();
    assert_eq!((report.connected, report.rounds.len()), (5, 2), "{report:?}");
    for round in &report.rounds {
        assert_eq!((round.accepted, round.errors), (5, 0), "{report:?}");
        assert!(round.all_told_s >= round.all_back_s && round.boot_max_ms >= round.boot_p50_ms, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_is_counted() {
    for version in [Version::V16, Version::V21] {
        let central = Central::start().await;
        let config = LoadConfig {
            crowd: crowd(&central.url, version),
            rate: 100.0,
            duration: std::time::Duration::from_millis(500),
            connecting: 3,
            outside_transactions: version == Version::V16,
        };
        let report = run_load(&config, CancellationToken::new()).await.unwrap();
        assert_eq!((report.connected, report.errors), (5, 0), "{report:?}");
        assert!(
            report.acked >= 20 && report.acked == report.sent && report.p99_ms >= report.p50_ms,
            "{report:?}"
        );
    }
}
