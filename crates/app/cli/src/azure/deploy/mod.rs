//! `voltwin azure deploy`: the infrastructure of an installation on Azure, written as templates or applied.

mod apply;
mod arm;
mod changes;
mod token;

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use tokio_util::sync::CancellationToken;
use voltwin_azure_deploy::{Config, render};

use crate::{error::CliError, print_line};

/// The longest configuration that is read.
const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write the templates: main.json and main.parameters.json, and main.tf, variables.tf and outputs.tf.
    Render(RenderArgs),
    /// Show what would change in Azure, ask, and change it, through Azure Resource Manager.
    Apply(Box<apply::ApplyArgs>),
}

#[derive(clap::Args)]
struct RenderArgs {
    /// The configuration (TOML).
    #[arg(long, value_name = "FILE", default_value = "azure.toml")]
    config: PathBuf,
    /// Where to write to; made when missing, and what is there by these names is written over.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Which templates.
    #[arg(long, value_enum, default_value_t = Format::Both)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Arm,
    Terraform,
    Both,
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    match args.what {
        What::Render(args) => write(&args),
        What::Apply(args) => apply::run(*args, cancel).await,
    }
}

fn read(path: &Path) -> Result<Config, CliError> {
    let wrong = |error: &dyn std::fmt::Display| CliError::input(format!("{}: {error}", path.display()));
    if std::fs::metadata(path).map_err(|error| wrong(&error))?.len() > CONFIG_BYTES_MAX {
        return Err(wrong(&format!("more than {CONFIG_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    Config::parse(&text).map_err(|error| wrong(&error))
}

fn write(args: &RenderArgs) -> Result<(), CliError> {
    let rendered = render(&read(&args.config)?);
    let arm = [("main.json", rendered.arm), ("main.parameters.json", rendered.parameters)];
    let terraform = [
        ("main.tf", rendered.terraform.main),
        ("variables.tf", rendered.terraform.variables),
        ("outputs.tf", rendered.terraform.outputs),
    ];
    let arm = arm.into_iter().filter(|_| args.format != Format::Terraform);
    let terraform = terraform.into_iter().filter(|_| args.format != Format::Arm);
    let wrong = |path: &Path, error: std::io::Error| CliError::input(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(&args.out).map_err(|error| wrong(&args.out, error))?;
    for (name, text) in arm.chain(terraform) {
        let path = args.out.join(name);
        std::fs::write(&path, text).map_err(|error| wrong(&path, error))?;
        print_line(&path.display().to_string());
    }
    Ok(())
}
