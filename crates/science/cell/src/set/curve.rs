//! Functions of stoichiometry as papers print them: sums of polynomials, exponentials, tanh and bells.

use serde::{Deserialize, Serialize};

/// A sum of closed-form terms in one variable `x` (a stoichiometry), as data.
///
/// `scale * (or 10^) Σ terms`, with the argument stretched first: papers on LiCoO2 write `U(1.062 x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Coefficients of `1, x, x², …`.
    #[serde(default)]
    pub polynomial: Vec<f64>,
    /// `[a, k, x0]`: `a exp(k (x - x0))`.
    #[serde(default)]
    pub exponential: Vec<[f64; 3]>,
    /// `[a, k, x0]`: `a tanh(k (x - x0))`.
    #[serde(default)]
    pub tanh: Vec<[f64; 3]>,
    /// `[a, k, x0]`: `a / cosh²(k (x - x0))`.
    #[serde(default)]
    pub sech2: Vec<[f64; 3]>,
    /// `[a, b, c]`: `a exp(-(x - b)² / c)`.
    #[serde(default)]
    pub gaussian: Vec<[f64; 3]>,
    /// `[a, b, p]`: `a exp(b x^p)`.
    #[serde(default)]
    pub power_exponential: Vec<[f64; 3]>,
    /// The sum is a decimal logarithm.
    #[serde(default)]
    pub log10: bool,
    /// A factor on the whole.
    #[serde(default = "one")]
    pub scale: f64,
    /// A factor on `x`.
    #[serde(default = "one")]
    pub stretch: f64,
}

fn one() -> f64 {
    1.0
}

impl Default for Curve {
    fn default() -> Self {
        Self::constant(0.0)
    }
}

impl Curve {
    /// The same value everywhere.
    #[must_use]
    pub fn constant(value: f64) -> Self {
        Self {
            polynomial: vec![value],
            exponential: Vec::new(),
            tanh: Vec::new(),
            sech2: Vec::new(),
            gaussian: Vec::new(),
            power_exponential: Vec::new(),
            log10: false,
            scale: 1.0,
            stretch: 1.0,
        }
    }

    /// Whether it has one value for every `x`.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.polynomial.iter().skip(1).all(|c| *c == 0.0)
            && [&self.exponential, &self.tanh, &self.sech2, &self.gaussian, &self.power_exponential]
                .iter()
                .all(|terms| terms.is_empty())
    }

    /// Value and slope at `x`.
    #[must_use]
    pub fn value_and_slope(&self, x: f64) -> (f64, f64) {
        let z = self.stretch * x;
        let (mut sum, mut slope) = (0.0, 0.0);
        for c in self.polynomial.iter().rev() {
            slope = slope * z + sum;
            sum = sum * z + c;
        }
        for [a, k, x0] in &self.exponential {
            let term = a * (k * (z - x0)).exp();
            sum += term;
            slope += k * term;
        }
        for [a, k, x0] in &self.tanh {
            let t = (k * (z - x0)).tanh();
            sum += a * t;
            slope += a * k * (1.0 - t * t);
        }
        for [a, k, x0] in &self.sech2 {
            let t = (k * (z - x0)).tanh();
            let bell = 1.0 - t * t;
            sum += a * bell;
            slope -= 2.0 * a * k * t * bell;
        }
        for [a, b, c] in &self.gaussian {
            let term = a * (-(z - b) * (z - b) / c).exp();
            sum += term;
            slope -= 2.0 * (z - b) / c * term;
        }
        for [a, b, p] in &self.power_exponential {
            let term = a * (b * z.powf(*p)).exp();
            sum += term;
            slope += b * p * z.powf(p - 1.0) * term;
        }
        slope *= self.stretch;
        if self.log10 {
            let value = 10_f64.powf(sum) * self.scale;
            (value, value * std::f64::consts::LN_10 * slope)
        } else {
            (self.scale * sum, self.scale * slope)
        }
    }

    /// Value at `x`.
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        self.value_and_slope(x).0
    }
}
