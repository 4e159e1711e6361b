//! Capacity forecasts on NASA PCoE cells, each forecast by a model that has not seen it.

use std::collections::BTreeMap;

use voltwin_prognosis::{Promise, TrackCharacter, backtest, fit_character, mean_error};

use super::shared;

pub(crate) const HORIZONS: [u32; 3] = [1, 7, 30];
pub(crate) const COVERAGE: f64 = 0.9;

/// Series of cells under one ambient temperature, relative to 2 Ah, without discharges cut short (below 0.5 Ah).
pub(crate) fn series() -> Option<BTreeMap<String, Vec<f64>>> {
    let path = shared("data/battery/nasa_pcoe_cycles.csv")?;
    let mut cells: BTreeMap<String, (Vec<f64>, Vec<String>)> = BTreeMap::new();
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let (capacities, ambients) = cells.entry(row[0].to_owned()).or_default();
        if !ambients.contains(&row[2].to_owned()) {
            ambients.push(row[2].to_owned());
        }
        if let Some(capacity) = row[7].parse::<f64>().ok().filter(|ah| *ah > 0.5) {
            capacities.push(capacity / 2.0);
        }
    }
    Some(
        cells
            .into_iter()
            .filter(|(_, (capacities, ambients))| ambients.len() == 1 && capacities.len() >= 20)
            .map(|(name, (capacities, _))| (name, capacities))
            .collect(),
    )
}

/// What one horizon gave over all held-out cells; errors in % of nominal capacity.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) ahead: u32,
    pub(crate) forecasts: usize,
    pub(crate) fitted: f64,
    pub(crate) held_out: f64,
    pub(crate) persistence: f64,
    pub(crate) linear: f64,
    pub(crate) theil_sen: f64,
    pub(crate) coverage: f64,
    pub(crate) half_width: f64,
}

/// Leave-one-cell-out over all horizons.
pub(crate) fn scores(cells: &BTreeMap<String, Vec<f64>>) -> Vec<Score> {
    let all: Vec<&[f64]> = cells.values().map(Vec::as_slice).collect();
    let fitted = fit_character(&all, &HORIZONS).unwrap();
    let without = |out: &[usize]| {
        let others: Vec<&[f64]> = (0..all.len()).filter(|i| !out.contains(i)).map(|i| all[i]).collect();
        fit_character(&others, &HORIZONS).unwrap()
    };
    let characters: Vec<TrackCharacter> = (0..all.len()).map(|out| without(&[out])).collect();
    // errors that calibrate the intervals of a cell come from models that saw neither it nor the cell they forecast
    let mut pairs = BTreeMap::new();
    for i in 0..all.len() {
        for j in i + 1..all.len() {
            pairs.insert((i, j), without(&[i, j]));
        }
    }
    HORIZONS
        .map(|ahead| {
            let (mut error, mut within, mut width, mut count) = (0.0, 0.0, 0.0, 0_usize);
            for (out, (character, cell)) in characters.iter().zip(&all).enumerate() {
                let scores: Vec<f64> = (0..all.len())
                    .filter(|&other| other != out)
                    .flat_map(|other| {
                        backtest(pairs[&(out.min(other), out.max(other))], all[other], ahead).unwrap()
                    })
                    .map(|(belief, truth)| (belief.mean - truth).abs() / belief.sd)
                    .collect();
                let mut promise = Promise::from_fleet(&scores, COVERAGE, 0.15).unwrap();
                let forecasts = backtest(*character, cell, ahead).unwrap();
                let mut held = Vec::with_capacity(forecasts.len());
                for (now, (belief, truth)) in forecasts.iter().enumerate() {
                    // the truth of a forecast is known `ahead` cycles later and not before
                    if let Some(known) = now.checked_sub(ahead as usize) {
                        promise.saw(held[known]);
                    }
                    let interval = promise.interval(*belief);
                    held.push(interval.covers(*truth));
                    error += (belief.mean - truth).abs();
                    within += f64::from(u8::from(interval.covers(*truth)));
                    width += 0.5 * (interval.high - interval.low);
                }
                count += forecasts.len();
            }
            let n = count.max(1) as f64;
            let fit_errors: Vec<f64> = all
                .iter()
                .flat_map(|cell| backtest(fitted, cell, ahead).unwrap())
                .map(|(belief, truth)| (belief.mean - truth).abs())
                .collect();
            Score {
                ahead,
                forecasts: count,
                fitted: 100.0 * fit_errors.iter().sum::<f64>() / fit_errors.len().max(1) as f64,
                held_out: 100.0 * error / n,
                persistence: 100.0 * mean_error(&all, ahead, |history, _| history[history.len() - 1]),
                linear: 100.0 * mean_error(&all, ahead, linear),
                theil_sen: 100.0 * mean_error(&all, ahead, theil_sen),
                coverage: within / n,
                half_width: 100.0 * width / n,
            }
        })
        .into()
}

/// The line through the last thirty values.
fn linear(history: &[f64], ahead: u32) -> f64 {
    let last = &history[history.len().saturating_sub(30)..];
    let n = last.len() as f64;
    let (mx, my) = ((n - 1.0) / 2.0, last.iter().sum::<f64>() / n);
    let (mut xy, mut xx) = (0.0, 0.0);
    for (place, value) in last.iter().enumerate() {
        let x = place as f64 - mx;
        xy += x * (value - my);
        xx += x * x;
    }
    my + xy / xx * (n - 1.0 + f64::from(ahead) - mx)
}

/// The median slope of the last thirty values, through their median.
fn theil_sen(history: &[f64], ahead: u32) -> f64 {
    let last = &history[history.len().saturating_sub(30)..];
    let mut slopes = Vec::new();
    for i in 0..last.len() {
        for j in i + 1..last.len() {
            slopes.push((last[j] - last[i]) / (j - i) as f64);
        }
    }
    let slope = median(slopes);
    let level = median(last.iter().enumerate().map(|(place, value)| value - slope * place as f64).collect());
    level + slope * (last.len() as f64 - 1.0 + f64::from(ahead))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { 0.5 * (values[middle - 1] + values[middle]) }
}
