//! `POST /auth/v1/logout`.

use serde_json::json;

use crate::support::{PASSWORD, TestApp, User};

async fn is_in(user: &User) -> bool {
    let answer = user.get("/auth/v1/user").await;
    match answer.status() {
        200 => true,
        403 => {
            assert_eq!(answer.json()["error_code"], "session_not_found");
            false
        }
        other => panic!("{other}: {}", answer.text()),
    }
}

#[actix_web::test]
async fn the_scopes_end_what_they_say_at_once() {
    let app = TestApp::start().await;
    let first = app.sign_up("ada@example.com").await;
    let second = app.sign_in("ada@example.com", PASSWORD).await;
    let third = app.sign_in("ada@example.com", PASSWORD).await;
    let bob = app.sign_up("bob@example.com").await;

    first.post("/auth/v1/logout?scope=local").await.assert_status(204);
    assert!(!is_in(&first).await && is_in(&second).await && is_in(&third).await);
    second.post("/auth/v1/logout?scope=others").await.assert_status(204);
    assert!(is_in(&second).await && !is_in(&third).await);
    let fourth = app.sign_in("ada@example.com", PASSWORD).await;
    fourth.post("/auth/v1/logout").await.assert_status(204);
    assert!(!is_in(&fourth).await && !is_in(&second).await);
    assert!(is_in(&bob).await);
}

#[actix_web::test]
async fn what_belonged_to_a_session_is_worth_nothing_after_it() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let answer = ada.post("/auth/v1/logout?scope=local").await;
    assert!(answer.assert_status(204).bytes().is_empty());
    let body = json!({ "refresh_token": ada.refresh_token });
    let refused = app.anon().post("/auth/v1/token?grant_type=refresh_token").json(&body).await;
    assert_eq!(refused.assert_status(400).json()["error_code"], "refresh_token_not_found");
    let again = ada.post("/auth/v1/logout?scope=local").await;
    assert_eq!(again.assert_status(403).json()["error_code"], "session_not_found");
}

#[actix_web::test]
async fn another_scope_and_another_caller_are_refused() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    let unknown = ada.post("/auth/v1/logout?scope=everybody").await;
    assert_eq!(unknown.assert_status(400).json()["error_code"], "validation_failed");
    app.anon().post("/auth/v1/logout").await.assert_status(403);
    assert!(is_in(&ada).await);
}
