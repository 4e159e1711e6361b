//! Lists come in pages.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use voltwin_core::Timestamp;

use super::Problem;

/// The most items that one page holds.
const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 100;

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items, at most `limit` of them.
    pub(crate) items: Vec<T>,
    /// What to give as `cursor` for the next page; null on the last one.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page of the store, each item as the API shows it.
    pub(crate) fn from_store<S>(page: voltwin_store::Page<S>, render: impl FnMut(S) -> T) -> Self {
        Self { items: page.items.into_iter().map(render).collect(), next: page.next }
    }

    /// A page of what is in memory. `sorted` is everything after the cursor, in order, of which `limit` plus one
    /// are looked at; `key` gives the cursor of an item.
    pub(crate) fn of(sorted: impl Iterator<Item = T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let mut items: Vec<T> = sorted.take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }
}

/// How many items a page may hold: 1 to 500, 100 when not said.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct PageLimit(Option<u32>);

impl PageLimit {
    pub(crate) fn get(self) -> Result<usize, Problem> {
        let limit = self.0.unwrap_or(LIMIT_DEFAULT);
        if (1..=LIMIT_MAX).contains(&limit) {
            Ok(limit as usize)
        } else {
            let detail = format!("`limit` is {limit}; it must be 1 to {LIMIT_MAX}");
            Err(Problem::field("limit", detail).limit(LIMIT_MAX))
        }
    }
}

/// Which page of a list, where nothing else can be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    pub(crate) limit: PageLimit,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
}

/// A word of a filter that no item can have is a mistake, and no empty list.
pub(crate) fn one_of(field: &'static str, value: Option<&str>, words: &[&str]) -> Result<(), Problem> {
    match value.filter(|value| !words.contains(value)) {
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            Err(Problem::field(field, format!("`{other}` is none of {}", words.join(", "))))
        }
        None => Ok(()),
    }
}

/// A window that ends before it begins is a mistake, and no empty list.
pub(crate) fn in_order(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<(), Problem> {
    match from.zip(to).filter(|(from, to)| from >= to) {
        Some((from, to)) => {
            let detail = format!("`from` is {from}; it must be before `to`, which is {to}");
            Err(Problem::field("from", detail))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_next() {
        let page = Page::of(["a", "b", "c"].into_iter(), 2, ToString::to_string);
        assert_eq!((page.items, page.next.as_deref()), (vec!["a", "b"], Some("b")));
        let page = Page::of(["a", "b"].into_iter(), 2, ToString::to_string);
        assert_eq!((page.items, page.next), (vec!["a", "b"], None));
    }

    #[test]
    fn limits_are_one_to_five_hundred() {
        assert_eq!(PageLimit(None).get().unwrap(), 100);
        assert_eq!(PageLimit(Some(500)).get().unwrap(), 500);
        for bad in [0, 501] {
            let problem = PageLimit(Some(bad)).get().unwrap_err();
            assert_eq!(problem.field.as_deref(), Some("limit"));
            assert_eq!(problem.limit.as_deref(), Some(&500.into()));
        }
    }
}
