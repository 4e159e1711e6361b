//! Plans an instance file: `plan plan INSTANCE.json --out PLAN.json`, as the command line does, and no more.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, _, from, _, to] = args.as_slice() else {
        return Err("plan INSTANCE.json --out PLAN.json".into());
    };
    let instance: voltwin_energy::Instance = serde_json::from_slice(&std::fs::read(from)?)?;
    let plan = voltwin_energy::plan(&instance)?;
    let file = std::io::BufWriter::new(std::fs::File::create(to)?);
    serde_json::to_writer(file, &plan)?;
    Ok(())
}
