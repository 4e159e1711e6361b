//! Append-only Delta tables in a folder, which Spark, Synapse, Fabric, DuckDB and `deltalake` read.
//!
//! A table is a folder of Parquet files and `_delta_log`, in which every commit is a file of JSON lines. A commit takes
//! its number by linking a file that is whole already to the name of the number, which fails where the number is
//! taken. So a crash leaves either all of an append or nothing, and at worst a file that no commit names; such files
//! are removed when the table is opened. Every tenth commit has a checkpoint beside it, the whole state in one file, with
//! which readers begin and so do we: what lies before it is needed by nobody but those who ask for older versions.
//!
//! # Invariants
//! - One process writes a table. Readers see whole appends, in order.
//! - An append names an application and its version, and one whose version is not above the last changes nothing:
//!   whoever repeats its work after a crash writes nothing twice.
//! - What a table takes is bounded by [`Table::expire`].
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use arrow_array::{ArrayRef, RecordBatch, StringArray};
//! use voltwin_delta::{Column, Kind, Table};
//!
//! let dir = tempfile::tempdir()?;
//! let columns = [Column { name: "TwinId", kind: Kind::Text, nullable: false }];
//! let mut table = Table::open(dir.path(), "twins", &columns, 0)?;
//! let twins: ArrayRef = Arc::new(StringArray::from(vec!["EV-1", "EV-2"]));
//! let batch = RecordBatch::try_new(table.schema(), vec![twins])?;
//! assert!(table.append(&batch, ("example", 7), 1_000)?);
//! assert!(!table.append(&batch, ("example", 7), 2_000)?, "written before");
//! assert_eq!(Table::open(dir.path(), "twins", &columns, 3_000)?.rows(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod error;
mod log;
mod table;

pub use error::DeltaError;
pub use table::{Column, Kind, Table};
