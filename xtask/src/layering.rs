//! Holds the house together: arrows point only downwards.
//!
//! The floors and what they may use stand in the table of ARCHITECTURE.md, and this check reads them there, so that
//! the picture and the build cannot part. Between rooms of one floor only the edges of [`SAME_FLOOR`] exist. Every
//! dependency goes through the workspace, every crate takes the workspace's lints.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::workspace::{Metadata, Package};

/// Edges inside a floor, `(room, room that it may use)`.
const SAME_FLOOR: &[(&str, &str)] = &[
    ("app/cli", "app/fleet-sim"),
    ("app/cli", "app/server"),
    ("app/server", "app/adt"),
    ("live/batteries", "live/runtime"),
    ("live/csms", "live/runtime"),
    ("live/delivery", "live/runtime"),
    ("live/operations", "live/csms"),
    ("live/operations", "live/runtime"),
    ("live/processors", "live/runtime"),
    ("model/document", "model/core"),
    ("model/document", "model/graph"),
    ("model/document", "model/ontology"),
    ("model/graph", "model/core"),
    ("model/graph", "model/ontology"),
    ("model/ontology", "model/core"),
    ("model/ontology", "model/dtdl"),
    ("model/query", "model/core"),
    ("model/query", "model/document"),
    ("model/query", "model/graph"),
    ("model/query", "model/ontology"),
    ("platform/history", "platform/store"),
    ("platform/store", "platform/security"),
    ("science/dfn", "science/cell"),
    ("science/energy", "science/optimise"),
    ("science/estimation", "science/battery"),
    ("science/estimation", "science/cell"),
    ("science/prognosis", "science/ageing"),
    ("science/swap", "science/des"),
];

/// Fails with every breach, not only the first.
pub(crate) fn check(root: &Path) -> Result<()> {
    let house = House::read(&fs::read_to_string(root.join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?)?;
    let metadata = Metadata::workspace(root)?;
    let mut breaches = Vec::new();
    for package in &metadata.packages {
        house.check_edges(root, package, &mut breaches);
        check_manifest(root, package, &mut breaches)?;
    }
    if breaches.is_empty() {
        println!(
            "{} crates on {} floors keep to ARCHITECTURE.md",
            metadata.packages.len(),
            house.floors.len()
        );
        return Ok(());
    }
    bail!("{} breaches:\n  {}", breaches.len(), breaches.join("\n  "))
}

/// Floors by name, each with the floors below that it may use, and the rooms that the table names.
#[derive(Debug)]
struct House {
    floors: BTreeMap<String, Vec<String>>,
    rooms: Vec<String>,
}

impl House {
    fn read(document: &str) -> Result<Self> {
        let rows: Vec<(String, String, String)> = document
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `crates/")?.split('|').map(str::trim);
                let floor = cells.next()?.trim_end_matches('`').to_owned();
                Some((floor, cells.next()?.to_owned(), cells.next()?.to_owned()))
            })
            .collect();
        if rows.is_empty() {
            bail!("ARCHITECTURE.md has no table of floors (rows that begin with \"| `crates/\")");
        }
        let names: Vec<String> = rows.iter().map(|(floor, ..)| floor.clone()).collect();
        let mut house = Self { floors: BTreeMap::new(), rooms: Vec::new() };
        for (place, (floor, uses, rooms)) in rows.iter().enumerate() {
            let below = &names[place + 1..];
            let allowed = if uses == "everything below" {
                below.to_vec()
            } else {
                uses.split(',').map(|name| name.trim().to_owned()).filter(|name| name != "nothing").collect()
            };
            for name in &allowed {
                if name != floor && !below.contains(name) {
                    bail!("ARCHITECTURE.md lets `{floor}` use `{name}`, which does not stand below it");
                }
            }
            house.floors.insert(floor.clone(), allowed);
            let named = rooms.split('`').skip(1).step_by(2).filter(|name| *name != "voltwin");
            house.rooms.extend(named.map(|name| format!("{floor}/{name}")));
        }
        Ok(house)
    }

    fn check_edges(&self, root: &Path, package: &Package, breaches: &mut Vec<String>) {
        let Some(room) = room(root, &package.manifest_path) else { return };
        if !self.rooms.contains(&room) {
            breaches.push(format!("crates/{room} has no place in the table of ARCHITECTURE.md"));
        }
        for dependency in &package.dependencies {
            let Some(path) = &dependency.path else { continue };
            match room_of_folder(root, path) {
                Some(used) if self.allows(&room, &used) => {}
                Some(used) => breaches.push(format!("{room} must not use {used} ({})", dependency.name)),
                None => {
                    breaches.push(format!("{room} uses {}, which is no crate of the house", path.display()));
                }
            }
        }
    }

    fn allows(&self, room: &str, used: &str) -> bool {
        let (Some(floor), Some(below)) = (floor(room), floor(used)) else { return false };
        if floor == below {
            return SAME_FLOOR.contains(&(room, used));
        }
        self.floors.get(floor).is_some_and(|allowed| allowed.iter().any(|name| name == below))
    }
}

fn room(root: &Path, manifest: &Path) -> Option<String> {
    room_of_folder(root, manifest.parent()?)
}

fn room_of_folder(root: &Path, folder: &Path) -> Option<String> {
    let inside = folder.strip_prefix(root.join("crates")).ok()?;
    Some(inside.to_string_lossy().replace('\\', "/"))
}

fn floor(room: &str) -> Option<&str> {
    room.split_once('/').map(|(floor, _)| floor)
}

/// Dependencies come from `[workspace.dependencies]`, lints from `[workspace.lints]`.
fn check_manifest(root: &Path, package: &Package, breaches: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(&package.manifest_path)?;
    let manifest: toml::Table = text.parse().with_context(|| package.manifest_path.display().to_string())?;
    let place =
        package.manifest_path.strip_prefix(root).unwrap_or(&package.manifest_path).display().to_string();
    let inherits = |value: Option<&toml::Value>| {
        value.and_then(|value| value.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
    };
    if !inherits(manifest.get("lints")) {
        breaches.push(format!("{place} lacks `[lints] workspace = true`"));
    }
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(table) = manifest.get(kind).and_then(toml::Value::as_table) else { continue };
        for (name, value) in table {
            if !inherits(Some(value)) {
                breaches.push(format!("{place}: `{name}` in [{kind}] must be `{name}.workspace = true`"));
            }
        }
    }
    if manifest.contains_key("target") {
        breaches.push(format!("{place}: [target] dependencies are not in use here"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
| floor | may use | rooms |
| `crates/app` | everything below | `cli` (the `voltwin` binary), `server` |
| `crates/live` | platform, model | `runtime`, `csms` |
| `crates/platform` | model | `store` |
| `crates/science` | model | `battery` |
| `crates/model` | model | `core`, `graph` |
";

    #[test]
    fn the_table_decides() {
        let house = House::read(TABLE).unwrap();
        assert!(house.allows("app/cli", "science/battery"));
        assert!(house.allows("app/cli", "app/server"));
        assert!(house.allows("live/csms", "live/runtime"));
        assert!(house.allows("platform/store", "model/core"));
        assert!(!house.allows("platform/store", "science/battery"));
        assert!(!house.allows("live/runtime", "live/csms"));
        assert!(!house.allows("model/core", "model/graph"));
        assert!(!house.allows("science/battery", "platform/store"));
        assert!(!house.allows("live/csms", "science/battery"));
        assert_eq!(house.rooms[..3], ["app/cli", "app/server", "live/runtime"]);
    }

    #[test]
    fn an_upward_arrow_in_the_table_itself_is_refused() {
        let upward = "| `crates/live` | app | x |\n| `crates/app` | everything below | y |\n";
        assert!(House::read(upward).is_ok());
        let upward = "| `crates/app` | everything below | y |\n| `crates/live` | app | x |\n";
        let message = House::read(upward).unwrap_err().to_string();
        assert!(message.contains("`live` use `app`"), "{message}");
        assert!(House::read("no table").is_err());
    }
}
