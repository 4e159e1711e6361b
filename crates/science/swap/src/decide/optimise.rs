//! The best plan under a budget: inventory, chargers, power and bays of every station.
//!
//! First a ranking: each station by itself, step by step the addition that saves most lost swaps for its cost, which walks along the
//! frontier of cost against service. Then the plans about the budget are run as whole networks, with replications shared out by
//! OCBA to where they decide.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;
use voltwin_des::{Summary, allocate};

use crate::{
    economics::capital,
    error::SwapError,
    extras::Economics,
    kpis::Kpi,
    model::{Network, replication},
    runs::{Control, Model, Runs},
    scenario::{Scenario, Station},
};

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search {
    /// What may be spent in all, in the currency of `economics.capital`.
    pub budget: f64,
    /// Replications of a station in the ranking; 1 or more.
    pub reps: u64,
    /// Replications of whole networks in all, for the plans at the end; 20 or more.
    pub final_reps: usize,
    /// Power that is added in one step, kW.
    pub step_kw: f64,
}

impl Default for Search {
    fn default() -> Self {
        Self { budget: f64::INFINITY, reps: 4, final_reps: 120, step_kw: 100.0 }
    }
}

/// A point of the frontier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// What it costs to build.
    pub cost: f64,
    /// Share of vehicles lost, by the ranking: stations by themselves.
    pub loss_rate: f64,
    /// The addition that led to it: identity of the station and what was added; nothing for the first.
    pub step: Option<(String, &'static str)>,
}

/// The outcome of a search.
#[derive(Debug)]
pub struct Plan {
    /// Cost against service, from the cheapest plan to the budget.
    pub frontier: Vec<Candidate>,
    /// The best plan as a scenario.
    pub scenario: Scenario,
    /// Its cost.
    pub cost: f64,
    /// Its runs as a whole network.
    pub runs: Runs,
    /// Plans that were run as whole networks: place on the frontier, share of vehicles lost.
    pub finalists: Vec<(usize, Summary)>,
}

type Add = fn(&mut Station, &Search);

/// What can be added to a station. Bundles stand beside single things because one without the other may help nothing.
const ADDITIONS: [(&str, Add); 6] = [
    ("battery", |station, _| station.batteries += 1),
    ("charger", |station, _| station.chargers += 1),
    ("battery and charger", |station, _| {
        station.batteries += 1;
        station.chargers += 1;
    }),
    ("power", |station, search| station.grid_kw = station.grid_kw.map(|kw| kw + search.step_kw)),
    ("battery, charger and power", |station, search| {
        station.batteries += 1;
        station.chargers += 1;
        station.grid_kw = station.grid_kw.map(|kw| kw + search.step_kw);
    }),
    ("bay", |station, _| station.bays += 1),
];

/// The choice that a station would make next.
#[derive(Debug, Clone)]
struct Choice {
    what: &'static str,
    station: Station,
    lost: f64,
    cost: f64,
}

/// Looks for the plan with the smallest share of lost vehicles that `search.budget` can build, from the stations of the
/// scenario as the least that is built. It needs `economics.capital`.
///
/// # Errors
/// [`SwapError::Question`] where there are no prices or the budget does not reach the scenario as it is;
/// [`SwapError::Cancelled`].
pub fn optimise(scenario: &Scenario, search: &Search, control: &Control<'_>) -> Result<Plan, SwapError> {
    let fail = |what: String| SwapError::Question { what };
    let Some(prices) = scenario.economics.clone() else {
        return Err(fail("economics.capital is missing: a budget needs prices".into()));
    };
    let base = capital(scenario, &prices);
    if base > search.budget {
        return Err(fail(format!(
            "the scenario as it is costs {base:.0}, the budget is {:.0}",
            search.budget
        )));
    }
    let (frontier, states) = walk(scenario, search, &prices, control)?;
    let (best, runs, finalists) = judge(scenario, search, &states, control)?;
    let mut plan = scenario.clone();
    plan.stations.clone_from(&states[&best]);
    let cost = capital(&plan, &prices);
    Ok(Plan { frontier, scenario: plan, cost, runs, finalists })
}

/// The stations of plans, by their place on the frontier.
type States = BTreeMap<usize, Vec<Station>>;

/// The best plan's place, its runs, and what each that was run came to.
type Verdict = (usize, Runs, Vec<(usize, Summary)>);

/// Walks along the frontier; returns its points, and the stations at each of the last ones.
fn walk(
    scenario: &Scenario,
    search: &Search,
    prices: &Economics,
    control: &Control<'_>,
) -> Result<(Vec<Candidate>, States), SwapError> {
    let mut stations = scenario.stations.clone();
    let alone = |station: &Station| lost_alone(scenario, station, search.reps, control);
    let first: Vec<(f64, f64)> = stations.par_iter().map(alone).collect::<Result<_, _>>()?;
    let arrivals: f64 = first.iter().map(|entry| entry.1).sum();
    let mut lost: Vec<f64> = first.iter().map(|entry| entry.0).collect();
    let mut choices: Vec<Option<Choice>> = stations
        .par_iter()
        .zip(&lost)
        .map(|(station, lost)| next_choice(scenario, station, *lost, search, prices, control))
        .collect::<Result<_, _>>()?;
    let rate = |lost: &[f64]| lost.iter().sum::<f64>() / arrivals.max(1.0);
    let mut cost = capital(scenario, prices);
    let mut frontier = vec![Candidate { cost, loss_rate: rate(&lost), step: None }];
    let mut states = BTreeMap::from([(0, stations.clone())]);
    loop {
        let affordable = choices.iter().enumerate().filter_map(|(place, choice)| {
            choice
                .as_ref()
                .filter(|choice| cost + choice.cost <= search.budget)
                .map(|choice| (place, (lost[place] - choice.lost) / choice.cost))
        });
        let Some((place, _)) = affordable.max_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        let Some(choice) = choices[place].take() else { break };
        cost += choice.cost;
        lost[place] = choice.lost;
        let step = Some((choice.station.id.clone(), choice.what));
        stations[place] = choice.station;
        frontier.push(Candidate { cost, loss_rate: rate(&lost), step });
        (control.progress)(frontier.len(), frontier.len() + 1);
        states.insert(frontier.len() - 1, stations.clone());
        while states.len() > FINALISTS {
            states.pop_first();
        }
        choices[place] = next_choice(scenario, &stations[place], lost[place], search, prices, control)?;
    }
    Ok((frontier, states))
}

/// Plans that are run as whole networks.
const FINALISTS: usize = 6;

/// The addition to a station that saves most for its cost, if any saves anything.
fn next_choice(
    scenario: &Scenario,
    station: &Station,
    lost: f64,
    search: &Search,
    prices: &Economics,
    control: &Control<'_>,
) -> Result<Option<Choice>, SwapError> {
    if lost <= 0.0 {
        return Ok(None);
    }
    let cost_of = |station: &Station| {
        let price = &prices.capital;
        price.bay * f64::from(station.bays)
            + price.battery * f64::from(station.batteries)
            + price.charger * f64::from(station.chargers)
            + price.grid_kw * station.grid_kw.unwrap_or(0.0)
    };
    let mut best: Option<Choice> = None;
    for (what, add) in ADDITIONS {
        let mut changed = station.clone();
        add(&mut changed, search);
        let cost = cost_of(&changed) - cost_of(station);
        if changed == *station || cost <= 0.0 {
            continue;
        }
        let (after, _) = lost_alone(scenario, &changed, search.reps, control)?;
        let better = best.as_ref().is_none_or(|best| (lost - after) / cost > (lost - best.lost) / best.cost);
        if after < lost && better {
            best = Some(Choice { what, station: changed, lost: after, cost });
        }
    }
    Ok(best)
}

/// Vehicles lost and arrived at a station by itself, summed over the replications.
fn lost_alone(
    scenario: &Scenario,
    station: &Station,
    reps: u64,
    control: &Control<'_>,
) -> Result<(f64, f64), SwapError> {
    let mut alone = Scenario { stations: vec![station.clone()], ..scenario.clone_without_stations() };
    alone.service.reroute = None;
    let network = Network::new(&alone);
    let (mut lost, mut arrivals) = (0.0, 0.0);
    for r in 0..reps.max(1) {
        let done = replication(&network, r, &mut (), control.stop)?;
        lost += done.kpis.get(Kpi::Lost);
        arrivals += done.kpis.get(Kpi::Arrivals);
    }
    Ok((lost, arrivals))
}

/// Runs the last plans of the frontier as whole networks; replications go where they decide.
fn judge(
    scenario: &Scenario,
    search: &Search,
    states: &States,
    control: &Control<'_>,
) -> Result<Verdict, SwapError> {
    let places: Vec<usize> = states.keys().copied().collect();
    let models: Vec<Model> = states
        .values()
        .map(|stations| {
            Model::new(&Scenario { stations: stations.clone(), ..scenario.clone_without_stations() })
        })
        .collect();
    let first = 5_usize;
    let mut runs: Vec<Runs> =
        models.iter().map(|model| model.run(0..first as u64, control)).collect::<Result<_, _>>()?;
    let summaries =
        |runs: &[Runs]| -> Vec<Summary> { runs.iter().map(|runs| runs.summary(Kpi::LossRate)).collect() };
    let mut spent = first * models.len();
    while spent < search.final_reps {
        spent = (spent + 4 * models.len()).min(search.final_reps);
        for (at, wanted) in allocate(&summaries(&runs), spent).into_iter().enumerate() {
            let n = runs[at].len();
            if wanted > n {
                runs[at].extend(&models[at].rows(n as u64..wanted as u64, control)?);
            }
        }
    }
    let found = summaries(&runs);
    let best = (0..found.len()).min_by(|a, b| found[*a].mean.total_cmp(&found[*b].mean)).unwrap_or(0);
    let finalists = places.iter().copied().zip(found).collect();
    Ok((places[best], runs.swap_remove(best), finalists))
}
