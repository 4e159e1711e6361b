//! Cubic Hermite tables: a closed form at the price of two multiplications.

use crate::CellError;

/// Piecewise cubic over equal intervals of `[low, high]`, with values and slopes of the original at the nodes.
///
/// Its error falls with the fourth power of the interval. Outside of the range it goes on as a straight line.
#[derive(Debug, Clone, PartialEq)]
pub struct HermiteTable {
    low: f64,
    per_width: f64,
    /// Of each interval: coefficients of `1, t, t², t³` with `t` in `0..1`.
    pieces: Vec<[f64; 4]>,
}

impl HermiteTable {
    /// Samples `function`, which gives value and slope, at `pieces + 1` nodes.
    ///
    /// # Errors
    /// Where the function is not finite at a node.
    pub fn sample(
        (low, high): (f64, f64),
        pieces: usize,
        function: impl Fn(f64) -> (f64, f64),
    ) -> Result<Self, CellError> {
        let pieces = pieces.max(1);
        let width = (high - low) / pieces as f64;
        let nodes: Vec<(f64, f64)> = (0..=pieces)
            .map(|i| {
                let (value, slope) = function(low + width * i as f64);
                (value, slope * width)
            })
            .collect();
        if let Some((value, _)) = nodes.iter().find(|(v, s)| !v.is_finite() || !s.is_finite()) {
            let rule = "finite over the range of its argument";
            return Err(CellError::Parameter { field: "a function of the set", value: *value, rule });
        }
        let pieces = nodes
            .windows(2)
            .map(|pair| {
                let ((a, da), (b, db)) = (pair[0], pair[1]);
                [a, da, 3.0 * (b - a) - 2.0 * da - db, 2.0 * (a - b) + da + db]
            })
            .collect();
        Ok(Self { low, per_width: 1.0 / width, pieces })
    }

    #[inline]
    fn locate(&self, x: f64) -> (&[f64; 4], f64) {
        let position = (x - self.low) * self.per_width;
        // a cast of NaN gives 0, and one beyond the range saturates: both stay inside of the table
        let index = (position as usize).min(self.pieces.len() - 1);
        (&self.pieces[index], position - index as f64)
    }

    /// Value at `x`.
    #[inline]
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        self.value_and_slope(x).0
    }

    /// Value and slope at `x`.
    #[inline]
    #[must_use]
    pub fn value_and_slope(&self, x: f64) -> (f64, f64) {
        let ([a, b, c, d], t) = self.locate(x);
        let inside = t.clamp(0.0, 1.0);
        let value = a + inside * (b + inside * (c + inside * d));
        let slope = b + inside * (2.0 * c + inside * 3.0 * d);
        (value + slope * (t - inside), slope * self.per_width)
    }
}
