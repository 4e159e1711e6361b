//! Newton's method on the cell with the particles eliminated.
//!
//! Unknowns at node `m`: the electrolyte's concentration `c` and `u = phi_s - phi_e`. Ohm's law in both phases and
//! `i_s + i_e = i` give the electrolyte's current through each face in closed form,
//!
//! ```text
//! i_e = (u_right - u_left + E + i R_s) / (R_e + R_s)    E = X (c_right - c_left),  X = mean of 2 R T / F chi / c
//! ```
//!
//! with the resistances `R_e`, `R_s` (ohm m2) of electrolyte and solid between two nodes, and `i_e = i` in the
//! separator, so neither potential is an unknown. The flux of the particles is the difference of two face currents:
//! charge is conserved to rounding whatever the iteration left over. The two equations of a node are the balance of
//! lithium in the electrolyte and Butler-Volmer,
//!
//! ```text
//! c - known + gamma dt / (eps h) (M_right - M_left) = 0          M = -G (c_right - c_left) - (1 - t+) i_e / F
//! u - U(x_s) - (2 R T / F) asinh(F j / (2 i0(c, x_s))) = 0       x_s = rest - response j R / c_max
//! ```
//!
//! and a current that a voltage or a power decides is one more unknown, by a second right-hand side.

use crate::{
    blocks::Blocks,
    grid::Grid,
    material::{Climate, FARADAY, Material, Transport},
    particle::Particles,
};

/// What decides the current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Drive {
    /// A/m2, discharge positive.
    Current(f64),
    /// V at the terminals.
    Voltage(f64),
    /// W/m2 at the terminals, discharge positive.
    Power(f64),
}

/// The unknowns.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Iterate {
    /// mol/m3 by node.
    pub(crate) c: Vec<f64>,
    /// V by node; 0 in the separator.
    pub(crate) u: Vec<f64>,
    /// A/m2, discharge positive.
    pub(crate) current: f64,
    pub(crate) temp_k: f64,
}

/// A face between two nodes.
#[derive(Debug, Clone, Copy, Default)]
struct Face {
    current: f64,
    current_by_c: [f64; 2],
    current_by_u: f64,
    current_by_total: f64,
    /// Salt flux less `i_e / F`, mol/m2/s.
    salt: f64,
    salt_by_c: [f64; 2],
    salt_by_current: f64,
    /// Rise of the electrolyte's potential from left to right, V.
    rise: f64,
    rise_by_c: [f64; 2],
    rise_by_current: f64,
}

/// The equations of one cell, with room for their solution.
#[derive(Debug)]
pub(crate) struct Kernel {
    climate: Climate,
    transport: Vec<Transport>,
    faces: Vec<Face>,
    system: Blocks,
    voltage_by_c: Vec<f64>,
    voltage_by_u: Vec<f64>,
    voltage_by_total: f64,
    /// `j R / c_max` by electrode and node.
    pub(crate) fluxes: [Vec<f64>; 2],
    /// Surface stoichiometry by electrode and node.
    pub(crate) surface: [Vec<f64>; 2],
    /// Open-circuit potential at the surface and its slope, by electrode and node.
    pub(crate) ocp: [Vec<(f64, f64)>; 2],
    /// Sum over the electrodes of `a F j h U` and of `a F j h T dU/dT`, W/m2.
    reaction_power: f64,
    entropic_power: f64,
    trial: Iterate,
    /// V at the terminals of the last solution.
    pub(crate) voltage: f64,
    /// Answer of the voltage to the current at that solution, V m2/A.
    pub(crate) voltage_by_current: f64,
}

/// A change of the unknowns, in V and relative, after which the next would be its square.
const ENOUGH: f64 = 2e-4;

/// Iterations before a step is called too long.
const ITERATIONS_MAX: usize = 25;

impl Kernel {
    pub(crate) fn new(material: &Material, grid: &Grid, temp_k: f64) -> Self {
        let nodes = grid.nodes();
        let per = |side: usize| vec![0.0; grid.electrode(side).len()];
        Self {
            climate: material.climate(temp_k),
            transport: vec![Transport::default(); nodes],
            faces: vec![Face::default(); nodes + 1],
            system: Blocks::new(nodes),
            voltage_by_c: vec![0.0; nodes],
            voltage_by_u: vec![0.0; nodes],
            voltage_by_total: 0.0,
            fluxes: [per(0), per(1)],
            surface: [per(0), per(1)],
            ocp: [0, 1].map(|side| vec![(0.0, 0.0); grid.electrode(side).len()]),
            reaction_power: 0.0,
            entropic_power: 0.0,
            trial: Iterate::default(),
            voltage: 0.0,
            voltage_by_current: 0.0,
        }
    }

    /// Solves for the state at the end of a stage, or, with `weight_s = 0`, for potentials that fit a given state.
    /// `known` is the known part of the concentrations, `weight_s` the step times the diagonal coefficient, `heat`
    /// gives the temperature from the heat released (W/m2). False if the iteration does not converge.
    #[expect(clippy::too_many_arguments, reason = "the parts of one cell, which its owner keeps apart")]
    pub(crate) fn solve(
        &mut self,
        material: &Material,
        grid: &mut Grid,
        particles: &mut [Particles; 2],
        iterate: &mut Iterate,
        known: &[f64],
        weight_s: f64,
        drive: Drive,
        heat: impl Fn(f64) -> f64,
    ) -> bool {
        if let Drive::Current(current) = drive {
            iterate.current = current;
        }
        let mut residual_before = f64::INFINITY;
        let mut halvings = 0;
        let mut iteration = 0;
        while iteration < ITERATIONS_MAX {
            self.acclimatise(material, grid, iterate.temp_k);
            self.faces(grid, iterate);
            self.set_fluxes(material, grid);
            for side in 0..2 {
                particles[side].linearise(&self.fluxes[side]);
            }
            let inside = self.assemble(material, grid, particles, iterate, known, weight_s);
            let residual = self.system.right.iter().map(|right| right[1].abs()).fold(0.0, f64::max);
            let worse = iteration > 0 && residual > 20.0 * residual_before && residual > 1e-3;
            if !inside || worse {
                // back towards the last iterate, from which this one strayed
                if iteration == 0 || halvings > 8 {
                    return false;
                }
                halvings += 1;
                for (have, last) in iterate.c.iter_mut().zip(&self.trial.c) {
                    *have = 0.5 * (*have + last);
                }
                for (have, last) in iterate.u.iter_mut().zip(&self.trial.u) {
                    *have = 0.5 * (*have + last);
                }
                iterate.current = 0.5 * (iterate.current + self.trial.current);
                continue;
            }
            if !self.system.solve() {
                return false;
            }
            let Some(change) = self.current_change(drive, iterate.current) else { return false };
            self.trial.clone_from(iterate);
            let mut size = 0.0_f64;
            let mut damping = 1.0_f64;
            let mut held = false;
            for (node, right) in self.system.right.iter_mut().enumerate() {
                right[0] += right[2] * change;
                right[1] += right[3] * change;
                size = size.max(right[1].abs()).max((right[0] / iterate.c[node]).abs());
                // Newton's method in the logarithm: where salt runs out it falls by orders of magnitude, never to nothing
                let share = right[0] / iterate.c[node];
                if share < -0.1 {
                    right[0] = iterate.c[node] * (share.max(-5.0).exp() - 1.0);
                    held = true;
                }
                if right[1].abs() * damping > 1.0 {
                    damping = 1.0 / right[1].abs();
                }
            }
            if !size.is_finite() {
                return false;
            }
            for (node, right) in self.system.right.iter().enumerate() {
                iterate.c[node] += damping * right[0];
                iterate.u[node] += damping * right[1];
            }
            iterate.current += damping * change;
            self.follow(damping, damping * change);
            self.set_fluxes(material, grid);
            for (particles, fluxes) in particles.iter_mut().zip(&self.fluxes) {
                size = size.max(particles.iterate(fluxes));
            }
            let temp_k = heat(self.heat(iterate.current));
            size = size.max((temp_k - iterate.temp_k).abs() * 1e-3);
            iterate.temp_k = temp_k;
            if damping == 1.0 && !held && size < ENOUGH {
                for side in 0..2 {
                    let (rest, response) = (&particles[side].rest, &particles[side].response);
                    for (at, surface) in self.surface[side].iter_mut().enumerate() {
                        *surface = rest[at] - response[at] * self.fluxes[side][at];
                    }
                }
                return true;
            }
            residual_before = residual;
            iteration += 1;
        }
        false
    }

    /// A first guess where the last state says little: potentials that drive given currents through the faces, the mean
    /// of Butler-Volmer met in each electrode. Newton's method on the potentials alone may fail to find the way, for a
    /// small error of a difference of potentials is a large one of a current.
    pub(crate) fn guess(
        &mut self,
        material: &Material,
        grid: &mut Grid,
        particles: &[Particles; 2],
        iterate: &mut Iterate,
        wanted: &[f64],
    ) {
        self.acclimatise(material, grid, iterate.temp_k);
        self.faces(grid, iterate);
        for side in 0..2 {
            let mut moved = 0.0;
            for node in grid.electrode(side).skip(1) {
                let face = &self.faces[node];
                moved += (wanted[node] - face.current) / face.current_by_u;
                iterate.u[node] += moved;
            }
        }
        self.faces(grid, iterate);
        self.set_fluxes(material, grid);
        // weight 0: the balance of salt does not matter here, so neither does what it is compared with
        self.assemble(material, grid, particles, iterate, &iterate.c, 0.0);
        for side in 0..2 {
            let nodes = grid.electrode(side);
            let mean = nodes.clone().map(|node| self.system.right[node][1]).sum::<f64>() / nodes.len() as f64;
            for node in nodes {
                iterate.u[node] += mean;
            }
        }
    }

    fn acclimatise(&mut self, material: &Material, grid: &mut Grid, temp_k: f64) {
        if temp_k != self.climate.temp_k {
            self.climate = material.climate(temp_k);
            grid.set_temperature(&self.climate);
        }
    }

    /// Rate of change of the electrolyte's concentration at the last solution, mol/m3/s.
    pub(crate) fn salt_rate(&self, grid: &Grid, rate: &mut [f64]) {
        for (node, rate) in rate.iter_mut().enumerate() {
            *rate = (self.faces[node].salt - self.faces[node + 1].salt)
                / (grid.porosity[node] * grid.width[node]);
        }
    }

    /// Heat released at the last solution, W/m2: what the reactions give less what leaves at the terminals (the sum of
    /// ohmic, kinetic and entropic heat; see the identity in the crate's documentation).
    pub(crate) fn heat(&self, current: f64) -> f64 {
        self.entropic_power - self.reaction_power - current * self.voltage
    }

    /// Potential of the electrolyte at the nodes for `phi_s = 0` at the negative collector, V.
    pub(crate) fn electrolyte_potential(&self, grid: &Grid, iterate: &Iterate) -> Vec<f64> {
        let mut phi = -iterate.current * grid.end_resistance[0] - iterate.u[0];
        let mut all = vec![phi];
        for node in 1..grid.nodes() {
            phi += self.faces[node].rise;
            all.push(phi);
        }
        all
    }

    /// Currents in the electrolyte through all faces, from the negative collector on, A/m2.
    pub(crate) fn currents(&self) -> impl Iterator<Item = f64> {
        self.faces.iter().map(|face| face.current)
    }

    /// Currents and fluxes through the faces, with their slopes. Face `m` lies left of node `m`.
    fn faces(&mut self, grid: &Grid, iterate: &Iterate) {
        let nodes = grid.nodes();
        for (transport, c) in self.transport.iter_mut().zip(&iterate.c) {
            *transport = self.climate.transport(*c);
        }
        let thermal = self.climate.thermal_v;
        self.faces[0] = Face::default();
        self.faces[nodes] = Face::default();
        for at in 1..nodes {
            let (left, right) = (at - 1, at);
            let (c_l, c_r) = (iterate.c[left], iterate.c[right]);
            let difference = c_r - c_l;
            let (l, r) = (&self.transport[left], &self.transport[right]);
            let (path_l, path_r) = (grid.half_path[left], grid.half_path[right]);

            let over_l = path_l / l.diffusivity.value;
            let over_r = path_r / r.diffusivity.value;
            let g = 1.0 / (over_l + over_r);
            let g_by_l = g * g * over_l * l.diffusivity.slope / l.diffusivity.value;
            let g_by_r = g * g * over_r * r.diffusivity.slope / r.diffusivity.value;

            let r_l = path_l / l.conductivity.value;
            let r_r = path_r / r.conductivity.value;
            let resistance = r_l + r_r;
            let resistance_by = [
                -r_l * l.conductivity.slope / l.conductivity.value,
                -r_r * r.conductivity.slope / r.conductivity.value,
            ];

            let (half_l, half_r) = (0.5 * grid.width[left], 0.5 * grid.width[right]);
            let (x_l, x_r) = (c_l / l.chi.value, c_r / r.chi.value);
            let x = thermal * (half_l + half_r) / (half_l * x_l + half_r * x_r);
            let fall = -x * x / (thermal * (half_l + half_r));
            let x_by_l = fall * half_l * (1.0 - x_l * l.chi.slope) / l.chi.value;
            let x_by_r = fall * half_r * (1.0 - x_r * r.chi.slope) / r.chi.value;
            let emf = x * difference;
            let emf_by = [x_by_l * difference - x, x_by_r * difference + x];

            let solid = grid.solid_resistance[at];
            let (current, current_by_c, current_by_u, current_by_total) = if solid.is_finite() {
                let conductance = 1.0 / (resistance + solid);
                let current =
                    conductance * (iterate.u[right] - iterate.u[left] + emf + iterate.current * solid);
                let by = |k: usize| conductance * (emf_by[k] - current * resistance_by[k]);
                (current, [by(0), by(1)], conductance, conductance * solid)
            } else {
                (iterate.current, [0.0; 2], 0.0, 1.0)
            };
            let anion = 1.0 - 0.5 * (l.transference.value + r.transference.value);
            let per = anion / FARADAY;
            let turn_l = 0.5 * l.transference.slope * current / FARADAY;
            let turn_r = 0.5 * r.transference.slope * current / FARADAY;
            self.faces[at] = Face {
                current,
                current_by_c,
                current_by_u,
                current_by_total,
                salt: -g * difference - per * current,
                salt_by_c: [
                    g - g_by_l * difference - per * current_by_c[0] + turn_l,
                    -g - g_by_r * difference - per * current_by_c[1] + turn_r,
                ],
                salt_by_current: -per,
                rise: emf - current * resistance,
                rise_by_c: [
                    emf_by[0] - current * resistance_by[0] - resistance * current_by_c[0],
                    emf_by[1] - current * resistance_by[1] - resistance * current_by_c[1],
                ],
                rise_by_current: -resistance,
            };
        }
    }

    fn set_fluxes(&mut self, material: &Material, grid: &Grid) {
        for side in 0..2 {
            let electrode = &material.electrodes[side];
            let per =
                electrode.radius_m / (electrode.max_concentration * FARADAY * electrode.area_per_volume);
            let nodes = grid.electrode(side);
            for (flux, node) in self.fluxes[side].iter_mut().zip(nodes) {
                *flux = per * (self.faces[node + 1].current - self.faces[node].current) / grid.width[node];
            }
        }
    }

    /// The residual with its signs turned, its slopes, and the voltage with its slopes. False if a surface lies outside
    /// 0..1 or a salt concentration is not positive.
    fn assemble(
        &mut self,
        material: &Material,
        grid: &Grid,
        particles: &[Particles; 2],
        iterate: &Iterate,
        known: &[f64],
        weight_s: f64,
    ) -> bool {
        let nodes = grid.nodes();
        let mut inside = true;
        for node in 0..nodes {
            let (left, right) = (&self.faces[node], &self.faces[node + 1]);
            let weight = weight_s / (grid.porosity[node] * grid.width[node]);
            inside &= iterate.c[node] > 0.0;
            let lower = &mut self.system.lower[node];
            let diagonal = &mut self.system.diagonal[node];
            let upper = &mut self.system.upper[node];
            // the slope of the salt flux by u goes through the current
            let (left_u, right_u) =
                (left.salt_by_current * left.current_by_u, right.salt_by_current * right.current_by_u);
            *lower = [-weight * left.salt_by_c[0], weight * left_u, 0.0, 0.0];
            *diagonal = [
                1.0 + weight * (right.salt_by_c[0] - left.salt_by_c[1]),
                -weight * (right_u + left_u),
                0.0,
                1.0,
            ];
            *upper = [weight * right.salt_by_c[1], weight * right_u, 0.0, 0.0];
            let by_total =
                right.salt_by_current * right.current_by_total - left.salt_by_current * left.current_by_total;
            self.system.right[node] = [
                known[node] - iterate.c[node] - weight * (right.salt - left.salt),
                -iterate.u[node],
                -weight * by_total,
                0.0,
            ];
        }
        self.reaction_power = 0.0;
        self.entropic_power = 0.0;
        for side in 0..2 {
            inside &= self.assemble_reaction(side, material, grid, &particles[side], iterate);
        }
        self.assemble_voltage(grid, iterate);
        inside
    }

    /// Butler-Volmer at the nodes of one electrode.
    fn assemble_reaction(
        &mut self,
        side: usize,
        material: &Material,
        grid: &Grid,
        particles: &Particles,
        iterate: &Iterate,
    ) -> bool {
        let electrode = &material.electrodes[side];
        let temp_k = iterate.temp_k;
        let thermal = self.climate.thermal_v;
        let warmth = temp_k - material.set.cell.reference_temperature_k;
        let per_flux = FARADAY * electrode.max_concentration / electrode.radius_m;
        let mut inside = true;
        for (at, node) in grid.electrode(side).enumerate() {
            let flux = self.fluxes[side][at];
            let response = particles.response[at];
            let surface = particles.rest[at] - response * flux;
            if !(surface > 0.0 && surface < 1.0) {
                inside = false;
                continue;
            }
            let (ocp, ocp_slope, entropic) = electrode.potential(surface, warmth);
            self.ocp[side][at] = (ocp, ocp_slope);
            let exchange = self.climate.exchange(side, electrode, iterate.c[node], surface);
            // j F, A/m2
            let current = per_flux * flux;
            let ratio = current / (2.0 * exchange.current);
            let root = (1.0 + ratio * ratio).sqrt();
            let overpotential = thermal * (ratio.abs() + root).ln().copysign(ratio);
            let lean = thermal * ratio / root;
            // by the flux, directly and through the surface
            let by_surface = -ocp_slope + lean * exchange.by_stoichiometry;
            let by_flux = -response * by_surface - thermal * per_flux / (2.0 * exchange.current * root);
            let per_width = electrode.radius_m
                / (electrode.max_concentration * FARADAY * electrode.area_per_volume * grid.width[node]);
            let by_face = by_flux * per_width;
            let (left, right) = (&self.faces[node], &self.faces[node + 1]);
            let lower = &mut self.system.lower[node];
            lower[2] = -by_face * left.current_by_c[0];
            lower[3] = by_face * left.current_by_u;
            let diagonal = &mut self.system.diagonal[node];
            diagonal[2] =
                by_face * (right.current_by_c[0] - left.current_by_c[1]) + lean * exchange.by_electrolyte;
            diagonal[3] = 1.0 - by_face * (right.current_by_u + left.current_by_u);
            let upper = &mut self.system.upper[node];
            upper[2] = by_face * right.current_by_c[1];
            upper[3] = by_face * right.current_by_u;
            let right_side = &mut self.system.right[node];
            right_side[1] = ocp + overpotential - iterate.u[node];
            right_side[3] = -by_face * (right.current_by_total - left.current_by_total);
            let power = current * electrode.area_per_volume * grid.width[node];
            self.reaction_power += power * ocp;
            self.entropic_power += power * temp_k * entropic;
            self.surface[side][at] = surface;
        }
        inside
    }

    fn assemble_voltage(&mut self, grid: &Grid, iterate: &Iterate) {
        let nodes = grid.nodes();
        self.voltage_by_c.fill(0.0);
        self.voltage_by_u.fill(0.0);
        let ends = grid.end_resistance[0] + grid.end_resistance[1];
        let mut voltage = iterate.u[nodes - 1] - iterate.u[0] - iterate.current * ends;
        let mut by_total = -ends;
        self.voltage_by_u[0] -= 1.0;
        self.voltage_by_u[nodes - 1] += 1.0;
        for node in 1..nodes {
            let face = &self.faces[node];
            voltage += face.rise;
            self.voltage_by_c[node - 1] += face.rise_by_c[0];
            self.voltage_by_c[node] += face.rise_by_c[1];
            let by_u = face.rise_by_current * face.current_by_u;
            self.voltage_by_u[node - 1] -= by_u;
            self.voltage_by_u[node] += by_u;
            by_total += face.rise_by_current * face.current_by_total;
        }
        self.voltage = voltage;
        self.voltage_by_total = by_total;
    }

    /// How much the current has to change, by the linear response of the voltage.
    fn current_change(&mut self, drive: Drive, current: f64) -> Option<f64> {
        let (mut rest, mut slope) = (0.0, self.voltage_by_total);
        for (node, right) in self.system.right.iter().enumerate() {
            let (by_c, by_u) = (self.voltage_by_c[node], self.voltage_by_u[node]);
            rest += by_c * right[0] + by_u * right[1];
            slope += by_c * right[2] + by_u * right[3];
        }
        let change = match drive {
            Drive::Current(wanted) => wanted - current,
            Drive::Voltage(wanted) => (wanted - self.voltage - rest) / slope,
            Drive::Power(wanted) => {
                let power = current * (self.voltage + rest);
                (wanted - power) / (self.voltage + rest + current * slope)
            }
        };
        self.voltage += rest + slope * change;
        self.voltage_by_current = slope;
        change.is_finite().then_some(change)
    }

    /// Takes the change of the unknowns into the face currents and fluxes by their slopes, which is exact to second
    /// order and keeps the sums.
    fn follow(&mut self, damping: f64, change: f64) {
        for node in 1..self.faces.len() - 1 {
            let (l, r) = (self.system.right[node - 1], self.system.right[node]);
            let face = &mut self.faces[node];
            let by_u = damping * (r[1] - l[1]);
            let current = damping * (face.current_by_c[0] * l[0] + face.current_by_c[1] * r[0])
                + face.current_by_u * by_u
                + face.current_by_total * change;
            face.current += current;
            let through_u = face.current_by_u * by_u + face.current_by_total * change;
            face.salt += damping * (face.salt_by_c[0] * l[0] + face.salt_by_c[1] * r[0])
                + face.salt_by_current * through_u;
            face.rise += damping * (face.rise_by_c[0] * l[0] + face.rise_by_c[1] * r[0])
                + face.rise_by_current * through_u;
        }
    }
}
