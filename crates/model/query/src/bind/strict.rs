//! What Azure Digital Twins refuses although it is of the language.

use super::{Binder, Conjunct};
use crate::QueryError;
use crate::ast::{Expr, Operand, Path, Select, Statement};
use crate::place::{Field, Place};
use crate::value::Comparison;

impl Binder<'_> {
    pub(super) fn check_strict(
        &self,
        statement: &Statement,
        conjuncts: &[Conjunct],
    ) -> Result<(), QueryError> {
        if !self.dialect.is_strict() {
            return Ok(());
        }
        if let (Select::All(at), Some(_)) = (&statement.select, statement.joins.first()) {
            return Err(self.error(*at, "SELECT * cannot be combined with JOIN: name the collections"));
        }
        let join = statement.joins.first().map(|join| ("JOIN", join.target.at));
        let pattern = statement.pattern.as_ref().map(|pattern| ("MATCH", pattern.at));
        if let Some((clause, at)) = join.or(pattern)
            && !conjuncts.iter().any(|conjunct| fixes_twin(&conjunct.expr))
        {
            let reason = format!("a query with {clause} must fix the $dtId of a twin in WHERE, by = or IN");
            return Err(self.error(at, reason));
        }
        statement.filter.as_ref().map_or(Ok(()), |filter| self.no_arrays_of_links(filter))
    }

    fn no_arrays_of_links(&self, filter: &Expr<Path>) -> Result<(), QueryError> {
        match filter {
            Expr::And(parts) | Expr::Or(parts) => {
                parts.iter().try_for_each(|part| self.no_arrays_of_links(part))
            }
            Expr::Not(part) => self.no_arrays_of_links(part),
            Expr::ArrayContains(path, _) if self.slots[self.place(path)?.slot].of_links => {
                Err(self.error(path.at, "ARRAY_CONTAINS does not look into properties of relationships"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a condition holds only for twins whose `$dtId` it names.
fn fixes_twin(expr: &Expr<Place>) -> bool {
    let is_id =
        |operand: &Operand<Place>| matches!(operand, Operand::Path(Place { field: Field::TwinId, .. }));
    let is_literal = |operand: &Operand<Place>| matches!(operand, Operand::Literal(_));
    match expr {
        Expr::And(parts) => parts.iter().any(fixes_twin),
        Expr::Or(parts) => parts.iter().all(fixes_twin),
        Expr::Compare(left, Comparison::Equal, right) => {
            is_id(left) && is_literal(right) || is_literal(left) && is_id(right)
        }
        Expr::In { operand, negated: false, .. } => is_id(operand),
        _ => false,
    }
}
