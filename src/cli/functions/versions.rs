//! `plinth functions versions`, `alias` and `rollback`: which code a name stands for.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::answer::{all_of, escaped, path_of, pretty, table, text};
use crate::cli::say;
use crate::cli::target::Target;
use crate::types::FunctionName;

#[derive(Subcommand)]
pub(super) enum Versions {
    /// List the versions; $LATEST is what is deployed now
    List {
        name: FunctionName,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Publish what is deployed now as the next version, which never changes
    Publish {
        name: FunctionName,
        /// What is said of it
        #[arg(long)]
        description: Option<String>,
    },
}

#[derive(Subcommand)]
pub(super) enum Aliases {
    /// List the aliases
    List {
        name: FunctionName,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make an alias, or point it at another version
    Set {
        name: FunctionName,
        /// Such as live
        alias: String,
        /// The number of a version, or $LATEST
        version: String,
        /// Another version, and the share of the calls that it gets: 3=0.1 for a tenth
        #[arg(long, value_name = "VERSION=SHARE")]
        weight: Option<String>,
        /// What is said of it
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Delete an alias
    Delete { name: FunctionName, alias: String },
}

#[derive(Args)]
pub(super) struct Rollback {
    name: FunctionName,
    /// A published version
    #[arg(long, conflicts_with = "revision")]
    version: Option<u32>,
    /// A revision, by the number that its deployment printed; the last 20 are kept
    #[arg(long)]
    revision: Option<u32>,
}

pub(super) async fn versions(target: &Target, action: &Versions) -> Result<(), String> {
    match action {
        Versions::List { name, json } => {
            let versions = all_of(target, &format!("{}/versions", path_of(name)), "versions").await?;
            if *json {
                say(pretty(&json!({ "versions": versions })));
                return Ok(());
            }
            let row = |of: &Value| {
                let revision = of["revision"].to_string();
                [text(of, "version").to_owned(), revision, text(of, "created_at").to_owned(), text(of, "description").to_owned()]
            };
            table(["VERSION", "REVISION", "CREATED", "DESCRIPTION"], &versions.iter().map(row).collect::<Vec<_>>());
        }
        Versions::Publish { name, description } => {
            let request = target.request(Method::POST, &format!("{}/versions", path_of(name)));
            let answer = target.send(request.json(&json!({ "description": description }))).await?;
            say(format_args!("{name} has version {}", text(&answer, "version")));
        }
    }
    Ok(())
}

pub(super) async fn aliases(target: &Target, action: &Aliases) -> Result<(), String> {
    match action {
        Aliases::List { name, json } => {
            let aliases = all_of(target, &format!("{}/aliases", path_of(name)), "aliases").await?;
            if *json {
                say(pretty(&json!({ "aliases": aliases })));
                return Ok(());
            }
            let row = |of: &Value| {
                let shares = of["weights"].as_object().into_iter().flatten();
                let shares: Vec<String> = shares.map(|(version, share)| format!("{version}={share}")).collect();
                let [name, version, updated] = ["name", "version", "updated_at"].map(|field| text(of, field).to_owned());
                [name, version, shares.join(" "), updated, text(of, "description").to_owned()]
            };
            table(["ALIAS", "VERSION", "WEIGHT", "UPDATED", "DESCRIPTION"], &aliases.iter().map(row).collect::<Vec<_>>());
        }
        Aliases::Set { name, alias, version, weight, description } => {
            let weights = weight.as_deref().map(share).transpose()?.unwrap_or_else(|| json!({}));
            let body = json!({ "version": version, "weights": weights, "description": description });
            let request = target.request(Method::PUT, &path_of_alias(name, alias));
            target.send(request.json(&body)).await?;
            say(format_args!("{name}:{alias} points at {version}"));
        }
        Aliases::Delete { name, alias } => {
            target.send(target.request(Method::DELETE, &path_of_alias(name, alias))).await?;
            say(format_args!("deleted {name}:{alias}"));
        }
    }
    Ok(())
}

fn path_of_alias(name: &FunctionName, alias: &str) -> String {
    format!("{}/aliases/{}", path_of(name), escaped(alias))
}

/// `3=0.1` as `{"3": 0.1}`.
fn share(text: &str) -> Result<Value, String> {
    let parts = text.split_once('=').and_then(|(version, share)| Some((version, share.parse::<f64>().ok()?)));
    let (version, share) = parts.ok_or_else(|| format!("--weight {text} is not a version and its share, such as 3=0.1"))?;
    Ok(json!({ version: share }))
}

pub(super) async fn roll_back(target: &Target, options: &Rollback) -> Result<(), String> {
    let Rollback { name, version, revision } = options;
    let request = target.request(Method::POST, &format!("{}/rollback", path_of(name)));
    let answer = target.send(request.json(&json!({ "version": version, "revision": revision }))).await?;
    say(format_args!("{name} is what it was, as revision {}; another rollback undoes this", text(&answer, "version")));
    Ok(())
}
