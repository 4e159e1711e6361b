use serde::{Deserialize, Serialize};

use super::{Curve, Factor, Stoichiometry, Thermal, TransportLaw, Window, asymptote};
use crate::{
    CellError,
    constants::{FARADAY_C_MOL, arrhenius},
};

/// Everything that the models know of one cell. SI units throughout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterSet {
    /// Its name, as users write it.
    pub name: String,
    /// What cell this is.
    pub description: String,
    /// The papers that the numbers come from.
    pub source: String,
    /// The chemistry.
    pub chemistry: Chemistry,
    /// Area, capacity, limits.
    pub cell: Cell,
    /// The electrode that is the anode in discharge.
    pub negative: Electrode,
    /// Between the electrodes.
    pub separator: Separator,
    /// The electrode that is the cathode in discharge.
    pub positive: Electrode,
    /// The salt solution.
    pub electrolyte: Electrolyte,
    /// What heats and cools it, where known.
    #[serde(default)]
    pub thermal: Option<Thermal>,
    /// Where it may be used.
    #[serde(default)]
    pub validity: Validity,
}

/// Families whose ageing and habits differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chemistry {
    /// Nickel manganese cobalt oxide against graphite.
    Nmc,
    /// Nickel cobalt aluminium oxide against graphite.
    Nca,
    /// Iron phosphate against graphite.
    Lfp,
    /// Cobalt oxide against graphite.
    Lco,
}

/// The cell as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What `1C` means, Ah.
    pub nominal_capacity_ah: f64,
    /// Area of one electrode pair, m².
    pub area_m2: f64,
    /// Discharge ends here, and 0 % state of charge is this open-circuit voltage, V.
    pub voltage_min_v: f64,
    /// Charge ends here, and 100 % state of charge is this open-circuit voltage, V.
    pub voltage_max_v: f64,
    /// Temperature at which the open-circuit potentials hold, K.
    pub reference_temperature_k: f64,
}

/// One porous electrode, its particles all alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Electrode {
    /// m.
    pub thickness_m: f64,
    /// Volume share of the electrolyte.
    pub porosity: f64,
    /// Volume share of what takes up lithium.
    pub active_fraction: f64,
    /// m.
    pub particle_radius_m: f64,
    /// Lithium in a full particle, mol/m³.
    pub concentration_max_mol_m3: f64,
    /// Lithium in the particles as built, mol/m³; with the other electrode's it says how much lithium can cycle.
    pub concentration_initial_mol_m3: f64,
    /// Exponent of the porosity in the electrolyte's transport efficiency.
    pub bruggeman_electrolyte: f64,
    /// Exponent of the solid share, `1 - porosity` with binder and carbon, in the solid's.
    pub bruggeman_electrode: f64,
    /// Electronic conductivity of the solid at 298.15 K, S/m.
    pub conductivity_s_m: f64,
    /// Its activation energy, J/mol.
    #[serde(default)]
    pub conductivity_activation_j_mol: f64,
    /// Open-circuit potential against lithium at the reference temperature, V, without the [`asymptote`].
    pub ocp_v: Curve,
    /// Change of the open-circuit potential with temperature, V/K.
    #[serde(default)]
    pub entropic_v_k: Curve,
    /// Diffusion of lithium inside of the particles.
    pub diffusivity: Diffusivity,
    /// Kinetics of the reaction at their surface.
    pub exchange: Exchange,
}

/// Diffusivity in the particles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diffusivity {
    /// Over stoichiometry, m²/s at `reference_k`.
    pub curve: Curve,
    /// J/mol.
    #[serde(default)]
    pub activation_j_mol: f64,
    /// K.
    #[serde(default = "room")]
    pub reference_k: f64,
}

/// Exchange-current density `i0 = i_ref A(T) (c_e/c_ref)^(1-α) x^α (1-x)^(1-α)`; the transfer coefficient of the
/// Butler-Volmer law itself is ½.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Prefactor at `reference_k`, A/m².
    pub i_ref_a_m2: f64,
    /// Salt concentration of `i_ref_a_m2`, mol/m³.
    pub concentration_ref_mol_m3: f64,
    /// `α`.
    #[serde(default = "half")]
    pub alpha: f64,
    /// J/mol.
    #[serde(default)]
    pub activation_j_mol: f64,
    /// K.
    #[serde(default = "room")]
    pub reference_k: f64,
}

/// What keeps the electrodes apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Separator {
    /// m.
    pub thickness_m: f64,
    /// Volume share of the electrolyte.
    pub porosity: f64,
    /// Exponent of the porosity in the transport efficiency.
    pub bruggeman_electrolyte: f64,
}

/// The salt solution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Electrolyte {
    /// At rest, mol/m³.
    pub concentration_mol_m3: f64,
    /// Of the cation.
    pub transference: Factor,
    /// `1 + ∂ln f/∂ln c`.
    pub thermodynamic_factor: Factor,
    /// m²/s.
    pub diffusivity: TransportLaw,
    /// S/m.
    pub conductivity: TransportLaw,
}

/// Where a set may be used; outside of it a model answers with an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// Lowest cell temperature, K.
    pub temperature_min_k: f64,
    /// Highest cell temperature, K.
    pub temperature_max_k: f64,
    /// Largest current over nominal capacity, 1/h.
    pub c_rate_max: f64,
}

impl Default for Validity {
    fn default() -> Self {
        Self { temperature_min_k: 233.15, temperature_max_k: 373.15, c_rate_max: 20.0 }
    }
}

fn room() -> f64 {
    298.15
}

fn half() -> f64 {
    0.5
}

/// `x^a` for `x ≥ 0` with a finite slope at 0: `x (x² + δ²)^((a-1)/2)`, `δ = 10⁻³` (Modelica's `regPow`).
#[inline]
#[must_use]
pub fn regularised_power(x: f64, a: f64) -> f64 {
    const DELTA_SQUARED: f64 = 1e-6;
    if a == 0.5 {
        let square = x * x + DELTA_SQUARED;
        x / square.sqrt().sqrt()
    } else {
        x * (x * x + DELTA_SQUARED).powf(0.5 * (a - 1.0))
    }
}

impl ParameterSet {
    /// Reads and judges a set in TOML.
    ///
    /// # Errors
    /// When the text is no set, or a number in it makes no sense.
    pub fn from_toml(text: &str) -> Result<Self, CellError> {
        let set: Self = toml::from_str(text).map_err(|error| CellError::Form(error.to_string()))?;
        set.validate()?;
        Ok(set)
    }

    /// Fails with the first number that makes no sense.
    ///
    /// # Errors
    /// Names the field, its value and its limits.
    pub fn validate(&self) -> Result<(), CellError> {
        let positive = |field, value: f64| CellError::check(field, value, value > 0.0, "above 0");
        positive("cell.nominal_capacity_ah", self.cell.nominal_capacity_ah)?;
        positive("cell.area_m2", self.cell.area_m2)?;
        positive("cell.voltage_min_v", self.cell.voltage_min_v)?;
        let (low, high) = (self.cell.voltage_min_v, self.cell.voltage_max_v);
        CellError::check("cell.voltage_max_v", high, high > low, "above cell.voltage_min_v")?;
        positive("cell.reference_temperature_k", self.cell.reference_temperature_k)?;
        self.negative.validate()?;
        self.positive.validate()?;
        positive("separator.thickness_m", self.separator.thickness_m)?;
        let porosity = self.separator.porosity;
        CellError::check("separator.porosity", porosity, porosity > 0.0 && porosity <= 1.0, "in 0..=1")?;
        positive("electrolyte.concentration_mol_m3", self.electrolyte.concentration_mol_m3)?;
        for t in [273.15, 298.15, 318.15] {
            for c in [100.0, self.electrolyte.concentration_mol_m3, 2000.0] {
                positive("electrolyte.diffusivity", self.electrolyte.diffusivity.value(c, t))?;
                positive("electrolyte.conductivity", self.electrolyte.conductivity.value(c, t))?;
            }
        }
        let (low, high) = (self.validity.temperature_min_k, self.validity.temperature_max_k);
        positive("validity.temperature_min_k", low)?;
        CellError::check("validity.temperature_max_k", high, high > low, "above validity.temperature_min_k")?;
        positive("validity.c_rate_max", self.validity.c_rate_max)?;
        self.thermal.as_ref().map_or(Ok(()), Thermal::validate)
    }

    /// The stoichiometries of an empty and of a full cell.
    ///
    /// # Errors
    /// When no balance of the electrodes gives the voltage limits.
    pub fn window(&self) -> Result<Window, CellError> {
        Window::of(self)
    }

    /// Stoichiometries at a state of charge in `0..=1`.
    ///
    /// # Errors
    /// When the state of charge is outside of `0..=1`, or there is no [`ParameterSet::window`].
    pub fn stoichiometry(&self, soc: f64) -> Result<Stoichiometry, CellError> {
        CellError::check("soc", soc, (0.0..=1.0).contains(&soc), "in 0..=1")?;
        Ok(self.window()?.at(soc))
    }

    /// Fails with the name of a temperature that is outside of the validity.
    ///
    /// # Errors
    /// Names the limits' meaning.
    pub fn check_temperature(&self, field: &'static str, temperature_k: f64) -> Result<(), CellError> {
        let Validity { temperature_min_k, temperature_max_k, .. } = self.validity;
        let holds = (temperature_min_k..=temperature_max_k).contains(&temperature_k);
        CellError::check(field, temperature_k, holds, "within the set's validity, in K")
    }

    /// Fails when a current is beyond the validity.
    ///
    /// # Errors
    /// Names the rule.
    pub fn check_current(&self, current_a: f64) -> Result<(), CellError> {
        let holds = current_a.abs() <= self.validity.c_rate_max * self.one_c_a();
        CellError::check("current_a", current_a, holds, "within the largest C rate of the set's validity")
    }

    /// `1C` in A.
    #[must_use]
    pub fn one_c_a(&self) -> f64 {
        self.cell.nominal_capacity_ah
    }
}

impl Electrode {
    fn validate(&self) -> Result<(), CellError> {
        let positive = |field, value: f64| CellError::check(field, value, value > 0.0, "above 0");
        let share = |field, value: f64| CellError::check(field, value, value > 0.0 && value < 1.0, "in 0..1");
        positive("electrode.thickness_m", self.thickness_m)?;
        share("electrode.porosity", self.porosity)?;
        share("electrode.active_fraction", self.active_fraction)?;
        positive("electrode.particle_radius_m", self.particle_radius_m)?;
        positive("electrode.concentration_max_mol_m3", self.concentration_max_mol_m3)?;
        share(
            "electrode.concentration_initial_mol_m3 over its maximum",
            self.concentration_initial_mol_m3 / self.concentration_max_mol_m3,
        )?;
        positive("electrode.conductivity_s_m", self.conductivity_s_m)?;
        positive("electrode.exchange.i_ref_a_m2", self.exchange.i_ref_a_m2)?;
        positive("electrode.exchange.concentration_ref_mol_m3", self.exchange.concentration_ref_mol_m3)?;
        share("electrode.exchange.alpha", self.exchange.alpha)?;
        for x in [0.01, 0.25, 0.5, 0.75, 0.99] {
            positive("electrode.diffusivity", self.diffusivity.value(x, 298.15))?;
            let ocp = self.ocp_v.value(x);
            CellError::check("electrode.ocp_v", ocp, true, "finite")?;
        }
        Ok(())
    }

    /// Reacting surface over volume of the electrode, 1/m.
    #[must_use]
    pub fn surface_per_volume_m(&self) -> f64 {
        3.0 * self.active_fraction / self.particle_radius_m
    }

    /// Charge from empty to full particles, Ah, over an electrode area.
    #[must_use]
    pub fn capacity_ah(&self, area_m2: f64) -> f64 {
        FARADAY_C_MOL * self.active_fraction * self.thickness_m * area_m2 * self.concentration_max_mol_m3
            / 3600.0
    }

    /// Open-circuit potential and its slope over stoichiometry, V, at a temperature in K.
    ///
    /// The argument is held inside of `0..=1`, and the [`asymptote`] drives it away from both ends.
    #[must_use]
    pub fn ocp(&self, x: f64, temperature_k: f64, reference_k: f64) -> (f64, f64) {
        const EDGE: f64 = 1e-10;
        let inside = x.clamp(EDGE, 1.0 - EDGE);
        let moves = if inside == x { 1.0 } else { 0.0 };
        let (u, du) = self.ocp_v.value_and_slope(inside);
        let (s, ds) = self.entropic_v_k.value_and_slope(inside);
        let (wall, wall_slope) = asymptote(x);
        let warmer = temperature_k - reference_k;
        (u + warmer * s + wall, moves * (du + warmer * ds) + wall_slope)
    }

    /// Electronic conductivity of the porous solid, S/m.
    #[must_use]
    pub fn effective_conductivity_s_m(&self, temperature_k: f64) -> f64 {
        self.conductivity_s_m
            * arrhenius(self.conductivity_activation_j_mol, 298.15, temperature_k)
            * (1.0 - self.porosity).powf(self.bruggeman_electrode)
    }

    /// Transport efficiency of the electrolyte in the pores.
    #[must_use]
    pub fn transport_efficiency(&self) -> f64 {
        self.porosity.powf(self.bruggeman_electrolyte)
    }
}

impl Separator {
    /// Transport efficiency of the electrolyte in the pores.
    #[must_use]
    pub fn transport_efficiency(&self) -> f64 {
        self.porosity.powf(self.bruggeman_electrolyte)
    }
}

impl Diffusivity {
    /// m²/s at a stoichiometry and a temperature.
    #[must_use]
    pub fn value(&self, x: f64, temperature_k: f64) -> f64 {
        self.curve.value(x.clamp(1e-10, 1.0 - 1e-10)) * self.warmth(temperature_k)
    }

    /// The Arrhenius factor.
    #[must_use]
    pub fn warmth(&self, temperature_k: f64) -> f64 {
        arrhenius(self.activation_j_mol, self.reference_k, temperature_k)
    }
}

impl Exchange {
    /// Exchange-current density at a surface stoichiometry, a salt concentration and a temperature, A/m².
    #[inline]
    #[must_use]
    pub fn current_a_m2(&self, x: f64, concentration_mol_m3: f64, temperature_k: f64) -> f64 {
        self.salt_factor(concentration_mol_m3) * self.surface_factor_a_m2(x, temperature_k)
    }

    /// The share of the salt, `(c_e/c_ref)^(1-α)`.
    #[inline]
    #[must_use]
    pub fn salt_factor(&self, concentration_mol_m3: f64) -> f64 {
        regularised_power(concentration_mol_m3.max(0.0) / self.concentration_ref_mol_m3, 1.0 - self.alpha)
    }

    /// All but the share of the salt.
    #[inline]
    #[must_use]
    pub fn surface_factor_a_m2(&self, x: f64, temperature_k: f64) -> f64 {
        let x = x.clamp(0.0, 1.0);
        self.i_ref_a_m2
            * arrhenius(self.activation_j_mol, self.reference_k, temperature_k)
            * regularised_power(x, self.alpha)
            * regularised_power(1.0 - x, 1.0 - self.alpha)
    }
}
