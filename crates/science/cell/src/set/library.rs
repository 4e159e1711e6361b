use super::ParameterSet;
use crate::CellError;

/// The sets of this crate as text.
const SETS: &[(&str, &str)] = &[
    ("APR18650M1A", include_str!("../../sets/APR18650M1A.toml")),
    ("Chen2020", include_str!("../../sets/Chen2020.toml")),
    ("Marquis2019", include_str!("../../sets/Marquis2019.toml")),
    ("NCA_Kim2011", include_str!("../../sets/NCA_Kim2011.toml")),
    ("ORegan2022", include_str!("../../sets/ORegan2022.toml")),
    ("Prada2013", include_str!("../../sets/Prada2013.toml")),
];

/// Names of all sets, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|(name, _)| *name)
}

/// The set of a name; upper and lower case are alike.
///
/// # Errors
/// When there is none, with the names that there are.
pub fn named(name: &str) -> Result<ParameterSet, CellError> {
    match SETS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, text)) => ParameterSet::from_toml(text),
        None => {
            let known = names().collect::<Vec<_>>().join(", ");
            Err(CellError::UnknownSet { name: name.to_owned(), known })
        }
    }
}
