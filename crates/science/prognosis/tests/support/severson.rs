//! Cycle life of the fast-charged A123 cells from their first hundred cycles.

use std::collections::BTreeMap;

use voltwin_prognosis::{EarlyLife, EarlyRecord};

use super::shared;

/// Cells of a set with their lives; `None` where the set is not there.
pub(crate) fn cells(set: &str) -> Option<Vec<(EarlyRecord, f64)>> {
    let path = |kind: &str| shared(&format!("data/battery/severson_{set}_{kind}.csv"));
    let rows = |kind: &str| -> Option<Vec<csv::StringRecord>> {
        Some(csv::Reader::from_path(path(kind)?).unwrap().records().map(Result::unwrap).collect())
    };
    let numbers = |row: &csv::StringRecord, from: usize| -> Vec<f64> {
        row.iter().skip(from).map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()
    };
    let mut curves: BTreeMap<(String, u32), Vec<f64>> = BTreeMap::new();
    for row in rows("qv")? {
        curves.insert((row[0].to_owned(), row[1].parse().unwrap()), numbers(&row, 2));
    }
    let capacities: BTreeMap<String, Vec<f64>> =
        rows("capacity")?.iter().map(|row| (row[0].to_owned(), numbers(row, 1))).collect();
    let lives = rows("cycle_life")?;
    Some(
        lives
            .iter()
            .map(|row| {
                let curve = |cycle: u32| curves[&(row[0].to_owned(), cycle)].clone();
                let record = EarlyRecord {
                    charge_at_10: curve(10),
                    charge_at_50: curve(50),
                    charge_at_100: curve(100),
                    capacities: capacities[&row[0]].clone(),
                    nominal_ah: 1.1,
                };
                (record, row[1].parse().unwrap())
            })
            .collect(),
    )
}

/// Root mean square error in cycles, mean error in %, share of lives inside the 90 % interval.
pub(crate) fn errors(model: &EarlyLife, cells: &[(EarlyRecord, f64)]) -> (f64, f64, f64) {
    let n = cells.len() as f64;
    let (mut square, mut relative, mut inside) = (0.0, 0.0, 0.0);
    for (record, life) in cells {
        let interval = model.life(record).unwrap();
        square += (interval.mean - life).powi(2) / n;
        relative += 100.0 * (interval.mean - life).abs() / life / n;
        inside += f64::from(u8::from(interval.covers(*life))) / n;
    }
    (square.sqrt(), relative, inside)
}

/// The one-feature model: log life over the log variance of the change of charge, least squares.
pub(crate) fn variance_model(train: &[(EarlyRecord, f64)], cells: &[(EarlyRecord, f64)]) -> (f64, f64) {
    let x = |record: &EarlyRecord| record.features().unwrap()[0];
    let n = train.len() as f64;
    let mx = train.iter().map(|(record, _)| x(record)).sum::<f64>() / n;
    let my = train.iter().map(|(_, life)| life.log10()).sum::<f64>() / n;
    let (mut xy, mut xx) = (0.0, 0.0);
    for (record, life) in train {
        xy += (x(record) - mx) * (life.log10() - my);
        xx += (x(record) - mx).powi(2);
    }
    let n = cells.len() as f64;
    cells.iter().fold((0.0, 0.0), |sum, (record, life)| {
        let error = 10_f64.powf(my + xy / xx * (x(record) - mx)) - life;
        ((sum.0 * sum.0 + error * error / n).sqrt(), sum.1 + 100.0 * error.abs() / life / n)
    })
}
