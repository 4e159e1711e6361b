//! The rules that watch the feed: what is wrong, and since when.
//!
//! [`AlarmProcessor`] turns property changes into alarms by a table of [rules](rules::RULES): one alarm per twin
//! and code is open at a time, it is raised when its condition has held for the rule's delay, and cleared when
//! the condition is gone. Identifiers derive from the journal sequence, so a replay raises the same alarms.
//!
//! [`watch_availability`] writes down when stations were reachable and connectors in service.
//!
//! ```
//! use voltwin_processors::AlarmProcessor;
//! use voltwin_runtime::Processor;
//!
//! let processor = AlarmProcessor::new([]);
//! assert_eq!(processor.name(), "processor:alarms");
//! ```

mod alarms;
mod availability;
pub mod rules;

pub use alarms::{AlarmProcessor, OpenAlarm};
pub use availability::watch_availability;
