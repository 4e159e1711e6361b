//! The committed description is the one that the code gives.

use std::path::Path;

/// `VOLTWIN_BLESS=1 cargo test -p voltwin-server openapi` writes it anew.
#[test]
fn the_committed_description_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/openapi.json");
    let generated = voltwin_server::openapi_json().unwrap();
    if std::env::var_os("VOLTWIN_BLESS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = committed.lines().zip(generated.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
    assert!(
        committed == generated,
        "docs/openapi.json is stale at line {line}: bless it with VOLTWIN_BLESS=1"
    );
}

#[test]
fn every_operation_is_described_and_no_reference_dangles() {
    let document: serde_json::Value = serde_json::from_str(&voltwin_server::openapi_json().unwrap()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{method} {path}");
        }
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut stack = vec![&document];
    while let Some(value) = stack.pop() {
        match value {
            serde_json::Value::Object(members) => {
                if let Some(name) = members.get("$ref").and_then(|r| r.as_str()) {
                    let name = name.strip_prefix("#/components/schemas/").unwrap();
                    assert!(schemas.contains_key(name), "{name}");
                }
                stack.extend(members.values());
            }
            serde_json::Value::Array(items) => stack.extend(items),
            _ => {}
        }
    }
}
