//! The binary live-stream format: one definition, a Rust writer and a generated TypeScript reader.
//!
//! A frame is a 40-byte header and columns of integers, each padded to four bytes, so that a browser reads every
//! column in place through a typed array. `docs/live-stream.md` is the contract; the table in `topics.rs` is the
//! definition from which the row structs, the encoder, [`decode`] and [`typescript`] come.
//!
//! A [`TopicTable`] keeps the newest row of every twin, with a version a row. Each client remembers the version of
//! its last frame and asks for what came after it, so a slow client costs no memory and gets the newest values.
//!
//! # Invariants
//! - Columns start at multiples of four bytes from the start of the frame.
//! - A frame that [`decode`] accepts has exactly the bytes that its header calls for.
//! - The vectors in `golden/` are what both readers must agree on. `VOLTWIN_BLESS=1 cargo test -p voltwin-wire
//!   golden` writes them, and the TypeScript reader, anew.
//!
//! # Example
//! ```
//! use voltwin_wire::{Stamp, TopicTable, VehicleRow, decode, quantise_soc};
//!
//! let mut table = TopicTable::<VehicleRow>::new();
//! let row = table.push("EV-1", VehicleRow::default()).ok_or("the table is full")?;
//! let seen = table.version();
//! table.set(row as usize, VehicleRow { soc_e4: quantise_soc(Some(0.8)), ..VehicleRow::default() });
//! let mut frame = Vec::new();
//! table.encode_delta(seen, |_| true, Stamp::default(), &mut frame);
//! assert_eq!(decode(&frame)?.typed::<VehicleRow>().ok_or("another topic")?[0].soc_e4, 8_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codes;
mod error;
mod frame;
mod quantise;
mod state;
mod table;
mod topics;
mod typescript;

pub use codes::{AlarmLevel, ConnectorKind, ConnectorStatus, Protocol, StationStatus, VehicleStatus};
pub use error::WireError;
pub use frame::{Frame, FrameKind, HEADER_BYTES, Header, MAGIC, Stamp, VERSION, decode, flags};
pub use quantise::{
    DEGREES_UNKNOWN, NO_ROW, SOC_UNKNOWN, quantise_at, quantise_count, quantise_current, quantise_energy,
    quantise_heading, quantise_lat, quantise_lon, quantise_power, quantise_soc, quantise_speed,
    quantise_voltage,
};
pub use state::{ConnectorState, StationState, VehicleState};
pub use table::TopicTable;
pub use topics::{
    Cell, CellType, ColumnSpec, Columns, ConnectorColumns, ConnectorRow, Row, StationColumns, StationRow,
    Topic, VehicleColumns, VehicleRow,
};
pub use typescript::typescript;

#[cfg(test)]
mod tests;
