//! Schema-qualified names are rewritten for SQLite, and nothing else is.

use plinth::db::names::rewrite;
use proptest::prelude::*;

#[test]
fn names_become_one_identifier() {
    let cases = [
        ("select * from auth.users", r#"select * from "auth.users""#),
        ("select auth.users.email from auth.users u", r#"select "auth.users".email from "auth.users" u"#),
        ("insert into plinth.t(id) values($1)", r#"insert into "plinth.t"(id) values($1)"#),
        ("references auth.users(id)", r#"references "auth.users"(id)"#),
        ("storage.objects,realtime.x;", r#""storage.objects","realtime.x";"#),
        (r#"auth."Users and more""#, r#""auth.Users and more""#),
        (r#"auth."with ""quotes""""#, r#""auth.with ""quotes""""#),
        ("AUTH.Users", r#""AUTH.Users""#),
        (r#"from auth.users"u""#, r#"from "auth.users" "u""#),
        (r#"select "x"auth.users"#, r#"select "x" "auth.users""#),
        ("-auth.users", r#"-"auth.users""#),
        ("'a'auth.users", r#"'a'"auth.users""#),
    ];
    for (sql, expected) in cases {
        assert_eq!(rewrite(sql), expected, "{sql}");
        assert_eq!(rewrite(expected), expected, "a second time: {expected}");
    }
}

#[test]
fn what_is_not_a_name_stays() {
    for sql in [
        "",
        "select 'auth.users'",
        "select 'it''s auth.users'",
        r#"select "auth.users""#,
        r#"select "a""auth.users""#,
        "select 1 -- auth.users",
        "select 1 -- auth.users\n",
        "select /* auth.users */ 1",
        "select $$auth.users$$",
        "select $tag$ auth.users $$ auth.users $tag$",
        "select [auth.users], `auth.users`",
        "select x.auth.users",
        "select oauth.users, auth_.users, my_auth.users, auth2.x, 1auth.x",
        "select auth from t",
        "auth .users",
        "auth. users",
        "auth.1",
        "auth.",
        "auth",
        "auth.'x'",
        "'auth.users",
        "\"auth.users",
        "/* auth.users",
        "$$ auth.users",
        "é.auth.users",
        "$1",
        "$",
        "auth.\"unfinished",
    ] {
        assert_eq!(rewrite(sql), sql);
    }
}

/// A piece of SQL, and what must become of it.
fn piece() -> impl Strategy<Value = (String, String)> {
    let same = |text: String| (text.clone(), text);
    let inside = "[a-z.$_ \\-éauth]{0,12}(auth\\.users|plinth\\.x)?[a-z. ]{0,4}";
    let table = "[a-zA-Z_][a-zA-Z0-9_]{0,8}";
    let schema = prop_oneof![Just("auth"), Just("storage"), Just("plinth"), Just("realtime")];
    prop_oneof![
        inside.prop_map(move |text| same(format!("'{text}'"))),
        inside.prop_map(move |text| same(format!("'{text}''{text}'"))),
        inside.prop_map(move |text| same(format!("\"{text}\""))),
        inside.prop_map(move |text| same(format!("`{text}`"))),
        inside.prop_map(move |text| same(format!("-- {text}\n"))),
        inside.prop_map(move |text| same(format!("/* {text} */"))),
        inside.prop_map(move |text| same(format!("$q${}$q$", text.replace('$', "")))),
        (1_u8..100).prop_map(move |number| same(format!("${number}"))),
        "[0-9]{1,3}".prop_map(same),
        prop_oneof!["select", "where", "x", "users", "auth", "t\\.id", "\\(", "\\)", "=", ",", "::text"].prop_map(same),
        (schema, table).prop_map(|(schema, table)| (format!("{schema}.{table}"), format!("\"{schema}.{table}\""))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_names_are_touched(pieces in prop::collection::vec(piece(), 0..20)) {
        let join = |side: fn(&(String, String)) -> &str| pieces.iter().map(side).collect::<Vec<_>>().join(" ");
        let (sql, expected) = (join(|piece| &piece.0), join(|piece| &piece.1));
        prop_assert_eq!(rewrite(&sql).into_owned(), expected);
    }

    #[test]
    fn a_second_time_changes_nothing(sql in "(auth|plinth|\\.|'|\"|--|\n|/\\*|\\*/|\\$|q|users|[ -~]|é|`|\\[|\\]){0,40}") {
        let once = rewrite(&sql).into_owned();
        prop_assert_eq!(rewrite(&once).into_owned(), once.clone());
    }

    #[test]
    fn any_text_at_all_is_survived(sql in "\\PC{0,200}") {
        let _ = rewrite(&sql);
    }
}
