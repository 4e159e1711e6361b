//! Licences, banned crates and sources, by the rules of deny.toml: the work of cargo-deny, which is built once, of a
//! pinned version, under `target/tools` when it is not there.
//!
//! Advisories are left to `target/tools/bin/cargo-deny check advisories`, because its database comes from another host
//! than the crates do.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::shell::Cmd;

const VERSION: &str = "0.20.2";

/// The check itself, once [`install`] has been.
pub(crate) fn check(root: &Path) -> Cmd {
    Cmd::new(binary(root), root).args([
        "--locked",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ])
}

/// Builds cargo-deny where it is missing or of another version.
pub(crate) async fn install(root: &Path) -> Result<()> {
    let present = Cmd::new(binary(root), root).arg("--version").read();
    if present.is_ok_and(|version| version.trim().ends_with(VERSION)) {
        return Ok(());
    }
    let tools = root.join("target/tools");
    Cmd::cargo(root)
        .args([
            "install",
            "cargo-deny",
            "--version",
            VERSION,
            "--locked",
            "--debug",
            "--force",
            "--quiet",
            "--root",
        ])
        .arg(&tools)
        .arg("--target-dir")
        .arg(tools.join("build"))
        .limit(Duration::from_secs(30 * 60))
        .run(|line| println!("{line}"))
        .await
        .context("cargo-deny could not be built")?;
    // Half a gigabyte that nothing needs any more.
    std::fs::remove_dir_all(tools.join("build")).context("target/tools/build")
}

fn binary(root: &Path) -> PathBuf {
    root.join("target/tools/bin/cargo-deny")
}
