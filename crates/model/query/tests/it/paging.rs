//! Tokens, budgets and the caller's stop.

use std::cell::Cell;
use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use voltwin_query::{Budget, Dialect, Page, Query, QueryError};

use crate::world::{Dice, World};

fn parse(text: &str) -> Query {
    Query::parse(text, Dialect::Superset).unwrap()
}

fn crowd(count: usize) -> World {
    let mut world = World::new();
    for number in 0..count {
        world.twin(&format!("t{number}"), "dtmi:test:Thing;1", &json!({"amount": number as i64 % 7}));
    }
    world
}

fn page(query: &Query, world: &World, rows: usize) -> Page {
    query.page(&world.graph, rows, Budget::default()).unwrap()
}

#[test]
fn a_page_is_as_long_as_it_may_be() {
    let world = crowd(250);
    let all = |dialect| Query::parse("SELECT * FROM DIGITALTWINS", dialect).unwrap();
    assert_eq!(page(&all(Dialect::StrictAdt), &world, 1_000).rows.len(), 100);
    assert_eq!(page(&all(Dialect::Superset), &world, 1_000).rows.len(), 250);
    assert_eq!(page(&all(Dialect::Superset), &world, 0).rows.len(), 1);
    let last = page(&parse("SELECT * FROM DIGITALTWINS WHERE amount = 0"), &world, 36);
    assert_eq!((last.rows.len(), last.token), (36, None), "the last page says that it is the last");
    let top = page(&parse("SELECT TOP(30) FROM DIGITALTWINS"), &world, 20);
    let rest = page(&Query::resume(&top.token.unwrap()).unwrap(), &world, 20);
    assert_eq!((top.rows.len(), rest.rows.len(), rest.token), (20, 10, None), "TOP counts over all pages");
}

#[test]
fn a_token_keeps_the_dialect_and_the_text() {
    let world = crowd(250);
    let text = "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.amount != 3";
    let first = page(&Query::parse(text, Dialect::StrictAdt).unwrap(), &world, 10);
    let next = Query::resume(&first.token.unwrap()).unwrap();
    assert_eq!((next.text(), next.dialect()), (text, Dialect::StrictAdt));
}

/// Twins come and go between the pages: those that stay are given once.
#[test]
fn pages_are_stable_while_the_graph_changes() {
    let mut dice = Dice::new(3);
    for round in 0..20 {
        let mut world = crowd(200);
        let mut stay: BTreeSet<String> = world.twins.keys().cloned().collect();
        let mut seen = Vec::new();
        let mut query = parse("SELECT $dtId FROM DIGITALTWINS WHERE amount >= 0");
        loop {
            let page = page(&query, &world, 1 + dice.below(30));
            seen.extend(page.rows.iter().map(|row| row["$dtId"].as_str().unwrap().to_owned()));
            let Some(token) = page.token else { break };
            query = Query::resume(&token).unwrap();
            for _ in 0..10 {
                let id = format!("t{}", dice.below(200));
                match dice.below(3) {
                    0 if world.twins.contains_key(&id) => {
                        world.delete(&id);
                        stay.remove(&id);
                    }
                    1 if world.twins.contains_key(&id) => world.patch(&id, "size", Some(json!(1.0))),
                    _ if world.twins.contains_key(&id) => {}
                    _ => world.twin(&format!("new{id}"), "dtmi:test:Thing;1", &json!({"amount": 1})),
                }
            }
        }
        let once: BTreeSet<&String> = seen.iter().collect();
        let again: Vec<&String> =
            stay.iter().filter(|id| seen.iter().filter(|seen| seen == id).count() != 1).collect();
        assert!(again.is_empty(), "round {round}: {again:?}");
        assert!(once.len() >= stay.len());
    }
}

#[test]
fn a_token_that_is_none_is_refused() {
    let world = crowd(20);
    let token = page(&parse("SELECT * FROM DIGITALTWINS"), &world, 5).token.unwrap();
    for wrong in ["", "null", "not base64!", "AAAA", &token[..token.len() - 4], &"A".repeat(1_000_000)] {
        let error = Query::resume(wrong).unwrap_err();
        assert!(matches!(error, QueryError::Token { .. }), "{error}");
        assert_eq!((error.azure_code(), error.position()), ("BadRequest", None));
    }
    let mut dice = Dice::new(5);
    for _ in 0..2_000 {
        let mut bytes = token.clone().into_bytes();
        let place = dice.below(bytes.len());
        let letter = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[dice.below(64)];
        if bytes[place] != letter {
            bytes[place] = letter;
            let damaged = String::from_utf8(bytes).unwrap();
            assert!(Query::resume(&damaged).is_err(), "{damaged}");
        }
    }
}

#[test]
fn a_budget_ends_what_would_not_end() {
    let mut world = crowd(60);
    for source in 0..60 {
        for step in 1..20 {
            let target = format!("t{}", (source + step) % 60);
            world.link(&format!("t{source}"), &format!("r{step}"), "near", &target, &json!({}));
        }
    }
    let far = parse("SELECT COUNT() FROM DIGITALTWINS MATCH (A)-[:near*8]->(B)");
    let budget = Budget { steps: 50_000, ..Budget::default() };
    let error = far.page(&world.graph, 10, budget).unwrap_err();
    assert_eq!(error, QueryError::Budget { limit: 50_000 });
    assert_eq!(error.azure_code(), "TimeoutError");
    let rows = parse("SELECT B.$dtId FROM DIGITALTWINS MATCH (A)-[:near*8]->(B) WHERE B.$dtId = 't9'");
    let first = rows.page(&world.graph, 1, Budget { steps: 200, ..Budget::default() }).unwrap();
    assert!(first.token.is_some(), "what was found within the budget is given");
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    };
    let budget = Budget { steps: u64::MAX, stop: &stop };
    assert_eq!(far.page(&world.graph, 10, budget).unwrap_err(), QueryError::Stopped);
    assert_eq!(asked.get(), 3);
}

#[test]
fn a_charge_grows_with_what_is_looked_at_and_given() {
    let world = crowd(3_000);
    let cost = |text: &str| page(&parse(text), &world, 100);
    let point = cost("SELECT * FROM DIGITALTWINS WHERE $dtId = 't7'");
    let scan = cost("SELECT COUNT() FROM DIGITALTWINS WHERE amount = 9");
    let rows = cost("SELECT * FROM DIGITALTWINS");
    assert_eq!((point.steps, scan.steps), (1, 3_000));
    assert!(
        (point.charge - 1.051).abs() < 1e-9 && (scan.charge - 4.05).abs() < 1e-9,
        "{point:?} {}",
        scan.charge
    );
    assert!(rows.charge > point.charge);
}

#[test]
fn what_must_be_held_is_bounded() {
    let world = crowd(12_000);
    let grouped = parse("SELECT $dtId, COUNT() FROM DIGITALTWINS GROUP BY $dtId");
    let error = grouped.page(&world.graph, 10, Budget::default()).unwrap_err();
    assert_eq!(error, QueryError::TooMany { what: "groups", limit: 10_000 });
    // An order holds no more than it gives.
    let ordered = page(&parse("SELECT $dtId FROM DIGITALTWINS ORDER BY amount DESC, $dtId"), &world, 3);
    let ids: Vec<&Json> = ordered.rows.iter().map(|row| &row["$dtId"]).collect();
    assert_eq!(ids, ["t1000", "t10002", "t10009"]);
}
