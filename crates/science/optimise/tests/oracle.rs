//! Random programs with zones, phases, curvature and demand charges against an independent solver.
//!
//! Tolerance 1e-6 relative: both solvers stop at 1e-8 or better, and what is asked of a plan is a millionth.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{
    DefaultSettingsBuilder, DefaultSolver, IPSolver as _, NonnegativeConeT, SolverStatus, ZeroConeT,
};
use proptest::prelude::*;
use voltwin_optimise::{Demand, Floor, Meter, Program, Settings, Status, Storage, solve};

/// Rows of a general program: equalities first, then `row ≤ bound`.
#[derive(Default)]
struct General {
    columns: usize,
    cost: Vec<f64>,
    curvature: Vec<f64>,
    equal: Vec<(Vec<(usize, f64)>, f64)>,
    below: Vec<(Vec<(usize, f64)>, f64)>,
}

impl General {
    fn column(&mut self, cost: f64, curvature: f64, low: f64, high: f64) -> usize {
        let at = self.columns;
        self.columns += 1;
        self.cost.push(cost);
        self.curvature.push(curvature);
        self.below.push((vec![(at, -1.0)], -low));
        if high.is_finite() {
            self.below.push((vec![(at, 1.0)], high));
        }
        at
    }

    fn of(program: &Program) -> Self {
        let mut general = Self::default();
        let mut balance: Vec<Vec<(usize, f64)>> = vec![Vec::new(); program.meters.len() * program.slots];
        for (index, meter) in program.meters.iter().enumerate() {
            let peaks: Vec<usize> = meter
                .demands
                .iter()
                .map(|demand| general.column(demand.price, 0.0, demand.paid, f64::INFINITY))
                .collect();
            for slot in 0..program.slots {
                let inflow =
                    general.column(meter.in_cost.at(slot), meter.in_curvature, 0.0, meter.in_max.at(slot));
                let outflow = general.column(meter.out_cost.at(slot), 0.0, 0.0, meter.out_max.at(slot));
                balance[index * program.slots + slot].extend([(inflow, -1.0), (outflow, 1.0)]);
                if let Some(parent) = meter.parent {
                    balance[parent * program.slots + slot].extend([(inflow, 1.0), (outflow, -1.0)]);
                }
                for (demand, peak) in meter.demands.iter().zip(&peaks) {
                    if demand.slots.is_empty() || demand.slots.contains(&slot) {
                        general.below.push((vec![(inflow, 1.0), (*peak, -1.0)], 0.0));
                    }
                }
            }
        }
        for storage in &program.storages {
            let mut before: Option<usize> = None;
            let mut energies = Vec::new();
            for at in 0..storage.slots {
                let curved = storage.power_curvature;
                let charge = general.column(
                    storage.charge_cost.at(at),
                    curved,
                    storage.charge_min.at(at),
                    storage.charge_max.at(at),
                );
                let discharge =
                    general.column(storage.discharge_cost.at(at), curved, 0.0, storage.discharge_max.at(at));
                let energy = general.column(
                    storage.energy_cost.at(at),
                    storage.energy_curvature,
                    storage.energy_min.at(at),
                    storage.energy_max.at(at),
                );
                let mut row =
                    vec![(energy, 1.0), (charge, -storage.charge_gain), (discharge, storage.discharge_loss)];
                let begin = before.map_or(storage.energy_start, |before| {
                    row.push((before, -1.0));
                    0.0
                });
                general.equal.push((row, begin));
                before = Some(energy);
                energies.push(energy);
                for (meter, share) in &storage.meters {
                    balance[meter * program.slots + storage.start + at]
                        .extend([(charge, *share), (discharge, -share)]);
                }
            }
            for floor in &storage.floors {
                let lack = general.column(floor.cost, floor.curvature, 0.0, f64::INFINITY);
                general.below.push((vec![(energies[floor.slot], -1.0), (lack, -1.0)], -floor.energy));
            }
        }
        for (index, meter) in program.meters.iter().enumerate() {
            for slot in 0..program.slots {
                let row = std::mem::take(&mut balance[index * program.slots + slot]);
                general.equal.push((row, -meter.base.at(slot)));
            }
        }
        general
    }

    fn solve(&self) -> Option<f64> {
        let (mut rows, mut columns, mut values, mut bounds) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, (entries, bound)) in self.equal.iter().chain(&self.below).enumerate() {
            for (column, value) in entries {
                rows.push(row);
                columns.push(*column);
                values.push(*value);
            }
            bounds.push(*bound);
        }
        let a = CscMatrix::new_from_triplets(bounds.len(), self.columns, rows, columns, values);
        let all: Vec<usize> = (0..self.columns).collect();
        let p = CscMatrix::new_from_triplets(
            self.columns,
            self.columns,
            all.clone(),
            all,
            self.curvature.clone(),
        );
        let cones = [ZeroConeT(self.equal.len()), NonnegativeConeT(self.below.len())];
        let settings = DefaultSettingsBuilder::default()
            .verbose(false)
            .tol_gap_abs(1e-9)
            .tol_gap_rel(1e-9)
            .tol_feas(1e-9)
            .build()
            .expect("settings");
        let mut solver =
            DefaultSolver::new(&p, &self.cost, &a, &bounds, &cones, settings).expect("a program");
        solver.solve();
        let good = matches!(solver.solution.status, SolverStatus::Solved | SolverStatus::AlmostSolved);
        good.then_some(solver.solution.obj_val)
    }
}

prop_compose! {
    fn storage(slots: usize, meters: usize)(
        start in 0..slots - 1,
        stay in 1..slots,
        meter in 0..meters,
        spread in any::<bool>(),
        capacity in 20.0..90.0_f64,
        begin in 0.2..0.6_f64,
        target in 0.5..1.1_f64,
        charge in 3.0..22.0_f64,
        gives in any::<bool>(),
        wear in 0.001..0.08_f64,
        held in prop_oneof![Just(0.0), 0.0..0.002_f64],
        curvature in prop_oneof![Just(0.0), 0.0001..0.01_f64],
        fair in prop_oneof![Just(0.0), 0.01..0.1_f64],
    ) -> Storage {
        let window = stay.min(slots - start);
        let shared = if spread && meters == 4 {
            vec![(0, 1.0 / 3.0), (1, 1.0 / 3.0), (2, 1.0 / 3.0)]
        } else {
            vec![(meter, 1.0)]
        };
        Storage {
            start, slots: window, meters: shared,
            energy_start: begin * capacity, charge_gain: 0.93 * 0.5, discharge_loss: 0.5 / 0.93,
            charge_min: 0.0.into(), charge_max: charge.into(),
            discharge_max: if gives { charge.min(11.0) } else { 0.0 }.into(),
            energy_min: (0.1 * capacity).into(), energy_max: capacity.into(),
            charge_cost: 0.0.into(), discharge_cost: (0.5 * wear).into(), energy_cost: held.into(),
            power_curvature: curvature, energy_curvature: 0.0,
            floors: vec![
                Floor { slot: window / 2, energy: 0.5 * target * capacity, cost: 1.0, curvature: 0.0 },
                Floor { slot: window - 1, energy: target * capacity, cost: 3.0, curvature: fair },
            ],
        }
    }
}

prop_compose! {
    fn program()(slots in 8..30_usize, meters in prop_oneof![Just(1_usize), Just(3), Just(4)])(
        storages in prop::collection::vec(storage(slots, meters), 1..14),
        prices in prop::collection::vec(-0.2..0.4_f64, slots),
        base in prop::collection::vec(-6.0..9.0_f64, slots),
        room in 0.1..1.0_f64,
        fee in 0.001..0.1_f64,
        demand in prop_oneof![Just(0.0), 0.01..2.0_f64],
        slots in Just(slots),
        meters in Just(meters),
    ) -> Program {
        let wish: f64 = storages.iter().map(|storage| storage.charge_max.at(0)).sum();
        let top = meters - 1;
        let meters = (0..meters).map(|index| {
            let site = index == top;
            let priced = |factor: f64, plus: f64| -> Vec<f64> {
                prices.iter().map(|price| if site { factor * (price + plus) * 0.5 } else { 0.0 }).collect()
            };
            Meter {
                parent: (!site).then_some(top),
                base: if site { base.clone() } else { vec![0.5; slots] }.into(),
                in_max: (12.0 + room * wish).into(), out_max: (15.0 + 0.5 * room * wish).into(),
                in_cost: priced(1.0, fee).into(), out_cost: priced(-1.0, 0.0).into(),
                in_curvature: 0.0, spill: None, shed: None,
                demands: if site && demand > 0.0 {
                    vec![
                        Demand { price: demand, paid: 0.0, slots: vec![] },
                        Demand { price: demand, paid: 5.0, slots: (slots / 3..slots / 2).collect() },
                    ]
                } else {
                    vec![]
                },
            }
        });
        Program { slots, meters: meters.collect(), storages }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn optimum_is_that_of_an_independent_solver(program in program()) {
        if let Some(wanted) = General::of(&program).solve() {
            let found = solve(&program, &Settings::default()).unwrap();
            prop_assert!(found.status == Status::Optimal, "{:?} after {}", found.status, found.iterations);
            let difference = (found.objective - wanted).abs() / wanted.abs().max(1.0);
            prop_assert!(difference < 1e-6, "{} against {wanted}", found.objective);
        }
    }

    #[test]
    fn bits_are_the_same_at_any_number_of_threads(program in program()) {
        let mut many = program.clone();
        for _ in 0..12 {
            many.storages.extend(program.storages.iter().cloned());
        }
        for meter in &mut many.meters {
            meter.in_max = 4000.0.into();
            meter.out_max = 4000.0.into();
        }
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| solve(&many, &Settings::default()).unwrap())
        };
        prop_assert_eq!(with(1), with(3));
    }
}
