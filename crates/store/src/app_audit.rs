//! The audit entries that are about an app's changes, in the operator's chain and in those of the tenants concerned.
//!
//! A value that was there before has its name and `_before`. Of a URL only the host is recorded, of a secret its
//! fingerprint.

use std::collections::BTreeMap;

use contract::evidence::{AuditAct, AuditEntry, sha256};
use contract::hex::to_hex;
use contract::scope::Scope;
use domain::grant::Terms;
use domain::{AppId, TenantId};

use crate::Store;
use crate::app::{App, AppSettings, mode_text};
use crate::app_secrets::AppSecrets;
use crate::audit::{self, By};
use crate::fault::Fault;
use crate::value::Statement;

type Details = BTreeMap<String, String>;

const FINGERPRINT_BYTES: usize = 8;

#[must_use]
pub(crate) fn fingerprint(kind: &str, secret: &[u8]) -> String {
    let text = [b"probity fingerprint\n", kind.as_bytes(), b"\n", secret].concat();
    to_hex(&sha256(&text)[..FINGERPRINT_BYTES])
}

pub(crate) fn entry(by: By, act: AuditAct, app_id: AppId) -> AuditEntry {
    let mut entry = by.did(act);
    entry.app_id = Some(app_id.to_string());
    entry
}

/// The statements that add the entry to the operator's chain and to those of `tenants`.
pub(crate) async fn add(
    store: &Store,
    entry: &AuditEntry,
    tenants: impl IntoIterator<Item = TenantId>,
) -> Result<Vec<Statement>, Fault> {
    let mut chains: Vec<_> = tenants.into_iter().chain([audit::OPERATOR]).collect();
    // In the order of their tenants, as everywhere: the operator's is 0, and a tenant's may be below it.
    chains.sort_unstable();
    chains.dedup();
    let mut statements = Vec::new();
    for chain in chains {
        statements.extend(store.audit(chain, entry.clone()).await?);
    }
    Ok(statements)
}

/// What a new app is.
pub(crate) fn created(app: &App) -> Details {
    let mut details = Details::new();
    let settings = &app.settings;
    note(&mut details, "scopes", None, &names(&settings.scopes));
    note(&mut details, "event_mode", None, mode_text(settings.event_mode));
    note(&mut details, "callback_host", None, host(settings.callback_url.as_deref()));
    note(&mut details, "app_secret", None, &fingerprint("app_secret", &app.secret_hash));
    details
}

/// What became other of an app's settings.
pub(crate) fn changed(before: &AppSettings, after: &AppSettings) -> Details {
    let mut details = Details::new();
    details.insert("enabled".to_owned(), after.is_enabled.to_string());
    let old = &before.scopes;
    note(&mut details, "scopes", Some(&names(old)), &names(&after.scopes));
    let old = mode_text(before.event_mode);
    note(&mut details, "event_mode", Some(old), mode_text(after.event_mode));
    if before.callback_url != after.callback_url {
        let (old, new) = (before.callback_url.as_deref(), after.callback_url.as_deref());
        details.insert("callback_host_before".to_owned(), host(old).to_owned());
        details.insert("callback_host".to_owned(), host(new).to_owned());
    }
    let (old, new) = (before.encrypted.to_string(), after.encrypted.to_string());
    note(&mut details, "encrypted", Some(&old), &new);
    let (old, new) = (before.ip_allowlist.join(" "), after.ip_allowlist.join(" "));
    note(&mut details, "ip_allowlist", Some(&old), &new);
    details
}

/// Which secrets of an app became other.
pub(crate) fn rotated(before: &App, secret_hash: &[u8; 32], after: &AppSecrets) -> Details {
    let mut details = Details::new();
    let mut compare = |kind: &str, old: &[u8], new: &[u8]| {
        note(&mut details, kind, Some(&fingerprint(kind, old)), &fingerprint(kind, new));
    };
    let old = &before.secrets;
    compare("app_secret", &before.secret_hash, secret_hash);
    compare("encrypt_key", old.encrypt_key.as_bytes(), after.encrypt_key.as_bytes());
    let (old, new) = (&old.verification_token, &after.verification_token);
    compare("verification_token", old.as_bytes(), new.as_bytes());
    if details.is_empty() {
        details.insert("grace".to_owned(), "ended".to_owned());
    }
    details
}

/// Which scopes became others.
pub(crate) fn scopes(before: Option<&[Scope]>, after: &[Scope]) -> Details {
    let mut details = Details::new();
    details.insert("scopes".to_owned(), names(after));
    if let Some(before) = before.filter(|before| *before != after) {
        details.insert("scopes_before".to_owned(), names(before));
    }
    details
}

/// What a tenant grants, and what it had granted before.
pub(crate) fn granted(app: &App, before: Option<&Terms>, after: &Terms) -> Details {
    let mut details = scopes(before.map(|before| &before.scopes[..]), &after.scopes);
    let mode = before.map(|before| mode_text(before.event_mode));
    note(&mut details, "event_mode", mode, mode_text(after.event_mode));
    let old = before.and_then(|before| before.callback_url.as_deref());
    if before.is_none() || old != after.callback_url.as_deref() {
        details.insert("callback_host".to_owned(), host(after.callback_url.as_deref()).to_owned());
        if before.is_some() {
            details.insert("callback_host_before".to_owned(), host(old).to_owned());
        }
    }
    let old = before.map(|before| before.encrypted.to_string());
    note(&mut details, "encrypted", old.as_deref(), &after.encrypted.to_string());
    let old = before.map(|before| before.ip_allowlist.join(" "));
    note(&mut details, "ip_allowlist", old.as_deref(), &after.ip_allowlist.join(" "));
    let secret = fingerprint("app_secret", &app.secret_hash);
    details.insert("app_secret".to_owned(), secret);
    let key = fingerprint("encrypt_key", app.secrets.encrypt_key.as_bytes());
    details.insert("encrypt_key".to_owned(), key);
    details
}

/// Notes a value that is new or became another one.
fn note(details: &mut Details, name: &str, before: Option<&str>, after: &str) {
    if before == Some(after) {
        return;
    }
    details.insert(name.to_owned(), after.to_owned());
    if let Some(before) = before {
        details.insert(format!("{name}_before"), before.to_owned());
    }
}

fn names(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// Host and port of a URL, without user and password; `none` where there is none.
fn host(url: Option<&str>) -> &str {
    let Some(url) = url else { return "none" };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_the_host_alone_is_told() {
        for (url, expected) in [
            ("https://hooks.example:8443/a?token=s3cret", "hooks.example:8443"),
            ("http://user:s3cret@hooks.example?s3cret", "hooks.example"),
            ("https://hooks.example#s3cret", "hooks.example"),
        ] {
            assert_eq!(host(Some(url)), expected);
        }
        assert_eq!(host(None), "none");
    }
}
