//! argon2id, with today's parameters and with those of a stored hash.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::pool::Pool;
use crate::auth::{Error, Result};
use crate::config;
use crate::types::Secret;

const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    params: Params,
    /// A hash nobody's password has: verifying against it takes the time that verifying takes.
    dummy: Arc<str>,
    pool: Pool,
}

/// What came of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password.
    Wrong,
    /// It is this password.
    Right,
    /// It is this password, and the hash was made with parameters that are not today's.
    Outdated,
}

impl Passwords {
    /// Starts the hashing threads.
    ///
    /// # Errors
    /// The parameters are not ones that argon2 allows, or a thread could not be started.
    pub fn start(config: &config::Auth) -> Result<Self> {
        let params = Params::new(config.argon2_memory_kib, config.argon2_iterations, 1, Some(OUTPUT_LENGTH))
            .map_err(|_| Error::invalid("auth.argon2_memory_kib or auth.argon2_iterations is not one that argon2 allows"))?;
        let dummy = phc(&params, &random::<SALT_LENGTH>()?, &random::<OUTPUT_LENGTH>()?)?.into();
        let pool = Pool::start(config.hash_threads, config.hash_queue)?;
        Ok(Self { params, dummy, pool })
    }

    /// Hashes a password with today's parameters and a new salt; the answer is a PHC string.
    ///
    /// # Errors
    /// [`Error::HashQueueFull`].
    pub async fn hash(&self, password: &Secret<String>) -> Result<Secret<String>> {
        let (params, password, salt) = (self.params.clone(), password.clone(), random::<SALT_LENGTH>()?);
        self.pool
            .run(move |memory| {
                let mut output = [0; OUTPUT_LENGTH];
                compute(&params, password.expose(), &salt, &mut output, memory)?;
                phc(&params, &salt, &output).map(Secret::new)
            })
            .await?
    }

    /// Compares a password with a stored hash. Without one it takes as long, and the password is wrong.
    ///
    /// # Errors
    /// [`Error::HashQueueFull`], or a stored hash that is not argon2id's.
    pub async fn verify(&self, password: &Secret<String>, hash: Option<&Secret<String>>) -> Result<Verdict> {
        let known = hash.is_some();
        let stored = PasswordHash::new(hash.map_or(&*self.dummy, |hash| hash.expose())).map_err(|_| not_ours())?;
        let (today, password) = (self.params.clone(), password.clone());
        let verdict = self.pool.run(move |memory| compare(&stored, password.expose(), &today, memory)).await??;
        Ok(if known { verdict } else { Verdict::Wrong })
    }
}

fn compare(stored: &PasswordHash, password: &str, today: &Params, memory: &mut Vec<Block>) -> Result<Verdict> {
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Err(not_ours()) };
    if stored.algorithm != ARGON2ID_IDENT || stored.version != Some(Version::V0x13.into()) {
        return Err(not_ours());
    }
    let params = Params::try_from(stored).map_err(|_| not_ours())?;
    let mut output = vec![0; expected.len()];
    compute(&params, password, salt, &mut output, memory)?;
    if verify_slices_are_equal(&output, expected.as_bytes()).is_err() {
        return Ok(Verdict::Wrong);
    }
    Ok(if params == *today { Verdict::Right } else { Verdict::Outdated })
}

fn compute(params: &Params, password: &str, salt: &[u8], output: &mut [u8], memory: &mut Vec<Block>) -> Result<()> {
    memory.resize(params.block_count(), Block::new());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
        .map_err(|_| Error::Crypto("hashing a password"))
}

fn phc(params: &Params, salt: &[u8], output: &[u8]) -> Result<String> {
    let failed = |_| Error::Crypto("writing a password's hash");
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| Error::Crypto("writing a password's hash"))?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(Output::new(output).map_err(failed)?),
    };
    Ok(hash.to_string())
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Crypto("random bytes"))?;
    Ok(bytes)
}

const fn not_ours() -> Error {
    Error::Inconsistent("a password's hash is not argon2id's")
}
