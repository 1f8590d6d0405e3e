//! Sessions end when they are ended, on the node that did it and soon on the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use plinth::auth::principal::{Refusal, Role};
use plinth::auth::session::REMEMBERED;
use plinth::auth::{AdminUser, AuthService, Error, Scope};
use plinth::tasks::Tasks;
use plinth::types::SessionId;

use super::fixture::{Fixture, PASSWORD, bearer, config};
use crate::support::eventually;

async fn sign_out(auth: &AuthService, token: &str, scope: Scope) {
    let caller = bearer(auth, token).await.expect("signed in");
    auth.sign_out(&caller, scope).await.expect("signed out");
}

#[actix_web::test]
async fn the_three_scopes_end_what_they_say() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    let second = test.sign_in("ada@example.com", PASSWORD).await.expect("signed in");
    let third = test.sign_in("ada@example.com", PASSWORD).await.expect("signed in");
    let bob = test.sign_up("bob@example.com").await;
    let [first, second, third, bob] = [&first, &second, &third, &bob].map(|session| session.access_token.expose());
    let alive = async |token: &str| bearer(&test.auth, token).await.is_ok();

    sign_out(&test.auth, first, Scope::Local).await;
    assert!(!alive(first).await && alive(second).await && alive(third).await);
    sign_out(&test.auth, second, Scope::Others).await;
    assert!(alive(second).await && !alive(third).await);
    sign_out(&test.auth, second, Scope::Global).await;
    assert!(!alive(second).await);
    assert!(alive(bob).await);
}

#[actix_web::test]
async fn a_look_that_began_before_a_sign_out_does_not_outlive_it() {
    let test = Fixture::new().await;
    for round in 0..20 {
        let signed_in = test.sign_up(&format!("user{round}@example.com")).await;
        let token = signed_in.access_token.expose().clone();
        let over = Arc::new(AtomicBool::new(false));
        let looks = AtomicU64::new(0);
        let looking = async {
            for _ in 0..200 {
                looks.fetch_add(1, Ordering::SeqCst);
                let was_over = over.load(Ordering::SeqCst);
                let alive = bearer(&test.auth, &token).await.is_ok();
                assert!(!(was_over && alive), "alive after the sign-out was answered");
            }
        };
        let ending = async {
            // In another moment of the looking in each round.
            while looks.load(Ordering::SeqCst) < round % 5 * 10 {
                tokio::task::yield_now().await;
            }
            sign_out(&test.auth, &token, Scope::Local).await;
            over.store(true, Ordering::SeqCst);
        };
        futures_util::future::join(looking, ending).await;
        assert_eq!(bearer(&test.auth, &token).await.expect_err("over"), Refusal::SessionOver);
    }
}

#[actix_web::test]
async fn another_node_hears_of_it_within_its_memory() {
    let test = Fixture::new().await;
    let other = test.another(&config()).await;
    let signed_in = test.sign_up("ada@example.com").await;
    let token = signed_in.access_token.expose();
    assert!(bearer(&other, token).await.is_ok());
    sign_out(&test.auth, token, Scope::Local).await;
    let limit = REMEMBERED + Duration::from_millis(500);
    let refusal = eventually("the other node's hearing of it", limit, async || bearer(&other, token).await.err()).await;
    assert_eq!(refusal, Refusal::SessionOver);
}

#[actix_web::test]
async fn a_ban_a_role_and_a_deletion_count_for_tokens_that_are_out() {
    let test = Fixture::new().await;
    let signed_in = test.sign_up("ada@example.com").await;
    let (id, token) = (signed_in.account.user.id, signed_in.access_token.expose());
    let change = async |wanted: AdminUser| test.auth.update_user(id, wanted).await.expect("changed");

    change(AdminUser { ban: Some("24h".parse().expect("a ban")), ..AdminUser::default() }).await;
    assert_eq!(bearer(&test.auth, token).await.expect_err("banned"), Refusal::Banned);
    change(AdminUser { ban: Some("none".parse().expect("no ban")), ..AdminUser::default() }).await;
    assert!(bearer(&test.auth, token).await.is_ok());

    change(AdminUser { role: Some(Role::ServiceRole), ..AdminUser::default() }).await;
    let principal = bearer(&test.auth, token).await.expect("known");
    assert!(principal.is_service());
    assert_eq!(principal.claims["role"], "service_role");
    change(AdminUser { role: Some(Role::Authenticated), ..AdminUser::default() }).await;
    assert!(!bearer(&test.auth, token).await.expect("known").is_service());

    test.auth.delete_user(id).await.expect("deleted");
    assert_eq!(bearer(&test.auth, token).await.expect_err("gone"), Refusal::UserGone);
}

#[actix_web::test]
async fn a_new_password_ends_the_other_sessions() {
    let test = Fixture::new().await;
    let first = test.sign_up("ada@example.com").await;
    let second = test.sign_in("ada@example.com", PASSWORD).await.expect("signed in");
    let caller = bearer(&test.auth, first.access_token.expose()).await.expect("signed in");
    let changes = plinth::auth::UserChanges { password: Some("another password".to_owned()), ..Default::default() };
    test.auth.update_own_account(&caller, changes).await.expect("changed");
    assert!(bearer(&test.auth, first.access_token.expose()).await.is_ok());
    assert!(bearer(&test.auth, second.access_token.expose()).await.is_err());
    assert!(test.sign_in("ada@example.com", PASSWORD).await.is_err());
    assert!(test.sign_in("ada@example.com", "another password").await.is_ok());
}

#[actix_web::test]
async fn a_session_that_nobody_refreshes_ends_and_is_removed() {
    let test = Fixture::new().await;
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    for at in 0..3 {
        test.sign_up(&format!("user{at}@example.com")).await;
    }
    let refreshed = test.sign_up("ada@example.com").await;
    let limit = config().session_idle_limit;
    test.clock.advance(limit - Duration::from_secs(60));
    let refreshed = test.auth.refresh(refreshed.refresh_token.expose()).await.expect("refreshed");
    let abandoned = test.sign_in("user0@example.com", PASSWORD).await.expect("signed in");
    assert_eq!(test.auth.remove_idle_sessions(&tasks).await.expect("removed"), 0);
    test.clock.advance(Duration::from_secs(120));
    assert_eq!(test.auth.remove_idle_sessions(&tasks).await.expect("removed"), 3, "the others are younger");
    assert!(test.auth.refresh(refreshed.refresh_token.expose()).await.is_ok());
    // Over from that moment on, whether it is removed already or not.
    test.clock.advance(limit + Duration::from_secs(1));
    let refusal = test.auth.refresh(abandoned.refresh_token.expose()).await.expect_err("idle");
    assert!(matches!(refusal, Error::UnknownRefreshToken), "{refusal:?}");
}

#[actix_web::test]
async fn many_idle_sessions_are_removed_in_batches() {
    let test = Fixture::new().await;
    let tasks = Tasks::new(tokio::runtime::Handle::current());
    let signed_in = test.sign_up("ada@example.com").await;
    let (user, copies) = (signed_in.account.user.id, 450_u64);
    let copied = test.db.write::<_, plinth::db::Error, _>(move |tx| {
        Box::pin(async move {
            for _ in 0..copies {
                tx.query(
                    "insert into auth.sessions (id, user_id, aal, amr, refresh_salt, refresh_counter, created_at, updated_at)
                     select $1, user_id, aal, amr, refresh_salt, 0, created_at, updated_at from auth.sessions
                      where user_id = $2 limit 1",
                )
                .bind(SessionId::random())
                .bind(user)
                .execute()
                .await?;
            }
            Ok(())
        })
    });
    copied.await.expect("copied");
    test.clock.advance(config().session_idle_limit + Duration::from_secs(1));
    assert_eq!(test.auth.remove_idle_sessions(&tasks).await.expect("removed"), copies + 1);
}
