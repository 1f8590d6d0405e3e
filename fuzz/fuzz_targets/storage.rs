//! Names of objects and `Upload-Metadata`: what is taken is its own form, stays in its bucket, and is written as it was meant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plinth::storage::model::{BucketName, MAX_NAME, MediaType, ObjectName, UploadMetadata};

fuzz_target!(|text: &str| {
    if let Ok(name) = ObjectName::parse(text) {
        assert!(name.as_str().len() <= MAX_NAME);
        assert!(name.as_str().split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
        assert_eq!(ObjectName::parse(name.as_str()), Ok(name));
    }
    if let Ok(prefix) = ObjectName::parse_prefix(text) {
        assert!(prefix.len() <= MAX_NAME && !prefix.starts_with('/'));
    }
    if let Ok(name) = BucketName::parse(text) {
        assert!(!name.as_str().contains('/'));
    }
    if let Some(media) = MediaType::parse(text) {
        assert!(!media.as_str().contains(['\r', '\n', '\0']));
    }
    if let Ok(metadata) = UploadMetadata::parse(text) {
        assert_eq!(UploadMetadata::parse(&metadata.to_string()), Ok(metadata));
    }
});
