//! Prints the tables of docs/battery-ageing.md: `cargo run --release -p voltwin-prognosis --example evidence`, or those
//! that are named (`decade wear capacity early packs warnings advice`).
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints tables, and a table that fails must be seen"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{collections::BTreeMap, sync::LazyLock, time::Instant};

use support::{fleet, nasa, packs, severson, shared};
use voltwin_ageing::{Ageing, Anchor, Cell, PackValue, Profile, Stress, WearCurve, WearHabit, live};
use voltwin_prognosis::{EarlyLife, Lever, Pack, PackPrior, advise};

const V2G: [(f64, f64); 9] = [
    (0.0, 0.2),
    (1.0, 0.2),
    (6.0, 0.9),
    (7.0, 0.9),
    (8.0, 0.7),
    (17.0, 0.7),
    (18.0, 0.5),
    (21.0, 0.2),
    (24.0, 0.2),
];
const VALUE: PackValue = PackValue { energy_kwh: 60.0, price_per_kwh: 120.0, end_capacity: 0.7 };
const FIVE: [(&str, Cell); 5] = [
    ("LFP_SonyMurata3Ah", Cell::LfpSonyMurata3Ah),
    ("LFP_250AhPrismatic", Cell::LfpPrismatic250Ah),
    ("NMC111_Kokam75Ah", Cell::Nmc111Kokam75Ah),
    ("NMC111_Sanyo2Ah", Cell::Nmc111Sanyo2Ah),
    ("NCA_Panasonic3Ah", Cell::NcaPanasonic3Ah),
];

fn main() {
    let tables: [(&str, fn()); 7] = [
        ("decade", decade),
        ("wear", wear),
        ("capacity", capacity),
        ("early", early),
        ("packs", seeded),
        ("warnings", warnings),
        ("advice", advice),
    ];
    let asked: Vec<String> = std::env::args().skip(1).collect();
    for (name, table) in tables {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            table();
        }
    }
}

/// Milliseconds that this program has had a core, so that a busy machine does not count; elsewhere than on Linux, the
/// clock.
fn cpu_ms() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let scheduled = std::fs::read_to_string("/proc/self/schedstat").ok();
    let on_core_ns = scheduled.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    on_core_ns.map_or_else(|| START.elapsed().as_secs_f64() * 1e3, |ns| ns / 1e6)
}

fn end(cell: Cell, day: &Profile, days: f64) -> f64 {
    let mut ageing = Ageing::new(cell);
    live(&mut ageing, day, Anchor::default(), days, |_| {}).unwrap();
    ageing.capacity()
}

fn decade() {
    println!("### A decade against the reference runs\n");
    println!(
        "| cell | calendar 50 %, 25 °C | calendar 90 %, 40 °C | commute 10 °C | commute 25 °C | commute and V2G 25 °C | ms of a core for a decade |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let Some(path) = shared("reference/battery_curves/ageing/blast_lite_10y.csv") else { return };
    let mut ends: BTreeMap<(String, String, String), (f64, f64)> = BTreeMap::new();
    for row in csv::Reader::from_path(path).unwrap().records() {
        let row = row.unwrap();
        let number = |place: usize| row[place].parse::<f64>().unwrap();
        ends.insert((row[2].to_owned(), row[0].to_owned(), row[1].to_owned()), (number(3), number(5)));
    }
    for (model, cell) in FIVE {
        let mut line = format!("| {} ", cell.facts().name);
        let mut core_ms = 0.0;
        for (name, temp, points) in [
            ("calendar50", "25", &[(0.0, 0.5), (24.0, 0.5)][..]),
            ("calendar90", "40", &[(0.0, 0.9), (24.0, 0.9)]),
            ("commute", "10", &packs::COMMUTE),
            ("commute", "25", &packs::COMMUTE),
            ("commute_v2g", "25", &V2G),
        ] {
            let (days, reference) = ends[&(model.to_owned(), name.to_owned(), temp.to_owned())];
            let day = Profile::day(points, temp.parse().unwrap()).unwrap();
            // many lives at once: the kernel counts time on a core in ticks
            let lives = if name == "commute" { 40 } else { 1 };
            let started = cpu_ms();
            let mut ours = 0.0;
            for _ in 0..lives {
                ours = end(cell, &day, days.round());
            }
            if name == "commute" {
                core_ms = (cpu_ms() - started) / f64::from(lives);
            }
            line += &format!("| {:.3} ({:+.2} pp) ", ours, (ours - reference) * 100.0);
        }
        println!("{line}| {core_ms:.1} |");
    }
    println!();
}

fn wear() {
    println!("### Marginal wear of a kilowatt-hour given back\n");
    println!(
        "| cell | new, first 6 kWh: pp per MWh, money per kWh | 18 to 24 kWh | after 5 years, first 6 kWh | 18 to 24 kWh |"
    );
    println!("| --- | --- | --- | --- | --- |");
    let usual = Profile::day(
        &[(0.0, 0.7), (4.0, 0.7), (6.0, 0.9), (7.0, 0.9), (8.0, 0.8), (17.0, 0.8), (18.0, 0.7), (24.0, 0.7)],
        25.0,
    )
    .unwrap();
    let habit = WearHabit { discharge_hour: 18.5, recharge_hour: 21.5, power_kw: 11.0, horizon_days: 365.0 };
    for (_, cell) in FIVE {
        let mut line = format!("| {} ", cell.facts().name);
        for years in [0.0, 5.0] {
            let mut ageing = Ageing::new(cell);
            ageing.advance_times(&Stress::of(usual.samples()).unwrap(), years * 365.0);
            let curve = WearCurve::of(&ageing, &usual, habit, VALUE, 24.0, 12).unwrap();
            let slope = |from_kwh: f64, to_kwh: f64| {
                let money = (curve.cost(to_kwh) - curve.cost(from_kwh)) / (to_kwh - from_kwh);
                (money / VALUE.per_capacity() * 1e5, money)
            };
            for (low, high) in [(0.0, 6.0), (18.0, 24.0)] {
                let (points, money) = slope(low, high);
                line += &format!("| {points:+.2} pp, {money:+.3} ");
            }
        }
        println!("{line}|");
    }
    println!();
}

fn capacity() {
    println!("### Capacity of NASA PCoE cells, mean absolute error in % of 2 Ah\n");
    println!(
        "| cycles ahead | forecasts | fit (all cells) | held out | persistence | line over 30 | Theil-Sen | better than the best of them | 90 % interval covers | half width |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let Some(cells) = nasa::series() else { return };
    for score in nasa::scores(&cells) {
        let best = score.persistence.min(score.linear).min(score.theil_sen);
        println!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} % | {:.1} % | {:.1} |",
            score.ahead,
            score.forecasts,
            score.fitted,
            score.held_out,
            score.persistence,
            score.linear,
            score.theil_sen,
            100.0 * (1.0 - score.held_out / best),
            100.0 * score.coverage,
            score.half_width
        );
    }
    println!();
}

fn early() {
    println!("### Cycle life from the first 100 cycles\n");
    println!("| set | cells | rms cycles | mean % | one-feature variance model | 90 % interval covers |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let Some(train) = severson::cells("train") else { return };
    let model = EarlyLife::train(&train, 0.9).unwrap();
    for (set, name) in
        [("train", "train (fit)"), ("test1", "test1 (held out)"), ("test2", "test2 (held out)")]
    {
        let Some(cells) = severson::cells(set) else { continue };
        let (rms, relative, inside) = severson::errors(&model, &cells);
        let one = severson::variance_model(&train, &cells);
        println!(
            "| {name} | {} | {rms:.1} | {relative:.1} | {:.1} / {:.1} % | {:.0} % |",
            cells.len(),
            one.0,
            one.1,
            100.0 * inside
        );
    }
    println!();
}

fn seeded() {
    println!("### Seeded packs after two years of monthly measurements (1 % noise)\n");
    println!("| cell | horizon, days | 90 % interval covers | mean error, pp | of the prior alone |");
    println!("| --- | --- | --- | --- | --- |");
    for (_, cell) in FIVE {
        let horizons = [1.0 / 24.0, 1.0, 7.0, 30.4, 1825.0];
        for (days, score) in horizons.iter().zip(packs::score(cell, 120, &horizons)) {
            println!(
                "| {} | {days:.2} | {:.1} % | {:.2} | {:.2} |",
                cell.facts().name,
                100.0 * score.coverage,
                score.error,
                score.prior_error
            );
        }
    }
    println!();
}

fn warnings() {
    println!("### Warnings on seeded fleets, set to 1 % false alarms per cause\n");
    let (false_alarms, scores) = fleet::scores(0.01);
    println!(
        "Healthy packs that warned of anything in {} days: {:.1} %.\n",
        fleet::DAYS,
        100.0 * false_alarms
    );
    println!("| cause | named before harm | median lead, days |");
    println!("| --- | --- | --- |");
    for score in scores {
        println!("| {:?} | {:.0} % | {:.0} |", score.cause, 100.0 * score.told, score.lead_days);
    }
    println!();
}

fn advice() {
    println!(
        "### What a habit changes in ten years at 25 °C, in percentage points and money of a 60 kWh pack\n"
    );
    println!("| cell | charge late | up to 70 % | cool to 15 °C while charging | at most 0.1 C |");
    println!("| --- | --- | --- | --- | --- |");
    // charged at once on arrival
    let usual = Profile::day(
        &[(0.0, 0.9), (7.0, 0.9), (8.0, 0.7), (17.0, 0.7), (18.0, 0.5), (20.0, 0.9), (24.0, 0.9)],
        25.0,
    )
    .unwrap();
    let levers = [
        Lever::ChargeLate,
        Lever::ChargeUpTo { soc: 0.7 },
        Lever::CoolFirst { temp_c: 15.0 },
        Lever::ChargeSlower { c_rate: 0.1 },
    ];
    for (_, cell) in FIVE {
        let pack = Pack::new(cell, PackPrior::default()).unwrap();
        let advice = advise(&pack, &usual, &levers, VALUE, 3650.0).unwrap();
        let mut line = format!("| {} ", cell.facts().name);
        for lever in levers {
            let given = advice.iter().find(|given| given.lever == lever).unwrap();
            line += &format!(
                "| {:+.1} ({:+.1} to {:+.1}) pp, {:+.0} ",
                given.points.mean, given.points.low, given.points.high, given.money.mean
            );
        }
        println!("{line}|");
    }
    println!();
}
