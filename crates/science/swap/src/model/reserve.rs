//! Charging under `admission`: a charge begins when its full power is free. Without a cap it begins at once.
//!
//! Once it is admitted a charge is settled: cooldown, level power, decay. So its end, its energy and its reservation are
//! closed forms, and only the instant of the next admission has to be looked for.

use std::collections::VecDeque;

use libm::exp;
use voltwin_des::Ticket;

use super::{curve::Curve, root::falling_root};

/// Power below this is a rounding, kW.
const TOLERANCE_KW: f64 = 1e-9;

#[derive(Debug, Clone, Copy)]
struct Job {
    battery: u32,
    kw: f64,
    /// Instant at which power begins.
    start: f64,
    /// Instant at which the decay begins.
    knee: f64,
    end: f64,
    tau_s: f64,
    /// Reservation when it was last computed: never below the present one.
    stale_kw: f64,
}

impl Job {
    #[inline]
    fn reserved(&self, at: f64) -> f64 {
        if at <= self.knee { self.kw } else { self.kw * exp((self.knee - at) / self.tau_s) }
    }
}

/// What the station is to do next for the admissions of a bank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Next {
    /// The first in line may begin now.
    Admit(u32),
    /// It may at this instant, if no charge ends before.
    At(f64),
    /// Nothing before the next end of a charge.
    Nothing,
}

/// The chargers of a station that admits.
#[derive(Debug, Default)]
pub(crate) struct Reserve {
    cap_kw: Option<f64>,
    jobs: Vec<Job>,
    waiting: VecDeque<(u32, f64)>,
    /// Not below the sum of reservations.
    bound_kw: f64,
    /// Instants at which power will begin, in order.
    starts: VecDeque<f64>,
    peak_kw: f64,
    /// The admission that is scheduled.
    pub ticket: Option<Ticket>,
}

impl Reserve {
    pub(crate) fn new(cap_kw: Option<f64>) -> Self {
        Self { cap_kw, ..Self::default() }
    }

    /// A pack that wants `kw` is plugged in and waits for its turn.
    pub(crate) fn plug(&mut self, battery: u32, kw: f64) {
        self.waiting.push_back((battery, kw));
    }

    /// Whether the first in line may begin at `now`; with `due`, the instant was computed before and holds.
    pub(crate) fn next(&mut self, now: f64, due: bool) -> Next {
        let Some((battery, kw)) = self.waiting.front().copied() else { return Next::Nothing };
        let free = due
            || self.cap_kw.is_none_or(|cap_kw| {
                let room = cap_kw - kw + TOLERANCE_KW;
                self.bound_kw <= room || self.reserved(now) <= room
            });
        if free {
            self.waiting.pop_front();
            return Next::Admit(battery);
        }
        let room = self.cap_kw.unwrap_or(f64::INFINITY) - kw;
        let end = self.jobs.iter().map(|job| job.end).fold(f64::INFINITY, f64::min);
        let before_end: f64 = self.jobs.iter().map(|job| job.reserved(end)).sum();
        if before_end > room {
            return Next::Nothing;
        }
        let wait = falling_root(end - now, |x| {
            let at = now + x;
            let (mut value, mut slope) = (-room, 0.0);
            for job in &self.jobs {
                let reserved = job.reserved(at);
                value += reserved;
                if at >= job.knee {
                    slope -= reserved / job.tau_s;
                }
            }
            (value, slope)
        });
        Next::At(now + wait)
    }

    /// Begins an admitted charge; returns the instants at which its power begins, decays and ends.
    pub(crate) fn begin(
        &mut self,
        battery: u32,
        curve: &Curve,
        now: f64,
        cooldown_s: f64,
    ) -> (f64, f64, f64) {
        let start = now + cooldown_s;
        let knee = start + curve.level_s;
        let end = knee + curve.decay_s;
        let kw = curve.kw;
        self.jobs.push(Job { battery, kw, start, knee, end, tau_s: curve.tau_s, stale_kw: kw });
        self.bound_kw += kw;
        self.starts.push_back(start);
        (start, knee, end)
    }

    /// A charge has ended.
    pub(crate) fn end(&mut self, battery: u32) {
        if let Some(place) = self.jobs.iter().position(|job| job.battery == battery) {
            self.bound_kw -= self.jobs.swap_remove(place).stale_kw;
        }
    }

    fn reserved(&mut self, at: f64) -> f64 {
        let mut sum = 0.0;
        for job in &mut self.jobs {
            if at > job.knee {
                job.stale_kw = job.reserved(at);
            }
            sum += job.stale_kw;
        }
        self.bound_kw = sum;
        sum
    }

    /// The power of the station right after each start of power up to `now` goes into the peak; what begins before
    /// `warmup_s` does not. To be called before the jobs change.
    #[inline]
    pub(crate) fn note_starts(&mut self, now: f64, warmup_s: f64) {
        while let Some(start) = self.starts.front().copied().filter(|start| *start <= now) {
            self.starts.pop_front();
            // the bound may have lost a rounding to its subtractions
            if start >= warmup_s && self.bound_kw > self.peak_kw - TOLERANCE_KW {
                let reserved = self.reserved(start);
                let resting = self.jobs.iter().filter(|job| job.start > start);
                let power = reserved - resting.map(|job| job.kw).sum::<f64>();
                self.peak_kw = self.peak_kw.max(power);
            }
        }
    }

    pub(crate) fn peak_kw(&self) -> f64 {
        self.peak_kw
    }
}
