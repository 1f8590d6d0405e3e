//! `[log]`: what the server says while it runs.

use super::setting::Setting;

/// What is logged, and how it looks.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub format: LogFormat,
    /// An `EnvFilter` directive, such as `info,plinth=debug`.
    pub level: String,
    /// Whether each request is logged.
    pub access: bool,
    /// Whether with the referer and the user agent.
    pub access_client: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "log.format",
        env: "PLINTH_LOG_FORMAT",
        default: "human",
        meaning: "How log lines look.",
        allowed: "human or json",
        set: |config, raw| {
            config.log.format = match raw.text()? {
                "human" => LogFormat::Human,
                "json" => LogFormat::Json,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        key: "log.level",
        env: "PLINTH_LOG_LEVEL",
        default: "info",
        meaning: "Which lines are logged: a level, or levels by module such as info,plinth::auth=debug.",
        allowed: "error, warn, info, debug, trace or off, or a list of module=level",
        set: |config, raw| {
            let text = raw.text()?;
            tracing_subscriber::EnvFilter::try_new(text).ok()?;
            config.log.level = text.to_owned();
            Some(())
        },
    },
    Setting {
        key: "log.access",
        env: "PLINTH_LOG_ACCESS",
        default: "true",
        meaning: "Whether each request is logged.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.log.access = value),
    },
    Setting {
        key: "log.access_client",
        env: "PLINTH_LOG_ACCESS_CLIENT",
        default: "false",
        meaning: "Whether each request is logged with its Referer and User-Agent.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.log.access_client = value),
    },
];
