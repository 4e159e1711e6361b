//! `cargo xtask demo`: from a fresh clone to a running city.

use std::{os::unix::process::CommandExt, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use clap::Args;

use crate::{shell::Cmd, web, workspace};

/// Options of the demonstration.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port on 127.0.0.1; without it 8080.
    #[arg(long)]
    port: Option<u16>,
    /// Data folder, kept between runs; without it `target/demo`.
    #[arg(long)]
    data: Option<PathBuf>,
    /// More arguments for `voltwin demo`, after `--`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds the web application and the release binary, and becomes that binary, so that Ctrl-C reaches it as it would
/// without us.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let root = workspace::root();
    web::install_quietly(&root).await?;
    let show = |line: &str| println!("{line}");
    web::npm(&root).args(["run", "build"]).run(show).await?;
    Cmd::cargo(&root)
        .args(["build", "--release", "--locked", "--package", "voltwin"])
        .limit(Duration::from_secs(60 * 60))
        .run(show)
        .await?;
    let data = match &options.data {
        Some(data) => std::path::absolute(data).context("--data")?,
        None => root.join("target/demo"),
    };
    let mut demo = Cmd::new(root.join("target/release/voltwin"), &root).arg("demo").arg("--data").arg(data);
    if let Some(port) = options.port {
        demo = demo.arg("--listen").arg(format!("127.0.0.1:{port}"));
    }
    demo = demo.args(&options.rest);
    println!("{demo}");
    Err(demo.std().exec()).context("cannot start voltwin")
}
