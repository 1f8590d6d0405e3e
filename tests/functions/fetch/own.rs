//! A function that calls its own server.

use serde_json::json;

use super::{deploy, run};
use crate::support::TestApp;

#[tokio::test]
async fn the_servers_own_address_is_answered_by_the_server() {
    let app = TestApp::start().await;
    for network in [json!("public"), json!(["example.com"])] {
        deploy(&app, network).await;
        let code = "const url = process.env.SUPABASE_URL, apikey = Deno.env.get('SUPABASE_ANON_KEY');
            const r = await fetch(url + '/auth/v1/settings', { headers: { apikey } });
            return [url, apikey, r.status, typeof (await r.json()).external]";
        assert_eq!(run(&app, code).await, json!([app.url(), app.key("anon_key"), 200, "object"]));
        let port = app.url().rsplit_once(':').expect("a port").1.to_owned();
        let got = run(&app, &format!("return (await fetch('http://localhost:{port}/health/live')).status")).await;
        assert_eq!(got, 200);
    }
    // It gives no rights.
    assert_eq!(run(&app, "return (await fetch(process.env.SUPABASE_URL + '/admin/v1/status')).status").await, 401);
    deploy(&app, json!("none")).await;
    assert_eq!(run(&app, "return await fetch(process.env.SUPABASE_URL)").await["error"], "TypeError");
    // A variable of the function's own wins.
    let source = "export default () => new Response(process.env.SUPABASE_URL)";
    app.deploy("named", source, json!({ "env": { "SUPABASE_URL": "mine" } })).await;
    assert_eq!(app.anon().get("/functions/v1/named").await.text(), "mine");
}

#[tokio::test]
async fn a_function_that_calls_itself_comes_to_an_end() {
    let app = TestApp::start_with("[functions]\nmax_running = 40").await;
    let source = "export default async (request) => {
        const depth = +(request.headers.get('x-depth') ?? 0);
        const next = await fetch(request.url, { headers: { apikey: request.headers.get('apikey'), 'x-depth': `${depth + 1}`, 'x-plinth-hops': '0' } });
        return next.status === 508 ? Response.json({ depth, status: next.status, code: (await next.json()).type }) : next }";
    app.deploy("loop", source, json!({ "timeout_s": 60 })).await;
    let got = app.anon().get("/functions/v1/loop").await.assert_status(200).json();
    assert_eq!((&got["depth"], &got["status"]), (&json!(15), &json!(508)));
    assert!(got["code"].as_str().is_some_and(|code| code.ends_with("loop_detected")), "{got}");
}
