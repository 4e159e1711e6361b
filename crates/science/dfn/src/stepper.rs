//! One cell in time: its state, one step of the integrator, and states in between.

use crate::{
    DfnError, Mesh, Tolerance,
    grid::Grid,
    kernel::{Drive, Iterate, Kernel},
    material::Material,
    particle::{Inner, Modes, Particles, Sphere},
    tableau::{ERROR_ORDER, GAMMA, NODES, STAGE_WEIGHTS, STAGES, error_weight},
};

/// What surrounds a cell whose temperature is an unknown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Surroundings {
    pub(crate) ambient_k: f64,
    /// Heat given off, W/K.
    pub(crate) w_per_k: f64,
}

/// The parts of a state that are not inside particles.
#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    iterate: Iterate,
    voltage: f64,
    /// Currents in the electrolyte through the faces, A/m2.
    faces: Vec<f64>,
    charge_c_m2: f64,
    energy_j_m2: f64,
}

/// A state as a value, to come back to.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    state: State,
    inner: [Inner; 2],
    pub(crate) time_s: f64,
}

/// Derivatives of one stage.
#[derive(Debug, Clone, Default)]
struct Rates {
    salt: Vec<f64>,
    temperature: f64,
    charge: f64,
    energy: f64,
}

/// What is seen at the terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) current: f64,
    pub(crate) voltage: f64,
    pub(crate) temp_k: f64,
}

/// A cell, its state at `time_s`, and the step that was tried from there.
#[derive(Debug)]
pub(crate) struct Stepper {
    pub(crate) material: Material,
    pub(crate) grid: Grid,
    pub(crate) kernel: Kernel,
    pub(crate) particles: [Particles; 2],
    surroundings: Option<Surroundings>,
    tolerance: Tolerance,
    pub(crate) time_s: f64,
    state: State,
    rates: Vec<Rates>,
    stages: Vec<Iterate>,
    /// The step before this one, whose stages foretell the first of this; none after a jump.
    last_step_s: Option<f64>,
    known: Vec<f64>,
    next: State,
    drive: Drive,
    /// Change of a driven current, A/m2/s, since `drive` held at `ramp_from_s`.
    ramp: f64,
    ramp_from_s: f64,
    error: [Vec<f64>; 2],
    scratch: Iterate,
    wanted: Vec<f64>,
}

impl Stepper {
    pub(crate) fn new(
        material: Material,
        mesh: &Mesh,
        tolerance: Tolerance,
        surroundings: Option<Surroundings>,
    ) -> Result<Self, DfnError> {
        let temp_k = material.set.cell.reference_temperature_k;
        let climate = material.climate(temp_k);
        let grid = Grid::new(&material, [mesh.negative, mesh.separator, mesh.positive], &climate);
        let kernel = Kernel::new(&material, &grid, temp_k);
        let modes = Modes::new(mesh.modes);
        let particles = |side: usize| -> Result<Particles, DfnError> {
            let electrode = material.side(side);
            let (nodes, radius) = (grid.electrode(side).len(), electrode.particle_radius_m);
            let curve = &electrode.diffusivity.curve;
            Ok(if curve.is_constant() {
                Particles::modal(modes.clone(), nodes, radius, curve.value(0.5))
            } else {
                let sphere = Sphere::new(mesh.volumes, |x| curve.value(x.clamp(1e-10, 1.0 - 1e-10)))?;
                Particles::volumes(sphere, nodes, radius)
            })
        };
        let particles = [particles(0)?, particles(1)?];
        let nodes = grid.nodes();
        let iterate =
            Iterate { c: vec![material.electrolyte; nodes], u: vec![0.0; nodes], current: 0.0, temp_k };
        let error = [0, 1].map(|side| vec![0.0; grid.electrode(side).len()]);
        Ok(Self {
            kernel,
            particles,
            surroundings,
            tolerance,
            time_s: 0.0,
            state: State { iterate: iterate.clone(), ..State::default() },
            rates: vec![Rates { salt: vec![0.0; nodes], ..Rates::default() }; STAGES],
            stages: vec![iterate.clone(); STAGES],
            last_step_s: None,
            known: vec![0.0; nodes],
            next: State { iterate: iterate.clone(), ..State::default() },
            drive: Drive::Current(0.0),
            ramp: 0.0,
            ramp_from_s: 0.0,
            error,
            scratch: iterate,
            wanted: vec![0.0; nodes + 1],
            grid,
            material,
        })
    }

    /// The state of a cell at rest.
    pub(crate) fn rest(&self, stoichiometry: [f64; 2], temp_k: f64) -> Snapshot {
        let mut iterate = Iterate {
            c: vec![self.material.electrolyte; self.grid.nodes()],
            u: vec![0.0; self.grid.nodes()],
            current: 0.0,
            temp_k,
        };
        let warmth = temp_k - self.material.set.cell.reference_temperature_k;
        let mut ends = [0.0; 2];
        for side in 0..2 {
            ends[side] = self.material.electrodes[side].potential(stoichiometry[side], warmth).0;
            iterate.u[self.grid.electrode(side)].fill(ends[side]);
        }
        let inner = [0, 1].map(|side| self.particles[side].uniform(stoichiometry[side]));
        Snapshot {
            state: State { iterate, voltage: ends[1] - ends[0], ..State::default() },
            inner,
            time_s: 0.0,
        }
    }

    /// Back to a state, of which [`Self::start`] makes use.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot) {
        self.state.clone_from(&snapshot.state);
        for (particles, inner) in self.particles.iter_mut().zip(&snapshot.inner) {
            particles.set_inner(inner);
        }
        self.time_s = snapshot.time_s;
        self.last_step_s = None;
    }

    /// The present state at the terminals.
    pub(crate) fn reading(&self) -> Reading {
        reading(&self.state)
    }

    /// The end of the step tried last.
    pub(crate) fn next_reading(&self) -> Reading {
        reading(&self.next)
    }

    /// Charge given off since the start, C/m2.
    pub(crate) fn charge(&self) -> f64 {
        self.state.charge_c_m2
    }

    /// Charge at a share of the step tried last.
    pub(crate) fn charge_between(&self, step_s: f64, share: f64) -> f64 {
        let (first, last) = (self.rates[0].charge, self.rates[STAGES - 1].charge);
        Hermite::new(step_s, share).at(self.state.charge_c_m2, first, self.next.charge_c_m2, last)
    }

    /// Energy given off since the start, J/m2.
    pub(crate) fn energy(&self) -> f64 {
        self.state.energy_j_m2
    }

    pub(crate) fn iterate(&self) -> &Iterate {
        &self.state.iterate
    }

    /// Lithium in the particles and in the electrolyte, mol/m2 of electrode.
    pub(crate) fn lithium(&self) -> [f64; 3] {
        let inside = |side: usize| {
            let electrode = &self.material.electrodes[side];
            let means = self.particles[side].means();
            let widths = &self.grid.width[self.grid.electrode(side)];
            let fill = electrode.max_concentration * electrode.area_per_volume * electrode.radius_m / 3.0;
            fill * means.iter().zip(widths).map(|(mean, width)| mean * width).sum::<f64>()
        };
        let salt = self.state.iterate.c.iter().zip(&self.grid.width).zip(&self.grid.porosity);
        [inside(0), inside(1), salt.map(|((c, h), e)| c * h * e).sum()]
    }

    /// Mean stoichiometry of both electrodes.
    pub(crate) fn mean_stoichiometry(&self) -> [f64; 2] {
        [0, 1].map(|side| {
            let widths = &self.grid.width[self.grid.electrode(side)];
            let means = self.particles[side].means();
            means.iter().zip(widths).map(|(mean, width)| mean * width).sum::<f64>()
                / widths.iter().sum::<f64>()
        })
    }

    /// Takes over what drives the cell from now on: finds potentials and currents that fit the state. False if there
    /// are none.
    pub(crate) fn start(&mut self, drive: Drive, ramp: f64) -> bool {
        self.drive = drive;
        self.ramp = ramp;
        self.ramp_from_s = self.time_s;
        self.last_step_s = None;
        if !self.resolve() {
            return false;
        }
        let current = self.state.iterate.current;
        self.kernel.salt_rate(&self.grid, &mut self.rates[0].salt);
        for side in 0..2 {
            self.particles[side].end_stage(0, 0.0, &self.kernel.fluxes[side]);
        }
        let heat = self.kernel.heat(current) * self.material.area_m2;
        let temp_k = self.state.iterate.temp_k;
        self.rates[0].temperature = self.surroundings.map_or(0.0, |around| {
            (heat - around.w_per_k * (temp_k - around.ambient_k)) / self.heat_capacity(temp_k)
        });
        self.rates[0].charge = current;
        self.rates[0].energy = current * self.state.voltage;
        true
    }

    /// Solves the potentials at the present state, so that the kernel holds them.
    pub(crate) fn resolve(&mut self) -> bool {
        let temp_k = self.state.iterate.temp_k;
        let climate = self.material.climate(temp_k);
        for side in 0..2 {
            self.particles[side].begin_stage(0, 0.0, GAMMA, climate.solid_diffusion[side]);
            self.particles[side].linearise(&self.kernel.fluxes[side]);
        }
        self.known.copy_from_slice(&self.state.iterate.c);
        let saved = self.state.clone();
        let solved = match self.drive_at(0.0) {
            Drive::Current(current) => self.resolve_at(current),
            drive => self.approach(drive) && self.resolve_with(drive),
        };
        if !solved {
            self.state = saved;
        }
        solved
    }

    /// Comes near a voltage or a power by currents. The slope of the voltage is steepest at no current, so the way
    /// leads from below.
    fn approach(&mut self, drive: Drive) -> bool {
        const NEAR_V: f64 = 0.01;
        for _ in 0..50 {
            let current = self.state.iterate.current;
            if !self.resolve_at(current) {
                return false;
            }
            let (voltage, slope) = (self.kernel.voltage, self.kernel.voltage_by_current);
            let (miss, slope) = match drive {
                Drive::Current(_) => return true,
                Drive::Voltage(wanted) => (wanted - voltage, slope),
                Drive::Power(wanted) => {
                    ((wanted - current * voltage) / voltage, 1.0 + current * slope / voltage)
                }
            };
            let (near, uphill) = match drive {
                Drive::Power(wanted) => (miss.abs() < 0.01 * (wanted / voltage).abs() + 1e-3, slope > 0.0),
                _ => (miss.abs() < NEAR_V, true),
            };
            if near {
                return true;
            }
            // beyond the most that the cell can give, more current gives less power
            if !uphill {
                return false;
            }
            self.state.iterate.current += miss / slope;
        }
        false
    }

    fn resolve_at(&mut self, current: f64) -> bool {
        self.grid.even_currents(current, &mut self.wanted);
        let iterate = &mut self.state.iterate;
        iterate.current = current;
        self.kernel.guess(&self.material, &mut self.grid, &self.particles, iterate, &self.wanted);
        self.resolve_with(Drive::Current(current))
    }

    fn resolve_with(&mut self, drive: Drive) -> bool {
        let temp_k = self.state.iterate.temp_k;
        let solved = self.kernel.solve(
            &self.material,
            &mut self.grid,
            &mut self.particles,
            &mut self.state.iterate,
            &self.known,
            0.0,
            drive,
            |_| temp_k,
        );
        if solved {
            self.state.voltage = self.kernel.voltage;
            self.state.faces.clear();
            self.state.faces.extend(self.kernel.currents());
        }
        solved
    }

    /// Tries a step; the state stays. The estimated error over the tolerance, or none if a stage has no solution.
    pub(crate) fn attempt(&mut self, step_s: f64) -> Option<f64> {
        self.foretell(step_s);
        let weight_s = GAMMA * step_s;
        for stage in 1..STAGES {
            let weights = &STAGE_WEIGHTS[stage];
            self.known.copy_from_slice(&self.state.iterate.c);
            let mut known_k = self.state.iterate.temp_k;
            for (earlier, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                let rates = &self.rates[earlier];
                for (known, rate) in self.known.iter_mut().zip(&rates.salt) {
                    *known += step_s * weight * rate;
                }
                known_k += step_s * weight * rates.temperature;
            }
            let guess_k = known_k + weight_s * self.rates[stage - 1].temperature;
            if stage > 1 {
                self.foretell_stage(stage);
            }
            let surroundings = self.surroundings;
            let drive = self.drive_at(NODES[stage] * step_s);
            let temp_guess = if surroundings.is_some() { guess_k } else { known_k };
            self.stages[stage].temp_k = temp_guess;
            for side in 0..2 {
                let scale = self.material.side(side).diffusivity.warmth(temp_guess);
                self.particles[side].begin_stage(stage, step_s, GAMMA, scale);
            }
            let capacity = self.heat_capacity(temp_guess);
            let area = self.material.area_m2;
            let heated = |heat: f64| match surroundings {
                Some(around) => {
                    let gain = weight_s / capacity;
                    (known_k + gain * (heat * area + around.w_per_k * around.ambient_k))
                        / (1.0 + gain * around.w_per_k)
                }
                None => known_k,
            };
            let solved = self.kernel.solve(
                &self.material,
                &mut self.grid,
                &mut self.particles,
                &mut self.stages[stage],
                &self.known,
                weight_s,
                drive,
                heated,
            );
            if !solved {
                return None;
            }
            let iterate = &mut self.stages[stage];
            let rates = &mut self.rates[stage];
            self.kernel.salt_rate(&self.grid, &mut rates.salt);
            for (c, (known, rate)) in iterate.c.iter_mut().zip(self.known.iter().zip(&rates.salt)) {
                *c = known + weight_s * rate;
            }
            rates.temperature = (iterate.temp_k - known_k) / weight_s;
            rates.charge = iterate.current;
            rates.energy = iterate.current * self.kernel.voltage;
            for side in 0..2 {
                self.particles[side].end_stage(stage, weight_s, &self.kernel.fluxes[side]);
            }
        }
        self.next.iterate.clone_from(&self.stages[STAGES - 1]);
        self.next.voltage = self.kernel.voltage;
        self.next.faces.clear();
        self.next.faces.extend(self.kernel.currents());
        self.next.charge_c_m2 = self.state.charge_c_m2;
        self.next.energy_j_m2 = self.state.energy_j_m2;
        for (stage, rates) in self.rates.iter().enumerate() {
            let weight = if stage + 1 == STAGES { GAMMA } else { STAGE_WEIGHTS[STAGES - 1][stage] };
            self.next.charge_c_m2 += step_s * weight * rates.charge;
            self.next.energy_j_m2 += step_s * weight * rates.energy;
        }
        let error = self.estimate(step_s);
        error.is_finite().then_some(error)
    }

    /// Makes the end of the step tried last the state.
    pub(crate) fn accept(&mut self, step_s: f64) {
        self.time_s += step_s;
        std::mem::swap(&mut self.state, &mut self.next);
        self.rates.swap(0, STAGES - 1);
        for particles in &mut self.particles {
            particles.accept();
        }
        self.last_step_s = Some(step_s);
    }

    /// The terminals at a share of the step tried last, which is not accepted yet: states by Hermite's cubic, then the
    /// potentials that fit them.
    pub(crate) fn between(&mut self, step_s: f64, share: f64) -> Option<Reading> {
        let hermite = Hermite::new(step_s, share);
        let (first, last) = (&self.rates[0], &self.rates[STAGES - 1]);
        let (from, to) = (&self.state.iterate, &self.next.iterate);
        let temp_k = hermite.at(from.temp_k, first.temperature, to.temp_k, last.temperature);
        for node in 0..self.known.len() {
            self.known[node] = hermite.at(from.c[node], first.salt[node], to.c[node], last.salt[node]);
            self.scratch.u[node] = (1.0 - share) * from.u[node] + share * to.u[node];
        }
        self.scratch.c.copy_from_slice(&self.known);
        self.scratch.current = (1.0 - share) * from.current + share * to.current;
        self.scratch.temp_k = temp_k;
        for particles in &mut self.particles {
            particles.between(&hermite);
        }
        let drive = self.drive_at(share * step_s);
        let ends = self.state.faces.iter().zip(&self.next.faces);
        for (wanted, (from, to)) in self.wanted.iter_mut().zip(ends) {
            *wanted = (1.0 - share) * from + share * to;
        }
        self.kernel.guess(&self.material, &mut self.grid, &self.particles, &mut self.scratch, &self.wanted);
        let solved = self.kernel.solve(
            &self.material,
            &mut self.grid,
            &mut self.particles,
            &mut self.scratch,
            &self.known,
            0.0,
            drive,
            |_| temp_k,
        );
        for particles in &mut self.particles {
            particles.thaw();
        }
        let voltage = self.kernel.voltage;
        solved.then_some(Reading { current: self.scratch.current, voltage, temp_k })
    }

    /// The factor by which a step may grow (or must shrink) after an error.
    pub(crate) fn growth(error: f64) -> f64 {
        (0.85 * error.max(1e-8).powf(-1.0 / ERROR_ORDER)).clamp(0.15, 6.0)
    }

    /// The drive some seconds after the present state.
    fn drive_at(&self, later_s: f64) -> Drive {
        match self.drive {
            Drive::Current(current) if self.ramp != 0.0 => {
                Drive::Current(current + self.ramp * (self.time_s - self.ramp_from_s + later_s))
            }
            other => other,
        }
    }

    fn heat_capacity(&self, temp_k: f64) -> f64 {
        self.material.set.thermal.as_ref().map_or(1.0, |thermal| thermal.heat_capacity_j_k(temp_k))
    }

    /// Guesses the first stage of a step from the stages of the step before.
    fn foretell(&mut self, step_s: f64) {
        let (first, rest) = self.stages.split_at_mut(1);
        let Some(last_s) = self.last_step_s else {
            first[0].clone_from(&self.state.iterate);
            rest[0].clone_from(&self.state.iterate);
            return;
        };
        // stage 0 still holds the start of the last step when this is the first try; it is refilled below
        let times = [(NODES[3] - 1.0) * last_s, (NODES[4] - 1.0) * last_s, 0.0];
        let weights = lagrange(times, NODES[1] * step_s);
        let (target, others) = rest.split_first_mut().expect("there are six stages");
        blend(target, weights, [&others[1], &others[2], &self.state.iterate]);
        first[0].clone_from(&self.state.iterate);
        // a second try must not take the stages of the first for those of the last step
        self.last_step_s = None;
    }

    /// Guesses a later stage from the earlier ones.
    fn foretell_stage(&mut self, stage: usize) {
        let (done, target) = self.stages.split_at_mut(stage);
        let from = match stage {
            2 => [0, 1, 1],
            3 => [0, 1, 2],
            4 => [1, 2, 3],
            _ => [1, 3, 4],
        };
        let weights = if stage == 2 {
            let share = NODES[2] / NODES[1];
            [1.0 - share, share, 0.0]
        } else {
            lagrange(from.map(|k| NODES[k]), NODES[stage])
        };
        blend(&mut target[0], weights, from.map(|k| &done[k]));
    }

    /// The error of the surfaces (as voltage and as stoichiometry), of the salt and of the temperature, root of the
    /// mean square over its tolerance.
    fn estimate(&mut self, step_s: f64) -> f64 {
        let tolerance = self.tolerance;
        let mut worst = 0.0_f64;
        for side in 0..2 {
            self.particles[side].surface_error(step_s, &mut self.error[side]);
            let mut sum = 0.0;
            for (error, (_, slope)) in self.error[side].iter().zip(&self.kernel.ocp[side]) {
                let scaled = error * (slope.abs() / tolerance.voltage_v + 1.0 / tolerance.stoichiometry);
                sum += scaled * scaled;
            }
            worst = worst.max(sum / self.error[side].len() as f64);
        }
        let mut sum = 0.0;
        for node in 0..self.known.len() {
            let change: f64 =
                (0..STAGES).map(|stage| error_weight(stage) * self.rates[stage].salt[node]).sum();
            let scaled = step_s * change / (self.stages[STAGES - 1].c[node].abs() + 20.0);
            sum += scaled * scaled;
        }
        worst = worst.max(sum / (self.known.len() as f64 * tolerance.salt * tolerance.salt));
        let warmth: f64 = (0..STAGES).map(|stage| error_weight(stage) * self.rates[stage].temperature).sum();
        worst = worst.max((step_s * warmth / tolerance.temperature_k).powi(2));
        worst.sqrt()
    }
}

fn reading(state: &State) -> Reading {
    Reading { current: state.iterate.current, voltage: state.voltage, temp_k: state.iterate.temp_k }
}

/// Weights of values at three places for the parabola's value at `x`.
fn lagrange(at: [f64; 3], x: f64) -> [f64; 3] {
    let weight =
        |i: usize, j: usize, k: usize| (x - at[j]) * (x - at[k]) / ((at[i] - at[j]) * (at[i] - at[k]));
    [weight(0, 1, 2), weight(1, 0, 2), weight(2, 0, 1)]
}

fn blend(target: &mut Iterate, weights: [f64; 3], from: [&Iterate; 3]) {
    for node in 0..target.c.len() {
        let last = from[2].c[node];
        let c = (0..3).map(|k| weights[k] * from[k].c[node]).sum::<f64>();
        target.c[node] = c.max(0.2 * last);
        target.u[node] = (0..3).map(|k| weights[k] * from[k].u[node]).sum();
    }
    target.current = (0..3).map(|k| weights[k] * from[k].current).sum();
}

/// Hermite's cubic at a share of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hermite {
    weights: [f64; 4],
}

impl Hermite {
    fn new(step_s: f64, share: f64) -> Self {
        let s = share;
        let rest = 1.0 - s;
        Self {
            weights: [
                rest * rest * (1.0 + 2.0 * s),
                step_s * s * rest * rest,
                s * s * (3.0 - 2.0 * s),
                -step_s * s * s * rest,
            ],
        }
    }

    /// From value and derivative at the start and at the end.
    pub(crate) fn at(&self, from: f64, rate_from: f64, to: f64, rate_to: f64) -> f64 {
        let [a, b, c, d] = self.weights;
        a * from + b * rate_from + c * to + d * rate_to
    }
}
