//! `voltwin replay`: recorded charging sessions as real OCPP traffic.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use voltwin_core::{Decimal, TenantId};
use voltwin_fleet_sim::{
    FleetError, RecordedSession, Replay, ReplayConfig, ReplayProgress, ReplayProtocol, ReplayReport,
    SessionReport, read_sessions,
};
use voltwin_ocpp::Version;
use voltwin_runtime::Runtime;
use voltwin_security::{Secret, generate_password};
use voltwin_store::Transaction;

use crate::error::CliError;
use crate::node::Node;
use crate::seed::{add_key, ensure_station, ensure_tenant};
use crate::{eprint_line, print_line, serve, station};

const BY: &str = "replay";
/// How long a central system may take to let us connect.
const REACHABLE_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Recorded sessions: CSV or CSV.GZ with the columns arrival, departure, station_id, session_id and
    /// `delivered_energy (kWh)`, or ACN-Data JSON.
    #[arg(long, value_name = "FILE")]
    sessions: PathBuf,
    /// Only the sessions that arrived on this local day, such as 2019-06-14.
    #[arg(long, value_name = "DATE")]
    day: Option<Date>,
    /// Recorded seconds per second, 1 to 100000. The times in the messages stay those of the record.
    #[arg(long, default_value_t = 1_000.0, value_name = "N")]
    speed: f64,
    /// 1.6, 2.0.1, 2.1, or mixed: the versions in turn.
    #[arg(long, default_value = "mixed", value_name = "VERSION", value_parser = protocol)]
    ocpp: ReplayProtocol,
    /// Put before each recorded station id to make its OCPP identity.
    #[arg(long, default_value = "", value_name = "TEXT")]
    prefix: String,
    /// A central system that runs already, such as ws://127.0.0.1:8080/ocpp; its stations must be registered.
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    url: Option<String>,
    /// The password of every station there.
    #[arg(long, value_name = "P", env = "VOLTWIN_STATION_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// With --url: authorities whose certificates the stations believe (PEM); the URL then begins with wss://.
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// Without --url: the data folder to replay into. Voltwin runs on it, registers the stations, replays, and
    /// compares its registry with the file, session by session.
    #[arg(long, value_name = "DIR", env = "VOLTWIN_DATA")]
    data: Option<PathBuf>,
    /// Without --url: where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Without --url: go on serving after the replay, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// The tenant; with --url it is named in the path when given.
    #[arg(long, value_name = "NAME")]
    tenant: Option<TenantId>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

fn protocol(text: &str) -> Result<ReplayProtocol, String> {
    match text {
        "mixed" => Ok(ReplayProtocol::Mixed),
        version => {
            version.parse::<Version>().map(ReplayProtocol::Only).map_err(|error| format!("{error}, or mixed"))
        }
    }
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    let path = args.sessions.clone();
    let sessions = tokio::task::spawn_blocking(move || read_sessions(path))
        .await
        .map_err(CliError::failure)?
        .map_err(|error| CliError::input(error.to_string()))?;
    check(&args, &sessions)?;
    match (&args.url, &args.data) {
        (Some(url), _) => {
            reachable(url).await?;
            let mut config = ReplayConfig::new(url, args.password.clone());
            config.tenant = args.tenant.as_ref().map(ToString::to_string);
            config.trust = args.ca.as_deref().map(station::trust).transpose()?;
            let report = replay(&args, &sessions, config, cancel.clone()).await?;
            print(&args, &report, &[]);
            verdict(&report, &[], &cancel)
        }
        (None, Some(data)) => within(&args, data.clone(), &sessions, cancel).await,
        (None, None) => Err(CliError::input(
            "name a central system with --url, or a data folder to replay into with --data",
        )),
    }
}

/// Everything that can be known to be wrong before anything is made or sent.
fn check(args: &Args, sessions: &[RecordedSession]) -> Result<(), CliError> {
    if !(1.0..=100_000.0).contains(&args.speed) {
        return Err(CliError::input(format!("--speed {} must be from 1 to 100000", args.speed)));
    }
    let Some(day) = args.day.filter(|day| !sessions.iter().any(|session| session.day == *day)) else {
        return Ok(());
    };
    let days: BTreeSet<Date> = sessions.iter().map(|session| session.day).collect();
    let range = match (days.first(), days.last()) {
        (Some(first), Some(last)) => format!("; its sessions are from {first} to {last}"),
        _ => String::new(),
    };
    Err(CliError::input(format!("--day {day}: no session of the file arrived then{range}")))
}

/// Whether something listens there, so that a wrong address is said at once and not session by session.
async fn reachable(url: &str) -> Result<(), CliError> {
    let Some(authority) = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()) else {
        return Ok(());
    };
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let with_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if url.starts_with("wss://") { 443 } else { 80 };
    let address = if with_port { host.to_owned() } else { format!("{host}:{port}") };
    let connect = tokio::net::TcpStream::connect(address);
    match tokio::time::timeout(REACHABLE_WITHIN, connect).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(CliError::input(format!("--url {url}: cannot connect: {error}"))),
        Err(_) => Err(CliError::input(format!(
            "--url {url}: nobody answers within {} s",
            REACHABLE_WITHIN.as_secs()
        ))),
    }
}

async fn replay(
    args: &Args,
    sessions: &[RecordedSession],
    mut config: ReplayConfig,
    cancel: CancellationToken,
) -> Result<ReplayReport, CliError> {
    config.day = args.day;
    config.speed = args.speed;
    config.protocol = args.ocpp;
    config.station_prefix = args.prefix.clone();
    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{elapsed_precise} {bar:40} {pos}/{len} sessions answered, {msg}")
    {
        bar.set_style(style);
    }
    let show = bar.clone();
    let progress = move |progress: ReplayProgress| {
        show.set_length(progress.sessions as u64);
        show.set_position(progress.acked as u64);
        show.set_message(format!("{} charging", progress.started - progress.ended));
    };
    let report = Replay::run(sessions, &config, cancel, progress).await;
    bar.finish_and_clear();
    report.map_err(|error| match error {
        FleetError::Replay(_) | FleetError::Setting { .. } | FleetError::Address { .. } => {
            CliError::input(error.to_string())
        }
        other => CliError::failure(other),
    })
}

/// Runs Voltwin on a data folder, replays into it, and holds its registry against the file.
async fn within(
    args: &Args,
    data: PathBuf,
    sessions: &[RecordedSession],
    cancel: CancellationToken,
) -> Result<(), CliError> {
    let tenant = match &args.tenant {
        Some(tenant) => tenant.clone(),
        None => TenantId::new("replay").map_err(CliError::failure)?,
    };
    let listener = serve::bind(args.listen).await?;
    let address = listener.local_addr()?;
    let node = Node::start(&data).await?;
    let runtime = node.runtime.clone();
    ensure_tenant(&runtime, &tenant, BY).await?;
    let passwords = Arc::new(register(&runtime, &tenant, args, sessions).await?);
    let key = match args.keep {
        true => Some(
            add_key(&runtime, &tenant, voltwin_security::Role::Admin, "control room of the replay", BY)
                .await?,
        ),
        false => None,
    };
    let stop = CancellationToken::new();
    let served = tokio::spawn(node.serve(listener, stop.clone()));
    eprint_line(&format!("listening http://{address}"));
    let mut config = ReplayConfig::new(&format!("ws://{address}/ocpp"), None);
    config.tenant = Some(tenant.to_string());
    config.password =
        Arc::new(move |station| passwords.get(station).map(|password| password.expose().to_owned()));
    let outcome = replay(args, sessions, config, cancel.clone()).await;
    let judged = match outcome {
        Ok(report) => {
            let differing = compare(&runtime, &tenant, &report).await?;
            print(args, &report, &differing);
            if let Some(key) = key {
                print_line(&format!("open      http://{address}/#key={}", key.expose()));
                cancel.cancelled().await;
            }
            verdict(&report, &differing, &cancel)
        }
        Err(error) => Err(error),
    };
    stop.cancel();
    served.await.map_err(CliError::failure)??;
    judged
}

async fn register(
    runtime: &Runtime,
    tenant: &TenantId,
    args: &Args,
    sessions: &[RecordedSession],
) -> Result<HashMap<String, Secret>, CliError> {
    let chosen = sessions.iter().filter(|session| args.day.is_none_or(|day| session.day == day));
    let names: BTreeSet<String> =
        chosen.map(|session| format!("{}{}", args.prefix, session.station_id)).collect();
    let mut passwords = HashMap::new();
    for name in names {
        let password = generate_password().map_err(CliError::failure)?;
        ensure_station(runtime, tenant, &name, &password, BY).await?;
        passwords.insert(name, password);
    }
    Ok(passwords)
}

/// The sessions whose transaction in the registry is not what was sent, with what is there instead.
async fn compare(
    runtime: &Runtime,
    tenant: &TenantId,
    report: &ReplayReport,
) -> Result<Vec<String>, CliError> {
    let store = runtime.store().tenant(tenant);
    let mut differing = Vec::new();
    for session in report.sessions.iter().filter(|session| session.acked) {
        let Some(id) = &session.transaction_id else { continue };
        let found = store.transaction_by_id(&session.station, id).await?;
        if found.as_ref().is_none_or(|found| found.energy_wh != session.energy_wh) {
            differing.push(difference(session, found.as_ref()));
        }
    }
    Ok(differing)
}

fn difference(session: &SessionReport, found: Option<&Transaction>) -> String {
    let there = found.map_or_else(|| "nothing".to_owned(), |found| format!("{} Wh", found.energy_wh));
    format!(
        "{} at {}: the file says {} Wh, the registry {there}",
        session.session_id, session.station, session.energy_wh
    )
}

fn print(args: &Args, report: &ReplayReport, differing: &[String]) {
    if args.json {
        let sessions: Vec<_> = report.sessions.iter().map(session_json).collect();
        let all = json!({
            "sessions": sessions,
            "acked": report.acked,
            "acked_energy_wh": report.acked_energy_wh,
            "differing": differing,
        });
        return print_line(&all.to_string());
    }
    for session in report.sessions.iter().filter(|session| !session.acked) {
        let problem = session.problem.as_deref().unwrap_or("not answered to the end");
        print_line(&format!("{} at {}: {problem}", session.session_id, session.station));
    }
    differing.iter().for_each(|line| print_line(line));
    let (acked, all) = (report.acked, report.sessions.len());
    let energy_kwh = (report.acked_energy_wh / Decimal::ONE_THOUSAND).normalize();
    print_line(&format!("{acked} of {all} sessions answered to the end, {energy_kwh} kWh"));
    if args.url.is_none() && differing.is_empty() && acked > 0 {
        let which = if acked == all { "" } else { " of those" };
        print_line(&format!("the registry holds exactly the energy of the file{which}, session by session"));
    }
}

fn session_json(session: &SessionReport) -> serde_json::Value {
    json!({
        "session_id": session.session_id,
        "station": session.station,
        "id_token": session.id_token,
        "ocpp_version": session.protocol.to_string(),
        "transaction_id": session.transaction_id,
        "energy_wh": session.energy_wh,
        "acked": session.acked,
        "problem": session.problem,
    })
}

fn verdict(report: &ReplayReport, differing: &[String], cancel: &CancellationToken) -> Result<(), CliError> {
    let missing = report.sessions.len() - report.acked;
    if missing > 0 && !cancel.is_cancelled() {
        return Err(anyhow::anyhow!("{missing} sessions were not answered to the end").into());
    }
    if !differing.is_empty() {
        return Err(anyhow::anyhow!("{} sessions differ from the file", differing.len()).into());
    }
    Ok(())
}
