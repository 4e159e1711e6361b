use serde_json::json;
use voltwin_core::{EventBody, TransactionPhase};
use voltwin_store::{NewTariffAssignment, Rated, TariffScope};

use crate::{at, event, fact, fresh, tenant};
use TransactionPhase::{Ended, Started, Updated};

fn to(
    scope: TariffScope,
    target: &str,
    group: Option<&str>,
    seconds: i64,
    tariff: Option<&str>,
) -> NewTariffAssignment {
    NewTariffAssignment {
        scope,
        target: target.into(),
        token_group: group.map(Into::into),
        from: at(seconds),
        tariff: tariff.map(Into::into),
    }
}

#[tokio::test]
async fn a_tariff_changes_by_a_new_version_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    assert_eq!(a.add_tariff("day", "Day", &json!({"n": 1}), "me", at(10)).await.unwrap(), 1);
    assert_eq!(a.add_tariff("day", "Day", &json!({"n": 2}), "me", at(20)).await.unwrap(), 2);
    let version = |found: Option<voltwin_store::TariffRecord>| found.map(|t| (t.version, t.tariff));
    assert_eq!(version(a.tariff_at("day", at(9)).await.unwrap()), None);
    assert_eq!(version(a.tariff_at("day", at(19)).await.unwrap()), Some((1, json!({"n": 1}))));
    assert_eq!(version(a.tariff_at("day", at(20)).await.unwrap()), Some((2, json!({"n": 2}))));
    assert_eq!(a.tariffs(None, 10).await.unwrap().items[0].version, 2);
    assert_eq!(a.tariff_versions("day", None, 10).await.unwrap().items.len(), 2);
    assert!(store.tenant(&tenant("b")).tariffs(None, 10).await.unwrap().items.is_empty());
    a.retire_tariff("day", "me", at(30)).await.unwrap();
    let refused = a.assign_tariff(&to(TariffScope::Default, "", None, 40, Some("day")), "me", at(40)).await;
    assert!(refused.unwrap_err().to_string().contains("day"));
    assert!(a.retire_tariff("night", "me", at(30)).await.is_err());
}

#[tokio::test]
async fn the_narrower_assignment_of_its_time_wins() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    for id in ["all", "site", "evse", "staff"] {
        a.add_tariff(id, id, &json!({}), "me", at(0)).await.unwrap();
    }
    let assign = async |new| a.assign_tariff(&new, "me", at(0)).await.unwrap();
    assign(to(TariffScope::Default, "", None, 0, Some("all"))).await;
    assign(to(TariffScope::Site, "SITE", None, 100, Some("site"))).await;
    assign(to(TariffScope::Evse, "S:1", None, 200, Some("evse"))).await;
    assign(to(TariffScope::Default, "", Some("staff"), 300, Some("staff"))).await;
    assign(to(TariffScope::Evse, "S:1", None, 400, None)).await;
    a.set_token_group("TAG", Some("staff"), "me", at(0)).await.unwrap();
    let scopes = [
        (TariffScope::Evse, "S:1".to_owned()),
        (TariffScope::Station, "S".to_owned()),
        (TariffScope::Site, "SITE".to_owned()),
        (TariffScope::Default, String::new()),
    ];
    let first = async |seconds, token| {
        a.assigned_tariffs(&scopes, token, at(seconds)).await.unwrap().first().cloned()
    };
    assert_eq!(first(-1, None).await, None);
    assert_eq!(first(50, None).await.as_deref(), Some("all"));
    assert_eq!(first(150, None).await.as_deref(), Some("site"));
    assert_eq!(first(250, Some("tag")).await.as_deref(), Some("evse"));
    assert_eq!(first(350, Some("tag")).await.as_deref(), Some("staff"));
    assert_eq!(first(350, Some("other")).await.as_deref(), Some("evse"));
    assert_eq!(first(450, None).await.as_deref(), Some("site"));
    a.set_token_group("TAG", None, "me", at(0)).await.unwrap();
    assert_eq!(first(350, Some("tag")).await.as_deref(), Some("evse"));
}

#[tokio::test]
async fn a_receipt_is_corrected_by_a_new_revision() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (journal, a) = (store.journal(), store.tenant(&tenant("a")));
    let step = |seconds, fact| event("a", "S", seconds, EventBody::Transaction(Box::new(fact)));
    let before = [step(0, fact("free", Started, 0, Some(0))), step(60, fact("free", Ended, 1, Some(10)))];
    journal.commit(&before).await.unwrap();
    assert!(a.rating_due(10).await.unwrap().is_empty(), "nothing is priced yet");
    a.add_tariff("t", "T", &json!({}), "me", at(0)).await.unwrap();
    a.assign_tariff(&to(TariffScope::Default, "", None, 0, Some("t")), "me", at(0)).await.unwrap();
    journal.commit(&[step(100, fact("x", Started, 0, Some(0)))]).await.unwrap();
    assert!(a.rating_due(10).await.unwrap().is_empty(), "it has not ended");
    journal.commit(&[step(200, fact("x", Ended, 2, Some(500)))]).await.unwrap();
    assert_eq!(a.rating_due(10).await.unwrap(), [2]);
    let rated = |events, gross: &str| Rated {
        number: 2,
        events,
        receipt: Some(json!({"tariff": "t", "gross": gross})),
        cost_differs: gross == "1.10",
    };
    // Rated from one event less than there are: written down, and still due.
    a.write_receipts(&[rated(1, "1.00")], at(201)).await.unwrap();
    assert_eq!(a.rating_due(10).await.unwrap(), [2]);
    a.write_receipts(&[rated(2, "1.00")], at(202)).await.unwrap();
    assert!(a.rating_due(10).await.unwrap().is_empty());
    journal.commit(&[step(150, fact("x", Updated, 1, Some(200)))]).await.unwrap();
    assert_eq!(a.rating_due(10).await.unwrap(), [2]);
    a.write_receipts(&[rated(3, "1.10")], at(300)).await.unwrap();
    let seen: Vec<_> = a.receipts(2).await.unwrap().into_iter().map(|r| (r.revision, r.reason)).collect();
    assert_eq!(seen, [(2, "events".to_owned()), (1, "ended".to_owned())]);
    let flags = || async { a.transaction(2).await.unwrap().unwrap().flags };
    assert_eq!(flags().await, ["cost_differs"]);
    a.write_receipts(&[rated(3, "1.20")], at(301)).await.unwrap();
    assert!(flags().await.is_empty(), "it agrees again");
    a.write_receipts(&[rated(3, "1.10")], at(302)).await.unwrap();
    let cdrs = a.cdrs(at(0), at(1_000), None, 1).await.unwrap();
    assert_eq!((cdrs.items[0].transaction.number, cdrs.items[0].receipt.is_none()), (1, true));
    let next = a.cdrs(at(0), at(1_000), cdrs.next.as_deref(), 1).await.unwrap();
    assert_eq!(next.items[0].receipt.as_ref().unwrap().receipt["gross"], "1.10");
    assert_eq!(next.next, None);
    assert!(a.cdrs(at(0), at(60), None, 10).await.unwrap().items.is_empty());
    assert!(store.tenant(&tenant("b")).cdrs(at(0), at(1_000), None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_running_transaction_gets_other_tariffs_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    for id in ["one", "two"] {
        a.add_tariff(id, id, &json!({}), "me", at(0)).await.unwrap();
    }
    let new = |target, from, tariff| to(TariffScope::Transaction, target, None, from, tariff);
    for assignment in [
        new("S:tx:1", 300, None),
        new("S:tx:1", 200, Some("two")),
        new("S:tx:2", 200, Some("one")),
        new("S:tx:1", 100, Some("one")),
    ] {
        a.assign_tariff(&assignment, "ann", at(0)).await.unwrap();
    }
    let changes = a.tariff_changes("S:tx:1", at(100), 10).await.unwrap();
    let seen: Vec<_> = changes.into_iter().map(|change| (change.from, change.tariff)).collect();
    assert_eq!(seen, [(at(200), Some("two".to_owned())), (at(300), None)], "not what it began with");
    assert!(store.tenant(&tenant("b")).tariff_changes("S:tx:1", at(0), 10).await.unwrap().is_empty());
}
