//! `SELECT`, `GROUP BY` and `ORDER BY`.

use super::{Binder, Cell, Groups, Output};
use crate::QueryError;
use crate::ast::{Aggregate, Item, Order, Path, Projected, Select, Statement};
use crate::place::{Field, Place};

impl Binder<'_> {
    pub(super) fn output(&self, statement: &Statement) -> Result<Output, QueryError> {
        let items = match &statement.select {
            Select::All(at) => return self.all(statement, *at),
            Select::Items(items) => items,
        };
        let names = self.names(items)?;
        let aggregated = items.iter().any(|item| matches!(item.what, Projected::Aggregate(..)));
        if !aggregated && statement.group.is_empty() {
            return self.rows(statement, items, names);
        }
        let is_count = |item: &Item| item.what == Projected::Aggregate(Aggregate::Count, None);
        if let ([item], true, true) =
            (items.as_slice(), statement.group.is_empty(), statement.order.is_empty())
            && is_count(item)
            && item.alias.is_none()
        {
            return Ok(Output::Count);
        }
        self.groups(statement, items, names).map(Output::Groups)
    }

    /// `*`: the twin or relationship itself where there is one collection, else every collection with a name.
    fn all(&self, statement: &Statement, at: usize) -> Result<Output, QueryError> {
        if let Some(path) = statement.group.first() {
            return Err(self.error(path.at, "a `*` cannot be grouped"));
        }
        let order = self.order(&statement.order, &[])?;
        if self.slots.len() == 1 {
            return Ok(Output::Document { slot: 0, order });
        }
        let whole = |(slot, name): (usize, &Option<String>)| {
            Some((name.clone()?, Place { slot, field: Field::Whole }))
        };
        let columns: Vec<(String, Place)> =
            self.slots.iter().map(|slot| &slot.name).enumerate().filter_map(whole).collect();
        if columns.is_empty() {
            return Err(self.error(at, "no collection has a name that a column could have"));
        }
        Ok(Output::Columns { columns, order })
    }

    /// What the columns are called: the alias, else the last name of the path.
    fn names(&self, items: &[Item]) -> Result<Vec<String>, QueryError> {
        let mut names: Vec<String> = Vec::with_capacity(items.len());
        for item in items {
            let name = match (&item.alias, &item.what) {
                (Some(alias), _) => alias.text.clone(),
                (None, Projected::Aggregate(aggregate, _)) => aggregate.name().to_owned(),
                (None, Projected::Path(path)) => {
                    path.names.last().map(|name| name.text.clone()).unwrap_or_default()
                }
            };
            if names.contains(&name) {
                return Err(
                    self.error(item.at, format!("two columns are called `{name}`: give one a name by AS"))
                );
            }
            names.push(name);
        }
        Ok(names)
    }

    fn rows(&self, statement: &Statement, items: &[Item], names: Vec<String>) -> Result<Output, QueryError> {
        let places = items.iter().map(|item| match &item.what {
            Projected::Path(path) => self.place(path),
            Projected::Aggregate(..) => Err(self.error(item.at, "an aggregate cannot stand here")),
        });
        let places = places.collect::<Result<Vec<Place>, QueryError>>()?;
        let columns: Vec<(String, Place)> = names.into_iter().zip(places).collect();
        let order = self.order(&statement.order, &columns)?;
        Ok(Output::Columns { columns, order })
    }

    /// A single name orders by the column that is called so, where there is one.
    fn order(&self, order: &[Order], columns: &[(String, Place)]) -> Result<Vec<(Place, bool)>, QueryError> {
        let one = |order: &Order| {
            let column = match order.path.names.as_slice() {
                [name] => {
                    columns.iter().find(|(column, place)| *column == name.text && place.field != Field::Whole)
                }
                _ => None,
            };
            let place = match column {
                Some((_, place)) => place.clone(),
                None => self.value(&order.path)?,
            };
            Ok((place, order.descending))
        };
        order.iter().map(one).collect()
    }

    fn groups(
        &self,
        statement: &Statement,
        items: &[Item],
        names: Vec<String>,
    ) -> Result<Groups, QueryError> {
        let keys = statement.group.iter().map(|path| self.value(path)).collect::<Result<Vec<_>, _>>()?;
        let mut groups = Groups { keys, aggregates: Vec::new(), columns: Vec::new(), order: Vec::new() };
        for (item, name) in items.iter().zip(names) {
            let cell = match &item.what {
                Projected::Path(path) => self.key(&groups, path)?,
                Projected::Aggregate(aggregate, path) => {
                    let place = path.as_ref().map(|path| self.value(path)).transpose()?;
                    groups.aggregates.push((*aggregate, place));
                    Cell::Aggregate(groups.aggregates.len() - 1)
                }
            };
            groups.columns.push((name, cell));
        }
        for order in &statement.order {
            let column = match order.path.names.as_slice() {
                [name] => groups.columns.iter().find(|(column, _)| *column == name.text),
                _ => None,
            };
            let cell = match column {
                Some((_, cell)) => *cell,
                None => self.key(&groups, &order.path)?,
            };
            groups.order.push((cell, order.descending));
        }
        Ok(groups)
    }

    fn key(&self, groups: &Groups, path: &Path) -> Result<Cell, QueryError> {
        let place = self.value(path)?;
        let found = groups.keys.iter().position(|key| *key == place);
        let names: Vec<&str> = path.names.iter().map(|name| name.text.as_str()).collect();
        found.map(Cell::Key).ok_or_else(|| {
            self.error(path.at, format!("`{}` is neither aggregated nor in GROUP BY", names.join(".")))
        })
    }
}
