use std::io::Write as _;

use proptest::prelude::*;
use voltwin_ocpp::Version;

use super::run::token_of;
use super::*;

const HEAD: &str = "arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,session_id,estimated_departure,claimed\n";
const ROW: &str = "2019-05-01 01:18:45-07:00,2019-05-01 15:52:36-07:00,60.0,44.069,CA-305,2_39 08:18,2019-05-01 09:20:45-07:00,True\n";

fn parse(text: &str) -> Result<Vec<RecordedSession>, ReplayError> {
    parse_sessions(text.as_bytes())
}

#[test]
fn a_row_is_read_exactly() {
    let session = &parse(&format!("\u{feff}{HEAD}{ROW}")).unwrap()[0];
    assert_eq!(session.energy_wh.normalize().to_string(), "44069");
    assert_eq!(session.arrival.to_string(), "2019-05-01T08:18:45Z");
    assert_eq!((session.day.to_string().as_str(), session.line), ("2019-05-01", 2));
    assert_eq!((session.station_id.as_str(), session.session_id.as_str()), ("CA-305", "2_39 08:18"));
}

#[test]
fn bad_files_are_refused_by_line_and_column() {
    let with = |from: &str, to: &str| format!("{HEAD}{}", ROW.replacen(from, to, 1));
    let table: Vec<(String, &[&str])> = vec![
        (String::new(), &["empty"]),
        ("  \n\n ".into(), &["empty"]),
        (HEAD.into(), &["no sessions"]),
        (HEAD.replace("station_id", "place") + ROW, &["line 1", "`station_id`", "no such column"]),
        (HEAD.replace("claimed", "arrival") + ROW, &["line 1", "`arrival`", "twice"]),
        (with("44.069", "-1"), &["line 2", "delivered_energy (kWh)", "`-1`", "negative"]),
        (with("44.069", "abc"), &["line 2", "delivered_energy (kWh)", "`abc`"]),
        (with("44.069", "NaN"), &["line 2", "`NaN`"]),
        (with("44.069", "1e99"), &["line 2", "`1e99`"]),
        (with("44.069", "10000.1"), &["line 2", "10000 kWh"]),
        (with("2019-05-01 15:52:36", "2019-05-01 01:18:45"), &["line 2", "`departure`", "not after"]),
        (with("2019-05-01 01:18:45-07:00", "yesterday"), &["line 2", "`arrival`", "`yesterday`"]),
        (with("2019-05-01 01:18:45-07:00", "2019-05-01 01:18:45"), &["line 2", "`arrival`", "offset"]),
        (with("CA-305", "CA 305"), &["line 2", "`station_id`"]),
        (with("CA-305", ""), &["line 2", "`station_id`"]),
        (with(",True", ""), &["line 2", "7 columns instead of 8"]),
        (with("True", "\u{0}"), &["line 2", "NUL"]),
        (format!("{HEAD}{ROW}{ROW}"), &["line 3", "`session_id`", "unique"]),
        (format!("{HEAD}{}", "x".repeat(2 << 20)), &["line 2", "longer than 1048576"]),
        (r#"{"_items": [{}]}"#.into(), &["item 1", "connectionTime"]),
        (r#"{"_items": 3}"#.into(), &["line 1", "column"]),
        (r#"{"_items": ["#.into(), &["line 1", "column"]),
        ("[]".into(), &["line 1", "column"]),
    ];
    for (text, words) in table {
        let shown: String = text.chars().take(300).collect();
        let error = parse(&text).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{shown}\n{error}");
    }
    let broken = [HEAD.as_bytes(), b"2019-05-01 01:18:45-07:00,\xff,1,1,a,b,c,d\n"].concat();
    let error = parse_sessions(&broken[..]).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("column 2"), "{error}");
}

#[test]
fn gzip_is_unpacked_and_a_bomb_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, chunks: usize, chunk: &[u8]| {
        let path = folder.path().join(name);
        let file = File::create(&path).unwrap();
        let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        for _ in 0..chunks {
            gz.write_all(chunk).unwrap();
        }
        gz.finish().unwrap();
        path
    };
    let good = write("good.csv.gz", 1, format!("{HEAD}{ROW}").as_bytes());
    assert_eq!(read_sessions(&good).unwrap().len(), 1);
    let bomb = write("bomb.csv.gz", 64, &vec![b'9'; 1 << 20]);
    assert!(read_sessions(&bomb).unwrap_err().to_string().contains("longer than"));
    let spaces = write("bomb.json.gz", 257, &[vec![b' '; (1 << 20) - 1], vec![b'{']].concat());
    assert!(read_sessions(&spaces).is_err());
    let half = folder.path().join("half.gz");
    let bytes = std::fs::read(&good).unwrap();
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    assert!(read_sessions(&half).unwrap_err().to_string().contains("half.gz"));
    assert!(read_sessions(folder.path().join("none.csv")).is_err());
}

#[test]
fn the_interface_form_is_read() {
    let text = r#"{"_items": [{"_id": "5bc90cb9", "connectionTime": "Wed, 25 Apr 2018 11:08:04 GMT",
        "disconnectTime": "Wed, 25 Apr 2018 13:20:10 GMT", "doneChargingTime": "Wed, 25 Apr 2018 13:21:10 GMT",
        "kWhDelivered": 7.9320000000000004, "sessionID": "2_39_78_362_2018-04-25 11:08:04.400812",
        "stationID": "2-39-78-362", "spaceID": "CA-496", "siteID": "0002", "timezone": "America/Los_Angeles",
        "userID": null, "userInputs": null}], "_meta": {"page": 1}}"#;
    let session = &parse(text).unwrap()[0];
    assert_eq!(session.energy_wh.normalize().to_string(), "7932.0000000000004");
    assert_eq!(session.arrival.to_string(), "2018-04-25T11:08:04Z");
    assert_eq!((session.day.to_string().as_str(), session.done_charging), ("2018-04-25", None));
}

#[test]
fn tokens_are_the_session_or_a_stable_hash() {
    assert_eq!(token_of("short-1", Version::V16), "short-1");
    for (version, length) in [(Version::V16, 20), (Version::V201, 32)] {
        let token = token_of("2_39_131_30_2019-05-01 08:18:44.595638", version);
        assert_eq!(token.len(), length);
        assert_eq!(token, token_of("2_39_131_30_2019-05-01 08:18:44.595638", version));
    }
    assert_ne!(token_of("a b", Version::V16), token_of("a c", Version::V16));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_text_makes_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), row: bool) {
        let head = if row { HEAD.as_bytes() } else { b"" };
        let _ = parse_sessions(&[head, &bytes].concat()[..]);
    }

    #[test]
    fn a_damaged_row_is_an_error_or_a_session(at in 0..ROW.len(), with in "[ -~]{0,3}") {
        let text = format!("{HEAD}{}{with}{}", &ROW[..at], &ROW[at + 1..]);
        if let Ok(sessions) = parse(&text) {
            prop_assert!(sessions.iter().all(|s| s.departure > s.arrival && !s.energy_wh.is_sign_negative()));
        }
    }

    #[test]
    fn profiles_rise_to_exactly_the_recorded_energy(
        micro_wh in 0_i64..10_000_000_000_000, minutes in 1_i64..3_000, done in prop::option::of(0.01..0.99)
    ) {
        let arrival: Timestamp = "2019-05-01T08:00:00Z".parse().unwrap();
        let session = RecordedSession {
            session_id: "s".into(),
            station_id: "a".into(),
            arrival,
            departure: arrival.plus_seconds(60.0 * minutes as f64),
            done_charging: done.map(|share: f64| arrival.plus_seconds(60.0 * share * minutes as f64)),
            energy_wh: Decimal::new(micro_wh, 6),
            day: "2019-05-01".parse().unwrap(),
            line: 2,
        };
        let profile = EnergyProfile::of(&session);
        let points = profile.points();
        prop_assert!(!points.is_empty() && points.len() <= 100);
        prop_assert_eq!(points[points.len() - 1].energy_wh, session.energy_wh);
        prop_assert!(points.windows(2).all(|p| p[0].energy_wh <= p[1].energy_wh && p[0].at < p[1].at));
        prop_assert!(points.iter().all(|p| p.at > arrival && p.at <= session.departure && p.power_w >= 0.0));
    }
}
