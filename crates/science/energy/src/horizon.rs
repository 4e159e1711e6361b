//! Receding horizon: at each slot the cheapest plan for those who are there, of which only the next slot is done.
//!
//! Two things of the future decide what this costs more than the optimum in hindsight: the highest power that the month
//! will need, for which there is a budget ([`budget`]), and who will still come today, for which days of the past stand in
//! ([`Expected`]).

use crate::closed_loop::{Policy, Site, Stay, View};
use crate::error::EnergyError;
use crate::instance::{Ev, Instance};
use crate::plan::plan;

/// A vehicle that may come, with the part of it that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The stay, in slots of the site.
    pub stay: Stay,
    /// How much of it counts: over four past days each vehicle is a quarter.
    pub share: f64,
}

/// The policy.
#[derive(Debug, Clone)]
pub struct Horizon {
    /// Power up to which the highest power costs nothing more: what the month will need anyway, kW.
    pub budget_kw: f64,
    /// What a kWh costs that lacks, money/kWh: above the demand charge over the length of a slot, else energy would be
    /// left out to keep the highest power down.
    pub slack: f64,
    /// Price of waiting a slot, money/kWh: at the same price energy that is there earlier is safer.
    pub haste: f64,
    /// Who may still come, by slot of arrival.
    pub expected: Vec<Expected>,
    /// Slots ahead in which the expected count.
    pub ahead: usize,
}

impl Horizon {
    /// With a budget, and nobody expected.
    #[must_use]
    pub fn new(site: &Site, budget_kw: f64) -> Self {
        let dearest = site.price.iter().fold(0.0_f64, |most, price| most.max(price.abs()));
        let slack = (10.0 * (dearest + site.demand_charge / site.dt_h)).max(1.0);
        Self { budget_kw, slack, haste: 1e-5 * dearest.max(0.01), expected: Vec::new(), ahead: 0 }
    }

    /// The instance that is solved in a slot: who is there first, then who may come.
    fn instance(&self, view: &View<'_>) -> Instance {
        let site = view.site;
        let last = view.plugged.iter().map(|vehicle| vehicle.departs).max().unwrap_or(view.slot);
        let end = last.min(site.price.len()).max(view.slot + 1);
        let coming = self.expected.iter().filter(|expected| {
            expected.stay.arrive > view.slot
                && expected.stay.arrive < end
                && expected.stay.arrive <= view.slot + self.ahead
        });
        let ev = |arrive: usize, depart: usize, need: f64, power: f64| Ev {
            a: arrive - view.slot,
            d: depart.min(end) - view.slot,
            cap: need,
            e0: 0.0,
            et: need,
            emin: 0.0,
            pc: power,
            pd: 0.0,
        };
        let here = view
            .plugged
            .iter()
            .map(|vehicle| ev(view.slot, vehicle.departs, vehicle.lacks_kwh, vehicle.power_kw));
        let later = coming.map(|expected| {
            let stay = &expected.stay;
            // beyond the horizon only a part of the need falls into it
            let inside = stay.depart.min(end) - stay.arrive;
            let part = inside as f64 / (stay.depart - stay.arrive) as f64;
            ev(
                stay.arrive,
                stay.depart,
                stay.need_kwh * expected.share * part,
                stay.power_kw * expected.share,
            )
        });
        let price = site.price[view.slot..end]
            .iter()
            .enumerate()
            .map(|(ahead, price)| Some(price + self.haste * ahead as f64));
        Instance {
            dt: site.dt_h,
            eta: 1.0,
            price: price.collect(),
            sell: None,
            fee: 0.0,
            wear: 0.0,
            cap: view.room_kw.min(site.cap_kw),
            exp: 0.0,
            peak: site.demand_charge,
            peak_paid: self.budget_kw.max(view.peak_kw),
            rho: 0.0,
            load: Vec::new(),
            pv: Vec::new(),
            evs: here.chain(later).collect(),
            slack: self.slack,
            pmin: 0.0,
        }
    }
}

impl Policy for Horizon {
    fn decide(&mut self, view: &View<'_>) -> Vec<f64> {
        if view.plugged.iter().all(|vehicle| vehicle.lacks_kwh <= 1e-9) {
            return vec![0.0; view.plugged.len()];
        }
        match plan(&self.instance(view)) {
            Ok(plan) => plan
                .schedule
                .evs
                .iter()
                .take(view.plugged.len())
                .map(|ev| ev.charge_kw.first().copied().unwrap_or(0.0))
                .collect(),
            // an instance that is wrong must not stop anyone: least laxity is always possible
            Err(_) => crate::baseline::Baseline::LeastLaxity.decide(view),
        }
    }
}

/// The instance of a whole period in hindsight: everyone with true times.
#[must_use]
pub fn hindsight(site: &Site, stays: &[Stay], slack: f64) -> Instance {
    Instance {
        dt: site.dt_h,
        eta: 1.0,
        price: site.price.iter().copied().map(Some).collect(),
        sell: None,
        fee: 0.0,
        wear: 0.0,
        cap: site.cap_kw,
        exp: 0.0,
        peak: site.demand_charge,
        peak_paid: 0.0,
        rho: 0.0,
        load: Vec::new(),
        pv: Vec::new(),
        evs: stays
            .iter()
            .map(|stay| Ev {
                a: stay.arrive,
                d: stay.depart,
                cap: stay.need_kwh,
                e0: 0.0,
                et: stay.need_kwh,
                emin: 0.0,
                pc: stay.power_kw,
                pd: 0.0,
            })
            .collect(),
        slack,
        pmin: 0.0,
    }
}

/// Highest power that a past period would have needed at this site, kW: the budget for the next one.
///
/// # Errors
/// Where the site or the stays are wrong.
pub fn budget(site: &Site, past: &[Stay]) -> Result<f64, EnergyError> {
    let slack = Horizon::new(site, 0.0).slack;
    Ok(plan(&hindsight(site, past, slack))?.schedule.peak_kw)
}
