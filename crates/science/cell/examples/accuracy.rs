//! Prints the accuracy table of docs/battery.md: `cargo run --release -p voltwin-cell --example accuracy [INDEX.json …]`.
//!
//! Without arguments the shared reference curves are read (`VOLTWIN_SHARED`). An argument is an index of further curves
//! in the same form, as `tests/clients/battery_curves.py` writes it.

#[path = "../tests/reference/mod.rs"]
mod reference;

use std::{io::Write as _, path::PathBuf};

fn main() -> std::io::Result<()> {
    let mut indices: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if indices.is_empty() {
        indices.extend(reference::folder().map(|folder| folder.join("index_open.json")));
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| set | model | protocol | rms mV | max mV | end time % | temperature K | must rms / max mV |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for case in indices.iter().flat_map(reference::cases) {
        if case.model == "DFN" {
            continue;
        }
        let curve = reference::curve(&case);
        let times: Vec<f64> = curve.iter().map(|row| row[0]).collect();
        match reference::simulate(&case, &times, f64::INFINITY) {
            Ok(trace) => {
                let d = reference::distance(&trace, &curve);
                let (rms, max) = reference::limits(&case);
                writeln!(
                    out,
                    "| {} | {} | {} | {:.3} | {:.2} | {:.4} | {:.4} | {rms} / {max} |",
                    case.set, case.model, case.name, d.rms_mv, d.max_mv, d.end_percent, d.temperature_k
                )?;
            }
            Err(error) => writeln!(out, "| {} | {} | {} | {error} |", case.set, case.model, case.name)?,
        }
    }
    Ok(())
}
