//! `IS_OF_MODEL`, answered once for each model and not for each twin.

use voltwin_graph::Graph;

use crate::ast::Expr;
use crate::bind::Conjunct;

/// The tests of a query, each with its answer for every table of the graph.
#[derive(Debug, Clone)]
pub(crate) struct ModelTests<'r> {
    tests: Vec<(&'r str, bool, Vec<bool>)>,
}

impl<'r> ModelTests<'r> {
    pub(crate) fn new(conjuncts: &'r [Conjunct], graph: &Graph) -> Self {
        let mut all = Self { tests: Vec::new() };
        conjuncts.iter().for_each(|conjunct| all.add(&conjunct.expr, graph));
        all
    }

    fn add<P>(&mut self, expr: &'r Expr<P>, graph: &Graph) {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| self.add(part, graph)),
            Expr::Not(part) => self.add(part, graph),
            Expr::OfModel { model, exact, .. } if self.find(model, *exact).is_none() => {
                let of = |table: voltwin_graph::TableRef<'_>| {
                    is_of_model(graph, table.model().as_str(), model, *exact)
                };
                self.tests.push((model, *exact, graph.tables().map(of).collect()));
            }
            _ => {}
        }
    }

    fn find(&self, model: &str, exact: bool) -> Option<&[bool]> {
        let found =
            self.tests.iter().find(|(other, other_exact, _)| *other == model && *other_exact == exact);
        found.map(|(.., tables)| tables.as_slice())
    }

    /// Whether the twins of a table are of `model`.
    pub(crate) fn holds(&self, model: &str, exact: bool, table: u16) -> bool {
        let tables = self.find(model, exact);
        tables.and_then(|tables| tables.get(usize::from(table))).copied().unwrap_or(false)
    }
}

/// Whether twins of the model `is` are of the model `wanted`: of it, of a later version of it, or of one that extends
/// either; with `exact` of it alone.
fn is_of_model(graph: &Graph, is: &str, wanted: &str, exact: bool) -> bool {
    if exact || is == wanted {
        return is == wanted;
    }
    let bases = graph.ontology().model(is).map_or(&[][..], |model| model.bases.as_slice());
    is_version_of(is, wanted) || bases.iter().any(|base| is_version_of(base.as_str(), wanted))
}

/// Whether a model id is `wanted` in that version or a later one.
fn is_version_of(model: &str, wanted: &str) -> bool {
    let split =
        |id: &str| id.rsplit_once(';').and_then(|(path, text)| Some((path.to_owned(), version(text)?)));
    match (split(model), split(wanted)) {
        (Some((path, version)), Some((wanted, least))) => path == wanted && version >= least,
        _ => false,
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_versions_are_of_the_model() {
        assert!(is_version_of("dtmi:a:B;10", "dtmi:a:B;9"));
        assert!(is_version_of("dtmi:a:B;1.2", "dtmi:a:B;1"));
        assert!(!is_version_of("dtmi:a:B;1", "dtmi:a:B;1.2"));
        assert!(!is_version_of("dtmi:a:B;2", "dtmi:a:C;1"));
        assert!(!is_version_of("dtmi:a:B;2", "dtmi:a:B"));
    }
}
