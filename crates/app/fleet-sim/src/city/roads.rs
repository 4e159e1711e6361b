//! The road graph: shortest ways in time, and places on it.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Metres per degree of latitude (mean of the WGS 84 meridian).
const METRES_PER_DEGREE: f64 = 111_195.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    pub(crate) lat_deg: f64,
    pub(crate) lon_deg: f64,
}

impl Place {
    /// East and north of `self` in metres; flat, which is right to a few parts in a thousand over a city.
    fn offset_m(self, to: Self) -> (f64, f64) {
        let scale = (0.5 * (self.lat_deg + to.lat_deg)).to_radians().cos();
        let east_m = (to.lon_deg - self.lon_deg) * METRES_PER_DEGREE * scale;
        (east_m, (to.lat_deg - self.lat_deg) * METRES_PER_DEGREE)
    }

    pub(crate) fn distance_m(self, to: Self) -> f64 {
        let (east_m, north_m) = self.offset_m(to);
        east_m.hypot(north_m)
    }

    /// Clockwise from north, `0.0..360.0`.
    pub(crate) fn heading_deg(self, to: Self) -> f64 {
        let (east_m, north_m) = self.offset_m(to);
        let heading = east_m.atan2(north_m).to_degrees().rem_euclid(360.0);
        if heading >= 360.0 { 0.0 } else { heading }
    }

    pub(crate) fn towards(self, to: Self, fraction: f64) -> Self {
        Self {
            lat_deg: self.lat_deg + (to.lat_deg - self.lat_deg) * fraction,
            lon_deg: self.lon_deg + (to.lon_deg - self.lon_deg) * fraction,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Road {
    pub(crate) to: usize,
    pub(crate) length_m: f64,
    pub(crate) speed_mps: f64,
}

/// Nodes and the roads that leave them. Every road is two-way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roads {
    pub(crate) nodes: Vec<Place>,
    pub(crate) leaving: Vec<Vec<Road>>,
}

impl Roads {
    pub(crate) fn add_node(&mut self, place: Place) -> usize {
        self.nodes.push(place);
        self.leaving.push(Vec::new());
        self.nodes.len() - 1
    }

    pub(crate) fn connect(&mut self, a: usize, b: usize, speed_mps: f64) {
        let length_m = self.nodes[a].distance_m(self.nodes[b]).max(1.0);
        self.leaving[a].push(Road { to: b, length_m, speed_mps });
        self.leaving[b].push(Road { to: a, length_m, speed_mps });
    }

    pub(crate) fn nearest(&self, place: Place) -> Option<usize> {
        let distance = |i: &usize| self.nodes[*i].distance_m(place);
        (0..self.nodes.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    pub(crate) fn road(&self, from: usize, to: usize) -> Option<Road> {
        self.leaving.get(from)?.iter().copied().find(|road| road.to == to)
    }

    /// The quickest way as nodes after `from`, last first, so that the next one is popped; `None` when there is none.
    /// Dijkstra over milliseconds, so that ties break by node number and never by rounding.
    pub(crate) fn way(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut best = vec![u64::MAX; self.nodes.len()];
        let mut before = vec![usize::MAX; self.nodes.len()];
        let mut heap = BinaryHeap::from([Reverse((0_u64, from))]);
        *best.get_mut(from)? = 0;
        while let Some(Reverse((cost_ms, node))) = heap.pop() {
            if node == to {
                break;
            }
            if cost_ms > best[node] {
                continue;
            }
            for road in &self.leaving[node] {
                let next_ms = cost_ms + (1_000.0 * road.length_m / road.speed_mps) as u64 + 1;
                if next_ms < best[road.to] {
                    best[road.to] = next_ms;
                    before[road.to] = node;
                    heap.push(Reverse((next_ms, road.to)));
                }
            }
        }
        if from != to && *before.get(to)? == usize::MAX {
            return None;
        }
        let mut way = Vec::new();
        let mut node = to;
        while node != from {
            way.push(node);
            node = before[node];
        }
        Some(way)
    }

    /// True when every node can be reached from node 0.
    pub(crate) fn is_connected(&self) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut stack = vec![0];
        while let Some(node) = stack.pop() {
            if let Some(flag) = seen.get_mut(node).filter(|flag| !**flag) {
                *flag = true;
                stack.extend(self.leaving[node].iter().map(|road| road.to));
            }
        }
        seen.into_iter().all(|flag| flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Roads {
        let mut roads = Roads::default();
        for (lat_deg, lon_deg) in [(52.0, 5.0), (52.0, 5.01), (52.01, 5.01), (52.01, 5.0), (52.5, 5.5)] {
            roads.add_node(Place { lat_deg, lon_deg });
        }
        for (a, b, speed) in [(0, 1, 10.0), (1, 2, 10.0), (0, 3, 3.0), (3, 2, 3.0)] {
            roads.connect(a, b, speed);
        }
        roads
    }

    #[test]
    fn the_quickest_way_is_found() {
        let roads = square();
        assert_eq!(roads.way(0, 2), Some(vec![2, 1]));
        assert_eq!(roads.way(2, 2), Some(vec![]));
        assert_eq!(roads.way(0, 4), None);
        assert!(!roads.is_connected());
    }

    #[test]
    fn geometry_agrees_with_known_values() {
        let a = Place { lat_deg: 52.0, lon_deg: 5.0 };
        let north = Place { lat_deg: 52.01, lon_deg: 5.0 };
        let east = Place { lat_deg: 52.0, lon_deg: 5.01 };
        assert!((a.distance_m(north) - 1_111.95).abs() < 0.1);
        assert!((a.distance_m(east) - 684.6).abs() < 1.0);
        assert!(a.heading_deg(north).abs() < 1e-9);
        assert!((a.heading_deg(east) - 90.0).abs() < 0.01);
        assert!((east.heading_deg(a) - 270.0).abs() < 0.01);
    }
}
