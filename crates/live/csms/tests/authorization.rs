//! Who may charge, what stations are told to remember of it, and what they are asked when they come back.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use voltwin_core::{TenantId, Timestamp, TwinId};
use voltwin_csms::{
    Admission, CentralSystem, CsmsConfig, Link, LocalList, LocalListMode, LocalListState, LocalListWish,
    Outgoing,
};
use voltwin_ocpp::Version;
use voltwin_runtime::{Clock as _, Runtime, RuntimeConfig, SystemClock};
use voltwin_store::{
    IdToken, Store, TenantStore, TokenPolicy, TokenStatus, Transaction, TransactionFilter, TransactionState,
};

const WAIT: Duration = Duration::from_secs(10);

struct World {
    _folder: TempDir,
    runtime: Runtime,
    csms: CentralSystem,
    tenant: TenantId,
}

impl World {
    async fn new(return_check_s: Option<(u32, u32)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let tenant = TenantId::new("t").unwrap();
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.unwrap();
        let config = CsmsConfig { first_report_s: None, return_check_s, ..CsmsConfig::default() };
        let csms = CentralSystem::start(runtime.clone(), config).await.unwrap();
        Self { _folder: folder, runtime, csms, tenant }
    }

    fn registry(&self) -> TenantStore {
        self.runtime.store().tenant(&self.tenant)
    }

    async fn token(&self, token: IdToken) {
        self.registry().set_id_token(&token, "ann", SystemClock.now()).await.unwrap();
    }

    async fn station(&self, name: &str, version: Version) -> Station {
        let who = Admission { tenant: self.tenant.clone(), station: TwinId::new(name).unwrap() };
        let mut station = Station { link: self.csms.link(who, version).await.unwrap(), version };
        let boot = if version == Version::V16 {
            json!({"chargePointVendor": "V", "chargePointModel": "M"})
        } else {
            json!({"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}})
        };
        assert_eq!(station.call("BootNotification", boot).await["status"], "Accepted");
        station
    }

    async fn transactions(&self, station: &str) -> Vec<Transaction> {
        let filter = TransactionFilter { station: Some(station.into()), ..TransactionFilter::default() };
        self.registry().transactions(&filter, None, 100).await.unwrap().items
    }

    async fn want(&self, station: &TwinId, mode: LocalListMode) {
        let wish = LocalListWish { mode, ..LocalListWish::default() };
        self.csms.set_local_list(&self.tenant, station, &wish, "ann").await.unwrap();
    }
}

struct Station {
    link: Link,
    version: Version,
}

impl Station {
    /// A call of the station, and the payload of its answer.
    async fn call(&mut self, action: &str, payload: Json) -> Json {
        let out = self.link.on_text(&json!([2, "m", action, payload]).to_string()).await;
        let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
        let answer: Json = serde_json::from_str(text).unwrap();
        assert_eq!(answer[0], 3, "{action}: {answer}");
        answer[2].clone()
    }

    /// What the central system thinks of a token that is shown.
    async fn authorize(&mut self, token: &str) -> Json {
        match self.version {
            Version::V16 => self.call("Authorize", json!({"idTag": token})).await["idTagInfo"].clone(),
            _ => {
                let token = json!({"idToken": token, "type": "ISO14443"});
                self.call("Authorize", json!({"idToken": token})).await["idTokenInfo"].clone()
            }
        }
    }

    /// What it thinks of the token of a start at an EVSE, `ago_s` seconds ago.
    async fn start(&mut self, evse: u32, token: &str, ago_s: i64) -> Json {
        let at = Timestamp::from_micros(SystemClock.now().as_micros() - ago_s * 1_000_000).to_string();
        if self.version == Version::V16 {
            let start = json!({"connectorId": evse, "idTag": token, "meterStart": 0, "timestamp": at});
            return self.call("StartTransaction", start).await["idTagInfo"].clone();
        }
        let payload = json!({"eventType": "Started", "timestamp": at, "triggerReason": "Authorized", "seqNo": 0,
            "offline": ago_s > 0, "evse": {"id": evse, "connectorId": 1},
            "transactionInfo": {"transactionId": format!("{evse}-{at}")},
            "idToken": {"idToken": token, "type": "ISO14443"}});
        self.call("TransactionEvent", payload).await["idTokenInfo"].clone()
    }

    /// Answers commands with `answer` until something else is done.
    async fn obey<T>(
        &mut self,
        until: impl Future<Output = T>,
        mut answer: impl FnMut(&str, &Json) -> Json,
    ) -> T {
        let mut until = std::pin::pin!(until);
        loop {
            let heard = tokio::select! {
                biased;
                done = &mut until => return done,
                heard = self.link.next() => heard,
            };
            for out in heard {
                let Outgoing::Text(text) = out else { continue };
                let frame: Json = serde_json::from_str(&text).unwrap();
                let answer = answer(frame[2].as_str().unwrap(), &frame[3]);
                self.link.on_text(&json!([3, frame[1], answer]).to_string()).await;
            }
        }
    }
}

fn token(name: &str) -> IdToken {
    IdToken { token: name.into(), ..IdToken::default() }
}

const VERSIONS: [Version; 3] = [Version::V16, Version::V201, Version::V21];

#[tokio::test]
async fn the_tenants_list_decides_and_tells_what_the_version_can_say() {
    let world = World::new(None).await;
    let end = Timestamp::from_micros(SystemClock.now().as_micros() + 3_600_000_000);
    let fleet = |name: &str| IdToken { parent: Some("FLEET".into()), ..token(name) };
    world.token(IdToken { expires_at: Some(end), language: Some("de".into()), ..fleet("GOOD") }).await;
    world.token(IdToken { status: TokenStatus::Blocked, ..token("BARRED") }).await;
    world.token(IdToken { expires_at: Some(Timestamp::from_micros(1)), ..token("OLD") }).await;
    world.token(IdToken { only_at: vec!["ST-16".into()], ..token("ONLY-16") }).await;
    // it charges at two stations below, one after the other, and ends at none
    let places = vec!["ST-201:2".into(), "ST-21:2".into()];
    world.token(IdToken { only_at: places, concurrent_allowed: true, ..token("EVSE-2") }).await;
    for (version, name) in VERSIONS.into_iter().zip(["ST-16", "ST-201", "ST-21"]) {
        let mut station = world.station(name, version).await;
        let good = station.authorize("good").await;
        assert_eq!(good["status"], "Accepted");
        let until: Timestamp = match version {
            Version::V16 => {
                assert_eq!(good["parentIdTag"], "FLEET");
                good["expiryDate"].as_str().unwrap().parse().unwrap()
            }
            _ => {
                assert_eq!(
                    (&good["groupIdToken"]["idToken"], &good["language1"]),
                    (&json!("FLEET"), &json!("de"))
                );
                good["cacheExpiryDateTime"].as_str().unwrap().parse().unwrap()
            }
        };
        assert_eq!(until.as_millis(), end.as_millis());
        assert_eq!(station.authorize("BARRED").await["status"], "Blocked");
        assert_eq!(station.authorize("OLD").await["status"], "Expired");
        assert_eq!(station.authorize("NOBODY").await["status"], "Accepted", "nobody decided otherwise");
        let only = station.authorize("ONLY-16").await["status"].clone();
        assert_eq!(only, if version == Version::V16 { "Accepted" } else { "NotAtThisLocation" });
        let second = station.authorize("EVSE-2").await;
        if version == Version::V16 {
            assert_eq!(second["status"], "Invalid", "1.6 has no word for a place");
        } else {
            assert_eq!((&second["status"], &second["evseId"]), (&json!("Accepted"), &json!([2])));
            assert_eq!(station.start(1, "EVSE-2", 0).await["status"], "NotAtThisLocation");
            assert_eq!(station.start(2, "EVSE-2", 0).await["status"], "Accepted");
        }
    }
    // who bars a group bars all of it, and a list that is closed takes nobody else
    world.token(IdToken { status: TokenStatus::Blocked, ..token("FLEET") }).await;
    world.registry().set_token_settings(TokenPolicy::Reject, None, "ann", SystemClock.now()).await.unwrap();
    let mut station = world.station("ST-16", Version::V16).await;
    assert_eq!(station.authorize("GOOD").await["status"], "Blocked");
    assert_eq!(station.authorize("NOBODY").await["status"], "Invalid");
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_token_charges_at_one_place_at_a_time_unless_it_may_at_more() {
    for version in VERSIONS {
        let world = World::new(None).await;
        world.token(token("ONE")).await;
        world.token(IdToken { concurrent_allowed: true, ..token("MANY") }).await;
        let mut first = world.station("ST-1", version).await;
        let mut second = world.station("ST-2", version).await;
        assert_eq!(first.start(1, "ONE", 0).await["status"], "Accepted");
        assert_eq!(first.authorize("ONE").await["status"], "Accepted", "to end it one must be let in");
        assert_eq!(second.start(1, "one", 0).await["status"], "ConcurrentTx", "{version}");
        assert_eq!(first.start(2, "ONE", 0).await["status"], "ConcurrentTx", "also beside it");
        assert_eq!(first.start(1, "ONE", 0).await["status"], "ConcurrentTx", "the one at EVSE 2 is recorded");
        // what happened while nobody could be asked is taken as it is
        assert_eq!(second.start(2, "ONE", 7_200).await["status"], "Accepted", "{version}");
        for station in [&mut first, &mut second] {
            assert_eq!(station.start(3, "MANY", 0).await["status"], "Accepted");
        }
        assert_eq!(world.transactions("ST-2").await.len(), 3, "all are recorded, whatever was said of them");
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_master_ends_transactions_and_begins_none() {
    let world = World::new(None).await;
    let settings = (TokenPolicy::Accept, Some("MASTER"));
    world.registry().set_token_settings(settings.0, settings.1, "ann", SystemClock.now()).await.unwrap();
    world.token(IdToken { parent: Some("master".into()), ..token("KEY") }).await;
    let mut station = world.station("ST-1", Version::V201).await;
    let shown = station.authorize("KEY").await;
    assert_eq!((&shown["status"], &shown["groupIdToken"]["idToken"]), (&json!("Accepted"), &json!("master")));
    assert_eq!(station.start(1, "KEY", 0).await["status"], "Invalid");
    world.runtime.stop().await;
}

/// The list of a station that does what the protocol says.
#[derive(Default)]
struct Held {
    version: i64,
    entries: BTreeMap<String, Json>,
    parts: Vec<(String, usize)>,
    refuse: Option<&'static str>,
}

impl Held {
    fn answer(&mut self, version: Version, action: &str, payload: &Json) -> Json {
        let (number, token, info) = match version {
            Version::V16 => ("listVersion", "/idTag", "idTagInfo"),
            _ => ("versionNumber", "/idToken/idToken", "idTokenInfo"),
        };
        match action {
            "GetLocalListVersion" => json!({ number: self.version }),
            "SendLocalList" => {
                let list = payload["localAuthorizationList"].as_array().cloned().unwrap_or_default();
                let kind = payload["updateType"].as_str().unwrap().to_owned();
                self.parts.push((kind.clone(), list.len()));
                if let Some(word) = self.refuse.take() {
                    return json!({"status": word});
                }
                let new = payload[number].as_i64().unwrap();
                assert!(new > self.version, "versions only grow");
                if kind == "Full" {
                    self.entries.clear();
                }
                for entry in list {
                    let name = entry.pointer(token).unwrap().as_str().unwrap().to_owned();
                    match entry.get(info) {
                        Some(info) => drop(self.entries.insert(name, info.clone())),
                        None => drop(self.entries.remove(&name)),
                    }
                }
                self.version = new;
                json!({"status": "Accepted"})
            }
            other => panic!("nobody should ask for {other}"),
        }
    }
}

async fn synced(world: &World, station: &mut Station, held: &mut Held) -> LocalList {
    let name = TwinId::new("ST-1").unwrap();
    let version = station.version;
    let (csms, tenant) = (world.csms.clone(), world.tenant.clone());
    let telling = async move { csms.sync_local_list(&tenant, &name, "ann", WAIT).await.unwrap() };
    station.obey(telling, |action, payload| held.answer(version, action, payload)).await
}

#[tokio::test]
async fn a_stations_list_follows_the_tokens_in_parts_that_it_takes() {
    for version in VERSIONS {
        let world = World::new(None).await;
        let name = TwinId::new("ST-1").unwrap();
        for n in 0..7 {
            world.token(IdToken { parent: Some("FLEET".into()), ..token(&format!("T-{n}")) }).await;
        }
        world.token(IdToken { only_at: vec!["ST-9".into()], ..token("ELSEWHERE") }).await;
        world.token(token("TOO-LONG-FOR-ANY-STATION-OF-THE-OLD-VERSIONS")).await;
        let mut station = world.station("ST-1", version).await;
        let mut held = Held { version: 40, ..Held::default() };
        // what it takes at once
        let told = match version {
            Version::V16 => ("Configuration/SendLocalListMaxLength/Actual", json!({"value": "3"})),
            _ => ("LocalAuthListCtrlr/ItemsPerMessage/Actual", json!({"value": "3"})),
        };
        let fact =
            voltwin_core::RecordFact { topic: "variable".into(), key: told.0.into(), value: Some(told.1) };
        let now = SystemClock.now();
        let body = voltwin_core::EventBody::Record(fact);
        let event = voltwin_core::Event::new(world.tenant.clone(), name.clone(), now, now, body);
        world.runtime.submit(event).await.unwrap();

        let none = synced(&world, &mut station, &mut held).await;
        assert_eq!((none.station.version, held.parts.len()), (0, 0), "its list is its own affair");
        world.want(&name, LocalListMode::All).await;
        let list = synced(&world, &mut station, &mut held).await;
        let long = usize::from(version != Version::V21);
        assert_eq!(held.entries.len(), 8 - long, "{version}");
        assert_eq!((list.station.left_out, list.pending), (long, 0));
        let state = if long == 1 { LocalListState::Partial } else { LocalListState::Current };
        assert_eq!((list.station.state, list.station.version), (state, 43));
        let sizes: Vec<usize> = held.parts.iter().map(|(_, size)| *size).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 8 - long);
        assert!(held.parts[0].0 == "Full" && held.parts[1..].iter().all(|(kind, _)| kind == "Differential"));
        assert!(sizes.iter().all(|size| *size <= 3), "{sizes:?}");

        // one changed, one gone: that much is sent and no more
        held.parts.clear();
        world.token(IdToken { status: TokenStatus::Blocked, ..token("T-3") }).await;
        world.registry().delete_id_token("t-4", "ann", SystemClock.now()).await.unwrap();
        assert_eq!(world.csms.local_list(&world.tenant, &name).await.unwrap().pending, 2);
        synced(&world, &mut station, &mut held).await;
        assert_eq!(held.parts, [("Differential".to_owned(), 2)]);
        assert_eq!(held.entries["T-3"]["status"], "Blocked");
        assert!(!held.entries.contains_key("T-4"));

        // a station that lost its list gets it anew; so does one that says that ours does not fit
        held.parts.clear();
        (held.version, held.entries) = (0, BTreeMap::new());
        synced(&world, &mut station, &mut held).await;
        assert_eq!((held.parts[0].0.as_str(), held.entries.len()), ("Full", 7 - long));
        held.parts.clear();
        world.token(token("T-5")).await;
        held.refuse = Some("VersionMismatch");
        synced(&world, &mut station, &mut held).await;
        let kinds: Vec<&str> = held.parts.iter().map(|(kind, _)| kind.as_str()).collect();
        assert!(kinds.starts_with(&["Differential"]) && kinds.contains(&"Full"), "{kinds:?}");

        held.refuse = Some("Failed");
        world.token(token("T-8")).await;
        world.want(&name, LocalListMode::Off).await;
        let list = synced(&world, &mut station, &mut held).await;
        assert!(held.entries.is_empty(), "a list that was ours is emptied: {:?}", held.entries);
        assert_eq!(list.station.state, LocalListState::Current);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn a_station_without_a_list_is_left_alone() {
    let world = World::new(None).await;
    world.token(token("T")).await;
    let name = TwinId::new("ST-1").unwrap();
    let mut station = world.station("ST-1", Version::V16).await;
    let mut held = Held { version: -1, ..Held::default() };
    world.want(&name, LocalListMode::All).await;
    let list = synced(&world, &mut station, &mut held).await;
    assert_eq!(list.station.state, LocalListState::NotSupported);
    assert!(held.parts.is_empty() && list.station.reason.is_some());
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_station_that_is_back_is_asked_what_became_of_its_transactions() {
    for version in [Version::V201, Version::V21] {
        let world = World::new(Some((0, 0))).await;
        let mut station = world.station("ST-1", version).await;
        let quiet = tokio::time::sleep(Duration::from_millis(200));
        station.obey(quiet, |action, _| panic!("nobody should ask for {action}")).await;
        assert_eq!(station.start(1, "A", 0).await["status"], "Accepted");
        assert_eq!(station.start(2, "B", 0).await["status"], "Accepted");
        let gap = world.transactions("ST-1").await;
        let ids: Vec<String> = gap.iter().map(|transaction| transaction.transaction_id.clone()).collect();
        station.link.close().await;

        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut station = world.station("ST-1", version).await;
        let mut asked = Vec::new();
        let settled = async {
            while !world.transactions("ST-1").await.iter().any(|one| one.state == TransactionState::Ended) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // the other one is asked about too
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let settled = tokio::time::timeout(WAIT, settled);
        station
            .obey(settled, |action, payload| {
                assert_eq!(action, "GetTransactionStatus");
                let id = payload["transactionId"].as_str().unwrap().to_owned();
                let first = id.starts_with("1-");
                asked.push(id);
                // one has been forgotten, the other has more to say
                json!({"ongoingIndicator": !first, "messagesInQueue": !first})
            })
            .await
            .unwrap();
        asked.sort_unstable();
        let mut all = ids;
        all.sort_unstable();
        assert_eq!(asked, all);
        let after = world.transactions("ST-1").await;
        let of = |evse| after.iter().find(|transaction| transaction.evse == Some(evse)).unwrap();
        assert_eq!((of(1).state, of(1).flags.clone()), (TransactionState::Ended, vec!["end_lost"]));
        assert_eq!(of(2).state, TransactionState::Active);

        // it says after all how it ended
        let ended = json!({"eventType": "Ended", "timestamp": SystemClock.now().to_string(), "seqNo": 1,
            "triggerReason": "StopAuthorized", "evse": {"id": 1, "connectorId": 1},
            "transactionInfo": {"transactionId": of(1).transaction_id, "stoppedReason": "Local"}});
        station.call("TransactionEvent", ended).await;
        let after = world.transactions("ST-1").await;
        let first = after.iter().find(|transaction| transaction.evse == Some(1)).unwrap();
        assert_eq!((first.stopped_reason.as_deref(), first.flags.len()), (Some("Local"), 0));
        world.runtime.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_begin_on_a_token_in_the_same_instant_one_is_told_that_it_is_busy() {
    for version in VERSIONS {
        let world = World::new(None).await;
        let mut first = world.station("ST-1", version).await;
        let mut second = world.station("ST-2", version).await;
        for round in 0..20 {
            let name = format!("TAG-{round}");
            world.token(token(&name)).await;
            world.token(IdToken { concurrent_allowed: true, ..token(&format!("MANY-{round}")) }).await;
            let lower = name.to_lowercase();
            let (one, other) = tokio::join!(first.start(1, &name, 0), second.start(1, &lower, 0));
            let mut said = [one["status"].as_str().unwrap(), other["status"].as_str().unwrap()];
            said.sort_unstable();
            assert_eq!(said, ["Accepted", "ConcurrentTx"], "{version} {round}");
            let name = format!("MANY-{round}");
            let (one, other) = tokio::join!(first.start(2, &name, 0), second.start(2, &name, 0));
            assert_eq!((&one["status"], &other["status"]), (&json!("Accepted"), &json!("Accepted")));
        }
        world.runtime.stop().await;
    }
}
