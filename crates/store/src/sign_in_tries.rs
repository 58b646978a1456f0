//! Tries to sign in that did not succeed, of accounts and of addresses, by a keyed hash: so that replicas count together, a
//! restart forgets nothing, and no address stands here. How long to wait is `domain::backoff`'s.

use contract::evidence::AuditAct;
use domain::backoff::{PLACE_KNOWN_MS, Tries};
use domain::{Id, UnixMs};

use crate::Store;
use crate::audit::By;
use crate::fault::Fault;
use crate::users::entry_about;
use crate::value::{Row, any, one, values};

/// What tries are counted for, as a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject([u8; 32]);

const FIND: &str = "SELECT count, free_at, last_at FROM sign_in_tries WHERE subject = $1";
/// One row, unless somebody else counted meanwhile.
const COUNT: &str = "INSERT INTO sign_in_tries (subject, count, free_at, last_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (subject) DO UPDATE SET count = $2, free_at = $3, last_at = $4 WHERE sign_in_tries.count = $5 \
    AND sign_in_tries.last_at = $6";
const GIVE_BACK: &str =
    "UPDATE sign_in_tries SET count = count - 1, free_at = $2 WHERE subject = $1 AND count > 0";
const REMEMBER: &str = "INSERT INTO sign_in_tries (subject, count, free_at, last_at) VALUES ($1, 0, 0, $2) \
    ON CONFLICT (subject) DO UPDATE SET count = 0, free_at = 0, last_at = $2";
const FORGET: &str = "DELETE FROM sign_in_tries WHERE subject = $1";
const FORGET_OLD: &str = "DELETE FROM sign_in_tries WHERE last_at <= $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[FIND, COUNT, GIVE_BACK, REMEMBER, FORGET, FORGET_OLD];

impl Store {
    /// The subject for tries at the account of a mail address, whether there is one or not.
    #[must_use]
    pub fn account_subject(&self, email: &str) -> Subject {
        let email = email.trim().to_lowercase();
        Subject(self.secrets.people.keyed_hash("tries at an account", email.as_bytes()))
    }

    /// The subject for tries from an address.
    #[must_use]
    pub fn address_subject(&self, address: &str) -> Subject {
        Subject(self.secrets.people.keyed_hash("tries from an address", address.as_bytes()))
    }

    /// The subject for tries at an account from where its person signed in of late; it has tries only if they did.
    #[must_use]
    pub fn place_subject(&self, email: &str, address: &str) -> Subject {
        let both = format!("{}\0{address}", email.trim().to_lowercase());
        Subject(self.secrets.people.keyed_hash("tries from a known place", both.as_bytes()))
    }

    /// The subject for tries at a person's second factor, or at their present password.
    #[must_use]
    pub fn person_subject(&self, user_id: Id) -> Subject {
        Subject(self.secrets.people.keyed_hash("tries of a person", &user_id.0.to_be_bytes()))
    }

    /// The tries so far of each subject.
    pub async fn find_tries<const N: usize>(
        &self,
        subjects: [Subject; N],
    ) -> Result<[Tries; N], Fault> {
        let mut found = [Tries::default(); N];
        for (tries, subject) in found.iter_mut().zip(subjects) {
            let rows = self.read(FIND, values![subject.0.as_slice()]).await?;
            *tries = rows.first().map(tries_of).transpose()?.unwrap_or_default();
        }
        Ok(found)
    }

    /// Counts a try of each subject: `from` is what was found, `to` what it is now. False, and nothing is counted, when
    /// somebody else counted meanwhile.
    pub async fn count_tries<const N: usize>(
        &self,
        subjects: [Subject; N],
        from: [Tries; N],
        to: [Tries; N],
    ) -> Result<bool, Fault> {
        let count = |index: usize| {
            let (subject, from, to) = (subjects[index], from[index], to[index]);
            one(
                COUNT,
                values![
                    subject.0.as_slice(),
                    to.count,
                    to.free_at.0,
                    to.last_at.0,
                    from.count,
                    from.last_at.0,
                ],
            )
        };
        // In one order, so that two that count for the same subjects wait for each other and for nothing else.
        let mut order: Vec<usize> = (0..N).collect();
        order.sort_by_key(|index| subjects[*index].0);
        let written = self.write(order.into_iter().map(count).collect()).await?;
        Ok(written.is_done())
    }

    /// Forgets the tries of a subject: one succeeded.
    pub async fn succeed_tries(&self, subject: Subject) -> Result<(), Fault> {
        self.write(vec![any(FORGET, values![subject.0.as_slice()])]).await.map(drop)
    }

    /// Somebody signed in: forgets the tries at the account, takes the last one from the address back, and remembers the place
    /// for [`PLACE_KNOWN_MS`].
    pub async fn succeed_sign_in(
        &self,
        account: Subject,
        address: Subject,
        place: Subject,
        now: UnixMs,
    ) -> Result<(), Fault> {
        let statements = vec![
            any(FORGET, values![account.0.as_slice()]),
            any(GIVE_BACK, values![address.0.as_slice(), now.0]),
            any(REMEMBER, values![place.0.as_slice(), now.0]),
        ];
        self.write(statements).await.map(drop)
    }

    /// Takes the last try of a subject back: it was not made.
    pub async fn give_back_try(&self, subject: Subject, now: UnixMs) -> Result<(), Fault> {
        let give_back = any(GIVE_BACK, values![subject.0.as_slice(), now.0]);
        self.write(vec![give_back]).await.map(drop)
    }

    /// Notes in the chains of a person's tenants that so many tries at their access failed.
    pub async fn note_failed_sign_ins(&self, by: By, user_id: Id, count: i64) -> Result<(), Fault> {
        let mut entry = entry_about(by, AuditAct::SignInFailed, user_id);
        entry.details.insert("tries".to_owned(), count.to_string());
        let statements = self.audit_person(user_id, entry).await?;
        self.write(statements).await.map(drop)
    }

    /// Forgets what was counted, and where somebody signed in, long ago.
    pub async fn forget_old_tries(&self, now: UnixMs) -> Result<(), Fault> {
        self.write(vec![any(FORGET_OLD, values![now.plus_ms(-PLACE_KNOWN_MS).0])]).await.map(drop)
    }
}

fn tries_of(row: &Row) -> Result<Tries, Fault> {
    Ok(Tries { count: row.int(0)?, free_at: UnixMs(row.int(1)?), last_at: UnixMs(row.int(2)?) })
}
