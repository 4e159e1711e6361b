use super::{
    electrode::{self, Kernel},
    salt::{self, Salt, Work},
};
use crate::{
    CellError, CellModel, ParameterSet, Ramp, Surroundings,
    constants::{FARADAY_C_MOL, GAS_J_MOL_K},
    set::Window,
};

/// How finely a model is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// Modes of a particle with constant diffusivity.
    pub modes: usize,
    /// Shells of a particle whose diffusivity varies.
    pub shells: usize,
    /// Volumes of the electrolyte in the negative electrode, the separator and the positive electrode.
    pub electrolyte: [usize; 3],
}

impl Default for Resolution {
    fn default() -> Self {
        Self { modes: 32, shells: 120, electrolyte: [20, 10, 20] }
    }
}

/// SPM or SPMe of one cell.
#[derive(Debug, Clone)]
pub struct SingleParticle {
    pub(super) set: ParameterSet,
    pub(super) window: Window,
    pub(super) surroundings: Surroundings,
    pub(super) negative: Kernel,
    pub(super) positive: Kernel,
    pub(super) salt: Option<(Salt, Work<1>)>,
    pub(super) warm: Option<Warm>,
}

/// What changes in time.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    temperature_k: f64,
    negative: Vec<f64>,
    positive: Vec<f64>,
    /// Empty in the SPM.
    salt: Vec<f64>,
    /// At the terminals, at the current of the last step; nothing before the first.
    terminal: Option<Terminal>,
}

/// Concentrations along the radius of one particle.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticleSection {
    /// From the middle to the surface, m.
    pub r_m: Vec<f64>,
    /// Lithium there, mol/m³.
    pub concentration_mol_m3: Vec<f64>,
    /// The most that the material takes, mol/m³.
    pub max_mol_m3: f64,
}

/// What is where inside a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Negative electrode, separator, positive electrode, m.
    pub thickness_m: [f64; 3],
    /// Places across the cell from the negative current collector, m; empty in the SPM.
    pub x_m: Vec<f64>,
    /// Salt there, mol/m³.
    pub salt_mol_m3: Vec<f64>,
    /// A particle of the negative electrode.
    pub negative: ParticleSection,
    /// A particle of the positive electrode.
    pub positive: ParticleSection,
    /// Mean potential of the negative electrode against lithium at the electrolyte beside it: below 0 lithium plates, V.
    pub plating_margin_v: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Terminal {
    current_a: f64,
    pub(super) voltage_v: f64,
    heat_w: f64,
}

/// What depends on temperature alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Warm {
    temperature_k: f64,
    pub(super) negative: electrode::Warm,
    pub(super) positive: electrode::Warm,
    pub(super) salt: Option<salt::Warm>,
}

/// A surface may be this far outside of 0..1 before the model has nothing more to say.
const BEYOND: f64 = 0.02;

impl SingleParticle {
    /// The single-particle model.
    ///
    /// # Errors
    /// When the set makes no sense, or lacks thermal data that the surroundings need.
    pub fn spm(set: &ParameterSet, surroundings: Surroundings) -> Result<Self, CellError> {
        Self::new(set, surroundings, Resolution::default(), false)
    }

    /// The single-particle model with electrolyte.
    ///
    /// # Errors
    /// As [`SingleParticle::spm`].
    pub fn spme(set: &ParameterSet, surroundings: Surroundings) -> Result<Self, CellError> {
        Self::new(set, surroundings, Resolution::default(), true)
    }

    /// Either model at a resolution of choice.
    ///
    /// # Errors
    /// As [`SingleParticle::spm`].
    pub fn new(
        set: &ParameterSet,
        surroundings: Surroundings,
        resolution: Resolution,
        electrolyte: bool,
    ) -> Result<Self, CellError> {
        set.validate()?;
        if let Surroundings::Lumped { ambient_k, heat_transfer_w_m2_k } = surroundings {
            if set.thermal.is_none() {
                return Err(CellError::Lacks { set: set.name.clone(), missing: "thermal" });
            }
            set.check_temperature("ambient_k", ambient_k)?;
            if let Some(h) = heat_transfer_w_m2_k {
                CellError::check("heat_transfer_w_m2_k", h, h >= 0.0, "0 or more")?;
            }
        }
        let fine = (resolution.modes.max(1), resolution.shells);
        let counts = resolution.electrolyte.map(|count| count.max(2));
        Ok(Self {
            window: set.window()?,
            negative: Kernel::new(set, &set.negative, 1.0, fine)?,
            positive: Kernel::new(set, &set.positive, -1.0, fine)?,
            salt: electrolyte.then(|| {
                let salt = Salt::new(set, counts);
                let work = Work::new(salt.len());
                (salt, work)
            }),
            set: set.clone(),
            surroundings,
            warm: None,
        })
    }

    /// Lithium in both electrodes and salt in the electrolyte, mol: what no step changes.
    #[must_use]
    pub fn lithium_mol(&self, state: &State) -> (f64, f64) {
        let solid = |electrode: &crate::set::Electrode, kernel: &Kernel, state: &[f64]| {
            let volume_m3 = electrode.active_fraction * electrode.thickness_m * self.set.cell.area_m2;
            volume_m3 * electrode.concentration_max_mol_m3 * kernel.particle.mean(state)
        };
        let both = solid(&self.set.negative, &self.negative, &state.negative)
            + solid(&self.set.positive, &self.positive, &state.positive);
        let salt = self.salt.as_ref().map_or(0.0, |(salt, _)| salt.amount_mol_m2(&state.salt));
        (both, salt * self.set.cell.area_m2)
    }

    /// What is where inside the cell at a current that has flowed for minutes; `points` along each radius, 2 to 1000.
    pub fn section(&mut self, state: &State, current_a: f64, points: usize) -> Section {
        let discharge = self.discharge_a_m2(current_a);
        let warm = self.warm(state.temperature_k);
        let last = points.clamp(2, 1_000) - 1;
        let shares: Vec<f64> = (0..=last).map(|i| i as f64 / last as f64).collect();
        let radius =
            |kernel: &Kernel, electrode: &crate::set::Electrode, particle: &[f64], diffusion: f64| {
                let flux_m_s = kernel.flux_per_a_m2 * discharge;
                let profile = kernel.particle.profile(particle, flux_m_s, diffusion, &shares);
                ParticleSection {
                    r_m: shares.iter().map(|share| share * electrode.particle_radius_m).collect(),
                    concentration_mol_m3: profile
                        .iter()
                        .map(|x| x * electrode.concentration_max_mol_m3)
                        .collect(),
                    max_mol_m3: electrode.concentration_max_mol_m3,
                }
            };
        let (x_m, salt) = match &self.salt {
            Some((salt, _)) => (salt.places_m(), state.salt.clone()),
            None => (Vec::new(), Vec::new()),
        };
        let surface = self.negative.particle.surface(
            &state.negative,
            self.negative.flux_per_a_m2 * discharge,
            warm.negative.diffusion,
        );
        let nodes = self.salt.as_ref().map(|(salt, _)| salt.nodes(state.salt.as_chunks::<1>().0, 0));
        let [eta] = self.negative.asinh([surface], [discharge], &warm.negative, nodes);
        let thermal_v = 2.0 * GAS_J_MOL_K * state.temperature_k / FARADAY_C_MOL;
        Section {
            thickness_m: [
                self.set.negative.thickness_m,
                self.set.separator.thickness_m,
                self.set.positive.thickness_m,
            ],
            x_m,
            salt_mol_m3: salt,
            negative: radius(&self.negative, &self.set.negative, &state.negative, warm.negative.diffusion),
            positive: radius(&self.positive, &self.set.positive, &state.positive, warm.positive.diffusion),
            plating_margin_v: self.negative.potential(surface, state.temperature_k).ocp_v + thermal_v * eta,
        }
    }

    /// Heat that the cell makes at a current, W.
    #[must_use]
    pub fn heat_w(&mut self, state: &State, current_a: f64) -> f64 {
        self.terminal(state, current_a).heat_w
    }

    pub(super) fn warm(&mut self, temperature_k: f64) -> Warm {
        match self.warm {
            Some(warm) if warm.temperature_k == temperature_k => warm,
            _ => {
                let warm = Warm {
                    temperature_k,
                    negative: self.negative.warm(temperature_k),
                    positive: self.positive.warm(temperature_k),
                    salt: self.salt.as_ref().map(|(salt, _)| salt.warm(temperature_k)),
                };
                self.warm = Some(warm);
                warm
            }
        }
    }

    fn terminal(&mut self, state: &State, current_a: f64) -> Terminal {
        if let Some(terminal) = state.terminal
            && terminal.current_a == current_a
        {
            return terminal;
        }
        let temperature_k = state.temperature_k;
        let warm = self.warm(temperature_k);
        let discharge = self.discharge_a_m2(current_a);
        let surface = |kernel: &Kernel, particle: &[f64], warm: &electrode::Warm| {
            kernel.particle.surface(particle, kernel.flux_per_a_m2 * discharge, warm.diffusion)
        };
        let x = surface(&self.negative, &state.negative, &warm.negative);
        let y = surface(&self.positive, &state.positive, &warm.positive);
        self.terminals([x], [y], state.salt.as_chunks::<1>().0, [current_a], &warm)[0]
    }

    pub(super) fn discharge_a_m2(&self, current_a: f64) -> f64 {
        -current_a / self.set.cell.area_m2
    }

    /// Voltage and heat of several cells with these surfaces, at one temperature.
    #[inline]
    pub(super) fn terminals<const L: usize>(
        &self,
        x: [f64; L],
        y: [f64; L],
        salt: &[[f64; L]],
        current_a: [f64; L],
        warm: &Warm,
    ) -> [Terminal; L] {
        let temperature_k = warm.temperature_k;
        let discharge = current_a.map(|current_a| self.discharge_a_m2(current_a));
        let (eta, drops) = match (&self.salt, &warm.salt) {
            (Some((electrolyte, _)), Some(laws)) => {
                let (left, right) = (electrolyte.nodes(salt, 0), electrolyte.nodes(salt, 2));
                let positive = self.positive.asinh(y, discharge, &warm.positive, Some(right));
                let negative = self.negative.asinh(x, discharge, &warm.negative, Some(left));
                ((positive, negative), Some(electrolyte.drops(salt, laws, temperature_k)))
            }
            _ => {
                let rest = self.set.electrolyte.concentration_mol_m3;
                let (right, left) = (self.positive.rest_node(rest), self.negative.rest_node(rest));
                let right = right.as_ref().map(|node| node.as_slice());
                let left = left.as_ref().map(|node| node.as_slice());
                let positive = self.positive.asinh(y, discharge, &warm.positive, right);
                ((positive, self.negative.asinh(x, discharge, &warm.negative, left)), None)
            }
        };
        let twice_thermal_v = 2.0 * GAS_J_MOL_K * temperature_k / FARADAY_C_MOL;
        let solid_ohm_m2 = warm.negative.solid_ohm_m2 + warm.positive.solid_ohm_m2;
        std::array::from_fn(|lane| {
            let negative = self.negative.potential(x[lane], temperature_k);
            let positive = self.positive.potential(y[lane], temperature_k);
            let open_v = positive.ocp_v - negative.ocp_v;
            let mut voltage_v = open_v + twice_thermal_v * (eta.0[lane] - eta.1[lane]);
            if let Some(drops) = &drops {
                let drop = drops[lane];
                voltage_v += drop.concentration_v - discharge[lane] * (drop.ohm_m2 + solid_ohm_m2);
            }
            // what the open circuit gives and the terminals do not, and the heat of the reactions' entropy
            let entropic_v_k = positive.entropic_v_k - negative.entropic_v_k;
            let current_a = current_a[lane];
            let heat_w = current_a * (voltage_v - open_v) + current_a * temperature_k * entropic_v_k;
            Terminal { current_a, voltage_v, heat_w }
        })
    }

    /// The particles and the salt, at one temperature.
    fn transport(
        &mut self,
        from: &State,
        to: &mut State,
        current: Ramp,
        step_s: f64,
        temperature_k: f64,
    ) -> Result<(), CellError> {
        let warm = self.warm(temperature_k);
        let (start, end) = (self.discharge_a_m2(current.from_a), self.discharge_a_m2(current.to_a));
        let particle = |kernel: &mut Kernel, from: &[f64], to: &mut [f64], warm: &electrode::Warm| {
            let flux = (kernel.flux_per_a_m2 * start, kernel.flux_per_a_m2 * end);
            kernel.particle.advance(from, to, flux, warm.diffusion, step_s)
        };
        particle(&mut self.negative, &from.negative, &mut to.negative, &warm.negative)?;
        particle(&mut self.positive, &from.positive, &mut to.positive, &warm.positive)?;
        if let (Some((salt, work)), Some(laws)) = (&mut self.salt, &warm.salt) {
            let (from, to) = (from.salt.as_chunks::<1>().0, to.salt.as_chunks_mut::<1>().0);
            let [least] = salt.advance(work, from, to, ([start], [end]), laws, step_s);
            if least.is_nan() || least <= 0.0 {
                return Err(drained(least));
            }
        }
        Ok(())
    }

    fn check(&self, state: &State) -> Result<(), CellError> {
        for (field, kernel, particle) in [
            ("the mean stoichiometry of the negative electrode", &self.negative, &state.negative),
            ("the mean stoichiometry of the positive electrode", &self.positive, &state.positive),
        ] {
            let mean = kernel.particle.mean(particle);
            if !(-BEYOND..=1.0 + BEYOND).contains(&mean) {
                let rule = "in 0..=1: the cell is empty or full";
                return Err(CellError::OutOfRange { time_s: 0.0, field, value: mean, rule });
            }
        }
        self.set.check_temperature("temperature_k", state.temperature_k)
    }
}

/// The electrolyte has no salt left somewhere.
pub(super) fn drained(least: f64) -> CellError {
    let (field, rule) =
        ("the salt concentration in mol/m³", "above 0: the current is too large for the cell");
    CellError::OutOfRange { time_s: 0.0, field, value: least, rule }
}

impl CellModel for SingleParticle {
    type State = State;

    fn set(&self) -> &ParameterSet {
        &self.set
    }

    fn rest(&self, soc: f64, temperature_k: f64) -> Result<State, CellError> {
        CellError::check("soc", soc, (0.0..=1.0).contains(&soc), "in 0..=1")?;
        self.set.check_temperature("temperature_k", temperature_k)?;
        let at = self.window.at(soc);
        let mut negative = vec![0.0; self.negative.particle.len()];
        let mut positive = vec![0.0; self.positive.particle.len()];
        self.negative.particle.rest(&mut negative, at.negative);
        self.positive.particle.rest(&mut positive, at.positive);
        let volumes = self.salt.as_ref().map_or(0, |(salt, _)| salt.len());
        let salt = vec![self.set.electrolyte.concentration_mol_m3; volumes];
        Ok(State { temperature_k, negative, positive, salt, terminal: None })
    }

    fn advance(&mut self, from: &State, to: &mut State, current: Ramp, step_s: f64) -> Result<(), CellError> {
        CellError::check("step_s", step_s, step_s > 0.0, "above 0")?;
        self.set.check_current(current.from_a)?;
        self.set.check_current(current.to_a)?;
        to.terminal = None;
        let (Surroundings::Lumped { ambient_k, heat_transfer_w_m2_k }, Some(thermal)) =
            (self.surroundings, &self.set.thermal)
        else {
            self.transport(from, to, current, step_s, from.temperature_k)?;
            to.temperature_k = from.temperature_k;
            to.terminal = Some(self.terminal(to, current.to_a));
            return self.check(to);
        };
        // the trapezoidal rule: a first guess with the heat at the start, then with the heat at the end besides
        let cooling_w_k =
            heat_transfer_w_m2_k.unwrap_or(thermal.heat_transfer_w_m2_k) * thermal.cooling_area_m2;
        let capacity_j_k = thermal.heat_capacity_j_k(from.temperature_k);
        let share = cooling_w_k * step_s / capacity_j_k;
        let later = |mean_heat_w: f64| {
            let warming = mean_heat_w * step_s / capacity_j_k + share * (ambient_k - from.temperature_k);
            from.temperature_k + warming / (1.0 + 0.5 * share)
        };
        let start_w = self.terminal(from, current.from_a).heat_w;
        let guess_k = later(start_w);
        self.transport(from, to, current, step_s, 0.5 * (from.temperature_k + guess_k))?;
        to.temperature_k = guess_k;
        let end_w = self.terminal(to, current.to_a).heat_w;
        to.temperature_k = later(0.5 * (start_w + end_w));
        to.terminal = Some(self.terminal(to, current.to_a));
        self.check(to)
    }

    fn voltage_v(&mut self, state: &State, current_a: f64) -> Result<f64, CellError> {
        self.set.check_current(current_a)?;
        Ok(self.terminal(state, current_a).voltage_v)
    }

    fn temperature_k(&self, state: &State) -> f64 {
        state.temperature_k
    }

    fn soc(&self, state: &State) -> f64 {
        self.window.soc(self.negative.particle.mean(&state.negative))
    }

    fn step_s(&self, since_jump_s: f64) -> f64 {
        // the modes are exact at any step; salt and heat relax within minutes after a jump
        if self.salt.is_some() {
            (0.05 + 0.3 * since_jump_s).min(20.0)
        } else {
            (0.1 + since_jump_s).min(20.0)
        }
    }
}
