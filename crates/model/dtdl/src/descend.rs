//! Rules about all that descends from an element: how deep, how much, of which types, and whether it leads back.
//!
//! Models may share elements and lead in circles, so walking every path would take for ever on a hostile one. Elements
//! that lead to each other are gathered first (Tarjan's strongly connected components); then one look at each link, in
//! the order of descent, tells the longest path and the number of values. Only where version 4 lets elements lead back
//! to themselves must paths inside a circle be tried, and then only so many.

use std::cell::Cell;

use crate::{
    graph::{At, Graph, Link},
    metamodel::{Kind, Kinds},
};

/// How many links all searches for a long path in circles may look at. A model that needs more is refused as too deep.
const STEPS_MAX: u32 = 10_000_000;

/// Which links are followed, and which of them count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follow {
    pub(crate) properties: &'static [&'static str],
    /// Only links that count are followed.
    pub(crate) narrow: bool,
}

impl Follow {
    fn counts(self, link: &Link) -> bool {
        self.properties.contains(&link.property)
    }

    fn links<'g>(self, graph: &'g Graph<'_>, at: At) -> impl Iterator<Item = (bool, At)> + use<'g> {
        let links = graph.get(at).links.iter();
        links.filter_map(move |link| {
            let counts = self.counts(link);
            (counts || !self.narrow).then_some((counts, link.to))
        })
    }
}

/// What descends from every element along some links.
#[derive(Debug)]
pub(crate) struct Descent {
    follow: Follow,
    /// The component of each element.
    component: Vec<u32>,
    components: Vec<Component>,
    steps: Cell<u32>,
}

/// Elements that lead to each other; most often just one.
#[derive(Clone, Debug, Default)]
struct Component {
    circular: bool,
    /// Some element of it, to name in messages.
    member: At,
    /// The most counting links on a path from here, circles apart.
    longest: u32,
    /// Values of counting properties on all paths from here.
    count: u64,
    /// The classes of elements that counting properties lead to.
    kinds: Kinds,
    /// A circle that it leads to, itself included.
    circle: Option<u32>,
}

impl Descent {
    pub(crate) fn new(graph: &Graph<'_>, follow: Follow) -> Self {
        let mut tarjan = Tarjan::new(graph, follow);
        for at in 0..graph.elements.len() {
            tarjan.visit(At::try_from(at).unwrap_or_default());
        }
        Self { follow, component: tarjan.component, components: tarjan.components, steps: Cell::new(0) }
    }

    fn of(&self, at: At) -> &Component {
        &self.components[self.component[at as usize] as usize]
    }

    /// The most counting links on a path from an element, circles apart.
    pub(crate) fn longest(&self, at: At) -> u32 {
        self.of(at).longest
    }

    /// How many values counting properties have on all paths from an element.
    pub(crate) fn count(&self, at: At) -> u64 {
        self.of(at).count
    }

    /// An element that leads back to itself, and that this element leads to.
    pub(crate) fn circle(&self, at: At) -> Option<At> {
        self.of(at).circle.map(|circle| self.components[circle as usize].member)
    }

    /// Whether some path, on which no element stands twice, has more counting links than allowed.
    pub(crate) fn exceeds(&self, graph: &Graph<'_>, at: At, limit: u32) -> bool {
        if self.of(at).circle.is_none() {
            return self.longest(at) > limit;
        }
        let mut search = Search { graph, follow: self.follow, limit, steps: &self.steps, path: Vec::new() };
        search.exceeds(at, 0)
    }

    /// Whether a counting property leads to an element of a class, somewhere below.
    pub(crate) fn holds(&self, at: At, kind: Kind) -> bool {
        self.of(at).kinds.has(kind)
    }
}

/// Tarjan's algorithm without recursion, for chains of elements may be long.
struct Tarjan<'g, 'a> {
    graph: &'g Graph<'a>,
    follow: Follow,
    next: u32,
    index: Vec<u32>,
    low: Vec<u32>,
    open: Vec<At>,
    is_open: Vec<bool>,
    component: Vec<u32>,
    components: Vec<Component>,
}

const UNSEEN: u32 = u32::MAX;

impl<'g, 'a> Tarjan<'g, 'a> {
    fn new(graph: &'g Graph<'a>, follow: Follow) -> Self {
        let size = graph.elements.len();
        Self {
            graph,
            follow,
            next: 0,
            index: vec![UNSEEN; size],
            low: vec![0; size],
            open: Vec::new(),
            is_open: vec![false; size],
            component: vec![0; size],
            components: Vec::new(),
        }
    }

    fn visit(&mut self, root: At) {
        if self.index[root as usize] != UNSEEN {
            return;
        }
        let mut stack = vec![(root, 0_usize)];
        self.begin(root);
        while let Some((at, link)) = stack.pop() {
            let links = &self.graph.get(at).links;
            let Some(found) = links.get(link) else {
                self.end(at);
                if let Some((above, _)) = stack.last() {
                    let low = self.low[at as usize];
                    let above = &mut self.low[*above as usize];
                    *above = (*above).min(low);
                }
                continue;
            };
            stack.push((at, link + 1));
            if self.follow.narrow && !self.follow.counts(found) {
                continue;
            }
            let to = found.to as usize;
            if self.index[to] == UNSEEN {
                self.begin(found.to);
                stack.push((found.to, 0));
            } else if self.is_open[to] {
                self.low[at as usize] = self.low[at as usize].min(self.index[to]);
            }
        }
    }

    fn begin(&mut self, at: At) {
        self.index[at as usize] = self.next;
        self.low[at as usize] = self.next;
        self.next += 1;
        self.open.push(at);
        self.is_open[at as usize] = true;
    }

    fn end(&mut self, at: At) {
        if self.low[at as usize] != self.index[at as usize] {
            return;
        }
        let number = u32::try_from(self.components.len()).unwrap_or(u32::MAX);
        let mut members = Vec::new();
        while let Some(member) = self.open.pop() {
            self.is_open[member as usize] = false;
            self.component[member as usize] = number;
            members.push(member);
            if member == at {
                break;
            }
        }
        let component = self.sum_up(number, at, &members);
        self.components.push(component);
    }

    /// What descends from a component; those below it are known.
    fn sum_up(&self, number: u32, at: At, members: &[At]) -> Component {
        let mut component = Component { circular: members.len() > 1, member: at, ..Component::default() };
        for (counts, to) in members.iter().flat_map(|member| self.follow.links(self.graph, *member)) {
            let weight = u32::from(counts);
            component.count = component.count.saturating_add(u64::from(weight));
            if counts {
                component.kinds.add(self.graph.get(to).kind);
            }
            let below = self.component[to as usize];
            if below == number {
                component.circular = true;
                continue;
            }
            let below = &self.components[below as usize];
            component.longest = component.longest.max(below.longest.saturating_add(weight));
            component.count = component.count.saturating_add(below.count);
            component.kinds.0 |= below.kinds.0;
            component.circle = component.circle.or(below.circle);
        }
        if component.circular {
            component.circle = Some(number);
        }
        component
    }
}

/// A search for a path that is too long.
struct Search<'g, 'a> {
    graph: &'g Graph<'a>,
    follow: Follow,
    limit: u32,
    steps: &'g Cell<u32>,
    path: Vec<At>,
}

impl Search<'_, '_> {
    /// Recursion is bounded: by the limit along counting links, and by the longest way from one class to itself.
    fn exceeds(&mut self, at: At, depth: u32) -> bool {
        let links: Vec<(bool, At)> = self.follow.links(self.graph, at).collect();
        let looked = u32::try_from(links.len()).unwrap_or(u32::MAX);
        self.steps.set(self.steps.get().saturating_add(looked).saturating_add(1));
        if self.steps.get() > STEPS_MAX {
            return true;
        }
        if depth >= self.limit && links.iter().any(|(counts, _)| *counts) {
            return true;
        }
        self.path.push(at);
        let found = links
            .iter()
            .any(|(counts, to)| !self.path.contains(to) && self.exceeds(*to, depth + u32::from(*counts)));
        self.path.pop();
        found
    }
}
