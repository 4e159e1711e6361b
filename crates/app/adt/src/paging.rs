//! Lists in pages: how many items, where a list goes on, and the link that says so.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Uri};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::error::{AdtError, Code};

/// Items of a page where nothing is said, and at most in the strict dialect.
pub(crate) const PAGE_STRICT: usize = voltwin_document::azure::PAGE;
/// Items of a page at most otherwise.
pub(crate) const PAGE_MAX: usize = 1_000;
/// The query parameter that says where a list goes on.
const TOKEN: &str = "continuationToken";
const TOKEN_BYTES_MAX: usize = 2_048;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageAsked {
    pub(crate) limit: usize,
    /// The key of the last item of the page before.
    pub(crate) after: Option<String>,
}

/// It says nothing that its holder could not ask for, so it is not signed.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    #[serde(rename = "n")]
    limit: usize,
    #[serde(rename = "a")]
    after: String,
}

impl PageAsked {
    /// From `max-items-per-page` and the continuation token, which knows how large the pages of its list are.
    pub(crate) fn read(headers: &HeaderMap, uri: &Uri, strict: bool) -> Result<Self, AdtError> {
        let most = if strict { PAGE_STRICT } else { PAGE_MAX };
        let asked = max_items(headers)?;
        let token = parameters(uri).remove(TOKEN).and_then(|mut values| values.pop());
        let Some(token) = token else {
            return Ok(Self { limit: asked.unwrap_or(PAGE_STRICT).min(most), after: None });
        };
        let wrong =
            || AdtError::new(Code::BadRequest, "the continuation token is none of ours or was damaged");
        let bytes = Some(token).filter(|token| token.len() <= TOKEN_BYTES_MAX);
        let bytes = bytes.and_then(|token| B64.decode(token).ok()).ok_or_else(wrong)?;
        let token: Token = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let limit = asked.unwrap_or(token.limit).clamp(1, most);
        Ok(Self { limit, after: Some(token.after) })
    }

    /// Renders a page. `items` are those after the last page in the order of their keys, one more than the page
    /// holds where there are more.
    pub(crate) fn render(&self, uri: &Uri, mut items: Vec<(String, Json)>) -> Json {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        self.render_known(uri, items, more)
    }

    /// Renders a page of which it is known whether more items follow.
    pub(crate) fn render_known(&self, uri: &Uri, items: Vec<(String, Json)>, more: bool) -> Json {
        let next = items.last().filter(|_| more).map(|(key, _)| self.next_link(uri, key));
        let value: Vec<Json> = items.into_iter().map(|(_, item)| item).collect();
        json!({ "value": value, "nextLink": next })
    }

    /// The same request with the token of the next page, from the root of the instance: clients put it behind the
    /// address that they know the instance by.
    fn next_link(&self, uri: &Uri, after: &str) -> String {
        let token = json!(Token { limit: self.limit, after: after.to_owned() }).to_string();
        let kept = uri.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(TOKEN));
        let mut link = format!("{}?{TOKEN}={}", uri.path(), B64.encode(token));
        for pair in kept {
            link.push('&');
            link.push_str(pair);
        }
        link
    }
}

/// The header `max-items-per-page`.
pub(crate) fn max_items(headers: &HeaderMap) -> Result<Option<usize>, AdtError> {
    let Some(value) = headers.get("max-items-per-page") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse::<usize>().ok());
    match number.filter(|number| *number > 0) {
        Some(number) => Ok(Some(number)),
        None => Err(AdtError::argument("the header max-items-per-page must be a whole number from 1")),
    }
}

/// The query parameters by name, each with its values in order. Names are told apart by case, as Azure's are written.
pub(crate) fn parameters(uri: &Uri) -> BTreeMap<String, Vec<String>> {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs.map(|pairs| pairs.0).unwrap_or_default() {
        found.entry(name).or_default().push(value);
    }
    found
}

/// The smallest `count` keys after a place, with what makes an item of each, in order and without sorting the rest.
pub(crate) fn smallest<K: Ord, T>(items: impl Iterator<Item = (K, T)>, count: usize) -> Vec<(K, T)> {
    let mut kept: BTreeMap<K, T> = BTreeMap::new();
    for (key, item) in items {
        if kept.len() == count && kept.last_key_value().is_some_and(|(last, _)| *last <= key) {
            continue;
        }
        kept.insert(key, item);
        if kept.len() > count {
            kept.pop_last();
        }
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str, header: Option<&str>, strict: bool) -> Result<PageAsked, Code> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("max-items-per-page", header.parse().unwrap());
        }
        PageAsked::read(&headers, &uri.parse().unwrap(), strict).map_err(|error| error.code)
    }

    #[test]
    fn a_list_is_read_to_its_end_once_by_following_its_links() {
        let all: Vec<String> = (0..25).map(|n| format!("dtmi:a:M{n:02};1")).collect();
        let mut uri: Uri =
            "/models?api-version=2023-10-31&dependenciesFor=a%3Bb&dependenciesFor=c".parse().unwrap();
        let (mut read, mut pages) = (Vec::new(), 0);
        loop {
            let header = (pages == 0).then_some("10");
            let page = asked(&uri.to_string(), header, true).unwrap();
            assert_eq!(page.limit, 10, "the token remembers the size");
            let rest = all.iter().filter(|id| page.after.as_ref().is_none_or(|after| *id > after));
            let items = smallest(rest.map(|id| (id.clone(), json!(id))), page.limit + 1);
            let rendered = page.render(&uri, items);
            read.extend(
                rendered["value"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()),
            );
            pages += 1;
            let Some(next) = rendered["nextLink"].as_str() else { break };
            uri = next.parse().unwrap();
            let found = parameters(&uri);
            assert_eq!(found["dependenciesFor"], ["a;b", "c"]);
            assert_eq!(found["api-version"], ["2023-10-31"]);
            assert_eq!(found[TOKEN].len(), 1);
        }
        assert_eq!((read, pages), (all, 3));
    }

    #[test]
    fn sizes_and_tokens_are_bounded() {
        assert_eq!(asked("/models", None, false).unwrap().limit, 100);
        assert_eq!(asked("/models", Some("5000"), true).unwrap().limit, 100);
        assert_eq!(asked("/models", Some("5000"), false).unwrap().limit, 1_000);
        for bad in ["0", "-1", "x", "1.5", ""] {
            assert_eq!(asked("/models", Some(bad), false), Err(Code::InvalidArgument), "{bad}");
        }
        let long = "A".repeat(3_000);
        for bad in ["x", "e30", "****", &long] {
            assert_eq!(
                asked(&format!("/models?continuationToken={bad}"), None, false),
                Err(Code::BadRequest),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_smallest_are_found_in_order() {
        let numbers = [5, 3, 9, 1, 7, 2].map(|n| (n, ()));
        let keys =
            |count| smallest(numbers.into_iter(), count).into_iter().map(|(n, ())| n).collect::<Vec<_>>();
        assert_eq!((keys(3), keys(10), keys(0)), (vec![1, 2, 3], vec![1, 2, 3, 5, 7, 9], vec![]));
    }
}
