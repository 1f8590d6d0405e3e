//! Node's modules inside a function, each compared with Node's own: one table of expressions, evaluated by both.

mod work;

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::driver::Worker;

const SHOW: &str = include_str!("show.js");

/// A test for each table; `m` in its expressions is the module of that name.
macro_rules! tables {
    ($($test:ident: $module:literal;)*) => {
        $(#[test]
        fn $test() {
            compare($module, include_str!(concat!("cases/", stringify!($test), ".txt")));
        })*
    };
}

tables! {
    assert: "assert";
    async_hooks: "async_hooks";
    buffer: "buffer";
    crypto: "crypto";
    diagnostics_channel: "diagnostics_channel";
    events: "events";
    misc: "util";
    os: "os";
    path: "path";
    process: "process";
    punycode: "punycode";
    querystring: "querystring";
    stream: "stream";
    string_decoder: "string_decoder";
    timers: "timers";
    url: "url";
    util: "util";
}

fn compare(module: &str, table: &str) {
    let functions: Vec<_> = table.lines().map(|code| format!("(m, Buffer) => ({code})")).collect();
    let script = format!("const MODULE = {};\n{SHOW}\nconst cases = [{}];\n", json!(module), functions.join(",\n"));
    let ours = Worker::of(&format!("{script}export const handler = () => evaluate(cases);")).result("{}");
    let nodes = node(&format!("{script}evaluate(cases).then((shown) => console.log(JSON.stringify(shown)));"));
    let (Value::Array(ours), Value::Array(nodes)) = (ours, nodes) else { panic!("each gives a list") };
    assert_eq!((ours.len(), nodes.len()), (functions.len(), functions.len()));
    let lines = table.lines().zip(ours.iter().zip(&nodes));
    let different: Vec<_> = lines.filter(|(_, (ours, nodes))| ours != nodes).collect();
    assert!(different.is_empty(), "(expression, (here, in Node)): {different:#?}");
}

/// Runs a script in Node, as a module, and parses what it printed.
fn node(script: &str) -> Value {
    let mut command = Command::new("node");
    command.args(["--no-warnings", "--input-type=module", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("node is installed: scripts/setup.py sees to it");
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("node said {output:?}: {error}"))
}

#[test]
fn every_builtin_is_there_and_gives_its_names() {
    let names = plinth::isolate::modules::builtins::BUILTINS;
    let source = format!(
        "export const handler = async () => {}.map((name) => [process.getBuiltinModule(name), process.getBuiltinModule(name.startsWith('node:') ? name.slice(5) : name)])
            .map(([whole, bare]) => whole !== undefined && whole === bare && Object.keys(whole).length > 0)",
        json!(names)
    );
    assert_eq!(Worker::of(&source).result("{}"), json!(vec![true; names.len()]));
    assert_eq!(plinth::isolate::modules::builtins::is_builtin("fs"), None);
    assert_eq!(plinth::isolate::modules::builtins::is_builtin("path"), Some("node:path"));
}

#[test]
fn listeners_of_the_process_hear_of_what_nobody_handled() {
    let source = "export const handler = () => new Promise((resolve) => {
        const heard = [];
        const take = (kind) => (error) => { heard.push([kind, error.message]); if (heard.length === 2) resolve(heard) };
        process.on('unhandledRejection', take('rejection'));
        process.on('uncaughtException', take('exception'));
        Promise.reject(new Error('a'));
        setTimeout(() => { throw new Error('b') }, 1);
    })";
    assert_eq!(Worker::of(source).result("{}"), json!([["rejection", "a"], ["exception", "b"]]));
}

#[test]
fn warnings_and_output_go_to_the_log() {
    let source = "export const handler = () => {
        process.stdout.write('out'); process.stderr.write(Buffer.from('err'));
        process.emitWarning('old', 'DeprecationWarning', 'DEP1');
        process.getBuiltinModule('util').debuglog('hidden')('x');
    }";
    let mut worker = Worker::of(source);
    worker.result("{}");
    let texts: Vec<_> = worker.log_lines().iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, ["out", "err", "[DEP1] DeprecationWarning: old"]);
}
