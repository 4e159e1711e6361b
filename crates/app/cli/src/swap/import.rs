use std::{collections::HashMap, path::PathBuf};

use voltwin_swap::{Scenario, Station};

use super::{explain, files};
use crate::error::CliError;

#[derive(clap::Args)]
pub(super) struct ImportArgs {
    /// A CSV with the columns `id`, `lat` and `lon`; where it has bays, batteries, chargers, grid_kw or demand_scale, they hold.
    stations: PathBuf,
    /// A scenario that says all else; its first station says what the CSV does not.
    #[arg(long)]
    template: PathBuf,
    /// Keep rows in which a column has this value, as `city=Taipei City`; more than once for more conditions.
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    conditions: Vec<String>,
    /// Spread demand by closeness: a station whose fourth-nearest neighbour is near gets more, so that the mean stays 1. Nothing
    /// better is known of a network without logged arrivals.
    #[arg(long)]
    demand_by_density: bool,
    /// Where the scenario goes; by default to standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn import(args: &ImportArgs) -> Result<(), CliError> {
    let mut scenario: Scenario = files::scenario(&args.template)?;
    let like = scenario.stations[0].clone();
    let conditions = args
        .conditions
        .iter()
        .map(|condition| {
            condition
                .split_once('=')
                .ok_or_else(|| CliError::input(format!("--where `{condition}` is not COLUMN=VALUE")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let text = files::text(&args.stations)?;
    let mut stations = Vec::new();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    for (number, row) in reader.deserialize::<HashMap<String, String>>().enumerate() {
        let bad = |what: String| {
            CliError::input(format!("{}: line {}: {what}", args.stations.display(), number + 2))
        };
        let row = row.map_err(|error| bad(error.to_string()))?;
        if conditions.iter().all(|(column, value)| row.get(*column).is_some_and(|cell| cell == value)) {
            stations.push(station(&row, &like).map_err(bad)?);
        }
    }
    if stations.is_empty() {
        return Err(CliError::input(format!("{}: no station", args.stations.display())));
    }
    if args.demand_by_density {
        spread(&mut stations);
    }
    scenario.stations = stations;
    scenario.check().map_err(explain)?;
    files::write(args.out.as_deref(), &serde_json::to_value(&scenario).map_err(CliError::failure)?)?;
    if args.out.is_some() {
        crate::print_line(&format!("{} stations", scenario.stations.len()));
    }
    Ok(())
}

fn station(row: &HashMap<String, String>, like: &Station) -> Result<Station, String> {
    fn cell<T: std::str::FromStr>(row: &HashMap<String, String>, name: &str) -> Result<Option<T>, String> {
        match row.get(name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| format!("{name} `{text}` is no number")),
        }
    }
    let wanted = |name: &str| cell(row, name)?.ok_or_else(|| format!("{name} is missing"));
    Ok(Station {
        id: row.get("id").cloned().unwrap_or_default(),
        lat: wanted("lat")?,
        lon: wanted("lon")?,
        bays: cell(row, "bays")?.unwrap_or(like.bays),
        batteries: cell(row, "batteries")?.unwrap_or(like.batteries),
        chargers: cell(row, "chargers")?.unwrap_or(like.chargers),
        grid_kw: cell(row, "grid_kw")?.or(like.grid_kw),
        demand_scale: cell(row, "demand_scale")?.unwrap_or(like.demand_scale),
        trace: None,
        hours: like.hours,
    })
}

/// Weights inverse to the distance of the fourth-nearest neighbour, within a factor of 2 about the mean.
fn spread(stations: &mut [Station]) {
    let place = |station: &Station| (station.lat, station.lon);
    let weights: Vec<f64> = stations
        .iter()
        .map(|here| {
            let mut km: Vec<f64> =
                stations.iter().map(|other| voltwin_swap::haversine_km(place(here), place(other))).collect();
            km.sort_by(f64::total_cmp);
            1.0 / km.get(4).or(km.last()).copied().unwrap_or(1.0).max(0.05)
        })
        .collect();
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    let bounded: Vec<f64> = weights.iter().map(|weight| (weight / mean).clamp(0.5, 2.0)).collect();
    let mean = bounded.iter().sum::<f64>() / bounded.len() as f64;
    for (station, weight) in stations.iter_mut().zip(bounded) {
        station.demand_scale *= (weight / mean * 1_000.0).round() / 1_000.0;
    }
}
