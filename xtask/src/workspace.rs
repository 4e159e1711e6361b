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
    /// Packages: the workspace's, or everything that is resolved.
    pub(crate) packages: Vec<Package>,
}

/// One package.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Where it comes from; none for a package of the workspace.
    pub(crate) source: Option<String>,
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
        Self::load(root, &["--no-deps"])
    }

    /// Everything that a build for this kind of machine takes in.
    pub(crate) fn resolved(root: &Path) -> Result<Self> {
        let host = Cmd::new("rustc", root).args(["--print", "host-tuple"]).read()?;
        Self::load(root, &["--filter-platform", host.trim()])
    }

    fn load(root: &Path, args: &[&str]) -> Result<Self> {
        let json =
            Cmd::cargo(root).args(["metadata", "--format-version", "1", "--locked"]).args(args).read()?;
        serde_json::from_str(&json).context("`cargo metadata` printed something else than its format")
    }
}
