//! From all profiles of a station to one schedule.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use voltwin_core::Timestamp;

use crate::profile::SECOND_US;
use crate::{Period, Profile, ProfileError, Purpose, Unit};

/// Profiles of one station at most.
pub const PROFILES_MAX: usize = 256;
/// EVSEs of one station at most.
pub const EVSES_MAX: usize = 64;
/// The longest window, in seconds: 31 days.
pub const WINDOW_S_MAX: u32 = 31 * 86_400;
/// Instants within the window at which something may change, at most.
pub const CHANGES_MAX: usize = 20_000;

/// The time that is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// From when.
    pub start: Timestamp,
    /// For how long, in seconds, 1 to [`WINDOW_S_MAX`].
    pub duration_s: u32,
}

/// What turns amperes into watts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Supply {
    /// Between phase and neutral, in volts, 1 to 100,000.
    pub voltage_v: f64,
    /// The phases of the supply, 1 to 3: used where no profile says how many.
    pub phases: u8,
}

/// Who charges, or would.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Charging {
    /// The transaction; `None` = nobody charges, and profiles of transactions are left out.
    pub transaction_id: Option<String>,
    /// When it started; `None` = at the start of the window, as for a vehicle that comes now.
    pub started: Option<Timestamp>,
    /// Whether it has priority (2.1).
    pub priority: bool,
}

/// Whose schedule is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Of one EVSE (1.6: connector), from 1.
    Evse(u32, Charging),
    /// Of the whole station, of which these are the EVSEs.
    Station(Vec<(u32, Charging)>),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The time.
    pub window: Window,
    /// The unit of the answer.
    pub unit: Unit,
    /// What turns amperes into watts.
    pub supply: Supply,
    /// Whose schedule.
    pub target: Target,
}

/// What all profiles together say from a moment until the next slot, in the unit that was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    /// Seconds after the start of the window.
    pub start_s: u32,
    /// The most that may be drawn; `None` = no profile limits it.
    pub limit: Option<f64>,
    /// How many phases may be used, where a profile says so.
    pub phases: Option<u8>,
    /// The phase to use when it is one.
    pub phase_to_use: Option<u8>,
    /// The most that may be fed back, 0 or less; `None` = no profile says.
    pub discharge_limit: Option<f64>,
    /// What should flow, kept within the two limits.
    pub setpoint: Option<f64>,
    /// Below this rate charging makes no sense.
    pub min_rate: Option<f64>,
}

/// The composite schedule of OCPP.
///
/// At every moment, of each purpose the profile with the highest stack level that says something leads, one set on
/// the EVSE before one set on the whole station. What leads is combined so:
/// - a `TxProfile` of the transaction takes the place of `TxDefaultProfile`, and `PriorityCharging` that of both
///   while the transaction has priority;
/// - `LocalGeneration` is power that does not pass the grid connection: it is added to what
///   `ChargingStationExternalConstraints` leave, and raises neither the station's nor the transaction's own limit;
/// - of the limits to draw the lowest holds, of the limits to feed back the one nearest to 0;
/// - the whole station may draw what its EVSEs may together, and no more than the limits set on it. A limit of the
///   station is no share of an EVSE: alone, each may use all of it.
///
/// # Errors
/// [`ProfileError`] when something is out of range or more than the bounds of this module.
pub fn compose(profiles: &[Profile], question: &Question) -> Result<Vec<Slot>, ProfileError> {
    check(profiles, question)?;
    let start_us = question.window.start.as_micros();
    let mut slots: Vec<Slot> = Vec::new();
    for start_s in changes(profiles, question)? {
        let instant_us = start_us.saturating_add(i64::from(start_s) * SECOND_US);
        let said = at(profiles, question, instant_us);
        let slot = said.slot(start_s);
        if slots.last().is_none_or(|last| Slot { start_s, ..*last } != slot) {
            slots.push(slot);
        }
    }
    Ok(slots)
}

fn check(profiles: &[Profile], question: &Question) -> Result<(), ProfileError> {
    let too_many = |what, count, limit| Err(ProfileError::TooMany { what, count, limit });
    if profiles.len() > PROFILES_MAX {
        return too_many("profiles", profiles.len(), PROFILES_MAX);
    }
    if let Target::Station(evses) = &question.target
        && evses.len() > EVSES_MAX
    {
        return too_many("EVSEs", evses.len(), EVSES_MAX);
    }
    let wrong = |field, value, rule| Err(ProfileError::Value { field, value, rule });
    let Window { duration_s, .. } = question.window;
    if !(1..=WINDOW_S_MAX).contains(&duration_s) {
        return wrong("duration_s", f64::from(duration_s), "1 to 2678400");
    }
    let Supply { voltage_v, phases } = question.supply;
    if !(1.0..=100_000.0).contains(&voltage_v) {
        return wrong("voltage_v", voltage_v, "1 to 100000");
    }
    if !(1..=3).contains(&phases) {
        return wrong("phases", f64::from(phases), "1 to 3");
    }
    profiles.iter().try_for_each(Profile::check)
}

/// The seconds of the window at which something may change, 0 among them.
fn changes(profiles: &[Profile], question: &Question) -> Result<BTreeSet<u32>, ProfileError> {
    let from_us = question.window.start.as_micros();
    let to_us = from_us.saturating_add(i64::from(question.window.duration_s) * SECOND_US);
    let mut sessions: BTreeSet<i64> = BTreeSet::new();
    match &question.target {
        Target::Evse(_, charging) => sessions.extend([session_us(charging, from_us)]),
        Target::Station(evses) => sessions.extend(evses.iter().map(|(_, c)| session_us(c, from_us))),
    }
    sessions.insert(from_us);
    let mut seconds = BTreeSet::from([0]);
    let mut instants = Vec::new();
    for profile in profiles {
        for session_us in &sessions {
            profile.changes(from_us, to_us, *session_us, &mut instants);
            // a schedule holds from the first whole second of the window that it covers
            let second = |us: i64| u32::try_from((us - from_us + SECOND_US - 1) / SECOND_US).ok();
            seconds.extend(instants.drain(..).filter_map(second));
            if seconds.len() > CHANGES_MAX {
                let count = seconds.len();
                return Err(ProfileError::TooMany { what: "changes", count, limit: CHANGES_MAX });
            }
        }
    }
    seconds.retain(|second| *second < question.window.duration_s);
    Ok(seconds)
}

fn session_us(charging: &Charging, window_us: i64) -> i64 {
    charging.started.map_or(window_us, Timestamp::as_micros)
}

fn at(profiles: &[Profile], question: &Question, instant_us: i64) -> Said {
    let window_us = question.window.start.as_micros();
    let convert = Convert { unit: question.unit, supply: question.supply };
    match &question.target {
        Target::Evse(evse, charging) => {
            let now = Now { profiles, instant_us, session_us: session_us(charging, window_us) };
            let transaction = now.transaction(*evse, charging);
            let raise = now.leading(Purpose::LocalGeneration, &[0, *evse]);
            let mut terms: Vec<Term<'_>> = transaction.into_iter().map(Term::plain).collect();
            for place in [0, *evse] {
                let external = now.leading(Purpose::ExternalConstraints, &[place]);
                terms.extend(external.map(|leads| Term { leads, raised_by: raise }));
                terms.extend(now.leading(Purpose::StationMax, &[place]).map(Term::plain));
            }
            convert.combine(&terms)
        }
        Target::Station(evses) => {
            let mut sum: Option<Said> = None;
            for (evse, charging) in evses {
                let now = Now { profiles, instant_us, session_us: session_us(charging, window_us) };
                let mut terms: Vec<Term<'_>> =
                    now.transaction(*evse, charging).into_iter().map(Term::plain).collect();
                let external = now.leading(Purpose::ExternalConstraints, &[*evse]);
                let raise = now.leading(Purpose::LocalGeneration, &[*evse]);
                terms.extend(external.map(|leads| Term { leads, raised_by: raise }));
                terms.extend(now.leading(Purpose::StationMax, &[*evse]).map(Term::plain));
                let one = convert.combine(&terms);
                sum = Some(sum.map_or(one, |sum| sum.and(&one)));
            }
            let now = Now { profiles, instant_us, session_us: window_us };
            let raise = now.leading(Purpose::LocalGeneration, &[0]);
            let external = now.leading(Purpose::ExternalConstraints, &[0]);
            let mut terms: Vec<Term<'_>> =
                external.map(|leads| Term { leads, raised_by: raise }).into_iter().collect();
            terms.extend(now.leading(Purpose::StationMax, &[0]).map(Term::plain));
            let whole = convert.combine(&terms);
            sum.map_or(whole, |sum| whole.within(&sum))
        }
    }
}

/// The profiles at one instant.
struct Now<'a> {
    profiles: &'a [Profile],
    instant_us: i64,
    session_us: i64,
}

/// A profile that leads, and what it says.
type Leads<'a> = (&'a Profile, &'a Period);

impl<'a> Now<'a> {
    fn best(&self, wanted: impl Fn(&Profile) -> bool) -> Option<Leads<'a>> {
        self.profiles
            .iter()
            .filter(|profile| wanted(profile))
            .filter_map(|profile| Some((profile, profile.at(self.instant_us, self.session_us)?)))
            .max_by_key(|(profile, _)| (profile.stack_level, profile.evse, profile.id))
    }

    fn leading(&self, purpose: Purpose, places: &[u32]) -> Option<Leads<'a>> {
        self.best(|profile| profile.purpose == purpose && places.contains(&profile.evse))
    }

    /// What holds for the transaction at an EVSE, or for the next one.
    fn transaction(&self, evse: u32, charging: &Charging) -> Option<Leads<'a>> {
        let default = || self.leading(Purpose::TxDefault, &[0, evse]);
        let Some(transaction_id) = &charging.transaction_id else { return default() };
        let ours = |profile: &Profile| match &profile.transaction_id {
            Some(id) => id == transaction_id,
            None => profile.evse == evse,
        };
        let prior =
            || charging.priority.then(|| self.leading(Purpose::PriorityCharging, &[0, evse])).flatten();
        let own = || self.best(|profile| profile.purpose == Purpose::Tx && ours(profile));
        prior().or_else(own).or_else(default)
    }
}

/// One limit to be kept.
struct Term<'a> {
    leads: Leads<'a>,
    raised_by: Option<Leads<'a>>,
}

impl<'a> Term<'a> {
    fn plain(leads: Leads<'a>) -> Self {
        Self { leads, raised_by: None }
    }
}

#[derive(Clone, Copy)]
struct Convert {
    unit: Unit,
    supply: Supply,
}

impl Convert {
    /// `value` of a profile's unit in the unit of the answer, on `phases` phases.
    fn value(self, value: f64, unit: Unit, phases: u8) -> f64 {
        let volts = self.supply.voltage_v * f64::from(phases);
        match (unit, self.unit) {
            (Unit::Ampere, Unit::Watt) => value * volts,
            (Unit::Watt, Unit::Ampere) => value / volts,
            (Unit::Watt, Unit::Watt) | (Unit::Ampere, Unit::Ampere) => value,
        }
    }

    /// All terms hold at once. Fewer phases are a limit too: the fewest that a term allows are used, and amperes
    /// and watts are turned into each other on those.
    fn combine(self, terms: &[Term<'_>]) -> Said {
        let phases = terms.iter().filter_map(|term| term.leads.1.phases).min();
        let on = phases.unwrap_or(self.supply.phases);
        let mut said = Said { phases, ..Said::default() };
        for term in terms {
            let (profile, period) = term.leads;
            let convert =
                |value: Option<f64>| value.map(|value| self.value(value, profile.schedule.unit, on));
            let more = term
                .raised_by
                .and_then(|(profile, period)| Some(self.value(period.limit?, profile.schedule.unit, on)));
            let limit = convert(period.limit).map(|limit| limit + more.unwrap_or(0.0));
            said.limit = lower(said.limit, limit);
            said.discharge_limit = higher(said.discharge_limit, convert(period.discharge_limit));
            said.min_rate = higher(said.min_rate, convert(profile.schedule.min_rate));
            said.setpoint = said.setpoint.or(convert(period.setpoint));
            said.phase_to_use = said.phase_to_use.or(period.phase_to_use);
        }
        said
    }
}

/// What holds at one instant, in the unit of the answer.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    limit: Option<f64>,
    phases: Option<u8>,
    phase_to_use: Option<u8>,
    discharge_limit: Option<f64>,
    setpoint: Option<f64>,
    min_rate: Option<f64>,
}

impl Said {
    /// Two EVSEs together: without a limit on one there is none on both.
    fn and(&self, other: &Self) -> Self {
        let add = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
        Self {
            limit: add(self.limit, other.limit),
            phases: self.phases.max(other.phases),
            phase_to_use: None,
            discharge_limit: add(self.discharge_limit, other.discharge_limit),
            setpoint: add(self.setpoint, other.setpoint),
            min_rate: lower(self.min_rate, other.min_rate),
        }
    }

    /// The limits of the station over what its EVSEs add up to.
    fn within(&self, sum: &Self) -> Self {
        Self {
            limit: lower(self.limit, sum.limit),
            phases: self.phases.map_or(sum.phases, |own| Some(sum.phases.map_or(own, |sum| sum.min(own)))),
            phase_to_use: self.phase_to_use,
            discharge_limit: higher(self.discharge_limit, sum.discharge_limit),
            setpoint: self.setpoint.or(sum.setpoint),
            min_rate: self.min_rate.or(sum.min_rate),
        }
    }

    fn slot(&self, start_s: u32) -> Slot {
        let kept = |setpoint: f64| {
            let above = self.discharge_limit.map_or(setpoint, |least| setpoint.max(least));
            self.limit.map_or(above, |most| above.min(most))
        };
        Slot {
            start_s,
            limit: self.limit,
            phases: self.phases,
            phase_to_use: self.phase_to_use.filter(|_| self.phases == Some(1)),
            discharge_limit: self.discharge_limit,
            setpoint: self.setpoint.map(kept),
            min_rate: self.min_rate,
        }
    }
}

fn lower(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.map_or(b, |a| Some(b.map_or(a, |b| a.min(b))))
}

fn higher(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.map_or(b, |a| Some(b.map_or(a, |b| a.max(b))))
}
