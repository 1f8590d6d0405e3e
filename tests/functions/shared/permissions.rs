//! Nothing is shared unless a function's configuration says so.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{RUN, deploy, logged, run};
use crate::support::{JAVASCRIPT, TestApp, eventually};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn nothing_is_permitted_by_default_and_the_refusal_says_what_to_add() {
    let app = TestApp::start().await;
    deploy(&app, Value::Null).await;
    for (code, add) in [
        ("await kv.get('k')", r#""permissions": {"kv": {"default": "read"}}"#),
        ("await kv.open('carts').set('k', 1)", r#""permissions": {"kv": {"carts": "write"}}"#),
        ("await kv.open('carts').increment('k')", r#""permissions": {"kv": {"carts": "write"}}"#),
        ("await queue.send('orders', 1)", r#""permissions": {"queues": ["orders"]}"#),
        ("await functions.invoke('mail')", r#""permissions": {"functions": ["mail"]}"#),
    ] {
        let refused = run(&app, code).await;
        assert_eq!((&refused["error"], &refused["code"]), (&json!("PlatformError"), &json!("permission_denied")), "{code}");
        assert!(refused["message"].as_str().is_some_and(|message| message.contains(add)), "{code}: {refused}");
        eventually("the refusal in the log", SOON, async || logged(&app, "run", add).await).await;
    }
}

#[tokio::test]
async fn what_is_permitted_is_so_far_and_no_further() {
    let app = TestApp::start().await;
    deploy(&app, json!({ "kv": { "default": "read", "cart-*": "write", "cart-1": "read" } })).await;
    let code = "const may = async (act) => { try { await act(); return true } catch (e) { return e.code } };
        const [read, mine, other] = [kv.open('default'), kv.open('cart-1'), kv.open('card')];
        return [await may(() => read.get('k')), await may(() => read.list()), await may(() => read.set('k', 1)), await may(() => read.delete('k')),
            await may(() => mine.set('k', 1)), await may(() => mine.get('k')), await may(() => other.get('k'))]";
    let no = "permission_denied";
    assert_eq!(run(&app, code).await, json!([true, true, no, no, true, true, no]));
}

#[tokio::test]
async fn permissions_are_shown_and_kept_by_lambdas_updates() {
    let app = TestApp::start().await;
    let permissions = json!({ "kv": { "a": "write" }, "queues": ["q*"], "functions": ["run"], "secrets": ["KEY"] });
    deploy(&app, permissions.clone()).await;
    let shown = app.service().get("/admin/v1/functions/run").await.assert_status(200).json();
    assert_eq!(shown["permissions"], permissions);
    let target = "/2015-03-31/functions/run/configuration";
    app.aws(&Method::PUT, target, &[], br#"{"Timeout":7}"#).await.assert_status(200);
    let shown = app.service().get("/admin/v1/functions/run").await.json();
    assert_eq!((&shown["permissions"], &shown["timeout_s"]), (&permissions, &json!(7)));
    assert_eq!(run(&app, "return kv.open('a').increment('n')").await, json!(1));
    let deployed = app.deploy("run", RUN, json!({})).await.json();
    assert_eq!(deployed["permissions"], json!({}), "a deployment says everything anew");
}

#[tokio::test]
async fn what_is_wrong_is_told_field_by_field() {
    let app = TestApp::start().await;
    let many: Vec<String> = (0..101).map(|number| format!("f{number}")).collect();
    for (permissions, field) in [
        (json!([]), "permissions"),
        (json!({ "kv": ["a"] }), "permissions.kv"),
        (json!({ "kv": { "a": "delete" } }), "permissions.kv.a"),
        (json!({ "kv": { "a b": "read" } }), "permissions.kv.a b"),
        (json!({ "queues": "orders" }), "permissions.queues"),
        (json!({ "functions": [1] }), "permissions.functions.0"),
        (json!({ "functions": ["ok", "a*b"] }), "permissions.functions.1"),
        (json!({ "functions": many }), "permissions.functions"),
        (json!({ "secrets": ["lower-case"] }), "permissions.secrets.0"),
        (json!({ "secrets": ["AWS_REGION"] }), "permissions.secrets.0"),
        (json!({ "files": [] }), "permissions.files"),
    ] {
        let refused = app.service().put_function("run", JAVASCRIPT, RUN, &json!({ "permissions": permissions })).await;
        let problem = refused.assert_status(400).problem();
        assert_eq!(problem["errors"][0]["field"], field, "{permissions}: {problem}");
    }
    let source = "import queue from 'plinth:files'; export default () => new Response()";
    let refused = app.service().put_function("run", JAVASCRIPT, source, &json!({})).await.assert_status(422).problem();
    let said = refused["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(said.contains("plinth:kv") && said.contains("plinth:functions"), "{refused}");
}
