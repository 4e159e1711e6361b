//! Mermaid diagrams of kinds and chapters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::kinds::{CHAPTERS, Chapter, Kind, Kinds, short, text};

/// Names of relationships on one line of a chapter's edge.
const NAMES_MAX: usize = 3;

/// The chapters with their kinds, and which relationships lead from one to another.
pub(crate) fn overview(kinds: &Kinds) -> String {
    let ours = || CHAPTERS.iter().filter(|chapter| chapter.folder != "energygrid");
    let mut out = String::from("```mermaid\nflowchart LR\n");
    for chapter in ours() {
        let names: Vec<&str> = kinds.of(chapter.folder).map(Kind::name).collect();
        let lines: Vec<String> = names.chunks(3).map(|names| names.join(", ")).collect();
        writeln!(out, "  {}[\"<b>{}</b><br>{}\"]", chapter.folder, chapter.title, lines.join("<br>"))
            .unwrap();
    }
    let mut edges: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for chapter in ours() {
        for kind in kinds.of(chapter.folder) {
            for (relationship, target) in kind.relationships() {
                if let Some(target) =
                    target.and_then(|id| kinds.get(id)).filter(|to| to.folder != kind.folder)
                {
                    let names = edges.entry((&kind.folder, &target.folder)).or_default();
                    names.insert(text(&relationship["name"]));
                }
            }
        }
    }
    for ((from, to), names) in edges {
        let mut shown: Vec<&str> = names.iter().copied().take(NAMES_MAX).collect();
        if names.len() > NAMES_MAX {
            shown.push("…");
        }
        writeln!(out, "  {from} -->|{}| {to}", shown.join(", ")).unwrap();
    }
    out.push_str("```\n");
    out
}

/// The kinds of a chapter and where their relationships lead; those of other chapters are round.
pub(crate) fn chapter(kinds: &Kinds, chapter: &Chapter) -> String {
    let mut nodes: BTreeMap<&str, bool> = kinds.of(chapter.folder).map(|kind| (kind.name(), true)).collect();
    let mut edges = String::new();
    for kind in kinds.of(chapter.folder) {
        for base in kind.extends() {
            nodes.entry(short(base)).or_insert(false);
            writeln!(edges, "  {} -. is a .-> {}", kind.name(), short(base)).unwrap();
        }
        for (relationship, target) in kind.relationships() {
            let target = target.map_or("any", short);
            nodes.entry(target).or_insert(false);
            writeln!(edges, "  {} -->|{}| {target}", kind.name(), text(&relationship["name"])).unwrap();
        }
        for component in kind.of_class("Component") {
            let part = short(text(&component["schema"]));
            nodes.entry(part).or_insert(false);
            writeln!(edges, "  {} --o|{}| {part}", kind.name(), text(&component["name"])).unwrap();
        }
    }
    let mut out = String::from("```mermaid\nflowchart LR\n");
    for (name, is_here) in nodes {
        let name_shown = if name == "any" { "any twin" } else { name };
        let (open, close) = if is_here { ("[\"", "\"]") } else { ("([\"", "\"])") };
        writeln!(out, "  {name}{open}{name_shown}{close}").unwrap();
    }
    out.push_str(&edges);
    out.push_str("```\n");
    out
}
