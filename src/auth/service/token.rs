//! Signing in with a password, and refreshing.

use std::sync::Arc;
use std::time::Duration;

use super::{AuthService, issue};
use crate::auth::model::{Account, Email, Method, Origin, Provider, Session, SignedIn, User};
use crate::auth::password::Verdict;
use crate::auth::queries::{identities, sessions, users};
use crate::auth::token::RefreshToken;
use crate::auth::{Error, Result};
use crate::db::Conn;
use crate::types::{Secret, Timestamp, UserId};

impl AuthService {
    /// Begins a session for whoever knows the password.
    ///
    /// An unknown address takes as long as a wrong password and is answered alike; whether the user is banned is told only to
    /// who knows the password.
    ///
    /// # Errors
    /// [`Error::BadCredentials`], [`Error::Banned`], [`Error::EmailNotConfirmed`], [`Error::HashQueueFull`].
    pub async fn sign_in(&self, email: &str, password: Secret<String>, origin: Origin) -> Result<SignedIn> {
        let user = match email.parse::<Email>() {
            Ok(email) => users::find_by_email(&mut self.0.db.read().await?, &email).await?,
            Err(_) => None,
        };
        let verified = user.as_ref().and_then(|user| user.password_hash.clone());
        let verdict = self.0.passwords.verify(&password, verified.as_ref()).await?;
        let (Some(user), Some(verified)) = (user, verified) else { return Err(Error::BadCredentials) };
        let better = match verdict {
            Verdict::Wrong => return Err(Error::BadCredentials),
            Verdict::Right => None,
            // A better hash can wait for a quieter time.
            Verdict::Outdated => self.0.passwords.hash(&password).await.ok(),
        };
        self.check_may_sign_in(&user)?;
        self.begin_with_password(&user, verified, better, origin).await
    }

    fn check_may_sign_in(&self, user: &User) -> Result<()> {
        if user.is_banned(self.now()) {
            return Err(Error::Banned);
        }
        if user.email_confirmed_at.is_none() {
            return Err(Error::EmailNotConfirmed);
        }
        Ok(())
    }

    async fn begin_with_password(
        &self,
        user: &User,
        verified: Secret<String>,
        better: Option<Secret<String>>,
        origin: Origin,
    ) -> Result<SignedIn> {
        let (now, id) = (self.now(), user.id);
        let session = issue::session(id, Method::Password, now)?;
        let input = Arc::new((verified, better, session.clone(), origin));
        let service = self.clone();
        let account = self
            .0
            .db
            .write(move |tx| {
                let (service, input) = (service.clone(), Arc::clone(&input));
                Box::pin(async move {
                    let (verified, better, session, origin) = &*input;
                    let noted = users::note_sign_in(tx, id, verified, better.as_ref(), now).await?;
                    let user = noted.ok_or(Error::BadCredentials)?;
                    service.check_may_sign_in(&user)?;
                    identities::note_sign_in(tx, id, Provider::Email, now).await?;
                    Ok::<_, Error>(issue::begin(tx, user, session, origin).await?)
                })
            })
            .await?;
        self.tokens(account, &session, now)
    }

    /// Answers a refresh token with the session's current tokens.
    ///
    /// The token before the current one is always answered, since a client may not have saved the last answer; an older one only
    /// within the reuse interval, since several tabs may refresh at once. Any older one means that somebody else has it too: the
    /// session is ended.
    ///
    /// # Errors
    /// [`Error::UnknownRefreshToken`], [`Error::SpentRefreshToken`], [`Error::Banned`].
    pub async fn refresh(&self, token: &str) -> Result<SignedIn> {
        let token = RefreshToken::parse(token).ok_or(Error::UnknownRefreshToken)?;
        let now = self.now();
        // Most of what is refused, and every token but the current one, is answered without writing.
        let seen = self.look(&mut self.0.db.read().await?, &token, now).await?;
        let outcome = match seen {
            Outcome::Answer(current) if current.1.refresh_counter > token.counter => Outcome::Answer(current),
            Outcome::Answer(_) | Outcome::Ended(_) => self.turn(token, now).await?,
        };
        match outcome {
            Outcome::Answer(current) => {
                let (account, session) = *current;
                self.tokens(account, &session, now)
            }
            Outcome::Ended(user) => {
                self.0.sessions.forget(user);
                Err(Error::SpentRefreshToken)
            }
        }
    }

    /// Moves the counter on if the token is the current one, or ends the session if it is too old.
    async fn turn(&self, token: RefreshToken, now: Timestamp) -> Result<Outcome> {
        let service = self.clone();
        self.0
            .db
            .write(move |tx| {
                let service = service.clone();
                Box::pin(async move {
                    sessions::advance(tx, token.session, token.counter, now).await?;
                    let outcome = service.look(tx, &token, now).await?;
                    if matches!(outcome, Outcome::Ended(_)) {
                        sessions::delete(tx, token.session).await?;
                    }
                    Ok(outcome)
                })
            })
            .await
    }

    /// What the token is worth as things stand.
    async fn look(&self, conn: &mut Conn, token: &RefreshToken, now: Timestamp) -> Result<Outcome> {
        let session = sessions::find(conn, token.session).await?.ok_or(Error::UnknownRefreshToken)?;
        if !self.0.refresh.is_genuine(token, &session.refresh_salt) {
            return Err(Error::UnknownRefreshToken);
        }
        if session.refreshed_at.unwrap_or(session.created_at) < self.idle_since() {
            return Err(Error::UnknownRefreshToken);
        }
        let user = users::find(conn, session.user_id).await?.ok_or(Error::UnknownRefreshToken)?;
        if user.is_banned(now) {
            return Err(Error::Banned);
        }
        match standing(&session, token.counter, now, self.0.config.refresh_reuse_interval) {
            Standing::Ahead => Err(Error::UnknownRefreshToken),
            Standing::Spent => Ok(Outcome::Ended(user.id)),
            Standing::Good => {
                let identities = identities::of_user(conn, user.id).await?;
                Ok(Outcome::Answer(Box::new((Account { user, identities }, session))))
            }
        }
    }
}

/// What a refresh token is worth.
enum Outcome {
    /// The user and the session as they are, for new tokens.
    Answer(Box<(Account, Session)>),
    /// The end of the user's session.
    Ended(UserId),
}

enum Standing {
    Good,
    Spent,
    /// A counter that this session never had.
    Ahead,
}

fn standing(session: &Session, counter: i64, now: Timestamp, reuse: Duration) -> Standing {
    match session.refresh_counter.saturating_sub(counter) {
        ..0 => Standing::Ahead,
        0 | 1 => Standing::Good,
        _ if session.refreshed_at.is_some_and(|at| at.plus(reuse) > now) => Standing::Good,
        _ => Standing::Spent,
    }
}
