//! Growth laws and their exact step under changing coefficients.

/// A loss that grows with an abscissa `x` (days or cycles) since new.
///
/// The state is the loss itself. A step first asks at which *virtual* `x` the present coefficients would have brought
/// the present loss about, then goes on from there: `y <- f(f^-1(y) + dx)`. With constant coefficients any division
/// into steps gives the closed form; for the power law `y^(1/p)` simply adds up `k^(1/p) dx`, so the order of the
/// conditions does not matter either.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Law {
    /// `y = k x^p`
    Power { k: f64, p: f64 },
    /// `y = y_inf tanh((x/x0)^p / 2)`, the symmetric sigmoid `2 y_inf (1/2 - 1/(1 + exp((x/x0)^p)))`
    Sigmoid { y_inf: f64, x0: f64, p: f64 },
}

impl Law {
    pub(crate) fn none() -> Self {
        Law::Power { k: 0.0, p: 1.0 }
    }

    /// The loss after `dx >= 0` more; never less than `y`.
    pub(crate) fn advance(self, y: f64, dx: f64) -> f64 {
        if dx <= 0.0 {
            return y;
        }
        let next = match self {
            Law::Power { k, p } if k > 0.0 => {
                if p == 1.0 {
                    y + k * dx
                } else {
                    let virtual_x = if y > 0.0 { (y / k).powf(1.0 / p) } else { 0.0 };
                    k * (virtual_x + dx).powf(p)
                }
            }
            Law::Sigmoid { y_inf, x0, p } if y_inf > 0.0 && x0 > 0.0 && y < y_inf => {
                let virtual_x = if y > 0.0 { (2.0 * (y / y_inf).atanh()).powf(1.0 / p) } else { 0.0 };
                y_inf * (0.5 * (virtual_x + dx / x0).powf(p)).tanh()
            }
            // what has gone beyond its limit, or has no rate, stays
            Law::Power { .. } | Law::Sigmoid { .. } => y,
        };
        next.max(y)
    }

    /// The same law with a speed factor: on the loss for power laws and limits.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        match self {
            Law::Power { k, p } => Law::Power { k: k * factor, p },
            Law::Sigmoid { y_inf, x0, p } => Law::Sigmoid { y_inf: y_inf * factor, x0, p },
        }
    }

    /// The same law that comes `factor` times as early.
    pub(crate) fn hastened(self, factor: f64) -> Self {
        match self {
            Law::Power { k, p } => Law::Power { k: k * factor.powf(p), p },
            Law::Sigmoid { y_inf, x0, p } => Law::Sigmoid { y_inf, x0: x0 / factor, p },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_conditions_give_the_closed_form_whatever_the_steps() {
        for (law, closed) in [
            (Law::Power { k: 0.003, p: 0.5 }, 0.003 * 3650_f64.sqrt()),
            (Law::Power { k: 1e-5, p: 0.357 }, 1e-5 * 3650_f64.powf(0.357)),
            (
                Law::Sigmoid { y_inf: 0.3, x0: 1000.0, p: 0.5 },
                0.6 * (0.5 - 1.0 / (1.0 + (3650_f64 / 1000.0).sqrt().exp())),
            ),
        ] {
            for steps in [1, 7, 3650] {
                let mut y = 0.0;
                for _ in 0..steps {
                    y = law.advance(y, 3650.0 / f64::from(steps));
                }
                // rounding of 3650 powers at most
                assert!((y / closed - 1.0).abs() < 1e-11, "{law:?} in {steps}: {y} for {closed}");
            }
        }
    }

    #[test]
    fn the_order_of_conditions_does_not_matter_to_a_power_law() {
        let (hot, cold) = (Law::Power { k: 0.01, p: 0.6 }, Law::Power { k: 0.002, p: 0.6 });
        let there = cold.advance(hot.advance(0.0, 100.0), 50.0);
        let back = hot.advance(cold.advance(0.0, 50.0), 100.0);
        let closed = (0.01_f64.powf(1.0 / 0.6) * 100.0 + 0.002_f64.powf(1.0 / 0.6) * 50.0).powf(0.6);
        assert!((there - closed).abs() < 1e-14 && (back - closed).abs() < 1e-14);
    }

    #[test]
    fn a_loss_beyond_the_limit_of_milder_conditions_stays() {
        let mild = Law::Sigmoid { y_inf: 0.1, x0: 10.0, p: 0.5 };
        assert_eq!(mild.advance(0.2, 100.0), 0.2);
        assert_eq!(Law::none().advance(0.2, 100.0), 0.2);
    }
}
