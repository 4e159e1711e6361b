//! `GROUP BY` and aggregates.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::QueryError;
use crate::ast::Aggregate;
use crate::bind::{Cell, Groups};
use crate::dialect::GROUPS_MAX;
use crate::eval::Row;
use crate::value::{Key, Number, Val};

/// Groups by what their rows have in common. Without `GROUP BY` there is one, also where there is no row.
pub(crate) struct Grouping<'r> {
    groups: &'r Groups,
    held: BTreeMap<Vec<Key>, Vec<Sum>>,
}

/// What is known of one aggregate so far.
#[derive(Debug, Clone)]
struct Sum {
    aggregate: Aggregate,
    /// Rows, or values where it is of a property.
    count: u64,
    numbers: u64,
    /// The sum of the numbers while all of them are integers and it fits.
    whole: Option<i64>,
    total: f64,
    least: Option<Key>,
    most: Option<Key>,
}

impl Sum {
    fn new(aggregate: Aggregate) -> Self {
        Self { aggregate, count: 0, numbers: 0, whole: Some(0), total: 0.0, least: None, most: None }
    }

    fn add(&mut self, value: &Val<'_>) {
        self.count += u64::from(*value != Val::Missing);
        if let Val::Number(number) = value {
            self.numbers += 1;
            self.total += number.as_f64();
            self.whole = match (self.whole, number) {
                (Some(sum), Number::Int(n)) => sum.checked_add(*n),
                _ => None,
            };
        }
        let bounds = matches!(self.aggregate, Aggregate::Min | Aggregate::Max);
        if bounds && matches!(value, Val::Bool(_) | Val::Number(_) | Val::Text(_)) {
            let key = Key::of(value);
            if self.least.as_ref().is_none_or(|least| key < *least) {
                self.least = Some(key.clone());
            }
            if self.most.as_ref().is_none_or(|most| key > *most) {
                self.most = Some(key);
            }
        }
    }

    /// A sum, mean or bound of nothing is missing.
    fn outcome(&self) -> Key {
        match self.aggregate {
            Aggregate::Count => Key::Number(Number::Int(i64::try_from(self.count).unwrap_or(i64::MAX))),
            Aggregate::Min => self.least.clone().unwrap_or(Key::Missing),
            Aggregate::Max => self.most.clone().unwrap_or(Key::Missing),
            Aggregate::Sum | Aggregate::Avg if self.numbers == 0 => Key::Missing,
            Aggregate::Sum => match self.whole {
                Some(sum) => Key::Number(Number::Int(sum)),
                None => finite(self.total),
            },
            Aggregate::Avg => finite(self.total / self.numbers as f64),
        }
    }
}

/// A sum that no double holds is missing: JSON has no infinity.
fn finite(x: f64) -> Key {
    if x.is_finite() { Key::Number(Number::Double(x)) } else { Key::Missing }
}

impl<'r> Grouping<'r> {
    pub(crate) fn new(groups: &'r Groups) -> Self {
        let mut grouping = Self { groups, held: BTreeMap::new() };
        if groups.keys.is_empty() {
            grouping.held.insert(Vec::new(), grouping.fresh());
        }
        grouping
    }

    fn fresh(&self) -> Vec<Sum> {
        self.groups.aggregates.iter().map(|(aggregate, _)| Sum::new(*aggregate)).collect()
    }

    pub(crate) fn add(&mut self, row: Row<'_, 'r>) -> Result<(), QueryError> {
        let keys: Vec<Key> = self.groups.keys.iter().map(|place| Key::of(&row.read(place))).collect();
        if !self.held.contains_key(&keys) {
            if self.held.len() == GROUPS_MAX {
                return Err(QueryError::TooMany { what: "groups", limit: GROUPS_MAX });
            }
            self.held.insert(keys.clone(), self.fresh());
        }
        let Some(sums) = self.held.get_mut(&keys) else { return Ok(()) };
        for (sum, (_, place)) in sums.iter_mut().zip(&self.groups.aggregates) {
            match place {
                Some(place) => sum.add(&row.read(place)),
                None => sum.count += 1,
            }
        }
        Ok(())
    }

    /// The rows, in the order that is asked for and then in that of the groups.
    pub(crate) fn rows(self) -> Vec<Json> {
        let outcomes =
            |(keys, sums): (Vec<Key>, Vec<Sum>)| (keys, sums.iter().map(Sum::outcome).collect::<Vec<Key>>());
        let mut all: Vec<(Vec<Key>, Vec<Key>)> = self.held.into_iter().map(outcomes).collect();
        let cell = |group: &(Vec<Key>, Vec<Key>), cell: Cell| match cell {
            Cell::Key(place) => group.0.get(place).cloned().unwrap_or(Key::Missing),
            Cell::Aggregate(place) => group.1.get(place).cloned().unwrap_or(Key::Missing),
        };
        all.sort_by(|a, b| {
            let one = |(place, descending): &(Cell, bool)| {
                let order = cell(a, *place).cmp(&cell(b, *place));
                if *descending { order.reverse() } else { order }
            };
            self.groups.order.iter().map(one).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let row = |group: &(Vec<Key>, Vec<Key>)| {
            let column =
                |(name, place): &(String, Cell)| Some((name.clone(), cell(group, *place).into_json()?));
            Json::Object(self.groups.columns.iter().filter_map(column).collect::<Map<String, Json>>())
        };
        all.iter().map(row).collect()
    }
}
