//! Bodies that nobody should send.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Response, TestApp};

async fn send(app: &TestApp, body: impl Into<Vec<u8>>) -> Response {
    app.anon().post("/auth/v1/signup").header("content-type", "application/json").body(body.into()).await
}

#[actix_web::test]
async fn what_is_not_json_is_bad_json() {
    let app = TestApp::start().await;
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"{\"email\":}",
        b"nonsense",
        b"{\"email\":\"a\"} trailing",
        b"\xff\xfe",
        b"{\"email\":\"\xff\"}",
        b"{\"email\":\"\\ud800\"}",
        b"{\"email\":\"\x00\"}",
        b"{\"data\":{\"n\":1e999}}",
        b"email=ada@example.com&password=x",
        b"{'email':'a'}",
    ];
    for body in bodies {
        let answer = send(&app, body).await;
        let error = answer.assert_status(400).json();
        assert_eq!(error["error_code"], "bad_json", "{} gave {error}", String::from_utf8_lossy(body));
    }
}

#[actix_web::test]
async fn deep_json_is_refused_and_upsets_nobody() {
    let app = TestApp::start().await;
    for depth in [70, 1_000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let body = format!("{{\"data\":{{\"x\":{}1{}}}}}", open.repeat(depth), close.repeat(depth));
            let answer = send(&app, body.clone()).await;
            assert!(matches!(answer.status(), 400 | 413), "{depth}: {}", answer.text());
        }
    }
    app.sign_up("ada@example.com").await;
}

#[actix_web::test]
async fn wrong_types_name_the_field_and_never_repeat_the_value() {
    let app = TestApp::start().await;
    let cases = [
        (json!({ "email": 5, "password": PASSWORD }), "email"),
        (json!({ "email": "a@b.c", "password": 918_273_645 }), "password"),
        (json!({ "email": "a@b.c", "password": ["918273645"] }), "password"),
        (json!({ "email": { "a": 1 }, "password": PASSWORD }), "email"),
        (json!({ "email": "a@b.c", "password": PASSWORD, "data": [1] }), "data"),
        (json!({ "email": "a@b.c", "password": PASSWORD, "data": "x" }), "data"),
        (json!([]), "object"),
        (json!("text"), "object"),
        (Value::Null, "object"),
    ];
    for (body, field) in cases {
        let answer = send(&app, body.to_string()).await;
        let error = answer.assert_status(400).json();
        assert_eq!(error["error_code"], "validation_failed", "{body} gave {error}");
        let text = error["msg"].as_str().expect("a message");
        assert!(text.contains(field) && !text.contains("918"), "{body} gave {text}");
    }
}

#[actix_web::test]
async fn nul_characters_are_refused_wherever_they_are() {
    let app = TestApp::start().await;
    let bodies = [
        r#"{"email":"a\u0000@b.c","password":"correct horse"}"#,
        r#"{"email":"a@b.c","password":"correct\u0000horse"}"#,
        r#"{"email":"a@b.c","password":"correct horse","data":{"a":["\u0000"]}}"#,
        r#"{"email":"a@b.c","password":"correct horse","data":{"\u0000":1}}"#,
    ];
    for body in bodies {
        assert_eq!(send(&app, body).await.assert_status(400).json()["error_code"], "validation_failed", "{body}");
    }
    // A backslash before it makes it text.
    let body = r#"{"email":"a@b.c","password":"correct horse","data":{"a":"\\u0000"}}"#;
    assert_eq!(send(&app, body).await.assert_status(200).json()["user"]["user_metadata"]["a"], "\\u0000");
}

#[actix_web::test]
async fn an_oversized_body_is_413_and_says_the_limit() {
    let app = TestApp::start().await;
    let body = json!({ "email": "a@b.c", "password": PASSWORD, "data": { "x": "y".repeat(300_000) } });
    let answer = send(&app, body.to_string()).await;
    let error = answer.assert_status(413).json();
    assert_eq!(error["error_code"], "request_entity_too_large");
    assert!(error["msg"].as_str().is_some_and(|msg| msg.contains("262144")), "{error}");
}

#[actix_web::test]
async fn unknown_fields_and_nulls_are_ignored() {
    let app = TestApp::start().await;
    let body = json!({
        "email": "ada@example.com", "password": PASSWORD, "data": null, "phone": null, "gotrue_meta_security": { "captcha_token": "x" },
        "code_challenge": null, "code_challenge_method": null, "channel": "sms",
    });
    send(&app, body.to_string()).await.assert_status(200);
}

#[actix_web::test]
async fn text_of_every_script_comes_back_as_it_was() {
    let app = TestApp::start().await;
    let data = json!({ "name": "Ада 爱达 🧮 \u{202e}x\u{7f}\\\"'; drop table auth.users; --", "n": [1, 1.5, -0.0, 9_007_199_254_740_993_i64] });
    let body = json!({ "email": "ada@example.com", "password": "пароль 🧮 密码", "data": data });
    send(&app, body.to_string()).await.assert_status(200);
    let ada = app.sign_in("ada@example.com", "пароль 🧮 密码").await;
    assert_eq!(ada.session["user"]["user_metadata"]["name"], data["name"]);
}
