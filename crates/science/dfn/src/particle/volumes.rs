//! Diffusion in a sphere whose diffusivity depends on stoichiometry, by finite volumes.
//!
//! In Kirchhoff's variable `psi = integral of D dc` the flux between two volumes is `-(psi_right - psi_left) / distance`
//! without any mean of diffusivities, exact for a steady profile however steeply `D` falls; `D` and `psi` come from one
//! table, so the Jacobian is exact.

use voltwin_cell::{CellError, HermiteTable};

/// Pieces of the table of the diffusivity.
const PIECES: usize = 4096;

/// Volumes at the surface that shrink towards it, and by what: pulses live in a layer far thinner than the mesh that the
/// fronts inside ask for.
const SHRINKING: usize = 9;
const SHRINK: f64 = 0.6;

/// A mesh over one particle, radius 1, and the diffusivity (m2/s at the reference temperature) over stoichiometry.
#[derive(Debug, Clone)]
pub(crate) struct Sphere {
    /// `rho^2 / distance` of the inner faces.
    conductance: Vec<f64>,
    /// `(rho_out^3 - rho_in^3) / 3`.
    volume: Vec<f64>,
    centre: Vec<f64>,
    /// Weights of the last and the last but one volume and of the slope for the value at the surface.
    surface: [f64; 3],
    /// The integral of the diffusivity, whose slope is the diffusivity.
    potential: HermiteTable,
}

impl Sphere {
    /// `count` volumes, equal but for the last ones.
    pub(crate) fn new(count: usize, diffusivity: impl Fn(f64) -> f64) -> Result<Self, CellError> {
        let equal = count.saturating_sub(SHRINKING).max(count / 2);
        let widths: Vec<f64> = (0..count)
            .scan(1.0, |w, k| {
                if k >= equal {
                    *w *= SHRINK;
                }
                Some(*w)
            })
            .collect();
        let whole: f64 = widths.iter().sum();
        let widths: Vec<f64> = widths.iter().map(|width| width / whole).collect();
        let faces: Vec<f64> = std::iter::once(0.0)
            .chain(widths.iter().scan(0.0, |sum, w| {
                *sum += w;
                Some(*sum)
            }))
            .collect();
        let piece = 1.0 / PIECES as f64;
        let mut sums = vec![0.0];
        for k in 0..PIECES {
            let x = piece * k as f64;
            // Simpson's rule
            let rise = diffusivity(x) + 4.0 * diffusivity(x + 0.5 * piece) + diffusivity(x + piece);
            sums.push(sums[k] + rise * piece / 6.0);
        }
        let potential = HermiteTable::sample((0.0, 1.0), PIECES, |x| {
            (sums[(x / piece).round() as usize], diffusivity(x))
        })?;
        let near = 0.5 * widths[count - 1];
        let far = widths[count - 1] + 0.5 * widths[count - 2];
        let squares = far * far - near * near;
        Ok(Self {
            conductance: (1..count).map(|k| faces[k].powi(2) / (0.5 * (widths[k - 1] + widths[k]))).collect(),
            volume: (0..count).map(|k| (faces[k + 1].powi(3) - faces[k].powi(3)) / 3.0).collect(),
            centre: (0..count).map(|k| 0.5 * (faces[k] + faces[k + 1])).collect(),
            surface: [far * far / squares, near * near / squares, near * far / (near + far)],
            potential,
        })
    }

    /// Surface stoichiometry from the last two volumes and the flux (`j R / c_max`), and its slopes by the three: the
    /// parabola in Kirchhoff's variable whose slope at the surface carries the flux.
    pub(crate) fn surface(&self, last: f64, before: f64, flux: f64, scale: f64) -> (f64, [f64; 3]) {
        let [a, b, c] = self.surface;
        let (psi_last, d_last) = self.potential.value_and_slope(last);
        let (psi_before, d_before) = self.potential.value_and_slope(before);
        let wanted = a * psi_last - b * psi_before - c * flux / scale;
        let (mut low, mut high) = (-1.0, 2.0);
        let mut x = last;
        for _ in 0..60 {
            let (value, slope) = self.potential.value_and_slope(x);
            let miss = value - wanted;
            if miss > 0.0 {
                high = x;
            } else {
                low = x;
            }
            let next = x - miss / slope;
            let next = if next > low && next < high { next } else { 0.5 * (low + high) };
            let change = (next - x).abs();
            x = next;
            if change < 1e-13 {
                break;
            }
        }
        let slope = self.potential.value_and_slope(x).1;
        (x, [a * d_last / slope, -b * d_before / slope, -c / (scale * slope)])
    }

    pub(crate) fn count(&self) -> usize {
        self.volume.len()
    }

    /// Volume-weighted mean.
    pub(crate) fn mean(&self, x: &[f64]) -> f64 {
        3.0 * x.iter().zip(&self.volume).map(|(x, v)| x * v).sum::<f64>()
    }

    pub(crate) fn centres(&self) -> &[f64] {
        &self.centre
    }

    /// Rate of change of `x` times `R^2`: `scale` multiplies the diffusivity, `flux` is `j R / c_max`, outwards.
    pub(crate) fn rate(&self, x: &[f64], flux: f64, scale: f64, rate: &mut [f64]) {
        let count = self.count();
        let mut inflow = 0.0;
        let mut here = self.potential.value(x[0]);
        for k in 0..count {
            let out = if k + 1 < count {
                let next = self.potential.value(x[k + 1]);
                let out = -scale * self.conductance[k] * (next - here);
                here = next;
                out
            } else {
                flux
            };
            rate[k] = (inflow - out) / self.volume[k];
            inflow = out;
        }
    }

    /// One Newton iteration of `x - known - weight rate(x) = 0` about `x` for a flux still unknown: afterwards
    /// `x_new = rest - response flux`. `weight` holds the step and `1 / R^2`.
    pub(crate) fn linearise(
        &self,
        x: &[f64],
        known: &[f64],
        weight: f64,
        scale: f64,
        rest: &mut [f64],
        response: &mut [f64],
    ) {
        let count = self.count();
        let mut upper_before = 0.0;
        let mut left = (0.0, 0.0, 0.0);
        let (mut value, mut slope) = self.potential.value_and_slope(x[0]);
        // forward elimination; `response` holds the multiplier of the next unknown until the way back
        for k in 0..count {
            let over = weight / self.volume[k];
            // coefficient of x_k and x_(k+1), and the known part, of the flow through the right face
            let (mut right, mut next_pair) = ((0.0, 0.0, 0.0), (0.0, 0.0));
            if k + 1 < count {
                next_pair = self.potential.value_and_slope(x[k + 1]);
                let g = scale * self.conductance[k];
                right = (
                    g * slope,
                    -g * next_pair.1,
                    g * (value - next_pair.0) - g * (slope * x[k] - next_pair.1 * x[k + 1]),
                );
            }
            let lower = -over * left.0;
            let diagonal = 1.0 + over * (right.0 - left.1);
            let upper = over * right.1;
            let right_side = known[k] - over * (right.2 - left.2);
            let pivot = diagonal - lower * upper_before;
            let before = if k > 0 { rest[k - 1] } else { 0.0 };
            rest[k] = (right_side - lower * before) / pivot;
            upper_before = upper / pivot;
            response[k] = if k + 1 < count { upper_before } else { over / pivot };
            left = right;
            (value, slope) = next_pair;
        }
        for k in (0..count - 1).rev() {
            let multiplier = response[k];
            rest[k] -= multiplier * rest[k + 1];
            response[k] = -multiplier * response[k + 1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_iteration_solves_a_linear_particle() {
        let sphere = Sphere::new(30, |_| 2.0).expect("a constant");
        let known: Vec<f64> = (0..30).map(|k| 0.5 + 0.01 * f64::from(k)).collect();
        let (mut rest, mut response) = (vec![0.0; 30], vec![0.0; 30]);
        sphere.linearise(&known, &known, 0.1, 1.5, &mut rest, &mut response);
        let flux = 0.07;
        let x: Vec<f64> = rest.iter().zip(&response).map(|(a, b)| a - b * flux).collect();
        let mut rate = vec![0.0; 30];
        sphere.rate(&x, flux, 1.5, &mut rate);
        for k in 0..30 {
            // the thinnest volume, a 10,000th of the whole, blows rounding up by as much
            assert!((x[k] - known[k] - 0.1 * rate[k]).abs() < 1e-10);
        }
        // what flows out is missing: 3 j per radius
        assert!((sphere.mean(&known) - sphere.mean(&x) - 3.0 * 0.1 * flux).abs() < 1e-12);
    }
}
