//! Random queries over random graphs, held against the naive evaluator, and rules that need no second evaluator.

use serde_json::{Value as Json, json};
use voltwin_query::{Budget, Dialect, Query as Compiled};

use crate::naive::{self, Cond, Edge, Hops, Item, Join, Path, Query, Select, Side};
use crate::render;
use crate::world::{Dice, World};

/// Graphs of a run.
const GRAPHS: u64 = 20;

#[test]
fn random_queries_mean_what_plain_loops_say() {
    compare_with_plain_loops(50);
}

/// `cargo test --release -p voltwin-query -- --ignored`.
#[test]
#[ignore = "10,000 queries: minutes without optimisation"]
fn ten_thousand_random_queries_mean_what_plain_loops_say() {
    compare_with_plain_loops(500);
}

fn compare_with_plain_loops(queries: usize) {
    let mut rows_seen = 0;
    for seed in 0..GRAPHS {
        let mut dice = Dice::new(seed + 1);
        let world = World::random(&mut dice);
        for number in 0..queries {
            let query = any_query(&mut dice);
            let text = render::query(&query);
            let place = format!("graph {seed}, query {number}:\n{text}");
            let got = ask(&text, &world).unwrap_or_else(|error| panic!("{place}\n{error}"));
            let wanted = naive::answer(&query, &world);
            rows_seen += wanted.len();
            check_answer(&query, &got, &wanted, &world, &place);
        }
    }
    assert!(rows_seen > 20 * queries, "the queries must find something: {rows_seen} rows");
}

/// All rows of a query; its pages, whose length depends on the text, must come to the same.
pub(crate) fn ask(text: &str, world: &World) -> Result<Vec<Json>, String> {
    let query = Compiled::parse(text, Dialect::Superset).map_err(|error| error.to_string())?;
    let mut whole = Vec::new();
    let budget = Budget::default();
    query
        .each(&world.graph, budget, |row| {
            whole.push(row);
            true
        })
        .map_err(|error| error.to_string())?;
    // Short pages, and not too many of them.
    let length = (text.len() % 7).max(whole.len() / 20).min(900) + 1;
    let mut paged = Vec::new();
    let mut next = Ok(query);
    while let Ok(query) = next {
        let page = query.page(&world.graph, length, budget).map_err(|error| error.to_string())?;
        let full = page.rows.len() == length;
        paged.extend(page.rows);
        match page.token {
            Some(token) => {
                assert!(full, "a page that goes on is full: {text}");
                next = Compiled::resume(&token);
                assert!(next.is_ok(), "{text}");
            }
            None => break,
        }
    }
    assert_eq!(paged, whole, "pages of {length} of {text}");
    Ok(whole)
}

fn texts(rows: &[Json]) -> Vec<String> {
    let mut texts: Vec<String> = rows.iter().map(Json::to_string).collect();
    texts.sort_unstable();
    texts
}

fn check_answer(query: &Query, got: &[Json], wanted: &[Json], world: &World, place: &str) {
    if query.top.is_some() && query.order.is_empty() {
        // Which rows come first is not said: they are some of all.
        assert_eq!(got.len(), wanted.len(), "{place}");
        let mut all = texts(&naive::answer(&Query { top: None, ..query.clone() }, world));
        for row in texts(got) {
            let found = all.iter().position(|other| *other == row);
            all.swap_remove(found.unwrap_or_else(|| panic!("{place}\nno such row: {row}")));
        }
        return;
    }
    if let (false, Some(top)) = (query.order.is_empty(), query.top) {
        assert_eq!(got.len(), wanted.len().min(top), "{place}");
    } else {
        assert_eq!(texts(got), texts(wanted), "{place}");
    }
    // Ordered queries show what they are ordered by as their first columns.
    let keys = |rows: &[Json]| -> Vec<Vec<Option<Json>>> {
        let one = |row: &Json| (0..query.order.len()).map(|n| row.get(format!("k{n}")).cloned()).collect();
        rows.iter().map(one).collect()
    };
    if !query.order.is_empty() {
        assert_eq!(keys(got), keys(wanted), "{place}");
    }
}

#[test]
fn not_divides_what_is_known() {
    for seed in 100..120 {
        let mut dice = Dice::new(seed);
        let world = World::random(&mut dice);
        for _ in 0..10 {
            let (a, b) = (any_cond(&mut dice, &twin_scope(), 2), any_cond(&mut dice, &twin_scope(), 2));
            let count = |cond: &Cond| {
                let text = format!("SELECT COUNT() FROM DIGITALTWINS T WHERE {}", render::condition(cond));
                ask(&text, &world).unwrap()[0]["COUNT"].as_u64().unwrap()
            };
            let not = |cond: &Cond| Cond::Not(Box::new(cond.clone()));
            let (and, or) = (
                |a: &Cond, b: &Cond| Cond::And(vec![a.clone(), b.clone()]),
                |a: &Cond, b: &Cond| Cond::Or(vec![a.clone(), b.clone()]),
            );
            let label = render::condition(&a);
            assert_eq!(count(&a), count(&not(&not(&a))), "{label}");
            assert_eq!(count(&and(&a, &not(&a))), 0, "{label}");
            assert_eq!(count(&or(&a, &not(&a))), count(&a) + count(&not(&a)), "{label}");
            assert_eq!(count(&not(&and(&a, &b))), count(&or(&not(&a), &not(&b))), "{label}");
            assert_eq!(count(&and(&a, &b)) + count(&or(&a, &b)), count(&a) + count(&b), "{label}");
            let known = Cond::Is("IS_DEFINED", vec!["T".into(), "name".into()]);
            assert_eq!(count(&known) + count(&not(&known)), world.twins.len() as u64);
        }
    }
}

#[test]
fn a_join_is_a_pattern() {
    for seed in 200..220 {
        let mut dice = Dice::new(seed);
        let world = World::random(&mut dice);
        for _ in 0..10 {
            let names: Vec<&str> = (0..1 + dice.below(3)).map(|_| *dice.pick(&["holds", "near"])).collect();
            let mut joins = String::from("FROM DIGITALTWINS A0");
            let mut pattern = String::from("FROM DIGITALTWINS MATCH (A0)");
            let mut columns = String::from("A0.$dtId AS A0");
            for (n, name) in names.iter().enumerate() {
                joins += &format!(" JOIN A{} RELATED A{n}.{name} R{n}", n + 1);
                pattern += &format!("-[R{n}:{name}]->(A{})", n + 1);
                columns += &format!(", A{0}.$dtId AS A{0}, R{n}.$relationshipId AS R{n}", n + 1);
            }
            let scope: Vec<Collection> = (0..=names.len())
                .map(|n| Collection { name: Some(format!("A{n}")), of_links: false })
                .chain((0..names.len()).map(|n| Collection { name: Some(format!("R{n}")), of_links: true }))
                .collect();
            let filter = render::condition(&any_cond(&mut dice, &scope, 2));
            let by_join = ask(&format!("SELECT {columns} {joins} WHERE {filter}"), &world).unwrap();
            // A pattern walks each relationship once; joins do not know of each other.
            let by_join: Vec<Json> = by_join.into_iter().filter(|row| walks_once(row, names.len())).collect();
            let by_match = ask(&format!("SELECT {columns} {pattern} WHERE {filter}"), &world).unwrap();
            assert_eq!(texts(&by_join), texts(&by_match), "{joins}\n{filter}");
        }
    }
}

/// Whether the relationships of a row are all different.
fn walks_once(row: &Json, edges: usize) -> bool {
    let ids: std::collections::BTreeSet<String> =
        (0..edges).map(|n| row[format!("R{n}")].to_string()).collect();
    ids.len() == edges
}

/// A collection that a condition can read.
#[derive(Debug, Clone)]
struct Collection {
    name: Option<String>,
    of_links: bool,
}

fn twin_scope() -> Vec<Collection> {
    vec![Collection { name: Some("T".into()), of_links: false }]
}

fn any_query(dice: &mut Dice) -> Query {
    let kind = dice.below(10);
    let mut query = Query {
        top: dice.one_in(8).then(|| dice.below(6)),
        select: Select::All,
        of_links: kind == 0,
        alias: None,
        joins: Vec::new(),
        pattern: None,
        filter: None,
        group: Vec::new(),
        order: Vec::new(),
    };
    let mut scope = Vec::new();
    match kind {
        0..5 => {
            query.alias = (!dice.one_in(3)).then(|| "T".to_owned());
            scope.push(Collection { name: query.alias.clone(), of_links: query.of_links });
        }
        5..7 => joined(dice, &mut query, &mut scope),
        7..9 => matched(dice, &mut query, &mut scope, None),
        _ => {
            joined(dice, &mut query, &mut scope);
            let first = scope.iter().find(|one| !one.of_links).and_then(|one| one.name.clone());
            matched(dice, &mut query, &mut scope, first.as_deref());
        }
    }
    if !dice.one_in(6) {
        query.filter = Some(any_cond(dice, &scope, 3));
    }
    projected(dice, &mut query, &scope);
    query
}

fn joined(dice: &mut Dice, query: &mut Query, scope: &mut Vec<Collection>) {
    query.alias = Some("A".into());
    scope.push(Collection { name: Some("A".into()), of_links: false });
    for number in 0..1 + dice.below(2) {
        let twins: Vec<String> =
            scope.iter().filter(|one| !one.of_links).filter_map(|one| one.name.clone()).collect();
        let link = dice.one_in(2).then(|| format!("R{number}"));
        let join = Join {
            target: format!("B{number}"),
            from: dice.pick(&twins).clone(),
            name: (*dice.pick(&["holds", "near", "unheard"])).into(),
            link,
        };
        scope.push(Collection { name: Some(join.target.clone()), of_links: false });
        scope.extend(join.link.clone().map(|name| Collection { name: Some(name), of_links: true }));
        query.joins.push(join);
    }
}

/// A pattern; `first` is its first node where it is known already.
fn matched(dice: &mut Dice, query: &mut Query, scope: &mut Vec<Collection>, first: Option<&str>) {
    let begin = first.unwrap_or("M").to_owned();
    if first.is_none() {
        scope.push(Collection { name: Some(begin.clone()), of_links: false });
    }
    let mut edges: Vec<Edge> = Vec::new();
    for number in 0..1 + dice.below(2) {
        // Two long ways in a row would give millions of rows.
        let is_long = edges.iter().any(|edge| !matches!(edge.hops, Hops::One));
        let hops = match dice.below(6) {
            _ if is_long => Hops::One,
            0 => Hops::Exactly(1 + dice.below(3)),
            1 => Hops::Between(1, 2 + dice.below(2)),
            2 => Hops::UpTo(1 + dice.below(3)),
            _ => Hops::One,
        };
        let link = (matches!(hops, Hops::One) && dice.one_in(2)).then(|| format!("L{number}"));
        let node = match dice.below(6) {
            0 => None,
            // Back to where the pattern began.
            1 if number > 0 => Some(begin.clone()),
            _ => Some(format!("N{number}")),
        };
        let names = match dice.below(3) {
            0 => vec![],
            1 => vec!["near".to_owned()],
            _ => vec!["holds".to_owned(), "near".to_owned()],
        };
        let new_node = node.clone().filter(|name| *name != begin);
        scope.extend(new_node.map(|name| Collection { name: Some(name), of_links: false }));
        scope.extend(link.clone().map(|name| Collection { name: Some(name), of_links: true }));
        edges.push(Edge { arrow: *dice.pick(&['>', '<', '-']), link, names, hops, node });
    }
    query.pattern = Some((Some(begin), edges));
}

fn projected(dice: &mut Dice, query: &mut Query, scope: &[Collection]) {
    match dice.below(6) {
        0 | 1 => {}
        2 => query.select = Select::Count,
        3 => {
            let items = (0..1 + dice.below(3)).map(|number| {
                let collection = dice.pick(scope);
                let path = match &collection.name {
                    Some(name) if dice.one_in(3) => vec![name.clone()],
                    _ => any_path(dice, collection),
                };
                (Item::Path(path), Some(format!("c{number}")))
            });
            query.select = Select::Items(items.collect());
        }
        4 => {
            let paths: Vec<Path> = (0..1 + dice.below(2)).map(|_| path_in(dice, scope)).collect();
            let column =
                |(number, path): (usize, &Path)| (Item::Path(path.clone()), Some(format!("k{number}")));
            let mut items: Vec<_> = paths.iter().enumerate().map(column).collect();
            items.push((Item::Path(path_in(dice, scope)), Some("c".to_owned())));
            query.select = Select::Items(items);
            query.order = paths.into_iter().map(|path| (path, dice.one_in(2))).collect();
        }
        _ => {
            query.top = None;
            query.group = (0..dice.below(3)).map(|_| path_in(dice, scope)).collect();
            query.group.dedup();
            let keys = query.group.iter().enumerate();
            let mut items: Vec<_> =
                keys.map(|(number, path)| (Item::Path(path.clone()), Some(format!("g{number}")))).collect();
            for kind in ["COUNT", "SUM", "AVG", "MIN", "MAX"] {
                if dice.one_in(2) {
                    items.push((Item::Aggregate(kind, Some(path_in(dice, scope))), None));
                }
            }
            items.push((Item::Aggregate("COUNT", None), Some("n".to_owned())));
            query.select = Select::Items(items);
        }
    }
}

fn path_in(dice: &mut Dice, scope: &[Collection]) -> Path {
    let collection = dice.pick(scope).clone();
    any_path(dice, &collection)
}

fn any_path(dice: &mut Dice, collection: &Collection) -> Path {
    const TWIN: [&str; 25] = [
        "name",
        "size",
        "amount",
        "on",
        "tags",
        "marks",
        "Group",
        "info",
        "info.city",
        "info.level",
        "part",
        "part.level",
        "part.info.city",
        "part.$metadata.level.sourceTime",
        "code",
        "code",
        "size",
        "unheard",
        "name.inner",
        "$dtId",
        "$etag",
        "$metadata.$model",
        "$metadata.$lastUpdateTime",
        "$metadata.size.lastUpdateTime",
        "$metadata.name",
    ];
    const LINK: [&str; 10] = [
        "weight",
        "kind",
        "tags",
        "unheard",
        "$relationshipId",
        "$relationshipName",
        "$sourceId",
        "$targetId",
        "$etag",
        "$dtId",
    ];
    let text = if collection.of_links { *dice.pick(&LINK) } else { *dice.pick(&TWIN) };
    collection.name.iter().cloned().chain(text.split('.').map(str::to_owned)).collect()
}

fn any_value(dice: &mut Dice) -> Json {
    match dice.below(12) {
        0..3 => json!(dice.below(9) as f64 * 0.5 - 1.0),
        3..5 => json!(dice.below(6) as i64 - 2),
        5 => json!(dice.one_in(2)),
        6 => json!(format!("t{}", dice.below(30))),
        7 => json!("dtmi:test:Room;1"),
        8 if dice.one_in(4) => Json::Null,
        _ => json!(*dice.pick(&["alpha", "beta", "A", "B", "Rome", "1", "near", "road", "red", "", "r1"])),
    }
}

fn any_cond(dice: &mut Dice, scope: &[Collection], depth: usize) -> Cond {
    if depth > 0 && dice.one_in(2) {
        let parts =
            |dice: &mut Dice| (0..2 + dice.below(2)).map(|_| any_cond(dice, scope, depth - 1)).collect();
        return match dice.below(3) {
            0 => Cond::Not(Box::new(any_cond(dice, scope, depth - 1))),
            1 => Cond::And(parts(dice)),
            _ => Cond::Or(parts(dice)),
        };
    }
    let twins: Vec<&Collection> = scope.iter().filter(|one| !one.of_links).collect();
    let signs = ["=", "!=", "<", "<=", ">", ">="];
    let sign = *dice.pick(&signs);
    match dice.below(12) {
        0 if !twins.is_empty() => {
            let id = Side::Path(dice.pick(&twins).name.iter().cloned().chain(["$dtId".to_owned()]).collect());
            let ids = (0..1 + dice.below(4)).map(|_| json!(format!("t{}", dice.below(30)))).collect();
            Cond::In(id, ids, dice.one_in(5))
        }
        1 if !twins.is_empty() => {
            let models = [
                "dtmi:test:Thing;1",
                "dtmi:test:Room;1",
                "dtmi:test:Room;2",
                "dtmi:test:Hall;1",
                "dtmi:test:No;1",
            ];
            Cond::Model(dice.pick(&twins).name.clone(), (*dice.pick(&models)).to_owned(), dice.one_in(3))
        }
        2 => {
            let kinds =
                ["IS_DEFINED", "IS_NULL", "IS_BOOL", "IS_NUMBER", "IS_STRING", "IS_OBJECT", "IS_PRIMITIVE"];
            let kind = *dice.pick(&kinds);
            Cond::Is(kind, path_in(dice, scope))
        }
        3 => {
            let part = *dice.pick(&["a", "alpha", "t1", "", "o", ";1"]);
            let test = *dice.pick(&["STARTSWITH", "ENDSWITH", "CONTAINS"]);
            Cond::Text(test, Side::Path(path_in(dice, scope)), Side::Value(part.into()))
        }
        4 => Cond::ArrayContains(path_in(dice, scope), any_value(dice)),
        5 => {
            let list = (0..1 + dice.below(4)).map(|_| any_value(dice)).collect();
            Cond::In(Side::Path(path_in(dice, scope)), list, dice.one_in(3))
        }
        6 => Cond::Compare(Side::Path(path_in(dice, scope)), sign, Side::Path(path_in(dice, scope))),
        7 => Cond::Compare(Side::Value(any_value(dice)), sign, Side::Path(path_in(dice, scope))),
        _ => Cond::Compare(Side::Path(path_in(dice, scope)), sign, Side::Value(any_value(dice))),
    }
}
