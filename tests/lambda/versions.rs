//! Versions never change, are kept, and stay warm; changes made at once do not lose each other.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_version_outlives_every_later_change() {
    let app = TestApp::start().await;
    let first = "exports.handler = async () => [process.env.WHICH, 'first'];";
    let more = json!({ "Publish": true, "Environment": { "Variables": { "WHICH": "one" } } });
    app.create_function("lasting", first, &more).await.assert_status(201);
    // More than are kept of revisions that were not published.
    for number in 0..25 {
        let body = json!({ "Description": number.to_string(), "Environment": { "Variables": { "WHICH": "later" } } }).to_string();
        let target = "/2015-03-31/functions/lasting/configuration";
        app.aws(&Method::PUT, target, &[], body.as_bytes()).await.assert_status(200);
    }
    assert_eq!(app.invoke_lambda("lasting:1", "{}").await.json(), json!(["one", "first"]));
    assert_eq!(app.invoke_lambda("lasting", "{}").await.json(), json!(["later", "first"]));
    let version = app.aws(&Method::GET, "/2015-03-31/functions/lasting/configuration?Qualifier=1", &[], b"").await.json();
    assert_eq!(version["Environment"]["Variables"], json!({ "WHICH": "one" }));
}

#[tokio::test]
async fn a_version_keeps_its_environment_between_calls() {
    let app = TestApp::start().await;
    let source = "let calls = 0; exports.handler = async (event, context) => [context.functionVersion, ++calls];";
    app.create_function("warm", source, &json!({ "Publish": true })).await.assert_status(201);
    for call in 1..=3 {
        assert_eq!(app.invoke_lambda("warm:1", "{}").await.json(), json!(["1", call]));
        assert_eq!(app.invoke_lambda("warm", "{}").await.json(), json!(["$LATEST", call]));
    }
    app.aws(&Method::DELETE, "/2015-03-31/functions/warm?Qualifier=1", &[], b"").await.assert_status(204);
    app.invoke_lambda("warm:1", "{}").await.assert_status(404);
    assert_eq!(app.invoke_lambda("warm", "{}").await.json(), json!(["$LATEST", 4]));
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_made() {
    let app = TestApp::start().await;
    app.create_function("busy", "exports.handler = async () => 1;", &json!({})).await.assert_status(201);
    let tags = (0..8).map(|number| {
        let body = json!({ "Tags": { format!("t{number}"): "1" } }).to_string();
        let target = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Alocal%3A000000000000%3Afunction%3Abusy";
        app.aws(&Method::POST, target, &[], body.as_bytes())
    });
    for answer in join_all(tags.map(std::future::IntoFuture::into_future)).await {
        answer.assert_status(204);
    }
    let found = app.aws(&Method::GET, "/2015-03-31/functions/busy", &[], b"").await.json();
    assert_eq!(found["Tags"].as_object().unwrap().len(), 8);

    let grants = (0..4).map(|number| {
        let body =
            json!({ "StatementId": format!("s{number}"), "Action": "lambda:InvokeFunction", "Principal": "*" }).to_string();
        app.aws(&Method::POST, "/2015-03-31/functions/busy/policy", &[], body.as_bytes())
    });
    for answer in join_all(grants.map(std::future::IntoFuture::into_future)).await {
        answer.assert_status(201);
    }
    let publishing = (0..4).map(|_| app.aws(&Method::POST, "/2015-03-31/functions/busy/versions", &[], b"{}"));
    for answer in join_all(publishing.map(std::future::IntoFuture::into_future)).await {
        answer.assert_status(201);
    }
}
