//! A function is the same one whichever API made it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, eventually};

#[tokio::test]
async fn a_function_made_by_either_api_answers_on_both() {
    let app = TestApp::start().await;
    let source = "exports.handler = async (event) => ({ via: event.rawPath ? 'http' : 'event' });";
    app.create_function("made-here", source, &json!({ "Description": "from aws" })).await.assert_status(201);
    assert_eq!(app.invoke("made-here", &json!({})).await.assert_status(200).json()["via"], "http");
    let shown = app.service().get("/admin/v1/functions/made-here").await.assert_status(200).json();
    assert_eq!((&shown["description"], &shown["handler"]), (&json!("from aws"), &json!("index.handler")));

    app.deploy("made-there", source, json!({ "memory_mb": 256, "env": { "A": "1" } })).await;
    assert_eq!(app.invoke_lambda("made-there", "{}").await.assert_status(200).json()["via"], "event");
    let configuration = app.aws(&Method::GET, "/2015-03-31/functions/made-there/configuration", &[], b"").await.json();
    assert_eq!(configuration["MemorySize"], 256);
    assert_eq!(configuration["Environment"]["Variables"], json!({ "A": "1" }));
    let change = json!({ "Timeout": 9 }).to_string();
    let target = "/2015-03-31/functions/made-there/configuration";
    app.aws(&Method::PUT, target, &[], change.as_bytes()).await.assert_status(200);
    assert_eq!(app.service().get("/admin/v1/functions/made-there").await.json()["timeout_s"], 9);
    app.service().delete("/admin/v1/functions/made-there").await.assert_status(204);
    app.invoke_lambda("made-there", "{}").await.assert_status(404);
}

#[tokio::test]
async fn a_web_handler_answers_an_event_too() {
    let app = TestApp::start().await;
    let source = "export default { fetch: async (request) => Response.json({ got: await request.json() }) };";
    app.deploy("web", source, json!({})).await;
    let answer = app.invoke_lambda("web", "{\"x\":1}").await.assert_status(200).text();
    assert!(answer.contains("got"), "{answer}");
}

#[tokio::test]
async fn reserved_concurrency_bounds_a_function_on_every_way_in() {
    let app = TestApp::start().await;
    let source =
        "exports.handler = async (event) => { if (event.hold) await new Promise((done) => setTimeout(done, 2000)); return 1; };";
    app.create_function("one", source, &json!({ "Timeout": 30 })).await.assert_status(201);
    app.invoke_lambda("one", "{}").await.assert_status(200);
    let reserve = |count: u32| {
        let body = json!({ "ReservedConcurrentExecutions": count }).to_string();
        app.aws(&Method::PUT, "/2017-10-31/functions/one/concurrency", &[], body.as_bytes())
    };
    reserve(1).await.assert_status(200);
    let holding = app.invoke_lambda("one", "{\"hold\":true}");
    let refusing = async {
        eventually("the refusal of a second call", Duration::from_secs(10), async || {
            let second = app.invoke_lambda("one", "{}").await;
            (second.status() == 429).then_some(second)
        })
        .await
    };
    let (held, refused) = tokio::join!(holding, refusing);
    held.assert_status(200);
    assert_eq!(refused.header("x-amzn-errortype"), Some("TooManyRequestsException"));
    assert_eq!(refused.json()["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded");
    assert_eq!(refused.header("retry-after"), Some("1"));
    app.invoke_lambda("one", "{}").await.assert_status(200);

    reserve(0).await.assert_status(200);
    let problem = app.invoke("one", &json!({})).await;
    problem.assert_status(429);
    assert_eq!(problem.problem()["type"], "/problems/too_many_requests");
    assert!(problem.header("retry-after").is_some());
}

#[tokio::test]
async fn a_function_url_never_shows_the_service_key() {
    let app = TestApp::start().await;
    app.create_function("seen", "exports.handler = async (event) => event;", &json!({})).await.assert_status(201);
    let function = "/functions/seen";
    let url = json!({ "AuthType": "NONE" }).to_string();
    let made = app.aws(&Method::POST, &format!("/2021-10-31{function}/url"), &[], url.as_bytes()).await.assert_status(201).json();
    let grant =
        json!({ "StatementId": "a", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE" });
    let grant = grant.to_string();
    app.aws(&Method::POST, &format!("/2015-03-31{function}/policy"), &[], grant.as_bytes()).await.assert_status(201);
    let path = made["FunctionUrl"].as_str().unwrap().strip_prefix(&app.url()).unwrap().to_owned();
    let key = app.key("service_key");
    let seen = app.service().get(&format!("{path}x?apikey={key}&y=1")).await.assert_status(200).text();
    assert!(!seen.contains(key) && seen.contains("y=1"), "{seen}");
    let anon = app.anon().get(&path).await.assert_status(200).text();
    assert!(anon.contains(app.key("anon_key")), "other headers pass");
}

#[tokio::test]
async fn records_name_the_version_that_ran() {
    let app = TestApp::start().await;
    app.create_function("recorded", "exports.handler = async () => 1;", &json!({ "Publish": true })).await.assert_status(201);
    app.invoke_lambda("recorded:1", "{}").await.assert_status(200);
    app.invoke_lambda("recorded", "{}").await.assert_status(200);
    let log = app.service().get("/admin/v1/functions/recorded/logs").await.json();
    let starts: Vec<&str> = log["entries"].as_array().unwrap().iter().filter_map(|entry| entry["text"].as_str()).collect();
    let versions: Vec<&str> =
        starts.iter().filter(|text| text.starts_with("START")).filter_map(|text| text.split(' ').next_back()).collect();
    assert_eq!(versions, ["1", "$LATEST"]);
}

#[tokio::test]
async fn what_was_answered_survives_a_power_cut() {
    let mut app = TestApp::start().await;
    app.create_function("kept", "exports.handler = async (e, c) => c.functionVersion;", &json!({ "Publish": true }))
        .await
        .assert_status(201);
    let alias = json!({ "Name": "live", "FunctionVersion": "1" }).to_string();
    app.aws(&Method::POST, "/2015-03-31/functions/kept/aliases", &[], alias.as_bytes()).await.assert_status(201);
    app.restart().await;
    assert_eq!(app.invoke_lambda("kept:live", "{}").await.assert_status(200).json(), Value::from("1"));
    let tags = app.aws(&Method::GET, "/2015-03-31/functions/kept", &[], b"").await.json();
    assert_eq!(tags["Configuration"]["FunctionName"], "kept");
}
