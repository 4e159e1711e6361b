//! `voltwin load`: load from outside, for any central system, and for the twin graph.

mod graph;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use voltwin_fleet_sim::{
    ChaosConfig, Crowd, HostileConfig, Hostility, LoadConfig, StormConfig, run_chaos, run_hostile, run_load,
    run_storm,
};
use voltwin_ocpp::Version;

use crate::error::CliError;
use crate::{print_line, station};

/// The largest file of passwords that is read, in bytes.
const PASSWORDS_BYTES_MAX: u64 = 8 * 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// Endpoint of the central system; the station's identity is appended.
    #[arg(long, global = true, value_name = "URL", default_value = "ws://127.0.0.1:8080/ocpp")]
    url: String,
    /// How many stations, 1 to 20000; the open-file limit must allow them.
    #[arg(long, global = true, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    stations: u32,
    /// Their identities are this and a number from 0.
    #[arg(long, global = true, default_value = "LOAD-", value_name = "TEXT")]
    prefix: String,
    /// The password of all of them.
    #[arg(long, global = true, value_name = "P", env = "VOLTWIN_STATION_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// CSV of `station,password`, one a line, for stations whose passwords differ.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "password")]
    passwords: Option<PathBuf>,
    /// Authorities whose certificates they believe (PEM); with it they speak TLS, and the URL begins with wss://.
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// OCPP version: 1.6, 2.0.1 or 2.1.
    #[arg(long, global = true, default_value = "2.0.1", value_name = "VERSION")]
    ocpp: Version,
    /// Most stations that connect at the same time, 1 to 1000.
    #[arg(long, global = true, default_value_t = 100, value_name = "N")]
    connecting: usize,
    /// Print the report as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// Meter values one after the other: of a transaction that each station starts, or outside of any.
    Steady {
        /// Messages per second of all stations together; 0 = as fast as answers come.
        #[arg(long, default_value_t = 0.0)]
        rate: f64,
        /// Seconds, from the moment all are connected.
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
        /// Send MeterValues outside of transactions.
        #[arg(long)]
        outside_transactions: bool,
    },
    /// All connections break at once and the same stations come back, round after round.
    Storm {
        /// Rounds, 1 to 100.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Seconds within which all of them try again.
        #[arg(long, default_value_t = 1.0)]
        within_s: f64,
        /// Connectors whose status each reports after its boot.
        #[arg(long, default_value_t = 2)]
        connectors: u32,
        /// Transactions that each tells late, after its status.
        #[arg(long, default_value_t = 0)]
        queued: u32,
        /// The most seconds of one round.
        #[arg(long, default_value_t = 120.0)]
        limit_s: f64,
    },
    /// Transactions of all versions, told twice, late, out of order and by clocks that are wrong. What each really came
    /// to is written to a ledger.
    Chaos {
        /// How many.
        #[arg(long, default_value_t = 2_000)]
        transactions: u64,
        /// From which everything is drawn.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The ledger: one line of JSON for each transaction that was acknowledged in full.
        #[arg(long, value_name = "FILE")]
        ledger: PathBuf,
    },
    /// Patches, reads and queries of twins over HTTP, and subscribers that watch them. Takes none of the options of
    /// stations but --prefix.
    Graph(Box<graph::GraphArgs>),
    /// Peers that mean harm: half-open, trickle, huge or flood.
    Hostile {
        /// What they do.
        kind: Hostility,
        /// Seconds.
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
    },
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    let crowd = crowd(&args)?;
    let input = |error: voltwin_fleet_sim::FleetError| CliError::input(error.to_string());
    let mut failure = None;
    let report = match args.what {
        What::Steady { rate, seconds, outside_transactions } => {
            let config = LoadConfig {
                crowd,
                rate,
                duration: within("--seconds", seconds, 86_400.0)?,
                connecting: args.connecting,
                outside_transactions,
            };
            let report = run_load(&config, cancel).await.map_err(input)?;
            json!({
                "connected": report.connected, "connect_s": report.connect_s, "sent": report.sent,
                "acked": report.acked, "errors": report.errors, "per_s": report.rate, "p50_ms": report.p50_ms,
                "p95_ms": report.p95_ms, "p99_ms": report.p99_ms, "max_ms": report.max_ms,
            })
        }
        What::Storm { rounds, within_s, connectors, queued, limit_s } => {
            let config = StormConfig {
                crowd,
                rounds,
                within: within("--within-s", within_s, 3_600.0)?,
                connectors,
                queued,
                limit: within("--limit-s", limit_s, 3_600.0)?,
                connecting: args.connecting,
            };
            let report = run_storm(&config, cancel).await.map_err(input)?;
            let round = |round: &voltwin_fleet_sim::StormRound| {
                json!({
                    "accepted": round.accepted, "all_back_s": round.all_back_s, "all_told_s": round.all_told_s,
                    "back_p50_ms": round.back_p50_ms, "boot_p50_ms": round.boot_p50_ms,
                    "boot_p99_ms": round.boot_p99_ms, "boot_max_ms": round.boot_max_ms,
                    "retries": round.retries, "errors": round.errors,
                })
            };
            let rounds: Vec<_> = report.rounds.iter().map(round).collect();
            json!({"connected": report.connected, "connect_s": report.connect_s, "rounds": rounds})
        }
        What::Chaos { transactions, seed, ledger } => {
            let config = ChaosConfig { crowd, transactions, seed, ledger };
            let report = run_chaos(&config, cancel).await.map_err(input)?;
            json!({
                "transactions": report.transactions, "anomalies": report.anomalies, "late": report.late,
                "messages": report.messages, "acknowledged": report.acknowledged,
                "duplicates": report.duplicates, "answers_lost": report.answers_lost,
                "connections": report.connections, "boots": report.boots, "refused": report.refused,
                "disagreed": report.disagreed, "failed": report.failed, "seconds": report.seconds,
            })
        }
        What::Hostile { kind, seconds } => {
            let duration = within("--seconds", seconds, 86_400.0)?;
            let report = run_hostile(&HostileConfig { crowd, hostility: kind, duration }, cancel)
                .await
                .map_err(input)?;
            json!({
                "connections": report.connections, "ended": report.ended, "refused": report.refused,
                "bytes": report.bytes,
            })
        }
        What::Graph(graph) => {
            let told = graph::run(*graph, args.prefix, cancel).await?;
            failure = told.failure;
            told.report
        }
    };
    if args.json {
        print_line(&report.to_string());
    } else {
        show(&report);
    }
    failure.map_or(Ok(()), Err)
}

/// One `name: value` a line; rounds one a line.
fn show(report: &serde_json::Value) {
    for (name, value) in report.as_object().into_iter().flatten() {
        match value.as_array() {
            Some(rounds) => {
                for (number, round) in rounds.iter().enumerate() {
                    print_line(&format!("round {}: {round}", number + 1));
                }
            }
            None => print_line(&format!("{name}: {value}")),
        }
    }
}

fn within(name: &str, seconds: f64, most: f64) -> Result<Duration, CliError> {
    if (0.0..=most).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(CliError::input(format!("{name} {seconds} must be from 0 to {most}")))
    }
}

fn crowd(args: &Args) -> Result<Crowd, CliError> {
    let stations: Vec<String> = (0..args.stations).map(|number| format!("{}{number}", args.prefix)).collect();
    let known = args.passwords.as_deref().map(passwords).transpose()?;
    if let Some(known) = &known
        && let Some(missing) = stations.iter().find(|station| !known.contains_key(*station))
    {
        return Err(CliError::input(format!("--passwords has no line for {missing}")));
    }
    let trust = args.ca.as_deref().map(station::trust).transpose()?;
    let shared = args.password.clone();
    let password = move |station: &str| match &known {
        Some(known) => known.get(station).cloned(),
        None => shared.clone(),
    };
    Ok(Crowd {
        url: args.url.clone(),
        tenant: None,
        version: args.ocpp,
        stations,
        password: Arc::new(password),
        trust,
    })
}

fn passwords(path: &Path) -> Result<HashMap<String, String>, CliError> {
    let cannot = |what: String| CliError::input(format!("--passwords {}: {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| cannot(e.to_string()))?.len();
    if size > PASSWORDS_BYTES_MAX {
        return Err(cannot(format!("{size} bytes are more than {PASSWORDS_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| cannot(e.to_string()))?;
    let line = |(number, line): (usize, &str)| {
        let pair = line.split_once(',').map(|(station, password)| (station.to_owned(), password.to_owned()));
        pair.ok_or_else(|| cannot(format!("line {} is not `station,password`", number + 1)))
    };
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(line).collect()
}
