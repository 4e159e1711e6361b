//! Charging under `share` with a cap: all charges run at the same fraction of what they want.
//!
//! In effective time `v`, with dv = f dt, every curve is as if there were no cap, so that the wanted power D(v) is a sum of
//! closed forms that does not rise between starts. Real time is the integral of max(1, D / cap) over `v`: while the cap binds,
//! it is energy over cap, and when it ceases to bind, the two clocks run alike until the next start.

use libm::exp;
use voltwin_des::Ticket;

use super::{curve::Curve, meter::Meter, root::falling_root};

#[derive(Debug, Clone, Copy)]
struct Job {
    battery: u32,
    kw: f64,
    /// Real instant at which it began.
    started: f64,
    /// Effective time of the begin of the decay, and of the end.
    knee: f64,
    end: f64,
    tau_s: f64,
    /// Share of the power that it wants at the present effective time.
    share: f64,
}

impl Job {
    #[inline]
    fn share(&self, v: f64) -> f64 {
        if v <= self.knee { 1.0 } else { exp((self.knee - v) / self.tau_s) }
    }

    /// Energy between the present effective time `v0` and `v`, where it wants `share`, in kW s.
    #[inline]
    fn energy(&self, v0: f64, v: f64, share: f64) -> f64 {
        let level = (v.min(self.knee) - v0).max(0.0);
        self.kw * (level + self.tau_s * (self.share - share))
    }
}

/// The chargers of a station that shares its cap.
#[derive(Debug)]
pub(crate) struct Share {
    cap_kw: f64,
    jobs: Vec<Job>,
    /// Real and effective time of the last step.
    now: f64,
    v: f64,
    /// Power that all want now.
    wanted_kw: f64,
    /// Real and effective time at which the cap ceases to bind, where that has been computed.
    crossing: Option<(f64, f64)>,
    peak_kw: f64,
    /// The end of a charge that is scheduled.
    pub ticket: Option<Ticket>,
}

impl Share {
    pub(crate) const fn new(cap_kw: f64) -> Self {
        Self {
            cap_kw,
            jobs: Vec::new(),
            now: 0.0,
            v: 0.0,
            wanted_kw: 0.0,
            crossing: None,
            peak_kw: 0.0,
            ticket: None,
        }
    }

    fn binds(&self) -> bool {
        self.wanted_kw > self.cap_kw
    }

    /// Runs until the real instant `to`, without start or end before it; energy goes into the meter.
    pub(crate) fn advance(&mut self, to: f64, meter: &mut Meter) {
        while self.now < to {
            if self.jobs.is_empty() {
                self.v += to - self.now;
                self.now = to;
                return;
            }
            let mut until = meter.period_end(self.now).min(to);
            let from = self.now;
            if self.binds() {
                let crossing = self.crossing();
                if let Some((at, v)) = crossing
                    && at <= until
                {
                    until = at;
                    self.settle(at, v);
                } else {
                    let v = self.effective_while_bound(until - from);
                    self.settle(until, v);
                }
                meter.within(f64::midpoint(from, until), self.cap_kw * (until - from));
            } else {
                let v = self.v + (until - from);
                let energy = self.settle(until, v);
                meter.within(f64::midpoint(from, until), energy);
            }
            if crossing_passed(self.crossing, self.now) {
                // rounding must not leave the cap binding by its last digit
                self.wanted_kw = self.wanted_kw.min(self.cap_kw);
                self.crossing = None;
            }
        }
    }

    /// Moves both clocks; returns the energy that was wanted on the way, in kW s.
    fn settle(&mut self, now: f64, v: f64) -> f64 {
        let (mut wanted, mut energy) = (0.0, 0.0);
        for job in &mut self.jobs {
            let share = job.share(v);
            energy += job.energy(self.v, v, share);
            job.share = share;
            wanted += job.kw * share;
        }
        (self.now, self.v, self.wanted_kw) = (now, v, wanted);
        energy
    }

    /// Wanted energy up to `v` less `kws`, and the power wanted at `v`.
    fn energy_to(&self, v: f64, kws: f64) -> (f64, f64) {
        self.jobs.iter().fold((-kws, 0.0), |(energy, power), job| {
            let share = job.share(v);
            (energy + job.energy(self.v, v, share), power + job.kw * share)
        })
    }

    /// The effective time after `wait` of real time, while the cap binds all along.
    fn effective_while_bound(&self, wait: f64) -> f64 {
        let kws = self.cap_kw * wait;
        // energy is concave in v, so that Newton's steps never pass the root
        let mut v = self.v;
        for _ in 0..100 {
            let (energy, power) = self.energy_to(v, kws);
            let step = -energy / power;
            v += step;
            if step <= 1e-12 * wait.max(1e-3) {
                break;
            }
        }
        v.max(self.v)
    }

    /// When the cap ceases to bind, if it does before a charge ends.
    fn crossing(&mut self) -> Option<(f64, f64)> {
        if self.crossing.is_none() && self.binds() {
            let end = self.next_end_v();
            let at_end: f64 = self.jobs.iter().map(|job| job.kw * job.share(end)).sum();
            if at_end <= self.cap_kw {
                let step = falling_root(end - self.v, |x| {
                    let v = self.v + x;
                    let (mut value, mut slope) = (-self.cap_kw, 0.0);
                    for job in &self.jobs {
                        let power = job.kw * job.share(v);
                        value += power;
                        if v >= job.knee {
                            slope -= power / job.tau_s;
                        }
                    }
                    (value, slope)
                });
                let v = self.v + step;
                let (energy, _) = self.energy_to(v, 0.0);
                self.crossing = Some((self.now + energy / self.cap_kw, v));
            }
        }
        self.crossing
    }

    fn next_end_v(&self) -> f64 {
        self.jobs.iter().map(|job| job.end).fold(f64::INFINITY, f64::min)
    }

    /// The real instant at which the next charge ends if none starts before, and its pack.
    pub(crate) fn next_end(&mut self) -> Option<(f64, u32)> {
        let mut first: Option<&Job> = None;
        for job in &self.jobs {
            if first.is_none_or(|found| job.end < found.end) {
                first = Some(job);
            }
        }
        let (battery, end) = first.map(|job| (job.battery, job.end))?;
        if !self.binds() {
            return Some((self.now + (end - self.v), battery));
        }
        let at = match self.crossing() {
            Some((at, v)) => at + (end - v),
            None => self.now + self.energy_to(end, 0.0).0 / self.cap_kw,
        };
        Some((at, battery))
    }

    /// A charge begins at the present instant.
    pub(crate) fn begin(&mut self, battery: u32, curve: &Curve, warmup_s: f64) {
        let knee = self.v + curve.level_s;
        self.jobs.push(Job {
            battery,
            kw: curve.kw,
            started: self.now,
            knee,
            end: knee + curve.decay_s,
            tau_s: curve.tau_s,
            share: 1.0,
        });
        self.wanted_kw += curve.kw;
        self.crossing = None;
        if self.now >= warmup_s {
            self.peak_kw = self.peak_kw.max(self.wanted_kw.min(self.cap_kw));
        }
    }

    /// A charge ends at the present instant; returns when it began.
    pub(crate) fn end(&mut self, battery: u32) -> f64 {
        let Some(place) = self.jobs.iter().position(|job| job.battery == battery) else { return self.now };
        let job = self.jobs.swap_remove(place);
        // the clocks meet at its end exactly, so that roundings do not add up
        if job.end > self.v {
            self.settle(self.now, job.end);
        }
        self.wanted_kw = self.jobs.iter().map(|job| job.kw * job.share).sum();
        self.crossing = None;
        job.started
    }

    /// When each charge that still runs began.
    pub(crate) fn running(&self) -> impl Iterator<Item = f64> + '_ {
        self.jobs.iter().map(|job| job.started)
    }

    pub(crate) const fn peak_kw(&self) -> f64 {
        self.peak_kw
    }
}

fn crossing_passed(crossing: Option<(f64, f64)>, now: f64) -> bool {
    crossing.is_some_and(|(at, _)| now >= at)
}
