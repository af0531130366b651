//! Passwords: Argon2id, a few at a time, and as slow for a login that does not exist.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::id;

const MEMORY_KIB: u32 = 47_104;

/// Each check takes 46 MiB and some 50 ms of a core, so that only so many run at once and the rest wait in line.
#[derive(Clone, Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    nobody: Arc<str>,
}

impl Passwords {
    pub fn new(at_once: usize) -> Passwords {
        Passwords { permits: Arc::new(Semaphore::new(at_once.max(1))), nobody: hash_of_nobody().into() }
    }

    /// A string that carries its salt and costs, to be kept in the database.
    pub async fn hash(&self, password: &str) -> Result<String> {
        self.run(password, |password| {
            let salt =
                SaltString::encode_b64(&id::random::<16>()).map_err(|cause| Error::internal(cause.to_string()))?;
            let hash = argon2()?.hash_password(password, &salt).map_err(|cause| Error::internal(cause.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    pub async fn verify(&self, password: &str, hash: &str) -> Result<bool> {
        let hash = hash.to_owned();
        self.run(password, move |password| {
            let hash = PasswordHash::new(&hash).map_err(|cause| Error::internal(cause.to_string()))?;
            Ok(argon2()?.verify_password(password, &hash).is_ok())
        })
        .await
    }

    /// For a login that does not exist: takes as long as [`Passwords::verify`] and is never right.
    pub async fn verify_nobody(&self, password: &str) -> Result<bool> {
        self.verify(password, &self.nobody).await.map(|_| false)
    }

    async fn run<T: Send + 'static>(
        &self,
        password: &str,
        work: impl FnOnce(&[u8]) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            // The permit moves in here: a caller who goes away does not free it while the work still runs.
            let _permit = permit;
            work(&password)
        });
        done.await.map_err(Error::internal)?
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, 1, 1, None).map_err(|cause| Error::internal(cause.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A hash of the right form and cost that no known password fits.
fn hash_of_nobody() -> String {
    let salt = BASE64_STANDARD_NO_PAD.encode(id::random::<16>());
    let output = BASE64_STANDARD_NO_PAD.encode(id::random::<32>());
    format!("$argon2id$v=19$m={MEMORY_KIB},t=1,p=1${salt}${output}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new(2);
        let hash = passwords.hash("sawah hijau").await.expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{hash}");
        assert!(passwords.verify("sawah hijau", &hash).await.expect("verifies"));
        assert!(!passwords.verify("sawah kuning", &hash).await.expect("verifies"));
        assert_ne!(hash, passwords.hash("sawah hijau").await.expect("hashes"));
    }

    #[tokio::test]
    async fn a_login_that_does_not_exist_costs_as_much_and_is_refused() {
        let passwords = Passwords::new(1);
        let hash = passwords.hash("x").await.expect("hashes");
        let mut shortest = [u128::MAX; 2];
        for _ in 0..5 {
            let begin = Instant::now();
            passwords.verify("y", &hash).await.expect("verifies");
            shortest[0] = shortest[0].min(begin.elapsed().as_micros());
            let begin = Instant::now();
            assert!(!passwords.verify_nobody("y").await.expect("verifies"));
            shortest[1] = shortest[1].min(begin.elapsed().as_micros());
        }
        assert!(shortest[1] * 2 > shortest[0] && shortest[0] * 2 > shortest[1], "µs {shortest:?}");
    }

    #[tokio::test]
    async fn a_damaged_hash_is_a_fault_and_not_a_wrong_password() {
        assert!(Passwords::new(1).verify("x", "not a hash").await.is_err());
    }
}
