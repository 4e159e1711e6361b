//! Functions of probability that the statistics need, each with its source and accuracy.

/// Evaluates a polynomial, lowest coefficient first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// The standard normal value below which a share `p` in (0, 1) lies (Wichura 1988, AS 241 PPND16; about 1 part in
/// 10^16). Outside (0, 1): minus or plus infinity.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    let r = libm::sqrt(-libm::log(if q < 0.0 { p } else { 1.0 - p }));
    let size = if r <= 5.0 {
        polynomial(&FLANK.0, r - 1.6) / polynomial(&FLANK.1, r - 1.6)
    } else {
        polynomial(&TAIL.0, r - 5.0) / polynomial(&TAIL.1, r - 5.0)
    };
    if q < 0.0 { -size } else { size }
}

const CENTRE: ([f64; 8], [f64; 8]) = (
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
);

const FLANK: ([f64; 8], [f64; 8]) = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_100,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);

const TAIL: ([f64; 8], [f64; 8]) = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_887_9,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_7e-5,
        1.421_511_758_316_445_8e-7,
        2.044_263_103_389_939_8e-15,
    ],
);

/// The share of the standard normal below `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Regularised incomplete beta function I_x(a, b) for `a`, `b` > 0 and `x` in 0..=1 (continued fraction by Lentz's
/// method, DLMF 8.17.22).
#[must_use]
pub fn beta_share(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // the fraction converges fast on this side of the mean only
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(b, a, 1.0 - x);
    }
    let ln_front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    let tiny = 1e-300;
    let away = |value: f64| if value.abs() < tiny { tiny } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let step = d * c;
        fraction *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    libm::exp(ln_front) * fraction / a
}

/// Regularised upper incomplete gamma function Q(a, x) for `a` > 0, `x` >= 0 (series and continued fraction, DLMF
/// 8.11.4 and 8.9.2).
#[must_use]
pub fn gamma_tail(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let ln_front = a * libm::log(x) - x - libm::lgamma(a);
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for n in 1..10_000 {
            term *= x / (a + f64::from(n));
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return 1.0 - libm::exp(ln_front) * sum;
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut fraction = d;
    for n in 1..10_000 {
        let n = f64::from(n);
        let factor = -n * (n - a);
        b += 2.0;
        d = 1.0 / (factor * d + b);
        c = b + factor / c;
        let step = d * c;
        fraction *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    libm::exp(ln_front) * fraction
}

/// The chance that chi-square with `freedom` degrees exceeds `x`.
#[must_use]
pub fn chi_square_tail(x: f64, freedom: f64) -> f64 {
    gamma_tail(freedom / 2.0, x / 2.0)
}

/// The share of Student's t with `freedom` > 0 degrees below `t`.
#[must_use]
pub fn student_cdf(t: f64, freedom: f64) -> f64 {
    let tail = 0.5 * beta_share(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The value of Student's t with `freedom` > 0 degrees below which a share `p` in (0, 1) lies, to about 1e-12.
#[must_use]
pub fn student_quantile(p: f64, freedom: f64) -> f64 {
    if p < 0.5 {
        return -student_quantile(1.0 - p, freedom);
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while student_cdf(high, freedom) < p {
        low = high;
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if student_cdf(middle, freedom) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The chance that the Kolmogorov statistic of `n` draws exceeds `d` where the law holds (Marsaglia, Tsang and Wang
/// 2003 give the series; with the finite-n correction of Stephens 1970).
#[must_use]
pub fn kolmogorov_tail(d: f64, n: f64) -> f64 {
    let root = libm::sqrt(n);
    let x = d * (root + 0.12 + 0.11 / root);
    if x < 0.2 {
        return 1.0;
    }
    let mut sum = 0.0;
    for k in 1..=100 {
        let k = f64::from(k);
        let sign = if k % 2.0 == 1.0 { 2.0 } else { -2.0 };
        sum += sign * libm::exp(-2.0 * k * k * x * x);
    }
    sum.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64, relative: f64) {
        assert!((got - expected).abs() <= relative * expected.abs(), "{got} is not {expected}");
    }

    /// Table values: NIST/SEMATECH handbook 1.3.6.7 and Abramowitz and Stegun 26, to their printed digits or better.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-14);
        close(normal_quantile(0.9999), 3.719_016_485_455_709, 1e-13);
        close(normal_quantile(1e-12), -7.034_483_825_3, 1e-10);
        close(student_quantile(0.975, 1.0), 12.706_204_736_174_7, 1e-11);
        close(student_quantile(0.975, 9.0), 2.262_157_162_798_2, 1e-11);
        close(student_quantile(0.95, 30.0), 1.697_260_886_593_96, 1e-11);
        close(student_quantile(0.975, 1e6), 1.959_966_35, 1e-7);
        close(student_quantile(0.025, 9.0), -2.262_157_162_798_2, 1e-11);
        close(chi_square_tail(18.307, 10.0), 0.05, 1e-4);
        close(chi_square_tail(3.940, 10.0), 0.95, 1e-4);
        close(kolmogorov_tail(1.358 / 100.0, 10_000.0), 0.05, 1e-2);
    }

    #[test]
    fn quantiles_are_the_inverse_of_shares() {
        for step in 1..200 {
            let p = f64::from(step) / 200.0;
            close(normal_cdf(normal_quantile(p)), p, 1e-14);
            for freedom in [1.0, 2.5, 7.0, 400.0] {
                close(student_cdf(student_quantile(p, freedom), freedom), p, 1e-11);
            }
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }

    /// Closed forms: I_x(1, b) = 1 - (1-x)^b, I_x(a, 1) = x^a, Q(1, x) = e^-x, Q(2, x) = (1 + x) e^-x.
    #[test]
    fn incomplete_functions_have_their_closed_forms() {
        for x in [0.01, 0.3, 0.77, 0.999] {
            for a in [0.5, 3.0, 40.0] {
                close(beta_share(1.0, a, x), 1.0 - libm::pow(1.0 - x, a), 1e-12);
                close(beta_share(a, 1.0, x), libm::pow(x, a), 1e-12);
            }
            close(gamma_tail(1.0, 9.0 * x), libm::exp(-9.0 * x), 1e-12);
            close(gamma_tail(2.0, 9.0 * x), (1.0 + 9.0 * x) * libm::exp(-9.0 * x), 1e-12);
        }
    }
}
