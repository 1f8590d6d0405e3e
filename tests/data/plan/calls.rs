//! Functions called by name.

use super::fixture::{ADA, Shop, user};
use super::on_both;

const CALLS: &[(&str, &str)] = &[
    (r#"POST rpc/plus | | {"a":1,"b":2}"#, "3"),
    (r#"POST rpc/plus | | {"a":1}"#, "11"),
    ("GET rpc/plus?a=4&b=5", "9"),
    (r#"POST rpc/plus | | {"c":1}"#, "PGRST202 404 Could not find the function public.plus(c) in the schema cache"),
    (r#"POST rpc/plus | | {"a":"x"}"#, "22P02 400"),
    ("GET rpc/names", r#"["Ann","Ben","Cy"]"#),
    (
        "GET rpc/of_client?client=1&select=id,clients!client_id(name)&order=id.desc",
        r#"[{"id":2,"clients":{"name":"Acme"}},{"id":1,"clients":{"name":"Acme"}}]"#,
    ),
    ("GET rpc/of_client?client=1&name=eq.Beta&select=id | count=exact", r#"[{"id":2}] of 1"#),
    (r#"POST rpc/stock?select=sku,qty | | {"named":"x","n":42}"#, r#"[{"sku":"x","qty":42}]"#),
    ("GET items?select=qty&sku=eq.x", r#"[{"qty":42}]"#),
    ("GET rpc/stock?named=x&n=1", "25006 405 cannot execute UPDATE in a read-only transaction"),
    (r#"POST rpc/plus | handling=strict,max-affected=1 | {"a":1}"#, "PGRST128 400"),
    (r#"POST rpc/stock | handling=strict,max-affected=0 | {"named":"x","n":1}"#, "PGRST124 400"),
    ("GET items?select=qty&sku=eq.x", r#"[{"qty":42}]"#),
];

on_both! {
    async fn functions_answer_by_what_they_return(shop: Shop) {
        shop.holds(&user(ADA), CALLS).await;
    }

    async fn a_function_that_returns_nothing_is_void(shop: Shop) {
        let answer = shop.ask(&user(ADA), "POST rpc/touch", "", "{}").await.expect("called");
        assert!(answer.is_void && answer.body.is_empty());
        shop.holds(&user(ADA), &[("GET items?select=note&sku=eq.y", r#"[{"note":"touched"}]"#)]).await;
    }
}
