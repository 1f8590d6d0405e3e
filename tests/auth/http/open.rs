//! What needs no key, and what needs one.

use serde_json::json;

use crate::support::{PASSWORD, TestApp};

#[actix_web::test]
async fn health_and_the_public_keys_need_no_key() {
    let app = TestApp::start().await;
    let health = app.nobody().get("/auth/v1/health").await.assert_status(200).json();
    assert!(["version", "name", "description"].iter().all(|name| health[name].is_string()), "{health}");

    let answer = app.nobody().get("/auth/v1/.well-known/jwks.json").await;
    let set = answer.assert_status(200).json();
    let key = &set["keys"][0];
    for (name, value) in [("kty", "EC"), ("crv", "P-256"), ("alg", "ES256"), ("use", "sig")] {
        assert_eq!(key[name], value, "{set}");
    }
    assert!(key["d"].is_null(), "the private part stays here");
    assert!(answer.header("cache-control").is_some_and(|text| text.contains("max-age")));
}

#[actix_web::test]
async fn a_published_key_verifies_a_token() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let set: jsonwebtoken::jwk::JwkSet = app.nobody().get("/auth/v1/.well-known/jwks.json").await.parse();
    let kid = jsonwebtoken::decode_header(&ada.access_token).expect("a header").kid.expect("a kid");
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&kid).expect("the key")).expect("a P-256 key");
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    rules.set_audience(&["authenticated"]);
    let token = jsonwebtoken::decode::<serde_json::Value>(&ada.access_token, &key, &rules).expect("verified");
    assert_eq!(token.claims["sub"], json!(ada.id));
}

#[actix_web::test]
async fn everything_else_needs_a_key() {
    let app = TestApp::start().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let without = app.nobody().post("/auth/v1/signup").json(&body).await;
    assert_eq!(without.assert_status(401).json(), json!({ "message": "No API key found in request" }));
    for key in ["nonsense", &"x".repeat(10_000), &format!("{}x", app.key("anon_key"))] {
        let unknown = app.nobody().post("/auth/v1/signup").header("apikey", key).json(&body).await;
        assert_eq!(unknown.assert_status(401).json(), json!({ "message": "Invalid API key" }));
    }
    let ada = app.sign_up("ada@example.com").await;
    let user = app.nobody().get("/auth/v1/user").header("authorization", &format!("Bearer {}", ada.access_token)).await;
    assert_eq!(user.assert_status(401).json(), json!({ "message": "No API key found in request" }));
    for path in ["/auth/v1/settings", "/auth/v1/nonsense", "/auth/v1/admin/users"] {
        app.nobody().get(path).await.assert_status(401);
    }
}

#[actix_web::test]
async fn a_key_comes_in_the_header_the_query_or_as_the_bearer() {
    let app = TestApp::start().await;
    let key = app.key("anon_key");
    app.nobody().get("/auth/v1/settings").header("apikey", key).await.assert_status(200);
    app.nobody().get(&format!("/auth/v1/settings?apikey={key}")).await.assert_status(200);
    app.nobody().get("/auth/v1/settings").header("authorization", &format!("Bearer {key}")).await.assert_status(200);
    app.nobody().get("/auth/v1/settings?apikey=nonsense").await.assert_status(401);
}

#[actix_web::test]
async fn settings_say_what_is_on() {
    let app = TestApp::start().await;
    let settings = app.anon().get("/auth/v1/settings").await.assert_status(200).json();
    assert_eq!((&settings["disable_signup"], &settings["mailer_autoconfirm"]), (&json!(false), &json!(true)));
    let external = &settings["external"];
    assert_eq!(
        (&external["email"], &external["anonymous_users"], &external["phone"], &external["google"]),
        (&json!(true), &json!(true), &json!(false), &json!(false))
    );
}
