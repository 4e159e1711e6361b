//! Sanyo UR18650E, NMC111: Schmalstieg et al., J. Power Sources 257 (2014) 325; voltages of Ecker et al., J. Power
//! Sources 248 (2014) 839 as digitised in BLAST-Lite 1.1.1 (BSD-3-Clause).

use super::Rates;
use crate::{history::Stress, law::Law};

pub(super) fn rates(stress: &Stress, capacity_ah: f64) -> Rates {
    let depth = stress.depth;
    let rms_v = stress.mean(|node| voltage_v(node.soc).powi(2)).sqrt();
    let calendar =
        stress.mean(|node| (7.543 * voltage_v(node.soc) - 23.75) * 1e6 * (-6976.0 / node.temp_k).exp());
    let resistance_calendar =
        stress.mean(|node| (5.270 * voltage_v(node.soc) - 16.32) * 1e5 * (-5986.0 / node.temp_k).exp());
    let cycle = 7.348e-3 * (rms_v - 3.667).powi(2) + 7.6e-4 + 4.081e-3 * depth;
    let resistance_cycle = 2.153e-4 * (rms_v - 3.725).powi(2) - 1.521e-5 + 2.798e-4 * depth;
    // the paper counts ampere-hours both ways
    let ah_per_cycle = 2.0 * capacity_ah;
    Rates {
        calendar: Law::Power { k: calendar.max(0.0), p: 0.75 },
        cycle: Law::Power { k: cycle * ah_per_cycle.sqrt(), p: 0.5 },
        resistance_calendar: Law::Power { k: resistance_calendar.max(0.0), p: 0.75 },
        resistance_cycle: Law::Power { k: resistance_cycle.max(0.0) * ah_per_cycle, p: 1.0 },
        ..Rates::default()
    }
}

/// Open-circuit voltage in V over the state of charge, straight lines between the points.
fn voltage_v(soc: f64) -> f64 {
    let after = OCV.partition_point(|point| point.0 < soc).clamp(1, OCV.len() - 1);
    let ((x0, y0), (x1, y1)) = (OCV[after - 1], OCV[after]);
    y0 + (y1 - y0) * ((soc - x0) / (x1 - x0)).clamp(0.0, 1.0)
}

#[rustfmt::skip]
const OCV: [(f64, f64); 58] = [
    (0.000000, 3.331000), (0.008637, 3.345014), (0.026780, 3.379171), (0.044922, 3.411604),
    (0.063064, 3.440586), (0.081207, 3.466290), (0.099349, 3.490269), (0.117491, 3.511315),
    (0.135634, 3.529947), (0.153776, 3.547198), (0.171918, 3.561689), (0.190061, 3.574972),
    (0.208203, 3.586358), (0.226345, 3.597054), (0.244488, 3.605507), (0.262630, 3.613442),
    (0.280773, 3.620343), (0.298915, 3.626381), (0.317057, 3.632074), (0.335200, 3.636904),
    (0.353342, 3.642079), (0.371484, 3.646910), (0.389627, 3.652085), (0.407769, 3.657605),
    (0.425911, 3.663471), (0.444054, 3.670199), (0.462196, 3.677444), (0.480339, 3.686760),
    (0.498481, 3.696420), (0.516623, 3.708324), (0.534766, 3.720572), (0.552908, 3.734373),
    (0.571050, 3.749554), (0.589193, 3.765253), (0.607335, 3.781124), (0.625477, 3.797857),
    (0.643620, 3.814591), (0.661762, 3.832532), (0.679905, 3.849783), (0.698047, 3.866862),
    (0.716189, 3.884458), (0.734332, 3.900847), (0.752474, 3.917753), (0.770616, 3.934831),
    (0.788759, 3.953463), (0.806901, 3.971921), (0.825043, 3.991415), (0.843186, 4.011772),
    (0.861328, 4.031956), (0.879470, 4.051967), (0.897613, 4.070771), (0.915755, 4.087849),
    (0.933898, 4.104238), (0.952040, 4.120109), (0.970182, 4.135980), (0.988325, 4.152541),
    (0.998220, 4.160649), (1.000000, 4.162000),
];
