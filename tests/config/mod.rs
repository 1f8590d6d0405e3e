//! The configuration: every error with its place, and what goes before what.

mod changes;
mod front;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use plinth::config::{self, ConfigError, Flags, Loaded, LogFormat};
use proptest::prelude::*;

use crate::support::run_plinth;

mod upstreams;

/// Loads `text` as the file, with these variables.
fn load(text: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Loaded, Vec<ConfigError>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plinth.toml");
    std::fs::write(&file, text).unwrap();
    let environment: BTreeMap<_, _> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let result = config::load(&Flags { config: Some(file.clone()), ..flags.clone() }, &environment);
    result.map_err(|errors| {
        let shorten =
            |error: ConfigError| ConfigError { place: error.place.replace(file.to_str().unwrap(), "plinth.toml"), ..error };
        errors.into_iter().map(shorten).collect()
    })
}

fn refused(text: &str) -> Vec<String> {
    let errors = load(text, &[], &Flags::default()).expect_err("the configuration is refused");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn an_empty_file_gives_the_documented_defaults() {
    let config = load("", &[], &Flags::default()).unwrap().config;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.server.data, PathBuf::from("data"));
    assert!(config.server.workers >= 1, "0 means the cores");
    assert!(config.database.url.is_none());
    assert_eq!(config.auth.token_lifetime, Duration::from_secs(3600));
    assert_eq!(config.functions.max_request, 6 << 20);
}

#[test]
fn every_default_is_allowed_and_every_name_is_used_once() {
    let mut keys = std::collections::BTreeSet::new();
    let mut variables = std::collections::BTreeSet::new();
    for setting in config::settings() {
        let mut config = config::Config::default();
        let set = setting.default.is_empty() || (setting.set)(&mut config, &config::Raw::Text(setting.default)).is_some();
        assert!(set, "the default of {} is not allowed", setting.key);
        assert!(keys.insert(setting.key), "{} twice", setting.key);
        assert!(variables.insert(setting.env), "{} twice", setting.env);
    }
}

#[test]
fn prices_are_texts_with_or_without_a_fraction() {
    let price = |value: &str| load(&format!("[functions]\nprice_gb_second = {value}\n"), &[], &Flags::default());
    let read = |value: &str| price(value).unwrap().config.functions.prices.gb_second.to_string();
    assert_eq!([read("\"0.0000166667\""), read("\"2\""), read("3"), read("\"1000000\"")], ["0.0000166667", "2", "3", "1000000"]);
    for wrong in ["0.5", "\"-1\"", "\"1e3\"", "\"1.\"", "\".5\"", "\"\"", "\"1000001\"", "\"nan\"", "-1", "true"] {
        let errors = price(wrong).expect_err(wrong);
        assert!(
            errors[0].to_string().contains("functions.price_gb_second must be a number from 0 to 1000000 as a text"),
            "{errors:?}"
        );
    }
}

#[test]
fn every_error_is_told_with_its_line_and_column_and_what_is_allowed() {
    let text = "[server]\nworkers = 5000\nlisten = \"nowhere\"\n\n[auth]\nsignup = \"perhaps\"\npasword_min_length = 8\n\n[fucntions]\nspares = 1\n";
    insta::assert_snapshot!(refused(text).join("\n"), @r#"
    plinth.toml:2:11: server.workers must be a whole number from 0 to 1024
    plinth.toml:3:10: server.listen must be an IP address (or localhost) with a port, such as 127.0.0.1:8000 or [::]:8000
    plinth.toml:6:10: auth.signup must be true or false
    plinth.toml:7:1: there is no setting auth.pasword_min_length; did you mean auth.password_min_length?
    plinth.toml:9:2: there is no section [fucntions]; did you mean functions?
    "#);
}

#[test]
fn broken_syntax_does_not_hide_the_other_errors() {
    let errors = refused("[server]\nworkers = \nlisten = 7\n");
    assert!(errors.iter().any(|error| error.starts_with("plinth.toml:2:")), "{errors:?}");
    assert!(errors.iter().any(|error| error.starts_with("plinth.toml:3:10: server.listen must be")), "{errors:?}");
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n[log]\nformat = \"human\"\n";
    let variables = [("PLINTH_LISTEN", "127.0.0.1:2"), ("PLINTH_LOG_FORMAT", "json")];
    let flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
    let config = load(file, &variables, &flags).unwrap().config;
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.workers, 3);
    assert_eq!(config.log.format, LogFormat::Json);
    let config = load(file, &variables, &Flags::default()).unwrap().config;
    assert_eq!(config.server.listen.port(), 2);
}

#[test]
fn a_misspelt_variable_is_an_error() {
    let errors = load("", &[("PLINTH_AUTH_SINGUP", "false")], &Flags::default()).unwrap_err();
    assert_eq!(errors[0].to_string(), "PLINTH_AUTH_SINGUP: is not a setting; did you mean PLINTH_AUTH_SIGNUP?");
}

#[test]
fn the_check_command_prints_every_error_and_exits_with_78() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plinth.toml"), "[server]\nworkers = -1\n[log]\nformat = \"xml\"\n").unwrap();
    let refused = run_plinth(folder.path(), &["check"], &[]);
    assert_eq!(refused.status.code(), Some(78), "{}", refused.stderr);
    assert!(refused.stderr.contains("plinth.toml:2:11: server.workers must be a whole number"), "{}", refused.stderr);
    assert!(refused.stderr.contains("plinth.toml:4:10: log.format must be human or json"), "{}", refused.stderr);

    std::fs::write(folder.path().join("plinth.toml"), "[log]\nformat = \"json\"\n").unwrap();
    let good = run_plinth(folder.path(), &["check"], &[]);
    assert!(good.status.success(), "{}", good.stderr);
    assert!(good.stdout.contains("the configuration is good"), "{}", good.stdout);

    let missing = run_plinth(folder.path(), &["check", "--config", "absent.toml"], &[]);
    assert_eq!(missing.status.code(), Some(78));
    assert!(missing.stderr.contains("absent.toml"), "{}", missing.stderr);
}

#[test]
fn the_check_command_lists_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let listed = run_plinth(folder.path(), &["check", "--settings"], &[]);
    for setting in config::settings() {
        assert!(listed.stdout.contains(setting.key) && listed.stdout.contains(setting.env), "{} is not listed", setting.key);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC{0,200}") {
        let _ = load(&text, &[], &Flags::default());
    }

    #[test]
    fn likely_text_makes_no_panic_either(lines in prop::collection::vec("(\\[[a-z.]{0,8}\\]|[a-z_]{1,12} ?= ?[\"a-z0-9\\[\\]{}.,:-]{0,12})", 0..12)) {
        let _ = load(&lines.join("\n"), &[], &Flags::default());
    }

    #[test]
    fn a_time_span_is_read_as_it_is_written(number in 1_u64..900, unit in prop::sample::select(vec!["ms", "s"])) {
        let text = format!("[server]\nshutdown_timeout = \"{number}{unit}\"\n");
        let config = load(&text, &[], &Flags::default()).unwrap().config;
        let expected = if unit == "s" { Duration::from_secs(number) } else { Duration::from_millis(number) };
        prop_assert_eq!(config.server.shutdown_timeout, expected);
    }
}

#[test]
fn settings_of_a_store_elsewhere_go_together() {
    let errors = refused("[storage]\nbackend = \"s3\"\naccess_key_id = \"id\"\n");
    assert_eq!(
        errors,
        [
            "storage.bucket: must be set when storage.backend is \"s3\"",
            "storage.access_key_id: and storage.secret_access_key go together: set both or neither",
        ]
    );
    let errors = refused("[storage]\nbackend = \"tape\"\nendpoint = \"s3.example.com\"\nbucket = \"UPPER\"\n");
    assert_eq!(errors.len(), 3, "{errors:?}");
    let text = "[storage]\nbackend = \"s3\"\nbucket = \"files\"\nendpoint = \"http://127.0.0.1:9000/\"\n";
    let variables = [("PLINTH_STORAGE_ACCESS_KEY_ID", "id"), ("PLINTH_STORAGE_SECRET_ACCESS_KEY", "secret")];
    let storage = load(text, &variables, &Flags::default()).unwrap().config.storage;
    assert_eq!((storage.endpoint.as_deref(), storage.path_style), (Some("http://127.0.0.1:9000"), true));
    assert!(!format!("{storage:?}").contains("\"secret\""), "secrets are not shown");
}
