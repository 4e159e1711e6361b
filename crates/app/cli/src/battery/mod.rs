//! `voltwin battery`: the physics of cells, on files.

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
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let Command::Simulate(args) = &args.command;
    simulate::run(args)
}
