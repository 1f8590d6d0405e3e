//! Apache's variant of the MD5-based crypt, which `htpasswd` wrote by default for long.

use md5::{Digest, Md5};

const MAGIC: &str = "$apr1$";

/// The digits of its numbers.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Which bytes of the digest go into each group of four digits.
const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];

const ROUNDS: usize = 1000;

/// The hash of a password with the salt of `setting`, which is a hash itself; `None` when it is none of this kind.
pub(super) fn hash(password: &str, setting: &str) -> Option<String> {
    let salt = setting.strip_prefix(MAGIC)?.split('$').next().filter(|salt| (1..=8).contains(&salt.len()))?;
    let sum = rounds(password.as_bytes(), salt.as_bytes(), first(password.as_bytes(), salt.as_bytes()));
    let mut text = format!("{MAGIC}{salt}$");
    for [high, middle, low] in GROUPS {
        let number = (u32::from(sum[high]) << 16) | (u32::from(sum[middle]) << 8) | u32::from(sum[low]);
        push_digits(&mut text, number, 4);
    }
    push_digits(&mut text, u32::from(sum[11]), 2);
    Some(text)
}

fn first(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner: [u8; 16] = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize().into();
    let mut md5 = Md5::new().chain_update(password).chain_update(MAGIC).chain_update(salt);
    let mut left = password.len();
    while left > 0 {
        let part = left.min(inner.len());
        md5.update(&inner[..part]);
        left -= part;
    }
    let mut bits = password.len();
    while bits > 0 {
        let byte = if bits & 1 == 1 { 0 } else { password[0] };
        md5.update([byte]);
        bits >>= 1;
    }
    md5.finalize().into()
}

fn rounds(password: &[u8], salt: &[u8], mut sum: [u8; 16]) -> [u8; 16] {
    for round in 0..ROUNDS {
        let is_odd = round % 2 == 1;
        let mut md5 = Md5::new();
        md5.update(if is_odd { password } else { &sum });
        if round % 3 != 0 {
            md5.update(salt);
        }
        if round % 7 != 0 {
            md5.update(password);
        }
        md5.update(if is_odd { &sum } else { password });
        sum = md5.finalize().into();
    }
    sum
}

/// Six bits a digit, the lowest first.
fn push_digits(text: &mut String, mut number: u32, count: usize) {
    for _ in 0..count {
        text.push(char::from(DIGITS[(number & 63) as usize]));
        number >>= 6;
    }
}
