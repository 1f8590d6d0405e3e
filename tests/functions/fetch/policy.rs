//! The rules over addresses and names, by themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plinth::functions::egress::{Class, Route, classify, hops_of, route};
use plinth::functions::model::Network;
use proptest::prelude::*;
use reqwest::Url;

fn class_of(address: &str) -> Class {
    classify(address.parse().expect("an address"))
}

fn decide(url: &str, network: &Network) -> Result<Route, String> {
    route(&Url::parse(url).expect("a URL"), network, |url| url.host_str() == Some("own.example"))
        .map_err(|refusal| refusal.to_string())
}

#[test]
fn every_kind_of_address_is_known() {
    for public in ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"] {
        assert_eq!(class_of(public), Class::Public, "{public}");
    }
    for private in
        ["10.1.2.3", "127.9.9.9", "172.31.255.255", "192.168.0.1", "100.64.0.1", "198.19.0.1", "::1", "fd00::1", "fec0::1"]
    {
        assert!(matches!(class_of(private), Class::Private(_)), "{private}");
    }
    for never in [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "192.0.0.8",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "5f00::1",
        "4000::1",
        "2001:10::1",
    ] {
        assert!(matches!(class_of(never), Class::Never(_)), "{never}");
    }
}

#[test]
fn lists_have_names_subdomains_addresses_and_ports() {
    let list = |entries: &[&str]| Network::Hosts(entries.iter().map(|entry| (*entry).to_owned()).collect());
    let network = list(&["api.example.com", "*.example.org", "10.0.0.5", "[fd00::5]", "db.example.net:5000", "fd00::6"]);
    for allowed in [
        "https://api.example.com/x",
        "http://API.example.com.:8080/",
        "https://a.example.org",
        "https://a.b.example.org",
        "http://10.0.0.5/",
        "http://0xa.5/",
        "http://[fd00::5]:99/",
        "http://db.example.net:5000",
        "http://[fd00::6]",
    ] {
        assert_eq!(decide(allowed, &network), Ok(Route::Listed), "{allowed}");
    }
    for refused in [
        "https://example.com",
        "https://xapi.example.com",
        "https://example.org",
        "https://xexample.org",
        "https://.example.org",
        "http://10.0.0.6/",
        "http://db.example.net",
        "https://api.example.com.evil.net",
        "http://[::ffff:10.0.0.5]/",
    ] {
        assert!(decide(refused, &network).is_err_and(|why| why.contains("not in the function's list")), "{refused}");
    }
    // A list reaches what is private, and nothing that is nobody's.
    assert!(decide("http://169.254.169.254/", &list(&["169.254.169.254"])).is_err());
    assert_eq!(decide("https://own.example/", &network), Ok(Route::Own));
    assert!(decide("https://own.example/", &Network::None).is_err());
    assert!(decide("ftp://example.com/", &Network::Public).is_err());
}

#[test]
fn hops_that_cannot_be_read_are_too_many() {
    assert_eq!(
        [hops_of(None), hops_of(Some(b"3")), hops_of(Some(b"x")), hops_of(Some(b"-1")), hops_of(Some(b"999"))],
        [0, 3, 255, 255, 255]
    );
}

/// How an IPv6 address carries an IPv4 one.
fn carriers(v4: Ipv4Addr) -> [Ipv6Addr; 6] {
    let [a, b, c, d] = v4.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    [
        v4.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
        Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0, !high, !low),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_address_in_another_is_no_better_for_it(v4 in any::<u32>()) {
        let v4 = Ipv4Addr::from(v4);
        if classify(IpAddr::V4(v4)) != Class::Public {
            for carrier in carriers(v4) {
                prop_assert!(classify(IpAddr::V6(carrier)) != Class::Public, "{carrier} carries {v4}");
            }
        }
    }

    #[test]
    fn what_the_standard_library_knows_as_local_is_never_public(v4 in any::<u32>(), v6 in any::<u128>()) {
        let (v4, v6) = (Ipv4Addr::from(v4), Ipv6Addr::from(v6));
        if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified() || v4.is_documentation() {
            prop_assert!(classify(IpAddr::V4(v4)) != Class::Public, "{v4}");
        }
        if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() || v6.is_loopback() || v6.is_unspecified() {
            prop_assert!(classify(IpAddr::V6(v6)) != Class::Public, "{v6}");
        }
    }

    #[test]
    fn no_private_address_is_reached_however_it_is_written(low in any::<[u8; 3]>(), first in prop::sample::select(vec![10_u8, 127, 0])) {
        let address = u32::from_be_bytes([first, low[0], low[1], low[2]]);
        let [a, b, c, d] = address.to_be_bytes();
        for host in [
            format!("{a}.{b}.{c}.{d}"), format!("{address}"), format!("0x{address:x}"), format!("0{address:o}"),
            format!("0x{a:x}.{b}.0{c:o}.{d}"), format!("{a}.{}", address & 0x00ff_ffff), format!("[::ffff:{a}.{b}.{c}.{d}]"),
        ] {
            let decided = decide(&format!("http://{host}/"), &Network::Public);
            prop_assert!(decided.is_err(), "{host}: {decided:?}");
        }
    }

    #[test]
    fn no_list_and_no_address_upset_the_rules(host in "[a-z0-9.*:\\[\\]-]{0,30}", entry in "[a-z0-9.*:\\[\\]_-]{0,30}") {
        if let Ok(url) = Url::parse(&format!("http://{host}/")) {
            let _ = route(&url, &Network::Hosts(vec![entry]), |_| false);
        }
    }
}
