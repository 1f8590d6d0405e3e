//! Paths, headers and bodies.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestApp};

const ECHO: &str = "exports.handler = async (event) => event;";

/// Fails when an answer is not this exception, in AWS's shape.
#[track_caller]
fn assert_exception(answer: &Response, status: u16, name: &str) -> String {
    answer.assert_status(status);
    assert_eq!(answer.header("x-amzn-errortype"), Some(name), "{}", answer.text());
    assert!(answer.header("x-amzn-requestid").is_some_and(|id| !id.is_empty()));
    let body = answer.json();
    assert_eq!(body["Message"], body["message"]);
    assert!(body["Type"] == "User" || body["Type"] == "Service", "{body}");
    body["Message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn a_function_is_named_in_every_form() {
    let app = TestApp::start().await;
    app.create_function("named", ECHO, &json!({ "Publish": true })).await.assert_status(201);
    for name in [
        "named",
        "named:$LATEST",
        "named:1",
        "000000000000:function:named",
        "arn:aws:lambda:local:000000000000:function:named",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Anamed%3A1",
        "named%3A%24LATEST",
    ] {
        let answer = app.invoke_lambda(name, "[1]").await;
        assert_eq!(answer.assert_status(200).text(), "[1]", "{name}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    for name in ["na.med", "a:b:c", "arn:aws:s3:local:000000000000:function:named", "named:"] {
        assert_exception(&app.invoke_lambda(name, "{}").await, 400, "InvalidParameterValueException");
    }
    let told = assert_exception(&app.invoke_lambda("named:7", "{}").await, 404, "ResourceNotFoundException");
    assert_eq!(told, "Function not found: arn:aws:lambda:local:000000000000:function:named:7");
}

#[tokio::test]
async fn nobody_comes_in_without_a_good_signature() {
    let app = TestApp::start().await;
    let path = "/2015-03-31/functions";
    for caller in [app.nobody(), app.anon(), app.service()] {
        assert_exception(&caller.get(path).await, 403, "MissingAuthenticationTokenException");
    }
    let incomplete = app.nobody().get(path).header("authorization", "AWS4-HMAC-SHA256 Credential=A").await;
    assert_exception(&incomplete, 403, "IncompleteSignatureException");
    let other = app.aws(&Method::GET, path, &[], b"").header("x-amz-extra", "1").await;
    assert_exception(&other, 403, "InvalidSignatureException");
    let moved = app.aws(&Method::GET, path, &[], b"").body("another body").await;
    assert_exception(&moved, 403, "InvalidSignatureException");
    app.aws(&Method::GET, path, &[], b"").await.assert_status(200);
    let log = app.server().log();
    assert!(!log.contains(app.key("secret_access_key")), "the secret is in no log");
}

#[tokio::test]
async fn what_is_no_operation_says_so() {
    let app = TestApp::start().await;
    app.create_function("there", ECHO, &json!({})).await.assert_status(201);
    for (method, target) in [
        (Method::GET, "/2015-03-31/functions/there/nothing"),
        (Method::PATCH, "/2015-03-31/functions/there"),
        (Method::PUT, "/2015-03-31/functions"),
        (Method::POST, "/2014-11-13/functions/there/invoke-async"),
        (Method::GET, "/2015-03-31/"),
    ] {
        assert_exception(&app.aws(&method, target, &[], b"").await, 404, "UnknownOperationException");
    }
}

#[tokio::test]
async fn bodies_are_checked_before_anything_happens() {
    let app = TestApp::start().await;
    let post = |body: String| app.aws(&Method::POST, "/2015-03-31/functions", &[], body.as_bytes());
    let told = assert_exception(&post("{".to_owned()).await, 400, "InvalidRequestContentException");
    assert!(told.starts_with("Could not parse request body into json"), "{told}");
    assert_exception(&post("[1]".to_owned()).await, 400, "InvalidParameterValueException");
    assert_exception(&post(format!("{}1{}", "[".repeat(100), "]".repeat(100))).await, 400, "InvalidRequestContentException");
    for (more, told) in [
        (json!({ "Role": null }), "'role'"),
        (json!({ "Runtime": null }), "Runtime"),
        (json!({ "Handler": null }), "Handler"),
        (json!({ "Code": {} }), "source"),
        (json!({ "Code": { "ZipFile": "%%" } }), "base64"),
        (json!({ "Code": { "ImageUri": "x" } }), "Images"),
        (json!({ "Code": { "S3Bucket": "b" } }), "S3"),
        (json!({ "PackageType": "Image" }), "PackageType"),
        (json!({ "MemorySize": 64 }), "'memorySize'"),
        (json!({ "MemorySize": "128" }), "MemorySize"),
        (json!({ "Timeout": 0 }), "'timeout'"),
        (json!({ "Architectures": ["mips"] }), "Architectures"),
        (json!({ "EphemeralStorage": { "Size": 1 } }), "EphemeralStorage"),
        (json!({ "Tags": { "aws:x": "y" } }), "tag"),
        (json!({ "Environment": { "Variables": { "AWS_LAMBDA_X": "1" } } }), "AWS_LAMBDA_X"),
        (json!({ "FunctionName": "no name" }), "functionName"),
        (json!({ "Handler": "nodot" }), "nodot"),
        (json!({ "Handler": "index.other" }), "index.other"),
    ] {
        let answer = app.create_function("refused", ECHO, &more).await;
        let message = assert_exception(&answer, 400, "InvalidParameterValueException");
        assert!(message.contains(told), "{more}: {message}");
    }
    let listed = app.aws(&Method::GET, "/2015-03-31/functions", &[], b"").await.json();
    assert_eq!(listed["Functions"], json!([]));
}

#[tokio::test]
async fn a_code_location_is_good_for_itself_alone() {
    let app = TestApp::start().await;
    app.create_function("coded", ECHO, &json!({})).await.assert_status(201);
    let found = app.aws(&Method::GET, "/2015-03-31/functions/coded", &[], b"").await.assert_status(200).json();
    let location = found["Code"]["Location"].as_str().expect("a location").to_owned();
    let path = location.strip_prefix(&app.url()).expect("it is on this server");
    let code = app.nobody().get(path).await;
    assert_eq!(code.assert_status(200).header("content-type"), Some("application/zip"));
    assert_eq!(found["Configuration"]["CodeSize"], Value::from(code.bytes().len()));
    for wrong in [path.replace("/coded/", "/other/"), format!("{path}x"), path.replace("/$LATEST/1", "/$LATEST/9")] {
        app.nobody().get(&wrong).await.assert_status(404);
    }
}
