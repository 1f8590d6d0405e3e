//! Reads: filters, order, windows, counts, embeds, aggregates.

use super::fixture::{ADA, Shop, user};
use super::on_both;

const FILTERS: &[(&str, &str)] = &[
    ("GET clients?select=id&id=eq.2", r#"[{"id":2}]"#),
    ("GET clients?select=id&id=neq.2&order=id", r#"[{"id":1},{"id":3}]"#),
    ("GET clients?select=id&id=gte.2&id=lt.3", r#"[{"id":2}]"#),
    ("GET clients?select=id&city=neq.Bonn", r#"[{"id":3}]"#),
    ("GET clients?select=id&city=isdistinct.Bonn&order=id", r#"[{"id":2},{"id":3}]"#),
    ("GET clients?select=id&city=is.null", r#"[{"id":2}]"#),
    ("GET clients?select=id&city=eq.null", "[]"),
    ("GET clients?select=id&city=not.is.null&order=id.desc", r#"[{"id":3},{"id":1}]"#),
    ("GET clients?select=id&id=in.(1,3)&order=id", r#"[{"id":1},{"id":3}]"#),
    ("GET clients?select=id&id=in.()", "[]"),
    ("GET clients?select=id&name=in.(Acme,\"Bolt\")&order=id", r#"[{"id":1},{"id":2}]"#),
    ("GET clients?select=id&name=like.A*", r#"[{"id":1}]"#),
    ("GET clients?select=id&name=like.a*", "[]"),
    ("GET clients?select=id&name=ilike.*O*&order=id", r#"[{"id":2},{"id":3}]"#),
    ("GET clients?select=id&name=match.^[AB]&order=id", r#"[{"id":1},{"id":2}]"#),
    ("GET clients?select=id&name=like(any).{A*,B*}&order=id", r#"[{"id":1},{"id":2}]"#),
    ("GET clients?select=id&id=gt(all).{0,1}&order=id", r#"[{"id":2},{"id":3}]"#),
    ("GET clients?select=id&or=(id.eq.1,and(id.gt.1,city.not.is.null))&order=id", r#"[{"id":1},{"id":3}]"#),
    ("GET clients?select=id&not.and=(id.eq.1,name.eq.Acme)&order=id", r#"[{"id":2},{"id":3}]"#),
    ("GET projects?select=id&done=is.true&order=id", r#"[{"id":1},{"id":4}]"#),
    ("GET projects?select=id&done=is.unknown", r#"[{"id":3}]"#),
    ("GET projects?select=id&budget=gt.9&order=budget", r#"[{"id":1},{"id":4}]"#),
    ("GET projects?select=id&budget=eq.10.5", r#"[{"id":1}]"#),
    ("GET projects?select=id&tags=cs.{b}&order=id", r#"[{"id":1},{"id":2}]"#),
    ("GET projects?select=id&tags=cd.{a,b}&order=id", r#"[{"id":1},{"id":2},{"id":4}]"#),
    ("GET projects?select=id&tags=ov.{a,z}", r#"[{"id":1}]"#),
    (r#"GET projects?select=id&specs=cs.{"n":7}"#, r#"[{"id":1}]"#),
    ("GET projects?select=id&specs->n=gt.7", r#"[{"id":2}]"#),
    ("GET projects?select=id&specs->a->>b=eq.x", r#"[{"id":1}]"#),
    ("GET projects?select=id&due=lt.2026-01-01", r#"[{"id":4}]"#),
    ("GET clients?select=id&name=fts.acme", r#"[{"id":1}]"#),
    ("GET clients?select=id&name=wfts(english).bolt", r#"[{"id":2}]"#),
];

const SHAPES: &[(&str, &str)] = &[
    ("GET clients?id=eq.2", r#"[{"id":2,"name":"Bolt","city":null}]"#),
    ("GET clients?select=who:name,id::text&id=eq.1", r#"[{"who":"Acme","id":"1"}]"#),
    ("GET clients?select=id,id&id=eq.1", r#"[{"id":1}]"#),
    (
        "GET projects?select=specs->a->>b,budget,tags,done,due&id=eq.1",
        r#"[{"b":"x","budget":10.50,"tags":["a","b"],"done":true,"due":"2026-01-31"}]"#,
    ),
    ("GET projects?select=specs->1,first:specs->0&id=eq.4", r#"[{"specs":2,"first":1}]"#),
    ("GET projects?select=tags->0&id=eq.1", r#"[{"tags":"a"}]"#),
    ("GET projects?select=id&order=budget.desc", r#"[{"id":3},{"id":4},{"id":1},{"id":2}]"#),
    ("GET projects?select=id&order=budget.desc.nullslast", r#"[{"id":4},{"id":1},{"id":2},{"id":3}]"#),
    ("GET projects?select=id&order=due.asc.nullsfirst,id", r#"[{"id":2},{"id":4},{"id":1},{"id":3}]"#),
    ("GET projects?select=id&order=specs->n.desc.nullslast,id", r#"[{"id":2},{"id":1},{"id":3},{"id":4}]"#),
    ("GET clients?select=id&order=id&limit=1&offset=1", r#"[{"id":2}]"#),
    ("GET clients?select=id&order=id&limit=0", "[]"),
    ("GET clients?select=id&order=id&limit=2 | count=exact", r#"[{"id":1},{"id":2}] of 3"#),
    ("GET clients?select=id&id=gt.1&limit=1&order=id | count=exact", r#"[{"id":2}] of 2"#),
    ("GET clients?select=id&offset=4 | count=exact", "PGRST103 416"),
    ("GET clients?select=id&id=eq.1 | object,", r#"{"id":1}"#),
    ("GET clients?select=id | object,", "PGRST116 406"),
    ("GET clients?select=id,city&order=id | csv,", "id,city\n1,Bonn\n2,\n3,Rome"),
];

const EMBEDS: &[(&str, &str)] = &[
    (
        "GET projects?select=id,clients!client_id(name)&order=id&limit=2",
        r#"[{"id":1,"clients":{"name":"Acme"}},{"id":2,"clients":{"name":"Acme"}}]"#,
    ),
    ("GET projects?select=id,client_id(name)&id=eq.4", r#"[{"id":4,"client_id":null}]"#),
    ("GET projects?select=id,projects_backup_id_fkey(id)&id=eq.1", r#"[{"id":1,"projects_backup_id_fkey":{"id":2}}]"#),
    (
        "GET clients?select=id,projects!projects_client_id_fkey(id)&order=id&projects.order=id.desc",
        r#"[{"id":1,"projects":[{"id":2},{"id":1}]},{"id":2,"projects":[{"id":3}]},{"id":3,"projects":[]}]"#,
    ),
    ("GET clients?select=id,p:projects!client_id(id)&p.limit=1&p.order=id&order=id&limit=1", r#"[{"id":1,"p":[{"id":1}]}]"#),
    ("GET clients?select=id,profiles(bio)&order=id&limit=2", r#"[{"id":1,"profiles":{"bio":"old"}},{"id":2,"profiles":null}]"#),
    (
        "GET projects?select=id,users(name)&users.order=name&order=id&limit=3",
        r#"[{"id":1,"users":[{"name":"Ann"},{"name":"Ben"}]},{"id":2,"users":[{"name":"Ben"}]},{"id":3,"users":[]}]"#,
    ),
    (
        "GET projects?select=id,members(role,users(name))&members.order=role&id=eq.1",
        r#"[{"id":1,"members":[{"role":"dev","users":{"name":"Ben"}},{"role":"lead","users":{"name":"Ann"}}]}]"#,
    ),
    ("GET users?select=id,users(id)&users.order=id&order=id&limit=1", r#"[{"id":1,"users":[{"id":2},{"id":3}]}]"#),
    ("GET users?select=id,boss_id(name)&order=id&limit=2", r#"[{"id":1,"boss_id":null},{"id":2,"boss_id":{"name":"Ann"}}]"#),
    ("GET users?select=id,staff:users!boss_id(id)&order=id&limit=1&staff.order=id", r#"[{"id":1,"staff":[{"id":2},{"id":3}]}]"#),
    (
        "GET clients?select=id,projects!client_id!inner(id)&projects.name=eq.Gamma | count=exact",
        r#"[{"id":2,"projects":[{"id":3}]}] of 1"#,
    ),
    ("GET clients?select=id,projects!client_id()&projects=is.null", r#"[{"id":3}]"#),
    ("GET clients?select=id,projects!client_id()&projects=not.is.null&order=id", r#"[{"id":1},{"id":2}]"#),
    ("GET clients?select=id,projects!client_id()&or=(projects.is.null,id.eq.1)&order=id", r#"[{"id":1},{"id":3}]"#),
    (
        "GET projects?select=id,clients!client_id(name)&order=clients(name).desc.nullslast,id",
        r#"[{"id":3,"clients":{"name":"Bolt"}},{"id":1,"clients":{"name":"Acme"}},{"id":2,"clients":{"name":"Acme"}},{"id":4,"clients":null}]"#,
    ),
    ("GET projects?select=id,...clients!client_id(client:name)&order=id&limit=1", r#"[{"id":1,"client":"Acme"}]"#),
    (
        "GET clients?select=id,...projects!client_id(titles:name)&order=id&projects.order=name",
        r#"[{"id":1,"titles":["Alpha","Beta"]},{"id":2,"titles":["Gamma"]},{"id":3,"titles":[]}]"#,
    ),
    ("GET finished?select=id,clients(name)&order=id", r#"[{"id":1,"clients":{"name":"Acme"}},{"id":4,"clients":null}]"#),
    ("GET clients?select=id,finished(id)&order=id&limit=2", r#"[{"id":1,"finished":[{"id":1}]},{"id":2,"finished":[]}]"#),
];

const AGGREGATES: &[(&str, &str)] = &[
    ("GET projects?select=count()", r#"[{"count":4}]"#),
    ("GET projects?select=count", r#"[{"count":4}]"#),
    ("GET projects?select=budget.sum(),n:budget.count(),id.max()", r#"[{"sum":112.50,"n":3,"max":4}]"#),
    (
        "GET projects?select=client_id,count()&order=client_id",
        r#"[{"client_id":1,"count":2},{"client_id":2,"count":1},{"client_id":null,"count":1}]"#,
    ),
    (
        "GET projects?select=specs->>n,count()&specs->>n=not.is.null&order=specs->>n",
        r#"[{"n":"10","count":1},{"n":"7","count":1}]"#,
    ),
    (
        "GET clients?select=id,projects!client_id(count)&order=id",
        r#"[{"id":1,"projects":[{"count":2}]},{"id":2,"projects":[{"count":1}]},{"id":3,"projects":[{"count":0}]}]"#,
    ),
    ("GET clients?select=name,projects!client_id(budget.sum())&id=eq.1", r#"[{"name":"Acme","projects":[{"sum":12.50}]}]"#),
    ("GET projects?select=clients!client_id(name),id.count()&client_id=eq.1", r#"[{"clients":{"name":"Acme"},"count":2}]"#),
    ("GET projects?select=id.sum()::text", r#"[{"sum":"10"}]"#),
];

on_both! {
    async fn filters_select_the_rows_that_postgresql_would(shop: Shop) {
        shop.holds(&user(ADA), FILTERS).await;
    }

    async fn answers_have_the_keys_order_and_windows_that_are_asked_for(shop: Shop) {
        shop.holds(&user(ADA), SHAPES).await;
    }

    async fn embeds_follow_relationships(shop: Shop) {
        shop.holds(&user(ADA), EMBEDS).await;
    }

    async fn aggregates_group_by_the_rest(shop: Shop) {
        shop.holds(&user(ADA), AGGREGATES).await;
    }
}
