//! Bodies in chunks (aws-chunked): whatever comes, and however it is cut, is taken apart the same, within the length that was declared.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use plinth::aws::{Chain, Check, Chunked, Credential, Framing, PathStyle, Signed, sign, verify_head};
use plinth::types::{Secret, Timestamp};

/// The chain of a request that was signed.
static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a moment");
    let check = Check { service: "s3", path: PathStyle::AsSent, now };
    let secret = Secret::new("secret".to_owned());
    let mut headers: Vec<(String, String)> =
        [("host", "x"), ("x-amz-date", "20260102T030405Z"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
    let request = Signed { method: "PUT", path: "/a", query: "", headers: &headers };
    let authorization = sign(&check, "id", &secret, &request, b"");
    headers.push(("authorization".to_owned(), authorization));
    let signed = Signed { method: "PUT", path: "/a", query: "", headers: &headers };
    let credential = Credential::of(&signed).expect("a credential");
    verify_head(&check, &credential, &secret, &signed).expect("a signature that holds")
});

fn decoded(framing: Framing, length: u64, body: &[u8], cut: usize) -> Option<Vec<u8>> {
    let mut chunked = Chunked::new(framing, CHAIN.clone(), length);
    let mut bytes = Vec::new();
    for piece in body.chunks(cut.max(1)) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(part) = chunked.next(&mut input).ok()? {
            bytes.extend_from_slice(&part);
            assert!(bytes.len() as u64 <= length, "more came than was declared");
        }
    }
    chunked.finish().ok().map(|_| bytes)
}

fuzz_target!(|input: &[u8]| {
    let [kind, length, cut, body @ ..] = input else { return };
    let framing = [Framing::Signed, Framing::SignedTrailer, Framing::UnsignedTrailer][usize::from(kind % 3)];
    let whole = decoded(framing, u64::from(*length), body, body.len());
    assert_eq!(whole, decoded(framing, u64::from(*length), body, usize::from(*cut)), "it depends on where it was cut");
});
