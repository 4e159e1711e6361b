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
    Line::through(points).slope
}

/// A least-squares line.
pub(crate) struct Line {
    pub(crate) slope: f64,
    /// Variance of the slope by the scatter of the points around it.
    pub(crate) slope_variance: f64,
}

impl Line {
    pub(crate) fn through(points: &[(f64, f64)]) -> Self {
        let n = points.len() as f64;
        let (mx, my) =
            points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / n, sum.1 + point.1 / n));
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for &(x, y) in points {
            let (x, y) = (x - mx, y - my);
            xx += x * x;
            xy += x * y;
            yy += y * y;
        }
        if xx <= 0.0 || n < 3.0 {
            return Self { slope: 0.0, slope_variance: 0.0 };
        }
        let slope = xy / xx;
        Self { slope, slope_variance: (yy - slope * xy).max(0.0) / (n - 2.0) / xx }
    }
}
