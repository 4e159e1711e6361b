//! The particles at the nodes of one electrode, reduced to what the electrode needs of them: how the surface
//! stoichiometry answers the flux.
//!
//! Within a stage of the integrator every particle is an affine relation `x_surface = rest - response flux`, exact for
//! a constant diffusivity and Newton's linearisation otherwise. So the Newton system of the cell has no unknown inside
//! the particles, yet its solution is that of the whole system.

mod galerkin;
mod volumes;

pub(crate) use galerkin::Modes;
pub(crate) use volumes::Sphere;

use crate::{
    stepper::Hermite,
    tableau::{STAGE_WEIGHTS, STAGES, error_weight},
};

/// How the inside of a particle is resolved.
#[derive(Debug, Clone)]
enum Inside {
    Modes(Modes),
    Volumes(Sphere),
}

/// The insides of all particles as a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inner(Vec<f64>);

/// States and stage derivatives of the particles of one electrode. Stoichiometries, and fluxes as `j R / c_max`
/// (m2/s), positive outwards.
#[derive(Debug, Clone)]
pub(crate) struct Particles {
    inside: Inside,
    nodes: usize,
    /// Unknowns of one particle.
    size: usize,
    /// 1 / R^2.
    per_area: f64,
    /// Diffusivity at the reference temperature for modes, 1 for volumes, whose curve holds it.
    diffusivity: f64,
    /// Modes lie mode by mode (all nodes of one together), volumes node by node.
    state: Vec<f64>,
    known: Vec<f64>,
    stage_state: Vec<f64>,
    derivatives: Vec<Vec<f64>>,
    /// Volumes only: the affine form of the inside.
    inner_rest: Vec<f64>,
    inner_response: Vec<f64>,
    /// The relation of the surface, by node.
    pub(crate) rest: Vec<f64>,
    pub(crate) response: Vec<f64>,
    /// Of the present stage: step times diagonal coefficient over `R^2`, and the factor of the diffusivity.
    weight: f64,
    scale: f64,
    /// The relation holds and the inside rests: for a state between two steps.
    frozen: bool,
}

impl Particles {
    pub(crate) fn modal(modes: Modes, nodes: usize, radius_m: f64, diffusivity: f64) -> Self {
        let size = modes.rate.len();
        Self::new(Inside::Modes(modes), size, nodes, radius_m, diffusivity)
    }

    pub(crate) fn volumes(sphere: Sphere, nodes: usize, radius_m: f64) -> Self {
        let size = sphere.count();
        Self::new(Inside::Volumes(sphere), size, nodes, radius_m, 1.0)
    }

    fn new(inside: Inside, size: usize, nodes: usize, radius_m: f64, diffusivity: f64) -> Self {
        let zeros = vec![0.0; size * nodes];
        Self {
            inside,
            nodes,
            size,
            per_area: 1.0 / (radius_m * radius_m),
            diffusivity,
            state: zeros.clone(),
            known: zeros.clone(),
            stage_state: zeros.clone(),
            derivatives: vec![zeros.clone(); STAGES],
            inner_rest: zeros.clone(),
            inner_response: zeros,
            rest: vec![0.0; nodes],
            response: vec![0.0; nodes],
            weight: 0.0,
            scale: 1.0,
            frozen: false,
        }
    }

    /// All particles uniform at stoichiometry `x`.
    pub(crate) fn uniform(&self, x: f64) -> Inner {
        match &self.inside {
            Inside::Modes(_) => {
                let mut state = vec![0.0; self.size * self.nodes];
                state[..self.nodes].fill(x / 3.0_f64.sqrt());
                Inner(state)
            }
            Inside::Volumes(_) => Inner(vec![x; self.size * self.nodes]),
        }
    }

    /// Takes over insides that these particles gave.
    pub(crate) fn set_inner(&mut self, inner: &Inner) {
        self.state.copy_from_slice(&inner.0);
    }

    /// Starts a stage: the known part of its state, and for modes the relation of the surface.
    pub(crate) fn begin_stage(&mut self, stage: usize, step_s: f64, gamma: f64, scale: f64) {
        self.known.copy_from_slice(&self.state);
        for (earlier, weight) in STAGE_WEIGHTS[stage].iter().enumerate() {
            if *weight != 0.0 {
                let factor = weight * step_s;
                for (known, derivative) in self.known.iter_mut().zip(&self.derivatives[earlier]) {
                    *known += factor * derivative;
                }
            }
        }
        self.weight = gamma * step_s * self.per_area;
        self.scale = scale;
        match &self.inside {
            Inside::Modes(modes) => {
                self.rest.fill(0.0);
                let mut response = 0.0;
                for (k, known) in self.known.chunks_exact(self.nodes).enumerate() {
                    let pull =
                        modes.surface[k] / (1.0 + self.weight * self.diffusivity * scale * modes.rate[k]);
                    response += modes.surface[k] * pull * self.weight;
                    for (rest, known) in self.rest.iter_mut().zip(known) {
                        *rest += pull * known;
                    }
                }
                self.response.fill(response);
            }
            Inside::Volumes(_) => {
                // the last stage is the best guess at hand
                if stage <= 1 {
                    self.stage_state.copy_from_slice(&self.known);
                }
            }
        }
    }

    /// Linearises about the present iterate; does nothing for modes.
    pub(crate) fn linearise(&mut self, fluxes: &[f64]) {
        let Inside::Volumes(sphere) = &self.inside else { return };
        if self.frozen {
            return;
        }
        let size = self.size;
        for node in 0..self.nodes {
            let span = node * size..(node + 1) * size;
            let (rest, response) =
                (&mut self.inner_rest[span.clone()], &mut self.inner_response[span.clone()]);
            sphere.linearise(
                &self.stage_state[span.clone()],
                &self.known[span],
                self.weight,
                self.scale,
                rest,
                response,
            );
            let flux = fluxes[node];
            let value = |at: usize| rest[at] - response[at] * flux;
            let (surface, [by_last, by_before, by_flux]) =
                sphere.surface(value(size - 1), value(size - 2), flux, self.scale);
            let slope = by_last * response[size - 1] + by_before * response[size - 2] - by_flux;
            self.response[node] = slope;
            self.rest[node] = surface + slope * flux;
        }
    }

    /// Takes the fluxes of an iterate into the inside, and tells by how much it moved at most; modes need only the last
    /// fluxes.
    pub(crate) fn iterate(&mut self, fluxes: &[f64]) -> f64 {
        let mut moved = 0.0_f64;
        if self.frozen || !matches!(self.inside, Inside::Volumes(_)) {
            return moved;
        }
        for (node, flux) in fluxes.iter().enumerate() {
            for at in node * self.size..(node + 1) * self.size {
                let x = self.inner_rest[at] - self.inner_response[at] * flux;
                moved = moved.max((x - self.stage_state[at]).abs());
                self.stage_state[at] = x;
            }
        }
        moved
    }

    /// Ends a stage with its final fluxes: the derivative, and the state from it, so that lithium is conserved to
    /// rounding however the iteration ended.
    pub(crate) fn end_stage(&mut self, stage: usize, step_gamma_s: f64, fluxes: &[f64]) {
        let derivative = &mut self.derivatives[stage];
        match &self.inside {
            Inside::Modes(modes) => {
                let diffusivity = self.diffusivity * self.scale;
                for (k, ((derivative, known), state)) in derivative
                    .chunks_exact_mut(self.nodes)
                    .zip(self.known.chunks_exact(self.nodes))
                    .zip(self.stage_state.chunks_exact_mut(self.nodes))
                    .enumerate()
                {
                    let damping = 1.0 / (1.0 + self.weight * diffusivity * modes.rate[k]);
                    let decay = diffusivity * modes.rate[k] * self.per_area * damping;
                    let push = modes.surface[k] * self.per_area * damping;
                    for node in 0..self.nodes {
                        let rate = -decay * known[node] - push * fluxes[node];
                        derivative[node] = rate;
                        state[node] = known[node] + step_gamma_s * rate;
                    }
                }
            }
            Inside::Volumes(sphere) if step_gamma_s == 0.0 => {
                for (node, flux) in fluxes.iter().enumerate() {
                    let span = node * self.size..(node + 1) * self.size;
                    let rate = &mut derivative[span.clone()];
                    sphere.rate(&self.state[span], *flux, self.scale, rate);
                    for rate in rate {
                        *rate *= self.per_area;
                    }
                }
            }
            // a fresh evaluation of the rate would blow up what the iteration left over in the thin volumes
            Inside::Volumes(_) => {
                for ((derivative, x), known) in derivative.iter_mut().zip(&self.stage_state).zip(&self.known)
                {
                    *derivative = (x - known) / step_gamma_s;
                }
            }
        }
    }

    /// The estimated error of the surface at each node after the last stage.
    pub(crate) fn surface_error(&self, step_s: f64, error: &mut [f64]) {
        error.fill(0.0);
        for (stage, derivative) in self.derivatives.iter().enumerate() {
            let weight = step_s * error_weight(stage);
            match &self.inside {
                Inside::Modes(modes) => {
                    for (surface, derivative) in modes.surface.iter().zip(derivative.chunks_exact(self.nodes))
                    {
                        for (error, derivative) in error.iter_mut().zip(derivative) {
                            *error += weight * surface * derivative;
                        }
                    }
                }
                Inside::Volumes(_) => {
                    for (error, derivative) in error.iter_mut().zip(derivative.chunks_exact(self.size)) {
                        *error += weight * derivative[self.size - 1];
                    }
                }
            }
        }
    }

    /// The relation of the surfaces at a share of the step just tried, the inside as it is; until [`Self::thaw`].
    pub(crate) fn between(&mut self, hermite: &Hermite) {
        self.frozen = true;
        self.rest.fill(0.0);
        self.response.fill(0.0);
        let (first, last) = (&self.derivatives[0], &self.derivatives[STAGES - 1]);
        let at =
            |index: usize| hermite.at(self.state[index], first[index], self.stage_state[index], last[index]);
        match &self.inside {
            Inside::Modes(modes) => {
                for (k, surface) in modes.surface.iter().enumerate() {
                    for (node, rest) in self.rest.iter_mut().enumerate() {
                        *rest += surface * at(k * self.nodes + node);
                    }
                }
            }
            Inside::Volumes(sphere) => {
                for node in 0..self.nodes {
                    let end = (node + 1) * self.size;
                    let (surface, [.., by_flux]) = sphere.surface(at(end - 1), at(end - 2), 0.0, self.scale);
                    self.rest[node] = surface;
                    self.response[node] = -by_flux;
                }
            }
        }
    }

    /// Ends [`Self::between`].
    pub(crate) fn thaw(&mut self) {
        self.frozen = false;
    }

    /// Makes the last stage the state.
    pub(crate) fn accept(&mut self) {
        std::mem::swap(&mut self.state, &mut self.stage_state);
        self.derivatives.swap(0, STAGES - 1);
    }

    /// Mean stoichiometry by node.
    pub(crate) fn means(&self) -> Vec<f64> {
        match &self.inside {
            Inside::Modes(_) => self.state[..self.nodes].iter().map(|q| q * 3.0_f64.sqrt()).collect(),
            Inside::Volumes(sphere) => {
                self.state.chunks_exact(self.size).map(|state| sphere.mean(state)).collect()
            }
        }
    }

    /// Stoichiometry over the radius at `node`: pairs of `r / R` and `x`, from the centre outwards, `points` of them
    /// for modes and the volumes' own otherwise; the surface is `surface`.
    pub(crate) fn profile(&self, node: usize, points: usize, surface: f64) -> Vec<(f64, f64)> {
        match &self.inside {
            Inside::Modes(modes) => (0..points.max(2))
                .map(|at| {
                    let rho = at as f64 / (points.max(2) - 1) as f64;
                    let shapes = modes.at(rho);
                    let x = shapes.iter().enumerate().map(|(k, p)| p * self.state[k * self.nodes + node]);
                    (rho, x.sum())
                })
                .collect(),
            Inside::Volumes(sphere) => {
                let own = self.state[node * self.size..(node + 1) * self.size].iter();
                sphere.centres().iter().copied().zip(own.copied()).chain([(1.0, surface)]).collect()
            }
        }
    }
}
