//! The rules of Azure for names, one for each kind of resource.
//!
//! Source: "Naming rules and restrictions for Azure resources", Microsoft Learn.

use crate::config::Names;

/// What a name must look like.
pub(crate) struct Rule {
    /// The field of `[names]`.
    pub(crate) field: &'static str,
    /// Characters, at least and at most.
    pub(crate) length: (usize, usize),
    /// Whether hyphens and capital letters are allowed.
    pub(crate) plain: bool,
    /// Whether the first character must be a letter.
    pub(crate) letter_first: bool,
    /// Endings that are taken.
    pub(crate) not_ending: &'static [&'static str],
    /// Whether two hyphens may stand together.
    pub(crate) double_hyphen: bool,
}

const HYPHENS: Rule = Rule {
    field: "",
    length: (3, 63),
    plain: false,
    letter_first: false,
    not_ending: &[],
    double_hyphen: true,
};
const NAMESPACE: Rule = Rule { length: (6, 50), letter_first: true, ..HYPHENS };
const PLAIN: Rule = Rule { plain: true, ..HYPHENS };

impl Names {
    /// The names that are given, each with its rule.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&str, Rule)> {
        let all = [
            (&self.digital_twins, Rule { field: "digital_twins", ..HYPHENS }),
            (&self.event_hubs, Rule { field: "event_hubs", ..NAMESPACE }),
            (&self.service_bus, Rule { field: "service_bus", not_ending: &["-sb", "-mgmt"], ..NAMESPACE }),
            (&self.event_grid, Rule { field: "event_grid", length: (3, 50), ..HYPHENS }),
            (
                &self.data_explorer,
                Rule { field: "data_explorer", length: (4, 22), letter_first: true, ..PLAIN },
            ),
            (&self.iot_hub, Rule { field: "iot_hub", length: (3, 50), ..HYPHENS }),
            (&self.storage, Rule { field: "storage", length: (3, 24), ..PLAIN }),
            (
                &self.key_vault,
                Rule {
                    field: "key_vault",
                    length: (3, 24),
                    letter_first: true,
                    double_hyphen: false,
                    ..HYPHENS
                },
            ),
        ];
        all.into_iter().filter_map(|(name, rule)| Some((name.as_deref()?, rule)))
    }
}

impl Rule {
    pub(crate) fn holds(&self, name: &str) -> bool {
        let (min, max) = self.length;
        let letter = |c: char| if self.plain { c.is_ascii_lowercase() } else { c.is_ascii_alphabetic() };
        let solid = |c: char| letter(c) || c.is_ascii_digit();
        (min..=max).contains(&name.len())
            && name.chars().all(|c| solid(c) || (!self.plain && c == '-'))
            && name.starts_with(|c| if self.letter_first { letter(c) } else { solid(c) })
            && name.ends_with(solid)
            && (self.double_hyphen || !name.contains("--"))
            && !self.not_ending.iter().any(|end| name.ends_with(end))
    }

    /// The rule as a sentence goes on after "must be".
    pub(crate) fn said(&self) -> String {
        let (min, max) = self.length;
        let of = if self.plain { "lower-case letters and digits" } else { "letters, digits and hyphens" };
        let mut said = format!("{min} to {max} {of}");
        said.push_str(match (self.letter_first, self.plain) {
            (true, true) => ", a letter first",
            (true, false) => ", a letter first and no hyphen last",
            (false, true) => "",
            (false, false) => ", no hyphen first or last",
        });
        if !self.double_hyphen {
            said.push_str(", no two hyphens together");
        }
        if !self.not_ending.is_empty() {
            said.push_str(&format!(", not ending with {}", self.not_ending.join(" or ")));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(field: &str, name: &str) -> bool {
        let given = Some(name.to_owned());
        let mut names = Names::default();
        match field {
            "digital_twins" => names.digital_twins = given,
            "service_bus" => names.service_bus = given,
            "data_explorer" => names.data_explorer = given,
            "storage" => names.storage = given,
            "key_vault" => names.key_vault = given,
            other => panic!("{other}"),
        }
        let (name, rule) = names.given().next().unwrap();
        rule.holds(name)
    }

    #[test]
    fn each_kind_has_its_rule() {
        for (field, good, bad) in [
            ("digital_twins", "a-B3", ["ab", "-abc", "abc-", "a_bc"]),
            ("service_bus", "Acme-1", ["1acme1", "acmes-sb", "acme1", "acme-mgmt"]),
            ("data_explorer", "acme1", ["1acme", "Acme1", "ac-me", "acm"]),
            ("storage", "1ab", ["ab", "aB1", "a-b", "äbc"]),
            ("key_vault", "a-b1", ["a--b", "1ab", "ab-", "a_b"]),
        ] {
            assert!(holds(field, good), "{field} {good}");
            for bad in bad {
                assert!(!holds(field, bad), "{field} {bad}");
            }
        }
        assert!(holds("storage", &"a".repeat(24)) && !holds("storage", &"a".repeat(25)));
        assert!(holds("digital_twins", &"a".repeat(63)) && !holds("digital_twins", &"a".repeat(64)));
    }
}
