//! Certificates that end are renewed in time, or raise an alarm.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use voltwin_core::{Severity, TenantId, Timestamp, TwinId};
use voltwin_csms::{Admission, CentralSystem, CsmsConfig, EXPIRY_ALARM, Link, Outgoing};
use voltwin_ocpp::Version;
use voltwin_pki::{Authority, Signer, Validity};
use voltwin_runtime::{Clock as _, Runtime, RuntimeConfig, SystemClock};
use voltwin_store::{CertificateRecord, Store, TenantStore, TokenPolicy};

const DAY_S: f64 = 86_400.0;

struct World {
    folder: TempDir,
    runtime: Runtime,
    csms: CentralSystem,
    tenant: TenantId,
}

impl World {
    /// With an authority of its own, or without.
    async fn new(signs: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let tenant = TenantId::new("t").unwrap();
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let signer = signs.then(|| {
            let now_s = SystemClock.now().as_micros() / 1_000_000;
            let authority =
                Authority::init(folder.path(), "Roads", Validity::days_from(now_s, 3_650)).unwrap();
            Signer::Authority(Arc::new(authority), 365)
        });
        let config =
            CsmsConfig { first_report_s: None, return_check_s: None, signer, ..CsmsConfig::default() };
        let csms = CentralSystem::start(runtime.clone(), config).await.unwrap();
        Self { folder, runtime, csms, tenant }
    }

    fn registry(&self) -> TenantStore {
        self.runtime.store().tenant(&self.tenant)
    }

    /// A station of profile 3 whose certificate, of a year, ends in so many days.
    async fn station(&self, name: &str, left_days: f64) {
        let now = SystemClock.now();
        self.registry().add_station(name, name, None, "test", now).await.unwrap();
        self.registry().set_station_profile(name, 3, "test", now).await.unwrap();
        self.certificate(name, left_days).await;
    }

    async fn certificate(&self, name: &str, left_days: f64) {
        let now = SystemClock.now();
        let not_after = now.plus_seconds(left_days * DAY_S);
        let record = CertificateRecord {
            fingerprint: format!("{name} {left_days}"),
            station: name.to_owned(),
            serial: "ab".to_owned(),
            not_after,
            issued_at: not_after.plus_seconds(-365.0 * DAY_S),
            issued_by: "test".to_owned(),
            revoked_at: None,
        };
        self.registry().add_certificate(&record, now).await.unwrap();
    }

    async fn alarm(&self, name: &str) -> Option<Severity> {
        self.registry().open_alarm(name, EXPIRY_ALARM).await.unwrap().map(|alarm| alarm.severity)
    }

    async fn look(&self) {
        self.csms.look_at_certificates(&self.tenant).await.unwrap();
    }
}

async fn call(link: &mut Link, action: &str, payload: Json) -> Json {
    let out = link.on_text(&json!([2, "id", action, payload]).to_string()).await;
    let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
    serde_json::from_str::<Json>(text).unwrap()[2].clone()
}

#[tokio::test]
async fn a_certificate_that_ends_raises_an_alarm_that_grows_and_ends_with_a_new_one() {
    let world = World::new(false).await;
    for (name, left_days) in [("FAR", 31.0), ("NEAR", 29.0), ("SOON", 6.0), ("OVER", -1.0)] {
        world.station(name, left_days).await;
    }
    // one that need not come with a certificate is nobody's trouble
    world.registry().add_station("PLAIN", "p", None, "test", SystemClock.now()).await.unwrap();
    world.certificate("PLAIN", 1.0).await;
    world.look().await;
    let severities = async || {
        let mut found = Vec::new();
        for name in ["FAR", "NEAR", "SOON", "OVER", "PLAIN"] {
            found.push(world.alarm(name).await);
        }
        found
    };
    let (minor, major, critical) = (Some(Severity::Minor), Some(Severity::Major), Some(Severity::Critical));
    assert_eq!(severities().await, [None, minor, major, critical, None]);
    world.look().await;
    assert_eq!(severities().await, [None, minor, major, critical, None], "once is enough");
    world.certificate("SOON", 365.0).await;
    world.registry().revoke_certificate("over -1", "test", SystemClock.now()).await.unwrap_err();
    world.look().await;
    assert_eq!(severities().await, [None, minor, None, critical, None], "a new certificate ends it");
    // the same alarm, worse
    world.registry().revoke_certificate("NEAR 29", "test", SystemClock.now()).await.unwrap();
    world.certificate("NEAR", 2.0).await;
    world.look().await;
    assert_eq!(world.alarm("NEAR").await, major);
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_connected_station_is_asked_to_renew_once_a_day() {
    let world = World::new(true).await;
    assert!(Authority::open(world.folder.path()).is_ok());
    world.station("ST-1", 29.5).await;
    let station = TwinId::new("ST-1").unwrap();
    let who = Admission { tenant: world.tenant.clone(), station: station.clone() };
    let mut link = world.csms.link(who, Version::V201).await.unwrap();
    let boot = json!({"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}});
    assert_eq!(call(&mut link, "BootNotification", boot).await["status"], "Accepted");
    world.look().await;
    // a link also wakes up to look around, and then has nothing to say
    let asked = loop {
        let said = link.next().await;
        if !said.is_empty() {
            break said;
        }
    };
    let Some(Outgoing::Text(text)) = asked.first() else { panic!("{asked:?}") };
    let asked: Json = serde_json::from_str(text).unwrap();
    assert_eq!(
        (&asked[2], &asked[3]["requestedMessage"]),
        (&json!("TriggerMessage"), &json!("SignChargingStationCertificate"))
    );
    assert_eq!(world.alarm("ST-1").await, None, "it has a day to do so");
    world.look().await;
    let again = async { while link.next().await.is_empty() {} };
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), again).await;
    assert!(waited.is_err(), "asked twice");
    world.runtime.stop().await;
}
