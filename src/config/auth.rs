//! `[auth]`: sign-up, passwords and tokens.

use std::time::Duration;

use super::setting::Setting;

/// Sign-up, passwords and tokens.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// Whether new users may sign up.
    pub signup: bool,
    /// Whether users may sign in without any credential.
    pub anonymous: bool,
    /// Characters a password has at the least.
    pub password_min_length: usize,
    /// How long an access token lives.
    pub token_lifetime: Duration,
    /// How long a spent refresh token is still answered.
    pub refresh_reuse_interval: Duration,
    /// How long a session lives without being refreshed.
    pub session_idle_limit: Duration,
    /// Memory of one password hash, in KiB.
    pub argon2_memory_kib: u32,
    /// Passes of one password hash.
    pub argon2_iterations: u32,
    /// Password hashes computed at once.
    pub hash_threads: usize,
    /// Password hashes waiting at the most; beyond it sign-in answers 429.
    pub hash_queue: usize,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "auth.signup",
        env: "PLINTH_AUTH_SIGNUP",
        default: "true",
        meaning: "Whether new users may sign up.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.auth.signup = value),
    },
    Setting {
        key: "auth.anonymous",
        env: "PLINTH_AUTH_ANONYMOUS",
        default: "true",
        meaning: "Whether users may sign in without any credential.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.auth.anonymous = value),
    },
    Setting {
        key: "auth.password_min_length",
        env: "PLINTH_AUTH_PASSWORD_MIN_LENGTH",
        default: "6",
        meaning: "Characters a password has at the least.",
        allowed: "a whole number from 6 to 128",
        set: |config, raw| raw.whole(6..=128).map(|value| config.auth.password_min_length = value),
    },
    Setting {
        key: "auth.token_lifetime",
        env: "PLINTH_AUTH_TOKEN_LIFETIME",
        default: "1h",
        meaning: "How long an access token lives.",
        allowed: "a time from 2m to 7d",
        set: |config, raw| {
            raw.duration(Duration::from_secs(120)..=Duration::from_secs(604_800)).map(|value| config.auth.token_lifetime = value)
        },
    },
    Setting {
        key: "auth.refresh_reuse_interval",
        env: "PLINTH_AUTH_REFRESH_REUSE_INTERVAL",
        default: "10s",
        meaning: "How long a spent refresh token is still answered with the current one.",
        allowed: "a time from 0s to 5m",
        set: |config, raw| {
            raw.duration(Duration::ZERO..=Duration::from_secs(300)).map(|value| config.auth.refresh_reuse_interval = value)
        },
    },
    Setting {
        key: "auth.session_idle_limit",
        env: "PLINTH_AUTH_SESSION_IDLE_LIMIT",
        default: "180d",
        meaning: "How long a session lives without being refreshed; then it is over and removed. At the least as long as a token.",
        allowed: "a time from 1h to 3650d",
        set: |config, raw| {
            raw.duration(Duration::from_secs(3_600)..=Duration::from_secs(315_360_000))
                .map(|value| config.auth.session_idle_limit = value)
        },
    },
    Setting {
        key: "auth.argon2_memory_kib",
        env: "PLINTH_AUTH_ARGON2_MEMORY_KIB",
        default: "19456",
        meaning: "Memory of one argon2id password hash, in KiB.",
        allowed: "a whole number from 1024 to 1048576",
        set: |config, raw| raw.whole(1024..=1_048_576).map(|value| config.auth.argon2_memory_kib = value),
    },
    Setting {
        key: "auth.argon2_iterations",
        env: "PLINTH_AUTH_ARGON2_ITERATIONS",
        default: "2",
        meaning: "Passes of one argon2id password hash.",
        allowed: "a whole number from 1 to 20",
        set: |config, raw| raw.whole(1..=20).map(|value| config.auth.argon2_iterations = value),
    },
    Setting {
        key: "auth.hash_threads",
        env: "PLINTH_AUTH_HASH_THREADS",
        default: "1",
        meaning: "Password hashes computed at once, beside the web workers.",
        allowed: "a whole number from 1 to 64",
        set: |config, raw| raw.whole(1..=64).map(|value| config.auth.hash_threads = value),
    },
    Setting {
        key: "auth.hash_queue",
        env: "PLINTH_AUTH_HASH_QUEUE",
        default: "256",
        meaning: "Password hashes waiting at the most; beyond it sign-in answers 429.",
        allowed: "a whole number from 1 to 100000",
        set: |config, raw| raw.whole(1..=100_000).map(|value| config.auth.hash_queue = value),
    },
];
