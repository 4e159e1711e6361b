use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;
use voltwin_des::Precision;
use voltwin_swap::{Control, Kpi, Model, SwapError, Vehicles, kpis_json, plain, replication, vehicles_json};

use super::{explain, files};
use crate::error::CliError;

#[derive(clap::Args)]
pub(super) struct RunArgs {
    /// The scenario (form swap-scenario/1).
    scenario: PathBuf,
    /// Replications, 1 to 1,000,000; by default what the scenario says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    reps: Option<u32>,
    /// Run until half a 95 % interval is at most this share of each watched figure, in 0.0001 to 0.5, and at most until --reps.
    #[arg(long, value_name = "SHARE")]
    precision: Option<f64>,
    /// The figures that --precision watches.
    #[arg(long, value_delimiter = ',', default_value = "loss_rate,wait_mean_s", requires = "precision")]
    watch: Vec<String>,
    #[command(flatten)]
    threads: Threads,
    /// Where the figures go; by default to standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct OneArgs {
    /// The scenario (form swap-scenario/1).
    scenario: PathBuf,
    /// The replication, from 0.
    #[arg(long, default_value_t = 0)]
    rep: u64,
    /// Where the vehicles go: {"columns": […], "rows": […]}, in the order of their first arrivals.
    #[arg(long)]
    vehicles: PathBuf,
    /// Also tell the station of the outcome and how many stations were tried.
    #[arg(long)]
    detail: bool,
    #[command(flatten)]
    threads: Threads,
}

#[derive(clap::Args)]
pub(super) struct Threads {
    /// Threads, 1 to 1,024; by default one for each processor. Results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    threads: Option<u16>,
}

impl Threads {
    pub(super) fn pool(&self) -> Result<rayon::ThreadPool, CliError> {
        let threads = usize::from(self.threads.unwrap_or(0));
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(CliError::failure)
    }
}

pub(super) fn run(args: &RunArgs, cancel: &CancellationToken) -> Result<(), CliError> {
    let scenario = files::scenario(&args.scenario)?;
    if let Some(out) = &args.out {
        files::writable(out)?;
    }
    let precision = args.precision.map(|share| precision(share, args.reps)).transpose()?;
    let watched: Vec<Kpi> = args.watch.iter().map(|name| figure(name)).collect::<Result<_, _>>()?;
    let model = Model::new(&scenario);
    let reps = u64::from(args.reps.unwrap_or(scenario.replications));
    let pool = args.threads.pool()?;
    let runs = watch_progress(cancel, |control| {
        pool.install(|| match precision {
            Some(precision) => model.run_until(precision, &watched, control).map(|(runs, _)| runs),
            None => model.run(0..reps, control),
        })
    })?;
    files::write(args.out.as_deref(), &kpis_json(&scenario.name, &model.network, &runs))?;
    if args.out.is_some() {
        crate::print_line(&format!("{} replications", runs.len()));
        for kpi in
            [Kpi::Arrivals, Kpi::LossRate, Kpi::WaitMeanS, Kpi::WaitP95S, Kpi::EnergyKwh, Kpi::Peak15Kw]
        {
            crate::print_line(&format!("{:<14} {}", kpi.name(), plain(&runs.summary(kpi))));
        }
    }
    Ok(())
}

pub(super) fn one(args: &OneArgs, cancel: &CancellationToken) -> Result<(), CliError> {
    let scenario = files::scenario(&args.scenario)?;
    files::writable(&args.vehicles)?;
    let model = Model::new(&scenario);
    let mut seen = Vehicles::default();
    let stop = || cancel.is_cancelled();
    let done = args.threads.pool()?.install(|| replication(&model.network, args.rep, &mut seen, &stop));
    done.map_err(explain)?;
    files::write(Some(&args.vehicles), &vehicles_json(&model.network, &seen.0, args.detail))?;
    crate::print_line(&format!("{} vehicles", seen.0.len()));
    Ok(())
}

fn precision(share: f64, reps: Option<u32>) -> Result<Precision, CliError> {
    if !(0.000_1..=0.5).contains(&share) {
        return Err(CliError::input(format!("--precision {share} is not within 0.0001 to 0.5")));
    }
    let n_max = reps.map_or(Precision::default().n_max, |reps| reps as usize);
    Ok(Precision { relative: share, n_max, ..Precision::default() })
}

pub(super) fn figure(name: &str) -> Result<Kpi, CliError> {
    Kpi::by_name(name).ok_or_else(|| {
        let known: Vec<&str> = Kpi::ALL.iter().map(|kpi| kpi.name()).collect();
        CliError::input(format!("`{name}` is no figure; there are {}", known.join(", ")))
    })
}

/// Shows how far the work is where somebody watches, and stops it when asked to.
pub(super) fn watch_progress<T: Send>(
    cancel: &CancellationToken,
    work: impl FnOnce(&Control<'_>) -> Result<T, SwapError> + Send,
) -> Result<T, CliError> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} replications, {eta} to go") {
        bar.set_style(style);
    }
    let stop = || cancel.is_cancelled();
    let progress = |done: usize, wanted: usize| {
        bar.set_length(wanted as u64);
        bar.set_position(done as u64);
    };
    let done = work(&Control { stop: &stop, progress: &progress });
    bar.finish_and_clear();
    done.map_err(explain)
}
