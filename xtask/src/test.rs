//! `cargo xtask test`: everything, in the order in which a mistake is cheapest to see.
//!
//! One profile (dev) builds all tests and the server that the real clients talk to, so that a cold machine compiles
//! each crate twice at most: once for clippy, once to run.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;

use crate::{
    clients, debian, lint,
    report::{Failed, Report},
    shell::Cmd,
    web, workspace,
};

/// Options of the tests.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leave out what starts a server: real clients, kill -9, chaos, replay and the browser.
    #[arg(long)]
    quick: bool,
}

/// Runs it all; the last line is `N passed, N failed`.
pub(crate) async fn run(options: &Options) -> ExitCode {
    let mut report = Report::new();
    let outcome = everything(options, &mut report).await;
    report.finish(&outcome)
}

async fn everything(options: &Options, report: &mut Report) -> Result<(), Failed> {
    let root = workspace::root();
    lint::quick(&root, report).await?;
    web::install(&root, report).await?;
    web::check(&root, report).await?;
    lint::clippy(&root, report).await?;
    rust(&root, report).await?;
    if options.quick {
        report.skip("real clients", "--quick");
        return Ok(());
    }
    real_clients(&root, report).await
}

/// Unit, integration and documentation tests.
async fn rust(root: &Path, report: &mut Report) -> Result<(), Failed> {
    let cargo = || Cmd::cargo(root).limit(Duration::from_secs(45 * 60));
    let parts = ["--workspace", "--locked"];
    report.run("build", &cargo().arg("build").args(parts).args(["--bins", "--tests", "--quiet"])).await?;
    let nextest = Cmd::cargo(root).args(["nextest", "--version"]).works();
    let tests = if nextest {
        cargo().args(["nextest", "run", "--no-fail-fast", "--status-level", "slow"]).args(parts)
    } else {
        cargo().args(["test", "--no-fail-fast", "--lib", "--bins", "--tests", "--quiet"]).args(parts)
    };
    report.run("tests", &tests).await?;
    report.run("documentation tests", &cargo().args(["test", "--doc", "--quiet"]).args(parts)).await
}

/// Clients that this project did not write, against the debug server.
async fn real_clients(root: &Path, report: &mut Report) -> Result<(), Failed> {
    let voltwin = root.join("target/debug/voltwin");
    let mut found = None;
    report
        .prepare("Python clients", async { clients::python(root).await.map(|path| found = Some(path)) })
        .await?;
    let python = found.unwrap_or_default();
    let script = |name: &str| clients::script(root, &python, name, &voltwin);
    report.run("real stations", &script("run.py")).await?;
    report.run("the page of OCPP conformance", &script("conformance.py")).await?;
    report.run("prices at the station", &script("prices.py")).await?;
    report.run("partners by OCPI", &script("partners.py")).await?;
    report.run("stations over TLS", &script("secure.py")).await?;
    report.run("plug and charge", &script("contracts.py")).await?;
    report
        .run("the official schemas", &script("differential.py").limit(Duration::from_secs(20 * 60)))
        .await?;
    let mut modules = PathBuf::new();
    report
        .prepare("Node clients", async { clients::node_modules(root).await.map(|path| modules = path) })
        .await?;
    report
        .run("stations and suites from npm", &script("simulators.py").arg("--modules").arg(&modules))
        .await?;
    report
        .run("the official parser of DTDL", &script("dtdl_differential.py").arg("--modules").arg(&modules))
        .await?;
    report
        .run(
            "the official clients of Azure Digital Twins",
            &script("azure_sdk.py").arg("--modules").arg(modules),
        )
        .await?;
    report.run("the errors of Azure Digital Twins", &script("azure_errors.py")).await?;
    report.run("the deployment on Azure", &script("azure_deploy.py")).await?;
    report.run("synchronisation with Azure Digital Twins", &script("azure_sync.py")).await?;
    report.run("replay of recorded sessions", &script("replay.py")).await?;
    report.run("events for programs", &script("events.py")).await?;
    if brokers_missing() {
        // without them the step after this one says what it leaves out
        if let Err(error) = debian::install(root, &["mosquitto", "nats-server"]).await {
            report.skip("brokers", &error.to_string());
        }
    }
    report.run("events over MQTT and NATS", &script("brokers.py")).await?;
    report.run("data history as Delta tables", &script("delta.py")).await?;
    report
        .run(
            "swap networks beside a program of the same rules",
            &script("swap_check.py").args(["--cases", "40"]),
        )
        .await?;
    report.run("kill -9", &script("kill9.py")).await?;
    report.run("kill -9 under writes to the graph", &script("kills.py")).await?;
    report.run("chaos of transactions", &script("chaos.py")).await?;
    browser(root, report, &script("e2e.py")).await
}

fn brokers_missing() -> bool {
    ["mosquitto", "nats-server"].iter().any(|broker| debian::on_path(&[broker]).is_none())
}

async fn browser(root: &Path, report: &mut Report, script: &Cmd) -> Result<(), Failed> {
    let mut found = PathBuf::new();
    report.prepare("Chromium", async { web::chromium(root).await.map(|path| found = path) }).await?;
    let script = script.clone().env("CHROMIUM", found).limit(Duration::from_secs(20 * 60));
    report.run("browser", &script).await
}
