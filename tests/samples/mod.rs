//! The sample functions of `functions/`, deployed as the README says and called as their files say.

use std::time::Duration;

use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, eventually};

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
    assert!(count >= 8, "there are samples");
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

    let count = |answer: Value| (answer["name"].clone(), answer["count"].clone());
    for expected in 1..=3 {
        let counted = app.anon().post("/functions/v1/counter/front-page").await.assert_status(200).json();
        assert_eq!(count(counted), (json!("front-page"), json!(expected)));
    }
    let seen = app.anon().get("/functions/v1/counter/front-page").await.assert_status(200).json();
    assert_eq!(count(seen), (json!("front-page"), json!(3)));
    let others = app.anon().get("/functions/v1/counter").await.assert_status(200).json();
    assert_eq!(count(others), (json!("visits"), json!(0)));
    app.anon().delete("/functions/v1/counter").await.assert_status(405);
}

#[tokio::test]
async fn orders_come_from_a_queue_and_those_that_are_wrong_come_again() {
    let app = deployed().await;
    let policy = json!({ "deadLetterTargetArn": "arn:aws:sqs:local:000000000000:wrong", "maxReceiveCount": 1 }).to_string();
    for (name, attributes) in [("wrong", json!({})), ("orders", json!({ "RedrivePolicy": policy, "VisibilityTimeout": "3" }))] {
        app.sqs("CreateQueue", &json!({ "QueueName": name, "Attributes": attributes })).await.assert_status(200);
    }
    let url = |name: &str| format!("{}/sqs/000000000000/{name}", app.url());
    let mapping = json!({
        "FunctionName": "orders",
        "EventSourceArn": "arn:aws:sqs:local:000000000000:orders",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    });
    let made = app.aws(&Method::POST, "/2015-03-31/event-source-mappings", &[], mapping.to_string().as_bytes()).await;
    made.assert_status(202);
    let good = json!({ "id": "a1", "items": [{ "price": 2.5, "count": 2 }] }).to_string();
    for body in [good.as_str(), "no order"] {
        app.sqs("SendMessage", &json!({ "QueueUrl": url("orders"), "MessageBody": body })).await.assert_status(200);
    }
    let wrong = app.sqs("ReceiveMessage", &json!({ "QueueUrl": url("wrong"), "WaitTimeSeconds": 20 })).await.json();
    assert_eq!(wrong["Messages"][0]["Body"], "no order");
    assert!(log_of(&app, "orders").await.contains(&"order a1: 5.00".to_owned()));
}

#[tokio::test]
async fn told_is_told_of_what_failed_and_the_ticker_ticks() {
    let app = deployed().await;
    let record = json!({
        "requestContext": {
            "requestId": "7",
            "functionArn": "arn:aws:lambda:local:000000000000:function:hello:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "responsePayload": { "errorMessage": "not today" },
    });
    let answer = app.invoke_lambda("told", &record.to_string()).await;
    assert_eq!(answer.assert_status(200).json(), json!({ "noted": "7" }));
    assert!(log_of(&app, "told").await.contains(&"hello 7 failed 3 times: not today".to_owned()));
    let ticked = app.anon().get("/functions/v1/ticker?steps=2").await;
    assert_eq!(ticked.assert_status(200).bytes(), b"step 1 of 2\nstep 2 of 2\n");
}

/// What a function wrote into its log.
async fn log_of(app: &TestApp, function: &str) -> Vec<String> {
    let logs = app.service().get(&format!("/admin/v1/functions/{function}/logs?kind=function")).await.assert_status(200).json();
    let entries = logs["entries"].as_array().expect("entries").iter();
    entries.map(|entry| entry["text"].as_str().unwrap_or_default().to_owned()).collect()
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

#[tokio::test]
async fn the_report_is_called_by_the_clock() {
    let app = deployed().await;
    let service = app.service();
    let schedules = service.get("/admin/v1/functions/report/schedules").await.assert_status(200).json();
    let declared = &schedules["schedules"][0];
    assert_eq!((&declared["name"], &declared["declared"]), (&json!("weekday-mornings"), &json!(true)));
    assert_eq!((&declared["timezone"], &declared["state"]), (&json!("Europe/Berlin"), &json!("active")));
    let soon = json!({ "expression": "rate(1 second)" });
    service.put("/admin/v1/functions/report/schedules/soon").json(&soon).await.assert_status(201);
    let line = eventually("a report", Duration::from_secs(30), async || {
        let logs = service.get("/admin/v1/functions/report/logs?kind=function").await.json();
        logs["entries"][0]["text"].as_str().map(ToOwned::to_owned)
    })
    .await;
    assert!(line.starts_with("report ") && line.contains(" from 2"), "{line}");
}
