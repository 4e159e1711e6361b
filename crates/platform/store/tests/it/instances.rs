//! Tenants as instances of Azure Digital Twins, and jobs over whole graphs.

use serde_json::json;
use voltwin_core::Timestamp;
use voltwin_store::{GraphJob, InstanceRole, Store, StoreError};

use crate::{at, fresh, tenant};

fn job(id: &str, seconds: i64) -> GraphJob {
    GraphJob {
        id: id.to_owned(),
        kind: "import".to_owned(),
        status: "notstarted".to_owned(),
        spec: json!({ "inputBlobUri": "upload:x" }),
        progress: json!(null),
        error: None,
        created_by: "ann".to_owned(),
        created_at: at(seconds),
        acted_at: at(seconds),
        finished_at: None,
    }
}

#[tokio::test]
async fn a_job_is_filed_moved_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (a, b) = (store.tenant(&tenant("a")), store.tenant(&tenant("b")));
    a.add_graph_job(&job("one", 1), 2, at(0)).await.unwrap();
    b.add_graph_job(&job("one", 2), 2, at(0)).await.unwrap();
    let taken = a.add_graph_job(&job("one", 3), 2, at(0)).await;
    assert!(matches!(taken, Err(StoreError::Conflict { what: "job", .. })));
    a.add_graph_job(&job("two", 4), 2, at(0)).await.unwrap();
    let many = a.add_graph_job(&job("three", 5), 2, at(0)).await;
    assert!(matches!(many, Err(StoreError::Limit { limit: 2, .. })));
    let other_kind = GraphJob { kind: "deletion".to_owned(), ..job("one", 6) };
    a.add_graph_job(&other_kind, 2, at(0)).await.unwrap();

    // one that is being cancelled keeps that status
    let cancelling = GraphJob { status: "cancelling".to_owned(), ..job("one", 1) };
    assert!(a.move_graph_job(&cancelling, None).await.unwrap());
    let running = GraphJob { status: "running".to_owned(), progress: json!({ "line": 7 }), ..job("one", 1) };
    assert!(!a.move_graph_job(&running, Some("cancelling")).await.unwrap());
    assert_eq!(a.graph_job("import", "one").await.unwrap(), Some(cancelling));
    assert_eq!(b.graph_job("import", "one").await.unwrap().unwrap().status, "notstarted", "another tenant's");

    // one that has ended stays as it ended, also after a restart
    assert!(!a.delete_graph_job("import", "one", "ann", at(7)).await.unwrap(), "it has not ended");
    let ended = GraphJob {
        status: "failed".to_owned(),
        error: Some(json!({ "code": "x" })),
        finished_at: Some(at(8)),
        ..job("one", 1)
    };
    assert!(a.move_graph_job(&ended, None).await.unwrap());
    assert!(!a.move_graph_job(&running, None).await.unwrap());
    store.close().await;
    drop((store, a, b));
    let store = Store::open(dir.path()).await.unwrap();
    let a = store.tenant(&tenant("a"));
    assert_eq!(a.graph_job("import", "one").await.unwrap(), Some(ended));
    let open: Vec<_> = store.unfinished_graph_jobs().await.unwrap();
    let open: Vec<_> = open.iter().map(|(tenant, job)| (tenant.as_str(), &*job.kind, &*job.id)).collect();
    assert_eq!(open, [("b", "import", "one"), ("a", "import", "two"), ("a", "deletion", "one")]);
    let page = a.graph_jobs("import", None, 1).await.unwrap();
    assert_eq!((page.items[0].id.as_str(), page.next.as_deref()), ("one", Some("one")));
    assert_eq!(a.graph_jobs("import", Some("one"), 5).await.unwrap().items[0].id, "two");

    // what ended long ago is forgotten with the next one
    a.add_graph_job(&job("four", 9), 5, at(9)).await.unwrap();
    assert_eq!(a.graph_job("import", "one").await.unwrap(), None);
    assert!(a.graph_job("import", "two").await.unwrap().is_some());
}

#[tokio::test]
async fn an_instance_knows_its_dialect_directories_and_roles() {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh(&dir).await;
    let (a, b) = (store.tenant(&tenant("a")), store.tenant(&tenant("b")));
    assert!(!a.is_strict().await.unwrap());
    a.set_strict(true, "ann", at(1)).await.unwrap();
    assert!(a.is_strict().await.unwrap() && !b.is_strict().await.unwrap());
    a.set_strict(false, "ann", at(2)).await.unwrap();
    assert!(!a.is_strict().await.unwrap());

    for registry in [&a, &b] {
        registry.add_directory("dir-1", "ann", at(3)).await.unwrap();
    }
    a.add_directory("dir-1", "ann", at(4)).await.unwrap();
    a.add_directory("https://login.example", "ann", at(4)).await.unwrap();
    assert_eq!(store.tenants_of_directory("dir-1").await.unwrap(), [tenant("a"), tenant("b")]);
    assert_eq!(a.directories().await.unwrap(), ["dir-1", "https://login.example"]);
    b.remove_directory("dir-1", "ann", at(5)).await.unwrap();
    assert_eq!(store.tenants_of_directory("dir-1").await.unwrap(), [tenant("a")]);
    let gone = b.remove_directory("dir-1", "ann", at(5)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "directory", .. })));

    a.assign("o-1", Some(InstanceRole::Reader), "ann", at(6)).await.unwrap();
    a.assign("o-1", Some(InstanceRole::Owner), "ann", at(7)).await.unwrap();
    assert_eq!(a.assigned("o-1").await.unwrap(), Some(InstanceRole::Owner));
    assert_eq!(b.assigned("o-1").await.unwrap(), None);
    a.assign("o-1", None, "ann", at(8)).await.unwrap();
    assert_eq!(a.assigned("o-1").await.unwrap(), None);
    let long = "x".repeat(201);
    for bad in ["", "a b", &long] {
        assert!(matches!(a.assign(bad, None, "ann", at(9)).await, Err(StoreError::Invalid { .. })), "{bad}");
    }
    let nobody = store.tenant(&tenant("nobody"));
    let unknown = nobody.set_strict(true, "ann", Timestamp::from_micros(1)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "tenant", .. })));
    let newest = a.audit(None, 1).await.unwrap();
    assert_eq!((newest.items[0].action.as_str(), newest.items[0].subject.as_str()), ("instance.role", "o-1"));
}
