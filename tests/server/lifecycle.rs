//! Starts that fail, with one clear line and an exit code; stops that lose nothing.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Finished, Options, TestApp, eventually, on_postgres, run_plinth};

/// `plinth serve` on this folder, which is expected to end by itself.
fn serve(folder: &Path, data: &Path, listen: &str, variables: &[(&str, String)]) -> Finished {
    run_plinth(folder, &["serve", "--data", data.to_str().unwrap(), "--listen", listen], variables)
}

/// A request that goes on while the test does something else.
#[expect(clippy::disallowed_methods, reason = "a test waits for it itself")]
fn started<F>(request: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    tokio::spawn(request)
}

/// The refusal is one line for a person, and this exit code.
#[track_caller]
fn assert_refused(finished: &Finished, code: i32, says: &str) {
    let lines: Vec<_> = finished.stderr.lines().filter(|line| line.starts_with("plinth: ")).collect();
    assert_eq!(finished.status.code(), Some(code), "{}", finished.stderr);
    assert_eq!(lines.len(), 1, "one line: {}", finished.stderr);
    assert!(lines[0].contains(says), "{} does not say {says:?}", lines[0]);
}

#[test]
fn a_taken_port_is_one_line_and_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let finished = serve(folder.path(), &folder.path().join("data"), &address, &[]);
    assert_refused(&finished, 69, &format!("cannot listen on {address}"));
    assert!(!folder.path().join("data").exists(), "nothing was made before the port was known to be free");
}

#[test]
fn a_data_folder_that_cannot_be_written_is_one_line_and_73() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let finished = serve(folder.path(), &file.join("data"), "127.0.0.1:0", &[]);
    assert_refused(&finished, 73, "data folder");
}

#[test]
fn a_read_only_data_folder_is_one_line_and_73() {
    if rustix::process::geteuid().is_root() {
        // Root may write where the mode says otherwise; a folder of the kernel's, which nobody may write, stands in.
        let folder = tempfile::tempdir().unwrap();
        let finished = serve(folder.path(), Path::new("/proc/self/fdinfo"), "127.0.0.1:0", &[]);
        assert_refused(&finished, 73, "/proc/self/fdinfo");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o500)).unwrap();
    assert_refused(&serve(folder.path(), &data, "127.0.0.1:0", &[]), 73, "data");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_data_folder_is_one_line_and_75() {
    if on_postgres() {
        return; // several nodes on one database may share a folder of blobs
    }
    let app = TestApp::start().await;
    let finished = serve(app.data().parent().unwrap(), &app.data(), "127.0.0.1:0", &[]);
    assert_refused(&finished, 75, "in use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_from_a_newer_version_are_one_line_and_65() {
    if on_postgres() {
        return; // tests/db holds the same for PostgreSQL, at the migration runner
    }
    let mut app = TestApp::start().await;
    app.kill9();
    let statement = "insert into \"plinth.migrations\" (number, name, checksum, applied_at) values (9999, 'later', 'x', '2030-01-01T00:00:00.000000Z')";
    let status = std::process::Command::new("python3")
        .args(["-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"])
        .args([app.data().join("app.db").as_os_str(), statement.as_ref()])
        .status()
        .unwrap();
    assert!(status.success());
    let finished = serve(app.data().parent().unwrap(), &app.data(), "127.0.0.1:0", &[]);
    assert_refused(&finished, 65, "newer version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_master_key_is_one_line_and_65() {
    let key = |byte: &str| byte.repeat(32);
    let mut app = TestApp::start_as(Options { variables: vec![("PLINTH_MASTER_KEY", key("a1"))], ..Options::default() }).await;
    app.server_mut().signal(Signal::TERM);
    app.server_mut().ended(Duration::from_secs(30)).await;
    let finished = app.plinth_with(&["serve", "--listen", "127.0.0.1:0"], &[("PLINTH_MASTER_KEY", key("b2"))]);
    assert_refused(&finished, 65, "master key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_stop_lets_a_call_finish_and_exits_with_0() {
    let mut app = TestApp::start().await;
    let source = "export const handler = async () => { console.log('begun'); await new Promise((done) => setTimeout(done, 1500)); return 'finished' }";
    app.deploy("slow", source, json!({ "timeout_s": 10 })).await;
    app.invoke("slow", &json!({})).await.assert_status(200);
    let (anon, service) = (app.anon(), app.service());
    let call = started(async move { anon.post("/functions/v1/slow").json(&json!({})).await });
    eventually("the second call's beginning", Duration::from_secs(10), async || {
        let logs = service.get("/admin/v1/functions/slow/logs").await.text();
        (logs.matches("begun").count() == 2).then_some(())
    })
    .await;
    app.server_mut().signal(Signal::TERM);
    let answer = call.await.unwrap();
    assert_eq!(answer.assert_status(200).text(), "finished");
    let status = app.server_mut().ended(Duration::from_secs(30)).await;
    assert_eq!(status.code(), Some(0), "{}", app.server().log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_stops_at_once() {
    let mut app = TestApp::start().await;
    let source = "export const handler = () => new Promise((done) => setTimeout(done, 60000))";
    app.deploy("hang", source, json!({ "timeout_s": 100 })).await;
    let anon = app.anon();
    let call = started(async move { anon.post("/functions/v1/hang").json(&json!({})).try_send().await });
    let service = app.service();
    eventually("the call's beginning", Duration::from_secs(10), async || {
        let logs = service.get("/admin/v1/functions/hang/logs").await.text();
        logs.contains("START").then_some(())
    })
    .await;
    app.server_mut().signal(Signal::TERM);
    eventually("the stop's being under way", Duration::from_secs(10), async || {
        app.server().log().contains("another signal ends them at once").then_some(())
    })
    .await;
    app.server_mut().signal(Signal::TERM);
    app.server_mut().ended(Duration::from_secs(10)).await;
    call.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_sigkill() {
    let mut app = TestApp::start().await;
    app.sign_up("ada@example.com").await;
    app.deploy("kept", "export const handler = async () => 'still here'", json!({})).await;
    app.restart().await;
    let ada = app.sign_in("ada@example.com", crate::support::PASSWORD).await;
    ada.get("/auth/v1/user").await.assert_status(200);
    assert_eq!(app.invoke("kept", &json!({})).await.assert_status(200).text(), "still here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_the_same_before_and_while_the_server_runs() {
    if on_postgres() {
        return; // each server of the suite has a database of its own, made with the server
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["keys", "--data", data.to_str().unwrap(), "--json"];
    let before = run_plinth(folder.path(), &arguments, &[]);
    assert!(before.status.success(), "{}", before.stderr);
    let again = run_plinth(folder.path(), &arguments, &[]);
    assert_eq!(before.stdout, again.stdout);
    let mode = std::fs::metadata(data.join("master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the master key is its owner's alone");
}
