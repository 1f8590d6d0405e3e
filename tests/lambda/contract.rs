//! What a handler sees and what becomes of its outcome, as AWS's runtime for Node has it.

use serde_json::{Value, json};

use crate::support::TestApp;

async fn called(app: &TestApp, name: &str, event: Value) -> Value {
    let answer = app.invoke_lambda(name, &event.to_string()).await;
    answer.assert_status(200);
    assert_eq!(answer.header("x-amz-function-error"), None, "{}", answer.text());
    answer.json()
}

async fn failed(app: &TestApp, name: &str, event: Value) -> Value {
    let answer = app.invoke_lambda(name, &event.to_string()).await;
    answer.assert_status(200);
    assert_eq!(answer.header("x-amz-function-error"), Some("Unhandled"), "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn the_context_and_the_variables_are_whole() {
    let app = TestApp::start().await;
    let source = "exports.handler = async (event, context) => ({
        context, keys: Object.keys(context), left: context.getRemainingTimeInMillis(), env: process.env });";
    let more = json!({ "Environment": { "Variables": { "MINE": "1" } }, "MemorySize": 256, "Timeout": 7, "Publish": true });
    app.create_function("looking", source, &more).await.assert_status(201);
    let answer = app.invoke_lambda("looking:1", "{}").await;
    assert_eq!(answer.header("x-amz-executed-version"), Some("1"));
    let seen = answer.json();
    let context = &seen["context"];
    assert_eq!(context["functionName"], "looking");
    assert_eq!(context["functionVersion"], "1");
    assert_eq!(context["invokedFunctionArn"], "arn:aws:lambda:local:000000000000:function:looking:1");
    assert_eq!(context["memoryLimitInMB"], "256");
    assert_eq!(context["awsRequestId"], answer.header("x-amzn-requestid").unwrap());
    assert_eq!(context["logGroupName"], "/aws/lambda/looking");
    assert_eq!(context["logStreamName"], seen["env"]["AWS_LAMBDA_LOG_STREAM_NAME"]);
    assert_eq!(context["callbackWaitsForEmptyEventLoop"], true);
    for key in ["identity", "clientContext", "tenantId", "succeed", "fail", "done", "getRemainingTimeInMillis"] {
        assert!(seen["keys"].as_array().unwrap().contains(&json!(key)), "{key} is not in {}", seen["keys"]);
    }
    assert!((1..=7000).contains(&seen["left"].as_i64().unwrap()));
    let env = &seen["env"];
    for (name, value) in [
        ("MINE", "1"),
        ("_HANDLER", "index.handler"),
        ("AWS_REGION", "local"),
        ("AWS_DEFAULT_REGION", "local"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs22.x"),
        ("AWS_LAMBDA_FUNCTION_NAME", "looking"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/looking"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    assert!(env["_X_AMZN_TRACE_ID"].as_str().unwrap().starts_with("Root=1-"), "{env}");
    assert!(env["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().unwrap().contains("/[1]"), "{env}");
    assert!(env.get("AWS_ACCESS_KEY_ID").is_none() && env.get("AWS_SECRET_ACCESS_KEY").is_none());
}

#[tokio::test]
async fn callbacks_answer_as_promises_do() {
    let app = TestApp::start().await;
    let source = "exports.handler = (event, context, callback) => {
        const { how } = event;
        if (how === 'callback') setTimeout(() => callback(null, 'called'), 5);
        if (how === 'error') callback(new RangeError('called back'));
        if (how === 'text') callback('just text');
        if (how === 'succeed') context.succeed({ done: 1 });
        if (how === 'fail') context.fail(new Error('failed'));
        if (how === 'done') context.done(null, 'done');
        if (how === 'now') { context.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 60000); callback(null, 'now'); }
        if (how === 'promise') return Promise.resolve('promised');
    };";
    app.create_function("calling", source, &json!({ "Timeout": 20 })).await.assert_status(201);
    for (how, result) in [
        ("callback", json!("called")),
        ("succeed", json!({ "done": 1 })),
        ("done", json!("done")),
        ("promise", json!("promised")),
        ("nothing", Value::Null),
    ] {
        assert_eq!(called(&app, "calling", json!({ "how": how })).await, result, "{how}");
    }
    let error = failed(&app, "calling", json!({ "how": "error" })).await;
    assert_eq!((&error["errorType"], &error["errorMessage"]), (&json!("RangeError"), &json!("called back")));
    let text = failed(&app, "calling", json!({ "how": "text" })).await;
    assert_eq!(text, json!({ "errorType": "string", "errorMessage": "just text", "trace": [] }));
    assert_eq!(failed(&app, "calling", json!({ "how": "fail" })).await["errorMessage"], "failed");
    // Last: its timer stays, and whoever waits for an empty event loop after it waits for that too.
    assert_eq!(called(&app, "calling", json!({ "how": "now" })).await, json!("now"));
}

#[tokio::test]
async fn failures_have_awss_names_and_bodies() {
    let app = TestApp::start().await;
    let source = "exports.handler = async (event, context) => {
        if (event === 'throw') throw new TypeError('x');
        if (event === 'reject') return Promise.reject('a text');
        if (event === 'never') return new Promise(() => {});
        if (event === 'stray') { Promise.reject(new Error('stray')); await new Promise((done) => setTimeout(done, 1000)); }
        if (event === 'spin') for (;;) {}
        if (event === 'exit') process.exit(1);
        if (event === 'large') return 'x'.repeat(6 * 1024 * 1024 + 200);
        if (event === 'circle') { const a = {}; a.a = a; return a; }
        return 'well';
    };";
    app.create_function("failing", source, &json!({ "Timeout": 1 })).await.assert_status(201);
    let thrown = failed(&app, "failing", json!("throw")).await;
    assert_eq!((&thrown["errorType"], &thrown["errorMessage"]), (&json!("TypeError"), &json!("x")));
    assert_eq!(thrown["trace"][0], "TypeError: x");
    let rejected = failed(&app, "failing", json!("reject")).await;
    assert_eq!(rejected, json!({ "errorType": "string", "errorMessage": "a text", "trace": [] }));
    for (event, kind) in [
        ("never", "Runtime.NodeJsExit"),
        ("stray", "Runtime.UnhandledPromiseRejection"),
        ("exit", "Runtime.ExitError"),
        ("large", "Function.ResponseSizeTooLarge"),
        ("circle", "Runtime.MarshalError"),
    ] {
        assert_eq!(failed(&app, "failing", json!(event)).await["errorType"], kind, "{event}");
    }
    let late = app.invoke_lambda("failing", "\"spin\"").await;
    let id = late.header("x-amzn-requestid").unwrap();
    let message = format!("RequestId: {id} Error: Task timed out after 1.00 seconds");
    assert_eq!(late.json(), json!({ "errorType": "Sandbox.Timedout", "errorMessage": message }));
    assert_eq!(called(&app, "failing", json!(0)).await, "well");
}

#[tokio::test]
async fn a_handler_that_is_none_is_found_when_it_is_loaded() {
    let app = TestApp::start().await;
    app.create_function("number", "exports.handler = 7;", &json!({})).await.assert_status(201);
    let error = failed(&app, "number", json!({})).await;
    assert_eq!(error["errorType"], "Runtime.HandlerNotFound");
    assert_eq!(error["errorMessage"], "index.handler is not a function");
    app.create_function("hidden", "module.exports = {};", &json!({})).await.assert_status(201);
    let error = failed(&app, "hidden", json!({})).await;
    assert_eq!(error["errorMessage"], "index.handler is undefined or not exported");
    app.create_function("broken", "throw new Error('at load'); exports.handler = 1;", &json!({})).await.assert_status(201);
    assert_eq!(failed(&app, "broken", json!({})).await["errorMessage"], "at load");
}
