//! The binary live-stream format: one definition, a Rust writer and a generated TypeScript reader.

mod codes;
mod error;
mod frame;
mod quantise;
mod table;
mod topics;

pub use codes::{AlarmLevel, ConnectorKind, ConnectorStatus, Protocol, StationStatus, VehicleStatus};
pub use error::WireError;
pub use frame::{Frame, FrameKind, HEADER_BYTES, Header, MAGIC, Stamp, VERSION, decode, flags};
pub use quantise::{
    DEGREES_UNKNOWN, NO_ROW, SOC_UNKNOWN, quantise_at, quantise_count, quantise_current, quantise_energy,
    quantise_heading, quantise_lat, quantise_lon, quantise_power, quantise_soc, quantise_speed,
    quantise_voltage,
};
pub use table::TopicTable;
pub use topics::{
    Cell, CellType, ColumnSpec, Columns, ConnectorColumns, ConnectorRow, Row, StationColumns, StationRow,
    Topic, VehicleColumns, VehicleRow,
};
