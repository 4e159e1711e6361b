//! Each trap of the language, on a graph that fits on a page.

use serde_json::{Value as Json, json};
use voltwin_query::{Dialect, Query};

use crate::random::ask;
use crate::world::World;

/// A house with two floors, rooms on them, and a wire in a ring.
fn house() -> World {
    let mut world = World::new();
    world.twin("house", "dtmi:test:Thing;1", &json!({"name": "House", "size": 3.0}));
    world.twin("f1", "dtmi:test:Thing;1", &json!({"name": "First", "size": 2.0, "on": true}));
    world.twin(
        "f2",
        "dtmi:test:Thing;1",
        &json!({"name": "Second", "tags": ["red", "blue"], "marks": [1, 3]}),
    );
    world.twin("r1", "dtmi:test:Room;1", &json!({"name": "Kitchen", "code": "7", "amount": 7, "on": false}));
    world.twin("r2", "dtmi:test:Room;2", &json!({"name": "bath", "code": 7, "info": {"city": "Rome"}}));
    world.twin("r3", "dtmi:test:Hall;1", &json!({"size": 2.5, "Group": "A"}));
    world.link("house", "a", "holds", "f1", &json!({}));
    world.link("house", "b", "holds", "f2", &json!({}));
    world.link("f1", "c", "holds", "r1", &json!({}));
    world.link("f1", "d", "holds", "r2", &json!({}));
    world.link("f2", "e", "holds", "r3", &json!({}));
    world.link("r1", "n", "near", "r2", &json!({"weight": 0.5, "kind": "door", "tags": ["red"]}));
    world.link("r2", "n", "near", "r3", &json!({"weight": 1.5}));
    world.link("r3", "n", "near", "r1", &json!({}));
    world
}

/// The first column of an answer, sorted.
fn column(text: &str) -> Vec<String> {
    let rows = ask(text, &house()).unwrap_or_else(|error| panic!("{text}\n{error}"));
    let first = |row: Json| {
        let value = row.as_object().and_then(|row| row.values().next().cloned()).unwrap_or(Json::Null);
        value.as_str().map_or(value.to_string(), str::to_owned)
    };
    let mut column: Vec<String> = rows.into_iter().map(first).collect();
    column.sort_unstable();
    column
}

fn ids_where(condition: &str) -> Vec<String> {
    column(&format!("SELECT T.$dtId FROM DIGITALTWINS T WHERE {condition}"))
}

#[test]
fn an_unknown_property_gives_nothing_and_no_error() {
    assert!(ids_where("T.Name = 'House'").is_empty(), "names are case-sensitive");
    for condition in ["T.x = 1", "T.x != 1", "NOT T.x = 1", "T.x IN [1]", "T.x NIN [1]", "NOT T.x NIN [1]"] {
        assert!(ids_where(condition).is_empty(), "{condition}");
    }
    assert!(ids_where("STARTSWITH(T.x, '') OR CONTAINS(T.x, '') OR ARRAY_CONTAINS(T.x, 1)").is_empty());
    assert_eq!(ids_where("NOT IS_DEFINED(T.x)").len(), 6);
    assert_eq!(ids_where("T.x = 1 OR T.$dtId = 'r1'"), ["r1"], "unknown OR true is true");
    assert_eq!(ids_where("NOT (T.x = 1 AND T.$dtId = 'r1')").len(), 5, "unknown AND false is false");
}

#[test]
fn missing_values_satisfy_neither_a_condition_nor_its_opposite() {
    assert_eq!(ids_where("T.size > 2"), ["house", "r3"]);
    assert_eq!(ids_where("NOT T.size > 2"), ["f1"]);
    assert_eq!(ids_where("T.on = true"), ["f1"]);
    assert_eq!(ids_where("T.on != true"), ["r1"]);
    assert_eq!(ids_where("IS_NULL(T.size)"), [""; 0], "what is missing is not null");
    assert_eq!(ids_where("T.size = null"), [""; 0]);
    assert_eq!(ids_where("T.size != null"), ["f1", "house", "r3"]);
}

#[test]
fn types_are_not_mixed() {
    assert_eq!(ids_where("T.code = 7"), ["r2"]);
    assert_eq!(ids_where("T.code = '7'"), ["r1"]);
    assert_eq!(ids_where("T.code != 7"), ["r1"], "a text is not the number 7");
    assert_eq!(ids_where("T.code > 6"), ["r2"]);
    assert_eq!(ids_where("NOT T.code > 6"), [""; 0], "a text has no order against a number");
    assert_eq!(ids_where("T.code IN [7, '7']"), ["r1", "r2"]);
    assert_eq!(ids_where("T.amount = 7.0"), ["r1"], "7 is 7.0");
    assert_eq!(ids_where("T.size = 3"), ["house"]);
    assert_eq!(ids_where("T.amount = T.code"), [""; 0]);
    assert_eq!(ids_where("IS_NUMBER(T.code)"), ["r2"]);
    assert_eq!(ids_where("IS_STRING(T.code)"), ["r1"]);
    assert_eq!(ids_where("IS_OBJECT(T.info)"), ["r2"]);
    assert_eq!(ids_where("IS_OBJECT(T.tags) OR IS_PRIMITIVE(T.tags)"), [""; 0], "an array is neither");
    assert_eq!(ids_where("IS_PRIMITIVE(T.info.city)"), ["r2"]);
    assert_eq!(ids_where("IS_BOOL(T.on)"), ["f1", "r1"]);
}

#[test]
fn texts_are_case_sensitive_and_compared_by_characters() {
    assert_eq!(ids_where("T.name = 'kitchen'"), [""; 0]);
    assert_eq!(ids_where("T.name < 'a'"), ["f1", "f2", "house", "r1"]);
    assert_eq!(ids_where("STARTSWITH(T.name, 'Ki')"), ["r1"]);
    assert_eq!(ids_where("ENDSWITH(T.name, 'st')"), ["f1"]);
    assert_eq!(ids_where("CONTAINS(T.$dtId, 'ou')"), ["house"]);
    assert_eq!(ids_where("CONTAINS(T.amount, '7')"), [""; 0], "a number holds no text");
    assert_eq!(ids_where("T.[[Group]] = 'A'"), ["r3"]);
}

#[test]
fn a_model_has_heirs_and_later_versions() {
    assert_eq!(ids_where("IS_OF_MODEL('dtmi:test:Thing;1')").len(), 6);
    assert_eq!(ids_where("IS_OF_MODEL('dtmi:test:Thing;1', exact)"), ["f1", "f2", "house"]);
    assert_eq!(ids_where("IS_OF_MODEL(T, 'dtmi:test:Room;1')"), ["r1", "r2", "r3"], "Room;2 is later");
    assert_eq!(ids_where("IS_OF_MODEL(T, 'dtmi:test:Room;1', exact)"), ["r1"]);
    assert_eq!(ids_where("IS_OF_MODEL(T, 'dtmi:test:Room;2')"), ["r2", "r3"], "Hall extends it");
    assert_eq!(ids_where("IS_OF_MODEL('dtmi:test:Room;3')"), [""; 0]);
    assert_eq!(ids_where("NOT IS_OF_MODEL('dtmi:test:Room;1')"), ["f1", "f2", "house"]);
    assert_eq!(ids_where("IS_OF_MODEL('no model')"), [""; 0]);
    assert_eq!(ids_where("T.$metadata.$model = 'dtmi:test:Hall;1'"), ["r3"]);
}

#[test]
fn arrays_are_looked_at_on_their_top_level() {
    assert_eq!(ids_where("ARRAY_CONTAINS(T.tags, 'red')"), ["f2"]);
    assert_eq!(ids_where("ARRAY_CONTAINS(T.marks, 3.0)"), ["f2"]);
    assert_eq!(ids_where("NOT ARRAY_CONTAINS(T.tags, 'green')"), ["f2"], "those without tags are unknown");
    assert_eq!(ids_where("ARRAY_CONTAINS(T.name, 'House')"), [""; 0]);
}

#[test]
fn rows_are_flat_and_leave_out_what_is_missing() {
    let world = house();
    let ask = |text: &str| ask(text, &world).unwrap();
    assert_eq!(ask("SELECT * FROM DIGITALTWINS WHERE $dtId = 'r2'"), [world.twins["r2"].clone()]);
    assert_eq!(ask("SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'r2'"), [json!({ "T": world.twins["r2"] })]);
    let rows = ask(
        "SELECT name, size, info.city, $metadata.$model AS kind FROM DIGITALTWINS WHERE $dtId IN ['r2', 'r3']",
    );
    assert_eq!(
        rows,
        [
            json!({"name": "bath", "city": "Rome", "kind": "dtmi:test:Room;2"}),
            json!({"size": 2.5, "kind": "dtmi:test:Hall;1"})
        ]
    );
    assert_eq!(ask("SELECT COUNT() FROM DIGITALTWINS"), [json!({ "COUNT": 6 })]);
    assert_eq!(ask("SELECT COUNT() FROM DIGITALTWINS WHERE x = 1"), [json!({ "COUNT": 0 })]);
    assert_eq!(ask("SELECT COUNT() FROM RELATIONSHIPS"), [json!({ "COUNT": 8 })]);
    assert_eq!(ask("SELECT TOP(2) FROM DIGITALTWINS").len(), 2);
    let link = world.links[&("r1".to_owned(), "n".to_owned())].clone();
    assert_eq!(ask("SELECT * FROM RELATIONSHIPS WHERE kind = 'door'"), std::slice::from_ref(&link));
    let rows = ask("SELECT A.name, B, R FROM DIGITALTWINS A JOIN B RELATED A.near R WHERE A.$dtId = 'r1'");
    assert_eq!(rows, [json!({"name": "Kitchen", "B": world.twins["r2"], "R": link})]);
}

#[test]
fn times_are_those_of_each_value() {
    let mut world = house();
    let first = world.twins["f1"]["$metadata"]["size"]["lastUpdateTime"].as_str().unwrap().to_owned();
    world.patch("f1", "size", Some(json!(4.0)));
    let later = world.twins["f1"]["$metadata"]["size"]["lastUpdateTime"].as_str().unwrap().to_owned();
    let ask =
        |condition: &str| ask(&format!("SELECT $dtId FROM DIGITALTWINS WHERE {condition}"), &world).unwrap();
    assert_eq!(ask(&format!("$metadata.size.lastUpdateTime > '{first}' AND $dtId = 'f1'")).len(), 1);
    assert_eq!(ask(&format!("$metadata.$lastUpdateTime = '{later}'")), [json!({ "$dtId": "f1" })]);
    assert_eq!(ask("$metadata.size.sourceTime < '2027'").len(), 3);
    let etag = world.twins["f1"]["$etag"].as_str().unwrap();
    assert_eq!(ask(&format!("$etag = '{etag}'")), [json!({ "$dtId": "f1" })]);
}

#[test]
fn joins_are_inner_and_begin_at_either_end() {
    assert_eq!(
        column("SELECT B.$dtId FROM DIGITALTWINS A JOIN B RELATED A.holds WHERE A.$dtId = 'f1'"),
        ["r1", "r2"]
    );
    assert_eq!(
        column("SELECT A.$dtId FROM DIGITALTWINS A JOIN B RELATED A.holds WHERE B.$dtId = 'r3'"),
        ["f2"]
    );
    assert_eq!(
        column("SELECT A.$dtId FROM DIGITALTWINS A JOIN B RELATED A.holds WHERE A.$dtId = 'r1'"),
        [""; 0]
    );
    let two = "SELECT C.$dtId FROM DIGITALTWINS A JOIN B RELATED A.holds JOIN C RELATED B.holds";
    assert_eq!(column(two), ["r1", "r2", "r3"], "no start is needed");
    assert_eq!(column(&format!("{two} WHERE B.name = 'Second'")), ["r3"]);
    let both = "SELECT B.$dtId FROM DIGITALTWINS A JOIN B RELATED A.holds JOIN C RELATED A.holds WHERE A.$dtId = 'f1'";
    assert_eq!(column(both), ["r1", "r1", "r2", "r2"], "two joins do not know of each other");
    let by_link = "SELECT B.$dtId FROM DIGITALTWINS A JOIN B RELATED A.near R WHERE R.weight > 1";
    assert_eq!(column(by_link), ["r3"]);
}

#[test]
fn of_a_range_of_hops_the_first_is_excluded() {
    let from = |pattern: &str| {
        column(&format!("SELECT B.$dtId FROM DIGITALTWINS MATCH (A){pattern}(B) WHERE A.$dtId = 'house'"))
    };
    assert_eq!(from("-[:holds]->"), ["f1", "f2"]);
    assert_eq!(from("-[:holds*2]->"), ["r1", "r2", "r3"]);
    assert_eq!(from("-[:holds*1..2]->"), ["r1", "r2", "r3"]);
    assert_eq!(from("-[:holds*..2]->"), ["f1", "f2", "r1", "r2", "r3"]);
    assert_eq!(from("<-[:holds*..2]-"), [""; 0]);
    assert_eq!(from("-[:holds|near*3]->"), ["r1", "r2", "r3"], "on along near");
    assert_eq!(from("-[]->()-[:holds]->"), ["r1", "r2", "r3"]);
}

#[test]
fn a_pattern_walks_each_relationship_once() {
    let ring = |hops: &str| {
        column(&format!("SELECT B.$dtId FROM DIGITALTWINS MATCH (A)-[:near{hops}]->(B) WHERE A.$dtId = 'r1'"))
    };
    assert_eq!(ring("*3"), ["r1"], "once round");
    assert_eq!(ring("*4"), [""; 0], "and no further");
    assert_eq!(ring("*..10"), ["r1", "r2", "r3"]);
    let both = column("SELECT B.$dtId FROM DIGITALTWINS MATCH (A)-[:near]-(B) WHERE A.$dtId = 'r1'");
    assert_eq!(both, ["r2", "r3"]);
    let siblings =
        "SELECT C.$dtId FROM DIGITALTWINS MATCH (A)<-[:holds]-(B)-[:holds]->(C) WHERE A.$dtId = 'r1'";
    assert_eq!(column(siblings), ["r2"], "not back the way it came");
    let triangle = "SELECT A.$dtId FROM DIGITALTWINS MATCH (A)-[:near]->(B)-[:near]->(C)-[:near]->(A)";
    assert_eq!(column(triangle), ["r1", "r2", "r3"], "a name that comes again is the same twin");
}

#[test]
fn answers_are_ordered_grouped_and_summed() {
    let world = house();
    let ask = |text: &str| ask(text, &world).unwrap();
    let by_size = ask("SELECT $dtId FROM DIGITALTWINS WHERE IS_DEFINED(size) ORDER BY size DESC");
    assert_eq!(by_size, [json!({"$dtId": "house"}), json!({"$dtId": "r3"}), json!({"$dtId": "f1"})]);
    let by_code = ask("SELECT T.$dtId AS id, T.code FROM DIGITALTWINS T ORDER BY T.code DESC, id");
    let ids: Vec<&Json> = by_code.iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, ["r1", "r2", "f1", "f2", "house", "r3"], "texts, numbers, what is missing");
    let groups =
        ask("SELECT T.$metadata.$model AS kind, COUNT() AS twins, SUM(T.size) AS size, MIN(T.name) AS first
         FROM DIGITALTWINS T GROUP BY T.$metadata.$model ORDER BY twins DESC, kind");
    assert_eq!(
        groups,
        [
            json!({"kind": "dtmi:test:Thing;1", "twins": 3, "size": 5.0, "first": "First"}),
            json!({"kind": "dtmi:test:Hall;1", "twins": 1, "size": 2.5}),
            json!({"kind": "dtmi:test:Room;1", "twins": 1, "first": "Kitchen"}),
            json!({"kind": "dtmi:test:Room;2", "twins": 1, "first": "bath"}),
        ]
    );
    let all = ask("SELECT SUM(amount), AVG(size), COUNT(name), MAX(code) FROM DIGITALTWINS");
    assert_eq!(all, [json!({"SUM": 7, "AVG": 2.5, "COUNT": 5, "MAX": "7"})]);
    let none = ask("SELECT SUM(amount), COUNT() FROM DIGITALTWINS WHERE x = 1");
    assert_eq!(none, [json!({ "COUNT": 0 })], "a sum of nothing is missing");
    let per_floor = ask("SELECT F.name, COUNT() AS rooms FROM DIGITALTWINS F JOIN R RELATED F.holds
         WHERE IS_OF_MODEL(R, 'dtmi:test:Room;1') GROUP BY F.name");
    assert_eq!(per_floor, [json!({"name": "First", "rooms": 2}), json!({"name": "Second", "rooms": 1})]);
}

#[test]
fn plans_begin_where_the_fewest_are() {
    let world = house();
    let plan = |text: &str| Query::parse(text, Dialect::Superset).unwrap().explain(&world.graph);
    assert_eq!(plan("SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'r1'"), "T of 1 ids, 1 conditions\n");
    assert_eq!(
        plan("SELECT A FROM DIGITALTWINS A JOIN B RELATED A.holds WHERE B.$dtId IN ['r1', 'r1', 'r2']"),
        "B of 2 ids, 1 conditions\nB <- A, 1 to 1 hops, 0 conditions\n"
    );
    assert_eq!(
        plan(
            "SELECT A FROM DIGITALTWINS MATCH (A)-[*..2]-(B) WHERE IS_OF_MODEL(B, 'dtmi:test:Hall;1') AND A.size > B.size"
        ),
        "B of 1 twins of 1 models, 1 conditions\nB -- A, 1 to 2 hops, 1 conditions\n"
    );
    assert_eq!(
        plan("SELECT * FROM RELATIONSHIPS WHERE $targetId = 'r1' AND $sourceId IN ['a', 'b']"),
        "#0 to 1 twins, 2 conditions\n"
    );
    assert_eq!(plan("SELECT * FROM RELATIONSHIPS"), "#0 of 8 relationships, 0 conditions\n");
}
