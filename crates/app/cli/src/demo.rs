//! `voltwin demo`: a small city that charges, on real sockets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;
use voltwin_core::{CoreError, Event, EventBody, PropertyMap, TenantId, TwinId, Value};
use voltwin_fleet_sim::{City, Demo, DemoConfig, DemoProgress};
use voltwin_runtime::{Runtime, RuntimeError};
use voltwin_security::{Role, Secret, generate_password};

use crate::error::CliError;
use crate::node::Node;
use crate::seed::{add_key, ensure_station, ensure_tenant};
use crate::{eprint_line, print_line, serve};

const BY: &str = "demonstration";
const CITY: &str = include_str!("../../../../scenarios/demo-city.json");

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The data folder; made when missing.
    #[arg(long, value_name = "DIR", env = "VOLTWIN_DATA", default_value = "voltwin-demo")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "VOLTWIN_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The tenant that the city belongs to.
    #[arg(long, value_name = "NAME", default_value = "demo")]
    tenant: TenantId,
    /// The city, in the form of scenarios/demo-city.json; the built-in one when absent.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// What the city's chances are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How much faster than life the city moves and charges, 0.1 to 100. Message times stay true, so that above 1 more
    /// energy flows than power and time say.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// How many vehicles, up to 100000; the scenario's when absent. Those beyond the scenario's only drive.
    #[arg(long, value_name = "N")]
    vehicles: Option<usize>,
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    let city = load(&args)?;
    let listener = serve::bind(args.listen).await?;
    let node = Node::start(&args.data).await?;
    let address = listener.local_addr()?;
    let seeded = seed(&node.runtime, &city, &args.tenant).await?;
    let config = DemoConfig {
        tenant: Some(args.tenant.to_string()),
        passwords: seeded.passwords,
        seed: Some(args.seed),
        speed: args.speed,
        vehicles: args.vehicles,
        ..DemoConfig::new(&format!("http://{address}"), seeded.fleet_key.expose())
    };
    let ended = CancellationToken::new();
    let fleet_cancel = cancel.child_token();
    let fleet = tokio::spawn({
        let (cancel, ended) = (fleet_cancel.clone(), ended.clone());
        async move {
            let outcome = Demo::run(city, config, cancel, report).await;
            ended.cancel();
            outcome
        }
    });
    print_line(&format!("listening http://{address}"));
    print_line(&format!("open      http://{address}/#key={}", seeded.operator_key));
    eprint_line("the city is live; Ctrl-C ends it");
    // the stations say good-bye before their server goes
    let serve_cancel = CancellationToken::new();
    let stopper = {
        let (serve_cancel, cancel) = (serve_cancel.clone(), cancel.clone());
        async move {
            cancel.cancelled().await;
            let _ = tokio::time::timeout(std::time::Duration::from_secs(5), ended.cancelled()).await;
            serve_cancel.cancel();
        }
    };
    tokio::spawn(stopper);
    let served = node.serve(listener, serve_cancel).await;
    fleet_cancel.cancel();
    match fleet.await {
        Ok(Err(error)) if !cancel.is_cancelled() => return Err(CliError::failure(error)),
        Ok(_) => {}
        Err(error) => return Err(CliError::failure(error)),
    }
    served
}

fn load(args: &Args) -> Result<City, CliError> {
    if !(0.1..=100.0).contains(&args.speed) {
        return Err(CliError::input(format!("--speed {} must be from 0.1 to 100", args.speed)));
    }
    if args.vehicles.is_some_and(|vehicles| vehicles > 100_000) {
        return Err(CliError::input("--vehicles must be at most 100000"));
    }
    let text = match &args.scenario {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| CliError::input(format!("cannot read {}: {error}", path.display())))?,
        None => CITY.to_owned(),
    };
    let mut city = City::load(&text).map_err(|error| CliError::input(error.to_string()))?;
    if let Some(vehicles) = args.vehicles {
        city.scale(vehicles);
    }
    Ok(city)
}

/// A line a minute for whoever watches the terminal.
fn report(progress: DemoProgress) {
    if progress.elapsed_s as u64 % 60 == 5 {
        let DemoProgress { stations_online, stations, vehicles, charging, .. } = progress;
        tracing::info!(stations_online, stations, vehicles, charging, "the city");
    }
}

struct Seeded {
    fleet_key: Secret,
    operator_key: String,
    passwords: HashMap<String, String>,
}

/// Makes the tenant, its keys, its stations and every twin of the city that is not there yet. Keys and passwords
/// are drawn anew at each start, and the old keys end.
async fn seed(runtime: &Runtime, city: &City, tenant: &TenantId) -> Result<Seeded, CliError> {
    ensure_tenant(runtime, tenant, BY).await?;
    let fleet_key = add_key(runtime, tenant, Role::Operator, "vehicles of the demonstration", BY).await?;
    let operator_key = add_key(runtime, tenant, Role::Admin, "control room of the demonstration", BY).await?;
    let stations: Vec<String> = city.station_ids().map(str::to_owned).collect();
    let mut passwords = HashMap::new();
    for station in stations {
        let password = generate_password().map_err(CliError::failure)?;
        ensure_station(runtime, tenant, &station, &password, BY).await?;
        passwords.insert(station, password.expose().to_owned());
    }
    seed_twins(runtime, city, tenant).await?;
    Ok(Seeded { fleet_key, operator_key: operator_key.expose().to_owned(), passwords })
}

/// First the twins, then what hangs them together: a relationship needs its target.
async fn seed_twins(runtime: &Runtime, city: &City, tenant: &TenantId) -> Result<(), CliError> {
    let now = runtime.now();
    let event = |twin: TwinId, body| Event::new(tenant.clone(), twin, now, now, body);
    let known = |twin: &str| runtime.read(tenant, |graph| graph.twin(twin).is_some());
    let mut created = Vec::new();
    for seed in city.twins().into_iter().filter(|seed| !known(&seed.id)) {
        let named = |(name, value): (String, serde_json::Value)| Ok((name.parse()?, Value::from(value)));
        let properties = seed.properties.into_iter().map(named).collect::<Result<PropertyMap, CoreError>>();
        let body = EventBody::Created {
            model: seed.model.parse().map_err(CliError::failure)?,
            properties: properties.map_err(CliError::failure)?,
        };
        created.push(event(seed.id.parse().map_err(CliError::failure)?, body));
    }
    submit(runtime, created).await?;
    let linked = |source: &str, id: &str| {
        runtime.read(tenant, |graph| graph.twin(source).is_some_and(|twin| twin.link(id).is_some()))
    };
    let mut links = Vec::new();
    for link in city.links().into_iter().filter(|link| !linked(&link.source, &link.id)) {
        let body = EventBody::Linked {
            id: link.id.parse().map_err(CliError::failure)?,
            name: link.name.parse().map_err(CliError::failure)?,
            target: link.target.parse().map_err(CliError::failure)?,
            properties: PropertyMap::new(),
        };
        links.push(event(link.source.parse().map_err(CliError::failure)?, body));
    }
    submit(runtime, links).await
}

async fn submit(runtime: &Runtime, events: Vec<Event>) -> Result<(), CliError> {
    let results = runtime.submit_all(events).await;
    results.into_iter().collect::<Result<Vec<_>, RuntimeError>>().map(drop).map_err(CliError::failure)
}
