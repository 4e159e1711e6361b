//! The keys of an issuer.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use crate::IdentityError;
use crate::claims::Claims;

/// Keys of one issuer at most; Entra publishes about ten.
const KEYS_MAX: usize = 64;

/// A key, and the one algorithm that it is for.
pub(crate) struct Key {
    key: DecodingKey,
    algorithm: Algorithm,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:?})", self.algorithm)
    }
}

impl Key {
    /// The claims of a token that this key signed.
    pub(crate) fn check(&self, token: &str, said: Algorithm) -> Result<Claims, IdentityError> {
        if said != self.algorithm {
            let wanted = if self.algorithm == Algorithm::RS256 { "RS256" } else { "ES256" };
            return Err(IdentityError::Algorithm { found: format!("{said:?}"), wanted });
        }
        let mut validation = Validation::new(self.algorithm);
        // times and audience are checked by our own clock and with our own words
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        match decode::<Claims>(token, &self.key, &validation) {
            Ok(data) => Ok(data.claims),
            Err(error) if matches!(error.kind(), jsonwebtoken::errors::ErrorKind::Json(_)) => {
                Err(IdentityError::Form)
            }
            Err(_) => Err(IdentityError::Signature),
        }
    }
}

/// A key document. Each key is read by itself, so that one of an unknown kind does not spoil the others.
#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    keys: Vec<serde_json::Value>,
}

impl Document {
    /// The keys by their ids; those that are for encryption or of another kind are passed over.
    pub(crate) fn read(self) -> HashMap<String, Arc<Key>> {
        self.keys.into_iter().filter_map(usable).take(KEYS_MAX).collect()
    }
}

fn usable(json: serde_json::Value) -> Option<(String, Arc<Key>)> {
    let jwk: Jwk = serde_json::from_value(json).ok()?;
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some((jwk.common.key_id?, Arc::new(Key { key, algorithm })))
}
