use std::path::{Path, PathBuf};

use serde_json::json;
use voltwin_cell::{
    CellError, CellModel, ParameterSet, Protocol, Run, SingleParticle, Surroundings, Trace, set,
};

use voltwin_dfn::{Dfn, DfnError, Mesh, Output, Tolerance};
use voltwin_estimation::{CircuitCell, EstimationError};

use super::plot;
use crate::{error::CliError, print_line};

/// The largest table or parameter set that is read.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A parameter set by name, or a file of one in TOML.
    #[arg(long, value_name = "NAME|FILE.toml")]
    set: String,
    /// The model of the cell.
    #[arg(long, value_enum, default_value = "spme")]
    model: Model,
    /// dis<x>C, cccv<x>C, or a table t_s,current_a in which discharge is positive and a row holds until the next.
    #[arg(long, value_name = "NAME|FILE.csv")]
    protocol: String,
    /// State of charge at the start, 0 to 1.
    #[arg(long, default_value_t = 1.0)]
    soc: f64,
    /// Temperature of the cell at the start and of its surroundings.
    #[arg(long, default_value_t = 298.15)]
    ambient_k: f64,
    /// Whether the cell warms.
    #[arg(long, value_enum, default_value = "isothermal")]
    thermal: Thermal,
    /// Heat transfer in W/m²K with `--thermal lumped`; the set's own by default.
    #[arg(long, value_name = "W/m²K")]
    h: Option<f64>,
    /// The longest step, and so the longest time between two rows, in s.
    #[arg(long, default_value_t = 1.0)]
    step_s: f64,
    /// Where to write t_s,current_A,voltage_V,temperature_K; discharge is positive there too.
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Draw the result as well.
    #[arg(long, value_name = "FILE.svg|FILE.html")]
    plot: Option<PathBuf>,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Model {
    /// Equivalent circuit, identified from the single-particle model with electrolyte of the set.
    Ecm,
    /// Single-particle model.
    Spm,
    /// Single-particle model with electrolyte.
    Spme,
    /// Doyle-Fuller-Newman model, with the reactions along the depth of the electrodes.
    Dfn,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Thermal {
    /// The cell keeps its temperature.
    Isothermal,
    /// One temperature for the cell, cooled through its surface.
    Lumped,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let set = set_of(&args.set)?;
    let protocol = protocol_of(&args.protocol, &set)?;
    let surroundings = match args.thermal {
        Thermal::Lumped => Surroundings::Lumped { ambient_k: args.ambient_k, heat_transfer_w_m2_k: args.h },
        Thermal::Isothermal if args.h.is_some() => {
            return Err(CliError::input("--h is only for --thermal lumped"));
        }
        Thermal::Isothermal => Surroundings::Isothermal,
    };
    let trace = match args.model {
        Model::Ecm => circuit(args, &set, surroundings, &protocol).map_err(judged),
        Model::Spm => trace(args, SingleParticle::spm(&set, surroundings), &protocol).map_err(judged),
        Model::Spme => trace(args, SingleParticle::spme(&set, surroundings), &protocol).map_err(judged),
        Model::Dfn => full_order(args, &set, surroundings, &protocol),
    }?;
    std::fs::write(&args.out, trace.csv())
        .map_err(|error| CliError::input(format!("--out {}: {error}", args.out.display())))?;
    if let Some(path) = &args.plot {
        let title = format!("{} {:?} {}", set.name, args.model, args.protocol);
        plot::write(path, &title, &trace)?;
    }
    report(args, &set, &trace);
    Ok(())
}

fn trace<M: CellModel>(
    args: &Args,
    model: Result<M, CellError>,
    protocol: &Protocol,
) -> Result<Trace, CellError> {
    run_of(args).of(&mut model?, protocol)
}

fn run_of(args: &Args) -> Run {
    Run { soc: args.soc, temperature_k: args.ambient_k, step_max_s: args.step_s, ..Run::default() }
}

fn full_order(
    args: &Args,
    set: &ParameterSet,
    surroundings: Surroundings,
    protocol: &Protocol,
) -> Result<Trace, CliError> {
    // its own steps are longer than those of the rows that are asked for
    let run = Run { step_max_s: f64::INFINITY, ..run_of(args) };
    Dfn::new(set, surroundings, &Mesh::default(), &Tolerance::default())
        .and_then(|mut cell| cell.run(protocol, &run, &Output::Every(args.step_s)))
        .map_err(|error| match error {
            DfnError::Cell(error) => judged(error),
            other => CliError::input(other.to_string()),
        })
}

fn circuit(
    args: &Args,
    set: &ParameterSet,
    surroundings: Surroundings,
    protocol: &Protocol,
) -> Result<Trace, CellError> {
    let model = CircuitCell::of(set, surroundings).map_err(|error| match error {
        EstimationError::Cell(error) => error,
        other => CellError::Form(other.to_string()),
    });
    trace(args, model, protocol)
}

/// What the user can mend is bad input; a solver that fails is a failure.
fn judged(error: CellError) -> CliError {
    match error {
        CellError::NoConvergence { .. } => CliError::failure(error),
        other => CliError::input(other.to_string()),
    }
}

fn set_of(name: &str) -> Result<ParameterSet, CliError> {
    if Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
        return ParameterSet::from_toml(&read("--set", Path::new(name))?).map_err(judged);
    }
    set::named(name).map_err(|error| CliError::input(format!("--set: {error}")))
}

fn protocol_of(name: &str, set: &ParameterSet) -> Result<Protocol, CliError> {
    let protocol = if Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        Protocol::from_csv(&read("--protocol", Path::new(name))?)
    } else {
        Protocol::named(name, set)
    };
    protocol.map_err(|error| CliError::input(format!("--protocol: {error}")))
}

fn read(option: &str, path: &Path) -> Result<String, CliError> {
    let wrong = |what: String| CliError::input(format!("{option} {}: {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > BYTES_MAX {
        return Err(wrong(format!("larger than {BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}

fn report(args: &Args, set: &ParameterSet, trace: &Trace) {
    let (mut charge_as, mut energy_j) = (0.0, 0.0);
    for pair in trace.rows.windows(2) {
        let step_s = pair[1].time_s - pair[0].time_s;
        charge_as += 0.5 * step_s * (pair[0].current_a + pair[1].current_a);
        let power_w = |row: &voltwin_cell::Row| row.current_a * row.voltage_v;
        energy_j += 0.5 * step_s * (power_w(&pair[0]) + power_w(&pair[1]));
    }
    let hottest_k = trace.rows.iter().map(|row| row.temperature_k).fold(f64::NEG_INFINITY, f64::max);
    let Some(last) = trace.rows.last() else { return };
    if args.json {
        let outcome = json!({
            "set": set.name,
            "model": format!("{:?}", args.model).to_lowercase(),
            "ending": trace.ending.text(),
            "end_s": last.time_s,
            "rows": trace.rows.len(),
            "charge_in_ah": charge_as / 3600.0,
            "energy_in_wh": energy_j / 3600.0,
            "soc": last.soc,
            "voltage_v": last.voltage_v,
            "temperature_k": last.temperature_k,
            "temperature_max_k": hottest_k,
        });
        print_line(&outcome.to_string());
    } else {
        print_line(&format!(
            "{} after {:.3} s: {:+.4} Ah, {:+.4} Wh, {:.4} V, state of charge {:.2} %, at most {:.2} K, {} rows in {}",
            trace.ending.text(),
            last.time_s,
            charge_as / 3600.0,
            energy_j / 3600.0,
            last.voltage_v,
            100.0 * last.soc,
            hottest_k,
            trace.rows.len(),
            args.out.display()
        ));
    }
}
