//! Sessions end when they are ended, on the node that did it and soon on the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plinth::auth::principal::{Refusal, Role};
use plinth::auth::session::REMEMBERED;
use plinth::auth::{AdminUser, AuthService, Scope};

use super::fixture::{Fixture, PASSWORD, bearer, config};

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
        let looking = async {
            for _ in 0..200 {
                let was_over = over.load(Ordering::SeqCst);
                let alive = bearer(&test.auth, &token).await.is_ok();
                assert!(!(was_over && alive), "alive after the sign-out was answered");
            }
        };
        let ending = async {
            tokio::time::sleep(Duration::from_millis(round % 5)).await;
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
    tokio::time::sleep(REMEMBERED + Duration::from_millis(200)).await;
    assert_eq!(bearer(&other, token).await.expect_err("over"), Refusal::SessionOver);
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
