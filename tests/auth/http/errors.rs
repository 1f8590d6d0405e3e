//! The two shapes of an error.

use serde_json::json;

use crate::support::TestApp;

const VERSION: &str = "x-supabase-api-version";

#[actix_web::test]
async fn the_version_header_decides_the_shape() {
    let app = TestApp::start().await;
    let body = json!({ "email": "ada@example.com", "password": "wrong password" });
    let ask = async |version: Option<&str>| {
        let request = app.anon().post("/auth/v1/token?grant_type=password").json(&body);
        match version {
            Some(version) => request.header(VERSION, version).await,
            None => request.await,
        }
    };
    let old = json!({ "code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials" });
    let new = json!({ "code": "invalid_credentials", "message": "Invalid login credentials" });
    for version in [None, Some("2023-12-31"), Some("nonsense"), Some("9999-99"), Some("")] {
        let answer = ask(version).await;
        assert_eq!(answer.assert_status(400).json(), old, "{version:?}");
        assert_eq!(answer.header(VERSION), None);
    }
    for version in ["2024-01-01", "2024-06-01", "2031-01-01"] {
        let answer = ask(Some(version)).await;
        assert_eq!(answer.assert_status(400).json(), new, "{version}");
        assert_eq!(answer.header(VERSION), Some("2024-01-01"));
    }
}

#[actix_web::test]
async fn a_weak_password_says_why_in_both() {
    let app = TestApp::start().await;
    let body = json!({ "email": "ada@example.com", "password": "123" });
    let answer = app.anon().post("/auth/v1/signup").header(VERSION, "2024-01-01").json(&body).await;
    assert_eq!(
        answer.assert_status(422).json(),
        json!({
            "code": "weak_password",
            "message": "Password should be at least 6 characters.",
            "weak_password": { "reasons": ["length"] },
        })
    );
}

#[actix_web::test]
async fn paths_and_methods_that_are_not_there_have_the_shape_too() {
    let app = TestApp::start().await;
    let missing = app.anon().get("/auth/v1/nonsense").await;
    assert_eq!(missing.assert_status(404).json()["error_code"], "not_found");
    let method = app.anon().delete("/auth/v1/user").header(VERSION, "2024-01-01").await;
    assert_eq!(method.assert_status(405).json()["code"], "method_not_allowed");
}
