//! The limits of every field, each named where it is broken.

use std::collections::BTreeSet;

use voltwin_des::Law;

use crate::{
    error::Problem,
    extras::{Derating, Economics, Failures},
    scenario::{Policy, SCHEMA, Scenario, Service, Station},
};

/// Ten years.
const HORIZON_MAX_S: f64 = 10.0 * 366.0 * 86_400.0;

/// What a run may expect to simulate: about 30 GB of nothing would be a mistake of units.
const ARRIVALS_MAX: f64 = 2e8;

/// Cells of the energy meters of all stations.
const CELLS_MAX: f64 = 4e8;

struct Checks(Vec<Problem>);

impl Checks {
    fn fail(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.0.push(Problem { field: field.into(), what: what.into() });
    }

    fn within(&mut self, field: impl Into<String>, value: f64, low: f64, high: f64) {
        if !(low..=high).contains(&value) {
            self.fail(field, format!("{value} is not within {low} to {high}"));
        }
    }

    /// Above `low`, at most `high`.
    fn above(&mut self, field: impl Into<String>, value: f64, low: f64, high: f64) {
        if !(value > low && value <= high) {
            self.fail(field, format!("{value} is not above {low} and at most {high}"));
        }
    }

    fn count(&mut self, field: impl Into<String>, value: u32, low: u32, high: u32) {
        if !(low..=high).contains(&value) {
            self.fail(field, format!("{value} is not within {low} to {high}"));
        }
    }

    /// A law whose values lie in `low..=high`.
    fn law(&mut self, field: &str, law: &Law, low: f64, high: f64) {
        if let Err(error) = law.check() {
            self.fail(format!("{field}.{}", error.parameter), error.problem);
            return;
        }
        let (least, most) = law.support();
        if least < low {
            self.fail(field, format!("its values begin at {least}, {low} is the least allowed"));
        }
        if most > high {
            self.fail(field, format!("its values reach {most}, {high} is the most allowed"));
        }
    }
}

pub(crate) fn problems(scenario: &Scenario) -> Vec<Problem> {
    let mut checks = Checks(Vec::new());
    if scenario.schema != SCHEMA {
        checks.fail("schema", format!("`{}` is not `{SCHEMA}`", scenario.schema));
    }
    times(&mut checks, scenario);
    batteries(&mut checks, scenario);
    service(&mut checks, &scenario.service);
    demand(&mut checks, scenario);
    stations(&mut checks, scenario);
    if let Some(economics) = &scenario.economics {
        money(&mut checks, economics);
    }
    if let Some(failures) = &scenario.failures {
        reliability(&mut checks, failures);
    }
    if checks.0.is_empty() {
        size(&mut checks, scenario);
    }
    checks.0
}

fn times(checks: &mut Checks, scenario: &Scenario) {
    checks.above("horizon_s", scenario.horizon_s, 0.0, HORIZON_MAX_S);
    checks.within("meter_s", scenario.meter_s, 60.0, 86_400.0);
    checks.count("replications", scenario.replications, 1, 1_000_000);
    if scenario.warmup_s < 0.0 || scenario.warmup_s >= scenario.horizon_s {
        let limit = scenario.horizon_s;
        checks.fail("warmup_s", format!("{} is not within 0 and below horizon_s {limit}", scenario.warmup_s));
    }
    for (field, value) in [("horizon_s", scenario.horizon_s), ("warmup_s", scenario.warmup_s)] {
        if scenario.meter_s > 0.0 && value % scenario.meter_s != 0.0 {
            checks.fail(field, format!("{value} is not a multiple of meter_s {}", scenario.meter_s));
        }
    }
}

fn batteries(checks: &mut Checks, scenario: &Scenario) {
    let (battery, charge) = (&scenario.battery, &scenario.charge);
    checks.above("battery.capacity_kwh", battery.capacity_kwh, 0.0, 10_000.0);
    checks.law("battery.soh0", &battery.soh0, 0.1, 1.0);
    checks.within("battery.fade_per_efc", battery.fade_per_efc, 0.0, 0.01);
    checks.within("battery.swap_min_soc", battery.swap_min_soc, 0.0, 1.0);
    checks.above("charge.p_max_kw", charge.p_max_kw, 0.0, 10_000.0);
    checks.above("charge.efficiency", charge.efficiency, 0.1, 1.0);
    checks.within("charge.cooldown_s", charge.cooldown_s, 0.0, 86_400.0);
    if !(charge.soc_cv > 0.0 && charge.soc_cv < 1.0) {
        checks.fail("charge.soc_cv", format!("{} is not above 0 and below 1", charge.soc_cv));
    }
    if !(charge.target_soc > charge.soc_cv && charge.target_soc < 1.0) {
        let (target, knee) = (charge.target_soc, charge.soc_cv);
        checks.fail("charge.target_soc", format!("{target} is not above soc_cv {knee} and below 1"));
    }
    if charge.target_soc <= battery.swap_min_soc {
        let least = battery.swap_min_soc;
        checks.fail(
            "charge.target_soc",
            format!("{} is not above battery.swap_min_soc {least}", charge.target_soc),
        );
    }
    checks.law("arrival_soc", &scenario.arrival_soc, 0.0, charge.soc_cv);
    if let Law::Const { value } = scenario.arrival_soc
        && value >= charge.soc_cv
    {
        checks.fail("arrival_soc", format!("{value} is not below charge.soc_cv {}", charge.soc_cv));
    }
    checks.law("swap", &scenario.swap, 0.0, f64::INFINITY);
    if let Some(derating) = &charge.derating {
        heat(checks, derating);
    }
}

fn heat(checks: &mut Checks, derating: &Derating) {
    if derating.ambient_c.len() != 24 {
        let n = derating.ambient_c.len();
        checks.fail("charge.derating.ambient_c", format!("{n} temperatures, 24 are wanted"));
    }
    for (hour, temp_c) in derating.ambient_c.iter().enumerate() {
        checks.within(format!("charge.derating.ambient_c[{hour}]"), *temp_c, -60.0, 80.0);
    }
    if derating.factor.is_empty() {
        checks.fail("charge.derating.factor", "no points, 1 or more are wanted");
    }
    for (place, point) in derating.factor.iter().enumerate() {
        checks.above(format!("charge.derating.factor[{place}]"), point.1, 0.0, 1.0);
    }
    if derating.factor.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        checks.fail("charge.derating.factor", "temperatures do not rise");
    }
}

fn service(checks: &mut Checks, service: &Service) {
    if let Some(patience) = &service.patience {
        checks.law("service.patience", patience, 0.0, f64::INFINITY);
    }
    if let Some(reroute) = &service.reroute {
        checks.within("service.reroute.prob", reroute.prob, 0.0, 1.0);
        checks.count("service.reroute.max_hops", reroute.max_hops, 0, 20);
        checks.above("service.reroute.speed_kmh", reroute.speed_kmh, 0.0, 500.0);
        checks.within("service.reroute.detour", reroute.detour, 1.0, 10.0);
    }
}

fn demand(checks: &mut Checks, scenario: &Scenario) {
    let demand = &scenario.demand;
    for (field, values, wanted, most) in
        [("demand.profile_per_h", &demand.profile_per_h, 24, 10_000.0), ("demand.dow", &demand.dow, 7, 100.0)]
    {
        if values.len() != wanted {
            checks.fail(field, format!("{} values, {wanted} are wanted", values.len()));
        }
        for (place, value) in values.iter().enumerate() {
            checks.within(format!("{field}[{place}]"), *value, 0.0, most);
        }
    }
    checks.within("demand.rate_jitter_cv", demand.rate_jitter_cv, 0.0, 3.0);
    checks.within("demand.day_jitter_cv", demand.day_jitter_cv, 0.0, 3.0);
    checks.within("demand.arrival_jitter_s", demand.arrival_jitter_s, 0.0, 86_400.0);
}

fn stations(checks: &mut Checks, scenario: &Scenario) {
    let n = scenario.stations.len();
    if n == 0 || n > 10_000 {
        checks.fail("stations", format!("{n} stations, 1 to 10000 are possible"));
    }
    let mut ids = BTreeSet::new();
    for (place, station) in scenario.stations.iter().enumerate() {
        let field = |name: &str| format!("stations[{place}].{name}");
        if station.id.is_empty() || station.id.len() > 128 {
            checks.fail(field("id"), format!("{} characters, 1 to 128 are possible", station.id.len()));
        }
        if !ids.insert(station.id.as_str()) {
            checks.fail(field("id"), format!("`{}` is the id of another station", station.id));
        }
        checks.within(field("lat"), station.lat, -90.0, 90.0);
        checks.within(field("lon"), station.lon, -180.0, 180.0);
        checks.count(field("bays"), station.bays, 1, 1_000);
        checks.count(field("batteries"), station.batteries, 1, 100_000);
        checks.count(field("chargers"), station.chargers, 1, 100_000);
        checks.within(field("demand_scale"), station.demand_scale, 0.0, 1_000.0);
        if let Some(grid_kw) = station.grid_kw {
            let draw = scenario.charge.p_max_kw / scenario.charge.efficiency;
            if !(grid_kw > 0.0 && grid_kw <= 1e6) {
                checks.fail(field("grid_kw"), format!("{grid_kw} is not above 0 and at most 1000000"));
            } else if scenario.grid.policy == Policy::Admission && grid_kw < draw - 1e-9 {
                checks.fail(
                    field("grid_kw"),
                    format!("{grid_kw} is below {draw}, the power of one charger, so none would ever start"),
                );
            }
        }
        if let Some(hours) = station.hours {
            checks.within(field("hours.open_h"), hours.open_h, 0.0, 24.0);
            checks.within(field("hours.close_h"), hours.close_h, 0.0, 24.0);
        }
        trace(checks, place, station, scenario.charge.soc_cv);
    }
}

fn trace(checks: &mut Checks, place: usize, station: &Station, soc_cv: f64) {
    for (row, vehicle) in station.trace.iter().flatten().enumerate() {
        let field = format!("stations[{place}].trace[{row}]");
        if vehicle.0 < 0.0 {
            checks.fail(format!("{field}[0]"), format!("{} is before 0", vehicle.0));
        }
        if vehicle.1 < 0.0 || vehicle.1 >= soc_cv {
            let soc = vehicle.1;
            checks.fail(format!("{field}[1]"), format!("{soc} is not within 0 and below soc_cv {soc_cv}"));
        }
        if let Some(patience) = vehicle.2.filter(|patience| *patience < 0.0) {
            checks.fail(format!("{field}[2]"), format!("{patience} is below 0"));
        }
        checks.within(format!("{field}[3]"), vehicle.3, 0.0, 1.0);
        if checks.0.len() > 100 {
            return;
        }
    }
}

fn money(checks: &mut Checks, economics: &Economics) {
    if !matches!(economics.energy_per_kwh.len(), 0 | 24) {
        let n = economics.energy_per_kwh.len();
        checks.fail("economics.energy_per_kwh", format!("{n} prices, 24 are wanted"));
    }
    checks.above("economics.life_years", economics.life_years, 0.0, 100.0);
    let capital = &economics.capital;
    for (field, value) in [
        ("economics.swap_price", economics.swap_price),
        ("economics.peak_per_kw_month", economics.peak_per_kw_month),
        ("economics.capital.station", capital.station),
        ("economics.capital.bay", capital.bay),
        ("economics.capital.battery", capital.battery),
        ("economics.capital.charger", capital.charger),
        ("economics.capital.grid_kw", capital.grid_kw),
    ] {
        checks.within(field, value, 0.0, 1e12);
    }
}

fn reliability(checks: &mut Checks, failures: &Failures) {
    for (name, unit) in [("charger", failures.charger), ("bay", failures.bay)] {
        if let Some(unit) = unit {
            checks.above(format!("failures.{name}.mtbf_h"), unit.mtbf_h, 0.0, 1e7);
            checks.above(format!("failures.{name}.mttr_h"), unit.mttr_h, 0.0, 1e6);
        }
    }
}

/// What a replication would cost, where every field alone is fine.
fn size(checks: &mut Checks, scenario: &Scenario) {
    let arrivals = scenario.expected_arrivals();
    if arrivals > ARRIVALS_MAX {
        checks.fail(
            "demand",
            format!("about {arrivals:.0} vehicles a replication, {ARRIVALS_MAX:.0} are possible"),
        );
    }
    let cells = scenario.horizon_s / scenario.meter_s * scenario.stations.len() as f64;
    if cells > CELLS_MAX {
        checks.fail(
            "meter_s",
            format!("{cells:.0} meter periods over all stations, {CELLS_MAX:.0} are possible"),
        );
    }
}
