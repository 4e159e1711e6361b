//! The sphere with constant diffusivity: eigenmodes under a flux that is linear in time, each step exact.
//!
//! With `tan λ = λ` and the flux `g` out of the surface (Carslaw and Jaeger, Conduction of Heat in Solids, 9.8),
//! `mean' = -3 g / R`, `q' = -(λ² D / R²) q + (2 m / R) g`, `surface = mean - Σ q - (2R/D)(1/10 - Σ m/λ²) g`.
//!
//! The first modes stand alone (`m = 1`). What follows is gathered: `m` neighbours become one mode with the same sum of
//! amplitudes at the beginning (`m`) and at the end (`Σ 1/λ²`), so that a jump of the current is followed from
//! milliseconds on with few numbers. The last term is what lies beyond, at its steady value.

/// Modes of one sphere, and the factors of the step last used.
#[derive(Debug, Clone)]
pub struct Modal {
    radius_m: f64,
    diffusivity_m2_s: f64,
    /// Per mode: `λ²`, `m`.
    modes: Vec<[f64; 2]>,
    /// `1/10 - Σ m/λ²`.
    tail: f64,
    step: Factors,
}

/// What one step of a given Fourier number multiplies with.
#[derive(Debug, Clone, Default)]
struct Factors {
    fourier: f64,
    /// Per mode: decay, weight of the flux at the start, weight at the end.
    modes: Vec<[f64; 3]>,
}

/// Roots that are gathered at most.
const ROOTS: usize = 1_000;

impl Modal {
    /// `count` modes, of which the first three in eight stand alone and each other gathers more roots than the one before.
    #[must_use]
    pub fn new(radius_m: f64, diffusivity_m2_s: f64, count: usize) -> Self {
        let alone = (3 * count).div_ceil(8);
        let gathers = count - alone;
        // bounds in geometric progression from the modes that stand alone to the last root
        let bound = |i: usize| {
            let share = i as f64 / gathers.max(1) as f64;
            (alone as f64 * (ROOTS as f64 / alone as f64).powf(share)).round() as usize
        };
        let mut modes: Vec<[f64; 2]> = (1..=alone).map(|k| [root(k).powi(2), 1.0]).collect();
        let mut last = alone;
        for i in 1..=gathers {
            let end = bound(i).max(last + 1);
            let steady: f64 = (last + 1..=end).map(|k| root(k).powi(-2)).sum();
            let number = (end - last) as f64;
            modes.push([number / steady, number]);
            last = end;
        }
        let tail = 0.1 - modes.iter().map(|[square, number]| number / square).sum::<f64>();
        Self { radius_m, diffusivity_m2_s, modes, tail, step: Factors::default() }
    }

    pub(super) fn len(&self) -> usize {
        1 + self.modes.len()
    }

    #[inline]
    pub(super) fn surface(&self, state: &[f64], flux: f64, warmth: f64) -> f64 {
        self.surfaces(state.as_chunks::<1>().0, [flux], warmth)[0]
    }

    /// Surfaces of several particles; each lane is what [`super::Particle::surface`] gives for it alone.
    #[inline]
    pub(crate) fn surfaces<const L: usize>(
        &self,
        state: &[[f64; L]],
        flux: [f64; L],
        warmth: f64,
    ) -> [f64; L] {
        let mut sum = [0.0; L];
        for q in &state[1..] {
            for lane in 0..L {
                sum[lane] += q[lane];
            }
        }
        let steady = 2.0 * self.radius_m / (self.diffusivity_m2_s * warmth) * self.tail;
        std::array::from_fn(|lane| state[0][lane] - sum[lane] - steady * flux[lane])
    }

    /// Stoichiometry at shares of the radius, under a flux that has been the same for long beside what the gathered modes
    /// remember: those are at their steady state, the others as they are.
    pub(super) fn profile(&self, state: &[f64], flux: f64, warmth: f64, shares: &[f64]) -> Vec<f64> {
        let scale = self.radius_m * flux / (self.diffusivity_m2_s * warmth);
        let at = |share: &f64| {
            let steady = state[0] - scale * (0.5 * share * share - 0.3);
            let alone = self.modes.iter().zip(&state[1..]).filter(|([_, number], _)| *number == 1.0);
            let passing = alone.map(|([square, _], q)| {
                let root = square.sqrt();
                let form = if *share > 1e-6 { (root * share).sin() / share } else { root };
                (q - 2.0 * scale / square) * form / root.sin()
            });
            steady - passing.sum::<f64>()
        };
        shares.iter().map(at).collect()
    }

    #[inline]
    pub(super) fn advance(
        &mut self,
        from: &[f64],
        to: &mut [f64],
        (flux_from, flux_to): (f64, f64),
        warmth: f64,
        step_s: f64,
    ) {
        let flux = ([flux_from], [flux_to]);
        self.advances(from.as_chunks::<1>().0, to.as_chunks_mut::<1>().0, flux, warmth, step_s);
    }

    /// One step of several particles; each lane is what [`super::Particle::advance`] gives for it alone.
    #[inline]
    pub(crate) fn advances<const L: usize>(
        &mut self,
        from: &[[f64; L]],
        to: &mut [[f64; L]],
        (flux_from, flux_to): ([f64; L], [f64; L]),
        warmth: f64,
        step_s: f64,
    ) {
        let fourier = self.diffusivity_m2_s * warmth * step_s / (self.radius_m * self.radius_m);
        if fourier != self.step.fourier {
            self.prepare(fourier);
        }
        let scale = step_s / self.radius_m;
        for lane in 0..L {
            to[0][lane] = from[0][lane] - 1.5 * scale * (flux_from[lane] + flux_to[lane]);
        }
        let (a, b) = (flux_from.map(|g| 2.0 * scale * g), flux_to.map(|g| 2.0 * scale * g));
        for ((next, q), [decay, start, end]) in to[1..].iter_mut().zip(&from[1..]).zip(&self.step.modes) {
            for lane in 0..L {
                next[lane] = decay * q[lane] + start * a[lane] + end * b[lane];
            }
        }
    }

    fn prepare(&mut self, fourier: f64) {
        self.step.fourier = fourier;
        self.step.modes.clear();
        self.step.modes.extend(self.modes.iter().map(|[square, number]| {
            let [decay, start, end] = factors(square * fourier);
            [decay, number * start, number * end]
        }));
    }
}

/// Decay and flux weights of a mode with `z = λ² Fo`.
#[inline]
pub(crate) fn factors(z: f64) -> [f64; 3] {
    let decay = (-z).exp();
    if z < 1e-2 {
        // the quotients below lose digits here; the next terms are under 1e-12
        let first = 1.0 - z * (0.5 - z * (1.0 / 6.0 - z * (1.0 / 24.0 - z / 120.0)));
        let second = 0.5 - z * (1.0 / 6.0 - z * (1.0 / 24.0 - z * (1.0 / 120.0 - z / 720.0)));
        [decay, first - second, second]
    } else {
        let first = (1.0 - decay) / z;
        let second = (1.0 - first) / z;
        [decay, first - second, second]
    }
}

/// The `k`-th positive root of `tan λ = λ`, which lies under `(k + ½) π`.
fn root(k: usize) -> f64 {
    let pole = (k as f64 + 0.5) * std::f64::consts::PI;
    let mut root = pole - 1.0 / pole;
    // the map contracts by about 1/λ², so this ends at the last digit
    for _ in 0..40 {
        root = pole - (1.0 / root).atan();
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_solve_their_equation() {
        // the first is 4.493409457909064 (DLMF 10.21, the first zero of j_1)
        assert!((root(1) - 4.493_409_457_909_064).abs() < 1e-14);
        for k in 1..200 {
            let at = root(k);
            assert!((at.sin() - at * at.cos()).abs() < 1e-9 * at, "{k}");
        }
    }

    #[test]
    fn weights_join_where_their_form_changes() {
        let (below, above) = (factors(1e-2 * (1.0 - 1e-9)), factors(1e-2 * (1.0 + 1e-9)));
        for (a, b) in below.iter().zip(above) {
            assert!((a - b).abs() < 1e-10, "{a} {b}");
        }
    }

    #[test]
    fn a_jump_is_followed_as_by_a_thousand_modes() {
        // the same flux step on many modes that stand alone: Σ (2R/Dλ²)(1 - exp(-λ² D t/R²))
        let (radius, diffusivity, flux) = (5e-6, 4e-15, 1e-11);
        let exact = |t: f64| {
            let fourier = diffusivity * t / (radius * radius);
            let sum: f64 = (1..40_000)
                .map(|k| {
                    let square = root(k).powi(2);
                    (1.0 - (-square * fourier).exp()) / square
                })
                .sum();
            0.5 - flux * (3.0 * t / radius + 2.0 * radius / diffusivity * sum)
        };
        let mut modal = Modal::new(radius, diffusivity, 32);
        let (mut state, mut next) = (vec![0.0; modal.len()], vec![0.0; modal.len()]);
        for t in [1e-3, 0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0] {
            state.fill(0.0);
            state[0] = 0.5;
            modal.advance(&state, &mut next, (flux, flux), 1.0, t);
            let surface = modal.surface(&next, flux, 1.0);
            let drop = 0.5 - exact(t);
            // gathered roots are 3 % off within milliseconds, far less later
            let share = if t < 0.1 { 4e-2 } else { 4e-3 };
            assert!((surface - exact(t)).abs() < share * drop, "{t}: {surface} beside {}", exact(t));
        }
    }

    #[test]
    fn a_steady_flux_gives_the_parabola() {
        // quasi-steady: surface - mean = -g R / (5 D)
        let mut modal = Modal::new(5e-6, 1e-14, 32);
        let (mut state, mut next) = (vec![0.0; modal.len()], vec![0.0; modal.len()]);
        state[0] = 0.5;
        for _ in 0..200 {
            modal.advance(&state, &mut next, (1e-12, 1e-12), 1.0, 1000.0);
            std::mem::swap(&mut state, &mut next);
        }
        let surface = modal.surface(&state, 1e-12, 1.0);
        assert!((surface - state[0] + 1e-12 * 5e-6 / (5.0 * 1e-14)).abs() < 1e-12);
        assert!((state[0] - (0.5 - 3.0 * 1e-12 * 200_000.0 / 5e-6)).abs() < 1e-12);
    }
}
