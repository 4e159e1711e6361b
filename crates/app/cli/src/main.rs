//! The `voltwin` command.
//!
//! Exit codes: 0 on success, 2 on bad arguments or input and where what was compared differs (one clear line on standard
//! error), 1 on failure.

mod admin;
mod authority;
mod azure;
mod battery;
mod demo;
mod dtdl;
mod error;
mod instance;
mod load;
mod node;
mod ocpp;
mod plan;
mod replay;
mod seed;
mod serve;
mod station;
mod swap;
mod wire;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::error::CliError;

/// A fifth of the server's time at full load went into the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The open digital twin for electric mobility.
#[derive(Parser)]
#[command(
    name = "voltwin",
    bin_name = "voltwin",
    version,
    about = "The open digital twin for electric mobility",
    max_term_width = 100
)]
struct Cli {
    /// How much to log: error, warn, info, debug or trace, also per module (voltwin_csms=debug).
    #[arg(
        long,
        global = true,
        env = "VOLTWIN_LOG",
        default_value = "warn,voltwin=info",
        value_name = "FILTER"
    )]
    log: String,
    /// Log one JSON object per line instead of text.
    #[arg(long, global = true, env = "VOLTWIN_LOG_JSON")]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the twin: OCPP central system, API, live stream and control room on one port.
    Serve(Box<serve::Args>),
    /// Run the twin with a demonstration city whose stations and vehicles speak real OCPP.
    Demo(demo::Args),
    /// Replay recorded charging sessions as real OCPP traffic from virtual stations.
    Replay(replay::Args),
    /// Run virtual charging stations against any central system.
    Station(station::Args),
    /// Bring load to a central system, to measure it: steady messages, outages, chaos, hostile peers.
    Load(load::Args),
    /// Plan when vehicles charge and give back: the cheapest schedule behind one meter.
    Plan(plan::Args),
    /// Judge single OCPP messages.
    Ocpp(ocpp::Args),
    /// Judge models of the Digital Twins Definition Language.
    Dtdl(dtdl::Args),
    /// Simulate battery cells.
    Battery(battery::Args),
    /// Simulate a network of battery-swap stations, compare designs, and look for the best under a budget.
    Swap(swap::Args),
    /// Play what passed between a station and us again.
    Wire(wire::Args),
    /// Work with Azure: keep a tenant and an instance of Azure Digital Twins in agreement, deploy an installation.
    Azure(azure::Args),
    /// Manage tenants, API keys, users, stations and tokens of a data folder.
    Admin(admin::Args),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(bare) if bare.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = bare.print();
            return ExitCode::from(2);
        }
        Err(asked) if !asked.use_stderr() => {
            // help and version are answers, not errors
            let _ = asked.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint_line(&format!("voltwin: {}", one_line(&error)));
            return ExitCode::from(2);
        }
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint_line(&format!("voltwin: {error}"));
            error.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(&cli.log)
        .map_err(|error| CliError::input(format!("--log `{}` is not a filter: {error}", cli.log)))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let subscriber = subscriber.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    if cli.log_json {
        subscriber.json().flatten_event(true).init();
    } else {
        subscriber.with_target(false).init();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let cancel = CancellationToken::new();
    let outcome = runtime.block_on(async {
        tokio::spawn(stop_on_signal(cancel.clone()));
        match cli.command {
            Command::Serve(args) => serve::run(*args, cancel).await,
            Command::Demo(args) => demo::run(args, cancel).await,
            Command::Replay(args) => replay::run(args, cancel).await,
            Command::Station(args) => station::run(args, cancel).await,
            Command::Load(args) => load::run(args, cancel).await,
            Command::Plan(args) => plan::run(&args),
            Command::Ocpp(args) => ocpp::run(&args),
            Command::Dtdl(args) => dtdl::run(&args),
            Command::Battery(args) => battery::run(&args),
            Command::Swap(args) => swap::run(args, cancel).await,
            Command::Wire(args) => wire::run(args).await,
            Command::Azure(args) => azure::run(args, cancel).await,
            Command::Admin(args) => admin::run(args).await,
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    outcome
}

/// The first Ctrl-C or SIGTERM asks everything to end in order; a second one ends at once.
async fn stop_on_signal(cancel: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    for again in [false, true] {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        if again {
            std::process::exit(1);
        }
        cancel.cancel();
    }
}

/// What is wrong with the arguments, in one line: the message, and the list that belongs to it.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let message = text.split("\n\nUsage:").next().unwrap_or(&text);
    let message = message.split("\n\nFor more information").next().unwrap_or(message);
    let words: Vec<&str> = message.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// Prints one line for scripts; a closed pipe is no error of ours.
fn print_line(line: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn eprint_line(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
