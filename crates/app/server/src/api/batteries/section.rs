//! What is where inside a cell of a battery.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use voltwin_cell::{CellError, CellModel, ParticleSection, Ramp, Section, SingleParticle, Surroundings, set};
use voltwin_core::TwinId;

use super::{kind_of, with_battery};
use crate::auth::Principal;
use crate::http::{Id, Json, Problem};
use crate::state::AppState;

/// The present current is taken to have flowed for so long, in steps of so much.
const FLOWED_S: f64 = 600.0;
const STEP_S: f64 = 10.0;
const RADIUS_POINTS: usize = 40;
const ZERO_CELSIUS_K: f64 = 273.15;

/// A layer of the cell.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Region {
    /// `negative`, `separator` or `positive`.
    name: String,
    from_m: f64,
    to_m: f64,
}

/// Salt across the cell.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SaltProfile {
    /// From the negative current collector.
    x_m: Vec<f64>,
    concentration_mol_m3: Vec<f64>,
}

/// Lithium along the radius of a particle.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParticleProfile {
    /// From the middle to the surface.
    r_m: Vec<f64>,
    concentration_mol_m3: Vec<f64>,
    /// The most that the material takes.
    max_mol_m3: f64,
}

impl From<ParticleSection> for ParticleProfile {
    fn from(section: ParticleSection) -> Self {
        let ParticleSection { r_m, concentration_mol_m3, max_mol_m3 } = section;
        Self { r_m, concentration_mol_m3, max_mol_m3 }
    }
}

/// What is where inside a cell, by the single-particle model with electrolyte.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatterySection {
    /// The parameter set of the cell, which stands for that of the battery.
    #[schema(example = "Chen2020")]
    set: String,
    soc: f64,
    /// Through a cell of the set, at the battery's rate; charging positive.
    current_a: f64,
    /// The battery's current over its capacity, in 1/h.
    c_rate: f64,
    temp_c: f64,
    /// Of a cell of the set.
    voltage_v: f64,
    regions: Vec<Region>,
    electrolyte: SaltProfile,
    negative_particle: ParticleProfile,
    positive_particle: ParticleProfile,
    /// Potential of the negative electrode against lithium; below 0 lithium plates.
    plating_margin_v: f64,
}

/// Concentrations inside a cell of the battery's chemistry, at the battery's charge and temperature, after ten minutes of
/// its present current.
#[utoipa::path(get, path = "/batteries/{id}/section", tag = "batteries",
    params(("id" = String, Path, description = "The battery pack.")),
    responses((status = 200, body = BatterySection), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "Too little is known of it, or it is where the model \
        does not reach.")))]
pub(super) async fn section(
    State(state): State<AppState>,
    principal: Principal,
    Id(id): Id<TwinId>,
) -> Result<Json<BatterySection>, Problem> {
    let (kind, known) =
        with_battery(&state, &principal, &id, |twin, known| (kind_of(&id, twin, &known), known))?;
    let kind = kind?;
    let estimate = known.live.estimate;
    let estimate = estimate
        .ok_or_else(|| Problem::conflict(format!("nothing has been read of the battery `{id}` yet")))?;
    let current_a = known.live.measured.current_a.unwrap_or(0.0) - estimate.current_bias_a.value;
    let c_rate = current_a / (kind.cell_capacity_ah * estimate.soh.value.max(0.1));
    let work = move || cut(kind.set, estimate.soc.value, c_rate, estimate.temp_c.value);
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(section)) => Ok(Json(section)),
        Ok(Err(error)) => {
            Err(Problem::conflict(format!("the battery `{id}` is where its model does not reach: {error}")))
        }
        Err(error) => Err(Problem::internal(&error)),
    }
}

fn cut(name: &str, soc: f64, c_rate: f64, temp_c: f64) -> Result<BatterySection, CellError> {
    let set = set::named(name)?;
    let mut model = SingleParticle::spme(&set, Surroundings::Isothermal)?;
    let current_a = c_rate * set.cell.nominal_capacity_ah;
    // it ends where the battery is
    let start = (soc - c_rate * FLOWED_S / 3_600.0).clamp(0.0, 1.0);
    let temperature_k = temp_c + ZERO_CELSIUS_K;
    let mut at = model.rest(start, temperature_k)?;
    let mut next = at.clone();
    for _ in 0..(FLOWED_S / STEP_S) as u32 {
        model.advance(&at, &mut next, Ramp::constant(current_a), STEP_S)?;
        std::mem::swap(&mut at, &mut next);
    }
    let voltage_v = model.voltage_v(&at, current_a)?;
    let Section { thickness_m, x_m, salt_mol_m3, negative, positive, plating_margin_v } =
        model.section(&at, current_a, RADIUS_POINTS);
    let mut from_m = 0.0;
    let regions =
        ["negative", "separator", "positive"].into_iter().zip(thickness_m).map(|(name, thickness_m)| {
            let region = Region { name: name.to_owned(), from_m, to_m: from_m + thickness_m };
            from_m += thickness_m;
            region
        });
    let regions = regions.collect();
    Ok(BatterySection {
        set: set.name,
        soc: model.soc(&at),
        current_a,
        c_rate,
        temp_c,
        voltage_v,
        regions,
        electrolyte: SaltProfile { x_m, concentration_mol_m3: salt_mol_m3 },
        negative_particle: negative.into(),
        positive_particle: positive.into(),
        plating_margin_v,
    })
}
