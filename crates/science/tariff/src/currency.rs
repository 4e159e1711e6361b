use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::TariffError;

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The code, three capital letters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// Decimal places of an amount (ISO 4217; 2 for what has none there, such as gold).
    #[must_use]
    pub fn minor_digits(&self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }

    /// The amount in whole minor units, half away from zero, always with all its decimal places.
    #[must_use]
    pub fn round(&self, amount: Decimal) -> Decimal {
        let digits = self.minor_digits();
        let mut rounded = amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        rounded.rescale(digits);
        rounded
    }
}

impl FromStr for Currency {
    type Err = TariffError;
    fn from_str(text: &str) -> Result<Self, TariffError> {
        let refused = || TariffError::Currency(text.chars().take(12).collect());
        iso_currency::Currency::from_code(text).map(Self).ok_or_else(refused)
    }
}

impl TryFrom<String> for Currency {
    type Error = TariffError;
    fn try_from(text: String) -> Result<Self, TariffError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_own_minor_unit() {
        let round = |code: &str, amount: &str| {
            code.parse::<Currency>().unwrap().round(amount.parse().unwrap()).to_string()
        };
        assert_eq!(round("EUR", "1.005"), "1.01");
        assert_eq!(round("EUR", "-1.005"), "-1.01");
        assert_eq!(round("EUR", "3"), "3.00");
        assert_eq!(round("JPY", "12.5"), "13");
        assert_eq!(round("KWD", "0.0005"), "0.001");
        assert!("XXQ".parse::<Currency>().is_err());
        assert!("eur".parse::<Currency>().is_err());
        assert!("EURO".parse::<Currency>().is_err());
        assert!("€".parse::<Currency>().is_err());
    }
}
