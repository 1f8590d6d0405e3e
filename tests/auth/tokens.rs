//! Access tokens: what they say, and which are refused.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plinth::auth::model::{Metadata, Origin};
use plinth::auth::principal::Refusal;
use plinth::auth::token::{MAX_TOKEN, Signer};
use plinth::auth::{AdminUser, NewUser};
use proptest::strategy::{Strategy, ValueTree};
use serde_json::{Map, Value, json};

use super::fixture::{Fixture, PASSWORD, bearer};
use crate::support::claims;

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn header(token: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a part")).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// A key that is not the server's.
fn stranger() -> Vec<u8> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).expect("a key");
    document.as_ref().to_vec()
}

#[actix_web::test]
async fn a_token_says_who_and_for_how_long() {
    let test = Fixture::new().await;
    let signed_in = test.sign_up("ada@example.com").await;
    let user = &signed_in.account.user;
    let token = signed_in.access_token.expose();
    let now = test.clock.now().seconds();
    let claims = claims(token);
    assert_eq!(
        claims,
        json!({
            "iss": "http://localhost:8080/auth/v1",
            "sub": user.id,
            "aud": "authenticated",
            "exp": now + 3600,
            "iat": now,
            "email": "ada@example.com",
            "phone": "",
            "app_metadata": { "provider": "email", "providers": ["email"] },
            "user_metadata": {},
            "role": "authenticated",
            "aal": "aal1",
            "amr": [{ "method": "password", "timestamp": now }],
            "session_id": claims["session_id"],
            "is_anonymous": false,
        })
    );
    assert_eq!(signed_in.expires_at.seconds(), now + 3600);
    let kid = header(token)["kid"].as_str().expect("a kid").to_owned();
    assert_eq!(header(token)["alg"], "ES256");
    assert!(test.auth.published_keys().find(&kid).is_some());
}

#[actix_web::test]
async fn forged_tokens_are_refused() {
    let test = Fixture::new().await;
    let signed_in = test.sign_up("ada@example.com").await;
    let good = signed_in.access_token.expose();
    let (head, said) = (header(good), claims(good));
    let kid = head["kid"].as_str().expect("a kid");
    let payload = good.split('.').nth(1).expect("a payload");
    let signature = good.rsplit('.').next().expect("a signature");
    let mut elevated = said.clone();
    elevated["role"] = "service_role".into();

    let public = serde_json::to_string(test.auth.published_keys()).expect("JSON");
    let hs256 = jsonwebtoken::Header { kid: Some(kid.to_owned()), ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256) };
    let by_secret = |secret: &[u8]| {
        jsonwebtoken::encode(&hs256, &elevated, &jsonwebtoken::EncodingKey::from_secret(secret)).expect("a token")
    };
    let forged = [
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&elevated)),
        format!("{}.{}.{signature}", part(&json!({ "alg": "none", "kid": kid })), part(&elevated)),
        format!("{}.{}.{signature}", part(&json!({ "alg": "NONE", "kid": kid })), payload),
        format!("{}.{}.{signature}", part(&head), part(&elevated)),
        format!("{}.{payload}.", part(&head)),
        format!("{}.{payload}.{}", part(&head), "A".repeat(86)),
        Signer::new(kid, &stranger()).sign(&object(elevated.clone())).expect("a token"),
        Signer::new("another-kid", &stranger()).sign(&object(elevated.clone())).expect("a token"),
        by_secret(b""),
        by_secret(public.as_bytes()),
        by_secret(kid.as_bytes()),
    ];
    for token in &forged {
        let refused = bearer(&test.auth, token).await.expect_err(token);
        assert!(matches!(refused, Refusal::BadToken(_)), "{refused:?} for {token}");
    }
    assert!(bearer(&test.auth, good).await.is_ok());
}

#[actix_web::test]
async fn a_token_for_somebody_else_is_refused_although_its_signature_holds() {
    let test = Fixture::new().await;
    let signed_in = test.sign_up("ada@example.com").await;
    let said = claims(signed_in.access_token.expose());
    let signer = server_signer(&test).await;
    let sign = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut claims = object(said.clone());
        change(&mut claims);
        signer.sign(&claims).expect("a token")
    };
    assert!(bearer(&test.auth, &sign(&|_| {})).await.is_ok(), "the signer is the server's");

    let removed = ["aud", "exp", "sub", "session_id", "role"];
    for name in removed {
        let token = sign(&|claims| drop(claims.remove(name)));
        assert!(bearer(&test.auth, &token).await.is_err(), "without {name}");
    }
    let changed = [
        ("aud", json!("somebody else")),
        ("aud", json!(["a", "b"])),
        ("aud", json!(5)),
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("exp", json!(1.5e300)),
        ("sub", json!("ada")),
        ("sub", json!(null)),
        ("session_id", json!("00000000-0000-0000-0000-000000000000")),
        ("role", json!("superuser")),
        ("key_id", json!("00000000-0000-0000-0000-000000000000")),
    ];
    for (name, value) in changed {
        let token = sign(&|claims| drop(claims.insert(name.to_owned(), value.clone())));
        assert!(bearer(&test.auth, &token).await.is_err(), "{name} = {value}");
    }
}

/// A signer with the server's own key, as somebody would have who has the database and the master key.
async fn server_signer(test: &Fixture) -> Signer {
    let mut conn = test.db.read().await.expect("a reader");
    let (kid, sealed): (String, Vec<u8>) =
        conn.query("select public_id, sealed from plinth.keys where name = 'signing'").fetch_one().await.expect("the key");
    Signer::new(&kid, &test.vault.unwrap("plinth.keys signing", &sealed).expect("opened"))
}

#[actix_web::test]
async fn a_token_ends_at_its_second() {
    let test = Fixture::new().await;
    let signed_in = test.sign_up("ada@example.com").await;
    let token = signed_in.access_token.expose();
    test.clock.advance(Duration::from_secs(3599));
    assert!(bearer(&test.auth, token).await.is_ok());
    test.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(bearer(&test.auth, token).await.expect_err("over"), Refusal::Expired);
    }
}

#[actix_web::test]
async fn tokens_that_are_too_long_or_no_tokens_are_refused() {
    let test = Fixture::new().await;
    let token = test.sign_up("ada@example.com").await.access_token.into_exposed();
    let head = token.split('.').next().expect("a header").to_owned();
    let bad = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b.c".to_owned(),
        "undefined".to_owned(),
        head.clone(),
        format!("{head}."),
        format!("{token}.x"),
        token.replace('.', ""),
        format!("{token}="),
        format!("{token}{}", "A".repeat(MAX_TOKEN)),
        "A".repeat(1_000_000),
        format!("{head}.{}.{}", URL_SAFE_NO_PAD.encode("[".repeat(3000)), "A".repeat(86)),
    ];
    for text in bad {
        assert!(matches!(bearer(&test.auth, &text).await, Err(Refusal::BadToken(_))), "{text:.60}");
    }
}

#[actix_web::test]
async fn no_text_upsets_the_verifier() {
    let test = Fixture::new().await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let parts = "[A-Za-z0-9_.-]{0,200}";
    for _ in 0..500 {
        let text = parts.new_tree(&mut runner).expect("a tree").current();
        assert!(bearer(&test.auth, &text).await.is_err());
    }
}

#[actix_web::test]
async fn metadata_that_does_not_fit_a_token_is_left_out_of_it() {
    let test = Fixture::new().await;
    let data: Metadata = object(json!({ "bio": "x".repeat(20_000) }));
    let credentials = Some(("ada@example.com".parse().expect("an address"), PASSWORD.to_owned()));
    let new = NewUser { credentials, data: data.clone() };
    let signed_in = test.auth.sign_up(new, Origin::default()).await.expect("signed up");
    let token = signed_in.access_token.expose();
    assert!(token.len() <= MAX_TOKEN);
    assert_eq!(claims(token)["user_metadata"], json!({}));
    assert_eq!(signed_in.account.user.user_metadata, data);
    assert!(bearer(&test.auth, token).await.is_ok());

    // What policies rely on always fits: it has a smaller limit.
    let app = Some(object(json!({ "roles": "r".repeat(4000) })));
    let wanted = AdminUser { app_metadata: app, ..AdminUser::default() };
    test.auth.update_user(signed_in.account.user.id, wanted).await.expect("changed");
    let again = test.auth.refresh(signed_in.refresh_token.expose()).await.expect("refreshed");
    assert_eq!(claims(again.access_token.expose())["app_metadata"]["roles"].as_str().map(str::len), Some(4000));
    assert!(bearer(&test.auth, again.access_token.expose()).await.is_ok());
    let app = Some(object(json!({ "roles": "r".repeat(5000) })));
    let wanted = AdminUser { app_metadata: app, ..AdminUser::default() };
    assert!(test.auth.update_user(signed_in.account.user.id, wanted).await.is_err());
}
