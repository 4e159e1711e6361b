//! The time integrator: a singly diagonally implicit Runge-Kutta pair with an explicit first stage.
//!
//! ARK4(3)6L\[2\]SA, implicit part, of Kennedy and Carpenter, "Additive Runge-Kutta schemes for
//! convection-diffusion-reaction equations", Applied Numerical Mathematics 44 (2003) 139-181: order 4 with an
//! embedded order 3, L-stable, stiffly accurate (the last stage is the new state, so the algebraic equations of
//! Butler-Volmer and of the potentials hold at every accepted state), one diagonal coefficient for all stages (so one
//! set of particle coefficients for the whole step).

/// Stages, of which the first is explicit.
pub(crate) const STAGES: usize = 6;

/// The order of the error estimate plus one: its power in the choice of a step.
pub(crate) const ERROR_ORDER: f64 = 4.0;

/// The diagonal coefficient.
pub(crate) const GAMMA: f64 = 0.25;

/// Where in the step the stages lie.
pub(crate) const NODES: [f64; STAGES] = [0.0, 0.5, 83.0 / 250.0, 31.0 / 50.0, 17.0 / 20.0, 1.0];

/// Below the diagonal; the last row is also the weights of the new state.
pub(crate) const STAGE_WEIGHTS: [[f64; STAGES]; STAGES] = [
    [0.0; STAGES],
    [GAMMA, 0.0, 0.0, 0.0, 0.0, 0.0],
    [8_611.0 / 62_500.0, -1_743.0 / 31_250.0, 0.0, 0.0, 0.0, 0.0],
    [5_012_029.0 / 34_652_500.0, -654_441.0 / 2_922_500.0, 174_375.0 / 388_108.0, 0.0, 0.0, 0.0],
    [
        15_267_082_809.0 / 155_376_265_600.0,
        -71_443_401.0 / 120_774_400.0,
        730_878_875.0 / 902_184_768.0,
        2_285_395.0 / 8_070_912.0,
        0.0,
        0.0,
    ],
    [82_889.0 / 524_892.0, 0.0, 15_625.0 / 83_664.0, 69_875.0 / 102_672.0, -2_260.0 / 8_211.0, 0.0],
];

/// Weights of the embedded solution of order 3.
const EMBEDDED: [f64; STAGES] = [
    4_586_570_599.0 / 29_645_900_160.0,
    0.0,
    178_811_875.0 / 945_068_544.0,
    814_220_225.0 / 1_159_782_912.0,
    -3_700_637.0 / 11_593_932.0,
    61_727.0 / 225_920.0,
];

/// Weight of the derivative at `stage` in the error estimate.
pub(crate) const fn error_weight(stage: usize) -> f64 {
    let weight = if stage + 1 == STAGES { GAMMA } else { STAGE_WEIGHTS[STAGES - 1][stage] };
    weight - EMBEDDED[stage]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_row(stage: usize) -> [f64; STAGES] {
        let mut row = STAGE_WEIGHTS[stage];
        if stage > 0 {
            row[stage] = GAMMA;
        }
        row
    }

    /// Conditions of order of Runge-Kutta methods, Hairer, Norsett and Wanner I, table II.2.1.
    #[test]
    fn the_pair_meets_its_conditions_of_order() {
        let weights = full_row(STAGES - 1);
        let sum = |f: &dyn Fn(usize) -> f64| (0..STAGES).map(f).sum::<f64>();
        for (stage, node) in NODES.iter().enumerate() {
            assert!((full_row(stage).iter().sum::<f64>() - node).abs() < 1e-14, "row {stage}");
        }
        let inner = |i: usize, power: i32| {
            let row = full_row(i);
            (0..STAGES).map(|j| row[j] * NODES[j].powi(power)).sum::<f64>()
        };
        let twice = |i: usize| {
            let row = full_row(i);
            (0..STAGES).map(|j| row[j] * inner(j, 1)).sum::<f64>()
        };
        for (weights, order) in [(weights, 4), (EMBEDDED, 3)] {
            let b = |f: &dyn Fn(usize) -> f64| sum(&|i| weights[i] * f(i));
            let mut conditions =
                vec![(b(&|_| 1.0), 1.0), (b(&|i| NODES[i]), 0.5), (b(&|i| NODES[i].powi(2)), 1.0 / 3.0)];
            conditions.push((b(&|i| inner(i, 1)), 1.0 / 6.0));
            if order == 4 {
                conditions.push((b(&|i| NODES[i].powi(3)), 0.25));
                conditions.push((b(&|i| NODES[i] * inner(i, 1)), 0.125));
                conditions.push((b(&|i| inner(i, 2)), 1.0 / 12.0));
                conditions.push((b(&twice), 1.0 / 24.0));
            }
            for (at, (have, want)) in conditions.iter().enumerate() {
                assert!((have - want).abs() < 1e-12, "order {order}, condition {at}: {have} for {want}");
            }
        }
        assert!(sum(&error_weight).abs() < 1e-14);
    }
}
