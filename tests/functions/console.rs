//! `plinth functions …`: what an operator does with functions from a terminal, by the real binary against a real server.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Finished, TestApp, eventually};

/// A function that tells which one it is.
fn source(text: &str) -> String {
    format!(
        "export const handler = async (event) => {{ console.log('called'); if (event.fail) throw new TypeError('no'); return ['{text}', event, process.env.WORD ?? null]; }};"
    )
}

/// Runs `plinth functions …`, which must succeed; gives what it printed.
fn done(app: &TestApp, arguments: &[&str]) -> String {
    let Finished { status, stdout, stderr } = run(app, arguments);
    assert!(status.success(), "{arguments:?}: {stderr}");
    stdout
}

/// Runs one that must fail; gives its exit code and what it said.
fn refused(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String) {
    let Finished { status, stdout, stderr } = run(app, arguments);
    assert!(!status.success(), "{arguments:?}: {stdout}");
    (status.code(), stderr)
}

fn run(app: &TestApp, arguments: &[&str]) -> Finished {
    let (url, key) = (app.url(), app.key("service_key").to_owned());
    app.plinth(&[&["functions", "--url", &url, "--key", &key][..], arguments].concat())
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

/// What a call gives.
fn invoke(app: &TestApp, arguments: &[&str]) -> Value {
    json_of(&done(app, &[&["invoke", "f"][..], arguments].concat()))
}

/// Deploys `f` from a file.
fn deploy(app: &TestApp, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.js");
    fs::write(&file, source(text)).unwrap();
    done(app, &["deploy", &file.display().to_string()])
}

#[tokio::test]
async fn functions_are_deployed_listed_and_deleted() {
    let app = TestApp::start().await;
    assert_eq!(done(&app, &["list"]).lines().count(), 1, "the heads alone");
    assert!(deploy(&app, "one").contains("deployed f (") && deploy(&app, "two").contains("as revision 2: http://"));
    app.deploy("g", &source("g"), json!({ "memory_mb": 256 })).await;
    let listed = done(&app, &["list"]);
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_ascii_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "REVISION", "UPDATED", "MEMORY", "TIMEOUT", "URL"]);
    assert_eq!((&rows[1][..2], &rows[2][..2]), (&["f", "2"][..], &["g", "1"][..]), "{listed}");
    assert_eq!(rows[2][3..5], ["256", "MB"]);
    assert_eq!(json_of(&done(&app, &["list", "--json"]))["functions"][1]["memory_mb"], 256);

    let (_, asked) = refused(&app, &["delete", "g"]);
    assert!(asked.contains("--yes"), "{asked}");
    assert_eq!(done(&app, &["delete", "g", "--yes"]), "deleted g\n");
    let (code, gone) = refused(&app, &["delete", "g", "--yes"]);
    assert!(code == Some(1) && gone.contains("there is no function g"), "{gone}");
    assert!(refused(&app, &["get", "no/name"]).1.contains("letters"));
    let wrong_key = app.plinth(&["functions", "--url", &app.url(), "--key", app.key("anon_key"), "list"]);
    assert!(wrong_key.stderr.contains("service key"), "{}", wrong_key.stderr);
}

#[tokio::test]
async fn a_call_prints_its_answer_and_its_exit_code_says_whether_the_function_failed() {
    let app = TestApp::start().await;
    deploy(&app, "one");
    assert_eq!(invoke(&app, &[]), json!(["one", {}, null]));
    assert_eq!(invoke(&app, &["{\"a\":[1]}"]), json!(["one", { "a": [1] }, null]));
    let folder = tempfile::tempdir().unwrap();
    let event = folder.path().join("event.json");
    fs::write(&event, "{\"from\":\"a file\"}").unwrap();
    assert_eq!(invoke(&app, &[&format!("@{}", event.display())])[1]["from"], "a file");
    let (url, key) = (app.url(), app.key("service_key").to_owned());
    let fed = app.plinth_fed(&["functions", "--url", &url, "--key", &key, "invoke", "f", "-"], "{\"from\":\"stdin\"}");
    assert_eq!(json_of(&fed.stdout)[1]["from"], "stdin", "{}", fed.stderr);
    // Nothing is no JSON.
    assert!(refused(&app, &["invoke", "f", "-"]).1.contains("not JSON"));
    assert!(refused(&app, &["invoke", "f", "{a}"]).1.contains("not JSON"));
    assert!(refused(&app, &["invoke", "f", "@/nowhere"]).1.contains("cannot be read"));
    assert!(refused(&app, &["invoke", "f", "--qualifier", "live"]).1.contains("neither a version nor an alias live"));

    let tailed = run(&app, &["invoke", "f", "--tail"]);
    assert!(tailed.status.success() && tailed.stderr.contains("called") && tailed.stderr.contains("REPORT RequestId"));
    assert_eq!(json_of(&tailed.stdout)[0], "one");
    let (code, said) = refused(&app, &["invoke", "f", "{\"fail\":true}"]);
    assert_eq!(code, Some(70));
    assert!(said.contains("TypeError: no") && said.contains("functions logs f --request-id"), "{said}");

    let accepted = done(&app, &["invoke", "f", "{\"later\":1}", "--async"]);
    let id = accepted.trim().strip_prefix("accepted as ").expect("an id").to_owned();
    eventually("the call's log", Duration::from_secs(20), async || {
        done(&app, &["logs", "f", "--request-id", &id]).contains("called").then_some(())
    })
    .await;
}

#[tokio::test]
async fn versions_and_aliases_are_made_and_moved() {
    let app = TestApp::start().await;
    deploy(&app, "one");
    assert_eq!(done(&app, &["versions", "publish", "f", "--description", "the first"]), "f has version 1\n");
    assert_eq!(done(&app, &["versions", "publish", "f"]), "f has version 1\n", "nothing changed");
    deploy(&app, "two");
    assert_eq!(done(&app, &["versions", "publish", "f"]), "f has version 2\n");
    let listed = done(&app, &["versions", "list", "f"]);
    let versions: Vec<&str> = listed.lines().map(|line| line.split_ascii_whitespace().next().unwrap()).collect();
    assert_eq!(versions, ["VERSION", "$LATEST", "1", "2"]);
    assert!(listed.contains("the first"), "{listed}");
    assert_eq!(json_of(&done(&app, &["versions", "list", "f", "--json"]))["versions"][2]["version"], "2");

    assert_eq!(done(&app, &["alias", "set", "f", "live", "1"]), "f:live points at 1\n");
    assert_eq!(invoke(&app, &["--qualifier", "live"])[0], "one");
    assert_eq!(invoke(&app, &["--qualifier", "2"])[0], "two");
    done(&app, &["alias", "set", "f", "live", "1", "--weight", "2=1"]);
    assert_eq!(invoke(&app, &["--qualifier", "live"])[0], "two", "all calls go to the other");
    let aliases = json_of(&done(&app, &["alias", "list", "f", "--json"]));
    assert_eq!((&aliases["aliases"][0]["version"], &aliases["aliases"][0]["weights"]), (&json!("1"), &json!({ "2": 1.0 })));
    done(&app, &["alias", "set", "f", "live", "$LATEST"]);
    deploy(&app, "three");
    assert_eq!(invoke(&app, &["--qualifier", "live"])[0], "three", "what was shared before is forgotten");
    assert!(done(&app, &["alias", "list", "f"]).lines().nth(1).unwrap().starts_with("live   $LATEST"));
    let refusals: [(&[&str], &str); 8] = [
        (&["live", "7"], "neither a version nor an alias 7"),
        (&["live", "x"], "version: must be the number of a version"),
        (&["live", "1", "--weight", "1=0.5"], "weights: 1 is the version that the alias points at"),
        (&["live", "1", "--weight", "2=1.5"], "from 0 to 1"),
        (&["live", "1", "--weight", "half"], "such as 3=0.1"),
        (&["live", "$LATEST", "--weight", "2=0.5"], "only versions share calls"),
        (&["5", "1"], "alias: is the name of a version"),
        (&["a b", "1"], "letters, digits"),
    ];
    for (arguments, words) in refusals {
        let (_, said) = refused(&app, &[&["alias", "set", "f"][..], arguments].concat());
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    done(&app, &["alias", "delete", "f", "live"]);
    assert_eq!(done(&app, &["alias", "list", "f"]).lines().count(), 1);
}

#[tokio::test]
async fn a_function_goes_back_to_earlier_code_and_variables() {
    let app = TestApp::start().await;
    deploy(&app, "one");
    assert!(refused(&app, &["rollback", "f"]).1.contains("no revision before the live one"));
    done(&app, &["env", "set", "f", "WORD=first"]);
    done(&app, &["versions", "publish", "f"]);
    deploy(&app, "two");
    assert_eq!(invoke(&app, &[]), json!(["two", {}, null]));
    assert!(done(&app, &["rollback", "f"]).contains("f is what it was, as revision 5"));
    assert_eq!(invoke(&app, &[]), json!(["one", {}, "first"]));
    done(&app, &["rollback", "f"]);
    assert_eq!(invoke(&app, &[])[0], "two", "the rollback is undone");
    done(&app, &["rollback", "f", "--version", "1"]);
    assert_eq!(invoke(&app, &[]), json!(["one", {}, "first"]));
    done(&app, &["rollback", "f", "--revision", "1"]);
    assert_eq!(invoke(&app, &[]), json!(["one", {}, null]));
    let (_, said) = refused(&app, &["rollback", "f", "--revision", "99"]);
    assert!(said.contains("revision 99") && said.contains("20 are kept"), "{said}");
    let (_, said) = refused(&app, &["rollback", "f", "--version", "9"]);
    assert!(said.contains("neither a version nor an alias 9"), "{said}");
    let live = json_of(&done(&app, &["get", "f"]))["version"].as_str().unwrap().to_owned();
    assert!(refused(&app, &["rollback", "f", "--revision", &live]).1.contains("is the live revision already"));
    let both = json!({ "version": 1, "revision": 1 });
    app.service().post("/admin/v1/functions/f/rollback").json(&both).await.assert_status(400).problem();
}

#[tokio::test]
async fn usage_is_a_table_with_a_row_for_all() {
    let app = TestApp::start().await;
    deploy(&app, "one");
    invoke(&app, &[]);
    refused(&app, &["invoke", "f", "{\"fail\":true}"]);
    for arguments in [&["usage"][..], &["usage", "f", "--version", "$LATEST", "--by", "minute"][..]] {
        let told = done(&app, arguments);
        let rows: Vec<Vec<&str>> = told.lines().skip(1).map(|line| line.split_ascii_whitespace().collect()).collect();
        assert_eq!(
            (&rows[0][..6], &rows[1][..5]),
            (&["f", "$LATEST", "2", "1", "0", "1"][..], &["(all)", "2", "1", "0", "1"][..])
        );
    }
    assert_eq!(json_of(&done(&app, &["usage", "--json"]))["totals"]["errors"], 1);
    assert!(refused(&app, &["usage", "--by", "week"]).1.contains("by: must be minute, hour or day"));
}

#[tokio::test]
async fn variables_are_set_and_removed_and_never_shown() {
    let app = TestApp::start().await;
    deploy(&app, "one");
    let set = done(&app, &["env", "set", "f", "WORD=a=b secret", "OTHER=x"]);
    assert_eq!(set, "f is revision 2 with OTHER, WORD\n");
    assert_eq!(invoke(&app, &[])[2], "a=b secret");
    assert_eq!(done(&app, &["env", "list", "f"]), "OTHER\nWORD\n");
    assert!(!done(&app, &["get", "f"]).contains("secret"));
    assert_eq!(done(&app, &["env", "unset", "f", "WORD", "OTHER"]), "f is revision 3 with no variables\n");
    assert_eq!(invoke(&app, &[]), json!(["one", {}, null]), "the code is the same");
    let url = app.url();
    let arguments = ["functions", "--url", &url, "--key", app.key("service_key"), "env", "set", "f", "WORD"];
    let here = app.plinth_with(&arguments, &[("WORD", "from here".to_owned())]);
    assert!(here.status.success(), "{}", here.stderr);
    assert_eq!(invoke(&app, &[])[2], "from here");
    let long = format!("LONG={}", "x".repeat(5000));
    let refusals: [(&str, &str); 4] = [
        ("NOWHERE", "NOWHERE is not set here"),
        ("1A=x", "env.1A: a name has"),
        ("AWS_REGION=x", "the runtime sets this variable itself"),
        (&long, "4096 are allowed"),
    ];
    for (variable, words) in refusals {
        let (_, said) = refused(&app, &["env", "set", "f", variable]);
        assert!(said.contains(words), "{variable}: {said}");
    }
    app.service()
        .request(reqwest::Method::PATCH, "/admin/v1/functions/f/env")
        .json(&json!({}))
        .await
        .assert_status(400)
        .problem();
    app.anon().request(reqwest::Method::PATCH, "/admin/v1/functions/f/env").json(&json!({})).await.assert_status(403).problem();
}
