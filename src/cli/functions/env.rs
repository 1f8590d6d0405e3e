//! `plinth functions env`: a function's variables. Values go in, and never come out.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value};

use super::answer::{items, path_of, text};
use crate::cli::say;
use crate::cli::target::Target;
use crate::types::FunctionName;

#[derive(Subcommand)]
pub(super) enum Action {
    /// List the names of the variables
    List { name: FunctionName },
    /// Set variables, which makes a new revision of the same code
    Set {
        name: FunctionName,
        /// NAME=VALUE, or a name alone, whose value is that of the variable of this name here
        #[arg(required = true, value_name = "NAME[=VALUE]")]
        variables: Vec<String>,
    },
    /// Remove variables, which makes a new revision of the same code
    Unset {
        name: FunctionName,
        #[arg(required = true, value_name = "NAME")]
        variables: Vec<String>,
    },
}

pub(super) async fn run(target: &Target, action: &Action) -> Result<(), String> {
    match action {
        Action::List { name } => {
            let answer = target.send(target.request(Method::GET, &path_of(name))).await?;
            items(&answer, "env").iter().filter_map(Value::as_str).for_each(say);
            Ok(())
        }
        Action::Set { name, variables } => {
            let here = crate::config::environment();
            let mut changes = Map::new();
            for variable in variables {
                let (variable, value) = match variable.split_once('=') {
                    Some((variable, value)) => (variable, value),
                    None => match here.get(variable) {
                        Some(value) => (variable.as_str(), value.as_str()),
                        None => return Err(format!("{variable} is not set here; say {variable}=VALUE")),
                    },
                };
                changes.insert(variable.to_owned(), value.into());
            }
            change(target, name, changes).await
        }
        Action::Unset { name, variables } => {
            change(target, name, variables.iter().map(|variable| (variable.clone(), Value::Null)).collect()).await
        }
    }
}

async fn change(target: &Target, name: &FunctionName, changes: Map<String, Value>) -> Result<(), String> {
    let request = target.request(Method::PATCH, &format!("{}/env", path_of(name)));
    let answer = target.send(request.json(&changes)).await?;
    let names: Vec<&str> = items(&answer, "env").iter().filter_map(Value::as_str).collect();
    let names = if names.is_empty() { "no variables".to_owned() } else { names.join(", ") };
    say(format_args!("{name} is revision {} with {names}", text(&answer, "version")));
    Ok(())
}
