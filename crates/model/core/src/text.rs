//! Reading what is a text on the wire, without a copy of the text in between: journal and API do it by the million.

use std::{fmt, marker::PhantomData};

use serde::de::{Error, Visitor};

use crate::CoreError;

/// Hands a text to what makes a value of it.
pub(crate) struct Text<T, F> {
    read: F,
    value: PhantomData<T>,
}

impl<T, F: Fn(&str) -> Result<T, CoreError>> Text<T, F> {
    pub(crate) fn new(read: F) -> Self {
        Self { read, value: PhantomData }
    }
}

impl<T, F: Fn(&str) -> Result<T, CoreError>> Visitor<'_> for Text<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }
}
