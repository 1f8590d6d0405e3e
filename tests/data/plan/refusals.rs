//! What is refused, with which code, on both databases alike.

use super::fixture::{ADA, BOB, Shop, anon, user};
use super::on_both;

const NAMES: &[(&str, &str)] = &[
    ("GET client", "PGRST205 404 Could not find the table 'public.client' in the schema cache"),
    ("GET clients?select=nope", "42703 400 column clients.nope does not exist"),
    ("GET clients?nope=eq.1", "42703 400"),
    ("GET clients?order=nope", "42703 400"),
    ("GET clients?id=eq.x", "22P02 400 invalid input syntax for type integer: \"x\""),
    ("GET clients?id=like.1*", "42883 404 operator does not exist: integer ~~ unknown"),
    ("GET clients?name=cs.{a}", "42883 404"),
    ("GET clients?id=sl.(1,2)", "42883 404 operator does not exist: integer << unknown"),
    ("GET clients?id=is.true", "42804 400 argument of IS TRUE must be type boolean, not type integer"),
    ("GET clients?select=id::nope", "42704 400 type \"nope\" does not exist"),
    ("GET projects?select=done::uuid", "42846 400 cannot cast type boolean to uuid"),
    ("GET clients?select=name.sum()", "42883 404 function sum(text) does not exist"),
    ("GET clients?select=name,id.sum()&order=city", "42803 400"),
    (
        "GET clients?select=id,items(id)",
        "PGRST200 400 Could not find a relationship between 'clients' and 'items' in the schema cache",
    ),
    ("GET clients?select=id,projects(id)", "PGRST201 300 Could not embed because more than one relationship was found"),
    ("GET clients?select=id&projects.id=eq.1", "PGRST108 400"),
    ("GET clients?select=id,projects!client_id(id)&order=projects(id)", "PGRST118 400"),
    ("GET clients?select=id,profiles(bio)&profiles=eq.1", "PGRST120 400"),
    ("GET rpc/nothing", "PGRST202 404"),
];

const RIGHTS: &[(&str, &str)] = &[
    ("GET secrets?select=id,shown", r#"[{"id":1,"shown":"open"}]"#),
    ("GET secrets", "42501 403 permission denied for table secrets"),
    ("GET secrets?select=hidden", "42501 403"),
    ("GET secrets?select=id&hidden=eq.closed", "42501 403"),
    ("GET secrets?select=id&order=hidden", "42501 403"),
    ("GET secrets?select=hidden.max()", "42501 403"),
    ("GET secrets?select=id&or=(id.eq.1,hidden.like.c*)", "42501 403"),
    (r#"POST secrets?select=id | return=representation | {"id":2}"#, "42501 403"),
    ("DELETE secrets?id=eq.1", "42501 403"),
    ("GET notes?select=body", r#"[{"body":"hers"}]"#),
];

on_both! {
    async fn what_does_not_exist_is_named(shop: Shop) {
        shop.holds(&user(ADA), NAMES).await;
    }

    async fn what_a_role_may_not_read_cannot_be_guessed(shop: Shop) {
        shop.holds(&user(ADA), RIGHTS).await;
        let refused = shop.ask(&anon(), "GET clients", "", "").await.expect_err("anon has no grant");
        assert_eq!((refused.code.as_ref(), refused.status_for(plinth::auth::principal::Role::Anon)), ("42501", 401));
    }

    async fn several_relationships_are_listed(shop: Shop) {
        let refused = shop.ask(&user(ADA), "GET clients?select=id,projects(id)", "", "").await.expect_err("two keys");
        let details = refused.details.expect("a list");
        assert_eq!(details[0]["embedding"], "clients with projects");
        assert_eq!(details[0]["cardinality"], "one-to-many");
        assert!(refused.hint.expect("a hint").contains("'projects!projects_client_id_fkey'"));
    }

    async fn a_policy_refuses_a_row_and_the_whole_write(shop: Shop) {
        let both = format!(r#"[{{"owner":"{ADA}","body":"a"}},{{"owner":"{BOB}","body":"b"}}]"#);
        let refused = shop.ask(&user(ADA), "POST notes", "", &both).await.expect_err("not hers");
        assert_eq!(refused.message, "new row violates row-level security policy for table \"notes\"");
        shop.holds(&user(ADA), &[("GET notes?select=count", r#"[{"count":1}]"#)]).await;
        shop.holds(&user(BOB), &[("PATCH notes?body=eq.hers | return=representation | {\"body\":\"mine\"}", "[]")]).await;
        let given = format!("PATCH notes?body=eq.hers | return=representation | {{\"owner\":\"{BOB}\"}}");
        shop.holds(&user(ADA), &[(&given, "42501 403"), ("DELETE notes?body=eq.his | count=exact", " of 0")]).await;
    }
}
