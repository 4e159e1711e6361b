//! `cargo xtask bench`: figures of release builds, as Markdown for docs/benchmarks.md.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{clients, shell::Cmd, workspace};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Options of the benchmarks.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to measure; everything when nothing is named.
    what: Vec<What>,
    /// Stations of `peer`, which are held idle.
    #[arg(long, default_value_t = 5_000)]
    idle: u32,
    /// Stations of `hold` and `storm`.
    #[arg(long, default_value_t = 10_000)]
    stations: u32,
    /// Hostile peers of `hostile`.
    #[arg(long, default_value_t = 1_000)]
    hostile: u32,
    /// Seconds of each measurement of `values`, `commands`, `hostile` and `graph`.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Sizes of the graph of `graph`, in twins.
    #[arg(long, default_values_t = [100_000])]
    twins: Vec<u32>,
    /// Transactions of `chaos`.
    #[arg(long, default_value_t = 100_000)]
    transactions: u32,
}

/// One group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The criterion benches of all crates.
    Parts,
    /// Transaction events beside a peer, from Python.
    Peer,
    /// Many stations held, with their memory.
    Hold,
    /// Outages.
    Storm,
    /// Meter values and transaction events in closed loop.
    Values,
    /// Remote commands beside other traffic.
    Commands,
    /// Hostile peers.
    Hostile,
    /// Memory and handshakes over TLS.
    Tls,
    /// The twin graph beside PostgreSQL, and the reading of an ontology beside the official parser.
    Graph,
    /// Transactions told badly to a server that is killed again and again: exact, or not.
    Chaos,
}

impl What {
    /// The scenarios of `bench_csms.py`.
    const MANY: [(Self, &str); 6] = [
        (Self::Hold, "hold"),
        (Self::Storm, "storm"),
        (Self::Values, "values"),
        (Self::Commands, "commands"),
        (Self::Hostile, "hostile"),
        (Self::Tls, "tls"),
    ];
}

/// Measures what is asked for, in the order of the list.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let root = workspace::root();
    let show = |line: &str| println!("{line}");
    let asked = |what: What| options.what.is_empty() || options.what.contains(&what);
    if asked(What::Parts) {
        let benches = ["bench", "--workspace", "--locked", "--benches"];
        Cmd::cargo(&root).args(benches).limit(HOUR).run(show).await?;
    }
    if options.what == [What::Parts] {
        return Ok(());
    }
    let build = ["build", "--release", "--locked", "--package", "voltwin"];
    Cmd::cargo(&root).args(build).limit(HOUR).run(show).await?;
    let python = clients::python(&root).await?;
    let script = |name: &str| script(&root, &python, name);
    if asked(What::Peer) {
        script("bench_ocpp.py").arg("--stations").arg(options.idle.to_string()).run(show).await?;
    }
    let many: Vec<&str> = What::MANY.iter().filter(|(what, _)| asked(*what)).map(|(_, name)| *name).collect();
    if !many.is_empty() {
        let numbers = [
            ("--stations", options.stations),
            ("--hostile", options.hostile),
            ("--seconds", options.seconds),
        ];
        let mut bench = script("bench_csms.py");
        for (name, number) in numbers {
            bench = bench.arg(name).arg(number.to_string());
        }
        bench.arg("--only").args(many).run(show).await?;
    }
    if asked(What::Graph) {
        let modules = clients::node_modules(&root).await?;
        let mut graph = script("bench_graph.py").arg("--modules").arg(modules);
        graph = graph.arg("--seconds").arg(options.seconds.to_string()).arg("--twins");
        for twins in &options.twins {
            graph = graph.arg(twins.to_string());
        }
        graph.run(show).await?;
    }
    if asked(What::Chaos) {
        let numbers = [("--transactions", options.transactions), ("--stations", 200), ("--kills", 20)];
        let mut chaos = script("chaos.py").args(["--within-s", "3000"]);
        for (name, number) in numbers {
            chaos = chaos.arg(name).arg(number.to_string());
        }
        chaos.run(show).await?;
    }
    Ok(())
}

fn script(root: &Path, python: &Path, name: &str) -> Cmd {
    clients::script(root, python, name, &root.join("target/release/voltwin")).limit(HOUR)
}
