use std::{fmt::Write as _, path::PathBuf};

use serde_json::{Value, json};
use voltwin_ageing::{Ageing, Cell, PackValue, Profile, State, Stress};
use voltwin_battery::Stream;
use voltwin_prognosis::{
    Advice, Cause, HORIZONS_DAYS, Interval, KNEE_SAMPLES, Lever, Pack, PackSample, PrognosisError,
    Sensitivity, Watch, advise,
};

use super::{
    pack::{self, CheckUp, judged, ninety, years},
    plot,
};
use crate::{error::CliError, print_line};

/// Healthy packs that are drawn to know what a sound history looks like.
const HEALTHY: usize = 400;
/// The share of them that may warn.
const FALSE_ALARMS: f64 = 0.01;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// lfp, nmc, nca or lmo, or a cell of the ageing models by name.
    #[arg(long, value_name = "CHEMISTRY|CELL", value_parser = pack::cell)]
    cell: Cell,
    /// The use to come, a stretch that repeats: t_s,soc,temp_c.
    #[arg(long, value_name = "FILE.csv")]
    plan: PathBuf,
    /// Check-ups so far: day (age of the pack), capacity (relative to new) and perhaps sd (of the measurement, 0.01).
    #[arg(long, value_name = "FILE.csv")]
    history: Option<PathBuf>,
    /// The use so far, as `--plan`, which stands for it by default.
    #[arg(long, value_name = "FILE.csv", requires = "history")]
    lived: Option<PathBuf>,
    /// Relative capacity at which the pack is replaced.
    #[arg(long, default_value_t = 0.7, value_parser = super::within::<10, 99>)]
    end: f64,
    /// How far ahead the end of life is looked for.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100))]
    years: u32,
    /// Energy of the new pack in kWh.
    #[arg(long, default_value_t = 60.0, value_parser = super::within::<1, 10_000_000>)]
    energy_kwh: f64,
    /// Price of a new pack less what the old one fetches, in money per kWh.
    #[arg(long, default_value_t = 120.0, value_parser = super::within::<0, 100_000_000>)]
    price_per_kwh: f64,
    /// Advice: the charge to stop at.
    #[arg(long, default_value_t = 0.7, value_parser = super::within::<10, 100>)]
    charge_up_to: f64,
    /// Advice: the temperature to cool to while charging, in °C.
    #[arg(long, default_value_t = 15.0, value_parser = super::within::<0, 6000>)]
    cool_to_c: f64,
    /// Advice: the fastest charge in 1/h.
    #[arg(long, default_value_t = 0.1, value_parser = super::within::<1, 2000>)]
    charge_c_rate: f64,
    /// Where to write days,capacity_low,capacity,capacity_high.
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Draw the forecast and its interval as well.
    #[arg(long, value_name = "FILE.svg|FILE.html")]
    plot: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let plan = pack::habit(&args.plan)?;
    let lived = args.lived.as_ref().map_or_else(|| Ok(plan.clone()), |path| pack::habit(path))?;
    let history = pack::history(args.history.as_ref())?;
    let pack = pack::pack(args.cell, &lived, &history)?;

    let max_days = 365.25 * f64::from(args.years);
    let ahead = |days: f64| pack.forecast(&plan, days).map(ninety).map_err(judged);
    let near =
        HORIZONS_DAYS.iter().map(|&days| Ok((days, ahead(days)?))).collect::<Result<Vec<_>, CliError>>()?;
    let life = pack::end_of_life(&pack, &plan, args.end, max_days).map_err(judged)?;
    let shown_days = life.high.min(max_days);
    let mut curve = near.clone();
    for part in 1..=60 {
        let days = shown_days * f64::from(part) / 60.0;
        if days > HORIZONS_DAYS[3] {
            curve.push((days, ahead(days)?));
        }
    }
    let warnings = warnings(args.cell, &pack, &plan, &lived, &history)?;
    let value =
        PackValue { energy_kwh: args.energy_kwh, price_per_kwh: args.price_per_kwh, end_capacity: args.end };
    let levers = [
        Lever::ChargeLate,
        Lever::ChargeUpTo { soc: args.charge_up_to },
        Lever::CoolFirst { temp_c: args.cool_to_c },
        Lever::ChargeSlower { c_rate: args.charge_c_rate },
    ];
    let mut advice = advise(&pack, &plan, &levers, value, 3652.5).map_err(judged)?;
    advice.retain(|advice| advice.applies);

    let mut csv = String::from("days,capacity_low,capacity,capacity_high\n");
    for (days, Interval { low, mean, high }) in &curve {
        // writing to a string cannot fail
        let _ = writeln!(csv, "{days:.6},{low:.6},{mean:.6},{high:.6}");
    }
    std::fs::write(&args.out, csv)
        .map_err(|error| CliError::input(format!("--out {}: {error}", args.out.display())))?;
    if let Some(path) = &args.plot {
        let title = format!("{}: capacity and its 90 % interval", args.cell.facts().name);
        plot::capacity(path, &title, &[("#1f6feb", curve)])?;
    }
    report(args, &near, life, max_days, [&warnings, &not_judged(history.len())], &advice);
    Ok(())
}

/// A cause by name and what is to be said of it.
type Named = (&'static str, String);

fn warnings(
    cell: Cell,
    pack: &Pack,
    plan: &Profile,
    lived: &Profile,
    history: &[CheckUp],
) -> Result<Vec<Named>, CliError> {
    let mut named = Vec::new();
    let stress = Stress::of(plan.samples()).map_err(judged)?;
    let outside = Ageing::new(cell).advance(&stress);
    let known = cell.facts().validity;
    for (is, what, low, high) in [
        (outside.temperature, "temperature in °C", known.temp_c.0, known.temp_c.1),
        (outside.depth, "depth of cycles", known.depth.0, known.depth.1),
        (outside.soc, "state of charge", known.soc.0, known.soc.1),
        (outside.charge, "charge rate in 1/h", 0.0, known.charge_c_rate),
        (outside.discharge, "discharge rate in 1/h", 0.0, known.discharge_c_rate),
    ] {
        if is {
            let text = format!("the plan leaves what the cell was measured at: {what} {low}..={high}");
            named.push(("extrapolation", text));
        }
    }
    if history.len() >= KNEE_SAMPLES
        && let Some(since_s) = knee(cell, pack, lived, history).map_err(judged)?
    {
        let text = format!("capacity falls faster than before, seen at day {:.0}", since_s / 86_400.0);
        named.push(("knee", text));
    }
    Ok(named)
}

/// When a knee was seen, in s, at a threshold that packs like this one with a sound history of the same check-ups
/// pass in [`FALSE_ALARMS`] of cases.
pub(super) fn knee(
    cell: Cell,
    pack: &Pack,
    lived: &Profile,
    history: &[CheckUp],
) -> Result<Option<f64>, PrognosisError> {
    let stress = Stress::of(lived.samples())?;
    let mut sound = Ageing::resume(cell, pack.ageing()?.scales(), State::default())?;
    let mut day = 0.0;
    let mut expected = Vec::with_capacity(history.len());
    for check_up in history {
        sound.advance_times(&stress, (check_up.day - day) / lived.duration_days());
        day = check_up.day;
        expected.push(sound.capacity());
    }
    let watched = |sensitivity, capacity: &mut dyn FnMut(usize) -> f64| {
        // two cells, of which nothing is told
        let mut watch = Watch::new(2, sensitivity)?;
        let mut seen = None;
        for (place, check_up) in history.iter().enumerate() {
            let sample = PackSample {
                t_s: check_up.day * 86_400.0,
                plating_margin_v: None,
                rest_start_v: &[],
                rest_end_v: &[],
                rest_h: 0.0,
                excess_temp_k: None,
                capacity: Some(capacity(place)),
            };
            let raised = watch.look(&sample)?;
            seen = seen.or_else(|| raised.iter().find(|w| w.cause == Cause::Knee).map(|w| w.t_s));
        }
        Ok::<_, PrognosisError>((watch.peaks(), seen))
    };
    let mut peaks = Vec::with_capacity(HEALTHY);
    for number in 0..HEALTHY {
        let mut stream = Stream::named(1, "check-up", &number.to_string());
        let mut noisy = |place: usize| {
            let (radius, angle) = (1.0 - stream.uniform(), std::f64::consts::TAU * stream.uniform());
            let normal = (-2.0 * radius.ln()).sqrt() * angle.cos();
            (expected[place] + history[place].sd * normal).clamp(0.0, 2.0)
        };
        peaks.push(watched(Sensitivity::silent(), &mut noisy)?.0);
    }
    let sensitivity = Sensitivity::from_healthy(&peaks, FALSE_ALARMS)?;
    Ok(watched(sensitivity, &mut |place| history[place].capacity)?.1)
}

/// Causes that the files given cannot tell, and why.
fn not_judged(check_ups: usize) -> Vec<Named> {
    let cells = ["plating", "soft-short", "cell-spread", "thermal"];
    let mut causes: Vec<Named> = cells.map(|cause| (cause, "needs signals of the cells".to_owned())).into();
    if check_ups < KNEE_SAMPLES {
        causes.push(("knee", format!("needs {KNEE_SAMPLES} check-ups, got {check_ups}")));
    }
    causes
}

fn lever(lever: Lever) -> String {
    match lever {
        Lever::ChargeLate => "charge late, to be done at departure".to_owned(),
        Lever::ChargeUpTo { soc } => format!("charge up to {:.0} %", 100.0 * soc),
        Lever::CoolFirst { temp_c } => format!("cool to {temp_c} °C while charging"),
        Lever::ChargeSlower { c_rate } => format!("charge at no more than {c_rate} C"),
    }
}

fn report(
    args: &Args,
    near: &[(f64, Interval)],
    life: Interval,
    max_days: f64,
    [warnings, not_judged]: [&[Named]; 2],
    advice: &[Advice],
) {
    if args.json {
        let finite = |days: f64| days.is_finite().then_some(days);
        let horizons: Vec<Value> =
            near.iter().map(|(days, capacity)| json!({ "days": days, "capacity": capacity })).collect();
        let named = |causes: &[Named]| -> Vec<Value> {
            causes.iter().map(|(cause, text)| json!({ "cause": cause, "text": text })).collect()
        };
        let advice: Vec<Value> = advice
            .iter()
            .map(|a| json!({ "lever": lever(a.lever), "points": a.points, "money": a.money }))
            .collect();
        let outcome = json!({
            "cell": args.cell.facts().name,
            "source": args.cell.facts().source,
            "coverage": 0.9,
            "horizons": horizons,
            "endOfLife": {
                "capacity": args.end,
                "days": { "low": finite(life.low), "mean": finite(life.mean), "high": finite(life.high) },
                "searchedDays": max_days,
            },
            "warnings": named(warnings),
            "notJudged": named(not_judged),
            "advice": advice,
        });
        print_line(&outcome.to_string());
        return;
    }
    print_line(&format!("{}, 90 % intervals", args.cell.facts().name));
    for ((_, Interval { low, mean, high }), name) in near.iter().zip(["1 h", "24 h", "1 week", "1 month"]) {
        let [low, mean, high] = [low, mean, high].map(|capacity| 100.0 * capacity);
        print_line(&format!("{name:<10} capacity {mean:.2} % ({low:.2} to {high:.2})"));
    }
    let [low, mean, high] = [life.low, life.mean, life.high].map(|days| years(days, max_days));
    print_line(&format!("falls to {:.0} % in {mean} years ({low} to {high})", 100.0 * args.end));
    for (cause, text) in warnings {
        print_line(&format!("warning: {cause}: {text}"));
    }
    for (cause, text) in not_judged {
        print_line(&format!("not judged: {cause}: {text}"));
    }
    for Advice { lever: changed, points, money, .. } in advice {
        print_line(&format!(
            "advice: {}: {:+.2} pp ({:+.2} to {:+.2}) and {:+.0} of money ({:+.0} to {:+.0}) in ten years",
            lever(*changed),
            points.mean,
            points.low,
            points.high,
            money.mean,
            money.low,
            money.high
        ));
    }
}
