//! Addresses that are good once: invitations, the first set-up, a new password. Of the token that an address holds only the
//! SHA-256 is stored; it is used up in the transaction of what it allows.

use const_format::concatcp;
use contract::evidence::AuditAct;
use domain::people::OneTimeLinkKind;
use domain::{Id, TenantId, UnixMs};
use serde::{Deserialize, Serialize};

use crate::answers::StoredAnswer;
use crate::audit::By;
use crate::fault::{Fault, FaultKind};
use crate::members::scope;
use crate::seal::RowContext;
use crate::sessions::{self, NewSession};
use crate::tenants::NO_TENANT;
use crate::users::{self, NewUser, User, entry_about};
use crate::value::{Row, Statement, Written, any, one, values};
use crate::{Saved, Store, content};

/// A one-time link, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeLink {
    /// Its id.
    pub link_id: Id,
    /// What it is for.
    pub kind: OneTimeLinkKind,
    /// The tenant that it leads to; none for the operator's.
    pub tenant_id: Option<TenantId>,
    /// Whose new password; none for other links.
    pub user_id: Option<Id>,
    /// The roles that it gives, with blanks between them.
    pub roles: String,
    /// The mail address of who is invited; empty for other links.
    pub email: String,
    /// Who made it.
    pub created_by: Id,
    /// When.
    pub created_at: UnixMs,
    /// Until when it is good.
    pub expires_at: UnixMs,
    /// When it was used.
    pub used_at: Option<UnixMs>,
    /// When it was taken back.
    pub revoked_at: Option<UnixMs>,
}

impl OneTimeLink {
    /// Whether it may be used now.
    #[must_use]
    pub fn is_good(&self, now: UnixMs) -> bool {
        self.used_at.is_none() && self.revoked_at.is_none() && now < self.expires_at
    }
}

/// How joining by an invitation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Committed.
    Done,
    /// Nothing was written: the link is used, taken back or over.
    LinkGone,
    /// Nothing was written: there is a person with the address, or they are a member already.
    Known,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Addressee {
    email: String,
}

const COLUMNS: &str = "link_id, kind, tenant_id, user_id, roles, sealed, created_by, created_at, expires_at, \
    used_at, revoked_at";
const INSERT: &str = "INSERT INTO one_time_links (token_hash, link_id, kind, tenant_id, user_id, roles, sealed, \
    created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const FIND: &str = concatcp!("SELECT ", COLUMNS, " FROM one_time_links WHERE token_hash = $1");
const GET: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    " FROM one_time_links WHERE coalesce(tenant_id, 0) = $1 AND kind = $2 AND link_id = $3"
);
const LIST: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    " FROM one_time_links WHERE coalesce(tenant_id, 0) = $1 AND kind = $2 AND link_id < $3 \
      ORDER BY link_id DESC LIMIT $4"
);
const USE: &str = "UPDATE one_time_links SET used_at = $1 WHERE token_hash = $2 AND used_at IS NULL \
    AND revoked_at IS NULL AND expires_at > $1";
const REVOKE: &str = "UPDATE one_time_links SET revoked_at = $1 WHERE coalesce(tenant_id, 0) = $2 AND kind = $3 \
    AND link_id = $4 AND used_at IS NULL AND revoked_at IS NULL";
/// A newer link to the same takes the place of those before.
const DELETE_SET_UPS: &str =
    "DELETE FROM one_time_links WHERE coalesce(tenant_id, 0) = 0 AND kind = $1";
const DELETE_RESETS: &str = "DELETE FROM one_time_links WHERE user_id = $1";
const FORGET: &str = "DELETE FROM one_time_links WHERE expires_at <= $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[INSERT, FIND, GET, LIST, USE, REVOKE, DELETE_SET_UPS, DELETE_RESETS, FORGET];

/// The statement that uses up a link; it touches no row when that may not be.
pub(crate) fn use_up(token_hash: &[u8; 32], at: UnixMs) -> Statement {
    one(USE, values![at.0, token_hash.as_slice()])
}

fn context(link_id: Id) -> RowContext {
    RowContext::new("one_time_links", NO_TENANT, link_id.0)
}

impl Store {
    /// Keeps a link by its token's SHA-256. An older one to the set-up, or to the same person's password, is good no more.
    pub async fn create_one_time_link(
        &self,
        by: By,
        token_hash: &[u8; 32],
        link: &OneTimeLink,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let mut statements = self.keep_answer(answer);
        statements.extend(match link.kind {
            OneTimeLinkKind::Invitation => None,
            kind @ OneTimeLinkKind::SetUp => Some(any(DELETE_SET_UPS, values![kind.number()])),
            OneTimeLinkKind::PasswordReset => {
                Some(any(DELETE_RESETS, values![link.user_id.map(|id| id.0)]))
            }
        });
        statements.push(self.insert_link(token_hash, link));
        let mut entry = by.did(match link.kind {
            OneTimeLinkKind::Invitation => AuditAct::UserInvited,
            OneTimeLinkKind::SetUp => {
                return Ok(self.write(statements).await?.saved_or(Saved::KeyTaken));
            }
            OneTimeLinkKind::PasswordReset => AuditAct::PasswordResetOffered,
        });
        entry.details.insert("link_id".to_owned(), link.link_id.to_string());
        if let Some(user_id) = link.user_id {
            entry.details.insert("user_id".to_owned(), user_id.to_string());
            statements.extend(self.audit_person(user_id, entry).await?);
        } else {
            entry.details.insert("roles".to_owned(), link.roles.clone());
            statements.extend(self.audit(scope(link.tenant_id), entry).await?);
        }
        Ok(self.write(statements).await?.saved_or(Saved::KeyTaken))
    }

    fn insert_link(&self, token_hash: &[u8; 32], link: &OneTimeLink) -> Statement {
        let addressee = content::to_text(&Addressee { email: link.email.clone() });
        any(
            INSERT,
            values![
                token_hash.as_slice(),
                link.link_id.0,
                link.kind.number(),
                link.tenant_id.map(|id| id.0),
                link.user_id.map(|id| id.0),
                link.roles.as_str(),
                self.secrets.people.seal(context(link.link_id), &addressee),
                link.created_by.0,
                link.created_at.0,
                link.expires_at.0,
            ],
        )
    }

    /// The link with this token's SHA-256, whether it is good or not.
    pub async fn find_one_time_link(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<OneTimeLink>, Fault> {
        let rows = self.read(FIND, values![token_hash.as_slice()]).await?;
        rows.first().map(|row| self.one_time_link(row)).transpose()
    }

    /// An invitation to the tenant, or to the operators.
    pub async fn get_invitation(
        &self,
        tenant_id: Option<TenantId>,
        link_id: Id,
    ) -> Result<Option<OneTimeLink>, Fault> {
        let kind = OneTimeLinkKind::Invitation.number();
        let rows = self.read(GET, values![scope(tenant_id).0, kind, link_id.0]).await?;
        rows.first().map(|row| self.one_time_link(row)).transpose()
    }

    /// At most `limit` invitations to the tenant made before the given one, newest first; those that are over are forgotten.
    pub async fn list_invitations(
        &self,
        tenant_id: Option<TenantId>,
        before: Id,
        limit: u32,
    ) -> Result<Vec<OneTimeLink>, Fault> {
        let kind = OneTimeLinkKind::Invitation.number();
        let values = values![scope(tenant_id).0, kind, before.0, i64::from(limit)];
        self.read(LIST, values).await?.iter().map(|row| self.one_time_link(row)).collect()
    }

    /// Takes an invitation back; [`Saved::Outdated`] when there is none that could be used.
    pub async fn revoke_invitation(
        &self,
        by: By,
        tenant_id: Option<TenantId>,
        link_id: Id,
    ) -> Result<Saved, Fault> {
        let (scope, kind) = (scope(tenant_id), OneTimeLinkKind::Invitation.number());
        let mut entry = by.did(AuditAct::InvitationRevoked);
        entry.details.insert("link_id".to_owned(), link_id.to_string());
        let mut statements = vec![one(REVOKE, values![by.at.0, scope.0, kind, link_id.0])];
        statements.extend(self.audit(scope, entry).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// A new person joins by an invitation, and is signed in.
    pub async fn join(
        &self,
        by: By,
        token_hash: &[u8; 32],
        link: &OneTimeLink,
        user: &NewUser,
        session: &NewSession,
    ) -> Result<Joined, Fault> {
        let mut statements = vec![
            use_up(token_hash, by.at),
            self.insert_user(user, by.at),
            self.insert_membership(user.user_id, link.tenant_id, &link.roles, by.at),
            self.insert_session(session),
        ];
        statements.extend(self.audit_joining(by, link, user.user_id).await?);
        self.write(statements).await.map(|written| joined(&written))
    }

    /// A person who is known already joins one tenant more by an invitation.
    pub async fn join_known(
        &self,
        by: By,
        token_hash: &[u8; 32],
        link: &OneTimeLink,
        user_id: Id,
    ) -> Result<Joined, Fault> {
        let mut statements = vec![
            use_up(token_hash, by.at),
            one(users::HOLD, values![user_id.0]),
            self.insert_membership(user_id, link.tenant_id, &link.roles, by.at),
        ];
        statements.extend(self.audit_joining(by, link, user_id).await?);
        self.write(statements).await.map(|written| joined(&written))
    }

    async fn audit_joining(
        &self,
        by: By,
        link: &OneTimeLink,
        user_id: Id,
    ) -> Result<[Statement; 3], Fault> {
        let mut entry = entry_about(by, AuditAct::UserJoined, user_id);
        entry.details.insert("link_id".to_owned(), link.link_id.to_string());
        entry.details.insert("roles".to_owned(), link.roles.clone());
        self.audit(scope(link.tenant_id), entry).await
    }

    /// Sets a new password by a link, which is used up; every session ends but the new one. [`Saved::Outdated`] when the
    /// link may not be used.
    pub async fn reset_password(
        &self,
        by: By,
        token_hash: &[u8; 32],
        user: &User,
        hash: &str,
        session: &NewSession,
    ) -> Result<Saved, Fault> {
        let user_id = user.user_id;
        let mut statements = vec![
            use_up(token_hash, by.at),
            users::put_password(user_id, hash),
            sessions::end_all(user_id),
            self.insert_session(session),
        ];
        let entry = entry_about(by, AuditAct::PasswordChanged, user_id);
        statements.extend(self.audit_person(user_id, entry).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Forgets the links that are over.
    pub async fn forget_old_links(&self, now: UnixMs) -> Result<(), Fault> {
        self.write(vec![any(FORGET, values![now.0])]).await.map(drop)
    }

    fn one_time_link(&self, row: &Row) -> Result<OneTimeLink, Fault> {
        let link_id = Id(row.int(0)?);
        let kind = OneTimeLinkKind::try_from(row.int(1)?);
        let sealed = self.secrets.people.open(context(link_id), row.bytes(5)?)?;
        let addressee: Addressee = content::from_text(&sealed)?;
        let instant = |column| row.find_int(column).map(|at| at.map(UnixMs));
        Ok(OneTimeLink {
            link_id,
            kind: kind.map_err(|error| Fault::new(FaultKind::Damaged, error))?,
            tenant_id: row.find_int(2)?.map(TenantId),
            user_id: row.find_int(3)?.map(Id),
            roles: row.text(4)?,
            email: addressee.email,
            created_by: Id(row.int(6)?),
            created_at: UnixMs(row.int(7)?),
            expires_at: UnixMs(row.int(8)?),
            used_at: instant(9)?,
            revoked_at: instant(10)?,
        })
    }
}

fn joined(written: &Written) -> Joined {
    match written.unmet() {
        None => Joined::Done,
        Some(0) => Joined::LinkGone,
        Some(_) => Joined::Known,
    }
}
