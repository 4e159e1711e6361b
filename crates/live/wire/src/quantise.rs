//! SI quantities to wire integers: rounded to nearest, clamped to the range, unknown where the wire can say so.

/// `soc_e4` of an unknown state of charge.
pub const SOC_UNKNOWN: u16 = 65_535;
/// A row number that refers to no row.
pub const NO_ROW: u32 = 0xFFFF_FFFF;
/// `lat_e7` and `lon_e7` of an unknown position.
pub const DEGREES_UNKNOWN: i32 = i32::MIN;

/// Rounds and clamps to `[low, high]`; what is absent or not a number becomes 0.
fn clamp(value: Option<f64>, scale: f64, low: f64, high: f64) -> f64 {
    match value {
        Some(x) if !x.is_nan() => (x * scale).round().clamp(low, high),
        _ => 0.0,
    }
}

/// A state of charge in 0..=1 as ten-thousandths, clamped; unknown or not a number is [`SOC_UNKNOWN`].
#[must_use]
pub fn quantise_soc(soc: Option<f64>) -> u16 {
    match soc {
        Some(x) if !x.is_nan() => (x * 1e4).round().clamp(0.0, 1e4) as u16,
        _ => SOC_UNKNOWN,
    }
}

/// A latitude in degrees (±90) as ten-millionths, clamped; unknown is [`DEGREES_UNKNOWN`].
#[must_use]
pub fn quantise_lat(lat_deg: Option<f64>) -> i32 {
    match lat_deg {
        Some(x) if x.is_finite() => (x * 1e7).round().clamp(-90e7, 90e7) as i32,
        _ => DEGREES_UNKNOWN,
    }
}

/// A longitude in degrees (±180) as ten-millionths, clamped; unknown is [`DEGREES_UNKNOWN`].
#[must_use]
pub fn quantise_lon(lon_deg: Option<f64>) -> i32 {
    match lon_deg {
        Some(x) if x.is_finite() => (x * 1e7).round().clamp(-180e7, 180e7) as i32,
        _ => DEGREES_UNKNOWN,
    }
}

/// A power in watts, clamped to the range of `i32`; unknown is 0.
#[must_use]
pub fn quantise_power(power_w: Option<f64>) -> i32 {
    clamp(power_w, 1.0, f64::from(i32::MIN), f64::from(i32::MAX)) as i32
}

/// An energy in watt-hours, clamped to the range of `u32`; unknown is 0.
#[must_use]
pub fn quantise_energy(energy_wh: Option<f64>) -> u32 {
    clamp(energy_wh, 1.0, 0.0, f64::from(u32::MAX)) as u32
}

/// A voltage in volts as tenths, clamped to 0..=6553.5 V; unknown is 0.
#[must_use]
pub fn quantise_voltage(voltage_v: Option<f64>) -> u16 {
    clamp(voltage_v, 10.0, 0.0, f64::from(u16::MAX)) as u16
}

/// A current in amperes as tenths, clamped to ±3276.7 A; unknown is 0.
#[must_use]
pub fn quantise_current(current_a: Option<f64>) -> i16 {
    clamp(current_a, 10.0, f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

/// A heading in degrees clockwise from north as hundredths in 0..36000, wrapped; unknown is 0.
#[must_use]
pub fn quantise_heading(heading_deg: Option<f64>) -> u16 {
    match heading_deg {
        Some(x) if x.is_finite() => ((x.rem_euclid(360.0) * 100.0).round() as u32 % 36_000) as u16,
        _ => 0,
    }
}

/// A speed in metres per second as hundredths, clamped to 0..=655.35 m/s; unknown is 0.
#[must_use]
pub fn quantise_speed(speed_mps: Option<f64>) -> u16 {
    clamp(speed_mps, 100.0, 0.0, f64::from(u16::MAX)) as u16
}

/// An instant as milliseconds after the stream's epoch, clamped to 0..=49.7 days.
#[must_use]
pub fn quantise_at(at_ms: i64, epoch_ms: i64) -> u32 {
    u32::try_from(at_ms.saturating_sub(epoch_ms).max(0)).unwrap_or(u32::MAX)
}

/// A count, clamped to 255.
#[must_use]
pub fn quantise_count(count: usize) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}
