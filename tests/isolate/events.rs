//! Lambda-style handlers and events.

use std::time::Duration;

use serde_json::json;

use super::driver::{Reply, Settings, Worker};

#[test]
fn an_event_is_answered_with_what_the_handler_returns() {
    let mut worker = Worker::of("export const handler = async (event) => ({ sum: event.a + event.b })");
    assert_eq!(worker.result(r#"{"a":1,"b":2}"#), json!({ "sum": 3 }));
    assert_eq!(worker.result(r#"{"a":40,"b":2}"#), json!({ "sum": 42 }), "the environment serves many calls");
}

#[test]
fn the_context_is_lambdas() {
    let source = "export const handler = async (event, context) => ({
        ...context, remaining: context.getRemainingTimeInMillis(), keys: Object.keys(context).length })";
    let context = Worker::of(source).result("{}");
    assert_eq!(context["functionName"], "tested");
    assert_eq!(context["functionVersion"], "7");
    assert_eq!(context["memoryLimitInMB"], "128");
    assert_eq!(context["awsRequestId"], "request-1");
    assert_eq!(context["invokedFunctionArn"], "arn:aws:lambda:local:000000000000:function:tested");
    assert_eq!(context["callbackWaitsForEmptyEventLoop"], true);
    let remaining = context["remaining"].as_i64().unwrap();
    assert!((1..=10_000).contains(&remaining), "{remaining}");
}

#[test]
fn callbacks_and_the_old_methods_of_the_context_answer() {
    let callback = "export const handler = (event, context, callback) => { setTimeout(() => callback(null, 'late'), 5) }";
    assert_eq!(Worker::of(callback).result("{}"), json!("late"));
    let succeed = "export const handler = (event, context) => { context.succeed({ ok: true }) }";
    assert_eq!(Worker::of(succeed).result("{}"), json!({ "ok": true }));
    let fail = "export const handler = (event, context) => { context.fail(new RangeError('no')) }";
    assert_eq!(Worker::of(fail).failure("{}").0.error_type, "RangeError");
}

#[test]
fn a_callback_waits_for_the_event_loop_unless_told_otherwise() {
    let source = "export const handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = event.wait;
        let done = false;
        callback(null, { toJSON: () => done });
        setTimeout(() => { done = true }, 20);
    }";
    assert_eq!(Worker::of(source).result(r#"{"wait":true}"#), json!(true));
    assert_eq!(Worker::of(source).result(r#"{"wait":false}"#), json!(false));
}

#[test]
fn a_handler_that_returns_nothing_is_answered_with_null() {
    assert_eq!(Worker::of("export const handler = async () => {}").result("{}"), json!(null));
    assert_eq!(Worker::of("export const handler = () => 5").result("{}"), json!(null), "as Lambda: only promises and callbacks");
}

#[test]
fn common_js_works_as_in_node() {
    let source =
        "const seen = []; exports.handler = async function (event) { seen.push(event); return { seen, that: typeof module } }";
    let mut worker = Worker::of(source);
    assert_eq!(worker.result("1"), json!({ "seen": [1], "that": "object" }));
    assert_eq!(worker.result("2"), json!({ "seen": [1, 2], "that": "object" }), "state outlives a call");
    let replaced = "module.exports = { handler: async () => 'replaced' }";
    assert_eq!(Worker::of(replaced).result("{}"), json!("replaced"));
}

#[test]
fn typescript_runs() {
    let source =
        "enum Kind { A = 'a' }\nexport const handler = async (event: { n: number }): Promise<string> => `${Kind.A}${event.n}`;";
    let settings = Settings { file: "index.ts", ..Settings::default() };
    assert_eq!(Worker::with(settings, source).result(r#"{"n":7}"#), json!("a7"));
}

#[test]
fn variables_are_seen_and_stay_text() {
    let source =
        "export const handler = async () => [process.env.GREETING, process.env.MISSING ?? null, Deno.env.get('GREETING'),
        Deno.env.toObject()]";
    let settings = Settings { env: &[("GREETING", "hé"), ("__proto__", "x")], ..Settings::default() };
    let seen = Worker::with(settings, source).result("{}");
    assert_eq!(seen[0], "hé");
    assert_eq!(seen[1], json!(null));
    assert_eq!(seen[2], "hé");
    assert_eq!(seen[3]["GREETING"], "hé");
}

#[test]
fn what_a_call_costs_is_measured() {
    let source = "export const handler = async (event) => {
        const until = performance.now() + event.spin; while (performance.now() < until);
        await new Promise((resolve) => setTimeout(resolve, event.sleep)); }";
    let mut worker = Worker::of(source);
    let Reply::Answer { usage, .. } = worker.event(r#"{"spin":30,"sleep":60}"#) else { panic!("it answers") };
    assert!(usage.wall_us >= 85_000, "{usage:?}");
    // The machine may be busy, and then spinning for a time takes less of the processor than that.
    assert!(usage.cpu_us >= 1_000 && usage.cpu_us < usage.wall_us, "{usage:?}");
    assert!(usage.heap_bytes > 1_000_000, "{usage:?}");
}

#[test]
fn work_left_behind_goes_on_in_the_next_call() {
    let source = "let done = 0; export const handler = async (event) => {
        if (event === 'leave') { setTimeout(() => { done += 1 }, 1); return done }
        await new Promise((resolve) => setTimeout(resolve, 20)); return done }";
    let mut worker = Worker::of(source);
    assert_eq!(worker.result("\"leave\""), json!(0));
    assert_eq!(worker.result("\"look\""), json!(1));
}

#[test]
fn a_large_event_and_a_deep_one_pass() {
    let mut worker =
        Worker::of("export const handler = async (event) => Array.isArray(event) ? event.length : event.text.length");
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(5 << 20));
    assert_eq!(worker.result(&large), json!(5 << 20));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    match worker.call(deep.as_bytes(), None, Duration::from_secs(10)) {
        Reply::Answer { body, .. } => assert_eq!(body, b"1"),
        // V8 may refuse such depth; it says so as an ordinary error.
        Reply::Failed { error, fatal, .. } => assert!(error.error_type == "RangeError" && !fatal, "{error:?}"),
        Reply::Gone(exit) => panic!("{exit:?}"),
    }
}
