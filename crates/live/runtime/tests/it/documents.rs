//! Models, twins and relationships as documents: decided at their turn, durable, and seen whole.

#![expect(clippy::needless_pass_by_value, reason = "json literals are handed over")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};
use voltwin_document::DocumentError;
use voltwin_graph::{GraphError, Limits};
use voltwin_ontology::OntologyError;
use voltwin_runtime::{Entry, Origin, Precondition, Runtime, RuntimeConfig, RuntimeError};

use super::{start, stop, tenant};

const PUMP: &str = r#"{ "@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Pump;1", "@type": "Interface",
    "displayName": { "en": "Pump", "de": "Pumpe" }, "contents": [
    { "@type": "Property", "name": "a", "schema": "double" },
    { "@type": "Property", "name": "b", "schema": "double" },
    { "@type": "Property", "name": "count", "schema": "integer" },
    { "@type": "Property", "name": "tags", "schema": { "@type": "Map",
      "mapKey": { "name": "k", "schema": "string" }, "mapValue": { "name": "v", "schema": "integer" } } },
    { "@type": "Component", "name": "motor", "schema": "dtmi:example:Motor;1" },
    { "@type": "Relationship", "name": "feeds", "properties": [
      { "@type": "Property", "name": "width", "schema": "double" } ] } ] }"#;
const MOTOR: &str = r#"{ "@context": "dtmi:dtdl:context;2", "@id": "dtmi:example:Motor;1", "@type": "Interface", "contents": [
    { "@type": "Property", "name": "speed", "schema": "integer" } ] }"#;

fn pump(rest: Json) -> Json {
    let mut document = json!({ "$metadata": { "$model": "dtmi:example:Pump;1" } });
    document.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    document
}

async fn with_models(runtime: &Runtime) {
    let texts = vec![PUMP.to_owned(), MOTOR.to_owned()];
    let added = runtime.add_models(&tenant(), texts, Origin::default()).await.unwrap();
    assert_eq!(
        added.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(),
        ["dtmi:example:Pump;1", "dtmi:example:Motor;1"]
    );
}

async fn put(runtime: &Runtime, id: &str, rest: Json) {
    runtime.put_twin(&tenant(), id, pump(rest), Precondition::Any, Origin::default()).await.unwrap();
}

fn document(runtime: &Runtime, id: &str) -> Json {
    runtime.read(&tenant(), |graph| voltwin_document::twin(graph.twin(id).unwrap()))
}

fn graph_error(error: RuntimeError) -> GraphError {
    match error {
        RuntimeError::Rejected(error) => GraphError::clone(&error),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn models_are_added_listed_decommissioned_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = start(folder.path(), RuntimeConfig::default()).await;
    let (tenant, origin) = (tenant(), Origin::default());
    let built_in = runtime.models(&tenant).len();
    let lost = runtime.add_models(&tenant, vec![PUMP.into()], origin).await.unwrap_err();
    let GraphError::Models(OntologyError::Dtdl(lost)) = graph_error(lost) else { panic!() };
    assert!(lost.to_string().contains("dtmi:example:Motor;1"), "{lost}");
    with_models(&runtime).await;
    let record = runtime.model(&tenant, "dtmi:example:Pump;1").unwrap();
    assert_eq!((record.document.as_ref(), record.display_names["de"].as_str()), (PUMP, "Pumpe"));
    assert!(record.uploaded.is_some() && !record.decommissioned);
    assert_eq!(
        runtime.model(&"other".parse().unwrap(), "dtmi:example:Pump;1"),
        None,
        "a tenant sees only its own"
    );
    let needed = runtime.model_dependencies(&tenant, &["dtmi:example:Pump;1".into()]).unwrap();
    assert_eq!(
        needed.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(),
        ["dtmi:example:Motor;1", "dtmi:example:Pump;1"]
    );
    assert!(matches!(
        graph_error(runtime.model_dependencies(&tenant, &["dtmi:no:such;1".into()]).unwrap_err()),
        GraphError::UnknownModel { .. }
    ));
    let again = runtime.add_models(&tenant, vec![MOTOR.into()], origin).await.unwrap_err();
    assert!(matches!(graph_error(again), GraphError::Models(OntologyError::Exists { .. })));
    let referenced = runtime.delete_model(&tenant, "dtmi:example:Motor;1", origin).await.unwrap_err();
    assert!(matches!(graph_error(referenced), GraphError::Models(OntologyError::Referenced { .. })));
    put(&runtime, "P", json!({ "a": 1, "motor": { "$metadata": {}, "speed": 7 } })).await;
    runtime.decommission_model(&tenant, "dtmi:example:Pump;1", true, origin).await.unwrap();
    let refused =
        runtime.put_twin(&tenant, "Q", pump(json!({})), Precondition::Any, origin).await.unwrap_err();
    assert!(matches!(graph_error(refused), GraphError::Decommissioned { .. }));
    runtime.delete_model(&tenant, "dtmi:example:Pump;1", origin).await.unwrap();
    assert_eq!(runtime.models(&tenant).len(), built_in + 1);
    let before = document(&runtime, "P");
    stop(runtime).await;
    for with_snapshot in [true, false] {
        if !with_snapshot {
            for entry in std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok) {
                if entry.file_name().to_string_lossy().starts_with("snapshot-") {
                    std::fs::remove_file(entry.path()).unwrap();
                }
            }
        }
        let runtime = start(folder.path(), RuntimeConfig::default()).await;
        assert_eq!(document(&runtime, "P"), before, "a twin outlives its model, also over a restart");
        assert_eq!(runtime.models(&tenant).len(), built_in + 1);
        stop(runtime).await;
    }
}

#[tokio::test]
async fn documents_are_judged_at_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = start(folder.path(), RuntimeConfig::default()).await;
    let (tenant, origin, any) = (tenant(), Origin::default(), Precondition::Any);
    with_models(&runtime).await;
    let written = runtime
        .put_twin(&tenant, "P", pump(json!({ "a": 1 })), Precondition::NoneExists, origin)
        .await
        .unwrap();
    assert_eq!(
        (&written.document["$etag"], written.document["a"].as_f64()),
        (&json!(written.etag), Some(1.0))
    );
    let taken =
        runtime.put_twin(&tenant, "P", pump(json!({})), Precondition::NoneExists, origin).await.unwrap_err();
    assert!(matches!(taken, RuntimeError::PreconditionFailed { .. }));
    let patch = |path: &str, value: Json| json!([{ "op": "add", "path": path, "value": value }]);
    let after = runtime
        .patch_twin(&tenant, "P", patch("/a", json!(2)), Precondition::Match(written.etag.clone()), origin)
        .await
        .unwrap();
    assert_eq!(document(&runtime, "P")["$etag"], json!(after.etag));
    let stale = runtime
        .patch_twin(&tenant, "P", patch("/wings", json!(2)), Precondition::Match(written.etag), origin)
        .await;
    assert!(
        matches!(stale.unwrap_err(), RuntimeError::PreconditionFailed { .. }),
        "before anything else is judged"
    );
    let nobody = runtime
        .patch_twin(&tenant, "X", patch("/a", json!(2)), Precondition::Match(after.etag.clone()), origin)
        .await;
    assert!(
        matches!(graph_error(nobody.unwrap_err()), GraphError::UnknownTwin { .. }),
        "missing, and not changed"
    );
    let unknown =
        runtime.patch_twin(&tenant, "P", patch("/wings", json!(2)), any.clone(), origin).await.unwrap_err();
    assert!(matches!(graph_error(unknown), GraphError::UnknownProperty { .. }));
    let nothing = runtime.patch_twin(&tenant, "P", json!([]), any.clone(), origin).await.unwrap();
    assert_eq!((nothing.seq.0, nothing.etag), (0, after.etag));
    runtime
        .patch_component(&tenant, "P", "motor", patch("/speed", json!(5)), any.clone(), origin)
        .await
        .unwrap();
    assert_eq!(document(&runtime, "P")["motor"]["speed"], 5);
    let wing =
        runtime.patch_component(&tenant, "P", "wing", json!([]), any.clone(), origin).await.unwrap_err();
    assert!(
        matches!(wing, RuntimeError::Document(e) if matches!(*e, DocumentError::UnknownComponent { .. }))
    );
    put(&runtime, "Q", json!({})).await;
    let feeds = json!({ "$targetId": "Q", "$relationshipName": "feeds", "width": 1.0 });
    let link = runtime
        .put_relationship(&tenant, "P", "f", feeds.clone(), Precondition::NoneExists, origin)
        .await
        .unwrap();
    assert_eq!((&link.document["$etag"], &link.document["width"]), (&json!(link.etag), &json!(1.0)));
    let again = runtime
        .put_relationship(&tenant, "P", "f", feeds, Precondition::NoneExists, origin)
        .await
        .unwrap_err();
    assert!(matches!(again, RuntimeError::PreconditionFailed { what, .. } if what == "P/f"));
    let wide = runtime
        .patch_relationship(
            &tenant,
            "P",
            "f",
            patch("/width", json!(2)),
            Precondition::Match(link.etag.clone()),
            origin,
        )
        .await
        .unwrap();
    let stale = runtime
        .delete_relationship(&tenant, "P", "f", Precondition::Match(link.etag), origin)
        .await
        .unwrap_err();
    assert!(matches!(stale, RuntimeError::PreconditionFailed { .. }));
    let held = runtime.delete_twin(&tenant, "Q", any.clone(), origin).await.unwrap_err();
    assert!(
        matches!(held, RuntimeError::Document(e) if matches!(*e, DocumentError::HasRelationships { .. }))
    );
    runtime.delete_relationship(&tenant, "P", "f", Precondition::Match(wide.etag), origin).await.unwrap();
    let gone = runtime.delete_relationship(&tenant, "P", "f", any.clone(), origin).await.unwrap_err();
    assert!(matches!(graph_error(gone), GraphError::UnknownLink { .. }));
    runtime.delete_twin(&tenant, "Q", any.clone(), origin).await.unwrap();
    let gone = runtime.delete_twin(&tenant, "Q", any.clone(), origin).await.unwrap_err();
    assert!(matches!(graph_error(gone), GraphError::UnknownTwin { .. }));
    let bad = runtime.put_twin(&tenant, "a/b", pump(json!({})), any, origin).await.unwrap_err();
    assert!(matches!(bad, RuntimeError::Document(_)), "{bad}");
    stop(runtime).await;
}

/// Everybody reads, adds one and writes if nobody was faster; and beside them, everybody adds a key of its own to a map
/// without looking.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_writers_end_in_the_exact_count() {
    const WRITERS: usize = 64;
    const EACH: i64 = 3;
    let folder = tempfile::tempdir().unwrap();
    let runtime = start(folder.path(), RuntimeConfig::default()).await;
    with_models(&runtime).await;
    put(&runtime, "P", json!({ "count": 0, "tags": {} })).await;
    let writers = (0..WRITERS).map(|number| {
        let runtime = runtime.clone();
        tokio::spawn(async move {
            let mut done = 0;
            let mut refused = 0;
            while done < EACH {
                let before = document(&runtime, "P");
                let count = before["count"].as_i64().unwrap();
                let patch = json!([{ "op": "replace", "path": "/count", "value": count + 1 }]);
                let etag = before["$etag"].as_str().unwrap().to_owned();
                match runtime
                    .patch_twin(&tenant(), "P", patch, Precondition::Match(etag), Origin::default())
                    .await
                {
                    Ok(_) => done += 1,
                    Err(RuntimeError::PreconditionFailed { .. }) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            let path = format!("/tags/k{number}");
            let patch = json!([{ "op": "add", "path": path, "value": number }]);
            runtime.patch_twin(&tenant(), "P", patch, Precondition::Any, Origin::default()).await.unwrap();
            refused
        })
    });
    let mut refused = 0;
    for writer in writers.collect::<Vec<_>>() {
        refused += writer.await.unwrap();
    }
    assert!(refused > 0, "they must have met");
    let after = document(&runtime, "P");
    assert_eq!(after["count"], WRITERS as i64 * EACH);
    assert_eq!(after["tags"].as_object().unwrap().len(), WRITERS, "no key was lost");
    stop(runtime).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sees_half_a_patch() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = start(folder.path(), RuntimeConfig::default()).await;
    with_models(&runtime).await;
    put(&runtime, "P", json!({ "a": 0, "b": 0 })).await;
    let stop_reading = Arc::new(AtomicBool::new(false));
    let readers = (0..3).map(|_| {
        let (runtime, stop_reading) = (runtime.clone(), stop_reading.clone());
        tokio::task::spawn_blocking(move || {
            let mut seen = std::collections::BTreeSet::new();
            while !stop_reading.load(Ordering::Relaxed) {
                let (a, b) = runtime.read(&tenant(), |graph| {
                    let twin = graph.twin("P").unwrap();
                    (twin.f64("a").unwrap(), twin.f64("b").unwrap())
                });
                assert!(a.to_bits() == b.to_bits(), "{a} and {b}");
                seen.insert(a as i64);
            }
            seen.len()
        })
    });
    let readers: Vec<_> = readers.collect();
    for value in 1..60 {
        let patch = json!([{ "op": "replace", "path": "/a", "value": value }, { "op": "replace", "path": "/b", "value": value }]);
        runtime.patch_twin(&tenant(), "P", patch, Precondition::Any, Origin::default()).await.unwrap();
    }
    stop_reading.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 1, "it must have seen several");
    }
    stop(runtime).await;
}

#[tokio::test]
async fn an_import_judges_each_entry_and_takes_twins_first() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { twins: 40, ..Limits::AZURE };
    let runtime = start(folder.path(), RuntimeConfig { limits, ..RuntimeConfig::default() }).await;
    with_models(&runtime).await;
    let twin = |id: String| {
        let mut document = pump(json!({ "a": 1 }));
        document["$dtId"] = id.into();
        Entry::Twin(document.into())
    };
    let link = |source: usize, target: usize| {
        Entry::Relationship(
            json!({ "$sourceId": format!("t{source}"), "$relationshipId": "r", "$targetId": format!("t{target}"),
                                    "$relationshipName": "feeds" }).into(),
        )
    };
    let mut entries: Vec<Entry> = (0..30).map(|n| link(n, n + 1)).collect();
    entries.extend((0..30).map(|n| twin(format!("t{n}"))));
    entries.extend([Entry::Twin(json!({}).into()), Entry::Twin(json!({ "$dtId": "x" }).into())]);
    let results = runtime.import(&tenant(), entries, Origin::default()).await;
    let refused: Vec<usize> =
        results.iter().enumerate().filter(|(_, r)| r.is_err()).map(|(n, _)| n).collect();
    assert_eq!(refused, [29, 60, 61], "a link to nobody, a twin without id, a twin without model");
    assert_eq!(runtime.read(&tenant(), |graph| (graph.len(), graph.link_count())), (30, 29));
    for n in 30..40 {
        put(&runtime, &format!("t{n}"), json!({})).await;
    }
    let full =
        runtime.put_twin(&tenant(), "t40", pump(json!({})), Precondition::Any, Origin::default()).await;
    assert!(matches!(graph_error(full.unwrap_err()), GraphError::TooManyTwins { limit: 40 }));
    stop(runtime).await;
}
