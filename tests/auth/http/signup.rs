//! `POST /auth/v1/signup`.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, claims};

#[actix_web::test]
async fn a_user_signs_up_and_is_signed_in() {
    let app = TestApp::start().await;
    let body = json!({ "email": "Ada@Example.com", "password": PASSWORD, "data": { "name": "Ada" } });
    let answer = app.anon().post("/auth/v1/signup").json(&body).await;
    let session = answer.assert_status(200).json();
    // PostgreSQL has an order of its own for the keys of JSON.
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    let _sorted = settings.bind_to_scope();
    insta::assert_json_snapshot!(session, {
        ".access_token" => "[jwt]",
        ".refresh_token" => "[token]",
        ".expires_at" => "[seconds]",
        ".user.id" => "[id]",
        ".user.confirmed_at" => "[time]",
        ".user.created_at" => "[time]",
        ".user.email_confirmed_at" => "[time]",
        ".user.last_sign_in_at" => "[time]",
        ".user.updated_at" => "[time]",
        ".user.identities[].created_at" => "[time]",
        ".user.identities[].last_sign_in_at" => "[time]",
        ".user.identities[].updated_at" => "[time]",
        ".user.identities[].id" => "[id]",
        ".user.identities[].identity_id" => "[id]",
        ".user.identities[].user_id" => "[id]",
        ".user.identities[].identity_data.sub" => "[id]",
    }, @r#"
    {
      "access_token": "[jwt]",
      "expires_at": "[seconds]",
      "expires_in": 3600,
      "refresh_token": "[token]",
      "token_type": "bearer",
      "user": {
        "app_metadata": {
          "provider": "email",
          "providers": [
            "email"
          ]
        },
        "aud": "authenticated",
        "confirmed_at": "[time]",
        "created_at": "[time]",
        "email": "ada@example.com",
        "email_confirmed_at": "[time]",
        "id": "[id]",
        "identities": [
          {
            "created_at": "[time]",
            "email": "ada@example.com",
            "id": "[id]",
            "identity_data": {
              "email": "ada@example.com",
              "email_verified": true,
              "sub": "[id]"
            },
            "identity_id": "[id]",
            "last_sign_in_at": "[time]",
            "provider": "email",
            "updated_at": "[time]",
            "user_id": "[id]"
          }
        ],
        "is_anonymous": false,
        "last_sign_in_at": "[time]",
        "phone": "",
        "role": "authenticated",
        "updated_at": "[time]",
        "user_metadata": {
          "name": "Ada"
        }
      }
    }
    "#);
    let ada = app.signed_in(&answer);
    ada.get("/auth/v1/user").await.assert_status(200);
}

#[actix_web::test]
async fn data_alone_makes_an_anonymous_user() {
    let app = TestApp::start().await;
    for body in [json!({ "data": { "theme": "dark" } }), json!({}), json!({ "email": "", "data": null })] {
        let answer = app.anon().post("/auth/v1/signup").json(&body).await;
        let guest = app.signed_in(&answer);
        let said = claims(&guest.access_token);
        assert_eq!(said["is_anonymous"], true);
        assert_eq!(said["email"], "");
        assert_eq!(said["amr"][0]["method"], "anonymous");
        let user = guest.get("/auth/v1/user").await.assert_status(200).json();
        assert_eq!((&user["is_anonymous"], &user["email"], &user["identities"]), (&json!(true), &json!(""), &json!([])));
        assert_eq!(user["app_metadata"], json!({}));
    }
}

#[actix_web::test]
async fn an_address_signs_up_once() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com").await;
    for email in ["ada@example.com", "ADA@EXAMPLE.COM"] {
        let body = json!({ "email": email, "password": "another password" });
        let again = app.anon().post("/auth/v1/signup").json(&body).await;
        assert_eq!(again.assert_status(422).json()["error_code"], "user_already_exists");
    }
    app.sign_in("ada@example.com", PASSWORD).await;
}

#[actix_web::test]
async fn of_twenty_sign_ups_with_one_address_one_succeeds() {
    let app = TestApp::start().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answers = join_all((0..20).map(|_| async { app.anon().post("/auth/v1/signup").json(&body).await.status() })).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&200, &422]));
}

#[actix_web::test]
async fn an_acknowledged_sign_up_survives_a_power_cut() {
    let mut app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com").await;
    app.kill9();
    app.restart().await;
    ada.get("/auth/v1/user").await.assert_status(200);
    app.sign_in("ada@example.com", PASSWORD).await;
}

#[actix_web::test]
async fn a_password_may_be_too_short() {
    let app = TestApp::start_with("[auth]\npassword_min_length = 10").await;
    let body = json!({ "email": "ada@example.com", "password": "123456789" });
    let weak = app.anon().post("/auth/v1/signup").json(&body).await;
    assert_eq!(
        weak.assert_status(422).json(),
        json!({
            "code": 422,
            "error_code": "weak_password",
            "msg": "Password should be at least 10 characters.",
            "weak_password": { "reasons": ["length"] },
        })
    );
}

#[actix_web::test]
async fn what_is_not_right_is_named() {
    let app = TestApp::start().await;
    let refused = async |body: Value, code: &str, says: &str| {
        let answer = app.anon().post("/auth/v1/signup").json(&body).await;
        let error = answer.assert_status(400).json();
        assert_eq!(error["error_code"], code, "{body} gave {error}");
        assert!(error["msg"].as_str().is_some_and(|msg| msg.contains(says)), "{body} gave {error}");
    };
    refused(json!({ "email": "ada", "password": PASSWORD }), "validation_failed", "email").await;
    refused(json!({ "email": "a".repeat(300), "password": PASSWORD }), "validation_failed", "254").await;
    refused(json!({ "email": "ada@example.com" }), "validation_failed", "password").await;
    refused(json!({ "password": PASSWORD }), "validation_failed", "email").await;
    refused(json!({ "phone": "+15550123456", "password": PASSWORD }), "phone_provider_disabled", "Phone").await;
    refused(json!({ "email": "a@b.c", "phone": "+15550123456", "password": PASSWORD }), "validation_failed", "Only").await;
    refused(json!({ "email": "a@b.c", "password": "x".repeat(1025) }), "validation_failed", "1024").await;
    let data = json!({ "email": "a@b.c", "password": PASSWORD, "data": { "bio": "x".repeat(70_000) } });
    refused(data, "validation_failed", "65536").await;
}

#[actix_web::test]
async fn an_operator_may_close_the_doors() {
    let app = TestApp::start_with("[auth]\nsignup = false").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let closed = app.anon().post("/auth/v1/signup").json(&body).await;
    assert_eq!(closed.assert_status(422).json()["error_code"], "signup_disabled");

    let app = TestApp::start_with("[auth]\nanonymous = false").await;
    let closed = app.anon().post("/auth/v1/signup").json(&json!({ "data": {} })).await;
    assert_eq!(closed.assert_status(422).json()["error_code"], "anonymous_provider_disabled");
    let settings = app.anon().get("/auth/v1/settings").await.assert_status(200).json();
    assert_eq!(settings["external"]["anonymous_users"], false);
}
