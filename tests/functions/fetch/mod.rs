//! Outbound requests: made by the server, within what a function may reach.

mod limits;
mod own;
mod policy;
mod refusals;
mod requests;
mod upstream;

use serde_json::{Value, json};

use crate::support::TestApp;

/// Runs what it is sent as the body of an async function; what that throws is told.
const RUN: &str = "const run = Object.getPrototypeOf(async function () {}).constructor;
    export default async (request, env, ctx) => {
        const code = await request.text();
        try { return Response.json(await new run('ctx', code)(ctx) ?? null) }
        catch (e) { return Response.json({ error: e.name, message: e.message }) } }";

/// Deploys [`RUN`] with this network.
async fn deploy(app: &TestApp, network: Value) {
    app.deploy("run", RUN, json!({ "network": network, "timeout_s": 20 })).await;
}

/// Runs code in the function.
async fn run(app: &TestApp, code: &str) -> Value {
    app.anon().post("/functions/v1/run").body(code.to_owned()).await.assert_status(200).json()
}
