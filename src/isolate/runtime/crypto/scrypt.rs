//! scrypt (RFC 7914), for `node:crypto`.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use deno_core::op2;

/// A block of Salsa20: sixteen words.
const WORDS: usize = 16;

/// Derives a key; the caller has checked that `n` is a power of two and bounded the cost. `false` when memory does not suffice.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_scrypt(
    #[buffer] password: &[u8],
    #[buffer] salt: &[u8],
    n: u32,
    r: u32,
    p: u32,
    #[buffer] out: &mut [u8],
) -> bool {
    derive(password, salt, [n as usize, r as usize, p as usize], out).is_some()
}

fn derive(password: &[u8], salt: &[u8], [n, r, p]: [usize; 3], out: &mut [u8]) -> Option<()> {
    let words = r.checked_mul(2 * WORDS)?;
    let mut bytes = zeros::<u8>(words.checked_mul(4 * p)?)?;
    let mut table = zeros::<u32>(words.checked_mul(n)?)?;
    let mut block = zeros::<u32>(words)?;
    let mut mixed = zeros::<u32>(words)?;
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, NonZeroU32::MIN, salt, password, &mut bytes);
    for lane in bytes.chunks_exact_mut(words * 4) {
        for (word, bytes) in block.iter_mut().zip(lane.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        mix(&mut block, &mut mixed, &mut table, n);
        for (word, bytes) in block.iter().zip(lane.as_chunks_mut::<4>().0) {
            *bytes = word.to_le_bytes();
        }
    }
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, NonZeroU32::MIN, &bytes, password, out);
    Some(())
}

/// So many zeros, or `None` instead of the end of the process when there is no memory for them.
fn zeros<T: Clone + Default>(length: usize) -> Option<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(length).ok()?;
    vector.resize(length, T::default());
    Some(vector)
}

/// RFC 7914, section 5: fills a table with what the block goes through, then visits it in an order only the block knows.
fn mix(block: &mut Vec<u32>, mixed: &mut Vec<u32>, table: &mut [u32], n: usize) {
    let words = block.len();
    for row in table.chunks_exact_mut(words) {
        row.copy_from_slice(block);
        mix_block(block, mixed);
        std::mem::swap(block, mixed);
    }
    for _ in 0..n {
        let row = block[words - WORDS] as usize & (n - 1);
        for (word, other) in block.iter_mut().zip(&table[row * words..(row + 1) * words]) {
            *word ^= other;
        }
        mix_block(block, mixed);
        std::mem::swap(block, mixed);
    }
}

/// Section 4: the blocks of even places come first, those of odd places after them.
fn mix_block(from: &[u32], to: &mut [u32]) {
    let half = from.len() / 2;
    let mut last = [0; WORDS];
    last.copy_from_slice(&from[from.len() - WORDS..]);
    for (place, block) in from.as_chunks::<WORDS>().0.iter().enumerate() {
        for (word, other) in last.iter_mut().zip(block) {
            *word ^= other;
        }
        salsa(&mut last);
        let start = place / 2 * WORDS + if place % 2 == 0 { 0 } else { half };
        to[start..start + WORDS].copy_from_slice(&last);
    }
}

/// Section 3: Salsa20 with eight rounds.
fn salsa(block: &mut [u32; WORDS]) {
    let before = *block;
    let mut quarter = |[a, b, c, d]: [usize; 4]| {
        block[b] ^= block[a].wrapping_add(block[d]).rotate_left(7);
        block[c] ^= block[b].wrapping_add(block[a]).rotate_left(9);
        block[d] ^= block[c].wrapping_add(block[b]).rotate_left(13);
        block[a] ^= block[d].wrapping_add(block[c]).rotate_left(18);
    };
    for _ in 0..4 {
        quarter([0, 4, 8, 12]);
        quarter([5, 9, 13, 1]);
        quarter([10, 14, 2, 6]);
        quarter([15, 3, 7, 11]);
        quarter([0, 1, 2, 3]);
        quarter([5, 6, 7, 4]);
        quarter([10, 11, 8, 9]);
        quarter([15, 12, 13, 14]);
    }
    for (word, before) in block.iter_mut().zip(before) {
        *word = word.wrapping_add(before);
    }
}
