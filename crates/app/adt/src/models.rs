//! Models.

use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use voltwin_core::Dtmi;
use voltwin_document::azure;
use voltwin_runtime::ModelRecord;

use crate::call::Call;
use crate::error::{AdtError, Code};
use crate::limits::Rate;
use crate::paging::{parameters, smallest};

/// Models of one upload, and bytes of one model, in the strict dialect.
const MODELS_STRICT: usize = azure::MODELS_AT_ONCE;
const MODEL_BYTES_STRICT: usize = azure::MODEL_BYTES;
/// Bytes of one upload.
const UPLOAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Ids of `dependenciesFor` at most.
const DEPENDENCIES_MAX: usize = 100;

fn data(record: &ModelRecord, definition: bool) -> Json {
    let mut data = json!({ "id": record.id, "decommissioned": record.decommissioned });
    if !record.display_names.is_empty() {
        data["displayName"] = json!(record.display_names);
    }
    if !record.descriptions.is_empty() {
        data["description"] = json!(record.descriptions);
    }
    if let Some(at) = record.uploaded {
        data["uploadTime"] = voltwin_document::instant(at).into();
    }
    if definition {
        // what was uploaded is JSON, or it would not have been taken
        data["model"] = serde_json::from_str(&record.document).unwrap_or(Json::Null);
    }
    data
}

fn model_id(text: &str) -> Result<Dtmi, AdtError> {
    Ok(Dtmi::new(text)?)
}

pub(crate) async fn add(call: Call, body: Body) -> Result<Response, AdtError> {
    call.spend(Rate::Models)?;
    let bytes = call.body_within(body, UPLOAD_BYTES_MAX).await?;
    let models: Vec<Box<RawValue>> = serde_json::from_slice(&bytes)
        .map_err(|error| AdtError::argument(format!("the body must be an array of models: {error}")))?;
    if models.is_empty() {
        return Err(AdtError::argument("the body must have at least one model"));
    }
    for model in &models {
        if !model.get().starts_with('{') {
            return Err(AdtError::argument("each entry of the body must be one interface, an object"));
        }
        check_language(model.get(), call.strict)?;
    }
    if call.strict {
        check_strict(&models)?;
    }
    let texts: Vec<String> = models.into_iter().map(|model| model.get().to_owned()).collect();
    let added = call.adt.runtime.add_models(call.tenant(), texts, call.origin()).await;
    let added = added.map_err(AdtError::of_models)?;
    let ids: Vec<&str> = added.iter().map(|record| record.id.as_str()).take(20).collect();
    call.note_deed("model.add", &ids.join(" ")).await?;
    let answer: Vec<Json> = added.iter().map(|record| data(record, false)).collect();
    Ok((StatusCode::CREATED, axum::Json(answer)).into_response())
}

fn check_strict(models: &[Box<RawValue>]) -> Result<(), AdtError> {
    let limit = |message| Err(AdtError::new(Code::LimitExceeded, message));
    if models.len() > MODELS_STRICT {
        return limit(format!("{} models are more than {MODELS_STRICT} in one call", models.len()));
    }
    match models.iter().map(|model| model.get().len()).find(|bytes| *bytes > MODEL_BYTES_STRICT) {
        Some(bytes) => limit(format!("a model of {bytes} bytes is larger than {MODEL_BYTES_STRICT}")),
        None => Ok(()),
    }
}

/// The versions of DTDL are 2 and 3, and 4 where Azure's limits do not hold. A text without a context, or with one that
/// is none of DTDL, is left to the parser.
fn check_language(model: &str, strict: bool) -> Result<(), AdtError> {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(rename = "@context", default)]
        context: Json,
    }
    let Ok(head) = serde_json::from_str::<Head>(model) else { return Ok(()) };
    let contexts = match &head.context {
        Json::Array(contexts) => contexts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let versions = contexts.iter().filter_map(|context| context.as_str()?.strip_prefix("dtmi:dtdl:context;"));
    let known: &[&str] = if strict { &["2", "3"] } else { &["2", "3", "4"] };
    for version in versions {
        let major = version.split(['.', '#']).next().unwrap_or(version);
        if !known.contains(&major) {
            let message = format!("DTDL version {major:.20} is not one of {}", known.join(", "));
            return Err(AdtError::new(Code::ModelVersionNotSupported, message));
        }
    }
    Ok(())
}

pub(crate) async fn list(call: Call) -> Result<axum::Json<Json>, AdtError> {
    call.spend(Rate::Models)?;
    let page = call.page()?;
    let definition = call.flag("includeModelDefinition")?;
    let wanted = parameters(&call.uri).remove("dependenciesFor").unwrap_or_default();
    if wanted.len() > DEPENDENCIES_MAX {
        let message = format!("{} ids of dependenciesFor are more than {DEPENDENCIES_MAX}", wanted.len());
        return Err(AdtError::new(Code::LimitExceeded, message));
    }
    for id in &wanted {
        model_id(id)?;
    }
    let runtime = &call.adt.runtime;
    let records = if wanted.is_empty() {
        // an instance of Azure has no models but its own: whoever empties one would stumble over ours
        runtime.models(call.tenant()).into_iter().filter(|m| !call.strict || m.uploaded.is_some()).collect()
    } else {
        runtime.model_dependencies(call.tenant(), &wanted).map_err(AdtError::of_models)?
    };
    let after = page.after.as_deref().unwrap_or_default();
    let rest = records.into_iter().filter(|record| record.id.as_str() > after);
    let items = smallest(rest.map(|record| (record.id.to_string(), record)), page.limit + 1);
    let items = items.into_iter().map(|(id, record)| (id, data(&record, definition))).collect();
    Ok(axum::Json(page.render(&call.uri, items)))
}

pub(crate) async fn get(call: Call, Path(id): Path<String>) -> Result<axum::Json<Json>, AdtError> {
    call.spend(Rate::Models)?;
    let id = model_id(&id)?;
    let definition = call.flag("includeModelDefinition")?;
    let record = call.adt.runtime.model(call.tenant(), id.as_str()).ok_or_else(|| missing(&id))?;
    Ok(axum::Json(data(&record, definition)))
}

fn missing(id: &Dtmi) -> AdtError {
    AdtError::new(Code::ModelNotFound, format!("there is no model `{id}`"))
}

pub(crate) async fn update(call: Call, Path(id): Path<String>, body: Body) -> Result<StatusCode, AdtError> {
    call.spend(Rate::Models)?;
    let id = model_id(&id)?;
    let decommissioned = decommissioned(&call.json(body, Code::JsonPatchInvalid).await?)?;
    let runtime = &call.adt.runtime;
    let done = runtime.decommission_model(call.tenant(), id.as_str(), decommissioned, call.origin()).await;
    done.map_err(AdtError::of_models)?;
    call.note_deed(if decommissioned { "model.decommission" } else { "model.recommission" }, id.as_str())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The one patch that a model takes: `replace` of `/decommissioned`.
fn decommissioned(patch: &Json) -> Result<bool, AdtError> {
    let wrong = || {
        let form = r#"[{"op":"replace","path":"/decommissioned","value":true}]"#;
        AdtError::new(Code::JsonPatchInvalid, format!("the one patch that a model takes is {form}"))
    };
    let Some([operation]) = patch.as_array().map(Vec::as_slice) else { return Err(wrong()) };
    if operation["op"] != "replace" || operation["path"] != "/decommissioned" {
        return Err(wrong());
    }
    operation["value"].as_bool().ok_or_else(wrong)
}

pub(crate) async fn delete(call: Call, Path(id): Path<String>) -> Result<StatusCode, AdtError> {
    call.spend(Rate::Models)?;
    let id = model_id(&id)?;
    let done = call.adt.runtime.delete_model(call.tenant(), id.as_str(), call.origin()).await;
    done.map_err(AdtError::of_models)?;
    call.note_deed("model.delete", id.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_takes_one_patch() {
        assert!(
            decommissioned(&json!([{"op": "replace", "path": "/decommissioned", "value": true}])).unwrap()
        );
        for bad in [
            json!([]),
            json!({}),
            json!([{"op": "add", "path": "/decommissioned", "value": true}]),
            json!([{"op": "replace", "path": "/displayName", "value": true}]),
            json!([{"op": "replace", "path": "/decommissioned", "value": "true"}]),
            json!([{"op": "replace", "path": "/decommissioned"}]),
            json!([1]),
        ] {
            assert_eq!(decommissioned(&bad).unwrap_err().code, Code::JsonPatchInvalid, "{bad}");
        }
    }

    #[test]
    fn versions_of_dtdl_are_those_of_the_dialect() {
        let check = |context: Json, strict| {
            check_language(&json!({ "@context": context, "@id": "dtmi:a;1" }).to_string(), strict).is_ok()
        };
        for (context, strict, superset) in [
            (json!("dtmi:dtdl:context;2"), true, true),
            (json!(["dtmi:dtdl:context;3", "dtmi:dtdl:extension:historization;1"]), true, true),
            (json!("dtmi:dtdl:context;3.1"), true, true),
            (json!("dtmi:dtdl:context;4"), false, true),
            (json!("dtmi:dtdl:context;1"), false, false),
            (json!(["dtmi:dtdl:context;5"]), false, false),
            (json!(null), true, true),
            (json!(7), true, true),
        ] {
            assert_eq!(
                (check(context.clone(), true), check(context.clone(), false)),
                (strict, superset),
                "{context}"
            );
        }
    }
}
