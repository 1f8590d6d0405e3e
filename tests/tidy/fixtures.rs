//! Shows on a few lines of text each that every rule of tidy fires, and lets through what is right.

use super::assert_none;
use super::rules::{self, SourceFile};

fn source(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[track_caller]
fn assert_complaint(complaints: &[String], part: &str) {
    assert!(complaints.iter().any(|complaint| complaint.contains(part)), "no complaint has {part:?}: {complaints:?}");
}

#[test]
fn a_forbidden_import_is_seen_however_it_is_spelled() {
    let forbidden = [
        ("src/db/query.rs", "use crate::auth::AuthService;"),
        ("src/db/query.rs", "use crate::{\n    config, // fine\n    auth::{self, keys},\n};"),
        ("src/db/query.rs", "fn f() { crate::auth::keys::show(); }"),
        ("src/db/query.rs", "use super::super::auth;"),
        ("src/types/ids.rs", "use crate::config::Config;"),
        ("src/front/site.rs", "pub(crate) use crate::db::Db as _;"),
        ("src/functions/service.rs", "use crate::isolate::runtime;"),
        ("src/functions/service.rs", "use crate::isolate;\nfn f() { isolate::runtime::run(); }"),
        ("src/server/app.rs", "use crate::isolate::protocol;"),
        ("src/novel/mod.rs", "use crate::types::Clock;"),
    ];
    for (path, text) in forbidden {
        assert_complaint(&rules::imports(&[source(path, text)]), path);
    }
}

#[test]
fn a_test_that_sleeps_is_seen() {
    let asleep = "async fn f() { tokio::time::sleep(Duration::from_millis(1)).await; }";
    assert_complaint(&rules::sleeps(&[source("tests/auth/a.rs", asleep)]), "tests/auth/a.rs");
    assert_complaint(&rules::sleeps(&[source("tests/auth/a.rs", "use std::thread::sleep;")]), "tests/auth/a.rs");
    let awake = "// sleep(1)\nconst SLEEPS: &str = \"sleep(1)\"; fn sleepy() {}";
    assert_none(&rules::sleeps(&[source("tests/support/wait.rs", asleep), source("tests/auth/a.rs", awake)]));
}

#[test]
fn an_allowed_import_is_let_through() {
    let allowed = [
        ("src/db/query.rs", "use crate::config;\nuse crate::types::{Clock, Timestamp};\nuse super::value::Value;"),
        ("src/db/query.rs", "// crate::auth is not ours\nconst TEXT: &str = \"crate::auth\";"),
        ("src/auth/api/mod.rs", "use super::error::Error;\nuse crate::auth::error::Error;"),
        ("src/functions/service.rs", "use crate::isolate::protocol::{Invoke, ToWorker};"),
        ("src/openapi/mod.rs", "use crate::{auth, functions};\nfn f() { (auth::api::Doc, functions::api::Doc); }"),
        ("src/cli/serve.rs", "use crate::isolate::{self, worker};"),
    ];
    for (path, text) in allowed {
        assert_none(&rules::imports(&[source(path, text)]));
    }
}

#[test]
fn a_table_with_a_cycle_is_seen() {
    assert_complaint(&rules::table_faults(&[("a", &["b"]), ("b", &["a"])]), "cycle");
    assert_complaint(&rules::table_faults(&[("a", &["c"])]), "unknown");
}

#[test]
fn each_stray_is_seen_and_its_home_is_let_be() {
    let strays = [
        ("src/auth/service.rs", "src/auth/api/signup.rs", "use actix_web::web;"),
        ("src/auth/service.rs", "src/db/sqlite.rs", "let pool: sqlx::SqlitePool;"),
        ("src/auth/service.rs", "src/auth/queries/users.rs", "let sql = \"SELECT id\n FROM auth.users\";"),
        ("src/auth/service.rs", "src/auth/queries/users.rs", "let sql = r#\"update auth.users set x = 1\"#;"),
        ("src/functions/pool.rs", "src/isolate/runtime.rs", "use deno_core::JsRuntime;"),
        ("src/functions/pool.rs", "src/isolate/runtime.rs", "let isolate: &v8::Isolate;"),
        ("src/functions/pool.rs", "src/sys/memfd.rs", "let x = unsafe { f() };"),
        ("src/functions/pool.rs", "src/config/load.rs", "use std::env;"),
        ("src/functions/pool.rs", "src/tasks.rs", "tokio::spawn(async {});"),
    ];
    for (elsewhere, home, text) in strays {
        assert_complaint(&rules::strays(&[source(elsewhere, text)]), elsewhere);
        assert_none(&rules::strays(&[source(home, text)]));
    }
    let harmless =
        "// unsafe, sqlx\n#![expect(unsafe_code)]\nlet m = \"update the settings, or select another\"; let e = env!(\"X\");";
    assert_none(&rules::strays(&[source("src/auth/service.rs", harmless)]));
}

#[test]
fn an_undocumented_file_and_one_too_long_are_seen() {
    assert_complaint(&rules::undocumented(&[source("src/a.rs", "use x;\n//! late")]), "src/a.rs");
    assert_complaint(&rules::sizes(&[source("src/a.rs", &"\n".repeat(501))]), "500");
    assert_complaint(&rules::sizes(&[source("src/a/mod.rs", &"\n".repeat(121))]), "120");
    assert_none(&rules::sizes(&[source("src/a.rs", &"\n".repeat(500)), source("src/a/mod.rs", &"\n".repeat(120))]));
}

#[test]
fn a_crowded_folder_is_seen() {
    let mut crowd: Vec<_> = (0..14).map(|n| source(&format!("src/a/f{n}.rs"), "")).collect();
    assert_none(&rules::crowded(&crowd));
    crowd.push(source("src/a/folder/one.rs", ""));
    crowd.push(source("src/a/folder/two.rs", ""));
    assert_complaint(&rules::crowded(&crowd), "src/a has 15");
}

#[test]
fn migrations_that_differ_are_seen() {
    let differing = [source("migrations/sqlite/0001_auth.sql", ""), source("migrations/postgres/0001_users.sql", "")];
    assert_complaint(&rules::migrations(&differing), "0001_auth.sql");
    let gap = [source("migrations/sqlite/0002_auth.sql", ""), source("migrations/postgres/0002_auth.sql", "")];
    assert_complaint(&rules::migrations(&gap), "0001");
}

#[test]
fn leftovers_are_seen() {
    let (mark, ignored, path) = (concat!("TO", "DO"), concat!("#[ign", "ore]"), concat!("/ro", "ot/x"));
    assert_complaint(&rules::leftovers(&[source("src/a.rs", &format!("// {mark}: later"))]), "src/a.rs:1");
    assert_complaint(&rules::leftovers(&[source("tests/a.rs", &format!("\n{ignored}"))]), "tests/a.rs:2");
    assert_complaint(&rules::leftovers(&[source("README.md", &format!("cd {path}"))]), "README.md:1");
}
