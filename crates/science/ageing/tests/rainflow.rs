//! Counts against the standard's own example and a long random series of a public counter.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::shared;
use voltwin_ageing::{Cycle, Rainflow, rainflow, rainflow_repeating, weighted_depth};

/// The example of ASTM E1049-85, figure 6.
const EXAMPLE: [f64; 9] = [-2.0, 1.0, -3.0, 5.0, -1.0, 3.0, -4.0, 4.0, -2.0];

#[test]
fn the_example_of_the_standard_is_counted_as_printed() {
    let cycles = rainflow(EXAMPLE);
    let of = |range: f64| -> f64 {
        cycles.iter().filter(|cycle| cycle.range == range).map(|cycle| cycle.count).sum()
    };
    assert_eq!([3.0, 4.0, 6.0, 8.0, 9.0].map(of), [0.5, 1.5, 0.5, 1.0, 0.5]);
    assert_eq!(cycles[0], Cycle { range: 3.0, mean: -0.5, count: 0.5, start: 0, end: 1 });
    assert_eq!(cycles[2].count, 1.0);
}

#[test]
fn a_long_random_series_gives_the_counts_of_the_public_counter() {
    let Some(path) = shared("reference/battery_curves/drivetrain/rainflow_series.csv") else { return };
    let series: Vec<f64> =
        csv::Reader::from_path(path).unwrap().records().map(|row| row.unwrap()[1].parse().unwrap()).collect();
    let text = std::fs::read_to_string(
        shared("reference/battery_curves/drivetrain/fatigue_reference.json").unwrap(),
    )
    .unwrap();
    let reference: serde_json::Value =
        serde_json::from_str(&text.replace("NaN", "null").replace("Infinity", "null")).unwrap();
    let reference = &reference["ar1_lcg_seed4242"];
    let cycles = rainflow(series.iter().copied());
    let total: f64 = cycles.iter().map(|cycle| cycle.count).sum();
    assert_eq!(total, reference["sum_counts"].as_f64().unwrap());
    let mut bins: Vec<u64> = cycles.iter().map(|cycle| cycle.range.to_bits()).collect();
    bins.sort_unstable();
    bins.dedup();
    assert_eq!(bins.len() as u64, reference["n_bins"].as_u64().unwrap());
    let damage: f64 = cycles.iter().map(|cycle| cycle.count * cycle.range.powi(5)).sum();
    let theirs = reference["sum_count_range_pow5"].as_f64().unwrap();
    // the order of 773 additions
    assert!((damage / theirs - 1.0).abs() < 1e-12, "{damage} for {theirs}");
    for (ours, theirs) in cycles.iter().zip(reference["first_extracted"].as_array().unwrap()) {
        assert_eq!(ours.range, theirs[0].as_f64().unwrap());
        assert_eq!(ours.mean, theirs[1].as_f64().unwrap());
        assert_eq!(ours.count, theirs[2].as_f64().unwrap());
    }
}

#[test]
fn counting_piece_by_piece_is_counting_at_once() {
    let mut piecewise = Vec::new();
    let mut counter = Rainflow::new();
    for value in EXAMPLE {
        counter.push(value, &mut |cycle| piecewise.push(cycle));
    }
    counter.finish(&mut |cycle| piecewise.push(cycle));
    assert_eq!(piecewise, rainflow(EXAMPLE));
}

#[test]
fn a_day_counts_the_same_wherever_it_starts() {
    let day = [0.9, 0.7, 0.7, 0.5, 0.5, 0.9];
    for start in 0..day.len() {
        let turned: Vec<f64> = day[start..].iter().chain(&day[1..=start]).copied().collect();
        let cycles = rainflow_repeating(&turned);
        assert!((weighted_depth(&cycles) - 0.4).abs() < 1e-15, "{start}: {cycles:?}");
    }
}

#[test]
fn nothing_and_standing_still_have_no_cycles() {
    for series in [&[][..], &[0.5], &[0.5, 0.5], &[0.5, 0.5, 0.5]] {
        let moved: f64 = rainflow(series.iter().copied()).iter().map(|cycle| cycle.range).sum();
        assert_eq!(moved, 0.0);
        assert_eq!(weighted_depth(&rainflow_repeating(series)), 0.0);
    }
    assert_eq!(rainflow([0.2, 0.8]).len(), 1);
}
