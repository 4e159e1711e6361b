//! Chaos of transactions: many stations tell what they metered in every way that goes wrong in the field.
//!
//! What each transaction really came to is known beforehand ([`plan`]), told as raw OCPP-J frames in 1.6, 2.0.1 and 2.1
//! side by side ([`wire`], [`station`]), and written to a ledger when all of it was acknowledged ([`ledger`]). Whoever
//! then asks the central system can tell what it lost, doubled, miscounted or failed to notice. The server may be
//! killed meanwhile: a message is sent until it is answered.

mod ledger;
mod plan;
mod station;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Barrier, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use voltwin_ocpp::Version;

use self::ledger::Ledger;
use self::station::{Station, skew_of};
use super::Crowd;
use crate::FleetError;

pub use self::plan::Anomaly;

/// A day in milliseconds: by how much clocks are wrong.
pub(super) const DAY_MS: i64 = 86_400_000;

/// What is told, and by whom.
#[derive(Clone)]
pub struct ChaosConfig {
    /// Who tells; they speak the versions in turn, whatever the crowd's is.
    pub crowd: Crowd,
    /// How many transactions, shared out evenly; 1 to 10,000,000.
    pub transactions: u64,
    /// From which everything is drawn.
    pub seed: u64,
    /// The file that says what was acknowledged.
    pub ledger: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ChaosReport {
    /// Transactions that were acknowledged in full.
    pub transactions: u64,
    /// Those with something wrong beside the station's clock.
    pub anomalies: u64,
    /// Those told long after they happened.
    pub late: u64,
    /// Messages sent, each time that they were.
    pub messages: u64,
    /// Messages answered.
    pub acknowledged: u64,
    /// Answered messages that were sent once more all the same.
    pub duplicates: u64,
    /// Messages whose answer was thrown away with the connection.
    pub answers_lost: u64,
    /// Connections opened or tried.
    pub connections: u64,
    /// Restarts.
    pub boots: u64,
    /// Messages answered with an error, and sent again.
    pub refused: u64,
    /// Starts of OCPP 1.6 that were answered with another id than before.
    pub disagreed: u64,
    /// Stations that gave up.
    pub failed: u64,
    /// Seconds from the first transaction to the last.
    pub seconds: f64,
}

impl ChaosReport {
    fn add(&mut self, other: &Self) {
        self.transactions += other.transactions;
        self.anomalies += other.anomalies;
        self.late += other.late;
        self.messages += other.messages;
        self.acknowledged += other.acknowledged;
        self.duplicates += other.duplicates;
        self.answers_lost += other.answers_lost;
        self.connections += other.connections;
        self.boots += other.boots;
        self.refused += other.refused;
        self.disagreed += other.disagreed;
        self.failed += other.failed;
    }
}

/// Tells all transactions and writes the ledger.
///
/// # Errors
/// [`FleetError`] when the configuration cannot work or the ledger cannot be written.
pub async fn run_chaos(config: &ChaosConfig, cancel: CancellationToken) -> Result<ChaosReport, FleetError> {
    if !(1..=10_000_000).contains(&config.transactions) {
        let value = config.transactions.to_string();
        return Err(FleetError::Setting { field: "transactions", value, rule: "1 to 10000000" });
    }
    // checks the crowd as every load does
    config.crowd.targets()?;
    let ledger = Ledger::create(&config.ledger)?;
    let stations = config.crowd.stations.len();
    let (each, rest) = (config.transactions / stations as u64, config.transactions % stations as u64);
    let ready = Arc::new(Barrier::new(stations + 1));
    let (sender, mut reports) = mpsc::channel(stations);
    for (index, identity) in config.crowd.stations.iter().enumerate() {
        let version = [Version::V16, Version::V201, Version::V21][index % 3];
        let target = config.crowd.target(identity, version)?;
        let own = (skew_of(index), each + u64::from((index as u64) < rest), config.seed);
        let who = (identity.clone(), version, target);
        let station = Station::new(who, own, ledger.lines.clone(), cancel.clone());
        let (ready, sender) = (Arc::clone(&ready), sender.clone());
        tokio::spawn(async move {
            let report = station.live(ready).await;
            let _ = sender.send(report).await;
        });
    }
    drop(sender);
    ready.wait().await;
    let begun = Instant::now();
    let mut total = ChaosReport::default();
    while let Some(one) = reports.recv().await {
        total.add(&one);
    }
    total.seconds = begun.elapsed().as_secs_f64();
    ledger.close().await?;
    Ok(total)
}
