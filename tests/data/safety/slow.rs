//! Statements that would run for ever: each ends at its deadline, and nobody else is held up or undone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::json;

use super::{refused, rows, run};
use crate::support::{TestApp, User};

/// Rows whose cross joins have no end.
const NUMBERS: &str = "
create table numbers (n integer primary key);
create table notes (id integer primary key);
create table guarded (id integer primary key, n integer not null);
create view heavy as
    select count(*) as n from numbers a cross join numbers b cross join numbers c cross join numbers d cross join numbers e;
create function count_for_ever() returns bigint language sql stable as $$ select n from heavy $$;
create function write_for_ever() returns void language sql as $$
    insert into notes values (-1);
    update guarded set n = n + 1 where n < (select n from heavy);
$$;
insert into guarded values (1, 1);
grant select on numbers, heavy, notes to authenticated;
grant select, insert, update, delete on guarded, notes to authenticated;
alter table guarded enable row level security;
create policy looks on guarded for select to authenticated using (true);
create policy thinks on guarded for update to authenticated using ((select n from heavy) > 0);
";

async fn app(timeout: &str) -> (TestApp, User) {
    let app = TestApp::start_with(&format!("[data]\nstatement_timeout = \"{timeout}\"")).await;
    run(&app, NUMBERS).await;
    let numbers: Vec<_> = (0..400).map(|n| json!({ "n": n })).collect();
    app.service().post("/rest/v1/numbers").json(&json!(numbers)).await.assert_status(201);
    let ada = app.sign_up("ada@example.com").await;
    (app, ada)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_read_ends_at_its_deadline_while_64_others_are_answered() {
    let (_app, ada) = app("4s").await;
    for slow in ["/rest/v1/heavy", "/rest/v1/rpc/count_for_ever"] {
        let over = AtomicBool::new(false);
        let answered = AtomicUsize::new(0);
        let slow = async {
            let answer = ada.get(slow).await;
            over.store(true, Ordering::SeqCst);
            answer
        };
        let reader = async |_| {
            let mut mine = 0;
            while !over.load(Ordering::SeqCst) {
                assert_eq!(rows(&ada, "/rest/v1/numbers?n=eq.7").await, json!([{ "n": 7 }]));
                mine += usize::from(!over.load(Ordering::SeqCst));
            }
            answered.fetch_add(mine, Ordering::SeqCst);
            mine
        };
        let (slow, each) = join(slow, join_all((0..64).map(reader))).await;
        let error = refused(&slow, 500, "57014");
        assert_eq!(error["message"], "canceling statement due to statement timeout");
        assert!(each.iter().all(|count| *count > 0), "every reader is answered meanwhile: {each:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_write_ends_at_its_deadline_and_no_neighbour_is_undone() {
    let (_app, ada) = app("1s").await;
    let slow = async |way: usize| match way {
        0 => ada.post("/rest/v1/rpc/write_for_ever").json(&json!({})).await,
        _ => ada.request(Method::PATCH, "/rest/v1/guarded?id=eq.1").json(&json!({ "n": 5 })).await,
    };
    let quick = async |id: usize| ada.post("/rest/v1/notes").json(&json!({ "id": id })).await;
    let (slow, quick) = join(join_all([0, 1].map(slow)), join_all((0..40).map(quick))).await;
    for answer in slow {
        refused(&answer, 500, "57014");
    }
    for answer in quick {
        answer.assert_status(201);
    }
    assert_eq!(rows(&ada, "/rest/v1/notes?select=count").await, json!([{ "count": 40 }]), "each once, and none of the slow one");
    assert_eq!(rows(&ada, "/rest/v1/guarded").await, json!([{ "id": 1, "n": 1 }]));
    ada.post("/rest/v1/notes").json(&json!({ "id": 100 })).await.assert_status(201);
}
