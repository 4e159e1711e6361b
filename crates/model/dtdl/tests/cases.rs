//! The published cases of DTDL, where they lie beside the repository: every verdict, the rules that are named, and
//! values judged by schemas.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use voltwin_dtdl::{Error, Options, UndefinedExtensions, parse};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    valid: bool,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    acceptable_limits: Option<Vec<String>>,
    input: Vec<Box<RawValue>>,
    #[serde(default)]
    expect: Expected,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Expected {
    parsing_errors: Vec<ParsingError>,
    unresolved_identifiers: Vec<String>,
}

#[derive(Deserialize)]
struct ParsingError {
    #[serde(rename = "ValidationID")]
    validation_id: String,
}

#[derive(Deserialize)]
struct Instance {
    /// The DTMI of a schema.
    subject: String,
    conforms: bool,
    /// JSON.
    submit: String,
}

/// Where the cases lie beside the repository. They are no part of it, so without them there is nothing to test.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/dtdl/cases");
    folder.is_dir().then_some(folder)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?.path();
        if entry.is_dir() {
            files(&entry, found)?;
        } else if entry.extension().is_some_and(|end| end == "json") {
            found.push(entry);
        }
    }
    Ok(())
}

/// What is not as expected, one line each.
fn wrong(case: &Case) -> Vec<String> {
    let mut options = Options { limit_contexts: case.acceptable_limits.clone(), ..Options::default() };
    for option in &case.options {
        match option.as_str() {
            "AllowUndefinedExtensions" => options.undefined_extensions = UndefinedExtensions::Allow,
            "DisallowUndefinedExtensions" => options.undefined_extensions = UndefinedExtensions::Deny,
            _ => {}
        }
    }
    let texts: Vec<&str> = case.input.iter().map(|text| text.get()).collect();
    let mut wrong = Vec::new();
    match parse(&texts, &options) {
        Ok(model) => {
            if !case.valid {
                wrong.push("is accepted".to_owned());
            }
            // a JSON value does not tell -0.0, which is no integer, from -0, which is one
            for instance in case.instances.iter().filter(|instance| instance.submit != "-0.0") {
                let value = serde_json::from_str::<Value>(&instance.submit);
                let conforms = value.is_ok_and(|value| model.check_value(&instance.subject, &value).is_ok());
                if conforms != instance.conforms {
                    wrong.push(format!("{} {}: {conforms}", instance.subject, instance.submit));
                }
            }
        }
        Err(error) => {
            if case.valid {
                wrong.push(format!("is refused: {error}"));
            }
            wrong.extend(misnamed(&error, &case.expect));
        }
    }
    wrong
}

fn misnamed(error: &Error, expected: &Expected) -> Option<String> {
    match error {
        Error::Invalid(violations) => {
            let named: BTreeSet<&str> = violations.iter().map(|violation| violation.rule.id()).collect();
            let wanted: BTreeSet<&str> =
                expected.parsing_errors.iter().map(|error| error.validation_id.as_str()).collect();
            let off = !wanted.is_empty() && !named.is_subset(&wanted);
            off.then(|| format!("names {named:?}, not {wanted:?}"))
        }
        Error::Unresolved(missing) => {
            let (found, wanted): (BTreeSet<_>, BTreeSet<_>) =
                (missing.iter().collect(), expected.unresolved_identifiers.iter().collect());
            let off = !wanted.is_empty() && found != wanted;
            off.then(|| format!("misses {found:?}, not {wanted:?}"))
        }
    }
}

#[test]
fn every_published_case_is_judged_as_published() {
    let Some(folder) = folder() else { return };
    let mut paths = Vec::new();
    files(&folder, &mut paths).unwrap();
    let (mut count, mut failures) = (0, Vec::new());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let cases: Vec<Case> = match text.starts_with('[') {
            true => serde_json::from_str(text).unwrap_or_default(),
            false => serde_json::from_str(text).into_iter().collect(),
        };
        for case in &cases {
            count += 1;
            failures.extend(wrong(case).into_iter().map(|line| format!("{}: {line}", path.display())));
        }
    }
    assert!(count > 2_000, "only {count} cases were read");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}
