//! The commands as a user calls them, on files of a folder of their own.

use std::{fmt::Write as _, fs, path::Path};

use clap::Parser as _;
use tempfile::TempDir;

use super::{Args, forecast, pack, run};
use crate::error::CliError;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

const DAY: &str = "t_s,soc,temp_c\n0,0.8,25\n28800,0.8,25\n32400,0.6,27\n61200,0.6,25\n64800,0.4,27\n75600,0.8,26\n86400,0.8,25\n";
const COOL: &str = "t_s,soc,temp_c\n0,0.6,15\n28800,0.6,15\n32400,0.4,17\n61200,0.4,15\n64800,0.2,17\n75600,0.6,16\n86400,0.6,15\n";

/// Runs `line`, in which `@` stands for the folder.
fn voltwin_battery(folder: &Path, line: &str) -> Result<(), CliError> {
    let line = line.replace('@', &format!("{}/", folder.display()));
    let words = std::iter::once("battery").chain(line.split_whitespace());
    let line = Line::try_parse_from(words).map_err(|error| CliError::input(error.to_string()))?;
    run(&line.args)
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("day.csv"), DAY).unwrap();
    fs::write(folder.path().join("cool.csv"), COOL).unwrap();
    folder
}

/// Rows of a table without its heading.
fn rows(path: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(|value| value.parse().unwrap()).collect()).collect()
}

#[track_caller]
fn refused(folder: &Path, line: &str, with: &str) {
    match voltwin_battery(folder, line) {
        Err(CliError::Input(text)) => assert!(text.contains(with), "{text:?} does not say {with:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_forecast_holds_its_horizons_and_falls() {
    let folder = folder();
    let at = folder.path();
    voltwin_battery(at, "forecast --cell nca --plan @day.csv --out @f.csv --plot @f.svg").unwrap();
    let rows = rows(&at.join("f.csv"));
    assert!((rows[0][0] - 1.0 / 24.0).abs() < 1e-5 && rows[1][0] == 1.0 && rows[2][0] == 7.0);
    assert!(rows.iter().all(|row| row[1] <= row[2] && row[2] <= row[3]));
    assert!(rows.windows(2).all(|pair| pair[1][0] > pair[0][0] && pair[1][2] <= pair[0][2] + 1e-6));
    let picture = fs::read_to_string(at.join("f.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("polygon") && !picture.contains("NaN"));
}

#[test]
fn check_ups_move_a_forecast_and_narrow_it() {
    let folder = folder();
    let at = folder.path();
    let mut good = String::from("day,capacity\n");
    let mut poor = good.clone();
    for month in 1..=24 {
        let day = 30.4 * f64::from(month);
        writeln!(good, "{day},{}", 1.0 - 0.0005 * f64::from(month)).unwrap();
        writeln!(poor, "{day},{}", 1.0 - 0.006 * f64::from(month)).unwrap();
    }
    fs::write(at.join("good.csv"), good).unwrap();
    fs::write(at.join("poor.csv"), poor).unwrap();
    for name in ["good", "poor"] {
        let line =
            format!("forecast --cell nca --plan @day.csv --history @{name}.csv --out @{name}-f.csv --json");
        voltwin_battery(at, &line).unwrap();
    }
    let (good, poor) = (rows(&at.join("good-f.csv")), rows(&at.join("poor-f.csv")));
    assert!(good[0][2] > 0.97 && poor[0][2] < 0.90, "{:?} {:?}", good[0], poor[0]);

    voltwin_battery(
        at,
        "compare @day.csv @day.csv --cell nca --history @poor.csv --history-b @good.csv --out @c.csv",
    )
    .unwrap();
    let compared = rows(&at.join("c.csv"));
    assert!(compared.iter().all(|row| row[7] > 0.0), "the good pack keeps more, for sure: {compared:?}");
}

#[test]
fn a_knee_in_the_check_ups_is_named_and_a_sound_history_is_not() {
    let folder = folder();
    let day = pack::habit(&folder.path().join("day.csv")).unwrap();
    let cell = pack::cell("nca").unwrap();
    let seen = |bend: f64| {
        let history: Vec<pack::CheckUp> = (1..=90)
            .map(|week| {
                let (day, late) = (7.0 * f64::from(week), f64::from(week - 60).max(0.0));
                // a ripple stands for the noise of the measurement
                let ripple = 0.002 * (1.7 * f64::from(week)).sin();
                pack::CheckUp {
                    day,
                    capacity: 1.0 - 0.0008 * f64::from(week) - bend * late + ripple,
                    sd: 0.002,
                }
            })
            .collect();
        let pack = pack::pack(cell, &day, &history).unwrap();
        forecast::knee(cell, &pack, &day, &history).unwrap().map(|since_s| since_s / 86_400.0)
    };
    assert_eq!(seen(0.0), None);
    assert!(seen(0.006).is_some_and(|day| (420.0..=630.0).contains(&day)), "{:?}", seen(0.006));
}

#[test]
fn two_habits_of_one_pack_are_compared_on_the_same_pack() {
    let folder = folder();
    let at = folder.path();
    voltwin_battery(at, "compare @day.csv @cool.csv --cell nca --out @c.csv --plot @c.html").unwrap();
    for row in rows(&at.join("c.csv")) {
        assert!((row[8] - (row[5] - row[2])).abs() < 2e-6 && row[8] > 0.0, "{row:?}");
        assert!(row[9] - row[7] < (row[3] - row[1]).hypot(row[6] - row[4]), "{row:?}");
    }
    voltwin_battery(at, "compare @day.csv @day.csv --cell nca --out @same.csv").unwrap();
    assert!(rows(&at.join("same.csv")).iter().all(|row| row[7] == 0.0 && row[9] == 0.0));
}

#[test]
fn faults_of_a_table_are_named_by_line_column_and_limit() {
    let folder = folder();
    let at = folder.path();
    let forecast = "forecast --cell nca --plan @bad.csv --out @f.csv";
    for (table, with) in [
        ("t_s,soc\n0,0.5\n", "bad.csv: no column temp_c"),
        ("t_s,soc,temp_c\n0,0.5,25\n60,1.5,25\n", "line 3: soc is 1.5, allowed is 0..=1"),
        ("t_s,soc,temp_c\n0,0.5,25\n60,NaN,25\n", "line 3: soc is NaN, allowed is 0..=1"),
        ("t_s,soc,temp_c\n0,0.5,warm\n", "line 2: temp_c \"warm\" is no number"),
        ("t_s,soc,temp_c\n60,0.5,25\n60,0.6,25\n", "line 3: t_s is 60, which is not after 60"),
        ("t_s,soc,temp_c\n0,0.5,25\n", "at least 2 samples"),
    ] {
        fs::write(at.join("bad.csv"), table).unwrap();
        refused(at, forecast, with);
    }
    fs::write(at.join("bad.csv"), "day,capacity\n30,85\n").unwrap();
    refused(
        at,
        "forecast --cell nca --plan @day.csv --history @bad.csv --out @f.csv",
        "line 2: capacity is 85, allowed is 0.05..=1.5",
    );
    refused(at, "forecast --cell lead --plan @day.csv --out @f.csv", "none of lfp, nmc, nca, lmo");
    refused(at, "forecast --cell nca --plan @day.csv --end 2 --out @f.csv", "allowed is 0.1..=0.99");
    refused(at, "compare @day.csv @none.csv --cell nca --out @c.csv", "none.csv");
    refused(at, "forecast --cell nca --plan @day.csv --out @f.csv --plot @f.png", "neither .svg nor .html");
    assert!(!at.join("c.csv").exists());
}

#[test]
fn simulate_and_identify_refuse_a_broken_table() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("p.csv"), "t_s,current_a\n0,1\nlater,2\n").unwrap();
    refused(at, "simulate --set Chen2020 --protocol @p.csv --out @o.csv", "--protocol");
    refused(at, "simulate --set Unknown --protocol dis1C --out @o.csv", "--set");
    fs::write(at.join("t.csv"), "t_s,current_a,voltage_v\n0,0,4.1\n1,x,4.0\n").unwrap();
    refused(at, "identify --test @t.csv --slow @t.csv --out @i.json", "row 3: \"x\" is no number");
}
