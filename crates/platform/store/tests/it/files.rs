//! Files: whole or not at all, one tenant's only, and within their bounds.

use std::path::Path;

use voltwin_core::{TenantId, Timestamp};
use voltwin_security::SessionToken;
use voltwin_store::{
    FileFilter, FileKind, FilePurpose, FileState, NewFile, Store, StoreError, TenantStore, TokenPolicy,
};

async fn open(dir: &Path) -> (Store, TenantStore) {
    let store = Store::open(dir).await.unwrap();
    let tenant: TenantId = "t".parse().unwrap();
    let _ = store.add_tenant(&tenant, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await;
    let registry = store.tenant(&tenant);
    (store, registry)
}

fn log(id: &str) -> NewFile {
    NewFile {
        id: id.to_owned(),
        kind: FileKind::Log,
        station: Some("S".to_owned()),
        name: "log".to_owned(),
        request_id: Some(7),
    }
}

#[tokio::test]
async fn a_file_is_stored_whole_and_its_token_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (store, registry) = open(dir.path()).await;
    let (now, later) = (Timestamp::from_micros(1_000_000), Timestamp::from_micros(9_000_000));
    registry.expect_file(&log("a-1"), "ann", now).await.unwrap();
    let token = SessionToken::generate().unwrap();
    registry.grant_file("a-1", FilePurpose::Send, &token.hash(), later).await.unwrap();
    let grant = store.file_grant(&token.hash(), now).await.unwrap().unwrap();
    assert_eq!(
        (grant.tenant.as_str(), grant.file.state, grant.purpose),
        ("t", FileState::Expected, FilePurpose::Send)
    );
    assert!(store.file_grant(&token.hash(), later).await.unwrap().is_none(), "at its end it is over");
    assert!(store.file_grant(&SessionToken::generate().unwrap().hash(), now).await.unwrap().is_none());

    let mut writer = registry.write_file("a-1", 10).await.unwrap();
    writer.write(b"hello").await.unwrap();
    let error = writer.write(b"too much").await.unwrap_err();
    assert!(matches!(error, StoreError::Limit { limit: 10, .. }), "{error}");
    drop(writer);
    assert_eq!(std::fs::read_dir(dir.path().join("files/t")).unwrap().count(), 0);

    let mut writer = registry.write_file("a-1", 10).await.unwrap();
    writer.write(b"abc").await.unwrap();
    let (bytes, sha256) = writer.finish().await.unwrap();
    // sha256 of `abc`, from FIPS 180-2
    assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let full = registry.file_stored("a-1", None, (bytes, &sha256), 2, later).await.unwrap_err();
    assert!(matches!(full, StoreError::Limit { limit: 2, .. }), "{full}");
    let stored = registry.file_stored("a-1", Some("d.zip"), (bytes, &sha256), 3, later).await.unwrap();
    assert_eq!((stored.state, stored.bytes, stored.name.as_str()), (FileState::Stored, 3, "d.zip"));
    assert!(store.file_grant(&token.hash(), now).await.unwrap().is_none(), "a token is good for one file");
    assert!(registry.file_stored("a-1", None, (bytes, &sha256), 9, later).await.is_err(), "only once");
    assert_eq!(registry.file_bytes().await.unwrap(), 3);
    registry.remove_file("a-1", "ann", later).await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("files/t")).unwrap().count(), 0);
    store.close().await;
}

#[tokio::test]
async fn what_a_crash_left_is_swept_and_what_was_stored_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (store, registry) = open(dir.path()).await;
    let now = Timestamp::from_micros(1_000_000);
    for id in ["a-1", "a-2"] {
        registry.expect_file(&log(id), "ann", now).await.unwrap();
        let mut writer = registry.write_file(id, 10).await.unwrap();
        writer.write(b"abc").await.unwrap();
        let (bytes, sha256) = writer.finish().await.unwrap();
        if id == "a-1" {
            registry.file_stored(id, None, (bytes, &sha256), 100, now).await.unwrap();
        }
    }
    std::fs::write(dir.path().join("files/t/a-3.part"), b"half").unwrap();
    registry.sweep_files().await.unwrap();
    let left: Vec<_> =
        std::fs::read_dir(dir.path().join("files/t")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["a-1"]);
    store.close().await;
}

#[tokio::test]
async fn no_id_leaves_the_folder_and_no_tenant_sees_another() {
    let dir = tempfile::tempdir().unwrap();
    let (store, registry) = open(dir.path()).await;
    for id in ["../x", "/etc/passwd", "a/b", "", ".."] {
        assert!(registry.write_file(id, 10).await.is_err(), "{id}");
        assert!(registry.open_file(id).await.is_err(), "{id}");
    }
    let other: TenantId = "o".parse().unwrap();
    store.add_tenant(&other, TokenPolicy::Accept, "test", Timestamp::from_micros(1)).await.unwrap();
    registry.expect_file(&log("a-1"), "ann", Timestamp::from_micros(2)).await.unwrap();
    let other = store.tenant(&other);
    assert!(other.file("a-1").await.unwrap().is_none());
    assert!(other.files(&FileFilter::default(), None, 10).await.unwrap().items.is_empty());
    assert!(other.remove_file("a-1", "eve", Timestamp::from_micros(3)).await.is_err());
    store.close().await;
}
