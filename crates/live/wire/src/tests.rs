use proptest::prelude::*;

use super::*;

#[test]
fn a_frame_is_what_the_contract_says_byte_by_byte() {
    let mut table = TopicTable::new();
    let row = VehicleRow {
        at_ms: 0x0403_0201,
        lat_e7: -1,
        lon_e7: 2,
        power_w: 3,
        connector: NO_ROW,
        heading_cdeg: 0x0605,
        speed_cmps: 4,
        soc_e4: SOC_UNKNOWN,
        status: 1,
        flags: 0x80,
    };
    table.push("EV-1x", row).unwrap();
    let stamp = Stamp { epoch: 1, sequence: 2, journal_seq: 3, server_time_us: -1 };
    let mut bytes = Vec::new();
    assert_eq!(table.encode_snapshot(stamp, &mut bytes), 1);
    let header = b"VTW1\x01\x01\x03\x00\x01\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff";
    let words = b"\x01\x02\x03\x04\xff\xff\xff\xff\x02\0\0\0\x03\0\0\0\xff\xff\xff\xff";
    let narrow = b"\x05\x06\0\0\x04\0\0\0\xff\xff\0\0\x01\0\0\0\x80\0\0\0";
    let ids = b"\0\0\0\0\x05\0\0\0EV-1x\0\0\0";
    assert_eq!(bytes, [&header[..], words, narrow, ids].concat());
}

#[test]
fn code_tables_are_those_of_the_contract() {
    let dense = [
        StationStatus::TABLE,
        ConnectorStatus::TABLE,
        VehicleStatus::TABLE,
        ConnectorKind::TABLE,
        AlarmLevel::TABLE,
    ];
    for table in dense {
        assert!(table.iter().zip(0..).all(|((code, _), index)| *code == index), "{table:?}");
    }
    for (code, text) in ConnectorStatus::TABLE {
        let status = ConnectorStatus::from_text(text).unwrap();
        assert_eq!((status.code(), status.text()), (*code, *text));
        assert_eq!(ConnectorStatus::from_code(*code), Some(status));
    }
    assert_eq!(ConnectorStatus::from_text("SuspendedEV").map(ConnectorStatus::code), Some(5));
    assert_eq!(ConnectorStatus::from_code(11), None);
    assert_eq!(Protocol::from_text("2.0.1").map(Protocol::code), Some(201));
    assert_eq!(ConnectorKind::of(Some("cGBT")), ConnectorKind::Other);
    assert_eq!(ConnectorKind::of(None), ConnectorKind::Unknown);
    let names: Vec<&str> = Topic::ALL.iter().map(|topic| topic.name()).collect();
    assert_eq!(names, ["station", "connector", "vehicle"]);
    assert!(Topic::ALL.iter().all(|topic| Topic::from_name(topic.name()) == Some(*topic)));
}

#[test]
fn quantities_are_rounded_and_clamped() {
    assert_eq!(
        [Some(0.5), Some(1.2), Some(-1.0), Some(f64::NAN), None].map(quantise_soc),
        [5_000, 10_000, 0, SOC_UNKNOWN, SOC_UNKNOWN]
    );
    assert_eq!(
        [Some(90.5), Some(-90.0), None].map(quantise_lat),
        [900_000_000, -900_000_000, DEGREES_UNKNOWN]
    );
    assert_eq!([Some(180.0), Some(-200.0)].map(quantise_lon), [1_800_000_000, -1_800_000_000]);
    assert_eq!([Some(-0.01), Some(359.996), Some(720.5), None].map(quantise_heading), [35_999, 0, 50, 0]);
    assert_eq!([Some(1e12), Some(-1e12), Some(7.5), None].map(quantise_power), [i32::MAX, i32::MIN, 8, 0]);
    assert_eq!([Some(-1.0), Some(1e12), Some(0.4)].map(quantise_energy), [0, u32::MAX, 0]);
    assert_eq!([Some(400.06), Some(1e5)].map(quantise_voltage), [4_001, u16::MAX]);
    assert_eq!([Some(-18.54), Some(1e5)].map(quantise_current), [-185, i16::MAX]);
    assert_eq!([Some(13.888), Some(-1.0), Some(f64::INFINITY)].map(quantise_speed), [1_389, 0, u16::MAX]);
    assert_eq!(
        (quantise_at(1_500, 1_000), quantise_at(0, 1_000), quantise_at(i64::MAX, 0)),
        (500, 0, u32::MAX)
    );
    assert_eq!((quantise_count(3), quantise_count(300)), (3, 255));
}

#[test]
fn readers_of_different_versions_share_a_table() {
    let mut table = TopicTable::<StationRow>::new();
    let rows: Vec<u32> =
        (0..600).map(|n| table.push(&format!("S{n}"), StationRow::default()).unwrap()).collect();
    assert_eq!(rows.last(), Some(&599));
    let first = table.version();
    assert!(!table.set(5, StationRow::default()), "nothing changed");
    assert!(table.set(5, StationRow { power_w: 1, ..Default::default() }));
    let second = table.version();
    assert!(table.set(300, StationRow { power_w: 2, ..Default::default() }));
    assert!(!table.set(600, StationRow::default()));
    let rows_since = |since: u64| {
        let mut out = Vec::new();
        table.encode_delta(since, |_| true, Stamp::default(), &mut out);
        if out.is_empty() { Vec::new() } else { decode(&out).unwrap().rows }
    };
    assert_eq!(rows_since(first), [5, 300]);
    assert_eq!(rows_since(second), [300]);
    assert_eq!(rows_since(table.version()), Vec::<u32>::new());
    assert_eq!((table.id(0), table.id(599), table.id(600)), (Some("S0"), Some("S599"), None));
    assert_eq!(table.row_version(300), Some(table.version()));
    let mut nothing = Vec::new();
    assert_eq!(table.encode_append(600, Stamp::default(), &mut nothing), 0);
    assert!(nothing.is_empty());
}

fn any_row() -> impl Strategy<Value = ConnectorRow> {
    (any::<[u32; 3]>(), any::<[i32; 2]>(), any::<[u16; 2]>(), any::<i16>(), any::<[u8; 4]>()).prop_map(
        |(a, b, c, current_da, d)| ConnectorRow {
            at_ms: a[0],
            station: a[1],
            power_w: b[0],
            max_power_w: b[1],
            energy_wh: a[2],
            soc_e4: c[0],
            voltage_dv: c[1],
            current_da,
            evse: d[0],
            connector: d[1],
            kind: d[2],
            status: d[3],
        },
    )
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    any::<(u32, u32, u64, i64)>().prop_map(|(epoch, sequence, journal_seq, server_time_us)| Stamp {
        epoch,
        sequence,
        journal_seq,
        server_time_us,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec(("\\PC{0,6}", any_row()), 0..40),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_row()), 0..40),
        base in any::<prop::sample::Index>(),
        stamp in any_stamp(),
    ) {
        let mut table = TopicTable::new();
        for (id, row) in &rows {
            table.push(id, *row).unwrap();
        }
        let seen = table.version();
        let mut plain: Vec<ConnectorRow> = rows.iter().map(|(_, row)| *row).collect();
        let mut changed = std::collections::BTreeSet::new();
        let changes = if plain.is_empty() { &[][..] } else { &changes };
        for (place, row) in changes {
            let place = place.index(plain.len());
            if plain[place] != *row {
                changed.insert(place as u32);
            }
            plain[place] = *row;
            table.set(place, *row);
        }
        let mut bytes = Vec::new();
        prop_assert_eq!(table.encode_snapshot(stamp, &mut bytes), plain.len());
        prop_assert_eq!(bytes.len() % 4, 0);
        let frame = decode(&bytes).unwrap();
        prop_assert_eq!(frame.header.stamp, stamp);
        prop_assert_eq!(frame.typed::<ConnectorRow>().unwrap(), plain.clone());
        prop_assert!(frame.typed::<StationRow>().is_none());
        prop_assert!(frame.ids.iter().zip(&rows).all(|(id, (given, _))| id == given));

        let mut bytes = Vec::new();
        let count = table.encode_delta(seen, |row| row % 2 == 0, stamp, &mut bytes);
        let wanted: Vec<u32> = changed.into_iter().filter(|row| row % 2 == 0).collect();
        prop_assert_eq!(count, wanted.len());
        if count > 0 {
            let frame = decode(&bytes).unwrap();
            prop_assert_eq!(&frame.rows, &wanted);
            let cells: Vec<ConnectorRow> = wanted.iter().map(|row| plain[*row as usize]).collect();
            prop_assert_eq!(frame.typed::<ConnectorRow>().unwrap(), cells);
        }

        if !plain.is_empty() {
            let base = base.index(plain.len());
            let mut bytes = Vec::new();
            prop_assert_eq!(table.encode_append(base, stamp, &mut bytes), plain.len() - base);
            let frame = decode(&bytes).unwrap();
            prop_assert_eq!(frame.rows[0] as usize, base);
            prop_assert_eq!(frame.typed::<ConnectorRow>().unwrap(), plain[base..].to_vec());
            prop_assert_eq!(&frame.ids[0], &rows[base].0);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_damaged_frame_is_read_or_refused(
        rows in prop::collection::vec(("\\PC{0,6}", any_row()), 0..5),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut table = TopicTable::new();
        for (id, row) in &rows {
            table.push(id, *row).unwrap();
        }
        let mut bytes = Vec::new();
        table.encode_snapshot(Stamp::default(), &mut bytes);
        prop_assert!(decode(&bytes[..length.index(bytes.len())]).is_err());
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = decode(&bytes);
    }
}
