//! Rotation of refresh tokens, as `GoTrue`'s second algorithm has it.

use std::time::Duration;

use futures_util::future::join_all;
use plinth::auth::Error;
use plinth::auth::model::SignedIn;
use plinth::auth::principal::Refusal;
use uuid::Uuid;

use super::fixture::{Fixture, bearer};
use crate::support::claims;

async fn refresh(test: &Fixture, signed_in: &SignedIn) -> SignedIn {
    test.auth.refresh(signed_in.refresh_token.expose()).await.expect("refreshed")
}

#[actix_web::test]
async fn a_refresh_keeps_the_session_and_changes_the_token() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    test.clock.advance(Duration::from_secs(60));
    let second = refresh(&test, &first).await;
    assert_ne!(first.refresh_token, second.refresh_token);
    let (old, new) = (claims(first.access_token.expose()), claims(second.access_token.expose()));
    assert_eq!(old["session_id"], new["session_id"]);
    assert_eq!(old["amr"], new["amr"]);
    assert_eq!(new["iat"].as_i64(), old["iat"].as_i64().map(|at| at + 60));
    assert!(bearer(&test.auth, second.access_token.expose()).await.is_ok());
    assert!(bearer(&test.auth, first.access_token.expose()).await.is_ok(), "it is not over yet");
}

#[actix_web::test]
async fn the_token_before_the_current_is_always_answered() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    let second = refresh(&test, &first).await;
    test.clock.advance(Duration::from_secs(30 * 24 * 3600));
    for _ in 0..3 {
        assert_eq!(refresh(&test, &first).await.refresh_token, second.refresh_token);
    }
    assert_ne!(refresh(&test, &second).await.refresh_token, second.refresh_token);
}

#[actix_web::test]
async fn an_older_token_is_answered_within_the_interval_and_ends_the_session_after() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    let second = refresh(&test, &first).await;
    let third = refresh(&test, &second).await;
    test.clock.advance(Duration::from_secs(9));
    assert_eq!(refresh(&test, &first).await.refresh_token, third.refresh_token);

    test.clock.advance(Duration::from_secs(2));
    let spent = test.auth.refresh(first.refresh_token.expose()).await;
    assert!(matches!(spent, Err(Error::SpentRefreshToken)));
    // The thief's and the user's tokens are worth nothing any more.
    for token in [&first, &second, &third] {
        let refused = test.auth.refresh(token.refresh_token.expose()).await;
        assert!(matches!(refused, Err(Error::UnknownRefreshToken)));
        assert_eq!(bearer(&test.auth, token.access_token.expose()).await.expect_err("over"), Refusal::SessionOver);
    }
}

#[actix_web::test]
async fn fifty_refreshes_at_once_move_the_counter_once() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    let answers = join_all((0..50).map(|_| refresh(&test, &first))).await;
    let next = &answers[0].refresh_token;
    assert!(answers.iter().all(|answer| answer.refresh_token == *next));
    let (counter,): (i64,) = {
        let mut conn = test.db.read().await.expect("a reader");
        conn.query("select refresh_counter from auth.sessions").fetch_one().await.expect("the session")
    };
    assert_eq!(counter, 1);
}

#[actix_web::test]
async fn a_token_this_server_did_not_write_is_unknown() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    let other = test.sign_up("bob@example.com").await;
    let text = first.refresh_token.expose();
    let mut swapped = other.refresh_token.expose().clone();
    swapped.replace_range(..40, &text[..40]);
    let forged = [String::new(), "x".to_owned(), Uuid::new_v4().to_string(), "A".repeat(76), "A".repeat(100_000), swapped];
    for token in forged {
        assert!(matches!(test.auth.refresh(&token).await, Err(Error::UnknownRefreshToken)), "{token:.80}");
    }
    assert!(test.auth.refresh(text).await.is_ok(), "nothing was ended");
}

#[actix_web::test]
async fn a_refresh_sees_the_user_as_they_are_now() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    let id = first.account.user.id;
    let ban = |text: &str| plinth::auth::AdminUser { ban: Some(text.parse().expect("a duration")), ..Default::default() };
    test.auth.update_user(id, ban("24h")).await.expect("banned");
    assert!(matches!(test.auth.refresh(first.refresh_token.expose()).await, Err(Error::Banned)));
    test.clock.advance(Duration::from_secs(25 * 3600));
    let second = refresh(&test, &first).await;
    test.auth.delete_user(id).await.expect("deleted");
    assert!(matches!(test.auth.refresh(second.refresh_token.expose()).await, Err(Error::UnknownRefreshToken)));
}
