//! Characters to tokens, each with its column.

use serde_json::{Number, Value as Json};

use super::FILTER_BYTES_MAX;
use crate::FilterError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword, a function or an attribute.
    Word(String),
    Body(Vec<String>),
    Literal(Json),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)` or `,`.
    Sign(&'static str),
    End,
}

pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) column: usize,
}

pub(super) fn wrong(column: usize, reason: impl Into<String>) -> FilterError {
    FilterError { column, reason: reason.into() }
}

pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    if text.len() > FILTER_BYTES_MAX {
        let at = text.char_indices().take_while(|(place, _)| *place < FILTER_BYTES_MAX).count() + 1;
        return Err(wrong(at, format!("a filter has {FILTER_BYTES_MAX} bytes at most")));
    }
    let mut lexer = Lexer { characters: text.chars().collect(), place: 0 };
    let mut tokens = Vec::new();
    loop {
        let placed = lexer.next()?;
        let ended = placed.token == Token::End;
        tokens.push(placed);
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer {
    characters: Vec<char>,
    place: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.place).copied()
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let start = self.place;
        while self.peek().is_some_and(&fits) {
            self.place += 1;
        }
        self.characters[start..self.place].iter().collect()
    }

    fn next(&mut self) -> Result<Placed, FilterError> {
        self.take_while(char::is_whitespace);
        let column = self.place + 1;
        let token = match self.peek() {
            None => Token::End,
            Some('\'') => Token::Literal(Json::String(self.text()?)),
            Some('$') => Token::Body(self.body()?),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let word = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
                if self.peek() == Some('.') {
                    return Err(wrong(column, "a path begins with `$body`"));
                }
                Token::Word(word)
            }
            Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => Token::Literal(self.number()?),
            Some(c) => Token::Sign(self.sign(c)?),
        };
        Ok(Placed { token, column })
    }

    fn sign(&mut self, first: char) -> Result<&'static str, FilterError> {
        let column = self.place + 1;
        self.place += 1;
        let equals = self.peek() == Some('=');
        let sign = match (first, equals) {
            ('!', true) => "!=",
            ('<', true) => "<=",
            ('>', true) => ">=",
            ('=', _) => return Ok("="),
            ('<', false) => return Ok("<"),
            ('>', false) => return Ok(">"),
            ('(', _) => return Ok("("),
            (')', _) => return Ok(")"),
            (',', _) => return Ok(","),
            ('"', _) => return Err(wrong(column, "texts stand between single quotes")),
            (other, _) => {
                return Err(wrong(column, format!("`{}` means nothing here", other.escape_default())));
            }
        };
        self.place += 1;
        Ok(sign)
    }

    /// A text between single quotes; `\'` and `\\` stand for the character itself.
    fn text(&mut self) -> Result<String, FilterError> {
        let column = self.place + 1;
        self.place += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else { return Err(wrong(column, "the text has no closing quote")) };
            self.place += 1;
            match c {
                '\'' => return Ok(text),
                '\\' => match self.peek() {
                    Some(c @ ('\'' | '\\')) => {
                        text.push(c);
                        self.place += 1;
                    }
                    _ => return Err(wrong(self.place, "after `\\` comes `'` or `\\`")),
                },
                c => text.push(c),
            }
        }
    }

    fn number(&mut self) -> Result<Json, FilterError> {
        let column = self.place + 1;
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'));
        let text = text.strip_prefix('+').unwrap_or(&text);
        let whole = text.parse::<i64>().ok().map(Number::from);
        let decimal = || {
            let plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            text.parse::<f64>().ok().filter(|number| plain && number.is_finite()).and_then(Number::from_f64)
        };
        let number = whole.or_else(decimal);
        number.map(Json::Number).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            wrong(column, format!("`{shown}` is no number"))
        })
    }

    fn body(&mut self) -> Result<Vec<String>, FilterError> {
        let column = self.place + 1;
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-');
        let root = self.take_while(part);
        if !root.eq_ignore_ascii_case("$body") {
            return Err(wrong(column, format!("`{root}` is not known; paths begin with `$body`")));
        }
        let mut path = Vec::new();
        while self.peek() == Some('.') {
            self.place += 1;
            let column = self.place + 1;
            let name = if self.characters[self.place..].starts_with(&['[', '[', '\'']) {
                self.escaped()?
            } else {
                self.take_while(part)
            };
            if name.is_empty() {
                return Err(wrong(column, "a name of a property is expected after `.`"));
            }
            path.push(name);
        }
        if self.peek() == Some('[') {
            return Err(wrong(self.place + 1, "elements of arrays cannot be filtered by"));
        }
        Ok(path)
    }

    /// `[['a name']]`, for names that hold other characters.
    fn escaped(&mut self) -> Result<String, FilterError> {
        self.place += 2;
        let name = self.text()?;
        if !self.characters[self.place..].starts_with(&[']', ']']) {
            return Err(wrong(self.place + 1, "`]]` is expected after the name"));
        }
        self.place += 2;
        Ok(name)
    }
}
