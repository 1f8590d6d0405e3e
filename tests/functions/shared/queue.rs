//! `plinth:queue`: messages that functions send.

use serde_json::{Value, json};

use super::{deploy, run};
use crate::support::TestApp;

/// A server with the queue `orders`, to which the function may send; the queue's URL.
async fn with_queue() -> (TestApp, String) {
    let app = TestApp::start().await;
    deploy(&app, json!({ "queues": ["orders", "no-*"] })).await;
    let made = app.sqs("CreateQueue", &json!({ "QueueName": "orders" })).await.assert_status(200).json();
    (app, made["QueueUrl"].as_str().expect("a URL").to_owned())
}

async fn received(app: &TestApp, url: &str) -> Vec<Value> {
    let input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"] });
    let answer = app.sqs("ReceiveMessage", &input).await.assert_status(200).json();
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn what_a_function_sends_is_received() {
    let (app, url) = with_queue().await;
    let code =
        "return queue.send('orders', { order: 17 }, { attributes: { color: 'blue', count: 3, raw: new Uint8Array([0, 1, 2]) } })";
    let sent = run(&app, code).await;
    let message = received(&app, &url).await.pop().expect("a message");
    assert_eq!((&message["MessageId"], &message["Body"]), (&sent["messageId"], &json!(r#"{"order":17}"#)));
    let attributes = &message["MessageAttributes"];
    assert_eq!(attributes["color"]["StringValue"], "blue");
    assert_eq!((&attributes["count"]["DataType"], &attributes["count"]["StringValue"]), (&json!("Number"), &json!("3")));
    assert_eq!(attributes["raw"]["BinaryValue"], "AAEC");

    let batch = "return (await queue.sendBatch('orders', [{ body: 'one' }, { body: 'zwei ü' }, { body: [3] }, { body: 'later', delay: 900 }])).messageIds.length";
    assert_eq!(run(&app, batch).await, json!(4));
    let mut bodies: Vec<_> = received(&app, &url).await.iter().map(|message| message["Body"].clone()).collect();
    bodies.sort_by_key(ToString::to_string);
    assert_eq!(bodies, [json!("[3]"), json!("one"), json!("zwei ü")], "what is delayed comes later");
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_and_none_of_a_batch_is_sent() {
    let (app, url) = with_queue().await;
    for (code, expected, said) in [
        ("await queue.send('no-queue', 'x')", "not_found", "does not exist"),
        ("await queue.send('mine', 'x')", "permission_denied", "\"permissions\": {\"queues\": [\"mine\"]}"),
        ("await queue.send('orders', '')", "invalid", "empty"),
        ("await queue.send('orders', 'a\\0b')", "invalid", "U+0000"),
        ("await queue.send('orders', 'x', { delay: 901 })", "invalid", "900 seconds"),
        ("await queue.send('orders', 'x', { attributes: { 'a b': 'c' } })", "invalid", "the name of an attribute"),
        ("await queue.send('orders', 'x'.repeat(1048577))", "invalid", "1048576 are allowed"),
        ("await queue.sendBatch('orders', [{ body: 'good' }, { body: '' }])", "invalid", "message 1"),
        ("await queue.sendBatch('orders', Array.from({ length: 101 }, () => ({ body: 'x' })))", "invalid", "1 to 100"),
    ] {
        let refused = run(&app, code).await;
        assert_eq!(refused["code"], expected, "{code}: {refused}");
        assert!(refused["message"].as_str().is_some_and(|message| message.contains(said)), "{code}: {refused}");
    }
    assert_eq!(received(&app, &url).await, Vec::<Value>::new());
}
