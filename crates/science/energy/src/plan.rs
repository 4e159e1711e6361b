//! The plan of an instance: the optimum where there is one, and always something safe.

use serde::Serialize;
use voltwin_optimise::{Program, Settings, Solution, Status, solve};

use crate::build::{Allowed, Exceptions, program};
use crate::error::EnergyError;
use crate::explain::{Reasons, explain};
use crate::instance::{Ev, Instance, fill_prices};
use crate::minimum;
use crate::schedule::{Prices, Schedule, cost, make_safe};

/// How a plan came to be, from best to last resort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The optimum.
    Optimum,
    /// The optimum once limits that leave no room were eased; what is beyond them is named.
    Relieved,
    /// The last point of the optimiser, made safe.
    LastPoint,
    /// Least laxity first.
    LeastLaxity,
    /// The same share for each.
    EqualShare,
}

/// What is worth knowing about a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// What the schedule costs.
    pub objective: f64,
    /// No schedule costs less: the optimum where vehicles may charge and discharge at once, and at any power.
    pub bound: f64,
    /// `(objective − bound) / max(1, |bound|)`.
    pub gap: f64,
    /// How it came to be.
    pub rung: Rung,
    /// Steps of the optimiser, over all of its runs.
    pub iterations: usize,
    /// Energy that lacks at departures, kWh.
    pub unmet_kwh: f64,
    /// The schedule.
    pub schedule: Schedule,
    /// What one more kWh of load would cost in each slot, money/kWh.
    pub marginal_price: Vec<f64>,
    /// What binds, and what is odd about the input, in words.
    #[serde(flatten)]
    pub reasons: Reasons,
}

/// Both directions at once count from this power on, kW.
const AT_ONCE_KW: f64 = 0.01;
/// Rounds in which directions are fixed.
const ROUNDS_MAX: usize = 8;

/// Plans an instance.
///
/// # Errors
/// Only where the instance is wrong: [`Instance::check`], or no price is known at all.
pub fn plan(instance: &Instance) -> Result<Plan, EnergyError> {
    plan_with(instance, &Settings::default())
}

/// Plans an instance with settings of the optimiser, such as fewer steps where time is short.
///
/// # Errors
/// Only where the instance is wrong: [`Instance::check`], or no price is known at all.
pub fn plan_with(instance: &Instance, settings: &Settings) -> Result<Plan, EnergyError> {
    instance.check()?;
    let (price, filled) = fill_prices("price", &instance.price)?;
    let (export, filled_sell) = match &instance.sell {
        Some(sell) => fill_prices("sell", sell)?,
        None => (price.clone(), Vec::new()),
    };
    let prices = Prices { import: price.iter().map(|price| price + instance.fee).collect(), export };
    let mut search = Search { instance, prices: &prices, settings, iterations: 0 };
    let found = search.run()?;
    let unmet_kwh = found.schedule.evs.iter().map(|ev| ev.unmet_kwh).sum();
    let mut reasons = explain(instance, &prices, &found.schedule, found.solution.as_ref());
    for (field, slots) in [("price", &filled), ("sell", &filled_sell)] {
        if !slots.is_empty() {
            reasons.notes.push(format!(
                "{field} is missing in slots {}: the price of the slot before was taken",
                crate::explain::ranges(slots)
            ));
        }
    }
    let marginal = |solution: &Solution| -> Vec<f64> {
        solution.meters.iter().take(1).flat_map(|flow| &flow.price).map(|price| price / instance.dt).collect()
    };
    Ok(Plan {
        objective: found.cost,
        bound: found.bound,
        gap: (found.cost - found.bound) / found.bound.abs().max(1.0),
        rung: found.rung,
        iterations: search.iterations,
        unmet_kwh,
        marginal_price: found.solution.as_ref().map_or_else(|| prices.import.clone(), marginal),
        schedule: found.schedule,
        reasons,
    })
}

/// How a direction is chosen where the optimum has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// The greater power.
    Net,
    /// Charging in the cheapest slots, discharging in the others, in the proportion of both.
    Price,
    /// The direction of which more is owed since the begin of the stay.
    Turns,
}

/// A schedule on the way to a plan.
#[derive(Debug)]
struct Found {
    schedule: Schedule,
    cost: f64,
    bound: f64,
    rung: Rung,
    solution: Option<Solution>,
}

#[derive(Debug)]
struct Search<'a> {
    instance: &'a Instance,
    prices: &'a Prices,
    settings: &'a Settings,
    iterations: usize,
}

impl Search<'_> {
    fn run(&mut self) -> Result<Found, EnergyError> {
        let none: Exceptions = Vec::new();
        let mut relief = None;
        let (mut program, mut solution) = self.solve(&none, relief)?;
        if solution.status == Status::Stalled {
            relief = Some(self.relief_price());
            let (eased_program, eased) = self.solve(&none, relief)?;
            if eased.status != Status::Stalled {
                (program, solution) = (eased_program, eased);
            }
        }
        if solution.status == Status::Stalled {
            return Ok(self.without_optimum(&solution));
        }
        let bound = solution.objective - relief_cost(&program, &solution);
        let rung = if relief.is_some() { Rung::Relieved } else { Rung::Optimum };
        let mut found = self.safe(solution, bound, rung);
        self.fix_directions(&none, relief, bound, &mut found)?;
        if self.instance.pmin > 0.0 {
            self.keep_minimum(relief, bound, &mut found)?;
        }
        Ok(found)
    }

    fn solve(
        &mut self,
        exceptions: &Exceptions,
        relief: Option<f64>,
    ) -> Result<(Program, Solution), EnergyError> {
        let program = program(self.instance, self.prices, exceptions, relief);
        let solution = solve(&program, self.settings)?;
        self.iterations += solution.iterations;
        Ok((program, solution))
    }

    /// Dearer than anything that a broken limit could save.
    fn relief_price(&self) -> f64 {
        let prices = self.prices.import.iter().chain(&self.prices.export);
        let dearest = prices.fold(0.0_f64, |most, price| most.max(price.abs()));
        10.0 * (self.instance.dt * (dearest + self.instance.slack + self.instance.wear) + self.instance.peak)
    }

    fn safe(&self, solution: Solution, bound: f64, rung: Rung) -> Found {
        let snapped = |value: f64, most: f64| {
            let close = 1e-8 * (1.0 + most);
            if value < close {
                0.0
            } else if value > most - close {
                most
            } else {
                value
            }
        };
        let schedule = make_safe(self.instance, |index, slot| {
            let ev = &self.instance.evs[index];
            let own = &solution.storages[index];
            let at = slot - ev.a;
            (snapped(own.charge[at], ev.pc), snapped(own.discharge[at], ev.pd))
        });
        let cost = cost(self.instance, self.prices, &schedule);
        Found { schedule, cost, bound, rung, solution: Some(solution) }
    }

    /// Under negative prices a vehicle would burn energy by charging and discharging at once. Where it does, its
    /// direction is fixed and the rest is solved again: by the net power, in turns that follow both powers over time, or
    /// charging where it is cheapest. Where a fixed direction is then not used, the other is tried. The cheapest stays.
    fn fix_directions(
        &mut self,
        before: &Exceptions,
        relief: Option<f64>,
        bound: f64,
        found: &mut Found,
    ) -> Result<(), EnergyError> {
        let Some(first) = found.solution.take() else { return Ok(()) };
        let mut best: Option<Found> = None;
        for rule in [Rule::Net, Rule::Turns, Rule::Price] {
            let mut exceptions = before.clone();
            if !self.fix_where_both(&first, rule, &mut exceptions) {
                break;
            }
            let mut last = f64::INFINITY;
            for _ in 0..ROUNDS_MAX {
                let (_, solution) = self.solve(&exceptions, relief)?;
                if solution.status == Status::Stalled {
                    break;
                }
                let both = self.fix_where_both(&solution, rule, &mut exceptions);
                let idle = turn_where_idle(&solution, before, &mut exceptions);
                let next = self.safe(solution, bound, found.rung);
                let better = (next.cost < last - 1e-6 * last.abs()) || both;
                last = next.cost;
                if best.as_ref().is_none_or(|best| next.cost < best.cost) {
                    best = Some(next);
                }
                if !(both || idle && better) {
                    break;
                }
            }
        }
        match best {
            Some(best) => *found = best,
            None => found.solution = Some(first),
        }
        Ok(())
    }

    fn fix_where_both(&self, solution: &Solution, rule: Rule, exceptions: &mut Exceptions) -> bool {
        exceptions.resize(self.instance.evs.len(), None);
        let mut any = false;
        for (ev, (schedule, exception)) in
            self.instance.evs.iter().zip(solution.storages.iter().zip(exceptions.iter_mut()))
        {
            let both: Vec<usize> = (0..schedule.charge.len())
                .filter(|slot| schedule.charge[*slot].min(schedule.discharge[*slot]) > AT_ONCE_KW)
                .collect();
            if both.is_empty() {
                continue;
            }
            any = true;
            let own = exception.get_or_insert_with(|| vec![Allowed::Both; schedule.charge.len()]);
            let charges = self.charges(ev, schedule, rule, &both);
            for (slot, charges) in both.iter().zip(charges) {
                own[*slot] = if charges { Allowed::Charge } else { Allowed::Discharge };
            }
        }
        any
    }

    /// Whether a vehicle charges in each of the slots in which the optimum does both.
    fn charges(
        &self,
        ev: &Ev,
        schedule: &voltwin_optimise::Schedule,
        rule: Rule,
        both: &[usize],
    ) -> Vec<bool> {
        match rule {
            Rule::Net => {
                both.iter().map(|slot| schedule.charge[*slot] >= schedule.discharge[*slot]).collect()
            }
            Rule::Turns => {
                let (mut owed_charge, mut owed_discharge) = (0.0, 0.0);
                both.iter()
                    .map(|slot| {
                        owed_charge += schedule.charge[*slot];
                        owed_discharge += schedule.discharge[*slot];
                        let charges = owed_charge * ev.pd >= owed_discharge * ev.pc;
                        if charges {
                            owed_charge -= ev.pc;
                        } else {
                            owed_discharge -= ev.pd;
                        }
                        charges
                    })
                    .collect()
            }
            Rule::Price => {
                let slots_of =
                    |powers: &[f64], most: f64| both.iter().map(|slot| powers[*slot]).sum::<f64>() / most;
                let (charge, discharge) =
                    (slots_of(&schedule.charge, ev.pc), slots_of(&schedule.discharge, ev.pd));
                let count = (both.len() as f64 * charge / (charge + discharge)).round() as usize;
                let mut order: Vec<usize> = (0..both.len()).collect();
                let price = |place: usize| self.prices.import[ev.a + both[place]];
                order.sort_by(|a, b| price(*a).total_cmp(&price(*b)).then(a.cmp(b)));
                let mut charges = vec![false; both.len()];
                for place in order.into_iter().take(count) {
                    charges[place] = true;
                }
                charges
            }
        }
    }

    /// Rounds powers below the least one to a pause or to that power, and solves the rest again: once within the import
    /// limit, once within the highest import of the optimum, so that vehicles take turns. The cheaper one stays.
    fn keep_minimum(
        &mut self,
        relief: Option<f64>,
        bound: f64,
        found: &mut Found,
    ) -> Result<(), EnergyError> {
        let mut best: Option<Found> = None;
        for limit_kw in [self.instance.cap, found.schedule.peak_kw.min(self.instance.cap)] {
            let exceptions = minimum::round(self.instance, &found.schedule, limit_kw);
            let (_, solution) = self.solve(&exceptions, relief)?;
            let next = if solution.status == Status::Stalled {
                self.above_minimum(&found.schedule, None, bound, found.rung)
            } else {
                let mut next = self.safe(solution, bound, found.rung);
                self.fix_directions(&exceptions, relief, bound, &mut next)?;
                self.above_minimum(&next.schedule, next.solution, bound, found.rung)
            };
            if best.as_ref().is_none_or(|best| next.cost < best.cost) {
                best = Some(next);
            }
        }
        if let Some(best) = best {
            *found = best;
        }
        Ok(())
    }

    /// What is cut to keep a limit may have fallen below the least power again: that pauses.
    fn above_minimum(&self, from: &Schedule, solution: Option<Solution>, bound: f64, rung: Rung) -> Found {
        let wish = |schedule: &Schedule, index: usize, slot: usize| {
            let ev = &schedule.evs[index];
            let charge = ev.charge_kw[slot];
            let least = self.instance.pmin.min(self.instance.evs[index].pc);
            (if charge < least * (1.0 - 1e-6) { 0.0 } else { charge.max(least) }, ev.discharge_kw[slot])
        };
        let mut schedule = make_safe(self.instance, |index, slot| wish(from, index, slot));
        // what was cut again pauses; without it there is room, so nothing is cut any more
        schedule = make_safe(self.instance, |index, slot| wish(&schedule, index, slot));
        let cost = cost(self.instance, self.prices, &schedule);
        Found { schedule, cost, bound, rung, solution }
    }

    /// The optimiser failed: the cheapest of what is safe.
    fn without_optimum(&self, solution: &Solution) -> Found {
        let finite = solution
            .storages
            .iter()
            .flat_map(|own| own.charge.iter().chain(&own.discharge))
            .all(|x| x.is_finite());
        let last = finite.then(|| {
            let schedule = make_safe(self.instance, |index, slot| {
                let own = &solution.storages[index];
                let at = slot - self.instance.evs[index].a;
                (own.charge[at], own.discharge[at])
            });
            (schedule, Rung::LastPoint)
        });
        let laxity = (crate::heuristic::least_laxity(self.instance), Rung::LeastLaxity);
        let equal = (crate::heuristic::equal_share(self.instance), Rung::EqualShare);
        let mut best: Option<Found> = None;
        for (schedule, rung) in last.into_iter().chain([laxity, equal]) {
            let cost = cost(self.instance, self.prices, &schedule);
            if best.as_ref().is_none_or(|best| cost < best.cost) {
                best = Some(Found { schedule, cost, bound: f64::NEG_INFINITY, rung, solution: None });
            }
        }
        best.unwrap_or_else(|| Found {
            schedule: make_safe(self.instance, |_, _| (0.0, 0.0)),
            cost: f64::INFINITY,
            bound: f64::NEG_INFINITY,
            rung: Rung::EqualShare,
            solution: None,
        })
    }
}

/// Turns fixed directions that a point does not use; says whether there was any.
fn turn_where_idle(solution: &Solution, before: &Exceptions, exceptions: &mut Exceptions) -> bool {
    let mut any = false;
    for (index, (schedule, exception)) in solution.storages.iter().zip(exceptions.iter_mut()).enumerate() {
        let given = before.get(index).and_then(Option::as_ref);
        for (slot, allowed) in exception.iter_mut().flatten().enumerate() {
            if given.is_some_and(|given| given[slot] != Allowed::Both) {
                continue;
            }
            let turned = match allowed {
                Allowed::Charge if schedule.charge[slot] < 1e-3 => Allowed::Discharge,
                Allowed::Discharge if schedule.discharge[slot] < 1e-3 => Allowed::Charge,
                _ => continue,
            };
            *allowed = turned;
            any = true;
        }
    }
    any
}

/// What a point pays for broken limits.
fn relief_cost(program: &Program, solution: &Solution) -> f64 {
    let mut total = 0.0;
    for (meter, flow) in program.meters.iter().zip(&solution.meters) {
        for (relief, used) in [(&meter.spill, &flow.spill), (&meter.shed, &flow.shed)] {
            if let Some((_, price)) = relief {
                total += used.iter().enumerate().map(|(slot, used)| price.at(slot) * used).sum::<f64>();
            }
        }
    }
    total
}
