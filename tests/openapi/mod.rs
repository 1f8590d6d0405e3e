//! The OpenAPI document: committed as the code has it, whole, and browsable.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{TestApp, run_plinth};

fn document() -> Value {
    let folder = tempfile::tempdir().unwrap();
    let printed = run_plinth(folder.path(), &["openapi"], &[]);
    serde_json::from_str(&printed.stdout).expect("`plinth openapi` prints JSON")
}

/// Every operation: its method, its path and itself.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &'_ Value)| -> Vec<(String, String)> {
        item.as_object().expect("a path item").keys().map(|method| (method.clone(), path.clone())).collect()
    };
    paths
        .iter()
        .flat_map(of_path)
        .map(|(method, path)| {
            let operation = &document["paths"][&path][&method];
            (method, path, operation)
        })
        .collect()
}

#[test]
fn the_committed_document_is_current() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json")).unwrap();
    let committed: Value = serde_json::from_str(&committed).unwrap();
    assert_eq!(committed, document(), "run `target/release/plinth openapi > openapi/openapi.json`");
}

#[test]
fn every_operation_has_an_id_a_summary_a_tag_and_an_answer_with_a_schema() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no operationId"));
        assert!(ids.insert(id.to_owned()), "{id} twice");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{name} has no tag");
        let responses = operation["responses"].as_object().unwrap_or_else(|| panic!("{name} has no responses"));
        for (status, response) in responses {
            let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described || response.get("$ref").is_some(), "{name} {status} is not described");
        }
        let open = path.starts_with("/health") || path == "/metrics" || path.ends_with("/health") || path.ends_with("/jwks.json");
        let errors = responses.keys().any(|status| status == "default" || status.starts_with(['4', '5']));
        assert!(open || errors, "{name} tells of no error");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a reference within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_serves_the_document_and_its_browser_from_itself() {
    let app = TestApp::start().await;
    let served = app.nobody().get("/openapi.json").await.assert_status(200).json();
    assert_eq!(served["servers"][0]["url"], Value::String(app.url()));
    assert_eq!(served["paths"], document()["paths"]);

    let moved = app.nobody().get("/docs").await;
    assert!((300..400).contains(&moved.status()) && moved.header("location") == Some("/docs/"), "{moved:?}");
    let page = app.nobody().get("/docs/").await.assert_status(200).text();
    for outside in ["https://", "http://", "src=\"//"] {
        assert!(!page.contains(outside), "the page fetches from outside: {outside}");
    }
    app.nobody().get("/docs/swagger-ui-bundle.js").await.assert_status(200);
}
