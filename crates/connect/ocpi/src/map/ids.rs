//! Ids of twins as ids of OCPI, which are shorter and know no case.

use uuid::Uuid;

use crate::CiText;
use crate::map::Operator;

/// Names the space in which ids that do not fit are derived.
const NAMESPACE: Uuid = Uuid::from_u128(0x1f0c_5e2a_77d4_4a3b_9b0e_6a51_c3d2_8e94);
/// Letters and digits of the outlet part of an EVSE id by eMI3, after its first.
const OUTLET_MAX: usize = 30;

fn fitted(twin: &str) -> CiText<36> {
    let derived = || Uuid::new_v5(&NAMESPACE, twin.as_bytes()).to_string();
    // a UUID has 36 characters of ASCII, so the last branch is never taken
    CiText::new(twin).or_else(|_| CiText::new(&derived())).unwrap_or_else(|_| CiText::fallback())
}

/// The id of a site's location: that of the twin when it fits 36 characters, else one derived from it.
#[must_use]
pub fn location_id(site: &str) -> CiText<36> {
    fitted(site)
}

/// The uid of an EVSE, from the id of its twin (`{station}:{evse}`), likewise.
#[must_use]
pub fn evse_uid(evse: &str) -> CiText<36> {
    fitted(evse)
}

/// The id by eMI3 of an EVSE: country, operator, `E`, and the twin's id in capitals and digits, parted by `*`.
pub(crate) fn evse_id(operator: &Operator, evse: &str) -> CiText<48> {
    let mut outlet = String::new();
    for c in evse.chars() {
        if c.is_ascii_alphanumeric() {
            outlet.push(c.to_ascii_uppercase());
        } else if !outlet.is_empty() && !outlet.ends_with('*') {
            outlet.push('*');
        }
    }
    let mut outlet = outlet.trim_end_matches('*').to_owned();
    let prefix = format!("{}*{}*E", operator.country_code, operator.party_id).to_ascii_uppercase();
    let long = outlet.bytes().filter(|b| *b != b'*').count() > OUTLET_MAX + 1;
    if outlet.is_empty() || long || prefix.len() + outlet.len() > 48 {
        outlet = Uuid::new_v5(&NAMESPACE, evse.as_bytes()).simple().to_string().to_ascii_uppercase();
        outlet.truncate(OUTLET_MAX);
    }
    CiText::new(&(prefix + &outlet)).unwrap_or_else(|_| CiText::fallback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::location::tests::operator;
    use proptest::prelude::*;

    #[test]
    fn short_ids_stay_and_long_ones_are_derived() {
        assert_eq!(location_id("SITE-1").as_str(), "SITE-1");
        let long = "x".repeat(37);
        assert_eq!(evse_uid(&long).as_str().len(), 36);
        assert_eq!(evse_uid(&long), evse_uid(&long));
        assert!(evse_uid(&long) != evse_uid(&"y".repeat(37)));
    }

    #[test]
    fn the_emi3_id_reads_like_the_twin() {
        assert_eq!(evse_id(&operator(), "ST-1:1").as_str(), "DE*VOL*EST*1*1");
        assert_eq!(evse_id(&operator(), "**").as_str().len(), "DE*VOL*E".len() + 30);
    }

    proptest! {
        /// `[A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9](\*?[A-Z0-9]){0,30}`, as eMI3 part 2 gives it.
        #[test]
        fn every_twin_gets_a_valid_emi3_id(twin in "[ -~]{1,128}") {
            let id = evse_id(&operator(), &twin);
            let outlet = id.as_str().strip_prefix("DE*VOL*E").unwrap();
            prop_assert!(id.as_str().len() <= 48);
            prop_assert!(!outlet.contains("**") && !outlet.starts_with('*') && !outlet.ends_with('*'));
            let letters = outlet.bytes().filter(|b| *b != b'*').count();
            prop_assert!((1..=31).contains(&letters));
            prop_assert!(outlet.bytes().all(|b| b == b'*' || b.is_ascii_uppercase() || b.is_ascii_digit()));
        }
    }
}
