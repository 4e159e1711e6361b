//! Text to tokens. Every token knows the byte that it begins at.

use crate::QueryError;
use crate::error::Position;
use crate::value::Number;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token<'t> {
    /// A name or keyword as it stands.
    Word(&'t str),
    /// A name in `[[` and `]]`: never a keyword.
    Escaped(&'t str),
    /// A text in quotes, its escapes resolved.
    Text(String),
    /// A number without a sign.
    Number(Number),
    /// Anything else.
    Symbol(&'static str),
    /// The end of the query.
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lexeme<'t> {
    pub(crate) token: Token<'t>,
    pub(crate) at: usize,
}

/// Longer ones stand before those that they begin with.
const SYMBOLS: [&str; 17] =
    ["..", "!=", "<=", ">=", "(", ")", "[", "]", ",", ".", "=", "<", ">", "-", "*", ":", "|"];

/// What a person reads of a token in an error.
const SHOWN_MAX: usize = 40;

impl Token<'_> {
    /// How it is called in an error.
    pub(crate) fn shown(&self) -> String {
        let clip = |text: &str| text.chars().take(SHOWN_MAX).collect::<String>();
        match self {
            Token::Word(word) => format!("`{}`", clip(word)),
            Token::Escaped(word) => format!("`[[{}]]`", clip(word)),
            Token::Text(text) => format!("'{}'", clip(text)),
            Token::Number(number) => format!("`{number}`"),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::End => "the end".to_owned(),
        }
    }
}

/// All tokens of a text, the end as the last one.
pub(crate) fn tokens(text: &str) -> Result<Vec<Lexeme<'_>>, QueryError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut all = Vec::new();
    loop {
        let lexeme = lexer.next()?;
        let done = lexeme.token == Token::End;
        all.push(lexeme);
        if done {
            return Ok(all);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn next(&mut self) -> Result<Lexeme<'t>, QueryError> {
        let blank = self.rest().find(|c: char| !c.is_whitespace()).unwrap_or(self.rest().len());
        self.at += blank;
        let at = self.at;
        let token = match self.peek() {
            None => Token::End,
            Some(c) if is_word_start(c) => Token::Word(self.take_while(is_word)),
            Some(c) if c.is_ascii_digit() => self.number()?,
            Some(quote @ ('\'' | '"')) => self.text(quote)?,
            // `-[[[x]]]-` is a relationship whose variable is escaped.
            Some('[') if self.rest().starts_with("[[") && !self.rest().starts_with("[[[") => {
                self.escaped()?
            }
            Some(c) => match SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) {
                Some(symbol) => {
                    self.at += symbol.len();
                    Token::Symbol(symbol)
                }
                None => return Err(self.wrong(at, "a name, a value or a sign", &format!("`{c}`"))),
            },
        };
        Ok(Lexeme { token, at })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn wrong(&self, at: usize, expected: &str, found: &str) -> QueryError {
        QueryError::Syntax {
            at: Position::of(self.text, at),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }

    fn number(&mut self) -> Result<Token<'t>, QueryError> {
        let begin = self.at;
        self.take_while(|c| c.is_ascii_digit());
        let digit_after =
            |rest: &str, skip: usize| rest.chars().nth(skip).is_some_and(|c| c.is_ascii_digit());
        // `1..3` is a range.
        let mut whole = true;
        if self.rest().starts_with('.') && digit_after(self.rest(), 1) {
            whole = false;
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        if self.rest().starts_with(['e', 'E']) {
            let sign = usize::from(self.rest()[1..].starts_with(['+', '-']));
            if digit_after(self.rest(), 1 + sign) {
                whole = false;
                self.at += 1 + sign;
                self.take_while(|c| c.is_ascii_digit());
            }
        }
        if self.peek().is_some_and(is_word_start) {
            let found = format!("`{}`", self.peek().unwrap_or_default());
            return Err(self.wrong(self.at, "a blank or a sign after the number", &found));
        }
        let text = &self.text[begin..self.at];
        if let (true, Ok(int)) = (whole, text.parse()) {
            return Ok(Token::Number(Number::Int(int)));
        }
        match text.parse::<f64>() {
            Ok(double) if double.is_finite() => Ok(Token::Number(Number::Double(double))),
            _ => Err(self.wrong(begin, "a number within ±1.8e308", &format!("`{text:.40}`"))),
        }
    }

    /// Quotes are doubled or escaped; the escapes are those of JSON.
    fn text(&mut self, quote: char) -> Result<Token<'t>, QueryError> {
        let begin = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let at = self.at;
            let Some(c) = self.peek() else {
                return Err(self.wrong(begin, &format!("a closing {quote} for this text"), "none"));
            };
            self.at += c.len_utf8();
            if c == quote {
                if self.peek() != Some(quote) {
                    return Ok(Token::Text(out));
                }
                self.at += 1;
                out.push(quote);
            } else if c == '\\' {
                out.push(self.escape(at)?);
            } else {
                out.push(c);
            }
        }
    }

    /// What follows a backslash at `at`.
    fn escape(&mut self, at: usize) -> Result<char, QueryError> {
        let expected = r#"one of \' \" \\ \/ \b \f \n \r \t \uXXXX"#;
        let Some(c) = self.peek() else { return Err(self.wrong(at, expected, "the end")) };
        self.at += c.len_utf8();
        Ok(match c {
            '\'' | '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let code = self.rest().get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                self.at += 4;
                let scalar = code.and_then(char::from_u32);
                scalar.ok_or_else(|| self.wrong(at, expected, "`\\u` and no character"))?
            }
            other => return Err(self.wrong(at, expected, &format!("`\\{other}`"))),
        })
    }

    fn escaped(&mut self) -> Result<Token<'t>, QueryError> {
        let begin = self.at;
        self.at += 2;
        let name = self.take_while(|c| c != ']' && c != '\n');
        if !self.rest().starts_with("]]") {
            return Err(self.wrong(begin, "a closing `]]` for this name", "none"));
        }
        if name.trim().is_empty() {
            return Err(self.wrong(begin, "a name in `[[` and `]]`", "none"));
        }
        self.at += 2;
        Ok(Token::Escaped(name.trim()))
    }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        tokens(text).unwrap().iter().map(|lexeme| lexeme.token.shown()).collect()
    }

    #[test]
    fn numbers_end_where_a_range_begins() {
        assert_eq!(shown("*1..3"), ["`*`", "`1`", "`..`", "`3`", "the end"]);
        assert_eq!(
            shown("1.5e3 2E-1 18446744073709551616"),
            ["`1500`", "`0.2`", "`18446744073709552000`", "the end"]
        );
    }

    #[test]
    fn texts_keep_quotes_in_three_ways() {
        let texts = |text: &str| match tokens(text).unwrap().remove(0).token {
            Token::Text(text) => text,
            other => other.shown(),
        };
        assert_eq!(texts("'it''s'"), "it's");
        assert_eq!(texts(r"'it\'s \\ \u00e4'"), "it's \\ ä");
        assert_eq!(texts("\"it's\""), "it's");
    }

    #[test]
    fn errors_stand_at_what_is_wrong() {
        let at = |text: &str| tokens(text).unwrap_err().position().map(|p| (p.line, p.column));
        assert_eq!(at("a\n b ; c"), Some((2, 4)));
        assert_eq!(at("x = 'open"), Some((1, 5)));
        assert_eq!(at(r"'ä\q'"), Some((1, 3)));
        assert_eq!(at("12ab"), Some((1, 3)));
        assert_eq!(at("[[open"), Some((1, 1)));
        assert_eq!(at(r"'\u12"), Some((1, 2)));
        assert_eq!(at(&"9".repeat(400)), Some((1, 1)));
    }
}
