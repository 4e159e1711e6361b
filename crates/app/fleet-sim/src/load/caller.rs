//! A station reduced to calls and answers.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::Barrier;
use tokio::time::timeout;
use voltwin_core::{Decimal, TransactionPhase};
use voltwin_ocpp::station::{BootResult, StationAnswer, StationMessage, StationTransaction, read_answer};
use voltwin_ocpp::{BootStatus, ConnectorStatus, Version, envelope};

use crate::station::{Link, LinkError, Reading, Target, exact_frame, samples, wall_clock};

/// A call that takes longer has failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Caller {
    link: Link,
    version: Version,
    next: u64,
    transaction_id: String,
    seq_no: u64,
    offline: bool,
}

impl Caller {
    pub(super) async fn connect(target: &Target, version: Version) -> Result<Self, String> {
        let link = Link::open(target).await.map_err(|e: LinkError| e.to_string())?;
        Ok(Self { link, version, next: 0, transaction_id: String::new(), seq_no: 0, offline: false })
    }

    /// Says that it has started; answers with what the central system thinks of it.
    pub(super) async fn boot(&mut self) -> Result<BootStatus, String> {
        self.boot_result().await.map(|result| result.status)
    }

    pub(super) async fn boot_result(&mut self) -> Result<BootResult, String> {
        let boot = StationMessage::Boot {
            vendor: "Voltwin".into(),
            model: "Load".into(),
            serial_number: None,
            firmware_version: None,
            reason: None,
        };
        match self.call(&boot).await? {
            StationAnswer::Boot(result) => Ok(result),
            other => Err(format!("the boot was answered with {other:?}")),
        }
    }

    pub(super) async fn status(&mut self, evse: u32, status: ConnectorStatus) -> Result<(), String> {
        let at = wall_clock();
        let message = StationMessage::Status { evse, connector: 1, status, error_code: None, info: None, at };
        self.call(&message).await.map(drop)
    }

    pub(super) async fn start_transaction(&mut self) -> Result<(), String> {
        self.transaction_id = uuid::Uuid::now_v7().to_string();
        self.seq_no = 0;
        if let StationAnswer::Transaction { transaction_id: Some(id), .. } =
            self.call_event(TransactionPhase::Started).await?
        {
            self.transaction_id = id;
        }
        Ok(())
    }

    /// One whole transaction that happened while the central system could not be reached.
    pub(super) async fn offline_transaction(&mut self) -> Result<(), String> {
        self.offline = true;
        let told = async {
            self.start_transaction().await?;
            self.call_event(TransactionPhase::Ended).await
        }
        .await;
        self.offline = false;
        told.map(drop)
    }

    pub(super) async fn call_event(&mut self, phase: TransactionPhase) -> Result<StationAnswer, String> {
        let message = self.event(phase);
        self.call(&message).await
    }

    pub(super) fn event(&mut self, phase: TransactionPhase) -> StationMessage {
        let at = wall_clock();
        let seq_no = self.seq_no;
        self.seq_no += 1;
        let meter_wh = Decimal::from(1_000 + 20 * seq_no);
        let values = if phase == TransactionPhase::Updated {
            samples(&reading(meter_wh), at, "Sample.Periodic")
        } else {
            Vec::new()
        };
        StationMessage::Transaction(StationTransaction {
            phase,
            transaction_id: self.transaction_id.clone(),
            seq_no,
            evse: 1,
            connector: 1,
            id_token: (phase != TransactionPhase::Updated).then(|| "LOAD".to_owned()),
            token_type: None,
            at,
            meter_wh,
            trigger: None,
            stopped_reason: (phase == TransactionPhase::Ended).then(|| "Local".to_owned()),
            charging_state: None,
            offline: self.offline,
            remote_start_id: None,
            samples: values,
        })
    }

    pub(super) fn meter_values(&mut self) -> StationMessage {
        self.seq_no += 1;
        let meter_wh = Decimal::from(1_000 + 20 * self.seq_no);
        let samples = samples(&reading(meter_wh), wall_clock(), "Sample.Periodic");
        StationMessage::MeterValues { evse: 1, samples }
    }

    pub(super) async fn call(&mut self, message: &StationMessage) -> Result<StationAnswer, String> {
        let (action, payload) = message.to_call(self.version).map_err(|v| v.to_string())?;
        self.next += 1;
        let wanted = format!("{:x}", self.next);
        self.link.send(exact_frame(&wanted, action, payload, message)).await.map_err(|e| e.to_string())?;
        let answer = async {
            loop {
                let text = self.link.receive().await.map_err(|e| e.to_string())?;
                match envelope::parse(&text, self.version, crate::station::FRAME_MAX) {
                    Ok(envelope::Frame::Result { id, payload }) if id == wanted => {
                        let payload: Value =
                            serde_json::from_str(payload.get()).map_err(|e| e.to_string())?;
                        return read_answer(self.version, action, &payload).map_err(|v| v.to_string());
                    }
                    Ok(envelope::Frame::Error { id, code, .. }) if id == wanted => return Err(code),
                    Ok(envelope::Frame::Call { id, action, .. }) => self.refuse(&id, &action).await?,
                    _ => {}
                }
            }
        };
        timeout(ANSWER_WITHIN, answer).await.map_err(|_| "timed out".to_owned())?
    }

    /// A station that can do nothing says so, rather than leave a command waiting.
    async fn refuse(&mut self, id: &str, action: &str) -> Result<(), String> {
        let detail = format!("{action} is not for load stations");
        let refusal = envelope::error(self.version, id, voltwin_ocpp::ErrorCode::NotSupported, &detail);
        self.link.send(refusal).await.map_err(|e| e.to_string())
    }

    /// Reads until the connection ends: the WebSocket answers pings meanwhile, and commands are refused.
    pub(super) async fn listen(&mut self) {
        while let Ok(text) = self.link.receive().await {
            if let Ok(envelope::Frame::Call { id, action, .. }) =
                envelope::parse(&text, self.version, crate::station::FRAME_MAX)
                && self.refuse(&id, &action).await.is_err()
            {
                return;
            }
        }
    }

    /// Ends the connection in good order.
    pub(super) async fn close(self) {
        self.link.close().await;
    }

    /// Ends the connection as a power cut does.
    pub(super) fn abort(self) {
        self.link.abort();
    }
}

/// Waits for `all` and answers the central system's pings meanwhile.
pub(super) async fn wait_alive(all: &Barrier, caller: Option<&mut Caller>) {
    let waiting = all.wait();
    tokio::pin!(waiting);
    if let Some(caller) = caller {
        tokio::select! {
            _ = &mut waiting => return,
            () = caller.listen() => {}
        }
    }
    waiting.await;
}

fn reading(energy_wh: Decimal) -> Reading {
    Reading { energy_wh, power_w: 22_000.0, current_a: Some(32.0), voltage_v: Some(230.0), soc: Some(0.5) }
}
