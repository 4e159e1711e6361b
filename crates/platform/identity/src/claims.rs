//! What a token says.

use jsonwebtoken::dangerous::insecure_decode;
use serde::Deserialize;
use voltwin_core::Timestamp;

use crate::{IdentityError, LEEWAY_S, trimmed};

/// Characters of a claim in a message.
const CLIP: usize = 80;
/// Roles of one token at most.
const ROLES_MAX: usize = 100;

/// Whom a believed token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The issuer, as it names itself.
    pub issuer: String,
    /// The directory (`tid`) that the holder belongs to, where the issuer's own name holds it: else the issuer, because
    /// one issuer must not speak for the directory of another.
    pub directory: String,
    /// The holder within the directory: the object id (`oid`), else the subject.
    pub principal: String,
    /// What to call the holder in an audit.
    pub name: String,
    /// The roles that the issuer gives.
    pub roles: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    aud: Audience,
    #[serde(default)]
    tid: Option<String>,
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    appid: Option<String>,
    #[serde(default)]
    azp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl Claims {
    /// Reads the claims without believing them.
    pub(crate) fn unchecked(token: &str) -> Result<Self, IdentityError> {
        insecure_decode::<Self>(token).map(|data| data.claims).map_err(|_| IdentityError::Form)
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.iss
    }

    pub(crate) fn directory(&self) -> Option<&str> {
        self.tid.as_deref()
    }

    pub(crate) fn issuer_clipped(&self) -> String {
        clip(&self.iss)
    }

    pub(crate) fn check_times(&self, now: Timestamp) -> Result<(), IdentityError> {
        let now_s = now.as_micros() as f64 / 1e6;
        if now_s > self.exp + LEEWAY_S {
            return Err(IdentityError::Expired);
        }
        if self.nbf.is_some_and(|nbf| now_s < nbf - LEEWAY_S) {
            return Err(IdentityError::NotYet);
        }
        Ok(())
    }

    pub(crate) fn check_audience(&self, wanted: &[String]) -> Result<(), IdentityError> {
        let said: &[String] = match &self.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Many(many) => many,
            Audience::None => &[],
        };
        let fits = said.iter().any(|said| wanted.iter().any(|wanted| trimmed(said) == trimmed(wanted)));
        if fits {
            return Ok(());
        }
        Err(IdentityError::Audience { found: clip(&said.join(", ")) })
    }

    pub(crate) fn into_holder(mut self) -> Holder {
        self.roles.truncate(ROLES_MAX);
        let principal = self.oid.unwrap_or(self.sub);
        let name = self.preferred_username.or(self.appid).or(self.azp).unwrap_or_else(|| principal.clone());
        let own = |tid: &String| self.iss.split('/').any(|part| part == tid);
        Holder {
            directory: self.tid.filter(own).unwrap_or_else(|| trimmed(&self.iss).to_owned()),
            issuer: self.iss,
            name: clip(&name),
            principal: clip(&principal),
            roles: self.roles,
        }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(CLIP).collect()
}
