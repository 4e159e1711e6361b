//! Networks of battery-swap stations: scenarios, and runs that simulate and compare them.

mod runs;
mod scenarios;

use utoipa_axum::router::OpenApiRouter;
use voltwin_swap::{Scenario, SwapError};

use crate::http::{Fault, Problem};
use crate::state::AppState;

/// A body of one request.
const BODY_MAX: usize = 8 * 1024 * 1024;
/// Stations of a scenario.
const STATIONS_MAX: usize = 5_000;
/// Vehicles that a replication may expect.
const ARRIVALS_MAX: f64 = 5e6;
/// Packs and chargers of a scenario.
const PACKS_MAX: u64 = 2_000_000;
/// Periods of the energy meters of all stations.
const PERIODS_MAX: f64 = 2e7;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(scenarios::routes()).merge(runs::routes())
}

/// What is wrong with a scenario by its own rules, and then by what one server gives to one run; `at` comes before each field.
fn faults(scenario: &Scenario, at: &str) -> Vec<Fault> {
    let fault = |field: &str, what: String| Fault { field: format!("{at}{field}"), what };
    let broken = match scenario.check() {
        Ok(()) => Vec::new(),
        Err(SwapError::Fields(problems)) => problems,
        Err(other) => return vec![fault("", other.to_string())],
    };
    let mut faults: Vec<Fault> =
        broken.into_iter().take(200).map(|problem| fault(&problem.field, problem.what)).collect();
    if !faults.is_empty() {
        return faults;
    }
    let stations = scenario.stations.len();
    if stations > STATIONS_MAX {
        faults.push(fault("stations", format!("{stations} stations, {STATIONS_MAX} at most")));
    }
    let arrivals = scenario.expected_arrivals();
    if arrivals > ARRIVALS_MAX {
        let what = format!("about {arrivals:.0} vehicles a replication, {ARRIVALS_MAX:.0} at most");
        faults.push(fault("demand", what));
    }
    let packs = scenario.stations.iter().map(|s| u64::from(s.batteries) + u64::from(s.chargers)).sum::<u64>();
    if packs > PACKS_MAX {
        faults.push(fault("stations", format!("{packs} batteries and chargers, {PACKS_MAX} at most")));
    }
    let periods = scenario.horizon_s / scenario.meter_s * stations as f64;
    if periods > PERIODS_MAX {
        let what = format!("{periods:.0} meter periods over all stations, {PERIODS_MAX:.0} at most");
        faults.push(fault("meter_s", what));
    }
    faults
}

fn sound(scenario: &Scenario) -> Result<(), Problem> {
    Problem::faults(faults(scenario, ""))
}
