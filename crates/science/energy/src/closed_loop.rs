//! A site, slot by slot, under a policy: what is plugged in is seen, powers are decided, stations obey, fail or stay silent.

use crate::heuristic::water_fill;

/// A stay of a vehicle at a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// First slot.
    pub arrive: usize,
    /// Slot after the last.
    pub depart: usize,
    /// Slot after the last as the driver said on arrival.
    pub said: usize,
    /// Energy that it needs, kWh at the meter.
    pub need_kwh: f64,
    /// Most power, kW.
    pub power_kw: f64,
}

/// What a site asks and allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Length of a slot, h.
    pub dt_h: f64,
    /// Price of each slot, money/kWh.
    pub price: Vec<f64>,
    /// Charge on the highest power, money/kW.
    pub demand_charge: f64,
    /// Most power of all vehicles together, kW.
    pub cap_kw: f64,
    /// What a station draws at most once it has not heard from us for a slot, kW.
    pub fallback_kw: f64,
}

/// A vehicle that is plugged in, as a policy sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plugged {
    /// Which stay.
    pub stay: usize,
    /// Its first slot.
    pub arrived: usize,
    /// Slot after the last, as far as is known.
    pub departs: usize,
    /// Energy that it still needs, kWh.
    pub lacks_kwh: f64,
    /// Most power, kW.
    pub power_kw: f64,
}

impl Plugged {
    /// Most power that it can use in a slot, kW.
    #[must_use]
    pub fn wish_kw(&self, dt_h: f64) -> f64 {
        self.power_kw.min(self.lacks_kwh / dt_h)
    }

    /// Slots that it can wait and still get what it needs.
    #[must_use]
    pub fn laxity(&self, slot: usize, dt_h: f64) -> f64 {
        self.departs.saturating_sub(slot) as f64 - self.lacks_kwh / (self.power_kw * dt_h)
    }
}

/// What a policy sees.
#[derive(Debug)]
pub struct View<'a> {
    /// Now.
    pub slot: usize,
    /// The site.
    pub site: &'a Site,
    /// Power that may be given out now, kW.
    pub room_kw: f64,
    /// Highest power of the month so far, kW.
    pub peak_kw: f64,
    /// Who is there and listens.
    pub plugged: &'a [Plugged],
}

/// Decides the power of each vehicle in a slot.
pub trait Policy {
    /// Power of each of [`View::plugged`], kW.
    fn decide(&mut self, view: &View<'_>) -> Vec<f64>;
}

/// How a station does in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// It hears us and does what it is told.
    #[default]
    Obeys,
    /// It hears nothing: it keeps its last power for this slot, and then draws up to the fallback.
    Silent,
    /// It hears us, but draws nothing.
    Refuses,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Cost of energy.
    pub energy_cost: f64,
    /// Charge on the highest power.
    pub demand_cost: f64,
    /// Highest power, kW.
    pub peak_kw: f64,
    /// Energy delivered, kWh.
    pub delivered_kwh: f64,
    /// Energy that lacked at departures, kWh.
    pub unmet_kwh: f64,
    /// Vehicles that lacked energy.
    pub unmet_stays: usize,
    /// Most power beyond the limit, kW; zero where it was always kept.
    pub exceeded_kw: f64,
    /// Power in each slot, kW.
    pub power_kw: Vec<f64>,
}

impl Outcome {
    /// Cost of energy and of the highest power.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.energy_cost + self.demand_cost
    }
}

/// Runs a policy over all slots.
///
/// `believed` says when a stay is thought to end, given the slot that it is now; `health` how its station does. For each
/// silent station what it may draw is kept free before anything is given out, so that silence breaks no limit.
pub fn run(
    site: &Site,
    stays: &[Stay],
    policy: &mut dyn Policy,
    believed: &dyn Fn(usize, usize) -> usize,
    health: &dyn Fn(usize, usize) -> Health,
) -> Outcome {
    let mut outcome = Outcome { power_kw: vec![0.0; site.price.len()], ..Outcome::default() };
    let mut by_arrival: Vec<usize> = (0..stays.len()).collect();
    by_arrival.sort_by_key(|stay| (stays[*stay].arrive, *stay));
    let mut coming = by_arrival.into_iter().peekable();
    let mut present: Vec<Present> = Vec::new();
    for slot in 0..site.price.len() {
        while let Some(stay) = coming.next_if(|stay| stays[*stay].arrive <= slot) {
            present.push(Present { stay, lacks_kwh: stays[stay].need_kwh, told_kw: 0.0, silent: 0 });
        }
        present.retain(|vehicle| {
            let gone = stays[vehicle.stay].depart <= slot;
            if gone {
                settle(vehicle.lacks_kwh, &mut outcome);
            }
            !gone
        });
        step(site, stays, slot, &mut present, policy, believed, health, &mut outcome);
    }
    for vehicle in &present {
        settle(vehicle.lacks_kwh, &mut outcome);
    }
    outcome.demand_cost = site.demand_charge * outcome.peak_kw;
    outcome
}

#[derive(Debug)]
struct Present {
    stay: usize,
    lacks_kwh: f64,
    told_kw: f64,
    silent: usize,
}

fn settle(lacks_kwh: f64, outcome: &mut Outcome) {
    outcome.unmet_kwh += lacks_kwh;
    // a watt-hour is below what a meter shows
    outcome.unmet_stays += usize::from(lacks_kwh > 1e-3);
}

#[allow(clippy::too_many_arguments, reason = "one slot of the loop above, which holds all of these")]
fn step(
    site: &Site,
    stays: &[Stay],
    slot: usize,
    present: &mut [Present],
    policy: &mut dyn Policy,
    believed: &dyn Fn(usize, usize) -> usize,
    health: &dyn Fn(usize, usize) -> Health,
    outcome: &mut Outcome,
) {
    let mut kept = 0.0;
    let mut listening = Vec::with_capacity(present.len());
    let mut plugged = Vec::with_capacity(present.len());
    for (index, vehicle) in present.iter_mut().enumerate() {
        let stay = &stays[vehicle.stay];
        if health(vehicle.stay, slot) == Health::Silent {
            vehicle.silent += 1;
            // its last power holds for this slot; room for the fallback, which comes next, is kept from now on
            if vehicle.silent > 1 {
                vehicle.told_kw = site.fallback_kw.min(stay.power_kw);
            }
            kept += vehicle.told_kw.max(site.fallback_kw.min(stay.power_kw));
            continue;
        }
        vehicle.silent = 0;
        listening.push(index);
        plugged.push(Plugged {
            stay: vehicle.stay,
            arrived: stay.arrive,
            departs: believed(vehicle.stay, slot).max(slot + 1),
            lacks_kwh: vehicle.lacks_kwh,
            power_kw: stay.power_kw,
        });
    }
    let room_kw = (site.cap_kw - kept).max(0.0);
    let view = View { slot, site, room_kw, peak_kw: outcome.peak_kw, plugged: &plugged };
    let mut powers = policy.decide(&view);
    powers.resize(plugged.len(), 0.0);
    guard(room_kw, site.dt_h, &plugged, &mut powers);
    for (index, power) in listening.into_iter().zip(powers) {
        present[index].told_kw = power;
    }
    let mut total = 0.0;
    for vehicle in present.iter_mut() {
        if health(vehicle.stay, slot) == Health::Refuses {
            continue;
        }
        let drawn = vehicle.told_kw.min(vehicle.lacks_kwh / site.dt_h);
        vehicle.lacks_kwh = (vehicle.lacks_kwh - drawn * site.dt_h).max(0.0);
        total += drawn;
    }
    outcome.power_kw[slot] = total;
    outcome.peak_kw = outcome.peak_kw.max(total);
    outcome.delivered_kwh += total * site.dt_h;
    outcome.energy_cost += total * site.dt_h * site.price[slot];
    let beyond = total - site.cap_kw;
    if beyond > 1e-9 * (1.0 + site.cap_kw) {
        outcome.exceeded_kw = outcome.exceeded_kw.max(beyond);
    }
}

/// Whatever a policy says: no vehicle gets more than it can use, and all together no more than there is.
fn guard(room_kw: f64, dt_h: f64, plugged: &[Plugged], powers: &mut [f64]) {
    for (power, vehicle) in powers.iter_mut().zip(plugged) {
        let wished = if power.is_finite() { *power } else { 0.0 };
        *power = wished.clamp(0.0, vehicle.wish_kw(dt_h));
    }
    if powers.iter().sum::<f64>() > room_kw {
        let shared = water_fill(room_kw, powers);
        powers.copy_from_slice(&shared);
    }
}
