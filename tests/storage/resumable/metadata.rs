//! `Upload-Metadata`: pairs are taken as tus has them, and anything else is refused.

use plinth::storage::model::{MAX_UPLOAD_METADATA, UploadMetadata};
use proptest::prelude::*;

#[test]
fn pairs_are_taken_as_clients_send_them() {
    let parsed = UploadMetadata::parse("bucketName YXZhdGFycw==, objectName YS9i ,flag,empty ,short YQ").unwrap();
    assert_eq!(parsed.text("bucketName"), Ok(Some("avatars")));
    assert_eq!(parsed.text("objectName"), Ok(Some("a/b")));
    assert_eq!((parsed.get("flag"), parsed.get("empty"), parsed.get("none")), (Some(&b""[..]), Some(&b""[..]), None));
    assert_eq!(parsed.text("short"), Ok(Some("a")), "some leave the padding out");
    assert_eq!(UploadMetadata::parse(""), Ok(UploadMetadata::default()));
    assert!(UploadMetadata::parse("a /w==").unwrap().text("a").is_err(), "no UTF-8");
}

#[test]
fn what_is_none_is_refused() {
    let many = (0..33).map(|at| format!("key{at}")).collect::<Vec<_>>().join(",");
    let long = format!("a {}", "A".repeat(MAX_UPLOAD_METADATA));
    for header in ["a YQ==,a YQ==", "a,", ",", "a b c", "a %%", "ä YQ==", "a Y", many.as_str(), long.as_str()] {
        assert!(UploadMetadata::parse(header).is_err(), "{header:?}");
    }
}

proptest! {
    /// Whatever is sent, what is taken is written out as something that means the same.
    #[test]
    fn what_is_taken_is_written_as_it_was_meant(header in "([a-zA-Z!.]{0,3} ?[A-Za-z0-9+/]{0,6}={0,2},? ?){0,5}|\\PC{0,60}") {
        if let Ok(parsed) = UploadMetadata::parse(&header) {
            prop_assert_eq!(UploadMetadata::parse(&parsed.to_string()), Ok(parsed));
        }
    }
}
