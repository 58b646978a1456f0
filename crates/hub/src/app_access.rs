//! What an app may do in a tenant, as far as the tenant granted it, and when that ends for tokens and links. Tokens,
//! tickets and links carry numbers: of their app secret, and how often all tokens of the app, and those in this tenant,
//! had been ended before. The rows that nearly every call needs hold the same numbers, so an ended one is known without
//! asking storage. Source: product, section 8; decision 050.

use std::sync::Arc;

use contract::control::AppKind;
use contract::scope::Scope;
use domain::event::EventKind;
use domain::grant::{Term, Terms};
use domain::{AppId, TenantId, UnixMs};
use store::apps::App as VendorApp;
use store::grants::{Grant, offered};
use store::installations::Installation;
use store::{Fault, Store};

/// What a token, a ticket or a link goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The number of the app secret, its lower three bytes.
    app_secret: u32,
    /// How often all tokens of the app had been ended.
    app_ends: u16,
    /// How often those in the tenant had been ended.
    tenant_ends: u16,
}

impl Numbers {
    /// Those of what was made before there were numbers.
    pub const FIRST: Numbers = Numbers { app_secret: 1, app_ends: 0, tenant_ends: 0 };

    /// Those of something made now for a caller that proved to know the app secret of this number.
    #[must_use]
    pub fn now(app: &VendorApp, app_secret_no: i64, grant: Option<&Grant>) -> Numbers {
        let ends = |count: i64| u16::try_from(count & 0xffff).unwrap_or_default();
        Numbers {
            app_secret: u32::try_from(app_secret_no & 0xff_ffff).unwrap_or_default(),
            app_ends: ends(app.changes.ends_no),
            tenant_ends: ends(grant.map_or(0, |grant| grant.ends_no)),
        }
    }

    /// Eight bytes, of which the first is 0.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        let number = u64::from(self.app_secret) << 32
            | u64::from(self.app_ends) << 16
            | u64::from(self.tenant_ends);
        number.to_be_bytes()
    }

    /// Four bytes that tell apart what can be good at the same time or soon after.
    pub fn short(self) -> [u8; 4] {
        let [_, _, a, b, _, c, _, d] = self.to_bytes();
        [a, b, c, d]
    }

    /// The numbers in these bytes; none for the id in older tokens, whose first byte is never 0.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Numbers {
        let [first, a, b, c, d, e, f, g] = bytes;
        if first != 0 {
            return Numbers::FIRST;
        }
        Numbers {
            app_secret: u32::from_be_bytes([0, a, b, c]),
            app_ends: u16::from_be_bytes([d, e]),
            tenant_ends: u16::from_be_bytes([f, g]),
        }
    }

    /// The number of the app secret that this goes back to, while it has not ended.
    #[must_use]
    pub fn live_secret(self, app: &VendorApp, grant: Option<&Grant>, now: UnixMs) -> Option<i64> {
        let is_it = |number: &i64| Numbers::now(app, *number, grant) == self;
        app.good_secrets(now).map(|(number, _)| number).find(is_it)
    }
}

/// Whom a link was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The app.
    pub app_id: AppId,
    /// When the link ends besides.
    pub numbers: Numbers,
}

/// An app in a tenant that granted it something.
pub struct AppAccess {
    /// The app.
    pub app: Arc<VendorApp>,
    grant: Arc<Grant>,
    granted: Terms,
    /// Of a store app.
    installation: Option<Arc<Installation>>,
}

impl AppAccess {
    /// The app's access to the tenant; none when it does not belong there, or nothing is granted.
    pub async fn find(
        store: &Store,
        app: &Arc<VendorApp>,
        tenant_id: TenantId,
    ) -> Result<Option<AppAccess>, Fault> {
        let Ok(installation) = find_installation(store, app, tenant_id).await? else {
            return Ok(None);
        };
        let grant = store.find_grant(app.app_id, tenant_id).await?;
        Ok(grant.and_then(|grant| {
            let granted = grant.terms.clone()?;
            Some(AppAccess { app: Arc::clone(app), grant, granted, installation })
        }))
    }

    /// Whether the app has the scope here: its own, for a store app that of its installation, and granted.
    pub fn has(&self, scope: Scope) -> bool {
        let is_installed = |it: &Arc<Installation>| it.scopes.contains(&scope);
        self.app.settings.scopes.contains(&scope)
            && self.installation.as_ref().is_none_or(is_installed)
            && self.granted.scopes.contains(&scope)
    }

    /// Whether the app subscribes to events of this kind here.
    pub fn is_notified(&self, kind: EventKind) -> bool {
        let by_exams = kind == EventKind::AccountCreated && self.has(Scope::ExamReadonly);
        self.reads_orders() || by_exams
    }

    /// Whether the app may read orders here, and is notified of them.
    pub fn reads_orders(&self) -> bool {
        self.has(Scope::BackgroundCheckOrder) || self.has(Scope::BackgroundCheckOrderReadonly)
    }

    /// The addresses from which it may call: each list that is not empty must hold the caller's.
    pub fn ip_allowlists(&self) -> impl Iterator<Item = &[String]> {
        let lists = [&self.app.settings.ip_allowlist[..], &self.granted.ip_allowlist[..]];
        lists.into_iter().filter(|list| !list.is_empty())
    }

    /// Whether the tenant granted the app secret of this number.
    pub fn grants_secret(&self, app_secret_no: i64) -> bool {
        app_secret_no <= self.granted.app_secret_no
    }

    /// The numbers of something made now for a caller that knows the app secret of this number.
    pub fn numbers(&self, app_secret_no: i64) -> Numbers {
        Numbers::now(&self.app, app_secret_no, Some(&self.grant))
    }

    /// The number of the app secret that `numbers` go back to, while they have not ended here.
    pub fn live_secret(&self, numbers: Numbers, now: UnixMs) -> Option<i64> {
        numbers.live_secret(&self.app, Some(&self.grant), now)
    }

    /// Whom a link is given to here.
    pub fn holder(&self) -> Holder {
        let numbers = self.numbers(self.app.changes.app_secret_no);
        Holder { app_id: self.app.app_id, numbers }
    }

    /// What the tenant has still to grant before events go where the app wants them now. A new encrypt key does not
    /// hold them up while the one before is granted and good.
    pub fn ungranted_endpoint(&self, now: UnixMs) -> Vec<Term> {
        let mut beyond = offered(&self.app, self.installation.as_deref()).beyond(&self.granted);
        let is_needed = |term: &Term| {
            term.is_of_endpoint() && (*term != Term::EncryptKey || !self.has_old_key(now))
        };
        beyond.retain(is_needed);
        beyond
    }

    /// Whether the newest encrypt key is granted.
    pub fn grants_newest_key(&self) -> bool {
        self.app.changes.encrypt_key_no <= self.granted.encrypt_key_no
    }

    /// Whether the encrypt key before the newest is granted, and good.
    fn has_old_key(&self, now: UnixMs) -> bool {
        let old = self.app.secrets.old.encrypt_key.as_ref();
        self.app.changes.encrypt_key_no - 1 <= self.granted.encrypt_key_no
            && old.is_some_and(|old| old.at(now).is_some())
    }
}

/// The app does not belong in the tenant.
pub struct NotInstalled;

/// Whether the app is the tenant's own or installed there; with the installation of a store app.
pub async fn find_installation(
    store: &Store,
    app: &VendorApp,
    tenant_id: TenantId,
) -> Result<Result<Option<Arc<Installation>>, NotInstalled>, Fault> {
    if app.kind == AppKind::SelfBuilt {
        let is_own = app.tenant_id == Some(tenant_id);
        return Ok(if is_own { Ok(None) } else { Err(NotInstalled) });
    }
    let found = store.find_installation(app.app_id, tenant_id).await?;
    Ok(found.map(Some).ok_or(NotInstalled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written_and_ids_of_before_are_the_first() {
        let numbers = Numbers { app_secret: 0x12_3456, app_ends: 0x789a, tenant_ends: 0xbcde };
        assert_eq!(numbers.to_bytes(), [0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]);
        assert_eq!(Numbers::from_bytes(numbers.to_bytes()), numbers);
        let id = 3_591_128_640_047_035_418_i64;
        assert_eq!(Numbers::from_bytes(id.to_be_bytes()), Numbers::FIRST);
    }
}
