//! Drives a scenario without the command line: `drive one|run FILE`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use voltwin_swap::{Kpi, Network, Scenario, Vehicles, replication};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, what, path, rest @ ..] = arguments.as_slice() else {
        return Err("drive one|run FILE [N]".into());
    };
    let scenario = Scenario::from_json(&std::fs::read_to_string(path)?)?;
    let network = Network::new(&scenario);
    let reps: u64 = rest.first().map_or(Ok(1), |n| n.parse())?;
    if what == "one" {
        let mut seen = Vehicles::default();
        let done = replication(&network, 0, &mut seen, &|| false)?;
        let mut form = voltwin_swap::vehicles_json(&network, &seen.0, false);
        for kpi in Kpi::ALL {
            form["kpis"][kpi.name()] = done.kpis.get(*kpi).into();
        }
        println!("{form}");
        return Ok(());
    }
    let rows = voltwin_des::replicate(0..reps, |r| {
        replication(&network, r, &mut (), &|| false).map(|done| done.kpis)
    });
    let rows: Vec<_> = rows.into_iter().collect::<Result<_, _>>()?;
    for kpi in Kpi::ALL {
        let summary = voltwin_des::Summary::of(rows.iter().map(|row| row.get(*kpi)));
        println!("{:22} {:14.6} +- {:.6}", kpi.name(), summary.mean, summary.half_width(0.95));
    }
    Ok(())
}
