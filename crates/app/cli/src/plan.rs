//! `voltwin plan`: the cheapest schedule of a fleet.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read as _, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use serde_json::json;
use voltwin_energy::{Instance, Plan, plan};

use crate::error::CliError;
use crate::print_line;

/// The largest instance that is read.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The fleet, its stays, prices and limits, as JSON: see docs/smart-charging.md.
    instance: PathBuf,
    /// Where to write the plan: objective, schedule, what binds and why energy lacks.
    #[arg(long, value_name = "PLAN.json")]
    out: PathBuf,
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let shown = args.instance.display().to_string();
    let instance = read(&args.instance)
        .map_err(|error| CliError::input(format!("cannot read the instance {shown}: {error}")))?;
    let plan = plan(&instance).map_err(|error| CliError::input(format!("{shown}: {error}")))?;
    write(&args.out, &plan).with_context(|| format!("cannot write {}", args.out.display()))?;
    print(&instance, &plan, args.json)
}

/// What is wrong with a file is said with the field in which it is.
fn read(path: &std::path::Path) -> Result<Instance, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let size = BufReader::new(file)
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if size as u64 > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let instance = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = error.path().to_string();
        if place == "." { error.inner().to_string() } else { format!("{place}: {}", error.inner()) }
    })?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(instance)
}

/// The whole file or none: a plan that is half written must not be taken for one.
fn write(path: &std::path::Path, plan: &Plan) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(&part)?);
    serde_json::to_writer(&mut writer, plan)?;
    writer.write_all(b"\n")?;
    writer.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(part, path)
}

fn print(instance: &Instance, plan: &Plan, as_json: bool) -> Result<(), CliError> {
    let schedule = &plan.schedule;
    if as_json {
        let figures = json!({
            "objective": plan.objective,
            "bound": plan.bound,
            "gap": plan.gap,
            "rung": plan.rung,
            "iterations": plan.iterations,
            "vehicles": instance.evs.len(),
            "slots": instance.slots(),
            "peak_kw": schedule.peak_kw,
            "imported_kwh": instance.dt * schedule.import_kw.iter().sum::<f64>(),
            "exported_kwh": instance.dt * schedule.export_kw.iter().sum::<f64>(),
            "unmet_kwh": plan.unmet_kwh,
            "notes": plan.reasons.notes,
        });
        print_line(&serde_json::to_string(&figures).map_err(CliError::failure)?);
        return Ok(());
    }
    print_line(&format!("objective  {:.6}", plan.objective));
    print_line(&format!("bound      {:.6} (gap {:.4} %)", plan.bound, 100.0 * plan.gap));
    print_line(&format!("peak       {:.3} kW", schedule.peak_kw));
    print_line(&format!("unmet      {:.3} kWh", plan.unmet_kwh));
    for note in &plan.reasons.notes {
        print_line(&format!("note       {note}"));
    }
    for (vehicle, why) in plan.reasons.vehicles.iter().take(20) {
        print_line(&format!("evs[{vehicle}]  {why}"));
    }
    Ok(())
}
