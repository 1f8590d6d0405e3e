//! The operations, a file for each kind of thing, and which of them a method and path mean.

pub(super) mod account;
pub(super) mod aliases;
pub(super) mod concurrency;
pub(super) mod event_config;
pub(super) mod event_sources;
pub(super) mod functions;
pub(super) mod invoke;
pub(super) mod permissions;
pub(super) mod provisioned;
pub(super) mod tags;
pub(super) mod urls;
pub(super) mod versions;

use super::error::{Exception, Result};
use super::reference::Reference;
use super::request::Call;
use crate::config;

/// The longest payload of a call, in bytes.
const PAYLOAD: usize = 6 * 1024 * 1024;

/// The longest body of an operation that brings code or a payload, and the operation's name in AWS's messages.
pub(super) fn body_limit(method: &str, path: &[&str], config: &config::Functions) -> Option<(usize, &'static str)> {
    // Base64 takes four bytes for three; the rest of the body is small.
    let code = config.max_package / 3 * 4 + 64 * 1024;
    match (method, path) {
        ("POST", ["2015-03-31", "functions"]) => Some((code, "CreateFunction")),
        ("PUT", ["2015-03-31", "functions", _, "code"]) => Some((code, "UpdateFunctionCode")),
        ("POST", ["2015-03-31", "functions", _, "invocations"]) => Some((PAYLOAD.min(config.max_request), "InvokeFunction")),
        _ => None,
    }
}

/// Does what a request asks for; `path` is split and decoded.
pub(super) async fn dispatch(call: &Call, path: &[&str]) -> Result {
    match path {
        ["2015-03-31", "functions"] => match call.method() {
            "POST" => functions::create_function(call).await,
            "GET" => functions::list_functions(call).await,
            _ => Err(unknown(call, path)),
        },
        ["2015-03-31", "event-source-mappings", rest @ ..] => {
            Box::pin(event_sources::dispatch(call, rest)).await.unwrap_or_else(|| Err(unknown(call, path)))
        }
        [date, "functions", function, rest @ ..] => {
            let function = Reference::parse(function)?;
            of_function(call, (date, function), rest).await.unwrap_or_else(|| Err(unknown(call, path)))
        }
        ["2017-03-31", "tags", resource] => {
            let function = tags::function_of(resource)?;
            match call.method() {
                "POST" => tags::tag_resource(call, function).await,
                "GET" => tags::list_tags(call, function).await,
                "DELETE" => tags::untag_resource(call, function).await,
                _ => Err(unknown(call, path)),
            }
        }
        ["2016-08-19", "account-settings"] if call.method() == "GET" => account::get_account_settings(call).await,
        _ => Err(unknown(call, path)),
    }
}

/// An operation on a function; `None` when there is none of that method and path.
async fn of_function(call: &Call, (date, function): (&str, Reference), rest: &[&str]) -> Option<Result> {
    let qualified = |function: Reference| function.qualified(call.query("Qualifier").as_deref());
    let function = match qualified(function) {
        Ok(function) => function,
        Err(exception) => return Some(Err(exception)),
    };
    let done = match (call.method(), date, rest) {
        ("GET", "2015-03-31", []) => Box::pin(functions::get_function(call, function)).await,
        ("DELETE", "2015-03-31", []) => Box::pin(functions::delete_function(call, function)).await,
        ("PUT", "2015-03-31", ["code"]) => Box::pin(functions::update_function_code(call, function)).await,
        ("GET", "2015-03-31", ["configuration"]) => Box::pin(functions::get_function_configuration(call, function)).await,
        ("PUT", "2015-03-31", ["configuration"]) => Box::pin(functions::update_function_configuration(call, function)).await,
        ("POST", "2015-03-31", ["invocations"]) => Box::pin(invoke::invoke_lambda(call, function)).await,
        ("POST", "2015-03-31", ["versions"]) => Box::pin(versions::publish_version(call, function)).await,
        ("GET", "2015-03-31", ["versions"]) => Box::pin(versions::list_versions_by_function(call, function)).await,
        ("POST", "2015-03-31", ["aliases"]) => Box::pin(aliases::create_alias(call, function)).await,
        ("GET", "2015-03-31", ["aliases"]) => Box::pin(aliases::list_aliases(call, function)).await,
        ("GET", "2015-03-31", ["aliases", name]) => Box::pin(aliases::get_alias(call, function, name)).await,
        ("PUT", "2015-03-31", ["aliases", name]) => Box::pin(aliases::update_alias(call, function, name)).await,
        ("DELETE", "2015-03-31", ["aliases", name]) => Box::pin(aliases::delete_alias(call, function, name)).await,
        ("POST", "2015-03-31", ["policy"]) => Box::pin(permissions::add_permission(call, function)).await,
        ("GET", "2015-03-31", ["policy"]) => Box::pin(permissions::get_policy(call, function)).await,
        ("DELETE", "2015-03-31", ["policy", id]) => Box::pin(permissions::remove_permission(call, function, id)).await,
        ("PUT", "2017-10-31", ["concurrency"]) => Box::pin(concurrency::put_function_concurrency(call, function)).await,
        ("DELETE", "2017-10-31", ["concurrency"]) => Box::pin(concurrency::delete_function_concurrency(call, function)).await,
        ("GET", "2019-09-30", ["concurrency"]) => Box::pin(concurrency::get_function_concurrency(call, function)).await,
        (_, "2019-09-25", ["event-invoke-config", rest @ ..]) => {
            return Box::pin(event_config::dispatch(call, function, rest)).await;
        }
        ("PUT", "2019-09-30", ["provisioned-concurrency"]) => {
            Box::pin(provisioned::put_provisioned_concurrency_config(call, function)).await
        }
        ("GET", "2019-09-30", ["provisioned-concurrency"]) => {
            Box::pin(provisioned::get_provisioned_concurrency_config(call, function)).await
        }
        ("DELETE", "2019-09-30", ["provisioned-concurrency"]) => {
            Box::pin(provisioned::delete_provisioned_concurrency_config(call, function)).await
        }
        ("POST", "2021-10-31", ["url"]) => Box::pin(urls::create_function_url_config(call, function)).await,
        ("GET", "2021-10-31", ["url"]) => Box::pin(urls::get_function_url_config(call, function)).await,
        ("PUT", "2021-10-31", ["url"]) => Box::pin(urls::update_function_url_config(call, function)).await,
        ("DELETE", "2021-10-31", ["url"]) => Box::pin(urls::delete_function_url_config(call, function)).await,
        ("GET", "2021-10-31", ["urls"]) => Box::pin(urls::list_function_url_configs(call, function)).await,
        _ => return None,
    };
    Some(done)
}

fn unknown(call: &Call, path: &[&str]) -> Exception {
    Exception::unknown_operation(format!("{} /{} is no operation of this server", call.method(), path.join("/")))
}
