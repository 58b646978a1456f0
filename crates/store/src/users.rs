//! People: who they are, by what they are known, and how they want their pages. One row each, whatever tenants they are in.
//!
//! Name and mail address are sealed; an address is found by a keyed hash. A person who is in no tenant any more has no row
//! (`members.rs`). What a person does to their own access stands in the chain of every tenant that they are in.

use contract::control::Theme;
use contract::evidence::{AuditAct, AuditEntry};
use domain::{Id, TenantId, UnixMs};
use serde::{Deserialize, Serialize};

use crate::audit::{By, OPERATOR};
use crate::content;
use crate::fault::{Fault, FaultKind};
use crate::seal::RowContext;
use crate::sessions::{self, NewSession};
use crate::tenants::NO_TENANT;
use crate::value::{Row, Statement, any, one, values};
use crate::{Saved, Store};

/// What a person is called; sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Full name.
    pub name: String,
    /// Mail address, as it was given.
    pub email: String,
}

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The person's id; it stands as the actor in timelines and audit chains.
    pub user_id: Id,
    /// What they are called.
    pub profile: Profile,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// The language of their pages; none for what the browser asks for.
    pub locale: Option<String>,
    /// The colours of their pages.
    pub theme: Theme,
    /// The second factor, in force or about to be.
    pub totp: Option<Totp>,
    /// When they joined.
    pub created_at: UnixMs,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// The secret of a second factor.
#[derive(Clone, PartialEq, Eq)]
pub struct Totp {
    /// The secret itself.
    pub secret: Vec<u8>,
    /// Since when it is demanded; none while it was not confirmed.
    pub on_at: Option<UnixMs>,
    /// The last step of which a code was used.
    pub step: i64,
}

/// A person to be.
#[derive(Clone)]
pub struct NewUser {
    /// The person's id.
    pub user_id: Id,
    /// What they are called.
    pub profile: Profile,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// The language of their pages.
    pub locale: Option<String>,
}

/// A person's place in a tenant, or among the operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its id; they go up in time.
    pub membership_id: Id,
    /// Who.
    pub user_id: Id,
    /// Where; none for operators.
    pub tenant_id: Option<TenantId>,
    /// The roles, with blanks between them.
    pub roles: String,
    /// Since when it is suspended.
    pub suspended_at: Option<UnixMs>,
    /// When they joined.
    pub created_at: UnixMs,
}

pub(crate) const USER_COLUMNS: &str = "u.user_id, u.sealed, u.password_hash, u.locale, u.theme, u.totp_sealed, u.totp_on_at, \
    u.totp_step, u.created_at";
pub(crate) const MEMBERSHIP_COLUMNS: &str =
    "m.membership_id, m.user_id, m.tenant_id, m.roles, m.suspended_at, m.created_at";
/// How many columns a [`Membership`] is read from.
pub(crate) const MEMBERSHIP_WIDTH: usize = 6;

const IS_ANYBODY: &str = "SELECT user_id FROM users WHERE user_id > 0 LIMIT 1";
const FIND: &str =
    const_format::concatcp!("SELECT ", USER_COLUMNS, " FROM users u WHERE u.user_id = $1");
const FIND_BY_MAIL: &str =
    const_format::concatcp!("SELECT ", USER_COLUMNS, " FROM users u WHERE u.mail_hash = $1");
const LIST_MEMBERSHIPS: &str = const_format::concatcp!(
    "SELECT ",
    MEMBERSHIP_COLUMNS,
    " FROM memberships m WHERE m.user_id = $1"
);
const INSERT: &str = "INSERT INTO users (user_id, mail_hash, sealed, password_hash, locale, theme, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
const INSERT_MEMBERSHIP: &str = "INSERT INTO memberships (membership_id, user_id, tenant_id, roles, created_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
/// Changes of a person's memberships wait here for each other.
pub(crate) const HOLD: &str = "UPDATE users SET user_id = user_id WHERE user_id = $1";
/// The same, unless the password was changed meanwhile.
pub(crate) const HOLD_PASSWORD: &str =
    "UPDATE users SET user_id = user_id WHERE user_id = $1 AND password_hash = $2";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $1 WHERE user_id = $2";
const SET_PREFERENCES: &str =
    "UPDATE users SET sealed = $1, locale = $2, theme = $3 WHERE user_id = $4";
const BEGIN_TOTP: &str =
    "UPDATE users SET totp_sealed = $1, totp_step = 0 WHERE user_id = $2 AND totp_on_at IS NULL";
const FIND_TOTP: &str = "SELECT totp_sealed FROM users WHERE user_id = $1";
const CONFIRM_TOTP: &str = "UPDATE users SET totp_on_at = $1, totp_step = $2 WHERE user_id = $3 \
    AND totp_on_at IS NULL AND totp_sealed IS NOT NULL AND totp_sealed = $4";
const END_TOTP: &str = "UPDATE users SET totp_sealed = NULL, totp_on_at = NULL, totp_step = 0 \
    WHERE user_id = $1 AND totp_on_at IS NOT NULL";
/// A code is good once, and so is what came before it.
pub(crate) const USE_STEP: &str = "UPDATE users SET totp_step = $1 WHERE user_id = $2 AND totp_step < $1 AND totp_on_at IS NOT NULL";
pub(crate) const USE_CODE: &str =
    "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
const INSERT_CODE: &str = "INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)";
const DELETE_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";
const COUNT_CODES: &str = "SELECT count(*) FROM recovery_codes WHERE user_id = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    IS_ANYBODY,
    FIND,
    FIND_BY_MAIL,
    LIST_MEMBERSHIPS,
    INSERT,
    INSERT_MEMBERSHIP,
    HOLD,
    HOLD_PASSWORD,
    SET_PASSWORD,
    SET_PREFERENCES,
    BEGIN_TOTP,
    FIND_TOTP,
    CONFIRM_TOTP,
    END_TOTP,
    USE_STEP,
    USE_CODE,
    INSERT_CODE,
    DELETE_CODES,
    COUNT_CODES,
];

fn context(user_id: Id) -> RowContext {
    RowContext::new("users", NO_TENANT, user_id.0)
}

fn totp_context(user_id: Id) -> RowContext {
    RowContext::new("users.totp", NO_TENANT, user_id.0)
}

/// The statement that sets a password whatever the one before was.
pub(crate) fn put_password(user_id: Id, hash: &str) -> Statement {
    one(SET_PASSWORD, values![hash, user_id.0])
}

/// An entry about a person.
pub(crate) fn entry_about(by: By, act: AuditAct, user_id: Id) -> AuditEntry {
    let mut entry = by.did(act);
    entry.details.insert("user_id".to_owned(), user_id.to_string());
    entry
}

impl Store {
    /// What a mail address is found by. Upper and lower case are one.
    pub(crate) fn mail_hash(&self, email: &str) -> [u8; 32] {
        self.secrets.people.keyed_hash("mail", email.trim().to_lowercase().as_bytes())
    }

    /// What a recovery code is found by.
    fn code_hash(&self, code: &str) -> [u8; 32] {
        self.secrets.people.keyed_hash("recovery code", code.as_bytes())
    }

    /// Whether the installation has any person.
    pub async fn has_users(&self) -> Result<bool, Fault> {
        Ok(!self.read(IS_ANYBODY, Vec::new()).await?.is_empty())
    }

    /// The person, if there is one.
    pub async fn find_user(&self, user_id: Id) -> Result<Option<User>, Fault> {
        let rows = self.read(FIND, values![user_id.0]).await?;
        rows.first().map(|row| self.user(row, 0)).transpose()
    }

    /// The person with this mail address, if there is one.
    pub async fn find_user_by_mail(&self, email: &str) -> Result<Option<User>, Fault> {
        let rows = self.read(FIND_BY_MAIL, values![self.mail_hash(email).as_slice()]).await?;
        rows.first().map(|row| self.user(row, 0)).transpose()
    }

    /// Where a person is, suspended places included, oldest first.
    pub async fn list_memberships(&self, user_id: Id) -> Result<Vec<Membership>, Fault> {
        let rows = self.read(LIST_MEMBERSHIPS, values![user_id.0]).await?;
        let mut memberships =
            rows.iter().map(|row| membership(row, 0)).collect::<Result<Vec<_>, _>>()?;
        memberships.sort_by_key(|membership| membership.membership_id);
        Ok(memberships)
    }

    /// Sets another password: every session ends but the new one, which is begun in the same commit.
    /// [`Saved::Outdated`] when the password is no longer `old_hash`.
    pub async fn set_password(
        &self,
        by: By,
        user: &User,
        hash: &str,
        session: Option<&NewSession>,
    ) -> Result<Saved, Fault> {
        let user_id = user.user_id;
        let mut statements = vec![
            one(HOLD_PASSWORD, values![user_id.0, user.password_hash.as_str()]),
            put_password(user_id, hash),
            sessions::end_all(user_id),
        ];
        statements.extend(session.map(|session| self.insert_session(session)));
        let entry = entry_about(by, AuditAct::PasswordChanged, user_id);
        statements.extend(self.audit_person(user_id, entry).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Changes what a person is called and how their pages look.
    pub async fn set_preferences(
        &self,
        user_id: Id,
        profile: &Profile,
        locale: Option<&str>,
        theme: Theme,
    ) -> Result<(), Fault> {
        let sealed = self.seal_profile(user_id, profile);
        let values = values![sealed, locale, theme.as_str(), user_id.0];
        self.write(vec![any(SET_PREFERENCES, values)]).await.map(drop)
    }

    /// Keeps the secret of a second factor that is not in force yet; [`Saved::Outdated`] when one is.
    pub async fn begin_totp(&self, user_id: Id, secret: &[u8]) -> Result<Saved, Fault> {
        let sealed = self.secrets.people.seal(totp_context(user_id), secret);
        let begun = self.write(vec![one(BEGIN_TOTP, values![sealed, user_id.0])]).await?;
        Ok(begun.saved_or(Saved::Outdated))
    }

    /// Puts a second factor in force, of which a code of `step` was shown, with its recovery codes.
    /// [`Saved::Outdated`] when it is in force already, or another secret was begun meanwhile.
    pub async fn confirm_totp(
        &self,
        by: By,
        user_id: Id,
        secret: &[u8],
        step: i64,
        codes: &[String],
    ) -> Result<Saved, Fault> {
        let rows = self.read(FIND_TOTP, values![user_id.0]).await?;
        let Some(sealed) = rows.first().map(|row| row.find_bytes(0)).transpose()?.flatten() else {
            return Ok(Saved::Outdated);
        };
        if self.secrets.people.open(totp_context(user_id), sealed)? != secret {
            return Ok(Saved::Outdated);
        }
        let confirm = one(CONFIRM_TOTP, values![by.at.0, step, user_id.0, sealed]);
        let mut statements = vec![confirm];
        statements.extend(self.put_codes(user_id, codes));
        let entry = entry_about(by, AuditAct::TotpOn, user_id);
        statements.extend(self.audit_person(user_id, entry).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Takes the second factor away; [`Saved::Outdated`] when there is none.
    pub async fn end_totp(&self, by: By, user_id: Id) -> Result<Saved, Fault> {
        let mut statements =
            vec![one(END_TOTP, values![user_id.0]), any(DELETE_CODES, values![user_id.0])];
        let entry = entry_about(by, AuditAct::TotpOff, user_id);
        statements.extend(self.audit_person(user_id, entry).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Uses the code of a step; false when one of it, or of a later step, was used before.
    pub async fn use_totp_step(&self, user_id: Id, step: i64) -> Result<bool, Fault> {
        Ok(self.write(vec![one(USE_STEP, values![step, user_id.0])]).await?.is_done())
    }

    /// Takes other recovery codes in the place of all that are there.
    pub async fn replace_recovery_codes(
        &self,
        by: By,
        user_id: Id,
        codes: &[String],
    ) -> Result<(), Fault> {
        let mut statements = self.put_codes(user_id, codes);
        let entry = entry_about(by, AuditAct::RecoveryCodesMade, user_id);
        statements.extend(self.audit_person(user_id, entry).await?);
        self.write(statements).await.map(drop)
    }

    /// How many recovery codes are left.
    pub async fn count_recovery_codes(&self, user_id: Id) -> Result<u32, Fault> {
        let rows = self.read(COUNT_CODES, values![user_id.0]).await?;
        Ok(u32::try_from(rows.first().map_or(Ok(0), |row| row.int(0))?).unwrap_or(u32::MAX))
    }

    fn put_codes(&self, user_id: Id, codes: &[String]) -> Vec<Statement> {
        let insert =
            |code: &String| any(INSERT_CODE, values![user_id.0, self.code_hash(code).as_slice()]);
        let delete = any(DELETE_CODES, values![user_id.0]);
        std::iter::once(delete).chain(codes.iter().map(insert)).collect()
    }

    /// The statement that uses up a second factor, which must touch one row.
    pub(crate) fn use_factor(&self, user_id: Id, factor: &sessions::Factor) -> Statement {
        match factor {
            sessions::Factor::Step(step) => one(USE_STEP, values![*step, user_id.0]),
            sessions::Factor::RecoveryCode(code) => {
                one(USE_CODE, values![user_id.0, self.code_hash(code).as_slice()])
            }
        }
    }

    /// The statement that adds a person; it touches no row when the address is somebody's already.
    pub(crate) fn insert_user(&self, user: &NewUser, at: UnixMs) -> Statement {
        one(
            INSERT,
            values![
                user.user_id.0,
                self.mail_hash(&user.profile.email).as_slice(),
                self.seal_profile(user.user_id, &user.profile),
                user.password_hash.as_str(),
                user.locale.as_deref(),
                Theme::default().as_str(),
                at.0,
            ],
        )
    }

    /// The statement that adds a membership; it touches no row when there is one already.
    pub(crate) fn insert_membership(
        &self,
        user_id: Id,
        tenant_id: Option<TenantId>,
        roles: &str,
        at: UnixMs,
    ) -> Statement {
        let tenant = tenant_id.map(|id| id.0);
        one(INSERT_MEMBERSHIP, values![self.make_id(at).0, user_id.0, tenant, roles, at.0])
    }

    /// The statements that add an entry to the chain of every tenant that a person is in. The operator's comes first, the
    /// others in one order, so that two of them wait for each other and for nothing else.
    pub(crate) async fn audit_person(
        &self,
        user_id: Id,
        entry: AuditEntry,
    ) -> Result<Vec<Statement>, Fault> {
        let memberships = self.list_memberships(user_id).await?;
        let mut chains: Vec<_> =
            memberships.iter().map(|place| place.tenant_id.unwrap_or(OPERATOR)).collect();
        chains.sort_by_key(|tenant_id| (*tenant_id != OPERATOR, tenant_id.0));
        let mut statements = Vec::new();
        for tenant_id in chains {
            statements.extend(self.audit(tenant_id, entry.clone()).await?);
        }
        Ok(statements)
    }

    fn seal_profile(&self, user_id: Id, profile: &Profile) -> Vec<u8> {
        self.secrets.people.seal(context(user_id), &content::to_text(profile))
    }

    pub(crate) fn open_profile(&self, user_id: Id, sealed: &[u8]) -> Result<Profile, Fault> {
        content::from_text(&self.secrets.people.open(context(user_id), sealed)?)
    }

    /// The person in the columns from `first` on; see [`USER_COLUMNS`].
    pub(crate) fn user(&self, row: &Row, first: usize) -> Result<User, Fault> {
        let user_id = Id(row.int(first)?);
        let open = |sealed: &[u8]| {
            let secret = self.secrets.people.open(totp_context(user_id), sealed)?;
            let on_at = row.find_int(first + 6)?.map(UnixMs);
            Ok::<_, Fault>(Totp { secret, on_at, step: row.int(first + 7)? })
        };
        Ok(User {
            user_id,
            profile: self.open_profile(user_id, row.bytes(first + 1)?)?,
            password_hash: row.text(first + 2)?,
            locale: row.find_text(first + 3)?,
            theme: theme(&row.text(first + 4)?)?,
            totp: row.find_bytes(first + 5)?.map(open).transpose()?,
            created_at: UnixMs(row.int(first + 8)?),
        })
    }
}

pub(crate) fn theme(name: &str) -> Result<Theme, Fault> {
    Theme::parse(name).ok_or_else(|| Fault::new(FaultKind::Damaged, "a person's theme is unknown"))
}

/// The membership in the columns from `first` on; see [`MEMBERSHIP_COLUMNS`].
pub(crate) fn membership(row: &Row, first: usize) -> Result<Membership, Fault> {
    Ok(Membership {
        membership_id: Id(row.int(first)?),
        user_id: Id(row.int(first + 1)?),
        tenant_id: row.find_int(first + 2)?.map(TenantId),
        roles: row.text(first + 3)?,
        suspended_at: row.find_int(first + 4)?.map(UnixMs),
        created_at: UnixMs(row.int(first + 5)?),
    })
}
