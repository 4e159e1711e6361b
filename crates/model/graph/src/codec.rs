//! Bytes of a snapshot: LEB128 numbers, texts with their length, values and JSON with a tag. Doubles keep every
//! bit, which JSON text would not promise.

use std::sync::Arc;

use serde_json::{Number, Value as Json};
use voltwin_core::{CoreError, Timestamp, Value};

use crate::GraphError;

/// The tag of a text.
const TEXT: u8 = 6;
/// JSON nests at most this deep, as its text form does.
const JSON_DEPTH_MAX: u32 = 128;

pub(crate) fn unsigned(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Signed numbers zigzag, so that small ones of either sign are short.
pub(crate) fn signed(n: i64, out: &mut Vec<u8>) {
    unsigned(((n << 1) ^ (n >> 63)).cast_unsigned(), out);
}

pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    unsigned(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Bool(b) => json(&Json::Bool(*b), out),
        Value::Int(n) => {
            out.push(3);
            signed(*n, out);
        }
        Value::Double(x) => double(*x, out),
        Value::Text(t) => {
            out.push(TEXT);
            text(t, out);
        }
        Value::Json(value) => json(value, out),
    }
}

fn double(x: f64, out: &mut Vec<u8>) {
    out.push(5);
    out.extend_from_slice(&x.to_bits().to_le_bytes());
}

fn json(json_value: &Json, out: &mut Vec<u8>) {
    match json_value {
        Json::Null => out.push(0),
        Json::Bool(b) => out.push(1 + u8::from(*b)),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => {
                out.push(3);
                signed(n, out);
            }
            (None, Some(n)) => {
                out.push(4);
                unsigned(n, out);
            }
            (None, None) => double(n.as_f64().unwrap_or(0.0), out),
        },
        Json::String(t) => {
            out.push(TEXT);
            text(t, out);
        }
        Json::Array(items) => {
            out.push(7);
            unsigned(items.len() as u64, out);
            items.iter().for_each(|item| json(item, out));
        }
        Json::Object(items) => {
            out.push(8);
            unsigned(items.len() as u64, out);
            for (key, item) in items {
                text(key, out);
                json(item, out);
            }
        }
    }
}

/// Reads what the functions above write; refuses everything else.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

type Read<T> = Result<T, GraphError>;

pub(crate) fn wrong(reason: impl Into<String>) -> GraphError {
    GraphError::Snapshot { reason: reason.into() }
}

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Read<&'b [u8]> {
        let (part, rest) = self.rest.split_at_checked(count).ok_or_else(|| wrong("it is cut short"))?;
        self.rest = rest;
        Ok(part)
    }

    pub(crate) fn byte(&mut self) -> Read<u8> {
        Ok(self.bytes(1)?[0])
    }

    pub(crate) fn unsigned(&mut self) -> Read<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(wrong("a number is longer than 64 bits"))
    }

    pub(crate) fn signed(&mut self) -> Read<i64> {
        let n = self.unsigned()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// A number of things to come; each takes a byte at least, so more than are left is wrong.
    pub(crate) fn count(&mut self) -> Read<usize> {
        let count = usize::try_from(self.unsigned()?).unwrap_or(usize::MAX);
        if count > self.rest.len() { Err(wrong("it is cut short")) } else { Ok(count) }
    }

    pub(crate) fn text(&mut self) -> Read<&'b str> {
        let count = self.count()?;
        std::str::from_utf8(self.bytes(count)?).map_err(|_| wrong("a text is not utf-8"))
    }

    pub(crate) fn id<T>(&mut self, parse: impl Fn(&str) -> Result<T, CoreError>) -> Read<T> {
        parse(self.text()?).map_err(|e| wrong(e.to_string()))
    }

    pub(crate) fn time(&mut self) -> Read<Timestamp> {
        let us = self.signed()?;
        let time = Timestamp::from_micros(us);
        if time.as_micros() == us { Ok(time) } else { Err(wrong("a time is outside the years 1970 to 9999")) }
    }

    pub(crate) fn value(&mut self) -> Read<Value> {
        // most values are texts, and need not become JSON first
        if self.rest.first() == Some(&TEXT) {
            self.byte()?;
            return Ok(Value::Text(self.text()?.into()));
        }
        Ok(match self.json(0)? {
            Json::Number(n) if n.is_f64() => Value::Double(n.as_f64().unwrap_or(0.0)),
            json => match json {
                Json::Null => Value::Json(Arc::new(Json::Null)),
                json => Value::from(json),
            },
        })
    }

    fn json(&mut self, depth: u32) -> Read<Json> {
        if depth > JSON_DEPTH_MAX {
            return Err(wrong(format!("json nests more than {JSON_DEPTH_MAX} levels deep")));
        }
        Ok(match self.byte()? {
            0 => Json::Null,
            1 => Json::Bool(false),
            2 => Json::Bool(true),
            3 => self.signed()?.into(),
            4 => self.unsigned()?.into(),
            5 => {
                let bits = self.bytes(8)?.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
                let number = Number::from_f64(f64::from_bits(bits));
                Json::Number(number.ok_or_else(|| wrong("a number is not finite"))?)
            }
            TEXT => Json::String(self.text()?.to_owned()),
            7 => {
                let count = self.count()?;
                (0..count).map(|_| self.json(depth + 1)).collect::<Read<_>>()?
            }
            8 => {
                let count = self.count()?;
                let item = |_| Ok((self.text()?.to_owned(), self.json(depth + 1)?));
                Json::Object((0..count).map(item).collect::<Read<_>>()?)
            }
            tag => return Err(wrong(format!("there is no kind of value {tag}"))),
        })
    }
}
