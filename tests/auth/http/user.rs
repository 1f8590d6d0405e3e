//! `GET` and `PUT /auth/v1/user`.

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

#[actix_web::test]
async fn a_user_is_who_the_bearer_is() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let user = ada.get("/auth/v1/user").await.assert_status(200).json();
    assert_eq!(user, ada.session["user"]);

    let refused = async |client: crate::support::Client, status: u16, code: &str| {
        let answer = client.get("/auth/v1/user").await;
        assert_eq!(answer.assert_status(status).json()["error_code"], code, "{}", answer.text());
    };
    refused(app.anon(), 403, "bad_jwt").await;
    refused(app.service(), 403, "bad_jwt").await;
    refused(app.bearer("nonsense"), 403, "bad_jwt").await;
    refused(app.bearer(&format!("{}x", ada.access_token)), 403, "bad_jwt").await;
    refused(app.bearer(&"a".repeat(9000)), 403, "bad_jwt").await;
    let without = app.nobody().get("/auth/v1/user").header("apikey", app.key("anon_key")).await;
    assert_eq!(without.assert_status(401).json()["error_code"], "no_authorization");
    let scheme = app.nobody().get("/auth/v1/user").header("apikey", app.key("anon_key")).header("authorization", "Basic YTpi");
    assert_eq!(scheme.await.assert_status(401).json()["error_code"], "no_authorization");
}

#[actix_web::test]
async fn data_merges_and_nulls_remove() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let put = async |data: Value| ada.put("/auth/v1/user").json(&json!({ "data": data })).await;
    put(json!({ "name": "Ada", "theme": "dark" })).await.assert_status(200);
    let user = put(json!({ "name": null, "age": 36 })).await.assert_status(200).json();
    assert_eq!(user["user_metadata"], json!({ "theme": "dark", "age": 36 }));
    let large = put(json!({ "bio": "x".repeat(66_000) })).await;
    assert_eq!(large.assert_status(400).json()["error_code"], "validation_failed");
    let read = ada.get("/auth/v1/user").await.assert_status(200).json();
    assert_eq!(read["user_metadata"], json!({ "theme": "dark", "age": 36 }));
}

#[actix_web::test]
async fn changes_at_once_lose_nothing() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let put = |number: usize| {
        let mut data = serde_json::Map::new();
        data.insert(format!("key{number}"), number.into());
        let request = ada.put("/auth/v1/user").json(&json!({ "data": data }));
        async move { request.await.status() }
    };
    let statuses = futures_util::future::join_all((0..20).map(put)).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let user = ada.get("/auth/v1/user").await.json();
    assert_eq!(user["user_metadata"].as_object().map(serde_json::Map::len), Some(20));
}

#[actix_web::test]
async fn a_password_changes_and_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let phone = app.sign_in("ada@example.com", PASSWORD).await;
    let put = async |password: &str| ada.put("/auth/v1/user").json(&json!({ "password": password })).await;

    assert_eq!(put(PASSWORD).await.assert_status(422).json()["error_code"], "same_password");
    assert_eq!(put("12345").await.assert_status(422).json()["error_code"], "weak_password");
    phone.get("/auth/v1/user").await.assert_status(200);

    put("a better password").await.assert_status(200);
    assert_eq!(phone.get("/auth/v1/user").await.assert_status(403).json()["error_code"], "session_not_found");
    let body = json!({ "refresh_token": phone.refresh_token });
    app.anon().post("/auth/v1/token?grant_type=refresh_token").json(&body).await.assert_status(400);
    ada.get("/auth/v1/user").await.assert_status(200);
    let old = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.anon().post("/auth/v1/token?grant_type=password").json(&old).await.assert_status(400);
    app.sign_in("ada@example.com", "a better password").await;
}

#[actix_web::test]
async fn an_address_changes_unless_it_is_taken() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    app.sign_up("bob@example.com").await;
    let put = async |email: &str| ada.put("/auth/v1/user").json(&json!({ "email": email })).await;

    assert_eq!(put("Bob@example.com").await.assert_status(422).json()["error_code"], "email_exists");
    assert_eq!(put("nonsense").await.assert_status(400).json()["error_code"], "validation_failed");
    let user = put("Lovelace@example.com").await.assert_status(200).json();
    assert_eq!(user["email"], "lovelace@example.com");
    assert_eq!(user["identities"][0]["email"], "lovelace@example.com");
    assert_eq!(user["identities"].as_array().map(Vec::len), Some(1));
    app.sign_in("lovelace@example.com", PASSWORD).await;
    let old = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.anon().post("/auth/v1/token?grant_type=password").json(&old).await.assert_status(400);
}

#[actix_web::test]
async fn an_anonymous_user_becomes_a_permanent_one() {
    let app = TestApp::start().await;
    let answer = app.anon().post("/auth/v1/signup").json(&json!({ "data": { "cart": [1, 2] } })).await;
    let guest = app.signed_in(&answer);
    let alone = guest.put("/auth/v1/user").json(&json!({ "password": PASSWORD })).await;
    assert_eq!(alone.assert_status(422).json()["error_code"], "validation_failed");

    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let user = guest.put("/auth/v1/user").json(&body).await.assert_status(200).json();
    assert_eq!((&user["id"], &user["is_anonymous"]), (&json!(guest.id), &json!(false)));
    assert_eq!(user["app_metadata"], json!({ "provider": "email", "providers": ["email"] }));
    assert_eq!(user["identities"][0]["provider"], "email");
    let ada = app.sign_in("ada@example.com", PASSWORD).await;
    assert_eq!((&ada.id, &ada.session["user"]["user_metadata"]), (&guest.id, &json!({ "cart": [1, 2] })));
}

#[actix_web::test]
async fn users_do_not_raise_themselves() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let body = json!({ "app_metadata": { "roles": ["admin"] } });
    assert_eq!(ada.put("/auth/v1/user").json(&body).await.assert_status(403).json()["error_code"], "not_admin");
    let body = json!({ "role": "service_role", "email_confirmed_at": null, "id": "x", "data": {} });
    let user = ada.put("/auth/v1/user").json(&body).await.assert_status(200).json();
    assert_eq!((&user["role"], &user["id"]), (&json!("authenticated"), &json!(ada.id)));
    let body = json!({ "phone": "+15550123456" });
    assert_eq!(ada.put("/auth/v1/user").json(&body).await.assert_status(400).json()["error_code"], "phone_provider_disabled");
}
