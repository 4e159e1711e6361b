//! Times runs for tests/clients/bench_battery.py, which sets them beside PyBaMM: one JSON object on standard output.
//!
//! `cargo run --release -p voltwin-cell --example speed`. A figure is the least of many runs, in µs, after a warm-up.

use std::{hint::black_box, io::Write as _, time::Instant};

use voltwin_cell::{CellError, Protocol, Run, SingleParticle, Surroundings, Trace, set};

/// Least time of a run in µs, and how many steps it took.
fn time(mut run: impl FnMut() -> Result<Trace, CellError>) -> Result<(f64, usize), CellError> {
    let (mut least, mut steps) = (f64::INFINITY, 0);
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < 1.0 {
        let start = Instant::now();
        steps = black_box(run()?).steps;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok((1e6 * least, steps))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = serde_json::Map::new();
    for (name, protocol, soc) in [
        ("Chen2020", "dis1C", 1.0),
        ("Prada2013", "dis1C", 1.0),
        ("ORegan2022", "dis1C", 1.0),
        ("Chen2020", "cccv0.5C", 0.05),
        ("Prada2013", "cccv1C", 0.1),
    ] {
        let set = set::named(name)?;
        let steps = Protocol::named(protocol, &set)?;
        for kind in ["SPM", "SPMe"] {
            let make = if kind == "SPM" { SingleParticle::spm } else { SingleParticle::spme };
            let mut model = make(&set, Surroundings::Isothermal)?;
            let run = Run { soc, ..Run::default() };
            let (us, count) = time(|| run.of(&mut model, &steps))?;
            let figures = serde_json::json!({ "us": us, "steps": count });
            out.insert(format!("{name} {kind} {protocol}"), figures);
        }
    }
    writeln!(std::io::stdout().lock(), "{}", serde_json::Value::Object(out))?;
    Ok(())
}
