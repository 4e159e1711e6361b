//! What a cell lived through: samples, and the stress that a stretch of them puts on it.

use serde::{Deserialize, Serialize};

use crate::{
    AgeingError,
    error::within,
    rainflow::{rainflow_repeating, weighted_depth},
};

/// Coldest and hottest temperature in degrees Celsius that a history may hold.
pub const TEMP_C_LIMITS: (f64, f64) = (-40.0, 80.0);

/// State of charge and temperature at one moment; between samples both are straight lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Time in s from any origin.
    pub t_s: f64,
    /// State of charge, 0..=1 of the *present* capacity.
    pub soc: f64,
    /// Cell temperature in degrees Celsius.
    pub temp_c: f64,
}

/// One point of the time quadrature of a stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Node {
    /// Share of the stretch's time; all shares add up to 1.
    pub share: f64,
    pub soc: f64,
    pub temp_k: f64,
}

/// What a stretch of history does to a cell, in the terms of the ageing models.
#[derive(Debug, Clone, PartialEq)]
pub struct Stress {
    /// Length in days.
    pub duration_days: f64,
    /// Full equivalent cycles of the present capacity: half of the sum of all changes of charge.
    pub full_cycles: f64,
    /// Throughput-weighted depth of the rainflow cycles of the stretch as if it repeated, 0..=1.
    pub depth: f64,
    /// Mean of charge and discharge current over the whole stretch, rests included, in 1/h of the present capacity.
    pub mean_c_rate: f64,
    /// Fastest charge in 1/h.
    pub charge_c_rate: f64,
    /// Fastest discharge in 1/h.
    pub discharge_c_rate: f64,
    /// Time mean of the state of charge.
    pub mean_soc: f64,
    /// Lowest and highest state of charge.
    pub soc_range: (f64, f64),
    /// Coldest and hottest temperature in degrees Celsius.
    pub temp_c_range: (f64, f64),
    pub(crate) nodes: Vec<Node>,
}

/// Three-point Gauss-Legendre on 0..1: exact to the fifth power, so an hour's ramp needs no finer samples.
const GAUSS: [(f64, f64); 3] =
    [(0.112_701_665_379_258_3, 5.0 / 18.0), (0.5, 8.0 / 18.0), (0.887_298_334_620_741_7, 5.0 / 18.0)];

/// Changes within a segment up to which its middle stands for it: rates bend by less than 1e-4 over them.
const FLAT_SOC: f64 = 0.02;
/// See [`FLAT_SOC`].
const FLAT_TEMP_C: f64 = 1.0;

/// Slower than this, in 1/h, a change of charge is storage and no current: self-discharge, balancing, noise.
const STORAGE_C_RATE: f64 = 0.01;

impl Stress {
    /// The stress of a stretch of history.
    ///
    /// # Errors
    /// Fewer than two samples, times that do not increase, a state of charge outside 0..=1 or a temperature outside
    /// [`TEMP_C_LIMITS`].
    pub fn of(samples: &[Sample]) -> Result<Self, AgeingError> {
        check(samples)?;
        let (first, last) = (samples[0], samples[samples.len() - 1]);
        let total_s = last.t_s - first.t_s;
        let charge: Vec<f64> = samples.iter().map(|sample| sample.soc).collect();
        let mut stress = Self {
            duration_days: total_s / 86_400.0,
            full_cycles: 0.0,
            depth: weighted_depth(&rainflow_repeating(&charge)),
            mean_c_rate: 0.0,
            charge_c_rate: 0.0,
            discharge_c_rate: 0.0,
            mean_soc: 0.0,
            soc_range: (first.soc, first.soc),
            temp_c_range: (first.temp_c, first.temp_c),
            nodes: Vec::with_capacity(samples.len()),
        };
        let mut moving = 0.0;
        for pair in samples.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let share = (b.t_s - a.t_s) / total_s;
            let change = b.soc - a.soc;
            let rate = change * 3600.0 / (b.t_s - a.t_s);
            stress.full_cycles += change.abs() / 2.0;
            if rate.abs() >= STORAGE_C_RATE {
                moving += change.abs();
            }
            stress.charge_c_rate = stress.charge_c_rate.max(rate);
            stress.discharge_c_rate = stress.discharge_c_rate.max(-rate);
            stress.soc_range = (stress.soc_range.0.min(b.soc), stress.soc_range.1.max(b.soc));
            stress.temp_c_range = (stress.temp_c_range.0.min(b.temp_c), stress.temp_c_range.1.max(b.temp_c));
            stress.mean_soc += share * 0.5 * (a.soc + b.soc);
            stress.quadrature(a, b, share);
        }
        stress.mean_c_rate = moving * 3600.0 / total_s;
        Ok(stress)
    }

    fn quadrature(&mut self, a: Sample, b: Sample, share: f64) {
        if a.soc == b.soc && a.temp_c == b.temp_c {
            let node = Node { share, soc: a.soc, temp_k: a.temp_c + 273.15 };
            match self.nodes.last_mut() {
                Some(last) if last.soc == node.soc && last.temp_k == node.temp_k => last.share += share,
                _ => self.nodes.push(node),
            }
            return;
        }
        if (b.soc - a.soc).abs() <= FLAT_SOC && (b.temp_c - a.temp_c).abs() <= FLAT_TEMP_C {
            let temp_k = 0.5 * (a.temp_c + b.temp_c) + 273.15;
            self.nodes.push(Node { share, soc: 0.5 * (a.soc + b.soc), temp_k });
            return;
        }
        self.nodes.extend(GAUSS.map(|(at, weight)| Node {
            share: share * weight,
            soc: a.soc + at * (b.soc - a.soc),
            temp_k: a.temp_c + at * (b.temp_c - a.temp_c) + 273.15,
        }));
    }

    /// Time mean of a rate over the stretch.
    pub(crate) fn mean(&self, rate: impl Fn(&Node) -> f64) -> f64 {
        self.nodes.iter().map(|node| node.share * rate(node)).sum()
    }
}

fn check(samples: &[Sample]) -> Result<(), AgeingError> {
    if samples.len() < 2 {
        return Err(AgeingError::TooShort { count: samples.len() });
    }
    let mut before_s = f64::NEG_INFINITY;
    for (index, sample) in samples.iter().enumerate() {
        let limits = [
            ("t_s", sample.t_s, f64::MIN, f64::MAX),
            ("soc", sample.soc, 0.0, 1.0),
            ("temp_c", sample.temp_c, TEMP_C_LIMITS.0, TEMP_C_LIMITS.1),
        ];
        for (field, value, low, high) in limits {
            if !(low..=high).contains(&value) {
                return Err(AgeingError::Sample { index, field, value, low, high });
            }
        }
        if sample.t_s <= before_s {
            return Err(AgeingError::TimeOrder { index, t_s: sample.t_s, before_s });
        }
        before_s = sample.t_s;
    }
    Ok(())
}

/// A stretch that repeats, for instance a day of a car.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    samples: Vec<Sample>,
}

/// What stays where it is when a fading battery must swing further for the same energy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// The state of charge at which the stretch begins: the driver charges to the same level as ever.
    Start,
    /// The mean state of charge: habits centre on what they centred on.
    Mean,
    /// The state of charge at an hour that moves on by one with each repetition, so that none is favoured.
    #[default]
    Moving,
}

impl Profile {
    /// A profile of checked samples.
    ///
    /// # Errors
    /// As [`Stress::of`].
    pub fn new(samples: Vec<Sample>) -> Result<Self, AgeingError> {
        check(&samples)?;
        Ok(Self { samples })
    }

    /// A day at one temperature from break points `(hour, soc)`.
    ///
    /// # Errors
    /// As [`Stress::of`].
    pub fn day(points: &[(f64, f64)], temp_c: f64) -> Result<Self, AgeingError> {
        Self::new(points.iter().map(|&(hour, soc)| Sample { t_s: hour * 3600.0, soc, temp_c }).collect())
    }

    /// The samples.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Length in days.
    #[must_use]
    pub fn duration_days(&self) -> f64 {
        (self.samples[self.samples.len() - 1].t_s - self.samples[0].t_s) / 86_400.0
    }

    /// The state of charge that an anchor holds still in the repetition of that number.
    #[must_use]
    pub fn still(&self, anchor: Anchor, repetition: u32) -> f64 {
        let samples = &self.samples;
        match anchor {
            Anchor::Start => samples[0].soc,
            Anchor::Mean => {
                let area: f64 = samples
                    .windows(2)
                    .map(|pair| (pair[1].t_s - pair[0].t_s) * 0.5 * (pair[0].soc + pair[1].soc))
                    .sum();
                area / (self.duration_days() * 86_400.0)
            }
            Anchor::Moving => {
                let into_s = (f64::from(repetition) * 3600.0) % (self.duration_days() * 86_400.0);
                self.at(samples[0].t_s + into_s).soc
            }
        }
    }

    /// The profile at a moment; before and after it, its first and last sample.
    #[must_use]
    pub fn at(&self, t_s: f64) -> Sample {
        let samples = &self.samples;
        let after = samples.partition_point(|sample| sample.t_s < t_s).clamp(1, samples.len() - 1);
        let (a, b) = (samples[after - 1], samples[after]);
        let part = ((t_s - a.t_s) / (b.t_s - a.t_s)).clamp(0.0, 1.0);
        let mix = |a: f64, b: f64| a + part * (b - a);
        Sample { t_s, soc: mix(a.soc, b.soc), temp_c: mix(a.temp_c, b.temp_c) }
    }

    /// The same energy through a battery of relative capacity `capacity`: every swing around `still` grows by
    /// `1/capacity` and is cut off at empty and full.
    ///
    /// # Errors
    /// A capacity outside 0.01..=2 or a charge outside 0..=1.
    pub fn for_capacity(&self, capacity: f64, still: f64) -> Result<Self, AgeingError> {
        within("capacity", capacity, 0.01, 2.0)?;
        within("still", still, 0.0, 1.0)?;
        let swung = |sample: &Sample| Sample {
            soc: (still + (sample.soc - still) / capacity).clamp(0.0, 1.0),
            ..*sample
        };
        Ok(Self { samples: self.samples.iter().map(swung).collect() })
    }

    /// The same profile at `delta_c` warmer or, where negative, colder.
    ///
    /// # Errors
    /// A temperature that leaves [`TEMP_C_LIMITS`].
    pub fn warmer(&self, delta_c: f64) -> Result<Self, AgeingError> {
        Self::new(
            self.samples.iter().map(|sample| Sample { temp_c: sample.temp_c + delta_c, ..*sample }).collect(),
        )
    }
}
