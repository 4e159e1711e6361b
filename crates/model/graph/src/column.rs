//! One property of all twins of one model.

use std::sync::Arc;

use serde_json::Value as Json;
use voltwin_core::{Timestamp, Value};
use voltwin_ontology::Schema;

/// Set in [`When::source`] where there is no value.
const ABSENT: u64 = 1 << 63;
/// Set in [`When::source`] where any later event may write, whatever its source time.
const OPEN: u64 = 1 << 62;

/// The times of a cell. The source time of a value that was removed stays, so that late telemetry does not bring
/// it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// Microseconds, below 2⁵⁸, and the two flags.
    source: u64,
    received_us: i64,
}

impl When {
    const NEVER: Self = Self { source: ABSENT | OPEN, received_us: 0 };

    pub(crate) fn new(source: Timestamp, received: Timestamp, absent: bool, open: bool) -> Self {
        let flags = if absent { ABSENT } else { 0 } | if open { OPEN } else { 0 };
        Self { source: source.as_micros().unsigned_abs() | flags, received_us: received.as_micros() }
    }

    pub(crate) fn source(self) -> Timestamp {
        Timestamp::from_micros((self.source & !(ABSENT | OPEN)).cast_signed())
    }

    pub(crate) fn received(self) -> Timestamp {
        Timestamp::from_micros(self.received_us)
    }

    pub(crate) fn is_absent(self) -> bool {
        self.source & ABSENT != 0
    }

    /// Whether anything was ever written.
    pub(crate) fn is_written(self) -> bool {
        !(self.is_absent() && self.is_open())
    }

    pub(crate) fn is_open(self) -> bool {
        self.source & OPEN != 0
    }

    /// Whether a patch from time `at` comes too late for this cell.
    pub(crate) fn outranks(self, at: Timestamp) -> bool {
        !self.is_open() && self.source() > at
    }
}

/// Value and times side by side, because a patch needs them together.
#[derive(Debug, Clone)]
pub(crate) struct Cell<T> {
    when: When,
    value: T,
}

impl<T> Cell<T> {
    pub(crate) fn present(&self) -> Option<&T> {
        (!self.when.is_absent()).then_some(&self.value)
    }
}

impl<T: Default> Default for Cell<T> {
    fn default() -> Self {
        Self { when: When::NEVER, value: T::default() }
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Written,
    Late,
    Unfit,
}

/// A property of every twin of a model, in cells of its own type. Grows to the row last written.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    cells: Cells,
}

#[derive(Debug, Clone)]
enum Cells {
    Bool(Vec<Cell<bool>>),
    Int(Vec<Cell<i64>>),
    Double(Vec<Cell<f64>>),
    Text(Vec<Cell<Option<Arc<str>>>>),
    Json(Vec<Cell<Option<Arc<Json>>>>),
}

/// The cells of a column, to be read by their type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CellsOf<'a> {
    Bool(&'a [Cell<bool>]),
    Int(&'a [Cell<i64>]),
    Double(&'a [Cell<f64>]),
    Text(&'a [Cell<Option<Arc<str>>>]),
    Json(&'a [Cell<Option<Arc<Json>>>]),
}

macro_rules! each {
    ($cells:expr, $list:ident => $body:expr) => {
        match $cells {
            Cells::Bool($list) => $body,
            Cells::Int($list) => $body,
            Cells::Double($list) => $body,
            Cells::Text($list) => $body,
            Cells::Json($list) => $body,
        }
    };
}

impl Column {
    pub(crate) fn new(schema: &Schema) -> Self {
        let cells = match schema {
            Schema::Boolean => Cells::Bool(Vec::new()),
            Schema::Whole { .. } => Cells::Int(Vec::new()),
            Schema::Float | Schema::Double => Cells::Double(Vec::new()),
            Schema::Enum(values) if values.iter().any(|choice| choice.value.as_i64().is_some()) => {
                Cells::Int(Vec::new())
            }
            Schema::Array(_) | Schema::Object(_) | Schema::Map(_) | Schema::Geo(_) => Cells::Json(Vec::new()),
            _ => Cells::Text(Vec::new()),
        };
        Self { cells }
    }

    /// Makes a cell one that any write may change.
    pub(crate) fn open(&mut self, row: u32) {
        each!(&mut self.cells, list => if let Some(cell) = list.get_mut(row as usize) {
            cell.when.source |= OPEN;
        });
    }

    /// Writes a value, or removes one, unless what is there is newer.
    pub(crate) fn put(&mut self, row: u32, value: Option<&Value>, when: When) -> Put {
        let row = row as usize;
        let Some(value) = value else {
            return each!(&mut self.cells, list => write(list, row, Default::default(), when));
        };
        match (&mut self.cells, value) {
            (Cells::Bool(list), Value::Bool(b)) => write(list, row, *b, when),
            (Cells::Int(list), Value::Int(n)) => write(list, row, *n, when),
            (Cells::Double(list), Value::Double(x)) if x.is_finite() => write(list, row, *x, when),
            (Cells::Double(list), Value::Int(n)) => write(list, row, *n as f64, when),
            (Cells::Text(list), Value::Text(text)) => write(list, row, Some(text.clone()), when),
            (Cells::Json(list), Value::Json(json)) => write(list, row, Some(json.clone()), when),
            _ => Put::Unfit,
        }
    }

    /// Forgets a cell, its times included.
    pub(crate) fn clear(&mut self, row: u32) {
        each!(&mut self.cells, list => if let Some(cell) = list.get_mut(row as usize) {
            *cell = Cell::default();
        });
    }

    pub(crate) fn when(&self, row: u32) -> When {
        each!(&self.cells, list => list.get(row as usize).map_or(When::NEVER, |cell| cell.when))
    }

    pub(crate) fn cells(&self) -> CellsOf<'_> {
        match &self.cells {
            Cells::Bool(list) => CellsOf::Bool(list),
            Cells::Int(list) => CellsOf::Int(list),
            Cells::Double(list) => CellsOf::Double(list),
            Cells::Text(list) => CellsOf::Text(list),
            Cells::Json(list) => CellsOf::Json(list),
        }
    }

    pub(crate) fn get(&self, row: u32) -> Option<Value> {
        match &self.cells {
            Cells::Bool(list) => present(list, row).map(|b| Value::Bool(*b)),
            Cells::Int(list) => present(list, row).map(|n| Value::Int(*n)),
            Cells::Double(list) => present(list, row).map(|x| Value::Double(*x)),
            Cells::Text(list) => present(list, row)?.clone().map(Value::Text),
            Cells::Json(list) => present(list, row)?.clone().map(Value::Json),
        }
    }

    pub(crate) fn f64(&self, row: u32) -> Option<f64> {
        match &self.cells {
            Cells::Double(list) => present(list, row).copied(),
            Cells::Int(list) => present(list, row).map(|n| *n as f64),
            _ => None,
        }
    }

    pub(crate) fn i64(&self, row: u32) -> Option<i64> {
        match &self.cells {
            Cells::Int(list) => present(list, row).copied(),
            _ => None,
        }
    }

    pub(crate) fn bool(&self, row: u32) -> Option<bool> {
        match &self.cells {
            Cells::Bool(list) => present(list, row).copied(),
            _ => None,
        }
    }

    pub(crate) fn text(&self, row: u32) -> Option<&str> {
        match &self.cells {
            Cells::Text(list) => present(list, row)?.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn json(&self, row: u32) -> Option<&Json> {
        match &self.cells {
            Cells::Json(list) => present(list, row)?.as_deref(),
            _ => None,
        }
    }
}

fn present<T>(list: &[Cell<T>], row: u32) -> Option<&T> {
    list.get(row as usize).and_then(Cell::present)
}

fn write<T: Default + Clone>(list: &mut Vec<Cell<T>>, row: usize, value: T, when: When) -> Put {
    if row >= list.len() {
        list.resize(row + 1, Cell::default());
    }
    let cell = &mut list[row];
    if cell.when.outranks(when.source()) {
        return Put::Late;
    }
    *cell = Cell { when, value };
    Put::Written
}
