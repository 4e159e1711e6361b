//! The sphere with a diffusivity that depends on stoichiometry: finite volumes in flux form.
//!
//! The flux between neighbours is the difference of the Kirchhoff integral `Φ(x) = ∫ D dx` over their distance, which
//! is exact for a steep `D` where a mean of two diffusivities is not. Time steps are the second-order, L-stable
//! Rosenbrock method ROS2 (Verwer et al. 1999) with the exact tridiagonal Jacobian, their length set by the embedded
//! first-order solution.

use crate::{CellError, HermiteTable, set::Curve};

/// Error of the first-order solution of one inner step in stoichiometry; that of the second-order one is far less.
const TOLERANCE: f64 = 2e-6;
/// `1 - 1/√2`: L-stable.
const GAMMA: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;
/// How many of the outermost shells become thinner, and by which factor each.
const THIN: usize = 8;
const THINNER: f64 = 0.6;
/// Pieces of the table of `Φ`.
const PIECES: usize = 4096;

/// Shells of one sphere: equal but for the outermost, which become thin towards the surface to follow a jump.
#[derive(Debug, Clone)]
pub struct Volumes {
    /// `Φ` and its slope `D`, m²/s.
    potential: HermiteTable,
    radius_m: f64,
    /// Volume of each shell over `4π`, m³.
    shells: Vec<f64>,
    /// Per inner face: area over `4π` and over the distance of the nodes, m.
    faces: Vec<f64>,
    /// Thickness of the outermost shell, m.
    outer_m: f64,
    /// Distance of the outermost two nodes, m.
    outer_distance_m: f64,
    scratch: Scratch,
}

#[derive(Debug, Clone, Default)]
struct Scratch {
    x: Vec<f64>,
    trial: Vec<f64>,
    k1: Vec<f64>,
    k2: Vec<f64>,
    potential: Vec<f64>,
    slope: Vec<f64>,
    lower: Vec<f64>,
    pivot: Vec<f64>,
    upper: Vec<f64>,
}

impl Volumes {
    /// `count` shells, of which the outermost [`THIN`] become thinner and thinner.
    ///
    /// # Errors
    /// When the diffusivity is not finite and positive between 0 and 1.
    pub fn new(radius_m: f64, curve: &Curve, count: usize) -> Result<Self, CellError> {
        let count = count.max(2 * THIN);
        let mut widths = vec![1.0; count];
        for i in 0..THIN {
            widths[count - THIN + i] = THINNER.powi(i as i32 + 1);
        }
        let scale = radius_m / widths.iter().sum::<f64>();
        let mut edges = vec![0.0];
        for width in &widths {
            edges.push(edges[edges.len() - 1] + width * scale);
        }
        edges[count] = radius_m;
        let shells = edges.windows(2).map(|pair| (pair[1].powi(3) - pair[0].powi(3)) / 3.0).collect();
        let node = |i: usize| 0.5 * (edges[i] + edges[i + 1]);
        let faces = (1..count).map(|i| edges[i] * edges[i] / (node(i) - node(i - 1))).collect();
        let outer_m = edges[count] - edges[count - 1];
        let outer_distance_m = node(count - 1) - node(count - 2);
        let zeros = vec![0.0; count];
        let scratch = Scratch {
            x: zeros.clone(),
            trial: zeros.clone(),
            k1: zeros.clone(),
            k2: zeros.clone(),
            potential: zeros.clone(),
            slope: zeros.clone(),
            lower: zeros.clone(),
            pivot: zeros.clone(),
            upper: zeros,
        };
        Ok(Self { potential: integral(curve)?, radius_m, shells, faces, outer_m, outer_distance_m, scratch })
    }

    /// The shells, and the inner step that the error last asked for, s.
    pub(super) fn len(&self) -> usize {
        self.shells.len() + 1
    }

    pub(super) fn rest(&self, state: &mut [f64], stoichiometry: f64) {
        state.fill(stoichiometry);
        state[self.shells.len()] = 0.0;
    }

    pub(super) fn mean(&self, state: &[f64]) -> f64 {
        let sum: f64 = state.iter().zip(&self.shells).map(|(x, shell)| x * shell).sum();
        sum * 3.0 / self.radius_m.powi(3)
    }

    /// Stoichiometry at shares of the radius: straight lines between the middles of the shells and the surface.
    pub(super) fn profile(&self, state: &[f64], flux: f64, warmth: f64, shares: &[f64]) -> Vec<f64> {
        let mut edge_m3: f64 = 0.0;
        let mut points = Vec::with_capacity(self.shells.len() + 1);
        for (shell, x) in self.shells.iter().zip(state) {
            let from_m = edge_m3.cbrt();
            edge_m3 += 3.0 * shell;
            points.push((0.5 * (from_m + edge_m3.cbrt()) / self.radius_m, *x));
        }
        points.push((1.0, self.surface(state, flux, warmth)));
        let at = |share: &f64| {
            let after = points.partition_point(|point| point.0 < *share).clamp(1, points.len() - 1);
            let (a, b) = (points[after - 1], points[after]);
            a.1 + (b.1 - a.1) * ((share - a.0) / (b.0 - a.0)).clamp(0.0, 1.0)
        };
        shares.iter().map(at).collect()
    }

    /// From the outermost node half a shell outwards. `Φ` is a parabola there: its slope is known at the surface and
    /// at the last inner face.
    pub(super) fn surface(&self, state: &[f64], flux: f64, warmth: f64) -> f64 {
        let last = self.shells.len() - 1;
        let (outer, diffusivity) = self.potential.value_and_slope(state[last]);
        let inner = self.potential.value(state[last - 1]);
        let slope_surface = -flux / warmth;
        let slope_face = (outer - inner) / self.outer_distance_m;
        // the slope at the middle of the half shell, a quarter of the way from the surface to the face
        let target = outer + 0.5 * self.outer_m * (0.75 * slope_surface + 0.25 * slope_face);
        let mut x = state[last] + (target - outer) / diffusivity;
        for _ in 0..8 {
            let (value, slope) = self.potential.value_and_slope(x);
            let step = (target - value) / slope;
            // a trough of D must not throw the iteration out of the table
            x += step.clamp(-0.1, 0.1);
            if step.abs() < 1e-13 {
                break;
            }
        }
        x
    }

    pub(super) fn advance(
        &mut self,
        from: &[f64],
        to: &mut [f64],
        (flux_from, flux_to): (f64, f64),
        warmth: f64,
        step_s: f64,
    ) -> Result<(), CellError> {
        let mut work = std::mem::take(&mut self.scratch);
        let count = self.shells.len();
        work.x.copy_from_slice(&from[..count]);
        let mut inner_s = if from[count] > 0.0 {
            from[count]
        } else {
            self.first_step_s(flux_from.abs().max(flux_to.abs()))
        };
        let (mut done_s, mut tries) = (0.0, 0_usize);
        while done_s < step_s {
            let left_s = step_s - done_s;
            let h = if inner_s >= left_s { left_s } else { inner_s.min(0.5 * left_s.max(inner_s)) };
            let flux = |t: f64| flux_from + (flux_to - flux_from) * (t / step_s);
            let error = self.rosenbrock(&mut work, (flux(done_s), flux(done_s + h)), warmth, h);
            let share = error / TOLERANCE;
            tries += 1;
            if tries > 100_000 || (!error.is_finite() && h < 1e-9 * step_s) {
                self.scratch = work;
                let solver = "diffusion in the particle";
                return Err(CellError::NoConvergence { time_s: 0.0, solver, iterations: tries });
            }
            // an error of second order in the step
            let grow = if share.is_finite() { (0.8 / share.sqrt()).clamp(0.2, 4.0) } else { 0.2 };
            if share <= 1.0 {
                std::mem::swap(&mut work.x, &mut work.trial);
                done_s = if h == left_s { step_s } else { done_s + h };
            }
            inner_s = h * grow;
        }
        to[..count].copy_from_slice(&work.x);
        to[count] = inner_s;
        self.scratch = work;
        Ok(())
    }

    /// How long a flux takes to move the outermost shell by a little.
    fn first_step_s(&self, flux: f64) -> f64 {
        5e-4 * self.outer_m / flux.max(1e-18)
    }

    /// One step to `work.trial`; gives the error.
    fn rosenbrock(&self, work: &mut Scratch, (start, end): (f64, f64), warmth: f64, h: f64) -> f64 {
        let Scratch { x, trial, k1, k2, potential, slope, lower, pivot, upper } = work;
        let last = x.len() - 1;
        let edge = self.radius_m * self.radius_m;
        let rate = (end - start) / h;
        self.change(x, k1, potential, Some(slope), start, warmth);
        // I - γ h J, factored once
        let step = GAMMA * h * warmth;
        for i in 0..=last {
            let inner = if i > 0 { self.faces[i - 1] } else { 0.0 };
            let outer = if i < last { self.faces[i] } else { 0.0 };
            let share = step / self.shells[i];
            lower[i] = if i > 0 { -share * inner * slope[i - 1] } else { 0.0 };
            let diagonal = 1.0 + share * (inner + outer) * slope[i];
            upper[i] = if i < last { -share * outer * slope[i + 1] } else { 0.0 };
            pivot[i] = if i > 0 {
                let factor = lower[i] * pivot[i - 1];
                lower[i] = factor;
                1.0 / (diagonal - factor * upper[i - 1])
            } else {
                1.0 / diagonal
            };
        }
        let drift = -GAMMA * h * rate * edge / self.shells[last];
        k1[last] += drift;
        solve(lower, pivot, upper, k1);
        for i in 0..=last {
            trial[i] = x[i] + h * k1[i];
        }
        self.change(trial, k2, potential, None, end, warmth);
        for i in 0..=last {
            k2[i] -= 2.0 * k1[i];
        }
        k2[last] -= drift;
        solve(lower, pivot, upper, k2);
        let mut worst: f64 = 0.0;
        for i in 0..=last {
            let correction = 0.5 * h * (k1[i] + k2[i]);
            trial[i] = x[i] + h * k1[i] + correction;
            worst = worst.max(correction.abs());
            if !correction.is_finite() {
                return f64::NAN;
            }
        }
        worst
    }

    /// `dx/dt` of every shell.
    fn change(
        &self,
        x: &[f64],
        out: &mut [f64],
        potential: &mut [f64],
        slope: Option<&mut Vec<f64>>,
        flux: f64,
        warmth: f64,
    ) {
        match slope {
            Some(slope) => {
                for ((phi, d), x) in potential.iter_mut().zip(slope).zip(x) {
                    (*phi, *d) = self.potential.value_and_slope(*x);
                }
            }
            None => {
                for (phi, x) in potential.iter_mut().zip(x) {
                    *phi = self.potential.value(*x);
                }
            }
        }
        let last = x.len() - 1;
        let mut inflow = 0.0;
        for i in 0..last {
            let outflow = -warmth * self.faces[i] * (potential[i + 1] - potential[i]);
            out[i] = (inflow - outflow) / self.shells[i];
            inflow = outflow;
        }
        out[last] = (inflow - flux * self.radius_m * self.radius_m) / self.shells[last];
    }
}

/// Thomas' algorithm on factors: `lower` already times the pivots.
fn solve(lower: &[f64], pivot: &[f64], upper: &[f64], right: &mut [f64]) {
    let last = right.len() - 1;
    for i in 1..=last {
        right[i] -= lower[i] * right[i - 1];
    }
    right[last] *= pivot[last];
    for i in (0..last).rev() {
        right[i] = (right[i] - upper[i] * right[i + 1]) * pivot[i];
    }
}

/// `∫ D` from 0, by Gauss-Legendre in each piece of the table. Outside of `0..=1` it goes on as a straight line.
fn integral(curve: &Curve) -> Result<HermiteTable, CellError> {
    let width = 1.0 / PIECES as f64;
    let at = |x: f64| curve.value(x.clamp(1e-10, 1.0 - 1e-10));
    let mut sums = Vec::with_capacity(PIECES + 1);
    let mut sum = 0.0;
    for piece in 0..=PIECES {
        sums.push(sum);
        let middle = (piece as f64 + 0.5) * width;
        let half = 0.5 * width;
        let far = 0.774_596_669_241_483_4 * half;
        sum += half * (5.0 * at(middle - far) + 8.0 * at(middle) + 5.0 * at(middle + far)) / 9.0;
    }
    let least = (0..=PIECES).map(|i| at(i as f64 * width)).fold(f64::INFINITY, f64::min);
    CellError::check("electrode.diffusivity", least, least > 0.0, "above 0 for every stoichiometry")?;
    HermiteTable::sample((0.0, 1.0), PIECES, |x| (sums[(x / width).round() as usize], at(x)))
}
