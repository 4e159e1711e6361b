//! Small rules about files that no compiler knows.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::shell::Cmd;

/// A file that nobody can read in one go is two files.
const LINES_MAX: usize = 800;

/// Folders and endings of what people write by hand.
const SOURCES: &[&str] = &["rs", "ts", "tsx", "css", "html", "py", "md", "toml", "sql", "sh"];

/// Marks of unfinished work, spelt apart so that this file passes its own check.
const UNFINISHED: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];

/// Fails with every breach, not only the first.
pub(crate) fn check(root: &Path) -> Result<()> {
    let listed =
        Cmd::new("git", root).args(["ls-files", "--cached", "--others", "--exclude-standard"]).read()?;
    let mut breaches = Vec::new();
    let mut files = 0_usize;
    for name in listed.lines() {
        let path = root.join(name);
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !SOURCES.contains(&ending) || !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| name.to_owned())?;
        files += 1;
        check_text(name, &text, &mut breaches);
        if ending == "md" {
            check_links(root, name, &text, &mut breaches);
        }
    }
    if breaches.is_empty() {
        println!("{files} files are tidy");
        return Ok(());
    }
    bail!("{} breaches:\n  {}", breaches.len(), breaches.join("\n  "))
}

fn check_text(name: &str, text: &str, breaches: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > LINES_MAX && !name.contains(".generated.") {
        breaches.push(format!("{name} has {lines} lines, {LINES_MAX} at most: split it by meaning"));
    }
    for (number, line) in text.lines().enumerate() {
        for mark in UNFINISHED {
            if has_word(line, mark) {
                breaches.push(format!("{name}:{}: unfinished work ({mark})", number + 1));
            }
        }
    }
}

/// The mark not as a part of a longer word.
fn has_word(line: &str, mark: &str) -> bool {
    let part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    line.match_indices(mark).any(|(at, _)| {
        let bytes = line.as_bytes();
        let before = at.checked_sub(1).and_then(|place| bytes.get(place));
        let after = bytes.get(at + mark.len());
        !part(before) && (mark.ends_with('(') || !part(after))
    })
}

/// `[text](target)`: a target inside the repository exists, and so does its heading.
fn check_links(root: &Path, name: &str, text: &str, breaches: &mut Vec<String>) {
    let folder = root.join(name).parent().map(Path::to_owned).unwrap_or_default();
    for target in links(text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = if file.is_empty() { root.join(name) } else { folder.join(file) };
        if !path.exists() {
            breaches.push(format!("{name}: the link to {target} leads nowhere"));
        } else if !heading.is_empty() && path.extension().is_some_and(|ending| ending == "md") {
            let document = fs::read_to_string(&path).unwrap_or_default();
            if !headings(&document).any(|known| known == heading) {
                breaches.push(format!("{name}: no heading of {file} is #{heading}"));
            }
        }
    }
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines()
        .filter(move |line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
        .flat_map(|line| line.match_indices("](").map(move |(at, _)| &line[at + 2..]))
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target.trim()))
        .filter(|target| !target.is_empty() && !target.contains(' '))
}

fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .collect::<String>()
            .replace(' ', "-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_is_found_as_a_word() {
        let mark = UNFINISHED[0];
        assert!(has_word(&format!("// {mark}: later"), mark));
        assert!(!has_word(&format!("const NO{mark}S: u8"), mark));
        assert!(has_word(&format!("    {})", UNFINISHED[2]), UNFINISHED[2]));
        assert!(!has_word("a mastodon! (big)", UNFINISHED[2]));
    }

    #[test]
    fn links_and_headings_are_read_as_a_reader_sees_them() {
        let text = "# Two words\n[a](b.md#two-words) and ![c](d.png)\n```\n[no](x)\n```\n";
        assert_eq!(links(text).collect::<Vec<_>>(), ["b.md#two-words", "d.png"]);
        assert_eq!(headings(text).collect::<Vec<_>>(), ["two-words"]);
    }
}
