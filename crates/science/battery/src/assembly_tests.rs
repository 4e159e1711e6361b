use super::*;
use crate::ecm::{EcmParameters, Surface, Thermal, VoltagePair};

fn model() -> Arc<EcmModel> {
    Arc::new(
        EcmModel::new(EcmParameters {
            name: "straight".to_owned(),
            capacity_ah: 5.0,
            ocv_soc: vec![0.0, 1.0],
            ocv_v: vec![3.0, 4.0],
            reference_c: 25.0,
            entropic_v_per_k: vec![],
            r0_ohm: Surface::constant(0.02),
            pairs: vec![VoltagePair { r_ohm: Surface::constant(0.01), tau_s: Surface::constant(60.0) }],
            diffusion: vec![],
            exchange_a: None,
            hysteresis: None,
            thermal: Thermal { heat_capacity_j_per_k: 70.0, conductance_w_per_k: 0.5 },
            limits_v: [2.5, 4.2],
            valid_c: [-20.0, 80.0],
        })
        .unwrap(),
    )
}

fn cell(soc: f64, capacity: f64, resistance: f64) -> PackCell {
    PackCell {
        state: EcmState::resting(soc, 25.0),
        factors: CellFactors { capacity, resistance },
        current_a: 0.0,
    }
}

#[test]
fn parallel_cells_share_as_ohm_says_at_first_and_as_their_capacity_at_last() {
    let cells = vec![cell(0.5, 1.0, 1.0), cell(0.5, 0.8, 2.0)];
    let mut pack = Assembly::of(model(), AssemblyConfig::new(1, 2), cells, 25.0).unwrap();
    pack.step(1e-3, 9.0, 25.0).unwrap();
    // Twice the resistance takes half of the current; a millisecond of charge moves neither.
    assert!((pack.cells()[0].current_a - 6.0).abs() < 1e-3, "{}", pack.cells()[0].current_a);
    for _ in 0..180 {
        pack.step(60.0, 1.0, 25.0).unwrap();
    }
    // On a straight curve the voltages rise together, so currents go as the capacities: 1 to 0.8.
    let ratio = pack.cells()[1].current_a / pack.cells()[0].current_a;
    assert!((ratio - 0.8).abs() < 1e-3, "{ratio}");
    let sum_a: f64 = pack.cells().iter().map(|c| c.current_a).sum();
    assert!((sum_a - 1.0).abs() < 1e-9, "{sum_a}");
}

#[test]
fn charge_is_kept_between_cells_that_level_out() {
    let cells = vec![cell(0.7, 1.0, 1.0), cell(0.4, 0.9, 1.3), cell(0.5, 1.1, 0.8)];
    let charge =
        |pack: &Assembly| -> f64 { pack.cells().iter().map(|c| c.state.soc * c.factors.capacity).sum() };
    let mut pack = Assembly::of(model(), AssemblyConfig::new(1, 3), cells, 25.0).unwrap();
    let before = charge(&pack);
    pack.step(36_000.0, 0.0, 25.0).unwrap();
    assert!((charge(&pack) - before).abs() < 1e-11, "{}", charge(&pack) - before);
    let socs: Vec<f64> = pack.cells().iter().map(|c| c.state.soc).collect();
    assert!(socs.iter().all(|s| (s - before / 3.0).abs() < 1e-6), "{socs:?}");
}

#[test]
fn it_does_not_matter_which_cell_is_which() {
    let cells = [cell(0.6, 1.0, 1.0), cell(0.5, 0.9, 1.3), cell(0.55, 1.1, 0.8), cell(0.52, 0.95, 1.1)];
    let run = |order: [usize; 4]| {
        let chosen = order.iter().map(|k| cells[*k]).collect();
        let mut pack = Assembly::of(model(), AssemblyConfig::new(1, 4), chosen, 25.0).unwrap();
        let voltages: Vec<u64> = (0..50)
            .map(|k| pack.step(7.0, f64::from(k % 9) * 3.0 - 9.0, 20.0).unwrap().voltage_v.to_bits())
            .collect();
        let mut socs = [0; 4];
        for (place, k) in order.iter().enumerate() {
            socs[*k] = pack.cells()[place].state.soc.to_bits();
        }
        (voltages, socs)
    };
    let plain = run([0, 1, 2, 3]);
    for order in [[3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        assert_eq!(run(order), plain);
    }
}

#[test]
fn bleeding_levels_the_groups_and_open_contactors_stop_the_current() {
    let mut config = AssemblyConfig::new(3, 1);
    (config.bleed_ohm, config.bleed_above_v, config.groups_per_module) = (Some(20.0), 0.008, 2);
    let cells = vec![cell(0.60, 1.0, 1.0), cell(0.62, 1.0, 1.0), cell(0.65, 1.0, 1.0)];
    let mut pack = Assembly::of(model(), config, cells, 25.0).unwrap();
    pack.set_contactors(false);
    let output = pack.step(60.0, 50.0, 25.0).unwrap();
    assert_eq!((output.current_a, output.voltage_v, output.bleeding), (0.0, 0.0, 2));
    for _ in 0..400 {
        pack.step(60.0, 0.0, 25.0).unwrap();
    }
    let spread_v = pack.group_v()[2] - pack.group_v()[0];
    // A bleeding group sags by 0.18 A through 0.03 Ω, which it regains afterwards.
    assert!(spread_v.abs() < 0.008 + 0.0055, "{spread_v}");
    // The lowest group gave nothing away.
    assert!((pack.cells()[0].state.soc - 0.60).abs() < 1e-12);
    let modules = pack.module_v();
    assert_eq!(modules.len(), 2);
    assert!((modules[0] - pack.group_v()[0] - pack.group_v()[1]).abs() < 1e-12);
}

#[test]
fn the_plate_settles_where_heat_in_is_heat_out() {
    let config = AssemblyConfig {
        capacity_spread: 0.0,
        resistance_spread: 0.0,
        coolant_w_per_k: 2.0,
        ..AssemblyConfig::new(4, 2)
    };
    let mut pack = Assembly::new(model(), config, 0.5, 25.0, 1).unwrap();
    // One ampere in and out each ten seconds keeps the charge; a pair of 60 s hardly follows, so it is 0.02 Ω and little more.
    for k in 0..4_000 {
        pack.step(5.0, if k % 2 == 0 { 40.0 } else { -40.0 }, 20.0).unwrap();
    }
    let heat_w = 0.5 * 8.0 * (pack.cells()[0].state.temp_c - pack.plate_c());
    let out_w = 2.0 * (pack.plate_c() - 20.0);
    assert!((heat_w / out_w - 1.0).abs() < 0.03, "{heat_w} {out_w}");
    let ohmic_w = 8.0 * 20.0 * 20.0 * 0.02;
    assert!(out_w > ohmic_w && out_w < 1.2 * ohmic_w, "{out_w} {ohmic_w}");
}

#[test]
fn a_step_too_far_is_an_error_and_changes_nothing() {
    let mut pack = Assembly::new(model(), AssemblyConfig::new(2, 2), 0.9, 25.0, 1).unwrap();
    let before = pack.cells().to_vec();
    assert!(matches!(pack.step(3_600.0, 10.0, 25.0), Err(BatteryError::Outside { field: "soc", .. })));
    assert!(pack.step(-1.0, 0.0, 25.0).is_err() && pack.step(1.0, f64::NAN, 25.0).is_err());
    assert_eq!(pack.cells(), before);
}
