//! From twins, transactions and tariffs to OCPI.

mod ids;
mod location;
mod session;
mod settle;
mod signed;
mod tariff;

use crate::{BusinessDetails, CiText};

pub use ids::{evse_uid, location_id};
pub use location::{Gap, location};
pub use session::{Bill, Charging, cdr, cdr_id, credit, session};
pub use settle::{Changes, retired, settle};
pub use signed::signed_data;
pub use tariff::tariff;

/// Who we are to our partners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// ISO 3166-1 alpha-2.
    pub country_code: CiText<2>,
    /// Our party id.
    pub party_id: CiText<3>,
    /// Our name and website.
    pub business_details: BusinessDetails,
}
