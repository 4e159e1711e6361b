//! Variables between bounds, with the barrier that keeps them there.
//!
//! A variable is `lower + x` with `x ≥ 0` and, where it has an upper bound, `s = upper − lower − x ≥ 0`. The multipliers
//! are `z` and `w`. A fixed variable has `s = 0` and never moves.

/// What steps of one direction allow and lead to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// Longest step that keeps what is positive positive.
    pub(crate) primal: f64,
    pub(crate) dual: f64,
    /// Products of slacks and multipliers now, and how they change with the steps.
    pub(crate) now: f64,
    pub(crate) with_primal: f64,
    pub(crate) with_dual: f64,
    pub(crate) with_both: f64,
}

impl Reach {
    pub(crate) const NONE: Self = Self {
        primal: f64::INFINITY,
        dual: f64::INFINITY,
        now: 0.0,
        with_primal: 0.0,
        with_dual: 0.0,
        with_both: 0.0,
    };

    pub(crate) fn join(&mut self, other: &Self) {
        self.primal = self.primal.min(other.primal);
        self.dual = self.dual.min(other.dual);
        self.now += other.now;
        self.with_primal += other.with_primal;
        self.with_dual += other.with_dual;
        self.with_both += other.with_both;
    }

    /// One pair of slack and multiplier with their steps.
    pub(crate) fn pair(&mut self, slack: f64, multiplier: f64, slack_step: f64, multiplier_step: f64) {
        if slack_step < 0.0 {
            self.primal = self.primal.min(-slack / slack_step);
        }
        if multiplier_step < 0.0 {
            self.dual = self.dual.min(-multiplier / multiplier_step);
        }
        self.now += slack * multiplier;
        self.with_primal += slack_step * multiplier;
        self.with_dual += slack * multiplier_step;
        self.with_both += slack_step * multiplier_step;
    }

    /// Sum of products after steps of these lengths.
    pub(crate) fn after(&self, primal: f64, dual: f64) -> f64 {
        self.now + primal * self.with_primal + dual * self.with_dual + primal * dual * self.with_both
    }
}

/// Bounded variables of one block, field by field.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    /// Distance from the lower bound.
    pub(crate) x: Vec<f64>,
    /// Distance from the upper bound; infinite where there is none, zero where the variable is fixed.
    pub(crate) s: Vec<f64>,
    pub(crate) z: Vec<f64>,
    pub(crate) w: Vec<f64>,
    /// Inverse of the diagonal of the Hessian.
    pub(crate) theta: Vec<f64>,
    /// Right-hand side, then step.
    pub(crate) dx: Vec<f64>,
    /// Target of `x·z` beyond zero, then step of `z`.
    pub(crate) dz: Vec<f64>,
    /// Target of `s·w` beyond zero, then step of `w`.
    pub(crate) dw: Vec<f64>,
    pub(crate) pairs: usize,
}

impl Bars {
    /// Variables with these widths between their bounds, in the middle of them or at most `most` from the lower.
    pub(crate) fn new(widths: impl Iterator<Item = f64>, most: f64, multiplier: f64) -> Self {
        let (mut x, mut s, mut z, mut w) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut pairs = 0;
        for width in widths {
            if width <= FIXED {
                x.push(0.0);
                s.push(0.0);
                z.push(0.0);
                w.push(0.0);
                continue;
            }
            let value = (width * 0.5).min(most);
            x.push(value);
            s.push(width - value);
            z.push(multiplier);
            if width.is_finite() {
                w.push(multiplier);
                pairs += 2;
            } else {
                w.push(0.0);
                pairs += 1;
            }
        }
        let n = x.len();
        let zero = || vec![0.0; n];
        Self { x, s, z, w, theta: zero(), dx: zero(), dz: zero(), dw: zero(), pairs }
    }

    pub(crate) fn curvature(&self, at: usize) -> f64 {
        PROXIMAL + self.z[at] / self.x[at] + self.w[at] / self.s[at]
    }

    /// Sets `theta` from the curvature of the objective in `range`.
    pub(crate) fn set_theta(&mut self, range: std::ops::Range<usize>, curvature: f64) {
        let (x, s) = (&self.x[range.clone()], &self.s[range.clone()]);
        let (z, w) = (&self.z[range.clone()], &self.w[range.clone()]);
        for ((((theta, x), s), z), w) in self.theta[range].iter_mut().zip(x).zip(s).zip(z).zip(w) {
            let value = 1.0 / (curvature + PROXIMAL + z / x + w / s);
            *theta = if *s == 0.0 { 0.0 } else { value };
        }
    }

    /// `target/x − target/s` of a corrector: what the targets add to the right-hand side.
    pub(crate) fn pull(&self, at: usize) -> f64 {
        if self.s[at] == 0.0 { 0.0 } else { self.dz[at] / self.x[at] - self.dw[at] / self.s[at] }
    }

    /// Turns targets into steps of the multipliers, and says how far the steps may go.
    pub(crate) fn finish_step(&mut self, corrected: bool) -> Reach {
        let mut reach = Reach::NONE;
        for at in 0..self.x.len() {
            let (x, s, z, w, dx) = (self.x[at], self.s[at], self.z[at], self.w[at], self.dx[at]);
            if s == 0.0 {
                continue;
            }
            let (target_z, target_w) = if corrected { (self.dz[at], self.dw[at]) } else { (0.0, 0.0) };
            let dz = (target_z - z * dx) / x - z;
            self.dz[at] = dz;
            reach.pair(x, z, dx, dz);
            if s.is_finite() {
                let dw = (target_w + w * dx) / s - w;
                self.dw[at] = dw;
                reach.pair(s, w, -dx, dw);
            } else {
                self.dw[at] = 0.0;
            }
        }
        reach
    }

    /// Replaces the steps of a predictor by the targets of the corrector.
    pub(crate) fn set_targets(&mut self, centre: f64) {
        for at in 0..self.x.len() {
            if self.s[at] == 0.0 {
                continue;
            }
            self.dz[at] = centre - self.dx[at] * self.dz[at];
            self.dw[at] = if self.s[at].is_finite() { centre + self.dx[at] * self.dw[at] } else { 0.0 };
        }
    }

    pub(crate) fn step(&mut self, primal: f64, dual: f64) {
        for at in 0..self.x.len() {
            if self.s[at] == 0.0 {
                continue;
            }
            self.x[at] = (self.x[at] + primal * self.dx[at]).max(TINY);
            self.s[at] = (self.s[at] - primal * self.dx[at]).max(TINY);
            self.z[at] = (self.z[at] + dual * self.dz[at]).max(TINY);
            if self.s[at].is_finite() {
                self.w[at] = (self.w[at] + dual * self.dw[at]).max(TINY);
            }
        }
    }
}

/// Steps are drawn back towards where they start by this curvature, of variables and of multipliers (Friedlander, Orban,
/// Math. Prog. Comp. 2012). It moves no optimum, for there no step is left, and it keeps all pivots away from rounding.
pub(crate) const PROXIMAL: f64 = 1e-8;
/// The same for multipliers.
pub(crate) const PROXIMAL_DUAL: f64 = 1e-7;
/// Bounds closer than this, in scaled units, fix a variable.
pub(crate) const FIXED: f64 = 1e-12;
/// Slacks and multipliers stay above this, far below every tolerance.
pub(crate) const TINY: f64 = 1e-30;
