//! The language of Terraform, laid out as `terraform fmt` would: equals signs of neighbouring lines stand below one
//! another, and what takes several lines stands apart.

use std::fmt::Write as _;

/// What stands right of an equals sign.
#[derive(Debug, Clone)]
pub(crate) enum Expression {
    /// In one line, as it is.
    Line(String),
    List(Vec<Expression>),
    Object(Vec<(String, Expression)>),
    /// A text of several lines.
    Heredoc(String),
}

impl Expression {
    fn is_line(&self) -> bool {
        match self {
            Self::Line(_) => true,
            Self::List(items) => items.iter().all(Self::is_line),
            Self::Object(entries) => entries.is_empty(),
            Self::Heredoc(_) => false,
        }
    }

    fn write(&self, depth: usize, out: &mut String) {
        let margin = "  ".repeat(depth);
        match self {
            Self::Line(text) => out.push_str(text),
            Self::List(items) if self.is_line() => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    item.write(depth, out);
                }
                out.push(']');
            }
            Self::List(items) => {
                out.push_str("[\n");
                for item in items {
                    let _ = write!(out, "{margin}  ");
                    item.write(depth + 1, out);
                    out.push_str(",\n");
                }
                let _ = write!(out, "{margin}]");
            }
            Self::Object(entries) if entries.is_empty() => out.push_str("{}"),
            Self::Object(entries) => {
                out.push_str("{\n");
                write_lines(entries, depth + 1, out);
                let _ = write!(out, "{margin}}}");
            }
            Self::Heredoc(text) => {
                out.push_str("<<-EOT\n");
                for line in text.lines() {
                    if line.is_empty() {
                        out.push('\n');
                    } else {
                        let _ = writeln!(out, "{margin}  {line}");
                    }
                }
                let _ = write!(out, "{margin}EOT");
            }
        }
    }
}

/// A block with its labels.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    head: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// Lines that stand together.
    Lines(Vec<(String, Expression)>),
    Block(Block),
}

impl Block {
    pub(crate) fn new(kind: &str, labels: &[&str]) -> Self {
        let mut head = kind.to_owned();
        labels.iter().for_each(|label| {
            let _ = write!(head, " \"{label}\"");
        });
        Self { head, parts: Vec::new() }
    }

    pub(crate) fn line(mut self, name: &str, text: impl Into<String>) -> Self {
        self.put(name, Expression::Line(text.into()));
        self
    }

    pub(crate) fn set(mut self, name: &str, expression: Expression) -> Self {
        self.put(name, expression);
        self
    }

    pub(crate) fn block(mut self, block: Self) -> Self {
        self.parts.push(Part::Block(block));
        self
    }

    fn put(&mut self, name: &str, expression: Expression) {
        let entry = (name.to_owned(), expression);
        let apart = !entry.1.is_line();
        match self.parts.last_mut() {
            Some(Part::Lines(lines)) if !apart && lines.iter().all(|(_, line)| line.is_line()) => {
                lines.push(entry);
            }
            _ => self.parts.push(Part::Lines(vec![entry])),
        }
    }

    /// The block with its line break.
    pub(crate) fn write(&self, depth: usize, out: &mut String) {
        let margin = "  ".repeat(depth);
        if self.parts.is_empty() {
            let _ = writeln!(out, "{margin}{} {{}}", self.head);
            return;
        }
        let _ = writeln!(out, "{margin}{} {{", self.head);
        for (place, part) in self.parts.iter().enumerate() {
            if place > 0 {
                out.push('\n');
            }
            match part {
                Part::Lines(lines) => write_lines(lines, depth + 1, out),
                Part::Block(block) => block.write(depth + 1, out),
            }
        }
        let _ = writeln!(out, "{margin}}}");
    }
}

/// Entries, one a line; neighbours that take one line each have their equals signs below one another.
fn write_lines(entries: &[(String, Expression)], depth: usize, out: &mut String) {
    let margin = "  ".repeat(depth);
    let mut rest = entries;
    while let Some(((name, expression), after)) = rest.split_first() {
        let together = rest.iter().take_while(|(_, expression)| expression.is_line()).count();
        if together == 0 {
            let _ = write!(out, "{margin}{name} = ");
            expression.write(depth, out);
            out.push('\n');
            rest = after;
            continue;
        }
        let (lines, after) = rest.split_at(together);
        let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, expression) in lines {
            let _ = write!(out, "{margin}{name:width$} = ");
            expression.write(depth, out);
            out.push('\n');
        }
        rest = after;
    }
}

/// A text in quotes, with everything in it taken as it is.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// What may stand between quotes.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    no_templates(&text)
}

/// A text in which `${` and `%{` mean themselves.
pub(crate) fn no_templates(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_laid_out_as_the_tool_does() {
        let line = |text: &str| Expression::Line(text.to_owned());
        let entry = |name: &str, expression| (name.to_owned(), expression);
        let inner = Expression::Object(vec![entry("a", line("1")), entry("long", line("2"))]);
        let block = Block::new("resource", &["x", "y"])
            .line("name", quoted("a${b}\"%{c}"))
            .line("location", "var.location")
            .set(
                "body",
                Expression::Object(vec![
                    entry("k", line("true")),
                    entry("list", Expression::List(vec![inner])),
                    entry("z", Expression::List(vec![line("1"), line("2")])),
                    entry("none", Expression::Object(Vec::new())),
                ]),
            )
            .line("last", "1")
            .set("text", Expression::Heredoc("one\n\n  two\n".to_owned()))
            .block(Block::new("lifecycle", &[]).line("a", "1"));
        let mut out = String::new();
        block.write(0, &mut out);
        let wanted = "resource \"x\" \"y\" {\n  name     = \"a$${b}\\\"%%{c}\"\n  location = var.location\n\n  body = {\n    k = true\n    list = [\n      {\n        a    = 1\n        long = 2\n      },\n    ]\n    z    = [1, 2]\n    none = {}\n  }\n\n  last = 1\n\n  text = <<-EOT\n    one\n\n      two\n  EOT\n\n  lifecycle {\n    a = 1\n  }\n}\n";
        assert_eq!(out, wanted);
    }
}
