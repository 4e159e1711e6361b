//! A plan carried out: one combination of twins and relationships after the other, by a depth-first walk that can be
//! left after any of them and taken up again.

use voltwin_graph::{Graph, Way};

use crate::bind::Bound;
use crate::block::{BLOCK, Block, Mask};
use crate::eval::Row;
use crate::models::ModelTests;
use crate::place::Thing;
use crate::plan::{Access, Plan, Start, Step};
use crate::{Budget, QueryError};

/// The caller is asked whether to stop after this many steps.
const STEPS_BETWEEN_LOOKS: u64 = 4_096;

/// Where a walk stands: after the `given`th row of the candidate at `candidate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) start: Start,
    pub(crate) candidate: Candidate,
    pub(crate) given: u64,
}

/// A candidate of the first collection: an id and its number in a list, a table and its line, or a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Candidate {
    pub(crate) list: u32,
    pub(crate) place: u32,
}

pub(crate) struct Walk<'r> {
    graph: &'r Graph,
    plan: Plan<'r>,
    things: Vec<Option<Thing<'r>>>,
    /// The step of each frame is its place.
    frames: Vec<Frame>,
    /// The relationships of the pattern that are walked right now.
    trail: Vec<u32>,
    source: Source,
    /// Rows of the present candidate so far.
    given: u64,
    /// Where rows were given before: that many are left out there.
    resumed: Option<Standing>,
    steps: u64,
    looked: u64,
    budget: Budget<'r>,
}

/// The candidates that are still to come.
struct Source {
    /// The next one to look at; while a block is open, the first line of that block.
    next: Candidate,
    block: Mask,
    present: Candidate,
}

/// One step of the plan, half done.
struct Frame {
    /// A stack of twins, each with the hops from it that are still to come.
    path: Vec<Hopper>,
}

struct Hopper {
    row: u32,
    way: usize,
    next: usize,
    /// Whether the last entry of the trail was made here.
    on_trail: bool,
}

impl Frame {
    fn at(row: u32) -> Self {
        Self { path: vec![Hopper::at(row)] }
    }
}

impl Hopper {
    fn at(row: u32) -> Self {
        Self { row, way: 0, next: 0, on_trail: false }
    }
}

impl<'r> Walk<'r> {
    pub(crate) fn new(
        bound: &'r Bound,
        graph: &'r Graph,
        budget: Budget<'r>,
        resumed: Option<Standing>,
    ) -> Self {
        let plan = Plan::new(bound, graph, resumed.map(|standing| standing.start));
        let next = resumed.map(|standing| standing.candidate).unwrap_or_default();
        Self {
            graph,
            plan,
            things: vec![None; bound.slots.len()],
            frames: Vec::new(),
            trail: Vec::new(),
            source: Source { next, block: Mask::NONE, present: next },
            given: 0,
            resumed,
            steps: 0,
            looked: 0,
            budget,
        }
    }

    /// Where it stands now.
    pub(crate) fn standing(&self) -> Standing {
        Standing { start: self.plan.start, candidate: self.source.present, given: self.given }
    }

    /// Steps so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn row(&self) -> Row<'_, 'r> {
        Row { things: &self.things, models: &self.plan.models }
    }

    pub(crate) fn models(&self) -> &ModelTests<'r> {
        &self.plan.models
    }

    /// Goes on to the next row; false where there is none.
    pub(crate) fn advance(&mut self) -> Result<bool, QueryError> {
        loop {
            if self.frames.is_empty() {
                if !self.next_candidate()? {
                    return Ok(false);
                }
                if self.plan.steps.is_empty() && self.counts() {
                    return Ok(true);
                }
                self.open_frame();
                continue;
            }
            if !self.next_hop()? {
                self.frames.pop();
            } else if self.frames.len() == self.plan.steps.len() {
                if self.counts() {
                    return Ok(true);
                }
            } else {
                self.open_frame();
            }
        }
    }

    /// Number of rows that are still to come.
    pub(crate) fn count(&mut self) -> Result<u64, QueryError> {
        let mut count = 0;
        if self.plan.start.access == Access::Scan && self.plan.steps.is_empty() {
            while self.open_block()? {
                count += std::mem::replace(&mut self.source.block, Mask::NONE).count();
            }
            return Ok(count);
        }
        while self.advance()? {
            count += 1;
        }
        Ok(count)
    }

    /// Counts a row, and says whether it is to be given.
    fn counts(&mut self) -> bool {
        self.given += 1;
        match self.resumed {
            Some(before) if before.candidate == self.source.present => self.given > before.given,
            _ => true,
        }
    }

    fn open_frame(&mut self) {
        let Some(step) = self.plan.steps.get(self.frames.len()) else { return };
        // A step begins at a slot that an earlier one filled.
        if let Some(Some(Thing::Twin(twin))) = self.things.get(step.from) {
            self.frames.push(Frame::at(twin.row()));
        }
    }

    fn spend(&mut self, steps: u64) -> Result<(), QueryError> {
        self.steps += steps;
        if self.steps > self.budget.steps {
            return Err(QueryError::Budget { limit: self.budget.steps });
        }
        if self.steps - self.looked >= STEPS_BETWEEN_LOOKS {
            self.looked = self.steps;
            if (self.budget.stop)() {
                return Err(QueryError::Stopped);
            }
        }
        Ok(())
    }

    fn next_candidate(&mut self) -> Result<bool, QueryError> {
        self.given = 0;
        let slot = self.plan.start.slot;
        if self.plan.start.access == Access::Scan {
            loop {
                if let Some(line) = self.source.block.take_first() {
                    let Candidate { list, place } = self.source.next;
                    self.source.present = Candidate { list, place: place - BLOCK as u32 + line };
                    let row = self.plan.tables.get(list as usize).and_then(|table| self.graph.table(*table));
                    let row = row.and_then(|table| table.row(self.source.present.place));
                    self.things[slot] = row.and_then(|row| self.graph.at(row)).map(Thing::Twin);
                    return Ok(true);
                }
                if !self.open_block()? {
                    return Ok(false);
                }
            }
        }
        loop {
            let Some(thing) = self.next_listed() else { return Ok(false) };
            self.spend(1)?;
            self.things[slot] = thing;
            let row = Row { things: &self.things, models: &self.plan.models };
            if thing.is_some() && self.plan.first.iter().all(|condition| row.holds(condition)) {
                return Ok(true);
            }
        }
    }

    /// Looks at the next lines of the tables; false where there are none.
    fn open_block(&mut self) -> Result<bool, QueryError> {
        loop {
            let next = self.source.next;
            let Some(table) = self.plan.tables.get(next.list as usize) else { return Ok(false) };
            let table = self.graph.table(*table).filter(|table| next.place < table.lines());
            let Some(table) = table else {
                self.source.next = Candidate { list: next.list + 1, place: 0 };
                continue;
            };
            self.spend(u64::from(table.lines() - next.place).min(BLOCK as u64))?;
            let block = Block { graph: self.graph, table, from: next.place, models: &self.plan.models };
            self.source.block = block.matching(self.plan.first.iter().copied());
            self.source.next.place = next.place.saturating_add(BLOCK as u32);
            return Ok(true);
        }
    }

    /// The next candidate that is no scan: `Some(None)` where there is nothing at its place.
    fn next_listed(&mut self) -> Option<Option<Thing<'r>>> {
        let present = self.source.next;
        self.source.present = present;
        let way = match self.plan.start.access {
            Access::Scan => return None,
            Access::Links => {
                let number = present.place;
                self.source.next.place += 1;
                let is_one = self.graph.link_numbers().contains(&number);
                return is_one.then(|| self.graph.link_at(number).map(Thing::Link));
            }
            Access::Ids => {
                self.source.next.list += 1;
                let id = self.plan.ids.get(present.list as usize)?;
                return Some(self.graph.twin(id).map(Thing::Twin));
            }
            Access::LinksFrom => Way::Out,
            Access::LinksTo => Way::In,
        };
        let id = self.plan.ids.get(present.list as usize)?;
        let hops = self.graph.row(id).map_or(&[][..], |row| self.graph.hops(row, way));
        self.source.next = match present.place as usize + 1 < hops.len() {
            true => Candidate { place: present.place + 1, ..present },
            false => Candidate { list: present.list + 1, place: 0 },
        };
        let link = hops.get(present.place as usize).and_then(|hop| self.graph.link_at(hop.link));
        Some(link.map(Thing::Link))
    }

    /// Moves the last frame to the next end that its conditions let through; false where there is none.
    fn next_hop(&mut self) -> Result<bool, QueryError> {
        let number = self.frames.len() - 1;
        loop {
            self.spend(1)?;
            let (Some(frame), Some(step)) = (self.frames.last_mut(), self.plan.steps.get(number)) else {
                return Ok(false);
            };
            let Some((row, link)) = frame.next(step, self.graph, &mut self.trail) else {
                if frame.path.is_empty() {
                    return Ok(false);
                }
                continue;
            };
            if step.closes {
                if !matches!(self.things.get(step.to), Some(Some(Thing::Twin(twin))) if twin.row() == row) {
                    continue;
                }
            } else {
                self.things[step.to] = self.graph.at(row).map(Thing::Twin);
            }
            if let Some(slot) = step.link {
                self.things[slot] = self.graph.link_at(link).map(Thing::Link);
            }
            let row = Row { things: &self.things, models: &self.plan.models };
            if step.conditions.iter().all(|condition| row.holds(condition)) {
                return Ok(true);
            }
        }
    }
}

impl Frame {
    /// One hop on, or one twin back. Answers a twin at which the walk may end, and the hop that led there; `None` is
    /// no end, and the end only where the path is empty.
    fn next(&mut self, step: &Step<'_>, graph: &Graph, trail: &mut Vec<u32>) -> Option<(u32, u32)> {
        let depth = self.path.len();
        let top = self.path.last_mut()?;
        if std::mem::take(&mut top.on_trail) {
            trail.pop();
        }
        let Some(way) = step.ways.get(top.way) else {
            self.path.pop();
            return None;
        };
        let Some(hop) = graph.hops(top.row, *way).get(top.next).copied() else {
            (top.way, top.next) = (top.way + 1, 0);
            return None;
        };
        top.next += 1;
        let named = step.names.as_ref().is_none_or(|names| names.contains(&hop.name));
        // A relationship of a twin to itself is in both lists.
        let seen = (top.way > 0 && hop.to == top.row) || (step.in_pattern && trail.contains(&hop.link));
        if !named || seen || graph.at(hop.to).is_none() {
            return None;
        }
        if step.in_pattern {
            top.on_trail = true;
            trail.push(hop.link);
        }
        if depth < step.hops.1 {
            self.path.push(Hopper::at(hop.to));
        }
        (depth >= step.hops.0).then_some((hop.to, hop.link))
    }
}
