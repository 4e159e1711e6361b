//! Distances, and the way of a vehicle that is refused.

use crate::scenario::{Reroute, Station};

const EARTH_RADIUS_KM: f64 = 6_371.008_8;

/// The great-circle distance by the haversine formula, km.
#[must_use]
pub fn haversine_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let half_lat = libm::sin((lat_b - lat_a) / 2.0);
    let half_lon = libm::sin((b.1 - a.1).to_radians() / 2.0);
    let h = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
    2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(h.min(1.0)))
}

/// For each home, the stations that a vehicle tries in turn, each the nearest to the one before that it has not tried (ties
/// by number), with the time of travel to it. The way depends on the home alone.
pub(crate) fn paths(stations: &[Station], rule: &Reroute) -> Vec<Vec<(u32, f64)>> {
    let hops = (rule.max_hops as usize).min(stations.len() - 1);
    let near: Vec<Vec<(u32, f64)>> = (0..stations.len()).map(|from| nearest(stations, from, hops)).collect();
    (0..stations.len())
        .map(|home| {
            let mut tried = vec![home as u32];
            let mut path = Vec::with_capacity(hops);
            for _ in 0..hops {
                let here = tried[tried.len() - 1] as usize;
                let Some((next, km)) = near[here].iter().find(|(other, _)| !tried.contains(other)) else {
                    break;
                };
                tried.push(*next);
                path.push((*next, km * rule.detour / rule.speed_kmh * 3_600.0));
            }
            path
        })
        .collect()
}

/// The `count` nearest others: enough that one of them has not been tried after fewer than `count` hops.
fn nearest(stations: &[Station], from: usize, count: usize) -> Vec<(u32, f64)> {
    let place = |station: &Station| (station.lat, station.lon);
    let here = place(&stations[from]);
    let mut others: Vec<(u32, f64)> = stations
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != from)
        .map(|(other, station)| (other as u32, haversine_km(here, place(station))))
        .collect();
    let order = |a: &(u32, f64), b: &(u32, f64)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
    if count < others.len() {
        others.select_nth_unstable_by(count, order);
        others.truncate(count);
    }
    others.sort_by(order);
    others
}

#[cfg(test)]
mod tests {
    use super::haversine_km;

    /// A degree of the equator; and half round the world over a pole.
    #[test]
    fn distances_are_those_of_the_sphere() {
        assert!((haversine_km((0.0, 0.0), (0.0, 1.0)) - 111.195_08).abs() < 1e-4);
        assert!((haversine_km((60.0, 10.0), (60.0, -170.0)) - 60.0 * 111.195_08).abs() < 1e-2);
        assert_eq!(haversine_km((25.0, 121.0), (25.0, 121.0)), 0.0);
    }
}
