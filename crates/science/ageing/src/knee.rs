//! Where a fade turns steep.

use crate::{AgeingError, error::within};

/// The bend of a fading capacity: two straight lines that meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knee {
    /// Abscissa of the bend, in the unit given.
    pub at: f64,
    /// Slope before it, capacity per unit.
    pub slope_before: f64,
    /// Slope after it.
    pub slope_after: f64,
    /// Residual sum of squares of the two lines relative to that of one; small means a clear bend.
    pub gain: f64,
}

impl Knee {
    /// A knee in the everyday sense: fading at least `ratio` times as fast after the bend.
    #[must_use]
    pub fn is_steeper(&self, ratio: f64) -> bool {
        self.slope_after < 0.0 && self.slope_after < ratio * self.slope_before.min(0.0)
    }
}

/// The best continuous pair of lines through `(x, capacity)` by least squares (the model of Bacon and Watts, 1971,
/// without its smoothing). The bend is sought at the points themselves, five away from either end.
///
/// # Errors
/// Fewer than 12 points.
pub fn knee(points: &[(f64, f64)]) -> Result<Knee, AgeingError> {
    const EDGE: usize = 5;
    within("points", points.len() as f64, 12.0, 1e9)?;
    let origin = points[0].0;
    let line = hinge_fit(points, origin, f64::INFINITY).map_or(0.0, |fit| fit.residual);
    let mut best: Option<Knee> = None;
    for &(at, _) in &points[EDGE..points.len() - EDGE] {
        let Some(fit) = hinge_fit(points, origin, at) else { continue };
        let gain = if line > 0.0 { fit.residual / line } else { 1.0 };
        if best.is_none_or(|best| gain < best.gain) {
            best = Some(Knee { at, slope_before: fit.slope, slope_after: fit.slope + fit.bend, gain });
        }
    }
    Ok(best.unwrap_or(Knee { at: origin, slope_before: 0.0, slope_after: 0.0, gain: 1.0 }))
}

struct Hinge {
    slope: f64,
    bend: f64,
    residual: f64,
}

/// Least squares of `a + slope (x - origin) + bend max(0, x - at)`.
fn hinge_fit(points: &[(f64, f64)], origin: f64, at: f64) -> Option<Hinge> {
    let n = points.len() as f64;
    let basis = |x: f64| (x - origin, (x - at).max(0.0));
    let (mut mu, mut mv, mut my) = (0.0, 0.0, 0.0);
    for &(x, y) in points {
        let (u, v) = basis(x);
        mu += u / n;
        mv += v / n;
        my += y / n;
    }
    let (mut uu, mut uv, mut vv, mut uy, mut vy, mut yy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for &(x, y) in points {
        let (u, v) = basis(x);
        let (u, v, y) = (u - mu, v - mv, y - my);
        uu += u * u;
        uv += u * v;
        vv += v * v;
        uy += u * y;
        vy += v * y;
        yy += y * y;
    }
    if uu <= 0.0 {
        return None;
    }
    if at.is_infinite() {
        let slope = uy / uu;
        return Some(Hinge { slope, bend: 0.0, residual: (yy - slope * uy).max(0.0) });
    }
    let determinant = uu * vv - uv * uv;
    if determinant <= 1e-12 * uu * vv {
        return None;
    }
    let slope = (uy * vv - vy * uv) / determinant;
    let bend = (vy * uu - uy * uv) / determinant;
    Some(Hinge { slope, bend, residual: (yy - slope * uy - bend * vy).max(0.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bend_of_two_lines_is_found_where_it_is() {
        let points: Vec<(f64, f64)> = (0..100)
            .map(|i| f64::from(i) * 10.0)
            .map(|x| (x, 1.0 - 1e-4 * x - 9e-4 * (x - 600.0_f64).max(0.0)))
            .collect();
        let knee = knee(&points).unwrap();
        assert_eq!(knee.at, 600.0);
        assert!((knee.slope_before + 1e-4).abs() < 1e-12 && (knee.slope_after + 1e-3).abs() < 1e-12);
        assert!(knee.gain < 1e-9 && knee.is_steeper(3.0));
    }

    #[test]
    fn a_straight_fade_has_no_knee_and_a_short_one_is_refused() {
        let points: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), 1.0 - 1e-3 * f64::from(i))).collect();
        assert!(!knee(&points).unwrap().is_steeper(1.5));
        assert!(knee(&points[..11]).is_err());
    }
}
