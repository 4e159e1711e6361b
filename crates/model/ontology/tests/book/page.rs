//! Pages in Markdown.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::diagram;
use crate::kinds::{CHAPTERS, Chapter, Kind, Kinds, text, words};

const GENERATED: &str = "<!-- Generated from ontology/ by `cargo xtask codegen`: change it there. -->\n";

/// Units of DTDL that ours are in, by their signs.
const UNITS: &[(&str, &str)] = &[
    ("ampere", "A"),
    ("ampereHour", "Ah"),
    ("degreeCelsius", "°C"),
    ("degreeOfArc", "°"),
    ("hertz", "Hz"),
    ("kilogram", "kg"),
    ("metre", "m"),
    ("metrePerSecond", "m/s"),
    ("metrePerSecondSquared", "m/s²"),
    ("newtonMetre", "N m"),
    ("ohm", "Ω"),
    ("radianPerSecond", "rad/s"),
    ("second", "s"),
    ("squareMetre", "m²"),
    ("volt", "V"),
    ("voltAmpere", "VA"),
    ("voltAmpereReactive", "var"),
    ("watt", "W"),
    ("wattHour", "Wh"),
    ("wattPerSquareMetre", "W/m²"),
];

/// The first page: all kinds at a glance.
pub(crate) fn index(kinds: &Kinds, head: &str) -> String {
    let mut out = format!("{GENERATED}{head}\n");
    out.push_str(&diagram::overview(kinds));
    for chapter in CHAPTERS {
        writeln!(out, "\n## {}\n\n{}\n", chapter.title, chapter.about).unwrap();
        out.push_str("| kind | what it is |\n| --- | --- |\n");
        for kind in kinds.of(chapter.folder) {
            writeln!(out, "| {} | {} |", link(kind), cell(kind.description())).unwrap();
        }
    }
    out
}

/// The page of a folder.
pub(crate) fn chapter(kinds: &Kinds, chapter: &Chapter) -> String {
    let mut out = format!("{GENERATED}# {}\n\n{}\n\n", chapter.title, chapter.about);
    out.push_str(&diagram::chapter(kinds, chapter));
    for kind in kinds.of(chapter.folder) {
        section(kinds, kind, &mut out);
    }
    out
}

fn section(kinds: &Kinds, kind: &Kind, out: &mut String) {
    writeln!(out, "\n## {}\n\n{}\n", kind.name(), kind.description()).unwrap();
    write!(out, "`{}`, [source](../../ontology/{}).", kind.id(), kind.file).unwrap();
    for base in kinds.bases(kind) {
        let inherited: Vec<String> =
            base.contents().iter().map(|content| format!("`{}`", text(&content["name"]))).collect();
        write!(out, " Extends {}", link(base)).unwrap();
        match inherited.len() {
            0 => out.push('.'),
            _ => write!(out, ", with its {}.", inherited.join(", ")).unwrap(),
        }
    }
    let extending: Vec<String> =
        kinds.all().iter().filter(|other| other.extends().any(|base| base == kind.id())).map(link).collect();
    if !extending.is_empty() {
        write!(out, " Extended by {}.", extending.join(", ")).unwrap();
    }
    let pointing: Vec<String> = kinds
        .all()
        .iter()
        .flat_map(|source| source.relationships().map(move |(content, target)| (source, content, target)))
        .filter(|(_, _, target)| *target == Some(kind.id()))
        .map(|(source, content, _)| format!("{} `{}`", link(source), text(&content["name"])))
        .collect();
    if !pointing.is_empty() {
        write!(out, " Target of {}.", pointing.join(", ")).unwrap();
    }
    out.push('\n');
    let property = |content: &Json| {
        format!("{} | {} | {}", holds(&content["schema"]), unit(content), yes(&content["writable"]))
    };
    table(out, "property | holds | unit | writable", kind.of_class("Property"), property);
    let relationship = |content: &Json| relationship(kinds, content);
    table(out, "relationship | to | at most | properties", kind.of_class("Relationship"), relationship);
    let component = |content: &Json| kinds.get(text(&content["schema"])).map(link).unwrap_or_default();
    table(out, "component | kind", kind.of_class("Component"), component);
    let telemetry = |content: &Json| format!("{} | {}", holds(&content["schema"]), unit(content));
    table(out, "telemetry | holds | unit", kind.of_class("Telemetry"), telemetry);
}

/// Contents a row: their names, some cells, what they mean. No contents, no table.
fn table<'k>(
    out: &mut String,
    columns: &str,
    contents: impl Iterator<Item = &'k Json>,
    cells: impl Fn(&'k Json) -> String,
) {
    for (number, content) in contents.enumerate() {
        if number == 0 {
            let rule = "| --- ".repeat(columns.matches('|').count() + 2);
            write!(out, "\n| {columns} | meaning |\n{rule}|\n").unwrap();
        }
        let (name, meaning) = (text(&content["name"]), cell(words(content)));
        writeln!(out, "| `{name}` | {} | {meaning} |", cells(content)).unwrap();
    }
}

fn relationship(kinds: &Kinds, content: &Json) -> String {
    let to = match content["target"].as_str() {
        None => "any twin".to_owned(),
        Some(id) => kinds.get(id).map_or_else(|| format!("`{id}`"), link),
    };
    let most = content["maxMultiplicity"].as_u64().map_or_else(String::new, |most| most.to_string());
    let properties: Vec<String> = content["properties"].as_array().into_iter().flatten().map(field).collect();
    format!("{to} | {most} | {}", properties.join("; "))
}

fn yes(value: &Json) -> &'static str {
    if value == true { "yes" } else { "no" }
}

/// What a schema holds, in words.
fn holds(schema: &Json) -> String {
    match text(&schema["@type"]) {
        "Enum" => {
            let values = schema["enumValues"].as_array().into_iter().flatten();
            let values: Vec<String> =
                values.map(|value| format!("`{}`", shown(&value["enumValue"]))).collect();
            values.join(", ")
        }
        "Array" => format!("array of {}", holds(&schema["elementSchema"])),
        "Map" => {
            let (key, value) = (&schema["mapKey"]["name"], &schema["mapValue"]["schema"]);
            format!("map by {} of {}", text(key), holds(value))
        }
        "Object" => {
            let fields = schema["fields"].as_array().into_iter().flatten();
            let fields: Vec<String> = fields.map(field).collect();
            format!("object: {}", fields.join("; "))
        }
        _ => text(schema).to_owned(),
    }
}

/// A field of an object, or a property of a relationship.
fn field(field: &Json) -> String {
    let (unit, meaning) = (unit(field), cell(words(field)));
    let gap = if unit.is_empty() { "" } else { " " };
    let (name, meaning) = (text(&field["name"]), meaning.trim_end_matches('.'));
    format!("`{name}` {}{gap}{unit} ({meaning})", holds(&field["schema"]))
}

fn unit(content: &Json) -> &str {
    let unit = text(&content["unit"]);
    UNITS.iter().find(|(name, _)| *name == unit).map_or(unit, |(_, sign)| sign)
}

fn shown(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn link(kind: &Kind) -> String {
    format!("[{}]({}.md#{})", kind.name(), kind.folder, kind.name().to_lowercase())
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
