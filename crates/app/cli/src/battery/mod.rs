//! `voltwin battery`: the physics of cells, on files.

mod compare;
mod forecast;
mod identify;
mod pack;
mod plot;
mod simulate;
mod table;
#[cfg(test)]
mod tests;

use crate::error::CliError;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Take one cell through a protocol and write current, voltage and temperature over time.
    Simulate(simulate::Args),
    /// Find a cell's circuit in its tests, and say how well it predicts the tests that were left out.
    Identify(identify::Args),
    /// Say what becomes of a pack: capacity with intervals, end of life, warnings, and what other habits would change.
    Forecast(forecast::Args),
    /// Lay two habits of one pack, or two packs, side by side, and say how sure their difference is.
    Compare(compare::Args),
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    match &args.command {
        Command::Simulate(args) => simulate::run(args),
        Command::Identify(args) => identify::run(args),
        Command::Forecast(args) => forecast::run(args),
        Command::Compare(args) => compare::run(args),
    }
}

/// A number within `LOW` to `HIGH` hundredths.
fn within<const LOW: u32, const HIGH: u32>(text: &str) -> Result<f64, String> {
    let (low, high) = (f64::from(LOW) / 100.0, f64::from(HIGH) / 100.0);
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (low..=high).contains(&value) { Ok(value) } else { Err(format!("allowed is {low}..={high}")) }
}
