//! The TypeScript reader: tables from the definition, and around them the fixed text of `reader.ts`.

use std::fmt::Write;

use crate::codes::{AlarmLevel, ConnectorKind, ConnectorStatus, Protocol, StationStatus, VehicleStatus};
use crate::frame::{FrameKind, HEADER_BYTES, MAGIC, VERSION, flags};
use crate::quantise::{DEGREES_UNKNOWN, NO_ROW, SOC_UNKNOWN};
use crate::topics::Topic;

/// Columns of a line in the formatting of the web sources.
const WIDTH: usize = 110;

/// The source of `web/src/live/wire.generated.ts`: constants, types, code tables and `decodeFrame`, strict and
/// without dependencies.
#[must_use]
pub fn typescript() -> String {
    let mut out = String::from(
        "// Generated from crates/live/wire by `cargo xtask codegen`: change it there.\n\n\
         /** Binary frames of the live stream: a header, and columns padded to four bytes. */\n\n",
    );
    constants(&mut out);
    topics(&mut out);
    codes(&mut out);
    out.push('\n');
    out.push_str(include_str!("reader.ts"));
    out
}

fn constants(out: &mut String) {
    let numbers = [
        ("\"VTW1\", the first four bytes.", "MAGIC", format!("{MAGIC:#010x}")),
        ("The version of the format.", "VERSION", VERSION.to_string()),
        ("Bytes of the header.", "HEADER_BYTES", HEADER_BYTES.to_string()),
        ("No row of the other topic.", "NO_ROW", format!("{NO_ROW:#x}")),
        ("`soc_e4` of an unknown state of charge.", "UNKNOWN_SOC", SOC_UNKNOWN.to_string()),
        ("`lat_e7` and `lon_e7` of an unknown position.", "UNKNOWN_DEGREES", DEGREES_UNKNOWN.to_string()),
        ("Bit of `flags`: the station has a connection.", "FLAG_ONLINE", format!("{:#04x}", flags::ONLINE)),
        (
            "Bit of `flags`: an open alarm is not acknowledged.",
            "FLAG_UNACKNOWLEDGED",
            format!("{:#04x}", flags::ALARM_UNACKNOWLEDGED),
        ),
        (
            "Bit of `flags`: new firmware is on its way into the station.",
            "FLAG_FIRMWARE_UPDATE",
            format!("{:#04x}", flags::FIRMWARE_UPDATE),
        ),
        (
            "Bit of `flags`: the station collects diagnostics.",
            "FLAG_DIAGNOSTICS",
            format!("{:#04x}", flags::DIAGNOSTICS),
        ),
        ("Bit of `flags`: the twin of this row is gone.", "FLAG_DELETED", format!("{:#04x}", flags::DELETED)),
    ];
    for (what, name, number) in numbers {
        push(out, format_args!("/** {what} */\nexport const {name} = {number};\n"));
    }
    out.push('\n');
}

fn topics(out: &mut String) {
    let names = Topic::ALL.iter().map(|topic| topic.name());
    push(out, format_args!("/** What frames are about. */\n{}", list("TOPICS", names)));
    out.push_str("export type Topic = (typeof TOPICS)[number];\n");
    let kinds = [FrameKind::Snapshot, FrameKind::Delta, FrameKind::Append];
    let union: Vec<String> = kinds.iter().map(|kind| format!("'{}'", kind.name())).collect();
    push(out, format_args!("/** What a frame does. */\nexport type FrameKind = {};\n\n", union.join(" | ")));
    let kinds = kinds.iter().map(|kind| (*kind as u8, kind.name()));
    out.push_str(&record("FRAME_KINDS", "FrameKind", kinds).replacen("export ", "", 1));
    let codes = Topic::ALL.iter().map(|topic| (topic.code(), topic.name()));
    out.push_str(&record("TOPIC_CODES", "Topic", codes).replacen("export ", "", 1));
    out.push_str("\n/** Names and types of columns in the order of the frame. */\nexport const LAYOUT = {\n");
    for topic in Topic::ALL {
        push(out, format_args!("  {}: [\n", topic.name()));
        for column in topic.columns() {
            push(out, format_args!("    ['{}', '{}'],\n", column.name, column.cell.name()));
        }
        out.push_str("  ],\n");
    }
    out.push_str("} as const;\n\n");
}

fn codes(out: &mut String) {
    let tables = [
        ("`status` of a station", "STATION_STATUS", StationStatus::TABLE),
        ("`status` of a connector", "CONNECTOR_STATUS", ConnectorStatus::TABLE),
        ("`status` of a vehicle", "VEHICLE_STATUS", VehicleStatus::TABLE),
        ("`kind` of a connector", "CONNECTOR_KIND", ConnectorKind::TABLE),
        ("`alarm` of a station", "SEVERITY", AlarmLevel::TABLE),
    ];
    for (what, name, table) in tables {
        // These tables have no gaps, so that the code is the index; a test says so.
        let texts = table.iter().map(|(_, text)| *text);
        push(out, format_args!("/** Texts of {what}, by code. */\n{}", list(name, texts)));
    }
    let protocols = Protocol::TABLE.iter().copied();
    push(
        out,
        format_args!("/** Texts of `protocol`, by code. */\n{}", record("PROTOCOL", "string", protocols)),
    );
}

fn list<'a>(name: &str, texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.map(|text| format!("'{text}'")).collect();
    let line = format!("export const {name} = [{}] as const;\n", texts.join(", "));
    if line.len() <= WIDTH + 1 {
        return line;
    }
    format!("export const {name} = [\n  {},\n] as const;\n", texts.join(",\n  "))
}

fn record<'a>(name: &str, kind: &str, entries: impl Iterator<Item = (u8, &'a str)>) -> String {
    let entries: Vec<String> = entries.map(|(code, text)| format!("{code}: '{text}'")).collect();
    format!("export const {name}: Readonly<Record<number, {kind}>> = {{ {} }};\n", entries.join(", "))
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}
