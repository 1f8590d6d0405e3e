//! What clients see: sessions and users as GoTrue writes them.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::model::{AUDIENCE, Account, Identity, Metadata, SignedIn};
use crate::types::{Timestamp, UserId};

/// A session: what signing in and refreshing answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthSession)]
pub(super) struct SessionView {
    /// A JWT for `Authorization: Bearer`.
    #[schema(example = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjkxZSJ9.eyJzdWIiOiI0ZjFjIn0.c2ln")]
    access_token: String,
    /// `bearer`.
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// How long the access token lives, in seconds.
    #[schema(example = 3600)]
    expires_in: u64,
    /// When it expires, in seconds since 1970.
    #[schema(example = 1_795_000_000)]
    expires_at: i64,
    /// Good for one new session answer.
    #[schema(example = "AZ2k4Uh1Rk6o8mJ5bq3cWzEAAAAAAAAAAA")]
    refresh_token: String,
    user: UserView,
}

/// A user of the app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthUser)]
pub(super) struct UserView {
    #[schema(value_type = Uuid, example = "4f1c8a54-9a54-4a7e-a5f1-6f5b6ad0c1de")]
    id: UserId,
    /// The audience of the user's tokens.
    #[schema(example = "authenticated")]
    aud: &'static str,
    /// `authenticated`, `anon` or `service_role`.
    #[schema(example = "authenticated")]
    role: &'static str,
    /// Empty if there is none.
    #[schema(example = "ada@example.com")]
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    email_confirmed_at: Option<Timestamp>,
    /// The digits of the number; empty if there is none.
    #[schema(example = "")]
    phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    phone_confirmed_at: Option<Timestamp>,
    /// The earlier of the two above.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    confirmed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_sign_in_at: Option<Timestamp>,
    /// What only the service key may change; stands in every access token.
    #[schema(value_type = Object, example = json!({"provider": "email", "providers": ["email"]}))]
    app_metadata: Metadata,
    /// What the user may change.
    #[schema(value_type = Object, example = json!({"name": "Ada"}))]
    user_metadata: Metadata,
    identities: Vec<IdentityView>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Until when the user is banned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    banned_until: Option<Timestamp>,
    is_anonymous: bool,
}

/// One of the ways in which a user signs in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthIdentity)]
pub(super) struct IdentityView {
    identity_id: Uuid,
    /// The user's id at the provider.
    #[schema(example = "4f1c8a54-9a54-4a7e-a5f1-6f5b6ad0c1de")]
    id: String,
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// What the provider says of the user.
    #[schema(value_type = Object, example = json!({"email": "ada@example.com", "email_verified": true}))]
    identity_data: Metadata,
    /// `email` or `phone`.
    #[schema(example = "email")]
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_sign_in_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ada@example.com")]
    email: Option<String>,
}

impl From<SignedIn> for SessionView {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token.into_exposed(),
            token_type: "bearer",
            expires_in: signed_in.expires_in.as_secs(),
            expires_at: signed_in.expires_at.seconds(),
            refresh_token: signed_in.refresh_token.into_exposed(),
            user: signed_in.account.into(),
        }
    }
}

impl From<Account> for UserView {
    fn from(Account { user, identities }: Account) -> Self {
        Self {
            confirmed_at: user.confirmed_at(),
            id: user.id,
            aud: AUDIENCE,
            role: user.role.as_str(),
            email: user.email.map_or_else(String::new, |email| email.as_str().to_owned()),
            email_confirmed_at: user.email_confirmed_at,
            phone: user.phone.map_or_else(String::new, |phone| phone.as_str().to_owned()),
            phone_confirmed_at: user.phone_confirmed_at,
            last_sign_in_at: user.last_sign_in_at,
            app_metadata: user.app_metadata,
            user_metadata: user.user_metadata,
            identities: identities.into_iter().map(IdentityView::from).collect(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            banned_until: user.banned_until,
            is_anonymous: user.is_anonymous,
        }
    }
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        Self {
            identity_id: identity.id,
            id: identity.provider_id,
            user_id: identity.user_id,
            email: identity.data.get("email").and_then(Value::as_str).map(str::to_owned),
            identity_data: identity.data,
            provider: identity.provider.as_str(),
            last_sign_in_at: identity.last_sign_in_at,
            created_at: identity.created_at,
            updated_at: identity.updated_at,
        }
    }
}
