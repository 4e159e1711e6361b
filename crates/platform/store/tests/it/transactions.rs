use std::collections::BTreeMap;

use proptest::prelude::*;
use voltwin_core::{Decimal, Event, EventBody, SignedReading, TransactionFact, TransactionPhase};
use voltwin_store::{Committed, Transaction, TransactionFilter, TransactionState};

use crate::{at, event, fact, fresh, tenant};
use TransactionPhase::{Ended, Started, Updated};

fn step(station: &str, seconds: i64, fact: TransactionFact) -> Event {
    event("a", station, seconds, EventBody::Transaction(fact.into()))
}

#[tokio::test]
async fn a_repeated_start_is_the_first_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (journal, a) = (store.journal(), store.tenant(&tenant("a")));
    let start = |id: &str, key: &str| {
        step("S", 1, TransactionFact { start_key: Some(key.into()), ..fact(id, Started, 0, Some(10)) })
    };
    let done = journal.commit(&[start("1", "k"), start("2", "k"), start("3", "other")]).await.unwrap();
    assert!(matches!(done[..], [Committed::New(_), Committed::Duplicate { .. }, Committed::New(_)]));
    assert_eq!(done[1], Committed::Duplicate { transaction_id: Some("1".into()) });
    assert_eq!(a.find_start("S", "k").await.unwrap().as_deref(), Some("1"));
    assert_eq!(a.find_start("T", "k").await.unwrap(), None);
    let stop = || step("S", 61, fact("1", Ended, u64::MAX >> 1, Some(1510)));
    assert!(matches!(journal.commit(&[stop()]).await.unwrap()[..], [Committed::New(_)]));
    assert!(matches!(journal.commit(&[stop()]).await.unwrap()[..], [Committed::Duplicate { .. }]));
    let ended = a.transaction_by_id("S", "1").await.unwrap().unwrap();
    assert_eq!((ended.energy_wh, ended.state), (Decimal::from(1500), TransactionState::Ended));
    assert_eq!((ended.duration_s, ended.events, ended.flags.len()), (Some(60.0), 2, 0));
    let active = a.active_transactions(None, 10).await.unwrap().items;
    assert_eq!(active.iter().map(|t| t.transaction_id.as_str()).collect::<Vec<_>>(), ["3"]);
    let json = serde_json::to_value(&ended).unwrap();
    assert_eq!((&json["energy_wh"], &json["state"]), (&"1500".into(), &"ended".into()));
}

#[tokio::test]
async fn an_end_before_its_start_is_completed_by_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (journal, a) = (store.journal(), store.tenant(&tenant("a")));
    let orphan =
        TransactionFact { trigger: Some("Orphan".into()), ..fact("9", Ended, u64::MAX >> 1, Some(5)) };
    journal.commit(&[step("S", 300, fact("x", Ended, 3, Some(900))), step("S", 1, orphan)]).await.unwrap();
    let ended = a.transaction_by_id("S", "x").await.unwrap().unwrap();
    assert_eq!(
        (ended.state, ended.energy_wh, ended.started_at),
        (TransactionState::Ended, Decimal::ZERO, None)
    );
    assert_eq!(ended.flags, ["started_missing"]);
    assert_eq!(a.transaction_by_id("S", "9").await.unwrap().unwrap().state, TransactionState::Orphan);
    journal.commit(&[step("S", 0, fact("x", Started, 0, Some(100)))]).await.unwrap();
    let completed = a.transaction_by_id("S", "x").await.unwrap().unwrap();
    assert_eq!((completed.state, completed.energy_wh), (TransactionState::Ended, Decimal::from(800)));
    assert_eq!((completed.flags, completed.number), (vec!["sequence_gap"], ended.number));
}

#[tokio::test]
async fn energy_today_is_what_the_meter_shows_since_midnight() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (journal, a) = (store.journal(), store.tenant(&tenant("a")));
    let events = [
        step("S", -500, fact("over", Started, 0, Some(0))),
        step("S", -400, fact("over", Ended, 1, Some(7_000))),
        step("S", -100, fact("night", Started, 0, Some(1_000))),
        step("S", -10, fact("night", Updated, 1, Some(4_000))),
        step("S", 50, fact("night", Ended, 2, Some(4_500))),
        step("T", 60, fact("new", Started, 0, Some(0))),
        step(
            "T",
            70,
            TransactionFact { meter_wh: Some("0.25".parse().unwrap()), ..fact("new", Updated, 1, None) },
        ),
    ];
    journal.commit(&events).await.unwrap();
    let totals = a.totals_since(at(0)).await.unwrap();
    let rows: Vec<_> =
        totals.iter().map(|t| (t.station.as_str(), t.energy_wh.to_string(), t.sessions)).collect();
    assert_eq!(rows, [("S", "500".to_owned(), 0), ("T", "0.25".to_owned(), 1)]);
    assert!(store.tenant(&tenant("b")).totals_since(at(0)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_mad_meter_breaks_no_sum() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    let mad = |id: &str, phase, meter| {
        step(
            "S",
            5,
            TransactionFact { meter_wh: Some(meter), ..fact(id, phase, u64::from(phase == Ended), None) },
        )
    };
    let events: Vec<_> = (0..20)
        .flat_map(|n| {
            let id = n.to_string();
            [mad(&id, Started, Decimal::MIN), mad(&id, Ended, Decimal::MAX)]
        })
        .collect();
    store.journal().commit(&events).await.unwrap();
    let up = a.transaction(20).await.unwrap().unwrap();
    assert_eq!((up.energy_wh, up.flags), (Decimal::ZERO, vec!["meter_negative"]));
    assert_eq!(a.totals_since(at(0)).await.unwrap().len(), 1);
    let jump = [mad("jump", Started, Decimal::ZERO), mad("jump", Ended, Decimal::MAX)];
    store.journal().commit(&jump).await.unwrap();
    let jump = a.transaction(21).await.unwrap().unwrap();
    assert_eq!((jump.energy_wh, jump.flags), (Decimal::ZERO, vec!["meter_jump"]));
    store
        .journal()
        .commit(&[mad("down", Started, Decimal::MAX), mad("down", Ended, Decimal::MIN)])
        .await
        .unwrap();
    let down = a.transaction(22).await.unwrap().unwrap();
    assert_eq!((down.energy_wh, down.flags), (Decimal::ZERO, vec!["meter_negative", "stop_below_start"]));
}

#[tokio::test]
async fn lists_filter_and_page() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    let events: Vec<_> = (0..25)
        .map(|n| step(if n % 2 == 0 { "S" } else { "T" }, n, fact(&n.to_string(), Started, 0, None)))
        .collect();
    store.journal().commit(&events).await.unwrap();
    let filter = TransactionFilter { station: Some("S".into()), ..TransactionFilter::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = a.transactions(&filter, cursor.as_deref(), 5).await.unwrap();
        seen.extend(page.items.into_iter().map(|t| t.number));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=25).rev().step_by(2).collect::<Vec<_>>());
    let none = TransactionFilter { id_token: Some("other".into()), ..filter };
    assert!(a.transactions(&none, None, 5).await.unwrap().items.is_empty());
}

/// A stretch in which a register counts from `base` to `top`.
#[derive(Clone, Copy)]
struct Run {
    base: Decimal,
    top: Decimal,
    last: Decimal,
    reset: bool,
    glitch: bool,
    regressed: bool,
}

/// The runs of small registers, which neither wrap nor jump: a fall to a tenth begins a new run, and runs in which
/// nothing was counted were bad readings when the register is back where it was before them.
fn runs(meters: &[Decimal]) -> Vec<Run> {
    let fresh = |at, reset| Run { base: at, top: at, last: at, reset, glitch: false, regressed: false };
    let mut runs: Vec<Run> = Vec::new();
    for &meter in meters {
        let Some(run) = runs.last().copied() else {
            runs.push(fresh(meter, false));
            continue;
        };
        let empty = runs.iter().rev().take_while(|run| run.reset && run.top == run.base).count();
        let keep = runs.len() - empty;
        let before = runs[keep.saturating_sub(1)..].iter().take(empty + 1).map(|run| run.top);
        let lost = before.take(empty).max();
        if let Some(lost) = lost.filter(|lost| meter >= *lost && meter >= run.last) {
            // They become one run that goes on from before the fall and remembers the others.
            let gone = runs.split_off(keep);
            let regressed = gone.iter().any(|run| run.regressed);
            runs.push(Run { base: lost, top: meter, last: meter, reset: true, glitch: true, regressed });
            continue;
        }
        let run = runs.last_mut().unwrap();
        if meter >= run.top {
            (run.top, run.last) = (meter, meter);
        } else if meter < run.last && meter <= run.last / Decimal::TEN {
            runs.push(fresh(meter, true));
        } else {
            run.regressed = true;
            run.last = meter;
        }
    }
    runs
}

/// The record of a transaction, worked out afresh from the plain set of its events by the words of the contract.
fn oracle(
    events: &[(i64, TransactionFact)],
) -> (TransactionState, Decimal, Option<f64>, u64, Vec<&'static str>) {
    let mut sorted: Vec<_> = events.to_vec();
    sorted.sort_by_key(|(_, f)| (f.seq_no, f.phase as u8));
    let end = sorted.iter().position(|(_, f)| f.phase == Ended);
    let billed = &sorted[..end.map_or(sorted.len(), |i| i + 1)];
    let start = billed.iter().find(|(_, f)| f.phase == Started);
    let meters: Vec<Decimal> = billed.iter().filter_map(|(_, f)| f.meter_wh).collect();
    let runs = runs(&meters);
    let energy = runs.iter().map(|run| run.top - run.base).sum();
    let last_at = match end {
        Some(end) => sorted[end].0,
        None => sorted.iter().map(|(at, _)| *at).max().unwrap(),
    };
    let mut seqs: Vec<u64> = sorted.iter().map(|(_, f)| f.seq_no).collect();
    seqs.dedup();
    let mut flags = Vec::new();
    if start.is_none() {
        flags.push("started_missing");
    }
    let has = |what: fn(&Run) -> bool| runs.iter().any(what);
    let named = [
        ("meter_reset", has(|run| run.reset)),
        ("meter_glitch", has(|run| run.glitch)),
        ("meter_regressed", has(|run| run.regressed)),
    ];
    flags.extend(named.into_iter().filter(|flag| flag.1).map(|flag| flag.0));
    if seqs.windows(2).any(|pair| pair[1] > pair[0] + 1) {
        flags.push("sequence_gap");
    }
    if meters.last() < meters.first() {
        flags.push("stop_below_start");
    }
    let state = if end.is_some() { TransactionState::Ended } else { TransactionState::Active };
    (state, energy, start.map(|(at, _)| ((last_at - at) as f64).max(0.0)), sorted.len() as u64, flags)
}

fn summary(t: &Transaction) -> (TransactionState, Decimal, Option<f64>, u64, Vec<&'static str>) {
    (t.state, t.energy_wh, t.duration_s, t.events, t.flags.clone())
}

prop_compose! {
    /// Some of the events of two transactions, with lost, doubled and reordered ones, in batches of any size.
    fn deliveries()(
        meters in prop::collection::vec((prop::option::weighted(0.8, 0i64..5000), 0i64..30), 14),
        lost in prop::collection::vec(prop::bool::weighted(0.15), 14),
        ends in prop::array::uniform2(3u64..9),
        order in Just((0..28usize).map(|i| i % 14).collect::<Vec<_>>()).prop_shuffle(),
        cuts in prop::collection::vec(1usize..6, 28),
    ) -> (Vec<(String, i64, TransactionFact)>, Vec<usize>) {
        let all: Vec<_> = meters.iter().enumerate().map(|(i, (meter, jitter))| {
            let (which, seq_no) = (i % 2, (i / 2) as u64);
            let phase = if seq_no == 0 { Started } else if seq_no == ends[which] { Ended } else { Updated };
            let meter = meter.map(|m| if m % 7 == 0 { m } else { i64::try_from(seq_no).unwrap() * 1000 + m / 10 });
            (which.to_string(), i64::try_from(seq_no).unwrap() * 60 + jitter, fact(&which.to_string(), phase, seq_no, meter))
        }).collect();
        (order.into_iter().filter(|i| !lost[*i]).map(|i| all[i].clone()).collect(), cuts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_order_and_any_repetition_give_the_same_record((sent, cuts) in deliveries()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = fresh(&dir).await;
            let (mut rest, mut new) = (&sent[..], 0);
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                let batch: Vec<_> = now.iter().map(|(_, s, f)| step("S", *s, f.clone())).collect();
                let done = store.journal().commit(&batch).await.unwrap();
                new += done.iter().filter(|c| matches!(c, Committed::New(_))).count();
            }
            let mut sets: BTreeMap<String, BTreeMap<u64, (i64, TransactionFact)>> = BTreeMap::new();
            for (id, seconds, fact) in &sent[..sent.len() - rest.len()] {
                sets.entry(id.clone()).or_default().insert(fact.seq_no, (*seconds, fact.clone()));
            }
            prop_assert_eq!(new, sets.values().map(BTreeMap::len).sum::<usize>());
            prop_assert_eq!(store.journal().head().await.unwrap().0, new as u64);
            for (id, set) in sets {
                let t = store.tenant(&tenant("a")).transaction_by_id("S", &id).await.unwrap().unwrap();
                prop_assert_eq!(summary(&t), oracle(&set.into_values().collect::<Vec<_>>()));
            }
            Ok(())
        })?;
    }
}

fn signed(data: &str) -> SignedReading {
    SignedReading {
        at: at(0),
        measurand: "Energy.Active.Import.Register".into(),
        context: Some("Transaction.Begin".into()),
        data: data.into(),
        encoding: Some("OCMF".into()),
        signing_method: None,
        public_key: None,
    }
}

#[tokio::test]
async fn signed_readings_are_kept_byte_for_byte_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    let ocmf = "OCMF|{\"FV\":\"1.0\",\"RD\":[{\"RV\":1.50}]}|{\"SD\":\"3045\\u00ff  \"}\r\n";
    let with = |phase, seq_no, data: &[&str]| TransactionFact {
        signed: data.iter().map(|data| signed(data)).collect(),
        ..fact("t", phase, seq_no, Some(5))
    };
    let events = [step("S", 9, with(Ended, 1, &["end", ""])), step("S", 0, with(Started, 0, &[ocmf]))];
    for event in events.iter().chain(&events) {
        store.journal().commit(std::slice::from_ref(event)).await.unwrap();
    }
    let kept = a.signed_readings(1).await.unwrap();
    let data: Vec<_> = kept.iter().map(|kept| (kept.phase, kept.reading.data.as_str())).collect();
    assert_eq!(data, [(Started, ocmf), (Ended, "end"), (Ended, "")]);
    assert!(store.tenant(&tenant("b")).signed_readings(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn steps_of_usage_add_up_to_the_bill() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let a = store.tenant(&tenant("a"));
    let state =
        |state: &str, fact: TransactionFact| TransactionFact { charging_state: Some(state.into()), ..fact };
    let events = [
        step("S", 0, state("Charging", fact("t", Started, 0, Some(999_000)))),
        step("S", 600, fact("t", Updated, 1, Some(999_800))),
        step("S", 1_200, state("SuspendedEV", fact("t", Updated, 2, Some(200)))),
        step("S", 1_800, fact("t", Ended, 3, Some(200))),
    ];
    store.journal().commit(&events).await.unwrap();
    let usage = a.usage(1).await.unwrap().unwrap();
    let steps: Vec<_> = usage
        .steps
        .iter()
        .map(|s| (s.to.seconds_since(s.from), s.energy_wh.to_string(), s.charging_state.as_deref()))
        .collect();
    let charging = Some("Charging");
    let expected = [(600.0, "800", charging), (600.0, "400", charging), (600.0, "0", Some("SuspendedEV"))];
    assert_eq!(steps, expected.map(|(s, wh, state)| (s, wh.to_owned(), state)));
    assert_eq!(usage.transaction.energy_wh, Decimal::from(1_200));
    assert_eq!(usage.transaction.flags, ["meter_rollover"]);
    assert_eq!(usage.transaction.segments.len(), 3);
}
proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However the same events are cut into commits, repeated starts and repeated events among them, the answers and
    /// the records are the same.
    #[test]
    fn the_size_of_a_commit_changes_nothing(
        picks in proptest::collection::vec((0..3_u64, 0..4_u64, 0..4_i64), 1..40),
        sizes in proptest::collection::vec(1..9_usize, 1..12),
    ) {
        let events: Vec<Event> = picks
            .iter()
            .enumerate()
            .map(|(n, (transaction, seq_no, meter))| match seq_no {
                0 => {
                    // a station that repeats a start gets another number each time
                    let id = format!("{transaction}-{n}");
                    let start_key = Some(format!("k{transaction}"));
                    step("S", 0, TransactionFact { start_key, ..fact(&id, Started, 0, Some(0)) })
                }
                _ => step("S", *meter, fact(&format!("t{transaction}"), Updated, *seq_no, Some(100 * meter))),
            })
            .collect();
        let run = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = |sizes: Vec<usize>| {
            let events = events.clone();
            run.block_on(async move {
                let dir = tempfile::tempdir().unwrap();
                let store = fresh(&dir).await;
                let mut answers = Vec::new();
                let mut rest = events.as_slice();
                for size in sizes.into_iter().cycle() {
                    if rest.is_empty() {
                        break;
                    }
                    let (now, later) = rest.split_at(size.min(rest.len()));
                    answers.extend(store.journal().commit(now).await.unwrap());
                    rest = later;
                }
                let a = store.tenant(&tenant("a"));
                let page = a.transactions(&TransactionFilter::default(), None, 500).await.unwrap();
                (answers, page.items)
            })
        };
        prop_assert_eq!(outcome(vec![1]), outcome(sizes));
    }
}
