//! What a replication comes to in money.

use serde::Serialize;

use crate::{extras::Economics, kpis::Kpi, model::Replication, scenario::Scenario};

/// Money of one replication, a day of `[warmup, horizon)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Money {
    /// Price of the swaps served.
    pub revenue: f64,
    /// Price of the swaps lost.
    pub lost_revenue: f64,
    /// Energy by the price of its hour.
    pub energy_cost: f64,
    /// The highest 15-minute power, by its price for 30 days.
    pub peak_cost: f64,
    /// Building, written off evenly.
    pub capital_cost: f64,
    /// Revenue less all costs.
    pub profit: f64,
}

impl Money {
    /// How many figures it has.
    pub(crate) const COUNT: usize = 6;

    /// All sums, in the order of the fields.
    pub(crate) const fn values(&self) -> [f64; Self::COUNT] {
        let Self { revenue, lost_revenue, energy_cost, peak_cost, capital_cost, profit } = *self;
        [revenue, lost_revenue, energy_cost, peak_cost, capital_cost, profit]
    }

    /// The other way round.
    pub(crate) const fn from_values(values: [f64; Self::COUNT]) -> Self {
        let [revenue, lost_revenue, energy_cost, peak_cost, capital_cost, profit] = values;
        Self { revenue, lost_revenue, energy_cost, peak_cost, capital_cost, profit }
    }
}

/// One sum of [`Money`], taken from it.
pub type MoneyOf = fn(&Money) -> f64;

/// The sums by their names.
pub const MONEY: &[(&str, MoneyOf)] = &[
    ("revenue", |money| money.revenue),
    ("lost_revenue", |money| money.lost_revenue),
    ("energy_cost", |money| money.energy_cost),
    ("peak_cost", |money| money.peak_cost),
    ("capital_cost", |money| money.capital_cost),
    ("profit", |money| money.profit),
];

/// The prices of a scenario, with what its network costs to build.
#[derive(Debug, Clone)]
pub(crate) struct Prices {
    rule: Economics,
    capital: f64,
    days: f64,
}

impl Prices {
    pub(crate) fn of(scenario: &Scenario) -> Option<Self> {
        let rule = scenario.economics.clone()?;
        let days = (scenario.horizon_s - scenario.warmup_s) / 86_400.0;
        Some(Self { capital: capital(scenario, &rule), rule, days })
    }

    pub(crate) fn capital_per_day(&self) -> f64 {
        self.capital / (self.rule.life_years * 365.25)
    }

    pub(crate) fn money(&self, part: &Replication) -> Money {
        let per_day = |total: f64| total / self.days;
        let swap = self.rule.swap_price;
        let energy: f64 = part.energy.iter().map(|(at, kwh)| kwh * self.rule.energy_price(*at)).sum();
        let revenue = per_day(part.kpis.get(Kpi::Served) * swap);
        let energy_cost = per_day(energy);
        let peak_cost = part.kpis.get(Kpi::Peak15Kw) * self.rule.peak_per_kw_month / 30.0;
        let capital_cost = self.capital_per_day();
        Money {
            revenue,
            lost_revenue: per_day(part.kpis.get(Kpi::Lost) * swap),
            energy_cost,
            peak_cost,
            capital_cost,
            profit: revenue - energy_cost - peak_cost - capital_cost,
        }
    }
}

/// What building the network of a scenario costs by the prices of `rule`.
#[must_use]
pub fn capital(scenario: &Scenario, rule: &Economics) -> f64 {
    let price = &rule.capital;
    scenario
        .stations
        .iter()
        .map(|station| {
            price.station
                + price.bay * f64::from(station.bays)
                + price.battery * f64::from(station.batteries)
                + price.charger * f64::from(station.chargers)
                + price.grid_kw * station.grid_kw.unwrap_or(0.0)
        })
        .sum()
}
