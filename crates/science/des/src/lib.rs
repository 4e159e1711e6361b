//! Discrete-event simulation: a calendar of events, streams of chance, and the statistics of replications.
//!
//! A model is an enum of events and a loop: it schedules events in an [`Agenda`] and takes them out in the order of
//! time. Its chance comes from [`Stream`]s that have names, so that every number is a function of seed, replication,
//! purpose and entity. [`replicate`] runs replications on all cores, and the rest of this room says what they mean:
//! [`Summary`] with t intervals, type-7 [`quantile`]s, warm-up by [`mser5`], one long run by [`batch_means`], stopping at
//! a [`Precision`], differences by [`paired`] values, the best design by [`Selection`], [`allocate`] and [`subset`].
//!
//! # Invariants
//! - **Pure**: no clock, no I/O, no global chance. The same name gives the same numbers, the same replications the same
//!   bits, at any number of threads.
//! - **Ties are exact**: instants are compared as the bits of a number; events of one instant have ranks, and within a rank
//!   the order in which they were scheduled.
//! - Logarithms and exponentials come from one portable library, so that two machines agree.
//!
//! # Example
//! One server, Poisson arrivals, exponential service: the mean wait is rho / (mu - lambda) = 1.
//! ```
//! use voltwin_des::{Agenda, Name, Summary, replicate};
//!
//! enum Event { Arrival, Departure }
//!
//! let waits = replicate(0..20, |r| {
//!     let name = Name::of_seed(1).number(r);
//!     let (mut gaps, mut services) = (name.word("gap").stream(), name.word("service").stream());
//!     let mut agenda = Agenda::new();
//!     let (mut queue, mut busy) = (std::collections::VecDeque::new(), false);
//!     let (mut total, mut served) = (0.0, 0);
//!     agenda.schedule(gaps.exponential() / 0.5, 0, Event::Arrival);
//!     while let Some((now, event)) = agenda.pop() {
//!         match event {
//!             Event::Arrival => {
//!                 queue.push_back(now);
//!                 agenda.schedule(now + gaps.exponential() / 0.5, 0, Event::Arrival);
//!             }
//!             Event::Departure => busy = false,
//!         }
//!         if !busy && let Some(since) = queue.pop_front() {
//!             busy = true;
//!             total += now - since;
//!             served += 1;
//!             if served == 20_000 {
//!                 break;
//!             }
//!             agenda.schedule(now + services.exponential(), 0, Event::Departure);
//!         }
//!     }
//!     total / f64::from(served)
//! });
//! let (low, high) = Summary::of(waits).interval(0.999);
//! assert!(low < 1.0 && 1.0 < high);
//! ```

mod agenda;
mod law;
mod record;
mod replicate;
mod select;
pub mod special;
mod stats;
mod stream;

pub use agenda::{Agenda, Ticket};
pub use law::{Law, LawError, Sampler};
pub use record::Record;
pub use replicate::replicate;
pub use select::{Selection, allocate, subset};
pub use stats::{
    BatchMeans, Paired, Precision, Progress, Summary, batch_means, holm, mser5, paired, quantile,
    quantile_in_place, t_value,
};
pub use stream::{Name, Stream, unit_of};
