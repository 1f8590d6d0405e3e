//! `plinth:functions`: functions that call one another.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{deploy, logged, run};
use crate::support::{TestApp, eventually};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_function_calls_another_and_has_its_result_or_its_failure() {
    let app = TestApp::start().await;
    deploy(&app, json!({ "functions": ["double", "fails", "web", "no*"] })).await;
    let double = "exports.handler = async (event, context) => ({ twice: event.number * 2, arn: context.invokedFunctionArn });";
    app.create_function("double", double, &json!({ "Publish": true })).await.assert_status(201);
    let code = "const { twice, arn } = await functions.invoke('double', { number: 21 }); return [twice, arn]";
    assert_eq!(run(&app, code).await, json!([42, "arn:aws:lambda:local:000000000000:function:double"]));
    let versioned = "return (await functions.invoke('double', { number: 1 }, { qualifier: 1 })).arn";
    assert_eq!(run(&app, versioned).await, json!("arn:aws:lambda:local:000000000000:function:double:1"));

    app.deploy("fails", "export const handler = async () => { throw new TypeError('not today') }", json!({})).await;
    let failed = "try { await functions.invoke('fails') } catch (e) { return [e instanceof functions.FunctionError, e.errorType, e.message] }";
    assert_eq!(run(&app, failed).await, json!([true, "TypeError", "fails: not today"]));
    for (code, expected) in [
        ("await functions.invoke('nobody')", "not_found"),
        ("await functions.invoke('double', {}, { qualifier: '9' })", "not_found"),
        ("await functions.invoke('not a name')", "invalid"),
        ("await functions.invoke('double', 'x'.repeat(1024 * 1024), { mode: 'event' })", "invalid"),
    ] {
        assert_eq!(run(&app, code).await["code"], expected, "{code}");
    }
    let long = run(&app, "await functions.invoke('double', 'x'.repeat(6291456))").await;
    assert!(long["message"].as_str().is_some_and(|message| message.contains("6291456 are allowed")), "{long}");
    let large = "return (await functions.invoke('double', { number: 1, padding: 'x'.repeat(6000000) })).twice";
    assert_eq!(run(&app, large).await, json!(2));
    let init =
        "import { invoke } from 'plinth:functions'; let said; try { await invoke('double') } catch (e) { said = e.message }
        export default () => new Response(said)";
    app.deploy("init", init, json!({ "permissions": { "functions": ["double"] } })).await;
    let said = app.invoke("init", &json!({})).await.assert_status(200).text();
    assert!(said.contains("from a handler"), "{said}");
}

#[tokio::test]
async fn an_event_is_stored_and_run_later() {
    let app = TestApp::start().await;
    deploy(&app, json!({ "functions": ["tells"] })).await;
    app.deploy("tells", "export const handler = async (event) => console.log(JSON.stringify(event))", json!({})).await;
    let sent = run(&app, "return functions.invoke('tells', { order: 17 }, { mode: 'event' })").await;
    let id = sent["requestId"].as_str().expect("an id").to_owned();
    eventually("its run", SOON, async || logged(&app, "tells", r#"{"order":17}"#).await).await;
    let path = format!("/admin/v1/functions/tells/logs?request_id={id}");
    assert!(!app.service().get(&path).await.json()["entries"].as_array().expect("entries").is_empty(), "under its id");
}

/// Calls itself with one more, by whatever way the event says, and tells how far it came.
const LOOP: &str = "import { invoke } from 'plinth:functions';
    export const handler = async ({ depth, mode }) => {
        console.log(`depth ${depth}`);
        try { return await invoke('loop', { depth: depth + 1, mode }, { mode }) }
        catch (error) { return { depth, code: error.code, message: error.message } }
    };";

#[tokio::test]
async fn a_function_that_calls_itself_comes_to_an_end() {
    let app = TestApp::start_with("[functions]\nmax_running = 40").await;
    app.deploy("loop", LOOP, json!({ "timeout_s": 60, "permissions": { "functions": ["loop"] } })).await;
    let target = "/2015-03-31/functions/loop/invocations";
    let event = json!({ "depth": 0, "mode": "sync" }).to_string();
    let got: Value = app.aws(&Method::POST, target, &[], event.as_bytes()).await.assert_status(200).json();
    assert_eq!((&got["depth"], &got["code"]), (&json!(15), &json!("loop_detected")), "{got}");
    assert!(got["message"].as_str().is_some_and(|message| message.contains("16 functions")), "{got}");
    eventually("the refusal in the log", SOON, async || logged(&app, "loop", "a platform call was refused").await).await;

    let event = json!({ "depth": 100, "mode": "event" }).to_string();
    app.aws(&Method::POST, target, &[], event.as_bytes()).await.assert_status(200);
    eventually("the last of the events", SOON, async || logged(&app, "loop", "depth 115").await).await;
    eventually("the end of every event", SOON, async || {
        let left = app.service().get("/admin/v1/invocations").await.json();
        left["invocations"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
    assert_eq!(logged(&app, "loop", "depth 116").await, None);
    let looped = app.aws(&Method::POST, target, &[("x-plinth-hops", "16")], b"{}").await;
    assert_eq!(looped.assert_status(400).header("x-amzn-errortype"), Some("RecursiveInvocationException"));
}
