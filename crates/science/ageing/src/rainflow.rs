//! Rainflow counting after ASTM E1049-85 (2017), section 5.4.4: half cycles are kept.

/// One counted cycle of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// Distance from valley to peak, in the unit of the series.
    pub range: f64,
    /// Middle between valley and peak.
    pub mean: f64,
    /// 1 for a closed cycle, 0.5 for a half cycle.
    pub count: f64,
    /// Index of the sample that starts it.
    pub start: usize,
    /// Index of the sample that ends it.
    pub end: usize,
}

/// Counts while the series grows; [`finish`](Self::finish) adds what never closed as half cycles.
///
/// Memory is bounded by the number of turning points that are still open.
#[derive(Debug, Clone, Default)]
pub struct Rainflow {
    open: Vec<(usize, f64)>,
    last: Option<(usize, f64)>,
    rising: Option<bool>,
    seen: usize,
}

impl Rainflow {
    /// A counter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next value and hands every cycle that it closes to `found`.
    pub fn push(&mut self, value: f64, found: &mut impl FnMut(Cycle)) {
        let index = self.seen;
        self.seen += 1;
        let Some((last_index, last)) = self.last else {
            self.last = Some((index, value));
            self.open.push((index, value));
            return;
        };
        // of a plateau the last sample is the turning point, as the public counters have it
        if value == last {
            self.last = Some((index, value));
        } else {
            let rising = value > last;
            if self.rising.is_some_and(|before| before != rising) {
                self.turn((last_index, last), found);
            }
            self.rising = Some(rising);
            self.last = Some((index, value));
        }
    }

    /// Counts what is left as half cycles.
    pub fn finish(mut self, found: &mut impl FnMut(Cycle)) {
        let Some((_, last)) = self.last else { return };
        if self.seen > 2 || self.rising.is_some() {
            self.turn((self.seen - 1, last), found);
        }
        for pair in self.open.windows(2) {
            found(cycle(pair[0], pair[1], 0.5));
        }
    }

    fn turn(&mut self, point: (usize, f64), found: &mut impl FnMut(Cycle)) {
        self.open.push(point);
        while let [.., a, b, c] = self.open[..] {
            if (c.1 - b.1).abs() < (b.1 - a.1).abs() {
                break;
            }
            let length = self.open.len();
            if length == 3 {
                found(cycle(a, b, 0.5));
                self.open.remove(0);
            } else {
                found(cycle(a, b, 1.0));
                self.open.drain(length - 3..length - 1);
            }
        }
    }
}

fn cycle(a: (usize, f64), b: (usize, f64), count: f64) -> Cycle {
    Cycle { range: (a.1 - b.1).abs(), mean: 0.5 * (a.1 + b.1), count, start: a.0, end: b.0 }
}

/// All cycles of a series in the order in which they close.
#[must_use]
pub fn rainflow(series: impl IntoIterator<Item = f64>) -> Vec<Cycle> {
    let mut cycles = Vec::new();
    let mut counter = Rainflow::new();
    let mut found = |cycle: Cycle| cycles.push(cycle);
    for value in series {
        counter.push(value, &mut found);
    }
    counter.finish(&mut found);
    cycles
}

/// All cycles of a series as if it repeated for ever: begun at its highest value, so that each of them closes and none
/// is cut in two by where the series happens to start. Indices count from that value.
#[must_use]
pub fn rainflow_repeating(series: &[f64]) -> Vec<Cycle> {
    let highest = (0..series.len()).max_by(|&a, &b| series[a].total_cmp(&series[b])).unwrap_or(0);
    let (before, after) = series.split_at(highest);
    rainflow(after.iter().chain(before).chain(after.first()).copied())
}

/// Throughput-weighted mean depth: `sum(n d^2) / sum(n d)`, zero without cycles.
///
/// One cycle gives its own depth; shallow ripples on a deep cycle count by the charge that they move.
#[must_use]
pub fn weighted_depth(cycles: &[Cycle]) -> f64 {
    let moved: f64 = cycles.iter().map(|cycle| cycle.count * cycle.range).sum();
    let squares: f64 = cycles.iter().map(|cycle| cycle.count * cycle.range * cycle.range).sum();
    if moved > 0.0 { squares / moved } else { 0.0 }
}
