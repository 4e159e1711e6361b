//! Files of the swap commands: read with a limit, written whole or not at all.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::Value;
use voltwin_swap::Scenario;

use super::explain;
use crate::error::CliError;

/// A scenario of 10,000 stations with a week of traces is about a third of this.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;

pub(super) fn text(path: &Path) -> Result<String, CliError> {
    let named = |error: std::io::Error| CliError::input(format!("{}: {error}", path.display()));
    let bytes = fs::metadata(path).map_err(named)?.len();
    if bytes > BYTES_MAX {
        return Err(CliError::input(format!("{}: {bytes} bytes, {BYTES_MAX} at most", path.display())));
    }
    fs::read_to_string(path).map_err(named)
}

pub(super) fn scenario(path: &Path) -> Result<Scenario, CliError> {
    Scenario::from_json(&text(path)?).map_err(|error| match explain(error) {
        CliError::Input(what) => CliError::input(format!("{}: {what}", path.display())),
        other => other,
    })
}

/// To the file, or to standard output where there is none. A file appears whole or not at all.
pub(super) fn write(path: Option<&Path>, form: &Value) -> Result<(), CliError> {
    let Some(path) = path else {
        crate::print_line(&format!("{form:#}"));
        return Ok(());
    };
    let part = part_of(path);
    let written = fs::File::create(&part).and_then(|file| {
        let mut file = std::io::BufWriter::new(file);
        serde_json::to_writer(&mut file, form)?;
        file.write_all(b"\n")?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    });
    written.and_then(|()| fs::rename(&part, path)).map_err(|error| {
        let _ = fs::remove_file(&part);
        CliError::Failure(anyhow::anyhow!("{}: {error}", path.display()))
    })
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Whether a file can be written there, asked before the work and not after it.
pub(super) fn writable(path: &Path) -> Result<(), CliError> {
    let part = part_of(path);
    fs::File::create(&part)
        .and_then(|_| fs::remove_file(&part))
        .map_err(|error| CliError::input(format!("{}: {error}", path.display())))
}
