//! Who is signed in: sessions by the SHA-256 of their cookie's value, which nothing here knows.
//!
//! A session is read at every page with the person and their memberships, and cached nowhere, so that one that is revoked, or
//! whose person is suspended, is over at once on every replica.

use const_format::concatcp;
use contract::control::Theme;
use contract::evidence::AuditAct;
use domain::session::{IDLE_MS, NOTED_EVERY_MS, WHOLE_MS};
use domain::{Id, TenantId, UnixMs};
use serde::{Deserialize, Serialize};

use crate::audit::By;
use crate::fault::Fault;
use crate::seal::RowContext;
use crate::tenants::NO_TENANT;
use crate::users::{self, HOLD_PASSWORD, MEMBERSHIP_COLUMNS, Membership, Profile, entry_about};
use crate::value::{Row, Statement, any, one, values};
use crate::{Saved, Store, content};

/// From where somebody signed in; sealed at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address.
    pub address: String,
    /// The program, as it names itself; cut at 200 characters.
    pub client: String,
}

/// A session to be begun.
#[derive(Clone)]
pub struct NewSession {
    /// SHA-256 of the cookie's value.
    pub hash: [u8; 32],
    /// Its id.
    pub session_id: Id,
    /// Whose it is.
    pub user_id: Id,
    /// The tenant that it looks at.
    pub tenant_id: Option<TenantId>,
    /// Whether the second factor is still missing.
    pub awaits_totp: bool,
    /// From where.
    pub origin: Origin,
    /// Now.
    pub at: UnixMs,
}

/// A session with its person, as every page needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSession {
    /// Its id.
    pub session_id: Id,
    /// Whose it is.
    pub user_id: Id,
    /// The tenant that it looks at.
    pub tenant_id: Option<TenantId>,
    /// Whether the second factor is still missing.
    pub awaits_totp: bool,
    /// When it began.
    pub created_at: UnixMs,
    /// When it was last used, to within a minute.
    pub last_seen_at: UnixMs,
    /// What the person is called.
    pub profile: Profile,
    /// The language of their pages.
    pub locale: Option<String>,
    /// The colours of their pages.
    pub theme: Theme,
    /// Whether they have a second factor.
    pub has_totp: bool,
    /// Where they are, oldest first, suspended places included.
    pub memberships: Vec<Membership>,
}

/// A session as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// Its id.
    pub session_id: Id,
    /// The tenant that it looks at.
    pub tenant_id: Option<TenantId>,
    /// From where.
    pub origin: Origin,
    /// When it began.
    pub created_at: UnixMs,
    /// When it was last used, to within a minute.
    pub last_seen_at: UnixMs,
}

/// What was shown as a second factor.
#[derive(Debug, Clone)]
pub enum Factor {
    /// The code of this step.
    Step(i64),
    /// A recovery code.
    RecoveryCode(String),
}

const INSERT: &str = "INSERT INTO user_sessions (session_hash, session_id, user_id, tenant_id, awaits_totp, sealed, \
    created_at, last_seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
const FIND: &str = concatcp!(
    "SELECT s.session_id, s.user_id, s.tenant_id, s.awaits_totp, s.created_at, s.last_seen_at, u.sealed, u.locale, \
     u.theme, u.totp_on_at, ",
    MEMBERSHIP_COLUMNS,
    " FROM user_sessions s JOIN users u ON u.user_id = s.user_id LEFT JOIN memberships m ON m.user_id = s.user_id \
      WHERE s.session_hash = $1"
);
const NOTE_USE: &str =
    "UPDATE user_sessions SET last_seen_at = $1 WHERE session_hash = $2 AND last_seen_at <= $3";
const CHOOSE: &str =
    "UPDATE user_sessions SET tenant_id = $1 WHERE session_id = $2 AND user_id = $3";
/// The newest, of which nobody has more than this.
const LIST: &str = "SELECT session_id, tenant_id, sealed, created_at, last_seen_at FROM user_sessions \
    WHERE user_id = $1 AND awaits_totp = 0 AND last_seen_at > $2 AND created_at > $3 ORDER BY session_id DESC LIMIT 200";
const END: &str = "DELETE FROM user_sessions WHERE user_id = $1 AND session_id = $2";
const END_BY_HASH: &str = "DELETE FROM user_sessions WHERE session_hash = $1";
const END_ALL: &str = "DELETE FROM user_sessions WHERE user_id = $1";
const END_OTHERS: &str = "DELETE FROM user_sessions WHERE user_id = $1 AND session_id <> $2";
const END_OF_TENANT: &str =
    "DELETE FROM user_sessions WHERE user_id = $1 AND coalesce(tenant_id, 0) = $2";
const END_ONE_OF_TENANT: &str = "DELETE FROM user_sessions WHERE user_id = $1 AND coalesce(tenant_id, 0) = $2 AND session_id = $3";
const FORGET: &str = "DELETE FROM user_sessions WHERE last_seen_at <= $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    INSERT,
    FIND,
    NOTE_USE,
    CHOOSE,
    LIST,
    END,
    END_BY_HASH,
    END_ALL,
    END_OTHERS,
    END_OF_TENANT,
    END_ONE_OF_TENANT,
    FORGET,
];

/// Which sessions of a person.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// This one.
    One(Id),
    /// All but this one.
    AllBut(Id),
    /// All that look at this tenant, [`NO_TENANT`] for the operator's.
    OfTenant(TenantId),
    /// This one, if it looks at this tenant.
    OneOfTenant(TenantId, Id),
}

/// The statement that ends every session of a person.
pub(crate) fn end_all(user_id: Id) -> Statement {
    any(END_ALL, values![user_id.0])
}

fn context(session_id: Id) -> RowContext {
    RowContext::new("user_sessions", NO_TENANT, session_id.0)
}

impl Store {
    /// The statement that begins a session.
    pub(crate) fn insert_session(&self, session: &NewSession) -> Statement {
        let origin = content::to_text(&session.origin);
        any(
            INSERT,
            values![
                session.hash.as_slice(),
                session.session_id.0,
                session.user_id.0,
                session.tenant_id.map(|id| id.0),
                session.awaits_totp,
                self.secrets.people.seal(context(session.session_id), &origin),
                session.at.0,
            ],
        )
    }

    /// Begins a session, unless the password is no longer the one that was checked: then [`Saved::Outdated`]. Ends the one
    /// with the hash `before`. A session that is whole stands in the chains of the person's tenants.
    pub async fn begin_session(
        &self,
        by: By,
        session: &NewSession,
        password_hash: &str,
        before: Option<&[u8; 32]>,
    ) -> Result<Saved, Fault> {
        let user_id = session.user_id;
        let mut statements = vec![one(HOLD_PASSWORD, values![user_id.0, password_hash])];
        statements.extend(before.map(|hash| any(END_BY_HASH, values![hash.as_slice()])));
        statements.push(self.insert_session(session));
        if !session.awaits_totp {
            statements.extend(self.audit_sign_in(by, session).await?);
        }
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Begins a whole session in the place of one that waited for its second factor, which is used up.
    /// [`Saved::Outdated`] when the factor was used before, or the one that waited is gone.
    pub async fn complete_session(
        &self,
        by: By,
        session: &NewSession,
        waiting: &[u8; 32],
        factor: &Factor,
    ) -> Result<Saved, Fault> {
        let mut statements = vec![
            self.use_factor(session.user_id, factor),
            one(END_BY_HASH, values![waiting.as_slice()]),
            self.insert_session(session),
        ];
        statements.extend(self.audit_sign_in(by, session).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    pub(crate) async fn audit_sign_in(
        &self,
        by: By,
        session: &NewSession,
    ) -> Result<Vec<Statement>, Fault> {
        let mut entry = entry_about(by, AuditAct::SignedIn, session.user_id);
        entry.details.insert("session_id".to_owned(), session.session_id.to_string());
        self.audit_person(session.user_id, entry).await
    }

    /// The session with this hash, whether it is over or not.
    pub async fn find_session(&self, hash: &[u8; 32]) -> Result<Option<FoundSession>, Fault> {
        let rows = self.read(FIND, values![hash.as_slice()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let user_id = Id(row.int(1)?);
        let places = rows.iter().filter(|row| !matches!(row.find_int(10), Ok(None)));
        let mut memberships =
            places.map(|row| users::membership(row, 10)).collect::<Result<Vec<_>, _>>()?;
        memberships.sort_by_key(|membership| membership.membership_id);
        Ok(Some(FoundSession {
            session_id: Id(row.int(0)?),
            user_id,
            tenant_id: row.find_int(2)?.map(TenantId),
            awaits_totp: row.bool(3)?,
            created_at: UnixMs(row.int(4)?),
            last_seen_at: UnixMs(row.int(5)?),
            profile: self.open_profile(user_id, row.bytes(6)?)?,
            locale: row.find_text(7)?,
            theme: users::theme(&row.text(8)?)?,
            has_totp: row.find_int(9)?.is_some(),
            memberships,
        }))
    }

    /// Writes that a session was used, at most once a minute.
    pub async fn note_session_use(&self, hash: &[u8; 32], now: UnixMs) -> Result<(), Fault> {
        let since = now.plus_ms(-NOTED_EVERY_MS);
        let note = any(NOTE_USE, values![now.0, hash.as_slice(), since.0]);
        self.write(vec![note]).await.map(drop)
    }

    /// Has a session look at a tenant, or at none.
    pub async fn choose_session_tenant(
        &self,
        user_id: Id,
        session_id: Id,
        tenant_id: Option<TenantId>,
    ) -> Result<(), Fault> {
        let values = values![tenant_id.map(|id| id.0), session_id.0, user_id.0];
        self.write(vec![any(CHOOSE, values)]).await.map(drop)
    }

    /// The sessions of a person that are not over, newest first, at most 200.
    pub async fn list_sessions(
        &self,
        user_id: Id,
        now: UnixMs,
    ) -> Result<Vec<SessionFacts>, Fault> {
        let rows = self
            .read(LIST, values![user_id.0, now.plus_ms(-IDLE_MS).0, now.plus_ms(-WHOLE_MS).0])
            .await?;
        rows.iter().map(|row| self.session_facts(row)).collect()
    }

    /// Ends sessions of a person; gives false when there was none. Stands in the chains of `chains`.
    pub async fn end_sessions(&self, by: By, user_id: Id, which: Which) -> Result<bool, Fault> {
        let (sql, values) = match which {
            Which::One(id) => (END, values![user_id.0, id.0]),
            Which::AllBut(id) => (END_OTHERS, values![user_id.0, id.0]),
            Which::OfTenant(tenant_id) => (END_OF_TENANT, values![user_id.0, tenant_id.0]),
            Which::OneOfTenant(tenant_id, id) => {
                (END_ONE_OF_TENANT, values![user_id.0, tenant_id.0, id.0])
            }
        };
        let mut entry = entry_about(by, AuditAct::SessionRevoked, user_id);
        let (end, chains) = match which {
            Which::One(id) | Which::OneOfTenant(_, id) => {
                entry.details.insert("session_id".to_owned(), id.to_string());
                (one(sql, values), which)
            }
            Which::AllBut(_) | Which::OfTenant(_) => (any(sql, values), which),
        };
        let mut statements = vec![end];
        match chains {
            // What an admin does is their tenant's; what a person does concerns every tenant that they are in.
            Which::OfTenant(tenant_id) | Which::OneOfTenant(tenant_id, _) => {
                statements.extend(self.audit(tenant_id, entry).await?);
            }
            Which::One(_) | Which::AllBut(_) => {
                statements.extend(self.audit_person(user_id, entry).await?);
            }
        }
        Ok(self.write(statements).await?.is_done())
    }

    /// Ends the session with this hash, if there is one.
    pub async fn end_session(&self, hash: &[u8; 32]) -> Result<(), Fault> {
        self.write(vec![any(END_BY_HASH, values![hash.as_slice()])]).await.map(drop)
    }

    /// Forgets the sessions that nobody used for so long that they are over.
    pub async fn forget_old_sessions(&self, now: UnixMs) -> Result<(), Fault> {
        self.write(vec![any(FORGET, values![now.plus_ms(-IDLE_MS).0])]).await.map(drop)
    }

    fn session_facts(&self, row: &Row) -> Result<SessionFacts, Fault> {
        let session_id = Id(row.int(0)?);
        let origin = self.secrets.people.open(context(session_id), row.bytes(2)?)?;
        Ok(SessionFacts {
            session_id,
            tenant_id: row.find_int(1)?.map(TenantId),
            origin: content::from_text(&origin)?,
            created_at: UnixMs(row.int(3)?),
            last_seen_at: UnixMs(row.int(4)?),
        })
    }
}
