//! Why auth refused or failed.

use crate::auth::principal::Refusal;
use crate::db;

/// The result of auth's verbs.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why auth refused or failed. Knows nothing of HTTP: `auth::api` gives each variant its status and code.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credential is missing, bad, or not enough for this.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The address is unknown, or the password is wrong: callers must not be able to tell which.
    #[error("Invalid login credentials")]
    BadCredentials,
    /// The user may not sign in until the ban ends.
    #[error("User is banned")]
    Banned,
    /// The address was never confirmed.
    #[error("Email not confirmed")]
    EmailNotConfirmed,
    /// The refresh token is not one of this server's, or its session is over.
    #[error("Invalid Refresh Token: Refresh Token Not Found")]
    UnknownRefreshToken,
    /// The refresh token was spent too long ago; its session has been ended.
    #[error("Invalid Refresh Token: Already Used")]
    SpentRefreshToken,
    /// The server takes no new users.
    #[error("Signups not allowed for this instance")]
    SignupDisabled,
    /// The server takes no users without a credential.
    #[error("Anonymous sign-ins are disabled")]
    AnonymousDisabled,
    /// Phone numbers cannot be used to sign up or in.
    #[error("Phone signups are disabled")]
    PhoneDisabled,
    /// Somebody signed up with this address before.
    #[error("User already registered")]
    UserExists,
    /// The address belongs to another user.
    #[error("A user with this email address has already been registered")]
    EmailExists,
    /// The number belongs to another user.
    #[error("A user with this phone number has already been registered")]
    PhoneExists,
    /// No user has this id.
    #[error("User not found")]
    UserNotFound,
    /// The password is shorter than the server's minimum.
    #[error("Password should be at least {0} characters.")]
    WeakPassword(usize),
    /// The new password is the old one.
    #[error("New password should be different from the old password.")]
    SamePassword,
    /// A password alone would leave an anonymous user without a way to sign in.
    #[error("Updating password of an anonymous user without an email or phone is not allowed")]
    NeedsAddress,
    /// The input says something that is not allowed; the text names the field and what is.
    #[error("{0}")]
    Invalid(String),
    /// Users may not change this about themselves.
    #[error("Updating {0} requires admin privileges")]
    AdminOnly(&'static str),
    /// More passwords are waiting to be hashed than the server queues.
    #[error("Too many sign-ins at once; try again shortly")]
    HashQueueFull,
    /// A secret does not open.
    #[error(
        "the master key is not the one this database was set up with: put the original key into PLINTH_MASTER_KEY or DIR/master.key"
    )]
    WrongMasterKey,
    /// The master key cannot be read, made, or understood.
    #[error("{0}")]
    MasterKey(String),
    /// The cryptography library failed; says at what.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
    /// What the database holds cannot be what this server wrote; says what.
    #[error("the database is inconsistent: {0}")]
    Inconsistent(&'static str),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Error {
    /// An input that is not allowed; `message` names the field and what is.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}
