//! What goes wrong in a handler, in Lambda's words.

use std::time::Duration;

use plinth::sys::process::Exit;
use serde_json::json;

use super::driver::{Reply, Settings, Worker};

#[test]
fn a_thrown_error_is_told_with_its_class_message_and_trace() {
    let source = "function deeper() {\n  throw new TypeError('that is no good');\n}\nexport const handler = async () => {\n  deeper();\n};\n";
    let mut worker = Worker::of(source);
    let (error, fatal) = worker.failure("{}");
    assert_eq!((error.error_type.as_str(), error.message.as_str()), ("TypeError", "that is no good"));
    assert_eq!(error.trace[0], "TypeError: that is no good");
    assert_eq!(error.trace[1], "    at deeper (index.js:2:9)");
    assert!(error.trace[2].contains("index.js:5:3"), "{:?}", error.trace);
    assert_eq!(error.trace.len(), 3, "no frames but the user's: {:?}", error.trace);
    assert!(!fatal);
    assert_eq!(worker.failure("{}").0.error_type, "TypeError", "the environment lives on");
}

#[test]
fn a_trace_of_typescript_names_the_places_in_the_source() {
    let source =
        "interface A {\n  a: string;\n}\n\nexport const handler = async (event: A) => {\n  throw new Error(event.a);\n};\n";
    let settings = Settings { file: "index.ts", ..Settings::default() };
    let (error, _) = Worker::with(settings, source).failure(r#"{"a":"x"}"#);
    assert!(error.trace[1].contains("index.ts:6:9"), "{:?}", error.trace);
}

#[test]
fn what_is_thrown_need_not_be_an_error() {
    let mut worker = Worker::of("export const handler = async (event) => { throw event }");
    let (text, _) = worker.failure("\"plain\"");
    assert_eq!((text.error_type.as_str(), text.message.as_str(), text.trace.len()), ("string", "plain", 0));
    assert_eq!(worker.failure("5").0.error_type, "number");
    assert_eq!(worker.failure("null").0.error_type, "null");
    let (object, _) = worker.failure(r#"{"a":1}"#);
    assert_eq!((object.error_type.as_str(), object.message.as_str()), ("object", r#"{"a":1}"#));
}

#[test]
fn an_error_that_fights_back_is_still_told() {
    let source = "export const handler = async () => {
        const error = new Error('x');
        for (const name of ['name', 'message', 'stack']) Object.defineProperty(error, name, { get() { throw new Error('trap') } });
        throw error }";
    let (error, fatal) = Worker::of(source).failure("{}");
    assert_eq!(error.error_type, "Error");
    assert!(!fatal);
}

#[test]
fn an_unhandled_rejection_ends_the_environment() {
    let mut worker = Worker::of("export const handler = async () => { Promise.reject(new Error('lost')); return 1 }");
    let (error, fatal) = worker.failure("{}");
    assert_eq!(error.error_type, "Runtime.UnhandledPromiseRejection");
    assert_eq!(error.message, "Error: lost");
    assert!(error.trace[1].contains("index.js:1:"), "{:?}", error.trace);
    assert!(fatal);
    assert_eq!(worker.exit(), Exit::Code(0));
}

#[test]
fn a_listener_may_take_care_of_a_rejection() {
    let source =
        "const seen = []; addEventListener('unhandledrejection', (event) => { seen.push(event.reason); event.preventDefault() });
        export const handler = async () => { Promise.reject('lost'); await new Promise((r) => setTimeout(r, 1)); return seen }";
    assert_eq!(Worker::of(source).result("{}"), json!(["lost"]));
}

#[test]
fn an_error_that_nobody_can_catch_ends_the_environment() {
    for source in [
        "export const handler = () => new Promise(() => { setTimeout(() => { throw new RangeError('in a timer') }, 1) })",
        "export const handler = () => new Promise(() => { queueMicrotask(() => { throw new RangeError('in a microtask') }) })",
        "export const handler = () => new Promise(() => { process.nextTick(() => { throw new RangeError('in a tick') }) })",
    ] {
        let mut worker = Worker::of(source);
        let (error, fatal) = worker.failure("{}");
        assert_eq!(error.error_type, "RangeError", "{source}");
        assert!(error.message.starts_with("in a ") && fatal, "{error:?}");
        assert_eq!(worker.exit(), Exit::Code(0));
    }
}

#[test]
fn a_promise_that_nothing_can_settle_ends_the_call_at_once() {
    let mut worker = Worker::of("export const handler = () => new Promise(() => {})");
    let (error, fatal) = worker.failure("{}");
    assert_eq!(error.error_type, "Runtime.NodeJsExit");
    assert!(error.message.contains("no timer"), "{}", error.message);
    assert!(fatal);
}

#[test]
fn a_result_that_is_no_json_is_an_error_of_the_call() {
    let mut worker = Worker::of(
        "export const handler = async (event) => {
            if (event === 'cycle') { const a = {}; a.a = a; return a }
            if (event === 'bigint') return 1n;
            return { toJSON() { throw new Error('trap') } } }",
    );
    for event in ["\"cycle\"", "\"bigint\"", "\"trap\""] {
        let (error, fatal) = worker.failure(event);
        assert_eq!(error.error_type, "Runtime.MarshalError", "{event}");
        assert!(error.message.starts_with("Unable to stringify response body"), "{}", error.message);
        assert!(!fatal);
    }
}

#[test]
fn a_result_over_the_limit_is_refused_with_both_sizes() {
    let mut worker = Worker::of("export const handler = async (event) => 'x'.repeat(event)");
    let (error, fatal) = worker.failure("7340032");
    assert_eq!(error.error_type, "Function.ResponseSizeTooLarge");
    assert_eq!(error.message, "Response payload size (7340034 bytes) exceeded maximum allowed payload size (6291556 bytes).");
    assert!(!fatal);
    let Reply::Answer { body, .. } = worker.event("6291554") else { panic!("just below the limit it is sent") };
    assert_eq!(body.len(), 6_291_556);
}

#[test]
fn endless_recursion_is_an_ordinary_error() {
    let mut worker = Worker::of("const f = () => f() + 1; export const handler = async (event) => event ? f() : 'fine'");
    let (error, fatal) = worker.failure("true");
    assert_eq!(error.error_type, "RangeError");
    assert!(!fatal);
    assert_eq!(worker.result("false"), json!("fine"));
}

#[test]
fn exit_ends_the_environment_with_its_status() {
    let mut worker = Worker::of("export const handler = async (event) => { process.exit(event); while (true); }");
    let (error, fatal) = worker.failure("3");
    assert_eq!(error.error_type, "Runtime.ExitError");
    assert!(error.message.ends_with("Runtime exited with error: exit status 3"), "{}", error.message);
    assert!(fatal);
    assert_eq!(worker.exit(), Exit::Code(0));
    let (error, _) = Worker::of("export const handler = async () => Deno.exit()").failure("{}");
    assert!(error.message.ends_with("Runtime exited without providing a reason"), "{}", error.message);
}

#[test]
fn a_handler_out_of_time_is_ended_and_told_so() {
    for source in [
        "export const handler = async () => { console.log('started'); while (true); }",
        "export const handler = async () => { console.log('started'); await new Promise((r) => setTimeout(r, 60000)) }",
        "export const handler = async () => { console.log('started'); for (;;) await null }",
        "export const handler = async () => { console.log('started'); for (;;) new Array(1000).fill(1) }",
        "export const handler = async () => { console.log('started'); /(a+)+$/.test('a'.repeat(64) + 'b') }",
    ] {
        let mut worker = Worker::of(source);
        let reply = worker.call(b"{}", None, Duration::from_millis(300));
        let Reply::Failed { error, fatal, usage } = reply else { panic!("{source}: {reply:?}") };
        assert_eq!(error.error_type, "Sandbox.Timedout");
        assert_eq!(error.message, "RequestId: request-1 Error: Task timed out after 0.30 seconds");
        assert!(fatal && usage.wall_us >= 290_000, "{usage:?}");
        assert_eq!(worker.logs[0].text, "started", "what it logged is not lost");
        assert_eq!(worker.exit(), Exit::Code(0));
    }
}

#[test]
fn a_script_cannot_catch_its_end() {
    let source = "export const handler = async () => { for (;;) { try { for (;;); } catch {} finally { continue } } }";
    let reply = Worker::of(source).call(b"{}", None, Duration::from_millis(200));
    assert!(matches!(&reply, Reply::Failed { error, fatal: true, .. } if error.error_type == "Sandbox.Timedout"), "{reply:?}");
}
