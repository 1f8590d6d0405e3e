//! Whose request it is: what proxies say is believed from those that are trusted, from the right.

use actix_web::test::TestRequest;
use plinth::front::client::Client;

fn client(peer: &str, headers: &[(&str, &str)], trusted: &[&str]) -> (String, &'static str, String) {
    let mut request = TestRequest::get().uri("/").insert_header(("host", "own.example"));
    request = request.peer_addr(format!("{peer}:4711").parse().unwrap());
    for (name, value) in headers {
        request = request.append_header((*name, *value));
    }
    let trusted: Vec<_> = trusted.iter().map(|network| network.parse().unwrap()).collect();
    let Client { address, scheme, host } = Client::of(&request.to_http_request(), &trusted);
    (address.to_string(), scheme, host)
}

fn own(address: &str) -> (String, &'static str, String) {
    (address.to_owned(), "http", "own.example".to_owned())
}

#[test]
fn nobody_is_believed_unless_trusted() {
    let said = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "other.example")];
    assert_eq!(client("9.9.9.9", &said, &[]), own("9.9.9.9"));
    assert_eq!(client("9.9.9.9", &said, &["10.0.0.0/8"]), own("9.9.9.9"));
    assert_eq!(client("10.0.0.1", &said, &["10.0.0.0/8"]), ("1.2.3.4".to_owned(), "https", "other.example".to_owned()));
}

#[test]
fn addresses_are_walked_from_the_right_to_the_first_that_is_not_trusted() {
    let trusted = ["10.0.0.0/8", "2001:db8::/32"];
    let of = |value: &str| client("10.0.0.1", &[("x-forwarded-for", value)], &trusted).0;
    assert_eq!(of("6.6.6.6, 1.2.3.4, 10.0.0.9"), "1.2.3.4", "what the client itself wrote is not believed");
    assert_eq!(of("10.1.1.1, 10.0.0.9"), "10.1.1.1", "where all are trusted, the farthest");
    assert_eq!(of("6.6.6.6, junk, 10.0.0.9"), "10.0.0.9", "what cannot be read ends the walk");
    assert_eq!(of("1.2.3.4:5678"), "1.2.3.4");
    assert_eq!(of("[2001:db8::7]:443, 10.0.0.2"), "2001:db8::7");
    assert_eq!(of("::ffff:1.2.3.4"), "1.2.3.4");
    let twice = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")];
    assert_eq!(client("10.0.0.1", &twice, &trusted).0, "1.2.3.4", "several headers are one list");
}

#[test]
fn forwarded_says_the_same_where_the_others_are_not_there() {
    let value = "for=6.6.6.6, for=\"[2001:db9::1]:99\";proto=https;host=front.example";
    let found = client("10.0.0.1", &[("forwarded", value)], &["10.0.0.0/8"]);
    assert_eq!(found, ("2001:db9::1".to_owned(), "https", "front.example".to_owned()));
    let unknown = client("10.0.0.1", &[("forwarded", "for=unknown;proto=gopher;host=\"a b\"")], &["10.0.0.0/8"]);
    assert_eq!(unknown, own("10.0.0.1"));
}

#[test]
fn a_mapped_address_is_the_one_it_stands_for() {
    assert_eq!(client("[::ffff:10.0.0.1]", &[("x-forwarded-for", "1.2.3.4")], &["10.0.0.0/8"]).0, "1.2.3.4");
}
