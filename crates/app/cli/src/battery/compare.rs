use std::{fmt::Write as _, path::PathBuf};

use serde_json::{Value, json};
use voltwin_ageing::Cell;
use voltwin_prognosis::{Belief, Interval};

use super::{
    pack::{self, judged, ninety, years},
    plot,
};
use crate::{error::CliError, print_line};

/// Days ahead at which the two are compared.
const AHEAD_DAYS: [(&str, f64); 5] =
    [("1 week", 7.0), ("1 month", 30.4), ("1 year", 365.25), ("5 years", 1826.25), ("10 years", 3652.5)];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The one habit, a stretch that repeats: t_s,soc,temp_c.
    a: PathBuf,
    /// The other habit.
    b: PathBuf,
    /// lfp, nmc, nca or lmo, or a cell of the ageing models by name.
    #[arg(long, value_name = "CHEMISTRY|CELL", value_parser = pack::cell)]
    cell: Cell,
    /// Check-ups of the pack under the habit A so far: day, capacity and perhaps sd.
    #[arg(long, value_name = "FILE.csv")]
    history: Option<PathBuf>,
    /// The cell of B where that is another pack.
    #[arg(long, value_name = "CHEMISTRY|CELL", value_parser = pack::cell)]
    cell_b: Option<Cell>,
    /// Check-ups of B, under the habit B, where that is another pack.
    #[arg(long, value_name = "FILE.csv")]
    history_b: Option<PathBuf>,
    /// Relative capacity at which a pack is replaced.
    #[arg(long, default_value_t = 0.7, value_parser = super::within::<10, 99>)]
    end: f64,
    /// Where to write days and the capacities of both with their intervals and their difference.
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Draw both with their intervals.
    #[arg(long, value_name = "FILE.svg|FILE.html")]
    plot: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

struct Row {
    name: &'static str,
    days: f64,
    a: Interval,
    b: Interval,
    /// Capacity of B less that of A.
    difference: Interval,
    /// That B keeps more than A; nothing where they cannot differ.
    b_keeps_more: Option<f64>,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let (habit_a, habit_b) = (pack::habit(&args.a)?, pack::habit(&args.b)?);
    let a = pack::pack(args.cell, &habit_a, &pack::history(args.history.as_ref())?)?;
    let other = if args.cell_b.is_some() || args.history_b.is_some() {
        let history = pack::history(args.history_b.as_ref())?;
        Some(pack::pack(args.cell_b.unwrap_or(args.cell), &habit_b, &history)?)
    } else {
        None
    };
    let b = other.as_ref().unwrap_or(&a);

    let mut rows = Vec::new();
    for (name, days) in AHEAD_DAYS {
        let left = a.forecast(&habit_a, days).map_err(judged)?;
        let right = b.forecast(&habit_b, days).map_err(judged)?;
        let difference = if other.is_some() {
            Belief { mean: right.mean - left.mean, sd: left.sd.hypot(right.sd) }
        } else {
            a.difference(&habit_a, &habit_b, days).map_err(judged)?
        };
        rows.push(Row {
            name,
            days,
            a: ninety(left),
            b: ninety(right),
            difference: ninety(difference),
            b_keeps_more: (difference.sd > 0.0).then(|| normal_share(difference.mean / difference.sd)),
        });
    }
    let max_days = 365.25 * 30.0;
    let life_a = pack::end_of_life(&a, &habit_a, args.end, max_days).map_err(judged)?;
    let life_b = pack::end_of_life(b, &habit_b, args.end, max_days).map_err(judged)?;

    let mut csv =
        String::from("days,a_low,a,a_high,b_low,b,b_high,difference_low,difference,difference_high\n");
    for row in &rows {
        let _ = write!(csv, "{}", row.days);
        for Interval { low, mean, high } in [row.a, row.b, row.difference] {
            // writing to a string cannot fail
            let _ = write!(csv, ",{low:.6},{mean:.6},{high:.6}");
        }
        csv.push('\n');
    }
    std::fs::write(&args.out, csv)
        .map_err(|error| CliError::input(format!("--out {}: {error}", args.out.display())))?;
    if let Some(path) = &args.plot {
        let line = |of: fn(&Row) -> Interval| rows.iter().map(|row| (row.days, of(row))).collect();
        let lines = [("#1f6feb", line(|row| row.a)), ("#b35900", line(|row| row.b))];
        plot::capacity(path, "Capacity and its 90 % interval: A blue, B orange", &lines)?;
    }
    report(args, &rows, [life_a, life_b], max_days, other.is_none());
    Ok(())
}

fn report(args: &Args, rows: &[Row], lives: [Interval; 2], max_days: f64, one_pack: bool) {
    if args.json {
        let finite = |days: f64| days.is_finite().then_some(days);
        let life =
            |i: Interval| json!({ "low": finite(i.low), "mean": finite(i.mean), "high": finite(i.high) });
        let horizons: Vec<Value> = rows
            .iter()
            .map(|r| {
                let (a, b, difference) = (r.a, r.b, r.difference);
                json!({ "days": r.days, "a": a, "b": b, "difference": difference, "bKeepsMore": r.b_keeps_more })
            })
            .collect();
        let outcome = json!({
            "onePack": one_pack,
            "coverage": 0.9,
            "horizons": horizons,
            "endOfLifeDays": { "a": life(lives[0]), "b": life(lives[1]), "searched": max_days },
        });
        print_line(&outcome.to_string());
        return;
    }
    let what = if one_pack { "two habits of one pack" } else { "two packs" };
    print_line(&format!("{what}, capacity in %, 90 % intervals"));
    for row in rows {
        let [a, b, d] = [row.a, row.b, row.difference].map(|i| [i.low, i.mean, i.high].map(|v| 100.0 * v));
        let sure = row
            .b_keeps_more
            .map_or_else(String::new, |share| format!(", B keeps more: {:.0} %", 100.0 * share));
        print_line(&format!(
            "{:<9} A {:.2} ({:.2} to {:.2}), B {:.2} ({:.2} to {:.2}), B-A {:+.2} pp ({:+.2} to {:+.2}){sure}",
            row.name, a[1], a[0], a[2], b[1], b[0], b[2], d[1], d[0], d[2]
        ));
    }
    for (name, life) in ["A", "B"].into_iter().zip(lives) {
        let [low, mean, high] = [life.low, life.mean, life.high].map(|days| years(days, max_days));
        print_line(&format!("{name} falls to {:.0} % in {mean} years ({low} to {high})", 100.0 * args.end));
    }
}

/// Share of a normal distribution below `z` deviations (Abramowitz and Stegun 26.2.17, within 7.5e-8).
fn normal_share(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, factor| t * (factor + sum));
    let above = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt() * sum;
    if z < 0.0 { above } else { 1.0 - above }
}

#[cfg(test)]
mod tests {
    use super::{super::pack::NINETY_SD, *};

    #[test]
    fn the_share_of_a_normal_distribution_is_that_of_the_tables() {
        for (z, share) in
            [(0.0, 0.5), (1.0, 0.841_344_746), (-NINETY_SD, 0.049_984_906), (3.0, 0.998_650_102)]
        {
            assert!((normal_share(z) - share).abs() < 1e-7, "{z}");
        }
    }
}
