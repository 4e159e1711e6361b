//! `voltwin swap`: networks of battery-swap stations, simulated and decided with.

mod decide;
mod demand;
mod files;
mod import;
mod run;

use tokio_util::sync::CancellationToken;
use voltwin_swap::SwapError;

use crate::error::CliError;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Run the replications of a scenario and write their figures with intervals (form swap-kpis/1).
    Run(run::RunArgs),
    /// Run one replication and write what became of every vehicle.
    One(run::OneArgs),
    /// Run two or more scenarios on the same chance, and say in words what differs.
    Compare(decide::CompareArgs),
    /// Move each parameter down and up, and list which moves a figure most (tornado).
    Sensitivity(decide::SensitivityArgs),
    /// Look for the plan with the fewest lost vehicles that a budget can build, with the frontier of cost against service.
    Optimise(decide::OptimiseArgs),
    /// Fit demand to logged arrivals, and say how well it fits.
    Fit(demand::FitArgs),
    /// Choose sites so that demand has a short way to the nearest of them.
    Site(demand::SiteArgs),
    /// Make a scenario of a CSV of stations and a scenario that says all else.
    Import(import::ImportArgs),
}

/// Work that fills the processors leaves the threads that answer signals alone.
pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    let work = move || match args.command {
        Command::Run(args) => run::run(&args, &cancel),
        Command::One(args) => run::one(&args, &cancel),
        Command::Compare(args) => decide::compare_all(&args, &cancel),
        Command::Sensitivity(args) => decide::tornado(&args, &cancel),
        Command::Optimise(args) => decide::best_plan(&args, &cancel),
        Command::Fit(args) => demand::fit_demand(&args),
        Command::Site(args) => demand::choose_sites(&args),
        Command::Import(args) => import::import(&args),
    };
    tokio::task::spawn_blocking(work).await.map_err(CliError::failure)?
}

/// What the user can mend is bad input; the rest is a failure.
fn explain(error: SwapError) -> CliError {
    match error {
        SwapError::Form { .. } | SwapError::Fields(_) | SwapError::Question { .. } => {
            CliError::input(error.to_string())
        }
        SwapError::Cancelled => CliError::failure(error),
    }
}
