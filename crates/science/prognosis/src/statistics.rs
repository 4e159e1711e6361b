//! Two small statistics.

/// Middle value; of an even number, the mean of the middle two.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { 0.5 * (sorted[middle - 1] + sorted[middle]) }
}

/// Slope of the least-squares line.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / n, sum.1 + point.1 / n));
    let (xy, xx) = points.iter().fold((0.0, 0.0), |sum, point| {
        (sum.0 + (point.0 - mx) * (point.1 - my), sum.1 + (point.0 - mx) * (point.0 - mx))
    });
    if xx > 0.0 { xy / xx } else { 0.0 }
}
