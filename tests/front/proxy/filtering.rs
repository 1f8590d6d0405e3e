//! Whatever headers there are, those of a connection do not cross, and the others do.

use plinth::front::untrusted::headers_passed_on;
use proptest::prelude::*;

const OF_CONNECTION: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

const SAID_BY_US: [&str; 9] = [
    "host",
    "content-length",
    "expect",
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-plinth-hops",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&OF_CONNECTION[..]).prop_map(str::to_owned),
        prop::sample::select(&SAID_BY_US[..]).prop_map(str::to_owned),
        prop::sample::select(&SAID_BY_US[..]).prop_map(|name| name.replace('-', "_")),
        "x-[a-e]",
        "[a-zA-Z][a-zA-Z0-9_.-]{0,12}",
    ]
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let value = prop_oneof!["[ -~]{0,20}", (name(), name()).prop_map(|(one, two)| format!("{one} , {two}"))];
    prop::collection::vec((name(), value), 0..20)
}

proptest! {
    #[test]
    fn only_end_to_end_headers_reach_the_upstream(headers in headers()) {
        let named: Vec<String> = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
            .flat_map(|(_, value)| value.split(',').map(|token| token.trim().to_ascii_lowercase()).collect::<Vec<_>>())
            .collect();
        let crosses = |name: &str| {
            let name = name.to_ascii_lowercase();
            !OF_CONNECTION.contains(&name.as_str())
                && !SAID_BY_US.contains(&name.replace('_', "-").as_str())
                && !named.contains(&name)
        };
        let passed = headers_passed_on(&headers);
        for (name, _) in &passed {
            prop_assert!(crosses(name), "{name} reached the upstream");
        }
        let mut expected: Vec<(String, String)> = headers
            .iter()
            .filter(|(name, _)| crosses(name) && !name.eq_ignore_ascii_case("cookie"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        let mut passed: Vec<_> = passed.into_iter().filter(|(name, _)| name != "cookie").collect();
        expected.sort();
        passed.sort();
        prop_assert_eq!(passed, expected);
    }
}

#[test]
fn cookies_that_came_apart_are_one_header() {
    let apart = [("cookie", "a=1"), ("cookie", "b=2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(headers_passed_on(&apart), [("cookie".to_owned(), "a=1; b=2".to_owned())]);
}
