//! Deploying and calling functions of the app under test.

use serde_json::Value;

use super::{Client, Request, Response, TestApp};

/// The media types a source may be deployed as.
pub const JAVASCRIPT: &str = "text/javascript";
pub const TYPESCRIPT: &str = "application/typescript";

impl TestApp {
    /// Deploys JavaScript under `name`; `config` is the `x-plinth-config` object (`json!({})` for the defaults).
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn deploy(&self, name: &str, source: &str, config: Value) -> Response {
        let answer = self.service().put_function(name, JAVASCRIPT, source, &config).await;
        assert!(matches!(answer.status(), 200 | 201), "deploying {name} answered {}: {}", answer.status(), answer.text());
        answer
    }

    /// Deploys TypeScript under `name`.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn deploy_typescript(&self, name: &str, source: &str, config: Value) -> Response {
        let answer = self.service().put_function(name, TYPESCRIPT, source, &config).await;
        assert!(matches!(answer.status(), 200 | 201), "deploying {name} answered {}: {}", answer.status(), answer.text());
        answer
    }

    /// Calls a function by POST with the anon key.
    pub async fn invoke(&self, name: &str, body: &Value) -> Response {
        self.anon().post(&format!("/functions/v1/{name}")).json(body).await
    }
}

impl Client {
    /// The deploy request itself, for tests of what is refused.
    pub fn put_function(&self, name: &str, content_type: &str, source: &str, config: &Value) -> Request {
        self.put(&format!("/admin/v1/functions/{name}"))
            .header("content-type", content_type)
            .header("x-plinth-config", &config.to_string())
            .body(source.to_owned())
    }
}
