//! Every battery of a fleet beside its pack, live.
//!
//! [`BatteryProcessor`] reads the change feed: what a `BatteryPack` twin says of its voltage, current, temperature and
//! cells becomes a state with bounds ([`Live`]), a judgement of whether the twin follows its pack ([`Status`]), and
//! warnings that name their cause ([`Cause`]). It writes them back as ordinary changes of the twin, a few seconds apart,
//! and its memory beside its place in the feed, so that a restart at any moment goes on as if there had been none.
//! [`Batteries`] is the same knowledge for readers in this process.
//!
//! [`Outlook`] is what becomes of a pack: forecasts, the ageing by mechanism, advice and other habits.
//!
//! # Invariants
//! - What is written of a battery follows from its readings alone, in the order of the feed.
//! - The measured properties of a twin are never written, only those that are named an estimate or a judgement.
//! - No reading, however wrong, makes a number that is none.
//!
//! ```
//! use voltwin_batteries::{Batteries, BatteryProcessor};
//! use voltwin_runtime::Processor;
//!
//! let processor = BatteryProcessor::new(Batteries::default(), []);
//! assert_eq!(processor.name(), "processor:batteries");
//! ```

mod cells;
mod habit;
mod kind;
mod live;
mod outlook;
mod processor;
mod warning;

pub use cells::CellFit;
pub use habit::{Habit, UsualDay};
pub use kind::{Facts, PackKind, TypeSource, ageing_cell};
pub use live::{Late, Live, Measured, SensorState, Sensors, Status};
pub use outlook::{Change, Course, Life, Outlook, OutlookError, V2g, WhatIf};
pub use processor::{BATTERY_PACK, Batteries, Battery, BatteryProcessor, run_batteries};
pub use warning::{Active, Cause, Found};
