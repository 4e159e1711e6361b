//! Diffusion in a sphere of constant diffusivity, as few uncoupled modes.
//!
//! With `rho = r / R` the equation `c_t = D r^-2 (r^2 c_r)_r`, `-D c_r(R) = j`, is projected on the even Legendre
//! polynomials `P_0, P_2, .. P_2(N-1)` of `rho` (Galerkin, weight `rho^2`; Gottlieb and Orszag, "Numerical analysis of
//! spectral methods", 1977). The generalised symmetric eigenproblem of stiffness and mass then makes it diagonal:
//!
//! ```text
//! q_k' = -(D / R^2) lambda_k q_k - (s_k / R) j        c(1) = sum_k s_k q_k        c(rho) = sum_k p_k(rho) q_k
//! ```
//!
//! The constant is one of the basis functions and is kept apart from the others, so the first mode is exactly the mean
//! (`q_0 = mean / sqrt 3`) and lithium is conserved to rounding. The higher modes are not those of the sphere: a
//! polynomial of degree `2 N` resolves a layer of thickness `R / N^2` at the surface, which `N` true modes do not, so a
//! dozen of them follow a pulse from its first tenths of a second.

use std::f64::consts::PI;

/// Eigenvalues and surface values of the modes, for one type of particle whatever its radius and diffusivity.
#[derive(Debug, Clone)]
pub(crate) struct Modes {
    /// Rate of decay over `D / R^2`, ascending, the first zero.
    pub(crate) rate: Vec<f64>,
    /// Value of each mode at the surface.
    pub(crate) surface: Vec<f64>,
    /// Each mode as coefficients of the even Legendre polynomials.
    shape: Vec<Vec<f64>>,
}

impl Modes {
    /// `count` modes, at least two.
    pub(crate) fn new(count: usize) -> Self {
        let rest = count.max(2) - 1;
        let rule = gauss_legendre(2 * count + 4);
        let mut mass = vec![vec![0.0; rest]; rest];
        let mut stiffness = mass.clone();
        let mut means = vec![0.0; rest];
        for &(node, weight) in &rule {
            // the integrands are even: half of the rule on [-1, 1]
            let weight = 0.5 * weight * node * node;
            let (value, slope) = even_legendre(node, rest + 1);
            for i in 0..rest {
                means[i] += 3.0 * weight * value[i + 1];
                for j in 0..rest {
                    mass[i][j] += weight * value[i + 1] * value[j + 1];
                    stiffness[i][j] += weight * slope[i + 1] * slope[j + 1];
                }
            }
        }
        for i in 0..rest {
            for j in 0..rest {
                mass[i][j] -= means[i] * means[j] / 3.0;
            }
        }
        let (rates, vectors) = generalised_eigen(&mass, &stiffness);
        let mut rate = vec![0.0];
        let mut surface = vec![3.0_f64.sqrt()];
        let mut shape = vec![vec![0.0; rest + 1]];
        shape[0][0] = 3.0_f64.sqrt();
        for (value, vector) in rates.iter().zip(&vectors) {
            let mean: f64 = vector.iter().zip(&means).map(|(v, m)| v * m).sum();
            let mut coefficients = vec![-mean];
            coefficients.extend_from_slice(vector);
            rate.push(*value);
            surface.push(coefficients.iter().sum());
            shape.push(coefficients);
        }
        Self { rate, surface, shape }
    }

    /// Values of all modes at `rho` in 0..=1.
    pub(crate) fn at(&self, rho: f64) -> Vec<f64> {
        let (value, _) = even_legendre(rho, self.rate.len());
        self.shape.iter().map(|shape| shape.iter().zip(&value).map(|(c, p)| c * p).sum()).collect()
    }
}

/// `P_0, P_2, ..` and their derivatives at `x`.
fn even_legendre(x: f64, count: usize) -> (Vec<f64>, Vec<f64>) {
    let mut value = vec![1.0, x];
    let mut slope = vec![0.0, 1.0];
    for degree in 2..2 * count {
        let n = degree as f64;
        value.push(((2.0 * n - 1.0) * x * value[degree - 1] - (n - 1.0) * value[degree - 2]) / n);
        slope.push(slope[degree - 2] + (2.0 * n - 1.0) * value[degree - 1]);
    }
    let even = |all: &[f64]| all.iter().step_by(2).take(count).copied().collect();
    (even(&value), even(&slope))
}

/// Nodes and weights on \[-1, 1\] by Newton's method on `P_n`.
fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    (0..count)
        .map(|index| {
            let mut x = (PI * (index as f64 + 0.75) / (count as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..40 {
                let (mut before, mut value) = (1.0, x);
                for degree in 2..=count {
                    let n = degree as f64;
                    (before, value) = (value, ((2.0 * n - 1.0) * x * value - (n - 1.0) * before) / n);
                }
                slope = count as f64 * (x * value - before) / (x * x - 1.0);
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-16 {
                    break;
                }
            }
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

/// `stiffness v = value mass v` with `v mass v = 1`, ascending: Cholesky, then Jacobi's rotations.
fn generalised_eigen(mass: &[Vec<f64>], stiffness: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = mass.len();
    let mut lower = vec![vec![0.0; size]; size];
    for i in 0..size {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            lower[i][j] =
                if i == j { (mass[i][i] - dot).max(0.0).sqrt() } else { (mass[i][j] - dot) / lower[j][j] };
        }
    }
    // lower^-1 stiffness lower^-T, by two triangular solves
    let forward = |columns: &mut [Vec<f64>]| {
        for column in columns {
            for i in 0..size {
                let dot: f64 = (0..i).map(|k| lower[i][k] * column[k]).sum();
                column[i] = (column[i] - dot) / lower[i][i];
            }
        }
    };
    let mut matrix = stiffness.to_vec();
    forward(&mut matrix);
    let mut matrix = transpose(&matrix);
    forward(&mut matrix);
    let mut vectors: Vec<Vec<f64>> =
        (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..60 {
        let mut off = 0.0;
        for p in 0..size {
            for q in p + 1..size {
                off += matrix[p][q] * matrix[p][q];
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
        if off == 0.0 {
            break;
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| matrix[a][a].total_cmp(&matrix[b][b]));
    let values = order.iter().map(|&k| matrix[k][k]).collect();
    let shapes = order
        .iter()
        .map(|&k| {
            let mut column: Vec<f64> = vectors.iter().map(|row| row[k]).collect();
            for i in (0..size).rev() {
                let dot: f64 = (i + 1..size).map(|m| lower[m][i] * column[m]).sum();
                column[i] = (column[i] - dot) / lower[i][i];
            }
            column
        })
        .collect();
    (values, shapes)
}

fn transpose(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..matrix.len()).map(|i| matrix.iter().map(|row| row[i]).collect()).collect()
}

fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    let off = matrix[p][q];
    if off.abs() < 1e-300 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * off);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cos = 1.0 / (t * t + 1.0).sqrt();
    let sin = t * cos;
    for row in matrix.iter_mut() {
        (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
    }
    for k in 0..matrix.len() {
        let (a, b) = (matrix[p][k], matrix[q][k]);
        matrix[p][k] = cos * a - sin * b;
        matrix[q][k] = sin * a + cos * b;
    }
    for row in vectors {
        (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
    }
    matrix[p][q] = 0.0;
    matrix[q][p] = 0.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roots of tan x = x; the first is in Abramowitz and Stegun, table 4.19.
    #[test]
    fn the_slow_modes_are_those_of_the_sphere() {
        let modes = Modes::new(12);
        for (index, root) in
            [4.493_409_457_909_064, 7.725_251_836_937_707, 10.904_121_659_428_9].into_iter().enumerate()
        {
            let rate = modes.rate[index + 1];
            assert!((rate / (root * root) - 1.0).abs() < 1e-10, "{rate} for {}", root * root);
            // every mode of the sphere has the same value at the surface
            assert!((modes.surface[index + 1].powi(2) - 2.0).abs() < 1e-8);
        }
        assert_eq!(modes.rate[0], 0.0);
    }

    /// Carslaw and Jaeger: at constant flux the surface tends to the mean less `R j / (5 D)`.
    #[test]
    fn the_steady_difference_of_surface_and_mean_is_a_fifth() {
        for count in [4, 8, 12, 20] {
            let modes = Modes::new(count);
            let sum: f64 = modes.rate.iter().zip(&modes.surface).skip(1).map(|(l, s)| s * s / l).sum();
            assert!((sum - 0.2).abs() < 1e-10, "{count} modes: {sum}");
        }
    }

    #[test]
    fn shapes_end_at_their_surface_values() {
        let modes = Modes::new(10);
        for (shape, surface) in modes.at(1.0).iter().zip(&modes.surface) {
            assert!((shape - surface).abs() < 1e-11);
        }
    }
}
