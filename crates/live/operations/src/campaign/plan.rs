//! What a campaign does, and in which waves.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;
use voltwin_csms::{FirmwareImage, FirmwareRequest};

use crate::OperationError;

/// The most attempts at one station.
pub const ATTEMPTS_MAX: u32 = 10;
/// The most stations of one campaign that are at work at once.
pub const AT_ONCE_MAX: u32 = 1_000;
/// The longest wait between two attempts, and the longest that a station may be silent at work, in seconds.
pub const WAIT_S_MAX: u32 = 30 * 86_400;
const NAME_CHARS_MAX: usize = 200;
/// What OCPP takes for a firmware version.
const VERSION_CHARS_MAX: usize = 50;

/// A firmware for many stations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CampaignPlan {
    /// What it is called.
    pub name: String,
    /// The stored file with the firmware.
    pub file: String,
    /// The version that a station tells at its boot once the firmware is in it.
    pub version: String,
    /// Where stations reach us.
    pub base: String,
    /// The certificate that signed it (PEM) and the signature: a signed update.
    pub signed: Option<(String, String)>,
    /// Who goes first.
    pub waves: Waves,
    /// Only between these times of the day.
    pub window: Option<Window>,
    /// Only while nobody charges or is plugged in.
    pub only_idle: bool,
    /// How often a station is asked at most, 1 to [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Seconds between two attempts.
    pub retry_after_s: u32,
    /// Seconds without any progress, while connected, after which an attempt has failed.
    pub silent_s: u32,
    /// Stations that are at work at once, 1 to [`AT_ONCE_MAX`].
    pub at_once: u32,
    /// How often the station itself may try to fetch the file.
    pub retries: Option<u32>,
    /// Seconds between two such tries.
    pub retry_interval_s: Option<u32>,
}

/// Who goes first. A wave begins when the one before is through: nobody of it is at work or could be, and somebody of
/// it has come to an end. Stations that are offline hold nobody up; they follow when they are back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waves {
    /// Stations of the first wave; 0 leaves it out.
    pub canary: u32,
    /// How large the others are.
    pub size: WaveSize,
    /// The share of a wave's stations, 0 to 1, above which failures pause the campaign.
    pub pause_above: f64,
}

/// The size of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaveSize {
    /// All that are left.
    All,
    /// So many stations.
    Stations(u32),
    /// So many in a hundred of all stations, rounded up.
    Percent(f64),
}

/// A part of the day; one that ends before it begins goes over midnight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// From, `HH:MM`.
    pub from: String,
    /// Until, `HH:MM`, without it.
    pub to: String,
    /// The time zone of stations whose site has none.
    pub time_zone: String,
}

impl CampaignPlan {
    /// # Errors
    /// [`OperationError::Invalid`] with the field at fault.
    pub fn check(&self) -> Result<(), OperationError> {
        let length = |field, text: &str, max: usize| {
            if (1..=max).contains(&text.chars().count()) {
                return Ok(());
            }
            Err(OperationError::invalid(field, &text, format!("1 to {max} characters")))
        };
        length("name", &self.name, NAME_CHARS_MAX)?;
        length("version", &self.version, VERSION_CHARS_MAX)?;
        let within = |field, value: u32, min: u32, max: u32| {
            if (min..=max).contains(&value) {
                return Ok(());
            }
            Err(OperationError::invalid(field, &value, format!("{min} to {max}")))
        };
        within("attempts", self.attempts, 1, ATTEMPTS_MAX)?;
        within("retry_after_s", self.retry_after_s, 0, WAIT_S_MAX)?;
        within("silent_s", self.silent_s, 60, WAIT_S_MAX)?;
        within("at_once", self.at_once, 1, AT_ONCE_MAX)?;
        self.waves.check()?;
        self.window.as_ref().map_or(Ok(()), Window::check)
    }

    /// What a station is asked.
    pub(super) fn request(&self) -> FirmwareRequest {
        FirmwareRequest {
            image: FirmwareImage::File(self.file.clone()),
            retrieve_at: None,
            install_at: None,
            signed: self.signed.clone(),
            retries: self.retries,
            retry_interval_s: self.retry_interval_s,
        }
    }
}

impl Waves {
    fn check(&self) -> Result<(), OperationError> {
        if !(0.0..=1.0).contains(&self.pause_above) {
            return Err(OperationError::invalid("waves.pause_above", &self.pause_above, "0 to 1"));
        }
        match self.size {
            WaveSize::Stations(0) => Err(OperationError::invalid("waves.size", &0, "1 or more")),
            WaveSize::Percent(percent) if !(percent > 0.0 && percent <= 100.0) => {
                Err(OperationError::invalid("waves.percent", &percent, "more than 0, up to 100"))
            }
            _ => Ok(()),
        }
    }

    /// How many stations each wave of `total` has, in order; the first is the canary's, also when it is empty.
    #[must_use]
    pub fn sizes(&self, total: usize) -> Vec<usize> {
        let canary = total.min(self.canary as usize);
        let mut left = total - canary;
        let size = match self.size {
            WaveSize::All => left,
            WaveSize::Stations(stations) => stations as usize,
            WaveSize::Percent(percent) => (total as f64 * percent / 100.0).ceil() as usize,
        }
        .max(1);
        let mut sizes = vec![canary];
        while left > 0 {
            sizes.push(left.min(size));
            left -= left.min(size);
        }
        sizes
    }

    /// The wave of each of `total` stations.
    pub(super) fn of(&self, total: usize) -> impl Iterator<Item = u32> {
        let sizes = self.sizes(total).into_iter().zip(0u32..);
        sizes.flat_map(|(size, wave)| std::iter::repeat_n(wave, size))
    }
}

impl Window {
    fn check(&self) -> Result<(), OperationError> {
        let time = |field, text: &str| {
            clock(text).ok_or_else(|| OperationError::invalid(field, &text, "a time of the day, HH:MM"))
        };
        if time("window.from", &self.from)? == time("window.to", &self.to)? {
            return Err(OperationError::invalid("window.to", &self.to, "another time than `window.from`"));
        }
        if TimeZone::get(&self.time_zone).is_err() {
            let rule = "a time zone, such as Europe/Berlin";
            return Err(OperationError::invalid("window.time_zone", &self.time_zone, rule));
        }
        Ok(())
    }

    /// Whether it is open now for a station whose site is in `zone`.
    pub(super) fn is_open(&self, zone: Option<&str>, now: Timestamp) -> bool {
        let zone = zone.and_then(|zone| TimeZone::get(zone).ok());
        let Some(zone) = zone.or_else(|| TimeZone::get(&self.time_zone).ok()) else { return false };
        let Ok(now) = jiff::Timestamp::from_microsecond(now.as_micros()) else { return false };
        let (Some(from), Some(to)) = (clock(&self.from), clock(&self.to)) else { return false };
        let now = zone.to_datetime(now).time();
        if from < to { from <= now && now < to } else { from <= now || now < to }
    }
}

fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| if text.len() == 2 { text.parse::<i8>().ok() } else { None };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(canary: u32, size: WaveSize) -> Waves {
        Waves { canary, size, pause_above: 0.2 }
    }

    #[test]
    fn every_station_is_in_one_wave() {
        assert_eq!(waves(2, WaveSize::Stations(4)).sizes(11), [2, 4, 4, 1]);
        assert_eq!(waves(2, WaveSize::Percent(25.0)).sizes(11), [2, 3, 3, 3]);
        assert_eq!(waves(0, WaveSize::All).sizes(3), [0, 3]);
        assert_eq!(waves(5, WaveSize::All).sizes(3), [3]);
        for total in 1..60 {
            for size in
                [WaveSize::All, WaveSize::Stations(7), WaveSize::Percent(0.1), WaveSize::Percent(100.0)]
            {
                let waves = waves(3, size);
                assert_eq!(waves.sizes(total).iter().sum::<usize>(), total);
                assert_eq!(waves.of(total).count(), total);
            }
        }
    }

    #[test]
    fn a_window_is_local_and_may_go_over_midnight() {
        let night = Window { from: "22:30".into(), to: "05:00".into(), time_zone: "Europe/Berlin".into() };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // Berlin is an hour ahead of UTC in winter and two in summer
        assert!(night.is_open(None, at("2026-01-10T21:30:00Z")));
        assert!(!night.is_open(None, at("2026-01-10T21:29:59Z")));
        assert!(night.is_open(None, at("2026-07-10T20:30:00Z")));
        assert!(night.is_open(None, at("2026-01-10T03:59:59Z")));
        assert!(!night.is_open(None, at("2026-01-10T04:00:00Z")));
        // the site's own zone comes first; one that nobody knows does not count
        assert!(!night.is_open(Some("Asia/Tokyo"), at("2026-01-10T21:30:00Z")));
        assert!(night.is_open(Some("Nowhere/Land"), at("2026-01-10T21:30:00Z")));
        for (from, to, zone) in [
            ("1:00", "02:00", "UTC"),
            ("24:00", "02:00", "UTC"),
            ("01:00", "01:00", "UTC"),
            ("01:00", "02:00", "X"),
        ] {
            let window = Window { from: from.into(), to: to.into(), time_zone: zone.into() };
            assert!(window.check().is_err(), "{window:?}");
        }
    }
}
