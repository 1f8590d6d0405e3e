//! Users of the app under test.

use std::ops::Deref;

use serde_json::{Value, json};

use super::{Client, Response, TestApp};

/// The password of every user the harness signs up.
pub const PASSWORD: &str = "correct horse battery staple";

/// A signed-in user; derefs to a [`Client`] that sends the user's token.
pub struct User {
    client: Client,
    pub id: String,
    pub access_token: String,
    pub refresh_token: String,
    /// The `session_id` claim of the access token.
    pub session_id: String,
    /// The whole answer of the sign-up or sign-in.
    pub session: Value,
}

impl Deref for User {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    /// Signs up a user with [`PASSWORD`].
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn sign_up(&self, email: &str) -> User {
        let answer = self.anon().post("/auth/v1/signup").json(&json!({ "email": email, "password": PASSWORD })).await;
        self.signed_in(&answer)
    }

    /// Signs a user in by password.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn sign_in(&self, email: &str, password: &str) -> User {
        let body = json!({ "email": email, "password": password });
        let answer = self.anon().post("/auth/v1/token?grant_type=password").json(&body).await;
        self.signed_in(&answer)
    }

    /// The user a sign-up or token answer is about.
    ///
    /// # Panics
    ///
    /// When the answer is not a session.
    #[track_caller]
    #[must_use]
    pub fn signed_in(&self, answer: &Response) -> User {
        let session = answer.assert_status(200).json();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no session in {session}")).to_owned();
        let access_token = text(&session["access_token"]);
        User {
            client: self.bearer(&access_token),
            id: text(&session["user"]["id"]),
            refresh_token: text(&session["refresh_token"]),
            session_id: text(&claims(&access_token)["session_id"]),
            access_token,
            session,
        }
    }
}

/// A token's claims, unverified.
///
/// # Panics
///
/// When it is not a JWT.
#[must_use]
pub fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let middle = token.split('.').nth(1).expect("a JWT has three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(middle).expect("a JWT's part is base64url");
    serde_json::from_slice(&bytes).expect("a JWT's claims are JSON")
}
