//! Drives any [`CellModel`] through a [`Protocol`], with exact ends.

use crate::{
    CellError, CellModel, Load, Protocol, Ramp, Stop,
    trace::{Ending, Row, Trace},
};

/// How a run is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// State of charge at the start, `0..=1`.
    pub soc: f64,
    /// Temperature at the start, K.
    pub temperature_k: f64,
    /// No step is longer, s; the trace has a row for each step.
    pub step_max_s: f64,
    /// No run is longer, s.
    pub duration_max_s: f64,
    /// Times since the start at which there must be a row, s, rising.
    pub at_s: Vec<f64>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            soc: 1.0,
            temperature_k: 298.15,
            step_max_s: f64::INFINITY,
            duration_max_s: 1e8,
            at_s: Vec::new(),
        }
    }
}

/// A voltage is held to this, V: below it, the inner steps of a particle whose diffusivity varies would show.
const HOLD_V: f64 = 1e-6;
/// A stop is met to this, in the unit of what it watches.
const STOP: f64 = 1e-9;
/// Tries of a secant before it gives up.
const TRIES: usize = 60;

impl Run {
    /// Runs the protocol from rest.
    ///
    /// # Errors
    /// When the start is outside of the set's validity, or the model fails on the way.
    pub fn of<M: CellModel>(&self, model: &mut M, protocol: &Protocol) -> Result<Trace, CellError> {
        let state = model.rest(self.soc, self.temperature_k)?;
        self.from_state(model, protocol, state).map(|(trace, _)| trace)
    }

    /// Runs the protocol from a state, and gives the state at its end beside the trace.
    ///
    /// # Errors
    /// When the model fails on the way, or a stage cannot end.
    pub fn from_state<M: CellModel>(
        &self,
        model: &mut M,
        protocol: &Protocol,
        state: M::State,
    ) -> Result<(Trace, M::State), CellError> {
        CellError::check("step_max_s", self.step_max_s.min(1.0), self.step_max_s > 0.0, "above 0")?;
        let mut driver = Driver {
            next: state.clone(),
            state,
            model,
            run: self,
            time_s: 0.0,
            current_a: 0.0,
            voltage_v: 0.0,
            since_jump_s: 0.0,
            steps: 0,
            drift_a_s: 0.0,
            slope: 0.0,
            passed: 0,
            rows: Vec::new(),
        };
        let mut ending = Ending::Complete;
        for (number, stage) in protocol.stages.iter().enumerate() {
            let limits = protocol.ends_at_limits;
            if let Some(limit) = driver.stage(number, stage.load, &stage.stops, limits)? {
                ending = limit;
                break;
            }
        }
        let trace = Trace { rows: driver.rows, ending, steps: driver.steps };
        Ok((trace, driver.state))
    }
}

/// A run on its way.
struct Driver<'a, M: CellModel> {
    model: &'a mut M,
    run: &'a Run,
    state: M::State,
    next: M::State,
    time_s: f64,
    current_a: f64,
    voltage_v: f64,
    since_jump_s: f64,
    steps: usize,
    /// How fast the current last changed within a stage that does not hold it, A/s.
    drift_a_s: f64,
    /// What the last search for a current found to be the slope of its residual, 0 before the first.
    slope: f64,
    /// How many of the run's times are behind.
    passed: usize,
    rows: Vec<Row>,
}

/// The end of one step, before it is taken.
#[derive(Clone, Copy)]
struct End {
    current_a: f64,
    voltage_v: f64,
}

impl<M: CellModel> Driver<'_, M> {
    /// One stage; `Some` when a limit of the cell ends the whole run.
    fn stage(
        &mut self,
        number: usize,
        load: Load,
        stops: &[Stop],
        limits: bool,
    ) -> Result<Option<Ending>, CellError> {
        let began_s = self.time_s;
        (self.drift_a_s, self.slope) = (0.0, 0.0);
        self.start(load)?;
        self.record(number);
        if let Some(limit) = self.limit(limits, self.voltage_v) {
            return Ok(Some(limit));
        }
        let here = self.here();
        if stops.iter().any(|stop| self.excess(stop, here).is_some_and(|excess| excess >= 0.0)) {
            return Ok(None);
        }
        let duration_s = stops.iter().fold(f64::INFINITY, |least, stop| match stop {
            Stop::After(duration_s) => least.min(*duration_s),
            _ => least,
        });
        let end_s = began_s + duration_s;
        loop {
            // what is less than a rounding of the clock is no step
            let rounding_s = 1e-12 * self.time_s.max(1.0);
            if end_s - self.time_s <= rounding_s {
                return Ok(None);
            }
            let target_s = end_s.min(self.next_row_s(rounding_s));
            let left_s = target_s - self.time_s;
            if self.time_s > self.run.duration_max_s {
                let rule = "within the longest duration; the stage has no end that it can reach";
                return Err(self.out_of_range("the run's time", self.time_s, rule));
            }
            let longest_s = self.model.step_s(self.since_jump_s).min(self.run.step_max_s);
            // two equal steps instead of one and a sliver
            let step_s =
                if left_s <= longest_s { left_s } else { longest_s.min(0.5 * left_s.max(longest_s)) };
            let end = self.attempt(load, step_s)?;
            let crossed = stops
                .iter()
                .filter(|stop| self.excess(stop, end).is_some_and(|excess| excess > 0.0))
                .copied()
                .collect::<Vec<_>>();
            if !crossed.is_empty() {
                self.meet(load, step_s, &crossed)?;
                self.record(number);
                return Ok(None);
            }
            if let Some(limit) = self.limit(limits, end.voltage_v) {
                let stop = match limit {
                    Ending::VoltageMin => Stop::VoltageBelow(self.model.set().cell.voltage_min_v),
                    _ => Stop::VoltageAbove(self.model.set().cell.voltage_max_v),
                };
                self.meet(load, step_s, &[stop])?;
                self.record(number);
                return Ok(Some(limit));
            }
            self.accept(end, step_s);
            if step_s == left_s {
                self.time_s = target_s;
            }
            self.record(number);
        }
    }

    /// The next time at which a row is asked for.
    fn next_row_s(&mut self, rounding_s: f64) -> f64 {
        while let Some(at_s) = self.run.at_s.get(self.passed) {
            if *at_s > self.time_s + rounding_s {
                return *at_s;
            }
            self.passed += 1;
        }
        f64::INFINITY
    }

    /// The current that a load asks for at its beginning, and the voltage then.
    fn start(&mut self, load: Load) -> Result<(), CellError> {
        let before = self.current_a;
        let end = match load {
            Load::Current(current_a) => {
                End { current_a, voltage_v: self.model.voltage_v(&self.state, current_a)? }
            }
            Load::Voltage(_) | Load::Power(_) => {
                let state = self.state.clone();
                self.solve(load, self.current_a, |driver, current_a| {
                    driver.model.voltage_v(&state, current_a)
                })?
            }
        };
        self.current_a = end.current_a;
        self.voltage_v = end.voltage_v;
        if (end.current_a - before).abs() > 1e-6 * self.model.set().one_c_a() {
            self.since_jump_s = 0.0;
        }
        if self.voltage_v.is_finite() {
            Ok(())
        } else {
            Err(self.out_of_range("the voltage", self.voltage_v, "finite"))
        }
    }

    /// Writes the state a step later to `next`.
    fn attempt(&mut self, load: Load, step_s: f64) -> Result<End, CellError> {
        let end = match load {
            Load::Current(current_a) => {
                self.steps += 1;
                let ramp = Ramp::constant(current_a);
                self.model.advance(&self.state, &mut self.next, ramp, step_s).map_err(|e| self.timed(e))?;
                let voltage_v = self.model.voltage_v(&self.next, current_a)?;
                End { current_a, voltage_v }
            }
            Load::Voltage(_) | Load::Power(_) => {
                let from_a = self.current_a;
                // as a hold goes on, its current goes on falling
                let guess_a = from_a + step_s * self.drift_a_s;
                self.solve(load, guess_a, |driver, to_a| {
                    driver.steps += 1;
                    let ramp = Ramp { from_a, to_a };
                    driver
                        .model
                        .advance(&driver.state, &mut driver.next, ramp, step_s)
                        .map_err(|e| driver.timed(e))?;
                    driver.model.voltage_v(&driver.next, to_a)
                })?
            }
        };
        if !end.voltage_v.is_finite() {
            return Err(self.out_of_range("the voltage", end.voltage_v, "finite"));
        }
        Ok(end)
    }

    /// The current at which `voltage` gives what the load asks for: a secant, kept inside of a bracket once there is
    /// one. The last call of `voltage` is at the answer.
    fn solve(
        &mut self,
        load: Load,
        guess_a: f64,
        mut voltage: impl FnMut(&mut Self, f64) -> Result<f64, CellError>,
    ) -> Result<End, CellError> {
        let miss = |current_a: f64, voltage_v: f64| match load {
            Load::Voltage(target_v) => (voltage_v - target_v, HOLD_V),
            Load::Power(target_w) => (voltage_v * current_a - target_w, HOLD_V * (1.0 + current_a.abs())),
            Load::Current(target_a) => (current_a - target_a, STOP),
        };
        let scale_a = self.model.set().one_c_a();
        let mut old = (guess_a, 0.0);
        let voltage_v = voltage(self, guess_a)?;
        let (mut residual, mut tolerance) = miss(guess_a, voltage_v);
        if residual.abs() <= tolerance {
            return Ok(End { current_a: guess_a, voltage_v });
        }
        old.1 = residual;
        // voltage and power rise with the charging current
        let mut current_a = if self.slope > 0.0 {
            guess_a - (residual / self.slope).clamp(-0.25 * scale_a, 0.25 * scale_a)
        } else {
            guess_a - residual.signum() * 0.02 * scale_a
        };
        let bound_a = self.model.set().validity.c_rate_max * scale_a;
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for tries in 0..TRIES {
            if old.1 < 0.0 {
                low = low.max(old.0);
            } else {
                high = high.min(old.0);
            }
            // a secant creeps along the wall of a potential, so every third try halves the bracket
            let outside = !(current_a > low && current_a < high);
            if (outside || tries % 3 == 2) && low.is_finite() && high.is_finite() {
                current_a = 0.5 * (low + high);
            }
            current_a = current_a.clamp(-bound_a, bound_a);
            let voltage_v = voltage(self, current_a)?;
            (residual, tolerance) = miss(current_a, voltage_v);
            let slope = (residual - old.1) / (current_a - old.0);
            if slope > 0.0 {
                self.slope = slope;
            }
            if residual.abs() <= tolerance {
                return Ok(End { current_a, voltage_v });
            }
            old = (current_a, residual);
            // inner steps of a particle make the voltage jump by microvolts: closer than that there is no answer
            if tries > 20 && residual.abs() <= 90.0 * tolerance {
                return Ok(End { current_a, voltage_v });
            }
            let step = if slope > 0.0 { -residual / slope } else { -residual.signum() * scale_a };
            let reach = 0.25 * scale_a + 0.5 * current_a.abs();
            current_a += step.clamp(-reach, reach);
        }
        let solver = "the search for the current";
        Err(CellError::NoConvergence { time_s: self.time_s, solver, iterations: TRIES })
    }

    /// By how much a stop is exceeded at the end of a step; nothing for those that watch the clock.
    fn excess(&self, stop: &Stop, end: End) -> Option<f64> {
        match stop {
            Stop::After(_) => None,
            Stop::VoltageBelow(limit_v) => Some(limit_v - end.voltage_v),
            Stop::VoltageAbove(limit_v) => Some(end.voltage_v - limit_v),
            Stop::CurrentBelow(limit_a) => Some(limit_a - end.current_a.abs()),
            Stop::TemperatureAbove(limit_k) => Some(self.model.temperature_k(&self.next) - limit_k),
        }
    }

    fn here(&mut self) -> End {
        self.next.clone_from(&self.state);
        End { current_a: self.current_a, voltage_v: self.voltage_v }
    }

    fn limit(&self, limits: bool, voltage_v: f64) -> Option<Ending> {
        let cell = &self.model.set().cell;
        if !limits {
            None
        } else if voltage_v < cell.voltage_min_v {
            Some(Ending::VoltageMin)
        } else if voltage_v > cell.voltage_max_v {
            Some(Ending::VoltageMax)
        } else {
            None
        }
    }

    /// Shortens a step that goes beyond stops so that it ends on the first of them: regula falsi (Illinois).
    fn meet(&mut self, load: Load, step_s: f64, stops: &[Stop]) -> Result<(), CellError> {
        let most = |driver: &Self, end: End| {
            stops.iter().filter_map(|stop| driver.excess(stop, end)).fold(f64::NEG_INFINITY, f64::max)
        };
        let here = self.here();
        let (mut a, mut fa) = (0.0, most(self, here));
        let end = self.attempt(load, step_s)?;
        let (mut b, mut fb) = (step_s, most(self, end));
        let mut kept = 0_i32;
        for _ in 0..TRIES {
            let middle = if fb > fa { a - fa * (b - a) / (fb - fa) } else { 0.5 * (a + b) };
            let middle = if middle > a && middle < b { middle } else { 0.5 * (a + b) };
            let end = self.attempt(load, middle)?;
            let excess = most(self, end);
            if excess.abs() <= STOP || b - a <= 1e-10 * (1.0 + self.time_s) {
                self.accept(end, middle);
                return Ok(());
            }
            if excess > 0.0 {
                (b, fb) = (middle, excess);
                kept = kept.min(0) - 1;
            } else {
                (a, fa) = (middle, excess);
                kept = kept.max(0) + 1;
            }
            // an end that stays twice pulls too hard
            match kept {
                ..=-2 => {
                    fa *= 0.5;
                }
                2.. => {
                    fb *= 0.5;
                }
                _ => {}
            }
        }
        let solver = "the search for a stop";
        Err(CellError::NoConvergence { time_s: self.time_s, solver, iterations: TRIES })
    }

    fn accept(&mut self, end: End, step_s: f64) {
        std::mem::swap(&mut self.state, &mut self.next);
        self.time_s += step_s;
        self.since_jump_s += step_s;
        self.drift_a_s = (end.current_a - self.current_a) / step_s;
        self.current_a = end.current_a;
        self.voltage_v = end.voltage_v;
    }

    fn record(&mut self, stage: usize) {
        self.rows.push(Row {
            time_s: self.time_s,
            current_a: self.current_a,
            voltage_v: self.voltage_v,
            temperature_k: self.model.temperature_k(&self.state),
            soc: self.model.soc(&self.state),
            stage,
        });
    }

    fn out_of_range(&self, field: &'static str, value: f64, rule: &'static str) -> CellError {
        CellError::OutOfRange { time_s: self.time_s, field, value, rule }
    }

    /// Models do not know the time of the run; their errors get it here.
    fn timed(&self, error: CellError) -> CellError {
        match error {
            CellError::OutOfRange { field, value, rule, .. } => self.out_of_range(field, value, rule),
            CellError::NoConvergence { solver, iterations, .. } => {
                CellError::NoConvergence { time_s: self.time_s, solver, iterations }
            }
            other => other,
        }
    }
}
