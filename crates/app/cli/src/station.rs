//! `voltwin station`: virtual charging stations for any central system.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use voltwin_battery::{ChargeCommand, Chemistry, Pack, PackConfig, Phase, Stream};
use voltwin_core::Decimal;
use voltwin_fleet_sim::{
    ConnectorConfig, EvseConfig, FleetError, PlugIn, Reading, StationConfig, StationEvent, StationHandle,
    Trust, VirtualStation,
};
use voltwin_ocpp::Version;

use crate::error::CliError;
use crate::print_line;

/// Phase to neutral of an alternating-current station, and the power up to which a station is one.
const MAINS_V: f64 = 230.0;
const MAINS_MAX_W: f64 = 43_000.0;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Endpoint of the central system; the station's identity is appended.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080/ocpp")]
    url: String,
    /// OCPP identity; with --count it gets -1, -2, … appended.
    #[arg(long, default_value = "VS-1")]
    id: String,
    /// Password for Basic authentication; none is sent when absent.
    #[arg(long, value_name = "P", env = "VOLTWIN_STATION_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Authorities whose certificates it believes (PEM); with it it speaks TLS, and the URL begins with wss://.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// OCPP version: 1.6, 2.0.1 or 2.1.
    #[arg(long, default_value = "2.0.1", value_name = "VERSION")]
    ocpp: Version,
    /// EVSEs per station, 1 to 100.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    evses: u32,
    /// Rated power of each EVSE in kilowatts, 1 to 1000.
    #[arg(long, default_value_t = 22.0)]
    power_kw: f64,
    /// How many stations, 1 to 10000.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Seconds between meter values while charging, 1 to 3600.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    meter_s: u64,
    /// Let vehicles come by themselves, one per EVSE about every N minutes; without it they come on remote start.
    #[arg(long, value_name = "N")]
    arrivals_min: Option<f64>,
    /// How much faster than life the vehicles' batteries fill, 1 to 1000; message times stay true.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// What arrivals and batteries are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    if !(1.0..=1_000.0).contains(&args.power_kw) {
        return Err(CliError::input(format!("--power-kw {} must be from 1 to 1000", args.power_kw)));
    }
    if !(1.0..=1_000.0).contains(&args.speed) {
        return Err(CliError::input(format!("--speed {} must be from 1 to 1000", args.speed)));
    }
    if args.arrivals_min.is_some_and(|minutes| !(0.01..=10_000.0).contains(&minutes)) {
        return Err(CliError::input("--arrivals-min must be from 0.01 to 10000"));
    }
    let trust = args.ca.as_deref().map(trust).transpose()?;
    let mut stations = JoinSet::new();
    for number in 1..=args.count {
        let id = if args.count == 1 { args.id.clone() } else { format!("{}-{number}", args.id) };
        let config = StationConfig { trust: trust.clone(), ..config(&args, &id, number) };
        let handle = VirtualStation::spawn(config, cancel.clone())
            .map_err(|error| CliError::input(error.to_string()))?;
        let site = Site {
            stream: Stream::named(args.seed, "station", handle.identity()),
            max_power_w: args.power_kw * 1e3,
            speed: args.speed,
            arrivals_min: args.arrivals_min,
            bays: (0..args.evses).map(|_| Bay::default()).collect(),
            handle,
        };
        stations.spawn(site.run(cancel.clone()));
    }
    while let Some(ended) = stations.join_next().await {
        ended.map_err(CliError::failure)?;
    }
    Ok(())
}

fn config(args: &Args, id: &str, number: u32) -> StationConfig {
    let kind = if args.power_kw * 1e3 > MAINS_MAX_W { "cCCS2" } else { "cType2" };
    let connector = ConnectorConfig { kind: kind.to_owned(), max_power_w: args.power_kw * 1e3 };
    StationConfig {
        password: args.password.clone(),
        evses: (0..args.evses).map(|_| EvseConfig { connectors: vec![connector.clone()] }).collect(),
        meter_interval: Some(Duration::from_secs(args.meter_s)),
        plug_on_remote_start: true,
        seed: args.seed.wrapping_add(u64::from(number)),
        ..StationConfig::new(&args.url, id, args.ocpp)
    }
}

/// Authorities whose certificates virtual stations believe.
pub(crate) fn trust(path: &Path) -> Result<Trust, CliError> {
    let pem =
        std::fs::read(path).map_err(|error| CliError::input(format!("--ca {}: {error}", path.display())))?;
    Trust::of_pem(&pem).map_err(|error| CliError::input(error.to_string()))
}

/// What stands at one EVSE.
#[derive(Default)]
struct Bay {
    /// The energy register in Wh; it only grows.
    register_wh: f64,
    vehicle: Option<Pack>,
    /// Seconds until the vehicle leaves after its charging has ended.
    leaving_in_s: Option<f64>,
}

/// One station and the vehicles at it.
struct Site {
    handle: StationHandle,
    stream: Stream,
    max_power_w: f64,
    speed: f64,
    arrivals_min: Option<f64>,
    bays: Vec<Bay>,
}

impl Site {
    async fn run(mut self, cancel: CancellationToken) {
        let mut events = self.handle.events();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            let outcome = tokio::select! {
                () = cancel.cancelled() => return,
                event = events.recv() => match event {
                    Ok(event) => self.on_event(&event),
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => Ok(()),
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                },
                _ = tick.tick() => self.on_second().await,
            };
            if let Err(error) = outcome {
                tracing::warn!(station = self.handle.identity(), %error, "virtual station");
            }
        }
    }

    fn on_event(&mut self, event: &StationEvent) -> Result<(), FleetError> {
        let id = self.handle.identity().to_owned();
        match event {
            StationEvent::Connected => print_line(&format!("{id} connected")),
            StationEvent::Disconnected { reason } => print_line(&format!("{id} disconnected: {reason}")),
            StationEvent::Booted { status } => print_line(&format!("{id} boot {status}")),
            StationEvent::RemoteStart { evse, id_token, .. } => {
                print_line(&format!("{id}:{evse} remote start for {id_token}"));
                self.arrive(*evse)?;
            }
            StationEvent::Started { evse, transaction_id, .. } => {
                print_line(&format!("{id}:{evse} transaction {transaction_id} started"));
            }
            StationEvent::Stopped { evse, reason, .. } => {
                print_line(&format!("{id}:{evse} stopped: {reason}"));
                if let Some(bay) = self.bay(*evse) {
                    bay.leaving_in_s = Some(3.0);
                }
            }
            StationEvent::Ended(outcome) => {
                let transaction = outcome.transaction_id.as_deref().unwrap_or("without an id");
                print_line(&format!("{id} transaction {transaction} ended at {} Wh", outcome.energy_wh));
            }
            StationEvent::Availability { evse, operative } => {
                let state = if *operative { "operative" } else { "inoperative" };
                print_line(&format!("{id}:{evse} {state}"));
            }
            StationEvent::Reset => print_line(&format!("{id} restarts")),
        }
        Ok(())
    }

    fn bay(&mut self, evse: u32) -> Option<&mut Bay> {
        self.bays.get_mut(evse.checked_sub(1)? as usize)
    }

    /// A vehicle with a battery of its own stands at the EVSE now.
    fn arrive(&mut self, evse: u32) -> Result<(), FleetError> {
        let capacity_wh = self.stream.between(40_000.0, 90_000.0);
        let soc = self.stream.between(0.08, 0.55);
        let chemistry = if self.stream.uniform() < 0.5 { Chemistry::Nmc } else { Chemistry::Lfp };
        let pack = Pack::new(&PackConfig::new(chemistry, 96, 3, capacity_wh), soc, self.stream.next_u64());
        if let (Some(bay), Ok(pack)) = (self.bay(evse), pack) {
            bay.vehicle = Some(pack);
            bay.leaving_in_s = None;
        }
        Ok(())
    }

    async fn on_second(&mut self) -> Result<(), FleetError> {
        for index in 0..self.bays.len() {
            let evse = index as u32 + 1;
            if self.bays[index].vehicle.is_none() {
                self.perhaps_arrive(evse).await?;
            } else if let Some(left_s) = self.bays[index].leaving_in_s {
                if left_s <= 0.0 {
                    self.bays[index].vehicle = None;
                    self.bays[index].leaving_in_s = None;
                    self.handle.unplug(evse, None, "EVDisconnected").await.map(drop)?;
                } else {
                    self.bays[index].leaving_in_s = Some(left_s - 1.0);
                }
            } else {
                self.charge(index).await?;
            }
        }
        Ok(())
    }

    async fn perhaps_arrive(&mut self, evse: u32) -> Result<(), FleetError> {
        let Some(minutes) = self.arrivals_min else { return Ok(()) };
        if self.stream.uniform() >= self.speed / (minutes * 60.0) {
            return Ok(());
        }
        let id_token = format!("VEHICLE-{:06}", self.stream.below(1_000_000));
        let reading =
            Reading { energy_wh: register(self.bays[evse as usize - 1].register_wh), ..Reading::default() };
        let plug = PlugIn { evse, connector: 1, id_token, at: None, reading, transaction_id: None };
        match self.handle.plug_in(plug).await {
            Ok(_) => self.arrive(evse),
            // out of service or faulted: the vehicle drives on
            Err(FleetError::Busy { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn charge(&mut self, index: usize) -> Result<(), FleetError> {
        let charger = ChargeCommand::Charge { max_power_w: self.max_power_w, max_current_a: 500.0 };
        let (speed, mains) = (self.speed, self.max_power_w <= MAINS_MAX_W);
        let bay = &mut self.bays[index];
        let Some(pack) = &mut bay.vehicle else { return Ok(()) };
        let state = pack.step(speed, charger);
        bay.register_wh += state.power_w * speed / 3_600.0;
        let reading = Reading {
            energy_wh: register(bay.register_wh),
            power_w: state.power_w,
            current_a: Some(if mains { state.power_w / (3.0 * MAINS_V) } else { state.current_a }),
            voltage_v: Some(if mains { MAINS_V } else { state.voltage_v }),
            soc: Some(state.soc),
        };
        let full = state.phase == Phase::Full;
        let evse = index as u32 + 1;
        if full {
            bay.leaving_in_s = Some(5.0);
            self.handle.suspend(evse, None).await?;
        }
        self.handle.set_power(evse, reading).await
    }
}

/// The register as a meter shows it: whole watt-hours.
fn register(wh: f64) -> Decimal {
    Decimal::from(wh.max(0.0) as u64)
}
