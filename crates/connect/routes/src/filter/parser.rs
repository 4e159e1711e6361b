//! Tokens to an expression, by recursive descent.

use serde_json::Value as Json;

use super::lexer::{Placed, Token, tokens, wrong};
use super::{Attribute, Comparison, Expression, FILTER_DEPTH_MAX, Operand, TextTest};
use crate::FilterError;

type Parsed<T> = Result<T, FilterError>;

pub(super) fn parse(text: &str) -> Parsed<Expression> {
    let mut parser = Parser { tokens: tokens(text)?, place: 0, depth: 0 };
    let expression = parser.any()?;
    match parser.peek() {
        Token::End => Ok(expression),
        _ => Err(parser.wrong("`AND`, `OR` or the end is expected here")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    /// Always that of a token: the last one is [`Token::End`], which is never taken.
    place: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.place].token
    }

    fn wrong(&self, reason: impl Into<String>) -> FilterError {
        wrong(self.tokens[self.place].column, reason)
    }

    fn skip(&mut self) {
        self.place = (self.place + 1).min(self.tokens.len() - 1);
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word));
        if found {
            self.skip();
        }
        found
    }

    fn expect(&mut self, sign: &'static str) -> Parsed<()> {
        if *self.peek() != Token::Sign(sign) {
            return Err(self.wrong(format!("`{sign}` is expected here")));
        }
        self.skip();
        Ok(())
    }

    fn any(&mut self) -> Parsed<Expression> {
        let mut terms = vec![self.all()?];
        while self.takes_word("OR") {
            terms.push(self.all()?);
        }
        Ok(one_or(terms, Expression::Any))
    }

    fn all(&mut self) -> Parsed<Expression> {
        let mut terms = vec![self.term()?];
        while self.takes_word("AND") {
            terms.push(self.term()?);
        }
        Ok(one_or(terms, Expression::All))
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == FILTER_DEPTH_MAX {
            return Err(self.wrong(format!("a filter nests {FILTER_DEPTH_MAX} levels deep at most")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn term(&mut self) -> Parsed<Expression> {
        if self.takes_word("NOT") {
            return self.deeper(Self::term).map(|inner| Expression::Not(Box::new(inner)));
        }
        if *self.peek() == Token::Sign("(") {
            self.skip();
            let inner = self.deeper(Self::any)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if let Some(test) = self.function() {
            self.skip();
            self.expect("(")?;
            let text = self.operand()?;
            self.expect(",")?;
            let part = self.operand()?;
            self.expect(")")?;
            return Ok(Expression::Text(test, text, part));
        }
        let left = self.operand()?;
        match (self.comparison(), left) {
            (Some(comparison), left) => {
                self.skip();
                Ok(Expression::Compare(left, comparison, self.operand()?))
            }
            (None, Operand::Literal(Json::Bool(value))) => Ok(Expression::Constant(value)),
            (None, _) => Err(self.wrong("a comparison (=, !=, <, <=, > or >=) is expected here")),
        }
    }

    fn function(&self) -> Option<TextTest> {
        let Token::Word(word) = self.peek() else { return None };
        match word.to_ascii_uppercase().as_str() {
            "STARTS_WITH" => Some(TextTest::StartsWith),
            "ENDS_WITH" => Some(TextTest::EndsWith),
            "CONTAINS" => Some(TextTest::Contains),
            _ => None,
        }
    }

    fn comparison(&self) -> Option<Comparison> {
        let Token::Sign(sign) = self.peek() else { return None };
        Some(match *sign {
            "=" => Comparison::Equal,
            "!=" => Comparison::Unequal,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::More,
            ">=" => Comparison::AtLeast,
            _ => return None,
        })
    }

    fn operand(&mut self) -> Parsed<Operand> {
        const EXPECTED: &str = "a property of the event (type, source, subject, dataschema, datacontenttype, \
            specversion, $body.…), a text in single quotes, a number, true, false or null is expected here";
        let operand = match self.peek() {
            Token::Literal(value) => Operand::Literal(value.clone()),
            Token::Body(path) => Operand::Body(path.clone()),
            Token::Word(word) => match (attribute(word), word.to_ascii_lowercase().as_str()) {
                (Some(attribute), _) => Operand::Attribute(attribute),
                (None, "true") => Operand::Literal(true.into()),
                (None, "false") => Operand::Literal(false.into()),
                (None, "null") => Operand::Literal(Json::Null),
                (None, _) => {
                    let shown: String = word.chars().take(40).collect();
                    return Err(self.wrong(format!("`{shown}` is not known; {EXPECTED}")));
                }
            },
            Token::Sign(_) | Token::End => return Err(self.wrong(EXPECTED)),
        };
        self.skip();
        Ok(operand)
    }
}

fn attribute(word: &str) -> Option<Attribute> {
    Some(match word {
        "type" => Attribute::Type,
        "source" => Attribute::Source,
        "subject" => Attribute::Subject,
        "dataschema" => Attribute::DataSchema,
        "datacontenttype" => Attribute::DataContentType,
        "specversion" => Attribute::SpecVersion,
        _ => return None,
    })
}

fn one_or(mut terms: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match (terms.len(), terms.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            terms.push(last);
            many(terms)
        }
        (_, None) => many(terms),
    }
}
