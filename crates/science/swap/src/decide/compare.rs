//! A beside B (beside C ...): the same chance for all, differences by pairs.

use serde::Serialize;
use voltwin_des::{Paired, Summary, holm, paired};

use crate::{
    error::SwapError,
    kpis::Kpi,
    report::plain,
    runs::{Control, Model, Runs},
    scenario::Scenario,
};

/// The figures that are compared.
const COMPARED: [Kpi; 8] = [
    Kpi::LossRate,
    Kpi::Lost,
    Kpi::WaitMeanS,
    Kpi::WaitP95S,
    Kpi::Within300s,
    Kpi::EnergyKwh,
    Kpi::Peak15Kw,
    Kpi::ChargerUtil,
];

/// One figure of two designs.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Number of the first design, and of the second.
    pub a: usize,
    /// Number of the second design.
    pub b: usize,
    /// Name of the figure.
    pub figure: &'static str,
    /// The difference b - a over pairs, with correlation and the variance that the common chance saves.
    #[serde(flatten)]
    pub paired: Paired,
    /// The 95 % interval of this difference by itself.
    pub ci95: (f64, f64),
    /// Whether it differs from 0 when all pairs of this figure share a risk of 5 % (Holm).
    pub differs: bool,
}

/// Designs side by side.
#[derive(Debug)]
pub struct Comparison {
    /// The runs of each design.
    pub runs: Vec<Runs>,
    /// Every pair and figure.
    pub differences: Vec<Difference>,
    /// What it means, in sentences.
    pub verdict: Vec<String>,
}

/// Runs every scenario on the seed of the first, `reps` replications each, and compares all pairs.
///
/// # Errors
/// [`SwapError::Question`] for fewer than two scenarios, fewer than two replications, or windows that differ;
/// [`SwapError::Cancelled`].
pub fn compare(
    scenarios: &[Scenario],
    names: &[String],
    reps: u64,
    control: &Control<'_>,
) -> Result<Comparison, SwapError> {
    comparable(scenarios, names, reps)?;
    let mut runs = Vec::with_capacity(scenarios.len());
    for scenario in scenarios {
        let mut scenario = scenario.clone();
        scenario.seed = scenarios[0].seed;
        let model = Model::new(&scenario);
        runs.push(model.run(0..reps, control)?);
    }
    Ok(Comparison::of(scenarios, names, runs))
}

/// Whether scenarios can be compared by `reps` replications each.
///
/// # Errors
/// [`SwapError::Question`] as for [`compare`].
pub fn comparable(scenarios: &[Scenario], names: &[String], reps: u64) -> Result<(), SwapError> {
    let fail = |what: String| Err(SwapError::Question { what });
    let [first, others @ ..] = scenarios else { return fail("no scenarios, 2 or more are wanted".into()) };
    if others.is_empty() || names.len() != scenarios.len() {
        return fail(format!("{} scenario, 2 or more are wanted", scenarios.len()));
    }
    if reps < 2 {
        return fail(format!("{reps} replication, 2 or more are wanted"));
    }
    for (scenario, name) in others.iter().zip(&names[1..]) {
        if (scenario.horizon_s, scenario.warmup_s) != (first.horizon_s, first.warmup_s) {
            return fail(format!("{name} has another horizon_s or warmup_s than {}", names[0]));
        }
    }
    Ok(())
}

impl Comparison {
    /// Compares runs of scenarios that are [`comparable`]: on one seed, each with the same replications.
    #[must_use]
    pub fn of(scenarios: &[Scenario], names: &[String], runs: Vec<Runs>) -> Self {
        let mut differences = Vec::new();
        for kpi in COMPARED {
            differences.extend(pairs(&runs, kpi.name(), |runs| runs.values(kpi)));
        }
        if runs.iter().all(|runs| runs.money().is_some()) {
            for (name, of) in crate::economics::MONEY {
                differences.extend(pairs(&runs, name, |runs| runs.money_values(*of)));
            }
        }
        let days = (scenarios[0].horizon_s - scenarios[0].warmup_s) / 86_400.0;
        let verdict = (1..runs.len())
            .flat_map(|b| {
                verdict(&names[0], &names[b], (0, b), &differences, days, payback(scenarios, &runs, b))
            })
            .collect();
        Self { runs, differences, verdict }
    }
}

fn pairs(runs: &[Runs], figure: &'static str, values: impl Fn(&Runs) -> Vec<f64>) -> Vec<Difference> {
    let columns: Vec<Vec<f64>> = runs.iter().map(values).collect();
    let mut found = Vec::new();
    for a in 0..columns.len() {
        for b in a + 1..columns.len() {
            let paired = paired(&columns[a], &columns[b]);
            let ci95 = paired.difference.interval(0.95);
            found.push(Difference { a, b, figure, paired, ci95, differs: false });
        }
    }
    let p: Vec<f64> = found.iter().map(|difference| difference.paired.p).collect();
    for (difference, falls) in found.iter_mut().zip(holm(&p, 0.05)) {
        difference.differs = falls;
    }
    found
}

fn verdict(
    name_a: &str,
    name_b: &str,
    pair: (usize, usize),
    differences: &[Difference],
    days: f64,
    payback: Option<String>,
) -> Vec<String> {
    let of =
        |figure: &str| differences.iter().find(|entry| (entry.a, entry.b) == pair && entry.figure == figure);
    let mut lines = Vec::new();
    let mut say = |figure: &str, does: &str, less: &str, more: &str, scale: f64| {
        let Some(entry) = of(figure) else { return };
        let difference = scaled(entry.paired.difference, scale);
        if entry.differs {
            let how = if difference.mean < 0.0 { less } else { more };
            let size = Summary { mean: difference.mean.abs(), ..difference };
            lines.push(format!("{name_b} {does} {} {how} than {name_a} (95 % interval).", plain(&size)));
        } else {
            lines.push(format!(
                "whether {name_b} {does} {less} or {more} than {name_a} cannot be told: the difference is {} (95 % interval).",
                plain(&difference)
            ));
        }
    };
    say("lost", "loses", "fewer swaps a day", "more swaps a day", 1.0 / days);
    say("wait_mean_s", "lets vehicles wait", "s less", "s more", 1.0);
    say("energy_kwh", "draws", "kWh less a day", "kWh more a day", 1.0 / days);
    say("profit", "earns", "less a day after all costs", "more a day after all costs", 1.0);
    lines.extend(payback);
    lines
}

fn scaled(summary: Summary, factor: f64) -> Summary {
    Summary { mean: summary.mean * factor, sd: summary.sd * factor, n: summary.n }
}

/// When what design `b` costs more to build has come back, against the first: at the mean, and with 95 % certainty (one-sided).
fn payback(scenarios: &[Scenario], runs: &[Runs], b: usize) -> Option<String> {
    let (rule_a, rule_b) = (scenarios[0].economics.as_ref()?, scenarios[b].economics.as_ref()?);
    let extra =
        crate::economics::capital(&scenarios[b], rule_b) - crate::economics::capital(&scenarios[0], rule_a);
    if extra <= 0.0 {
        return None;
    }
    let operating = |runs: &Runs| runs.money_values(|money| money.profit + money.capital_cost);
    let gain = paired(&operating(&runs[0]), &operating(&runs[b])).difference;
    // the lower end of a two-sided 90 % interval is the one-sided 95 % bound
    let sure = gain.interval(0.90).0;
    let months = |gain_per_day: f64| extra / gain_per_day / (365.25 / 12.0);
    Some(if sure > 0.0 {
        let (mean, sure) = (months(gain.mean), months(sure));
        format!("the extra {extra:.0} pays back within {mean:.0} months; 95 % sure within {sure:.0}.")
    } else if gain.mean > 0.0 {
        format!(
            "the extra {extra:.0} would pay back in {:.0} months, but that is not sure.",
            months(gain.mean)
        )
    } else {
        format!("the extra {extra:.0} does not pay back.")
    })
}
