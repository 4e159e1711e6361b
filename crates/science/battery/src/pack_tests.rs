use proptest::prelude::*;

use super::*;

/// 10 identical cells with OCV 3 V + 1 V·soc; capacity 36 Ah; R from the loss at 1C.
fn linear(soc: f64) -> (Pack, f64, f64) {
    let mut config = PackConfig::new(Chemistry::Nmc, 10, 1, 36.0 * 3.5 * 10.0);
    config.spread = 0.0;
    config.cutoff_c = 0.01;
    let ocv = OcvCurve::new(&[(0.0, 3.0), (1.0, 4.0)]).unwrap();
    let resistance_ohm = 0.03 * 3.5 / 36.0;
    (Pack::with_ocv(&config, ocv, 3.9, soc, 1).unwrap(), 36.0 * 3_600.0, resistance_ohm)
}

const FREE: ChargeCommand =
    ChargeCommand::Charge { max_power_w: f64::INFINITY, max_current_a: f64::INFINITY };

#[test]
fn constant_current_is_coulomb_counting() {
    let (mut pack, capacity_as, _) = linear(0.2);
    pack.step(600.0, ChargeCommand::Charge { max_power_w: 1e9, max_current_a: 36.0 });
    assert_eq!(pack.state().phase, Phase::ConstantCurrent);
    assert!((pack.state().soc - (0.2 + 36.0 * 600.0 / capacity_as)).abs() < 1e-12);
}

#[test]
fn constant_voltage_current_decays_exponentially() {
    // U_limit = E(soc) + R·I and dE/dsoc = 1 V give dI/dt = -I·(1 V)/(R·Q): tau = R·Q/(1 V).
    let (mut pack, capacity_as, resistance_ohm) = linear(0.88);
    let start_a = (3.9 - 3.88) / resistance_ohm;
    let tau_s = resistance_ohm * capacity_as;
    let mut worst: f64 = 0.0;
    for second in 1..=600 {
        pack.step(1.0, FREE);
        if pack.state().phase == Phase::Full {
            break;
        }
        assert_eq!(pack.state().phase, Phase::ConstantVoltage);
        let exact_a = start_a * (-f64::from(second) / tau_s).exp();
        worst = worst.max((pack.state().current_a - exact_a).abs() / start_a);
        assert!(pack.cell_voltage_v().iter().all(|v| (v - 3.9).abs() < 1e-6));
    }
    // Backward Euler with 1 s against tau = 378 s: error below dt/(2·e·tau).
    assert!(worst < 1.0 / (2.0 * tau_s), "{worst}");
}

#[test]
fn constant_power_gives_that_power() {
    let (mut pack, _, _) = linear(0.3);
    let state = pack.step(10.0, ChargeCommand::Charge { max_power_w: 500.0, max_current_a: f64::INFINITY });
    assert!((499.0..=500.0 + 1e-9).contains(&state.power_w), "{}", state.power_w);
    let state = pack.step(10.0, ChargeCommand::Discharge { power_w: 500.0 });
    assert!((state.power_w + 500.0).abs() < 0.5, "{}", state.power_w);
    assert!(state.current_a < 0.0 && state.phase == Phase::Discharging);
}

#[test]
fn lossless_pack_stores_its_capacity() {
    let mut config = PackConfig::new(Chemistry::Lfp, 96, 1, 50_000.0);
    (config.loss_at_1c, config.spread, config.soh) = (0.0, 0.0, 0.9);
    let mut pack = Pack::new(&config, 0.0, 1).unwrap();
    let mut energy_wh = 0.0;
    for _ in 0..1_000 {
        let state = pack.step(60.0, ChargeCommand::Charge { max_power_w: 11_000.0, max_current_a: 1e9 });
        energy_wh += state.power_w / 60.0;
        if state.phase == Phase::Full {
            break;
        }
    }
    assert!((energy_wh - 45_000.0).abs() < 30.0, "{energy_wh}");
    assert_eq!(pack.state().phase, Phase::Full);
    assert!(pack.state().soc > 0.999);
}

#[test]
fn steady_heat_reaches_the_closed_form() {
    let mut config = PackConfig::new(Chemistry::Nmc, 10, 1, 10_000.0);
    (config.cooling_s, config.spread) = (60.0, 0.0);
    let mut pack = Pack::new(&config, 0.1, 1).unwrap();
    let heat_w = pack.step(600.0, ChargeCommand::Charge { max_power_w: 1e9, max_current_a: 100.0 }).heat_w;
    let expected_c = 20.0 + heat_w * 60.0 / (5.0 * 10_000.0) * (1.0 - (-10.0_f64).exp());
    assert!((pack.state().temp_c - expected_c).abs() < 1e-6);
}

#[test]
fn full_stays_full_until_it_drives() {
    let mut pack = Pack::new(&PackConfig::new(Chemistry::Nmc, 96, 2, 60_000.0), 0.95, 1).unwrap();
    while pack.step(60.0, FREE).phase != Phase::Full {}
    assert_eq!(pack.step(60.0, FREE).current_a, 0.0);
    assert_eq!(pack.step(60.0, ChargeCommand::Rest).phase, Phase::Full);
    pack.step(600.0, ChargeCommand::Discharge { power_w: 20_000.0 });
    assert!(pack.step(1.0, FREE).current_a > 0.0);
}

#[test]
fn an_empty_pack_gives_nothing_and_a_full_one_takes_nothing() {
    let mut pack = Pack::new(&PackConfig::new(Chemistry::Nmc, 96, 2, 40_000.0), 0.02, 1).unwrap();
    pack.step(3_600.0, ChargeCommand::Discharge { power_w: 50_000.0 });
    assert_eq!(pack.step(1.0, ChargeCommand::Discharge { power_w: 50_000.0 }).phase, Phase::Empty);
    assert!(pack.cell_soc().iter().all(|soc| (0.0..=1.0).contains(soc)));
    assert!(Pack::new(&PackConfig::new(Chemistry::Nmc, 0, 2, 40_000.0), 0.5, 1).is_err());
    assert!(Pack::new(&PackConfig::new(Chemistry::Nmc, 96, 2, 40_000.0), 1.5, 1).is_err());
}

#[test]
fn the_seed_decides_the_spread_and_nothing_else_does() {
    let config = PackConfig::new(Chemistry::Nmc, 96, 2, 60_000.0);
    let run = |seed| {
        let mut pack = Pack::new(&config, 0.4, seed).unwrap();
        pack.step(900.0, FREE);
        pack.cell_voltage_v()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

fn command() -> impl Strategy<Value = ChargeCommand> {
    prop_oneof![
        Just(ChargeCommand::Rest),
        (-1e4..4e5, -10.0..600.0)
            .prop_map(|(max_power_w, max_current_a)| ChargeCommand::Charge { max_power_w, max_current_a }),
        (-1e4..4e5).prop_map(|power_w| ChargeCommand::Discharge { power_w }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn limits_energy_and_direction_hold(
        soc in 0.0..=1.0, lfp: bool, seed: u64, steps in prop::collection::vec((0.0..900.0, command()), 1..20)
    ) {
        let chemistry = if lfp { Chemistry::Lfp } else { Chemistry::Nmc };
        let mut pack = Pack::new(&PackConfig::new(chemistry, 24, 2, 15_000.0), soc, seed).unwrap();
        let stored = |pack: &Pack| -> f64 {
            // Stored energy of each cell by fine quadrature of the curve, independent of the stepping.
            pack.cells.iter().map(|c| {
                let n = 500;
                let h = c.soc / f64::from(n);
                let sum: f64 = (0..n).map(|i| pack.ocv.voltage_v((f64::from(i) + 0.5) * h)).sum();
                sum * h * c.capacity_as
            }).sum()
        };
        for (dt_s, command) in steps {
            let (before_j, before_soc) = (stored(&pack), pack.state().soc);
            let state = pack.step(dt_s, command).clone();
            let balance_j = state.power_w * dt_s - state.heat_w * dt_s - (stored(&pack) - before_j);
            prop_assert!(balance_j.abs() < 2e-5 * 15_000.0 * 3_600.0, "{balance_j} J");
            match command {
                ChargeCommand::Charge { max_power_w, max_current_a } => {
                    prop_assert!(state.soc >= before_soc - 1e-12 && state.current_a >= 0.0);
                    prop_assert!(state.current_a <= max_current_a.max(0.0) + 1e-9);
                    prop_assert!(state.power_w <= max_power_w.max(0.0) * (1.0 + 1e-9) + 1e-6);
                    let limit_v = chemistry.limit_v();
                    prop_assert!(pack.cell_voltage_v().iter().all(|v| *v <= limit_v + 1e-6));
                }
                ChargeCommand::Discharge { .. } => prop_assert!(state.soc <= before_soc + 1e-12),
                ChargeCommand::Rest => prop_assert!((state.soc - before_soc).abs() < 1e-12),
            }
            prop_assert!((0.0..=1.0).contains(&state.soc) && state.temp_c.is_finite());
        }
    }
}
