//! What can be known of the fleet's packs from what they say, beside what they really are.

use std::sync::Arc;

use serde_json::{Map, Value};
use voltwin_battery::ecm::{EcmModel, EcmParameters, Surface, Thermal};
use voltwin_battery::{Chemistry, PackConfig};
use voltwin_estimation::live::{Bounded, Estimate, Estimator, LiveConfig, PackMemory, Reading};
use voltwin_fleet_sim::{City, PackTruth};

const DEMO: &str = include_str!("../../../../../scenarios/demo-city.json");
/// Between two readings, as in the demonstration.
const EVERY_S: f64 = 5.0;
const HOURS: f64 = 2.0;
/// What a pack is given to be found in.
const SETTLED_S: f64 = 600.0;

/// One pack and the twin that follows it.
struct Followed {
    vehicle: usize,
    id: String,
    chemistry: Chemistry,
    estimator: Estimator,
    memory: PackMemory,
    last: Option<Estimate>,
    /// Squared errors of the state of charge, and how often the truth was in its interval, once settled.
    squares: f64,
    inside: u32,
    count: u32,
}

impl Followed {
    fn of(city: &City, vehicle: usize, twin: &Map<String, Value>, id: &str) -> Self {
        let chemistry = if twin["chemistry"] == "NMC" { Chemistry::Nmc } else { Chemistry::Lfp };
        let capacity_wh = twin["capacity_wh"].as_f64().unwrap();
        let series = twin["cell_voltage_v"].as_array().unwrap().len();
        let estimator = estimator(&PackConfig::new(chemistry, series, 1, capacity_wh));
        assert!(city.pack_truth(vehicle).is_some());
        Self {
            vehicle,
            id: id.to_owned(),
            chemistry,
            memory: estimator.start(None),
            estimator,
            last: None,
            squares: 0.0,
            inside: 0,
            count: 0,
        }
    }

    fn hear(&mut self, city: &City) {
        let (_, said) = city.pack_telemetry(self.vehicle).unwrap();
        let number = |name: &str| said[name].as_f64();
        let reading = Reading {
            t_s: city.elapsed_s(),
            current_a: number("current_a"),
            voltage_v: number("voltage_v"),
            temp_c: number("temp_c"),
            ambient_c: None,
            // a vehicle's gauge errs the same way all the time, so it is evidence once and not every five seconds
            soc: number("soc").filter(|_| self.last.is_none()),
        };
        let estimate = self.estimator.update(&mut self.memory, &reading);
        let truth = self.truth(city);
        if city.elapsed_s() >= SETTLED_S {
            self.count += 1;
            self.squares += (estimate.soc.value - truth.soc).powi(2);
            self.inside += u32::from(holds(estimate.soc, truth.soc));
        }
        self.last = Some(estimate);
    }

    fn truth(&self, city: &City) -> PackTruth {
        city.pack_truth(self.vehicle).unwrap()
    }

    fn rms(&self) -> f64 {
        (self.squares / f64::from(self.count)).sqrt()
    }

    fn coverage(&self) -> f64 {
        f64::from(self.inside) / f64::from(self.count)
    }
}

fn holds(bounds: Bounded, value: f64) -> bool {
    (bounds.low..=bounds.high).contains(&value)
}

/// An estimator that knows the type of a pack when new, and nothing of its past, its sensors and its faults.
fn estimator(pack: &PackConfig) -> Estimator {
    let ocv = pack.chemistry.ocv();
    let series = pack.cells_series as f64;
    let capacity_ah = pack.capacity_wh / (series * ocv.mean_v());
    let heat_capacity_j_per_k = pack.heat_capacity_j_per_k_wh * pack.capacity_wh / series;
    let ocv_soc: Vec<f64> = (0..=100).map(|k| f64::from(k) / 100.0).collect();
    let model = EcmModel::new(EcmParameters {
        name: pack.chemistry.name().to_owned(),
        capacity_ah,
        ocv_v: ocv_soc.iter().map(|soc| ocv.voltage_v(*soc)).collect(),
        ocv_soc,
        reference_c: 25.0,
        entropic_v_per_k: vec![],
        r0_ohm: Surface::constant(pack.loss_at_1c * ocv.mean_v() / capacity_ah),
        pairs: vec![],
        diffusion: vec![],
        exchange_a: None,
        hysteresis: None,
        thermal: Thermal {
            heat_capacity_j_per_k,
            conductance_w_per_k: heat_capacity_j_per_k / pack.cooling_s,
        },
        limits_v: [ocv.voltage_v(0.0) - 0.4, pack.chemistry.limit_v()],
        valid_c: [-40.0, 80.0],
    });
    let config = LiveConfig {
        cells_series: pack.cells_series as u32,
        voltage_noise_v: 0.003,
        model_error_v: 0.008,
        current_gain: 0.01,
        resistance_spread: 0.25,
        capacity_spread: 0.12,
        ..LiveConfig::USUAL
    };
    Estimator::new(Arc::new(model.unwrap()), config).unwrap()
}

/// The fleet of the demonstration lives for two hours, told every five seconds.
fn follow() -> (City, Vec<Followed>) {
    let mut city = City::load(DEMO).unwrap();
    let twins = city.twins();
    let mut fleet: Vec<Followed> = (0..city.vehicle_count())
        .map(|vehicle| {
            let (id, _) = city.pack_telemetry(vehicle).unwrap();
            let twin = twins.iter().find(|twin| twin.id == id).unwrap();
            Followed::of(&city, vehicle, &twin.properties, id)
        })
        .collect();
    while city.elapsed_s() < 3_600.0 * HOURS {
        // motion is finer than readings: what flows between two of them is not what either says
        city.step(0.5 * EVERY_S);
        city.step(0.5 * EVERY_S);
        for pack in &mut fleet {
            pack.hear(&city);
        }
    }
    (city, fleet)
}

#[test]
fn estimates_from_what_packs_say_hold_what_they_are() {
    let (city, fleet) = follow();
    let mut rows = String::new();
    let sound: Vec<&Followed> = fleet.iter().filter(|pack| !pack.truth(&city).faulty).collect();
    let mut healths = 0;
    for pack in &fleet {
        let (truth, last) = (pack.truth(&city), pack.last.unwrap());
        healths += u32::from(!truth.faulty && holds(last.soh, truth.soh));
        let (id, chemistry, rms, inside) = (&pack.id, pack.chemistry, pack.rms(), pack.coverage());
        rows += &format!("{id} {chemistry:?} rms {rms:.4} inside {inside:.3} {truth:.2?} {last:.3?}\n");
    }
    assert_eq!((fleet.len(), sound.len()), (25, 20));
    let n = sound.len() as f64;
    let coverage = sound.iter().map(|pack| pack.coverage()).sum::<f64>() / n;
    let rms = (sound.iter().map(|pack| pack.rms().powi(2)).sum::<f64>() / n).sqrt();
    assert!(coverage > 0.9 && rms < 0.012 && healths >= 18, "{coverage} {rms} {healths}\n{rows}");
    // what is wrong with a sensor or a cell does not lead its twin astray
    assert!(fleet.iter().all(|pack| pack.rms() < 0.03), "{rows}");
}
