//! The language again, as plainly as it can be said: nested loops over JSON documents. It shares nothing with the
//! crate, and was written from the description of the language.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::world::{BASES, World};

/// A query as a structure; `render` writes it as text.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) top: Option<usize>,
    pub(crate) select: Select,
    pub(crate) of_links: bool,
    pub(crate) alias: Option<String>,
    pub(crate) joins: Vec<Join>,
    pub(crate) pattern: Option<(Option<String>, Vec<Edge>)>,
    pub(crate) filter: Option<Cond>,
    pub(crate) group: Vec<Path>,
    pub(crate) order: Vec<(Path, bool)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Select {
    All,
    Count,
    /// Each with the name of its column where it is given.
    Items(Vec<(Item, Option<String>)>),
}

#[derive(Debug, Clone)]
pub(crate) enum Item {
    Path(Path),
    Aggregate(&'static str, Option<Path>),
}

/// Names, of which the first is a collection where there are several.
pub(crate) type Path = Vec<String>;

#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) target: String,
    pub(crate) from: String,
    pub(crate) name: String,
    pub(crate) link: Option<String>,
}

/// A relationship of a pattern and the node after it.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// `<`, `>` or `-`.
    pub(crate) arrow: char,
    pub(crate) link: Option<String>,
    pub(crate) names: Vec<String>,
    /// As written: `*n`, `*a..b`, `*..b`.
    pub(crate) hops: Hops,
    pub(crate) node: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Hops {
    One,
    Exactly(usize),
    Between(usize, usize),
    UpTo(usize),
}

impl Hops {
    fn allow(self, number: usize) -> bool {
        match self {
            Self::One => number == 1,
            Self::Exactly(n) => number == n,
            Self::Between(after, last) => number > after && number <= last,
            Self::UpTo(last) => number >= 1 && number <= last,
        }
    }

    fn most(self) -> usize {
        match self {
            Self::One => 1,
            Self::Exactly(n) | Self::Between(_, n) | Self::UpTo(n) => n,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Cond {
    And(Vec<Cond>),
    Or(Vec<Cond>),
    Not(Box<Cond>),
    Compare(Side, &'static str, Side),
    In(Side, Vec<Json>, bool),
    Model(Option<String>, String, bool),
    Is(&'static str, Path),
    Text(&'static str, Side, Side),
    ArrayContains(Path, Json),
}

#[derive(Debug, Clone)]
pub(crate) enum Side {
    Path(Path),
    Value(Json),
}

/// What stands in each collection.
type Row<'w> = BTreeMap<String, &'w Json>;

/// The collection that a query gives no name.
const UNNAMED: &str = "";

/// The whole answer, in no particular order unless the query has one.
pub(crate) fn answer(query: &Query, world: &World) -> Vec<Json> {
    let mut rows = sources(query, world);
    if let Some(filter) = &query.filter {
        rows.retain(|row| outcome(filter, row) == Some(true));
    }
    let mut out = match &query.select {
        Select::Count => vec![json!({ "COUNT": rows.len() })],
        Select::Items(items) if is_grouped(query, items) => groups(query, items, &rows),
        select => {
            let keyed = rows.iter().map(|row| (keys(query, row), project(query, select, row)));
            sorted(query, keyed.collect())
        }
    };
    if let Some(top) = query.top {
        out.truncate(top);
    }
    out
}

fn sources<'w>(query: &Query, world: &'w World) -> Vec<Row<'w>> {
    let alias = query.alias.clone().unwrap_or_else(|| UNNAMED.to_owned());
    let one = |document: &'w Json| Row::from([(alias.clone(), document)]);
    let mut rows: Vec<Row<'w>> = if query.of_links {
        world.links.values().map(one).collect()
    } else if query.pattern.is_some() && query.alias.is_none() {
        vec![Row::new()]
    } else {
        world.twins.values().map(one).collect()
    };
    for join in &query.joins {
        let mut joined = Vec::new();
        for row in &rows {
            for link in world.links.values() {
                let fits = link["$sourceId"] == row[&join.from]["$dtId"]
                    && link["$relationshipName"] == join.name.as_str();
                let Some(target) = world.twins.get(link["$targetId"].as_str().unwrap()) else { continue };
                if fits {
                    let mut row = row.clone();
                    row.insert(join.target.clone(), target);
                    if let Some(name) = &join.link {
                        row.insert(name.clone(), link);
                    }
                    joined.push(row);
                }
            }
        }
        rows = joined;
    }
    match &query.pattern {
        None => rows,
        Some((first, edges)) => {
            let mut matched = Vec::new();
            for row in rows {
                for twin in world.twins.values() {
                    if let Some(row) = with(&row, first.as_deref(), twin) {
                        follow(world, edges, twin, 0, row, &mut Vec::new(), &mut matched);
                    }
                }
            }
            matched
        }
    }
}

/// The row with a twin in a collection; `None` where another stands there.
fn with<'w>(row: &Row<'w>, name: Option<&str>, twin: &'w Json) -> Option<Row<'w>> {
    let mut row = row.clone();
    if let Some(name) = name
        && let Some(other) = row.insert(name.to_owned(), twin)
        && other["$dtId"] != twin["$dtId"]
    {
        return None;
    }
    Some(row)
}

/// Every way to go on from `at`, `hops` hops into the first of `edges`.
fn follow<'w>(
    world: &'w World,
    edges: &[Edge],
    at: &'w Json,
    hops: usize,
    row: Row<'w>,
    used: &mut Vec<&'w (String, String)>,
    out: &mut Vec<Row<'w>>,
) {
    let Some((edge, rest)) = edges.split_first() else {
        out.push(row);
        return;
    };
    if hops == edge.hops.most() {
        return;
    }
    for (key, link) in &world.links {
        let name = link["$relationshipName"].as_str().unwrap();
        if used.contains(&key) || !(edge.names.is_empty() || edge.names.iter().any(|other| other == name)) {
            continue;
        }
        let (source, target) = (&link["$sourceId"], &link["$targetId"]);
        let mut ends = Vec::new();
        if edge.arrow != '<' && *source == at["$dtId"] {
            ends.push(target);
        }
        if edge.arrow != '>' && *target == at["$dtId"] {
            ends.push(source);
        }
        for end in ends {
            let Some(end) = world.twins.get(end.as_str().unwrap()) else { continue };
            used.push(key);
            if edge.hops.allow(hops + 1)
                && let Some(mut row) = with(&row, edge.node.as_deref(), end)
            {
                if let Some(name) = &edge.link {
                    row.insert(name.clone(), link);
                }
                follow(world, rest, end, 0, row, used, out);
            }
            follow(world, edges, end, hops + 1, row.clone(), used, out);
            used.pop();
        }
    }
}

/// The document that a path begins in, and the names that are left.
fn document<'a>(path: &'a [String], row: &'a Row<'_>) -> (&'a Json, &'a [String]) {
    match path.first().and_then(|first| row.get(first)) {
        Some(document) => (document, &path[1..]),
        None => (row.values().next().unwrap(), path),
    }
}

fn value(path: &[String], row: &Row<'_>) -> Option<Json> {
    let (mut found, names) = document(path, row);
    for name in names {
        found = found.as_object()?.get(name)?;
    }
    Some(found.clone())
}

fn side(side: &Side, row: &Row<'_>) -> Option<Json> {
    match side {
        Side::Path(path) => value(path, row),
        Side::Value(json) => Some(json.clone()),
    }
}

fn outcome(cond: &Cond, row: &Row<'_>) -> Option<bool> {
    match cond {
        Cond::And(parts) => {
            let all: Vec<Option<bool>> = parts.iter().map(|part| outcome(part, row)).collect();
            if all.contains(&Some(false)) {
                Some(false)
            } else {
                all.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
            }
        }
        Cond::Or(parts) => {
            let all: Vec<Option<bool>> = parts.iter().map(|part| outcome(part, row)).collect();
            if all.contains(&Some(true)) {
                Some(true)
            } else {
                all.into_iter().collect::<Option<Vec<_>>>().map(|_| false)
            }
        }
        Cond::Not(part) => outcome(part, row).map(|holds| !holds),
        Cond::Compare(left, sign, right) => compare(&side(left, row)?, sign, &side(right, row)?),
        Cond::In(one, list, negated) => {
            let one = side(one, row)?;
            Some(list.iter().any(|other| same(&one, other)) != *negated)
        }
        Cond::Model(collection, wanted, exact) => {
            let path: Vec<String> = collection.iter().cloned().collect();
            let model = document(&path, row).0["$metadata"]["$model"].as_str().unwrap().to_owned();
            Some(is_of(&model, wanted, *exact))
        }
        Cond::Is(kind, path) => Some(is(kind, value(path, row))),
        Cond::Text(test, subject, part) => {
            let (subject, part) = (side(subject, row)?, side(part, row)?);
            let (subject, part) = (subject.as_str()?, part.as_str()?);
            Some(match *test {
                "STARTSWITH" => subject.starts_with(part),
                "ENDSWITH" => subject.ends_with(part),
                _ => subject.contains(part),
            })
        }
        Cond::ArrayContains(path, item) => {
            let array = value(path, row)?;
            Some(array.as_array()?.iter().any(|element| same(element, item)))
        }
    }
}

fn is(kind: &str, value: Option<Json>) -> bool {
    let Some(value) = value else { return false };
    match kind {
        "IS_DEFINED" => true,
        "IS_NULL" => value.is_null(),
        "IS_BOOL" => value.is_boolean(),
        "IS_NUMBER" => value.is_number(),
        "IS_STRING" => value.is_string(),
        "IS_OBJECT" => value.is_object(),
        "IS_PRIMITIVE" => !value.is_object() && !value.is_array(),
        other => panic!("{other}"),
    }
}

fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn compare(a: &Json, sign: &str, b: &Json) -> Option<bool> {
    match sign {
        "=" => return Some(same(a, b)),
        "!=" => return Some(!same(a, b)),
        _ => {}
    }
    let order = match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?)?,
        (Json::String(a), Json::String(b)) => a.cmp(b),
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        _ => return None,
    };
    Some(match sign {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// The model or one that it extends is the wanted one, in that version or a later one.
fn is_of(model: &str, wanted: &str, exact: bool) -> bool {
    if exact {
        return model == wanted;
    }
    let bases = BASES.iter().find(|(id, _)| *id == model).unwrap().1;
    bases.iter().chain([&model]).any(|id| {
        let ((path, version), (wanted_path, wanted_version)) =
            (id.split_once(';').unwrap(), wanted.split_once(';').unwrap());
        path == wanted_path && version.parse::<u32>().unwrap() >= wanted_version.parse::<u32>().unwrap()
    })
}

fn project(query: &Query, select: &Select, row: &Row<'_>) -> Json {
    match select {
        Select::All if row.len() == 1 && query.joins.is_empty() && query.pattern.is_none() => {
            (*row.values().next().unwrap()).clone()
        }
        Select::All => json!(row),
        Select::Items(items) => {
            let mut out = Map::new();
            for (item, name) in items {
                let Item::Path(path) = item else { panic!("an aggregate in a plain row") };
                if let Some(value) = value(path, row) {
                    out.insert(name.clone().unwrap_or_else(|| path.last().unwrap().clone()), value);
                }
            }
            out.into()
        }
        Select::Count => unreachable!(),
    }
}

fn keys(query: &Query, row: &Row<'_>) -> Vec<Option<Json>> {
    query.order.iter().map(|(path, _)| value(path, row)).collect()
}

fn sorted(query: &Query, mut rows: Vec<(Vec<Option<Json>>, Json)>) -> Vec<Json> {
    rows.sort_by(|(a, _), (b, _)| {
        let mut order = std::cmp::Ordering::Equal;
        for ((a, b), (_, descending)) in a.iter().zip(b).zip(&query.order) {
            let one = total(a.as_ref(), b.as_ref());
            order = order.then(if *descending { one.reverse() } else { one });
        }
        order
    });
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Missing, null, bool, number, text, structure.
pub(crate) fn total(a: Option<&Json>, b: Option<&Json>) -> std::cmp::Ordering {
    let rank = |value: Option<&Json>| match value {
        None => 0,
        Some(Json::Null) => 1,
        Some(Json::Bool(_)) => 2,
        Some(Json::Number(_)) => 3,
        Some(Json::String(_)) => 4,
        Some(_) => 5,
    };
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Some(Json::Bool(a)), Some(Json::Bool(b))) => a.cmp(b),
        (Some(Json::Number(a)), Some(Json::Number(b))) => {
            a.as_f64().unwrap().partial_cmp(&b.as_f64().unwrap()).unwrap()
        }
        (Some(Json::String(a)), Some(Json::String(b))) => a.cmp(b),
        (Some(a), Some(b)) => a.to_string().cmp(&b.to_string()),
        _ => std::cmp::Ordering::Equal,
    })
}

fn is_grouped(query: &Query, items: &[(Item, Option<String>)]) -> bool {
    !query.group.is_empty() || items.iter().any(|(item, _)| matches!(item, Item::Aggregate(..)))
}

fn groups(query: &Query, items: &[(Item, Option<String>)], rows: &[Row<'_>]) -> Vec<Json> {
    let mut all: Vec<(Vec<Option<Json>>, Vec<&Row<'_>>)> = Vec::new();
    if query.group.is_empty() {
        all.push((Vec::new(), Vec::new()));
    }
    for row in rows {
        let keys: Vec<Option<Json>> = query.group.iter().map(|path| value(path, row)).collect();
        match all.iter_mut().find(|(other, _)| *other == keys) {
            Some((_, rows)) => rows.push(row),
            None => all.push((keys, vec![row])),
        }
    }
    let one = |(keys, rows): &(Vec<Option<Json>>, Vec<&Row<'_>>)| {
        let mut out = Map::new();
        for (item, name) in items {
            let (value, own) = match item {
                Item::Path(path) => {
                    let place = query.group.iter().position(|key| key == path).unwrap();
                    (keys[place].clone(), path.last().unwrap().clone())
                }
                Item::Aggregate(kind, path) => (aggregate(kind, path.as_ref(), rows), (*kind).to_owned()),
            };
            if let Some(value) = value {
                out.insert(name.clone().unwrap_or(own), value);
            }
        }
        Json::from(out)
    };
    all.iter().map(one).collect()
}

fn aggregate(kind: &str, path: Option<&Path>, rows: &[&Row<'_>]) -> Option<Json> {
    let Some(path) = path else { return Some(rows.len().into()) };
    let values: Vec<Json> = rows.iter().filter_map(|row| value(path, row)).collect();
    let numbers: Vec<f64> = values.iter().filter_map(Json::as_f64).collect();
    let plain = values.iter().filter(|value| !value.is_object() && !value.is_array() && !value.is_null());
    match kind {
        "COUNT" => Some(values.len().into()),
        "MIN" => plain.min_by(|a, b| total(Some(a), Some(b))).cloned(),
        "MAX" => plain.max_by(|a, b| total(Some(a), Some(b))).cloned(),
        _ if numbers.is_empty() => None,
        "SUM" if values.iter().filter(|value| value.is_number()).all(Json::is_i64) => {
            Some(values.iter().filter_map(Json::as_i64).sum::<i64>().into())
        }
        "SUM" => Some(numbers.iter().sum::<f64>().into()),
        _ => Some((numbers.iter().sum::<f64>() / numbers.len() as f64).into()),
    }
}
