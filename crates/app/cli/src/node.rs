//! One running Voltwin: the store, the twins, the central system, history and the server over them.

use std::path::Path;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use voltwin_csms::{CentralSystem, CsmsConfig};
use voltwin_history::History;
use voltwin_processors::{AlarmProcessor, OpenAlarm};
use voltwin_runtime::{Runtime, RuntimeConfig, run_processor};
use voltwin_server::{Listeners, Server, ServerConfig};
use voltwin_store::{AlarmFilter, Store};

use crate::error::CliError;

pub(crate) struct Node {
    pub(crate) runtime: Runtime,
    server: Server,
    csms: CentralSystem,
    tasks: TaskTracker,
}

impl Node {
    /// Opens the data folder, rebuilds the graph and starts everything but the listener.
    pub(crate) async fn start(data: &Path) -> Result<Self, CliError> {
        Self::start_with(data, CsmsConfig::default(), ServerConfig::default()).await
    }

    /// As [`Node::start`], with what was asked for.
    pub(crate) async fn start_with(
        data: &Path,
        config: CsmsConfig,
        server: ServerConfig,
    ) -> Result<Self, CliError> {
        let store = Store::open(data).await?;
        let history = History::open(data).await.map_err(CliError::failure)?;
        let runtime = Runtime::start(store, RuntimeConfig::default()).await.map_err(CliError::failure)?;
        let csms = CentralSystem::start(runtime.clone(), config).await.map_err(CliError::failure)?;
        let tasks = TaskTracker::new();
        let alarms = AlarmProcessor::new(open_alarms(&runtime).await?);
        let watched = runtime.clone();
        tasks.spawn(async move {
            if let Err(error) = run_processor(watched, alarms).await {
                tracing::error!(%error, "the alarm rules stopped");
            }
        });
        tasks.close();
        let server = Server::new(server, runtime.clone(), csms.clone(), history);
        Ok(Self { runtime, server, csms, tasks })
    }

    /// Serves until cancelled, then drains connections and ends in order: sockets, rules, twins, store.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> Result<(), CliError> {
        self.serve_all(Listeners { plain: Some(listener), tls: None }, cancel).await
    }

    /// As [`Node::serve`], on what listeners there are.
    pub(crate) async fn serve_all(
        self,
        listeners: Listeners,
        cancel: CancellationToken,
    ) -> Result<(), CliError> {
        let served = self.server.serve_all(listeners, cancel).await;
        self.runtime.stop().await;
        self.server.finish().await;
        self.tasks.wait().await;
        self.csms.finish().await;
        self.runtime.store().close().await;
        served.map_err(CliError::failure)
    }
}

async fn open_alarms(runtime: &Runtime) -> Result<Vec<OpenAlarm>, CliError> {
    let mut open = Vec::new();
    for tenant in runtime.store().tenants().await? {
        let store = runtime.store().tenant(&tenant.tenant);
        let mut cursor = None;
        loop {
            let page = store.alarms(AlarmFilter::Open, cursor.as_deref(), 500).await?;
            for alarm in page.items.into_iter().filter(|alarm| alarm.cleared_at.is_none()) {
                let twin = alarm.twin.parse().map_err(CliError::failure)?;
                open.push(OpenAlarm { tenant: tenant.tenant.clone(), twin, code: alarm.code, id: alarm.id });
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(open)
}
