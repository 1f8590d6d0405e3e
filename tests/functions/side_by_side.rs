//! Calls that share an environment: side by side, each with its own log, time limit, streams and outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::beside;
use super::lifecycle::{environments_of, kill};
use crate::support::{Response, TestApp, eventually};

const LIMIT: Duration = Duration::from_secs(30);

/// Tells which environment answers once so many calls are in it at the same time.
const MEETING: &str = "const id = crypto.randomUUID(); let here = 0, waiting = [];
    export default async (request) => {
        const { together } = await request.json();
        here += 1;
        if (here >= together) { waiting.forEach((go) => go()); waiting = []; } else { await new Promise((go) => waiting.push(go)); }
        return Response.json(id);
    };";

fn shared(calls: u32, more: Value) -> Value {
    let mut config = json!({ "concurrency_per_environment": calls, "timeout_s": 20 });
    let (fields, Value::Object(more)) = (config.as_object_mut().unwrap(), more) else { panic!("an object") };
    fields.extend(more);
    config
}

async fn at_once(app: &TestApp, name: &str, bodies: impl IntoIterator<Item = Value>) -> Vec<Response> {
    join_all(bodies.into_iter().map(|body| async move { app.invoke(name, &body).await })).await
}

/// Calls a function so often at the same time, while the test goes on.
fn meanwhile(app: &TestApp, name: &'static str, body: Value, calls: usize) -> JoinHandle<Vec<Response>> {
    let client = app.anon();
    let call = move || {
        let (client, body) = (client.clone(), body.clone());
        async move { client.post(&format!("/functions/v1/{name}")).json(&body).await }
    };
    beside(join_all(std::iter::repeat_with(call).take(calls)))
}

async fn status(app: &TestApp) -> Value {
    app.service().get("/admin/v1/status").await.json()["functions"].take()
}

/// What a function logged itself, by the request it belongs to.
async fn logged(app: &TestApp, name: &str) -> BTreeMap<String, Vec<String>> {
    let logs = app.service().get(&format!("/admin/v1/functions/{name}/logs?limit=1000")).await.assert_status(200).json();
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for entry in logs["entries"].as_array().expect("entries") {
        if entry["kind"] == "function" {
            let id = entry["request_id"].as_str().expect("an id").to_owned();
            lines.entry(id).or_default().push(entry["text"].as_str().expect("a text").to_owned());
        }
    }
    lines
}

/// Waits until a function has logged a line.
async fn has_logged(app: &TestApp, name: &str, line: &str) {
    eventually("the line", LIMIT, async || logged(app, name).await.values().flatten().any(|text| text == line).then_some(()))
        .await;
}

fn error_of(answer: &Response) -> String {
    answer.json()["errorType"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn calls_run_at_the_same_time_in_one_environment_and_others_come_when_it_is_full() {
    let app = TestApp::start().await;
    app.deploy("meets", MEETING, shared(8, json!({}))).await;
    assert_eq!(app.service().get("/admin/v1/functions/meets").await.json()["concurrency_per_environment"], 8);
    // None of them can end before all eight have begun.
    let answers = at_once(&app, "meets", (0..8).map(|_| json!({ "together": 8 }))).await;
    let ids: BTreeSet<String> = answers.iter().map(Response::text).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let now = eventually("quiet", LIMIT, async || {
        let now = status(&app).await;
        (now["idle"] == 1).then_some(now)
    })
    .await;
    assert_eq!((&now["environments"], &now["running"]), (&json!(1), &json!(0)), "{now}");
    // The environment is used again, alone and together.
    assert_eq!(ids.first(), Some(&app.invoke("meets", &json!({ "together": 1 })).await.text()));

    // None of them ends before all six run, wherever they do.
    let source = "import * as kv from 'plinth:kv'; const id = crypto.randomUUID();
        export default async () => {
            await kv.increment('begun');
            while (await kv.get('begun') < 6) await new Promise((go) => setTimeout(go, 20));
            return Response.json(id);
        };";
    app.deploy("pairs", source, shared(2, json!({ "permissions": { "kv": { "default": "write" } } }))).await;
    let answers = at_once(&app, "pairs", (0..6).map(|_| json!({}))).await;
    let mut by_id = BTreeMap::<String, usize>::new();
    answers.iter().for_each(|answer| *by_id.entry(answer.assert_status(200).text()).or_default() += 1);
    assert_eq!(by_id.into_values().collect::<Vec<_>>(), [2, 2, 2]);
}

#[tokio::test]
async fn only_web_style_handlers_can_share() {
    let app = TestApp::start().await;
    let source = "export const handler = async () => 1;";
    let config = shared(2, json!({}));
    let refused = app.service().put_function("alone", "text/javascript", source, &config).await;
    refused.assert_status(400);
    assert!(refused.text().contains("concurrency_per_environment") && refused.text().contains("web-style"), "{}", refused.text());
    for wrong in [json!(0), json!(101), json!("2"), json!(1.5)] {
        let config = json!({ "concurrency_per_environment": wrong });
        let refused = app.service().put_function("alone", "text/javascript", source, &config).await;
        refused.assert_status(400);
        assert!(refused.text().contains("must be a whole number from 1 to 100"), "{}", refused.text());
    }
    for source in ["Deno.serve(() => new Response('x'))", "export default { fetch: () => new Response('x') }"] {
        app.deploy("together", source, shared(2, json!({}))).await;
        assert_eq!(app.invoke("together", &json!({})).await.text(), "x");
    }
}

#[tokio::test]
async fn each_call_has_its_own_log_stores_and_trace() {
    let app = TestApp::start().await;
    let source = "import { AsyncLocalStorage } from 'node:async_hooks';
        const store = new AsyncLocalStorage(); let here = 0, waiting = [];
        export default (request) => store.run({}, async () => {
            const { name } = await request.json();
            store.getStore().name = name;
            const trace = process.env._X_AMZN_TRACE_ID;
            here += 1;
            if (here === 6) waiting.forEach((go) => go()); else await new Promise((go) => waiting.push(go));
            console.log(`first ${name}`);
            for (let i = 0; i < 3; i++) await new Promise((go) => setTimeout(go, 5));
            queueMicrotask(() => console.log(`second ${store.getStore().name}`));
            await new Promise((go) => process.nextTick(go));
            return Response.json({ name: store.getStore().name, same: trace === process.env._X_AMZN_TRACE_ID, trace });
        });";
    app.deploy("own", source, shared(6, json!({}))).await;
    let answers = at_once(&app, "own", (0..6).map(|at| json!({ "name": format!("n{at}") }))).await;
    let mut ids = BTreeMap::new();
    let mut traces = BTreeSet::new();
    for (at, answer) in answers.iter().enumerate() {
        let told = answer.assert_status(200).json();
        assert_eq!((&told["name"], &told["same"]), (&json!(format!("n{at}")), &json!(true)));
        let id = answer.header("x-request-id").expect("an id");
        let root: String = id.replace('-', "").chars().take(24).collect();
        assert!(told["trace"].as_str().unwrap().contains(&root), "{told} {id}");
        traces.insert(told["trace"].to_string());
        ids.insert(id.to_owned(), at);
    }
    assert_eq!(traces.len(), 6);
    let lines = eventually("all lines", LIMIT, async || {
        let lines = logged(&app, "own").await;
        (lines.values().map(Vec::len).sum::<usize>() == 12).then_some(lines)
    })
    .await;
    for (id, at) in ids {
        assert_eq!(lines[&id], [format!("first n{at}"), format!("second n{at}")]);
    }
}

#[tokio::test]
async fn a_call_that_waits_too_long_fails_alone_and_the_environment_takes_no_more() {
    let app = TestApp::start().await;
    let source = "const id = crypto.randomUUID();
        export default async (request) => {
            const { ms } = await request.json();
            console.log('begun', ms);
            await (ms === null ? new Promise(() => setInterval(() => {}, 10_000)) : new Promise((go) => setTimeout(go, ms)));
            return Response.json(id);
        };";
    app.deploy("waits", source, shared(4, json!({ "timeout_s": 2 }))).await;
    let client = app.anon();
    let late = beside(async move { client.post("/functions/v1/waits").json(&json!({ "ms": null })).await });
    has_logged(&app, "waits", "begun null").await;
    let first = app.invoke("waits", &json!({ "ms": 700 })).await.assert_status(200).json();
    let (other, late) = tokio::join!(async { app.invoke("waits", &json!({ "ms": 1600 })).await }, late);
    let late = late.unwrap();
    assert_eq!((late.status(), error_of(&late).as_str()), (504, "Sandbox.Timedout"), "{}", late.text());
    assert_eq!(late.json()["details"]["pending"]["running"], false, "{}", late.text());
    assert_eq!(other.assert_status(200).json(), first, "it was in the same environment, and outlived the other");
    assert_ne!(app.invoke("waits", &json!({ "ms": 0 })).await.assert_status(200).json(), first);
    eventually("the end of the first environment", LIMIT, async || (status(&app).await["environments"] == 1).then_some(())).await;
}

#[tokio::test]
async fn a_call_that_does_not_yield_holds_up_no_more_than_those_beside_it() {
    let app = TestApp::start().await;
    let source = "const id = crypto.randomUUID(); export default async (request) => {
            const { spin } = await request.json();
            if (spin) { console.log('spins'); await 0; for (;;); }
            return Response.json(id);
        };";
    app.deploy("spins", source, shared(4, json!({ "timeout_s": 3 }))).await;
    let client = app.anon();
    let first = app.invoke("spins", &json!({})).await.assert_status(200).json();
    let spinning = beside(async move { client.post("/functions/v1/spins").json(&json!({ "spin": true })).await });
    // Its line comes with the next turn, or its end: calls that come meanwhile run somewhere else as soon as one has waited a while.
    let other = eventually("another environment", LIMIT, async || {
        let answer = app.invoke("spins", &json!({})).await;
        (answer.status() == 200 && answer.json() != first).then_some(answer.json())
    })
    .await;
    assert_ne!(other, first);
    let spun = spinning.await.unwrap();
    assert_eq!((spun.status(), error_of(&spun).as_str()), (504, "Sandbox.Timedout"), "{}", spun.text());
}

#[tokio::test]
async fn what_one_call_throws_is_its_own_failure() {
    let app = TestApp::start().await;
    let source = "const id = crypto.randomUUID(); let here = 0, waiting = [];
        export default async (request) => {
            const { how, together } = await request.json();
            here += 1;
            if (here >= together) { waiting.forEach((go) => go()); waiting = []; here = 0; } else { await new Promise((go) => waiting.push(go)); }
            if (how === 'throw') throw new RangeError('mine');
            if (how === 'timer') { setTimeout(() => { throw new RangeError('mine'); }, 1); await new Promise(() => {}); }
            if (how === 'promise') { Promise.reject(new RangeError('mine')); await new Promise(() => setTimeout(() => {}, 60_000)); }
            if (how === 'late') await new Promise((go) => setTimeout(go, 100));
            return Response.json(id);
        };";
    app.deploy("throws", source, shared(4, json!({}))).await;
    for (how, error, stays) in
        [("throw", "RangeError", true), ("timer", "RangeError", false), ("promise", "Runtime.UnhandledPromiseRejection", false)]
    {
        let bodies = ["late", how, "late"].map(|how| json!({ "how": how, "together": 3 }));
        let answers = at_once(&app, "throws", bodies).await;
        let failed = &answers[1];
        assert_eq!((failed.status(), error_of(failed).as_str()), (502, error), "{how}: {}", failed.text());
        assert!(failed.text().contains("mine"), "{}", failed.text());
        assert_eq!(answers[0].assert_status(200).json(), answers[2].assert_status(200).json(), "{how}");
        let next = app.invoke("throws", &json!({ "together": 1 })).await.assert_status(200).json();
        assert_eq!(next == answers[0].json(), stays, "{how}");
    }
}

#[tokio::test]
async fn what_ends_the_isolate_ends_all_calls_in_it_and_says_why() {
    let app = TestApp::start().await;
    let source = "let here = 0, waiting = [];
        export default async (request) => {
            const { how, together } = await request.json();
            here += 1;
            if (here >= together) { waiting.forEach((go) => go()); waiting = []; here = 0; } else { await new Promise((go) => waiting.push(go)); }
            if (how === 'exit') process.exit(3);
            if (how === 'memory') { const all = []; for (;;) all.push(new Array(10_000).fill(all.length)); }
            if (how === 'waits') await new Promise((go) => setTimeout(go, 15_000));
            return new Response('well');
        };";
    app.deploy("ends", source, shared(4, json!({}))).await;
    for (how, own, others) in
        [("exit", "Runtime.ExitError", "Runtime.EnvironmentEnded"), ("memory", "Runtime.OutOfMemory", "Runtime.OutOfMemory")]
    {
        let bodies = ["waits", "waits", how].map(|how| json!({ "how": how, "together": 3 }));
        let answers = at_once(&app, "ends", bodies).await;
        let errors: Vec<String> = answers.iter().map(error_of).collect();
        assert_eq!(errors, [others, others, own], "{how}: {}", answers[0].text());
        assert_eq!(app.invoke("ends", &json!({ "together": 1 })).await.assert_status(200).text(), "well");
    }
    let calls = meanwhile(&app, "ends", json!({ "how": "waits", "together": 3 }), 3);
    eventually("all three calls", LIMIT, async || (status(&app).await["running"] == 3).then_some(())).await;
    environments_of(app.server().pid()).into_iter().for_each(kill);
    for answer in calls.await.unwrap() {
        assert_eq!((answer.status(), error_of(&answer).as_str()), (502, "Runtime.ExitError"), "{}", answer.text());
    }
    assert_eq!(app.invoke("ends", &json!({ "together": 1 })).await.assert_status(200).text(), "well");
}

#[tokio::test]
async fn streams_of_calls_side_by_side_do_not_mix() {
    let app = TestApp::start().await;
    let source = "export default async (request) => {
            const { name, pieces } = await request.json();
            let at = 0;
            const text = (name + ' ').repeat(5000);
            return new Response(new ReadableStream({ async pull(c) {
                if (at++ === pieces) return c.close();
                await new Promise((go) => setTimeout(go, 1));
                c.enqueue(new TextEncoder().encode(text));
            } }));
        };";
    app.deploy("streams", source, shared(8, json!({}))).await;
    let answers = at_once(&app, "streams", (0..8).map(|at| json!({ "name": format!("n{at}"), "pieces": 10 + at }))).await;
    for (at, answer) in answers.iter().enumerate() {
        assert_eq!(answer.assert_status(200).text(), format!("n{at} ").repeat(5000 * (10 + at)));
    }
    let source = "export default async (request) => new Response(request.body)";
    app.deploy("echoes", source, shared(8, json!({}))).await;
    let bodies: Vec<String> = (0..8).map(|at| format!("{at}").repeat(300_000 + at)).collect();
    let answers =
        join_all(bodies.iter().map(|body| async { app.anon().post("/functions/v1/echoes").body(body.clone()).await })).await;
    for (body, answer) in bodies.iter().zip(answers) {
        assert!(answer.assert_status(200).text() == *body, "the body came back changed");
    }
}

#[tokio::test]
async fn questions_to_the_platform_are_answered_to_who_asked_and_promises_go_on_beside_others() {
    let app = TestApp::start().await;
    let source = "import * as kv from 'plinth:kv';
        export default async (request, env, context) => {
            const { name } = await request.json();
            await kv.set(name, { mine: name });
            const [own, sum] = await Promise.all([kv.get(name), kv.increment('sum')]);
            context.waitUntil((async () => {
                await new Promise((go) => setTimeout(go, 50));
                await kv.increment('after');
                console.log(`after ${name}`);
            })());
            return Response.json({ own: own.mine, sum });
        };";
    let permissions = json!({ "permissions": { "kv": { "default": "write" } } });
    app.deploy("asks", source, shared(5, permissions)).await;
    let mut sums = BTreeSet::new();
    let mut ids = BTreeMap::new();
    for round in 0..3 {
        let names: Vec<String> = (0..10).map(|at| format!("r{round}n{at}")).collect();
        let answers = at_once(&app, "asks", names.iter().map(|name| json!({ "name": name }))).await;
        for (name, answer) in names.into_iter().zip(answers) {
            let told = answer.assert_status(200).json();
            assert_eq!(told["own"], json!(name));
            sums.insert(told["sum"].as_i64().unwrap());
            ids.insert(answer.header("x-request-id").unwrap().to_owned(), name);
        }
    }
    assert_eq!(sums, (1..=30).collect());
    let lines = eventually("what goes on after the answers", LIMIT, async || {
        let lines = logged(&app, "asks").await;
        (lines.len() == 30).then_some(lines)
    })
    .await;
    for (id, name) in ids {
        assert_eq!(lines[&id], [format!("after {name}")]);
    }
}

#[tokio::test]
async fn reserved_concurrency_bounds_calls_and_not_environments() {
    let app = TestApp::start().await;
    app.deploy("few", MEETING, shared(10, json!({}))).await;
    let reserve = async |calls: u32| {
        let body = json!({ "ReservedConcurrentExecutions": calls }).to_string();
        let path = "/2017-10-31/functions/few/concurrency";
        app.aws(&reqwest::Method::PUT, path, &[], body.as_bytes()).await.assert_status(200);
    };
    reserve(3).await;
    // They wait for a fourth.
    let calls = meanwhile(&app, "few", json!({ "together": 4 }), 3);
    eventually("all three calls", LIMIT, async || (status(&app).await["running"] == 3).then_some(())).await;
    let refused = app.invoke("few", &json!({ "together": 1 })).await;
    assert!(refused.assert_status(429).header("retry-after").is_some(), "{}", refused.text());
    assert!(refused.text().contains("ReservedFunctionConcurrentInvocationLimitExceeded"), "{}", refused.text());
    reserve(4).await;
    let fourth = app.invoke("few", &json!({ "together": 4 })).await.assert_status(200).json();
    calls
        .await
        .unwrap()
        .iter()
        .for_each(|answer| assert_eq!(answer.assert_status(200).json(), fourth, "it is the same environment"));
}

#[tokio::test]
async fn the_memory_of_an_environment_is_paid_once() {
    let app = TestApp::start().await;
    let source = "let here = 0, waiting = [];
        export default async () => {
            here += 1;
            if (here === 10) waiting.forEach((go) => go()); else await new Promise((go) => waiting.push(go));
            await new Promise((go) => setTimeout(go, 400));
            return new Response('');
        };";
    app.deploy("paid", source, shared(10, json!({}))).await;
    at_once(&app, "paid", (0..10).map(|_| json!({}))).await.iter().for_each(|answer| {
        answer.assert_status(200);
    });
    let usage = eventually("the usage", LIMIT, async || {
        let usage = app.service().get("/admin/v1/usage?function=paid").await.assert_status(200).json();
        (usage["totals"]["calls"] == 10).then_some(usage["totals"].clone())
    })
    .await;
    let (gb_ms, billed_ms) = (usage["gb_ms"].as_f64().unwrap(), usage["billed_ms"].as_f64().unwrap());
    let alone = billed_ms * 128.0 / 1024.0;
    assert!(billed_ms >= 4000.0 && gb_ms < alone / 2.0 && gb_ms > alone / 20.0, "{usage}");
}

#[tokio::test]
async fn a_deployment_lets_calls_side_by_side_finish() {
    let app = TestApp::start().await;
    let source = "export default async () => { console.log('begun'); await new Promise((go) => setTimeout(go, 1000)); return new Response('old'); };";
    app.deploy("moves", source, shared(4, json!({}))).await;
    let calls = meanwhile(&app, "moves", json!({}), 4);
    eventually("all four calls", LIMIT, async || (status(&app).await["running"] == 4).then_some(())).await;
    app.deploy("moves", "export default () => new Response('new')", shared(4, json!({}))).await;
    assert_eq!(app.invoke("moves", &json!({})).await.text(), "new");
    calls.await.unwrap().iter().for_each(|answer| assert_eq!(answer.assert_status(200).text(), "old"));
}

#[tokio::test]
async fn an_accepted_event_whose_environment_another_call_ends_is_tried_again() {
    let app = TestApp::start_with("[functions]\nevent_retry_wait = \"100ms\"").await;
    let source = "import * as kv from 'plinth:kv';
        export default async (request) => {
            const { how } = await request.json();
            if (how === 'exit') process.exit(3);
            const tries = await kv.increment('tries');
            console.log(`try ${tries}`);
            if (tries === 1) await new Promise((go) => setTimeout(go, 15_000));
            return new Response('');
        };";
    app.deploy("tried", source, shared(4, json!({ "permissions": { "kv": { "default": "write" } } }))).await;
    let path = "/2015-03-31/functions/tried/invocations";
    let accepted = app.aws(&reqwest::Method::POST, path, &[("x-amz-invocation-type", "Event")], b"{}").await;
    let id = accepted.assert_status(202).header("x-amzn-requestid").expect("an id").to_owned();
    has_logged(&app, "tried", "try 1").await;
    assert_eq!(error_of(&app.invoke("tried", &json!({ "how": "exit" })).await), "Runtime.ExitError");
    has_logged(&app, "tried", "try 2").await;
    assert_eq!(logged(&app, "tried").await[&id], ["try 1", "try 2"], "under the id that was told");
    eventually("the end of the event", LIMIT, async || {
        let left = app.service().get("/admin/v1/invocations").await.assert_status(200).json();
        left["invocations"].as_array().is_some_and(Vec::is_empty).then_some(())
    })
    .await;
}
