//! Who is in a tenant and what they may do there; the operators stand under no tenant.
//!
//! A tenant that has an admin keeps one, as the installation keeps an operator: the last one is neither suspended nor removed
//! nor loses the role, also when two do it to each other at once. A person who is in no tenant any more is forgotten.

use const_format::concatcp;
use contract::evidence::AuditAct;
use domain::people::KeyHolder;
use domain::{Id, TenantId};

use crate::audit::{By, OPERATOR};
use crate::fault::Fault;
use crate::users::{
    HOLD, MEMBERSHIP_COLUMNS, MEMBERSHIP_WIDTH, Membership, USER_COLUMNS, User, entry_about,
    membership,
};
use crate::value::{Row, Statement, Written, any, one, values};
use crate::{Store, sessions};

/// A person in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their place there.
    pub membership: Membership,
    /// Who.
    pub user: User,
}

/// How a change of a member ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChange {
    /// Committed, or so already.
    Done,
    /// Nothing was written: there is no such member.
    NotFound,
    /// Nothing was written: it is the last one with the role that looks after the others.
    Last,
}

/// What is done to a member.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Other roles, with blanks between them.
    Roles(&'a str),
    /// May do nothing until it is resumed.
    Suspend,
    /// May do again what the roles say.
    Resume,
    /// Is no member any more.
    Remove,
}

const FROM: &str = " FROM memberships m JOIN users u ON u.user_id = m.user_id ";
const GET: &str = concatcp!(
    "SELECT ",
    MEMBERSHIP_COLUMNS,
    ", ",
    USER_COLUMNS,
    FROM,
    "WHERE coalesce(m.tenant_id, 0) = $1 AND m.user_id = $2"
);
const LIST: &str = concatcp!(
    "SELECT ",
    MEMBERSHIP_COLUMNS,
    ", ",
    USER_COLUMNS,
    FROM,
    "WHERE coalesce(m.tenant_id, 0) = $1 AND m.user_id < $2 ORDER BY m.user_id DESC LIMIT $3"
);
/// Two that change members of one tenant wait for each other here, so that the second sees what the first left.
const HOLD_MEMBERS: &str = "UPDATE memberships SET roles = roles WHERE coalesce(tenant_id, 0) = $1";
/// That the member is not the only one in force with the role `$3`, as a text with `%`.
const IS_NOT_LAST: &str = "(suspended_at IS NOT NULL OR (' ' || roles || ' ') NOT LIKE $3 OR EXISTS \
    (SELECT 1 FROM memberships o WHERE coalesce(o.tenant_id, 0) = $1 AND o.user_id <> $2 AND o.suspended_at IS NULL \
    AND (' ' || o.roles || ' ') LIKE $3))";
const IS_MEMBER: &str = " WHERE coalesce(tenant_id, 0) = $1 AND user_id = $2 AND ";
const SET_ROLES: &str = concatcp!(
    "UPDATE memberships SET roles = $4",
    IS_MEMBER,
    "((' ' || CAST($4 AS TEXT) || ' ') LIKE $3 OR ",
    IS_NOT_LAST,
    ")"
);
const SUSPEND: &str = concatcp!(
    "UPDATE memberships SET suspended_at = $4",
    IS_MEMBER,
    "suspended_at IS NULL AND ",
    IS_NOT_LAST
);
const RESUME: &str =
    concatcp!("UPDATE memberships SET suspended_at = NULL", IS_MEMBER, "suspended_at IS NOT NULL");
const REMOVE: &str = concatcp!("DELETE FROM memberships", IS_MEMBER, IS_NOT_LAST);
const LIST_KEYS: &str = "SELECT key_id FROM api_keys WHERE owner_id = $1 AND owner_kind = $2 \
    AND coalesce(tenant_id, 0) = $3 AND revoked_at IS NULL";
const REVOKE_KEYS: &str = "UPDATE api_keys SET revoked_at = $4, key_hash = sha256(key_hash), old_key_hash = NULL \
    WHERE owner_id = $1 AND owner_kind = $2 AND coalesce(tenant_id, 0) = $3 AND revoked_at IS NULL";
const DELETE_USER: &str = "DELETE FROM users WHERE user_id = $1 \
    AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = $1)";
const DELETE_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1 \
    AND NOT EXISTS (SELECT 1 FROM users u WHERE u.user_id = $1)";
/// Ways in that were given to the person and not used yet.
const DELETE_LINKS: &str = "DELETE FROM one_time_links WHERE user_id = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    GET,
    LIST,
    HOLD_MEMBERS,
    SET_ROLES,
    SUSPEND,
    RESUME,
    REMOVE,
    LIST_KEYS,
    REVOKE_KEYS,
    DELETE_USER,
    DELETE_CODES,
    DELETE_LINKS,
];

/// How statements and chains name a tenant, or the operators.
pub(crate) fn scope(tenant_id: Option<TenantId>) -> TenantId {
    tenant_id.unwrap_or(OPERATOR)
}

impl Store {
    /// A member of the tenant, or an operator when there is none.
    pub async fn find_member(
        &self,
        tenant_id: Option<TenantId>,
        user_id: Id,
    ) -> Result<Option<Member>, Fault> {
        let rows = self.read(GET, values![scope(tenant_id).0, user_id.0]).await?;
        rows.first().map(|row| self.member(row)).transpose()
    }

    /// At most `limit` members with ids below the given one, the person who joined the installation last first.
    pub async fn list_members(
        &self,
        tenant_id: Option<TenantId>,
        before: Id,
        limit: u32,
    ) -> Result<Vec<Member>, Fault> {
        let values = values![scope(tenant_id).0, before.0, i64::from(limit)];
        self.read(LIST, values).await?.iter().map(|row| self.member(row)).collect()
    }

    /// Changes a member. `guards` is the role of which one in force must be left.
    pub async fn change_member(
        &self,
        by: By,
        tenant_id: Option<TenantId>,
        user_id: Id,
        guards: &str,
        change: Change<'_>,
    ) -> Result<MemberChange, Fault> {
        let scope = scope(tenant_id);
        let mut statements = vec![
            one(HOLD, values![user_id.0]),
            any(HOLD_MEMBERS, values![scope.0]),
            change_of(by, scope, user_id, guards, change),
        ];
        let act = match change {
            Change::Roles(_) => AuditAct::RolesChanged,
            Change::Suspend => AuditAct::UserSuspended,
            Change::Resume => AuditAct::UserResumed,
            Change::Remove => AuditAct::UserRemoved,
        };
        let mut entry = entry_about(by, act, user_id);
        match change {
            Change::Roles(roles) => {
                entry.details.insert("roles".to_owned(), roles.to_owned());
            }
            Change::Suspend => statements.push(sessions::end_all(user_id)),
            Change::Resume => {}
            Change::Remove => statements.extend(self.removal(by, scope, user_id).await?),
        }
        statements.extend(self.audit(scope, entry).await?);
        match self.write(statements).await? {
            Written::Done(_) => Ok(MemberChange::Done),
            Written::Unmet(_) => self.why_unchanged(tenant_id, user_id, change).await,
        }
    }

    async fn why_unchanged(
        &self,
        tenant_id: Option<TenantId>,
        user_id: Id,
        change: Change<'_>,
    ) -> Result<MemberChange, Fault> {
        let Some(member) = self.find_member(tenant_id, user_id).await? else {
            return Ok(MemberChange::NotFound);
        };
        let is_suspended = member.membership.suspended_at.is_some();
        Ok(match change {
            Change::Suspend if is_suspended => MemberChange::Done,
            Change::Resume if !is_suspended => MemberChange::Done,
            _ => MemberChange::Last,
        })
    }

    /// What goes with a membership: keys, sessions, and all of the person when it was the last one.
    async fn removal(&self, by: By, scope: TenantId, user_id: Id) -> Result<Vec<Statement>, Fault> {
        let person = KeyHolder::Person.number();
        let keys = self.read(LIST_KEYS, values![user_id.0, person, scope.0]).await?;
        let mut statements = vec![
            any(REVOKE_KEYS, values![user_id.0, person, scope.0, by.at.0]),
            sessions::end_all(user_id),
            any(DELETE_LINKS, values![user_id.0]),
            any(DELETE_USER, values![user_id.0]),
            any(DELETE_CODES, values![user_id.0]),
        ];
        for row in &keys {
            let mut entry = by.did(AuditAct::ApiKeyRevoked);
            entry.details.insert("key_id".to_owned(), Id(row.int(0)?).to_string());
            statements.extend(self.audit(scope, entry).await?);
        }
        Ok(statements)
    }

    fn member(&self, row: &Row) -> Result<Member, Fault> {
        Ok(Member { membership: membership(row, 0)?, user: self.user(row, MEMBERSHIP_WIDTH)? })
    }
}

/// The statement that makes the change, which must touch one row.
fn change_of(by: By, scope: TenantId, user_id: Id, guards: &str, change: Change<'_>) -> Statement {
    let role = format!("% {guards} %");
    match change {
        Change::Roles(roles) => one(SET_ROLES, values![scope.0, user_id.0, role, roles]),
        Change::Suspend => one(SUSPEND, values![scope.0, user_id.0, role, by.at.0]),
        Change::Resume => one(RESUME, values![scope.0, user_id.0]),
        Change::Remove => one(REMOVE, values![scope.0, user_id.0, role]),
    }
}
