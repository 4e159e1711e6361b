//! What transactions cost, by a clock that stands still until it is moved: tariffs of drivers, tariffs that change,
//! reservations, stations that work out something else; and reports that end by the clock.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use voltwin_core::{CommandState, Decimal, TenantId, Timestamp, TwinId};
use voltwin_csms::{
    Admission, CentralSystem, CommandRequest, CsmsConfig, CsmsError, Link, Outgoing, Receipt,
    ReservationRequest,
};
use voltwin_ocpp::{Validation, Version};
use voltwin_runtime::{Clock, Runtime, RuntimeConfig};
use voltwin_store::{
    NewTariffAssignment, Store, TariffScope, TenantStore, TokenPolicy, Transaction, TransactionFilter,
    ValidationScope,
};

const WAIT: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_795_248_000_000)))
    }

    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

struct World {
    folder: TempDir,
    hand: Hand,
    runtime: Runtime,
    csms: CentralSystem,
    tenant: TenantId,
}

async fn start(folder: &TempDir, hand: &Hand) -> (Runtime, CentralSystem) {
    let store = Store::open(folder.path()).await.unwrap();
    let config = RuntimeConfig { clock: Arc::new(hand.clone()), ..RuntimeConfig::default() };
    let runtime = Runtime::start(store, config).await.unwrap();
    let config = CsmsConfig { first_report_s: None, return_check_s: None, ..CsmsConfig::default() };
    let csms = CentralSystem::start(runtime.clone(), config).await.unwrap();
    (runtime, csms)
}

impl World {
    async fn new() -> Self {
        let (folder, hand) = (tempfile::tempdir().unwrap(), Hand::new());
        let tenant = TenantId::new("t").unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
        store.close().await;
        drop(store);
        let (runtime, csms) = start(&folder, &hand).await;
        Self { folder, hand, runtime, csms, tenant }
    }

    /// The same data folder in a new run.
    async fn again(self) -> Self {
        self.runtime.stop().await;
        self.runtime.store().close().await;
        let Self { folder, hand, runtime, csms, tenant } = self;
        drop((runtime, csms));
        let (runtime, csms) = start(&folder, &hand).await;
        Self { folder, hand, runtime, csms, tenant }
    }

    fn registry(&self) -> TenantStore {
        self.runtime.store().tenant(&self.tenant)
    }

    async fn station(&self, name: &str, version: Version) -> Station {
        let who = Admission { tenant: self.tenant.clone(), station: TwinId::new(name).unwrap() };
        let link = self.csms.link(who, version).await.unwrap();
        let mut station = Station { link, hand: self.hand.clone(), id: TwinId::new(name).unwrap() };
        let boot = if version == Version::V16 {
            json!({"chargePointVendor": "V", "chargePointModel": "M"})
        } else {
            json!({"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}})
        };
        assert_eq!(station.call("BootNotification", boot).await["status"], "Accepted");
        station
    }

    /// A station of 2.1 that works out costs and has told so.
    async fn counting_station(&self, name: &str) -> Station {
        let mut station = self.station(name, Version::V21).await;
        let variable = json!({"component": {"name": "TariffCostCtrlr"},
            "variable": {"name": "Enabled", "instance": "Tariff"},
            "variableAttribute": [{"type": "Actual", "value": "true"}]});
        let report = json!({"requestId": 1, "seqNo": 0, "generatedAt": "2026-11-21T08:00:00Z",
            "reportData": [variable]});
        station.call("NotifyReport", report).await;
        station
    }

    async fn tariff(&self, id: &str, tariff: Json) {
        self.registry().add_tariff(id, id, &tariff, "ann", self.runtime.now()).await.unwrap();
    }

    async fn assign(&self, id: &str, group: Option<&str>) {
        let new = NewTariffAssignment {
            scope: TariffScope::Default,
            target: String::new(),
            token_group: group.map(str::to_owned),
            from: self.runtime.now(),
            tariff: Some(id.to_owned()),
        };
        self.registry().assign_tariff(&new, "ann", self.runtime.now()).await.unwrap();
    }

    async fn transactions(&self) -> Vec<Transaction> {
        self.registry().transactions(&TransactionFilter::default(), None, 100).await.unwrap().items
    }

    async fn price(&self, number: i64) -> Receipt {
        self.csms.price(&self.tenant, number).await.unwrap().unwrap()
    }

    async fn flags(&self, number: i64) -> Vec<&'static str> {
        self.csms.rate_due().await.unwrap();
        self.registry().transaction(number).await.unwrap().unwrap().flags
    }
}

struct Station {
    link: Link,
    hand: Hand,
    id: TwinId,
}

impl Station {
    async fn call(&mut self, action: &str, payload: Json) -> Json {
        let out = self.link.on_text(&json!([2, "m", action, payload]).to_string()).await;
        let Some(Outgoing::Text(text)) = out.first() else { panic!("{action} was answered with {out:?}") };
        let answer: Json = serde_json::from_str(text).unwrap();
        assert_eq!(answer[0], 3, "{action}: {answer}");
        answer[2].clone()
    }

    async fn event(&mut self, kind: &str, seq: u32, wh: u32, more: Json) -> Json {
        let at = self.hand.now().to_string();
        let mut payload = json!({"eventType": kind, "timestamp": at, "triggerReason": "Authorized", "seqNo": seq,
            "transactionInfo": {"transactionId": "tx-1", "chargingState": "Charging"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]}]});
        for (name, value) in more.as_object().unwrap() {
            payload[name] = value.clone();
        }
        self.call("TransactionEvent", payload).await
    }

    async fn authorize(&mut self, token: &str) -> Json {
        self.call("Authorize", json!({"idToken": {"idToken": token, "type": "ISO14443"}})).await
    }

    /// Answers the commands of this action with `answer`, and accepts all others, until something else is done. Returns its
    /// outcome, and what the action was sent with.
    async fn obey<T>(
        &mut self,
        until: impl Future<Output = T>,
        action: &str,
        answer: Json,
    ) -> (T, Option<Json>) {
        let mut until = std::pin::pin!(until);
        let mut asked = None;
        loop {
            let heard = tokio::select! {
                biased;
                done = &mut until => return (done, asked),
                heard = self.link.next() => heard,
            };
            for out in heard {
                let Outgoing::Text(text) = out else { continue };
                let frame: Json = serde_json::from_str(&text).unwrap();
                let meant = frame[2] == action;
                let said = if meant { answer.clone() } else { json!({"status": "Accepted"}) };
                if meant {
                    asked = Some(frame[3].clone());
                }
                self.link.on_text(&json!([3, frame[1], said]).to_string()).await;
            }
        }
    }
}

fn energy(price: &str) -> Json {
    json!({"currency": "EUR", "elements": [{"components": [{"kind": "energy", "price": price, "tax_percent": "20"}]}]})
}

fn amount(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_driver_with_prices_of_their_own_is_told_them_with_the_answer() {
    let world = World::new().await;
    world.tariff("day", energy("0.50")).await;
    world.tariff("staff", energy("0.20")).await;
    world.assign("day", None).await;
    world.assign("staff", Some("staff")).await;
    let now = world.runtime.now();
    world.registry().set_token_group("BOB", Some("staff"), "ann", now).await.unwrap();
    let mut silent = world.station("ST-0", Version::V21).await;
    assert_eq!(silent.authorize("BOB").await.get("tariff"), None, "it works out no costs");
    let mut station = world.counting_station("ST-1").await;
    let told = station.authorize("bob").await;
    assert_eq!(
        (&told["idTokenInfo"]["status"], &told["tariff"]["tariffId"]),
        (&json!("Accepted"), &json!("staff:1"))
    );
    assert_eq!(told["tariff"]["energy"]["prices"], json!([{"priceKwh": 0.2}]));
    assert_eq!(station.authorize("EVE").await.get("tariff"), None, "the station holds what she pays by");
    // what a station could not work out as we do is not told
    let mut stepped = energy("0.20");
    stepped["elements"][0]["components"][0]["step"] = json!(100);
    world.tariff("staff", stepped).await;
    let told = station.authorize("BOB").await;
    assert_eq!((&told["idTokenInfo"]["status"], told.get("tariff")), (&json!("Accepted"), None));
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_station_that_works_out_costs_decides_when_another_tariff_begins() {
    let world = World::new().await;
    world.tariff("day", energy("0.60")).await;
    world.tariff("night", energy("0.20")).await;
    world.assign("day", None).await;
    let mut station = world.counting_station("ST-1").await;
    station.event("Started", 0, 0, json!({})).await;
    world.hand.pass(1_800);
    station.event("Updated", 1, 10_000, json!({})).await;
    let (csms, tenant) = (world.csms.clone(), world.tenant.clone());
    let change = async || csms.change_transaction_tariff(&tenant, 1, "night", "ann", WAIT).await;

    let refusal = json!({"status": "ConditionNotSupported"});
    let (refused, _) = station.obey(change(), "ChangeTransactionTariff", refusal).await;
    let refused = refused.unwrap().unwrap();
    assert_eq!((refused.from, refused.command.unwrap().state), (None, CommandState::Rejected));

    let accepted = json!({"status": "Accepted"});
    let (changed, sent) = station.obey(change(), "ChangeTransactionTariff", accepted).await;
    let (changed, sent) = (changed.unwrap().unwrap(), sent.unwrap());
    assert_eq!(changed.from, Some(world.runtime.now()));
    assert_eq!(
        (changed.tariff_id.as_str(), changed.command.unwrap().requested_by),
        ("night:1", "ann".to_owned())
    );
    assert_eq!((&sent["transactionId"], &sent["tariff"]["tariffId"]), (&json!("tx-1"), &json!("night:1")));
    let audit = world.registry().audit(None, 100).await.unwrap().items;
    let deed =
        audit.iter().find(|deed| deed.action == "tariff.assign" && deed.detail.contains("ST-1:tx:tx-1"));
    assert_eq!(deed.unwrap().by, "ann");

    world.hand.pass(1_800);
    let ended = station.event("Ended", 2, 15_000, json!({})).await;
    // 10 kWh at 0.60 and 5 kWh at 0.20, with 20 % tax
    assert_eq!(ended["totalCost"], json!(8.4));
    let receipt = world.price(1).await;
    assert_eq!((receipt.cost.net, receipt.cost.gross), (amount("7.00"), amount("8.40")));
    let changes: Vec<_> =
        receipt.changes.iter().map(|change| (change.tariff.as_str(), change.version)).collect();
    assert_eq!((receipt.tariff.as_str(), changes), ("day", vec![("night", 1)]));
    assert_eq!(receipt.unchanged.unwrap().gross, amount("10.80"));
    // a tariff that changes later changes nothing of it
    world.tariff("night", energy("9")).await;
    assert_eq!(world.price(1).await.cost.gross, amount("8.40"));
    world.runtime.stop().await;
}

#[tokio::test]
async fn where_we_work_out_costs_another_tariff_begins_at_once() {
    let world = World::new().await;
    for (id, price) in [("day", "0.60"), ("night", "0.20"), ("gone", "1")] {
        world.tariff(id, energy(price)).await;
    }
    let mut krona = energy("1");
    krona["currency"] = json!("SEK");
    world.tariff("krona", krona).await;
    world.registry().retire_tariff("gone", "ann", world.runtime.now()).await.unwrap();
    let mut station = world.station("ST-1", Version::V16).await;
    let start = json!({"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": world.runtime.now().to_string()});
    let change = async |tariff: &str| {
        world.csms.change_transaction_tariff(&world.tenant, 1, tariff, "ann", WAIT).await
    };
    assert_eq!(change("day").await.unwrap(), None, "there is no such transaction");
    let id = station.call("StartTransaction", start).await["transactionId"].clone();
    assert!(
        matches!(change("night").await, Err(CsmsError::Conflict(why)) if why.contains("no tariff applies"))
    );
    let transactions = world.transactions().await;
    assert_eq!(transactions.len(), 1);

    world.assign("day", None).await;
    assert!(matches!(change("krona").await, Err(CsmsError::Conflict(why)) if why.contains("EUR")));
    for missing in ["gone", "never"] {
        assert!(
            matches!(change(missing).await, Err(CsmsError::Missing { field: "tariff", .. })),
            "{missing}"
        );
    }
    world.hand.pass(600);
    let changed = change("night").await.unwrap().unwrap();
    assert_eq!((changed.from, changed.command), (Some(world.runtime.now()), None));
    world.hand.pass(600);
    let stop =
        json!({"transactionId": id, "meterStop": 10_000, "timestamp": world.runtime.now().to_string()});
    station.call("StopTransaction", stop).await;
    // even power: half of the energy at each price
    assert_eq!(world.price(1).await.cost.net, amount("4.00"));
    assert!(matches!(change("day").await, Err(CsmsError::Conflict(why)) if why.contains("has ended")));
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_station_that_works_out_another_cost_is_flagged_on_the_transaction_and_its_bill() {
    for (gross, differs) in [(6.01, false), (6.02, true)] {
        let world = World::new().await;
        world.tariff("day", energy("0.50")).await;
        world.assign("day", None).await;
        let mut station = world.station("ST-1", Version::V21).await;
        station.event("Started", 0, 0, json!({})).await;
        world.hand.pass(3_600);
        let total =
            json!({"currency": "EUR", "typeOfCost": "NormalCost", "total": {"exclTax": 5, "inclTax": gross}});
        let usage = json!({"energy": 10, "chargingTime": 3600, "idleTime": 0});
        let details = json!({"costDetails": {"totalCost": total, "totalUsage": usage}});
        station.event("Ended", 1, 10_000, details).await;
        let expected: &[&str] = if differs { &["cost_differs"] } else { &[] };
        assert_eq!(world.flags(1).await, expected, "{gross}");
        let compared = world.price(1).await.station_cost.unwrap();
        assert_eq!(
            (compared.agrees, compared.difference),
            (Some(!differs), Some(amount(&gross.to_string()) - amount("6.00")))
        );
        let receipts = world.registry().receipts(1).await.unwrap();
        assert_eq!(receipts[0].receipt["station_cost"]["agrees"], !differs);
        world.runtime.stop().await;
    }
}

#[tokio::test]
async fn what_a_station_in_quarantine_told_is_marked_on_the_bill() {
    let world = World::new().await;
    world.tariff("day", energy("0.50")).await;
    world.assign("day", None).await;
    let mut station = world.station("ST-1", Version::V21).await;
    station.event("Started", 0, 0, json!({})).await;
    assert!(world.flags(1).await.is_empty());
    let scope = ValidationScope { station: "ST-1".to_owned(), ..ValidationScope::default() };
    world.csms.set_validation(&world.tenant, scope, Some(Validation::Quarantine), "ann").await.unwrap();
    world.hand.pass(60);
    station.event("Ended", 1, 10_000, json!({})).await;
    assert_eq!(world.flags(1).await, ["quarantined"]);
    let receipt = world.price(1).await;
    assert_eq!((receipt.quarantined, receipt.cost.gross), (true, amount("6.00")));
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_reservation_that_is_taken_up_is_on_the_bill() {
    let world = World::new().await;
    let tariff = json!({"currency": "EUR", "elements": [
        {"components": [{"kind": "time", "price": "6", "step": 60}], "restrictions": {"reservation": "reservation"}},
        {"components": [{"kind": "energy", "price": "0.50"}]}]});
    world.tariff("day", tariff).await;
    world.assign("day", None).await;
    let mut station = world.station("ST-1", Version::V21).await;
    let expires_at = world.runtime.now().plus_seconds(3_600.0);
    let request = ReservationRequest { evse: Some(1), id_token: "TAG".into(), group: None, expires_at };
    let (csms, tenant, id) = (world.csms.clone(), world.tenant.clone(), station.id.clone());
    let reserve = async move { csms.reserve(&tenant, &id, request, "ann", WAIT).await };
    let (reserved, _) = station.obey(reserve, "ReserveNow", json!({"status": "Accepted"})).await;
    let reserved_at = reserved.unwrap().0.unwrap().reserved_at;
    assert_eq!(reserved_at, Some(world.runtime.now()));
    world.hand.pass(890);
    let token = json!({"idToken": {"idToken": "TAG", "type": "ISO14443"}});
    station.event("Started", 0, 0, token).await;
    world.hand.pass(3_600);
    station.event("Ended", 1, 10_000, json!({})).await;
    // 890 s are 15 minutes at 6 an hour, and 10 kWh at 0.50
    let receipt = world.price(1).await;
    assert_eq!((receipt.cost.net, receipt.reserved_from), (amount("6.50"), reserved_at));
    let transactions = world.transactions().await;
    assert_eq!(
        (transactions[0].reserved_from, transactions[0].energy_wh),
        (reserved_at, Decimal::from(10_000))
    );
    world.runtime.stop().await;
}

#[tokio::test]
async fn a_report_that_stops_in_the_middle_ends_by_the_clock_also_after_a_restart() {
    let world = World::new().await;
    let mut station = world.station("ST-1", Version::V201).await;
    let part = |request: i64, seq: u32| {
        json!({"requestId": request, "seqNo": seq, "tbc": true, "generatedAt": "2026-11-21T08:00:00Z",
            "reportData": [{"component": {"name": "A"}, "variable": {"name": "V"},
                "variableAttribute": [{"value": "1"}]}]})
    };
    station.call("NotifyReport", part(1, 0)).await;
    let information = json!({"requestId": 5, "report": true, "clear": false, "customerIdentifier": "x"});
    let request = CommandRequest::Raw { action: "CustomerInformation".to_owned(), payload: information };
    let (csms, tenant, id) = (world.csms.clone(), world.tenant.clone(), station.id.clone());
    let asked = async move { csms.command(&tenant, &id, request, "ann", WAIT).await };
    station.obey(asked, "CustomerInformation", json!({"status": "Accepted"})).await.0.unwrap();
    world.hand.pass(500);
    station.call("NotifyReport", part(2, 0)).await;
    world.hand.pass(150);
    let state = async |world: &World, topic: &str, key: &str| {
        world.registry().record("ST-1", topic, key).await.unwrap().unwrap().value["state"].clone()
    };
    // the first has been silent for 650 s, the second for 150
    assert_eq!(world.csms.end_silent_reports().await.unwrap(), 1);
    assert_eq!(state(&world, "report", "inventory/1").await, "incomplete");
    assert_eq!(state(&world, "report", "inventory/2").await, "receiving");
    assert!(
        world.registry().record("ST-1", "variable", "A/V/Actual").await.unwrap().is_some(),
        "what it said stays"
    );
    drop(station);

    let world = world.again().await;
    assert_eq!(state(&world, "report", "inventory/2").await, "receiving", "it has time left");
    assert_eq!(state(&world, "customer_information", "5").await, "incomplete", "what had come of it is gone");
    world.hand.pass(500);
    let world = world.again().await;
    assert_eq!(state(&world, "report", "inventory/2").await, "incomplete");
    // a part that comes after all begins another
    let mut station = world.station("ST-1", Version::V201).await;
    station.call("NotifyReport", part(2, 1)).await;
    assert_eq!(state(&world, "report", "inventory/2").await, "receiving");
    world.runtime.stop().await;
}
