//! SQS's protocol on the wire: shapes, refusals, and what queues promise. `tests/sdk` drives it with AWS's own clients.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestApp, eventually};

/// Makes a queue; gives its URL.
async fn queue(app: &TestApp, name: &str, attributes: &Value) -> String {
    let made = app.sqs("CreateQueue", &json!({ "QueueName": name, "Attributes": attributes })).await.assert_status(200).json();
    made["QueueUrl"].as_str().expect("a URL").to_owned()
}

async fn send(app: &TestApp, url: &str, body: &str) -> Value {
    app.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": body })).await.assert_status(200).json()
}

/// Receives up to ten messages.
async fn receive(app: &TestApp, url: &str, more: &Value) -> Vec<Value> {
    let mut input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"] });
    for (key, value) in more.as_object().into_iter().flatten() {
        input[key] = value.clone();
    }
    let answer = app.sqs("ReceiveMessage", &input).await.assert_status(200).json();
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

async fn delete(app: &TestApp, url: &str, message: &Value) {
    app.sqs("DeleteMessage", &json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] })).await.assert_status(200);
}

#[track_caller]
fn refused(answer: &Response, name: &str, old_name: &str) {
    let body = answer.assert_status(400).json();
    assert_eq!(body["__type"], format!("com.amazonaws.sqs#{name}"), "{body}");
    assert_eq!(answer.header("x-amzn-query-error"), Some(format!("{old_name};Sender").as_str()));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.0"));
    assert!(answer.header("x-amzn-requestid").is_some());
}

#[tokio::test]
async fn a_message_is_there_until_it_is_deleted() {
    let app = TestApp::start().await;
    let url = queue(&app, "orders", &json!({ "VisibilityTimeout": "1" })).await;
    assert_eq!(url, format!("{}/sqs/000000000000/orders", app.url()));
    let attributes = json!({
        "color": { "DataType": "String", "StringValue": "blue" },
        "count": { "DataType": "Number.int", "StringValue": "7" },
        "raw": { "DataType": "Binary", "BinaryValue": "AAEC" },
    });
    let sent = app.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "hello", "MessageAttributes": attributes })).await;
    let sent = sent.assert_status(200).json();
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let first = receive(&app, &url, &json!({})).await.pop().expect("a message");
    assert_eq!(
        (&first["MessageId"], &first["Body"], &first["MD5OfBody"]),
        (&sent["MessageId"], &json!("hello"), &sent["MD5OfMessageBody"])
    );
    assert_eq!((&first["MessageAttributes"], &first["MD5OfMessageAttributes"]), (&attributes, &sent["MD5OfMessageAttributes"]));
    assert_eq!(first["Attributes"]["ApproximateReceiveCount"], "1");
    assert!(receive(&app, &url, &json!({})).await.is_empty(), "it is hidden");

    let second = receive(&app, &url, &json!({ "WaitTimeSeconds": 20 })).await.pop().expect("it is visible again");
    assert_eq!((&second["MessageId"], &second["Attributes"]["ApproximateReceiveCount"]), (&sent["MessageId"], &json!("2")));
    // A receipt of an earlier receive deletes nothing.
    delete(&app, &url, &first).await;
    app.sqs(
        "ChangeMessageVisibility",
        &json!({ "QueueUrl": url, "ReceiptHandle": second["ReceiptHandle"], "VisibilityTimeout": 0 }),
    )
    .await
    .assert_status(200);
    let third = receive(&app, &url, &json!({})).await.pop().expect("it was made visible");
    delete(&app, &url, &third).await;
    let counts = app.sqs("GetQueueAttributes", &json!({ "QueueUrl": url, "AttributeNames": ["All"] })).await.json();
    let counts = &counts["Attributes"];
    assert_eq!(
        (&counts["ApproximateNumberOfMessages"], &counts["ApproximateNumberOfMessagesNotVisible"]),
        (&json!("0"), &json!("0"))
    );
    assert_eq!(counts["QueueArn"], "arn:aws:sqs:local:000000000000:orders");
}

#[tokio::test]
async fn whoever_waits_is_woken_by_a_message() {
    let app = TestApp::start().await;
    let url = queue(&app, "waits", &json!({ "ReceiveMessageWaitTimeSeconds": "20" })).await;
    let began = Instant::now();
    let plain = json!({});
    let (received, _) = tokio::join!(receive(&app, &url, &plain), async {
        eventually("a receiver that waits", Duration::from_secs(20), async || {
            (began.elapsed() > Duration::from_millis(200)).then_some(())
        })
        .await;
        send(&app, &url, "now").await
    });
    assert_eq!(received.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_is_received_too_often_goes_to_the_dead_letter_queue() {
    let app = TestApp::start().await;
    let dead = queue(&app, "dead", &json!({})).await;
    let policy = json!({ "deadLetterTargetArn": "arn:aws:sqs:local:000000000000:dead", "maxReceiveCount": 2 }).to_string();
    let url = queue(&app, "tried", &json!({ "VisibilityTimeout": "0", "RedrivePolicy": policy })).await;
    let sent = send(&app, &url, "again and again").await;
    for count in ["1", "2"] {
        let received = receive(&app, &url, &json!({})).await.pop().expect("a message");
        assert_eq!(received["Attributes"]["ApproximateReceiveCount"], count);
    }
    assert!(receive(&app, &url, &json!({})).await.is_empty());
    let buried = receive(&app, &dead, &json!({})).await.pop().expect("it was moved");
    assert_eq!((&buried["MessageId"], &buried["Body"]), (&sent["MessageId"], &json!("again and again")));
    assert_eq!(buried["Attributes"]["DeadLetterQueueSourceArn"], "arn:aws:sqs:local:000000000000:tried");
    let sources = app.sqs("ListDeadLetterSourceQueues", &json!({ "QueueUrl": dead })).await.json();
    assert_eq!(sources["queueUrls"], json!([url]));
}

#[tokio::test]
async fn batches_succeed_and_fail_entry_by_entry() {
    let app = TestApp::start().await;
    let url = queue(&app, "many", &json!({ "MaximumMessageSize": "1024" })).await;
    let entries = json!([
        { "Id": "a", "MessageBody": "one" },
        { "Id": "b", "MessageBody": "x".repeat(1025) },
        { "Id": "c", "MessageBody": "\u{1}" },
        { "Id": "d", "MessageBody": "two", "DelaySeconds": 0 },
    ]);
    let sent = app.sqs("SendMessageBatch", &json!({ "QueueUrl": url, "Entries": entries })).await.assert_status(200).json();
    let ids =
        |list: &Value| list.as_array().unwrap().iter().map(|one| one["Id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        (ids(&sent["Successful"]), ids(&sent["Failed"])),
        (vec!["a".to_owned(), "d".to_owned()], vec!["b".to_owned(), "c".to_owned()])
    );
    assert_eq!((&sent["Failed"][1]["Code"], &sent["Failed"][1]["SenderFault"]), (&json!("InvalidMessageContents"), &json!(true)));
    let received = receive(&app, &url, &json!({})).await;
    let bodies: BTreeSet<_> = received.iter().map(|message| message["Body"].as_str().unwrap()).collect();
    assert_eq!(bodies, BTreeSet::from(["one", "two"]));
    let held =
        |at: usize| json!({ "Id": at.to_string(), "ReceiptHandle": received[at]["ReceiptHandle"], "VisibilityTimeout": 60 });
    let hidden = app.sqs("ChangeMessageVisibilityBatch", &json!({ "QueueUrl": url, "Entries": [held(0), held(1)] })).await.json();
    assert_eq!(ids(&hidden["Successful"]).len(), 2);
    let wrong = json!({ "Id": "w", "ReceiptHandle": "none" });
    let deleted = app.sqs("DeleteMessageBatch", &json!({ "QueueUrl": url, "Entries": [held(0), held(1), wrong] })).await.json();
    assert_eq!((ids(&deleted["Successful"]).len(), ids(&deleted["Failed"])), (2, vec!["w".to_owned()]));
    for (entries, name) in [
        (json!([]), "EmptyBatchRequest"),
        (json!([{ "Id": "a", "MessageBody": "1" }, { "Id": "a", "MessageBody": "2" }]), "BatchEntryIdsNotDistinct"),
        (json!([{ "Id": "a b", "MessageBody": "1" }]), "InvalidBatchEntryId"),
        ((0..11).map(|id| json!({ "Id": id.to_string(), "MessageBody": "1" })).collect(), "TooManyEntriesInBatchRequest"),
    ] {
        let answer = app.sqs("SendMessageBatch", &json!({ "QueueUrl": url, "Entries": entries })).await;
        refused(&answer, name, &format!("AWS.SimpleQueueService.{name}"));
    }
}

#[tokio::test]
async fn queues_are_made_found_changed_and_removed() {
    let app = TestApp::start().await;
    let url = queue(&app, "one", &json!({ "DelaySeconds": "0" })).await;
    assert_eq!(queue(&app, "one", &json!({})).await, url, "what is there already is given");
    let other = app.sqs("CreateQueue", &json!({ "QueueName": "one", "Attributes": { "DelaySeconds": "5" } })).await;
    refused(&other, "QueueNameExists", "QueueAlreadyExists");
    for name in ["two", "other"] {
        queue(&app, name, &json!({})).await;
    }
    let listed = app.sqs("ListQueues", &json!({ "QueueNamePrefix": "o", "MaxResults": 1 })).await.json();
    assert_eq!(listed["QueueUrls"], json!([url]));
    let rest = app.sqs("ListQueues", &json!({ "QueueNamePrefix": "o", "NextToken": listed["NextToken"] })).await.json();
    assert_eq!(rest["QueueUrls"].as_array().unwrap().len(), 1);
    assert_eq!(app.sqs("GetQueueUrl", &json!({ "QueueName": "one" })).await.json()["QueueUrl"], url);
    app.sqs("SetQueueAttributes", &json!({ "QueueUrl": url, "Attributes": { "VisibilityTimeout": "60" } }))
        .await
        .assert_status(200);
    let shown = app.sqs("GetQueueAttributes", &json!({ "QueueUrl": url, "AttributeNames": ["VisibilityTimeout"] })).await.json();
    assert_eq!(shown["Attributes"], json!({ "VisibilityTimeout": "60" }));
    app.sqs("TagQueue", &json!({ "QueueUrl": url, "Tags": { "a": "1", "b": "2" } })).await.assert_status(200);
    app.sqs("UntagQueue", &json!({ "QueueUrl": url, "TagKeys": ["a"] })).await.assert_status(200);
    assert_eq!(app.sqs("ListQueueTags", &json!({ "QueueUrl": url })).await.json()["Tags"], json!({ "b": "2" }));
    send(&app, &url, "purged").await;
    app.sqs("PurgeQueue", &json!({ "QueueUrl": url })).await.assert_status(200);
    assert!(receive(&app, &url, &json!({})).await.is_empty());
    let soon = app.sqs("PurgeQueue", &json!({ "QueueUrl": url })).await;
    refused(&soon, "PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress");
    app.sqs("DeleteQueue", &json!({ "QueueUrl": url })).await.assert_status(200);
    let gone = app.sqs("SendMessage", &json!({ "QueueUrl": url, "MessageBody": "late" })).await;
    refused(&gone, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue");
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name() {
    let app = TestApp::start().await;
    let url = queue(&app, "strict", &json!({})).await;
    for (operation, input, name, old_name) in [
        ("CreateQueue", json!({ "QueueName": "a.b" }), "InvalidParameterValueException", "InvalidParameterValue"),
        ("CreateQueue", json!({ "QueueName": "a.fifo" }), "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"),
        ("CreateQueue", json!({}), "MissingRequiredParameterException", "MissingParameter"),
        (
            "CreateQueue",
            json!({ "QueueName": "a", "Attributes": { "DelaySeconds": "901" } }),
            "InvalidAttributeValue",
            "InvalidAttributeValue",
        ),
        (
            "CreateQueue",
            json!({ "QueueName": "a", "Attributes": { "Speed": "9" } }),
            "InvalidAttributeName",
            "InvalidAttributeName",
        ),
        (
            "GetQueueAttributes",
            json!({ "QueueUrl": url, "AttributeNames": ["Speed"] }),
            "InvalidAttributeName",
            "InvalidAttributeName",
        ),
        ("SendMessage", json!({ "QueueUrl": url }), "MissingRequiredParameterException", "MissingParameter"),
        (
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "a", "DelaySeconds": 901 }),
            "InvalidParameterValueException",
            "InvalidParameterValue",
        ),
        (
            "SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "a", "MessageAttributes": { "AWS.x": { "DataType": "String", "StringValue": "b" } } }),
            "InvalidParameterValueException",
            "InvalidParameterValue",
        ),
        (
            "ReceiveMessage",
            json!({ "QueueUrl": url, "MaxNumberOfMessages": 11 }),
            "InvalidParameterValueException",
            "InvalidParameterValue",
        ),
        (
            "ReceiveMessage",
            json!({ "QueueUrl": url, "WaitTimeSeconds": 21 }),
            "InvalidParameterValueException",
            "InvalidParameterValue",
        ),
        (
            "DeleteMessage",
            json!({ "QueueUrl": url, "ReceiptHandle": "none" }),
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
        ),
        ("ReceiveMessage", json!({ "QueueUrl": 7 }), "SerializationException", "MalformedInput"),
        ("Fly", json!({}), "UnknownOperationException", "InvalidAction"),
    ] {
        refused(&app.sqs(operation, &input).await, name, old_name);
    }
    let stranger = app.nobody().request(Method::POST, "/sqs/").header("x-amz-target", "AmazonSQS.ListQueues").await;
    assert_eq!(stranger.assert_status(403).json()["__type"], "com.amazonaws.sqs#MissingAuthenticationTokenException");
}

#[tokio::test]
async fn no_sent_message_is_lost_by_sigkill() {
    let mut app = TestApp::start().await;
    let url = queue(&app, "kept", &json!({ "VisibilityTimeout": "1" })).await;
    for number in 0..50 {
        send(&app, &url, &number.to_string()).await;
    }
    let held = receive(&app, &url, &json!({})).await;
    assert_eq!(held.len(), 10);
    app.kill9();
    app.restart().await;
    let url = format!("{}/sqs/000000000000/kept", app.url());
    let mut seen = BTreeSet::new();
    while seen.len() < 50 {
        let received = receive(&app, &url, &json!({ "WaitTimeSeconds": 20 })).await;
        assert!(!received.is_empty(), "only {} of 50 are there", seen.len());
        for message in received {
            delete(&app, &url, &message).await;
            seen.insert(message["Body"].as_str().unwrap().to_owned());
        }
    }
}
