//! Whatever a partner sends is refused or read, never panics, and what is read survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use voltwin_ocpi::{
    AuthorizationInfo, CancelReservation, Cdr, CommandResult, Credentials, DateTime, Envelope, Location, PageQuery,
    ReserveNow, Session, SetChargingProfile, StartSession, StopSession, Tariff, Token, UnlockConnector, VersionDetails,
    credit, read, tokens_of,
};

fn judge<T: DeserializeOwned + Serialize>(body: &[u8]) {
    let Ok(value) = read::<T>(body) else { return };
    let Ok(text) = serde_json::to_string(&value) else { return };
    let again = read::<T>(text.as_bytes()).expect("what we write can be read");
    assert_eq!(serde_json::to_string(&again).ok(), Some(text));
}

fuzz_target!(|bytes: &[u8]| {
    judge::<Token>(bytes);
    judge::<Credentials>(bytes);
    judge::<VersionDetails>(bytes);
    judge::<StartSession>(bytes);
    judge::<StopSession>(bytes);
    judge::<ReserveNow>(bytes);
    judge::<CancelReservation>(bytes);
    judge::<UnlockConnector>(bytes);
    judge::<SetChargingProfile>(bytes);
    judge::<AuthorizationInfo>(bytes);
    judge::<CommandResult>(bytes);
    judge::<Location>(bytes);
    judge::<Session>(bytes);
    judge::<Cdr>(bytes);
    judge::<Tariff>(bytes);
    judge::<Envelope<serde_json::Value>>(bytes);
    if let Ok(wish) = read::<SetChargingProfile>(bytes) {
        let _ = wish.charging_profile.check();
    }
    if let Ok(cdr) = read::<Cdr>(bytes)
        && let Some(back) = credit(&cdr, DateTime::default())
    {
        assert!(cdr.bills_like(&cdr) && !back.bills_like(&cdr) && credit(&back, DateTime::default()).is_none());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = tokens_of(text);
    let _ = PageQuery::read(text.split('&').filter_map(|pair| pair.split_once('=')));
    if let (Ok(token), Ok(patch)) = (read::<Token>(bytes), serde_json::from_slice(bytes)) {
        let _ = token.patched(&patch);
    }
});
