//! Licences, banned crates and sources, by the rules of deny.toml.
//!
//! cargo-deny does this when it is installed. Building it takes several hundred crates and many minutes on a small
//! machine, so without it the same three tables are read here: every package that `cargo metadata` resolves for this
//! machine has a licence that the list allows, is not banned, and comes from an allowed registry.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{shell::Cmd, workspace::Metadata};

/// The arguments of cargo-deny that cover the same ground.
pub(crate) fn cargo_deny(root: &Path) -> Cmd {
    Cmd::cargo(root).args(["deny", "check", "bans", "licenses", "sources"])
}

/// Whether cargo-deny can be used.
pub(crate) fn has_cargo_deny(root: &Path) -> bool {
    Cmd::cargo(root).args(["deny", "--version"]).works()
}

#[derive(Debug, Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// Our own reading of deny.toml; fails with every breach.
pub(crate) fn check(root: &Path) -> Result<()> {
    println!("cargo-deny is not installed: deny.toml is checked against `cargo metadata` instead");
    let rules: Rules = toml::from_str(&fs::read_to_string(root.join("deny.toml"))?).context("deny.toml")?;
    let metadata = Metadata::resolved(root)?;
    let mut breaches = Vec::new();
    for package in &metadata.packages {
        let Some(source) = &package.source else { continue };
        let label = format!("{} {}", package.name, package.version);
        let registry = source.strip_prefix("registry+").unwrap_or(source);
        if !rules.sources.allow_registry.iter().any(|allowed| allowed == registry) {
            breaches.push(format!("{label} comes from {source}"));
        }
        if rules.bans.deny.iter().any(|ban| ban.name == package.name) {
            breaches.push(format!("{label} is banned"));
        }
        match &package.license {
            None => breaches.push(format!("{label} names no licence")),
            Some(licence) => match allowed(licence, &rules.licenses.allow) {
                Ok(true) => {}
                Ok(false) => breaches.push(format!("{label} has the licence {licence}")),
                Err(error) => breaches.push(format!("{label}: licence {licence:?}: {error}")),
            },
        }
    }
    if breaches.is_empty() {
        println!("{} packages are allowed", metadata.packages.len());
        return Ok(());
    }
    bail!("{} breaches of deny.toml:\n  {}", breaches.len(), breaches.join("\n  "))
}

/// Whether an SPDX expression can be met with the allowed licences. `/`, which older packages use, means `OR`.
fn allowed(expression: &str, allow: &[String]) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allow)?;
    match words.next() {
        None => Ok(met),
        Some(word) => bail!("unexpected {word:?}"),
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allow: &[String]) -> Result<bool> {
    let mut met = all(words, allow)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allow)?;
    }
    Ok(met)
}

fn all(words: &mut Words<'_>, allow: &[String]) -> Result<bool> {
    let mut met = one(words, allow)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allow)?;
    }
    Ok(met)
}

fn one(words: &mut Words<'_>, allow: &[String]) -> Result<bool> {
    let word = words.next().context("ends too early")?;
    if word == "(" {
        let met = any(words, allow)?;
        if words.next() != Some(")") {
            bail!("a bracket is not closed");
        }
        return Ok(met);
    }
    let mut licence = word.to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next().context("ends too early")?);
    }
    Ok(allow.contains(&licence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_by_their_brackets() {
        let allow: Vec<String> = ["MIT", "Apache-2.0", "Unicode-3.0"].map(String::from).to_vec();
        let allowed = |expression: &str| allowed(expression, &allow);
        assert!(allowed("MIT OR GPL-3.0").unwrap());
        assert!(allowed("GPL-3.0/MIT").unwrap());
        assert!(!allowed("MIT AND GPL-3.0").unwrap());
        assert!(allowed("(MIT OR GPL-3.0) AND Unicode-3.0").unwrap());
        assert!(!allowed("MIT OR GPL-3.0 AND Unicode-3.0").is_ok_and(|met| !met));
        assert!(!allowed("Apache-2.0 WITH LLVM-exception").unwrap());
        assert!(allowed("(MIT").is_err());
        assert!(allowed("MIT MIT").is_err());
    }
}
