//! Generated expressions over a small table: SQLite and PostgreSQL give equal answers, or both refuse.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::fixture::SERVICE;
use super::queries;

/// How many are tried.
const CASES: usize = 250;

/// A boolean expression, as text.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("done".to_owned()),
        Just("n is null".to_owned()),
        (integer(), comparison(), integer()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
        (number(), comparison(), number()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
        (text(), comparison(), text()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
        (text(), prop_oneof![Just("like"), Just("ilike")], "[a-zA%_]{0,4}").prop_map(|(l, op, r)| format!("({l} {op} '{r}')")),
        (moment(), comparison(), moment()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
        (integer(), prop::collection::vec(-3..9, 1..12)).prop_map(|(l, list)| {
            format!("({l} in ({}))", list.iter().map(i32::to_string).collect::<Vec<_>>().join(", "))
        }),
        (number(), number()).prop_map(|(l, r)| format!("({l} is distinct from {r})")),
        integer().prop_map(|l| format!("({l} = any(numbers))")),
        integer().prop_map(|l| format!("({l} <> all(numbers))")),
        text().prop_map(|l| format!("({l} = any(tags))")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} and {r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} or {r})")),
            inner.clone().prop_map(|e| format!("(not {e})")),
            inner.clone().prop_map(|e| format!("({e} is true)")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(case when {a} then {b} else {c} end)")),
        ]
    })
}

fn comparison() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("="), Just("<>"), Just("<"), Just("<="), Just(">"), Just(">=")]
}

fn integer() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("n".to_owned()),
        Just("id".to_owned()),
        Just("length(title)".to_owned()),
        Just("null::int".to_owned()),
        (-5..9).prop_map(|n| format!("({n})")),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")], inner.clone())
                .prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            inner.clone().prop_map(|e| format!("abs({e})")),
            inner.clone().prop_map(|e| format!("(- {e})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("coalesce({l}, {r})")),
            (inner.clone(), inner).prop_map(|(l, r)| format!("greatest({l}, {r})")),
        ]
    })
}

fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("price".to_owned()),
        Just("any_number".to_owned()),
        (-300..900_i32).prop_map(|n| format!("({}::numeric)", f64::from(n) / 100.0)),
        integer().prop_map(|e| format!("({e})::numeric")),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")], inner.clone())
                .prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            inner.clone().prop_map(|e| format!("round({e}, 1)")),
            inner.clone().prop_map(|e| format!("floor({e})")),
            (inner.clone(), inner).prop_map(|(l, r)| format!("nullif({l}, {r})")),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("title".to_owned()),
        Just("short".to_owned()),
        "[a-zA-Z é%]{0,3}".prop_map(|text| format!("'{text}'::text")),
        integer().prop_map(|e| format!("({e})::text")),
        number().prop_map(|e| format!("({e})::text")),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l} || {r})")),
            (inner.clone(), -2..5, 0..4).prop_map(|(e, from, n)| format!("substring({e}, {from}, {n})")),
            (inner.clone(), -3..4).prop_map(|(e, n)| format!("left({e}, {n})")),
            inner.clone().prop_map(|e| format!("reverse({e})")),
            (inner.clone(), inner).prop_map(|(l, r)| format!("replace({l}, 'a', {r})")),
        ]
    })
}

fn moment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("at".to_owned()),
        Just("now()".to_owned()),
        (1..28, -20..20).prop_map(|(day, n)| format!("('2026-02-{day:02} 10:00:00+00'::timestamptz + interval '{n} days')")),
        Just("date_trunc('month', at)".to_owned()),
        Just("(day::timestamptz)".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_conditions_pick_the_same_rows() {
    let both = queries::filled().await;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let conditions = condition();
    let (mut wrong, mut answered) = (Vec::new(), 0);
    for _ in 0..CASES {
        let condition = conditions.new_tree(&mut runner).expect("a condition").current();
        let (postgres, sqlite) = both.answers(&format!("select id, {condition} as c from things order by id"), &SERVICE).await;
        answered += usize::from(postgres.is_ok());
        // Where one row's value is refused and another's is not, which is met first is the database's business.
        if postgres != sqlite && !(postgres.is_err() && sqlite.is_err()) {
            wrong.push(format!("{condition}: PostgreSQL {postgres:?}, SQLite {sqlite:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(answered > CASES / 2, "most of them must be answered: {answered} of {CASES}");
}
