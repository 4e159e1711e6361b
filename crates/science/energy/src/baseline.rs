//! What others do: policies without an optimiser, for honest comparison in the same loop.

use crate::closed_loop::{Plugged, Policy, View};
use crate::heuristic::water_fill;

/// A rule without an optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// Everyone at full power at once; only the limit of the site, if any, holds it back, in equal shares.
    Uncontrolled,
    /// Who came first is served first.
    FirstCome,
    /// Power goes round in small parts until there is none left.
    RoundRobin,
    /// Who leaves first is served first.
    EarliestDeadline,
    /// Who can wait least is served first.
    LeastLaxity,
    /// The same limit for each station, whether used or not.
    EqualShare,
    /// Only when energy is cheaper than on average over the next day, unless time runs out.
    CheapHours,
}

impl Baseline {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Uncontrolled,
        Self::FirstCome,
        Self::RoundRobin,
        Self::EarliestDeadline,
        Self::LeastLaxity,
        Self::EqualShare,
        Self::CheapHours,
    ];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uncontrolled => "uncontrolled",
            Self::FirstCome => "first come",
            Self::RoundRobin => "round robin",
            Self::EarliestDeadline => "earliest deadline",
            Self::LeastLaxity => "least laxity",
            Self::EqualShare => "equal share",
            Self::CheapHours => "cheap hours",
        }
    }
}

impl Policy for Baseline {
    fn decide(&mut self, view: &View<'_>) -> Vec<f64> {
        let dt_h = view.site.dt_h;
        let wishes: Vec<f64> = view.plugged.iter().map(|vehicle| vehicle.wish_kw(dt_h)).collect();
        match self {
            Self::Uncontrolled | Self::RoundRobin => water_fill(view.room_kw, &wishes),
            Self::FirstCome => in_order(view, &wishes, |vehicle| vehicle.arrived as f64),
            Self::EarliestDeadline => in_order(view, &wishes, |vehicle| vehicle.departs as f64),
            Self::LeastLaxity => in_order(view, &wishes, |vehicle| vehicle.laxity(view.slot, dt_h)),
            Self::EqualShare => {
                let share = view.room_kw / wishes.len().max(1) as f64;
                wishes.iter().map(|wish| wish.min(share)).collect()
            }
            Self::CheapHours => {
                let day = (24.0 / dt_h).round() as usize;
                let ahead = &view.site.price[view.slot..view.site.price.len().min(view.slot + day)];
                let mean = ahead.iter().sum::<f64>() / ahead.len().max(1) as f64;
                let cheap = view.site.price[view.slot] < mean;
                let waits = |vehicle: &Plugged| vehicle.laxity(view.slot, dt_h) >= 1.0 && !cheap;
                let wishes: Vec<f64> = view
                    .plugged
                    .iter()
                    .zip(&wishes)
                    .map(|(vehicle, wish)| if waits(vehicle) { 0.0 } else { *wish })
                    .collect();
                in_order(view, &wishes, |vehicle| vehicle.laxity(view.slot, dt_h))
            }
        }
    }
}

/// Serves those with the least key first.
fn in_order(view: &View<'_>, wishes: &[f64], key: impl Fn(&Plugged) -> f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|a, b| {
        key(&view.plugged[*a])
            .total_cmp(&key(&view.plugged[*b]))
            .then(view.plugged[*a].stay.cmp(&view.plugged[*b].stay))
    });
    let mut left = view.room_kw;
    let mut given = vec![0.0; wishes.len()];
    for index in order {
        given[index] = wishes[index].min(left);
        left -= given[index];
    }
    given
}
