//! Protocols: stages of current, voltage or power with exact ends.

use voltwin_cell::{Ending, Load, Protocol, Row, Run, Stop, Trace};

use crate::{
    Dfn, DfnError,
    kernel::Drive,
    stepper::{Reading, Stepper},
};

/// At which instants a trace has rows, besides the start and the end of each stage.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Output {
    /// At the steps of the integrator, which are long where little happens.
    #[default]
    Steps,
    /// At all multiples of a period in s since the start.
    Every(f64),
    /// At given instants in s since the start, ascending.
    At(Vec<f64>),
}

/// The first step after a jump, s.
const STEP_FIRST_S: f64 = 0.05;
/// A step that has to be shorter has no solution to go to, s.
const STEP_LEAST_S: f64 = 1e-7;
/// Stops are met to this, in the unit of what they watch.
const STOP: f64 = 1e-7;
/// Tries to meet a stop.
const TRIES: usize = 40;

/// Where the state is and how it may go on.
pub(crate) struct Course<'a> {
    pub(crate) stepper: &'a mut Stepper,
    pub(crate) step_s: f64,
    pub(crate) attempts: usize,
}

/// One run on its way.
struct Driver<'a> {
    course: Course<'a>,
    run: &'a Run,
    output: &'a Output,
    /// The next row of `Output::Every` or `Output::At`.
    due: usize,
    area_m2: f64,
    /// Charge and energy to state of charge.
    soc_start: f64,
    charge_start: f64,
    capacity_c_m2: f64,
    limits_v: (f64, f64),
    validity_k: (f64, f64),
    rows: Vec<Row>,
}

impl Dfn {
    /// Runs a protocol from rest at `run.soc` and `run.temperature_k`; rows at `output`. No step is longer than
    /// `run.step_max_s`.
    ///
    /// # Errors
    /// When the start lies outside the set's validity, the cell leaves it on the way or cannot do what a stage asks.
    pub fn run(&mut self, protocol: &Protocol, run: &Run, output: &Output) -> Result<Trace, DfnError> {
        self.reset(run.soc, run.temperature_k)?;
        self.resume(protocol, run, output)
    }

    /// Runs a protocol from the present state; the start that `run` names is not looked at. Times of the trace count
    /// from the last [`Dfn::reset`].
    ///
    /// # Errors
    /// As [`Dfn::run`].
    pub fn resume(&mut self, protocol: &Protocol, run: &Run, output: &Output) -> Result<Trace, DfnError> {
        DfnError::check("longest step in s", run.step_max_s.min(1.0), run.step_max_s > 0.0, "above 0")?;
        if let Output::Every(period_s) = output {
            DfnError::check("period of the rows in s", *period_s, *period_s > 0.0, "above 0")?;
        }
        let set = &self.set;
        for stage in &protocol.stages {
            self.check_load(stage.load)?;
        }
        let soc_start = self.soc();
        let (area_m2, validity) = (set.cell.area_m2, &set.validity);
        let mut driver = Driver {
            run,
            output,
            due: 0,
            area_m2,
            soc_start,
            charge_start: self.stepper.charge(),
            capacity_c_m2: self.window.capacity_ah * 3600.0 / area_m2,
            limits_v: (set.cell.voltage_min_v, set.cell.voltage_max_v),
            validity_k: (validity.temperature_min_k, validity.temperature_max_k),
            rows: Vec::new(),
            course: Course { stepper: &mut self.stepper, step_s: STEP_FIRST_S, attempts: 0 },
        };
        let mut ending = Ending::Complete;
        for (number, stage) in protocol.stages.iter().enumerate() {
            if let Some(limit) = driver.stage(number, stage.load, &stage.stops, protocol.ends_at_limits)? {
                ending = limit;
                break;
            }
        }
        Ok(Trace { rows: driver.rows, ending, steps: driver.course.attempts })
    }

    fn check_load(&self, load: Load) -> Result<(), DfnError> {
        let most = self.set.validity.c_rate_max * self.set.one_c_a();
        match load {
            Load::Current(current_a) => {
                let rule = "at most the C rate up to which the parameter set is valid";
                DfnError::check("current in A", current_a, current_a.abs() <= most, rule)
            }
            Load::Power(power_w) => {
                let rule = "at most that C rate at the upper voltage limit";
                let most = most * self.set.cell.voltage_max_v;
                DfnError::check("power in W", power_w, power_w.abs() <= most, rule)
            }
            Load::Voltage(voltage_v) => {
                let holds = voltage_v > 0.0 && voltage_v < 2.0 * self.set.cell.voltage_max_v;
                let rule = "above 0 and below twice the upper voltage limit";
                DfnError::check("voltage in V", voltage_v, holds, rule)
            }
        }
    }
}

impl Course<'_> {
    /// Takes over a drive.
    pub(crate) fn start(&mut self, drive: Drive, ramp: f64) -> Result<(), DfnError> {
        self.step_s = STEP_FIRST_S;
        if self.stepper.start(drive, ramp) { Ok(()) } else { Err(self.stuck()) }
    }

    /// Tries steps, the first `most_s` long at most, until one is good. Its length; the state stays.
    pub(crate) fn attempt(&mut self, most_s: f64) -> Result<(f64, f64), DfnError> {
        let mut step_s = self.step_s.min(most_s);
        loop {
            self.attempts += 1;
            match self.stepper.attempt(step_s) {
                Some(error) if error <= 1.0 => return Ok((step_s, error)),
                Some(error) => step_s *= Stepper::growth(error),
                None => step_s *= 0.25,
            }
            if step_s < STEP_LEAST_S {
                return Err(self.stuck());
            }
        }
    }

    /// Takes the step that was tried last and chooses the next.
    pub(crate) fn accept(&mut self, step_s: f64, error: f64) {
        self.stepper.accept(step_s);
        self.step_s = step_s * Stepper::growth(error);
    }

    fn stuck(&self) -> DfnError {
        let ends = self.stepper.kernel.surface.iter().flatten();
        let empty = ends.clone().copied().fold(1.0, f64::min) < 0.01;
        let full = ends.copied().fold(0.0, f64::max) > 0.99;
        let salt = self.stepper.iterate().c.iter().copied().fold(f64::INFINITY, f64::min) < 20.0;
        let state = match (empty, full, salt) {
            (_, _, true) => "the electrolyte has run out of salt",
            (true, _, _) => "the surface of particles has run out of lithium",
            (_, true, _) => "the surface of particles is full of lithium",
            _ => "no state fits the load",
        };
        DfnError::Infeasible { time_s: self.stepper.time_s, state }
    }
}

impl Driver<'_> {
    /// One stage; `Some` when a limit of the cell ends the whole run.
    fn stage(
        &mut self,
        number: usize,
        load: Load,
        stops: &[Stop],
        limits: bool,
    ) -> Result<Option<Ending>, DfnError> {
        let began_s = self.course.stepper.time_s;
        let drive = match load {
            Load::Current(current_a) => Drive::Current(-current_a / self.area_m2),
            Load::Voltage(voltage_v) => Drive::Voltage(voltage_v),
            Load::Power(power_w) => Drive::Power(-power_w / self.area_m2),
        };
        self.course.start(drive, 0.0)?;
        let here = self.course.stepper.reading();
        self.record(number, here, began_s, self.course.stepper.charge());
        self.pass(began_s);
        if let Some((limit, _)) = self.limit(limits, here) {
            return Ok(Some(limit));
        }
        if stops.iter().any(|stop| self.excess(stop, here).is_some_and(|excess| excess >= 0.0)) {
            return Ok(None);
        }
        let duration_s = stops.iter().fold(f64::INFINITY, |least, stop| match stop {
            Stop::After(duration_s) => least.min(*duration_s),
            _ => least,
        });
        let end_s = began_s + duration_s;
        loop {
            let now_s = self.course.stepper.time_s;
            let left_s = end_s - now_s;
            // what is less than a rounding of the clock is no step
            if left_s <= 1e-12 * now_s.max(1.0) {
                return Ok(None);
            }
            DfnError::check(
                "time of the run in s",
                now_s,
                now_s <= self.run.duration_max_s,
                "within the longest duration; the stage has no end that it reaches",
            )?;
            // two equal steps instead of one and a sliver
            let wish_s = self.course.step_s.min(self.run.step_max_s);
            let most_s = if left_s <= wish_s { left_s } else { wish_s.min(0.5 * left_s.max(wish_s)) };
            let (step_s, error) = self.course.attempt(most_s)?;
            let end = self.course.stepper.next_reading();
            let (coldest, warmest) = self.validity_k;
            let rule = "within the temperatures for which the parameter set is valid";
            let holds = end.temp_k >= coldest && end.temp_k <= warmest;
            DfnError::check("temperature in K", end.temp_k, holds, rule)?;
            let crossed: Vec<Stop> = stops
                .iter()
                .filter(|stop| self.excess(stop, end).is_some_and(|excess| excess > 0.0))
                .copied()
                .collect();
            let limit = self.limit(limits, end);
            if !crossed.is_empty() || limit.is_some() {
                let mut watched = crossed;
                watched.extend(limit.map(|(_, stop)| stop));
                let step_s = self.meet(step_s, &watched)?;
                self.rows_within(number, step_s);
                self.course.accept(step_s, 1.0);
                let reading = self.course.stepper.reading();
                self.record(number, reading, self.course.stepper.time_s, self.course.stepper.charge());
                // the limit of the cell counts if it was the one that was met
                return Ok(self
                    .limit(limits, reading)
                    .or(limit.filter(|_| watched.len() == 1))
                    .map(|(end, _)| end));
            }
            self.rows_within(number, step_s);
            self.course.accept(step_s, error);
            if step_s == left_s {
                self.course.stepper.time_s = end_s;
            }
            let due = self.is_due(self.course.stepper.time_s);
            if matches!(self.output, Output::Steps) || step_s == left_s || due {
                self.record(number, end, self.course.stepper.time_s, self.course.stepper.charge());
            }
            self.pass(self.course.stepper.time_s);
        }
    }

    /// Shortens the step tried last, which goes beyond stops, so that it ends on the first of them: a look at the states
    /// in between, then regula falsi (Illinois) on whole steps.
    fn meet(&mut self, step_s: f64, stops: &[Stop]) -> Result<f64, DfnError> {
        let most = |driver: &Self, reading: Reading| {
            stops.iter().filter_map(|stop| driver.excess(stop, reading)).fold(f64::NEG_INFINITY, f64::max)
        };
        let (mut a, mut fa) = (0.0, most(self, self.course.stepper.reading()));
        let (mut b, mut fb) = (step_s, most(self, self.course.stepper.next_reading()));
        let mut guess = None;
        for _ in 0..30 {
            let middle = a - fa * (b - a) / (fb - fa);
            let Some(reading) = self.course.stepper.between(step_s, middle / step_s) else { break };
            let excess = most(self, reading);
            guess = Some(middle);
            if excess.abs() < 1e-6 {
                break;
            }
            if excess > 0.0 {
                (b, fb, fa) = (middle, excess, 0.5 * fa);
            } else {
                (a, fa, fb) = (middle, excess, 0.5 * fb);
            }
        }
        let (mut a, mut fa) = (0.0, most(self, self.course.stepper.reading()));
        let (mut b, mut fb) = (step_s, most(self, self.course.stepper.next_reading()));
        let mut kept = 0_i32;
        for _ in 0..TRIES {
            let secant = guess.take().unwrap_or(a - fa * (b - a) / (fb - fa));
            let middle = if secant > a && secant < b { secant } else { 0.5 * (a + b) };
            self.course.attempts += 1;
            if self.course.stepper.attempt(middle).is_none() {
                (b, fb) = (middle, fb.abs());
                continue;
            }
            let excess = most(self, self.course.stepper.next_reading());
            if excess.abs() <= STOP || b - a <= 1e-9 {
                return Ok(middle);
            }
            if excess > 0.0 {
                (b, fb) = (middle, excess);
                kept = if kept < 0 { kept - 1 } else { -1 };
            } else {
                (a, fa) = (middle, excess);
                kept = if kept > 0 { kept + 1 } else { 1 };
            }
            // an end that stays twice pulls too hard
            match kept {
                ..=-2 => fa *= 0.5,
                2.. => fb *= 0.5,
                _ => {}
            }
        }
        Err(self.course.stuck())
    }

    /// By how much a reading exceeds a stop; nothing for those that watch the clock.
    fn excess(&self, stop: &Stop, reading: Reading) -> Option<f64> {
        match stop {
            Stop::After(_) => None,
            Stop::VoltageBelow(limit_v) => Some(limit_v - reading.voltage),
            Stop::VoltageAbove(limit_v) => Some(reading.voltage - limit_v),
            Stop::CurrentBelow(limit_a) => Some(limit_a - reading.current.abs() * self.area_m2),
            Stop::TemperatureAbove(limit_k) => Some(reading.temp_k - limit_k),
        }
    }

    fn limit(&self, limits: bool, reading: Reading) -> Option<(Ending, Stop)> {
        let (low, high) = self.limits_v;
        if !limits {
            None
        } else if reading.voltage <= low {
            Some((Ending::VoltageMin, Stop::VoltageBelow(low)))
        } else if reading.voltage >= high {
            Some((Ending::VoltageMax, Stop::VoltageAbove(high)))
        } else {
            None
        }
    }

    /// When the row number `due` is wanted.
    fn due_s(&self) -> Option<f64> {
        match self.output {
            Output::Steps => None,
            Output::Every(period_s) => Some(period_s * self.due as f64),
            Output::At(times) => times.get(self.due).copied(),
        }
    }

    fn is_due(&self, time_s: f64) -> bool {
        self.due_s().is_some_and(|due_s| (due_s - time_s).abs() <= 1e-9 * time_s.max(1.0))
    }

    /// Skips rows up to an instant.
    fn pass(&mut self, time_s: f64) {
        while self.due_s().is_some_and(|due_s| due_s <= time_s + 1e-9 * time_s.max(1.0)) {
            self.due += 1;
        }
    }

    /// The rows inside the step that was tried last.
    fn rows_within(&mut self, number: usize, step_s: f64) {
        let (now_s, end_s) = (self.course.stepper.time_s, self.course.stepper.time_s + step_s);
        while let Some(due_s) = self.due_s().filter(|due_s| *due_s < end_s - 1e-9 * end_s.max(1.0)) {
            self.due += 1;
            let share = (due_s - now_s) / step_s;
            if let Some(reading) = self.course.stepper.between(step_s, share) {
                let charge = self.course.stepper.charge_between(step_s, share);
                self.record(number, reading, due_s, charge);
            }
        }
    }

    fn record(&mut self, stage: usize, reading: Reading, time_s: f64, charge: f64) {
        self.rows.push(Row {
            time_s,
            current_a: 0.0 - reading.current * self.area_m2,
            voltage_v: reading.voltage,
            temperature_k: reading.temp_k,
            soc: self.soc_start - (charge - self.charge_start) / self.capacity_c_m2,
            stage,
        });
    }
}
