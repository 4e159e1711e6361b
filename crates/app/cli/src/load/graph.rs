//! `voltwin load graph`: patches, reads and queries of twins, and subscribers that watch them.

use clap::ValueEnum;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use voltwin_fleet_sim::{GraphConfig, GraphWork, run_graph};

use super::within;
use crate::error::CliError;

#[derive(clap::Args)]
pub(super) struct GraphArgs {
    /// What each call does.
    work: Work,
    /// The server: http://HOST:PORT.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// The key of an API.
    #[arg(long, value_name = "KEY", env = "VOLTWIN_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// How many twins there are; their ids are --prefix and a number from 0.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    twins: u64,
    /// The property that is written, a number.
    #[arg(long, value_name = "NAME", default_value = "odometer_m")]
    property: String,
    /// Twins of one call of `batch`, 1 to 10000.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    items: usize,
    /// The query of `query`; `{twin}` in it is the id of a twin.
    #[arg(long, value_name = "TEXT", required_if_eq("work", "query"))]
    query: Option<String>,
    /// Connections, each with one call at a time, 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,
    /// Calls per second of all connections together; 0 = as fast as answers come.
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    rate: f64,
    /// Seconds.
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    seconds: f64,
    /// Streams of events that watch meanwhile, each the twin of its number, up to 5000.
    #[arg(long, value_name = "N", default_value_t = 0)]
    subscribers: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Work {
    /// Patches a property of a twin (data plane of Azure Digital Twins).
    Patch,
    /// Changes a property of a twin (our own API).
    Change,
    /// Changes a property of many twins in one call.
    Batch,
    /// Reads a twin.
    Read,
    /// Asks a query.
    Query,
}

/// What came of it.
pub(super) struct Told {
    pub(super) report: Json,
    /// Where no call at all was answered with success.
    pub(super) failure: Option<CliError>,
}

pub(super) async fn run(
    args: GraphArgs,
    prefix: String,
    cancel: CancellationToken,
) -> Result<Told, CliError> {
    let work = match args.work {
        Work::Patch => GraphWork::Patch,
        Work::Change => GraphWork::Change,
        Work::Batch => GraphWork::Batch(args.items),
        Work::Read => GraphWork::Read,
        Work::Query => GraphWork::Query(args.query.unwrap_or_default()),
    };
    let config = GraphConfig {
        server: args.server,
        key: args.key,
        work,
        property: args.property,
        prefix,
        twins: args.twins,
        connections: args.connections,
        rate: args.rate,
        duration: within("--seconds", args.seconds, 86_400.0)?,
        subscribers: args.subscribers,
    };
    let report = run_graph(&config, cancel).await.map_err(|error| CliError::input(error.to_string()))?;
    let mut told = json!({
        "calls": report.calls, "items": report.items, "errors": report.errors, "items_per_s": report.items_per_s,
        "p50_ms": report.p50_ms, "p99_ms": report.p99_ms, "max_ms": report.max_ms,
    });
    if config.subscribers > 0 {
        told["owed"] = report.owed.into();
        told["missing"] = report.missing.into();
        told["twice"] = report.twice.into();
        told["disordered"] = report.disordered.into();
        told["gone"] = report.gone.into();
        told["seen"] = report.seen.into();
        told["after_answer_p50_ms"] = report.seen_p50_ms.into();
        told["after_answer_p99_ms"] = report.seen_p99_ms.into();
        told["after_sending_p50_ms"] = report.sent_p50_ms.into();
        told["after_sending_p99_ms"] = report.sent_p99_ms.into();
    }
    let every = |why: String| {
        let calls = report.errors;
        CliError::from(anyhow::anyhow!("every call failed, {calls} of them; the first: {why}"))
    };
    Ok(Told { report: told, failure: report.failure.clone().map(every) })
}
