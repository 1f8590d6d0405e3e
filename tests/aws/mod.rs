//! Signatures: AWS's published examples, what botocore computes for harder requests, and what must be refused.

mod chunked;
mod parser;

use plinth::aws::{Check, Credential, PathStyle, Refused, Signed, sign, verify};
use plinth::types::{Secret, Timestamp};

const KEY_ID: &str = "AKIDEXAMPLE";

fn secret() -> Secret<String> {
    Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned())
}

/// The moment of AWS's examples.
fn then() -> Timestamp {
    "2015-08-30T12:36:00Z".parse().unwrap()
}

/// A request as the server sees it.
#[derive(Clone, Debug)]
struct Request {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn new(method: &'static str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { method, path: path.to_owned(), query: query.to_owned(), headers, body: Vec::new() }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    fn authorized(self, service: &str, signed: &str, signature: &str) -> Self {
        let scope = format!("20150830/us-east-1/{service}/aws4_request");
        let value = format!("AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={signed}, Signature={signature}");
        self.header("authorization", &value)
    }

    fn signed(&self) -> Signed<'_> {
        Signed { method: self.method, path: &self.path, query: &self.query, headers: &self.headers }
    }

    fn verified(&self, check: &Check<'_>) -> Result<(), Refused> {
        let credential = Credential::of(&self.signed())?;
        assert_eq!(credential.access_key_id, KEY_ID);
        verify(check, &credential, &secret(), &self.signed(), &self.body)
    }
}

fn check() -> Check<'static> {
    Check { service: "service", path: PathStyle::Encoded, now: then() }
}

#[test]
fn published_and_computed_signatures_are_right() {
    let plain = "host;x-amz-date";
    let cases = [
        // AWS's test suite: get-vanilla, get-vanilla-query-order-key-case, post-vanilla, post-x-www-form-urlencoded.
        (Request::new("GET", "/"), plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            Request::new("GET", "/?Param2=value2&Param1=value1"),
            plain,
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (Request::new("POST", "/"), plain, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            Request::new("POST", "/").header("content-type", "application/x-www-form-urlencoded").body(b"Param1=value1"),
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        // Computed by botocore 1.44.
        (Request::new("GET", "/%E1%88%B4"), plain, "697b34846207a3f72246f99d74ae1ee4fe54f44bb06730c58a0d339eb079596d"),
        (
            Request::new("GET", "/").header("my-header1", "  a   b   c "),
            "host;my-header1;x-amz-date",
            "6ff6bc3cebca8811504dc903f3a072c310d9f48f8ee5c0b08115052209439e1b",
        ),
        (Request::new("GET", "/a//b/./c/../d"), plain, "7e6c4a07bedef5eb5c0a8cac2b78a1a9d20ad6c05e58ef76ae2d9b390b409cda"),
        (
            Request::new(
                "GET",
                "/2015-03-31/functions/arn%3Aaws%3Alambda%3Alocal%3A000000000000%3Afunction%3Af?Qualifier=%24LATEST",
            ),
            plain,
            "1c604c287108bcdbf1a596b8d2a74cc5ccbc3842fb2b2f3c2fc24e43ab52182c",
        ),
    ];
    for (request, signed, signature) in cases {
        let request = request.authorized("service", signed, signature);
        assert_eq!(request.verified(&check()), Ok(()), "{request:?}");
    }
}

#[test]
fn s3_takes_the_path_as_it_is_sent() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let request = Request::new("GET", "/a//b/../c%20d?y=1").header("x-amz-content-sha256", empty).authorized(
        "s3",
        "host;x-amz-content-sha256;x-amz-date",
        "88fc18b457632956b20367224f30930d67b7c38e7316573507bfca8daa988b36",
    );
    let s3 = Check { service: "s3", path: PathStyle::AsSent, now: then() };
    assert_eq!(request.verified(&s3), Ok(()));
    let other = Check { path: PathStyle::Encoded, ..s3 };
    assert_eq!(request.verified(&other), Err(Refused::Mismatch));
}

#[test]
fn a_presigned_query_holds_for_as_long_as_it_says() {
    let target = "/x?y=1&X-Amz-Algorithm=AWS4-HMAC-SHA256\
                  &X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z\
                  &X-Amz-Expires=60&X-Amz-SignedHeaders=host\
                  &X-Amz-Signature=ee6f2078f37d467bc85227d2e10e7cc5939ea69cdfdceafc6aa70c34d5f91c2e";
    let mut request = Request::new("GET", target);
    request.headers.retain(|(name, _)| name == "host");
    assert_eq!(request.verified(&check()), Ok(()));
    let at = |seconds| Check { now: then().plus(std::time::Duration::from_secs(seconds)), ..check() };
    assert_eq!(request.verified(&at(60)), Ok(()));
    assert!(matches!(request.verified(&at(61)), Err(Refused::Expired(message)) if message.starts_with("Signature expired")));
    request.query = request.query.replace("y=1", "y=2");
    assert_eq!(request.verified(&check()), Err(Refused::Mismatch));
}

/// A request that this program signed itself.
fn own() -> Request {
    let request = Request::new("POST", "/2015-03-31/functions?b=2&a=1").header("x-amz-extra", "1").body(b"{}");
    let header = sign(&check(), KEY_ID, &secret(), &request.signed(), &request.body);
    request.header("authorization", &header)
}

#[test]
fn whatever_is_changed_of_a_request_is_noticed() {
    assert_eq!(own().verified(&check()), Ok(()));
    let changes: [fn(&mut Request); 6] = [
        |request| request.method = "PUT",
        |request| request.path.push_str("/x"),
        |request| request.query = "b=3&a=1".to_owned(),
        |request| request.body = b"[]".to_vec(),
        |request| request.headers[0].1 = "other.example".to_owned(),
        |request| request.headers[2].1 = "2".to_owned(),
    ];
    for change in changes {
        let mut request = own();
        change(&mut request);
        assert_eq!(request.verified(&check()), Err(Refused::Mismatch), "{request:?}");
    }
    let mut reordered = own();
    reordered.query = "a=1&b=2".to_owned();
    assert_eq!(reordered.verified(&check()), Ok(()), "the order of parameters is not signed");
}

#[test]
fn a_request_is_good_for_fifteen_minutes_around_its_date() {
    let minutes = |minutes: u64| std::time::Duration::from_secs(minutes * 60);
    for (now, good) in [
        (then().plus(minutes(15)), true),
        (then().plus(minutes(16)), false),
        (then().minus(minutes(15)), true),
        (then().minus(minutes(16)), false),
    ] {
        let verified = own().verified(&Check { now, ..check() });
        assert_eq!(verified.is_ok(), good, "{now}: {verified:?}");
        if let Err(refused) = verified {
            assert_eq!(refused.code(), "InvalidSignatureException");
        }
    }
}

#[test]
fn headers_that_say_what_is_done_must_be_signed() {
    let unsigned = own().header("x-amz-invocation-type", "Event");
    assert!(
        matches!(unsigned.verified(&check()), Err(Refused::UnsignedHeader(message)) if message.contains("x-amz-invocation-type"))
    );
    let others = own().header("user-agent", "x").header("content-length", "2");
    assert_eq!(others.verified(&check()), Ok(()), "a proxy may add plain headers");
}

#[test]
fn a_body_must_be_the_one_that_is_named() {
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    for (named, body, expected) in
        [(hash, b"{}".as_slice(), Ok(())), (hash, b"[]", Err(Refused::OtherBody)), ("UNSIGNED-PAYLOAD", b"[]", Ok(()))]
    {
        let request = Request::new("POST", "/").header("x-amz-content-sha256", named);
        // What is signed is the name, so the signature is made over a body that has it.
        let text = authorization_over(&request, named);
        let request = request.header("authorization", &text).body(body);
        assert_eq!(request.verified(&check()), expected, "{named}");
    }
}

/// Signatures over the three requests above, as botocore makes them.
fn authorization_over(request: &Request, named: &str) -> String {
    let signature = match named {
        "UNSIGNED-PAYLOAD" => "05e1b307416f2cbcf15dd86269efd55537182ee4416101af58762e96bba470bb",
        _ => "5b44b333e6121a5f356e62b8b10ab906f5b61303a9ec54e6527a5e698a33360d",
    };
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "x-amz-date", "x-amz-content-sha256"]);
    format!(
        "AWS4-HMAC-SHA256 Credential={KEY_ID}/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
    )
}
