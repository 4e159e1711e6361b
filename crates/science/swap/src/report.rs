//! Results as the forms have them.

use serde::Serialize;
use serde_json::{Value, json};
use voltwin_des::Summary;

use crate::{
    kpis::{Figure, Kpi},
    model::{Network, Outcome, StationFigures, VehicleRow},
    runs::Runs,
};

/// The form `swap-kpis/1`: each figure over replications with its 95 % interval, and each station.
#[must_use]
pub fn kpis_json(name: &str, network: &Network, runs: &Runs) -> Value {
    let figures: serde_json::Map<String, Value> =
        Kpi::ALL.iter().map(|kpi| (kpi.name().to_owned(), json!(Figure(runs.summary(*kpi))))).collect();
    let mut form = json!({
        "schema": "swap-kpis/1",
        "scenario": name,
        "seed": network.seed(),
        "replications": runs.len(),
        "sampler": crate::SAMPLER,
        "kpis": figures,
        "stations": stations(network, runs),
    });
    if let Some(money) = runs.money() {
        let figures: serde_json::Map<String, Value> =
            money.iter().map(|(name, summary)| ((*name).to_owned(), json!(Figure(*summary)))).collect();
        form["economics_per_day"] = Value::Object(figures);
    }
    form
}

#[derive(Serialize)]
struct StationRow<'a> {
    id: &'a str,
    #[serde(flatten)]
    mean: StationFigures,
    loss_rate: Option<f64>,
    wait_mean_s: Option<f64>,
}

fn stations<'a>(network: &'a Network, runs: &Runs) -> Vec<StationRow<'a>> {
    let ratio = |a: f64, b: f64| (b > 0.0).then_some(a / b);
    runs.stations()
        .into_iter()
        .enumerate()
        .map(|(number, mean)| StationRow {
            id: network.id(number as u32),
            loss_rate: ratio(mean.lost, mean.arrivals),
            wait_mean_s: ratio(mean.wait_sum_s, mean.served),
            mean,
        })
        .collect()
}

/// The vehicles of one replication in the order of their first arrivals (then of their stations): the columns
/// `t_first_arrival`, `station` (id of that arrival's station), `t_outcome`, `outcome` (`served`, `balked`, `stockout`,
/// `reneged`, `closed`, `pending`) and `wait_s` (of those served). With `detail` also the station of the outcome and the
/// number of other stations tried.
#[must_use]
pub fn vehicles_json(network: &Network, rows: &[VehicleRow], detail: bool) -> Value {
    let mut rows: Vec<&VehicleRow> = rows.iter().collect();
    rows.sort_by(|a, b| a.first_arrival_s.total_cmp(&b.first_arrival_s).then(a.home.cmp(&b.home)));
    let number = |value: f64| (!value.is_nan()).then_some(value);
    let mut columns = vec!["t_first_arrival", "station", "t_outcome", "outcome", "wait_s"];
    if detail {
        columns.extend(["outcome_station", "hops"]);
    }
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            let mut cells = vec![
                json!(row.first_arrival_s),
                json!(network.id(row.home)),
                json!(number(row.outcome_s)),
                json!(row.outcome),
                json!(number(row.wait_s)),
            ];
            if detail {
                let pending = row.outcome == Outcome::Pending;
                cells.push(if pending { Value::Null } else { json!(network.id(row.station)) });
                cells.push(json!(row.hops));
            }
            Value::Array(cells)
        })
        .collect();
    json!({ "columns": columns, "rows": rows })
}

/// A figure with its half width in as many digits as it is known to.
#[must_use]
pub fn plain(summary: &Summary) -> String {
    let half = summary.half_width(0.95);
    if !half.is_finite() || half == 0.0 {
        return format!("{:.4}", summary.mean);
    }
    let digits = (1.0 - half.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{:.digits$} ± {half:.digits$}", summary.mean)
}
