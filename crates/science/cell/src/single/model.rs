use super::{
    electrode::{self, Kernel},
    salt::{self, Salt},
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
    set: ParameterSet,
    window: Window,
    surroundings: Surroundings,
    negative: Kernel,
    positive: Kernel,
    salt: Option<Salt>,
    warm: Option<Warm>,
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

#[derive(Debug, Clone, Copy, PartialEq)]
struct Terminal {
    current_a: f64,
    voltage_v: f64,
    heat_w: f64,
}

/// What depends on temperature alone.
#[derive(Debug, Clone, Copy)]
struct Warm {
    temperature_k: f64,
    negative: electrode::Warm,
    positive: electrode::Warm,
    salt: Option<salt::Warm>,
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
            salt: electrolyte.then(|| Salt::new(set, counts)),
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
        let salt = self.salt.as_ref().map_or(0.0, |salt| salt.amount_mol_m2(&state.salt));
        (both, salt * self.set.cell.area_m2)
    }

    /// Heat that the cell makes at a current, W.
    #[must_use]
    pub fn heat_w(&mut self, state: &State, current_a: f64) -> f64 {
        self.terminal(state, current_a).heat_w
    }

    fn warm(&mut self, temperature_k: f64) -> Warm {
        match self.warm {
            Some(warm) if warm.temperature_k == temperature_k => warm,
            _ => {
                let warm = Warm {
                    temperature_k,
                    negative: self.negative.warm(temperature_k),
                    positive: self.positive.warm(temperature_k),
                    salt: self.salt.as_ref().map(|salt| salt.warm(temperature_k)),
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
        let discharge = -current_a / self.set.cell.area_m2;
        let surface = |kernel: &Kernel, particle: &[f64], warm: &electrode::Warm| {
            kernel.particle.surface(particle, kernel.flux_per_a_m2 * discharge, warm.diffusion)
        };
        let x = surface(&self.negative, &state.negative, &warm.negative);
        let y = surface(&self.positive, &state.positive, &warm.positive);
        let negative = self.negative.potential(x, temperature_k);
        let positive = self.positive.potential(y, temperature_k);
        let open_v = positive.ocp_v - negative.ocp_v;
        let twice_thermal_v = 2.0 * GAS_J_MOL_K * temperature_k / FARADAY_C_MOL;
        let reaction = |kernel: &Kernel, x: f64, warm: &electrode::Warm, nodes: Option<&[f64]>| match nodes {
            Some(_) => kernel.asinh(x, discharge, warm, nodes),
            None => {
                let rest = kernel.rest_nodes(self.set.electrolyte.concentration_mol_m3);
                kernel.asinh(x, discharge, warm, rest.as_ref().map(<[f64; 1]>::as_slice))
            }
        };
        let voltage_v = match (&self.salt, &warm.salt) {
            (Some(salt), Some(electrolyte)) => {
                let (left, right) = (salt.nodes(&state.salt, 0), salt.nodes(&state.salt, 2));
                let eta = reaction(&self.positive, y, &warm.positive, Some(right))
                    - reaction(&self.negative, x, &warm.negative, Some(left));
                let drops = salt.drops(&state.salt, electrolyte, temperature_k);
                let ohm_m2 = drops.ohm_m2 + warm.negative.solid_ohm_m2 + warm.positive.solid_ohm_m2;
                open_v + twice_thermal_v * eta + drops.concentration_v - discharge * ohm_m2
            }
            _ => {
                let eta = reaction(&self.positive, y, &warm.positive, None)
                    - reaction(&self.negative, x, &warm.negative, None);
                open_v + twice_thermal_v * eta
            }
        };
        // what the open circuit gives and the terminals do not, and the heat of the reactions' entropy
        let entropic_v_k = positive.entropic_v_k - negative.entropic_v_k;
        let heat_w = current_a * (voltage_v - open_v) + current_a * temperature_k * entropic_v_k;
        Terminal { current_a, voltage_v, heat_w }
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
        let per_area = -1.0 / self.set.cell.area_m2;
        let (start, end) = (per_area * current.from_a, per_area * current.to_a);
        let particle = |kernel: &mut Kernel, from: &[f64], to: &mut [f64], warm: &electrode::Warm| {
            let flux = (kernel.flux_per_a_m2 * start, kernel.flux_per_a_m2 * end);
            kernel.particle.advance(from, to, flux, warm.diffusion, step_s)
        };
        particle(&mut self.negative, &from.negative, &mut to.negative, &warm.negative)?;
        particle(&mut self.positive, &from.positive, &mut to.positive, &warm.positive)?;
        if let (Some(salt), Some(electrolyte)) = (&mut self.salt, &warm.salt) {
            salt.advance(&from.salt, &mut to.salt, (start, end), electrolyte, step_s)?;
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
        let volumes = self.salt.as_ref().map_or(0, Salt::len);
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
