//! Writes: what is kept, what is shown, and what a database's refusal looks like.

use plinth::data::service::Caller;

use super::fixture::{ADA, Shop, user};
use super::on_both;

const INSERTS: &[(&str, &str)] = &[
    (r#"POST items | | {"sku":"a","qty":1}"#, ""),
    (
        r#"POST items?select=sku,qty,note | return=representation | [{"sku":"b","qty":3},{"sku":"c","qty":4}]"#,
        r#"[{"sku":"b","qty":3,"note":null},{"sku":"c","qty":4,"note":null}]"#,
    ),
    (
        r#"POST items?select=sku,qty&columns="sku","qty" | missing=default,return=representation | [{"sku":"d","qty":1},{"sku":"e"}]"#,
        r#"[{"sku":"d","qty":1},{"sku":"e","qty":5}]"#,
    ),
    (r#"POST items?select=sku,qty&columns=sku | return=representation | {"sku":"f","qty":9}"#, r#"[{"sku":"f","qty":5}]"#),
    (
        r#"POST items?columns=sku,qty | | [{"sku":"g"}]"#,
        "23502 400 null value in column \"qty\" of relation \"items\" violates not-null constraint",
    ),
    ("POST items | return=representation | []", "[]"),
    (r#"POST items | | {"sku":"h","nope":1}"#, "PGRST204 400 Could not find the 'nope' column of 'items' in the schema cache"),
    (r#"POST items | | [{"sku":"h"},{"qty":1}]"#, "PGRST102 400"),
    (r#"POST items | | {"sku":"x"}"#, "23505 409 duplicate key value violates unique constraint \"items_sku_key\""),
    (r#"POST items | | {"sku":"neg","qty":-1}"#, "23514 400"),
    (r#"POST items | | {"qty":1}"#, "23502 400"),
    (r#"POST items | | {"sku":"t","qty":"many"}"#, "22P02 400"),
    (r#"POST items?select=sku | object,return=representation | [{"sku":"s1"},{"sku":"s2"}]"#, "PGRST116 406"),
    ("GET items?select=sku&sku=like.s*", "[]"),
    (
        r#"POST projects?select=name,clients!client_id(name) | return=representation | [{"id":8,"name":"N","client_id":3,"budget":"1.5"},{"id":9,"name":"M","client_id":1,"budget":2}]"#,
        r#"[{"name":"N","clients":{"name":"Cord"}},{"name":"M","clients":{"name":"Acme"}}]"#,
    ),
    (
        r#"POST projects?select=budget,tags,specs,done,due | return=representation | {"id":10,"name":"Z","budget":1.5,"tags":["q"],"specs":{"b":1,"a":null},"done":false,"due":"2026-03-01"}"#,
        r#"[{"budget":1.50,"tags":["q"],"specs":{"a":null,"b":1},"done":false,"due":"2026-03-01"}]"#,
    ),
    (
        r#"POST projects | | {"id":11,"name":"F","client_id":99}"#,
        "23503 409 insert or update on table \"projects\" violates foreign key constraint \"projects_client_id_fkey\"",
    ),
    ("DELETE clients?id=eq.1", "23503 409 update or delete on table \"clients\" violates foreign key constraint"),
];

const UPSERTS: &[(&str, &str)] = &[
    (
        r#"POST items?on_conflict=sku&select=sku,qty,note | resolution=merge-duplicates,return=representation | [{"sku":"x","qty":7},{"sku":"n","qty":8}]"#,
        r#"[{"sku":"x","qty":7,"note":"one"},{"sku":"n","qty":8,"note":null}]"#,
    ),
    (
        r#"POST items?on_conflict=sku&select=sku | resolution=ignore-duplicates,return=representation | [{"sku":"x","qty":1},{"sku":"o","qty":1}]"#,
        r#"[{"sku":"o"}]"#,
    ),
    (r#"POST items?on_conflict=qty | resolution=merge-duplicates | {"sku":"p","qty":1}"#, "42P10 400"),
    (r#"POST items?on_conflict=sku | resolution=merge-duplicates | [{"sku":"r","qty":1},{"sku":"r","qty":2}]"#, "21000 500"),
    (
        r#"PUT members?project_id=eq.1&user_id=eq.3 | return=representation | {"project_id":1,"user_id":3,"role":"new"}"#,
        r#"[{"project_id":1,"user_id":3,"role":"new"}]"#,
    ),
    (
        r#"PUT members?project_id=eq.1&user_id=eq.3&select=role | return=representation | {"project_id":1,"user_id":3,"role":"old"}"#,
        r#"[{"role":"old"}]"#,
    ),
    (r#"PUT members?project_id=eq.1 | | {"project_id":1,"user_id":3}"#, "PGRST105 405"),
    (r#"PUT members?project_id=eq.1&user_id=eq.3 | | {"project_id":1,"user_id":2}"#, "PGRST115 400"),
    (r#"PUT members?project_id=eq.1&user_id=eq.3&limit=1 | | {"project_id":1,"user_id":3}"#, "PGRST114 400"),
];

const CHANGES: &[(&str, &str)] = &[
    (r#"PATCH items?sku=eq.x&select=sku,qty | return=representation | {"qty":2}"#, r#"[{"sku":"x","qty":2}]"#),
    (r#"PATCH items?sku=eq.none | return=representation | {"qty":2}"#, "[]"),
    (r#"PATCH items?sku=eq.x | return=representation | {}"#, "[]"),
    (
        r#"PATCH items?sku=eq.x&columns=note,qty&select=qty,note | return=representation,missing=default | {"note":"k"}"#,
        r#"[{"qty":5,"note":"k"}]"#,
    ),
    (r#"PATCH items?sku=eq.x | count=exact | {"sku":"y"}"#, "23505 409"),
    (r#"PATCH items?qty=gt.0 | handling=strict,max-affected=1 | {"note":"all"}"#, "PGRST124 400"),
    ("GET items?select=sku&note=eq.all", "[]"),
    (
        r#"PATCH projects?id=eq.1&select=id,clients!client_id(name) | return=representation | {"client_id":2}"#,
        r#"[{"id":1,"clients":{"name":"Bolt"}}]"#,
    ),
    ("DELETE items?sku=eq.y&select=sku | return=representation,tx=rollback", r#"[{"sku":"y"}]"#),
    ("DELETE items?sku=eq.y&select=sku | return=representation", r#"[{"sku":"y"}]"#),
    ("DELETE items?sku=eq.y | count=exact", " of 0"),
    (r#"PATCH finished?id=eq.1 | | {"name":"x"}"#, "42809 400"),
];

on_both! {
    async fn inserts_are_whole_or_nothing(shop: Shop) {
        shop.holds(&user(ADA), INSERTS).await;
    }

    async fn upserts_and_put_go_by_a_key(shop: Shop) {
        shop.holds(&user(ADA), UPSERTS).await;
    }

    async fn updates_and_deletes_show_what_they_changed(shop: Shop) {
        shop.holds(&user(ADA), CHANGES).await;
    }

    async fn a_clash_names_the_key_and_its_value(shop: Shop) {
        let refused = shop.ask(&user(ADA), "POST items", "", r#"[{"sku":"new"},{"sku":"x"}]"#).await.expect_err("x is there");
        assert_eq!(refused.details.map(|details| *details), Some("Key (sku)=(x) already exists.".into()));
        let body = r#"{"id":20,"name":"F","client_id":99}"#;
        let refused = shop.ask(&user(ADA), "POST projects", "", body).await.expect_err("no such client");
        assert_eq!(refused.details.map(|details| *details), Some("Key (client_id)=(99) is not present in table \"clients\".".into()));
    }

    async fn an_insert_says_where_the_row_is_and_how_many_are_new(shop: Shop) {
        let body = r#"{"project_id":3,"user_id":1}"#;
        let answer = shop.ask(&user(ADA), "POST members", "return=headers-only", body).await.expect("inserted");
        let key = [("project_id".to_owned(), "3".to_owned()), ("user_id".to_owned(), "1".to_owned())];
        assert_eq!((answer.location.as_slice(), answer.inserted), (key.as_slice(), Some(1)));
        let again = shop.ask(&user(ADA), "POST members", "resolution=merge-duplicates", body).await.expect("merged");
        assert_eq!((again.rows, again.inserted), (1, Some(0)));
    }

    async fn rows_without_a_key_are_shown_too(shop: Shop) {
        let body = format!(r#"[{{"owner":"{ADA}","body":"one"}},{{"owner":"{ADA}","body":"two"}}]"#);
        let asked = format!("POST notes?select=body&order=body.desc | return=representation | {body}");
        shop.holds(&user(ADA), &[(&asked, r#"[{"body":"two"},{"body":"one"}]"#)]).await;
    }

    async fn the_service_role_passes_over_policies(shop: Shop) {
        shop.holds(&Caller::service(), &[("GET notes?select=count", r#"[{"count":2}]"#)]).await;
        shop.holds(&Caller::service(), &[("GET secrets?select=hidden", r#"[{"hidden":"closed"}]"#)]).await;
    }
}
