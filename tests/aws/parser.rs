//! What a request says of its signature, read from any text.

use plinth::aws::{Credential, Refused, Signed};
use proptest::prelude::*;

fn of_header(header: &str) -> Result<Credential, Refused> {
    let headers = [
        ("host".to_owned(), "h".to_owned()),
        ("x-amz-date".to_owned(), "20260102T030405Z".to_owned()),
        ("authorization".to_owned(), header.to_owned()),
    ];
    Credential::of(&Signed { method: "GET", path: "/", query: "", headers: &headers })
}

fn of_query(query: &str) -> Result<Credential, Refused> {
    Credential::of(&Signed { method: "GET", path: "/", query, headers: &[] })
}

const GOOD: &str = "AWS4-HMAC-SHA256 Credential=A/20260102/r/lambda/aws4_request, SignedHeaders=host;x-amz-date, \
                    Signature=0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn each_missing_or_malformed_part_is_named() {
    assert!(of_header(GOOD).is_ok());
    assert!(of_header(&GOOD.replace(", ", ",")).is_ok(), "blanks between the parts may be left out");
    for (header, told) in [
        (GOOD.replace("Credential=A", "Credentials=A"), "key=value"),
        (GOOD.replace("SignedHeaders=host;x-amz-date, ", ""), "'SignedHeaders'"),
        (GOOD.split(", Signature").next().unwrap().to_owned(), "'Signature'"),
        (GOOD.replace("A/20260102/r/lambda/aws4_request", "A/20260102/lambda/aws4_request"), "5 slash-delimited"),
        (GOOD.replace("host;x-amz-date", "x-amz-date;host"), "alphabetical"),
        (GOOD.replace("SHA256", "SHA512"), "algorithm"),
        (format!("{GOOD}, Signature=00"), "key=value"),
    ] {
        match of_header(&header) {
            Err(Refused::Incomplete(message)) => assert!(message.contains(told), "{header}: {message}"),
            other => panic!("{header}: {other:?}"),
        }
    }
    assert_eq!(of_header("Bearer abc"), Err(Refused::Missing));
    assert_eq!(of_query(""), Err(Refused::Missing));
    assert!(matches!(of_header(&GOOD.replace("aws4_request", "aws5_request")), Err(Refused::OutOfScope(_))));
    assert!(matches!(of_header(&GOOD.replace("20260102", "20260103")), Err(Refused::OutOfScope(_))));
    assert_eq!(of_header(&GOOD.replace("Signature=0000", "Signature=zz")), Err(Refused::Mismatch));
}

#[test]
fn a_presigned_query_needs_all_its_parts() {
    let all = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20260102/r/lambda/aws4_request&X-Amz-Date=20260102T030405Z\
               &X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=\
               0000000000000000000000000000000000000000000000000000000000000000";
    assert!(of_query(all).is_ok());
    for part in ["X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"] {
        let without = all.split('&').filter(|pair| !pair.starts_with(part)).collect::<Vec<_>>().join("&");
        assert!(matches!(of_query(&without), Err(Refused::Incomplete(message)) if message.contains(part)), "{part}");
    }
    for expires in ["0", "604801", "-1", "x"] {
        let wrong = all.replace("Expires=60", &format!("Expires={expires}"));
        assert!(matches!(of_query(&wrong), Err(Refused::Incomplete(_))), "{expires}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(header in "\\PC{0,200}", query in "\\PC{0,200}") {
        let _ = of_header(&header);
        let _ = of_header(&format!("AWS4-HMAC-SHA256 {header}"));
        let _ = of_query(&query);
        let _ = of_query(&format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&{query}"));
    }

    #[test]
    fn any_good_credential_is_read_as_it_is(id in "[A-Z0-9]{4,40}", region in "[a-z0-9-]{1,20}", signature in "[0-9a-f]{64}") {
        let header = format!(
            "AWS4-HMAC-SHA256 Credential={id}/20260102/{region}/lambda/aws4_request, SignedHeaders=host, Signature={signature}"
        );
        prop_assert_eq!(of_header(&header).unwrap().access_key_id, id);
    }
}
