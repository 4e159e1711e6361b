//! `voltwin wire`: what passed between a station and us, played again.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use voltwin_core::Timestamp;
use voltwin_csms::{CsmsError, RecordingError, Replayed, replay};

use crate::error::CliError;
use crate::print_line;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Play a recorded wire into a fresh copy of the station's twins, and compare our answers with those of then.
    Replay(Replay),
}

#[derive(clap::Args)]
struct Replay {
    /// A recording as `GET /api/v1/recordings/ID/file` gives it.
    file: PathBuf,
    /// Stop after this moment of the record, such as 2026-11-21T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Print everything as one JSON object: the twins, the differences, the digest.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), CliError> {
    let Command::Replay(args) = args.command;
    let shown = args.file.display().to_string();
    let file =
        File::open(&args.file).map_err(|error| CliError::input(format!("cannot read {shown}: {error}")))?;
    let folder = scratch()?;
    let played =
        replay(BufReader::new(file), args.until, &folder.path).await.map_err(|error| match error {
            CsmsError::Recording(error @ RecordingError::Line { .. }) => {
                CliError::input(format!("{shown}, {error}"))
            }
            other => CliError::failure(other),
        })?;
    print(&played, args.json)
}

fn print(played: &Replayed, json: bool) -> Result<(), CliError> {
    if json {
        print_line(&serde_json::to_string(played).map_err(CliError::failure)?);
        return Ok(());
    }
    print_line(&format!("station     {}", played.station));
    print_line(&format!("frames in   {}", played.frames_in));
    print_line(&format!("compared    {}, {} different", played.compared, played.different));
    if !played.complete {
        print_line("            the recording was cut off, lost lines, or was not played to its end");
    }
    for difference in &played.differences {
        print_line(&format!("line {}", difference.line));
        print_line(&format!("  then  {}", or_nothing(&difference.recorded)));
        print_line(&format!("  now   {}", or_nothing(&difference.now)));
    }
    for (id, twin) in &played.twins {
        print_line(&format!("twin {id}  {}", twin["properties"]));
    }
    for transaction in &played.transactions {
        let field = |name: &str| transaction[name].as_str().unwrap_or("-").to_owned();
        let line = ["transaction_id", "state", "energy_wh"].map(field).join("  ");
        print_line(&format!("transaction {line} Wh"));
    }
    print_line(&format!("digest      {}", played.digest));
    Ok(())
}

fn or_nothing(frame: &str) -> &str {
    if frame.is_empty() { "nothing" } else { frame }
}

/// A folder of its own for the copy, removed in the end.
struct Scratch {
    path: PathBuf,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn scratch() -> Result<Scratch, CliError> {
    let name = voltwin_security::generate_password().map_err(CliError::failure)?;
    let name: String = name.expose().chars().filter(char::is_ascii_alphanumeric).collect();
    let path = std::env::temp_dir().join(format!("voltwin-replay-{name}"));
    std::fs::create_dir(&path)?;
    Ok(Scratch { path })
}
