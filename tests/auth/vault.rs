//! The master key, and what is sealed under it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use plinth::auth::Error;
use plinth::auth::vault::{KEY_FILE, Vault};
use plinth::types::Secret;

#[test]
fn what_is_sealed_opens_again_and_never_looks_the_same() {
    let vault = Vault::with_key(&[1; 32]).expect("a vault");
    let (one, two) = (vault.wrap("a", b"secret").expect("sealed"), vault.wrap("a", b"secret").expect("sealed"));
    assert_ne!(one, two);
    assert_eq!(vault.unwrap("a", &one).expect("opened"), b"secret");
    assert_eq!(vault.unwrap("a", &two).expect("opened"), b"secret");
    assert!(vault.wrap("a", b"").is_ok_and(|empty| vault.unwrap("a", &empty).expect("opened").is_empty()));
}

#[test]
fn another_context_key_or_byte_does_not_open() {
    let vault = Vault::with_key(&[1; 32]).expect("a vault");
    let sealed = vault.wrap("a", b"secret").expect("sealed");
    let refused = |vault: &Vault, context: &str, sealed: &[u8]| {
        assert!(matches!(vault.unwrap(context, sealed), Err(Error::WrongMasterKey)));
    };
    refused(&vault, "b", &sealed);
    refused(&Vault::with_key(&[2; 32]).expect("a vault"), "a", &sealed);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        refused(&vault, "a", &changed);
        refused(&vault, "a", &sealed[..at]);
    }
}

#[test]
fn the_first_start_makes_a_key_that_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let sealed = Vault::open(folder.path(), None).expect("a vault").wrap("a", b"secret").expect("sealed");
    let file = folder.path().join(KEY_FILE);
    let written = fs::read(&file).expect("the key's file");
    assert_eq!(fs::metadata(&file).expect("its metadata").permissions().mode() & 0o777, 0o600);

    let again = Vault::open(folder.path(), None).expect("a vault");
    assert_eq!(again.unwrap("a", &sealed).expect("opened"), b"secret");
    assert_eq!(fs::read(&file).expect("the key's file"), written);
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "no draft is left");

    // The file's text is what PLINTH_MASTER_KEY takes.
    let text = String::from_utf8(written).expect("text");
    let by_variable = Vault::open(tempfile::tempdir().expect("a folder").path(), Some(&Secret::new(text))).expect("a vault");
    assert_eq!(by_variable.unwrap("a", &sealed).expect("opened"), b"secret");
}

#[test]
fn two_first_starts_at_once_end_with_one_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Vault::open(folder.path(), None).expect("a vault");
    let vaults: Vec<Vault> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let sealed = vaults[0].wrap("a", b"secret").expect("sealed");
    assert!(vaults.iter().all(|vault| vault.unwrap("a", &sealed).is_ok()));
}

#[test]
fn a_key_that_is_none_is_refused_and_never_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in ["", "short", "zz", &"g".repeat(64), &"A".repeat(43), &"A".repeat(100)] {
        let given = Vault::open(folder.path(), Some(&Secret::new(text.to_owned())));
        // 43 characters are 32 bytes without the padding.
        assert_eq!(given.is_ok(), text.len() == 43, "{text:?}");
        fs::write(folder.path().join(KEY_FILE), text).expect("written");
        assert_eq!(Vault::open(folder.path(), None).is_ok(), text.len() == 43, "{text:?}");
        assert_eq!(fs::read_to_string(folder.path().join(KEY_FILE)).expect("read"), *text);
    }
    let hex = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
    assert!(Vault::open(folder.path(), Some(&Secret::new(hex.to_owned()))).is_ok());
}
