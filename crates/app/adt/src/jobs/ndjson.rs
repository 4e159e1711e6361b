//! The file of an import: JSON line by line, in sections.
//!
//! `{"Section":"Header"}`, then one line with the version of the file, then any of the sections `Models`, `Twins` and
//! `Relationships`, each with one entry a line.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of one line at most: a model is the largest thing that stands on one.
pub(crate) const LINE_BYTES_MAX: usize = 1024 * 1024 + 1024;
/// The version of the file.
const FILE_VERSION: &str = "1.";

/// Where in the file a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, Deserialize)]
pub(crate) enum Section {
    #[default]
    Start,
    Header,
    Begun,
    Models,
    Twins,
    Relationships,
}

/// What a line is.
#[derive(Debug)]
pub(crate) enum Line {
    /// An empty one, or the header.
    Nothing,
    /// The beginning of a section.
    Section(Section),
    /// An entry of the section, as it stands there.
    Entry(Box<RawValue>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    #[serde(rename = "Section")]
    section: String,
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "fileVersion")]
    version: String,
}

/// An error that ends the import: from here on nobody knows what a line means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) String);

impl Section {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start | Self::Begun => "File",
            Self::Header => "Header",
            Self::Models => "Models",
            Self::Twins => "Twins",
            Self::Relationships => "Relationships",
        }
    }

    /// Reads a line that stands in this section, and moves to the section that the next one stands in. An entry that
    /// is no JSON is an error of that entry alone.
    pub(crate) fn read(&mut self, line: &[u8]) -> Result<Result<Line, String>, Broken> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let text = std::str::from_utf8(line).map(str::trim);
        let Ok(text) = text else { return self.odd("the line is not UTF-8".to_owned()) };
        if text.is_empty() {
            return Ok(Ok(Line::Nothing));
        }
        if text.contains("\"Section\"")
            && let Ok(mark) = serde_json::from_str::<Mark>(text)
        {
            return self.enter(&mark.section).map(Ok);
        }
        match self {
            Self::Start => Err(Broken(r#"the file must begin with {"Section":"Header"}"#.to_owned())),
            Self::Begun => Err(Broken("after the header a section must begin".to_owned())),
            Self::Header => {
                let header: Header = serde_json::from_str(text)
                    .map_err(|error| Broken(format!("the header must name its fileVersion: {error}")))?;
                if !header.version.starts_with(FILE_VERSION) {
                    let shown: String = header.version.chars().take(20).collect();
                    return Err(Broken(format!("fileVersion `{shown}` is not 1.0.0")));
                }
                *self = Self::Begun;
                Ok(Ok(Line::Nothing))
            }
            Self::Models | Self::Twins | Self::Relationships => {
                Ok(serde_json::from_str::<Box<RawValue>>(text)
                    .map(Line::Entry)
                    .map_err(|error| format!("the line is no JSON: {error}")))
            }
        }
    }

    fn enter(&mut self, name: &str) -> Result<Line, Broken> {
        let next = match name {
            "Header" => Self::Header,
            "Models" => Self::Models,
            "Twins" => Self::Twins,
            "Relationships" => Self::Relationships,
            _ => {
                let shown: String = name.chars().take(40).collect();
                return Err(Broken(format!("there is no section `{shown}`")));
            }
        };
        match (*self, next) {
            (Self::Start, Self::Header) => {}
            (Self::Start, _) => {
                return Err(Broken(r#"the file must begin with {"Section":"Header"}"#.to_owned()));
            }
            (Self::Header, _) => return Err(Broken("the header must name its fileVersion".to_owned())),
            (_, Self::Header) => return Err(Broken("the header comes once".to_owned())),
            _ => {}
        }
        *self = next;
        Ok(Line::Section(next))
    }

    /// A line that cannot be read: within a list an error of its own, elsewhere the end.
    fn odd(&self, why: String) -> Result<Result<Line, String>, Broken> {
        match self {
            Self::Models | Self::Twins | Self::Relationships => Ok(Err(why)),
            _ => Err(Broken(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entries of each section, `!` before those that are no JSON; or why the file is broken.
    fn read(file: &str) -> Result<Vec<String>, String> {
        let (mut section, mut found) = (Section::default(), Vec::new());
        for line in file.split('\n') {
            match section.read(line.as_bytes()).map_err(|Broken(why)| why)? {
                Ok(Line::Nothing) => {}
                Ok(Line::Section(section)) => found.push(format!("[{}]", section.name())),
                Ok(Line::Entry(entry)) => found.push(entry.get().to_owned()),
                Err(_) => found.push("!".to_owned()),
            }
        }
        Ok(found)
    }

    #[test]
    fn sections_and_entries_are_told_apart() {
        let file = "\u{feff}{\"Section\": \"Header\"}\r\n{\"fileVersion\":\"1.0.0\",\"author\":\"x\",\"organization\":\"y\"}\n\n\
                    {\"Section\":\"Models\"}\n{\"@id\":\"dtmi:a;1\"}\n{\"Section\":\"Twins\"}\n\
                    {\"$dtId\":\"a\",\"Section\":\"Twins\"}\n{broken\n{\"$dtId\":\"b\"}\n{\"Section\":\"Relationships\"}\n\
                    {\"$sourceId\":\"a\"}\n";
        let expected = [
            "[Header]",
            "[Models]",
            "{\"@id\":\"dtmi:a;1\"}",
            "[Twins]",
            "{\"$dtId\":\"a\",\"Section\":\"Twins\"}",
            "!",
            "{\"$dtId\":\"b\"}",
            "[Relationships]",
            "{\"$sourceId\":\"a\"}",
        ];
        assert_eq!(read(file).unwrap(), expected);
    }

    #[test]
    fn a_file_that_is_none_is_told_at_once() {
        let header = "{\"Section\":\"Header\"}\n{\"fileVersion\":\"1.0.0\"}\n";
        for (file, why) in [
            ("{\"$dtId\":\"a\"}", "must begin with"),
            ("{\"Section\":\"Twins\"}", "must begin with"),
            ("{\"Section\":\"Header\"}\n{\"Section\":\"Twins\"}", "fileVersion"),
            ("{\"Section\":\"Header\"}\n{\"fileVersion\":\"2.0\"}", "not 1.0.0"),
            (&format!("{header}{{\"$dtId\":\"a\"}}"), "a section must begin"),
            (&format!("{header}{{\"Section\":\"Things\"}}"), "no section `Things`"),
            (&format!("{header}{{\"Section\":\"Header\"}}"), "comes once"),
        ] {
            let found = read(file).unwrap_err();
            assert!(found.contains(why), "{file}: {found}");
        }
        let (mut section, mut twins) = (Section::Start, Section::Twins);
        assert!(section.read(b"\xff\xfe").is_err());
        assert!(twins.read(b"\xff\xfe").unwrap().is_err());
    }
}
