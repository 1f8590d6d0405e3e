//! The server's own keys.

use plinth::auth::vault::Vault;
use plinth::auth::{Error, keys};

use super::fixture::{Fixture, bearer, config, open};
use crate::support::claims;

#[actix_web::test]
async fn many_first_starts_at_once_end_with_one_set() {
    let test = Fixture::new().await;
    // As before the first start.
    test.db
        .write(|tx| Box::pin(async move { tx.query("delete from plinth.keys").execute().await }))
        .await
        .expect("no keys are left");
    let shown: Vec<_> = futures_util::future::join_all((0..8).map(|_| keys::show(&test.db, &test.vault, &test.clock))).await;
    let sets: Vec<_> = shown.into_iter().map(|set| set.expect("a set")).collect();
    let (count,): (i64,) = {
        let mut conn = test.db.read().await.expect("a reader");
        conn.query("select count(*) from plinth.keys").fetch_one().await.expect("the count")
    };
    assert_eq!(count, 5);
    for set in &sets {
        assert_eq!(set.anon_key, sets[0].anon_key);
        assert_eq!(set.service_key, sets[0].service_key);
        assert_eq!(set.access_key_id, sets[0].access_key_id);
        assert_eq!(set.secret_access_key, sets[0].secret_access_key);
    }
}

#[actix_web::test]
async fn api_keys_are_tokens_in_shape_and_known_by_their_digest() {
    let test = Fixture::new().await;
    let set = keys::show(&test.db, &test.vault, &test.clock).await.expect("a set");
    for (key, role) in [(&set.anon_key, "anon"), (&set.service_key, "service_role")] {
        let claims = claims(key);
        assert_eq!(claims["role"], role);
        assert_eq!(claims["iss"], "plinth");
        assert!(claims["exp"].as_i64() > claims["iat"].as_i64());
        let principal = bearer(&test.auth, key).await.expect("known");
        assert_eq!(principal.role.as_str(), role);
        assert_eq!(principal.key_id.map(|id| id.to_string()).as_deref(), claims["key_id"].as_str());
        // The same claims with another signature are another key.
        let forged = format!("{}AAAA", &key[..key.len() - 4]);
        assert!(bearer(&test.auth, &forged).await.is_err());
    }
    assert!(set.access_key_id.starts_with("PLNT") && set.access_key_id.len() == 20);
    assert!(set.access_key_id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
    assert_eq!(set.secret_access_key.len(), 40);
    assert!(!format!("{set:?}").contains(&set.service_key));
}

#[actix_web::test]
async fn a_revoked_api_key_is_refused_although_its_signature_holds() {
    let test = Fixture::new().await;
    let set = keys::show(&test.db, &test.vault, &test.clock).await.expect("a set");
    test.db
        .write(|tx| {
            Box::pin(
                async move { tx.query("update plinth.keys set revoked_at = created_at where name = 'service'").execute().await },
            )
        })
        .await
        .expect("revoked");
    let node = test.another(&config()).await;
    assert!(bearer(&node, &set.service_key).await.is_err());
    assert!(bearer(&node, &set.anon_key).await.is_ok());
}

#[actix_web::test]
async fn another_master_key_opens_nothing() {
    let test = Fixture::new().await;
    let stranger = Vault::with_key(&[9; 32]).expect("a vault");
    let opened = open(&config(), &test.db, &stranger, &test.clock).await;
    let err = opened.expect_err("refused");
    assert!(matches!(err, Error::WrongMasterKey));
    let text = err.to_string();
    assert!(text.contains("PLINTH_MASTER_KEY") && !text.contains('\n'), "{text}");
    assert!(matches!(keys::show(&test.db, &stranger, &test.clock).await, Err(Error::WrongMasterKey)));
}

#[actix_web::test]
async fn nothing_secret_stands_in_the_database() {
    let test = Fixture::new().await;
    let set = keys::show(&test.db, &test.vault, &test.clock).await.expect("a set");
    let mut conn = test.db.read().await.expect("a reader");
    let sealed: Vec<(Vec<u8>,)> = conn.query("select sealed from plinth.keys").fetch_all().await.expect("the rows");
    for (sealed,) in sealed {
        for secret in [&set.anon_key, &set.service_key, &set.secret_access_key] {
            assert!(!sealed.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    drop(conn);
    test.close().await;
}
