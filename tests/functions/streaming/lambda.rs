//! `awslambda.streamifyResponse`.

use serde_json::json;

use super::logged;
use crate::support::TestApp;

#[tokio::test]
async fn a_lambda_handler_streams_its_response() {
    let app = TestApp::start().await;
    let source = "export const handler = awslambda.streamifyResponse(async (event, responseStream, context) => {
        const out = awslambda.HttpResponseStream.from(responseStream,
            { statusCode: 201, headers: { 'content-type': 'text/plain', 'x-own': 'a' }, cookies: ['a=1', 'b=2'] });
        out.write(event.rawPath + ' ');
        await new Promise((r) => setTimeout(r, 300));
        out.write(new Uint8Array([104, 105]));
        out.end();
    });";
    app.deploy("streams", source, json!({})).await;
    let mut answer = app.anon().get("/functions/v1/streams/below").stream().await.expect("a head");
    assert_eq!(answer.status(), 201);
    assert_eq!(
        (&answer.headers()["content-type"], &answer.headers()["x-own"]),
        (&"text/plain".parse().unwrap(), &"a".parse().unwrap())
    );
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(answer.chunk().await.expect("a chunk").as_deref(), Some(&b"/below "[..]));
    assert_eq!(answer.chunk().await.expect("a chunk").as_deref(), Some(&b"hi"[..]));
    assert_eq!(answer.chunk().await.expect("the end"), None);
}

#[tokio::test]
async fn the_stream_is_a_writable_of_node() {
    let app = TestApp::start().await;
    let source = "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
        const seen = [];
        for (const name of ['drain', 'finish', 'close']) stream.on(name, () => { seen.push(name); console.log('seen', seen.join()) });
        stream.setContentType('application/x-own');
        let waits = 0;
        for (let i = 0; i < 100; i++) {
            if (!stream.write('x'.repeat(50_000))) { waits++; await new Promise((r) => stream.once('drain', r)) }
        }
        stream.write('6869', 'utf8', () => console.log('written', waits > 0));
        stream.end('!');
        console.log('ended', stream.writableEnded, stream.writable);
        stream.write('late', (error) => console.log(error.code));
    });";
    app.deploy("writable", source, json!({ "timeout_s": 20 })).await;
    let answer = app.anon().get("/functions/v1/writable").await;
    assert_eq!(answer.assert_status(200).header("content-type"), Some("application/x-own"));
    assert_eq!(answer.bytes().len(), 5_000_005);
    assert!(answer.text().ends_with("x6869!"));
    for line in ["written true", "ended true false", "ERR_STREAM_WRITE_AFTER_END", "finish,close"] {
        logged(&app, "writable", line).await;
    }
}

#[tokio::test]
async fn what_goes_wrong_before_and_in_the_stream_is_told() {
    let app = TestApp::start().await;
    app.deploy(
        "early",
        "export const handler = awslambda.streamifyResponse(async () => { throw new RangeError('no') })",
        json!({}),
    )
    .await;
    assert_eq!(app.anon().get("/functions/v1/early").await.assert_status(502).json()["errorType"], "RangeError");

    let source = "export const handler = awslambda.streamifyResponse(async (event, stream) => {
        stream.write('some'); await new Promise((r) => setTimeout(r, 50)); throw new RangeError('no') })";
    app.deploy("late", source, json!({})).await;
    let answer = app.anon().get("/functions/v1/late").stream().await.expect("a head");
    answer.bytes().await.expect_err("the body is not to look whole");
    logged(&app, "late", "RangeError").await;

    app.deploy(
        "open",
        "export const handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('x') })",
        json!({}),
    )
    .await;
    // The connection may break before its head is out.
    if let Ok(answer) = app.anon().get("/functions/v1/open").stream().await {
        answer.bytes().await.expect_err("a stream that is not ended is not whole");
    }
    logged(&app, "open", "Runtime.NodeJsExit").await;

    let source = "export const handler = awslambda.streamifyResponse(async (event, stream) => {
        awslambda.HttpResponseStream.from(stream, { statusCode: 99 }).end('x') })";
    app.deploy("malformed", source, json!({})).await;
    assert_eq!(app.anon().get("/functions/v1/malformed").await.assert_status(502).json()["errorType"], "Runtime.InvalidResponse");
}
