//! Queries as text.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::naive::{Cond, Hops, Item, Path, Query, Select, Side};

pub(crate) fn query(query: &Query) -> String {
    let mut out = String::from("SELECT ");
    if let Some(top) = query.top {
        let _ = write!(out, "TOP({top}) ");
    }
    match &query.select {
        Select::All => out.push('*'),
        Select::Count => out.push_str("COUNT()"),
        Select::Items(items) => {
            let one = |(item, name): &(Item, Option<String>)| {
                let item = match item {
                    Item::Path(names) => path(names),
                    Item::Aggregate(kind, of) => {
                        format!("{kind}({})", of.as_ref().map(path).unwrap_or_default())
                    }
                };
                name.as_ref().map_or(item.clone(), |name| format!("{item} AS {}", self::name(name)))
            };
            out.push_str(&items.iter().map(one).collect::<Vec<_>>().join(", "));
        }
    }
    out.push_str(if query.of_links { " FROM RELATIONSHIPS" } else { " FROM DIGITALTWINS" });
    if let Some(alias) = &query.alias {
        let _ = write!(out, " {}", name(alias));
    }
    for join in &query.joins {
        let _ =
            write!(out, "\nJOIN {} RELATED {}.{}", name(&join.target), name(&join.from), name(&join.name));
        if let Some(link) = &join.link {
            let _ = write!(out, " {}", name(link));
        }
    }
    if let Some((first, edges)) = &query.pattern {
        let _ = write!(out, "\nMATCH ({})", first.as_deref().map(name).unwrap_or_default());
        for edge in edges {
            let names = edge.names.iter().map(|one| name(one)).collect::<Vec<_>>().join("|");
            let names = if names.is_empty() { names } else { format!(":{names}") };
            let hops = match edge.hops {
                Hops::One => String::new(),
                Hops::Exactly(n) => format!("*{n}"),
                Hops::Between(after, last) => format!("*{after}..{last}"),
                Hops::UpTo(last) => format!("*..{last}"),
            };
            let (left, right) =
                (if edge.arrow == '<' { "<" } else { "" }, if edge.arrow == '>' { ">" } else { "" });
            let link = edge.link.as_deref().map(name).unwrap_or_default();
            let node = edge.node.as_deref().map(name).unwrap_or_default();
            let _ = write!(out, "{left}-[{link}{names}{hops}]-{right}({node})");
        }
    }
    if let Some(filter) = &query.filter {
        let _ = write!(out, "\nWHERE {}", condition(filter));
    }
    if !query.group.is_empty() {
        let _ = write!(out, "\nGROUP BY {}", query.group.iter().map(path).collect::<Vec<_>>().join(", "));
    }
    if !query.order.is_empty() {
        let one = |(names, descending): &(Path, bool)| {
            format!("{}{}", path(names), if *descending { " DESC" } else { "" })
        };
        let _ = write!(out, "\nORDER BY {}", query.order.iter().map(one).collect::<Vec<_>>().join(", "));
    }
    out
}

/// `Group` is a reserved word.
fn name(name: &str) -> String {
    if name == "Group" { "[[Group]]".to_owned() } else { name.to_owned() }
}

fn path(names: &Path) -> String {
    names.iter().map(|one| name(one)).collect::<Vec<_>>().join(".")
}

fn value(json: &Json) -> String {
    match json {
        Json::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        other => other.to_string(),
    }
}

fn side(side: &Side) -> String {
    match side {
        Side::Path(names) => path(names),
        Side::Value(json) => value(json),
    }
}

/// Everything that could be read in two ways is in parentheses.
pub(crate) fn condition(cond: &Cond) -> String {
    let join = |parts: &[Cond], word: &str| {
        format!("({})", parts.iter().map(condition).collect::<Vec<_>>().join(word))
    };
    match cond {
        Cond::And(parts) => join(parts, " AND "),
        Cond::Or(parts) => join(parts, " or "),
        Cond::Not(part) => format!("NOT ({})", condition(part)),
        Cond::Compare(left, sign, right) => format!("{} {sign} {}", side(left), side(right)),
        Cond::In(one, list, negated) => {
            let list = list.iter().map(value).collect::<Vec<_>>().join(", ");
            format!("{} {} [{list}]", side(one), if *negated { "NIN" } else { "IN" })
        }
        Cond::Model(collection, model, exact) => {
            let collection = collection.as_ref().map(|one| format!("{}, ", name(one))).unwrap_or_default();
            format!("IS_OF_MODEL({collection}'{model}'{})", if *exact { ", exact" } else { "" })
        }
        Cond::Is(kind, names) => format!("{kind}({})", path(names)),
        Cond::Text(test, subject, part) => format!("{test}({}, {})", side(subject), side(part)),
        Cond::ArrayContains(names, item) => format!("ARRAY_CONTAINS({}, {})", path(names), value(item)),
    }
}
