//! Plans an instance file: `plan INSTANCE.json [PLAN.json]`.
#![allow(clippy::print_stdout)]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let from = args.next().ok_or("which instance?")?;
    let instance: voltwin_energy::Instance = serde_json::from_str(&std::fs::read_to_string(from)?)?;
    let plan = voltwin_energy::plan(&instance)?;
    println!(
        "objective {:.9} bound {:.9} rung {:?} iterations {} unmet {:.6}",
        plan.objective, plan.bound, plan.rung, plan.iterations, plan.unmet_kwh
    );
    for note in &plan.reasons.notes {
        println!("{note}");
    }
    if let Some(to) = args.next() {
        std::fs::write(to, serde_json::to_string(&plan)?)?;
    }
    Ok(())
}
