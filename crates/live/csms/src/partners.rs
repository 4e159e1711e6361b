//! Tokens that are known to others: providers of drivers with whom the tenant has a contract.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use voltwin_core::{TenantId, TwinId};
use voltwin_ocpp::TokenStatus;

use crate::CentralSystem;
use crate::decide::Speaker;

/// What partners say of a token, once they have been asked; `None` when none of them knows it.
pub type PartnerAnswer<'a> = Pin<Box<dyn Future<Output = Option<TokenStatus>> + Send + 'a>>;

/// Who can say whether a token that is not on the tenant's own list may charge.
pub trait PartnerTokens: Send + Sync {
    /// What partners say of the token, shown at a station. The answer must come within a few seconds: the station
    /// waits for it.
    fn status<'a>(
        &'a self,
        tenant: &'a TenantId,
        station: &'a TwinId,
        id_token: &'a str,
    ) -> PartnerAnswer<'a>;
}

impl CentralSystem {
    /// From now on `partners` is asked for tokens that the tenant's own list does not have. The first one stays.
    pub fn ask_partners(&self, partners: Arc<dyn PartnerTokens>) {
        if self.inner.partners.set(partners).is_err() {
            tracing::debug!("there is somebody to ask for tokens already");
        }
    }

    pub(crate) async fn partners_say(&self, speaker: &Speaker<'_>, id_token: &str) -> Option<TokenStatus> {
        self.inner.partners.get()?.status(speaker.tenant, speaker.station, id_token).await
    }
}
