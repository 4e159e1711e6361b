//! Security events: every one is a note, and those that somebody must look at raise an alarm.

use serde_json::{Value as Json, json};
use uuid::Uuid;
use voltwin_core::{AlarmChange, AlarmFact, AlarmId, EventBody, Severity};
use voltwin_ocpp::Answer;

use super::payload::{clip, text, time};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const NOTES: &str = "security_event";
/// How the codes of these alarms begin.
const CODE: &str = "Security";

/// What somebody must look at. OCPP calls some further events critical (a start, a restart, a set clock): it means
/// that they must be reported at once, and they are noted, but they happen every day.
const ALARMING: &[(&str, Severity, &str)] = &[
    ("TamperDetectionActivated", Severity::Critical, "the station was tampered with"),
    ("InvalidFirmwareSignature", Severity::Critical, "a firmware had no valid signature"),
    ("InvalidFirmwareSigningCertificate", Severity::Critical, "a firmware was signed by somebody unknown"),
    ("InvalidCsmsCertificate", Severity::Critical, "the station does not trust our certificate"),
    ("InvalidCentralSystemCertificate", Severity::Critical, "the station does not trust our certificate"),
    ("AttemptedReplayAttacks", Severity::Critical, "messages were sent to the station a second time"),
    ("SecurityLogWasCleared", Severity::Critical, "the security log of the station was cleared"),
    ("ReconfigurationOfSecurityParameters", Severity::Major, "security settings of the station were changed"),
    ("InvalidChargingStationCertificate", Severity::Major, "the station's own certificate is not valid"),
    ("InvalidChargePointCertificate", Severity::Major, "the station's own certificate is not valid"),
    ("FailedToAuthenticateAtCsms", Severity::Major, "the station was not let in"),
    ("FailedToAuthenticateAtCentralSystem", Severity::Major, "the station was not let in"),
    ("CsmsFailedToAuthenticate", Severity::Major, "somebody else answered in our place"),
    ("CentralSystemFailedToAuthenticate", Severity::Major, "somebody else answered in our place"),
    ("InvalidTLSVersion", Severity::Major, "the station was offered an outdated TLS"),
    ("InvalidTLSCipherSuite", Severity::Major, "the station was offered a weak cipher"),
    ("MaintenanceLoginFailed", Severity::Major, "somebody failed to sign in at the station"),
    ("ConnectionBelowSecurityProfile", Severity::Major, "the station was not let in"),
    ("RepeatedWrongPasswords", Severity::Major, "somebody guesses the password of the station"),
    ("MemoryExhaustion", Severity::Major, "the station runs out of memory"),
];

/// Whether an alarm tells of something that happened and is over, so that it ends when somebody has seen it.
#[must_use]
pub fn ends_when_seen(code: &str) -> bool {
    code.strip_prefix(CODE).is_some_and(|kind| ALARMING.iter().any(|(known, ..)| *known == kind))
}

/// The alarm of a kind of security event, if somebody must look at it.
pub(crate) fn security_alarm(kind: &str, info: Option<&str>) -> Option<EventBody> {
    let (kind, severity, what) = ALARMING.iter().find(|(known, ..)| *known == kind)?;
    let change = AlarmChange::Raised {
        code: format!("{CODE}{kind}"),
        severity: *severity,
        message: info.map_or_else(|| (*what).to_owned(), |info| format!("{what}: {}", clip(info, 200))),
    };
    Some(EventBody::Alarm(AlarmFact { id: AlarmId(Uuid::now_v7()), change }))
}

impl CentralSystem {
    /// `SecurityEventNotification`.
    pub(super) async fn security_event(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let now = self.inner.runtime.now();
        let kind = text(payload, "type").unwrap_or_default();
        let info = text(payload, "techInfo").map(|info| clip(info, 1_000));
        let alarming = ALARMING.iter().find(|(known, ..)| *known == kind);
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        let detail = json!({
            "type": clip(kind, 255),
            "tech_info": info,
            "severity": alarming.map_or(Severity::Info, |(_, severity, _)| *severity),
        });
        events.note(speaker.station, time(payload, "timestamp").unwrap_or(now), NOTES, detail);
        if let Some(alarm) = security_alarm(kind, info.as_deref()) {
            events.add(speaker.station, now, alarm);
        }
        self.record(events).await?;
        Ok(Answer::Payload(json!({})))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_alarms_of_this_table_end_when_seen() {
        assert!(ends_when_seen("SecurityTamperDetectionActivated"));
        for other in ["StationOffline", "Security", "SecurityStartupOfTheDevice"] {
            assert!(!ends_when_seen(other), "{other}");
        }
    }
}
