//! The whole: routes, what stands around them, and the tasks behind them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use voltwin_adt::Adt;
use voltwin_csms::CentralSystem;
use voltwin_delivery::{Events, EventsConfig};
use voltwin_history::History;
use voltwin_operations::Operations;
use voltwin_runtime::Runtime;

use crate::auth::authenticate;
use crate::http::{self, Problem};
use crate::responders::HttpResponders;
use crate::state::{AppState, Shared};
use crate::{
    ServerConfig, ServerError, adt, api, files, health, history_writer, live, metrics, ocpi, ocpp_socket, web,
};

/// How long the tasks behind open WebSockets may take to say goodbye.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(5);

/// Where to serve: plain HTTP, HTTPS, or both.
pub struct Listeners {
    /// For plain HTTP and WebSockets.
    pub plain: Option<TcpListener>,
    /// For TLS.
    pub tls: Option<(TcpListener, http::Tls)>,
}

/// The server of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    state: AppState,
    adt: Adt,
}

/// The pause before what could not be read is read again.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

impl Server {
    /// Starts what runs behind the routes: the writer of history and the readers of the live stream. Must be called
    /// within a tokio runtime. These tasks end when `runtime` stops.
    #[must_use]
    pub fn new(config: ServerConfig, runtime: Runtime, csms: CentralSystem, history: History) -> Self {
        let recorder = metrics::recorder();
        let operations = Operations::start(runtime.clone(), csms.clone());
        csms.ask_responders(Arc::new(HttpResponders::new(config.responders.clone())));
        let tasks = TaskTracker::new();
        let events = EventsConfig {
            host: config.public_url.as_deref().and_then(host).unwrap_or_default(),
            hosts: config.event_hosts.clone(),
            authorities: config.partner_authorities.clone(),
        };
        let state = AppState::new(Shared {
            events: Events::start(runtime.clone(), events, &tasks),
            event_streams: Arc::new(Semaphore::new(config.live_clients_max)),
            requests: Semaphore::new(config.requests_max),
            ocpi: crate::ocpi::Ocpi::new(&config.partner_authorities),
            config,
            runtime,
            csms,
            history,
            operations,
            batteries: voltwin_batteries::Batteries::default(),
            studies: crate::studies::Studies::default(),
            throttle: parking_lot::Mutex::default(),
            overviews: crate::overview::Overviews::default(),
            hubs: live::Hubs::default(),
            transfers: files::Transfers::default(),
            probe: health::Probe::default(),
            metrics: recorder.clone(),
            closing: CancellationToken::new(),
            sockets: TaskTracker::new(),
            tasks,
        });
        if let Some(recorder) = recorder {
            state.tasks.spawn(metrics::upkeep(recorder, state.runtime.stopping()));
        }
        state.tasks.spawn(history_writer::run(state.clone()));
        state.tasks.spawn(voltwin_processors::watch_availability(state.runtime.clone()));
        state.tasks.spawn(follow_batteries(state.clone()));
        state.tasks.spawn(crate::studies::run(state.clone()));
        ocpi::start(&state);
        let adt = adt::start(&state);
        Self { state, adt }
    }

    /// Every route, ready to be served.
    pub fn router(&self) -> Router {
        let state = &self.state;
        let known = from_fn_with_state(state.clone(), authenticate);
        let router = Router::new()
            .merge(api::routes().layer(from_fn_with_state(state.clone(), bound)))
            .merge(live::routes())
            .layer(known)
            .merge(health::routes())
            .merge(self.stations())
            .merge(ocpi::routes().layer(from_fn_with_state(state.clone(), bound)))
            .merge(files::routes())
            .fallback(web::fallback)
            .method_not_allowed_fallback(http::wrong_method)
            .with_state(state.clone());
        http::layers(adt::mount(router, state, &self.adt))
    }

    fn stations(&self) -> Router<AppState> {
        let state = &self.state;
        let (closing, sockets) = (state.closing.clone(), state.sockets.clone());
        ocpp_socket::routes(state.csms.clone(), closing, sockets, state.config.ping_every)
    }

    /// Serves until `cancel`, then lets open requests end for up to 20 seconds and closes WebSockets. The runtime
    /// goes on: whoever started it stops it afterwards.
    ///
    /// # Errors
    /// When the listener is not usable.
    pub async fn serve(&self, listener: TcpListener, cancel: CancellationToken) -> Result<(), ServerError> {
        self.serve_all(Listeners { plain: Some(listener), tls: None }, cancel).await
    }

    /// As [`Server::serve`], on what listeners there are.
    ///
    /// # Errors
    /// When a listener is not usable.
    pub async fn serve_all(
        &self,
        listeners: Listeners,
        cancel: CancellationToken,
    ) -> Result<(), ServerError> {
        let sockets = listeners.plain.iter().chain(listeners.tls.iter().map(|(socket, _)| socket));
        for socket in sockets {
            let address = socket.local_addr().map_err(ServerError::Listener)?;
            tracing::info!(%address, "serving");
        }
        let plain = async {
            if let Some(listener) = listeners.plain {
                http::serve(listener, self.router(), cancel.clone()).await;
            }
        };
        let secure = async {
            if let Some((listener, tls)) = listeners.tls {
                http::serve_tls(listener, tls, self.router(), cancel.clone()).await;
            }
        };
        let closing = self.state.closing.clone();
        let watch = cancel.clone();
        let close = async move {
            watch.cancelled().await;
            closing.cancel();
        };
        tokio::join!(plain, secure, close);
        self.state.sockets.close();
        if tokio::time::timeout(GOODBYE, self.state.sockets.wait()).await.is_err() {
            tracing::warn!(sockets = self.state.sockets.len(), "WebSockets did not close in time");
        }
        Ok(())
    }

    /// Waits for the tasks behind the routes, which end when the runtime stops: history is written by then. To be
    /// called after the runtime has begun to stop, and before store and history are closed.
    pub async fn finish(&self) {
        self.state.tasks.close();
        self.state.tasks.wait().await;
        self.state.operations.finish().await;
        self.adt.finish().await;
    }
}

/// Follows the batteries; what they are is known again where the disk lets it be read.
async fn follow_batteries(state: AppState) {
    while let Err(error) =
        voltwin_batteries::run_batteries(state.runtime.clone(), state.batteries.clone()).await
    {
        tracing::warn!(%error, "what is known of the batteries could not be read; trying again");
        let stopping = state.runtime.stopping();
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// The host name of an address.
fn host(url: &str) -> Option<String> {
    Some(reqwest::Url::parse(url).ok()?.host_str()?.to_owned())
}

/// Refuses a request at once where too many are being worked on; waiting would only make the next one late.
async fn bound(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limit = state.config.requests_max;
    match state.requests.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => Problem::busy(format!("{limit} requests are being worked on already"))
            .limit(limit)
            .into_response(),
    }
}
