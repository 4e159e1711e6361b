//! A command of the operator that does what we do not: it reads a request and prints an answer.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::PkiError;

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(60);
/// The most that it may print, in bytes.
const PRINTED_BYTES_MAX: u64 = 64 * 1024;

/// Runs `command` with `input` as its standard input; the environment names the station (`VOLTWIN_STATION`) and the
/// tenant (`VOLTWIN_TENANT`). Gives what it prints.
///
/// # Errors
/// [`PkiError::Command`] when it cannot be run, takes more than a minute, ends with a failure, or prints no text.
pub(crate) async fn ask(
    command: &Path,
    input: &[u8],
    station: &str,
    tenant: &str,
) -> Result<String, PkiError> {
    let ran = tokio::time::timeout(WITHIN, run(command, input, station, tenant)).await;
    ran.map_err(|_| PkiError::command(format!("the command took more than {WITHIN:?}")))?
}

async fn run(command: &Path, input: &[u8], station: &str, tenant: &str) -> Result<String, PkiError> {
    let mut child = Command::new(command)
        .env("VOLTWIN_STATION", station)
        .env("VOLTWIN_TENANT", tenant)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(PkiError::command)?;
    if let Some(mut stdin) = child.stdin.take() {
        // a command that does not read its input is judged by what it prints
        let _ = stdin.write_all(input).await;
    }
    let mut printed = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(PRINTED_BYTES_MAX).read_to_string(&mut printed).await.map_err(PkiError::command)?;
    }
    let status = child.wait().await.map_err(PkiError::command)?;
    if status.success() {
        Ok(printed)
    } else {
        Err(PkiError::command(format!("the command ended with {status}")))
    }
}
