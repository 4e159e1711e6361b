use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;
use voltwin_swap::{Arrival, DemandPoint, Scenario, fit, site};

use super::{explain, files};
use crate::error::CliError;

#[derive(clap::Args)]
pub(super) struct FitArgs {
    /// A CSV with a header: a column `t_s` (seconds since midnight of day 0) or `time` (RFC 3339, or local without an offset),
    /// and optionally `station`.
    arrivals: PathBuf,
    /// Put the demand and the scales of the stations into this scenario.
    #[arg(long)]
    into: Option<PathBuf>,
    /// Where the fit goes, or with --into the scenario; by default to standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct SiteArgs {
    /// A CSV with the columns `lat`, `lon` and optionally `weight`: where vehicles want to swap.
    demand: PathBuf,
    /// A CSV with the columns `lat`, `lon` and optionally `id`: where stations could be built.
    candidates: PathBuf,
    /// A scenario whose stations exist already.
    #[arg(long)]
    existing: Option<PathBuf>,
    /// How many to build.
    #[arg(long, default_value_t = 1)]
    count: usize,
}

#[derive(Deserialize)]
struct ArrivalRow {
    t_s: Option<f64>,
    time: Option<String>,
    #[serde(default)]
    station: String,
}

#[derive(Deserialize)]
struct PlaceRow {
    #[serde(default)]
    id: String,
    lat: f64,
    lon: f64,
    weight: Option<f64>,
}

pub(super) fn fit_demand(args: &FitArgs) -> Result<(), CliError> {
    if let Some(out) = &args.out {
        files::writable(out)?;
    }
    let (arrivals, days) = arrivals(&args.arrivals)?;
    let found = fit(&arrivals, days).map_err(explain)?;
    let form = match &args.into {
        None => serde_json::to_value(&found).map_err(CliError::failure)?,
        Some(path) => {
            let mut scenario: Scenario = files::scenario(path)?;
            scenario.demand = found.demand.clone();
            for station in &mut scenario.stations {
                match found.scales.iter().find(|(id, _)| *id == station.id || id.is_empty()) {
                    Some((_, scale)) => station.demand_scale = *scale,
                    None => return Err(CliError::input(format!("no arrival at station `{}`", station.id))),
                }
            }
            scenario.check().map_err(explain)?;
            serde_json::to_value(&scenario).map_err(CliError::failure)?
        }
    };
    files::write(args.out.as_deref(), &form)?;
    if args.out.is_some() {
        crate::print_line(&format!("{} arrivals of {} days", found.arrivals, found.days));
        for line in &found.verdict {
            crate::print_line(line);
        }
    }
    Ok(())
}

/// Arrivals and the number of whole days. Day 0 of a log with times is the first Monday-to-Sunday day in it: the day of its
/// first arrival, and the factors of the week begin with that day.
fn arrivals(path: &std::path::Path) -> Result<(Vec<Arrival>, usize), CliError> {
    let rows: Vec<ArrivalRow> = rows(path)?;
    let mut found = Vec::with_capacity(rows.len());
    let mut origin: Option<jiff::civil::Date> = None;
    let mut times = Vec::new();
    for (number, row) in rows.into_iter().enumerate() {
        let line = number + 2;
        match (row.t_s, row.time) {
            (Some(at_s), None) => found.push(Arrival { at_s, station: row.station }),
            (None, Some(text)) => {
                let local = local(&text).ok_or_else(|| {
                    CliError::input(format!("{}: line {line}: `{text}` is no time", path.display()))
                })?;
                origin = Some(origin.map_or(local.date(), |first| first.min(local.date())));
                times.push((local, row.station));
            }
            _ => {
                let what = "either `t_s` or `time` is wanted";
                return Err(CliError::input(format!("{}: line {line}: {what}", path.display())));
            }
        }
    }
    if let Some(origin) = origin {
        for (local, station) in times {
            let days = f64::from((local.date() - origin).get_days());
            let time = local.time();
            let day_s = f64::from(time.hour()) * 3_600.0
                + f64::from(time.minute()) * 60.0
                + f64::from(time.second())
                + f64::from(time.subsec_nanosecond()) / 1e9;
            found.push(Arrival { at_s: days * 86_400.0 + day_s, station });
        }
    }
    let last = found.iter().map(|arrival| arrival.at_s).fold(0.0, f64::max);
    // a log that ends in the late evening has its last day whole
    let days = ((last + 3_600.0) / 86_400.0).floor().max(0.0);
    Ok((found, days as usize))
}

/// The clock on the wall: with an offset the time at that offset.
fn local(text: &str) -> Option<jiff::civil::DateTime> {
    text.trim().trim_end_matches('Z').replace(' ', "T").parse().ok()
}

fn rows<T: serde::de::DeserializeOwned>(path: &std::path::Path) -> Result<Vec<T>, CliError> {
    let text = files::text(path)?;
    csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error| CliError::input(format!("{}: {error}", path.display())))
}

pub(super) fn choose_sites(args: &SiteArgs) -> Result<(), CliError> {
    let demand: Vec<DemandPoint> = rows::<PlaceRow>(&args.demand)?
        .into_iter()
        .map(|row| DemandPoint { lat: row.lat, lon: row.lon, weight: row.weight.unwrap_or(1.0) })
        .collect();
    let places = rows::<PlaceRow>(&args.candidates)?;
    let candidates: Vec<(f64, f64)> = places.iter().map(|place| (place.lat, place.lon)).collect();
    let existing = match &args.existing {
        Some(path) => {
            files::scenario(path)?.stations.iter().map(|station| (station.lat, station.lon)).collect()
        }
        None => Vec::new(),
    };
    let sites = site(&demand, &candidates, &existing, args.count).map_err(explain)?;
    let rows: Vec<_> = sites
        .iter()
        .map(|site| {
            let place = &places[site.candidate];
            json!({
                "id": place.id, "lat": place.lat, "lon": place.lon, "weight": site.weight, "mean_km": site.mean_km,
            })
        })
        .collect();
    files::write(None, &json!({ "sites": rows }))
}
