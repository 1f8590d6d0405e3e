//! Processes that come and go: redeployments, kills, stops.

use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{ECHO, beside, is_worker, wait_for_environments, workers_of};
use crate::support::{JAVASCRIPT, TestApp, eventually};

const SLOW: &str = "export const handler = async (event) => {
    console.log('begun'); await new Promise((done) => setTimeout(done, 1500)); return 'old'; };";

/// Waits until a call of [`SLOW`] is in its handler.
async fn begun(app: &TestApp, name: &str) {
    let path = format!("/admin/v1/functions/{name}/logs");
    eventually("the handler's beginning", Duration::from_secs(10), async || {
        app.service().get(&path).await.text().contains("\"begun\"").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_redeployment_counts_for_new_calls_at_once_and_calls_under_way_finish() {
    let app = TestApp::start().await;
    app.deploy("f", SLOW, json!({})).await;
    let (anon, path) = (app.anon(), "/functions/v1/f");
    let under_way = beside(async move { anon.get(path).await });
    begun(&app, "f").await;
    for version in 2..6 {
        app.deploy("f", &format!("export const handler = async () => {version};"), json!({})).await;
        let answer = app.invoke("f", &json!({})).await;
        assert_eq!(answer.assert_status(200).json(), version);
        assert_eq!(answer.header("x-plinth-function-version"), Some(version.to_string().as_str()));
    }
    let old = under_way.await.expect("the call ends");
    assert_eq!((old.assert_status(200).text(), old.header("x-plinth-function-version")), ("old".to_owned(), Some("1")));
    wait_for_environments(&app, 1).await;
}

#[tokio::test]
async fn a_redeployment_of_what_is_in_use_is_initialised_before_calls_move_to_it() {
    let app = TestApp::start().await;
    let source = |n: u32| format!("await new Promise((done) => setTimeout(done, 300)); export const handler = async () => {n};");
    app.deploy("f", &source(1), json!({})).await;
    let cold = app.invoke("f", &json!({})).await;
    assert!(init_ms(&cold) > 250.0, "{:?}", cold.header("server-timing"));
    app.deploy("f", &source(2), json!({})).await;
    let warm = app.invoke("f", &json!({})).await;
    assert_eq!((warm.assert_status(200).json(), init_ms(&warm)), (json!(2), 0.0));
    // One that does not come up is told by its calls, and does not hold the deployment up for long.
    app.deploy("f", "throw new Error('not today'); export const handler = 1;", json!({})).await;
    assert!(app.invoke("f", &json!({})).await.assert_status(502).text().contains("not today"));
    // Of what nobody calls nothing is started.
    app.deploy("idle", &source(1), json!({})).await;
    app.deploy("idle", &source(2), json!({})).await;
    assert!(init_ms(&app.invoke("idle", &json!({})).await) > 250.0);
}

/// What a process has open beside its standard streams and is not closed when it becomes another program.
fn left_open(pid: u32) -> Vec<String> {
    let open = std::fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("the process lives").flatten();
    let numbers = open.filter(|entry| !["0", "1", "2"].contains(&entry.file_name().to_string_lossy().as_ref()));
    let left = numbers.filter_map(|entry| {
        // One that was closed meanwhile is not left open.
        let info = std::fs::read_to_string(entry.path()).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = OFlags::from_bits_retain(u32::from_str_radix(flags.trim(), 8).expect("an octal number"));
        let number = entry.file_name().to_string_lossy().into_owned();
        let target = std::fs::read_link(format!("/proc/{pid}/fd/{number}")).ok()?;
        (!flags.contains(OFlags::CLOEXEC)).then(|| format!("{number} {}", target.display()))
    });
    left.collect()
}

#[tokio::test]
async fn nothing_that_the_server_opens_is_left_to_its_children() {
    let app = TestApp::start().await;
    // Databases, listeners, connections, blobs, the private socket, workers, outbound requests.
    let own = "export const handler = async () => (await fetch(`${process.env.SUPABASE_URL}/health/live`)).status;";
    app.deploy("f", own, json!({})).await;
    app.sign_up("ada@example.com").await;
    app.service().post("/storage/v1/bucket").json(&json!({ "name": "files" })).await.assert_status(200);
    for _ in 0..3 {
        app.invoke("f", &json!({})).await.assert_status(200);
        assert_eq!(left_open(app.server().pid()), Vec::<String>::new());
    }
    let workers = workers_of(app.server().pid());
    assert!(!workers.is_empty());
}

/// What initialisation took, as the answer tells.
fn init_ms(answer: &crate::support::Response) -> f64 {
    let timing = answer.header("server-timing").expect("the phases are told");
    let init = timing.split(", ").find_map(|phase| phase.strip_prefix("init;dur=")).expect("init is told");
    init.parse().expect("a number")
}

#[tokio::test]
async fn an_environment_is_used_again_and_one_call_at_a_time() {
    let app = TestApp::start().await;
    let source = "let busy = false, calls = 0; export const handler = async () => {
        if (busy) throw new Error('two at once'); busy = true; await new Promise((done) => setTimeout(done, 20)); busy = false; return ++calls; };";
    app.deploy("counts", source, json!({})).await;
    assert_eq!(app.invoke("counts", &json!({})).await.json(), 1);
    assert_eq!(app.invoke("counts", &json!({})).await.json(), 2);
    let calls = futures_util::future::join_all((0..12).map(|_| async { app.invoke("counts", &json!({})).await.status() })).await;
    assert!(calls.iter().all(|status| *status == 200), "{calls:?}");
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_of_a_call_costs_that_call_alone() {
    let app = TestApp::start().await;
    app.deploy("slow", SLOW, json!({})).await;
    app.deploy("echo", ECHO, json!({})).await;
    app.invoke("echo", &json!({})).await.assert_status(200);
    let others = environments_of(app.server().pid());
    let anon = app.anon();
    let under_way = beside(async move { anon.get("/functions/v1/slow").await });
    begun(&app, "slow").await;
    let victims: Vec<u32> = environments_of(app.server().pid()).into_iter().filter(|pid| !others.contains(pid)).collect();
    assert_eq!((others.len(), victims.len()), (1, 1));
    kill(victims[0]);
    let answer = under_way.await.expect("the call ends");
    let body = answer.assert_status(502).json();
    assert_eq!(body["errorType"], "Runtime.ExitError");
    assert!(body["errorMessage"].as_str().unwrap_or_default().ends_with("Runtime exited with error: signal: killed"), "{body}");
    app.invoke("echo", &json!({})).await.assert_status(200);
    app.invoke("slow", &json!({})).await.assert_status(200);
}

#[tokio::test]
async fn an_idle_worker_that_is_killed_is_not_called() {
    let app = TestApp::start().await;
    app.deploy("echo", ECHO, json!({})).await;
    for _ in 0..3 {
        app.invoke("echo", &json!({})).await.assert_status(200);
        for pid in workers_of(app.server().pid()) {
            kill(pid);
        }
        app.invoke("echo", &json!({})).await.assert_status(200);
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_server_that_was_killed_and_no_deployment_is_lost() {
    let mut app = TestApp::start().await;
    app.deploy("slow", SLOW, json!({})).await;
    let anon = app.anon();
    let under_way = beside(async move { anon.get("/functions/v1/slow").try_send().await.map(|_| ()) });
    for version in 0..5 {
        app.deploy("kept", &format!("export const handler = async () => {version};"), json!({ "env": { "A": "1" } })).await;
    }
    let workers = workers_of(app.server().pid());
    assert!(!workers.is_empty());
    app.kill9();
    assert!(under_way.await.expect("the task ends").is_err());
    eventually("the end of all workers", Duration::from_secs(2), async || {
        (!workers.iter().any(|pid| is_worker(*pid))).then_some(())
    })
    .await;
    app.restart().await;
    assert_eq!(app.invoke("kept", &json!({})).await.assert_status(200).json(), 4);
}

#[tokio::test]
async fn a_stop_lets_calls_under_way_finish_and_ends_all_workers() {
    let mut app = TestApp::start().await;
    app.deploy("slow", SLOW, json!({})).await;
    let anon = app.anon();
    let under_way = beside(async move { anon.get("/functions/v1/slow").await });
    begun(&app, "slow").await;
    let workers = workers_of(app.server().pid());
    app.server().signal(Signal::TERM);
    assert_eq!(under_way.await.expect("the call ends").assert_status(200).text(), "old");
    assert!(app.server_mut().ended(Duration::from_secs(10)).await.success());
    assert!(!workers.iter().any(|pid| is_worker(*pid)));
}

#[tokio::test]
async fn a_call_goes_on_when_its_client_hangs_up() {
    let app = TestApp::start().await;
    let source =
        "export const handler = async () => { await new Promise((done) => setTimeout(done, 800)); console.log('done'); };";
    app.deploy("slow", source, json!({})).await;
    let hung_up = app.anon().get("/functions/v1/slow").timeout(Duration::from_millis(400)).try_send().await;
    assert!(hung_up.is_err());
    eventually("the call's end", Duration::from_secs(5), async || {
        let logs = app.service().get("/admin/v1/functions/slow/logs").await.text();
        (logs.contains("\"done\"") && logs.contains("Status: success")).then_some(())
    })
    .await;
    wait_for_environments(&app, 1).await;
}

#[tokio::test]
async fn calls_beyond_the_places_wait_and_then_are_told_to_come_back() {
    let app = TestApp::start_with("[functions]\nmax_running = 1\nqueue_timeout = \"1s\"").await;
    app.deploy("slow", "export const handler = () => new Promise((done) => setTimeout(() => done(1), 700));", json!({})).await;
    let calls = futures_util::future::join_all((0..5).map(|_| async { app.invoke("slow", &json!({})).await })).await;
    let refused: Vec<_> = calls.iter().filter(|answer| answer.status() == 429).collect();
    let answered = calls.iter().filter(|answer| answer.status() == 200).count();
    assert!(answered >= 2 && !refused.is_empty() && answered + refused.len() == 5, "{answered} answered");
    for answer in refused {
        assert_eq!(answer.header("retry-after"), Some("1"));
        let problem = answer.problem();
        assert!(problem["detail"].as_str().unwrap_or_default().contains("ConcurrentInvocationLimitExceeded"), "{problem}");
    }
}

#[tokio::test]
async fn idle_environments_end_and_the_longest_idle_makes_room() {
    let app = TestApp::start_with("[functions]\nidle_timeout = \"2s\"\nmax_environments = 2\nspares = 0").await;
    for name in ["a", "b", "c"] {
        app.service().put_function(name, JAVASCRIPT, ECHO, &json!({})).await.assert_status(201);
        app.invoke(name, &json!({})).await.assert_status(200);
    }
    let status = app.service().get("/admin/v1/status").await.json();
    assert_eq!(status["functions"]["environments"], 2, "{status}");
    let start = Instant::now();
    wait_for_environments(&app, 0).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    let status = app.service().get("/admin/v1/status").await.json();
    assert_eq!(status["functions"]["sandbox"]["no_new_privs"]["on"], true, "{status}");
}

#[tokio::test]
async fn a_server_without_functions_starts_no_worker() {
    let app = TestApp::start().await;
    // Its first look at its workers is over, so one that it meant to start would have been ordered.
    eventually("the gauges of functions", Duration::from_secs(10), async || {
        app.nobody().get("/metrics").await.text().contains("plinth_function_processes 0").then_some(())
    })
    .await;
    assert_eq!(workers_of(app.server().pid()), Vec::<u32>::new());
}

/// The workers that are bound to a function: their memory is limited.
pub(super) fn environments_of(server: u32) -> Vec<u32> {
    let limits = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let limited = |pid: &u32| limits(pid).lines().any(|line| line.starts_with("Max data size") && !line.contains("unlimited"));
    workers_of(server).into_iter().filter(limited).collect()
}

pub(super) fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = kill_process(pid, Signal::KILL);
}

#[tokio::test]
async fn nothing_is_left_of_what_a_spare_rehearsed() {
    let app = TestApp::start().await;
    let source = "export default { async fetch(request, env, ctx) {
        const module = await import('plinth-rehearsal:' + 'index.js').then(() => 'found', () => 'refused');
        const trace = process.env._X_AMZN_TRACE_ID, own = Object.keys(globalThis).filter((name) => /rehears/i.test(name));
        return Response.json({ module, own, traced: trace.startsWith('Root=1-') && !trace.includes('00000000400080000000'),
            path: new URL(request.url).pathname, method: request.method, claims: typeof ctx.claims, a: request.headers.get('x-a'),
            again: [...request.headers.keys()].includes('x-a'), copied: new Request(request).headers.get('x-a') }) } }";
    app.deploy("clean", source, json!({})).await;
    eventually("a spare", Duration::from_secs(20), async || {
        let status = app.service().get("/admin/v1/status").await.json();
        (status["functions"]["spares"] == 1).then_some(())
    })
    .await;
    for _ in 0..2 {
        let answer = app.anon().get("/functions/v1/clean/here?a=b").header("x-a", "1").await;
        let expected = json!({ "module": "refused", "own": [], "traced": true, "path": "/functions/v1/clean/here", "method": "GET",
            "claims": "object", "a": "1", "again": true, "copied": "1" });
        assert_eq!(answer.assert_status(200).json(), expected);
    }
}
