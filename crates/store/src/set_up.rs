//! The first person of an installation, and with them its first tenant, by the link that `serve` prints.

use contract::evidence::AuditAct;
use domain::TenantId;

use crate::audit::{self, By, OPERATOR};
use crate::fault::{Fault, FaultKind};
use crate::one_time_links::use_up;
use crate::sessions::NewSession;
use crate::tenants::{self, TenantSettings};
use crate::users::{NewUser, entry_about};
use crate::value::{Written, one, values};
use crate::{Saved, Store};

/// A tenant whose admin is a person.
#[derive(Debug)]
pub struct FirstTenant {
    /// The `tenant_key`.
    pub tenant_id: TenantId,
    /// Shown name.
    pub name: String,
    /// What the tenant can switch.
    pub settings: TenantSettings,
}

/// How often a set-up is begun anew when another replica changes the root key meanwhile.
const TRIES: usize = 5;
const IS_NOBODY: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM users WHERE user_id > 0)";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[IS_NOBODY];

impl Store {
    /// Makes the first person, who is an operator, and admin of `tenant` if one is to be made, and signs them in.
    /// [`Saved::Outdated`] when the link may not be used, or there is a person already.
    pub async fn set_up(
        &self,
        by: By,
        token_hash: &[u8; 32],
        user: &NewUser,
        tenant: Option<&FirstTenant>,
        session: &NewSession,
    ) -> Result<Saved, Fault> {
        let _turn = self.hold_off_rotations().await;
        for _ in 0..TRIES {
            let (hold_root, root) = self.hold_root();
            let mut statements = vec![
                hold_root,
                use_up(token_hash, by.at),
                one(IS_NOBODY, values![]),
                self.insert_user(user, by.at),
                self.insert_membership(user.user_id, None, "operator", by.at),
            ];
            if let Some(tenant) = tenant {
                let FirstTenant { tenant_id, name, settings } = tenant;
                statements.push(tenants::row(*tenant_id, name, settings, by.at, &root));
                let tenant_id = Some(*tenant_id);
                statements.push(self.insert_membership(user.user_id, tenant_id, "admin", by.at));
            }
            statements.push(self.insert_session(session));
            let mut joined = entry_about(by, AuditAct::UserJoined, user.user_id);
            joined.details.insert("roles".to_owned(), "operator".to_owned());
            statements.extend(audit::add(OPERATOR, &joined));
            if let Some(tenant) = tenant {
                // Nobody else can hold the head of a chain that is new.
                let mut created = by.did(AuditAct::TenantCreated);
                created.tenant_key = Some(tenant.tenant_id.to_string());
                joined.details.insert("roles".to_owned(), "admin".to_owned());
                statements.extend(audit::add(OPERATOR, &created));
                statements.extend(audit::add(tenant.tenant_id, &created));
                statements.extend(audit::add(tenant.tenant_id, &joined));
            }
            match self.write(statements).await? {
                Written::Done(_) => return Ok(Saved::Done),
                // The root key was changed meanwhile.
                Written::Unmet(0) => self.refresh_root().await?,
                Written::Unmet(_) => return Ok(Saved::Outdated),
            }
        }
        Err(Fault::new(FaultKind::Contention, "the root key was changed again and again"))
    }
}
