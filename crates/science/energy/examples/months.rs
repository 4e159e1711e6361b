//! Months of recorded sessions under each policy, beside the optimum in hindsight.
//!
//! `cargo run --release -p voltwin-energy --example months` reads the folder of VOLTWIN_SHARED (data/energy inside of it).
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, tz::TimeZone};
use voltwin_energy::{
    Baseline, Expected, Health, Horizon, Outcome, Site, Stay, TimeOfUse, budget, hindsight, plan, run,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SLOT_S: i64 = 900;
const DT_H: f64 = 0.25;
const POWER_KW: f64 = 6.66;
const DAY: usize = 96;
/// How much more than last month's need the budget for the highest power allows.
const MARGIN: f64 = 1.1;

struct Session {
    arrive: i64,
    depart: i64,
    said: i64,
    kwh: f64,
}

fn main() -> Result<()> {
    let shared = std::env::var_os("VOLTWIN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"), PathBuf::from);
    let data = shared.join("data/energy");
    let tou: TimeOfUse =
        serde_json::from_slice(&std::fs::read(data.join("tariffs/sce_tou_ev_4_march_2019.json"))?)?;
    let zone = TimeZone::get("America/Los_Angeles")?;
    let jpl = sessions(&data.join("sessions/acn_jpl_2019-05-01_to_2019-08-31.csv.gz"))?;
    let caltech = sessions(&data.join("sessions/acn_caltech_2019-05-01_to_2019-08-31.csv.gz"))?;
    let nl = hourly(&data.join("prices/nl_day_ahead_2015_2024.csv.gz"))?;

    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (name, recorded, month, cap) in
        [("JPL June", &jpl, 6, 200.0), ("JPL July", &jpl, 7, 200.0), ("Caltech July", &caltech, 7, 200.0)]
    {
        if !name.contains(&wanted) {
            continue;
        }
        let (from, slots) = span(&zone, 2019, month)?;
        let (past_from, past_slots) = span(&zone, 2019, month - 1)?;
        let price = tou.prices(&zone, Timestamp::from_second(from)?, SLOT_S, slots)?;
        let site = Site { dt_h: DT_H, price, demand_charge: 15.51, cap_kw: cap, fallback_kw: 1.0 };
        // last month under this month's prices tells what highest power this month will need
        let past_price = tou.prices(&zone, Timestamp::from_second(from)?, SLOT_S, past_slots.min(slots))?;
        let past_site = Site { price: padded(past_price, past_slots), ..site.clone() };
        let past = stays(recorded, past_from, past_slots);
        study(name, &site, &stays(recorded, from, slots), &past_site, &past, past_slots)?;
    }
    if !"JPL June, day-ahead".contains(&wanted) {
        return Ok(());
    }
    // the same June sessions under day-ahead prices of June 2023, no demand charge
    let (from, slots) = span(&zone, 2019, 6)?;
    let (paid_from, _) = span(&TimeZone::get("Europe/Amsterdam")?, 2023, 6)?;
    let price = (0..slots)
        .map(|slot| {
            let hour = (paid_from + SLOT_S * slot as i64).div_euclid(3600);
            nl.binary_search_by_key(&hour, |(at, _)| *at).map_or(0.1, |place| nl[place].1 / 1000.0 + 0.10)
        })
        .collect();
    let site = Site { dt_h: DT_H, price, demand_charge: 0.0, cap_kw: 200.0, fallback_kw: 1.0 };
    let june = stays(&jpl, from, slots);
    study("JPL June, day-ahead", &site, &june, &site, &june[..0], slots)
}

fn study(
    name: &str,
    site: &Site,
    stays: &[Stay],
    past_site: &Site,
    past: &[Stay],
    past_slots: usize,
) -> Result<()> {
    let needed: f64 = stays.iter().map(|stay| stay.need_kwh).sum();
    let best = plan(&hindsight(site, stays, 100.0))?;
    let optimum = best.objective;
    println!("\n{name}: {} stays, {:.1} MWh", stays.len(), needed / 1000.0);
    println!(
        "| policy | cost | above optimum | peak kW | delivered kWh | unmet kWh (stays) | beyond limit kW |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    println!(
        "| optimum in hindsight | {optimum:.1} | | {:.1} | {:.1} | {:.3} | 0 |",
        best.schedule.peak_kw,
        needed - best.unmet_kwh,
        best.unmet_kwh
    );
    let truth = |stay: usize, _: usize| stays[stay].depart;
    let unlimited = Site { cap_kw: 1e6, ..site.clone() };
    let outcome = run(&unlimited, stays, &mut Baseline::Uncontrolled, &truth, &healthy);
    show("uncontrolled, no limit", optimum, &outcome);
    for baseline in Baseline::ALL {
        let mut policy = baseline;
        show(baseline.name(), optimum, &run(site, stays, &mut policy, &truth, &healthy));
    }
    let seed = if past.is_empty() { 0.0 } else { budget(past_site, past)? };
    let coming = expected(site, stays, past, past_slots);
    let horizon = |budget_kw: f64, with_coming: bool| {
        let mut horizon = Horizon::new(site, budget_kw);
        if with_coming {
            horizon.expected.clone_from(&coming);
            horizon.ahead = DAY;
        }
        horizon
    };
    // traffic grows: the budget is last month's need and a margin
    let planned = MARGIN * seed;
    let show_horizon = |label: &str, mut policy: Horizon, believed: &dyn Fn(usize, usize) -> usize| {
        show(label, optimum, &run(site, stays, &mut policy, believed, &healthy));
    };
    show_horizon(&format!("horizon, budget {planned:.0} kW"), horizon(planned, false), &truth);
    show_horizon(
        &format!("horizon, budget {planned:.0} kW, arrivals expected"),
        horizon(planned, true),
        &truth,
    );
    if past.is_empty() {
        return Ok(());
    }
    // drivers' own words, less what they left earlier in the past
    for risk in [0.1, 0.01, 0.0] {
        let early = early(past, risk);
        let said = |stay: usize, slot: usize| {
            let stay = &stays[stay];
            stay.said.saturating_sub(early).max(slot + 1).min(site.price.len())
        };
        show_horizon(&format!("the same, drivers' words less {early} slots"), horizon(planned, true), &said);
    }
    Ok(())
}

/// By how many slots drivers left earlier than they said, but for the part `risk` of them.
fn early(past: &[Stay], risk: f64) -> usize {
    let mut early: Vec<usize> = past.iter().map(|stay| stay.said.saturating_sub(stay.depart)).collect();
    early.sort_unstable();
    let place = ((early.len() as f64) * (1.0 - risk)) as usize;
    early.get(place.min(early.len().saturating_sub(1))).copied().unwrap_or(0)
}

/// For each day the same weekdays of the four weeks before, each vehicle a quarter. Only days that have passed count.
fn expected(site: &Site, stays: &[Stay], past: &[Stay], past_slots: usize) -> Vec<Expected> {
    let weeks = 4;
    let mut found = Vec::new();
    let known: Vec<(isize, &Stay)> = past
        .iter()
        .map(|stay| (stay.arrive as isize - past_slots as isize, stay))
        .chain(stays.iter().map(|stay| (stay.arrive as isize, stay)))
        .collect();
    for (at, stay) in known {
        for week in 1..=weeks {
            let arrive = at + (week * 7 * DAY) as isize;
            if arrive < 0 || arrive >= site.price.len() as isize {
                continue;
            }
            let arrive = arrive as usize;
            let depart = (arrive + stay.depart - stay.arrive).min(site.price.len());
            let stay = Stay { arrive, depart, said: depart, ..stay.clone() };
            found.push(Expected { stay, share: 1.0 / weeks as f64 });
        }
    }
    found
}

fn healthy(_: usize, _: usize) -> Health {
    Health::Obeys
}

fn show(name: &str, optimum: f64, outcome: &Outcome) {
    println!(
        "| {name} | {:.1} | {:+.2} % | {:.1} | {:.1} | {:.3} ({}) | {:.3} |",
        outcome.cost(),
        100.0 * (outcome.cost() / optimum - 1.0),
        outcome.peak_kw,
        outcome.delivered_kwh,
        outcome.unmet_kwh,
        outcome.unmet_stays,
        outcome.exceeded_kw
    );
}

fn padded(mut prices: Vec<f64>, slots: usize) -> Vec<f64> {
    let last = prices.last().copied().unwrap_or(0.0);
    prices.resize(slots, last);
    prices
}

/// Begin and slots of a local month.
fn span(zone: &TimeZone, year: i16, month: i8) -> Result<(i64, usize)> {
    let begin = jiff::civil::date(year, month, 1).to_zoned(zone.clone())?.timestamp().as_second();
    let end = jiff::civil::date(year, month + 1, 1).to_zoned(zone.clone())?.timestamp().as_second();
    Ok((begin, ((end - begin) / SLOT_S) as usize))
}

/// Stays that begin in a span. A stay begins in the slot of its arrival and ends with the last whole slot; what does not
/// fit into it at full power is not asked of anyone.
fn stays(recorded: &[Session], from: i64, slots: usize) -> Vec<Stay> {
    let slot = |at: i64| (at - from).div_euclid(SLOT_S);
    recorded
        .iter()
        .filter(|session| session.arrive >= from && slot(session.arrive) < slots as i64)
        .map(|session| {
            let arrive = slot(session.arrive) as usize;
            let depart = (slot(session.depart) as usize).clamp(arrive + 1, slots.max(arrive + 1));
            let said = (slot(session.said).max(0) as usize).max(arrive + 1);
            let need_kwh = session.kwh.min(POWER_KW * DT_H * (depart - arrive) as f64);
            Stay { arrive, depart, said, need_kwh, power_kw: POWER_KW }
        })
        .collect()
}

fn sessions(path: &Path) -> Result<Vec<Session>> {
    let mut reader = csv::Reader::from_reader(unpacked(path)?);
    let time =
        |text: &str| -> Result<i64> { Ok(text.replacen(' ', "T", 1).parse::<Timestamp>()?.as_second()) };
    let mut found = Vec::new();
    for row in reader.records() {
        let row = row?;
        let (arrive, depart) = (time(&row[0])?, time(&row[1])?);
        let kwh: f64 = row[3].parse()?;
        let said = if row[6].is_empty() { depart } else { time(&row[6])? };
        if kwh > 0.0 {
            found.push(Session { arrive, depart, said, kwh });
        }
    }
    Ok(found)
}

fn hourly(path: &Path) -> Result<Vec<(i64, f64)>> {
    let mut reader = csv::Reader::from_reader(unpacked(path)?);
    let mut found = Vec::new();
    for row in reader.records() {
        let row = row?;
        let at: Timestamp = row[0].replace('Z', ":00Z").parse()?;
        found.push((at.as_second() / 3600, row[1].parse()?));
    }
    Ok(found)
}

fn unpacked(path: &Path) -> Result<std::io::Cursor<Vec<u8>>> {
    let file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes)?;
    Ok(std::io::Cursor::new(bytes))
}
