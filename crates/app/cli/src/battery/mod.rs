//! `voltwin battery`: the physics of cells, on files.

mod identify;
mod plot;
mod simulate;

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
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    match &args.command {
        Command::Simulate(args) => simulate::run(args),
        Command::Identify(args) => identify::run(args),
    }
}
