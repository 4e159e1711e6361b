//! `voltwin azure plan` and `voltwin azure sync`.

use tokio_util::sync::CancellationToken;

use crate::error::CliError;

#[derive(clap::Args)]
pub(crate) struct PlanArgs {}

#[derive(clap::Args)]
pub(crate) struct SyncArgs {}

pub(crate) async fn plan(_args: PlanArgs, _cancel: CancellationToken) -> Result<(), CliError> {
    Err(CliError::input("the synchronisation comes with the next commits"))
}

pub(crate) async fn sync(_args: SyncArgs, _cancel: CancellationToken) -> Result<(), CliError> {
    Err(CliError::input("the synchronisation comes with the next commits"))
}
