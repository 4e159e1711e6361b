use std::path::{Path, PathBuf};

use serde_json::json;
use voltwin_battery::ecm::EcmModel;
use voltwin_estimation::{
    EstimationError, Record,
    identify::{CircuitForm, Identification, Misfit, OpenCircuit, Weights, identify, misfits, overall_rms_v},
    least_squares::Limits,
};

use crate::{error::CliError, print_line};

/// Columns as people name them, in lower case.
const TIME: &[&str] = &["t_s", "time_s", "test_time(s)", "time"];
const CURRENT: &[&str] = &["current_a", "current_a_dis_positive", "current(a)", "current"];
const VOLTAGE: &[&str] = &["voltage_v", "voltage(v)", "voltage"];
const TEMP_C: &[&str] = &["temperature_c", "temp_c", "cell_temp_mid_c"];
const TEMP_K: &[&str] = &["temperature_k", "temp_k"];
const AMBIENT_C: &[&str] = &["chamber_c", "ambient_c"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Tests to fit: t_s, current_A (discharge is positive), voltage_V and perhaps temperature_C, from rest at `--soc`.
    #[arg(long = "test", value_name = "FILE.csv", required = true)]
    tests: Vec<PathBuf>,
    /// Tests to judge by, which the fit does not see.
    #[arg(long, value_name = "FILE.csv")]
    held_out: Vec<PathBuf>,
    /// A slow discharge from full to empty: the open-circuit curve and the capacity.
    #[arg(long, value_name = "FILE.csv")]
    slow: PathBuf,
    /// Columns whose values tell one test of a file from the next, such as test,run.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…")]
    group: Vec<String>,
    /// Of the slow file, the group that is the slow discharge, such as ocv_C20,1; the first by default.
    #[arg(long, value_delimiter = ',', value_name = "VALUE,…")]
    slow_group: Vec<String>,
    /// Fit every n-th test of the files only, and count the others as held out.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// State of charge at the start of each test.
    #[arg(long, default_value_t = 1.0)]
    soc: f64,
    /// Temperature of the surroundings in °C; that of the first sample by default.
    #[arg(long)]
    ambient_c: Option<f64>,
    /// Voltages below are neither fitted nor counted.
    #[arg(long, default_value_t = 2.8)]
    above_v: f64,
    /// What the cell is called.
    #[arg(long, default_value = "cell")]
    name: String,
    /// Where to write the circuit, with every parameter's standard deviation.
    #[arg(long, value_name = "FILE.json")]
    out: PathBuf,
    /// Print the misfits as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let slow = slow(args)?;
    let (open, capacity_ah) = OpenCircuit::from_slow_discharge(&slow, 201).map_err(judged)?;
    let mut fitted = Vec::new();
    let mut held_out = Vec::new();
    for (place, record) in all(args, &args.tests)?.into_iter().filter(|r| *r != slow).enumerate() {
        if place % args.every.max(1) == 0 { fitted.push(record) } else { held_out.push(record) }
    }
    held_out.extend(all(args, &args.held_out)?);
    let limits_v = [least(&slow.voltage_v), -least(&slow.voltage_v.iter().map(|v| -v).collect::<Vec<_>>())];
    let temperatures = fitted.iter().any(|r| (r.ambient_c - fitted[0].ambient_c).abs() > 5.0);
    let form = CircuitForm { limits_v, temperatures, ..CircuitForm::new(capacity_ah) };
    let weights = Weights { above_v: args.above_v, ..Weights::default() };
    let found = identify(&args.name, form, open, &fitted, weights, Limits::default()).map_err(judged)?;
    let model = EcmModel::new(found.parameters.clone()).map_err(CliError::failure)?;
    let judged_on = misfits(&model, &held_out, weights).map_err(judged)?;

    let text = json!({ "parameters": found.parameters, "found": found.found, "fit": found.fit, "heldOut": judged_on });
    std::fs::write(&args.out, format!("{text:#}\n"))
        .map_err(|error| CliError::input(format!("--out {}: {error}", args.out.display())))?;
    report(args, &found, &judged_on);
    Ok(())
}

fn report(args: &Args, found: &Identification, held_out: &[Misfit]) {
    let (fit_mv, held_out_mv) = (1e3 * overall_rms_v(&found.fit), 1e3 * overall_rms_v(held_out));
    if args.json {
        let figures = json!({
            "converged": found.converged,
            "fitRmsMv": fit_mv,
            "heldOutRmsMv": if held_out.is_empty() { None } else { Some(held_out_mv) },
            "fit": found.fit,
            "heldOut": held_out,
        });
        print_line(&format!("{figures}"));
        return;
    }
    print_line(&format!("{:<40} {:>9} {:>9} {:>9} {:>8}", "test", "samples", "rms mV", "max mV", "peak K"));
    for (title, misfits) in [("fitted", found.fit.as_slice()), ("held out", held_out)] {
        for m in misfits {
            let name = format!("{title}: {}", m.record);
            let (rms, max) = (1e3 * m.voltage_rms_v, 1e3 * m.voltage_max_v);
            print_line(&format!("{name:<40} {:>9} {rms:>9.1} {max:>9.1} {:>+8.1}", m.samples, m.peak_temp_k));
        }
    }
    print_line(&format!("fitted {fit_mv:.1} mV rms, held out {held_out_mv:.1} mV rms"));
}

fn slow(args: &Args) -> Result<Record, CliError> {
    let records = read(args, &args.slow)?;
    let wanted = args.slow_group.join(" ");
    let found = if wanted.is_empty() {
        records.into_iter().next()
    } else {
        records.into_iter().find(|record| record.name.ends_with(&wanted))
    };
    found.ok_or_else(|| CliError::input(format!("--slow {}: no test {wanted:?}", args.slow.display())))
}

fn all(args: &Args, paths: &[PathBuf]) -> Result<Vec<Record>, CliError> {
    let mut records = Vec::new();
    for path in paths {
        records.extend(read(args, path)?);
    }
    Ok(records)
}

/// The tests of a file in the order of their first rows.
fn read(args: &Args, path: &Path) -> Result<Vec<Record>, CliError> {
    let wrong = |what: String| CliError::input(format!("{}: {what}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(|error| wrong(error.to_string()))?;
    let headers = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let place = |names: &[&str]| {
        headers.iter().position(|header| names.contains(&header.trim().to_ascii_lowercase().as_str()))
    };
    let needed = |names: &[&str]| place(names).ok_or_else(|| wrong(format!("no column {}", names[0])));
    let (time, current, voltage) = (needed(TIME)?, needed(CURRENT)?, needed(VOLTAGE)?);
    let (celsius, kelvin, ambient) = (place(TEMP_C), place(TEMP_K), place(AMBIENT_C));
    let mut keys = Vec::new();
    for name in &args.group {
        let lower = name.to_ascii_lowercase();
        keys.push(place(&[lower.as_str()]).ok_or_else(|| wrong(format!("no column {name}")))?);
    }
    let file = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut records: Vec<Record> = Vec::new();
    for (line, row) in reader.records().enumerate() {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let number = |place: usize| {
            let text = row.get(place).unwrap_or_default().trim();
            text.parse::<f64>().map_err(|_| wrong(format!("row {}: {text:?} is no number", line + 2)))
        };
        let parts = keys.iter().map(|key| row.get(*key).unwrap_or_default());
        let name = std::iter::once(file.as_str()).chain(parts).collect::<Vec<_>>().join(" ");
        let temp_c = match (celsius, kelvin) {
            (Some(place), _) => Some(number(place)?),
            (None, Some(place)) => Some(number(place)? - 273.15),
            (None, None) => None,
        };
        let index = match records.iter().rposition(|record| record.name == name) {
            Some(index) => index,
            None => {
                let column = ambient.map(number).transpose()?;
                let ambient_c = args.ambient_c.or(column).or(temp_c).unwrap_or(25.0);
                let (t_s, current_a, voltage_v, temp_c) = Default::default();
                records.push(Record { name, t_s, current_a, voltage_v, temp_c, soc: args.soc, ambient_c });
                records.len() - 1
            }
        };
        let record = &mut records[index];
        record.t_s.push(number(time)?);
        record.current_a.push(-number(current)?);
        record.voltage_v.push(number(voltage)?);
        record.temp_c.extend(temp_c);
    }
    Ok(records)
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn judged(error: EstimationError) -> CliError {
    match error {
        EstimationError::Fit(_) => CliError::failure(error),
        other => CliError::input(other.to_string()),
    }
}
