//! One EVSE and one transaction as the station knows them.

use tokio::sync::oneshot;
use tokio::time::Instant;
use voltwin_core::{Decimal, MeterSample, Timestamp};
use voltwin_ocpp::ConnectorStatus;

use super::{Reading, SessionId, SessionOutcome};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) evse: u32,
    pub(super) connector: u32,
    pub(super) id_token: String,
    pub(super) token_type: Option<String>,
    /// In 1.6 absent until the start was answered.
    pub(super) transaction_id: Option<String>,
    pub(super) next_seq_no: u64,
    pub(super) remote_start_id: Option<i64>,
    /// False as soon as a start or end was given up.
    pub(super) intact: bool,
    pub(super) last_wh: Decimal,
    pub(super) ended: bool,
    pub(super) waiter: Option<oneshot::Sender<SessionOutcome>>,
}

impl Session {
    pub(super) fn outcome(&self, session: SessionId) -> SessionOutcome {
        SessionOutcome {
            session,
            transaction_id: self.transaction_id.clone(),
            acked: self.intact && self.transaction_id.is_some(),
            energy_wh: self.last_wh,
        }
    }
}

#[derive(Debug)]
pub(super) struct PendingStart {
    pub(super) id_token: String,
    pub(super) token_type: Option<String>,
    pub(super) remote_start_id: Option<i64>,
    pub(super) until: Instant,
}

#[derive(Debug)]
pub(super) struct Evse {
    pub(super) status: ConnectorStatus,
    pub(super) connector: u32,
    pub(super) plugged: bool,
    /// The running transaction.
    pub(super) session: Option<SessionId>,
    pub(super) reading: Reading,
    pub(super) fault: Option<(String, String)>,
    pub(super) operative: bool,
    pub(super) pending: Option<PendingStart>,
}

impl Evse {
    pub(super) fn new() -> Self {
        Self {
            status: ConnectorStatus::Available,
            connector: 1,
            plugged: false,
            session: None,
            reading: Reading::default(),
            fault: None,
            operative: true,
            pending: None,
        }
    }

    /// The status when no transaction runs.
    pub(super) fn idle_status(&self) -> ConnectorStatus {
        if self.fault.is_some() {
            ConnectorStatus::Faulted
        } else if self.plugged {
            ConnectorStatus::Finishing
        } else if !self.operative {
            ConnectorStatus::Unavailable
        } else {
            ConnectorStatus::Available
        }
    }
}

/// The samples that go with an energy register.
pub(crate) fn samples(reading: &Reading, at: Timestamp, context: &str) -> Vec<MeterSample> {
    let sample = |measurand: &str, value: Option<f64>, digits: u32, unit: &str, location: Option<&str>| {
        Some(MeterSample {
            at,
            measurand: measurand.to_owned(),
            phase: None,
            location: location.map(str::to_owned),
            context: Some(context.to_owned()),
            value: Decimal::from_f64_retain(value?)?.round_dp(digits),
            unit: unit.to_owned(),
        })
    };
    [
        sample("Power.Active.Import", Some(reading.power_w), 1, "W", None),
        sample("Current.Import", reading.current_a, 2, "A", None),
        sample("Voltage", reading.voltage_v, 1, "V", None),
        sample("SoC", reading.soc.map(|soc| 100.0 * soc), 2, "Percent", Some("EV")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
