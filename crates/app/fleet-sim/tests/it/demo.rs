//! The demonstration against a small server.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use voltwin_fleet_sim::{City, Demo, DemoConfig, DemoProgress};

use crate::support::Central;

const DEMO: &str = include_str!("../../../../../scenarios/demo-city.json");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_city_drives_charges_and_reports() {
    let central = Central::start().await;
    let base_url = central.url.replace("ws://", "http://").replace("/ocpp", "");
    let mut config = DemoConfig::new(&base_url, "key");
    config.password = Some("secret".into());
    config.speed = 60.0;
    config.vehicles = Some(40);
    config.meter_interval = std::time::Duration::from_millis(500);
    let city = City::load(DEMO).unwrap();
    let known: HashSet<String> = {
        let mut city = city.clone();
        city.scale(40);
        city.twins().into_iter().map(|t| t.id).collect()
    };
    let cancel = CancellationToken::new();
    let last = Arc::new(Mutex::new(DemoProgress::default()));
    let told = Arc::clone(&last);
    let stop = cancel.clone();
    let run = tokio::spawn(async move { Demo::run(city, config, stop, |p| *told.lock().unwrap() = p).await });
    let told = |c: &Central, kind: &str| {
        c.of("TransactionEvent").iter().filter(|e| e.payload["eventType"] == kind).count()
    };
    central
        .until("stations, transactions and telemetry", |c| {
            c.of("BootNotification").len() == 10
                && told(c, "Started") + c.of("StartTransaction").len() >= 3
                && told(c, "Updated") + c.of("MeterValues").len() > 5
                && c.posted.lock().unwrap().len() > 5
        })
        .await;
    central.until("all online", |_| last.lock().unwrap().stations_online == 10).await;
    let progress = *last.lock().unwrap();
    assert_eq!((progress.stations, progress.vehicles), (10, 40));
    assert!(progress.telemetry.accepted > 100 && progress.telemetry.failures == 1, "{progress:?}");
    let posted = central.posted.lock().unwrap().clone();
    let items: Vec<_> = posted.iter().flat_map(|body| body["items"].as_array().unwrap()).collect();
    assert!(items.iter().all(|item| known.contains(item["twin"].as_str().unwrap())));
    assert!(items.iter().all(|item| item["at"].as_str().unwrap().ends_with('Z')));
    let with = |name: &str| items.iter().any(|item| !item["values"][name].is_null());
    assert!(with("lat_deg") && with("cell_voltage_v") && with("odometer_m"));
    assert!(items.iter().any(|item| item["twin"] == "grid-market-garage"));
    cancel.cancel();
    run.await.unwrap().unwrap();
}
