//! Campaigns against scripted stations, across failures, absences and restarts.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use voltwin_core::{TenantId, Timestamp};
use voltwin_csms::{Admission, CentralSystem, CsmsConfig, Link, Outgoing};
use voltwin_ocpp::Version;
use voltwin_operations::{
    CAMPAIGN, CampaignOrder, CampaignPlan, OperationError, Operations, WaveSize, Waves,
};
use voltwin_runtime::{Runtime, RuntimeConfig};
use voltwin_store::{FileKind, Job, JobStation, NewFile, Store, TokenPolicy};

const NEW: &str = "2.0";
const OLD: &str = "1.0";

struct House {
    runtime: Runtime,
    csms: CentralSystem,
    operations: Operations,
    tenant: TenantId,
}

impl House {
    async fn open(folder: &Path) -> Self {
        let tenant = TenantId::new("t").unwrap();
        let store = Store::open(folder).await.unwrap();
        let at = Timestamp::from_micros(1);
        if store.tenants().await.unwrap().is_empty() {
            store.add_tenant(&tenant, TokenPolicy::Accept, "test", at).await.unwrap();
            let registry = store.tenant(&tenant);
            let file = NewFile {
                id: "FW".into(),
                kind: FileKind::Firmware,
                station: None,
                name: "fw.bin".into(),
                request_id: None,
            };
            registry.expect_file(&file, "test", at).await.unwrap();
            registry.file_stored("FW", None, (3, "abc"), 100, at).await.unwrap();
        }
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let config = CsmsConfig { first_report_s: None, ..CsmsConfig::default() };
        let csms = CentralSystem::start(runtime.clone(), config).await.unwrap();
        let operations = Operations::start(runtime.clone(), csms.clone());
        Self { runtime, csms, operations, tenant }
    }

    async fn close(self) {
        self.runtime.stop().await;
        self.operations.finish().await;
        self.csms.finish().await;
        self.runtime.store().close().await;
    }

    async fn begin(&self, plan: CampaignPlan, stations: &[&str]) -> Result<Job, OperationError> {
        let stations: Vec<_> = stations.iter().map(|id| id.parse().unwrap()).collect();
        self.operations.start_campaign(&self.tenant, plan, &stations, json!({}), "tester").await
    }

    async fn job(&self, id: &str) -> Job {
        self.runtime.store().tenant(&self.tenant).job(CAMPAIGN, id).await.unwrap().unwrap()
    }

    async fn rows(&self, id: &str) -> Vec<JobStation> {
        self.runtime.store().tenant(&self.tenant).job_stations(id, None, None, 100).await.unwrap().items
    }

    async fn order(&self, id: &str, order: CampaignOrder) -> Result<Job, OperationError> {
        self.operations.order_campaign(&self.tenant, id, order, "tester").await
    }

    /// Waits until the stations stand so, by id.
    async fn until(&self, id: &str, states: &[&str]) {
        let begun = Instant::now();
        loop {
            let rows = self.rows(id).await;
            if rows.iter().map(|row| row.state.as_str()).eq(states.iter().copied()) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?} {rows:#?}", self.job(id).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_job(&self, id: &str, state: &str) -> Job {
        let begun = Instant::now();
        loop {
            let job = self.job(id).await;
            if job.state == state {
                return job;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{job:?} {:#?}", self.rows(id).await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn plan(waves: Waves, attempts: u32) -> CampaignPlan {
    CampaignPlan {
        name: "Spring".into(),
        file: "FW".into(),
        version: NEW.into(),
        base: "http://example.test".into(),
        signed: None,
        waves,
        window: None,
        only_idle: false,
        attempts,
        retry_after_s: 0,
        silent_s: 3_600,
        at_once: 10,
        retries: None,
        retry_interval_s: None,
    }
}

fn all_at_once() -> Waves {
    Waves { canary: 0, size: WaveSize::All, pause_above: 1.0 }
}

/// What a station does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Script {
    Installs,
    /// The first attempt fails, the others go well.
    FailsOnce,
    Fails,
    /// Says that it is installed and comes back with the old version.
    Lies,
    Refuses,
    /// Accepts, and says no more.
    FallsSilent,
}

/// A station on its own task until it is dropped.
struct Station {
    asked: Arc<AtomicU32>,
    gone: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

struct Scripted {
    link: Link,
    version: Version,
    script: Script,
    asked: Arc<AtomicU32>,
    number: u32,
}

impl Station {
    async fn join(house: &House, id: &str, version: Version, script: Script) -> Self {
        let who = Admission { tenant: house.tenant.clone(), station: id.parse().unwrap() };
        let link = house.csms.link(who, version).await.unwrap();
        let (asked, gone) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let mut scripted = Scripted { link, version, script, asked: asked.clone(), number: 0 };
        scripted.boot(OLD).await;
        let task = tokio::spawn(scripted.live(gone.clone()));
        Self { asked, gone, task }
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn leave(self) {
        self.gone.cancel();
        self.task.await.unwrap();
    }
}

impl Scripted {
    async fn live(mut self, gone: CancellationToken) {
        loop {
            let outgoing = tokio::select! {
                () = gone.cancelled() => return self.link.close().await,
                outgoing = self.link.next() => outgoing,
            };
            for outgoing in outgoing {
                if let Outgoing::Text(text) = outgoing {
                    self.obey(&serde_json::from_str(&text).unwrap()).await;
                }
            }
        }
    }

    async fn call(&mut self, action: &str, payload: Json) {
        self.number += 1;
        let text = json!([2, format!("s{}", self.number), action, payload]).to_string();
        let answer = self.link.on_text(&text).await;
        let [Outgoing::Text(answer)] = answer.as_slice() else { panic!("{action}: {answer:?}") };
        assert!(answer.starts_with("[3,"), "{action}: {answer}");
    }

    async fn boot(&mut self, firmware: &str) {
        let payload = if self.version == Version::V16 {
            json!({"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": firmware})
        } else {
            json!({"reason": "FirmwareUpdate", "chargingStation":
                {"vendorName": "V", "model": "M", "firmwareVersion": firmware}})
        };
        self.call("BootNotification", payload).await;
    }

    async fn obey(&mut self, call: &Json) {
        if call[0] != 2 || call[2] != "UpdateFirmware" {
            return;
        }
        let times = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let old = self.version == Version::V16;
        let verdict = if self.script == Script::Refuses { "Rejected" } else { "Accepted" };
        let answer = if old { json!({}) } else { json!({"status": verdict}) };
        self.link.on_text(&json!([3, call[1], answer]).to_string()).await;
        let id = call[3]["requestId"].clone();
        let mut words = vec!["Downloading", "Downloaded", "Installing"];
        match self.script {
            Script::FallsSilent | Script::Refuses => return,
            Script::Fails => words.push("InstallationFailed"),
            Script::FailsOnce if times == 1 => words = vec!["Downloading", "DownloadFailed"],
            Script::Lies => words.push("Installed"),
            Script::Installs | Script::FailsOnce => {}
        }
        let good = !words.iter().any(|word| word.ends_with("Failed"));
        for word in words {
            self.tell(word, &id).await;
        }
        if good {
            self.boot(if self.script == Script::Lies { OLD } else { NEW }).await;
        }
        if good && self.script != Script::Lies {
            self.tell("Installed", &id).await;
        }
    }

    async fn tell(&mut self, word: &str, id: &Json) {
        let mut payload = json!({"status": word});
        if !id.is_null() {
            payload["requestId"] = id.clone();
        }
        self.call("FirmwareStatusNotification", payload).await;
    }
}

#[tokio::test]
async fn each_station_comes_to_its_own_end() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    let scripts = [
        ("A-16", Version::V16, Script::Installs),
        ("B-201", Version::V201, Script::Installs),
        ("C-21", Version::V21, Script::FailsOnce),
        ("D-16", Version::V16, Script::Fails),
        ("E-201", Version::V201, Script::Lies),
        ("F-21", Version::V21, Script::Refuses),
    ];
    let mut stations = Vec::new();
    for (id, version, script) in scripts {
        stations.push(Station::join(&house, id, version, script).await);
    }
    let names = scripts.map(|(id, ..)| id);
    let job = house.begin(plan(all_at_once(), 2), &names).await.unwrap();
    house.until(&job.id, &["installed", "installed", "installed", "failed", "failed", "failed"]).await;
    let done = house.until_job(&job.id, "done").await;
    assert_eq!(done.reason.as_deref(), Some("3 installed, 3 failed"));
    let asked: Vec<u32> = stations.iter().map(Station::asked).collect();
    assert_eq!(asked, [1, 1, 2, 2, 2, 2]);
    let rows = house.rows(&job.id).await;
    let detail = |place: usize| rows[place].detail.clone().unwrap_or_default();
    assert!(detail(3).contains("InstallationFailed"), "{}", detail(3));
    assert!(detail(4).contains("came back with version 1.0, not 2.0"), "{}", detail(4));
    assert!(detail(5).contains("refused"), "{}", detail(5));
    assert!(rows[0].request_id.is_none() && rows[1].request_id.is_some());
    // once more from the beginning, for those that failed
    house.order(&job.id, CampaignOrder::Retry).await.unwrap();
    house.until_job(&job.id, "done").await;
    let asked: Vec<u32> = stations.iter().map(Station::asked).collect();
    assert_eq!(asked, [1, 1, 2, 4, 4, 4]);
    // who has the version is not asked
    let second = house.begin(plan(all_at_once(), 2), &names[..2]).await.unwrap();
    house.until(&second.id, &["installed", "installed"]).await;
    assert_eq!(stations[0].asked(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_failing_canary_stops_the_rest_until_a_person_says() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    let canary = Station::join(&house, "A", Version::V201, Script::Fails).await;
    let mut rest = Vec::new();
    for id in ["B", "C", "D"] {
        rest.push(Station::join(&house, id, Version::V21, Script::Installs).await);
    }
    let waves = Waves { canary: 1, size: WaveSize::Stations(2), pause_above: 0.4 };
    let job = house.begin(plan(waves, 1), &["A", "B", "C", "D"]).await.unwrap();
    let paused = house.until_job(&job.id, "paused").await;
    assert!(paused.reason.unwrap().contains("wave 0, 1 of 1"));
    let waves: Vec<u32> = house.rows(&job.id).await.iter().map(|row| row.wave).collect();
    assert_eq!(waves, [0, 1, 1, 2]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(rest.iter().all(|station| station.asked() == 0));
    // a station is in one campaign at a time
    let taken = house.begin(plan(all_at_once(), 1), &["D"]).await;
    assert!(matches!(taken, Err(OperationError::Taken { .. })), "{taken:?}");
    assert!(matches!(house.order(&job.id, CampaignOrder::Pause).await, Err(OperationError::State { .. })));
    house.order(&job.id, CampaignOrder::Resume { retry_failed: false }).await.unwrap();
    house.until(&job.id, &["given_up", "installed", "installed", "installed"]).await;
    house.until_job(&job.id, "done").await;
    assert_eq!((canary.asked(), rest[2].asked()), (1, 1));
    house.close().await;
}

#[tokio::test]
async fn a_station_that_is_away_holds_nobody_up_and_is_asked_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    Station::join(&house, "A", Version::V16, Script::Installs).await.leave().await;
    let present = Station::join(&house, "B", Version::V201, Script::Installs).await;
    let later = Station::join(&house, "C", Version::V21, Script::Installs).await;
    let waves = Waves { canary: 2, size: WaveSize::All, pause_above: 0.5 };
    let job = house.begin(plan(waves, 1), &["A", "B", "C"]).await.unwrap();
    house.until(&job.id, &["pending", "installed", "installed"]).await;
    let rows = house.rows(&job.id).await;
    assert!(rows[0].detail.as_deref().unwrap_or_default().contains("offline"), "{rows:?}");
    assert_eq!((rows[0].attempts, present.asked(), later.asked()), (0, 1, 1));
    let back = Station::join(&house, "A", Version::V16, Script::Installs).await;
    house.until_job(&job.id, "done").await;
    assert_eq!(back.asked(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_restart_asks_nobody_twice_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let id;
    {
        let house = House::open(folder.path()).await;
        Station::join(&house, "A", Version::V16, Script::Installs).await.leave().await;
        let silent = Station::join(&house, "B", Version::V201, Script::FallsSilent).await;
        let old = Station::join(&house, "C", Version::V16, Script::FallsSilent).await;
        id = house.begin(plan(all_at_once(), 3), &["A", "B", "C"]).await.unwrap().id;
        house.until(&id, &["pending", "asked", "asked"]).await;
        while silent.asked() + old.asked() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        house.close().await;
    }
    let house = House::open(folder.path()).await;
    let away = Station::join(&house, "A", Version::V16, Script::Installs).await;
    let asked = Station::join(&house, "B", Version::V201, Script::Installs).await;
    house.until(&id, &["installed", "asked", "asked"]).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!((away.asked(), asked.asked()), (1, 0), "an attempt that was made is followed, not made again");
    // both come back with what they were asked for before the restart
    asked.leave().await;
    for (name, version) in [("B", Version::V201), ("C", Version::V16)] {
        let who = Admission { tenant: house.tenant.clone(), station: name.parse().unwrap() };
        let link = house.csms.link(who, version).await.unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let mut station = Scripted { link, version, script: Script::Installs, asked, number: 0 };
        station.boot(NEW).await;
    }
    house.until_job(&id, "done").await;
    let attempts: Vec<u32> = house.rows(&id).await.iter().map(|row| row.attempts).collect();
    assert_eq!(attempts, [1, 1, 1]);
    house.close().await;
}

#[tokio::test]
async fn a_cancelled_campaign_ends_with_who_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    Station::join(&house, "A", Version::V16, Script::Installs).await.leave().await;
    let station = Station::join(&house, "B", Version::V21, Script::FallsSilent).await;
    let job = house.begin(plan(all_at_once(), 3), &["A", "B"]).await.unwrap();
    house.until(&job.id, &["pending", "asked"]).await;
    house.order(&job.id, CampaignOrder::Cancel).await.unwrap();
    house.until(&job.id, &["cancelled", "asked"]).await;
    assert_eq!(house.job(&job.id).await.state, "cancelling");
    station.leave().await;
    let who = Admission { tenant: house.tenant.clone(), station: "B".parse().unwrap() };
    let link = house.csms.link(who, Version::V21).await.unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let mut back = Scripted { link, version: Version::V21, script: Script::Installs, asked, number: 0 };
    back.boot(NEW).await;
    house.until_job(&job.id, "cancelled").await;
    house.until(&job.id, &["cancelled", "installed"]).await;
    let again = house.order(&job.id, CampaignOrder::Retry).await;
    assert!(matches!(again, Err(OperationError::State { .. })), "{again:?}");
    house.close().await;
}
