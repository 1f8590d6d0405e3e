//! `POST /auth/v1/token`.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Response, TestApp};

async fn token(app: &TestApp, grant: &str, body: Value) -> Response {
    app.anon().post(&format!("/auth/v1/token?grant_type={grant}")).json(&body).await
}

#[actix_web::test]
async fn a_password_signs_in_and_a_wrong_one_says_nothing() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let again = app.sign_in("ADA@example.com", PASSWORD).await;
    assert_eq!(again.id, ada.id);
    assert_ne!(again.session_id, ada.session_id);

    let wrong = token(&app, "password", json!({ "email": "ada@example.com", "password": "wrong password" })).await;
    let bodies = [
        json!({ "email": "bob@example.com", "password": PASSWORD }),
        json!({ "email": "not an address", "password": PASSWORD }),
        json!({ "email": "ada@example.com" }),
        json!({ "email": "ada@example.com", "password": "x".repeat(5000) }),
        json!({ "email": format!("{}@example.com", "a".repeat(50_000)), "password": PASSWORD }),
    ];
    for body in bodies {
        let unknown = token(&app, "password", body).await;
        assert_eq!((unknown.status(), unknown.bytes()), (wrong.status(), wrong.bytes()));
    }
    assert_eq!(
        wrong.assert_status(400).json(),
        json!({ "code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials" })
    );
}

#[actix_web::test]
async fn a_refresh_rotates() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let answer = token(&app, "refresh_token", json!({ "refresh_token": ada.refresh_token })).await;
    let next = app.signed_in(&answer);
    assert_eq!((&next.id, &next.session_id), (&ada.id, &ada.session_id));
    assert_ne!(next.refresh_token, ada.refresh_token);
    next.get("/auth/v1/user").await.assert_status(200);

    let again = token(&app, "refresh_token", json!({ "refresh_token": ada.refresh_token })).await;
    assert_eq!(app.signed_in(&again).refresh_token, next.refresh_token);
}

#[actix_web::test]
async fn fifty_refreshes_at_once_all_get_the_same_token() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let body = json!({ "refresh_token": ada.refresh_token });
    let answers = join_all((0..50).map(|_| token(&app, "refresh_token", body.clone()))).await;
    let first = app.signed_in(&answers[0]).refresh_token;
    for answer in &answers {
        let user = app.signed_in(answer);
        assert_eq!((&user.refresh_token, &user.session_id), (&first, &ada.session_id));
    }
}

#[actix_web::test]
async fn a_token_spent_long_ago_ends_the_session() {
    let app = TestApp::start_with("[auth]\nrefresh_reuse_interval = \"0s\"").await;
    let ada = app.sign_up("ada@example.com").await;
    let refresh = async |text: &str| token(&app, "refresh_token", json!({ "refresh_token": text })).await;
    let second = app.signed_in(&refresh(&ada.refresh_token).await);
    let third = app.signed_in(&refresh(&second.refresh_token).await);
    let spent = refresh(&ada.refresh_token).await;
    assert_eq!(spent.assert_status(400).json()["error_code"], "refresh_token_already_used");
    for text in [&ada.refresh_token, &second.refresh_token, &third.refresh_token] {
        assert_eq!(refresh(text).await.assert_status(400).json()["error_code"], "refresh_token_not_found");
    }
    let over = third.get("/auth/v1/user").await;
    assert_eq!(over.assert_status(403).json()["error_code"], "session_not_found");
}

#[actix_web::test]
async fn other_grants_and_half_bodies_are_named() {
    let app = TestApp::start().await;
    let refused = async |grant: &str, body: Value, says: &str| {
        let error = token(&app, grant, body).await.assert_status(400).json();
        assert_eq!(error["error_code"], "validation_failed");
        assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(says)), "{error}");
    };
    for grant in ["pkce", "id_token", "", "nonsense", "password&grant_type=password", "PASSWORD"] {
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        refused(grant, body, if grant.contains('&') { "query" } else { "unsupported_grant_type" }).await;
    }
    refused("password", json!({}), "missing email").await;
    refused("refresh_token", json!({}), "refresh_token required").await;
    let unknown = token(&app, "refresh_token", json!({ "refresh_token": "nonsense" })).await;
    assert_eq!(unknown.assert_status(400).json()["error_code"], "refresh_token_not_found");
}

#[actix_web::test]
async fn a_full_queue_answers_429_and_says_when() {
    let settings = "[auth]\nhash_queue = 1\nhash_threads = 1\nargon2_memory_kib = 65536\nargon2_iterations = 5";
    let app = TestApp::start_with(settings).await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answers = join_all((0..12).map(|_| token(&app, "password", body.clone()))).await;
    let full: Vec<_> = answers.iter().filter(|answer| answer.status() == 429).collect();
    assert!(!full.is_empty());
    for answer in full {
        assert_eq!(answer.json()["error_code"], "over_request_rate_limit");
        assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    }
    assert!(answers.iter().all(|answer| matches!(answer.status(), 400 | 429)));
}
