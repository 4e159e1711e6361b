//! The vectors that both readers must agree on, and the generated TypeScript reader.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use voltwin_wire::{
    AlarmLevel, ConnectorKind, ConnectorRow, ConnectorState, ConnectorStatus, HEADER_BYTES, Protocol, Row,
    Stamp, StationRow, StationState, StationStatus, TopicTable, VehicleRow, VehicleState, VehicleStatus,
    decode, flags, typescript,
};

const EPOCH_MS: i64 = 1_795_000_000_000;

fn stamp(sequence: u32) -> Stamp {
    Stamp { epoch: 7, sequence, journal_seq: 5_000_000_000, server_time_us: EPOCH_MS * 1_000 + 123_456 }
}

fn station(n: usize) -> StationRow {
    let protocols = [Protocol::Ocpp16, Protocol::Ocpp201, Protocol::Ocpp21, Protocol::Unknown];
    let alarms = [AlarmLevel::None, AlarmLevel::Critical, AlarmLevel::Minor];
    StationState {
        at_ms: EPOCH_MS + 1_000 * n as i64,
        lat_deg: Some(48.137_154_3 + n as f64 * 1e-4),
        lon_deg: Some(-11.575_490_1),
        power_w: Some(11_000.4 * n as f64),
        max_power_w: Some(22_000.0),
        level: Some(n as i64),
        status: StationStatus::from_code(n as u8 % 7).unwrap(),
        protocol: protocols[n % 4],
        alarm: alarms[n % 3],
        alarm_unacknowledged: n % 3 == 1,
        online: n.is_multiple_of(2),
        connectors: 2,
        in_use: n % 3,
        faulted: n % 2,
    }
    .row(EPOCH_MS)
}

fn connector(n: usize) -> ConnectorRow {
    ConnectorState {
        at_ms: EPOCH_MS + 250 * n as i64,
        station: (n != 2).then_some(n as u32 / 2),
        power_w: Some(-7_400.0 + 3_700.0 * n as f64),
        max_power_w: Some(22_000.0),
        energy_wh: Some(4_000_000_000.0),
        soc: (n != 1).then_some(0.123_45 * n as f64),
        voltage_v: Some(400.06),
        current_a: Some(-18.5 + n as f64),
        evse: Some(1),
        connector: Some(n as i64 + 1),
        kind: ConnectorKind::of([Some("cCCS2"), Some("cGBT"), None][n % 3]),
        status: ConnectorStatus::from_code(n as u8 % 11).unwrap(),
    }
    .row(EPOCH_MS)
}

fn vehicle(n: usize) -> VehicleRow {
    let row = VehicleState {
        at_ms: EPOCH_MS + 40 * n as i64,
        lat_deg: (n != 3).then_some(-33.856_784_4),
        lon_deg: (n != 3).then_some(151.215_296_7),
        power_w: Some(-15_000.0),
        connector: (n == 1).then_some(4),
        heading_deg: Some(359.999 + n as f64),
        speed_mps: Some(13.888),
        soc: Some(1.0 - 0.25 * n as f64),
        status: VehicleStatus::from_code(n as u8 % 7).unwrap(),
        alarm_unacknowledged: n == 2,
    }
    .row(EPOCH_MS);
    if n == 4 { VehicleRow { flags: row.flags | flags::DELETED, ..row } } else { row }
}

fn table<R: Row>(prefix: &str, rows: usize, row: impl Fn(usize) -> R) -> TopicTable<R> {
    let mut table = TopicTable::new();
    for n in 0..rows {
        // One id that is not ASCII, so that readers count bytes.
        let id = if n == 2 { format!("{prefix}-é{n}") } else { format!("{prefix}-{n}") };
        table.push(&id, row(n)).unwrap();
    }
    table
}

/// What a frame must be read as, from the rows that went in.
fn expected<R: Row>(
    kind: &str,
    base: usize,
    stamp: Stamp,
    numbers: &[usize],
    table: &TopicTable<R>,
) -> Value {
    let mut columns = Map::new();
    for (place, column) in R::TOPIC.columns().iter().enumerate() {
        let cells: Vec<i64> = numbers.iter().map(|row| table.get(*row).unwrap().cells()[place]).collect();
        columns.insert(column.name.to_owned(), json!(cells));
    }
    let ids: Vec<&str> = numbers.iter().map(|row| table.id(*row).unwrap()).collect();
    let delta = kind == "delta";
    json!({
        "topic": R::TOPIC.name(), "kind": kind, "epoch": stamp.epoch, "rows": numbers.len(), "baseRow": base,
        "seq": stamp.sequence, "journalSeq": stamp.journal_seq, "serverTimeUs": stamp.server_time_us,
        "row": if delta { json!(numbers) } else { Value::Null },
        "columns": columns,
        "ids": if delta { Value::Null } else { json!(ids) },
    })
}

/// What the Rust reader makes of a frame, in the same shape.
fn read(bytes: &[u8]) -> Value {
    let frame = match decode(bytes) {
        Ok(frame) => frame,
        Err(error) => return json!({ "error": error.code() }),
    };
    let header = frame.header;
    let delta = header.kind.name() == "delta";
    let names = header.topic.columns().iter().map(|column| column.name.to_owned());
    let columns: Map<String, Value> = names.zip(frame.columns.iter().map(|cells| json!(cells))).collect();
    json!({
        "topic": header.topic.name(), "kind": header.kind.name(), "epoch": header.stamp.epoch,
        "rows": header.rows, "baseRow": header.base, "seq": header.stamp.sequence,
        "journalSeq": header.stamp.journal_seq, "serverTimeUs": header.stamp.server_time_us,
        "row": if delta { json!(frame.rows) } else { Value::Null },
        "columns": columns,
        "ids": if delta { Value::Null } else { json!(frame.ids) },
    })
}

fn good() -> Vec<(&'static str, Vec<u8>, Value)> {
    let mut vectors = Vec::new();
    let mut frame = |name, encode: &dyn Fn(&mut Vec<u8>) -> usize, value: Value| {
        let mut bytes = Vec::new();
        let rows = encode(&mut bytes);
        assert_eq!(value["rows"], json!(rows), "{name}");
        vectors.push((name, bytes, value));
    };
    let stations = table("ST", 5, station);
    let all = [0, 1, 2, 3, 4];
    let value = expected("snapshot", 0, stamp(1), &all, &stations);
    frame("station-snapshot", &|out| stations.encode_snapshot(stamp(1), out), value);
    let value = expected("append", 3, stamp(2), &all[3..], &stations);
    frame("station-append", &|out| stations.encode_append(3, stamp(2), out), value);
    let connectors = table("ST-0:1", 3, connector);
    let value = expected("snapshot", 0, stamp(1), &all[..3], &connectors);
    frame("connector-snapshot", &|out| connectors.encode_snapshot(stamp(1), out), value);
    let value = expected("delta", 0, stamp(2), &all[..3], &connectors);
    frame("connector-delta", &|out| connectors.encode_delta(0, |_| true, stamp(2), out), value);
    let mut vehicles = table("EV", 5, vehicle);
    let value = expected("snapshot", 0, stamp(1), &all, &vehicles);
    frame("vehicle-snapshot", &|out| vehicles.encode_snapshot(stamp(1), out), value);
    let seen = vehicles.version();
    for row in [4, 1, 0] {
        let changed = VehicleRow { soc_e4: 1_234, ..vehicles.get(row).unwrap() };
        assert!(vehicles.set(row, changed));
    }
    let value = expected("delta", 0, stamp(2), &[1, 4], &vehicles);
    frame("vehicle-delta", &|out| vehicles.encode_delta(seen, |row| row != 0, stamp(2), out), value);
    let empty = TopicTable::<VehicleRow>::new();
    let value = expected("snapshot", 0, Stamp::default(), &[], &empty);
    frame("vehicle-empty", &|out| empty.encode_snapshot(Stamp::default(), out), value);
    vectors
}

fn bad() -> Vec<(&'static str, Vec<u8>, Value)> {
    let stations = table("ST", 3, station);
    let mut whole = Vec::new();
    stations.encode_snapshot(stamp(1), &mut whole);
    let mut delta = Vec::new();
    stations.encode_delta(0, |_| true, stamp(1), &mut delta);
    let with = |place: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[place] = byte;
        bytes
    };
    // 5 columns of 12 bytes, then 8 of 3 bytes and one zero each; then 4 offsets; then the ids.
    let (padding, offsets, ids) = (HEADER_BYTES + 63, HEADER_BYTES + 92, HEADER_BYTES + 108);
    let vector = |name, bytes, error: &str| (name, bytes, json!({ "error": error }));
    vec![
        vector("bad-magic", with(0, 0), "magic"),
        vector("bad-version", with(4, 2), "version"),
        vector("bad-kind", with(5, 9), "kind"),
        vector("bad-topic", with(6, 0), "topic"),
        vector("bad-flags", with(7, 1), "flags"),
        vector("bad-base", with(16, 1), "base"),
        vector("bad-header", whole[..HEADER_BYTES - 1].to_vec(), "length"),
        vector("bad-short", whole[..whole.len() - 4].to_vec(), "length"),
        vector("bad-long", [&whole[..], &[0; 4]].concat(), "length"),
        vector("bad-rows", with(15, 0xff), "length"),
        vector("bad-delta-long", [&delta[..], &[0; 4]].concat(), "length"),
        vector("bad-padding", with(padding, 1), "padding"),
        vector("bad-offsets", with(offsets + 4, 0xff), "offsets"),
        vector("bad-offset-start", with(offsets, 1), "offsets"),
        vector("bad-utf8", with(ids, 0xff), "utf8"),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn blessing() -> bool {
    std::env::var_os("VOLTWIN_BLESS").is_some_and(|bless| bless == "1")
}

/// Compares a committed file with what it should be, or writes it when blessing.
fn settle(path: &Path, wanted: &[u8]) {
    if blessing() {
        std::fs::write(path, wanted).unwrap();
    }
    let there = std::fs::read(path).unwrap_or_default();
    assert!(there == wanted, "{} is stale: run `cargo xtask codegen`", path.display());
}

#[test]
fn golden_vectors_are_fresh_and_read_as_written() {
    let vectors: Vec<_> = good().into_iter().chain(bad()).collect();
    let mut names = Vec::new();
    for (name, bytes, value) in &vectors {
        assert_eq!(read(bytes), *value, "{name}");
        settle(&folder().join(format!("{name}.bin")), bytes);
        settle(&folder().join(format!("{name}.json")), format!("{value:#}\n").as_bytes());
        names.extend([format!("{name}.bin"), format!("{name}.json")]);
    }
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "{name} belongs to no vector");
    }
}

#[test]
fn golden_typescript_reader_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../web/src/live/wire.generated.ts");
    settle(&path, typescript().as_bytes());
}
