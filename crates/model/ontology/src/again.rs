//! Models that were taken by a former release, which had fewer contents of its own.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

/// What one text says that matters here.
struct Interface {
    json: Json,
    extends: Vec<String>,
    names: BTreeSet<String>,
}

/// The texts, in their order, but without contents whose name also stands in what extends them, as far as that is one of
/// those `from` a place on. DTDL forbids it, so the one that extends was there first. `None` where nothing has to yield.
pub(crate) fn yielding(texts: &[&str], from: usize) -> Option<Vec<String>> {
    let mut interfaces: Vec<Interface> = texts.iter().map(|text| Interface::read(text)).collect();
    let places: HashMap<String, usize> = interfaces
        .iter()
        .enumerate()
        .filter_map(|(at, of)| Some((id_of(&of.json)?.to_owned(), at)))
        .collect();
    let mut yields: Vec<BTreeSet<String>> = interfaces.iter().map(|_| BTreeSet::new()).collect();
    for interface in interfaces.iter().skip(from) {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = interface.extends.iter().map(String::as_str).collect();
        while let Some(base) = next.pop() {
            let Some(at) = places.get(base).copied().filter(|at| seen.insert(*at)) else { continue };
            yields[at].extend(interface.names.intersection(&interfaces[at].names).cloned());
            next.extend(interfaces[at].extends.iter().map(String::as_str));
        }
    }
    if yields.iter().all(BTreeSet::is_empty) {
        return None;
    }
    let each = interfaces.iter_mut().zip(&yields).zip(texts);
    let fitting = each.map(|((interface, yields), text)| match interface.json.get_mut("contents") {
        Some(Json::Array(contents)) if !yields.is_empty() => {
            contents.retain(|content| name_of(content).is_none_or(|name| !yields.contains(name)));
            interface.json.to_string()
        }
        _ => (*text).to_owned(),
    });
    Some(fitting.collect())
}

impl Interface {
    fn read(text: &str) -> Self {
        let json: Json = serde_json::from_str(text).unwrap_or_default();
        let extends = json.get("extends").map(each).unwrap_or_default();
        let contents = json.get("contents").map(each).unwrap_or_default();
        Self {
            extends: extends
                .iter()
                .filter_map(|base| base.as_str().or_else(|| id_of(base)))
                .map(str::to_owned)
                .collect(),
            names: contents.iter().filter_map(name_of).map(str::to_owned).collect(),
            json,
        }
    }
}

/// One value, or those of an array.
fn each(value: &Json) -> &[Json] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn id_of(value: &Json) -> Option<&str> {
    value.get("@id")?.as_str()
}

fn name_of(content: &Json) -> Option<&str> {
    content.get("name")?.as_str()
}
