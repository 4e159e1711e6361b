use voltwin_battery::ecm::{CellFactors, EcmState};

use super::{Bounded, Estimate, Estimator, PackMemory, Reading};

/// Places in the error state.
const SOC: usize = 0;
const BIAS: usize = 1;
const ERROR: usize = 2;
const RESISTANCE: usize = 3;
const CAPACITY: usize = 4;
const SIZE: usize = 5;

/// A residual beyond this many standard deviations is not used, unless it stays.
const GATE: f64 = 6.0;
/// So many residuals beyond the gate in a row are the truth, and the state is wrong.
const GATE_COUNT: u32 = 5;
/// Halvings of a large correction: the state of charge is then found to a millionth.
const HALVINGS: usize = 24;
/// Time over which residuals are averaged in s.
const RESIDUAL_S: f64 = 600.0;
const DAY_S: f64 = 86_400.0;
/// Widest standard deviation of a state of charge: that of a number anywhere in 0 to 1 and a little more.
const SOC_DEVIATION_MAX: f64 = 0.4;

impl Estimator {
    /// Takes one reading. Whatever it holds, the memory stays finite: values that are no numbers or that such a pack
    /// cannot have are dropped, and a reading from before the last one moves no time.
    pub fn update(&self, memory: &mut PackMemory, reading: &Reading) -> Estimate {
        let reading = self.plausible(memory, reading);
        let first = memory.last.is_none();
        let dt_s = memory.last.map_or(0.0, |last| (reading.t_s - last.t_s).clamp(0.0, 1e7));
        if let Some(ambient_c) = reading.ambient_c {
            memory.ambient_c = self.hold_temp(ambient_c);
        }
        if let (true, Some(temp_c)) = (first, reading.temp_c) {
            memory.circuit.temp_c = self.hold_temp(temp_c);
            memory.temp_variance = self.config.temp_noise_k.powi(2);
            if reading.ambient_c.is_none() {
                memory.ambient_c = self.hold_temp(temp_c);
            }
        }
        self.predict(memory, &reading, dt_s);
        self.use_temp(memory, &reading, dt_s);
        if let Some(soc) = reading.soc {
            let mut row = [0.0; SIZE];
            row[SOC] = 1.0;
            self.correct(memory, &row, soc - memory.circuit.soc, self.config.reported_soc_error.powi(2));
        }
        let residual_v = self.use_voltage(memory, &reading, dt_s);
        memory.last = Some(reading);
        self.estimate(memory, residual_v)
    }

    /// What is known without another reading, `t_s` as of the last one.
    #[must_use]
    pub fn estimate_of(&self, memory: &PackMemory) -> Estimate {
        self.estimate(memory, 0.0)
    }

    fn plausible(&self, memory: &mut PackMemory, reading: &Reading) -> Reading {
        let parameters = self.model.parameters();
        let config = &self.config;
        let series = f64::from(config.cells_series);
        let parallel = f64::from(config.cells_parallel);
        let most_a = self.model.current_max_a() * parallel;
        let [low_v, high_v] = parameters.limits_v;
        let mut implausible = false;
        let mut keep = |value: Option<f64>, low: f64, high: f64| {
            value.filter(|v| {
                let good = (low..=high).contains(v);
                implausible |= !good;
                good
            })
        };
        let kept = Reading {
            t_s: reading.t_s,
            current_a: keep(reading.current_a, -most_a, most_a),
            voltage_v: keep(reading.voltage_v, series * (low_v - 0.7), series * (high_v + 0.5)),
            temp_c: keep(reading.temp_c, -50.0, 110.0),
            ambient_c: keep(reading.ambient_c, -60.0, 70.0),
            soc: keep(reading.soc, 0.0, 1.0),
        };
        let last_s = memory.last.map(|last| last.t_s);
        let t_s = if kept.t_s.is_finite() && kept.t_s.abs() < 1e15 {
            kept.t_s.max(last_s.unwrap_or(kept.t_s))
        } else {
            implausible = true;
            last_s.unwrap_or(0.0)
        };
        memory.health.note_implausible(implausible);
        Reading { t_s, ..kept }
    }

    pub(super) fn hold_temp(&self, temp_c: f64) -> f64 {
        let [low_c, high_c] = self.model.parameters().valid_c;
        temp_c.clamp(low_c, high_c)
    }

    /// Moves the circuit and the covariance over `dt_s`.
    fn predict(&self, memory: &mut PackMemory, reading: &Reading, dt_s: f64) {
        let config = &self.config;
        let capacity_as = self.model.parameters().capacity_ah * 3_600.0;
        let since_s = reading.t_s - memory.current.0;
        let (measured_a, known) = match reading.current_a {
            // After a long silence the reading says what flows now, not what flowed meanwhile.
            Some(pack_a) => {
                let cell_a = pack_a / f64::from(config.cells_parallel);
                memory.current = (reading.t_s, cell_a);
                (cell_a, dt_s <= config.hold_s)
            }
            None => (memory.current.1, since_s <= config.hold_s && memory.last.is_some()),
        };
        let through_a = if known { measured_a - memory.extra[0] } else { 0.0 };
        let factors = factors(memory);
        self.advance(&mut memory.circuit, factors, memory.ambient_c, through_a, dt_s);
        if memory.circuit.soc < 0.0 || memory.circuit.soc > 1.0 {
            memory.circuit.soc = memory.circuit.soc.clamp(0.0, 1.0);
        }
        let scale_as = capacity_as * factors.capacity;
        let moved = through_a * dt_s / scale_as;
        let decay = (-dt_s / config.model_error_s).exp();
        let mut transition = [[0.0; SIZE]; SIZE];
        for (place, row) in transition.iter_mut().enumerate() {
            row[place] = 1.0;
        }
        transition[SOC][BIAS] = if known { -dt_s / scale_as } else { 0.0 };
        transition[SOC][CAPACITY] = -moved;
        transition[ERROR][ERROR] = decay;
        memory.extra[ERROR - 1] *= decay;
        let mut covariance = sandwich(&transition, &memory.covariance);
        let days = dt_s / DAY_S;
        covariance[SOC][SOC] += config.soc_walk.powi(2) * dt_s + (config.current_gain * moved).powi(2);
        if !known {
            // Anything up to the usual load may have flowed.
            covariance[SOC][SOC] += (0.3 * dt_s / 3_600.0).min(SOC_DEVIATION_MAX).powi(2);
            memory.health.lost |= dt_s > config.hold_s;
        }
        covariance[BIAS][BIAS] += (0.1 * config.current_bias_c * capacity_as / 3_600.0).powi(2) * days;
        covariance[ERROR][ERROR] += config.model_error_v.powi(2) * (1.0 - decay * decay);
        covariance[RESISTANCE][RESISTANCE] += config.resistance_walk.powi(2) * days;
        covariance[CAPACITY][CAPACITY] += config.capacity_walk.powi(2) * days;
        let caps = [
            SOC_DEVIATION_MAX,
            4.0 * config.current_bias_c * capacity_as / 3_600.0,
            10.0 * config.model_error_v,
            0.5,
            0.3,
        ];
        for (place, cap) in caps.iter().enumerate() {
            shrink(&mut covariance, place, cap * cap);
        }
        memory.covariance = covariance;
    }

    fn advance(
        &self,
        circuit: &mut EcmState,
        factors: CellFactors,
        ambient_c: f64,
        current_a: f64,
        dt_s: f64,
    ) -> f64 {
        let ready = self.steps.iter().find(|step| step.dt_s().to_bits() == dt_s.to_bits());
        let made = if ready.is_none() { self.model.step_table(dt_s).ok() } else { None };
        ready.or(made.as_ref()).map_or(0.0, |step| {
            self.model.step_clamped(step, circuit, factors, ambient_c, current_a).voltage_v
        })
    }

    fn use_temp(&self, memory: &mut PackMemory, reading: &Reading, dt_s: f64) {
        memory.temp_variance = (memory.temp_variance + 4e-4 * dt_s).min(400.0);
        let Some(temp_c) = reading.temp_c else { return };
        let noise_k = self.config.temp_noise_k;
        if memory.health.temp_stuck(temp_c, memory.circuit.temp_c, noise_k) {
            return;
        }
        let gain = memory.temp_variance / (memory.temp_variance + noise_k * noise_k);
        let residual_k = temp_c - memory.circuit.temp_c;
        memory.circuit.temp_c = self.hold_temp(memory.circuit.temp_c + gain * residual_k);
        memory.temp_variance *= 1.0 - gain;
        if reading.ambient_c.is_none() {
            // Nobody measures the surroundings: they are where the model must cool to.
            let share = 1.0 - (-dt_s / 7_200.0).exp();
            memory.ambient_c = self.hold_temp(memory.ambient_c + share * residual_k);
        }
    }

    /// Corrects by the voltage; answers with the residual before.
    fn use_voltage(&self, memory: &mut PackMemory, reading: &Reading, dt_s: f64) -> f64 {
        let Some(pack_v) = reading.voltage_v else { return 0.0 };
        let config = &self.config;
        let measured_v = pack_v / f64::from(config.cells_series);
        let current_a = if reading.t_s - memory.current.0 <= config.hold_s { memory.current.1 } else { 0.0 };

        let (model_v, row, place_v) = self.observe(memory, current_a);
        let expected_v = model_v + memory.extra[ERROR - 1];
        let usual_v = config.model_error_v.hypot(place_v).hypot(config.voltage_noise_v);
        let residual_v = measured_v - expected_v;
        // What the model is wrong by here lasts as well: one of many readings counts as little as if it were white.
        let repeated = if dt_s > 0.0 { (2.0 * config.model_error_s / dt_s).max(1.0) } else { 1.0 };
        let noise = config.voltage_noise_v.powi(2) + place_v * place_v * repeated;
        let variance =
            quadratic(&row, &memory.covariance) + config.voltage_noise_v.powi(2) + place_v * place_v;
        memory.health.watch_current(current_a, residual_v, usual_v);
        if memory.health.voltage_stuck(measured_v, model_v, usual_v) {
            return residual_v;
        }
        let weight = 1.0 - (-dt_s / RESIDUAL_S).exp();
        memory.health.note_residual(residual_v, variance, weight);
        if residual_v * residual_v > GATE * GATE * variance {
            memory.health.beyond += 1;
            if memory.health.beyond < GATE_COUNT {
                return residual_v;
            }
            // The state is wrong, not the sensor: forget how sure it was.
            let wide = &mut memory.covariance;
            wide[SOC][SOC] = (4.0 * wide[SOC][SOC]).max(0.03 * 0.03);
            wide[ERROR][ERROR] = wide[ERROR][ERROR].max((3.0 * config.model_error_v).powi(2));
        }
        memory.health.beyond = 0;
        self.find(memory, measured_v, current_a, row, residual_v, noise);
        if memory.covariance[SOC][SOC] < 0.03 * 0.03 {
            memory.health.lost = false;
        }
        residual_v
    }

    /// Corrects by one voltage. A small correction is linear. For a large one the best state lies at `x + P h l` where
    /// `l = (measured - voltage(x + P h l))/noise`: the right side falls with `l`, so there is one root and halving
    /// finds it, however bent the open-circuit curve is.
    fn find(
        &self,
        memory: &mut PackMemory,
        measured_v: f64,
        current_a: f64,
        row: [f64; SIZE],
        residual_v: f64,
        noise: f64,
    ) {
        let along: [f64; SIZE] =
            std::array::from_fn(|p| (0..SIZE).map(|q| memory.covariance[p][q] * row[q]).sum());
        let variance = (0..SIZE).map(|p| row[p] * along[p]).sum::<f64>() + noise;
        if (along[SOC] * residual_v / variance).abs() < 0.003 {
            self.correct(memory, &row, residual_v, noise);
            return;
        }
        let at = |length: f64| {
            let mut moved = memory.clone();
            self.shift(&mut moved, &along.map(|a| a * length));
            moved
        };
        let (mut low, mut high) = (0.0, residual_v / noise);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            let there = at(middle);
            let (model_v, _, _) = self.observe(&there, current_a);
            let left_v = measured_v - model_v - there.extra[ERROR - 1];
            if (left_v - middle * noise) * residual_v > 0.0 { low = middle } else { high = middle }
        }
        let mut found = at(0.5 * (low + high));
        let (_, row, _) = self.observe(&found, current_a);
        self.correct(&mut found, &row, 0.0, noise);
        *memory = found;
    }

    fn shift(&self, memory: &mut PackMemory, by: &[f64; SIZE]) {
        memory.circuit.soc = (memory.circuit.soc + by[SOC]).clamp(0.0, 1.0);
        let capacity_ah = self.model.parameters().capacity_ah;
        let limits = [4.0 * self.config.current_bias_c * capacity_ah, 0.2, 1.5, 0.7];
        for ((value, by), limit) in memory.extra.iter_mut().zip(&by[1..]).zip(limits) {
            *value = (*value + by).clamp(-limit, limit);
        }
    }

    /// Model voltage now and its derivatives by the error state, and what the place adds to its error in V.
    fn observe(&self, memory: &PackMemory, current_a: f64) -> (f64, [f64; SIZE], f64) {
        let factors = factors(memory);
        let through_a = current_a - memory.extra[0];
        let mut circuit = memory.circuit;
        let model_v = self.advance(&mut circuit, factors, memory.ambient_c, through_a, 0.0);
        let surface = memory.circuit.soc + memory.circuit.lag.iter().sum::<f64>();
        let half = memory.covariance[SOC][SOC].sqrt().clamp(0.01, 0.08);
        let (low, high) = ((surface - half).max(-0.02), (surface + half).min(1.02));
        let temp_c = memory.circuit.temp_c;
        let chord = if high - low > 1e-6 {
            (self.model.ocv(high, temp_c).0 - self.model.ocv(low, temp_c).0) / (high - low)
        } else {
            self.model.ocv(surface, temp_c).1
        };
        let over_v = model_v - self.model.ocv(surface.clamp(-0.1, 1.1), temp_c).0;
        let parameters = self.model.parameters();
        let soc = memory.circuit.soc;
        let ohm = parameters.r0_ohm.at(soc, temp_c)
            + parameters.pairs.iter().map(|pair| pair.r_ohm.at(soc, temp_c)).sum::<f64>();
        // The knee of the curve lies where a cell of its own has it: take the steepest slope nearby.
        let steep =
            chord.abs().max(self.model.ocv(surface, temp_c).1.abs()).max(self.model.ocv(low, temp_c).1.abs());
        let config = &self.config;
        let place_v = (config.curve_error_soc * steep).hypot(config.overvoltage_error * over_v);
        (model_v, [chord, -ohm * factors.resistance, 1.0, over_v, 0.0], place_v)
    }

    /// One Kalman correction in Joseph's form, which keeps the covariance symmetric and positive.
    fn correct(&self, memory: &mut PackMemory, row: &[f64; SIZE], residual: f64, noise: f64) {
        let along: [f64; SIZE] =
            std::array::from_fn(|p| (0..SIZE).map(|q| memory.covariance[p][q] * row[q]).sum());
        let variance = (0..SIZE).map(|p| row[p] * along[p]).sum::<f64>() + noise;
        let gain = along.map(|a| a / variance);
        self.shift(memory, &gain.map(|g| g * residual));
        let mut keep = [[0.0; SIZE]; SIZE];
        for (p, line) in keep.iter_mut().enumerate() {
            for (q, value) in line.iter_mut().enumerate() {
                *value = if p == q { 1.0 } else { 0.0 } - gain[p] * row[q];
            }
        }
        memory.covariance = sandwich(&keep, &memory.covariance);
        for p in 0..SIZE {
            for q in 0..SIZE {
                memory.covariance[p][q] += gain[p] * noise * gain[q];
            }
        }
    }

    fn estimate(&self, memory: &PackMemory, residual_v: f64) -> Estimate {
        let config = &self.config;
        let deviation = |place: usize| memory.covariance[place][place].max(0.0).sqrt();
        let parameters = self.model.parameters();
        let factor = Bounded::around(memory.extra[RESISTANCE - 1], deviation(RESISTANCE)).map(f64::exp);
        let (series, parallel) = (f64::from(config.cells_series), f64::from(config.cells_parallel));
        let ohm = parameters.r0_ohm.at(memory.circuit.soc, memory.circuit.temp_c) * series / parallel;
        let usual_v = config.model_error_v.hypot(config.voltage_noise_v);
        let fault = memory.health.fault(usual_v, config.temp_noise_k);
        Estimate {
            t_s: memory.last.map_or(0.0, |last| last.t_s),
            soc: Bounded::around(memory.circuit.soc, deviation(SOC)).within(0.0, 1.0),
            soh: Bounded::around(memory.extra[CAPACITY - 1], deviation(CAPACITY)).map(f64::exp),
            resistance_ohm: factor.map(|f| f * ohm),
            resistance_factor: factor,
            temp_c: Bounded::around(memory.circuit.temp_c, memory.temp_variance.sqrt()),
            current_bias_a: Bounded::around(memory.extra[BIAS - 1] * parallel, deviation(BIAS) * parallel),
            residual_v,
            residual_rms_v: memory.health.residual_square.sqrt(),
            sync: memory.health.sync(deviation(SOC), fault),
            fault,
        }
    }
}

fn factors(memory: &PackMemory) -> CellFactors {
    CellFactors { capacity: memory.extra[CAPACITY - 1].exp(), resistance: memory.extra[RESISTANCE - 1].exp() }
}

/// `A P Aᵀ`, made symmetric.
fn sandwich(a: &[[f64; SIZE]; SIZE], p: &[[f64; SIZE]; SIZE]) -> [[f64; SIZE]; SIZE] {
    let left: [[f64; SIZE]; SIZE] =
        std::array::from_fn(|i| std::array::from_fn(|j| (0..SIZE).map(|k| a[i][k] * p[k][j]).sum()));
    let full: [[f64; SIZE]; SIZE] =
        std::array::from_fn(|i| std::array::from_fn(|j| (0..SIZE).map(|k| left[i][k] * a[j][k]).sum()));
    std::array::from_fn(|i| std::array::from_fn(|j| 0.5 * (full[i][j] + full[j][i])))
}

fn quadratic(row: &[f64; SIZE], p: &[[f64; SIZE]; SIZE]) -> f64 {
    (0..SIZE).map(|i| row[i] * (0..SIZE).map(|j| p[i][j] * row[j]).sum::<f64>()).sum()
}

/// Scales a row and a column so that their variance is at most `most`: correlations stay.
fn shrink(p: &mut [[f64; SIZE]; SIZE], place: usize, most: f64) {
    if p[place][place] > most {
        let scale = (most / p[place][place]).sqrt();
        for other in 0..SIZE {
            p[place][other] *= scale;
            p[other][place] *= scale;
        }
    }
}
