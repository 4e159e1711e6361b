//! A tenant that a release cannot read: shut, kept whole, and there again with a release that can. The others notice
//! nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use voltwin_core::TenantId;
use voltwin_ontology::Ontology;
use voltwin_runtime::{Origin, Precondition, Runtime, RuntimeConfig, RuntimeError};

use super::{start, stop};

const OWN: &str = r#"{ "@context": "dtmi:dtdl:context;3", "@id": "dtmi:b:Own;1", "@type": "Interface",
    "extends": "dtmi:a:Base;1", "contents": [ { "@type": "Property", "name": "level", "schema": "double" } ] }"#;

/// What a release has built in: a model that others extend, with a property `base`.
fn release(context: u8, more: &str) -> Arc<Ontology> {
    let text = format!(
        r#"{{ "@context": "dtmi:dtdl:context;{context}", "@id": "dtmi:a:Base;1", "@type": "Interface",
             "contents": [ {{ "@type": "Property", "name": "base", "schema": "double" }}{more} ] }}"#
    );
    Arc::new(Ontology::parse([("base", text.as_str())]).unwrap())
}

/// One that no model of version 3 may extend.
fn too_new() -> Arc<Ontology> {
    release(4, "")
}

async fn begin(folder: &Path, ontology: &Arc<Ontology>) -> Runtime {
    let config =
        RuntimeConfig { ontology: ontology.clone(), telemetry_keep_s: 0.0, ..RuntimeConfig::default() };
    start(folder, config).await
}

fn named(name: &str) -> TenantId {
    name.parse().unwrap()
}

async fn put(runtime: &Runtime, tenant: &str, model: &str, value: f64) -> Result<(), RuntimeError> {
    let document = json!({ "$metadata": { "$model": model }, "base": value });
    let tenant = named(tenant);
    runtime.put_twin(&tenant, "T", document, Precondition::Any, Origin::default()).await.map(drop)
}

async fn patch(runtime: &Runtime, tenant: &str, value: f64) {
    let patch = json!([{ "op": "replace", "path": "/base", "value": value }]);
    let tenant = named(tenant);
    runtime.patch_twin(&tenant, "T", patch, Precondition::Any, Origin::default()).await.unwrap();
}

fn base(runtime: &Runtime, tenant: &str) -> Option<f64> {
    runtime.read(&named(tenant), |graph| graph.twin("T")?.get("base")?.as_f64())
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "bin")).collect();
    found.sort();
    found
}

/// Tenant `own` has a model and a twin of it, tenant `plain` a twin of what is built in.
async fn furnish(folder: &Path, ontology: &Arc<Ontology>) {
    let runtime = begin(folder, ontology).await;
    runtime.add_models(&named("own"), vec![OWN.to_owned()], Origin::default()).await.unwrap();
    put(&runtime, "own", "dtmi:b:Own;1", 1.0).await.unwrap();
    put(&runtime, "plain", "dtmi:a:Base;1", 1.0).await.unwrap();
    patch(&runtime, "own", 2.0).await;
    stop(runtime).await;
}

async fn is_shut(runtime: &Runtime) {
    let (tenant, reason) = runtime.unreadable().next().unwrap();
    assert!(tenant.as_str() == "own" && reason.contains("dtmi:b:Own;1"), "{tenant}: {reason}");
    assert_eq!(runtime.unreadable().count(), 1);
    let refused = put(runtime, "own", "dtmi:b:Own;1", 9.0).await.unwrap_err();
    assert!(
        matches!(&refused, RuntimeError::Unreadable { tenant, .. } if tenant.as_str() == "own"),
        "{refused}"
    );
    let past = runtime.as_of(&named("own"), runtime.now()).await;
    assert!(matches!(past, Err(RuntimeError::Unreadable { .. })));
}

#[tokio::test]
async fn one_tenant_that_cannot_be_read_costs_the_others_and_itself_nothing() {
    for snapshot in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let good = release(3, "");
        furnish(folder.path(), &good).await;
        let had = snapshots(folder.path());
        if !snapshot {
            had.iter().for_each(|path| std::fs::remove_file(path).unwrap());
        }
        // Several starts of a release that cannot read it, which write snapshots and remove telemetry.
        for value in 2..=6 {
            let runtime = begin(folder.path(), &too_new()).await;
            is_shut(&runtime).await;
            assert_eq!(base(&runtime, "plain"), Some(f64::from(value) - 1.0));
            patch(&runtime, "plain", f64::from(value)).await;
            stop(runtime).await;
        }
        if snapshot {
            assert!(had.iter().all(|path| path.exists()), "what it stands in stays");
        }
        for _ in 0..3 {
            let runtime = begin(folder.path(), &good).await;
            assert_eq!(runtime.unreadable().count(), 0, "snapshot {snapshot}");
            assert_eq!((base(&runtime, "own"), base(&runtime, "plain")), (Some(2.0), Some(6.0)));
            put(&runtime, "own", "dtmi:b:Own;1", 2.0).await.unwrap();
            patch(&runtime, "plain", 6.0).await;
            stop(runtime).await;
        }
    }
}

/// A release builds in what a tenant's model has under the same name: both work, and the tenant goes on modelling.
#[tokio::test]
async fn what_a_release_builds_in_yields_and_models_that_extend_the_tenants_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path(), &release(3, "")).await;
    let since = release(3, r#", { "@type": "Property", "name": "level", "schema": "string" }"#);
    let late = OWN.replace("b:Own", "b:Late").replace("a:Base", "b:Own").replace("level", "late");
    for start in 0..2 {
        let runtime = begin(folder.path(), &since).await;
        assert_eq!((runtime.unreadable().count(), base(&runtime, "own")), (0, Some(2.0)));
        let tenant = named("own");
        if start == 0 {
            let wrong = vec![late.replace("\"late\"", "\"level\"")];
            let refused = runtime.add_models(&tenant, wrong, Origin::default()).await.unwrap_err();
            assert!(refused.to_string().contains("level"), "{refused}");
            runtime.add_models(&tenant, vec![late.clone()], Origin::default()).await.unwrap();
        }
        let document = json!({ "$metadata": { "$model": "dtmi:b:Late;1" }, "level": 1.5, "late": 2.5 });
        runtime.put_twin(&tenant, "L", document, Precondition::Any, Origin::default()).await.unwrap();
        stop(runtime).await;
    }
}
