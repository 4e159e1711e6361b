use std::path::PathBuf;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use voltwin_swap::{Figure, Kpi, Search, compare, kpis_json, optimise, plain, sensitivity};

use super::{
    files,
    run::{Threads, figure, watch_progress},
};
use crate::error::CliError;

#[derive(clap::Args)]
pub(super) struct CompareArgs {
    /// The scenarios; the first is what the others are compared with in words.
    #[arg(required = true, num_args = 2..)]
    scenarios: Vec<PathBuf>,
    /// Replications, 2 to 1,000,000; by default what the first scenario says. All run on its seed.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    reps: Option<u32>,
    #[command(flatten)]
    threads: Threads,
    /// Where all differences go, as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct SensitivityArgs {
    /// The scenario (form swap-scenario/1).
    scenario: PathBuf,
    /// The figure that is watched.
    #[arg(long, default_value = "loss_rate")]
    figure: String,
    /// How far each parameter is moved, down and up.
    #[arg(long, default_value_t = 0.1)]
    share: f64,
    /// Replications, 2 to 1,000,000; by default what the scenario says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    reps: Option<u32>,
    #[command(flatten)]
    threads: Threads,
    /// Where the changes go, as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct OptimiseArgs {
    /// The scenario: the least that is built, with economics.capital.
    scenario: PathBuf,
    /// What may be spent in all, the scenario as it is included.
    #[arg(long)]
    budget: f64,
    /// Replications of each station while plans are ranked.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    reps: u32,
    /// Replications of whole networks in all, shared out over the plans at the end.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    final_reps: u32,
    /// Power added in one step, kW.
    #[arg(long, default_value_t = 100.0)]
    step_kw: f64,
    #[command(flatten)]
    threads: Threads,
    /// Where the best plan goes, as a scenario.
    #[arg(long)]
    plan: Option<PathBuf>,
    /// Where frontier and figures go, as JSON.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn compare_all(args: &CompareArgs, cancel: &CancellationToken) -> Result<(), CliError> {
    let scenarios = args.scenarios.iter().map(|path| files::scenario(path)).collect::<Result<Vec<_>, _>>()?;
    if let Some(out) = &args.out {
        files::writable(out)?;
    }
    let names: Vec<String> = args
        .scenarios
        .iter()
        .map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let reps = u64::from(args.reps.unwrap_or(scenarios[0].replications));
    let pool = args.threads.pool()?;
    let found =
        watch_progress(cancel, |control| pool.install(|| compare(&scenarios, &names, reps, control)))?;
    if args.out.is_some() {
        let designs: Vec<_> = names
            .iter()
            .zip(&found.runs)
            .map(|(name, runs)| {
                let figures: serde_json::Map<_, _> = Kpi::ALL
                    .iter()
                    .map(|kpi| (kpi.name().to_owned(), json!(Figure(runs.summary(*kpi)))))
                    .collect();
                json!({ "name": name, "kpis": figures })
            })
            .collect();
        let form = json!({
            "schema": "swap-comparison/1",
            "replications": reps,
            "designs": designs,
            "differences": found.differences,
            "verdict": found.verdict,
        });
        files::write(args.out.as_deref(), &form)?;
    }
    for line in &found.verdict {
        crate::print_line(line);
    }
    Ok(())
}

pub(super) fn tornado(args: &SensitivityArgs, cancel: &CancellationToken) -> Result<(), CliError> {
    let scenario = files::scenario(&args.scenario)?;
    let kpi = figure(&args.figure)?;
    let reps = u64::from(args.reps.unwrap_or(scenario.replications));
    let pool = args.threads.pool()?;
    let (base, swings) = watch_progress(cancel, |control| {
        pool.install(|| sensitivity(&scenario, kpi, args.share, reps, control))
    })?;
    if let Some(out) = &args.out {
        let form =
            json!({ "figure": kpi.name(), "share": args.share, "base": Figure(base), "swings": swings });
        files::write(Some(out), &form)?;
    }
    crate::print_line(&format!("{} {}", kpi.name(), plain(&base)));
    for swing in &swings {
        let side = |side: &Option<_>| side.as_ref().map_or_else(|| "-".to_owned(), plain);
        let (down, up) = (side(&swing.down), side(&swing.up));
        crate::print_line(&format!("{:<14} down {down:<24} up {up}", swing.parameter));
    }
    Ok(())
}

pub(super) fn best_plan(args: &OptimiseArgs, cancel: &CancellationToken) -> Result<(), CliError> {
    let scenario = files::scenario(&args.scenario)?;
    for path in args.out.iter().chain(&args.plan) {
        files::writable(path)?;
    }
    if args.step_kw.is_nan() || args.step_kw <= 0.0 {
        return Err(CliError::input(format!("--step-kw {} is not above 0", args.step_kw)));
    }
    let search = Search {
        budget: args.budget,
        reps: u64::from(args.reps),
        final_reps: args.final_reps as usize,
        step_kw: args.step_kw,
    };
    let pool = args.threads.pool()?;
    let plan = watch_progress(cancel, |control| pool.install(|| optimise(&scenario, &search, control)))?;
    if let Some(out) = &args.out {
        let network = voltwin_swap::Network::new(&plan.scenario);
        let finalists: Vec<_> = plan
            .finalists
            .iter()
            .map(|(place, loss)| json!({ "place": place, "loss_rate": Figure(*loss) }))
            .collect();
        let form = json!({
            "schema": "swap-plan/1",
            "budget": args.budget,
            "cost": plan.cost,
            "frontier": plan.frontier,
            "finalists": finalists,
            "figures": kpis_json(&plan.scenario.name, &network, &plan.runs),
        });
        files::write(Some(out), &form)?;
    }
    if let Some(path) = &args.plan {
        files::write(Some(path), &serde_json::to_value(&plan.scenario).map_err(CliError::failure)?)?;
    }
    let first = &plan.frontier[0];
    crate::print_line(&format!(
        "as it is: cost {:.0}, loss rate {:.4} (stations by themselves)",
        first.cost, first.loss_rate
    ));
    crate::print_line(&format!(
        "best plan: cost {:.0}, loss rate {} (whole network), {} additions",
        plan.cost,
        plain(&plan.runs.summary(Kpi::LossRate)),
        plan.frontier.len() - 1
    ));
    Ok(())
}
