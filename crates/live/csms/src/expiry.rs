//! Certificates that end: renewed in time, and an alarm where that does not happen.
//!
//! A station of security profile 3 whose certificate has ended stays outside for ever, because the new one would have
//! to reach it over the connection that it cannot make. So a certificate is renewed when a third of its life is left,
//! thirty days at most: the station is asked once a day to send a signing request. Who has not been renewed a day
//! later raises [`EXPIRY_ALARM`], which grows with what is at stake.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;
use voltwin_core::{AlarmChange, AlarmFact, AlarmId, EventBody, Severity, TenantId, Timestamp, TwinId};
use voltwin_ocpp::Version;
use voltwin_store::{CertificateRecord, Command};

use crate::stations::Events;
use crate::{CentralSystem, CommandRequest, CsmsError, Inner};

/// The code of the alarm.
pub const EXPIRY_ALARM: &str = "StationCertificateExpires";
/// When certificates are looked at: soon after the start, then every hour.
const FIRST_LOOK: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(3_600);
const DAY_S: f64 = 86_400.0;
/// When a certificate is renewed at the earliest before its end, in seconds.
const DUE_S_MAX: f64 = 30.0 * DAY_S;
/// Stations of one tenant that are looked at at once.
const STATIONS_MAX: usize = 10_000;
/// Who asks, in the list of commands.
const BY: &str = "voltwin";
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Standing {
    /// It must be renewed.
    due: bool,
    /// Somebody must look at it.
    alarm: Option<Severity>,
}

/// `renewed` tells that renewing is tried first, so that an alarm waits for a day.
fn standing(certificate: &CertificateRecord, now: Timestamp, renewed: bool) -> Standing {
    let left_s = certificate.not_after.seconds_since(now);
    let life_s = certificate.not_after.seconds_since(certificate.issued_at).max(0.0);
    let due_s = DUE_S_MAX.min(life_s / 3.0);
    let grace_s = if renewed { DAY_S.min(due_s / 2.0) } else { 0.0 };
    let alarm = match left_s {
        _ if left_s <= 0.0 => Some(Severity::Critical),
        _ if left_s <= due_s / 4.0 => Some(Severity::Major),
        _ if left_s <= due_s - grace_s => Some(Severity::Minor),
        _ => None,
    };
    Standing { due: left_s <= due_s, alarm }
}

impl CentralSystem {
    /// Looks at the certificates of all tenants from time to time, until the central system is dropped.
    pub(crate) fn watch_certificates(&self) {
        let inner: Weak<Inner> = Arc::downgrade(&self.inner);
        let stopping = self.inner.runtime.stopping();
        tokio::spawn(async move {
            let mut wait = FIRST_LOOK;
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(wait) => wait = LOOK,
                }
                let Some(inner) = inner.upgrade() else { return };
                let csms = Self { inner };
                let Ok(tenants) = csms.inner.runtime.store().tenants().await else { continue };
                for tenant in tenants {
                    if let Err(error) = csms.look_at_certificates(&tenant.tenant).await {
                        tracing::warn!(tenant = %tenant.tenant, %error, "certificates could not be looked at");
                    }
                }
            }
        });
    }

    /// Asks connected stations whose certificate ends to renew it, and raises or ends alarms.
    ///
    /// # Errors
    /// When the registry cannot be read or an alarm cannot be recorded.
    pub async fn look_at_certificates(&self, tenant: &TenantId) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let store = self.inner.runtime.store().tenant(tenant);
        let ending = store.certificates_ending(now.plus_seconds(DUE_S_MAX), STATIONS_MAX).await?;
        let renewable = self.inner.config.signer.is_some();
        let mut events = Events::new(self, tenant, Self::trace());
        let mut alarming = HashSet::new();
        for certificate in &ending {
            let station: TwinId = certificate.station.parse()?;
            let Standing { due, alarm } = standing(certificate, now, renewable);
            if due && renewable {
                self.plan_renewal(tenant, &station, now);
            }
            let Some(severity) = alarm else { continue };
            alarming.insert(certificate.station.clone());
            let open = store.open_alarm(&certificate.station, EXPIRY_ALARM).await?;
            if open.as_ref().is_some_and(|open| open.severity == severity) {
                continue;
            }
            if let Some(open) = open {
                let fact = AlarmFact { id: open.id, change: AlarmChange::Cleared };
                events.add(&station, now, EventBody::Alarm(fact));
            }
            let what = if severity == Severity::Critical { "has ended" } else { "ends" };
            let change = AlarmChange::Raised {
                code: EXPIRY_ALARM.to_owned(),
                severity,
                message: format!(
                    "the certificate {} of the station {what} on {}; without a new one it cannot connect",
                    certificate.serial, certificate.not_after
                ),
            };
            events.add(&station, now, EventBody::Alarm(AlarmFact { id: AlarmId(Uuid::now_v7()), change }));
        }
        for open in store.open_alarms(EXPIRY_ALARM, STATIONS_MAX).await? {
            if !alarming.contains(&open.twin) {
                let fact = AlarmFact { id: open.id, change: AlarmChange::Cleared };
                events.add(&open.twin.parse()?, now, EventBody::Alarm(fact));
            }
        }
        self.record(events).await
    }

    /// Asks a connected station for a signing request, once a day.
    fn plan_renewal(&self, tenant: &TenantId, station: &TwinId, now: Timestamp) {
        if self.inner.directory.get(tenant, station).is_none() {
            return;
        }
        let key = (tenant.clone(), station.clone());
        {
            let mut renewals = self.inner.renewals.lock();
            renewals.retain(|_, asked| now.seconds_since(*asked) < DAY_S);
            if renewals.contains_key(&key) {
                return;
            }
            renewals.insert(key.clone(), now);
        }
        let csms = self.clone();
        tokio::spawn(async move {
            let asked = csms.renew_certificate(&key.0, &key.1, BY, ANSWER_WITHIN).await;
            if let Err(error) = asked {
                tracing::warn!(station = %key.1, %error, "a station could not be asked to renew its certificate");
            }
        });
    }

    /// Asks a station to send a signing request (`SignCertificate`); what follows is recorded under `certificate`.
    ///
    /// # Errors
    /// [`CsmsError::Conflict`] when nobody signs here, and as [`CentralSystem::command`].
    pub async fn renew_certificate(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        by: &str,
        wait: Duration,
    ) -> Result<Command, CsmsError> {
        if self.inner.config.signer.is_none() {
            let detail = "nobody signs certificates here: `voltwin admin ca init` makes an authority";
            return Err(CsmsError::Conflict(detail.to_owned()));
        }
        let entry = self.inner.directory.get(tenant, station);
        let (action, wanted) = match self.version_of(tenant, station, entry.as_ref())? {
            Version::V16 => ("ExtendedTriggerMessage", "SignChargePointCertificate"),
            Version::V201 | Version::V21 => ("TriggerMessage", "SignChargingStationCertificate"),
        };
        let payload = json!({"requestedMessage": wanted});
        let request = CommandRequest::Raw { action: action.to_owned(), payload };
        self.command(tenant, station, request, by, wait).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(days: f64) -> CertificateRecord {
        let issued_at = Timestamp::from_micros(0);
        CertificateRecord {
            fingerprint: "f".into(),
            station: "ST-1".into(),
            serial: "1".into(),
            not_after: issued_at.plus_seconds(days * DAY_S),
            issued_at,
            issued_by: "test".into(),
            revoked_at: None,
        }
    }

    #[test]
    fn a_certificate_is_renewed_in_time_and_alarms_when_it_is_not() {
        let at = |days: f64| Timestamp::from_micros(0).plus_seconds(days * DAY_S);
        let year = certificate(365.0);
        let of = |left: f64, renewed| standing(&year, at(365.0 - left), renewed);
        assert_eq!(of(30.5, true), Standing { due: false, alarm: None });
        assert_eq!(of(29.5, true), Standing { due: true, alarm: None }, "it is being renewed");
        assert_eq!(of(29.5, false).alarm, Some(Severity::Minor), "nobody renews it");
        assert_eq!(of(28.9, true).alarm, Some(Severity::Minor));
        assert_eq!(of(7.0, true).alarm, Some(Severity::Major));
        assert_eq!(of(-0.1, true).alarm, Some(Severity::Critical));
        // one of three days: a third of it is a day
        let short = certificate(3.0);
        assert!(!standing(&short, at(1.9), true).due && standing(&short, at(2.1), true).due);
        assert_eq!(standing(&short, at(2.1), true).alarm, None);
        assert_eq!(standing(&short, at(2.6), true).alarm, Some(Severity::Minor));
    }
}
