//! `cargo xtask bench`: figures of release builds, as Markdown for docs/benchmarks.md.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::{clients, shell::Cmd, workspace};

/// Options of the benchmarks.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Stations held at once in the idle benchmark.
    #[arg(long, default_value_t = 5_000)]
    stations: u32,
    /// Leave the criterion benches out.
    #[arg(long)]
    whole_process_only: bool,
}

/// The criterion benches of all crates, then whole processes beside their peer.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let root = workspace::root();
    let show = |line: &str| println!("{line}");
    let hour = Duration::from_secs(60 * 60);
    if !options.whole_process_only {
        Cmd::cargo(&root)
            .args(["bench", "--workspace", "--locked", "--benches"])
            .limit(hour)
            .run(show)
            .await?;
    }
    let build = ["build", "--release", "--locked", "--package", "voltwin"];
    Cmd::cargo(&root).args(build).limit(hour).run(show).await?;
    let python = clients::python(&root).await?;
    clients::script(&root, &python, "bench_ocpp.py", &root.join("target/release/voltwin"))
        .arg("--stations")
        .arg(options.stations.to_string())
        .limit(hour)
        .run(show)
        .await
}
