//! Client libraries that exist already, as they come from their registries.
//!
//! `scripts/setup.py` installs them and says where: `PLINTH_TEST_NODE_MODULES` and `PLINTH_TEST_PYTHON`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::storage::with_buckets;
use crate::support::{TestApp, environment, zipped};

fn here(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "sdk", file].iter().collect()
}

/// A variable that `scripts/run_tests.py` sets.
fn installed(name: &str) -> String {
    environment(name)
        .unwrap_or_else(|| panic!("{name} is not set: run `python3 scripts/run_tests.py`, which installs and sets it"))
}

async fn with_samples() -> TestApp {
    let app = TestApp::start().await;
    for name in ["hello", "whoami", "digest"] {
        let source = std::fs::read_to_string(here("../../functions").join(name).join("index.ts")).unwrap();
        app.deploy_typescript(name, &source, json!({})).await;
    }
    app
}

#[track_caller]
fn assert_succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}:\n{out}{err}", output.status);
}

#[tokio::test]
async fn supabase_js_signs_up_signs_in_refreshes_signs_out_and_invokes() {
    let node_modules = installed("PLINTH_TEST_NODE_MODULES");
    let app = with_samples().await;
    let mut script = Command::new("node");
    script.arg(here("supabase.cjs")).args([&app.url(), app.key("anon_key"), app.key("service_key")]);
    assert_succeeds(script.env("NODE_PATH", node_modules));
}

#[tokio::test]
async fn supabase_py_signs_up_signs_in_refreshes_signs_out_and_invokes() {
    let python = installed("PLINTH_TEST_PYTHON");
    let app = with_samples().await;
    let mut script = Command::new(python);
    assert_succeeds(script.arg(here("supabase_client.py")).args([&app.url(), app.key("anon_key")]));
}

/// A server with the tables, rights and functions of `examples/team-tasks`.
async fn with_team_tasks() -> TestApp {
    let app = TestApp::start().await;
    let applied = app.plinth(&["migrate", "up", "--dir", here("../../examples/team-tasks/migrations").to_str().unwrap()]);
    assert!(applied.status.success(), "{}", applied.stderr);
    app
}

#[tokio::test]
async fn supabase_js_drives_the_data_api() {
    let node_modules = installed("PLINTH_TEST_NODE_MODULES");
    let app = with_team_tasks().await;
    let mut script = Command::new("node");
    script.arg(here("data.cjs")).args([&app.url(), app.key("anon_key"), app.key("service_key")]);
    assert_succeeds(script.env("NODE_PATH", node_modules));
}

#[tokio::test]
async fn supabase_py_drives_the_data_api() {
    let python = installed("PLINTH_TEST_PYTHON");
    let app = with_team_tasks().await;
    let mut script = Command::new(python);
    assert_succeeds(script.arg(here("data_client.py")).args([&app.url(), app.key("anon_key"), app.key("service_key")]));
}

#[tokio::test]
async fn boto3_drives_the_lambda_api() {
    let python = installed("PLINTH_TEST_PYTHON");
    let app = TestApp::start().await;
    let mut script = Command::new(python);
    let keys = [app.key("access_key_id"), app.key("secret_access_key")];
    assert_succeeds(script.arg(here("lambda_client.py")).arg(app.url()).args(keys));
}

#[tokio::test]
async fn the_aws_sdk_for_javascript_drives_the_lambda_api() {
    let node_modules = installed("PLINTH_TEST_NODE_MODULES");
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("code.zip");
    let source = "export const handler = async (event, context) => ({ event, version: context.functionVersion });";
    std::fs::write(&zip, zipped("index.mjs", source)).unwrap();
    let mut script = Command::new("node");
    let keys = [app.key("access_key_id"), app.key("secret_access_key")];
    script.arg(here("lambda.cjs")).arg(app.url()).args(keys).arg(zip);
    assert_succeeds(script.env("NODE_PATH", node_modules));
}

#[tokio::test]
async fn supabase_js_drives_storage() {
    let node_modules = installed("PLINTH_TEST_NODE_MODULES");
    let app = with_buckets("").await;
    let mut script = Command::new("node");
    script.arg(here("storage.cjs")).args([&app.url(), app.key("anon_key"), app.key("service_key")]);
    assert_succeeds(script.env("NODE_PATH", node_modules));
}

#[tokio::test]
async fn supabase_py_drives_storage() {
    let python = installed("PLINTH_TEST_PYTHON");
    let app = with_buckets("").await;
    let mut script = Command::new(python);
    assert_succeeds(script.arg(here("storage_client.py")).args([&app.url(), app.key("anon_key"), app.key("service_key")]));
}

/// The arguments of a script that drives an API of AWS: the server's address and its access key.
fn aws_arguments(app: &TestApp) -> [String; 3] {
    [app.url(), app.key("access_key_id").to_owned(), app.key("secret_access_key").to_owned()]
}

#[tokio::test]
async fn boto3_drives_storage_by_s3() {
    let python = installed("PLINTH_TEST_PYTHON");
    let app = with_buckets("").await;
    let mut script = Command::new(python);
    assert_succeeds(script.arg(here("s3/client.py")).args(aws_arguments(&app)).arg(app.key("anon_key")));
}

#[tokio::test]
async fn the_aws_sdk_for_javascript_drives_storage_by_s3() {
    let node_modules = installed("PLINTH_TEST_NODE_MODULES");
    let app = TestApp::start().await;
    let mut script = Command::new("node");
    script.arg(here("s3/client.cjs")).args(aws_arguments(&app));
    assert_succeeds(script.env("NODE_PATH", node_modules));
}

#[tokio::test]
async fn the_aws_command_line_syncs_a_folder_up_and_down() {
    let python = installed("PLINTH_TEST_PYTHON");
    let (app, folder) = (TestApp::start().await, tempfile::tempdir().unwrap());
    let mut script = Command::new(python);
    assert_succeeds(script.arg(here("s3/sync.py")).args(aws_arguments(&app)).arg(folder.path()));
}
#[tokio::test]
async fn tus_js_client_drives_resumable_uploads() {
    let node_modules = installed("PLINTH_TEST_NODE_MODULES");
    let app = with_buckets("").await;
    let mut script = Command::new("node");
    script.arg(here("tus.cjs")).args([&app.url(), app.key("anon_key")]);
    assert_succeeds(script.env("NODE_PATH", node_modules));
}

#[tokio::test]
async fn boto3_drives_queues() {
    let python = installed("PLINTH_TEST_PYTHON");
    let app = TestApp::start().await;
    let mut script = Command::new(python);
    assert_succeeds(script.arg(here("sqs/client.py")).args(aws_arguments(&app)));
}

#[tokio::test]
async fn the_aws_sdk_for_javascript_drives_queues() {
    let node_modules = installed("PLINTH_TEST_NODE_MODULES");
    let app = TestApp::start().await;
    let mut script = Command::new("node");
    script.arg(here("sqs/client.cjs")).args(aws_arguments(&app));
    assert_succeeds(script.env("NODE_PATH", node_modules));
}
