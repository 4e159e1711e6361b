//! From what is known of a station to where it stands in a campaign. No clock, no I/O.

use serde_json::Value as Json;
use voltwin_core::Timestamp;
use voltwin_graph::{Graph, TwinRef};
use voltwin_store::JobStation;

use super::plan::CampaignPlan;

/// Where a station stands.
pub(super) mod state {
    /// It has not been asked, or will be asked again.
    pub(crate) const PENDING: &str = "pending";
    pub(crate) const ASKED: &str = "asked";
    pub(crate) const DOWNLOADING: &str = "downloading";
    pub(crate) const DOWNLOADED: &str = "downloaded";
    pub(crate) const INSTALLING: &str = "installing";
    /// It says that it has installed it, and has not told the new version yet.
    pub(crate) const VERIFYING: &str = "verifying";
    pub(crate) const INSTALLED: &str = "installed";
    pub(crate) const FAILED: &str = "failed";
    /// It failed, and a person went on without it.
    pub(crate) const GIVEN_UP: &str = "given_up";
    pub(crate) const CANCELLED: &str = "cancelled";

    /// The states of a station at work.
    pub(crate) const AT_WORK: [&str; 5] = [ASKED, DOWNLOADING, DOWNLOADED, INSTALLING, VERIFYING];
}

/// Seconds that a station may take to say anything after it was asked and did not answer.
pub(super) const ANSWER_WITHIN_S: f64 = 600.0;

/// What the graph knows of a station.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) online: bool,
    /// Whether its boot was accepted.
    pub(super) booted: bool,
    pub(super) version: Option<String>,
    /// When it told its version last, which is at its boot.
    pub(super) version_at: Option<Timestamp>,
    /// When it came or went last.
    pub(super) since: Option<Timestamp>,
    /// When anything that matters changed last.
    pub(super) touched: Option<Timestamp>,
    pub(super) in_use: bool,
    /// The time zone of its site.
    pub(super) zone: Option<String>,
}

/// What a station reported of the attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Report {
    pub(super) word: String,
    pub(super) at: Option<Timestamp>,
    /// Whether it answered or reported anything at all.
    pub(super) heard: bool,
    /// What it said to the request, where it refused.
    pub(super) why: Option<String>,
}

/// Where it goes from here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// To another state at work.
    To(&'static str),
    Installed,
    /// The attempt never reached the station.
    NeverSent,
    /// The attempt failed; `true`: another one would fail as well.
    Failed(String, bool),
}

impl Seen {
    pub(super) fn of(graph: &Graph, station: &str) -> Option<Self> {
        let twin = graph.twin(station)?;
        let heard = |name| twin.times(name).map(|(_, received)| received);
        let touched = ["online", "firmware_version", "firmware_status"].into_iter().filter_map(heard).max();
        Some(Self {
            online: twin.bool("online").unwrap_or(false),
            booted: twin.text("boot_status") == Some("Accepted"),
            version: twin.text("firmware_version").map(str::to_owned),
            version_at: heard("firmware_version"),
            since: heard("online"),
            touched,
            in_use: in_use(&twin),
            zone: zone(&twin),
        })
    }
}

/// Whether somebody charges there or is plugged in.
fn in_use(station: &TwinRef<'_>) -> bool {
    let busy = |connector: TwinRef<'_>| {
        let status = connector.text("status").unwrap_or_default();
        connector.text("transaction_id").is_some()
            || matches!(
                status,
                "Preparing"
                    | "Charging"
                    | "SuspendedEVSE"
                    | "SuspendedEV"
                    | "Finishing"
                    | "Occupied"
                    | "Reserved"
            )
    };
    station.related("hasEvse").any(|evse| evse.related("hasConnector").any(busy))
}

/// The time zone of the site that holds the station, directly or by a hub.
fn zone(station: &TwinRef<'_>) -> Option<String> {
    let own =
        |place: &TwinRef<'_>| place.text("time_zone").filter(|zone| !zone.is_empty()).map(str::to_owned);
    station
        .related_from("contains")
        .find_map(|place| own(&place).or_else(|| place.related_from("contains").find_map(|site| own(&site))))
}

impl Report {
    /// Reads the record of a request as the central system keeps it.
    pub(super) fn of(record: &Json) -> Self {
        let text = |name: &str| record.get(name).and_then(Json::as_str);
        let word = text("status").unwrap_or_default().to_owned();
        let answer = record.get("answer").filter(|answer| !answer.is_null());
        let inside = |name: &str| answer.and_then(|answer| answer.get(name)).and_then(Json::as_str);
        let info = answer.and_then(|answer| answer.get("statusInfo")?.get("reasonCode")?.as_str());
        Self {
            heard: !matches!(word.as_str(), "Requested" | "NoAnswer"),
            word,
            at: text("at").and_then(|at| at.parse().ok()),
            why: info.or_else(|| inside("description")).or_else(|| inside("error")).map(str::to_owned),
        }
    }
}

/// Where a station at work goes. `sending`: its answer to the request is awaited. `offline_counts`: its silence counts
/// also while it is offline.
pub(super) fn follow(
    plan: &CampaignPlan,
    row: &JobStation,
    (seen, report): (&Seen, Option<&Report>),
    (sending, offline_counts): (bool, bool),
    now: Timestamp,
) -> Option<Step> {
    let asked_at = row.asked_at.unwrap_or(row.changed_at);
    let told = seen.version_at.filter(|at| *at > asked_at);
    if told.is_some() && seen.version.as_deref() == Some(plan.version.as_str()) {
        return Some(Step::Installed);
    }
    let Some(report) = report else {
        return (!sending).then_some(Step::NeverSent);
    };
    let to = |next: &'static str| (row.state != next).then_some(Step::To(next));
    let step = match report.word.as_str() {
        "DownloadScheduled" | "Downloading" | "DownloadPaused" => to(state::DOWNLOADING),
        "Downloaded" | "SignatureVerified" => to(state::DOWNLOADED),
        "InstallScheduled" | "Installing" | "InstallRebooting" => to(state::INSTALLING),
        "Installed" => {
            let version = seen.version.as_deref().unwrap_or("none");
            match (told, report.at) {
                (Some(told), Some(at)) if told > at => {
                    let why = format!("it came back with version {version}, not {}", plan.version);
                    Some(Step::Failed(why, false))
                }
                _ => to(state::VERIFYING),
            }
        }
        "DownloadFailed" | "InstallationFailed" | "InstallVerificationFailed" => {
            Some(Step::Failed(format!("the station reported {}", report.word), false))
        }
        "InvalidSignature" => Some(Step::Failed("the station reported InvalidSignature".to_owned(), true)),
        "InvalidCertificate" | "RevokedCertificate" => {
            Some(Step::Failed(format!("the station answered {}", report.word), true))
        }
        "Rejected" => {
            let why = report.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            Some(Step::Failed(format!("the station refused{why}"), false))
        }
        _ => None,
    };
    if step.is_some() || sending {
        return step;
    }
    let limit_s = if report.heard { f64::from(plan.silent_s) } else { ANSWER_WITHIN_S };
    let since = seen.since.map_or(row.changed_at, |since| since.max(row.changed_at));
    let silent = (seen.online || offline_counts) && now.seconds_since(since) > limit_s;
    silent.then(|| Step::Failed(format!("no progress for {limit_s} s while {}", row.state), false))
}

/// Whether the rest may go on without this station: it holds nobody up while it is offline and cannot be asked, or
/// fell silent at work and is offline.
pub(super) fn holds(plan: &CampaignPlan, row: &JobStation, seen: Option<&Seen>, now: Timestamp) -> bool {
    let online = seen.is_some_and(|seen| seen.online);
    match row.state.as_str() {
        state::PENDING => online,
        at_work if state::AT_WORK.contains(&at_work) => {
            online || now.seconds_since(row.changed_at) <= f64::from(plan.silent_s)
        }
        _ => false,
    }
}

/// Whether its part is over.
pub(super) fn is_over(row: &JobStation) -> bool {
    matches!(row.state.as_str(), state::INSTALLED | state::FAILED | state::GIVEN_UP | state::CANCELLED)
}
