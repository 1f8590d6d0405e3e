//! The web platform inside a function.

use serde_json::json;

use super::driver::Worker;

/// Runs an expression in a handler and gives its value.
fn value(expression: &str) -> serde_json::Value {
    Worker::of(&format!("export const handler = async () => ({expression})")).result("{}")
}

/// `name = expression that is true`, one a line, for every interface and global of WinterTC's minimum common API.
const CASES: &str = include_str!("platform_cases.txt");

/// A module that exports `add(i32, i32)`, and the headers of one that is fetched.
const WASM: &str = "const ADD = new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]);
    const WASM = { headers: { 'content-type': 'application/wasm' } };";

fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    CASES.lines().map(|line| line.split_once(" = ").expect("a name, an equals sign and an expression"))
}

#[test]
fn every_interface_and_global_of_the_minimum_common_api_works() {
    let functions: Vec<_> = cases().map(|(name, code)| format!("[{}, async () => {code}]", json!(name))).collect();
    let source = format!(
        "{WASM} const cases = [{}]; export const handler = async () => {{
            const wrong = [];
            for (const [name, run] of cases) {{
                const result = await run().catch((error) => `${{error}}`);
                if (result !== true) wrong.push([name, String(result)]);
            }}
            return wrong;
        }}",
        functions.join(",\n")
    );
    assert_eq!(Worker::of(&source).result("{}"), json!([]));
}

#[test]
fn the_table_of_the_documentation_is_that_of_the_cases() {
    let documentation = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md")).unwrap();
    let (_, table) = documentation.split_once("### Globals of the web\n").expect("docs/functions.md has that heading");
    let (table, _) = table.split_once("\n### ").expect("another heading follows");
    let mut documented: Vec<_> =
        table.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    documented.sort_unstable();
    let mut tested: Vec<_> = cases().map(|(name, _)| name).collect();
    tested.sort_unstable();
    assert_eq!(documented, tested);
}

#[test]
fn what_node_and_browsers_have_besides_is_there_too() {
    let names = "Buffer CloseEvent Deno FileReader Intl PerformanceEntry PerformanceMark PerformanceMeasure ProgressEvent clearImmediate \
        global process setImmediate";
    let names: Vec<_> = names.split_whitespace().collect();
    let missing = value(&format!("{}.filter((name) => !(name in globalThis))", json!(names)));
    assert_eq!(missing, json!([]));
}

#[test]
fn urls_text_and_base64() {
    assert_eq!(value("new URL('../b?x=1#h', 'https://e.example:8443/a/c').href"), json!("https://e.example:8443/b?x=1#h"));
    assert_eq!(value("new URLPattern({ pathname: '/a/:id' }).exec('https://x/a/7').pathname.groups.id"), json!("7"));
    assert_eq!(value("new TextDecoder('utf-16le').decode(new Uint8Array([0x48, 0, 0x69, 0]))"), json!("Hi"));
    assert_eq!(value("atob(btoa('hello'))"), json!("hello"));
}

#[test]
fn random_and_digests() {
    let uuid = value("crypto.randomUUID()");
    assert_eq!(uuid.as_str().unwrap().len(), 36);
    assert_ne!(uuid, value("crypto.randomUUID()"), "two workers of one snapshot do not share their randomness");
    assert_ne!(value("Math.random()"), value("Math.random()"));
    assert_eq!(value("crypto.getRandomValues(new Uint8Array(16)).some((byte) => byte !== 0)"), json!(true));
    let digest = "Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc'))), (b) => b.toString(16).padStart(2, '0')).join('')";
    assert_eq!(value(digest), json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    let hmac = "await (async () => { const k = await crypto.subtle.importKey('raw', new Uint8Array(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
        return (await crypto.subtle.sign('HMAC', k, new Uint8Array(3))).byteLength })()";
    assert_eq!(value(hmac), json!(32));
    let derived = "await (async () => { const k = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits']);
        return (await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 1000 }, k, 256)).byteLength })()";
    assert_eq!(value(derived), json!(32));
}

#[test]
fn timers_events_and_messages() {
    assert_eq!(
        value(
            "await new Promise((r) => { let n = 0; const t = setInterval(() => { if (++n === 3) { clearInterval(t); r(n) } }, 1) })"
        ),
        json!(3)
    );
    assert_eq!(
        value(
            "await new Promise((r) => { const c = new MessageChannel(); c.port2.onmessage = (e) => r(e.data); c.port1.postMessage({ a: 1 }) })"
        ),
        json!({ "a": 1 })
    );
    assert_eq!(
        value("await new Promise((r) => { const a = AbortSignal.timeout(1); a.onabort = () => r(a.reason.name) })"),
        json!("TimeoutError")
    );
    assert_eq!(value("structuredClone(new Map([[1, new Date(0)]])).get(1).getTime()"), json!(0));
    assert_eq!(value("await new Promise((r) => setImmediate(r, 'soon'))"), json!("soon"));
    assert_eq!(value("await new Promise((r) => process.nextTick(r, 'next'))"), json!("next"));
}

#[test]
fn streams_and_compression() {
    let source = "await new Response(new Blob(['hello '.repeat(100)]).stream().pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip'))).text().then((t) => t.length)";
    assert_eq!(value(source), json!(600));
    assert_eq!(
        value(
            "await (async () => { const f = new FormData(); f.set('file', new File(['x'], 'a.txt')); return (await new Response(f).formData()).get('file').name })()"
        ),
        json!("a.txt")
    );
}

#[test]
fn dates_and_numbers_are_formatted() {
    assert_eq!(value("new Intl.NumberFormat('de-DE').format(1234567.5)"), json!("1.234.567,5"));
    assert_eq!(
        value("new Date(0).toLocaleDateString('en-US', { timeZone: 'America/New_York', dateStyle: 'medium' })"),
        json!("Dec 31, 1969")
    );
    assert_eq!(value("'\\u00e9'.normalize('NFD').length"), json!(2));
}

#[test]
fn node_and_lambda_habits() {
    assert_eq!(
        value(
            "[process.platform, process.version.startsWith('v'), typeof process.hrtime.bigint(), typeof process.memoryUsage().heapUsed]"
        ),
        json!(["linux", true, "bigint", "number"])
    );
    assert_eq!(value("navigator.userAgent"), json!("Plinth"));
    assert_eq!(value("performance.now() > 0 && performance.timeOrigin > 1.6e12"), json!(true));
}
