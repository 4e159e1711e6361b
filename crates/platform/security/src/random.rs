use crate::{Secret, SecurityError};

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// 32 letters and digits (190 bits). The length fits every `AuthorizationKey` of OCPP: 16 to 40 characters in
/// 1.6 and 2.x alike, and no character needs escaping anywhere.
///
/// # Errors
/// [`SecurityError::Randomness`].
pub fn generate_password() -> Result<Secret, SecurityError> {
    alphanumeric(32).map(Secret::new)
}

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], SecurityError> {
    let mut buffer = [0; N];
    getrandom::fill(&mut buffer).map_err(|e| SecurityError::Randomness { reason: e.to_string() })?;
    Ok(buffer)
}

/// `length` characters, each of the 62 equally likely.
pub(crate) fn alphanumeric(length: usize) -> Result<String, SecurityError> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<64>()? {
            // 248 = 4 * 62: a remainder of the whole range would favour the first characters.
            if byte < 248 && text.len() < length {
                text.push(char::from(ALPHANUMERIC[usize::from(byte % 62)]));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn passwords_are_ocpp_keys_and_differ() {
        let (a, b) = (generate_password().unwrap(), generate_password().unwrap());
        assert!(!a.same_as(&b));
        assert!((16..=40).contains(&a.expose().len()));
        assert!(a.expose().bytes().all(|c| c.is_ascii_alphanumeric()));
    }

    #[test]
    fn every_character_is_equally_likely() {
        let mut seen: HashMap<char, u32> = HashMap::new();
        for c in alphanumeric(62_000).unwrap().chars() {
            *seen.entry(c).or_default() += 1;
        }
        // 1000 expected, sigma 31.6: six sigma either side.
        assert_eq!(seen.len(), 62);
        assert!(seen.values().all(|n| (810..1190).contains(n)), "{seen:?}");
    }
}
