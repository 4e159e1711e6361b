//! Laws of chance as scenarios write them, drawn by inversion.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use thiserror::Error;

use crate::special::{normal_cdf, normal_quantile};

/// A distribution of one number. In JSON: a number, or `{"dist": NAME, ...}` with the parameters of the name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// Always `value` (`const`).
    Const {
        /// The value.
        value: f64,
    },
    /// Even over `lo..hi`.
    Uniform {
        /// Lower end.
        lo: f64,
        /// Upper end, not below `lo`.
        hi: f64,
    },
    /// Exponential (`exp`).
    Exp {
        /// Mean, above 0.
        mean: f64,
    },
    /// Lognormal, by mean and coefficient of variation of the variable itself.
    Lognormal {
        /// Mean, above 0.
        mean: f64,
        /// Standard deviation over mean, 0 or more.
        cv: f64,
    },
    /// Normal on condition of lying in `lo..=hi` (`truncnorm`).
    Truncnorm {
        /// Mean before the condition.
        mean: f64,
        /// Standard deviation before the condition, above 0.
        sd: f64,
        /// Lower end.
        lo: f64,
        /// Upper end, above `lo`.
        hi: f64,
    },
}

/// What is wrong with a law: the parameter and its limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{parameter} {problem}")]
pub struct LawError {
    /// The parameter.
    pub parameter: &'static str,
    /// What it must be.
    pub problem: String,
}

impl Law {
    /// Whether the parameters make a law.
    ///
    /// # Errors
    /// The first parameter out of its limits.
    pub fn check(&self) -> Result<(), LawError> {
        let fail = |parameter, problem: String| Err(LawError { parameter, problem });
        let positive = |parameter, x: f64| {
            if x > 0.0 { Ok(()) } else { fail(parameter, format!("{x} is not above 0")) }
        };
        match *self {
            Self::Const { .. } => Ok(()),
            Self::Uniform { lo, hi } if hi < lo => fail("hi", format!("{hi} is below lo {lo}")),
            Self::Uniform { .. } => Ok(()),
            Self::Exp { mean } => positive("mean", mean),
            Self::Lognormal { mean, cv } => {
                positive("mean", mean)?;
                if cv >= 0.0 { Ok(()) } else { fail("cv", format!("{cv} is below 0")) }
            }
            Self::Truncnorm { mean, sd, lo, hi } => {
                positive("sd", sd)?;
                if hi <= lo {
                    return fail("hi", format!("{hi} is not above lo {lo}"));
                }
                if (lo - mean) / sd > 8.0 || (mean - hi) / sd > 8.0 {
                    return fail("mean", format!("{mean} is more than 8 sd outside of {lo} to {hi}"));
                }
                Ok(())
            }
        }
    }

    /// Lower and upper end of the values; the upper one may be infinite.
    #[must_use]
    pub fn support(&self) -> (f64, f64) {
        match *self {
            Self::Const { value } => (value, value),
            Self::Uniform { lo, hi } | Self::Truncnorm { lo, hi, .. } => (lo, hi),
            Self::Lognormal { mean, cv } if cv <= 0.0 => (mean, mean),
            Self::Exp { .. } | Self::Lognormal { .. } => (0.0, f64::INFINITY),
        }
    }

    /// The law ready to draw from.
    #[must_use]
    pub fn sampler(&self) -> Sampler {
        match *self {
            Self::Const { value } => Sampler::Const(value),
            Self::Uniform { lo, hi } => Sampler::Uniform { lo, width: hi - lo },
            Self::Exp { mean } => Sampler::Exp { mean },
            Self::Lognormal { mean, cv } if cv <= 0.0 => Sampler::Const(mean),
            Self::Lognormal { mean, cv } => {
                let variance = libm::log1p(cv * cv);
                Sampler::Lognormal { mu: libm::log(mean) - variance / 2.0, sigma: libm::sqrt(variance) }
            }
            Self::Truncnorm { mean, sd, lo, hi } => {
                let (a, b) = ((lo - mean) / sd, (hi - mean) / sd);
                // in the upper tail shares near 1 would lose their digits: draw the mirror image
                let sign = if a > 0.0 { -1.0 } else { 1.0 };
                let (low, high) =
                    if a > 0.0 { (normal_cdf(-b), normal_cdf(-a)) } else { (normal_cdf(a), normal_cdf(b)) };
                Sampler::Truncnorm { mean, scale: sign * sd, low, width: high - low, lo, hi }
            }
        }
    }
}

/// A [`Law`] with everything computed that all draws share.
#[derive(Debug, Clone, Copy)]
pub enum Sampler {
    /// A constant.
    Const(f64),
    /// Even.
    Uniform {
        /// Lower end.
        lo: f64,
        /// Upper less lower end.
        width: f64,
    },
    /// Exponential.
    Exp {
        /// Mean.
        mean: f64,
    },
    /// Lognormal.
    Lognormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Truncated normal.
    Truncnorm {
        /// Mean before truncation.
        mean: f64,
        /// Standard deviation before truncation; negative for the mirror image.
        scale: f64,
        /// Share of the normal below the lower end.
        low: f64,
        /// Share of the normal between the ends.
        width: f64,
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
}

impl Sampler {
    /// The value at `u` of (0, 1), which rises with `u` (it falls where a truncated normal lies wholly above its mean).
    #[must_use]
    #[inline]
    pub fn at(&self, u: f64) -> f64 {
        match *self {
            Self::Const(value) => value,
            Self::Uniform { lo, width } => lo + u * width,
            // 1 - u is exact here and never 0
            Self::Exp { mean } => -mean * libm::log(1.0 - u),
            Self::Lognormal { mu, sigma } => libm::exp(mu + sigma * normal_quantile(u)),
            Self::Truncnorm { mean, scale, low, width, lo, hi } => {
                (mean + scale * normal_quantile(low + u * width)).clamp(lo, hi)
            }
        }
    }
}

const FORM: &str = "a number or an object with `dist`: const, uniform, exp, lognormal or truncnorm";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    dist: String,
    value: Option<f64>,
    lo: Option<f64>,
    hi: Option<f64>,
    mean: Option<f64>,
    cv: Option<f64>,
    sd: Option<f64>,
}

impl Raw {
    fn law<E: de::Error>(self) -> Result<Law, E> {
        let given = [
            ("value", self.value),
            ("lo", self.lo),
            ("hi", self.hi),
            ("mean", self.mean),
            ("cv", self.cv),
            ("sd", self.sd),
        ];
        let wanted: &[&str] = match self.dist.as_str() {
            "const" => &["value"],
            "uniform" => &["lo", "hi"],
            "exp" => &["mean"],
            "lognormal" => &["mean", "cv"],
            "truncnorm" => &["mean", "sd", "lo", "hi"],
            other => return Err(E::custom(format!("dist `{other}` is unknown, expected {FORM}"))),
        };
        if let Some((name, _)) = given.iter().find(|(name, x)| x.is_some() && !wanted.contains(name)) {
            return Err(E::custom(format!("dist `{}` has no parameter `{name}`", self.dist)));
        }
        let get = |name: &str| {
            let found = given.iter().find(|(known, _)| *known == name).and_then(|(_, value)| *value);
            found.ok_or_else(|| E::custom(format!("dist `{}` needs the parameter `{name}`", self.dist)))
        };
        Ok(match self.dist.as_str() {
            "const" => Law::Const { value: get("value")? },
            "uniform" => Law::Uniform { lo: get("lo")?, hi: get("hi")? },
            "exp" => Law::Exp { mean: get("mean")? },
            "lognormal" => Law::Lognormal { mean: get("mean")?, cv: get("cv")? },
            _ => Law::Truncnorm { mean: get("mean")?, sd: get("sd")?, lo: get("lo")?, hi: get("hi")? },
        })
    }
}

impl<'de> Deserialize<'de> for Law {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Law;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(FORM)
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Law, E> {
                Ok(Law::Const { value })
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Law, E> {
                Ok(Law::Const { value: value as f64 })
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Law, E> {
                Ok(Law::Const { value: value as f64 })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Law, A::Error> {
                Raw::deserialize(de::value::MapAccessDeserializer::new(map))?.law()
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Law {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, parameters): (&str, &[(&str, f64)]) = match *self {
            Self::Const { value } => return serializer.serialize_f64(value),
            Self::Uniform { lo, hi } => ("uniform", &[("lo", lo), ("hi", hi)]),
            Self::Exp { mean } => ("exp", &[("mean", mean)]),
            Self::Lognormal { mean, cv } => ("lognormal", &[("mean", mean), ("cv", cv)]),
            Self::Truncnorm { mean, sd, lo, hi } => {
                ("truncnorm", &[("mean", mean), ("sd", sd), ("lo", lo), ("hi", hi)])
            }
        };
        let mut map = serializer.serialize_map(Some(parameters.len() + 1))?;
        map.serialize_entry("dist", name)?;
        for (key, value) in parameters {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Name;

    /// Means within 4 standard errors of the closed forms.
    #[test]
    fn draws_have_the_mean_of_their_law() {
        // truncnorm: mean + sd (phi(a) - phi(b)) / (Phi(b) - Phi(a))
        let phi = |z: f64| (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let truncated = |mean: f64, sd: f64, lo: f64, hi: f64| {
            let (a, b) = ((lo - mean) / sd, (hi - mean) / sd);
            mean + sd * (phi(a) - phi(b)) / (normal_cdf(b) - normal_cdf(a))
        };
        let cases = [
            (Law::Const { value: 3.0 }, 3.0),
            (Law::Uniform { lo: -1.0, hi: 2.0 }, 0.5),
            (Law::Exp { mean: 90.0 }, 90.0),
            (Law::Lognormal { mean: 90.0, cv: 0.5 }, 90.0),
            (Law::Truncnorm { mean: 0.2, sd: 0.08, lo: 0.05, hi: 0.5 }, truncated(0.2, 0.08, 0.05, 0.5)),
            (Law::Truncnorm { mean: 0.0, sd: 1.0, lo: 2.0, hi: 3.0 }, truncated(0.0, 1.0, 2.0, 3.0)),
        ];
        for (law, mean) in cases {
            law.check().unwrap();
            let sampler = law.sampler();
            let mut stream = Name::of_seed(11).stream();
            let n = 100_000_u32;
            let draws: Vec<f64> = (0..n).map(|_| sampler.at(stream.unit())).collect();
            let got = draws.iter().sum::<f64>() / f64::from(n);
            let sd = (draws.iter().map(|x| (x - got).powi(2)).sum::<f64>() / f64::from(n)).sqrt();
            assert!((got - mean).abs() <= 4.0 * sd / f64::from(n).sqrt() + 1e-12, "{law:?}: {got}");
            let (lo, hi) = law.support();
            assert!(draws.iter().all(|x| (lo..=hi).contains(x)));
        }
    }

    #[test]
    fn a_law_is_read_as_scenarios_write_it() {
        let read = |text: &str| serde_json::from_str::<Law>(text).map_err(|error| error.to_string());
        assert_eq!(read("90"), Ok(Law::Const { value: 90.0 }));
        assert_eq!(read(r#"{"dist":"const","value":1.5}"#), Ok(Law::Const { value: 1.5 }));
        assert_eq!(read(r#"{"mean":90,"dist":"exp"}"#), Ok(Law::Exp { mean: 90.0 }));
        for (text, word) in [
            (r#"{"dist":"exp"}"#, "needs the parameter `mean`"),
            (r#"{"dist":"exp","mean":1,"cv":2}"#, "no parameter `cv`"),
            (r#"{"dist":"normal"}"#, "`normal` is unknown"),
            (r#"{"dist":"exp","mean":1,"x":2}"#, "unknown field `x`"),
            (r#""ninety""#, "a number or an object"),
        ] {
            assert!(read(text).unwrap_err().contains(word), "{text}");
        }
        let law = Law::Truncnorm { mean: 0.2, sd: 0.08, lo: 0.05, hi: 0.5 };
        assert_eq!(read(&serde_json::to_string(&law).unwrap()), Ok(law));
    }

    #[test]
    fn parameters_out_of_limits_are_named() {
        for (law, parameter) in [
            (Law::Exp { mean: 0.0 }, "mean"),
            (Law::Uniform { lo: 1.0, hi: 0.5 }, "hi"),
            (Law::Lognormal { mean: 1.0, cv: -1.0 }, "cv"),
            (Law::Truncnorm { mean: 1.0, sd: 0.0, lo: 0.0, hi: 1.0 }, "sd"),
            (Law::Truncnorm { mean: 9.0, sd: 0.1, lo: 0.0, hi: 1.0 }, "mean"),
        ] {
            assert_eq!(law.check().unwrap_err().parameter, parameter);
        }
    }
}
