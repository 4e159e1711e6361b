//! Tokens to a statement, by recursive descent. What nests is bounded by [`DEPTH_MAX`].

mod condition;
mod pattern;

use voltwin_core::Timestamp;

use crate::QueryError;
use crate::ast::{Aggregate, Item, Join, Name, Order, Path, Projected, Select, Source, Statement};
use crate::dialect::{Dialect, Limits};
use crate::error::Position;
use crate::lexer::{Lexeme, Token, tokens};
use crate::value::Number;

/// Words that are no names unless they are escaped: those that Azure reserves.
const RESERVED: [&str; 37] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "AVG",
    "BY",
    "COUNT",
    "DESC",
    "DEVICES_JOBS",
    "DEVICES_MODULES",
    "DEVICES",
    "ENDS_WITH",
    "FALSE",
    "FROM",
    "GROUP",
    "IN",
    "IS_BOOL",
    "IS_DEFINED",
    "IS_NULL",
    "IS_NUMBER",
    "IS_OBJECT",
    "IS_PRIMITIVE",
    "IS_STRING",
    "MAX",
    "MIN",
    "NOT",
    "NOT_IN",
    "NULL",
    "OR",
    "ORDER",
    "SELECT",
    "STARTS_WITH",
    "SUM",
    "TOP",
    "TRUE",
    "WHERE",
    "IS_OF_MODEL",
];

/// Words that end a collection's alias being absent; Azure does not reserve them.
const CLAUSES: [&str; 3] = ["JOIN", "MATCH", "RELATED"];

/// Reads a query.
pub(crate) fn parse(text: &str, dialect: Dialect) -> Result<Statement, QueryError> {
    let limits = dialect.limits();
    let characters = text.chars().count();
    if characters > limits.characters {
        let byte = text.char_indices().nth(limits.characters).map_or(text.len(), |(byte, _)| byte);
        let (what, limit) = ("characters", limits.characters);
        return Err(QueryError::Limit { at: Position::of(text, byte), what, count: characters, limit });
    }
    let mut parser = Parser { text, dialect, limits, lexemes: tokens(text)?, next: 0, depth: 0, logic: 0 };
    let statement = parser.statement()?;
    match parser.token() {
        Token::End => Ok(statement),
        _ => Err(parser.expected(parser.what_may_follow(&statement))),
    }
}

struct Parser<'t> {
    text: &'t str,
    dialect: Dialect,
    limits: Limits,
    lexemes: Vec<Lexeme<'t>>,
    next: usize,
    depth: usize,
    /// `AND` and `OR` so far.
    logic: usize,
}

impl<'t> Parser<'t> {
    fn statement(&mut self) -> Result<Statement, QueryError> {
        self.keyword("SELECT")?;
        let top = self.top()?;
        let select = self.select(top.is_some())?;
        self.keyword("FROM")?;
        let source = self.source()?;
        let alias = self.alias()?;
        let as_of = self.as_of()?;
        let mut joins = Vec::new();
        while self.is_keyword("JOIN") {
            let at = self.at();
            joins.push(self.join()?);
            self.within("JOINs", joins.len(), self.limits.joins, at)?;
        }
        let pattern = if self.is_keyword("MATCH") { Some(self.pattern()?) } else { None };
        let filter = if self.took("WHERE") { Some(self.condition()?) } else { None };
        let (group, order) = self.group_and_order()?;
        Ok(Statement { top, select, source, alias, as_of, joins, pattern, filter, group, order })
    }

    /// What could stand where a whole statement has ended.
    fn what_may_follow(&self, statement: &Statement) -> &'static str {
        let filtered = statement.filter.is_some();
        match (filtered, self.dialect) {
            (false, Dialect::StrictAdt) => "JOIN, MATCH, WHERE or the end",
            (false, Dialect::Superset) => "JOIN, MATCH, WHERE, GROUP BY, ORDER BY or the end",
            (true, Dialect::StrictAdt) => "AND, OR or the end",
            (true, Dialect::Superset) => "AND, OR, GROUP BY, ORDER BY or the end",
        }
    }

    fn top(&mut self) -> Result<Option<u64>, QueryError> {
        if !self.took("TOP") {
            return Ok(None);
        }
        self.symbol("(")?;
        let count = self.whole_number()?;
        self.symbol(")")?;
        Ok(Some(count))
    }

    fn select(&mut self, after_top: bool) -> Result<Select, QueryError> {
        let at = self.at();
        if self.took_symbol("*") || (after_top && self.is_keyword("FROM")) {
            return Ok(Select::All(at));
        }
        let mut items = vec![self.item()?];
        while self.took_symbol(",") {
            let at = self.at();
            items.push(self.item()?);
            self.within("columns", items.len(), self.limits.columns, at)?;
        }
        Ok(Select::Items(items))
    }

    fn item(&mut self) -> Result<Item, QueryError> {
        let at = self.at();
        let aggregate = Aggregate::ALL.into_iter().find(|aggregate| self.is_keyword(aggregate.name()));
        let what = match aggregate {
            Some(aggregate) => {
                if aggregate != Aggregate::Count {
                    self.only_superset(aggregate.name())?;
                }
                self.next += 1;
                self.symbol("(")?;
                let path = if aggregate == Aggregate::Count && self.is_symbol(")") {
                    None
                } else {
                    self.only_superset("COUNT of a property")?;
                    Some(self.path()?)
                };
                self.symbol(")")?;
                Projected::Aggregate(aggregate, path)
            }
            None if matches!(self.token(), Token::Word(_) | Token::Escaped(_)) => {
                Projected::Path(self.path()?)
            }
            None => return Err(self.expected("`*`, COUNT() or a name")),
        };
        let alias = if self.took("AS") { Some(self.name("a name for the column")?) } else { None };
        Ok(Item { what, alias, at })
    }

    fn source(&mut self) -> Result<Source, QueryError> {
        if self.took("DIGITALTWINS") {
            Ok(Source::Twins)
        } else if self.took("RELATIONSHIPS") {
            Ok(Source::Relationships)
        } else {
            Err(self.expected("DIGITALTWINS or RELATIONSHIPS"))
        }
    }

    fn alias(&mut self) -> Result<Option<Name>, QueryError> {
        match *self.token() {
            Token::Word(word) if !is_one_of(word, &RESERVED) && !is_one_of(word, &CLAUSES) => {}
            Token::Escaped(_) => {}
            _ => return Ok(None),
        }
        self.name("a name for the collection").map(Some)
    }

    fn as_of(&mut self) -> Result<Option<Timestamp>, QueryError> {
        if !self.is_keyword("AS") {
            return Ok(None);
        }
        self.only_superset("AS OF")?;
        self.next += 1;
        self.keyword("OF")?;
        let parsed = match self.token() {
            Token::Text(text) => text.parse().ok(),
            _ => None,
        };
        let instant = parsed.ok_or_else(|| self.expected("an instant, such as '2026-11-21T08:00:00Z'"))?;
        self.next += 1;
        Ok(Some(instant))
    }

    fn join(&mut self) -> Result<Join, QueryError> {
        self.keyword("JOIN")?;
        let target = self.name("a name for the joined twins")?;
        self.keyword("RELATED")?;
        let from = self.name("the collection that is joined")?;
        self.symbol(".")?;
        let name = self.name("the name of a relationship")?;
        Ok(Join { target, from, name, link: self.alias()? })
    }

    fn group_and_order(&mut self) -> Result<(Vec<Path>, Vec<Order>), QueryError> {
        let (mut group, mut order) = (Vec::new(), Vec::new());
        if self.is_keyword("GROUP") {
            self.only_superset("GROUP BY")?;
            self.next += 1;
            self.keyword("BY")?;
            group.push(self.path()?);
            while self.took_symbol(",") {
                let at = self.at();
                group.push(self.path()?);
                self.within("columns to group by", group.len(), self.limits.columns, at)?;
            }
        }
        if self.is_keyword("ORDER") {
            self.only_superset("ORDER BY")?;
            self.next += 1;
            self.keyword("BY")?;
            order.push(self.order()?);
            while self.took_symbol(",") {
                let at = self.at();
                order.push(self.order()?);
                self.within("columns to order by", order.len(), self.limits.columns, at)?;
            }
        }
        Ok((group, order))
    }

    fn order(&mut self) -> Result<Order, QueryError> {
        // An aggregate without an alias is ordered by under its own name.
        let aggregate = Aggregate::ALL.into_iter().find(|aggregate| self.is_keyword(aggregate.name()));
        let path = match aggregate {
            Some(aggregate) => {
                let at = self.at();
                self.next += 1;
                self.symbol("(")?;
                self.symbol(")")?;
                Path { names: vec![Name { text: aggregate.name().to_owned(), at }], at }
            }
            None => self.path()?,
        };
        let descending = self.took("DESC");
        if !descending {
            self.took("ASC");
        }
        Ok(Order { path, descending })
    }

    fn path(&mut self) -> Result<Path, QueryError> {
        let at = self.at();
        let mut names = vec![self.name("a name")?];
        while self.took_symbol(".") {
            names.push(self.name("a name after the dot")?);
            self.within("names in one path", names.len(), DEPTH_OF_PATH_MAX, at)?;
        }
        Ok(Path { names, at })
    }

    /// A name that is not reserved, or any in `[[` and `]]`.
    fn name(&mut self, expected: &str) -> Result<Name, QueryError> {
        let at = self.at();
        let text = match *self.token() {
            Token::Word(word) if is_one_of(word, &RESERVED) => {
                return Err(self.expected(&format!("{expected} (a reserved word is written [[{word}]])")));
            }
            Token::Word(word) | Token::Escaped(word) => word.to_owned(),
            _ => return Err(self.expected(expected)),
        };
        self.next += 1;
        Ok(Name { text, at })
    }

    fn whole_number(&mut self) -> Result<u64, QueryError> {
        let number = match self.token() {
            Token::Number(Number::Int(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.expected("a whole number"))?;
        self.next += 1;
        Ok(number)
    }

    fn token(&self) -> &Token<'t> {
        // The last one is the end, and nothing goes past it.
        self.lexemes.get(self.next).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    /// The byte that the next token begins at.
    fn at(&self) -> usize {
        self.lexemes.get(self.next).map_or(self.text.len(), |lexeme| lexeme.at)
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.token(), Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.token(), Token::Symbol(found) if *found == symbol)
    }

    /// Whether a symbol follows the next token.
    fn is_before_symbol(&self, symbol: &str) -> bool {
        let after = self.lexemes.get(self.next + 1);
        matches!(after, Some(Lexeme { token: Token::Symbol(found), .. }) if *found == symbol)
    }

    fn took(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.next += usize::from(found);
        found
    }

    fn took_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.next += usize::from(found);
        found
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), QueryError> {
        if self.took(keyword) { Ok(()) } else { Err(self.expected(keyword)) }
    }

    fn symbol(&mut self, symbol: &str) -> Result<(), QueryError> {
        if self.took_symbol(symbol) { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    fn expected(&self, expected: &str) -> QueryError {
        QueryError::Syntax {
            at: Position::of(self.text, self.at()),
            expected: expected.to_owned(),
            found: self.token().shown(),
        }
    }

    fn meaning(&self, at: usize, reason: impl Into<String>) -> QueryError {
        QueryError::Meaning { at: Position::of(self.text, at), reason: reason.into() }
    }

    fn only_superset(&self, what: &str) -> Result<(), QueryError> {
        if self.dialect.is_strict() {
            return Err(self.meaning(self.at(), format!("Azure Digital Twins has no {what}")));
        }
        Ok(())
    }

    fn within(&self, what: &'static str, count: usize, limit: usize, at: usize) -> Result<(), QueryError> {
        if count > limit {
            return Err(QueryError::Limit { at: Position::of(self.text, at), what, count, limit });
        }
        Ok(())
    }
}

/// Names in one path; values nest less deep than that.
const DEPTH_OF_PATH_MAX: usize = 32;

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| other.eq_ignore_ascii_case(word))
}
