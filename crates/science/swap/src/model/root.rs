//! Where a falling function crosses zero.

/// The `x` in `(0, end]` at which a continuous function that does not rise, positive at 0 and not positive at `end`,
/// becomes 0. `at` gives value and slope; at a kink it must give the steeper slope, that of what comes.
///
/// Newton's method inside a bracket: on a convex piece it closes in from the left without overshooting; where a kink makes it
/// leave the bracket, the bracket is halved.
pub(crate) fn falling_root(end: f64, mut at: impl FnMut(f64) -> (f64, f64)) -> f64 {
    // a thousandth of a nanosecond: far below what an instant of a long run can hold
    const CLOSE_S: f64 = 1e-12;
    let (mut low, mut high) = (0.0, end);
    let mut x = 0.0;
    for _ in 0..100 {
        let (value, slope) = at(x);
        if value > 0.0 {
            low = x;
        } else {
            high = x;
        }
        let newton = x - value / slope;
        if (newton - x).abs() <= CLOSE_S.max(1e-15 * end) {
            return newton.clamp(low, high);
        }
        x = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if high - low <= CLOSE_S {
            return high;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::falling_root;

    #[test]
    fn it_finds_the_instant_on_smooth_and_bent_functions() {
        let smooth =
            falling_root(5_000.0, |x| (60.0 * (-x / 600.0_f64).exp() - 7.0, -0.1 * (-x / 600.0_f64).exp()));
        assert!((smooth - 600.0 * (60.0_f64 / 7.0).ln()).abs() < 1e-9, "{smooth}");
        // level until 100, then a decay: the trap of a slope that misses the one who is just turning
        let bent = |x: f64| {
            let over: f64 = x - 100.0;
            if over < 0.0 {
                (10.0, 0.0)
            } else {
                let power = 60.0 * (-over / 600.0).exp();
                (power - 50.0, -power / 600.0)
            }
        };
        let got = falling_root(3_000.0, bent);
        assert!((got - 100.0 - 600.0 * (60.0_f64 / 50.0).ln()).abs() < 1e-9, "{got}");
    }
}
