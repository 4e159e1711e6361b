//! One thing asked of many stations: bulk commands and firmware campaigns.
//!
//! # The idea
//! A job is a row that says what is asked and a row for each station that says what became of it; a task works
//! through them with a bounded number of stations at once. Everything that a person sees of it is read from those
//! rows, so that it looks the same while it runs, after it ended and after a restart.
//!
//! # Invariants
//! - Every command goes through [`CentralSystem::command`](voltwin_csms::CentralSystem::command): it is audited and
//!   listed like one given by hand.
//! - Bounded: stations of a job, stations at once, jobs at once.
//! - A bulk command is never resumed by itself after a restart: what was under way has failed, what was not sent is
//!   `not_sent`, and the job is `interrupted`. Whether a reset from before the crash is still wanted is for a person
//!   to say.
//! - A campaign goes on after a restart. No station is asked more than once in an attempt, whatever crashes.
//!
//! # Example
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let store = voltwin_store::Store::open(folder.path()).await?;
//! use voltwin_csms::{CentralSystem, CsmsConfig};
//! use voltwin_operations::Operations;
//! use voltwin_runtime::{Runtime, RuntimeConfig};
//!
//! let runtime = Runtime::start(store, RuntimeConfig::default()).await?;
//! let csms = CentralSystem::start(runtime.clone(), CsmsConfig::default()).await?;
//! let operations = Operations::start(runtime.clone(), csms);
//! runtime.stop().await;
//! operations.finish().await;
//! # Ok(())
//! # }
//! ```

mod bulk;
mod campaign;
mod error;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use voltwin_core::{TenantId, Timestamp};
use voltwin_csms::CentralSystem;
use voltwin_runtime::Runtime;

pub use bulk::{BULK, BulkRequest, CONCURRENCY_MAX, JOBS_AT_ONCE, STATIONS_MAX};
pub use campaign::{
    AT_ONCE_MAX, ATTEMPTS_MAX, CAMPAIGN, CAMPAIGNS_AT_ONCE, CampaignOrder, CampaignPlan, WAIT_S_MAX,
    WaveSize, Waves, Window,
};
pub use error::OperationError;

/// The jobs of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Runtime,
    csms: CentralSystem,
    /// What runs, and how to end it early.
    running: Mutex<HashMap<(TenantId, String), CancellationToken>>,
    /// The campaigns at work, and how to reach them.
    campaigns: Mutex<HashMap<(TenantId, String), tokio::sync::mpsc::Sender<campaign::Order>>>,
    /// Held while a campaign is filed.
    starting: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
}

impl Operations {
    /// Takes over from an earlier run, by itself, and is ready for new jobs at once. Must be called within a tokio
    /// runtime.
    #[must_use]
    pub fn start(runtime: Runtime, csms: CentralSystem) -> Self {
        let started = runtime.now();
        let inner = Inner {
            runtime,
            csms,
            running: Mutex::default(),
            campaigns: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
        };
        let operations = Self { inner: Arc::new(inner) };
        let taking_over = operations.clone();
        operations.inner.tasks.spawn(async move {
            if let Err(error) = taking_over.take_over(started).await {
                tracing::error!(%error, "jobs of an earlier run could not be ended");
            }
        });
        operations
    }

    async fn take_over(&self, started: Timestamp) -> Result<(), OperationError> {
        for tenant in self.inner.runtime.store().tenants().await? {
            if self.inner.runtime.readable(&tenant.tenant).is_err() {
                continue;
            }
            self.interrupt_bulk(&tenant.tenant, started).await?;
            self.resume_campaigns(&tenant.tenant).await?;
        }
        Ok(())
    }

    /// Waits for the tasks, which end when the runtime stops; before the store is closed.
    pub async fn finish(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}
