//! Bodies in chunks: AWS's published examples, any body cut anywhere, and what must be refused.

use bytes::Bytes;
use plinth::aws::{
    Algorithm, Chain, Check, Checksum, ChunkFault, Chunked, Credential, Framing, PathStyle, Signed, sign, verify_head,
};
use plinth::types::{Secret, Timestamp};
use proptest::prelude::*;

/// What signs and what verifies the chunks of one request.
fn chain(payload: &str) -> Chain {
    let now: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
    let check = Check { service: "s3", path: PathStyle::AsSent, now };
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    let mut headers: Vec<(String, String)> =
        [("host", "s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z"), ("x-amz-content-sha256", payload)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
    let signed = Signed { method: "PUT", path: "/examplebucket/chunkObject.txt", query: "", headers: &headers };
    let authorization = sign(&check, "AKIAIOSFODNN7EXAMPLE", &secret, &signed, b"");
    headers.push(("authorization".to_owned(), authorization));
    let signed = Signed { method: "PUT", path: "/examplebucket/chunkObject.txt", query: "", headers: &headers };
    verify_head(&check, &Credential::of(&signed).unwrap(), &secret, &signed).unwrap()
}

fn word(framing: Framing) -> &'static str {
    match framing {
        Framing::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        Framing::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        Framing::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    }
}

/// A body as a client sends it.
fn encoded(framing: Framing, chunks: &[Vec<u8>], trailer: Option<&str>) -> Vec<u8> {
    let mut chain = chain(word(framing));
    let mut body = Vec::new();
    for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()).chain([&Vec::new()]) {
        match framing {
            Framing::UnsignedTrailer => body.extend(format!("{:X}\r\n", chunk.len()).into_bytes()),
            _ => body.extend(format!("{:x};chunk-signature={}\r\n", chunk.len(), chain.sign_chunk(chunk)).into_bytes()),
        }
        if !chunk.is_empty() {
            body.extend_from_slice(chunk);
            body.extend(b"\r\n");
        }
    }
    if let Some(trailer) = trailer {
        body.extend(format!("{trailer}\r\n").into_bytes());
        if framing == Framing::SignedTrailer {
            body.extend(format!("x-amz-trailer-signature:{}\r\n", chain.sign_trailers(&format!("{trailer}\n"))).into_bytes());
        }
    }
    body.extend(b"\r\n");
    body
}

/// A body's bytes, and its trailers.
type Decoded = (Vec<u8>, Vec<(String, String)>);

/// The bytes and trailers of a body that comes in pieces of so many bytes, over and over.
fn decoded(framing: Framing, length: u64, body: &[u8], cuts: &[usize]) -> Result<Decoded, ChunkFault> {
    let mut chunked = Chunked::new(framing, chain(word(framing)), length);
    let (mut rest, mut bytes) = (body, Vec::new());
    for size in cuts.iter().cycle() {
        let (now, later) = rest.split_at(rest.len().min((*size).max(1)));
        let mut input = Bytes::copy_from_slice(now);
        while let Some(piece) = chunked.next(&mut input)? {
            bytes.extend_from_slice(&piece);
        }
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    chunked.finish().map(|trailers| (bytes, trailers))
}

#[test]
fn the_published_example_is_right() {
    let now: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
    let check = Check { service: "s3", path: PathStyle::AsSent, now };
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
        SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
        x-amz-storage-class, Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let headers: Vec<(String, String)> = [
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
        ("authorization", authorization),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let signed = Signed { method: "PUT", path: "/examplebucket/chunkObject.txt", query: "", headers: &headers };
    let credential = Credential::of(&signed).unwrap();
    let mut signer = verify_head(&check, &credential, &secret, &signed).unwrap();
    let chunks = [vec![b'a'; 65_536], vec![b'a'; 1024], Vec::new()];
    let signatures: Vec<String> = chunks.iter().map(|chunk| signer.sign_chunk(chunk)).collect();
    assert_eq!(
        signatures,
        [
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ]
    );
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![Just(Framing::Signed), Just(Framing::SignedTrailer), Just(Framing::UnsignedTrailer)]
}

fn chunks() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_body_is_itself_however_it_is_cut(framing in framing(), chunks in chunks(), cuts in prop::collection::vec(1_usize..200, 1..5)) {
        let whole = chunks.concat();
        let trailer = (framing != Framing::Signed).then_some("x-amz-checksum-crc32:AAAAAA==");
        let body = encoded(framing, &chunks, trailer);
        let (bytes, trailers) = decoded(framing, whole.len() as u64, &body, &cuts).unwrap();
        prop_assert_eq!(bytes, whole);
        prop_assert_eq!(trailers.len(), usize::from(trailer.is_some()));
    }

    #[test]
    fn a_signed_body_that_was_changed_anywhere_is_refused(chunks in chunks(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let whole = chunks.concat();
        let trailer = "x-amz-checksum-crc32:AAAAAA==";
        let mut body = encoded(Framing::SignedTrailer, &chunks, Some(trailer));
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        // A letter's case in a size or a trailer's name, and blanks, mean nothing; the bytes and what is said of them are the same.
        if let Ok((bytes, trailers)) = decoded(Framing::SignedTrailer, whole.len() as u64, &body, &[64]) {
            prop_assert_eq!(bytes, whole);
            prop_assert_eq!(trailers, vec![("x-amz-checksum-crc32".to_owned(), "AAAAAA==".to_owned())]);
        }
    }

    #[test]
    fn a_body_that_broke_off_is_no_whole_one(framing in framing(), chunks in chunks(), at in any::<prop::sample::Index>()) {
        let length = chunks.concat().len() as u64;
        let trailer = (framing != Framing::Signed).then_some("x-amz-checksum-crc32:AAAAAA==");
        let body = encoded(framing, &chunks, trailer);
        let end = at.index(body.len() - 2);
        // All but the trailers, or their end, may have come: whoever waits for one sees that it is not there.
        if let Ok((bytes, _)) = decoded(framing, length, &body[..end], &[50]) {
            prop_assert_eq!(bytes.len() as u64, length);
        }
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let unsigned = |length, body: &str| decoded(Framing::UnsignedTrailer, length, body.as_bytes(), &[7]);
    assert_eq!(unsigned(3, "3\r\nabc\r\n0\r\n\r\n").unwrap().0, b"abc");
    assert_eq!(unsigned(3, "3\nabc\n0\n\n").unwrap().0, b"abc");
    assert_eq!(unsigned(0, "0\r\na:b\n\r\n\r\n").unwrap().1, [("a".to_owned(), "b".to_owned())]);
    for (length, body, fault) in [
        (2, "3\r\nabc\r\n0\r\n\r\n", ChunkFault::Length),
        (4, "3\r\nabc\r\n0\r\n\r\n", ChunkFault::Length),
        (3, "ffffffffffffffff\r\nabc", ChunkFault::Length),
    ] {
        assert_eq!(unsigned(length, body), Err(fault), "{body}");
    }
    let long = format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(2000));
    let many = format!("0\r\n{}\r\n", "a:b\r\n".repeat(9));
    for body in [
        "",
        "3\r\nab",
        "-3\r\nabc",
        "+3\r\nabc",
        "11111111111111111\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\r\n0\r\nno trailer\r\n\r\n",
        &long,
    ] {
        assert!(matches!(unsigned(3, body), Err(ChunkFault::Malformed(_) | ChunkFault::Length)), "{body}");
    }
    for body in [many.as_str(), "0\r\n\r\nmore", "0\r\nx-amz-trailer-signature:00\r\n\r\n"] {
        assert!(matches!(unsigned(0, body), Err(ChunkFault::Malformed(_))), "{body}");
    }
    assert_eq!(decoded(Framing::Signed, 3, b"3\r\nabc\r\n0\r\n\r\n", &[9]), Err(ChunkFault::Signature));
    let unproven = encoded(Framing::Signed, &[b"abc".to_vec()], None);
    assert_eq!(decoded(Framing::SignedTrailer, 3, &unproven, &[9]).unwrap_err(), ChunkFault::Signature);
}

#[test]
fn checksums_are_those_of_everybody_else() {
    for (algorithm, expected) in [
        (Algorithm::Crc32, "y/Q5Jg=="),
        (Algorithm::Crc32c, "4waSgw=="),
        (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
        (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
    ] {
        let checksum = Checksum::of(algorithm, b"123456789");
        assert_eq!(checksum.to_string(), expected);
        assert_eq!(algorithm.read(&checksum.to_string()), Some(checksum.clone()));
        assert_eq!(algorithm.read("AA=="), None);
        if algorithm.combines() {
            let parts = [Checksum::of(algorithm, b"1234"), Checksum::of(algorithm, b"56789")];
            assert_eq!(Checksum::combined(algorithm, [(&parts[0], 4), (&parts[1], 5)]), Some(checksum));
        }
    }
}
