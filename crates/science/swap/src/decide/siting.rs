//! Where to build: sites chosen so that demand has the shortest way to the nearest of them.

use serde::Serialize;

use crate::{error::SwapError, model::haversine_km};

/// A place where vehicles want to swap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DemandPoint {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// How much: vehicles a day, or any measure.
    pub weight: f64,
}

/// A chosen site.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Site {
    /// Number among the candidates.
    pub candidate: usize,
    /// Demand that has it as its nearest site, existing ones included.
    pub weight: f64,
    /// Mean distance of all demand to its nearest site once this and all before are built, km.
    pub mean_km: f64,
}

/// Chooses `count` of the candidates (places in degrees) beside sites that exist already: greedily, each time the one that
/// shortens the way of all demand most, then by exchanges of one chosen site for another as long as they help (Teitz and Bart
/// 1968). The greedy choice alone is within 1 - 1/e of the best saving; exchanges only improve it.
///
/// # Errors
/// [`SwapError::Question`] where there is no demand, or fewer candidates than sites.
pub fn site(
    demand: &[DemandPoint],
    candidates: &[(f64, f64)],
    existing: &[(f64, f64)],
    count: usize,
) -> Result<Vec<Site>, SwapError> {
    let total: f64 = demand.iter().map(|point| point.weight).sum();
    if total <= 0.0 || candidates.len() < count || count == 0 {
        let what = format!(
            "{count} sites of {} candidates for a demand of {total}: 1 or more sites, no more than candidates, and some demand are wanted",
            candidates.len()
        );
        return Err(SwapError::Question { what });
    }
    let km: Vec<Vec<f64>> = candidates
        .iter()
        .map(|place| demand.iter().map(|point| haversine_km(*place, (point.lat, point.lon))).collect())
        .collect();
    let before: Vec<f64> = demand
        .iter()
        .map(|point| {
            let ways = existing.iter().map(|place| haversine_km(*place, (point.lat, point.lon)));
            // half round the earth: the way where there is nothing
            ways.fold(20_016.0, f64::min)
        })
        .collect();
    let cost = |chosen: &[usize]| -> f64 {
        demand
            .iter()
            .enumerate()
            .map(|(at, point)| point.weight * chosen.iter().map(|c| km[*c][at]).fold(before[at], f64::min))
            .sum()
    };
    let mut chosen: Vec<usize> = Vec::new();
    for _ in 0..count {
        let free = (0..candidates.len()).filter(|c| !chosen.contains(c));
        let with = |c: usize| [chosen.as_slice(), &[c]].concat();
        let Some(best) = free.min_by(|a, b| cost(&with(*a)).total_cmp(&cost(&with(*b)))) else { break };
        chosen.push(best);
    }
    exchange(&mut chosen, candidates.len(), &cost);
    Ok((0..chosen.len())
        .map(|last| {
            let weight = demand.iter().enumerate().filter(|(at, _)| {
                let own = km[chosen[last]][*at];
                own < before[*at] && chosen.iter().all(|c| own <= km[*c][*at])
            });
            Site {
                candidate: chosen[last],
                weight: weight.map(|(_, point)| point.weight).sum(),
                mean_km: cost(&chosen[..=last]) / total,
            }
        })
        .collect())
}

fn exchange(chosen: &mut [usize], candidates: usize, cost: &impl Fn(&[usize]) -> f64) {
    let mut best = cost(chosen);
    // each exchange helps by more than rounding, so that it ends; the bound is for the largest inputs
    for _ in 0..10 {
        let mut helped = false;
        for place in 0..chosen.len() {
            for other in 0..candidates {
                if chosen.contains(&other) {
                    continue;
                }
                let old = std::mem::replace(&mut chosen[place], other);
                let now = cost(chosen);
                if now < best * (1.0 - 1e-9) {
                    (best, helped) = (now, true);
                } else {
                    chosen[place] = old;
                }
            }
        }
        if !helped {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two towns and a village: the two sites are the towns, whatever the order of the candidates.
    #[test]
    fn sites_go_where_demand_is() {
        let point = |lat, lon, weight| DemandPoint { lat, lon, weight };
        let demand = [point(0.0, 0.0, 10.0), point(0.0, 1.0, 8.0), point(0.0, 0.1, 1.0)];
        let candidates = [(0.0, 0.5), (0.0, 0.1), (0.0, 1.0), (0.0, 0.0)];
        let sites = site(&demand, &candidates, &[], 2).unwrap();
        let mut numbers: Vec<usize> = sites.iter().map(|site| site.candidate).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3]);
        assert!((sites[1].mean_km - 11.119_5 / 19.0).abs() < 1e-3);
        let beside = site(&demand, &candidates, &[(0.0, 0.0)], 1).unwrap();
        assert_eq!(beside[0].candidate, 2);
        assert!(site(&[], &candidates, &[], 1).is_err());
    }
}
