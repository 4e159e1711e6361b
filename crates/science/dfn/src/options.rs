use crate::DfnError;

/// How finely the cell is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mesh {
    /// Volumes through the negative electrode.
    pub negative: usize,
    /// Volumes through the separator.
    pub separator: usize,
    /// Volumes through the positive electrode.
    pub positive: usize,
    /// Modes of a particle whose diffusivity is constant.
    pub modes: usize,
    /// Volumes over the radius of a particle whose diffusivity is not.
    pub volumes: usize,
}

impl Default for Mesh {
    fn default() -> Self {
        Self { negative: 56, separator: 8, positive: 20, modes: 14, volumes: 100 }
    }
}

/// What the error of one step may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Open-circuit potential at a particle's surface, V.
    pub voltage_v: f64,
    /// Stoichiometry there.
    pub stoichiometry: f64,
    /// Salt concentration, relative.
    pub salt: f64,
    /// K.
    pub temperature_k: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { voltage_v: 2e-4, stoichiometry: 2e-4, salt: 1e-3, temperature_k: 1e-2 }
    }
}

impl Mesh {
    pub(crate) fn check(&self) -> Result<(), DfnError> {
        for (field, count, least, most) in [
            ("volumes in the negative electrode", self.negative, 2, 1000),
            ("volumes in the separator", self.separator, 1, 1000),
            ("volumes in the positive electrode", self.positive, 2, 1000),
            ("modes of a particle", self.modes, 2, 24),
            ("volumes of a particle", self.volumes, 4, 5000),
        ] {
            let rule = "a count between the least that makes sense and the most that is of use";
            DfnError::check(field, count as f64, (least..=most).contains(&count), rule)?;
        }
        Ok(())
    }
}

impl Tolerance {
    pub(crate) fn check(&self) -> Result<(), DfnError> {
        for (field, value) in [
            ("tolerance of voltage in V", self.voltage_v),
            ("tolerance of stoichiometry", self.stoichiometry),
            ("relative tolerance of salt", self.salt),
            ("tolerance of temperature in K", self.temperature_k),
        ] {
            DfnError::check(field, value, (1e-12..=1.0).contains(&value), "in 1e-12..=1")?;
        }
        Ok(())
    }
}
