use super::parameters::{FARADAY, GAS_CONSTANT, ZERO_CELSIUS_K};
use super::{EcmParameters, PAIRS_MAX};
use crate::BatteryError;

/// Pieces of the tables over state of charge.
const SOC_PIECES: usize = 200;
/// Widest piece of the tables over temperature in K: an activation energy of 50 kJ/mol bends by 1 % across it.
const TEMP_PIECE_K: f64 = 5.0;
/// Lanes of a table row: one cache line.
const LANES: usize = 8;
const OCV: usize = 0;
const ENTROPIC: usize = 1;
const R0: usize = 2;
const PAIR: usize = 3;
const EXCHANGE: usize = 6;
const HYSTERESIS: usize = 7;

/// How far outside of `0..=1` a state of charge may be: capacity and start are never known better.
pub const SOC_MARGIN: f64 = 0.05;
/// Largest current in capacities per hour.
pub const C_RATE_MAX: f64 = 100.0;
/// Longest step in s.
pub const STEP_MAX_S: f64 = 1e7;

/// A cell's parameters as tables over even grids of state of charge and temperature: what all cells of a type share.
#[derive(Debug, Clone, PartialEq)]
pub struct EcmModel {
    parameters: EcmParameters,
    rows: Vec<[f64; LANES]>,
    /// At each temperature: 1/tau of each voltage pair, then 1/tau and gain of each diffusion pair.
    rates: Vec<[f64; 3 * PAIRS_MAX]>,
    temp_first_c: f64,
    temp_pieces: usize,
    per_k: f64,
    pub(crate) capacity_as: f64,
    has_kinetics: bool,
    has_hysteresis: bool,
}

/// What depends on the length of a step alone: decays at each temperature of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTable {
    dt_s: f64,
    /// Decay of each voltage pair, then decay and gain (s) of each diffusion pair.
    rows: Vec<[f64; 3 * PAIRS_MAX]>,
    thermal_decay: f64,
    thermal_gain_k_per_w: f64,
}

impl StepTable {
    /// The length of the step in s.
    #[must_use]
    pub fn dt_s(&self) -> f64 {
        self.dt_s
    }
}

/// The state of a circuit of `N` voltage pairs and `M` diffusion pairs, in registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane<const N: usize, const M: usize> {
    pub(crate) soc: f64,
    pub(crate) pair_v: [f64; N],
    pub(crate) lag: [f64; M],
    pub(crate) hysteresis: f64,
    pub(crate) temp_c: f64,
}

/// What a cell has of its own and what is done to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drive {
    pub(crate) capacity_as: f64,
    pub(crate) resistance_factor: f64,
    pub(crate) ambient_c: f64,
    pub(crate) current_a: f64,
}

/// What shows outside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) voltage_v: f64,
    pub(crate) ocv_v: f64,
    pub(crate) heat_w: f64,
}

impl EcmModel {
    /// # Errors
    /// See [`EcmParameters::check`].
    pub fn new(parameters: EcmParameters) -> Result<Self, BatteryError> {
        parameters.check()?;
        let [low_c, high_c] = parameters.valid_c;
        let temp_pieces = ((high_c - low_c) / TEMP_PIECE_K).ceil().max(1.0) as usize;
        let piece_k = (high_c - low_c) / temp_pieces as f64;
        let mut rows = Vec::with_capacity((temp_pieces + 1) * (SOC_PIECES + 1));
        for node in 0..=temp_pieces {
            let temp_c = low_c + piece_k * node as f64;
            for column in 0..=SOC_PIECES {
                let soc = column as f64 / SOC_PIECES as f64;
                let mut row = [0.0; LANES];
                row[ENTROPIC] = parameters.entropic_at(soc);
                row[OCV] = parameters.ocv_at(soc) + row[ENTROPIC] * (temp_c - parameters.reference_c);
                row[R0] = parameters.r0_ohm.at(soc, temp_c);
                for (lane, pair) in row[PAIR..].iter_mut().zip(&parameters.pairs) {
                    *lane = pair.r_ohm.at(soc, temp_c);
                }
                row[EXCHANGE] = parameters.exchange_a.as_ref().map_or(0.0, |i0| 0.5 / i0.at(soc, temp_c));
                row[HYSTERESIS] =
                    parameters.hysteresis.as_ref().map_or(0.0, |h| h.magnitude_v.at(soc, temp_c));
                if row.iter().any(|value| !value.is_finite()) {
                    return Err(BatteryError::Shape {
                        field: "valid_c",
                        rule: "a range over which every table is finite",
                    });
                }
                rows.push(row);
            }
        }
        let rates = (0..=temp_pieces)
            .map(|node| {
                let temp_c = low_c + piece_k * node as f64;
                let mut row = [0.0; 3 * PAIRS_MAX];
                for (lane, pair) in row.iter_mut().zip(&parameters.pairs) {
                    *lane = 1.0 / pair.tau_s.at(0.5, temp_c);
                }
                for (lanes, pair) in row[PAIRS_MAX..].chunks_exact_mut(2).zip(&parameters.diffusion) {
                    lanes[0] = 1.0 / pair.tau_s.at(0.5, temp_c);
                    lanes[1] = pair.gain_s.at(0.5, temp_c);
                }
                row
            })
            .collect();
        Ok(Self {
            rates,
            capacity_as: parameters.capacity_ah * 3_600.0,
            has_kinetics: parameters.exchange_a.is_some(),
            has_hysteresis: parameters.hysteresis.is_some(),
            rows,
            temp_first_c: low_c,
            temp_pieces,
            per_k: 1.0 / piece_k,
            parameters,
        })
    }

    /// What it was made of.
    #[must_use]
    pub fn parameters(&self) -> &EcmParameters {
        &self.parameters
    }

    /// Prepares steps of `dt_s`, 0 to [`STEP_MAX_S`].
    ///
    /// # Errors
    /// [`BatteryError::Parameter`] for another length.
    pub fn step_table(&self, dt_s: f64) -> Result<StepTable, BatteryError> {
        super::parameters::within("dt_s", dt_s, 0.0, STEP_MAX_S, "0 to 10000000 s")?;
        let parameters = &self.parameters;
        let rows = self
            .rates
            .iter()
            .map(|rates| {
                let mut row = *rates;
                row[..PAIRS_MAX].iter_mut().for_each(|lane| *lane = (-dt_s * *lane).exp());
                row[PAIRS_MAX..].chunks_exact_mut(2).for_each(|lanes| lanes[0] = (-dt_s * lanes[0]).exp());
                row
            })
            .collect();
        let thermal = parameters.thermal;
        let rate = thermal.conductance_w_per_k / thermal.heat_capacity_j_per_k;
        let decay = (-rate * dt_s).exp();
        let gain = if rate * dt_s > 1e-9 {
            (1.0 - decay) / thermal.conductance_w_per_k
        } else {
            dt_s / thermal.heat_capacity_j_per_k
        };
        Ok(StepTable { dt_s, rows, thermal_decay: decay, thermal_gain_k_per_w: gain })
    }

    /// Open-circuit voltage in V and its slope in V per unit of state of charge.
    #[must_use]
    pub fn ocv(&self, soc: f64, temp_c: f64) -> (f64, f64) {
        let (row, share) = self.temp_place(temp_c);
        let (column, part, excess) = soc_place(soc);
        let (a, b) = (self.blend(row, column, share, OCV), self.blend(row, column + 1, share, OCV));
        (a + (b - a) * (part + excess), (b - a) * SOC_PIECES as f64)
    }

    /// All lanes at a place of the tables; the open-circuit voltage goes on along its slope outside of `0..=1`.
    #[inline(always)]
    fn lanes(&self, soc: f64, row: usize, share: f64) -> [f64; LANES] {
        let (column, part, excess) = soc_place(soc);
        let base = row * (SOC_PIECES + 1) + column;
        let cold = [&self.rows[base], &self.rows[base + 1]];
        let warm = [&self.rows[base + SOC_PIECES + 1], &self.rows[base + SOC_PIECES + 2]];
        let mut out = [0.0; LANES];
        for lane in 0..LANES {
            let low = cold[0][lane] + (warm[0][lane] - cold[0][lane]) * share;
            let high = cold[1][lane] + (warm[1][lane] - cold[1][lane]) * share;
            out[lane] = low + (high - low) * if lane == OCV { part + excess } else { part };
        }
        out
    }

    #[inline(always)]
    fn blend(&self, row: usize, column: usize, share: f64, lane: usize) -> f64 {
        let place = row * (SOC_PIECES + 1) + column;
        let (cold, warm) = (self.rows[place][lane], self.rows[place + SOC_PIECES + 1][lane]);
        cold + (warm - cold) * share
    }

    #[inline(always)]
    fn temp_place(&self, temp_c: f64) -> (usize, f64) {
        let place = (temp_c - self.temp_first_c) * self.per_k;
        let row = (place as usize).min(self.temp_pieces - 1);
        (row, (place - row as f64).clamp(0.0, 1.0))
    }

    /// One step: exact for a current that is constant over it. The only arithmetic of the circuit; the scalar and
    /// the batched form both run it, hence give the same bits.
    #[inline(always)]
    pub(crate) fn advance<const N: usize, const M: usize>(
        &self,
        step: &StepTable,
        lane: &mut Lane<N, M>,
        drive: Drive,
    ) -> Shown {
        let Drive { capacity_as, resistance_factor, ambient_c, current_a } = drive;
        let (row, share) = self.temp_place(lane.temp_c);
        let (cold, warm) = (&step.rows[row], &step.rows[row + 1]);
        let at_temp = |index: usize| cold[index] + (warm[index] - cold[index]) * share;

        let rate = current_a / capacity_as;
        lane.soc = (lane.soc + rate * step.dt_s).clamp(-SOC_MARGIN, 1.0 + SOC_MARGIN);
        let at = self.lanes(lane.soc, row, share);
        let mut over_v = at[R0] * resistance_factor * current_a;
        for pair in 0..N {
            let decay = at_temp(pair);
            let full_v = at[PAIR + pair] * resistance_factor * current_a;
            lane.pair_v[pair] = full_v + (lane.pair_v[pair] - full_v) * decay;
            over_v += lane.pair_v[pair];
        }
        let mut surface_v = at[OCV];
        if M > 0 {
            let mut surface = lane.soc;
            for pair in 0..M {
                let (decay, full) = (at_temp(PAIRS_MAX + 2 * pair), at_temp(PAIRS_MAX + 2 * pair + 1) * rate);
                lane.lag[pair] = full + (lane.lag[pair] - full) * decay;
                surface += lane.lag[pair];
            }
            let (column, part, excess) = soc_place(surface.clamp(-2.0 * SOC_MARGIN, 1.0 + 2.0 * SOC_MARGIN));
            let (low, high) = (self.blend(row, column, share, OCV), self.blend(row, column + 1, share, OCV));
            surface_v = low + (high - low) * (part + excess);
        }
        if self.has_kinetics {
            let thermal_v = 2.0 * GAS_CONSTANT / FARADAY * (lane.temp_c + ZERO_CELSIUS_K);
            over_v += thermal_v * (current_a * at[EXCHANGE] * resistance_factor).asinh();
        }
        if self.has_hysteresis {
            let speed = self.parameters.hysteresis.as_ref().map_or(0.0, |h| h.rate);
            let decay = (-speed * (rate * step.dt_s).abs()).exp();
            let side = if current_a > 0.0 {
                1.0
            } else if current_a < 0.0 {
                -1.0
            } else {
                0.0
            };
            lane.hysteresis = side + (lane.hysteresis - side) * decay;
            over_v += at[HYSTERESIS] * lane.hysteresis;
        }
        let voltage_v = surface_v + over_v;
        let heat_w = current_a * (voltage_v - at[OCV] + at[ENTROPIC] * (lane.temp_c + ZERO_CELSIUS_K));
        lane.temp_c =
            ambient_c + (lane.temp_c - ambient_c) * step.thermal_decay + heat_w * step.thermal_gain_k_per_w;
        Shown { voltage_v, ocv_v: at[OCV], heat_w }
    }
}

/// Piece, part of the piece, and how many pieces beyond the ends.
#[inline(always)]
fn soc_place(soc: f64) -> (usize, f64, f64) {
    let place = soc * SOC_PIECES as f64;
    let column = (place as usize).min(SOC_PIECES - 1);
    let part = place - column as f64;
    let inside = part.clamp(0.0, 1.0);
    (column, inside, part - inside)
}

/// Calls `$body` with the counts of voltage and diffusion pairs as constants `N` and `M`.
macro_rules! with_pairs {
    ($model:expr, $body:ident ( $($argument:expr),* )) => {{
        let parameters = $model.parameters();
        match (parameters.pairs.len(), parameters.diffusion.len()) {
            (0, 0) => $body::<0, 0>($($argument),*),
            (1, 0) => $body::<1, 0>($($argument),*),
            (2, 0) => $body::<2, 0>($($argument),*),
            (3, 0) => $body::<3, 0>($($argument),*),
            (0, 1) => $body::<0, 1>($($argument),*),
            (1, 1) => $body::<1, 1>($($argument),*),
            (2, 1) => $body::<2, 1>($($argument),*),
            (3, 1) => $body::<3, 1>($($argument),*),
            (0, 2) => $body::<0, 2>($($argument),*),
            (1, 2) => $body::<1, 2>($($argument),*),
            (2, 2) => $body::<2, 2>($($argument),*),
            (3, 2) => $body::<3, 2>($($argument),*),
            (0, _) => $body::<0, 3>($($argument),*),
            (1, _) => $body::<1, 3>($($argument),*),
            (2, _) => $body::<2, 3>($($argument),*),
            (_, _) => $body::<3, 3>($($argument),*),
        }
    }};
}
pub(crate) use with_pairs;
