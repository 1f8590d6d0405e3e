//! `/auth/v1/admin/users`.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{PASSWORD, Response, TestApp};

const USERS: &str = "/auth/v1/admin/users";

async fn create(app: &TestApp, body: Value) -> Response {
    app.service().post(USERS).json(&body).await
}

fn path(user: &Value) -> String {
    format!("{USERS}/{}", user["id"].as_str().expect("an id"))
}

#[actix_web::test]
async fn the_service_key_makes_reads_changes_and_deletes_a_user() {
    let app = TestApp::start().await;
    let body = json!({
        "email": "Ada@example.com", "password": PASSWORD, "email_confirm": true,
        "user_metadata": { "name": "Ada" }, "app_metadata": { "plan": "pro" },
    });
    let user = create(&app, body).await.assert_status(200).json();
    assert_eq!((&user["email"], &user["user_metadata"]), (&json!("ada@example.com"), &json!({ "name": "Ada" })));
    assert_eq!(user["app_metadata"], json!({ "plan": "pro", "provider": "email", "providers": ["email"] }));
    assert!(user["email_confirmed_at"].is_string() && user["last_sign_in_at"].is_null());
    assert_eq!(user["identities"][0]["provider"], "email");
    assert_eq!(app.service().get(&path(&user)).await.assert_status(200).json(), user);
    let ada = app.sign_in("ada@example.com", PASSWORD).await;

    let body = json!({ "app_metadata": { "plan": null, "seats": 3 }, "user_metadata": { "age": 36 }, "phone": "+15550123456" });
    let changed = app.service().put(&path(&user)).json(&body).await.assert_status(200).json();
    assert_eq!(changed["app_metadata"]["seats"], 3);
    assert!(changed["app_metadata"]["plan"].is_null());
    assert_eq!(changed["user_metadata"], json!({ "name": "Ada", "age": 36 }));
    assert_eq!(changed["phone"], "15550123456");
    ada.get("/auth/v1/user").await.assert_status(200);

    let deleted = app.service().delete(&path(&user)).json(&json!({ "should_soft_delete": false })).await;
    assert_eq!(deleted.assert_status(200).json(), json!({}));
    assert_eq!(app.service().get(&path(&user)).await.assert_status(404).json()["error_code"], "user_not_found");
    app.service().delete(&path(&user)).await.assert_status(404);
    app.service().put(&path(&user)).json(&json!({})).await.assert_status(404);
    assert_eq!(ada.get("/auth/v1/user").await.assert_status(403).json()["error_code"], "user_not_found");
    let body = json!({ "refresh_token": ada.refresh_token });
    app.anon().post("/auth/v1/token?grant_type=refresh_token").json(&body).await.assert_status(400);
}

#[actix_web::test]
async fn nobody_else_may() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let own = format!("{USERS}/{}", ada.id);
    for client in [&*ada, &app.anon()] {
        for request in [client.get(USERS), client.post(USERS), client.get(&own), client.put(&own), client.delete(&own)] {
            let answer = request.await;
            assert_eq!(answer.assert_status(403).json()["error_code"], "not_admin");
        }
    }
    let bad = app.bearer("nonsense").get(USERS).await;
    assert_eq!(bad.assert_status(403).json()["error_code"], "bad_jwt");
    let no_bearer = app.nobody().get(USERS).header("apikey", app.key("service_key")).await;
    assert_eq!(no_bearer.assert_status(401).json()["error_code"], "no_authorization");
    ada.get("/auth/v1/user").await.assert_status(200);
}

#[actix_web::test]
async fn pages_come_with_headers_as_the_sdk_reads_them() {
    let app = TestApp::start().await;
    let empty = app.service().get(USERS).await;
    assert_eq!(empty.assert_status(200).json(), json!({ "users": [], "aud": "authenticated" }));
    assert_eq!(empty.header("x-total-count"), Some("0"));

    for number in 1..=5 {
        create(&app, json!({ "email": format!("user{number}@example.com") })).await.assert_status(200);
    }
    let page = async |query: &str| app.service().get(&format!("{USERS}{query}")).await;
    let first = page("?page=1&per_page=2").await;
    let users = first.assert_status(200).json()["users"].clone();
    let emails = |users: &Value| users.as_array().into_iter().flatten().map(|user| user["email"].clone()).collect::<Vec<_>>();
    assert_eq!(emails(&users), ["user5@example.com", "user4@example.com"]);
    assert!(users[0]["identities"][0]["identity_id"].is_string());
    assert_eq!(first.header("x-total-count"), Some("5"));
    assert_eq!(
        first.header("link"),
        Some("</admin/users?page=2&per_page=2>; rel=\"next\", </admin/users?page=3&per_page=2>; rel=\"last\"")
    );
    let last = page("?page=3&per_page=2").await;
    assert_eq!(emails(&last.json()["users"]), ["user1@example.com"]);
    assert_eq!(last.header("link"), Some("</admin/users?page=3&per_page=2>; rel=\"last\""));
    assert_eq!(emails(&page("?page=4294967295&per_page=1000").await.assert_status(200).json()["users"]), [""; 0]);
    assert_eq!(emails(&page("?page=&per_page=").await.assert_status(200).json()["users"]).len(), 5);
    for query in ["?page=0", "?page=-1", "?page=x", "?per_page=0", "?per_page=1001", "?page=99999999999"] {
        assert_eq!(page(query).await.assert_status(400).json()["error_code"], "validation_failed", "{query}");
    }
}

#[actix_web::test]
async fn an_unconfirmed_address_waits() {
    let app = TestApp::start().await;
    let user = create(&app, json!({ "email": "ada@example.com", "password": PASSWORD })).await.assert_status(200).json();
    assert!(user["email_confirmed_at"].is_null());
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let sign_in = async || app.anon().post("/auth/v1/token?grant_type=password").json(&body).await;
    assert_eq!(sign_in().await.assert_status(400).json()["error_code"], "email_not_confirmed");
    app.service().put(&path(&user)).json(&json!({ "email_confirm": true })).await.assert_status(200);
    sign_in().await.assert_status(200);
}

#[actix_web::test]
async fn a_ban_holds_everywhere_until_it_ends() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let user = ada.session["user"].clone();
    let ban = async |length: &str| app.service().put(&path(&user)).json(&json!({ "ban_duration": length })).await;

    assert!(ban("24h").await.assert_status(200).json()["banned_until"].is_string());
    assert_eq!(ada.get("/auth/v1/user").await.assert_status(403).json()["error_code"], "user_banned");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let sign_in = app.anon().post("/auth/v1/token?grant_type=password").json(&body).await;
    assert_eq!(sign_in.assert_status(400).json()["error_code"], "user_banned");
    let body = json!({ "email": "ada@example.com", "password": "wrong password" });
    let wrong = app.anon().post("/auth/v1/token?grant_type=password").json(&body).await;
    assert_eq!(wrong.assert_status(400).json()["error_code"], "invalid_credentials");
    let body = json!({ "refresh_token": ada.refresh_token });
    let refresh = app.anon().post("/auth/v1/token?grant_type=refresh_token").json(&body).await;
    assert_eq!(refresh.assert_status(400).json()["error_code"], "user_banned");

    assert!(ban("none").await.assert_status(200).json()["banned_until"].is_null());
    ada.get("/auth/v1/user").await.assert_status(200);
    assert_eq!(ban("a while").await.assert_status(400).json()["error_code"], "validation_failed");
}

#[actix_web::test]
async fn a_password_set_by_the_owner_ends_all_sessions() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let body = json!({ "password": "a better password" });
    app.service().put(&path(&ada.session["user"])).json(&body).await.assert_status(200);
    ada.get("/auth/v1/user").await.assert_status(403);
    app.sign_in("ada@example.com", "a better password").await;
}

#[actix_web::test]
async fn what_is_not_right_is_named() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let refused = async |body: Value, status: u16, code: &str| {
        let error = create(&app, body.clone()).await.assert_status(status).json();
        assert_eq!(error["error_code"], code, "{body} gave {error}");
    };
    refused(json!({}), 400, "validation_failed").await;
    refused(json!({ "email": "ADA@example.com" }), 422, "email_exists").await;
    refused(json!({ "email": "b@b.c", "id": ada.id }), 400, "validation_failed").await;
    refused(json!({ "email": "b@b.c", "id": "nonsense" }), 400, "validation_failed").await;
    refused(json!({ "email": "b@b.c", "password": "123" }), 422, "weak_password").await;
    refused(json!({ "email": "b@b.c", "role": "superuser" }), 400, "validation_failed").await;
    refused(json!({ "email": "b@b.c", "email_confirm": "yes" }), 400, "validation_failed").await;
    refused(json!({ "email": "b@b.c", "password_hash": "$2y$10$x" }), 400, "validation_failed").await;
    refused(json!({ "email": "b@b.c", "app_metadata": { "x": "y".repeat(5000) } }), 400, "validation_failed").await;
    refused(json!({ "phone": "nonsense" }), 400, "validation_failed").await;

    create(&app, json!({ "phone": "+15550123456" })).await.assert_status(200);
    refused(json!({ "phone": "15550123456" }), 422, "phone_exists").await;
    let id = Uuid::new_v4().to_string();
    let user = create(&app, json!({ "email": "c@b.c", "id": id })).await.assert_status(200).json();
    assert_eq!(user["id"], json!(id));

    let taken = app.service().put(&path(&user)).json(&json!({ "email": "ada@example.com" })).await;
    assert_eq!(taken.assert_status(422).json()["error_code"], "email_exists");
    let soft = app.service().delete(&path(&user)).json(&json!({ "should_soft_delete": true })).await;
    assert_eq!(soft.assert_status(400).json()["error_code"], "validation_failed");
    let unknown = app.service().get(&format!("{USERS}/nonsense")).await;
    assert_eq!(unknown.assert_status(404).json()["error_code"], "validation_failed");
}
