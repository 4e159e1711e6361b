use std::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::TariffError;

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The code, three capital letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of an amount (ISO 4217; 2 for a code that the list does not know).
    #[must_use]
    pub fn minor_digits(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
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
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| refused())?;
        if code.iter().all(u8::is_ascii_uppercase) { Ok(Self(code)) } else { Err(refused()) }
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
        assert!("eur".parse::<Currency>().is_err());
        assert!("EURO".parse::<Currency>().is_err());
        assert!("€".parse::<Currency>().is_err());
    }
}
