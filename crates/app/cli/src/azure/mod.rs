//! `voltwin azure`: what Voltwin does with Azure Digital Twins from outside.

mod deploy;
mod sync;

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Show what a synchronisation would change at each end, and change nothing. Exit code 2 where there is anything.
    Plan(Box<sync::PlanArgs>),
    /// Bring a tenant and an instance of Azure Digital Twins into agreement, once or for good.
    Sync(Box<sync::SyncArgs>),
    /// Write or apply the infrastructure of an installation on Azure.
    Deploy(deploy::Args),
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    match args.what {
        What::Plan(args) => sync::plan(*args, cancel).await,
        What::Sync(args) => sync::sync(*args, cancel).await,
        What::Deploy(args) => deploy::run(args, cancel).await,
    }
}
