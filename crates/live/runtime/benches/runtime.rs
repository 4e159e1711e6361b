//! How fast twins come in, change and come back, as one process does it on its disk: import, durable patches, snapshot,
//! restart, and the memory that a twin takes.
//!
//! `cargo bench -p voltwin-runtime --bench runtime -- [TWINS] [FOLDER]`; without arguments 100,000 twins in a temporary
//! folder. It prints one line a figure, and nothing that it does is sampled: a process does these things once.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first error and prints"
)]

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use voltwin_core::{Event, EventBody, TenantId, Timestamp, Value};
use voltwin_runtime::{Entry, Origin, Runtime, RuntimeConfig};
use voltwin_store::Store;

/// Entries of one call of `import`, as a job sends them.
const IMPORTED_AT_ONCE: usize = 10_000;
/// Patches of one call of `submit_all`.
const BATCHES: [usize; 3] = [64, 1_024, 8_192];
/// Callers beside each other.
const CALLERS: usize = 8;
/// Patches of one figure.
const PATCHES: usize = 400_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let twins = args.first().map_or(100_000, |arg| arg.replace('_', "").parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let folder = args.get(1).map_or_else(|| temporary.path().to_owned(), Into::into);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(&folder, twins));
}

fn tenant() -> TenantId {
    "bench".parse().unwrap()
}

fn line(what: &str, figure: f64, unit: &str) {
    println!("{what:<58} {figure:>14.1} {unit}");
}

/// Memory that the process holds, in bytes.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0) * 4_096.0
}

/// One in a hundred is a site, ten in a hundred stations, the rest packs and vehicles; each but the first is related.
fn entries(from: usize, to: usize) -> Vec<Entry> {
    let twin = |n: usize| {
        let (model, values) = match n % 100 {
            0 => ("Site", json!({ "name": format!("Site {n}"), "lat_deg": 47.0, "lon_deg": 8.5 })),
            1..11 => (
                "ChargingStation",
                json!({ "name": format!("Station {n}"), "online": true, "status": "Available",
                                                  "max_power_w": 150_000.0, "power_w": 0.0 }),
            ),
            _ => (
                "Vehicle",
                json!({ "name": format!("Vehicle {n}"), "soc": 0.5, "power_w": 0.0, "odometer_m": 1_000.0,
                                     "speed_mps": 0.0, "status": "Parked", "lat_deg": 47.1, "lon_deg": 8.6 }),
            ),
        };
        let mut document = values;
        document["$dtId"] = format!("t-{n}").into();
        document["$metadata"] = json!({ "$model": format!("dtmi:voltwin:{model};1") });
        Entry::Twin(document.into())
    };
    (from..to).map(twin).collect()
}

fn links(from: usize, to: usize) -> Vec<Entry> {
    let link = |n: usize| {
        // Within its hundred: the zone has room for anything that a station can be in.
        let site = n - n % 100;
        Entry::Relationship(json!({ "$relationshipId": format!("r-{n}"), "$sourceId": format!("t-{site}"),
                                    "$targetId": format!("t-{}", site + 1 + n % 10), "$relationshipName": "contains" }).into())
    };
    (from..to).map(link).collect()
}

async fn measure(folder: &Path, twins: usize) {
    let config = RuntimeConfig::default;
    let runtime = Runtime::start(Store::open(folder).await.unwrap(), config()).await.unwrap();
    let empty = resident();
    let begun = Instant::now();
    for from in (0..twins).step_by(IMPORTED_AT_ONCE) {
        let results = runtime
            .import(&tenant(), entries(from, (from + IMPORTED_AT_ONCE).min(twins)), Origin::default())
            .await;
        assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|r| r.is_err()));
    }
    line(
        "import of twins, documents made on the way",
        twins as f64 / begun.elapsed().as_secs_f64(),
        "twins/s",
    );
    let begun_links = Instant::now();
    for from in (0..twins).step_by(IMPORTED_AT_ONCE) {
        let results = runtime
            .import(&tenant(), links(from, (from + IMPORTED_AT_ONCE).min(twins)), Origin::default())
            .await;
        assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|r| r.is_err()));
    }
    line(
        "import of as many relationships",
        twins as f64 / begun_links.elapsed().as_secs_f64(),
        "relationships/s",
    );
    line("both", begun.elapsed().as_secs_f64(), "s");
    line("memory of a twin with its relationship", (resident() - empty) / twins as f64, "bytes");
    for batch in BATCHES {
        let rate = patches(&runtime, twins, batch).await;
        line(&format!("durable patches, {CALLERS} callers of {batch} at once"), rate, "patches/s");
    }
    let begun = Instant::now();
    runtime.stop().await;
    line("stop, with a snapshot", begun.elapsed().as_secs_f64(), "s");
    runtime.store().close().await;
    drop(runtime);
    let begun = Instant::now();
    let runtime = Runtime::start(Store::open(folder).await.unwrap(), config()).await.unwrap();
    line("restart from the snapshot", begun.elapsed().as_secs_f64(), "s");
    assert_eq!(runtime.read(&tenant(), voltwin_graph::Graph::len), twins);
    runtime.stop().await;
    runtime.store().close().await;
}

async fn patches(runtime: &Runtime, twins: usize, batch: usize) -> f64 {
    let at = runtime.now();
    let rounds = (PATCHES / CALLERS / batch).max(1);
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let runtime = runtime.clone();
            tokio::spawn(async move {
                for round in 0..rounds {
                    let first = (caller * rounds + round) * batch;
                    let events = (first..first + batch).map(|n| patch(n, twins, at)).collect();
                    let results = runtime.submit_all(events).await;
                    assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|r| r.is_err()));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    (CALLERS * rounds * batch) as f64 / begun.elapsed().as_secs_f64()
}

fn patch(n: usize, twins: usize, at: Timestamp) -> Event {
    // A step that reaches every twin before it comes back.
    let twin = n.wrapping_mul(7_919) % twins;
    let twin = if twin.is_multiple_of(100) { twin + 1 } else { twin };
    let body = EventBody::patch([("power_w", Value::from(n as f64))]);
    Event::new(tenant(), format!("t-{twin}").parse().unwrap(), at, at, body)
}
