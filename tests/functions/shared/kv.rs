//! `plinth:kv`: what is written is there for all, from then on, until its time is over.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::{deploy, every_store, run, with_stores};
use crate::support::{Nodes, TestApp, eventually, on_postgres};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn values_come_back_as_they_were_written() {
    let app = with_stores().await;
    let code = "const values = [{ a: [1, 'ü', null] }, 'text', '', 0, -7, 1.5, true, null, [], 9007199254740993, -0.5];
        const back = [];
        for (const [at, value] of values.entries()) { await kv.set('v' + at, value); back.push(await kv.get('v' + at)); }
        return [JSON.stringify(values) === JSON.stringify(back), await kv.get('none') === undefined]";
    assert_eq!(run(&app, code).await, json!([true, true]));
    let bytes = "await kv.set('b', new Uint8Array([0, 1, 255])); await kv.set('e', new Uint8Array());
        await kv.set('buffer', Buffer.from('hi'));
        const b = await kv.get('b');
        return [b instanceof Uint8Array, [...b], (await kv.get('e')).length, (await kv.get('buffer')).length]";
    assert_eq!(run(&app, bytes).await, json!([true, [0, 1, 255], 0, 2]));
    let keys = "const keys = ['a b', 'ü/…', '😀', 'x'.repeat(512)];
        for (const key of keys) await kv.set(key, key.length);
        return Promise.all(keys.map((key) => kv.get(key)))";
    assert_eq!(run(&app, keys).await, json!([3, 3, 2, 512]));
    let stores = "const [a, b] = [kv.open('a'), kv.open('b')];
        await a.set('k', 1); await b.set('k', 2);
        return [await a.get('k'), await b.get('k'), await kv.get('k') === undefined, await a.delete('k'), await a.delete('k'), await b.get('k')]";
    assert_eq!(run(&app, stores).await, json!([1, 2, true, true, false, 2]));
    let named = "import { get, set, delete as gone, increment } from 'plinth:kv';
        export default async () => { await set('n', 1); await increment('n', 4); const n = await get('n'); await gone('n'); return Response.json([n, await get('n') ?? null]) }";
    app.deploy("named", named, json!({ "permissions": every_store() })).await;
    assert_eq!(app.invoke("named", &json!({})).await.json(), json!([5, null]));
    let required =
        "const { get, set } = require('plinth:kv'); exports.handler = async () => { await set('r', [1]); return get('r') }";
    app.deploy("required", required, json!({ "permissions": every_store() })).await;
    assert_eq!(app.invoke("required", &json!({})).await.json(), json!([1]));
}

#[tokio::test]
async fn a_change_is_made_only_if_nothing_was_changed_since() {
    let app = with_stores().await;
    let code = "const first = await kv.compareAndSet('k', null, 'one');
        const again = await kv.compareAndSet('k', null, 'two');
        const { version } = await kv.entry('k');
        const next = await kv.cas('k', version, 'three');
        const late = await kv.cas('k', version, 'four');
        const kept = await kv.delete('k', { version });
        const value = await kv.get('k');
        const gone = await kv.delete('k', { version: next.version });
        await kv.set('k', 'five');
        return [first.ok, first.version === version, again, next.ok, late, kept, value, gone, await kv.cas('k', next.version, 'six'), await kv.cas('none', version, 1)]";
    let got = run(&app, code).await;
    let no = json!({ "ok": false });
    assert_eq!(
        got,
        json!([true, true, no, true, no, false, "three", true, no, no]),
        "a deleted entry's version never comes back"
    );

    // One of all who see the same version wins, each time.
    let append = "for (;;) { const { value, version } = await kv.entry('list') ?? { value: [], version: null };
        if ((await kv.cas('list', version, [...value, value.length])).ok) return true }";
    let done = join_all((0..8).map(|_| run(&app, append))).await;
    assert!(done.iter().all(|done| *done == json!(true)), "{done:?}");
    assert_eq!(run(&app, "return kv.get('list')").await, json!([0, 1, 2, 3, 4, 5, 6, 7]));
}

#[tokio::test]
async fn concurrent_increments_add_up() {
    let app = with_stores().await;
    let code = "await Promise.all(Array.from({ length: 10 }, () => kv.increment('n', 3))); return true";
    let done = join_all((0..12).map(|_| run(&app, code))).await;
    assert!(done.iter().all(|done| *done == json!(true)), "{done:?}");
    assert_eq!(run(&app, "return kv.get('n')").await, json!(360));
    let set = "await kv.set('n', 5); return [await kv.increment('n'), await kv.increment('n', -10), await kv.get('n')]";
    assert_eq!(run(&app, set).await, json!([6, -4, -4]));
    for (value, said) in
        [("'text'", "is no whole number"), ("1.5", "is no whole number"), ("2 ** 53 - 1", "beyond what a number holds")]
    {
        let refused = run(&app, &format!("await kv.set('x', {value}); return kv.increment('x')")).await;
        assert!(refused["message"].as_str().is_some_and(|message| message.contains(said)), "{value}: {refused}");
    }
}

#[tokio::test]
async fn an_entry_whose_time_is_over_is_not_there() {
    let app = with_stores().await;
    let set = "await kv.set('counted', 4, { expires: 0.05 }); await kv.set('short', 1, { expires: 0.05 });
        await kv.set('long', 2, { expires: 3600 }); await kv.set('until', 3, { expires: new Date(Date.now() + 1e6) });
        const { expires } = await kv.entry('long');
        return [expires > new Date(Date.now() + 3500e3), (await kv.entry('until')).value, (await kv.entry('none')) === undefined]";
    assert_eq!(run(&app, set).await, json!([true, 3, true]));
    eventually("the end of an entry", SOON, async || run(&app, "return kv.get('short')").await.is_null().then_some(())).await;
    let after = "return [(await kv.list()).keys.map(({ key }) => key), await kv.delete('short'), await kv.cas('short', null, 'new').then((r) => r.ok),
        await kv.get('short'), await kv.increment('counted', 2), (await kv.entry('counted')).expires === undefined]";
    let got = run(&app, after).await;
    let keys = got[0].as_array().expect("keys");
    assert!(keys.contains(&json!("long")) && keys.contains(&json!("until")) && !keys.contains(&json!("short")), "{got}");
    assert_eq!(got.as_array().expect("a list")[1..], [json!(false), json!(true), json!("new"), json!(2), json!(true)]);
    let over = "await kv.set('now', 1, { expires: 0 }); return await kv.get('now') === undefined";
    assert_eq!(run(&app, over).await, json!(true));
}

#[tokio::test]
async fn keys_are_listed_by_prefix_in_pages() {
    let app = with_stores().await;
    let code = "const s = kv.open('pages');
        await Promise.all(Array.from({ length: 25 }, (_, at) => s.set(`user:${String(at).padStart(2, '0')}`, at)));
        await s.set('user', 0); await s.set('users', 0); await s.set('Z', 0); await s.set('ä', 0);
        const pages = []; let cursor;
        do { const page = await s.list({ prefix: 'user:', limit: 10, cursor }); pages.push(page.keys.length); cursor = page.cursor } while (cursor);
        const all = await s.list({ limit: 1000 });
        return [pages, all.keys.slice(0, 3).map(({ key }) => key), all.keys.at(-1).key, all.cursor === undefined, (await s.list({ prefix: 'nobody' })).keys,
            typeof all.keys[0].version]";
    let got = run(&app, code).await;
    assert_eq!(got, json!([[10, 10, 5], ["Z", "user", "user:00"], "ä", true, [], "string"]), "in the order of their bytes");
}

#[tokio::test]
async fn limits_are_told_with_the_field_and_what_is_allowed() {
    let app = with_stores().await;
    for (code, field, limit) in [
        ("await kv.set('x'.repeat(513), 1)", "the key", "512 are allowed"),
        ("await kv.get('')", "the key", "must not be empty"),
        ("await kv.set('a\\0', 1)", "the key", "U+0000"),
        ("await kv.set('k', 'x'.repeat(65536))", "the value", "65536 are allowed"),
        ("await kv.set('k', new Uint8Array(65537))", "the value", "65536 are allowed"),
        ("await kv.open('no spaces').get('k')", "the name of the store", "64 letters"),
        ("await kv.list({ limit: 1001 })", "limit", "from 1 to 1000"),
        ("await kv.set('k', 1, { expires: 1e12 })", "expires", "seconds"),
        ("await kv.set('k', () => 1)", "a value", "JSON"),
        ("await kv.set(7, 1)", "a key", "text"),
        ("await kv.set('k', new Uint8Array(7e6))", "7000000 bytes", "6291456 are allowed"),
        ("await kv.set('k'.repeat(1e5), 1)", "names and keys", "65536 are allowed"),
    ] {
        let refused = run(&app, code).await;
        let message = refused["message"].as_str().unwrap_or_default();
        assert!(message.contains(field) && message.contains(limit), "{code}: {refused}");
    }
    assert_eq!(run(&app, "await kv.set('k', new Uint8Array(65536)); return (await kv.get('k')).length").await, json!(65536));
}

#[tokio::test]
async fn a_call_may_ask_so_often_and_the_rest_waits_its_turn() {
    let app = TestApp::start_with("[functions]\nmax_platform_calls = 200").await;
    deploy(&app, every_store()).await;
    let many = "const all = await Promise.allSettled(Array.from({ length: 210 }, (_, at) => kv.set('k' + at, at)));
        const refused = all.filter(({ status }) => status === 'rejected').map(({ reason }) => reason);
        return [refused.length, refused[0].code, refused[0].message]";
    let got = run(&app, many).await;
    assert_eq!((&got[0], &got[1]), (&json!(10), &json!("too_many")));
    assert!(got[2].as_str().is_some_and(|message| message.contains("functions.max_platform_calls")), "{got}");
    assert_eq!(run(&app, "return kv.get('k199')").await, json!(199), "the next call has its own");
    let late = "kv.set('late', 1); return 'answered'";
    assert_eq!(run(&app, late).await, json!("answered"));
    let waited = "ctx.waitUntil(kv.set('waited', 1)); return 'answered'";
    assert_eq!(run(&app, waited).await, json!("answered"));
    eventually("what went on after the answer", SOON, async || (run(&app, "return kv.get('waited')").await == 1).then_some(()))
        .await;
}

#[tokio::test]
async fn stores_serve_the_code_outside_the_handler() {
    let app = TestApp::start().await;
    let source = "import kv from 'plinth:kv';
        const starts = await kv.increment('starts');
        export default async () => Response.json({ starts, now: await kv.get('starts') })";
    app.deploy("starts", source, json!({ "permissions": every_store() })).await;
    assert_eq!(app.invoke("starts", &json!({})).await.json(), json!({ "starts": 1, "now": 1 }));
}

#[tokio::test]
async fn what_was_acknowledged_survives_sigkill() {
    let mut app = with_stores().await;
    let written =
        "await Promise.all(Array.from({ length: 20 }, (_, at) => kv.set('k' + at, { at }))); return kv.increment('n', 41)";
    assert_eq!(run(&app, written).await, json!(41));
    app.kill9();
    app.restart().await;
    let read = "return [await kv.increment('n'), (await kv.list({ prefix: 'k' })).keys.length, await kv.get('k19')]";
    assert_eq!(run(&app, read).await, json!([42, 20, { "at": 19 }]));
}

#[tokio::test]
async fn two_servers_on_one_database_see_one_store() {
    if !on_postgres() {
        return; // SQLite's file is one server's
    }
    let nodes = Nodes::new().await;
    let (first, second) = nodes.two().await;
    deploy(&first, every_store()).await;
    assert_eq!(run(&first, "await kv.set('k', 'here'); return true").await, json!(true));
    assert_eq!(run(&second, "return kv.get('k')").await, json!("here"));
    let code = "await Promise.all(Array.from({ length: 20 }, () => kv.increment('n'))); return true";
    let nodes = [&first, &second, &first, &second];
    let done = join_all(nodes.map(|node| run(node, code))).await;
    assert!(done.iter().all(|done| *done == json!(true)), "{done:?}");
    assert_eq!(run(&second, "return kv.get('n')").await, json!(80));
}
