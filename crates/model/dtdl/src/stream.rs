//! Models and verdicts as lines of JSON, for scripts that check many models with one process.
//!
//! In: `{"id": …, "options": ["AllowUndefinedExtensions"], "input": [TEXT, …]}`. Out:
//! `{"id": …, "valid": false, "errors": [{"validationId": …, "message": …}]}`.

use std::collections::BTreeMap;

use serde_json::{Value, json, value::RawValue};

use crate::{Error, Options, UndefinedExtensions, parse};

/// The answer to one line.
///
/// `id` is any JSON value and comes back as it is. `input` holds the texts of the model, each as the JSON that it is,
/// or in a string. `options` may hold `AllowUndefinedExtensions` or `DisallowUndefinedExtensions`; other options are
/// passed over. Beside them, `acceptableLimits` may list the contexts of limits that are accepted (all known ones
/// without it), and `maxDtdlVersion` the newest version.
///
/// A reference that leads nowhere is reported with the identifier `dtmi:dtdl:resolutionError:undefinedIdentifier`.
///
/// # Errors
///
/// Why the line is none of the form above.
pub fn answer(line: &str) -> Result<String, String> {
    let case: BTreeMap<String, &RawValue> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let id = case.get("id").map_or("null", |id| id.get());
    let input = case.get("input").ok_or("`input` is missing")?;
    let texts: Vec<&RawValue> = match input.get().starts_with('[') {
        true => serde_json::from_str(input.get()).map_err(|error| format!("`input`: {error}"))?,
        false => vec![*input],
    };
    let strings: Vec<Option<String>> =
        texts.iter().map(|text| serde_json::from_str(text.get()).ok()).collect();
    let texts: Vec<&str> = texts
        .iter()
        .zip(&strings)
        .map(|(text, string)| string.as_deref().unwrap_or_else(|| text.get()))
        .collect();
    let errors = match parse(&texts, &options(&case)?) {
        Ok(_) => Vec::new(),
        Err(error) => report(&error),
    };
    let valid = errors.is_empty();
    Ok(format!("{{\"id\":{id},\"valid\":{valid},\"errors\":{}}}", Value::from(errors)))
}

fn options(case: &BTreeMap<String, &RawValue>) -> Result<Options, String> {
    let field = |name: &str| -> Result<Value, String> {
        let raw = case.get(name).map_or("null", |raw| raw.get());
        serde_json::from_str(raw).map_err(|error| format!("`{name}`: {error}"))
    };
    let mut options = Options::default();
    for option in field("options")?.as_array().into_iter().flatten() {
        match option.as_str() {
            Some("AllowUndefinedExtensions") => options.undefined_extensions = UndefinedExtensions::Allow,
            Some("DisallowUndefinedExtensions") => options.undefined_extensions = UndefinedExtensions::Deny,
            _ => {}
        }
    }
    if let Value::Array(accepted) = field("acceptableLimits")? {
        let accepted = accepted.iter().filter_map(|context| context.as_str().map(ToOwned::to_owned));
        options.limit_contexts = Some(accepted.collect());
    }
    if let Some(max) = field("maxDtdlVersion")?.as_u64() {
        options.version_max = u8::try_from(max).unwrap_or(u8::MAX);
    }
    Ok(options)
}

fn report(error: &Error) -> Vec<Value> {
    let one = |id: &str, message: String| json!({ "validationId": id, "message": message });
    match error {
        Error::Invalid(violations) => {
            violations.iter().map(|violation| one(violation.rule.id(), violation.to_string())).collect()
        }
        Error::Unresolved(_) => vec![one("dtmi:dtdl:resolutionError:undefinedIdentifier", error.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_answered_with_its_own_id() {
        let text = r#"{"@context":"dtmi:dtdl:context;2","@id":"dtmi:a:b;1","@type":"Interface"}"#;
        let whole = answer(&format!(r#"{{"id":{{"n":1}},"options":[],"input":[{text}]}}"#)).unwrap();
        assert_eq!(whole, r#"{"id":{"n":1},"valid":true,"errors":[]}"#);
        let string = Value::from(text).to_string();
        let quoted = answer(&format!(r#"{{"id":"x","input":[{string}]}}"#)).unwrap();
        assert_eq!(quoted, r#"{"id":"x","valid":true,"errors":[]}"#);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let line = r#"{"id":7,"options":["DisallowUndefinedExtensions"],"input":[{"@context":["dtmi:dtdl:context;2","dtmi:x:y;1"],"@id":"dtmi:a:b;1","@type":"Interface"}]}"#;
        let found: Value = serde_json::from_str(&answer(line).unwrap()).unwrap();
        assert_eq!(found["valid"], false);
        assert_eq!(found["errors"][0]["validationId"], "dtmi:dtdl:parsingError:unresolvableContextSpecifier");
        let line = line.replace("Disallow", "Allow");
        assert!(answer(&line).unwrap().contains("\"valid\":true"));
    }

    #[test]
    fn a_line_that_is_no_case_is_refused() {
        assert!(answer("{").is_err());
        assert!(answer("{\"id\":1}").unwrap_err().contains("input"));
    }
}
