//! The workspace as cargo sees it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::shell::Cmd;

/// The repository: the folder above `xtask`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The part of `cargo metadata` that the checks read.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// The workspace's own packages.
    pub(crate) packages: Vec<Package>,
}

/// One package.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a `[dependencies]` table of any kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Set for a dependency on a folder.
    pub(crate) path: Option<PathBuf>,
}

impl Metadata {
    /// Our own packages only.
    pub(crate) fn workspace(root: &Path) -> Result<Self> {
        let json =
            Cmd::cargo(root).args(["metadata", "--format-version", "1", "--locked", "--no-deps"]).read()?;
        serde_json::from_str(&json).context("`cargo metadata` printed something else than its format")
    }
}
