//! JSON text, read strictly and without copies: every value knows where it stands, strings borrow from the text
//! unless they hold escapes, and nesting is bounded so that no text can exhaust the stack.

use std::borrow::Cow;

/// How deeply objects and arrays may nest. The deepest model that any limit of DTDL allows needs fewer than 100.
pub(crate) const DEPTH_MAX: u32 = 64;

/// A range of bytes of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}

impl Span {
    /// The line that the span begins on, counted from 1.
    pub(crate) fn line(self, text: &str) -> usize {
        let before = text.as_bytes().get(..self.start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

/// What is wrong with the text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// What was expected, or what was found.
    pub(crate) what: &'static str,
    /// The byte at which reading stopped.
    pub(crate) at: usize,
}

type Read<T> = Result<T, Malformed>;

/// What the next value is, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    Array,
    Object,
}

/// A cursor over one JSON text.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        // a byte order mark is no part of the value
        let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { text, bytes: text.as_bytes(), at: start, depth: 0 }
    }

    /// Where the next value begins.
    pub(crate) fn position(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    /// The byte after what was read last.
    pub(crate) fn end(&self) -> usize {
        self.at
    }

    pub(crate) fn kind(&mut self) -> Read<Kind> {
        self.skip_space();
        match self.bytes.get(self.at) {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'"') => Ok(Kind::Text),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            Some(_) => self.fail("no JSON value begins like this"),
            None => self.fail("the text ends where a value should stand"),
        }
    }

    /// Steps into an array or object.
    pub(crate) fn enter(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.fail("values nest more than 64 deep");
        }
        self.at += 1;
        Ok(())
    }

    /// Whether another item follows in the container that `close` ends; steps out of it where none does.
    pub(crate) fn more(&mut self, first: bool, close: u8) -> Read<bool> {
        self.skip_space();
        match self.bytes.get(self.at) {
            Some(byte) if *byte == close => {
                self.at += 1;
                self.depth = self.depth.saturating_sub(1);
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                self.skip_space();
                if self.bytes.get(self.at) == Some(&close) {
                    return self.fail("a comma stands before the end of an array or object");
                }
                Ok(true)
            }
            Some(_) if first => Ok(true),
            Some(_) => self.fail("a comma is missing"),
            None => self.fail("the text ends inside an array or object"),
        }
    }

    /// A member's name and its colon.
    pub(crate) fn name(&mut self) -> Read<Cow<'a, str>> {
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b'"') {
            return self.fail("a member's name must be a string");
        }
        let name = self.string()?;
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b':') {
            return self.fail("a colon is missing after a member's name");
        }
        self.at += 1;
        Ok(name)
    }

    /// A string; the cursor stands at its quote.
    pub(crate) fn string(&mut self) -> Read<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                Some(b'\\') => return self.escaped(start),
                Some(0..=0x1f) => return self.fail("a control character stands bare in a string"),
                Some(_) => self.at += 1,
                None => return self.fail("the text ends inside a string"),
            }
        }
    }

    fn escaped(&mut self, start: usize) -> Read<Cow<'a, str>> {
        let mut owned = self.text.get(start..self.at).unwrap_or_default().to_owned();
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(owned));
                }
                Some(b'\\') => {
                    self.at += 1;
                    owned.push(self.escape()?);
                }
                Some(0..=0x1f) => return self.fail("a control character stands bare in a string"),
                Some(_) => {
                    let plain = self.at;
                    while !matches!(self.bytes.get(self.at), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                        self.at += 1;
                    }
                    owned.push_str(self.text.get(plain..self.at).unwrap_or_default());
                }
                None => return self.fail("the text ends inside a string"),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let found = self.bytes.get(self.at).copied();
        self.at += 1;
        Ok(match found {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.fail("no such escape in JSON"),
        })
    }

    fn unicode(&mut self) -> Read<char> {
        let high = self.hex()?;
        let code = if (0xd800..0xdc00).contains(&high) {
            if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                return self.fail("half of a surrogate pair is missing");
            }
            self.at += 2;
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return self.fail("half of a surrogate pair is missing");
            }
            0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        } else {
            high
        };
        char::from_u32(code).map_or_else(|| self.fail("half of a surrogate pair is missing"), Ok)
    }

    fn hex(&mut self) -> Read<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let code = if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && digits.len() == 4 {
            u32::from_str_radix(digits, 16).ok()
        } else {
            None
        };
        self.at += 4;
        code.map_or_else(|| self.fail("\\u needs four hexadecimal digits"), Ok)
    }

    /// A number in the grammar of JSON, which is narrower than that of programming languages.
    pub(crate) fn number(&mut self) -> Read<f64> {
        let start = self.at;
        self.take(b'-');
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.fail("a number needs digits"),
        }
        if self.take(b'.') && !self.some_digits() {
            return self.fail("a number needs digits after its point");
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if !self.some_digits() {
                return self.fail("a number needs digits in its exponent");
            }
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        digits.parse().map_or_else(|_| self.fail("no number"), Ok)
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> bool {
        let start = self.at;
        self.digits();
        self.at > start
    }

    /// `null`.
    pub(crate) fn null(&mut self) -> Read<()> {
        self.word("null")
    }

    /// `true` or `false`.
    pub(crate) fn bool(&mut self) -> Read<bool> {
        let truth = self.bytes.get(self.at) == Some(&b't');
        self.word(if truth { "true" } else { "false" })?;
        Ok(truth)
    }

    fn word(&mut self, word: &str) -> Read<()> {
        if self.bytes.get(self.at..self.at + word.len()) != Some(word.as_bytes()) {
            return self.fail("no JSON value begins like this");
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over one value, whatever it is.
    pub(crate) fn skip(&mut self) -> Read<()> {
        match self.kind()? {
            Kind::Null => self.null(),
            Kind::Bool => self.bool().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::Text => self.string().map(drop),
            Kind::Array => {
                self.enter()?;
                let mut first = true;
                while self.more(first, b']')? {
                    first = false;
                    self.skip()?;
                }
                Ok(())
            }
            Kind::Object => {
                self.enter()?;
                let mut first = true;
                while self.more(first, b'}')? {
                    first = false;
                    self.name()?;
                    self.skip()?;
                }
                Ok(())
            }
        }
    }

    /// Nothing but space may follow the value.
    pub(crate) fn finish(&mut self) -> Read<()> {
        self.skip_space();
        if self.at < self.bytes.len() { self.fail("something follows the value") } else { Ok(()) }
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn fail<T>(&self, what: &'static str) -> Read<T> {
        Err(Malformed { what, at: self.at.min(self.bytes.len()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Read<()> {
        let mut reader = Reader::new(text);
        reader.skip()?;
        reader.finish()
    }

    #[test]
    fn the_grammar_is_that_of_the_standard() {
        for good in ["{}", "[]", " [1, -0.5e+3, true, null, \"\\ud83d\\ude00\"] ", "{\"a\":{\"a\":[[]]}}"] {
            assert_eq!(whole(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "tru",
            "\"\\x\"",
            "\"\n\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "[1 2]",
            "{\"a\" 1}",
            "1 2",
            "\"abc",
            "\"\\u12g4\"",
            "nul",
            "{\"a\":}",
        ] {
            assert!(whole(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn agrees_with_another_reader() {
        for text in
            ["[1,2,{\"x\":\"\\u00e9\\n\"}]", "{\"k\":-1.25E-2}", "[[[[]]]]", "[,]", "{,}", "[\"\\\"\"]"]
        {
            assert_eq!(
                whole(text).is_ok(),
                serde_json::from_str::<serde_json::Value>(text).is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(whole(&deep(DEPTH_MAX as usize)), Ok(()));
        assert!(whole(&deep(DEPTH_MAX as usize + 1)).is_err());
        assert!(whole(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn strings_borrow_unless_they_hold_escapes() {
        let mut plain = Reader::new("\"plain\"");
        assert!(matches!(plain.string(), Ok(Cow::Borrowed("plain"))));
        let mut other = Reader::new("\"a\\tb\"");
        assert_eq!(other.string().as_deref(), Ok("a\tb"));
    }

    #[test]
    fn lines_count_from_one() {
        let text = "{\n\n  \"a\": 1}";
        assert_eq!(Span { start: 0, end: 1 }.line(text), 1);
        assert_eq!(Span { start: 5, end: 6 }.line(text), 3);
    }
}
