//! What the API is asked, and its answers as people read them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use crate::cli::say;
use crate::cli::target::Target;
use crate::types::FunctionName;

/// Where a function is in the API.
pub(super) fn path_of(name: &FunctionName) -> String {
    format!("/functions/{name}")
}

/// Text as a part of a path.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A field that is a text; empty when it is none.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// A field that is a list; empty when it is none.
pub(super) fn items<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Prints rows under their heads, each column as wide as it must be.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) {
    let heads = heads.map(str::to_owned);
    let all = || std::iter::once(&heads).chain(rows);
    let widths: [usize; N] = std::array::from_fn(|at| all().map(|row| row[at].chars().count()).max().unwrap_or_default());
    for row in all() {
        let line: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        say(line.trim_end());
    }
}

/// Everything that a list has, page by page: the entries of `field`.
pub(super) async fn all_of(target: &Target, path: &str, field: &str) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut request = target.request(Method::GET, path).query(&[("limit", "1000")]);
        if let Some(after) = &after {
            request = request.query(&[("after", after)]);
        }
        let page = target.send(request).await?;
        all.extend(items(&page, field).iter().cloned());
        after = match &page["next_after"] {
            Value::Null => return Ok(all),
            Value::String(after) => Some(after.clone()),
            other => Some(other.to_string()),
        };
    }
}
