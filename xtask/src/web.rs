//! The web application: packages, checks, build, and a browser to see it with.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    debian,
    report::{Failed, Report},
    shell::Cmd,
};

/// A command in `web/`.
pub(crate) fn npm(root: &Path) -> Cmd {
    Cmd::new("npm", &root.join("web"))
}

/// Packages as the lock file has them; nothing to do when they are there already.
pub(crate) async fn install(root: &Path, report: &mut Report) -> Result<(), Failed> {
    if is_installed(root) {
        report.skip("web packages", "web/node_modules is what the lock file says");
        return Ok(());
    }
    report.run("web packages", &install_command(root)).await
}

/// Installs packages without a report.
pub(crate) async fn install_quietly(root: &Path) -> Result<()> {
    if is_installed(root) { Ok(()) } else { install_command(root).run(|line| println!("{line}")).await }
}

fn install_command(root: &Path) -> Cmd {
    npm(root).args(["ci", "--no-audit", "--no-fund"]).limit(Duration::from_secs(10 * 60))
}

/// npm writes its own copy of the lock file last, so a newer copy means a whole installation.
fn is_installed(root: &Path) -> bool {
    let modified =
        |name: &str| fs::metadata(root.join("web").join(name)).and_then(|file| file.modified()).ok();
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Some(installed), Some(locked)) => installed >= locked,
        _ => false,
    }
}

/// Types, style, unit tests and the build that the server takes in.
pub(crate) async fn check(root: &Path, report: &mut Report) -> Result<(), Failed> {
    report.run("web types", &npm(root).args(["run", "typecheck"])).await?;
    report.run("web style", &npm(root).args(["run", "lint"])).await?;
    report.run("web unit tests", &npm(root).args(["run", "test"])).await?;
    report.run("web build", &npm(root).args(["run", "build"])).await
}

/// A Chromium: the one named by `CHROMIUM`, else one on the path, else Debian's, installed when we are root.
pub(crate) async fn chromium(root: &Path) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        let path = PathBuf::from(named);
        if path.is_file() {
            return Ok(path);
        }
        bail!("CHROMIUM names {}, which is no file", path.display());
    }
    if let Some(found) = on_path() {
        return Ok(found);
    }
    debian::install(root, &["chromium"])
        .await
        .context("no Chromium; one can be named in the variable CHROMIUM too")?;
    on_path().context("Debian's chromium is installed and still not on the path")
}

fn on_path() -> Option<PathBuf> {
    debian::on_path(&["chromium", "chromium-browser", "google-chrome"])
}
