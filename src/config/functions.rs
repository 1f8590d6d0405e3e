//! `[functions]`: the workers that run users' code.

use std::time::Duration;

use super::setting::{Raw, Setting};

/// The workers that run users' code.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    /// Workers kept ready without code.
    pub spares: usize,
    /// Environments (processes) at the most.
    pub max_environments: usize,
    /// Bytes that the workers may hold together; 0 means half of the memory there is.
    pub memory_budget: usize,
    /// Calls running at once at the most; 0 means four for each CPU core.
    pub max_running: usize,
    /// How long a call waits for a place before 429.
    pub queue_timeout: Duration,
    /// How long an idle environment is kept.
    pub idle_timeout: Duration,
    /// A function's memory unless it says otherwise, in MB.
    pub memory_mb: u32,
    /// A function's time unless it says otherwise.
    pub timeout: Duration,
    /// How long code outside the handler may run.
    pub init_timeout: Duration,
    /// Calls that nobody waits for and that run at once on this node at the most; 0 means half of `max_running`.
    pub max_events: usize,
    /// How often such a call is tried again that failed in the function.
    pub event_retries: u32,
    /// The wait before the first of these tries; before the second it is twice as long.
    pub event_retry_wait: Duration,
    /// Such a call is not tried when it is older.
    pub event_max_age: Duration,
    /// How long those are kept that were given up.
    pub keep_dead_events: Duration,
    /// How late a schedule that does not make up for what it missed may fire.
    pub schedule_grace: Duration,
    /// The largest package, in bytes.
    pub max_package: usize,
    /// Bytes that the files of a package may have together.
    pub max_unpacked: usize,
    /// Bytes of packages that are kept in memory, ready to run.
    pub package_cache: usize,
    /// How long a package is kept that no function needs any more.
    pub keep_unneeded: Duration,
    /// Whether packages are kept with V8's code cache.
    pub code_cache: bool,
    /// The largest request to a function, in bytes.
    pub max_request: usize,
    /// Log lines kept for each function.
    pub log_lines: u64,
    /// Log text one call may write, in bytes.
    pub log_limit: usize,
    /// Clients that may follow the log at once.
    pub log_followers: usize,
    /// The largest streamed body of a request or a response, in bytes.
    pub max_streamed: usize,
    /// How long a client may leave a streamed response unread.
    pub stream_stall: Duration,
    /// Outbound requests one call may make.
    pub max_fetches: usize,
    /// The largest body of a response to one of those, in bytes.
    pub max_fetched: usize,
    /// How long is kept what calls came to.
    pub keep_usage: KeepUsage,
    /// What calls cost.
    pub prices: Prices,
    /// Questions to the platform's modules one call may ask.
    pub max_platform_calls: usize,
}

/// How long is kept what calls came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepUsage {
    /// By the minute.
    pub minutes: Duration,
    /// By the hour.
    pub hours: Duration,
    /// By the day.
    pub days: Duration,
}

/// What calls cost, for estimates.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    /// Of a million calls.
    pub million_calls: f64,
    /// Of a GB of memory for a second.
    pub gb_second: f64,
    /// Of a second of CPU time.
    pub cpu_second: f64,
    /// What the prices are in.
    pub currency: String,
}

/// The highest price.
const MAX_PRICE: f64 = 1e6;

/// A price: digits, and a point with digits behind it.
fn price(raw: &Raw<'_>) -> Option<f64> {
    let price = match raw {
        Raw::Text(text) => {
            let digits = |part: &str| !part.is_empty() && part.len() <= 15 && part.bytes().all(|byte| byte.is_ascii_digit());
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            if !digits(whole) || !digits(fraction) {
                return None;
            }
            text.parse().ok()?
        }
        raw => raw.whole(0..=1_000_000_u32)?.into(),
    };
    (price <= MAX_PRICE).then_some(price)
}

/// The name of a currency.
fn currency(raw: &Raw<'_>) -> Option<String> {
    let text = raw.text()?;
    (text.chars().count() <= 16 && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// What a price may be.
const PRICE: &str = "a number from 0 to 1000000 as a text, such as \"0.20\"";

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "functions.spares",
        env: "PLINTH_FUNCTIONS_SPARES",
        default: "2",
        meaning: "Workers kept ready, without code, for the next cold call.",
        allowed: "a whole number from 0 to 64",
        set: |config, raw| raw.whole(0..=64).map(|value| config.functions.spares = value),
    },
    Setting {
        key: "functions.max_environments",
        env: "PLINTH_FUNCTIONS_MAX_ENVIRONMENTS",
        default: "64",
        meaning: "Environments (worker processes bound to a function) at the most.",
        allowed: "a whole number from 1 to 10000",
        set: |config, raw| raw.whole(1..=10_000).map(|value| config.functions.max_environments = value),
    },
    Setting {
        key: "functions.memory_budget",
        env: "PLINTH_FUNCTIONS_MEMORY_BUDGET",
        default: "0",
        meaning: "Memory that the workers may hold together; beyond it idle environments end. 0 means half of what there is.",
        allowed: "0, or a size from 64MB to 16384GiB",
        set: |config, raw| {
            let bytes = raw.bytes(0..=16_384 << 30).filter(|bytes| *bytes == 0 || *bytes >= 64_000_000);
            bytes.map(|value| config.functions.memory_budget = value)
        },
    },
    Setting {
        key: "functions.max_running",
        env: "PLINTH_FUNCTIONS_MAX_RUNNING",
        default: "0",
        meaning: "Calls running at once at the most; 0 means four for each CPU core.",
        allowed: "a whole number from 0 to 10000",
        set: |config, raw| raw.whole(0..=10_000).map(|value| config.functions.max_running = value),
    },
    Setting {
        key: "functions.queue_timeout",
        env: "PLINTH_FUNCTIONS_QUEUE_TIMEOUT",
        default: "5s",
        meaning: "How long a call waits for a place, and for room for an environment, before it is answered 429.",
        allowed: "a time from 0s to 5m",
        set: |config, raw| {
            raw.duration(Duration::ZERO..=Duration::from_secs(300)).map(|value| config.functions.queue_timeout = value)
        },
    },
    Setting {
        key: "functions.idle_timeout",
        env: "PLINTH_FUNCTIONS_IDLE_TIMEOUT",
        default: "5m",
        meaning: "How long an environment without calls is kept.",
        allowed: "a time from 1s to 1d",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(86_400)).map(|value| config.functions.idle_timeout = value)
        },
    },
    Setting {
        key: "functions.memory_mb",
        env: "PLINTH_FUNCTIONS_MEMORY_MB",
        default: "128",
        meaning: "Memory of a function that does not say how much it needs, in MB.",
        allowed: "a whole number from 128 to 10240",
        set: |config, raw| raw.whole(128..=10_240).map(|value| config.functions.memory_mb = value),
    },
    Setting {
        key: "functions.timeout",
        env: "PLINTH_FUNCTIONS_TIMEOUT",
        default: "3s",
        meaning: "Time a call may take when its function does not say.",
        allowed: "a time from 1s to 15m",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(900)).map(|value| config.functions.timeout = value)
        },
    },
    Setting {
        key: "functions.init_timeout",
        env: "PLINTH_FUNCTIONS_INIT_TIMEOUT",
        default: "10s",
        meaning: "How long the code outside the handler may run.",
        allowed: "a time from 1s to 5m",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(300)).map(|value| config.functions.init_timeout = value)
        },
    },
    Setting {
        key: "functions.max_events",
        env: "PLINTH_FUNCTIONS_MAX_EVENTS",
        default: "0",
        meaning: "Asynchronous calls running at once on this node at the most; 0 means half of `functions.max_running`.",
        allowed: "a whole number from 0 to 10000",
        set: |config, raw| raw.whole(0..=10_000).map(|value| config.functions.max_events = value),
    },
    Setting {
        key: "functions.event_retries",
        env: "PLINTH_FUNCTIONS_EVENT_RETRIES",
        default: "2",
        meaning: "How often an asynchronous call is tried again that failed in the function, unless the function says otherwise.",
        allowed: "a whole number from 0 to 2",
        set: |config, raw| raw.whole(0..=2).map(|value| config.functions.event_retries = value),
    },
    Setting {
        key: "functions.event_retry_wait",
        env: "PLINTH_FUNCTIONS_EVENT_RETRY_WAIT",
        default: "60s",
        meaning: "The wait before an asynchronous call that failed is tried again; before the second time it is twice as long.",
        allowed: "a time from 10ms to 1h",
        set: |config, raw| {
            raw.duration(Duration::from_millis(10)..=Duration::from_secs(3600))
                .map(|value| config.functions.event_retry_wait = value)
        },
    },
    Setting {
        key: "functions.event_max_age",
        env: "PLINTH_FUNCTIONS_EVENT_MAX_AGE",
        default: "6h",
        meaning: "An asynchronous call that is older is not tried any more, unless the function says otherwise.",
        allowed: "a time from 1s to 6h",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(21_600)).map(|value| config.functions.event_max_age = value)
        },
    },
    Setting {
        key: "functions.keep_dead_events",
        env: "PLINTH_FUNCTIONS_KEEP_DEAD_EVENTS",
        default: "14d",
        meaning: "How long asynchronous calls that were given up are kept, to be looked at and run again.",
        allowed: "a time from 0s to 365d",
        set: |config, raw| {
            raw.duration(Duration::ZERO..=Duration::from_hours(365 * 24)).map(|value| config.functions.keep_dead_events = value)
        },
    },
    Setting {
        key: "functions.schedule_grace",
        env: "PLINTH_FUNCTIONS_SCHEDULE_GRACE",
        default: "60s",
        meaning: "How late a schedule may fire that leaves out what it missed (its `missed` is `skip`).",
        allowed: "a time from 1s to 1h",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(3600)).map(|value| config.functions.schedule_grace = value)
        },
    },
    Setting {
        key: "functions.max_package",
        env: "PLINTH_FUNCTIONS_MAX_PACKAGE",
        default: "50MB",
        meaning: "The largest function package that may be uploaded.",
        allowed: "a size from 1KB to 50MB, such as 512KB or 5MiB",
        set: |config, raw| raw.bytes(1_000..=50_000_000).map(|value| config.functions.max_package = value),
    },
    Setting {
        key: "functions.max_unpacked",
        env: "PLINTH_FUNCTIONS_MAX_UNPACKED",
        default: "250MB",
        meaning: "The most that the files of a package may have together, unpacked.",
        allowed: "a size from 1KB to 250MB",
        set: |config, raw| raw.bytes(1_000..=250_000_000).map(|value| config.functions.max_unpacked = value),
    },
    Setting {
        key: "functions.package_cache",
        env: "PLINTH_FUNCTIONS_PACKAGE_CACHE",
        default: "32MiB",
        meaning: "What a node keeps of packages in memory, ready to run; others are read from the blob store.",
        allowed: "a size from 1MB to 16GiB",
        set: |config, raw| raw.bytes(1_000_000..=16 << 30).map(|value| config.functions.package_cache = value),
    },
    Setting {
        key: "functions.keep_unneeded",
        env: "PLINTH_FUNCTIONS_KEEP_UNNEEDED",
        default: "1h",
        meaning: "How long the blob store keeps code that no function needs any more.",
        allowed: "a time from 1s to 30d",
        set: |config, raw| {
            let allowed = Duration::from_secs(1)..=Duration::from_secs(30 * 86_400);
            raw.duration(allowed).map(|value| config.functions.keep_unneeded = value)
        },
    },
    Setting {
        key: "functions.code_cache",
        env: "PLINTH_FUNCTIONS_CODE_CACHE",
        default: "true",
        meaning: "Whether deployments keep V8's code cache beside long code, for shorter cold starts at the cost of disk and memory.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.functions.code_cache = value),
    },
    Setting {
        key: "functions.max_request",
        env: "PLINTH_FUNCTIONS_MAX_REQUEST",
        default: "6MiB",
        meaning: "The largest request body that a function takes.",
        allowed: "a size from 1KB to 6MiB",
        set: |config, raw| raw.bytes(1_000..=6 << 20).map(|value| config.functions.max_request = value),
    },
    Setting {
        key: "functions.log_lines",
        env: "PLINTH_FUNCTIONS_LOG_LINES",
        default: "10000",
        meaning: "Log lines kept for each function; older ones are dropped.",
        allowed: "a whole number from 100 to 10000000",
        set: |config, raw| raw.whole(100..=10_000_000).map(|value| config.functions.log_lines = value),
    },
    Setting {
        key: "functions.log_limit",
        env: "PLINTH_FUNCTIONS_LOG_LIMIT",
        default: "256KiB",
        meaning: "Log text that one call may write; what is beyond is dropped and said so.",
        allowed: "a size from 1KB to 16MiB",
        set: |config, raw| raw.bytes(1_000..=16 << 20).map(|value| config.functions.log_limit = value),
    },
    Setting {
        key: "functions.log_followers",
        env: "PLINTH_FUNCTIONS_LOG_FOLLOWERS",
        default: "32",
        meaning: "Clients that may follow the functions' log on this node at once; beyond it they are answered 429.",
        allowed: "a whole number from 0 to 1000",
        set: |config, raw| raw.whole(0..=1000).map(|value| config.functions.log_followers = value),
    },
    Setting {
        key: "functions.max_streamed",
        env: "PLINTH_FUNCTIONS_MAX_STREAMED",
        default: "200MB",
        meaning: "The largest body of a request or a response that is streamed.",
        allowed: "a size from 1KB to 100GiB",
        set: |config, raw| raw.bytes(1_000..=100 << 30).map(|value| config.functions.max_streamed = value),
    },
    Setting {
        key: "functions.stream_stall",
        env: "PLINTH_FUNCTIONS_STREAM_STALL",
        default: "1m",
        meaning: "How long a client may leave a streamed response unread before it counts as gone.",
        allowed: "a time from 1s to 15m",
        set: |config, raw| {
            raw.duration(Duration::from_secs(1)..=Duration::from_secs(900)).map(|value| config.functions.stream_stall = value)
        },
    },
    Setting {
        key: "functions.max_fetches",
        env: "PLINTH_FUNCTIONS_MAX_FETCHES",
        default: "1000",
        meaning: "Outbound requests that one call may make; 64 at a time wait for their response.",
        allowed: "a whole number from 0 to 100000",
        set: |config, raw| raw.whole(0..=100_000).map(|value| config.functions.max_fetches = value),
    },
    Setting {
        key: "functions.max_fetched",
        env: "PLINTH_FUNCTIONS_MAX_FETCHED",
        default: "100MiB",
        meaning: "The largest body of a response to an outbound request.",
        allowed: "a size from 1KB to 100GiB",
        set: |config, raw| raw.bytes(1_000..=100 << 30).map(|value| config.functions.max_fetched = value),
    },
    Setting {
        key: "functions.keep_usage_minutes",
        env: "PLINTH_FUNCTIONS_KEEP_USAGE_MINUTES",
        default: "2d",
        meaning: "How long the usage by the minute is kept.",
        allowed: "a time from 1h to 90d",
        set: |config, raw| {
            let allowed = Duration::from_hours(1)..=Duration::from_hours(90 * 24);
            raw.duration(allowed).map(|value| config.functions.keep_usage.minutes = value)
        },
    },
    Setting {
        key: "functions.keep_usage_hours",
        env: "PLINTH_FUNCTIONS_KEEP_USAGE_HOURS",
        default: "90d",
        meaning: "How long the usage by the hour is kept.",
        allowed: "a time from 1d to 3650d",
        set: |config, raw| {
            let allowed = Duration::from_hours(24)..=Duration::from_hours(3650 * 24);
            raw.duration(allowed).map(|value| config.functions.keep_usage.hours = value)
        },
    },
    Setting {
        key: "functions.keep_usage_days",
        env: "PLINTH_FUNCTIONS_KEEP_USAGE_DAYS",
        default: "730d",
        meaning: "How long the usage by the day is kept.",
        allowed: "a time from 1d to 36500d",
        set: |config, raw| {
            let allowed = Duration::from_hours(24)..=Duration::from_hours(36_500 * 24);
            raw.duration(allowed).map(|value| config.functions.keep_usage.days = value)
        },
    },
    Setting {
        key: "functions.price_million_calls",
        env: "PLINTH_FUNCTIONS_PRICE_MILLION_CALLS",
        default: "0",
        meaning: "What a million calls cost, for the estimate in the usage.",
        allowed: PRICE,
        set: |config, raw| price(raw).map(|value| config.functions.prices.million_calls = value),
    },
    Setting {
        key: "functions.price_gb_second",
        env: "PLINTH_FUNCTIONS_PRICE_GB_SECOND",
        default: "0",
        meaning: "What a GB of memory costs for a second that is billed.",
        allowed: PRICE,
        set: |config, raw| price(raw).map(|value| config.functions.prices.gb_second = value),
    },
    Setting {
        key: "functions.price_cpu_second",
        env: "PLINTH_FUNCTIONS_PRICE_CPU_SECOND",
        default: "0",
        meaning: "What a second of CPU time costs.",
        allowed: PRICE,
        set: |config, raw| price(raw).map(|value| config.functions.prices.cpu_second = value),
    },
    Setting {
        key: "functions.price_currency",
        env: "PLINTH_FUNCTIONS_PRICE_CURRENCY",
        default: "USD",
        meaning: "What the prices are in.",
        allowed: "a text of 1 to 16 characters, such as EUR",
        set: |config, raw| currency(raw).map(|value| config.functions.prices.currency = value),
    },
    Setting {
        key: "functions.max_platform_calls",
        env: "PLINTH_FUNCTIONS_MAX_PLATFORM_CALLS",
        default: "1000",
        meaning: "Calls of the platform's modules (`plinth:kv`, `plinth:functions`, `plinth:queue`) that one call may make; 64 at a time wait for their answer.",
        allowed: "a whole number from 0 to 100000",
        set: |config, raw| raw.whole(0..=100_000).map(|value| config.functions.max_platform_calls = value),
    },
];
