//! The sample functions of `functions/`, deployed as the README says and called as their files say.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::TestApp;

/// A server with every folder of `functions/` deployed by the command line.
async fn deployed() -> TestApp {
    let app = TestApp::start().await;
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("functions");
    let mut count = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() {
            let done = app.plinth(&["functions", "deploy", folder.to_str().unwrap()]);
            assert!(done.status.success(), "{}", done.stderr);
            count += 1;
        }
    }
    assert!(count >= 4, "there are samples");
    app
}

#[tokio::test]
async fn every_sample_does_what_its_file_says() {
    let app = deployed().await;
    let ada = app.sign_up("ada@example.com").await;

    let by_token = ada.post("/functions/v1/hello").await;
    assert_eq!(by_token.assert_status(200).json()["message"], json!("Hello, ada@example.com!"));
    assert_eq!(by_token.json()["user"], json!(ada.id));
    let stranger = app.invoke("hello", &Value::Null).await;
    assert_eq!(stranger.assert_status(200).json()["message"], json!("Hello, stranger!"));
    let timing = stranger.header("server-timing").unwrap_or_default();
    for phase in ["download", "environment", "init", "handler"] {
        assert!(timing.contains(phase), "{timing}");
    }

    assert_eq!(ada.get("/functions/v1/whoami").await.assert_status(200).json()["signedIn"], json!(true));
    let headers = ada.get("/functions/v1/whoami/headers").header("x-tried", "yes").await;
    assert_eq!(headers.assert_status(200).json()["x-tried"], json!("yes"));

    let long = app.anon().post("/functions/v1/digest?algorithm=SHA-512").body("abc").await;
    assert!(long.assert_status(200).json()["digest"].as_str().unwrap().starts_with("ddaf35a193617aba"));
    app.anon().post("/functions/v1/digest?algorithm=MD5").body("abc").await.assert_status(400);
}

#[tokio::test]
async fn the_webhook_takes_only_what_is_signed() {
    let app = deployed().await;
    let secret = "a sample, not a secret: set your own";
    let body = r#"{"event":"paid"}"#;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    let signature: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let post = |signature: &str| app.nobody().post("/functions/v1/webhook").header("x-signature", signature).body(body);
    assert_eq!(post(&signature).await.assert_status(200).json(), json!({ "accepted": true }));
    post(&signature.replace('a', "b")).await.assert_status(401);
    post("").await.assert_status(401);
    app.nobody().get("/functions/v1/webhook").await.assert_status(405);
}
