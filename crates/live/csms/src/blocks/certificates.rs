//! Certificates of stations: a request is signed and handed back, and what a station has installed is known.

use std::time::Duration;

use serde_json::{Value as Json, json};
use voltwin_core::{CommandState, TenantId, Timestamp, TwinId};
use voltwin_ocpp::{Answer, Version};
use voltwin_pki::{Certificate, PkiError, SigningRequest, check_request};
use voltwin_store::CertificateRecord;

use super::data_transfer::CONTRACTS;
use super::payload::{clip, list, text};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CommandRequest, CsmsError};

/// The topic of what is known of a station's certificates, and of what happened to them.
const TOPIC: &str = "certificate";
/// The key of the newest signing request.
const REQUEST: &str = "request";
/// Waits before a signed certificate is sent again to a station that did not take it, in seconds.
const AGAIN_S: [u64; 3] = [10, 30, 90];
/// The longest chain that a station is sent, in characters: what OCPP takes.
const CHAIN_CHARS_MAX: usize = 10_000;

/// A request on its way to a certificate.
struct Order {
    tenant: TenantId,
    station: TwinId,
    version: Version,
    request: SigningRequest,
    /// 2.1 repeats it in the answer.
    request_id: Option<Json>,
    kind: String,
    /// It came inside `DataTransfer` (1.6), and so goes back.
    by_transfer: bool,
}

impl CentralSystem {
    /// `SignCertificate`: judged at once, signed and handed over afterwards, `by_transfer` inside `DataTransfer`.
    pub(super) async fn sign_certificate(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        by_transfer: bool,
    ) -> Result<Answer, CsmsError> {
        let kind = text(payload, "certificateType").unwrap_or("ChargingStationCertificate").to_owned();
        let judged = self.judge_request(speaker, payload, &kind);
        let state = match &judged {
            Ok(_) => json!({"state": "requested", "type": kind}),
            Err(reason) => json!({"state": "refused", "type": kind, "reason": reason}),
        };
        self.certificate_is(speaker.tenant, speaker.station, REQUEST, state).await?;
        let answer = match judged {
            Ok(request) => {
                let order = Order {
                    tenant: speaker.tenant.clone(),
                    station: speaker.station.clone(),
                    version: speaker.version,
                    request,
                    request_id: payload.get("requestId").cloned(),
                    kind,
                    by_transfer,
                };
                let csms = self.clone();
                tokio::spawn(async move { csms.fulfil(order).await });
                json!({"status": "Accepted"})
            }
            Err(reason) if speaker.version != Version::V16 => {
                let info = json!({"reasonCode": "CSRRefused", "additionalInfo": clip(&reason, 500)});
                json!({"status": "Rejected", "statusInfo": info})
            }
            Err(_) => json!({"status": "Rejected"}),
        };
        Ok(Answer::Payload(answer))
    }

    fn judge_request(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
        kind: &str,
    ) -> Result<SigningRequest, String> {
        match &self.inner.config.signer {
            None => return Err("no authority is set up here".to_owned()),
            // certificates of the vehicle side come from another root than those of our connections
            Some(voltwin_pki::Signer::Authority(..)) if kind != "ChargingStationCertificate" => {
                return Err(format!("certificates of the type {kind} are not signed here"));
            }
            Some(_) => {}
        }
        let request = text(payload, "csr").unwrap_or_default();
        check_request(request, speaker.station.as_str(), speaker.tenant.as_str()).map_err(|e| e.to_string())
    }

    /// Signs, remembers and hands over; a station that does not take it is asked again, later each time.
    async fn fulfil(&self, order: Order) {
        let (tenant, station) = (&order.tenant, &order.station);
        let (chain, certificate) = match self.sign(&order).await {
            Ok(signed) => signed,
            Err(error) => {
                tracing::warn!(%station, %error, "a certificate could not be signed");
                let state = json!({"state": "failed", "type": order.kind, "reason": error.to_string()});
                self.tell(tenant, station, state).await;
                return;
            }
        };
        let about = |state: &str, reason: Option<&str>| {
            json!({
                "state": state, "type": order.kind, "serial": certificate.serial,
                "fingerprint": certificate.fingerprint, "reason": reason,
                "not_after": Timestamp::from_micros(certificate.not_after_s.saturating_mul(1_000_000)),
            })
        };
        self.tell(tenant, station, about("signed", None)).await;
        let mut payload = json!({"certificateChain": chain});
        if order.version != Version::V16 || order.by_transfer {
            payload["certificateType"] = json!(order.kind);
        }
        if let Some(id) = &order.request_id {
            payload["requestId"] = id.clone();
        }
        let mut action = "CertificateSigned";
        if order.by_transfer {
            let data = payload.to_string();
            payload = json!({"vendorId": CONTRACTS, "messageId": action, "data": data});
            action = "DataTransfer";
        }
        let wait = Duration::from_secs(u64::from(self.inner.config.call_timeout_s) + 5);
        let mut reason = "the station did not take it".to_owned();
        for pause_s in std::iter::once(0).chain(AGAIN_S) {
            tokio::time::sleep(Duration::from_secs(pause_s)).await;
            let request = CommandRequest::Raw { action: action.to_owned(), payload: payload.clone() };
            match self.command(tenant, station, request, "voltwin", wait).await {
                Ok(command) if command.state == CommandState::Accepted => {
                    self.tell(tenant, station, about("installed", None)).await;
                    if let Err(error) = self.look_at_certificates(tenant).await {
                        tracing::warn!(%station, %error, "certificates could not be looked at");
                    }
                    return;
                }
                Ok(command) => reason = command.reason.unwrap_or(reason),
                Err(error) => reason = error.to_string(),
            }
        }
        self.tell(tenant, station, about("refused", Some(&reason))).await;
    }

    async fn sign(&self, order: &Order) -> Result<(String, Certificate), PkiError> {
        let signing = |reason: String| PkiError::Signing { reason };
        let signer = self.inner.config.signer.as_ref();
        let signer = signer.ok_or_else(|| signing("no authority is set up here".to_owned()))?;
        let now = self.inner.runtime.now();
        let (station, tenant) = (order.station.as_str(), order.tenant.as_str());
        let chain = signer.sign(&order.request, station, tenant, now.as_micros() / 1_000_000).await?;
        if chain.len() > CHAIN_CHARS_MAX {
            let length = chain.len();
            return Err(signing(format!(
                "the chain has {length} characters, stations take {CHAIN_CHARS_MAX}"
            )));
        }
        let certificate = Certificate::from_pem(&chain)?;
        let record = CertificateRecord {
            fingerprint: certificate.fingerprint.clone(),
            station: order.station.to_string(),
            serial: certificate.serial.clone(),
            not_after: Timestamp::from_micros(certificate.not_after_s.saturating_mul(1_000_000)),
            issued_at: now,
            issued_by: order.station.to_string(),
            revoked_at: None,
        };
        // what is not remembered cannot be taken back, so it is not handed out
        let store = self.inner.runtime.store().tenant(&order.tenant);
        store.add_certificate(&record, now).await.map_err(|error| signing(error.to_string()))?;
        Ok((chain, certificate))
    }

    async fn tell(&self, tenant: &TenantId, station: &TwinId, state: Json) {
        if let Err(error) = self.certificate_is(tenant, station, REQUEST, state).await {
            tracing::warn!(%station, %error, "could not record what becomes of a certificate");
        }
    }

    /// Records a statement on a certificate, and the step in the notebook.
    async fn certificate_is(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        key: &str,
        state: Json,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let mut events = Events::new(self, tenant, Self::trace());
        events.note(station, now, TOPIC, state.clone());
        events.state(station, now, TOPIC, key, Some(state));
        self.record(events).await
    }

    /// What a station answered to a question or order about its trusted certificates.
    pub(super) async fn certificates_answered(
        &self,
        speaker: &Speaker<'_>,
        action: &str,
        payload: &Json,
        answer: &Json,
    ) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let status = text(answer, "status").unwrap_or_default();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        match action {
            "InstallCertificate" => {
                let read = text(payload, "certificate").and_then(|pem| Certificate::from_pem(pem).ok());
                let detail = json!({
                    "step": action, "status": status, "type": payload.get("certificateType"),
                    "subject": read.as_ref().and_then(|read| read.common_name.clone()),
                    "serial": read.as_ref().map(|read| read.serial.clone()),
                    "not_after": read.map(|read| {
                        Timestamp::from_micros(read.not_after_s.saturating_mul(1_000_000))
                    }),
                });
                events.note(speaker.station, now, TOPIC, detail);
            }
            "DeleteCertificate" => {
                let hash = payload.get("certificateHashData");
                let serial = hash.and_then(|hash| text(hash, "serialNumber"));
                let detail = json!({"step": action, "status": status, "serial": serial});
                events.note(speaker.station, now, TOPIC, detail);
                if let Some(serial) = serial.filter(|_| matches!(status, "Accepted" | "NotFound")) {
                    events.state(speaker.station, now, TOPIC, &installed(serial), None);
                }
            }
            _ => {
                // 1.6 lists hashes of one type, 2.x chains of several
                let of_type = |hash: &Json, kind: Option<&Json>| {
                    let serial = text(hash, "serialNumber")?.to_owned();
                    Some((serial, json!({"type": kind, "hash": hash})))
                };
                let old = list(answer, "certificateHashData").iter();
                let old = old.filter_map(|hash| of_type(hash, payload.get("certificateType")));
                let new = list(answer, "certificateHashDataChain").iter().filter_map(|entry| {
                    of_type(entry.get("certificateHashData")?, entry.get("certificateType"))
                });
                for (serial, value) in old.chain(new).take(INSTALLED_MAX) {
                    events.state(speaker.station, now, TOPIC, &installed(&serial), Some(value));
                }
            }
        }
        self.record(events).await
    }
}

/// The most certificates of one answer that are kept.
const INSTALLED_MAX: usize = 200;

fn installed(serial: &str) -> String {
    format!("installed/{}", clip(&serial.to_ascii_lowercase(), 80))
}
