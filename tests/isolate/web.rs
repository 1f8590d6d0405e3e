//! HTTP: web-style handlers get a `Request`, Lambda-style ones the function-URL event.

use std::time::Duration;

use plinth::isolate::protocol::HttpResponse;
use serde_json::{Value, json};

use super::driver::{Reply, Worker, request};

const ECHO: &str = "export default { async fetch(request, env, ctx) {
    const url = new URL(request.url);
    return Response.json({ method: request.method, path: url.pathname, x: url.searchParams.get('x'), agent: request.headers.get('user-agent'),
        body: await request.text(), claims: ctx.claims, here: this !== undefined }, { status: 201, headers: { 'x-a': '1' } });
} }";

#[test]
fn a_request_reaches_a_web_style_handler_and_its_response_comes_back() {
    let mut worker = Worker::of(ECHO);
    let mut http = request("POST", &[("user-agent", "test"), ("content-type", "text/plain")]);
    http.claims = json!({ "sub": "ada" });
    let response = worker.fetch(http, "héllo".as_bytes());
    assert_eq!(response.status, 201);
    assert_eq!(response.all("x-a"), ["1"]);
    assert_eq!(response.all("content-type"), ["application/json"]);
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        body,
        json!({ "method": "POST", "path": "/functions/v1/tested/sub", "x": "1", "agent": "test", "body": "héllo",
                "claims": { "sub": "ada" }, "here": true })
    );
}

#[test]
fn default_functions_and_deno_serve_answer_too() {
    for source in [
        "export default (request) => new Response('hello ' + request.method)",
        "export default async function (request) { return new Response('hello ' + request.method) }",
        "Deno.serve((request) => new Response('hello ' + request.method))",
        "Deno.serve({ port: 8000 }, async (request) => new Response('hello ' + request.method))",
    ] {
        let response = Worker::of(source).fetch(request("GET", &[]), b"");
        assert_eq!((response.status, response.text()), (200, "hello GET"), "{source}");
        assert_eq!(response.all("content-type"), ["text/plain;charset=UTF-8"]);
    }
}

#[test]
fn bodies_of_every_kind_are_read_whole() {
    let source = "export default async (request) => {
        const bytes = new Uint8Array([0, 255, 10]);
        switch (new URL(request.url).pathname && request.headers.get('x-kind')) {
            case 'bytes': return new Response(bytes);
            case 'stream': return new Response(new ReadableStream({ async start(c) {
                for (let i = 0; i < 3; i++) { await new Promise((r) => setTimeout(r, 1)); c.enqueue(bytes) } c.close() } }));
            case 'empty': return new Response(null, { status: 204 });
            case 'echo': return new Response(request.body);
            case 'form': return new Response((await request.formData()).get('a'));
            case 'gzip': return new Response(new Response('x'.repeat(1000)).body.pipeThrough(new CompressionStream('gzip')));
        } }";
    let mut worker = Worker::of(source);
    let mut fetch = |kind: &str, body: &[u8]| {
        let form = ("content-type", "application/x-www-form-urlencoded");
        worker.fetch(request("POST", &[("x-kind", kind), form]), body)
    };
    assert_eq!(fetch("bytes", b"").body, [0, 255, 10]);
    assert_eq!(fetch("stream", b"").body, [0, 255, 10, 0, 255, 10, 0, 255, 10]);
    let empty = fetch("empty", b"");
    assert_eq!((empty.status, empty.body.len()), (204, 0));
    assert_eq!(fetch("echo", b"\x00\x01\xff").body, b"\x00\x01\xff");
    assert_eq!(fetch("form", b"a=b+c").text(), "b c");
    assert!(fetch("gzip", b"").body.starts_with(&[0x1f, 0x8b]));
}

#[test]
fn many_cookies_stay_many_headers() {
    let source =
        "export default () => { const h = new Headers(); h.append('set-cookie', 'a=1'); h.append('set-cookie', 'b=2; Path=/');
        return new Response('', { headers: h }) }";
    assert_eq!(Worker::of(source).fetch(request("GET", &[]), b"").all("set-cookie"), ["a=1", "b=2; Path=/"]);
}

#[test]
fn what_is_no_response_is_an_error() {
    for (source, kind) in [
        ("export default () => 'text'", "Runtime.InvalidResponse"),
        ("export default () => Response.error()", "Runtime.InvalidResponse"),
        ("export default async () => { throw new TypeError('x') }", "TypeError"),
        ("export default () => { throw new TypeError('x') }", "TypeError"),
        ("export default () => new Response(new ReadableStream({ start(c) { c.error(new RangeError('x')) } }))", "RangeError"),
        ("export default async () => { const r = new Response('x'); await r.text(); return r }", "Runtime.InvalidResponse"),
    ] {
        let mut worker = Worker::of(source);
        match worker.call(b"", Some(request("GET", &[])), Duration::from_secs(5)) {
            Reply::Failed { error, fatal: false, .. } => assert_eq!(error.error_type, kind, "{source}"),
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn a_lambda_style_handler_gets_the_function_url_event() {
    let mut worker = Worker::of("export const handler = async (event) => event");
    let headers = [("host", "h.example"), ("x-a", "1"), ("x-a", "2"), ("cookie", "c=1; d=2"), ("user-agent", "test")];
    let mut http = request("POST", &[headers.as_slice(), &[("content-type", "application/json")]].concat());
    http.claims = json!({ "sub": "ada" });
    let response = worker.fetch(http, br#"{"a":1}"#);
    assert_eq!(response.status, 200);
    let event: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["rawPath"], "/sub");
    assert_eq!(event["rawQueryString"], "x=1&y=2");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1", "y": "2" }));
    assert_eq!(event["headers"]["x-a"], "1,2");
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!(event["body"], r#"{"a":1}"#);
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["sourceIp"], "203.0.113.9");
    assert_eq!(context["time"], "04/Mar/2020:19:03:58 +0000");
    assert_eq!(context["timeEpoch"], 1_583_348_638_390_i64);
    assert_eq!(context["authorizer"]["jwt"]["claims"]["sub"], "ada");
}

#[test]
fn a_binary_body_is_base64_in_the_event() {
    let mut worker =
        Worker::of("export const handler = async (event) => ({ body: event.body ?? null, coded: event.isBase64Encoded })");
    let response = worker.fetch(request("POST", &[("content-type", "image/png")]), &[0, 255, 1]);
    assert_eq!(serde_json::from_slice::<Value>(&response.body).unwrap(), json!({ "body": "AP8B", "coded": true }));
    let none = worker.fetch(request("GET", &[]), b"");
    assert_eq!(serde_json::from_slice::<Value>(&none.body).unwrap(), json!({ "body": null, "coded": false }));
}

fn lambda(result: &str) -> super::driver::Response {
    Worker::of(&format!("export const handler = async () => ({result})")).fetch(request("GET", &[]), b"")
}

#[test]
fn a_lambda_style_result_becomes_a_response() {
    let full =
        lambda("{ statusCode: 201, headers: { 'Content-Type': 'text/html', 'X-N': 5 }, cookies: ['a=1', 'b=2'], body: '<p>' }");
    assert_eq!((full.status, full.text()), (201, "<p>"));
    assert_eq!(full.all("content-type"), ["text/html"]);
    assert_eq!(full.all("x-n"), ["5"]);
    assert_eq!(full.all("set-cookie"), ["a=1", "b=2"]);
    let coded = lambda("{ statusCode: 200, headers: { 'content-type': 'image/png' }, isBase64Encoded: true, body: 'AP8B' }");
    assert_eq!(coded.body, [0, 255, 1]);
    let plain = lambda("{ a: 1 }");
    assert_eq!((plain.status, plain.text()), (200, r#"{"a":1}"#));
    assert_eq!(plain.all("content-type"), ["application/json"]);
    assert_eq!(lambda("'text'").text(), "text", "a string goes out as it is");
    assert_eq!(lambda("undefined").text(), "null");
}

#[test]
fn a_malformed_result_is_an_error() {
    for result in [
        "{ statusCode: 'abc' }",
        "{ statusCode: 9 }",
        "{ statusCode: 200, headers: { 'bad name': 'x' } }",
        "{ statusCode: 200, headers: { a: 'x\\r\\nset-cookie: y' } }",
        "{ statusCode: 200, isBase64Encoded: true, body: '%' }",
    ] {
        let mut worker = Worker::of(&format!("export const handler = async () => ({result})"));
        match worker.call(b"", Some(request("GET", &[])), Duration::from_secs(5)) {
            Reply::Failed { error, fatal: false, .. } => assert_eq!(error.error_type, "Runtime.InvalidResponse", "{result}"),
            other => panic!("{result}: {other:?}"),
        }
    }
}

#[test]
fn an_event_reaches_a_web_style_handler_as_a_post() {
    let mut worker = Worker::of(
        "export default async (request) => request.method === 'POST' && request.url === 'http://localhost/'
            ? Response.json({ got: await request.json() }) : new Response('no', { status: 500 })",
    );
    assert_eq!(worker.result(r#"{"a":1}"#), json!({ "got": { "a": 1 } }));
    let (error, fatal) = Worker::of("export default () => new Response('x', { status: 503 })").failure("{}");
    assert_eq!(error.error_type, "Function.HttpStatus");
    assert!(error.message.contains("503") && !fatal);
}

#[test]
fn promises_given_to_wait_until_go_on_after_the_answer() {
    let source = "let done = []; export default (request, env, ctx) => {
        ctx.waitUntil(new Promise((r) => setTimeout(r, 20)).then(() => { done.push('a'); console.log('done') }));
        return new Response(String(done.length)) }";
    let mut worker = Worker::of(source);
    assert_eq!(worker.fetch(request("GET", &[]), b"").text(), "0");
    let (message, _) = worker.receive().unwrap();
    assert!(matches!(&message, plinth::isolate::protocol::FromWorker::Log(line) if line.text == "done"), "{message:?}");
    assert_eq!(worker.fetch(request("GET", &[]), b"").text(), "1", "and the environment serves on");
}

#[test]
fn the_next_call_need_not_wait_for_them() {
    let source = "export default (request, env, ctx) => { ctx.waitUntil(new Promise((r) => setTimeout(r, 5000))); return new Response('x') }";
    let mut worker = Worker::of(source);
    for _ in 0..3 {
        let reply = worker.call(b"", Some(request("GET", &[])), Duration::from_secs(10));
        let Reply::Answer { http: Some(HttpResponse { status: 200, .. }), usage, .. } = reply else { panic!("{reply:?}") };
        assert!(usage.wall_us < 2_000_000, "{usage:?}");
    }
}
