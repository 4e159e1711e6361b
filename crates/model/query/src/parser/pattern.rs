//! `MATCH`.

use super::Parser;
use crate::QueryError;
use crate::ast::{Arrow, Node, Pattern, PatternEdge};
use crate::lexer::Token;

impl Parser<'_> {
    pub(super) fn pattern(&mut self) -> Result<Pattern, QueryError> {
        let at = self.at();
        self.keyword("MATCH")?;
        let first = self.node()?;
        let mut edges = Vec::new();
        let mut hops = 0;
        while self.is_symbol("-") || self.is_symbol("<") {
            let edge = self.edge()?;
            self.within("relationships in one MATCH", edges.len() + 1, self.limits.edges, edge.at)?;
            hops += edge.hops.1 as usize;
            self.within("hops in one MATCH", hops, self.limits.hops, edge.at)?;
            edges.push((edge, self.node()?));
        }
        if self.is_keyword("MATCH") {
            return Err(self.meaning(self.at(), "a query has one MATCH"));
        }
        Ok(Pattern { first, edges, at })
    }

    fn node(&mut self) -> Result<Node, QueryError> {
        self.symbol("(")?;
        let alias = if self.is_symbol(")") { None } else { Some(self.name("a name for the twins, or `)`")?) };
        self.symbol(")")?;
        Ok(Node { alias })
    }

    /// `-[link:name|name*a..b]->`, from either side.
    fn edge(&mut self) -> Result<PatternEdge, QueryError> {
        let at = self.at();
        let left = self.took_symbol("<");
        self.symbol("-")?;
        self.symbol("[")?;
        let link = match self.token() {
            Token::Word(_) | Token::Escaped(_) => Some(self.name("a name for the relationship")?),
            _ => None,
        };
        let mut names = Vec::new();
        if self.took_symbol(":") {
            names.push(self.name("the name of a relationship")?);
            while self.took_symbol("|") {
                names.push(self.name("the name of a relationship")?);
                self.within("names of relationships", names.len(), self.limits.columns, self.at())?;
            }
        }
        let hops = if self.took_symbol("*") { self.hops()? } else { (1, 1) };
        self.symbol("]")?;
        self.symbol("-")?;
        let right_at = self.at();
        let right = self.took_symbol(">");
        let arrow = match (left, right) {
            (true, true) => {
                return Err(self.meaning(right_at, "an arrow has one head: without any it goes both ways"));
            }
            (true, false) => Arrow::Left,
            (false, true) => Arrow::Right,
            (false, false) => Arrow::Both,
        };
        if let Some(link) = link.as_ref().filter(|_| hops != (1, 1)) {
            return Err(self.meaning(link.at, "a relationship of several hops cannot have a name of its own"));
        }
        Ok(PatternEdge { arrow, link, names, hops, at })
    }

    /// `n` is exact; of `a..b`, `a` is excluded and `b` included; `..b` begins at 1.
    fn hops(&mut self) -> Result<(u32, u32), QueryError> {
        let at = self.at();
        let first = if self.is_symbol("..") { None } else { Some(self.hop_number()?) };
        if !self.took_symbol("..") {
            let exact = first.unwrap_or(1);
            return self.range(at, exact, exact);
        }
        let last = self.hop_number()?;
        self.range(at, first.map_or(1, |excluded| excluded.saturating_add(1)), last)
    }

    fn hop_number(&mut self) -> Result<u32, QueryError> {
        let at = self.at();
        let number = self.whole_number()?;
        self.within(
            "hops in one MATCH",
            usize::try_from(number).unwrap_or(usize::MAX),
            self.limits.hops,
            at,
        )?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    fn range(&self, at: usize, least: u32, most: u32) -> Result<(u32, u32), QueryError> {
        if least == 0 || least > most {
            return Err(self.meaning(at, "no number of hops is meant: of a..b, a is excluded and b included"));
        }
        Ok((least, most))
    }
}
