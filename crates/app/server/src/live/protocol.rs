//! What clients and server say to each other in JSON.

use serde::{Deserialize, Serialize};
use voltwin_core::TraceId;
use voltwin_wire::{DEGREES_UNKNOWN, Topic};

use crate::api::{Alarm, Command, Transaction};
use crate::overview::Overview;

/// Ticks a second.
const HZ_MIN: f64 = 0.2;
const HZ_MAX: f64 = 20.0;
const HZ_DEFAULT: f64 = 5.0;
/// Twins that one client may follow.
const FOCUS_MAX: usize = 64;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    Subscribe {
        topics: Vec<String>,
        hz: Option<f64>,
        #[serde(default)]
        view: Option<View>,
    },
    View {
        view: Option<View>,
    },
    Focus {
        twins: Vec<String>,
    },
    Resync {
        topic: String,
    },
    Ping {
        t: serde_json::Number,
    },
}

impl Request {
    /// Reads and checks one message.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let request: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match &request {
            Self::Subscribe { topics, hz, view } => {
                topics.iter().try_for_each(|name| topic(name).map(drop))?;
                if let Some(hz) = hz.filter(|hz| !(HZ_MIN..=HZ_MAX).contains(hz)) {
                    return Err(format!("`hz` is {hz}; it must be {HZ_MIN} to {HZ_MAX}"));
                }
                view.as_ref().map_or(Ok(()), View::check)?;
            }
            Self::View { view } => view.as_ref().map_or(Ok(()), View::check)?,
            Self::Focus { twins } if twins.len() > FOCUS_MAX => {
                return Err(format!("`twins` has {} entries; it may have {FOCUS_MAX}", twins.len()));
            }
            Self::Resync { topic: name } => drop(topic(name)?),
            Self::Focus { .. } | Self::Ping { .. } => {}
        }
        Ok(request)
    }
}

/// The topic of a name.
pub(super) fn topic(name: &str) -> Result<Topic, String> {
    Topic::from_name(name).ok_or_else(|| {
        let name: String = name.chars().take(40).collect();
        format!("topic `{name}` is none of station, connector, vehicle")
    })
}

/// The time between two ticks.
pub(super) fn period(hz: Option<f64>) -> std::time::Duration {
    std::time::Duration::from_secs_f64(1.0 / hz.unwrap_or(HZ_DEFAULT).clamp(HZ_MIN, HZ_MAX))
}

/// The part of the world that a client looks at, in degrees. It does not cross the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct View {
    south: f64,
    west: f64,
    north: f64,
    east: f64,
}

impl View {
    fn check(&self) -> Result<(), String> {
        let latitudes = [self.south, self.north].iter().all(|lat| (-90.0..=90.0).contains(lat));
        let longitudes = [self.west, self.east].iter().all(|lon| (-180.0..=180.0).contains(lon));
        if latitudes && longitudes && self.south <= self.north && self.west <= self.east {
            return Ok(());
        }
        Err("`view` must have south <= north within -90 to 90 and west <= east within -180 to 180".to_owned())
    }

    /// The same in ten-millionths of a degree, for comparison with columns.
    pub(super) fn bounds(&self) -> Bounds {
        let e7 = |degrees: f64| (degrees * 1e7).round() as i32;
        Bounds { south: e7(self.south), west: e7(self.west), north: e7(self.north), east: e7(self.east) }
    }
}

/// A view in ten-millionths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    south: i32,
    west: i32,
    north: i32,
    east: i32,
}

impl Bounds {
    /// Whether a position is inside; an unknown one always is, so that it is not lost.
    pub(super) fn hold(&self, lat_e7: i32, lon_e7: i32) -> bool {
        lat_e7 == DEGREES_UNKNOWN
            || lon_e7 == DEGREES_UNKNOWN
            || ((self.south..=self.north).contains(&lat_e7) && (self.west..=self.east).contains(&lon_e7))
    }
}

/// A record, and which frame or request changed it.
#[derive(Debug, Serialize)]
pub(super) struct Traced<T> {
    #[serde(flatten)]
    pub(super) record: T,
    pub(super) trace: Option<TraceId>,
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Message<'a> {
    Hello {
        protocol: u32,
        tenant: &'a str,
        epoch_ms: i64,
        server_time_ms: i64,
        journal_seq: u64,
    },
    Kpi(&'a Overview),
    Alarm(Traced<&'a Alarm>),
    Command(Traced<&'a Command>),
    Transaction(Traced<&'a Transaction>),
    Focus {
        twin: &'a str,
        at: String,
        values: serde_json::Map<String, serde_json::Value>,
        trace: Option<TraceId>,
    },
    Pong {
        t: serde_json::Number,
    },
    Error {
        detail: String,
    },
}

impl Message<'_> {
    /// The message as JSON text. Serialising these types cannot fail; should it, the client is told so.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            tracing::error!(%error, "a live message could not be written");
            r#"{"type":"error","detail":"a message could not be written"}"#.to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_held_to_their_limits() {
        let view = r#""view":{"south":1,"west":2,"north":3,"east":4}"#;
        for good in [
            r#"{"op":"subscribe","topics":["station","vehicle"]}"#,
            &format!(r#"{{"op":"subscribe","topics":[],"hz":20,{view}}}"#),
            r#"{"op":"view","view":null}"#,
            r#"{"op":"focus","twins":[]}"#,
            r#"{"op":"resync","topic":"connector"}"#,
            r#"{"op":"ping","t":1.5}"#,
        ] {
            assert!(Request::read(good).is_ok(), "{good}: {:?}", Request::read(good));
        }
        for (bad, word) in [
            ("", "EOF"),
            (r#"{"op":"dance"}"#, "dance"),
            (r#"{"op":"subscribe","topics":["moon"]}"#, "moon"),
            (r#"{"op":"subscribe","topics":[],"hz":21}"#, "0.2 to 20"),
            (r#"{"op":"subscribe","topics":[],"hz":0.1}"#, "0.2 to 20"),
            (r#"{"op":"view","view":{"south":3,"west":2,"north":1,"east":4}}"#, "south <= north"),
            (r#"{"op":"resync","topic":""}"#, "station, connector, vehicle"),
            (r#"{"op":"ping","t":1,"extra":2}"#, "extra"),
        ] {
            assert!(Request::read(bad).unwrap_err().contains(word), "{bad}");
        }
        let many = serde_json::json!({"op": "focus", "twins": vec!["a"; 65]}).to_string();
        assert!(Request::read(&many).unwrap_err().contains("64"));
    }

    #[test]
    fn messages_carry_their_type_beside_their_fields() {
        let json: serde_json::Value = serde_json::from_str(&Message::Pong { t: 7.into() }.text()).unwrap();
        assert_eq!(json, serde_json::json!({"type": "pong", "t": 7}));
    }
}
