//! Who calls the open API.

use std::sync::Arc;

use contract::scope::Scope;
use store::apps::App as VendorApp;
use store::tenants::Tenant;

use hub::app_access::AppAccess;

/// Who calls: an app in the tenant of its token.
pub(crate) struct Vendor {
    pub(crate) app: Arc<VendorApp>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) access: AppAccess,
}

impl Vendor {
    /// Whether the app has the scope here, and the tenant granted it.
    pub(crate) fn has(&self, scope: Scope) -> bool {
        self.access.has(scope)
    }
}
