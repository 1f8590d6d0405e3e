//! The running server that a command speaks to.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::{Common, keys};

/// Where the server is, and the key to its API.
pub(super) struct Target {
    pub(super) url: String,
    key: String,
    client: reqwest::Client,
}

impl Target {
    /// The server of this address and this key; what is not given comes from the environment, or from the data folder.
    pub(super) fn find(common: &Common, url: Option<&str>, key: Option<&str>) -> Result<Self, String> {
        let (url, key) = match named(url, key) {
            (Some(url), Some(key)) => (url, key),
            (url, key) => {
                let loaded = common.load().map_err(|_| "the configuration does not check".to_owned())?;
                let found = keys::of_data_folder(&loaded).map_err(|err| err.to_string())?;
                (url.unwrap_or(found.url), key.unwrap_or(found.service_key))
            }
        };
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(|err| err.to_string())?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), key, client })
    }

    /// A request to `/admin/v1` and what follows.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/admin/v1{path}", self.url)).bearer_auth(&self.key)
    }

    /// Sends a request; an answer that is not 2xx becomes a message.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Value, String> {
        let (status, text) = self.ask(request).await?;
        if status.is_success() {
            return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
        }
        Err(explain(status, &text))
    }

    /// Sends a request, and gives the answer's status and body whatever they are.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<(StatusCode, String), String> {
        let silent =
            |err| format!("the server at {} does not answer; `plinth serve` starts it, --url says where it is: {err}", self.url);
        let answer = request.send().await.map_err(silent)?;
        let status = answer.status();
        Ok((status, answer.text().await.map_err(|err| err.to_string())?))
    }
}

/// The address and the key that the command line or the environment names.
pub(super) fn named(url: Option<&str>, key: Option<&str>) -> (Option<String>, Option<String>) {
    let variables = crate::config::environment();
    let of = |given: Option<&str>, name: &str| given.map(str::to_owned).or_else(|| variables.get(name).cloned());
    (of(url, "PLINTH_URL"), of(key, "PLINTH_SERVICE_KEY"))
}

/// The text of a refusal: its detail, and each place in the source that is meant.
pub(super) fn explain(status: StatusCode, body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let detail = problem["detail"].as_str().or_else(|| problem["title"].as_str()).unwrap_or(body);
    let mut text = format!("refused ({}): {detail}", status.as_u16());
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        text.push_str("; it takes the service key (--key or PLINTH_SERVICE_KEY), which `plinth keys` prints");
    }
    for error in problem["errors"].as_array().into_iter().flatten() {
        let place =
            [error["line"].as_u64(), error["column"].as_u64()].into_iter().flatten().map(|n| format!(":{n}")).collect::<String>();
        text.push_str(&format!(
            "\n  {}{place}: {}",
            error["field"].as_str().unwrap_or_default(),
            error["message"].as_str().unwrap_or_default()
        ));
    }
    text
}
