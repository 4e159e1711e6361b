//! The topics and their columns: the one definition of the format. Row structs, encoder, decoder and the
//! TypeScript reader all come from the `topics!` table at the end.

use std::fmt;

/// How the cells of a column are stored, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellType {
    /// 4 bytes, unsigned.
    U32,
    /// 4 bytes, signed.
    I32,
    /// 2 bytes, unsigned.
    U16,
    /// 2 bytes, signed.
    I16,
    /// 1 byte, unsigned.
    U8,
}

impl CellType {
    /// Its name in the generated reader.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U8 => "u8",
        }
    }

    /// Bytes a cell.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::U32 | Self::I32 => 4,
            Self::U16 | Self::I16 => 2,
            Self::U8 => 1,
        }
    }
}

/// One column of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name in the contract.
    pub name: &'static str,
    /// Its cells.
    pub cell: CellType,
}

/// A Rust integer that is a cell.
pub trait Cell: Copy + PartialEq + Default + fmt::Debug + Send + Sync + 'static {
    /// Its storage on the wire.
    const TYPE: CellType;
    /// Appends its bytes.
    fn write(self, out: &mut Vec<u8>);
    /// The cell as the widest integer that holds every cell type.
    fn widen(self) -> i64;
    /// Back from the widest integer; `None` when out of range.
    fn narrow(wide: i64) -> Option<Self>;
}

macro_rules! cells {
    ($($int:ty => $variant:ident),+) => {$(
        impl Cell for $int {
            const TYPE: CellType = CellType::$variant;
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn widen(self) -> i64 {
                i64::from(self)
            }
            fn narrow(wide: i64) -> Option<Self> {
                Self::try_from(wide).ok()
            }
        }
    )+};
}
cells!(u32 => U32, i32 => I32, u16 => U16, i16 => I16, u8 => U8);

/// The columns of a topic, one vector each. Made by the definition below; not implemented elsewhere.
pub trait Columns<R>: Default + Clone + fmt::Debug + Send + Sync {
    /// Appends a row.
    fn push(&mut self, row: R);
    /// Reads a row; `None` past the end.
    fn get(&self, index: usize) -> Option<R>;
    /// Overwrites a row that exists.
    fn put(&mut self, index: usize, row: R);
    /// Writes the cells of the chosen rows, column by column, each padded to 4 bytes.
    fn write_rows(&self, rows: impl ExactSizeIterator<Item = usize> + Clone, out: &mut Vec<u8>);
}

/// A row of a topic. Made by the definition below; not implemented elsewhere.
pub trait Row: Copy + PartialEq + Default + fmt::Debug + Send + Sync + 'static {
    /// Its topic.
    const TOPIC: Topic;
    /// Its columns.
    type Columns: Columns<Self>;
    /// A row from the widened cells of a decoded frame; `None` when one is missing or out of range.
    fn from_cells(cells: &[i64]) -> Option<Self>;
    /// Its cells, widened, in the order of the columns.
    fn cells(&self) -> Vec<i64>;
}

macro_rules! topics {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $code:literal, $name:literal, $row:ident, $columns:ident {
            $($(#[$field_doc:meta])* $field:ident: $cell:ty,)+
        }
    )+) => {
        /// What a frame is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Topic {
            $($(#[$doc])* $variant = $code,)+
        }

        impl Topic {
            /// Every topic.
            pub const ALL: &'static [Topic] = &[$(Self::$variant),+];

            /// Its byte in the header.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// Its name, as clients subscribe to it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The topic behind a header byte.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The topic of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its columns in the order of the frame.
            #[must_use]
            pub const fn columns(self) -> &'static [ColumnSpec] {
                match self {
                    $(Self::$variant => &[
                        $(ColumnSpec { name: stringify!($field), cell: <$cell as Cell>::TYPE }),+
                    ],)+
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
            pub struct $row {
                $($(#[$field_doc])* pub $field: $cell,)+
            }

            #[doc = concat!("The columns of topic `", $name, "`.")]
            #[derive(Debug, Clone, Default)]
            pub struct $columns {
                $($(#[$field_doc])* pub $field: Vec<$cell>,)+
            }

            impl Columns<$row> for $columns {
                fn push(&mut self, row: $row) {
                    $(self.$field.push(row.$field);)+
                }

                fn get(&self, index: usize) -> Option<$row> {
                    Some($row { $($field: *self.$field.get(index)?,)+ })
                }

                fn put(&mut self, index: usize, row: $row) {
                    $(if let Some(cell) = self.$field.get_mut(index) {
                        *cell = row.$field;
                    })+
                }

                fn write_rows(&self, rows: impl ExactSizeIterator<Item = usize> + Clone, out: &mut Vec<u8>) {
                    $(write_column(&self.$field, rows.clone(), out);)+
                }
            }

            impl Row for $row {
                const TOPIC: Topic = Topic::$variant;
                type Columns = $columns;

                fn from_cells(cells: &[i64]) -> Option<Self> {
                    let mut cells = cells.iter();
                    Some($row { $($field: <$cell as Cell>::narrow(*cells.next()?)?,)+ })
                }

                fn cells(&self) -> Vec<i64> {
                    vec![$(self.$field.widen()),+]
                }
            }
        )+
    };
}

fn write_column<C: Cell>(column: &[C], rows: impl ExactSizeIterator<Item = usize>, out: &mut Vec<u8>) {
    let bytes = rows.len() * C::TYPE.width();
    for row in rows {
        column.get(row).copied().unwrap_or_default().write(out);
    }
    out.resize(out.len() + padding(bytes), 0);
}

/// Zeros after `bytes` bytes to come to a multiple of 4.
pub(crate) const fn padding(bytes: usize) -> usize {
    bytes.wrapping_neg() & 3
}

topics! {
    /// A charging station.
    Station = 1, "station", StationRow, StationColumns {
        /// Source time of the newest value, in milliseconds after the epoch of the stream.
        at_ms: u32,
        /// Latitude in ten-millionths of a degree; `i32::MIN` unknown.
        lat_e7: i32,
        /// Longitude in ten-millionths of a degree; `i32::MIN` unknown.
        lon_e7: i32,
        /// Power drawn now, in watts.
        power_w: i32,
        /// Rated power in watts.
        max_power_w: i32,
        /// Storey of its hub, from 0.
        level: u8,
        /// [`crate::StationStatus`].
        status: u8,
        /// [`crate::Protocol`].
        protocol: u8,
        /// [`crate::AlarmLevel`].
        alarm: u8,
        /// Number of connectors.
        connectors: u8,
        /// Connectors in use.
        in_use: u8,
        /// Connectors faulted.
        faulted: u8,
        /// [`crate::flags`]: online, alarm unacknowledged, deleted.
        flags: u8,
    }

    /// A connector of a charging station.
    Connector = 2, "connector", ConnectorRow, ConnectorColumns {
        /// Source time of the newest value, in milliseconds after the epoch of the stream.
        at_ms: u32,
        /// Row of its station; `0xFFFF_FFFF` none.
        station: u32,
        /// Power now, in watts; positive into the vehicle.
        power_w: i32,
        /// Rated power in watts.
        max_power_w: i32,
        /// Energy register in watt-hours.
        energy_wh: u32,
        /// State of charge of the vehicle in ten-thousandths; 65 535 unknown.
        soc_e4: u16,
        /// Voltage in tenths of a volt.
        voltage_dv: u16,
        /// Current in tenths of an ampere; positive into the vehicle.
        current_da: i16,
        /// EVSE number, from 1.
        evse: u8,
        /// Connector number within the EVSE, from 1.
        connector: u8,
        /// [`crate::ConnectorKind`].
        kind: u8,
        /// [`crate::ConnectorStatus`].
        status: u8,
    }

    /// A vehicle.
    Vehicle = 3, "vehicle", VehicleRow, VehicleColumns {
        /// Source time of the newest value, in milliseconds after the epoch of the stream.
        at_ms: u32,
        /// Latitude in ten-millionths of a degree; `i32::MIN` unknown.
        lat_e7: i32,
        /// Longitude in ten-millionths of a degree; `i32::MIN` unknown.
        lon_e7: i32,
        /// Power into the battery in watts; negative while driving.
        power_w: i32,
        /// Row of the connector that it is plugged into; `0xFFFF_FFFF` none.
        connector: u32,
        /// Heading clockwise from north in hundredths of a degree.
        heading_cdeg: u16,
        /// Speed in centimetres per second.
        speed_cmps: u16,
        /// State of charge in ten-thousandths; 65 535 unknown.
        soc_e4: u16,
        /// [`crate::VehicleStatus`].
        status: u8,
        /// [`crate::flags`]: alarm unacknowledged, deleted.
        flags: u8,
    }
}
