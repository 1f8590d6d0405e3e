//! `[storage]`: where files' bytes are kept, and their limits.

use std::time::Duration;

use super::Config;
use super::setting::Setting;
use crate::types::Secret;

/// Where files' bytes are kept, and their limits.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    pub backend: Backend,
    /// For S3: the store's address; AWS's own when there is none.
    pub endpoint: Option<String>,
    /// For S3: the bucket that holds everything.
    pub bucket: Option<String>,
    pub region: String,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Secret<String>>,
    /// For S3: whether the bucket is a part of the path rather than of the host's name.
    pub path_style: bool,
    /// For S3: how long the store may say nothing.
    pub timeout: Duration,
    /// Bytes of one object.
    pub max_object_size: u64,
    /// How long bytes are kept that no object has any more.
    pub grace: Duration,
    /// How often such bytes are looked for.
    pub collect_every: Duration,
    /// Bytes of all objects of a bucket that says no quota of its own.
    pub bucket_quota: Option<u64>,
    /// How long a resumable upload may take.
    pub upload_lifetime: Duration,
    /// Whether HTML, SVG, scripts and their like are shown by browsers instead of being saved.
    pub active_inline: bool,
}

/// Where bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The data folder.
    #[default]
    Disk,
    /// A store that speaks S3's protocol.
    S3,
}

/// What settings must hold together: the setting that is wrong, and what is allowed.
pub(super) fn faults(config: &Config) -> Vec<(&'static str, &'static str)> {
    let storage = &config.storage;
    let mut faults = Vec::new();
    if storage.backend == Backend::S3 && storage.bucket.is_none() {
        faults.push(("storage.bucket", "must be set when storage.backend is \"s3\""));
    }
    if storage.access_key_id.is_some() != storage.secret_access_key.is_some() {
        faults.push(("storage.access_key_id", "and storage.secret_access_key go together: set both or neither"));
    }
    faults
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "storage.backend",
        env: "PLINTH_STORAGE_BACKEND",
        default: "disk",
        meaning: "Where files and functions' packages are kept: the data folder, or a store that speaks S3's protocol.",
        allowed: "\"disk\" or \"s3\"",
        set: |config, raw| {
            config.storage.backend = match raw.text()? {
                "disk" => Backend::Disk,
                "s3" => Backend::S3,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        key: "storage.endpoint",
        env: "PLINTH_STORAGE_ENDPOINT",
        default: "",
        meaning: "For \"s3\": the store's address; AWS's own when it is not set.",
        allowed: "an address that begins with http:// or https://, such as https://s3.example.com",
        set: |config, raw| {
            let url = raw.text()?.trim_end_matches('/');
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
            (!host.is_empty() && is_plain(host)).then(|| config.storage.endpoint = Some(url.to_owned()))
        },
    },
    Setting {
        key: "storage.bucket",
        env: "PLINTH_STORAGE_BUCKET",
        default: "",
        meaning: "For \"s3\": the bucket that holds everything. It must exist.",
        allowed: "a bucket's name: 3 to 63 of a-z, 0-9, '.' and '-'",
        set: |config, raw| {
            let name = raw.text()?;
            let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
            ((3..=63).contains(&name.len()) && name.bytes().all(good)).then(|| config.storage.bucket = Some(name.to_owned()))
        },
    },
    Setting {
        key: "storage.region",
        env: "PLINTH_STORAGE_REGION",
        default: "us-east-1",
        meaning: "For \"s3\": the region that requests are signed for.",
        allowed: "a region's name, such as eu-central-1",
        set: |config, raw| {
            let name = raw.text().filter(|name| is_plain(name))?;
            name.clone_into(&mut config.storage.region);
            Some(())
        },
    },
    Setting {
        key: "storage.access_key_id",
        env: "PLINTH_STORAGE_ACCESS_KEY_ID",
        default: "",
        meaning: "For \"s3\": the access key's id. Without one, requests are not signed.",
        allowed: "an access key's id",
        set: |config, raw| raw.text().filter(|id| is_plain(id)).map(|id| config.storage.access_key_id = Some(id.to_owned())),
    },
    Setting {
        key: "storage.secret_access_key",
        env: "PLINTH_STORAGE_SECRET_ACCESS_KEY",
        default: "",
        meaning: "For \"s3\": the access key's secret; better in the environment than in a file.",
        allowed: "an access key's secret",
        set: |config, raw| {
            let secret = raw.text().filter(|secret| is_plain(secret))?;
            config.storage.secret_access_key = Some(Secret::new(secret.to_owned()));
            Some(())
        },
    },
    Setting {
        key: "storage.path_style",
        env: "PLINTH_STORAGE_PATH_STYLE",
        default: "true",
        meaning: "For \"s3\": whether the bucket is a part of the path rather than of the host's name.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.storage.path_style = value),
    },
    Setting {
        key: "storage.timeout",
        env: "PLINTH_STORAGE_TIMEOUT",
        default: "30s",
        meaning: "For \"s3\": how long the store may say nothing before a request is tried again, or given up.",
        allowed: "a time from 1s to 10m",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(600)).map(|value| config.storage.timeout = value)
        },
    },
    Setting {
        key: "storage.max_object_size",
        env: "PLINTH_STORAGE_MAX_OBJECT_SIZE",
        default: "5GiB",
        meaning: "The most bytes of one object; a bucket's own limit may be lower.",
        allowed: "a size from 1KiB to 1024GiB",
        set: |config, raw| {
            let bytes = raw.bytes(1 << 10..=1 << 40)?;
            config.storage.max_object_size = u64::try_from(bytes).ok()?;
            Some(())
        },
    },
    Setting {
        key: "storage.grace",
        env: "PLINTH_STORAGE_GRACE",
        default: "1h",
        meaning: "How long the bytes of objects that were deleted or replaced are kept, so that who reads them may finish.",
        allowed: "a time from 0s to 30d",
        set: |config, raw| {
            raw.duration(Duration::ZERO..=Duration::from_secs(30 * 86_400)).map(|value| config.storage.grace = value)
        },
    },
    Setting {
        key: "storage.collect_every",
        env: "PLINTH_STORAGE_COLLECT_EVERY",
        default: "1m",
        meaning: "How often bytes that no object has any more are removed.",
        allowed: "a time from 100ms to 1d",
        set: |config, raw| {
            raw.duration(Duration::from_millis(100)..=Duration::from_secs(86_400))
                .map(|value| config.storage.collect_every = value)
        },
    },
    Setting {
        key: "storage.bucket_quota",
        env: "PLINTH_STORAGE_BUCKET_QUOTA",
        default: "",
        meaning: "The most bytes of all objects of a bucket together, for buckets that are made without a quota of their own; no limit \
                  when it is not set.",
        allowed: "a size from 1KiB to 1048576GiB",
        set: |config, raw| {
            let bytes = raw.bytes(1 << 10..=1 << 50)?;
            config.storage.bucket_quota = Some(u64::try_from(bytes).ok()?);
            Some(())
        },
    },
    Setting {
        key: "storage.upload_lifetime",
        env: "PLINTH_STORAGE_UPLOAD_LIFETIME",
        default: "1d",
        meaning: "How long a resumable upload may take from its beginning; what came of it by then is removed.",
        allowed: "a time from 1s to 30d",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(30 * 86_400))
                .map(|value| config.storage.upload_lifetime = value)
        },
    },
    Setting {
        key: "storage.active_inline",
        env: "PLINTH_STORAGE_ACTIVE_INLINE",
        default: "false",
        meaning: "Whether browsers show HTML, SVG, scripts and their like from storage; otherwise they save them.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.storage.active_inline = value),
    },
];
