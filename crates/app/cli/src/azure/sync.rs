//! `voltwin azure plan` and `voltwin azure sync`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use voltwin_azure::{
    AUDIENCE, Counts, Direction, EndSettings, Method, Mode, Outcome, Policy, Progress, Rates, Settings, Side,
    Source, SyncError, Synchronisation,
};
use voltwin_security::Secret;

use crate::error::CliError;
use crate::print_line;

/// How often a line says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What both commands are told.
#[derive(clap::Args)]
struct Common {
    /// The instance of Azure Digital Twins: https://NAME.api.REGION.digitaltwins.azure.net.
    #[arg(long, value_name = "URL", env = "VOLTWIN_AZURE_URL")]
    azure_url: String,
    /// Who we are there, by the variables that Azure's libraries use: an application with its secret, a workload with a
    /// federated token, a managed identity, the first of these that there is, or a fixed token.
    #[arg(long, value_name = "HOW", default_value = "auto")]
    azure_auth: Auth,
    /// The fixed token of `--azure-auth key`.
    #[arg(long, value_name = "KEY", env = "VOLTWIN_AZURE_KEY", hide_env_values = true)]
    azure_key: Option<String>,
    /// What tokens are for; another one in the clouds of governments.
    #[arg(long, value_name = "URL", default_value = AUDIENCE)]
    azure_audience: String,
    /// Requests a second at Azure, where they are to differ from its documented limits: models=100, reads=1000,
    /// patches=1000, lives=50 (twins and relationships made and removed), queries=500, query-units=4000, twin-writes=10.
    #[arg(long, value_name = "NAME=N,…", default_value = "")]
    azure_rates: Rates,
    /// The server of Voltwin; with /t/TENANT where the key does not say which.
    #[arg(long, value_name = "URL", env = "VOLTWIN_URL", default_value = "http://127.0.0.1:8080")]
    voltwin_url: String,
    /// A key with the role admin.
    #[arg(long, value_name = "KEY", env = "VOLTWIN_KEY", hide_env_values = true)]
    voltwin_key: String,
    /// The file of what the two last agreed on. It belongs to these two, and must not be lost.
    #[arg(long, value_name = "FILE", default_value = "azure-sync.db")]
    state: PathBuf,
    /// Which end is written to. With one, the other stays as it is and holds where both changed one thing.
    #[arg(long, value_name = "WHERE", default_value = "both")]
    direction: Towards,
    /// Whose change holds where both ends changed one thing.
    #[arg(long, value_name = "WHOSE", default_value = "newest")]
    conflicts: Whose,
    /// Delete models at one end that are deleted at the other; else they are brought back.
    #[arg(long)]
    delete_models: bool,
    /// Twins and relationships that may be deleted in one run, with --follow in one round; before it is more, the command
    /// ends.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    deletes_max: usize,
    /// Only twins whose ids begin so, with the relationships among them; may be given more than once.
    #[arg(long, value_name = "PREFIX")]
    twins: Vec<String>,
    /// Only twins whose models begin so, with the relationships among them; may be given more than once.
    #[arg(long, value_name = "PREFIX")]
    models: Vec<String>,
    /// Things that are looked at and written at once, 1 to 256.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Attempts of one request, 1 to 20.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=20))]
    attempts: u32,
    /// Seconds that an answer may take, 1 to 300.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout_s: u64,
}

#[derive(clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    common: Common,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    common: Common,
    /// Bring them into agreement and end. This is what is done when nothing is said.
    #[arg(long, conflicts_with = "follow")]
    once: bool,
    /// Go on until Ctrl-C.
    #[arg(long)]
    follow: bool,
    /// Seconds between two questions to Azure about what was written there, 1 to 3600.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    poll_s: u64,
    /// Seconds between two comparisons of everything, which alone show deletions and relationships of Azure, 1 to 86400.
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    sweep_s: u64,
    /// Seconds by which Azure's queries may lag behind its writes, and its clock differ from ours, 0 to 600.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=600))]
    lag_s: u64,
    /// The file of conflicts and of what an end does not take, one JSON object a line; the state's name with .ndjson when
    /// not said.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print progress and outcome as JSON, one object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    Auto,
    ClientSecret,
    Workload,
    ManagedIdentity,
    Key,
}

#[derive(Clone, Copy, ValueEnum)]
enum Towards {
    Both,
    ToAzure,
    ToVoltwin,
}

#[derive(Clone, Copy, ValueEnum)]
enum Whose {
    Azure,
    Voltwin,
    Newest,
}

impl Common {
    fn source(&self) -> Result<Source, CliError> {
        let method = match self.azure_auth {
            Auth::Key => {
                let key = self.azure_key.as_deref().filter(|key| !key.is_empty());
                let missing = || CliError::input("--azure-auth key needs --azure-key or VOLTWIN_AZURE_KEY");
                return Ok(Source::Fixed(Secret::new(key.ok_or_else(missing)?)));
            }
            Auth::Auto => Method::Auto,
            Auth::ClientSecret => Method::ClientSecret,
            Auth::Workload => Method::Workload,
            Auth::ManagedIdentity => Method::ManagedIdentity,
        };
        Source::from_environment(method, |name| std::env::var(name).ok()).map_err(of_sync)
    }

    fn settings(&self) -> Result<Settings, CliError> {
        let end = |url: &str, source, audience: &str, rates| EndSettings {
            url: url.to_owned(),
            source,
            audience: audience.to_owned(),
            rates,
            attempts: self.attempts,
            timeout: Duration::from_secs(self.timeout_s),
        };
        let key = Source::Fixed(Secret::new(self.voltwin_key.as_str()));
        Ok(Settings {
            azure: end(&self.azure_url, self.source()?, &self.azure_audience, self.azure_rates),
            voltwin: end(&self.voltwin_url, key, AUDIENCE, Rates::UNBOUNDED),
            state: self.state.clone(),
            report: None,
            direction: match self.direction {
                Towards::Both => Direction::Both,
                Towards::ToAzure => Direction::To(Side::Azure),
                Towards::ToVoltwin => Direction::To(Side::Voltwin),
            },
            policy: match self.conflicts {
                Whose::Azure => Policy::Side(Side::Azure),
                Whose::Voltwin => Policy::Side(Side::Voltwin),
                Whose::Newest => Policy::Newest,
            },
            delete_models: self.delete_models,
            deletes_max: self.deletes_max,
            twins: self.twins.clone(),
            models: self.models.clone(),
            concurrency: self.concurrency.into(),
            poll: Duration::from_secs(5),
            sweep: Duration::from_secs(600),
            lag: Duration::from_secs(30),
        })
    }
}

/// What the user can mend by saying something else is bad input; the rest is a failure.
fn of_sync(error: SyncError) -> CliError {
    match error {
        SyncError::Setting(_) | SyncError::State { .. } => CliError::input(error.to_string()),
        other => CliError::failure(other),
    }
}

pub(crate) async fn plan(args: PlanArgs, cancel: CancellationToken) -> Result<(), CliError> {
    let progress = Progress::default();
    let settings = args.common.settings()?;
    let plan =
        Synchronisation::open(settings, Mode::Plan, progress.clone(), cancel).await.map_err(of_sync)?;
    let Outcome { planned, .. } = plan.once().await.map_err(of_sync)?;
    let counts = progress.counts();
    let changes = counts.written();
    if args.json {
        let all = json!({
            "changes": changes, "conflicts": counts.conflicts, "counts": deeds(&counts), "planned": planned,
            "left_out": changes - planned.len() as u64,
        });
        print_line(&all.to_string());
    } else {
        table(&counts);
        for change in &planned {
            print_line(&format!("{:8} {:12} {:13} {}", change.end, change.deed, change.kind, change.id));
        }
        let left_out = changes - planned.len() as u64;
        if left_out > 0 {
            print_line(&format!("and {left_out} more"));
        }
    }
    match (changes, counts.conflicts) {
        (0, _) => Ok(()),
        (changes, conflicts) => {
            Err(CliError::Differences(format!("{changes} changes, {conflicts} conflicts")))
        }
    }
}

/// Writes by end and kind, the deeds as columns.
fn table(counts: &Counts) {
    let columns = ["create", "update", "delete", "decommission", "recommission"];
    let mut rows: BTreeMap<(&str, &str), [u64; 5]> = BTreeMap::new();
    for side in Side::BOTH {
        for kind in ["model", "twin", "relationship"] {
            rows.insert((side.name(), kind), [0; 5]);
        }
    }
    for ((end, deed, kind), count) in &counts.writes {
        if let Some(column) = columns.iter().position(|column| column == deed) {
            rows.entry((end, kind)).or_default()[column] += count;
        }
    }
    print_line(&format!(
        "{:8} {:13} {}",
        "end",
        "kind",
        columns.map(|column| format!("{column:>13}")).concat()
    ));
    for ((end, kind), row) in rows {
        print_line(&format!("{end:8} {kind:13} {}", row.map(|count| format!("{count:>13}")).concat()));
    }
}

fn deeds(counts: &Counts) -> Json {
    let deed = |((end, deed, kind), count): (&(&str, &str, &str), &u64)| json!({ "end": end, "deed": deed, "kind": kind, "count": count });
    counts.writes.iter().map(deed).collect()
}

pub(crate) async fn sync(args: SyncArgs, cancel: CancellationToken) -> Result<(), CliError> {
    let progress = Progress::default();
    let mut settings = args.common.settings()?;
    settings.poll = Duration::from_secs(args.poll_s);
    settings.sweep = Duration::from_secs(args.sweep_s);
    settings.lag = Duration::from_secs(args.lag_s);
    let report = args.report.clone().unwrap_or_else(|| args.common.state.with_extension("ndjson"));
    settings.report = Some(report.clone());
    let sync =
        Synchronisation::open(settings, Mode::Apply, progress.clone(), cancel).await.map_err(of_sync)?;
    let begun = Instant::now();
    let work = async {
        if args.follow { sync.follow().await.map(|()| Outcome::default()) } else { sync.once().await }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = tell(&progress, args.json) => Err(SyncError::Stopped),
    };
    let counts = progress.counts();
    let rate = counts.written() as f64 / begun.elapsed().as_secs_f64().max(0.001);
    say(&counts, if outcome.is_ok() { "done" } else { "ended" }, rate, args.json);
    match outcome {
        Ok(Outcome { problems: 0, .. }) => Ok(()),
        Ok(Outcome { problems, .. }) => {
            let reason = format!("{problems} things are not taken by an end: {} says why", report.display());
            Err(CliError::Failure(anyhow::anyhow!(reason)))
        }
        Err(SyncError::Stopped) => {
            Err(CliError::Failure(anyhow::anyhow!("stopped before everything was settled")))
        }
        Err(error) => Err(of_sync(error)),
    }
}

/// Says how far it is for as long as it runs, when there is anything new.
async fn tell(progress: &Progress, json: bool) {
    let mut before = progress.counts();
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let now = progress.counts();
        if now != before {
            let rate = (now.written() - before.written()) as f64 / TELL_EVERY.as_secs_f64();
            say(&now, &now.doing, rate, json);
        }
        before = now;
    }
}

fn say(counts: &Counts, doing: &str, rate: f64, as_json: bool) {
    if as_json {
        let all = json!({
            "doing": doing, "looked_at": counts.looked_at, "of": counts.to_look_at, "writes": deeds(counts),
            "per_s": rate, "conflicts": counts.conflicts, "problems": counts.problems,
            "retries": {"azure": counts.retries[0], "voltwin": counts.retries[1]},
            "throttled": {"azure": counts.throttled[0], "voltwin": counts.throttled[1]},
        });
        return print_line(&all.to_string());
    }
    let written = |side: Side| {
        let of = counts.writes.iter().filter(|((end, ..), _)| *end == side.name());
        let parts: Vec<String> =
            of.map(|((_, deed, kind), count)| format!("{deed} {kind} {count}")).collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    };
    let place = if counts.to_look_at > 0 {
        format!(" {} of {}", counts.looked_at, counts.to_look_at)
    } else {
        String::new()
    };
    print_line(&format!(
        "{doing}{place}; to azure: {}; to voltwin: {}; {rate:.1} a second; {} conflicts, {} not taken, {} asked again",
        written(Side::Azure),
        written(Side::Voltwin),
        counts.conflicts,
        counts.problems,
        counts.retries[0] + counts.retries[1],
    ));
}
