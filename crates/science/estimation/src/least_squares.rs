//! Nonlinear least squares inside of bounds: Levenberg-Marquardt (Marquardt 1963) on the normal equations, with
//! Nielsen's update of the damping.

use crate::EstimationError;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Jacobians at most.
    pub iterations: usize,
    /// Stop when a step lowers the cost by less than this share.
    pub relative_cost: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { iterations: 40, relative_cost: 1e-5 }
    }
}

/// Where the sum of squares is least.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The parameters.
    pub at: Vec<f64>,
    /// Half the sum of squares.
    pub cost: f64,
    /// Inverse of `JᵀJ`: the covariance for residuals of unit variance. Row by row.
    pub covariance: Vec<Vec<f64>>,
    /// Jacobians computed.
    pub iterations: usize,
    /// Whether the last step was small enough, not the count used up.
    pub converged: bool,
}

/// The residuals at some parameters.
pub type Residuals<'a> = dyn FnMut(&[f64]) -> Result<Vec<f64>, EstimationError> + 'a;

/// Minimises `½ |r(x)|²` for `low <= x <= high`, from `start`, with differences of `1e-4` for the Jacobian: parameters
/// should be scaled to order one.
///
/// # Errors
/// [`EstimationError::Fit`] when a residual is not finite at the start or `JᵀJ` stays singular. Errors of `residuals`
/// pass through.
pub fn minimise(
    residuals: &mut Residuals<'_>,
    start: &[f64],
    bounds: &[(f64, f64)],
    limits: Limits,
) -> Result<Minimum, EstimationError> {
    let count = start.len();
    if bounds.len() != count {
        return Err(EstimationError::Fit("there must be bounds for each parameter"));
    }
    let inside = |x: f64, index: usize| x.clamp(bounds[index].0, bounds[index].1);
    let mut at: Vec<f64> = start.iter().enumerate().map(|(index, x)| inside(*x, index)).collect();
    let mut now = residuals(&at)?;
    let mut cost = half_square(&now);
    if !cost.is_finite() {
        return Err(EstimationError::Fit("the residuals at the start are not finite"));
    }
    let (mut damping, mut growth) = (1e-3, 2.0);
    let mut iterations = 0;
    let mut converged = false;
    let mut normal = vec![vec![0.0; count]; count];
    while iterations < limits.iterations && !converged {
        iterations += 1;
        let jacobian = jacobian(residuals, &at, &now, bounds)?;
        let mut gradient = vec![0.0; count];
        for (row, column) in jacobian.iter().enumerate() {
            gradient[row] = dot(column, &now);
            for other in row..count {
                let value = dot(column, &jacobian[other]);
                normal[row][other] = value;
                normal[other][row] = value;
            }
        }
        loop {
            // A parameter that leans on its bound and would go further out stays there.
            let held: Vec<bool> = (0..count)
                .map(|p| {
                    (at[p] <= bounds[p].0 && gradient[p] > 0.0) || (at[p] >= bounds[p].1 && gradient[p] < 0.0)
                })
                .collect();
            let mut damped = normal.clone();
            let mut right: Vec<f64> = gradient.iter().map(|g| -g).collect();
            for p in 0..count {
                if held[p] {
                    damped[p].fill(0.0);
                    damped.iter_mut().for_each(|row| row[p] = 0.0);
                    damped[p][p] = 1.0;
                    right[p] = 0.0;
                } else {
                    damped[p][p] += damping * damped[p][p].max(1e-9);
                }
            }
            let tried = Cholesky::of(&damped).map(|factor| {
                let step = factor.solve(&right);
                at.iter().zip(&step).enumerate().map(|(p, (x, d))| inside(x + d, p)).collect::<Vec<f64>>()
            });
            if let Some(next) = tried {
                let next_residuals = residuals(&next)?;
                let next_cost = half_square(&next_residuals);
                if next_cost < cost {
                    converged = cost - next_cost <= limits.relative_cost * cost;
                    (at, now, cost) = (next, next_residuals, next_cost);
                    damping = (damping / 3.0_f64).max(1e-12);
                    growth = 2.0;
                    break;
                }
            }
            damping *= growth;
            growth *= 2.0;
            if damping > 1e12 {
                converged = true;
                break;
            }
        }
    }
    let covariance = Cholesky::of(&normal)
        .ok_or(EstimationError::Fit("the data do not determine every parameter"))?
        .inverse();
    Ok(Minimum { at, cost, covariance, iterations, converged })
}

fn jacobian(
    residuals: &mut Residuals<'_>,
    at: &[f64],
    now: &[f64],
    bounds: &[(f64, f64)],
) -> Result<Vec<Vec<f64>>, EstimationError> {
    let mut moved = at.to_vec();
    (0..at.len())
        .map(|p| {
            let step = if at[p] + 1e-4 <= bounds[p].1 { 1e-4 } else { -1e-4 };
            moved[p] = at[p] + step;
            let there = residuals(&moved)?;
            moved[p] = at[p];
            Ok(there.iter().zip(now).map(|(a, b)| (a - b) / step).collect())
        })
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn half_square(values: &[f64]) -> f64 {
    0.5 * dot(values, values)
}

/// `A = L Lᵀ`.
struct Cholesky {
    lower: Vec<Vec<f64>>,
}

impl Cholesky {
    /// `None` when the matrix is not positive definite.
    fn of(matrix: &[Vec<f64>]) -> Option<Self> {
        let count = matrix.len();
        let mut lower = vec![vec![0.0; count]; count];
        for row in 0..count {
            for column in 0..=row {
                let sum = matrix[row][column] - dot(&lower[row][..column], &lower[column][..column]);
                lower[row][column] = if row == column {
                    if sum.is_nan() || sum <= 1e-14 * matrix[row][row].abs() {
                        return None;
                    }
                    sum.sqrt()
                } else {
                    sum / lower[column][column]
                };
            }
        }
        Some(Self { lower })
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let count = right.len();
        let mut x = right.to_vec();
        for row in 0..count {
            x[row] = (x[row] - dot(&self.lower[row][..row], &x[..row])) / self.lower[row][row];
        }
        for row in (0..count).rev() {
            let below: f64 = (row + 1..count).map(|other| self.lower[other][row] * x[other]).sum();
            x[row] = (x[row] - below) / self.lower[row][row];
        }
        x
    }

    fn inverse(&self) -> Vec<Vec<f64>> {
        let count = self.lower.len();
        let unit = |p: usize| (0..count).map(|q| if p == q { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
        (0..count).map(|p| self.solve(&unit(p))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_variances_of_the_textbook() {
        // y = a + b x with unit noise: var(b) = 1/Σ(x-x̄)², var(a) = Σx²/(n Σ(x-x̄)²).
        let x: Vec<f64> = (0..50).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 - 0.2 * x).collect();
        let mut residuals =
            |p: &[f64]| Ok(x.iter().zip(&y).map(|(x, y)| p[0] + p[1] * x - y).collect::<Vec<f64>>());
        let minimum = minimise(
            &mut residuals,
            &[0.0, 0.0],
            &[(-10.0, 10.0), (-1.0, 1.0)],
            Limits { relative_cost: 0.0, ..Limits::default() },
        )
        .unwrap();
        assert!((minimum.at[0] - 3.0).abs() < 1e-6 && (minimum.at[1] + 0.2).abs() < 1e-8, "{:?}", minimum.at);
        let spread: f64 = x.iter().map(|x| (x - 24.5).powi(2)).sum();
        let square: f64 = x.iter().map(|x| x * x).sum();
        assert!((minimum.covariance[1][1] * spread - 1.0).abs() < 1e-5);
        assert!((minimum.covariance[0][0] * 50.0 * spread / square - 1.0).abs() < 1e-5);
    }

    #[test]
    fn rosenbrock_and_a_bound_in_the_way() {
        let mut residuals = |p: &[f64]| Ok(vec![10.0 * (p[1] - p[0] * p[0]), 1.0 - p[0]]);
        let free = [(-5.0, 5.0), (-5.0, 5.0)];
        let limits = Limits { iterations: 200, relative_cost: 1e-14 };
        let minimum = minimise(&mut residuals, &[-1.2, 1.0], &free, limits).unwrap();
        assert!((minimum.at[0] - 1.0).abs() < 1e-3 && (minimum.at[1] - 1.0).abs() < 2e-3, "{:?}", minimum.at);
        // With x0 <= 0.5 the best is at the bound, x1 = 0.25.
        let minimum = minimise(&mut residuals, &[-1.2, 1.0], &[(-5.0, 0.5), (-5.0, 5.0)], limits).unwrap();
        assert!(
            (minimum.at[0] - 0.5).abs() < 1e-9 && (minimum.at[1] - 0.25).abs() < 1e-3,
            "{:?}",
            minimum.at
        );
    }

    #[test]
    fn what_the_data_do_not_say_is_refused() {
        let mut residuals = |p: &[f64]| Ok(vec![p[0] + p[1] - 1.0, 2.0 * (p[0] + p[1] - 1.0)]);
        let wide = [(-5.0, 5.0), (-5.0, 5.0)];
        assert!(minimise(&mut residuals, &[0.0, 0.0], &wide, Limits::default()).is_err());
        let mut infinite = |_: &[f64]| Ok(vec![f64::NAN]);
        assert!(minimise(&mut infinite, &[0.0], &[(0.0, 1.0)], Limits::default()).is_err());
    }
}
