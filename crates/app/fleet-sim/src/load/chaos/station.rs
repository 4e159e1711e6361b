//! A station that tells its transactions badly: twice, late, in another order, and again when an answer was lost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Barrier, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use voltwin_battery::Stream;
use voltwin_core::{Timestamp, TransactionPhase};
use voltwin_ocpp::{ErrorCode, Version, envelope};

use super::ledger::Line;
use super::plan::{Anomaly, Planned};
use super::wire::{self, Told};
use super::{ChaosReport, DAY_MS};
use crate::station::{FRAME_MAX, Link, LinkError, Target, wall_clock};

/// An answer that takes longer is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Statuses by which a clock that is behind shows itself, and the time between two of them.
const STATUSES: usize = 4;
const STATUS_EVERY: Duration = Duration::from_millis(2_300);
/// One message is tried for this long before the run is called a failure.
const TRY_FOR: Duration = Duration::from_secs(180);
/// Transactions in a row that run at once at one station; those told late are told later than one that came after.
const LATE_MS: i64 = 20 * 3_600_000;
/// Between two transactions: so little that a station tells no faster than its time passes, for a time that runs ahead
/// of ours is one more thing that is wrong with it.
const BREAK_MS: i64 = 10;

/// One station of the run.
pub(super) struct Station {
    pub(super) identity: String,
    pub(super) version: Version,
    pub(super) target: Target,
    /// By how much its clock is ahead.
    pub(super) skew_ms: i64,
    pub(super) transactions: u64,
    pub(super) dice: Stream,
    pub(super) lines: mpsc::Sender<Line>,
    pub(super) cancel: CancellationToken,
    link: Option<Link>,
    next: u64,
    report: ChaosReport,
    /// Events of a transaction begin after those of the one before.
    clock_ms: i64,
}

/// A transaction while it is told.
#[derive(Clone)]
struct Running {
    planned: Planned,
    /// The id in the messages, and how often this station has given it.
    id: Option<String>,
    uses: u32,
    token: String,
    begun_ms: i64,
    messages: u64,
}

/// Why a station stops.
enum Halt {
    Cancelled,
    Failed(String),
}

impl Station {
    pub(super) fn new(
        (identity, version, target): (String, Version, Target),
        (skew_ms, transactions, seed): (i64, u64, u64),
        lines: mpsc::Sender<Line>,
        cancel: CancellationToken,
    ) -> Self {
        let dice = Stream::named(seed, "chaos", &identity);
        let report = ChaosReport::default();
        let (link, next, clock_ms) = (None, 0, i64::MIN);
        Self {
            identity,
            version,
            target,
            skew_ms,
            transactions,
            dice,
            lines,
            cancel,
            link,
            next,
            report,
            clock_ms,
        }
    }

    /// Shows its clock, waits for the others, tells everything.
    pub(super) async fn live(mut self, ready: Arc<Barrier>) -> ChaosReport {
        let shown = self.show_clock().await;
        ready.wait().await;
        let told = match shown {
            Ok(()) => self.tell_all().await,
            Err(halt) => Err(halt),
        };
        if let Err(Halt::Failed(reason)) = told {
            tracing::warn!(station = self.identity, reason, "a station gave up");
            self.report.failed += 1;
        }
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.report
    }

    /// Statuses with the station's time: one shows that a clock is ahead, several that it is behind.
    async fn show_clock(&mut self) -> Result<(), Halt> {
        self.boot().await?;
        let count = if self.skew_ms < 0 { STATUSES } else { 1 };
        for number in 0..count {
            if number > 0 {
                sleep(STATUS_EVERY).await;
            }
            let at = Timestamp::from_millis(self.now_ms());
            let status = wire::status(self.version, at);
            self.tell("StatusNotification", &status, false).await?;
        }
        Ok(())
    }

    async fn tell_all(&mut self) -> Result<(), Halt> {
        let v16 = self.version == Version::V16;
        let mut held: Option<(Running, Vec<usize>)> = None;
        let mut previous: Option<Running> = None;
        for number in 0..self.transactions {
            let (mut running, echo) = self.plan(number, previous.take());
            let mut order = running.planned.order(&mut self.dice, v16);
            let mut later = Vec::new();
            // some of it is told after the next transaction
            if order.len() > 2 && running.planned.anomaly != Anomaly::IdReused && self.dice.below(10) == 0 {
                later = order.split_off(order.len() - 1 - self.dice.below(order.len() - 2));
            }
            for index in order {
                self.deliver(&mut running, index).await?;
            }
            if let Some(mut old) = echo {
                // the transaction that had this id before says something again
                let index = self.dice.below(old.planned.steps.len());
                if !old.planned.steps[index].untold {
                    self.deliver(&mut old, index).await?;
                    self.report.duplicates += 1;
                }
            }
            if let Some((mut old, rest)) = held.take() {
                for index in rest {
                    self.deliver(&mut old, index).await?;
                }
                self.finish(old).await?;
            }
            if later.is_empty() {
                if running.uses == 1 && running.planned.anomaly != Anomaly::NoStart {
                    previous = Some(running.clone());
                }
                self.finish(running).await?;
            } else {
                held = Some((running, later));
            }
        }
        if let Some((mut old, rest)) = held {
            for index in rest {
                self.deliver(&mut old, index).await?;
            }
            self.finish(old).await?;
        }
        Ok(())
    }

    /// The next transaction, and the one whose id it takes.
    fn plan(&mut self, number: u64, previous: Option<Running>) -> (Running, Option<Running>) {
        let v16 = self.version == Version::V16;
        let mut anomaly = Anomaly::drawn(&mut self.dice);
        let reused = previous.filter(|_| !v16 && anomaly == Anomaly::IdReused);
        if anomaly == Anomaly::IdReused && reused.is_none() {
            anomaly = Anomaly::None;
        }
        let mut planned = Planned::drawn(&mut self.dice, v16, anomaly);
        // a station that forgot its ids was restarted, and what it tells then is new
        if reused.is_some() {
            planned.tell_at_once();
        }
        let lasted = planned.steps.last().map_or(0, |step| step.after_ms);
        let begun_ms = if planned.late {
            self.now_ms() - 3_600_000 - lasted - self.dice.below(LATE_MS as usize) as i64
        } else {
            self.now_ms().max(self.clock_ms + BREAK_MS)
        };
        if !planned.late {
            self.clock_ms = begun_ms + lasted;
        }
        let id = match (&reused, v16, planned.anomaly) {
            (Some(old), ..) => old.id.clone(),
            (None, true, Anomaly::NoStart) => Some(["-1", "0", "987654321"][self.dice.below(3)].to_owned()),
            (None, true, _) => None,
            (None, false, _) => Some(format!("{}-{number}", self.identity)),
        };
        let uses = if reused.is_some() { 2 } else { 1 };
        let token = format!("CHAOS-{}", number % 50);
        let running = Running { planned, id, uses, token, begun_ms, messages: 0 };
        (running, reused)
    }

    /// Tells one event until it is answered, and sometimes once more.
    async fn deliver(&mut self, running: &mut Running, index: usize) -> Result<(), Halt> {
        let step = running.planned.steps[index].clone();
        let restarted = running.uses == 2 && step.phase == TransactionPhase::Started;
        let event = Told {
            version: self.version,
            planned: &running.planned,
            id: running.id.as_deref().unwrap_or_default(),
            token: &running.token,
            at: Timestamp::from_millis(running.begun_ms + step.after_ms),
        };
        let (action, payload) = event.call(&step);
        match self.dice.below(100) {
            0..2 => self.link = None,
            2..4 => self.boot().await?,
            _ if restarted => self.boot().await?,
            _ => {}
        }
        let forgotten = self.dice.below(100) < 6;
        let twice = self.dice.below(100) < 10;
        for again in [false, true] {
            if again && !twice {
                break;
            }
            running.messages += 1;
            let answer = self.tell(action, &payload, forgotten && !again).await?;
            self.report.duplicates += u64::from(again);
            if action == "StartTransaction" {
                self.started(running, &answer)?;
            }
        }
        Ok(())
    }

    /// Every answer to the same start of OCPP 1.6 must give the same id.
    fn started(&mut self, running: &mut Running, answer: &Value) -> Result<(), Halt> {
        let id = answer.get("transactionId").and_then(Value::as_i64);
        let id = id.ok_or_else(|| Halt::Failed(format!("a start was answered with {answer}")))?.to_string();
        if running.id.as_ref().is_some_and(|known| *known != id) {
            self.report.disagreed += 1;
        }
        running.id = Some(id);
        Ok(())
    }

    async fn finish(&mut self, running: Running) -> Result<(), Halt> {
        let Running { planned, id, uses, messages, .. } = running;
        let orphan = self.version == Version::V16 && planned.anomaly == Anomaly::NoStart;
        let mut flags = planned.anomaly.flags().to_vec();
        match self.skew_ms {
            1.. => flags.push("clock_skew_future"),
            0 => {}
            _ => flags.push("clock_skew_past"),
        }
        flags.sort_unstable();
        let last = planned.steps.last().map(|step| step.told_wh).unwrap_or_default();
        let line = Line {
            station: self.identity.clone(),
            version: self.version.to_string(),
            transaction_id: match uses {
                _ if orphan => None,
                1 => id,
                uses => id.map(|id| format!("{id}#{uses}")),
            },
            anomaly: planned.anomaly.name(),
            state: if orphan { "orphan" } else { "ended" },
            energy_wh: planned.energy_wh.normalize().to_string(),
            meter_stop_wh: if planned.whole_stop { last.trunc() } else { last }.normalize().to_string(),
            events: planned.told(),
            messages,
            flags,
            offline: planned.late && self.version != Version::V16,
        };
        self.report.transactions += 1;
        self.report.anomalies += u64::from(planned.anomaly != Anomaly::None);
        self.report.late += u64::from(planned.late);
        self.lines.send(line).await.map_err(|_| Halt::Failed("the ledger cannot be written".to_owned()))
    }

    fn now_ms(&self) -> i64 {
        wall_clock().as_millis() + self.skew_ms
    }

    async fn boot(&mut self) -> Result<(), Halt> {
        self.link = None;
        self.report.boots += 1;
        loop {
            let answer = self.tell("BootNotification", wire::boot(self.version), false).await?;
            if answer.get("status").and_then(Value::as_str) == Some("Accepted") {
                return Ok(());
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Sends until there is an answer. With `forgotten` the first connection breaks before its answer is read.
    async fn tell(&mut self, action: &str, payload: &str, mut forgotten: bool) -> Result<Value, Halt> {
        self.next += 1;
        let id = format!("{:x}", self.next);
        let frame = format!(r#"[2,"{id}","{action}",{payload}]"#);
        let end = Instant::now() + TRY_FOR;
        let mut last = String::from("nothing was tried");
        while Instant::now() < end {
            if self.cancel.is_cancelled() {
                return Err(Halt::Cancelled);
            }
            match self.attempt(&id, &frame, forgotten).await {
                Ok(Some(answer)) => {
                    self.report.acknowledged += 1;
                    return Ok(answer);
                }
                Ok(None) => {
                    forgotten = false;
                    self.report.answers_lost += 1;
                }
                Err(Trouble::Refused(reason)) => {
                    self.report.refused += 1;
                    last = reason;
                    sleep(Duration::from_millis(300)).await;
                }
                Err(Trouble::Connection(reason)) => {
                    last = reason;
                    self.link = None;
                    sleep(Duration::from_millis(100 + self.dice.below(300) as u64)).await;
                }
            }
        }
        Err(Halt::Failed(format!("{action} was not taken: {last}; {payload}")))
    }

    /// One try. `None`: sent, and the answer was thrown away.
    async fn attempt(&mut self, id: &str, frame: &str, forgotten: bool) -> Result<Option<Value>, Trouble> {
        let link = match self.link.take() {
            Some(link) => link,
            None => {
                self.report.connections += 1;
                Link::open(&self.target).await?
            }
        };
        let link = self.link.insert(link);
        link.send(frame.to_owned()).await?;
        self.report.messages += 1;
        if forgotten {
            // long enough that it arrives, short enough that it may not have been answered
            sleep(Duration::from_millis(self.dice.below(8) as u64)).await;
            if let Some(link) = self.link.take() {
                link.abort();
            }
            return Ok(None);
        }
        let answer = timeout(ANSWER_WITHIN, answer_to(link, id, self.version)).await;
        answer.unwrap_or_else(|_| Err(Trouble::Connection("no answer in time".to_owned()))).map(Some)
    }
}

enum Trouble {
    /// Nobody knows whether the message was taken.
    Connection(String),
    /// It was answered with an error.
    Refused(String),
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self::Connection(error.to_string())
    }
}

async fn answer_to(link: &mut Link, wanted: &str, version: Version) -> Result<Value, Trouble> {
    loop {
        let text = link.receive().await?;
        match envelope::parse(&text, version, FRAME_MAX) {
            Ok(envelope::Frame::Result { id, payload }) if id == wanted => {
                return serde_json::from_str(payload.get()).map_err(|e| Trouble::Refused(e.to_string()));
            }
            Ok(envelope::Frame::Error { id, code, .. }) if id == wanted => {
                return Err(Trouble::Refused(code));
            }
            Ok(envelope::Frame::Call { id, action, .. }) => {
                let detail = format!("{action} is not for stations of chaos");
                let refusal = envelope::error(version, &id, ErrorCode::NotSupported, &detail);
                link.send(refusal).await?;
            }
            _ => {}
        }
    }
}

/// Most clocks are right; one of five is a day off.
pub(super) fn skew_of(index: usize) -> i64 {
    match index % 10 {
        3 => DAY_MS,
        7 => -DAY_MS,
        _ => 0,
    }
}
