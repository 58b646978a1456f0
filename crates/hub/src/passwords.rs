//! Passwords: hashed with Argon2id, few at once, since each takes 19 MiB and some hundredths of a second of a processor.
//!
//! At most half of the processors hash, at least one; some more callers wait, and what comes then is refused, so that many
//! sign-ins at once leave room for everything else. Source: OWASP on storing passwords.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use store::{Fault, FaultKind};
use system::random;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::Error;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Callers that wait for their turn.
const QUEUE: usize = 32;
/// When to try again after there were too many at once, in seconds.
const RETRY_AFTER_S: u64 = 2;
/// What the password of nobody is compared with, so that an address that nobody has takes as long as any.
pub(crate) const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password while it is at hand; wiped when it is dropped.
pub type Password = Zeroizing<String>;

/// Hashes and checks passwords.
#[derive(Debug)]
pub struct Passwords {
    /// Those that hash or wait.
    room: Arc<Semaphore>,
    /// Those that hash.
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords::new()
    }
}

impl Passwords {
    /// For the processors of this machine.
    #[must_use]
    pub fn new() -> Passwords {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Passwords::at_once((processors / 2).max(1))
    }

    /// So many at once.
    #[must_use]
    pub fn at_once(count: usize) -> Passwords {
        Passwords {
            room: Arc::new(Semaphore::new(count + QUEUE)),
            turns: Arc::new(Semaphore::new(count)),
        }
    }

    /// The hash of a new password, as a PHC string. Refuses with [`Error::TooSoon`] when too many wait.
    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move || {
            let salt = random::bytes::<16>();
            let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
        })
        .await?
        .map_err(|error| Fault::new(FaultKind::Damaged, error).into())
    }

    /// Whether it is the password of this PHC string. Refuses with [`Error::TooSoon`] when too many wait.
    pub async fn verify(&self, password: Password, hash: String) -> Result<bool, Error> {
        self.run(move || {
            let hash = PasswordHash::new(&hash).ok()?;
            Some(argon2().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await?
        .ok_or_else(|| Fault::new(FaultKind::Damaged, "a password's hash is none").into())
    }

    /// Runs on a thread that may block. The turn goes with the work, also when its caller goes away.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| Error::TooSoon(RETRY_AFTER_S))?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.expect("nobody closes the turns");
        let held: [OwnedSemaphorePermit; 2] = [room, turn];
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(held);
            done
        });
        Ok(done.await.map_err(|error| Fault::new(FaultKind::Damaged, error))?)
    }
}

fn argon2() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("these parameters are allowed");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let passwords = Passwords::at_once(1);
        let hash = passwords.hash(password("早上六点半去河边跑步")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash(password("早上六点半去河边跑步")).await.unwrap());
        for (text, expected) in
            [("早上六点半去河边跑步", true), ("早上六点半去河边", false), ("", false)]
        {
            assert_eq!(passwords.verify(password(text), hash.clone()).await.unwrap(), expected);
        }
        assert!(!passwords.verify(password("anything"), NOBODYS.to_owned()).await.unwrap());
        let damaged = passwords.verify(password("anything"), "$argon2id$".to_owned()).await;
        assert!(matches!(damaged, Err(Error::Fault(_))));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_comes_beyond_the_queue_is_refused() {
        let passwords = Passwords::at_once(1);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let first = passwords.run(move || gate.recv());
        let mut others = futures_util::stream::FuturesUnordered::new();
        for _ in 0..QUEUE + 5 {
            others.push(passwords.run(|| ()));
        }
        let (mut done, mut refused) = (0, 0);
        let count = async {
            use futures_util::StreamExt as _;
            // What is refused is refused at once, while the first still works.
            while refused < 5 {
                assert!(matches!(others.next().await, Some(Err(Error::TooSoon(2)))));
                refused += 1;
            }
            open.send(()).unwrap();
            while let Some(end) = others.next().await {
                end.unwrap();
                done += 1;
            }
        };
        let (first, ()) = tokio::join!(first, count);
        first.unwrap().unwrap();
        assert_eq!((done, refused), (QUEUE, 5));
    }
}
