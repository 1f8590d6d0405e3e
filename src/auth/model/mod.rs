//! What auth is about, in types that cannot be wrong.

mod input;
mod session;
mod user;

pub use self::input::{BanDuration, Email, MAX_PASSWORD, NewPassword, Phone};
pub use self::session::{Method, Origin, Session, SignedIn};
pub use self::user::{Account, Identity, MAX_APP_METADATA, MAX_USER_METADATA, Metadata, Provider, User, check_metadata, merge};

/// The audience of every user's token.
pub const AUDIENCE: &str = "authenticated";
