//! Tenants: the hirers, with their settings and their keys.

use std::sync::Arc;

use contract::evidence::AuditAct;
use domain::{Id, TenantId, UnixMs};

use crate::answers::StoredAnswer;
use crate::audit::{self, By};
use crate::fault::{Fault, FaultKind};
use crate::seal::{Digester, Key, RowContext};
use crate::value::{Row, Statement, Written, any, one, values};
use crate::{Known, Saved, Store, api_keys};

/// How often a tenant is created anew when another replica changes the root key meanwhile.
const TRIES: usize = 5;

/// The tenant of events that concern an app alone: none, so that no list of a tenant shows them.
pub const NO_TENANT: TenantId = TenantId(0);

/// One hirer, with its key at hand.
#[derive(Debug)]
pub struct Tenant {
    /// The `tenant_key`.
    pub tenant_id: TenantId,
    /// Shown name.
    pub name: String,
    /// What the tenant can switch.
    pub settings: TenantSettings,
    /// Counts the changes of the row.
    pub version: i64,
    /// When it was created.
    pub created_at: UnixMs,
    /// How far its clock is ahead of the installation's; 0 for real time.
    pub clock_offset_ms: i64,
    /// Wraps the data keys of the tenant's orders.
    pub key: Key,
    /// Makes the tenant's keyed digests.
    pub digester: Digester,
}

impl Tenant {
    /// An instant of the installation's clock by the tenant's: of what is recorded and shown, not of what waits.
    #[must_use]
    pub fn time(&self, at: UnixMs) -> UnixMs {
        at.plus_ms(self.clock_offset_ms)
    }
}

/// What a tenant can switch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantSettings {
    /// A returned result waits for an approver.
    pub report_approval: bool,
    /// Who placed an order may not decide on its result.
    pub four_eyes: bool,
    /// Days that an order is stored after its end.
    pub retention_days: i64,
    /// Language of texts for the tenant's people.
    pub locale: String,
    /// Whether its members need a second factor.
    pub totp_required: bool,
    /// Within how many hours somebody has to decide on a result; none: it may wait for ever.
    pub review_hours: Option<i64>,
}

/// A tenant to be created, with the hash of its first API key.
#[derive(Debug)]
pub struct NewTenant {
    /// The `tenant_key`.
    pub tenant_id: TenantId,
    /// Shown name.
    pub name: String,
    /// What the tenant can switch.
    pub settings: TenantSettings,
    /// The id of the first API key.
    pub api_key_id: Id,
    /// The first API key's SHA-256.
    pub api_key_hash: [u8; 32],
    /// Now.
    pub at: UnixMs,
}

const INSERT: &str = "INSERT INTO tenants (tenant_id, name, report_approval, four_eyes, retention_days, \
    locale, wrapped_key, version, created_at, totp_required, review_hours) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10)";
const UPDATE: &str = "UPDATE tenants SET name = $1, report_approval = $2, four_eyes = $3, \
    retention_days = $4, locale = $5, totp_required = $6, review_hours = $7, version = version + 1 \
    WHERE tenant_id = $8 AND version = $9";
const FIND: &str = "SELECT tenant_id, name, report_approval, four_eyes, retention_days, locale, wrapped_key, \
    version, created_at, clock_offset_ms, totp_required, review_hours FROM tenants WHERE tenant_id = $1";
const LIST: &str = "SELECT tenant_id, name, report_approval, four_eyes, retention_days, locale, wrapped_key, \
    version, created_at, clock_offset_ms, totp_required, review_hours FROM tenants \
    WHERE (created_at, tenant_id) < ($1, $2) ORDER BY created_at DESC, tenant_id DESC LIMIT $3";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, UPDATE, FIND, LIST];

impl Store {
    /// Creates a tenant with its own key, and its first API key with the role `admin`.
    ///
    /// # Errors
    /// Faults of storage; [`Saved::KeyTaken`] when the answer's Idempotency-Key was used before.
    pub async fn create_tenant(
        &self,
        by: By,
        tenant: &NewTenant,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let _turn = self.hold_off_rotations().await;
        for _ in 0..TRIES {
            let mut statements = self.keep_answer(answer);
            let hold = statements.len();
            let (hold_root, root) = self.hold_root();
            statements.push(hold_root);
            statements.extend(insert(tenant, &root));
            // Nobody else can hold the head of a chain that is new.
            let mut entry = by.did(AuditAct::TenantCreated);
            entry.tenant_key = Some(tenant.tenant_id.to_string());
            statements.extend(audit::add(audit::OPERATOR, &entry));
            statements.extend(audit::add(tenant.tenant_id, &entry));
            let created = api_keys::creation_entry(by, tenant.api_key_id, "admin");
            statements.extend(audit::add(tenant.tenant_id, &created));
            match self.write(statements).await? {
                Written::Done(_) => return Ok(Saved::Done),
                // The root key was changed meanwhile.
                Written::Unmet(index) if index == hold => self.refresh_root().await?,
                Written::Unmet(_) => return Ok(Saved::KeyTaken),
            }
        }
        Err(Fault::new(FaultKind::Contention, "the root key was changed again and again"))
    }

    /// The tenant, from memory when it was read before.
    pub async fn find_tenant(&self, tenant_id: TenantId) -> Result<Option<Arc<Tenant>>, Fault> {
        let generation = match self.remembered.tenants.find(&tenant_id) {
            Ok(tenant) => return Ok(Some(tenant)),
            Err(generation) => generation,
        };
        let Some(row) = self.read(FIND, values![tenant_id.0]).await?.into_iter().next() else {
            return Ok(None);
        };
        let tenant = Arc::new(self.tenant(&row).await?);
        self.remembered.tenants.keep(tenant_id, Arc::clone(&tenant), generation);
        Ok(Some(tenant))
    }

    /// The tenant that an event concerns; for one that concerns an app alone what stands for it.
    ///
    /// # Errors
    /// As [`Store::find_tenant`].
    pub async fn find_tenant_of_event(
        &self,
        tenant_id: TenantId,
    ) -> Result<Option<Arc<Tenant>>, Fault> {
        match tenant_id {
            NO_TENANT => Ok(Some(Arc::clone(&self.nobody))),
            _ => self.find_tenant(tenant_id).await,
        }
    }

    /// At most `limit` tenants older than the given one, newest first.
    pub async fn list_tenants(
        &self,
        before: Option<(UnixMs, TenantId)>,
        limit: u32,
    ) -> Result<Vec<Tenant>, Fault> {
        let (at, tenant_id) = before.unwrap_or((UnixMs(i64::MAX), TenantId(i64::MAX)));
        let rows = self.read(LIST, values![at.0, tenant_id.0, i64::from(limit)]).await?;
        let mut tenants = Vec::with_capacity(rows.len());
        for row in &rows {
            tenants.push(self.tenant(row).await?);
        }
        Ok(tenants)
    }

    /// Changes name and settings, unless the tenant changed since `version`.
    pub async fn update_tenant(
        &self,
        by: By,
        tenant_id: TenantId,
        version: i64,
        name: &str,
        settings: &TenantSettings,
    ) -> Result<Saved, Fault> {
        let update = one(
            UPDATE,
            values![
                name,
                settings.report_approval,
                settings.four_eyes,
                settings.retention_days,
                settings.locale.as_str(),
                settings.totp_required,
                settings.review_hours,
                tenant_id.0,
                version,
            ],
        );
        let mut entry = by.did(AuditAct::SettingsChanged);
        for (name, value) in [
            ("report_approval", settings.report_approval.to_string()),
            ("four_eyes", settings.four_eyes.to_string()),
            ("retention_days", settings.retention_days.to_string()),
            ("totp_required", settings.totp_required.to_string()),
            ("review_hours", settings.review_hours.map_or("none".to_owned(), |it| it.to_string())),
        ] {
            entry.details.insert(name.to_owned(), value);
        }
        let mut statements = vec![update];
        statements.extend(self.audit(tenant_id, entry).await?);
        let written = self.write_known(statements, Known::Tenant(tenant_id)).await?;
        Ok(written.saved_or(Saved::Outdated))
    }

    async fn tenant(&self, row: &Row) -> Result<Tenant, Fault> {
        let tenant_id = TenantId(row.int(0)?);
        let key = self.open_under_root(key_context(tenant_id), row.bytes(6)?).await?;
        Ok(Tenant {
            tenant_id,
            name: row.text(1)?,
            settings: TenantSettings {
                report_approval: row.bool(2)?,
                four_eyes: row.bool(3)?,
                retention_days: row.int(4)?,
                locale: row.text(5)?,
                totp_required: row.bool(10)?,
                review_hours: row.find_int(11)?,
            },
            version: row.int(7)?,
            created_at: UnixMs(row.int(8)?),
            clock_offset_ms: row.int(9)?,
            digester: Digester::new(&key),
            key,
        })
    }
}

/// What stands for the tenant of events that concern an app alone: found by no key, and with `key` for what is
/// stored of their deliveries.
pub(crate) fn nobody(key: Key, at: UnixMs) -> Tenant {
    Tenant {
        tenant_id: NO_TENANT,
        name: String::new(),
        settings: TenantSettings::default(),
        version: 0,
        created_at: at,
        clock_offset_ms: 0,
        digester: Digester::new(&key),
        key,
    }
}

/// The rows of a new tenant, its key wrapped under `root`.
fn insert(tenant: &NewTenant, root: &Key) -> [Statement; 2] {
    let api_key = crate::api_keys::insert_first(
        &tenant.api_key_hash,
        tenant.api_key_id,
        Some(tenant.tenant_id),
        "admin",
        tenant.at,
    );
    [row(tenant.tenant_id, &tenant.name, &tenant.settings, tenant.at, root), api_key]
}

/// The row of a new tenant, with a key of its own wrapped under `root`.
pub(crate) fn row(
    tenant_id: TenantId,
    name: &str,
    settings: &TenantSettings,
    at: UnixMs,
    root: &Key,
) -> Statement {
    let wrapped = root.seal(key_context(tenant_id), Key::random().bytes());
    any(
        INSERT,
        values![
            tenant_id.0,
            name,
            settings.report_approval,
            settings.four_eyes,
            settings.retention_days,
            settings.locale.as_str(),
            wrapped,
            at.0,
            settings.totp_required,
            settings.review_hours,
        ],
    )
}

pub(crate) fn key_context(tenant_id: TenantId) -> RowContext {
    RowContext::new("tenants", tenant_id, 0)
}
