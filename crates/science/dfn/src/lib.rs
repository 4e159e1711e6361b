//! The Doyle-Fuller-Newman model of a lithium-ion cell, reference grade.
//!
//! Doyle, Fuller and Newman, J. Electrochem. Soc. 140 (1993) 1526; Fuller, Doyle and Newman, J. Electrochem. Soc. 141
//! (1994) 1. Porous electrodes of spherical particles in a concentrated electrolyte; one temperature, constant or lumped.
//!
//! ```text
//! particle      c_t = r^-2 (r^2 D(c, T) c_r)_r           -D c_r = j at r = R
//! salt          eps c_t = (eps^b D_e(c, T) c_x)_x + ((1 - t+) i_e / F)_x
//! electrolyte   i_e = -eps^b kappa(c, T) (phi_e_x - (2 R T / F) chi (ln c)_x),  (i_e)_x = a F j
//! solid         i_s = -sigma phi_s_x,  i_s + i_e = i
//! kinetics      F j = 2 i0(c, c_s, T) sinh(F (phi_s - phi_e - U(c_s, T)) / (2 R T))
//! temperature   C T_t = A q - h A_c (T - T_a),  q = -i V - int a F j (U - T dU/dT) dx
//! ```
//!
//! The last line is the sum of ohmic, kinetic and entropic heat, which the balances of charge turn into what the
//! reactions give less what leaves at the terminals.
//!
//! # How it is solved
//! - Finite volumes through the thickness, with two unknowns in a volume (salt, and `phi_s - phi_e`): Ohm's law in both
//!   phases gives the current through each face in closed form. Order 2.
//! - Particles of constant diffusivity as a dozen uncoupled Legendre-Galerkin modes, others as volumes with fluxes in
//!   Kirchhoff's variable; both are eliminated to how their surface answers the flux, so Newton's system is
//!   block-tridiagonal with 2 x 2 blocks. The Jacobian is analytic.
//! - Steps of a Runge-Kutta pair of orders 4 and 3, implicit and L-stable, with an error measured in volts at the
//!   particles' surfaces. A voltage or a power that is held is one more equation. Stops are met by whole steps of the
//!   right length, never by interpolation.
//!
//! # Invariants
//! - Charge and lithium are kept to rounding: fluxes are differences of what crosses faces.
//! - No number that is not finite comes out; what the cell cannot do is a [`DfnError`].
//! - Pure, and the same bits on every run. Charging is positive outside; inside discharge is.
//!
//! # Limits
//! Where a load empties part of the electrolyte of salt (3C on a thick electrode, below 1e-6 mol/m3) the iteration ends
//! and a run ends with [`DfnError::Infeasible`]; the model means nothing there.
//!
//! ```
//! use voltwin_cell::{Protocol, Run, Surroundings, set};
//! use voltwin_dfn::{Dfn, Mesh, Output, Tolerance};
//!
//! let set = set::named("Chen2020")?;
//! let mut cell = Dfn::new(&set, Surroundings::Isothermal, &Mesh::default(), &Tolerance::default())?;
//! let trace = cell.run(&Protocol::named("dis1C", &set)?, &Run::default(), &Output::Steps)?;
//! assert!((trace.end_s() - 3594.0).abs() < 3.6);
//! let inside = cell.profile();
//! assert!(inside.plating_margin_v > 0.0);
//! # Ok::<(), voltwin_dfn::DfnError>(())
//! ```

#![allow(
    clippy::needless_range_loop,
    reason = "one index runs through several arrays: both sides, all nodes"
)]

mod blocks;
mod error;
mod grid;
mod kernel;
mod material;
mod model;
mod options;
mod particle;
mod profile;
mod run;
mod stepper;
mod tableau;

pub use error::DfnError;
pub use model::{Dfn, Lithium};
pub use options::{Mesh, Tolerance};
pub use profile::{ElectrodeProfile, Profile};
pub use run::Output;
