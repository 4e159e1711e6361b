//! The statistics of simulations.

mod batch;
mod paired;
mod sample;
mod sequential;

pub use batch::{BatchMeans, batch_means, mser5};
pub use paired::{Paired, holm, paired};
pub use sample::{Summary, quantile, quantile_in_place, t_value};
pub use sequential::{Precision, Progress};
