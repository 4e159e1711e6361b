use serde_json::json;
use voltwin_core::Timestamp;

use super::*;

const AZURE: Policy = Policy::Side(Side::Azure);
const VOLTWIN: Policy = Policy::Side(Side::Voltwin);
const ALL: [Policy; 3] = [AZURE, VOLTWIN, Policy::Newest];

fn content(values: &[(&str, Json)]) -> Content {
    let values = values.iter().map(|(name, value)| (format!("/{name}"), value.clone())).collect();
    Content { nature: Nature::Model("m".into()), parts: BTreeSet::new(), values }
}

/// The value `x`, if there is one.
fn x(value: Option<i64>) -> Content {
    content(&value.map(|value| ("x", json!(value))).into_iter().collect::<Vec<_>>())
}

fn seen(content: Content) -> Seen {
    Seen { content, etag: "e".into(), times: BTreeMap::new() }
}

fn at(mut seen: Seen, second: i64) -> Seen {
    let places: Vec<String> = seen.content.values.keys().cloned().collect();
    seen.times = places.into_iter().map(|place| (place, Timestamp::from_millis(second * 1_000))).collect();
    seen
}

fn merged(base: Option<&Content>, azure: Option<&Seen>, voltwin: Option<&Seen>, policy: Policy) -> Merged {
    let end = |seen| End { seen, sent: &[] };
    merge(base, [end(azure), end(voltwin)], policy)
}

/// Every case of the table of one value: base, Azure, Voltwin (`None`: it has none), what it becomes by each policy
/// (azure, voltwin, newest where Voltwin is later), and whether that is a conflict.
#[test]
fn one_value() {
    type Case = (Option<i64>, Option<i64>, Option<i64>, [Option<i64>; 3], bool);
    let (n, b, p, q) = (None, Some(1), Some(2), Some(3));
    let cases: [Case; 16] = [
        (n, n, n, [n, n, n], false),
        (n, p, n, [p, p, p], false),
        (n, n, p, [p, p, p], false),
        (n, p, p, [p, p, p], false),
        (n, p, q, [p, q, q], true),
        (b, b, b, [b, b, b], false),
        (b, p, b, [p, p, p], false),
        (b, b, p, [p, p, p], false),
        (b, p, p, [p, p, p], false),
        (b, p, q, [p, q, q], true),
        (b, n, b, [n, n, n], false),
        (b, b, n, [n, n, n], false),
        (b, n, n, [n, n, n], false),
        (b, n, p, [n, p, p], true),
        (b, p, n, [p, n, p], true),
        (b, b, q, [q, q, q], false),
    ];
    for (base, azure, voltwin, wanted, conflict) in cases {
        for (policy, wanted) in ALL.into_iter().zip(wanted) {
            let (azure, voltwin) = (at(seen(x(azure)), 1), at(seen(x(voltwin)), 2));
            let found = merged(Some(&x(base)), Some(&azure), Some(&voltwin), policy);
            let what = format!("{base:?} {azure:?} {voltwin:?} {policy:?}");
            assert_eq!(found.want, Some(x(wanted)), "{what}");
            assert_eq!(!found.conflicts.is_empty(), conflict, "{what}");
        }
    }
}

/// Every case of the table of the whole: whether the base, Azure and Voltwin have it, and whether who has it edited it.
#[test]
fn the_whole() {
    let (base, edited) = (x(Some(1)), seen(x(Some(2))));
    let same = seen(base.clone());
    for policy in ALL {
        assert_eq!(merged(None, None, None, policy).want, None);
        assert_eq!(merged(Some(&base), None, None, policy).want, None);
        // new at one end
        assert_eq!(merged(None, Some(&edited), None, policy), Merged::just(Some(x(Some(2)))));
        assert_eq!(merged(None, None, Some(&edited), policy), Merged::just(Some(x(Some(2)))));
        // gone at one end
        assert_eq!(merged(Some(&base), Some(&same), None, policy), Merged::just(None));
        assert_eq!(merged(Some(&base), None, Some(&same), policy), Merged::just(None));
        // new at both
        let both = merged(None, Some(&same), Some(&edited), policy);
        assert_eq!(both.conflicts.len(), 1);
        assert_eq!(both.want, Some(x(Some(if policy == VOLTWIN { 2 } else { 1 }))));
    }
    // gone at one end, edited at the other
    for (policy, azure_edited, voltwin_edited) in
        [(AZURE, true, false), (VOLTWIN, false, true), (Policy::Newest, true, true)]
    {
        let found = merged(Some(&base), Some(&edited), None, policy);
        assert_eq!((found.want.is_some(), found.conflicts.len()), (azure_edited, 1), "{policy:?}");
        assert_eq!(found.conflicts[0].values[1], None);
        let found = merged(Some(&base), None, Some(&edited), policy);
        assert_eq!((found.want.is_some(), found.conflicts.len()), (voltwin_edited, 1), "{policy:?}");
    }
}

#[test]
fn edits_of_different_values_are_both_kept() {
    let base = content(&[("a", json!(1)), ("b", json!(1)), ("c", json!(1))]);
    let azure = seen(content(&[("a", json!(2)), ("b", json!(1)), ("d", json!(4))]));
    let voltwin = seen(content(&[("a", json!(1.0)), ("b", json!(3)), ("c", json!(1))]));
    let found = merged(Some(&base), Some(&azure), Some(&voltwin), VOLTWIN);
    assert_eq!(found.want, Some(content(&[("a", json!(2)), ("b", json!(3)), ("d", json!(4))])));
    assert!(found.conflicts.is_empty());
}

#[test]
fn the_newest_is_by_time_and_azure_where_there_is_none() {
    let base = x(Some(1));
    let (azure, voltwin) = (seen(x(Some(2))), seen(x(Some(3))));
    for (azure, voltwin, wanted) in [
        (at(azure.clone(), 5), at(voltwin.clone(), 4), 2),
        (at(azure.clone(), 4), at(voltwin.clone(), 5), 3),
        (at(azure.clone(), 5), at(voltwin.clone(), 5), 2),
        (azure.clone(), at(voltwin.clone(), 5), 2),
        (azure, voltwin, 2),
    ] {
        let found = merged(Some(&base), Some(&azure), Some(&voltwin), Policy::Newest);
        assert_eq!(found.want, Some(x(Some(wanted))));
    }
}

#[test]
fn another_model_is_taken_as_a_whole() {
    let other = |values: &[(&str, Json)]| Content { nature: Nature::Model("n".into()), ..content(values) };
    let base = x(Some(1));
    let (turned, same, edited) = (seen(other(&[("y", json!(1))])), seen(x(Some(1))), seen(x(Some(2))));
    for policy in ALL {
        let found = merged(Some(&base), Some(&turned), Some(&same), policy);
        assert_eq!(found, Merged::just(Some(turned.content.clone())));
        let found = merged(Some(&base), Some(&same), Some(&turned), policy);
        assert_eq!(found, Merged::just(Some(turned.content.clone())));
        // a value that the other end changed meanwhile has no place any more
        let found = merged(Some(&base), Some(&turned), Some(&edited), policy);
        assert_eq!((found.want.as_ref(), found.conflicts.len()), (Some(&turned.content), 1));
    }
    let third = seen(Content { nature: Nature::Model("o".into()), ..content(&[]) });
    let found = merged(Some(&base), Some(&turned), Some(&third), VOLTWIN);
    assert_eq!((found.want, found.conflicts.len()), (Some(third.content), 1));
}

fn with_sent(
    base: Option<&Content>,
    azure: (Option<&Seen>, &[Sent]),
    voltwin: (Option<&Seen>, &[Sent]),
    policy: Policy,
) -> Merged {
    merge(base, [End { seen: azure.0, sent: azure.1 }, End { seen: voltwin.0, sent: voltwin.1 }], policy)
}

/// A crash between a write and its being written down: Voltwin's 2 was brought to Azure, and Voltwin has gone on to 3.
#[test]
fn what_we_sent_is_nobodys_edit() {
    let base = x(Some(1));
    let sent = [Sent::between(Some(&base), Some(&x(Some(2)))).unwrap()];
    for policy in ALL {
        let landed = seen(x(Some(2)));
        for voltwin in [2, 3] {
            let now = seen(x(Some(voltwin)));
            let found = with_sent(Some(&base), (Some(&landed), &sent), (Some(&now), &[]), policy);
            assert_eq!(found, Merged::just(Some(x(Some(voltwin)))), "{policy:?}");
        }
        // the write was never done
        let before = seen(x(Some(1)));
        let found = with_sent(Some(&base), (Some(&before), &sent), (Some(&landed), &[]), policy);
        assert_eq!(found, Merged::just(Some(x(Some(2)))));
        // Voltwin took its change back
        let found = with_sent(Some(&base), (Some(&landed), &sent), (Some(&before), &[]), policy);
        assert_eq!(found, Merged::just(Some(x(Some(1)))));
        // and so at the other end
        let found = with_sent(Some(&base), (Some(&before), &[]), (Some(&landed), &sent), policy);
        assert_eq!(found, Merged::just(Some(x(Some(1)))));
    }
}

#[test]
fn what_we_made_is_not_made_anew_when_its_maker_takes_it_away() {
    let made = x(Some(1));
    let sent = [Sent::Create(made.clone())];
    let there = seen(made.clone());
    for policy in ALL {
        assert_eq!(with_sent(None, (Some(&there), &sent), (None, &[]), policy), Merged::just(None));
        // it was never made, and its maker has it still
        assert_eq!(
            with_sent(None, (None, &sent), (Some(&there), &[]), policy),
            Merged::just(Some(made.clone()))
        );
        // an edit of what we made is an edit
        let edited = seen(x(Some(5)));
        let found = with_sent(None, (Some(&edited), &sent), (Some(&there), &[]), policy);
        assert_eq!(found, Merged::just(Some(x(Some(5)))));
    }
}

#[test]
fn what_we_deleted_is_nobodys_deletion() {
    let base = x(Some(1));
    let back = seen(x(Some(7)));
    for policy in ALL {
        // Voltwin deleted, we deleted at Azure, and Voltwin has it again
        let found = with_sent(Some(&base), (None, &[Sent::Delete]), (Some(&back), &[]), policy);
        assert_eq!(found, Merged::just(Some(x(Some(7)))));
    }
}

/// A relationship that points elsewhere is deleted and made: a crash may come between the two.
#[test]
fn a_relationship_that_points_elsewhere_survives_a_crash_between_its_two_writes() {
    let link = |target: &str| Content { nature: Nature::Link("r".into(), target.into()), ..content(&[]) };
    let (base, voltwin) = (link("a"), seen(link("b")));
    let sent = [Sent::between(Some(&base), Some(&link("b"))).unwrap(), Sent::Delete];
    for policy in ALL {
        for azure in [Some(seen(link("a"))), None, Some(seen(link("b")))] {
            let found = with_sent(Some(&base), (azure.as_ref(), &sent), (Some(&voltwin), &[]), policy);
            assert_eq!(found, Merged::just(Some(link("b"))), "{azure:?}");
        }
    }
}
