//! Replications of one scenario, kept in their order.

use std::sync::atomic::{AtomicUsize, Ordering};

use voltwin_des::{Precision, Progress, Summary, replicate};

use crate::{
    economics::{MONEY, Money, Prices},
    error::SwapError,
    kpis::{Kpi, KpiRow},
    model::{Network, Replication, StationFigures, replication},
};

/// Whether to stop, and who hears how many replications are done.
pub struct Control<'a> {
    /// Asked now and then; `true` ends the run with [`SwapError::Cancelled`].
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Told after each replication: done, and wanted so far.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self { stop: &|| false, progress: &|_, _| {} }
    }
}

/// A scenario that is ready to run, with its prices.
#[derive(Debug)]
pub struct Model {
    /// The network.
    pub network: Network,
    prices: Option<Prices>,
}

impl Model {
    /// Makes a scenario ready. It is taken to have passed [`crate::Scenario::check`].
    #[must_use]
    pub fn new(scenario: &crate::Scenario) -> Self {
        Self { network: Network::new(scenario), prices: Prices::of(scenario) }
    }

    /// Replications `range`, on all threads of the current rayon pool.
    ///
    /// # Errors
    /// [`SwapError::Cancelled`].
    pub fn run(&self, range: std::ops::Range<u64>, control: &Control<'_>) -> Result<Runs, SwapError> {
        let mut runs = Runs::default();
        runs.extend(&self.rows(range, control)?);
        Ok(runs)
    }

    /// What is kept of each of the replications `range`, in order.
    ///
    /// # Errors
    /// [`SwapError::Cancelled`].
    pub fn rows(&self, range: std::ops::Range<u64>, control: &Control<'_>) -> Result<Vec<RunRow>, SwapError> {
        let wanted = range.end.saturating_sub(range.start) as usize;
        let done = AtomicUsize::new(0);
        let parts = replicate(range, |r| {
            if (control.stop)() {
                return Err(SwapError::Cancelled);
            }
            let part = replication(&self.network, r, &mut (), control.stop)?;
            (control.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, wanted);
            Ok(self.row(&part))
        });
        parts.into_iter().collect()
    }

    /// Replications until the figures `watched` are precise enough.
    ///
    /// # Errors
    /// [`SwapError::Cancelled`].
    pub fn run_until(
        &self,
        precision: Precision,
        watched: &[Kpi],
        control: &Control<'_>,
    ) -> Result<(Runs, Progress), SwapError> {
        let mut runs = self.run(0..precision.n_min.max(10) as u64, control)?;
        loop {
            let figures: Vec<Summary> = watched.iter().map(|kpi| runs.summary(*kpi)).collect();
            let progress = precision.look(&figures);
            let n = runs.len();
            if progress.precise || n >= precision.n_max {
                return Ok((runs, progress));
            }
            // to the guess at once, but never more than twice: the guess of a few is vague
            let next = progress.n_wanted.clamp(n + 1, 2 * n).min(precision.n_max);
            runs.extend(&self.rows(n as u64..next as u64, control)?);
        }
    }

    /// What is kept of a replication.
    #[must_use]
    pub fn row(&self, part: &Replication) -> RunRow {
        let money = self.prices.as_ref().map(|prices| prices.money(part));
        RunRow { kpis: part.kpis, money, stations: part.stations.clone() }
    }

    /// What building and owning the network costs a day, where the scenario has prices.
    #[must_use]
    pub fn capital_per_day(&self) -> Option<f64> {
        self.prices.as_ref().map(Prices::capital_per_day)
    }
}

/// What is kept of one replication.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Figures of the network.
    pub kpis: KpiRow,
    /// Money a day, where the scenario has prices.
    pub money: Option<Money>,
    /// Figures of each station.
    pub stations: Vec<StationFigures>,
}

/// Replications in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    kpis: Vec<KpiRow>,
    money: Vec<Money>,
    station_sums: Vec<StationFigures>,
}

impl Runs {
    /// Adds the next replication.
    pub fn push(&mut self, row: &RunRow) {
        self.kpis.push(row.kpis);
        self.money.extend(row.money);
        self.station_sums.resize(row.stations.len(), StationFigures::default());
        for (sum, more) in self.station_sums.iter_mut().zip(&row.stations) {
            sum.add(more);
        }
    }

    /// Adds the replications that come next, one by one: a sum of rounded numbers depends on its order, and must not depend on
    /// how many came at a time.
    pub fn extend(&mut self, rows: &[RunRow]) {
        rows.iter().for_each(|row| self.push(row));
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.kpis.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kpis.is_empty()
    }

    /// One figure of every replication.
    #[must_use]
    pub fn values(&self, kpi: Kpi) -> Vec<f64> {
        self.kpis.iter().map(|row| row.get(kpi)).collect()
    }

    /// One figure over the replications.
    #[must_use]
    pub fn summary(&self, kpi: Kpi) -> Summary {
        Summary::of(self.kpis.iter().map(|row| row.get(kpi)))
    }

    /// One sum of money of every replication, a day; empty without prices.
    #[must_use]
    pub fn money_values(&self, of: fn(&Money) -> f64) -> Vec<f64> {
        self.money.iter().map(of).collect()
    }

    /// All sums of money over the replications, a day.
    #[must_use]
    pub fn money(&self) -> Option<Vec<(&'static str, Summary)>> {
        (!self.money.is_empty())
            .then(|| MONEY.iter().map(|(name, of)| (*name, Summary::of(self.money.iter().map(of)))).collect())
    }

    /// Figures of each station, means over the replications.
    #[must_use]
    pub fn stations(&self) -> Vec<StationFigures> {
        let n = self.len().max(1) as f64;
        self.station_sums.iter().map(|sum| sum.over(n)).collect()
    }
}
