//! Instances with known optimum, and odd ones.

use std::path::{Path, PathBuf};

use voltwin_energy::{EnergyError, Ev, Instance, Plan, Rung, plan};

fn shared() -> PathBuf {
    std::env::var_os("VOLTWIN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"), PathBuf::from)
}

fn ev(a: usize, d: usize, e0: f64, et: f64, pc: f64, pd: f64) -> Ev {
    Ev { a, d, cap: 50.0, e0, et, emin: 5.0, pc, pd }
}

fn instance(price: Vec<Option<f64>>, evs: Vec<Ev>) -> Instance {
    Instance {
        dt: 1.0,
        eta: 0.9,
        price,
        sell: None,
        fee: 0.02,
        wear: 0.001,
        cap: 22.0,
        exp: 22.0,
        peak: 0.0,
        peak_paid: 0.0,
        rho: 0.0,
        load: vec![],
        pv: vec![],
        evs,
        slack: 2.0,
        pmin: 0.0,
    }
}

/// No limit of any vehicle or of the site, and no direction against another.
fn assert_safe(instance: &Instance, plan: &Plan) {
    for slot in 0..instance.slots() {
        let mut flow = instance.load.get(slot).unwrap_or(&0.0) - instance.pv.get(slot).unwrap_or(&0.0);
        for (own, ev) in plan.schedule.evs.iter().zip(&instance.evs) {
            let (charge, discharge) = (own.charge_kw[slot], own.discharge_kw[slot]);
            assert!(charge == 0.0 || discharge == 0.0, "both at once in {slot}");
            assert!((0.0..=ev.pc).contains(&charge) && (0.0..=ev.pd).contains(&discharge));
            assert!(charge == 0.0 && discharge == 0.0 || (ev.a <= slot && slot < ev.d));
            flow += charge - discharge;
        }
        assert!(flow - plan.schedule.overload_kw[slot] <= instance.cap + 1e-7, "slot {slot}: {flow}");
        assert!(flow + plan.schedule.curtailed_kw[slot] >= -instance.exp - 1e-7, "slot {slot}: {flow}");
    }
}

#[test]
fn the_recorded_instance_has_its_published_optimum() {
    let file = shared().join("data/energy/schedule_instances/inst_25.json");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => panic!("{}: {error}; set VOLTWIN_SHARED to the shared folder", file.display()),
    };
    let instance: Instance = serde_json::from_str(&text).unwrap();
    let plan = plan(&instance).unwrap();
    assert_safe(&instance, &plan);
    // published to four decimals, by HiGHS and Clarabel
    assert!((plan.objective - 166.0118).abs() < 5e-5, "{}", plan.objective);
    assert!((plan.bound - plan.objective).abs() < 1e-6 * plan.bound);
    assert_eq!(plan.rung, Rung::Optimum);
}

#[test]
fn under_negative_prices_nothing_is_burnt_and_the_gap_is_told() {
    let price = [0.1, -0.3, -0.3, -0.2, -0.3, -0.3, 0.1, 0.2].map(Some).to_vec();
    let instance = instance(price, vec![ev(0, 8, 30.0, 40.0, 11.0, 11.0), ev(1, 7, 20.0, 30.0, 11.0, 7.0)]);
    let plan = plan(&instance).unwrap();
    assert_safe(&instance, &plan);
    assert!(plan.gap > -1e-9, "{}", plan.gap);
    assert!(plan.reasons.notes.iter().any(|note| note.contains("paid for")), "{:?}", plan.reasons);
}

#[test]
fn missing_prices_are_named_and_none_at_all_is_an_error() {
    let instance = instance(vec![Some(0.1), None, Some(0.3), None], vec![ev(0, 4, 20.0, 30.0, 7.0, 0.0)]);
    let found = plan(&instance).unwrap();
    assert!(found.reasons.notes.iter().any(|note| note.contains("slots 1, 3")), "{:?}", found.reasons);
    let nothing = Instance { price: vec![None, Some(f64::NAN)], evs: vec![], ..instance };
    assert!(matches!(plan(&nothing), Err(EnergyError::NoPrices { .. })));
}

#[test]
fn impossible_needs_become_energy_that_lacks_with_a_reason() {
    let price = vec![Some(0.1); 4];
    let short = instance(price.clone(), vec![ev(1, 3, 10.0, 45.0, 7.0, 0.0), ev(2, 2, 10.0, 12.0, 7.0, 0.0)]);
    let found = plan(&short).unwrap();
    assert!((found.schedule.evs[0].unmet_kwh - (35.0 - 2.0 * 7.0 * 0.9)).abs() < 1e-6);
    assert!((found.schedule.evs[1].unmet_kwh - 2.0).abs() < 1e-9);
    assert!(found.reasons.vehicles.iter().any(|(ev, why)| *ev == 0 && why.contains("stay of 2 slots")));
    let mut tight = instance(price, vec![ev(0, 4, 10.0, 45.0, 20.0, 0.0)]);
    tight.cap = 5.0;
    let found = plan(&tight).unwrap();
    assert_safe(&tight, &found);
    assert!(found.reasons.vehicles[0].1.contains("import limit"), "{:?}", found.reasons);
}

#[test]
fn load_above_the_limit_is_named_and_the_fleet_stays_off() {
    let mut over = instance(vec![Some(0.1); 3], vec![ev(0, 3, 10.0, 20.0, 11.0, 0.0)]);
    over.load = vec![5.0, 30.0, 5.0];
    let plan = plan(&over).unwrap();
    assert_safe(&over, &plan);
    assert_eq!(plan.rung, Rung::Relieved);
    assert!((plan.schedule.overload_kw[1] - 8.0).abs() < 1e-6, "{:?}", plan.schedule.overload_kw);
    assert!(plan.schedule.evs[0].charge_kw[1] < 1e-6);
    assert!(plan.reasons.notes.iter().any(|note| note.contains("slots 1")), "{:?}", plan.reasons);
}

#[test]
fn below_the_least_power_vehicles_pause_and_still_get_their_energy() {
    let mut instance = instance(
        (0..24).map(|slot| Some(0.1 + 0.01 * f64::from(slot % 7))).collect(),
        (0..6).map(|index| ev(index, 24 - index, 10.0, 24.0 + index as f64, 11.0, 0.0)).collect(),
    );
    instance.peak = 1.0;
    instance.pmin = 4.14;
    let plan = plan(&instance).unwrap();
    assert_safe(&instance, &plan);
    for own in &plan.schedule.evs {
        assert!(
            own.charge_kw.iter().all(|power| *power == 0.0 || *power >= 4.14 - 1e-9),
            "{:?}",
            own.charge_kw
        );
    }
    assert!(plan.gap < 0.25, "{}", plan.gap);
}

#[test]
fn a_solver_without_steps_still_gives_a_safe_plan() {
    let instance = instance(vec![Some(0.1); 8], vec![ev(0, 8, 10.0, 30.0, 11.0, 11.0)]);
    let settings = voltwin_optimise::Settings { iterations_max: 0, ..voltwin_optimise::Settings::default() };
    let plan = voltwin_energy::plan_with(&instance, &settings).unwrap();
    assert_safe(&instance, &plan);
    assert!(plan.unmet_kwh < 1e-6);
}

#[test]
fn wrong_fields_are_named() {
    let wrong = |change: fn(&mut Instance)| {
        let mut instance = instance(vec![Some(0.1); 4], vec![ev(0, 4, 10.0, 20.0, 7.0, 0.0)]);
        change(&mut instance);
        plan(&instance).unwrap_err().to_string()
    };
    assert!(wrong(|instance| instance.evs[0].d = 9).starts_with("evs[0].d"));
    assert!(wrong(|instance| instance.evs[0].e0 = f64::NAN).starts_with("evs[0].e0"));
    assert!(wrong(|instance| instance.load = vec![1.0; 3]).starts_with("load"));
    assert!(wrong(|instance| instance.eta = 1.2).starts_with("eta"));
    assert!(wrong(|instance| instance.cap = -1.0).starts_with("cap"));
}
