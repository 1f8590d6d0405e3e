//! Workers that mean harm: the server's side of the protocol believes nothing, ends whoever breaks it, and grows by nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use plinth::api::PublicUrl;
use plinth::auth::AuthService;
use plinth::auth::vault::Vault;
use plinth::blob::Blobs;
use plinth::config::{self, Flags};
use plinth::db::Databases;
use plinth::functions::model::{Declared, Deployment, Network, Permissions, Settings, SourceKind};
use plinth::functions::{Body, Done, FunctionsService, Outcome, Own, Parts};
use plinth::isolate::protocol::HttpRequest;
use plinth::queues::QueuesService;
use plinth::tasks::Tasks;
use plinth::types::{Clock, RequestId, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::eventually;

/// What a call may take.
const LIMIT: Duration = Duration::from_secs(1);

/// How long its end is waited for: on a busy machine all takes its time, and one that is held up forever fails all the same.
const PATIENCE: Duration = Duration::from_mins(1);

/// Functions over a worker of ours.
struct Hostile {
    functions: FunctionsService,
    tasks: Tasks,
    _folder: TempDir,
}

impl Hostile {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().to_owned();
        let flags = Flags { data: Some(data.clone()), ..Flags::default() };
        let mut settings = config::load(&flags, &BTreeMap::new()).expect("the defaults check").config;
        (settings.functions.spares, settings.functions.log_limit) = (1, 64 * 1024);
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let databases = Databases::open(&settings.database, &data, &tasks).await.expect("the databases open");
        let clock = Clock::system();
        databases.migrate(&clock).await.expect("the migrations are applied");
        let vault = Vault::open(&data, None).expect("the vault opens");
        let url = PublicUrl(Arc::from("http://localhost:8080"));
        let auth =
            AuthService::open(&settings.auth, databases.app.clone(), &vault, clock.clone(), &url).await.expect("auth opens");
        let blobs = Blobs::open(&data).expect("the blobs open");
        let program = worker(&data);
        let listen = "127.0.0.1:8080".parse().expect("an address");
        let own = Own { public_url: Arc::clone(&url.0), listen, socket: data.join("private.sock") };
        let (config, tasks_of) = (settings.functions, tasks.clone());
        let queues = QueuesService::open(databases.system.clone(), clock.clone(), &tasks);
        let parts = Parts { config, databases, blobs, vault, auth, queues, clock, data, program, tasks: tasks_of, own };
        let functions = FunctionsService::open(parts).await.expect("functions open");
        Self { functions, tasks, _folder: folder }
    }

    async fn deploy(&self, name: &str, concurrency: u32) {
        let settings = Settings {
            handler: None,
            memory_mb: 128,
            timeout: LIMIT,
            verify_jwt: false,
            network: Network::None,
            description: String::new(),
            env_names: Vec::new(),
            permissions: Permissions::default(),
            concurrency,
        };
        let deployment = Deployment {
            name: name.parse().expect("a name"),
            kind: SourceKind::JavaScript,
            source: "export const handler = 1".into(),
            settings,
            env: Secret::new(BTreeMap::new()),
            declared: Declared::default(),
        };
        self.functions.deploy(deployment).await.expect("deployed");
    }

    /// Calls a function; the worker does what the mode says.
    async fn call(&self, name: &str, mode: &str, seed: u64) -> Done {
        let revision = self.functions.live(&name.parse().expect("a name")).await.expect("deployed");
        let payload = json!({ "mode": mode, "seed": seed }).to_string().into();
        let invoked = self.functions.invoke(revision, RequestId::random(), request(), payload);
        let ended = tokio::time::timeout(PATIENCE, invoked).await;
        ended.unwrap_or_else(|_| panic!("{mode} was not ended")).expect("it was run")
    }

    async fn close(self) {
        self.functions.close().await;
        self.tasks.stop(Duration::from_secs(5)).await;
    }
}

/// The program, where it may be run from.
fn worker(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("worker.py");
    std::fs::write(&program, include_str!("worker.py")).expect("the program is written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
    program
}

fn request() -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        url: "http://localhost/functions/v1/x".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Vec::new(),
        source_ip: "127.0.0.1".to_owned(),
        time_ms: 0,
        claims: Value::Null,
        request_context: Value::Null,
    }
}

/// This process's resident memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// The answer of a call that did well.
fn text(done: Done) -> String {
    match done.result.expect("an answer").body {
        Body::Whole(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
        Body::Streamed(_) => panic!("it is not a stream"),
    }
}

/// The type of a call's failure, which is the process's fault and says so.
fn kind(mode: &str, done: &Done) -> String {
    let failure = done.result.as_ref().map(|reply| &reply.body).expect_err(mode);
    assert!(matches!(failure.outcome, Outcome::Failure | Outcome::Timeout | Outcome::Error), "{mode}: {failure:?}");
    failure.error.error_type.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_breaks_the_protocol_is_ended_and_its_call_fails() {
    break_the_protocol(1, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_goes_for_calls_that_share_an_environment() {
    // What is said of another call is not heard; the call itself runs into its limit then.
    break_the_protocol(8, &[("messages", "Sandbox.Timedout")]).await;
}

async fn break_the_protocol(concurrency: u32, also: &[(&str, &str)]) {
    let hostile = Hostile::new().await;
    hostile.deploy("f", concurrency).await;
    let good = hostile.call("f", "good", 0).await;
    assert_eq!(text(good), "\"good\"");
    let before = resident();
    for (mode, expected) in [
        ("messages", &["Sandbox.Failure"][..]),
        ("lengths", &["Sandbox.Failure"]),
        ("inner length", &["Sandbox.Failure"]),
        ("too large", &["Sandbox.Failure", "Function.ResponseSizeTooLarge"]),
        ("drip", &["Sandbox.Timedout"]),
        ("silence", &["Sandbox.Timedout"]),
        ("half", &["Sandbox.Timedout", "Runtime.ExitError"]),
        ("logs", &["Sandbox.Failure"]),
        ("empty logs", &["Sandbox.Failure", "Sandbox.Timedout"]),
        ("pending", &["Sandbox.Failure"]),
        ("nested", &["Sandbox.Failure"]),
        ("ask number", &["Sandbox.Failure"]),
        ("ask twice", &["Sandbox.Failure"]),
        ("ask flood", &["Sandbox.Failure"]),
        ("ask too much", &["Sandbox.Failure"]),
        ("ask too long", &["Sandbox.Failure"]),
        ("ask nothing", &["Sandbox.Failure"]),
        ("gone", &["Runtime.ExitError"]),
    ] {
        for seed in 0..4 {
            let kind = kind(mode, &hostile.call("f", mode, seed).await);
            let is_expected = expected.contains(&kind.as_str()) || also.contains(&(mode, kind.as_str()));
            assert!(is_expected, "{mode} {seed} ended as {kind}");
        }
        // The next call has another worker.
        assert!(hostile.call("f", "good", 0).await.result.is_ok(), "after {mode}");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 40_000_000, "the server grew by {} KiB", grown / 1024);
    eventually("the end of all who broke it", Duration::from_secs(10), async || {
        (hostile.functions.status().processes <= 3).then_some(())
    })
    .await;
    hostile.close().await;
}

/// Random bytes, and good answers with random damage: whatever comes, the call ends in an answer or a failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_bytes_at_all_end_in_a_failure_or_an_answer() {
    any_bytes(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_bytes_at_all_end_so_for_calls_that_share_an_environment() {
    any_bytes(4).await;
}

async fn any_bytes(concurrency: u32) {
    let hostile = Hostile::new().await;
    hostile.deploy("f", concurrency).await;
    let (mut answers, mut failures) = (0, 0);
    for round in 0..15_u64 {
        let calls = (0..8).map(|at| {
            let (mode, seed) = (if at % 2 == 0 { "random" } else { "scramble" }, round * 8 + at);
            hostile.call("f", mode, seed)
        });
        for done in futures_util::future::join_all(calls).await {
            match done.result {
                // Damage to the body alone, or to what JSON does not mind.
                Ok(_) => answers += 1,
                Err(failure) => {
                    let kind = failure.error.error_type.as_str();
                    assert!(
                        ["Sandbox.Failure", "Sandbox.Timedout", "Runtime.ExitError", "Runtime.EnvironmentEnded"].contains(&kind),
                        "{kind}"
                    );
                    failures += 1;
                }
            }
        }
    }
    assert!(failures > 60, "{failures} failures, {answers} answers");
    hostile.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_asks_for_what_its_function_may_not_have_is_refused() {
    let hostile = Hostile::new().await;
    hostile.deploy("f", 1).await;
    let codes = text(hostile.call("f", "ask refused", 0).await);
    assert_eq!(codes, r#"["invalid", "permission_denied", "permission_denied"]"#);
    assert_eq!(text(hostile.call("f", "good", 0).await), "\"good\"", "it is refused, not ended");
    hostile.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_too_many_costs_the_worker_and_no_other_call() {
    let hostile = Hostile::new().await;
    hostile.deploy("f", 1).await;
    for _ in 0..5 {
        assert_eq!(text(hostile.call("f", "leftovers", 0).await), "\"first\"");
        assert_eq!(text(hostile.call("f", "good", 0).await), "\"good\"", "not the second of another");
    }
    hostile.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn initialisation_believes_as_little() {
    let hostile = Hostile::new().await;
    for name in ["init-logs", "init-random", "init-answer"] {
        hostile.deploy(name, 1).await;
        let kind = kind(name, &hostile.call(name, "good", 0).await);
        assert_eq!(kind, "Sandbox.Failure", "{name}");
    }
    hostile.close().await;
}
