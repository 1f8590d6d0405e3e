//! Packages of several files: what is reached, what it means, and what runs.

use plinth::isolate::protocol::{Diagnostic, HandlerStyle, ModuleKind};
use serde_json::json;

use super::driver::{Reply, Settings, Worker, compile_package};

/// Files given as text.
macro_rules! files {
    ($($path:literal: $content:expr),+ $(,)?) => { &[$(($path, AsRef::<[u8]>::as_ref($content))),+] };
}

fn refused(files: &[(&str, &[u8])], handler: Option<&str>) -> Vec<Diagnostic> {
    compile_package(files, handler).expect_err("the package is refused")
}

#[test]
fn es_modules_import_one_another() {
    let mut worker = Worker::of_package(files! {
        "index.mjs": "import { add } from './lib/add.js'; import * as all from './lib/all.mjs';\n\
                      export const handler = async (event) => ({ sum: add(event.a, event.b), names: Object.keys(all), url: import.meta.url });",
        "lib/add.js": "export const add = (a, b) => a + b;",
        "lib/all.mjs": "export * from './add.js'; export const more = 1;",
        "unused.js": "this is not even JavaScript",
    });
    let result = worker.result(r#"{"a":2,"b":3}"#);
    assert_eq!(result, json!({ "sum": 5, "names": ["add", "more"], "url": "file:///var/task/index.mjs" }));
}

#[test]
fn only_what_is_reached_is_in_the_bundle() {
    let code = compile_package(
        files! {
            "index.js": "import './a.js'; export const handler = () => import('./b.js');",
            "a.js": "export {};", "b.js": "export {};", "c.js": "export {};", "README.json": "{",
        },
        None,
    )
    .unwrap();
    assert_eq!(code.files(), ["a.js", "b.js", "index.js"]);
}

#[test]
fn typescript_and_jsx_are_transpiled_wherever_they_are() {
    let mut worker = Worker::of_package(files! {
        "index.ts": "import { twice } from './twice.js'; import { View } from './view';\n\
                     export const handler = async (event: { n: number }): Promise<unknown> => [twice(event.n), View({ n: 1 })];",
        "twice.ts": "export const twice = (n: number): number => n * 2;",
        "view.tsx": "export const View = (props: { n: number }) => <b title='x'>{props.n}</b>;",
        "node_modules/react/package.json": r#"{"exports":{"./jsx-runtime":"./jsx.js"}}"#,
        "node_modules/react/jsx.js": "exports.jsx = (type, props) => ({ type, props });",
    });
    assert_eq!(worker.result(r#"{"n":4}"#), json!([8, { "type": "b", "props": { "title": "x", "children": 1 } }]));
}

#[test]
fn packages_are_found_by_their_exports_main_and_index() {
    let mut worker = Worker::of_package(files! {
        "index.mjs": "import both from 'both'; import sub from 'both/sub'; import old from 'old'; import plain from 'plain';\n\
                      import scoped from '@a/b'; import { own } from '#own';\n\
                      export const handler = async () => [both, sub, old, plain, scoped, own];",
        "package.json": r##"{"type":"module","imports":{"#own":"./own.js"}}"##,
        "own.js": "export const own = 'own';",
        "node_modules/both/package.json": r#"{"exports":{".":{"import":"./esm.mjs","require":"./cjs.cjs"},"./sub":"./deep/sub.mjs"}}"#,
        "node_modules/both/esm.mjs": "export default 'imported';",
        "node_modules/both/cjs.cjs": "module.exports = 'required';",
        "node_modules/both/deep/sub.mjs": "export default 'sub';",
        "node_modules/both/hidden.mjs": "export default 'hidden';",
        "node_modules/old/package.json": r#"{"main":"lib/main"}"#,
        "node_modules/old/lib/main.js": "module.exports = 'main';",
        "node_modules/plain/index.js": "module.exports = require('both');",
        "node_modules/@a/b/index.js": "module.exports = require('./x').x;",
        "node_modules/@a/b/x.json": r#"{"x":"scoped"}"#,
    });
    assert_eq!(worker.result("{}"), json!([["imported", "sub", "main", "required", "scoped", "own"]])[0]);
    let errors = refused(
        files! {
            "index.mjs": "import x from 'both/hidden.mjs'; export const handler = () => x;",
            "node_modules/both/package.json": r#"{"exports":{".":"./esm.mjs"}}"#,
            "node_modules/both/hidden.mjs": "export default 1;",
            "node_modules/both/esm.mjs": "export default 1;",
        },
        None,
    );
    assert!(errors[0].message.contains("both/hidden.mjs"), "{errors:?}");
}

#[test]
fn common_js_requires_as_in_node() {
    let mut worker = Worker::of_package(files! {
        "index.js": "const a = require('./a'); const data = require('./data.json');\n\
            exports.handler = async () => ({\n\
              a: a.name, loop: require('./b').seen, same: require('./a') === a, data: data.x, file: __filename, dir: __dirname,\n\
              main: require.main === module, id: module.id, resolved: require.resolve('./a'), cached: Object.keys(require.cache).length,\n\
              json: 1, esm: require('./esm.mjs').default, thrown: (() => { try { require('./' + 'none') } catch (e) { return e.code } })(),\n\
              computed: require('./comp' + 'uted').x, children: module.children.length > 1, parent: a.parent });",
        "a.js": "exports.name = 'a'; const b = require('./b'); exports.parent = module.parent.id;",
        "b.js": "const a = require('./a'); exports.seen = a.name;",
        "computed.js": "exports.x = 'computed';",
        "esm.mjs": "export default 'from an ES module';",
        "data.json": "\u{feff}{\"x\":1}".trim_start_matches('\u{feff}'),
    });
    assert_eq!(
        worker.result("{}"),
        json!({
            "a": "a", "loop": "a", "same": true, "data": 1, "file": "/var/task/index.js", "dir": "/var/task", "main": true, "id": ".",
            "resolved": "/var/task/a.js", "cached": 4, "json": 1, "esm": "from an ES module", "thrown": "MODULE_NOT_FOUND",
            "computed": "computed", "children": true, "parent": ".",
        })
    );
}

#[test]
fn es_modules_import_names_from_common_js() {
    let mut worker = Worker::of_package(files! {
        "index.mjs": "import lib, { one, two, three, four, five } from './lib.cjs'; import { Client } from 'compiled';\n\
                      import * as star from './lib.cjs';\n\
                      export const handler = async () => [one, two, three, four, five, lib.one, Client.name, Object.keys(star).sort()];",
        "lib.cjs": "exports.one = 1; module.exports.two = 2; Object.defineProperty(exports, 'three', { get: () => 3 });\n\
                    __exportStar(require('./more.cjs'), exports);\n\
                    function __exportStar(from, to) { for (const key in from) to[key] = from[key] }",
        "more.cjs": "module.exports = { four: 4, ...require('./five.cjs') };",
        "five.cjs": "exports.five = 5;",
        "node_modules/compiled/package.json": r#"{"main":"out.js"}"#,
        "node_modules/compiled/out.js": "var out = { Client: class Client {} }; module.exports = out;\n0 && (module.exports = { Client });",
    });
    let names = ["default", "five", "four", "one", "three", "two"];
    assert_eq!(worker.result("{}"), json!([1, 2, 3, 4, 5, 1, "Client", names]));
}

#[test]
fn json_and_webassembly_are_imported() {
    // (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
    let wasm: &[u8] = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";
    let mut worker = Worker::of_package(files! {
        "index.mjs": "import data from './data.json' with { type: 'json' }; import same from './data.json'; import { add } from './add.wasm';\n\
                      export const handler = async () => [data.x, same.x, add(2, 3)];",
        "data.json": r#"{"x":7}"#,
        "add.wasm": wasm,
    });
    assert_eq!(worker.result("{}"), json!([7, 7, 5]));
    let errors = refused(
        files! { "index.mjs": "import './a.json'; import './b.wasm'; export const handler = 1;", "a.json": "{", "b.wasm": "x" },
        None,
    );
    assert_eq!(errors.len(), 2, "{errors:?}");
}

#[test]
fn the_handler_names_its_file() {
    let sources = files! {
        "src/app/main.ts": "export namespace api {}\nexport const nested = { run: async () => 'nested' };",
        "index.mjs": "export const handler = () => 'index';",
    };
    let code = compile_package(sources, Some("src/app/main.nested.run")).unwrap();
    assert_eq!(code.files(), ["src/app/main.ts"]);
    let settings = Settings { handler: Some("src/app/main.nested.run"), ..Settings::default() };
    let mut worker = Worker::spare().assign(&settings, code).ok().unwrap();
    assert_eq!(worker.result("{}"), json!("nested"));

    let missing = refused(sources, Some("src/other.handler"));
    assert!(missing[0].message.contains("src/other.js"), "{missing:?}");
    let malformed = refused(sources, Some("../index.handler"));
    assert!(malformed[0].message.contains("file.export"), "{malformed:?}");
    let nested = refused(files! { "app/index.js": "export const handler = 1;", "app/b.js": "export {};" }, None);
    assert!(nested[0].message.contains("zip its contents"), "{nested:?}");
}

#[test]
fn the_entry_is_what_package_json_calls_main() {
    let code = compile_package(
        files! { "package.json": r#"{"main":"./dist/server"}"#, "dist/server.js": "exports.handler = () => 1;", "index.js": "" },
        None,
    )
    .unwrap();
    assert_eq!((code.style(), code.bundle.modules[0].file.as_str()), (HandlerStyle::CommonJs, "dist/server.js"));
    assert_eq!(code.bundle.modules[0].kind, ModuleKind::CommonJs);
}

#[test]
fn what_is_absent_is_told_by_name_and_place() {
    let errors = refused(
        files! {
            "index.mjs": "import './lib.mjs';\nexport const handler = () => 1;",
            "lib.mjs": "import fs from 'fs';\nimport { x } from 'not-there';\n  import y from './gone.js';\nimport z from 'npm:zod';",
        },
        None,
    );
    let told: Vec<_> = errors.iter().map(|error| (error.file.as_str(), error.line, error.column)).collect();
    assert_eq!(
        told,
        [
            ("lib.mjs", Some(1), Some(16)),
            ("lib.mjs", Some(2), Some(19)),
            ("lib.mjs", Some(3), Some(17)),
            ("lib.mjs", Some(4), Some(15))
        ]
    );
    for (error, name) in errors.iter().zip(["node:fs", "not-there", "./gone.js", "npm:zod"]) {
        assert!(error.message.contains(name), "{error:?}");
    }
}

#[test]
fn a_guarded_require_may_fail() {
    let mut worker = Worker::of_package(files! {
        "index.js": "let fast = 'slow'; try { fast = require('fast-native') } catch (error) { fast = error.code }\n\
                     let fs; try { fs = require('fs') } catch {}\n\
                     exports.handler = async () => [fast, fs === undefined];",
        "x.js": "",
    });
    assert_eq!(worker.result("{}"), json!(["MODULE_NOT_FOUND", true]));
}

#[test]
fn traces_name_files_lines_and_columns_of_the_source() {
    let mut worker = Worker::of_package(files! {
        "index.ts": "import { fail } from './lib/fail';\ninterface Unused { a: number }\nexport const handler = async () => fail('x');",
        "lib/fail.ts": "type Why = string;\n\n\nexport function fail(why: Why): never {\n  throw new TypeError(why);\n}",
    });
    let (error, _) = worker.failure("{}");
    assert_eq!(error.error_type, "TypeError");
    assert!(error.trace.iter().any(|line| line.contains("lib/fail.ts:5:")), "{:?}", error.trace);
    assert!(error.trace.iter().any(|line| line.contains("index.ts:3:")), "{:?}", error.trace);
}

#[test]
fn a_bundlers_source_map_is_used() {
    // Line 1, column 15 of the output is line 7, column 3 of src/original.ts.
    let map = r#"{"version":3,"sources":["src/original.ts"],"names":[],"mappings":"AAME,eAAe"}"#;
    let mut worker = Worker::of_package(files! {
        "index.js": "exports.handler = async () => { throw new Error('mapped') };\n//# sourceMappingURL=index.js.map",
        "index.js.map": map,
    });
    let (error, _) = worker.failure("{}");
    assert!(error.trace.iter().any(|line| line.contains("original.ts:7:")), "{:?}", error.trace);
}

#[test]
fn long_code_comes_with_v8s_cache_and_runs_with_it() {
    let body: String = (0..400).map(|n| format!("export function f{n}(x) {{ return x + {n}; }}\n")).collect();
    let library = body.clone() + "export const all = [f1, f399];";
    let common: String = (0..400).map(|n| format!("exports.g{n} = function (x) {{ return x * {n}; }};\n")).collect();
    let sources: &[(&str, &[u8])] = &[
        ("index.mjs", b"import { all } from './lib.mjs'; import { g7 } from './lib.cjs';\nexport const handler = async (n) => [all.map((f) => f(n)), g7(n)];"),
        ("lib.mjs", library.as_bytes()),
        ("lib.cjs", common.as_bytes()),
    ];
    let code = compile_package(sources, None).unwrap();
    for file in ["lib.mjs", "lib.cjs"] {
        assert!(code.module(file).3.len() > 1000, "{file} has a cache");
    }
    assert!(code.module("index.mjs").3.is_empty(), "short code is compiled sooner than its cache is read");
    let mut worker = Worker::spare().assign(&Settings::default(), code).ok().unwrap();
    assert_eq!(worker.result("1"), json!([[2, 400], 7]));
}

#[test]
fn a_cache_that_v8_refuses_is_passed_over() {
    let common: String = (0..400).map(|n| format!("exports.g{n} = function (x) {{ return x * {n}; }};\n")).collect();
    let mut code =
        compile_package(&[("index.cjs", (common + "exports.handler = async (n) => exports.g7(n);").as_bytes())], None).unwrap();
    let cache = code.module("index.cjs").3.len();
    let at = code.body.len() - cache;
    code.body[at..at + 16].fill(0);
    let mut worker = Worker::spare().assign(&Settings::default(), code).ok().unwrap();
    assert_eq!(worker.result("2"), json!(14));
}

#[test]
fn a_module_that_throws_ends_initialisation_with_its_place() {
    let code = compile_package(
        files! { "index.js": "require('./a'); exports.handler = 1;", "a.js": "\nthrow new RangeError('no');" },
        None,
    );
    let refused = Worker::spare().assign(&Settings::default(), code.unwrap()).err().unwrap();
    assert_eq!((refused.error.error_type.as_str(), refused.error.message.as_str()), ("RangeError", "no"));
    assert!(refused.error.trace.iter().any(|line| line.contains("a.js:2:")), "{:?}", refused.error.trace);
}

#[test]
fn a_missing_dynamic_import_rejects() {
    let mut worker = Worker::of_package(files! {
        "index.mjs": "export const handler = async (name) => import(name).then((m) => m.x, (error) => error.message);",
        "lib.js": "export const x = 'found';",
    });
    assert_eq!(worker.result(r#""./lib.js""#), json!("found"));
    let missing = worker.result(r#""./gone.js""#);
    assert!(missing.as_str().unwrap().contains("cannot find module \"./gone.js\""), "{missing}");
    assert!(matches!(worker.event(r#""../../etc/passwd""#), Reply::Answer { .. }));
}
