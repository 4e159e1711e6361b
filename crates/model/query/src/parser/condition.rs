//! `WHERE`.

use super::Parser;
use crate::QueryError;
use crate::ast::{Expr, Is, Operand, Path, TextTest};
use crate::dialect::DEPTH_MAX;
use crate::lexer::Token;
use crate::value::{Comparison, Literal};

impl Parser<'_> {
    /// `OR` binds weaker than `AND`, `AND` weaker than `NOT`.
    pub(super) fn condition(&mut self) -> Result<Expr<Path>, QueryError> {
        self.chain("OR", Expr::Or, |parser| parser.chain("AND", Expr::And, Self::negation))
    }

    fn chain(
        &mut self,
        word: &str,
        join: fn(Vec<Expr<Path>>) -> Expr<Path>,
        part: impl Fn(&mut Self) -> Result<Expr<Path>, QueryError>,
    ) -> Result<Expr<Path>, QueryError> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.is_keyword(word) {
            self.logic += 1;
            self.within("AND and OR", self.logic, self.limits.logic, self.at())?;
            self.next += 1;
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { join(parts) })
    }

    fn negation(&mut self) -> Result<Expr<Path>, QueryError> {
        if !self.is_keyword("NOT") {
            return self.primary();
        }
        self.nested(|parser| {
            parser.next += 1;
            Ok(Expr::Not(Box::new(parser.negation()?)))
        })
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        self.depth += 1;
        self.within("parentheses and NOTs inside each other", self.depth, DEPTH_MAX, self.at())?;
        let inner = inner(self);
        self.depth -= 1;
        inner
    }

    fn primary(&mut self) -> Result<Expr<Path>, QueryError> {
        if self.is_symbol("(") {
            return self.nested(|parser| {
                parser.next += 1;
                let inner = parser.condition()?;
                parser.symbol(")")?;
                Ok(inner)
            });
        }
        if let Token::Word(word) = *self.token()
            && self.is_before_symbol("(")
        {
            return self.function(word);
        }
        let operand = self.operand("a condition")?;
        if let Some(negated) = self.membership()? {
            return Ok(Expr::In { operand, list: self.list()?, negated });
        }
        let sign = Comparison::ALL.into_iter().find(|comparison| self.is_symbol(comparison.sign()));
        let Some(comparison) = sign else {
            return Err(self.expected("=, !=, <, <=, >, >=, IN or NIN"));
        };
        self.next += 1;
        Ok(Expr::Compare(operand, comparison, self.operand("a value or a name")?))
    }

    /// Whether `IN` (`false`) or `NIN`, `NOT_IN`, `NOT IN` (`true`) follows.
    fn membership(&mut self) -> Result<Option<bool>, QueryError> {
        if self.took("IN") {
            Ok(Some(false))
        } else if self.took("NIN") || self.took("NOT_IN") {
            Ok(Some(true))
        } else if self.took("NOT") {
            self.keyword("IN").map(|()| Some(true))
        } else {
            Ok(None)
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, QueryError> {
        self.symbol("[")?;
        let mut list = Vec::new();
        loop {
            let at = self.at();
            match self.operand("a value")? {
                Operand::Literal(literal) => list.push(literal),
                Operand::Path(_) => return Err(self.meaning(at, "a list holds values, no names")),
            }
            self.within("values in one list", list.len(), self.limits.list, at)?;
            if !self.took_symbol(",") {
                if !self.took_symbol("]") {
                    return Err(self.expected("`,` or `]`"));
                }
                return Ok(list);
            }
        }
    }

    fn operand(&mut self, expected: &str) -> Result<Operand<Path>, QueryError> {
        let literal = match self.token() {
            Token::Text(text) => Some(Literal::Text(text.clone())),
            Token::Number(number) => Some(Literal::Number(*number)),
            Token::Symbol("-") => {
                self.next += 1;
                match self.token() {
                    Token::Number(number) => Some(Literal::Number(number.negated())),
                    _ => return Err(self.expected("a number after the minus")),
                }
            }
            _ if self.is_keyword("TRUE") => Some(Literal::Bool(true)),
            _ if self.is_keyword("FALSE") => Some(Literal::Bool(false)),
            _ if self.is_keyword("NULL") => Some(Literal::Null),
            Token::Word(_) | Token::Escaped(_) => None,
            _ => return Err(self.expected(expected)),
        };
        match literal {
            Some(literal) => {
                self.next += 1;
                Ok(Operand::Literal(literal))
            }
            None => self.path().map(Operand::Path),
        }
    }

    fn function(&mut self, word: &str) -> Result<Expr<Path>, QueryError> {
        let named = |name: &str| name.eq_ignore_ascii_case(word);
        let at = self.at();
        self.next += 2;
        let call = if named("IS_OF_MODEL") {
            self.of_model()?
        } else if let Some((_, is)) = Is::ALL.into_iter().find(|(name, _)| named(name)) {
            Expr::Is(is, self.path()?)
        } else if let Some((_, test)) = TextTest::ALL.into_iter().find(|(name, _)| named(name)) {
            let subject = self.operand("a name")?;
            self.symbol(",")?;
            Expr::Text(test, subject, self.operand("a text")?)
        } else if named("ARRAY_CONTAINS") {
            let path = self.path()?;
            self.symbol(",")?;
            Expr::ArrayContains(path, self.operand("a value")?)
        } else {
            return Err(self.meaning(at, format!("there is no function {word:.40}")));
        };
        self.symbol(")")?;
        Ok(call)
    }

    /// `IS_OF_MODEL([collection,] 'model' [, exact])` after its parenthesis.
    fn of_model(&mut self) -> Result<Expr<Path>, QueryError> {
        let at = self.at();
        let collection = if matches!(self.token(), Token::Text(_)) {
            Path { names: Vec::new(), at }
        } else {
            let path = self.path()?;
            self.symbol(",")?;
            path
        };
        let Token::Text(model) = self.token().clone() else {
            return Err(self.expected("a model in quotes"));
        };
        self.next += 1;
        let mut exact = false;
        if self.took_symbol(",") {
            self.keyword("exact")?;
            exact = true;
        }
        Ok(Expr::OfModel { collection, model, exact })
    }
}
