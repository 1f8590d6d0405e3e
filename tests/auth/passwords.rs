//! Hashing: bounded, off the web workers, and renewed when its parameters are.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use plinth::auth::Error;
use plinth::auth::password::{Passwords, Verdict};
use plinth::types::Secret;

use super::fixture::{Fixture, PASSWORD, config};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[actix_web::test]
async fn a_hash_is_argon2id_and_verifies_its_password_alone() {
    let passwords = Passwords::start(&config()).expect("threads");
    let hash = passwords.hash(&secret("one")).await.expect("hashed");
    assert!(hash.expose().starts_with("$argon2id$v=19$m=1024,t=1,p=1$"), "{}", hash.expose());
    assert_eq!(passwords.verify(&secret("one"), Some(&hash)).await.expect("verified"), Verdict::Right);
    assert_eq!(passwords.verify(&secret("two"), Some(&hash)).await.expect("verified"), Verdict::Wrong);
    assert_eq!(passwords.verify(&secret("one"), None).await.expect("verified"), Verdict::Wrong);
    assert_ne!(hash, passwords.hash(&secret("one")).await.expect("hashed"), "each has its own salt");
}

#[actix_web::test]
async fn other_parameters_are_outdated_but_good() {
    let old = Passwords::start(&config()).expect("threads").hash(&secret("one")).await.expect("hashed");
    let mut config = config();
    config.argon2_iterations = 2;
    let passwords = Passwords::start(&config).expect("threads");
    assert_eq!(passwords.verify(&secret("one"), Some(&old)).await.expect("verified"), Verdict::Outdated);
    assert_eq!(passwords.verify(&secret("two"), Some(&old)).await.expect("verified"), Verdict::Wrong);
}

#[actix_web::test]
async fn a_full_queue_refuses_at_once() {
    let mut config = config();
    (config.hash_queue, config.argon2_memory_kib, config.argon2_iterations) = (2, 16 * 1024, 4);
    let passwords = Passwords::start(&config).expect("threads");
    let password = secret("one");
    let started = Instant::now();
    let outcomes = join_all((0..20).map(|_| passwords.hash(&password))).await;
    let full = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::HashQueueFull))).count();
    assert!((1..=18).contains(&full), "{full} refused");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(Error::HashQueueFull))));
    assert!(started.elapsed() < Duration::from_secs(30));
    // It takes work again.
    assert!(passwords.hash(&password).await.is_ok());
}

#[actix_web::test]
async fn work_for_a_caller_who_left_is_not_done() {
    let mut config = config();
    (config.argon2_memory_kib, config.argon2_iterations) = (64 * 1024, 10);
    let passwords = Passwords::start(&config).expect("threads");
    let password = secret("one");
    let one = Instant::now();
    passwords.hash(&password).await.expect("hashed");
    let one = one.elapsed();
    let gone = join_all((0..50).map(|_| tokio::time::timeout(Duration::from_millis(1), passwords.hash(&password)))).await;
    assert!(gone.iter().all(Result::is_err));
    let next = Instant::now();
    passwords.hash(&password).await.expect("hashed");
    assert!(next.elapsed() < one * 10, "{:?} after {one:?}", next.elapsed());
}

#[actix_web::test]
async fn signing_in_renews_a_hash_with_old_parameters() {
    let test = Fixture::new().await;
    let ada = test.sign_up("ada@example.com").await.account.user;
    let mut newer = config();
    newer.argon2_iterations = 3;
    let node = test.another(&newer).await;
    for _ in 0..2 {
        node.sign_in("ada@example.com", secret(PASSWORD), Default::default()).await.expect("signed in");
        let stored = node.user(ada.id).await.expect("the user").user.password_hash.expect("a hash");
        assert!(stored.expose().starts_with("$argon2id$v=19$m=1024,t=3,p=1$"), "{}", stored.expose());
    }
    test.sign_in("ada@example.com", PASSWORD).await.expect("the old node reads the new hash");
}

#[actix_web::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let mut config = config();
    (config.argon2_memory_kib, config.argon2_iterations) = (32 * 1024, 3);
    let test = Fixture::with(&config).await;
    test.sign_up("ada@example.com").await;
    let mut fastest = [Duration::MAX; 3];
    for _ in 0..5 {
        for (slot, email) in ["ada@example.com", "nobody@example.com", "not an address"].into_iter().enumerate() {
            let started = Instant::now();
            let err = test.sign_in(email, "wrong password").await.expect_err("refused");
            assert!(matches!(err, Error::BadCredentials));
            fastest[slot] = fastest[slot].min(started.elapsed());
        }
    }
    // Hashing is nearly all of it: without it an answer would take a small fraction, on however busy a machine.
    assert!(fastest.iter().all(|time| *time * 4 > fastest[0] && *time < fastest[0] * 4), "{fastest:?}");
}
