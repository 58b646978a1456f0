//! Installations of store apps: `/apps/{app_id}/installations`.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod put;

use contract::control;
use store::installations::Installation;

use hub::instant::rfc3339;

/// An installation as the API shows it.
fn view(installation: &Installation) -> control::Installation {
    control::Installation {
        app_id: installation.app_id.to_string(),
        tenant_key: installation.tenant_id.to_string(),
        scopes: installation.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        installed_at: rfc3339(installation.installed_at),
    }
}
