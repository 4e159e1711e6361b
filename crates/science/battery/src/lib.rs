//! How batteries behave as circuits, from one cell to a million packs.
//!
//! [`ecm`] is one cell as an equivalent circuit with tables over state of charge and temperature, alone or in a batch of
//! the same bits; [`assembly`] makes modules and packs of such cells. [`Pack`] is the coarse model of a charging session
//! that a simulated city runs by the thousand:
//!
//! Each series group of cells is an open-circuit voltage over state of charge and one resistance, with a small
//! seeded spread of capacity, resistance and state of charge from group to group. The pack is heated by its
//! resistive losses and cooled to the ambient through one thermal resistance. This describes minutes to hours of
//! charging and driving; it has no diffusion, no ageing and no low-temperature limit. A [`PackFault`] makes it break.
//!
//! # Invariants
//! - **Pure**: no clock, no I/O. The same configuration, seed and commands give the same states, bit for bit.
//! - **Charging is positive**: current and power into the pack are positive, driving is negative.
//! - No cell is charged above its limit voltage: the fullest cell leads the constant-voltage phase.
//! - State of charge stays in `0..=1`, and energy at the terminals equals stored energy plus heat.
//!
//! # Example
//! ```
//! use voltwin_battery::{ChargeCommand, Chemistry, Pack, PackConfig, Phase};
//!
//! let config = PackConfig::new(Chemistry::Nmc, 96, 3, 60_000.0);
//! let mut pack = Pack::new(&config, 0.2, 7)?;
//! let charger = ChargeCommand::Charge { max_power_w: 50_000.0, max_current_a: 125.0 };
//! let mut minutes = 0;
//! while pack.step(60.0, charger).phase != Phase::Full {
//!     minutes += 1;
//! }
//! assert!((50..120).contains(&minutes), "{minutes}");
//! # Ok::<(), voltwin_battery::BatteryError>(())
//! ```
#![allow(
    clippy::needless_range_loop,
    reason = "matrices and parallel columns read as in the formulas by index"
)]

pub mod assembly;
mod config;
mod curve;
pub mod ecm;
mod error;
mod ocv;
mod pack;
mod random;

pub use config::{Chemistry, PackConfig};
pub use curve::ChargingCurve;
pub use error::BatteryError;
pub use ocv::OcvCurve;
pub use pack::{ChargeCommand, Pack, PackFault, PackState, Phase};
pub use random::Stream;
