//! The entries of a local authorisation list: how a version writes them, and which make one list into another.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use voltwin_ocpp::{TokenInfo, Version, token_info};
use voltwin_store::IdToken;

use super::fields::{list, text};

/// The types of token that 2.0.1 knows; 2.1 takes any.
const TYPES_V201: [&str; 7] = ["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress"];

/// One `SendLocalList`.
pub(super) struct Part {
    pub(super) full: bool,
    entries: Vec<Json>,
}

impl Part {
    /// The payload of a `SendLocalList` that makes it version `number`.
    pub(super) fn payload(self, version: Version, number: i64) -> Json {
        let kind = if self.full { "Full" } else { "Differential" };
        let field = if version == Version::V16 { "listVersion" } else { "versionNumber" };
        let mut payload = json!({ field: number, "updateType": kind });
        // 2.x has no empty list but one that is left out
        if !self.entries.is_empty() {
            payload["localAuthorizationList"] = Json::from(self.entries);
        }
        payload
    }
}

/// A token as an entry of the list; `None` when the version has no room for it.
pub(super) fn entry(version: Version, token: &IdToken, info: &TokenInfo) -> Option<Json> {
    let chars = token.token.chars().count();
    let kind = if token.kind.is_empty() { "ISO14443" } else { token.kind.as_str() };
    let info = token_info(version, info);
    match version {
        Version::V16 => (chars <= 20).then(|| json!({"idTag": token.token, "idTagInfo": info})),
        Version::V201 if chars > 36 || !TYPES_V201.contains(&kind) => None,
        Version::V201 | Version::V21 => {
            Some(json!({"idToken": {"idToken": token.token, "type": kind}, "idTokenInfo": info}))
        }
    }
}

/// The entries that make `held` into `desired`; one without what is known of its token takes it back.
pub(super) fn changes(held: &BTreeMap<String, Json>, desired: &BTreeMap<String, Json>) -> Vec<Json> {
    // in 2.x a token of another type is another one
    let kept = |token: &String, entry: &Json| {
        desired.get(token).is_some_and(|wanted| wanted.get("idToken") == entry.get("idToken"))
    };
    let gone = held.iter().filter(|(token, entry)| !kept(token, entry)).map(|(token, entry)| {
        match entry.get("idToken") {
            Some(id) => json!({"idToken": id}),
            None => json!({"idTag": token}),
        }
    });
    let put = desired.iter().filter(|(token, entry)| held.get(*token) != Some(entry));
    // first what makes room
    gone.chain(put.map(|(_, entry)| entry.clone())).collect()
}

/// Parts of at most so many entries and bytes; the first of a whole list replaces, the others add.
pub(super) fn split(entries: Vec<Json>, anew: bool, items: usize, bytes: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut used = 0;
    if anew {
        parts.push(Part { full: true, entries: Vec::new() });
    }
    for entry in entries {
        let size = entry.to_string().len() + 1;
        match parts.last_mut().filter(|part| part.entries.len() < items && used + size <= bytes) {
            Some(part) => part.entries.push(entry),
            None => {
                used = 0;
                parts.push(Part { full: false, entries: vec![entry] });
            }
        }
        used += size;
    }
    parts
}

/// The entries of a list that was sent.
pub(super) fn sent(version: Version, payload: &Json) -> Vec<(String, Option<Json>)> {
    let read = |entry: &Json| {
        let (token, info) = match version {
            Version::V16 => (text(entry, "idTag")?, "idTagInfo"),
            Version::V201 | Version::V21 => (text(entry.get("idToken")?, "idToken")?, "idTokenInfo"),
        };
        Some((token.to_owned(), entry.get(info).is_some().then(|| entry.clone())))
    };
    list(payload, "localAuthorizationList").iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use voltwin_ocpp::TokenStatus;

    use super::*;

    fn list_of(tokens: &[(&str, &str)]) -> BTreeMap<String, Json> {
        let entry = |(token, kind): &(&str, &str)| {
            let entry =
                json!({"idToken": {"idToken": token, "type": kind}, "idTokenInfo": {"status": "Accepted"}});
            ((*token).to_owned(), entry)
        };
        tokens.iter().map(entry).collect()
    }

    /// A station that does what the protocol says.
    fn obey(held: &mut BTreeMap<(String, String), Json>, part: &Part) {
        if part.full {
            held.clear();
        }
        for entry in &part.entries {
            let id = &entry["idToken"];
            let key = (id["idToken"].as_str().unwrap().to_owned(), id["type"].as_str().unwrap().to_owned());
            match entry.get("idTokenInfo") {
                Some(info) => drop(held.insert(key, info.clone())),
                None => drop(held.remove(&key)),
            }
        }
    }

    #[test]
    fn parts_make_one_list_into_another_whatever_their_size() {
        let before = list_of(&[("A", "ISO14443"), ("B", "ISO14443"), ("C", "eMAID")]);
        let mut after = list_of(&[("B", "ISO14443"), ("C", "Central"), ("D", "ISO14443"), ("E", "Local")]);
        after.get_mut("B").unwrap()["idTokenInfo"]["status"] = "Blocked".into();
        let whole = |list: &BTreeMap<String, Json>| -> Vec<Json> { list.values().cloned().collect() };
        for (items, bytes) in [(1, 9_999), (2, 9_999), (50, 9_999), (50, 150), (50, 10)] {
            let mut held = BTreeMap::new();
            for part in split(whole(&before), true, items, bytes) {
                assert!(part.entries.len() <= items);
                obey(&mut held, &part);
            }
            assert_eq!(held.len(), 3);
            for part in split(changes(&before, &after), false, items, bytes) {
                assert!(!part.full && part.entries.len() <= items);
                obey(&mut held, &part);
            }
            let mut want = BTreeMap::new();
            obey(&mut want, &Part { full: true, entries: whole(&after) });
            assert_eq!(held, want, "{items} {bytes}");
        }
        assert!(changes(&after, &after).is_empty());
        let empty = split(Vec::new(), true, 5, 5);
        assert_eq!(empty.len(), 1, "an empty list is sent too");
    }

    #[test]
    fn a_token_that_a_version_has_no_words_for_is_left_out() {
        let info: TokenInfo = TokenStatus::Accepted.into();
        let token = |token: &str, kind: &str| IdToken {
            token: token.into(),
            kind: kind.into(),
            ..IdToken::default()
        };
        let goes = |version, name: &str, kind: &str| entry(version, &token(name, kind), &info).is_some();
        let (twenty, thirty_six) = ("T".repeat(20), "T".repeat(36));
        assert!(goes(Version::V16, &twenty, "") && !goes(Version::V16, &format!("{twenty}T"), ""));
        assert!(goes(Version::V201, &thirty_six, "") && !goes(Version::V201, &format!("{thirty_six}T"), ""));
        assert!(!goes(Version::V201, "T", "EVCCID") && goes(Version::V21, "T", "EVCCID"));
    }
}
