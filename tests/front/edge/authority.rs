//! Whose a request of HTTP/2 is: `:authority` and `Host` say one host, or nobody answers for it.

use super::h2::{self, H2, frame};
use super::listeners;
use super::pki::issue;
use crate::support::TestApp;

/// The header block of a GET that names these hosts.
fn asking(authority: Option<&str>, hosts: &[&str]) -> Vec<u8> {
    let mut block = Vec::new();
    for (index, value) in [(2, "GET"), (6, "https"), (4, "/")] {
        h2::indexed(&mut block, index, value);
    }
    if let Some(authority) = authority {
        h2::indexed(&mut block, 1, authority);
    }
    for host in hosts {
        h2::header(&mut block, "host", host);
    }
    block
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_of_http2_is_for_one_host() {
    let folder = tempfile::tempdir().unwrap();
    let issued = issue(folder.path(), "one", &["a.example"], 90);
    let site =
        |host: &str, status: u16| format!("[[sites]]\nhosts = \"{host}\"\n[[sites.routes]]\npath = \"/\"\nstatus = {status}\n");
    let listener = format!("[[listeners]]\naddress = \"127.0.0.1:0\"\n{}", issued.table());
    let app = TestApp::start_with(&[listener, site("a.example", 204), site("b.example", 404)].concat()).await;
    let address = listeners(&app).await.remove(0);
    let mut h2 = H2::open(&address, "a.example", &issued).await;
    // An answer's head begins with its status, from the table that everybody has (RFC 7541, appendix A).
    let (of_a, of_b, refused) = (0x89, 0x8d, 0x8c);
    let cases: [(Option<&str>, &[&str], u8); 9] = [
        (Some("a.example"), &[], of_a),
        (Some("B.Example.:443"), &[], of_b),
        (Some("b.example"), &["B.EXAMPLE"], of_b),
        (None, &["b.example"], of_b),
        (Some("a.example"), &["b.example"], refused),
        (Some("b.example"), &["a.example"], refused),
        (Some("a.example"), &["a.example", "a.example"], refused),
        (None, &["a.example", "b.example"], refused),
        (None, &[], refused),
    ];
    for (stream, (authority, hosts, status)) in (0..).map(|number| number * 2 + 1).zip(cases) {
        let head = frame(h2::HEADERS, h2::END_STREAM | h2::END_HEADERS, stream, &asking(authority, hosts));
        h2.send(&head).await.unwrap();
        let answer = h2.until(h2::HEADERS).await.unwrap_or_else(|| panic!("no answer to {authority:?} {hosts:?}"));
        assert_eq!((answer.stream, answer.payload[0]), (stream, status), "{authority:?} {hosts:?}");
    }
}
