//! How environments live: as many as calls run, ended in order, bounded by memory, provisioned.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use plinth::sys::memory::{Machine, machine, of_group, of_meminfo};
use reqwest::Method;
use serde_json::{Value, json};

use super::lifecycle::{environments_of, kill};
use super::{ECHO, beside, wait_for_environments};
use crate::support::{Nodes, Response, Store, TestApp, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// Tells which environment answers, and how many calls that has answered.
const COUNTS: &str = "let calls = 0; export const handler = async () => ++calls;";

/// Tells which environment answers, after so many milliseconds.
fn slow(ms: u32) -> String {
    format!(
        "const id = crypto.randomUUID(); export const handler = async () => {{
            console.log('begun'); await new Promise((done) => setTimeout(done, {ms})); return [id]; }};"
    )
}

/// Waits until so many calls of a function are, or were, in its handler.
async fn begun(app: &TestApp, name: &str, calls: usize) {
    let path = format!("/admin/v1/functions/{name}/logs");
    eventually("the handlers' beginning", LIMIT, async || {
        (app.service().get(&path).await.text().matches("\"begun\"").count() >= calls).then_some(())
    })
    .await;
}

async fn status(app: &TestApp) -> Value {
    app.service().get("/admin/v1/status").await.json()["functions"].take()
}

/// Calls a function so often at the same time, and gives the answers.
async fn at_once(app: &TestApp, name: &str, calls: usize) -> Vec<Value> {
    join_all((0..calls).map(|_| async { app.invoke(name, &json!({})).await.assert_status(200).json() })).await
}

/// How many different answers there are.
fn different(answers: &[Value]) -> usize {
    answers.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len()
}

async fn provision(app: &TestApp, target: &str, count: u32) -> Response {
    let body = json!({ "ProvisionedConcurrentExecutions": count }).to_string();
    app.aws(&Method::PUT, &path_of(target), &[], body.as_bytes()).await
}

/// The provisioning of `function:qualifier`.
fn path_of(target: &str) -> String {
    let (function, qualifier) = target.split_once(':').expect("a qualifier");
    format!("/2019-09-30/functions/{function}/provisioned-concurrency?Qualifier={qualifier}")
}

async fn provisioned(app: &TestApp, target: &str) -> Value {
    app.aws(&Method::GET, &path_of(target), &[], b"").await.assert_status(200).json()
}

async fn ready(app: &TestApp, target: &str) -> Value {
    eventually("the provisioned environments", LIMIT, async || {
        let told = provisioned(app, target).await;
        (told["Status"] == "READY").then_some(told)
    })
    .await
}

/// Tells how its environment was initialised, which version it is, and the environment's own id.
const TYPED: &str = "const id = crypto.randomUUID(), kind = process.env.AWS_LAMBDA_INITIALIZATION_TYPE;
    export const handler = async (event, context) => {
        await new Promise((done) => setTimeout(done, event.ms ?? 0)); return [kind, context.functionVersion, id]; };";

#[tokio::test]
async fn provisioned_environments_are_there_before_calls_and_again_after_they_were_killed_and_after_a_restart() {
    let mut app = TestApp::start().await;
    app.create_function("kept", TYPED, &json!({ "Publish": true })).await.assert_status(201);
    let put = provision(&app, "kept:1", 2).await.assert_status(202).json();
    assert_eq!(put["RequestedProvisionedConcurrentExecutions"], 2);
    let told = ready(&app, "kept:1").await;
    assert_eq!(
        (&told["AllocatedProvisionedConcurrentExecutions"], &told["AvailableProvisionedConcurrentExecutions"]),
        (&json!(2), &json!(2))
    );
    let now = status(&app).await;
    assert_eq!((&now["environments"], &now["idle"], &now["provisioned"]), (&json!(2), &json!(2), &json!(2)));
    assert_eq!(app.invoke_lambda("kept:1", "{}").await.json()[0], "provisioned-concurrency");
    let shown = app.service().get("/admin/v1/functions/kept").await.json()["environments"].take();
    let expected = json!([{ "qualifier": "1", "requested": 2, "available": 2, "status": "READY" }]);
    assert_eq!(shown, json!({ "all": 2, "idle": 2, "provisioned": expected }));

    let before = environments_of(app.server().pid());
    assert_eq!(before.len(), 2);
    before.iter().for_each(|pid| kill(*pid));
    eventually("others in their place", LIMIT, async || {
        let now = environments_of(app.server().pid());
        (now.len() == 2 && !now.iter().any(|pid| before.contains(pid)) && status(&app).await["provisioned"] == 2).then_some(())
    })
    .await;
    assert_eq!(app.invoke_lambda("kept:1", "{}").await.json()[0], "provisioned-concurrency");

    app.restart().await;
    ready(&app, "kept:1").await;
    assert_eq!(status(&app).await["environments"], 2);
}

#[tokio::test]
async fn calls_beyond_what_is_provisioned_run_on_demand_and_only_those_environments_end_when_idle() {
    let app = TestApp::start_with("[functions]\nmax_running = 8\nidle_timeout = \"1s\"").await;
    app.create_function("some", TYPED, &json!({ "Publish": true, "Timeout": 10 })).await.assert_status(201);
    provision(&app, "some:1", 2).await.assert_status(202);
    ready(&app, "some:1").await;
    let answers = join_all((0..3).map(|_| async { app.invoke_lambda("some:1", r#"{"ms":1500}"#).await.json() })).await;
    let mut kinds: Vec<&str> = answers.iter().filter_map(|answer| answer[0].as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]);
    wait_for_environments(&app, 2).await;
    let now = status(&app).await;
    assert_eq!((&now["provisioned"], &now["evicted"]), (&json!(2), &json!({ "idle": 1, "room": 0, "memory": 0 })));
    app.aws(&Method::DELETE, &path_of("some:1"), &[], b"").await.assert_status(204);
    wait_for_environments(&app, 0).await;
}

#[tokio::test]
async fn what_is_provisioned_of_an_alias_moves_with_it() {
    let app = TestApp::start().await;
    app.create_function("moved", TYPED, &json!({ "Publish": true })).await.assert_status(201);
    let alias = json!({ "Name": "live", "FunctionVersion": "1" }).to_string();
    app.aws(&Method::POST, "/2015-03-31/functions/moved/aliases", &[], alias.as_bytes()).await.assert_status(201);
    provision(&app, "moved:live", 1).await.assert_status(202);
    // The same version by another name: what one has, the other has not.
    provision(&app, "moved:1", 1).await.assert_status(202);
    ready(&app, "moved:1").await;
    ready(&app, "moved:live").await;
    assert_eq!(status(&app).await["provisioned"], 2);
    app.aws(&Method::DELETE, &path_of("moved:1"), &[], b"").await.assert_status(204);

    let code = json!({ "Description": "the second", "Timeout": 9 }).to_string();
    app.aws(&Method::PUT, "/2015-03-31/functions/moved/configuration", &[], code.as_bytes()).await.assert_status(200);
    app.aws(&Method::POST, "/2015-03-31/functions/moved/versions", &[], b"{}").await.assert_status(201);
    let change = json!({ "FunctionVersion": "2" }).to_string();
    app.aws(&Method::PUT, "/2015-03-31/functions/moved/aliases/live", &[], change.as_bytes()).await.assert_status(200);
    ready(&app, "moved:live").await;
    let answer = app.invoke_lambda("moved:live", "{}").await.json();
    assert_eq!((&answer[0], &answer[1]), (&json!("provisioned-concurrency"), &json!("2")));
    let list = "/2019-09-30/functions/moved/provisioned-concurrency?List=ALL";
    let listed = app.aws(&Method::GET, list, &[], b"").await.json()["ProvisionedConcurrencyConfigs"].take();
    let arns: Vec<&str> = listed.as_array().expect("a list").iter().filter_map(|one| one["FunctionArn"].as_str()).collect();
    assert_eq!(arns.len(), 1);
    assert!(arns[0].ends_with(":moved:live"), "{arns:?}");
}

#[tokio::test]
async fn each_node_keeps_the_whole_number() {
    let store = Store::start().await;
    let nodes = Nodes::new().await.apart().with_config(&store.settings(20));
    let (one, other) = tokio::join!(nodes.start(), nodes.start());
    one.create_function("both", TYPED, &json!({ "Publish": true })).await.assert_status(201);
    provision(&one, "both:1", 2).await.assert_status(202);
    for node in [&one, &other] {
        ready(node, "both:1").await;
        assert_eq!(status(node).await["provisioned"], 2);
        assert_eq!(node.invoke_lambda("both:1", "{}").await.json()[0], "provisioned-concurrency");
    }
}

#[tokio::test]
async fn more_than_is_reserved_or_than_a_node_has_room_for_is_not_provisioned() {
    let app = TestApp::start_with("[functions]\nmax_environments = 8").await;
    app.create_function("much", TYPED, &json!({ "Publish": true })).await.assert_status(201);
    let refused = |answer: Response, words: &str| {
        let told = answer.assert_status(400).json();
        assert_eq!(answer.header("x-amzn-errortype"), Some("InvalidParameterValueException"));
        assert!(told["message"].as_str().unwrap_or_default().contains(words), "{told}");
    };
    refused(provision(&app, "much:1", 8).await, "functions.max_environments");
    refused(provision(&app, "much:$LATEST", 1).await, "unpublished");
    let reserve = async |count: u32| {
        let body = json!({ "ReservedConcurrentExecutions": count }).to_string();
        app.aws(&Method::PUT, "/2017-10-31/functions/much/concurrency", &[], body.as_bytes()).await
    };
    reserve(2).await.assert_status(200);
    refused(provision(&app, "much:1", 3).await, "reserved");
    provision(&app, "much:1", 2).await.assert_status(202);
    refused(reserve(1).await, "2 are provisioned");
    // A function can always be stopped.
    reserve(0).await.assert_status(200);
}

#[tokio::test]
async fn what_cannot_be_initialised_is_told_as_failed_with_the_reason() {
    let app = TestApp::start().await;
    let source = "throw new RangeError('not today'); export const handler = async () => 1;";
    app.create_function("bad", source, &json!({ "Publish": true })).await.assert_status(201);
    provision(&app, "bad:1", 1).await.assert_status(202);
    let told = eventually("the failure", LIMIT, async || {
        let told = provisioned(&app, "bad:1").await;
        (told["Status"] == "FAILED").then_some(told)
    })
    .await;
    assert_eq!(
        (&told["AvailableProvisionedConcurrentExecutions"], &told["StatusReason"]),
        (&json!(0), &json!("RangeError: not today"))
    );
}

#[tokio::test]
async fn there_are_as_many_environments_as_calls_that_run() {
    let app = TestApp::start_with("[functions]\nmax_running = 8").await;
    app.deploy("scales", &slow(1500), json!({ "timeout_s": 20 })).await;
    assert_eq!(different(&at_once(&app, "scales", 6).await), 6);
    wait_for_environments(&app, 6).await;
    app.invoke("scales", &json!({})).await.assert_status(200);
    assert_eq!(status(&app).await["environments"], 6);
}

#[tokio::test]
async fn those_of_the_greatest_end_first_and_then_the_one_used_longest_ago() {
    let app = TestApp::start_with("[functions]\nmax_environments = 3\nspares = 0").await;
    let wide = "let calls = 0; const slow = async () => { await new Promise((done) => setTimeout(done, 700)); };
        export const handler = async (event) => { calls++; if (event.body?.includes('wait')) await slow(); return calls; };";
    app.deploy("wide", wide, json!({ "timeout_s": 20 })).await;
    for name in ["old", "new", "newest"] {
        app.deploy(name, COUNTS, json!({})).await;
    }
    let call = async |name: &str| app.invoke(name, &json!({})).await.assert_status(200).json();
    assert_eq!(call("old").await, 1);
    let both = join_all((0..2).map(|_| async { app.invoke("wide", &json!("wait")).await.assert_status(200).json() })).await;
    assert_eq!(both, [1, 1]);
    // `wide` has two of three: it gives one, though `old` has been idle for longer.
    assert_eq!(call("new").await, 1);
    // Now all have one.
    assert_eq!(call("newest").await, 1);
    assert_eq!((call("wide").await, call("new").await, call("newest").await), (json!(2), json!(2), json!(2)));
    assert_eq!(call("old").await, 1);
    let now = status(&app).await;
    assert_eq!((&now["environments"], &now["evicted"]["room"]), (&json!(3), &json!(3)));
}

#[tokio::test]
async fn a_provisioned_environment_goes_last_and_comes_back() {
    let app = TestApp::start_with("[functions]\nmax_environments = 2\nspares = 0\nmax_running = 8").await;
    app.create_function("kept", TYPED, &json!({ "Publish": true })).await.assert_status(201);
    app.deploy("first", COUNTS, json!({})).await;
    app.deploy("second", &slow(5000), json!({ "timeout_s": 20 })).await;
    app.deploy("third", COUNTS, json!({})).await;
    provision(&app, "kept:1", 1).await.assert_status(202);
    ready(&app, "kept:1").await;
    app.invoke("first", &json!({})).await.assert_status(200);
    let anon = app.anon();
    let busy = beside(async move { anon.post("/functions/v1/second").await.status() });
    begun(&app, "second", 1).await;
    // `first` was used later, and went for it.
    let now = status(&app).await;
    assert_eq!((&now["provisioned"], &now["evicted"]["room"]), (&json!(1), &json!(1)));
    // The other one is busy: there is nothing else to end.
    app.invoke("third", &json!({})).await.assert_status(200);
    assert!(status(&app).await["evicted"]["room"].as_u64() >= Some(2));
    ready(&app, "kept:1").await;
    assert_eq!(busy.await.expect("the call ends"), 200);
}

#[tokio::test]
async fn a_busy_environment_never_makes_room_and_who_waits_too_long_is_told_why() {
    let app = TestApp::start_with("[functions]\nmax_environments = 1\nspares = 0\nmax_running = 8\nqueue_timeout = \"2s\"").await;
    app.deploy("short", &slow(1000), json!({ "timeout_s": 20 })).await;
    app.deploy("long", &slow(6000), json!({ "timeout_s": 20 })).await;
    app.deploy("echo", ECHO, json!({})).await;
    let hold = |name: &'static str| {
        let anon = app.anon();
        beside(async move { anon.post(&format!("/functions/v1/{name}")).await.status() })
    };
    let busy = hold("short");
    begun(&app, "short", 1).await;
    app.invoke("echo", &json!({})).await.assert_status(200);
    assert_eq!(busy.await.expect("the call ends"), 200);

    let busy = hold("long");
    begun(&app, "long", 1).await;
    let refused = app.invoke("echo", &json!({})).await;
    assert_eq!(refused.assert_status(429).header("retry-after"), Some("1"));
    let told = refused.problem()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(told.starts_with("ConcurrentInvocationLimitExceeded") && told.contains("functions.max_environments"), "{told}");
    assert_eq!(busy.await.expect("the call ends"), 200);
    assert_eq!(status(&app).await["throttled"], 1);
    let metrics = app.nobody().get("/metrics").await.text();
    let line = r#"plinth_function_throttles_total{function="echo",reason="ConcurrentInvocationLimitExceeded"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn one_function_does_not_get_all_environments() {
    let app =
        TestApp::start_with("[functions]\nmax_environments = 4\nspares = 0\nmax_running = 8\nqueue_timeout = \"30s\"").await;
    app.deploy("greedy", &slow(3000), json!({ "timeout_s": 20 })).await;
    app.deploy("echo", ECHO, json!({})).await;
    let anon = app.anon();
    let greedy = beside(async move {
        join_all((0..6).map(|_| async { anon.post("/functions/v1/greedy").await.assert_status(200).json() })).await
    });
    begun(&app, "greedy", 3).await;
    app.invoke("echo", &json!({})).await.assert_status(200);
    let answers = greedy.await.expect("the calls end");
    assert_eq!((answers.len(), different(&answers)), (6, 3));
}

/// Keeps so many megabytes once it was called.
fn keeps(mb: u32, ms: u32) -> String {
    format!(
        "let calls = 0, kept; export const handler = async () => {{ kept ??= new Uint8Array({mb}e6).fill(1);
            console.log('begun'); await new Promise((done) => setTimeout(done, {ms})); return ++calls; }};"
    )
}

#[tokio::test]
async fn idle_environments_end_when_the_workers_hold_more_memory_than_they_may() {
    let app = TestApp::start_with("[functions]\nmemory_budget = \"250MB\"\nspares = 0").await;
    for name in ["a", "b", "c"] {
        app.deploy(name, &keeps(80, 0), json!({ "memory_mb": 512, "timeout_s": 20 })).await;
        assert_eq!(app.invoke(name, &json!({})).await.assert_status(200).json(), 1);
    }
    eventually("the end of one", LIMIT, async || {
        let now = status(&app).await;
        (now["evicted"]["memory"] == 1 && now["environments"] == 2).then_some(())
    })
    .await;
    for name in ["b", "c"] {
        assert_eq!(app.invoke(name, &json!({})).await.assert_status(200).json(), 2, "{name} lives on");
    }
    assert!(app.nobody().get("/metrics").await.text().contains(r#"plinth_function_evictions_total{reason="memory"} 1"#));
    assert!(app.server().log().contains("(memory)"), "it is logged");
}

#[tokio::test]
async fn no_environment_is_started_while_busy_ones_hold_all_memory() {
    let app = TestApp::start_with("[functions]\nmemory_budget = \"150MB\"\nspares = 0\nqueue_timeout = \"1s\"").await;
    app.deploy("holds", &keeps(160, 8000), json!({ "memory_mb": 512, "timeout_s": 30 })).await;
    app.deploy("echo", ECHO, json!({})).await;
    let anon = app.anon();
    let busy = beside(async move { anon.post("/functions/v1/holds").await.status() });
    begun(&app, "holds", 1).await;
    eventually("the measure of it", LIMIT, async || {
        let now = status(&app).await;
        (now["memory_bytes"].as_u64() > now["memory_allowed_bytes"].as_u64()).then_some(())
    })
    .await;
    let refused = app.invoke("echo", &json!({})).await;
    assert_eq!(refused.assert_status(429).header("retry-after"), Some("1"));
    assert!(refused.text().contains("functions.memory_budget"), "{}", refused.text());
    let lambda = app.invoke_lambda("echo", "{}").await;
    assert_eq!(lambda.assert_status(429).json()["Reason"], "ConcurrentInvocationLimitExceeded");
    assert_eq!(busy.await.expect("the call ends"), 200);
    app.invoke("echo", &json!({})).await.assert_status(200);
}

#[tokio::test]
async fn every_door_says_when_to_come_back_and_which_limit_it_was() {
    let app = TestApp::start_with("[functions]\nmax_running = 1\nqueue_timeout = \"0s\"").await;
    app.create_function("full", &slow(4000), &json!({ "Timeout": 20 })).await.assert_status(201);
    app.create_function("stopped", "export const handler = async () => 1;", &json!({})).await.assert_status(201);
    let none = json!({ "ReservedConcurrentExecutions": 0 }).to_string();
    app.aws(&Method::PUT, "/2017-10-31/functions/stopped/concurrency", &[], none.as_bytes()).await.assert_status(200);
    let urls = [url_of(&app, "full").await, url_of(&app, "stopped").await];
    let anon = app.anon();
    let busy = beside(async move { anon.post("/functions/v1/full").await.status() });
    begun(&app, "full", 1).await;
    let doors = [
        ("full", urls[0].as_str(), "ConcurrentInvocationLimitExceeded"),
        ("stopped", urls[1].as_str(), "ReservedFunctionConcurrentInvocationLimitExceeded"),
    ];
    for (name, url, reason) in doors {
        let own = app.invoke(name, &json!({})).await;
        let detail = own.assert_status(429).problem()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.starts_with(&format!("{reason}: ")), "{detail}");
        let lambda = app.invoke_lambda(name, "{}").await;
        let by_url = app.nobody().get(url).await;
        for answer in [&lambda, &by_url] {
            assert_eq!(answer.assert_status(429).json()["Reason"], reason);
            assert_eq!(answer.header("x-amzn-errortype"), Some("TooManyRequestsException"));
        }
        for answer in [&own, &lambda, &by_url] {
            assert_eq!(answer.header("retry-after"), Some("1"), "{name}");
        }
    }
    assert_eq!(busy.await.expect("the call ends"), 200);
    assert_eq!(status(&app).await["throttled"], 6);
}

/// The path of a URL that anybody may call.
async fn url_of(app: &TestApp, name: &str) -> String {
    let url = json!({ "AuthType": "NONE" }).to_string();
    let made = app.aws(&Method::POST, &format!("/2021-10-31/functions/{name}/url"), &[], url.as_bytes()).await;
    let grant =
        json!({ "StatementId": "a", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE" });
    let policy = format!("/2015-03-31/functions/{name}/policy");
    app.aws(&Method::POST, &policy, &[], grant.to_string().as_bytes()).await.assert_status(201);
    let made = made.assert_status(201).json()["FunctionUrl"].take();
    made.as_str().and_then(|url| url.strip_prefix(&app.url())).expect("a URL of this server").to_owned()
}

#[test]
fn the_memory_there_is_is_the_machines_or_the_control_groups() {
    let text = "MemTotal:        2048 kB\nMemFree:          100 kB\nMemAvailable:    1024 kB\n";
    assert_eq!(of_meminfo(text), Some(Machine { total: 2 << 20, available: 1 << 20 }));
    assert_eq!(of_meminfo("MemTotal: 2048 kB\n"), None);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it is written");
    write("memory.current", "600\n");
    write("memory.max", "max\n");
    assert_eq!(of_group(folder.path()), None);
    write("memory.max", "1000\n");
    write("memory.stat", "anon 5\ninactive_file 100\nactive_file 9\n");
    assert_eq!(of_group(folder.path()), Some(Machine { total: 1000, available: 500 }));
    let here = machine().expect("the kernel tells");
    assert!(here.total > 0 && here.available <= here.total, "{here:?}");
}
