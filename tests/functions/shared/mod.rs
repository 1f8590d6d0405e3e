//! State that functions share, given by permission: stores, calls of one another, secrets.

mod calls;
mod kv;
mod permissions;
mod queue;
mod secrets;

use serde_json::{Value, json};

use crate::support::TestApp;

/// Runs what it is sent as the body of an async function; what that throws is told.
const RUN: &str = "import kv from 'plinth:kv';
    import functions from 'plinth:functions';
    import queue from 'plinth:queue';
    const run = Object.getPrototypeOf(async function () {}).constructor;
    export default async (request, env, ctx) => {
        const code = await request.text();
        try { return Response.json(await new run('kv', 'functions', 'queue', 'ctx', code)(kv, functions, queue, ctx) ?? null) }
        catch (e) { return Response.json({ error: e.name, code: e.code ?? null, message: e.message }) } }";

/// A permission for every store.
fn every_store() -> Value {
    json!({ "kv": { "*": "write" } })
}

/// Deploys [`RUN`] with these permissions.
async fn deploy(app: &TestApp, permissions: Value) {
    app.deploy("run", RUN, json!({ "permissions": permissions, "timeout_s": 30 })).await;
}

/// Runs code in the function.
async fn run(app: &TestApp, code: &str) -> Value {
    app.anon().post("/functions/v1/run").body(code.to_owned()).await.assert_status(200).json()
}

/// A server whose function may use every store.
async fn with_stores() -> TestApp {
    let app = TestApp::start().await;
    deploy(&app, every_store()).await;
    app
}

/// The text of the first line of a function's log that has this in it.
async fn logged(app: &TestApp, function: &str, text: &str) -> Option<String> {
    let path = format!("/admin/v1/functions/{function}/logs?limit=1000");
    let logs = app.service().get(&path).await.assert_status(200).json();
    let lines = logs["entries"].as_array().expect("entries").iter();
    lines.filter_map(|entry| entry["text"].as_str()).find(|line| line.contains(text)).map(ToOwned::to_owned)
}
