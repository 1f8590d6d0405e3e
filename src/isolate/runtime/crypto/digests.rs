//! The digests of `node:crypto`: states of hashes and HMACs by number, fed piece by piece, and what is derived from passwords.
//!
//! The script holds a number for each state, so that a state needs no object of V8's C++ heap, which no snapshot can hold. A number
//! that is not (or no longer) known is passed over: only the extension's own JavaScript calls these.

use std::collections::HashMap;
use std::num::NonZeroU32;

use ::hmac::{Hmac, KeyInit, Mac};
use aws_lc_rs::{digest, hmac, pbkdf2};
use deno_core::{OpState, op2};
use md5::{Digest, Md5};

/// A digest under way.
#[derive(Clone)]
enum State {
    Hash(digest::Context),
    Md5(Md5),
    Hmac(Box<hmac::Context>),
    HmacMd5(Hmac<Md5>),
}

impl State {
    /// A hash by its name in lower case.
    fn hash(name: &str) -> Option<Self> {
        if name == "md5" {
            return Some(Self::Md5(Md5::new()));
        }
        algorithm(name).map(|algorithm| Self::Hash(digest::Context::new(algorithm)))
    }

    fn hmac(name: &str, key: &[u8]) -> Option<Self> {
        let algorithm = match name {
            "md5" => return Hmac::new_from_slice(key).ok().map(Self::HmacMd5),
            "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "sha224" => hmac::HMAC_SHA224,
            "sha256" => hmac::HMAC_SHA256,
            "sha384" => hmac::HMAC_SHA384,
            "sha512" => hmac::HMAC_SHA512,
            _ => return None,
        };
        Some(Self::Hmac(Box::new(hmac::Context::with_key(&hmac::Key::new(algorithm, key)))))
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Hash(context) => context.update(bytes),
            Self::Md5(context) => Digest::update(context, bytes),
            Self::Hmac(context) => context.update(bytes),
            Self::HmacMd5(context) => Mac::update(context, bytes),
        }
    }

    /// Writes the digest and gives its length; 0 when it does not fit.
    fn finish(self, out: &mut [u8]) -> u32 {
        match self {
            Self::Hash(context) => put(context.finish().as_ref(), out),
            Self::Md5(context) => put(&context.finalize(), out),
            Self::Hmac(context) => put(context.sign().as_ref(), out),
            Self::HmacMd5(context) => put(&context.finalize().into_bytes(), out),
        }
    }
}

fn algorithm(name: &str) -> Option<&'static digest::Algorithm> {
    Some(match name {
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha224" => &digest::SHA224,
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        "sha512-256" => &digest::SHA512_256,
        "sha3-256" => &digest::SHA3_256,
        "sha3-384" => &digest::SHA3_384,
        "sha3-512" => &digest::SHA3_512,
        _ => return None,
    })
}

fn put(digest: &[u8], out: &mut [u8]) -> u32 {
    match out.get_mut(..digest.len()) {
        Some(place) => {
            place.copy_from_slice(digest);
            u32::try_from(digest.len()).unwrap_or(0)
        }
        None => 0,
    }
}

/// Every digest under way in this isolate. Each takes a kilobyte or two, which the limit on the process's data counts.
#[derive(Default)]
pub(in crate::isolate::runtime) struct Digests {
    last: u32,
    states: HashMap<u32, State>,
}

impl Digests {
    /// Keeps a state; its number is not 0, which stands for none.
    fn keep(&mut self, state: Option<State>) -> u32 {
        let Some(state) = state else { return 0 };
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if let std::collections::hash_map::Entry::Vacant(entry) = self.states.entry(self.last) {
                entry.insert(state);
                return self.last;
            }
        }
    }
}

/// A hash by its name in lower case (`sha256`); 0 when there is none.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hash_new(state: &mut OpState, #[string] name: &str) -> u32 {
    state.borrow_mut::<Digests>().keep(State::hash(name))
}

/// An HMAC by the name of its hash; 0 when there is none.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hmac_new(state: &mut OpState, #[string] name: &str, #[buffer] key: &[u8]) -> u32 {
    state.borrow_mut::<Digests>().keep(State::hmac(name, key))
}

/// Another state with what this one was fed so far; 0 when this one is not known.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hash_copy(state: &mut OpState, id: u32) -> u32 {
    let digests = state.borrow_mut::<Digests>();
    let copy = digests.states.get(&id).cloned();
    digests.keep(copy)
}

#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hash_update_bytes(state: &mut OpState, id: u32, #[buffer] bytes: &[u8]) {
    if let Some(state) = state.borrow_mut::<Digests>().states.get_mut(&id) {
        state.update(bytes);
    }
}

#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hash_update_text(state: &mut OpState, id: u32, #[string] text: &str) {
    if let Some(state) = state.borrow_mut::<Digests>().states.get_mut(&id) {
        state.update(text.as_bytes());
    }
}

/// Ends a state and writes its digest; gives the digest's length.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hash_finish(state: &mut OpState, id: u32, #[buffer] out: &mut [u8]) -> u32 {
    state.borrow_mut::<Digests>().states.remove(&id).map_or(0, |state| state.finish(out))
}

/// Forgets a state whose digest nobody will ask for.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hash_drop(state: &mut OpState, id: u32) {
    state.borrow_mut::<Digests>().states.remove(&id);
}

/// The hash of these bytes; gives its length, 0 when there is no such hash.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_hash_once(
    #[string] name: &str,
    #[buffer] bytes: &[u8],
    #[buffer] out: &mut [u8],
) -> u32 {
    State::hash(name).map_or(0, |mut state| {
        state.update(bytes);
        state.finish(out)
    })
}

/// PBKDF2 with HMAC; the caller has bounded the iterations. `false` when the hash is not one of SHA-1, SHA-256, SHA-384, SHA-512.
#[op2(fast)]
pub(in crate::isolate::runtime) fn op_plinth_pbkdf2(
    #[string] name: &str,
    #[buffer] password: &[u8],
    #[buffer] salt: &[u8],
    iterations: u32,
    #[buffer] out: &mut [u8],
) -> bool {
    let algorithm = match name {
        "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
        "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
        "sha384" => pbkdf2::PBKDF2_HMAC_SHA384,
        "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return false,
    };
    let Some(iterations) = NonZeroU32::new(iterations) else { return false };
    pbkdf2::derive(algorithm, iterations, salt, password, out);
    true
}
