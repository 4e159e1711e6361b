//! The demonstration: a city in real time, with real stations and telemetry.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use voltwin_core::Decimal;

use crate::FleetError;
use crate::city::{City, CityEvent, Flow};
use crate::station::{PlugIn, Reading, StationEvent, StationHandle, VirtualStation, wall_clock};
use crate::telemetry::{Endpoint, Telemetry, TelemetryCounts};

/// How to run the demonstration.
#[derive(Debug, Clone)]
pub struct DemoConfig {
    /// The server, such as `http://127.0.0.1:8080`; stations connect to the same place.
    pub base_url: String,
    /// Tenant to name in the stations' path; absent when the credentials decide.
    pub tenant: Option<String>,
    /// API key with the role of an operator.
    pub api_key: String,
    /// Password of each station by identity.
    pub passwords: HashMap<String, String>,
    /// Password of stations that are not among `passwords`.
    pub password: Option<String>,
    /// Other seed than the scenario's.
    pub seed: Option<u64>,
    /// How much faster than real time vehicles drive and charge, 0.1 to 1000. Messages carry the real time all the
    /// same: above 1, energy registers rise by more than power times time.
    pub speed: f64,
    /// Size of the fleet; see [`City::scale`].
    pub vehicles: Option<usize>,
    /// Vehicle telemetry per second, 0.2 to 5; motion is computed five times a second.
    pub vehicle_hz: f64,
    /// Seconds between meter values of a transaction.
    pub meter_interval: Duration,
}

impl DemoConfig {
    /// Real time, five positions in two seconds, meter values every ten seconds.
    #[must_use]
    pub fn new(base_url: &str, api_key: &str) -> Self {
        Self {
            base_url: base_url.into(),
            tenant: None,
            api_key: api_key.into(),
            passwords: HashMap::new(),
            password: None,
            seed: None,
            speed: 1.0,
            vehicles: None,
            vehicle_hz: 2.5,
            meter_interval: Duration::from_secs(10),
        }
    }
}

/// How the demonstration stands, told once a second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DemoProgress {
    /// Seconds since the start.
    pub elapsed_s: f64,
    /// Stations that are online.
    pub stations_online: usize,
    /// Stations in all.
    pub stations: usize,
    /// Vehicles in all.
    pub vehicles: usize,
    /// Vehicles that take power.
    pub charging: usize,
    /// What became of the telemetry.
    pub telemetry: TelemetryCounts,
}

/// Runs a city; see [`Demo::run`].
#[derive(Debug)]
pub struct Demo;

const TICK: Duration = Duration::from_millis(200);
/// Seconds between two messages of a pack.
const PACK_EVERY_S: usize = 5;

impl Demo {
    /// Runs `city` until `cancel`: its stations over real sockets, its vehicles, packs and grid connections as
    /// telemetry. The twins must exist: see [`City::twins`].
    ///
    /// # Errors
    /// [`FleetError`] when the configuration cannot work. A server that is away is waited for.
    pub async fn run(
        city: City,
        config: DemoConfig,
        cancel: CancellationToken,
        mut progress: impl FnMut(DemoProgress) + Send,
    ) -> Result<(), FleetError> {
        let mut run = Running::start(city, &config, &cancel)?;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let begun = Instant::now();
        let (mut last, mut vehicles_at, mut second_at) = (begun, begun, begun);
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let now = Instant::now();
            // After a pause of the machine the city goes on where it was rather than leaping.
            let passed_s = (now - last).as_secs_f64().min(1.0);
            last = now;
            run.hear();
            let events = run.city.step(passed_s * config.speed);
            run.act(&events);
            run.read_meters();
            if now >= vehicles_at {
                vehicles_at = now + Duration::from_secs_f64(1.0 / config.vehicle_hz);
                run.post_vehicles();
            }
            if now >= second_at {
                second_at = now + Duration::from_secs(1);
                run.post_slow((now - begun).as_secs() as usize);
                progress(run.progress((now - begun).as_secs_f64()));
            }
        }
        run.stop.cancel();
        Ok(())
    }
}

/// What a station is asked to do; carried out in order by a task of its own, so that no station holds up the city.
enum Deed {
    PlugIn(PlugIn),
    Suspend(u32),
    Unplug(u32),
    Fault(u32),
    Repair(u32),
    Read(u32, Reading),
}

struct Post {
    deeds: mpsc::Sender<Deed>,
    events: broadcast::Receiver<StationEvent>,
    online: bool,
    /// Deeds that found no room, oldest first; never readings.
    late: std::collections::VecDeque<Deed>,
}

struct Running {
    city: City,
    posts: Vec<Post>,
    telemetry: Arc<Telemetry>,
    stop: CancellationToken,
}

impl Running {
    fn start(mut city: City, config: &DemoConfig, cancel: &CancellationToken) -> Result<Self, FleetError> {
        let range = |field, value: f64, low: f64, high: f64, rule| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(FleetError::Setting { field, value: value.to_string(), rule })
            }
        };
        range("speed", config.speed, 0.1, 1_000.0, "0.1 to 1000")?;
        range("vehicle_hz", config.vehicle_hz, 0.2, 5.0, "0.2 to 5")?;
        if let Some(seed) = config.seed {
            city = city.with_seed(seed).map_err(|error| FleetError::Setting {
                field: "scenario",
                value: error.to_string(),
                rule: "a scenario that was loaded",
            })?;
        }
        if let Some(count) = config.vehicles {
            city.scale(count);
        }
        let endpoint = Endpoint::new(&config.base_url, Some(&config.api_key))?;
        let stop = cancel.child_token();
        let mut posts = Vec::new();
        for mut station in city.station_configs() {
            station.url = format!("ws://{}/ocpp", endpoint.authority());
            station.tenant.clone_from(&config.tenant);
            station.password = config.passwords.get(&station.identity).or(config.password.as_ref()).cloned();
            station.meter_interval = Some(config.meter_interval);
            // A remote start sends a vehicle across the city.
            station.connection_timeout = Duration::from_secs(900);
            let handle = VirtualStation::spawn(station, stop.child_token())?;
            let (deeds, inbox) = mpsc::channel(256);
            let events = handle.events();
            tokio::spawn(carry_out(handle, inbox));
            posts.push(Post { deeds, events, online: false, late: std::collections::VecDeque::new() });
        }
        let telemetry = Arc::new(Telemetry::default());
        let (sender, stopping) = (Arc::clone(&telemetry), stop.child_token());
        tokio::spawn(async move { sender.run(endpoint, stopping).await });
        Ok(Self { city, posts, telemetry, stop })
    }

    /// Lets the city know what the central system asked of the stations.
    fn hear(&mut self) {
        for (station, post) in self.posts.iter_mut().enumerate() {
            loop {
                match post.events.try_recv() {
                    Ok(StationEvent::Booted { status }) => {
                        post.online = status == voltwin_ocpp::BootStatus::Accepted;
                    }
                    Ok(StationEvent::Disconnected { .. }) => post.online = false,
                    Ok(StationEvent::RemoteStart { session: None, .. }) => {
                        self.city.summon(station);
                    }
                    Ok(StationEvent::Stopped { evse, reason, .. }) if reason != "Other" => {
                        self.city.stop_charging(station, evse as usize - 1);
                    }
                    Ok(StationEvent::Availability { evse, operative }) => {
                        self.city.set_blocked(station, evse as usize - 1, !operative);
                    }
                    Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
        }
    }

    fn act(&mut self, events: &[CityEvent]) {
        for event in events {
            let (station, deed) = match *event {
                CityEvent::PluggedIn { station, evse, connector, vehicle } => {
                    let plug = PlugIn {
                        evse: evse as u32 + 1,
                        connector: connector as u32 + 1,
                        id_token: self.city.vehicle_id(vehicle).unwrap_or_default().to_owned(),
                        at: None,
                        reading: self.city.flow(station, evse).map(reading).unwrap_or_default(),
                        transaction_id: None,
                    };
                    (station, Deed::PlugIn(plug))
                }
                CityEvent::Finished { station, evse } => (station, Deed::Suspend(evse as u32 + 1)),
                CityEvent::Unplugged { station, evse } => (station, Deed::Unplug(evse as u32 + 1)),
                CityEvent::Broke { station, evse } => (station, Deed::Fault(evse as u32 + 1)),
                CityEvent::Repaired { station, evse } => (station, Deed::Repair(evse as u32 + 1)),
            };
            self.posts[station].late.push_back(deed);
        }
        for post in &mut self.posts {
            while let Some(deed) = post.late.pop_front() {
                if let Err(mpsc::error::TrySendError::Full(deed)) = post.deeds.try_send(deed) {
                    post.late.push_front(deed);
                    break;
                }
            }
        }
    }

    fn read_meters(&self) {
        for (station, post) in self.posts.iter().enumerate() {
            for evse in 0.. {
                let Some(flow) = self.city.flow(station, evse) else { break };
                // A reading that finds no room is followed by a newer one.
                let _ = post.deeds.try_send(Deed::Read(evse as u32 + 1, reading(flow)));
            }
        }
    }

    fn post_vehicles(&self) {
        let at = wall_clock();
        for vehicle in 0..self.city.vehicle_count() {
            if let Some((twin, values)) = self.city.vehicle_telemetry(vehicle) {
                self.telemetry.put(twin, at, values);
            }
        }
        self.telemetry.flush();
    }

    /// Grid connections each second, each pack every fifth: cells change slowly, and three values of each of some
    /// hundred cells are most of what the city has to say.
    fn post_slow(&self, second: usize) {
        let at = wall_clock();
        for vehicle in (second % PACK_EVERY_S..self.city.vehicle_count()).step_by(PACK_EVERY_S) {
            if let Some((twin, values)) = self.city.pack_telemetry(vehicle) {
                self.telemetry.put(twin, at, values);
            }
        }
        for (twin, values) in self.city.grid_telemetry() {
            self.telemetry.put(twin, at, values);
        }
        self.telemetry.flush();
    }

    fn progress(&self, elapsed_s: f64) -> DemoProgress {
        let charging = |v: &usize| self.city.vehicle_status(*v) == Some(crate::city::VehicleStatus::Charging);
        DemoProgress {
            elapsed_s,
            stations_online: self.posts.iter().filter(|p| p.online).count(),
            stations: self.posts.len(),
            vehicles: self.city.vehicle_count(),
            charging: (0..self.city.vehicle_count()).filter(charging).count(),
            telemetry: self.telemetry.counts(),
        }
    }
}

fn reading(flow: Flow) -> Reading {
    Reading {
        energy_wh: Decimal::from_f64_retain(flow.energy_wh).unwrap_or_default().round_dp(1),
        power_w: flow.power_w,
        current_a: Some(flow.current_a),
        voltage_v: (flow.voltage_v > 0.0).then_some(flow.voltage_v),
        soc: flow.soc,
    }
}

async fn carry_out(handle: StationHandle, mut inbox: mpsc::Receiver<Deed>) {
    while let Some(deed) = inbox.recv().await {
        let result = match deed {
            Deed::PlugIn(plug) => handle.plug_in(plug).await.map(drop),
            // A transaction that the central system has ended already has nothing to suspend or end.
            Deed::Suspend(evse) => handle.suspend(evse, None).await.or_else(ignore_busy),
            Deed::Unplug(evse) => {
                handle.unplug(evse, None, "EVDisconnected").await.map(drop).or_else(ignore_busy)
            }
            Deed::Fault(evse) => handle.fault(evse, "OtherError", "contactor did not close").await,
            Deed::Repair(evse) => handle.clear_fault(evse).await,
            Deed::Read(evse, reading) => handle.set_power(evse, reading).await,
        };
        match result {
            Ok(()) => {}
            Err(FleetError::Ended { .. }) => return,
            Err(error) => tracing::warn!(station = handle.identity(), %error, "a station could not follow"),
        }
    }
}

fn ignore_busy(error: FleetError) -> Result<(), FleetError> {
    if matches!(error, FleetError::Busy { .. }) { Ok(()) } else { Err(error) }
}
