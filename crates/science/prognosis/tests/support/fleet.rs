//! Seeded fleets, healthy and failing, for the lead time of warnings. Synthetic: no open field data hold these faults
//! with their dates.

use voltwin_prognosis::{Cause, PackSample, Sensitivity, Watch};

use super::Random;

const CELLS: usize = 12;
/// Days that a pack is watched.
pub(crate) const DAYS: u32 = 500;

/// Day on which a fault does its harm: the pack stops, or vents.
fn harm(cause: Cause, since_days: f64) -> bool {
    let severity = since_days / 200.0;
    match cause {
        // margins of -20 mV for weeks; a leak of a few mV an hour; spread of 40 mV; 8 K too warm; 5 points below the line
        Cause::Plating => severity > 0.9,
        Cause::SoftShort | Cause::CellSpread | Cause::Thermal | Cause::Knee => severity > 1.0,
    }
}

/// What a pack of a fleet did: day and cause of its first warning, its highest sums, day of harm.
pub(crate) struct Told {
    pub(crate) first: Option<(u32, Cause)>,
    pub(crate) peaks: [f64; 5],
    pub(crate) harm_day: Option<u32>,
}

/// One pack over its days; a fault begins on a seeded day and grows with its square.
pub(crate) fn live(seed: u64, fault: Option<Cause>, sensitivity: Sensitivity) -> Told {
    let mut random = Random::new(seed);
    let begins = random.between(150.0, 250.0);
    let sick_cell = (random.between(0.0, CELLS as f64) as usize).min(CELLS - 1);
    let offsets: Vec<f64> = (0..CELLS).map(|_| 0.002 * random.normal()).collect();
    let leaks: Vec<f64> = (0..CELLS).map(|_| 2e-6 * random.normal().abs()).collect();
    let warmth = 0.5 * random.normal();
    let fade = 8e-5 * (0.3 * random.normal()).exp();
    let mut watch = Watch::new(CELLS, sensitivity).unwrap();
    let mut told = Told { first: None, peaks: [0.0; 5], harm_day: None };
    let mut lost = 0.0;
    for day in 0..DAYS {
        let since = (f64::from(day) - begins).max(0.0);
        let grown = |cause: Cause| if fault == Some(cause) { (since / 200.0).powi(2) } else { 0.0 };
        let rest_h = random.between(4.0, 10.0);
        let season = (f64::from(day) / 365.0 * 2.0 * std::f64::consts::PI).sin();
        let spread = 1.0 + 4.0 * grown(Cause::CellSpread);
        let start: Vec<f64> =
            (0..CELLS).map(|cell| 3.8 + spread * offsets[cell] + 0.001 * random.normal()).collect();
        let end: Vec<f64> = (0..CELLS)
            .map(|cell| {
                let leak = leaks[cell] + if cell == sick_cell { 3e-3 * grown(Cause::SoftShort) } else { 0.0 };
                start[cell] - 0.004 - leak * rest_h + 0.001 * random.normal()
            })
            .collect();
        lost += fade * (1.0 + 6.0 * grown(Cause::Knee));
        let sample = PackSample {
            t_s: f64::from(day) * 86_400.0,
            plating_margin_v: (day % 3 == 0)
                .then(|| 0.018 + 0.006 * season + 0.003 * random.normal() - 0.05 * grown(Cause::Plating)),
            rest_start_v: &start,
            rest_end_v: &end,
            rest_h,
            excess_temp_k: Some(warmth + 0.8 * random.normal() + 0.4 * season + 8.0 * grown(Cause::Thermal)),
            capacity: (day % 2 == 0).then(|| 1.0 - lost + 0.004 * random.normal()),
        };
        for warning in watch.look(&sample).unwrap() {
            if told.first.is_none() {
                told.first = Some((day, warning.cause));
            }
            if warning.cause == Cause::SoftShort && fault == Some(Cause::SoftShort) {
                assert_eq!(warning.cell, Some(sick_cell));
            }
        }
        if told.harm_day.is_none() && fault.is_some_and(|cause| since > 0.0 && harm(cause, since)) {
            told.harm_day = Some(day);
            break;
        }
    }
    told.peaks = watch.peaks();
    told
}

/// How well one cause is told.
#[derive(Debug)]
pub(crate) struct WarningScore {
    pub(crate) cause: Cause,
    /// Share of the failing packs whose first warning came before harm and named this cause.
    pub(crate) told: f64,
    /// Median days from that warning to harm.
    pub(crate) lead_days: f64,
}

/// Thresholds from one healthy fleet, false alarms on another, lead times on failing ones.
pub(crate) fn scores(false_alarms_per_cause: f64) -> (f64, Vec<WarningScore>) {
    let peaks: Vec<[f64; 5]> = (0..400).map(|seed| live(seed, None, Sensitivity::silent()).peaks).collect();
    let sensitivity = Sensitivity::from_healthy(&peaks, false_alarms_per_cause).unwrap();
    let healthy = 400_u32;
    let false_alarms = (0..healthy)
        .filter(|seed| live(10_000 + u64::from(*seed), None, sensitivity).first.is_some())
        .count();
    let scores = Cause::ALL
        .into_iter()
        .enumerate()
        .map(|(place, cause)| {
            let packs = 100_u64;
            let mut leads: Vec<f64> = (0..packs)
                .filter_map(|seed| {
                    let told = live(20_000 + 1_000 * place as u64 + seed, Some(cause), sensitivity);
                    let (day, named) = told.first?;
                    (named == cause).then(|| f64::from(told.harm_day.unwrap_or(DAYS)) - f64::from(day))
                })
                .filter(|lead| *lead > 0.0)
                .collect();
            leads.sort_by(f64::total_cmp);
            WarningScore {
                cause,
                told: leads.len() as f64 / packs as f64,
                lead_days: leads.get(leads.len() / 2).copied().unwrap_or(0.0),
            }
        })
        .collect();
    (false_alarms as f64 / f64::from(healthy), scores)
}
