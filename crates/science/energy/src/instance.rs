//! The form of a fleet schedule that files hold.

use serde::{Deserialize, Serialize};

use crate::error::EnergyError;

/// Slots of one instance at most: a leap year of quarter hours.
pub const SLOTS_MAX: usize = 366 * 96;

/// One day (or any other horizon) of a fleet behind one meter. Power in kW, energy in kWh, money in one currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Length of a slot, h.
    pub dt: f64,
    /// Efficiency of charging and of discharging, each, above 0 and at most 1.
    pub eta: f64,
    /// Price of energy in each slot, money/kWh; what is missing is taken from the slots beside it.
    pub price: Vec<Option<f64>>,
    /// What is paid for exported energy in each slot, money/kWh; the price where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sell: Option<Vec<Option<f64>>>,
    /// Fee on imported energy, money/kWh.
    #[serde(default)]
    pub fee: f64,
    /// Wear of a discharged kWh, money/kWh.
    #[serde(default)]
    pub wear: f64,
    /// Most that may be imported, kW.
    pub cap: f64,
    /// Most that may be exported, kW.
    #[serde(default)]
    pub exp: f64,
    /// Charge on the highest import, money/kW.
    #[serde(default)]
    pub peak: f64,
    /// Highest import that is paid for already, kW.
    #[serde(default)]
    pub peak_paid: f64,
    /// `½·rho·(charge² + discharge²)` in each slot, money/kW².
    #[serde(default)]
    pub rho: f64,
    /// Load of the site beside the fleet, kW.
    #[serde(default)]
    pub load: Vec<f64>,
    /// Generation of the site, kW.
    #[serde(default)]
    pub pv: Vec<f64>,
    /// The vehicles.
    pub evs: Vec<Ev>,
    /// What a kWh costs that lacks at departure, money/kWh.
    pub slack: f64,
    /// Least power at which vehicles charge, kW: below it they pause (6 A of IEC 61851-1).
    #[serde(default)]
    pub pmin: f64,
}

/// A vehicle of an [`Instance`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ev {
    /// First slot of its stay.
    pub a: usize,
    /// Slot after the last of its stay.
    pub d: usize,
    /// Usable capacity, kWh.
    pub cap: f64,
    /// Energy at arrival, kWh.
    pub e0: f64,
    /// Energy wanted at departure, kWh.
    pub et: f64,
    /// Energy below which it must not be discharged, kWh.
    #[serde(default)]
    pub emin: f64,
    /// Most charging power, kW.
    pub pc: f64,
    /// Most discharging power, kW.
    #[serde(default)]
    pub pd: f64,
}

impl Instance {
    /// How many slots it has.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.price.len()
    }

    /// Says what is wrong with the instance, if anything is.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check(&self) -> Result<(), EnergyError> {
        let slots = self.slots();
        if slots == 0 || slots > SLOTS_MAX {
            return Err(value("price", slots, &format!("a list of 1 to {SLOTS_MAX} prices")));
        }
        above("dt", self.dt)?;
        above("eta", self.eta)?;
        if self.eta > 1.0 {
            return Err(value("eta", self.eta, "above 0 and at most 1"));
        }
        number("fee", self.fee)?;
        for (field, number) in [
            ("wear", self.wear),
            ("cap", self.cap),
            ("exp", self.exp),
            ("peak", self.peak),
            ("peak_paid", self.peak_paid),
            ("rho", self.rho),
            ("slack", self.slack),
            ("pmin", self.pmin),
        ] {
            not_negative(field, number)?;
        }
        for (field, series) in [("load", &self.load), ("pv", &self.pv)] {
            if !series.is_empty() && series.len() != slots {
                return Err(EnergyError::Length {
                    field: field.to_owned(),
                    found: series.len(),
                    expected: slots,
                });
            }
            if let Some(slot) = series.iter().position(|number| !number.is_finite()) {
                return Err(value(&format!("{field}[{slot}]"), series[slot], "a finite number"));
            }
        }
        if let Some(sell) = &self.sell
            && sell.len() != slots
        {
            return Err(EnergyError::Length { field: "sell".to_owned(), found: sell.len(), expected: slots });
        }
        for (index, ev) in self.evs.iter().enumerate() {
            ev.check(index, slots)?;
        }
        Ok(())
    }
}

impl Ev {
    fn check(&self, index: usize, slots: usize) -> Result<(), EnergyError> {
        let field = |name: &str| format!("evs[{index}].{name}");
        if self.d > slots {
            return Err(value(&field("d"), self.d, &format!("at most the number of slots, {slots}")));
        }
        if self.a > self.d {
            return Err(value(&field("a"), self.a, &format!("at most the slot of departure, {}", self.d)));
        }
        for (name, number) in [
            ("cap", self.cap),
            ("e0", self.e0),
            ("et", self.et),
            ("emin", self.emin),
            ("pc", self.pc),
            ("pd", self.pd),
        ] {
            not_negative(&field(name), number)?;
        }
        if self.emin > self.cap {
            return Err(value(&field("emin"), self.emin, &format!("at most the capacity, {}", self.cap)));
        }
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "numbers are given as they are, to be shown")]
fn value(field: &str, value: impl ToString, expected: &str) -> EnergyError {
    EnergyError::Value { field: field.to_owned(), value: value.to_string(), expected: expected.to_owned() }
}

fn number(field: &str, number: f64) -> Result<(), EnergyError> {
    if number.is_finite() { Ok(()) } else { Err(value(field, number, "a finite number")) }
}

fn not_negative(field: &str, number: f64) -> Result<(), EnergyError> {
    if number.is_finite() && number >= 0.0 {
        Ok(())
    } else {
        Err(value(field, number, "a finite number of at least 0"))
    }
}

fn above(field: &str, number: f64) -> Result<(), EnergyError> {
    if number.is_finite() && number > 0.0 {
        Ok(())
    } else {
        Err(value(field, number, "a finite number above 0"))
    }
}

/// Prices without holes: what is missing takes the value before it, at the begin the one after it.
///
/// Also says which slots were filled.
///
/// # Errors
/// Where no price is known at all.
pub fn fill_prices(field: &str, prices: &[Option<f64>]) -> Result<(Vec<f64>, Vec<usize>), EnergyError> {
    let known = |price: &Option<f64>| price.filter(|price| price.is_finite());
    let Some(first) = prices.iter().find_map(known) else {
        return Err(EnergyError::NoPrices { field: field.to_owned() });
    };
    let mut last = first;
    let mut filled = Vec::new();
    let whole = prices
        .iter()
        .enumerate()
        .map(|(slot, price)| {
            match known(price) {
                Some(price) => last = price,
                None => filled.push(slot),
            }
            last
        })
        .collect();
    Ok((whole, filled))
}
