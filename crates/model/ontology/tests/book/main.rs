//! The reference of the kinds of twin, `docs/ontology/`: written from the files of `ontology/` (`cargo xtask codegen`), and
//! proved to be fresh. It is made of what the files say, without the compiler of this crate.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod diagram;
mod kinds;
mod page;

use kinds::{CHAPTERS, Kinds};

/// What the index begins with.
const HEAD: &str = include_str!("head.txt");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// File name and text of each page.
fn book(kinds: &Kinds) -> Vec<(String, String)> {
    let mut pages = vec![("README.md".to_owned(), page::index(kinds, HEAD))];
    for chapter in CHAPTERS {
        pages.push((format!("{}.md", chapter.folder), page::chapter(kinds, chapter)));
    }
    pages
}

#[test]
fn the_reference_is_fresh() {
    let folder = root().join("docs/ontology");
    let pages = book(&Kinds::read(&root().join("ontology")));
    if std::env::var_os("VOLTWIN_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &pages {
        let there = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(there == *text, "docs/ontology/{name} is stale: run `cargo xtask codegen`");
    }
    let written: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let found = std::fs::read_dir(folder).unwrap();
    let found: BTreeSet<String> =
        found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, written, "pages that no chapter has");
}

#[test]
fn every_kind_is_told_of_once() {
    let kinds = Kinds::read(&root().join("ontology"));
    let text: String = book(&kinds).into_iter().map(|(_, text)| text).collect();
    for kind in kinds.all() {
        let heading = format!("\n## {}\n", kind.name());
        assert_eq!(text.matches(&heading).count(), 1, "{}", kind.id());
        for content in kind.contents() {
            let name = content["name"].as_str().unwrap();
            assert!(text.contains(&format!("| `{name}` |")), "{} {name}", kind.id());
        }
    }
}
