use crate::Dfn;

/// The cell through its thickness at one instant, for pictures and for the plating margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// s since the last reset.
    pub time_s: f64,
    /// Centres of the volumes, m from the negative collector.
    pub position_m: Vec<f64>,
    /// Salt in the electrolyte, mol/m3.
    pub salt_mol_m3: Vec<f64>,
    /// Potential of the electrolyte, V, the negative collector being 0.
    pub electrolyte_v: Vec<f64>,
    /// Current in the electrolyte through the faces of the volumes (one more than volumes), A/m2; positive from the
    /// negative to the positive electrode.
    pub electrolyte_a_m2: Vec<f64>,
    /// What is seen in the negative electrode.
    pub negative: ElectrodeProfile,
    /// What is seen in the positive electrode.
    pub positive: ElectrodeProfile,
    /// Least `phi_s - phi_e` in the negative electrode, V: below 0 metallic lithium can plate.
    pub plating_margin_v: f64,
}

/// One electrode through its thickness.
#[derive(Debug, Clone, PartialEq)]
pub struct ElectrodeProfile {
    /// Centres of the volumes, m from the negative collector.
    pub position_m: Vec<f64>,
    /// Potential of the solid, V, the negative collector being 0.
    pub solid_v: Vec<f64>,
    /// Stoichiometry at the surface of the particles.
    pub surface: Vec<f64>,
    /// Mean stoichiometry of the particles.
    pub mean: Vec<f64>,
    /// Reaction current at the particles' surface, A/m2, positive where lithium leaves them.
    pub reaction_a_m2: Vec<f64>,
    /// Overpotential of the reaction, V.
    pub overpotential_v: Vec<f64>,
}

impl Dfn {
    /// The present state through the thickness of the cell.
    #[must_use]
    pub fn profile(&mut self) -> Profile {
        // the kernel may hold a state between two steps; if the potentials had no solution here there were none before
        let _ = self.stepper.resolve();
        let stepper = &self.stepper;
        let iterate = stepper.iterate();
        let position_m = stepper.grid.positions();
        let electrolyte_v = stepper.kernel.electrolyte_potential(&stepper.grid, iterate);
        let electrode = |side: usize| {
            let nodes = stepper.grid.electrode(side);
            let material = &stepper.material.electrodes[side];
            let per_flux = crate::material::FARADAY * material.max_concentration / material.radius_m;
            let potentials = iterate.u[nodes.clone()].iter().zip(&stepper.kernel.ocp[side]);
            ElectrodeProfile {
                position_m: position_m[nodes.clone()].to_vec(),
                solid_v: nodes.map(|node| electrolyte_v[node] + iterate.u[node]).collect(),
                surface: stepper.kernel.surface[side].clone(),
                mean: stepper.particles[side].means(),
                reaction_a_m2: stepper.kernel.fluxes[side].iter().map(|flux| per_flux * flux).collect(),
                overpotential_v: potentials.map(|(u, (ocp, _))| u - ocp).collect(),
            }
        };
        let margin = iterate.u[stepper.grid.electrode(0)].iter().copied().fold(f64::INFINITY, f64::min);
        Profile {
            time_s: stepper.time_s,
            salt_mol_m3: iterate.c.clone(),
            electrolyte_a_m2: stepper.kernel.currents().collect(),
            negative: electrode(0),
            positive: electrode(1),
            plating_margin_v: margin,
            electrolyte_v,
            position_m,
        }
    }

    /// Stoichiometry over the radius of one particle: pairs of `r / R` and `x` from the centre to the surface, about
    /// `points` of them. `positive` says which electrode, `place` in 0..=1 where between the negative and the positive
    /// end of that electrode.
    #[must_use]
    pub fn particle(&self, positive: bool, place: f64, points: usize) -> Vec<(f64, f64)> {
        let side = usize::from(positive);
        let surfaces = &self.stepper.kernel.surface[side];
        // `as` saturates and takes what is not a number to zero
        let node = ((place * surfaces.len() as f64) as usize).min(surfaces.len() - 1);
        self.stepper.particles[side].profile(node, points.min(10_000), surfaces[node])
    }
}
