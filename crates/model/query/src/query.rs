use serde_json::{Map, Value as Json};
use voltwin_core::Timestamp;
use voltwin_graph::Graph;

use crate::QueryError;
use crate::bind::{Bound, Output, bind};
use crate::dialect::{Dialect, ORDERED_ROWS_MAX};
use crate::eval::Row;
use crate::group::Grouping;
use crate::order::First;
use crate::parser::parse;
use crate::place::{Place, Thing};
use crate::plan::Plan;
use crate::token::{self, Progress};
use crate::walk::Walk;

/// Charge of a call, whatever it answers; the charges of what it takes come on top.
const CHARGE_OF_A_CALL: f64 = 1.0;
/// Charge of a thousand steps.
const CHARGE_OF_1000_STEPS: f64 = 1.0;
/// Charge of a row that is given.
const CHARGE_OF_A_ROW: f64 = 0.05;

/// What a query may take.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// Steps at most: a twin looked at, a relationship looked at.
    pub steps: u64,
    /// Asked every few thousand steps; true ends the query with [`QueryError::Stopped`].
    pub stop: &'a dyn Fn() -> bool,
}

impl Default for Budget<'_> {
    /// A hundred million steps, and nobody who stops it.
    fn default() -> Self {
        Self { steps: 100_000_000, stop: &|| false }
    }
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its rows.
    pub rows: Vec<Json>,
    /// Where the answer goes on; `None` where it is complete.
    pub token: Option<String>,
    /// What it cost: 1 for the call, 1 for each 1,000 steps, 0.05 for each row.
    pub charge: f64,
    /// Steps that it took: twins and relationships looked at.
    pub steps: u64,
}

/// A query whose names have their meaning. It can be asked of any graph.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    dialect: Dialect,
    bound: Bound,
    progress: Progress,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`QueryError`] with the line and column of the first thing that is wrong with it.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, QueryError> {
        let bound = bind(text, &parse(text, dialect)?, dialect)?;
        let progress = Progress { standing: None, rows: 0 };
        Ok(Self { text: text.to_owned(), dialect, bound, progress })
    }

    /// The query of a continuation token, which goes on where that page ended.
    ///
    /// # Errors
    /// [`QueryError::Token`] where the token is none of ours or is damaged.
    pub fn resume(token: &str) -> Result<Self, QueryError> {
        let (text, dialect, progress) = token::read(token)?;
        let query = Self::parse(&text, dialect).map_err(|_| token::wrong("its query is none"))?;
        let is_walked = match &query.bound.output {
            Output::Document { order, .. } | Output::Columns { order, .. } => order.is_empty(),
            Output::Count | Output::Groups(_) => false,
        };
        match progress.standing {
            Some(standing) if is_walked && standing.start.fits(&query.bound) => {}
            None if !is_walked => {}
            _ => return Err(token::wrong("it does not fit its query")),
        }
        Ok(Self { progress, ..query })
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The dialect that it was read in.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The instant of `AS OF`: the graph to ask is the one of that moment.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.bound.as_of
    }

    /// How it would be answered, a line a step, for a person.
    #[must_use]
    pub fn explain(&self, graph: &Graph) -> String {
        Plan::new(&self.bound, graph, None).explain(&self.bound, graph)
    }

    /// The next rows of the answer, `rows` at most and no more than [`Limits::page_rows`](crate::Limits), at least one.
    ///
    /// A graph may change between pages. A twin that matches all along is given once; one that came or went
    /// meanwhile may be given or not. With `JOIN` and `MATCH` that holds of the twin that the walk began at, and the
    /// combinations with it are given by their number. An answer in order, or in groups, is made anew for each page
    /// and goes on by the number of rows.
    ///
    /// # Errors
    /// [`QueryError::Budget`], [`QueryError::Stopped`] and [`QueryError::TooMany`].
    pub fn page(&self, graph: &Graph, rows: usize, budget: Budget<'_>) -> Result<Page, QueryError> {
        let rows = rows.clamp(1, self.dialect.limits().page_rows);
        let mut answer = Answer::new(self, graph, budget, rows)?;
        let mut page = Vec::new();
        while page.len() < rows {
            match answer.next()? {
                Some(row) => page.push(row),
                None => break,
            }
        }
        let token = if page.len() == rows {
            let progress = answer.progress();
            let has_more = match answer.has_more() {
                // What was found is given; the next page says whether there was more.
                Err(QueryError::Budget { .. }) => true,
                known => known?,
            };
            has_more.then(|| token::write(&self.text, self.dialect, &progress))
        } else {
            None
        };
        let steps = answer.walk.steps();
        let charge = CHARGE_OF_A_CALL
            + CHARGE_OF_1000_STEPS * steps as f64 / 1_000.0
            + CHARGE_OF_A_ROW * page.len() as f64;
        Ok(Page { rows: page, token, charge, steps })
    }

    /// Gives the whole answer row by row to `take`, until it answers false.
    ///
    /// # Errors
    /// As [`Query::page`]; an order can hold [`ORDERED_ROWS_MAX`] rows.
    pub fn each(
        &self,
        graph: &Graph,
        budget: Budget<'_>,
        mut take: impl FnMut(Json) -> bool,
    ) -> Result<(), QueryError> {
        let mut answer = Answer::new(self, graph, budget, ORDERED_ROWS_MAX)?;
        while let Some(row) = answer.next()? {
            if !take(row) {
                break;
            }
        }
        Ok(())
    }
}

/// An answer while it is given.
struct Answer<'r> {
    output: &'r Output,
    walk: Walk<'r>,
    /// The rows of an answer that had to be complete before its first row.
    ready: Option<std::vec::IntoIter<Ready<'r>>>,
    given: u64,
    top: u64,
}

enum Ready<'r> {
    Json(Json),
    Things(Vec<Option<Thing<'r>>>),
}

impl<'r> Answer<'r> {
    fn new(query: &'r Query, graph: &'r Graph, budget: Budget<'r>, rows: usize) -> Result<Self, QueryError> {
        let (bound, progress) = (&query.bound, query.progress);
        let mut walk = Walk::new(bound, graph, budget, progress.standing);
        let top = bound.top.unwrap_or(u64::MAX);
        // `TOP` counts over all pages.
        let rows = rows.min(usize::try_from(top.saturating_sub(progress.rows)).unwrap_or(usize::MAX));
        let ready = match &bound.output {
            Output::Count => Some(vec![Ready::Json(serde_json::json!({ "COUNT": walk.count()? }))]),
            Output::Groups(groups) => {
                let mut grouping = Grouping::new(groups);
                while walk.advance()? {
                    grouping.add(walk.row())?;
                }
                Some(grouping.rows().into_iter().map(Ready::Json).collect())
            }
            Output::Document { order, .. } | Output::Columns { order, .. } if !order.is_empty() => {
                let keep = usize::try_from(progress.rows).unwrap_or(usize::MAX).saturating_add(rows);
                // One more tells whether the answer goes on.
                Some(ordered(&mut walk, order, keep.saturating_add(1))?)
            }
            Output::Document { .. } | Output::Columns { .. } => None,
        };
        let ready = ready.map(|ready: Vec<Ready<'r>>| {
            let mut ready = ready.into_iter();
            if progress.rows > 0 {
                ready.nth(usize::try_from(progress.rows - 1).unwrap_or(usize::MAX));
            }
            ready
        });
        Ok(Self { output: &bound.output, walk, ready, given: progress.rows, top })
    }

    /// Where it stands after the row that was given last.
    fn progress(&self) -> Progress {
        let standing = self.ready.is_none().then(|| self.walk.standing());
        Progress { standing, rows: self.given }
    }

    fn next(&mut self) -> Result<Option<Json>, QueryError> {
        if self.given >= self.top {
            return Ok(None);
        }
        let row = match &mut self.ready {
            Some(ready) => match ready.next() {
                None => None,
                Some(Ready::Json(json)) => Some(json),
                Some(Ready::Things(things)) => {
                    let models = self.walk.models();
                    Some(render(self.output, Row { things: &things, models }))
                }
            },
            None => self.walk.advance()?.then(|| render(self.output, self.walk.row())),
        };
        self.given += u64::from(row.is_some());
        Ok(row)
    }

    /// Whether another row follows; nothing can be asked afterwards.
    fn has_more(&mut self) -> Result<bool, QueryError> {
        if self.given >= self.top {
            return Ok(false);
        }
        match &self.ready {
            Some(ready) => Ok(ready.len() > 0),
            None => self.walk.advance(),
        }
    }
}

fn ordered<'r>(
    walk: &mut Walk<'r>,
    order: &'r [(Place, bool)],
    keep: usize,
) -> Result<Vec<Ready<'r>>, QueryError> {
    let mut first = First::new(order, keep.min(ORDERED_ROWS_MAX + 1));
    while walk.advance()? {
        first.add(walk.row());
    }
    let rows = first.rows();
    if rows.len() > ORDERED_ROWS_MAX {
        return Err(QueryError::TooMany { what: "rows to put in order", limit: ORDERED_ROWS_MAX });
    }
    Ok(rows.into_iter().map(Ready::Things).collect())
}

/// A row as its columns say; what is missing has no column.
fn render<'r>(output: &'r Output, row: Row<'_, 'r>) -> Json {
    let read = |place: &'r Place| row.read(place).into_json();
    match output {
        Output::Document { slot, .. } => {
            let thing = row.things.get(*slot).copied().flatten();
            match thing {
                Some(Thing::Twin(twin)) => voltwin_document::twin(twin),
                Some(Thing::Link(link)) => voltwin_document::link(&link),
                None => Json::Null,
            }
        }
        Output::Columns { columns, .. } => {
            let column = |(name, place): &'r (String, Place)| Some((name.clone(), read(place)?));
            Json::Object(columns.iter().filter_map(column).collect::<Map<String, Json>>())
        }
        Output::Count | Output::Groups(_) => Json::Null,
    }
}
