//! What `fetch` does.

use serde_json::json;

use super::upstream::Upstream;
use super::{deploy, run};
use crate::support::TestApp;

#[tokio::test]
async fn a_request_goes_out_and_its_response_comes_back() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    deploy(&app, json!(["localhost"])).await;
    let url = upstream.url("");
    let got = run(&app, &format!("const r = await fetch('{url}/hello'); return [r.status, r.statusText, r.ok, r.url, r.headers.get('x-own'), await r.text()]")).await;
    assert_eq!(got, json!([200, "OK", true, format!("{url}/hello"), "a", "hello"]));
    let got = run(&app, &format!("return await (await fetch('{url}/echo', {{ method: 'PUT', headers: {{ 'X-A': 'é', host: 'evil', 'content-length': '3' }}, body: 'hällo' }})).json()")).await;
    assert_eq!((&got["method"], &got["body"], &got["size"]), (&json!("PUT"), &json!("hällo"), &json!(6)));
    assert_eq!(got["headers"]["host"], format!("localhost:{}", upstream.address.port()));
    assert_eq!(got["headers"]["content-length"], "6");
    assert!(got["headers"]["user-agent"].as_str().is_some_and(|agent| agent.starts_with("Plinth/")), "{got}");
    let got = run(&app, &format!("return await (await fetch('{url}/echo', {{ method: 'POST' }})).json()")).await;
    assert_eq!((&got["size"], &got["headers"]["content-length"]), (&json!(0), &json!("0")));
    let got = run(&app, &format!("const r = await fetch('{url}/hello', {{ method: 'HEAD' }}); return [r.status, r.body]")).await;
    assert_eq!(got, json!([200, null]));
    let got =
        run(&app, &format!("const r = await fetch('{url}/packed'); return [r.headers.get('content-encoding'), await r.text()]"))
            .await;
    assert_eq!(got, json!([null, "unpacked"]));
    let got = run(&app, "return await (await fetch('data:text/plain;base64,aGk')).text()").await;
    assert_eq!(got, "hi");
    // All of that over one connection.
    assert_eq!(upstream.count(|seen| &seen.connections), 1);
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    deploy(&app, json!(["localhost"])).await;
    let echo = upstream.url("/echo");
    let code = format!(
        "let left = 100; const body = new ReadableStream({{ async pull(c) {{
            await new Promise((r) => setTimeout(r, 1)); if (left-- === 0) return c.close(); c.enqueue(new Uint8Array(50_000)) }} }});
        return await (await fetch('{echo}', {{ method: 'POST', body, duplex: 'half' }})).json()"
    );
    let got = run(&app, &code).await;
    assert_eq!((&got["size"], &got["headers"]["transfer-encoding"]), (&json!(5_000_000), &json!("chunked")));
    let got =
        run(&app, &format!("return await (await fetch('{echo}', {{ method: 'POST', body: new Uint8Array(3_000_000) }})).json()"))
            .await;
    assert_eq!((&got["size"], &got["headers"]["content-length"]), (&json!(3_000_000), &json!("3000000")));
    let slow = upstream.url("/slow");
    let code = format!(
        "const pieces = []; for await (const p of (await fetch('{slow}')).body) pieces.push(new TextDecoder().decode(p)); return pieces"
    );
    assert_eq!(run(&app, &code).await, json!(["piece 0", "piece 1", "piece 2"]));
    // Passed on as it arrives.
    app.deploy("pass", &format!("export default () => fetch('{slow}')"), json!({ "network": ["localhost"] })).await;
    let mut answer = app.anon().get("/functions/v1/pass").stream().await.expect("a head");
    assert_eq!(answer.chunk().await.expect("a chunk").as_deref(), Some(&b"piece 0"[..]));
    assert_eq!(answer.text().await.expect("the rest"), "piece 1piece 2");
}

#[tokio::test]
async fn requests_and_bodies_are_aborted() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    deploy(&app, json!(["localhost"])).await;
    let never = upstream.url("/never");
    let got = run(&app, &format!("return await fetch('{never}', {{ signal: AbortSignal.timeout(200) }})")).await;
    assert_eq!(got["error"], "TimeoutError");
    crate::support::eventually("the end of the request", std::time::Duration::from_secs(10), async || {
        (upstream.count(|seen| &seen.waiting) == 0).then_some(())
    })
    .await;
    let flood = upstream.url("/flood");
    let code = format!(
        "const c = new AbortController(); const r = await fetch('{flood}', {{ signal: c.signal }}); const reader = r.body.getReader();
        await reader.read(); c.abort(); try {{ for (;;) await reader.read() }} catch (e) {{ return e.name }}"
    );
    assert_eq!(run(&app, &code).await, "AbortError");
    let code = format!("const r = await fetch('{flood}'); await r.body.cancel(); return 'cancelled'");
    assert_eq!(run(&app, &code).await, "cancelled");
    assert_eq!(run(&app, &format!("return await (await fetch('{}')).text()", upstream.url("/hello"))).await, "hello");
}

#[tokio::test]
async fn redirects_are_followed_as_asked() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    deploy(&app, json!(["localhost", "127.0.0.1"])).await;
    let (hello, url) = (upstream.url("/hello"), upstream.url(""));
    let to = |target: &str, status: u16| format!("{url}/redirect?status={status}&to={target}");
    let got =
        run(&app, &format!("const r = await fetch('{}'); return [r.url, r.redirected, await r.text()]", to("/hello", 302))).await;
    assert_eq!(got, json!([hello, true, "hello"]));
    let got = run(
        &app,
        &format!(
            "const r = await fetch('{}', {{ redirect: 'manual' }}); return [r.status, r.headers.get('location')]",
            to("/hello", 301)
        ),
    )
    .await;
    assert_eq!(got, json!([301, "/hello"]));
    let got = run(&app, &format!("return await fetch('{}', {{ redirect: 'error' }})", to("/hello", 302))).await;
    assert_eq!(got["error"], "TypeError");
    // 303 makes it a GET without a body; 307 keeps both.
    for (status, method, size) in [(303, "GET", 0), (307, "POST", 3)] {
        let got = run(
            &app,
            &format!("return await (await fetch('{}', {{ method: 'POST', body: 'abc' }})).json()", to("/echo", status)),
        )
        .await;
        assert_eq!((&got["method"], &got["size"]), (&json!(method), &json!(size)));
    }
    // Credentials stay with the origin they were for.
    let other = format!("http://127.0.0.1:{}/echo", upstream.address.port());
    let headers = "{ headers: { authorization: 'Bearer x', cookie: 'a=1', 'x-kept': '1' } }";
    for (target, kept) in [("/echo", true), (other.as_str(), false)] {
        let got = run(&app, &format!("return await (await fetch('{}', {headers})).json()", to(target, 302))).await;
        assert_eq!(got["headers"].get("authorization").is_some(), kept, "{got}");
        assert_eq!(got["headers"].get("cookie").is_some(), kept, "{got}");
        assert_eq!(got["headers"]["x-kept"], "1");
    }
    let round = upstream.url("/round");
    let got = run(&app, &format!("return await fetch('{round}')")).await;
    assert_eq!(got["error"], "TypeError");
}

#[tokio::test]
async fn code_outside_the_handler_may_make_requests() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    let source =
        format!("const text = await (await fetch('{}')).text(); export default () => new Response(text)", upstream.url("/hello"));
    app.deploy("top", &source, json!({ "network": ["localhost"] })).await;
    for _ in 0..2 {
        assert_eq!(app.anon().get("/functions/v1/top").await.assert_status(200).text(), "hello");
    }
    assert_eq!(upstream.count(|seen| &seen.requests), 1);
}

#[tokio::test]
async fn a_request_ends_with_its_call_unless_it_is_waited_for() {
    let (app, upstream) = (TestApp::start().await, Upstream::start());
    deploy(&app, json!(["localhost"])).await;
    let (never, slow) = (upstream.url("/never"), upstream.url("/slow"));
    assert_eq!(run(&app, &format!("fetch('{never}'); await new Promise((r) => setTimeout(r, 100)); return 1")).await, 1);
    crate::support::eventually("the end of the request", std::time::Duration::from_secs(10), async || {
        (upstream.count(|seen| &seen.waiting) == 0).then_some(())
    })
    .await;
    // The same environment takes the next call.
    let code = format!("ctx.waitUntil(fetch('{slow}').then(async (r) => console.log('waited for', await r.text()))); return 2");
    assert_eq!(run(&app, &code).await, 2);
    crate::functions::streaming::logged(&app, "run", "waited for piece 0piece 1piece 2").await;
    assert_eq!(run(&app, "return 3").await, 3);
}
