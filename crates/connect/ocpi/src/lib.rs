//! OCPI 2.2.1 as a charge point operator: objects, envelopes and the mapping from twins, without I/O.
//!
//! Partners (providers of drivers, hubs) read our locations, sessions, CDRs and tariffs, tell us their tokens and send
//! commands. This crate knows what all that looks like on the wire, and translates ours into it; who asks whom and
//! when is decided elsewhere.
//!
//! # Invariants
//! - **Bounded**: every text has the length that OCPI gives it; what a partner sends beyond it is an error that names
//!   the field, what we send is cut or left out.
//! - **Open to more**: unknown fields are ignored, unknown words are kept ([`EvseStatus::Other`] …).
//! - **Exact**: energies, times and amounts are decimals, rounded once to the four places that OCPI has.
//! - **No I/O, no clock**; nothing that a partner sends can panic.
//!
//! # Example
//! ```
//! use voltwin_ocpi::{Token, read};
//!
//! let body = br#"{"country_code": "NL", "party_id": "TNM", "uid": "012345678", "type": "RFID",
//!     "contract_id": "NL8ACC12E46L89", "issuer": "TheNewMotion", "valid": true, "whitelist": "ALWAYS",
//!     "last_updated": "2015-06-29T22:39:09Z"}"#;
//! let token: Token = read(body)?;
//! assert!(token.uid.is("012345678") && token.valid);
//! let error = read::<Token>(br#"{"country_code": "NLD"}"#).unwrap_err();
//! assert!(error.to_string().starts_with("`country_code`"));
//! # Ok::<(), voltwin_ocpi::OcpiError>(())
//! ```

mod error;
mod locations;
mod map;
mod parties;
mod profiles;
mod scalar;
mod sessions;
mod tariffs;
mod text;
mod tokens;
mod wire;
mod words;

pub use error::OcpiError;
pub use locations::{Connector, Evse, GeoLocation, Hours, Location};
pub use map::{
    Bill, Changes, Charging, Gap, Operator, cdr, cdr_id, credit, evse_uid, location, location_id, retired,
    session, settle, signed_data, tariff,
};
pub use parties::{
    BusinessDetails, ClientInfo, Credentials, CredentialsRole, Endpoint, Version, VersionDetails,
};
pub use profiles::{
    ActiveChargingProfile, ActiveChargingProfileResult, ChargingProfile, ChargingProfilePeriod,
    ChargingProfileResponse, ChargingProfileResult, SetChargingProfile,
};
pub use scalar::{DateTime, Number};
pub use sessions::{Cdr, CdrLocation, CdrToken, ChargingPeriod, Dimension, Session, SignedData, SignedValue};
pub use tariffs::{DisplayText, Price, PriceComponent, Tariff, TariffElement, TariffRestrictions};
pub use text::{CiText, Text, Url, encode_segment};
pub use tokens::{
    AuthorizationInfo, CancelReservation, CommandResponse, CommandResult, LocationReferences, ReserveNow,
    StartSession, StopSession, Token, UnlockConnector,
};
pub use wire::{
    Envelope, OFFSET_MAX, PAGE_DEFAULT, PAGE_MAX, PageQuery, StatusCode, VERSION, authorization, read,
    tokens_of,
};
pub use words::{
    Allowed, AuthMethod, Capability, ChargingProfileResponseType, ChargingProfileResultType,
    ChargingRateUnit, CommandResponseType, CommandResultType, ConnectionStatus, ConnectorFormat,
    ConnectorStandard, DayOfWeek, DimensionType, EvseStatus, InterfaceRole, Module, PowerType,
    ReservationRestriction, Role, SessionStatus, TariffDimensionType, TokenType, Whitelist,
};
