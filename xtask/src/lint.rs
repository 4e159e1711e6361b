//! The checks that need no running server.

use std::{path::Path, process::ExitCode};

use crate::{
    layering, licences,
    report::{Failed, Report},
    shell::Cmd,
    tidy, workspace,
};

/// `cargo xtask lint`.
pub(crate) async fn run() -> ExitCode {
    let root = workspace::root();
    let mut report = Report::new();
    let outcome = async {
        quick(&root, &mut report).await?;
        clippy(&root, &mut report).await
    }
    .await;
    report.finish(&outcome)
}

/// Seconds, once cargo-deny is there.
pub(crate) async fn quick(root: &Path, report: &mut Report) -> Result<(), Failed> {
    const AGAIN: &str = "cargo xtask lint";
    report.run("format", &Cmd::cargo(root).args(["fmt", "--all", "--check"])).await?;
    report.check("layers", AGAIN, || layering::check(root))?;
    report.check("tidiness", AGAIN, || tidy::check(root))?;
    report.prepare("cargo-deny", licences::install(root)).await?;
    report.run("licences", &licences::check(root)).await
}

/// Every lint of the workspace, warnings are errors. The web build comes first: the server embeds it.
pub(crate) async fn clippy(root: &Path, report: &mut Report) -> Result<(), Failed> {
    let args = ["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"];
    report.run("clippy", &Cmd::cargo(root).args(args)).await
}
