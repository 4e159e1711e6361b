//! Diffusion of lithium in one spherical particle.
//!
//! The state is a slice of stoichiometries; the flux `g` is what leaves through the surface over the maximum
//! concentration, in m/s (`j / (F c_max)` of the interfacial current density `j`).

mod modal;
mod volumes;

pub use modal::Modal;
pub use volumes::Volumes;

use crate::{CellError, set::Electrode};

/// The two ways to solve the particle: exact modes where the diffusivity is constant, volumes where it is not.
#[derive(Debug, Clone)]
pub enum Particle {
    /// Eigenmodes of the sphere.
    Modal(Modal),
    /// Finite volumes in flux form.
    Volumes(Box<Volumes>),
}

impl Particle {
    /// The exact form where it applies.
    ///
    /// # Errors
    /// When the diffusivity is not finite and positive.
    pub fn of(electrode: &Electrode, modes: usize, volumes: usize) -> Result<Self, CellError> {
        let curve = &electrode.diffusivity.curve;
        if curve.is_constant() {
            Ok(Self::Modal(Modal::new(electrode.particle_radius_m, curve.value(0.5), modes)))
        } else {
            Ok(Self::Volumes(Box::new(Volumes::new(electrode.particle_radius_m, curve, volumes)?)))
        }
    }

    /// How many numbers the state has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Modal(modal) => modal.len(),
            Self::Volumes(volumes) => volumes.len(),
        }
    }

    /// Never: a particle has at least its mean.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Writes the state of a particle at rest.
    pub fn rest(&self, state: &mut [f64], stoichiometry: f64) {
        match self {
            Self::Modal(_) => {
                state.fill(0.0);
                state[0] = stoichiometry;
            }
            Self::Volumes(volumes) => volumes.rest(state, stoichiometry),
        }
    }

    /// Mean stoichiometry.
    #[must_use]
    pub fn mean(&self, state: &[f64]) -> f64 {
        match self {
            Self::Modal(_) => state[0],
            Self::Volumes(volumes) => volumes.mean(state),
        }
    }

    /// Stoichiometry at the surface under a flux; `warmth` is the Arrhenius factor of the diffusivity.
    #[must_use]
    pub fn surface(&self, state: &[f64], flux_m_s: f64, warmth: f64) -> f64 {
        match self {
            Self::Modal(modal) => modal.surface(state, flux_m_s, warmth),
            Self::Volumes(volumes) => volumes.surface(state, flux_m_s, warmth),
        }
    }

    /// Stoichiometry at shares of the radius, 0 in the middle to 1 at the surface, minutes after the flux last jumped.
    #[must_use]
    pub fn profile(&self, state: &[f64], flux_m_s: f64, warmth: f64, shares: &[f64]) -> Vec<f64> {
        match self {
            Self::Modal(modal) => modal.profile(state, flux_m_s, warmth, shares),
            Self::Volumes(volumes) => volumes.profile(state, flux_m_s, warmth, shares),
        }
    }

    /// One step with a flux linear in time.
    ///
    /// # Errors
    /// When the steps within it become too small.
    pub fn advance(
        &mut self,
        from: &[f64],
        to: &mut [f64],
        (flux_from, flux_to): (f64, f64),
        warmth: f64,
        step_s: f64,
    ) -> Result<(), CellError> {
        match self {
            Self::Modal(modal) => {
                modal.advance(from, to, (flux_from, flux_to), warmth, step_s);
                Ok(())
            }
            Self::Volumes(volumes) => volumes.advance(from, to, (flux_from, flux_to), warmth, step_s),
        }
    }
}
