//! The one table of who may call what. A path without a row cannot be called.

use axum::http::Method;
use domain::{Act, Role};

/// Who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever asks, without a key.
    Anyone,
    /// Keys whose role may do this; of the tenant in the path, when there is one.
    Key(Act),
}

/// One call.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) method: Method,
    /// Below `/api/v1`.
    pub(super) path: &'static str,
    pub(super) access: Access,
}

const fn row(method: Method, path: &'static str, act: Act) -> Row {
    Row { method, path, access: Access::Key(act) }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// Every call, in reading order.
pub(super) const TABLE: &[Row] = &[
    Row { method: GET, path: "/openapi.json", access: Access::Anyone },
    row(POST, "/tenants", Act::ManageTenants),
    row(GET, "/tenants", Act::ManageTenants),
    row(GET, "/tenants/{tenant_key}", Act::SeeTenant),
    row(PATCH, "/tenants/{tenant_key}", Act::ChangeTenant),
    row(POST, "/tenants/{tenant_key}/api_keys", Act::ManageKeys),
    row(GET, "/tenants/{tenant_key}/api_keys", Act::ManageKeys),
    row(GET, "/tenants/{tenant_key}/api_keys/{key_id}", Act::ManageKeys),
    row(POST, "/tenants/{tenant_key}/api_keys/{key_id}/replace", Act::ManageKeys),
    row(DELETE, "/tenants/{tenant_key}/api_keys/{key_id}", Act::ManageKeys),
    row(POST, "/api_keys", Act::ManageOperatorKeys),
    row(GET, "/api_keys", Act::ManageOperatorKeys),
    row(GET, "/api_keys/{key_id}", Act::ManageOperatorKeys),
    row(POST, "/api_keys/{key_id}/replace", Act::ManageOperatorKeys),
    row(DELETE, "/api_keys/{key_id}", Act::ManageOperatorKeys),
    row(POST, "/apps", Act::ManageApps),
    row(GET, "/apps", Act::ManageApps),
    row(GET, "/apps/{app_id}", Act::ManageApps),
    row(PATCH, "/apps/{app_id}", Act::ManageApps),
    row(DELETE, "/apps/{app_id}", Act::ManageApps),
    row(POST, "/apps/{app_id}/enable", Act::ManageApps),
    row(POST, "/apps/{app_id}/disable", Act::ManageApps),
    row(POST, "/apps/{app_id}/pause", Act::ManageApps),
    row(POST, "/apps/{app_id}/resume", Act::ManageApps),
    row(POST, "/apps/{app_id}/verify_url", Act::ManageApps),
    row(POST, "/apps/{app_id}/rotate", Act::ManageApps),
    row(POST, "/apps/{app_id}/explain_signature", Act::ManageApps),
    row(POST, "/apps/{app_id}/resend", Act::ManageApps),
    row(GET, "/alerts", Act::ManageApps),
    row(GET, "/apps/{app_id}/installations", Act::ManageApps),
    row(PUT, "/apps/{app_id}/installations/{tenant_key}", Act::ManageApps),
    row(GET, "/apps/{app_id}/installations/{tenant_key}", Act::ManageApps),
    row(DELETE, "/apps/{app_id}/installations/{tenant_key}", Act::ManageApps),
    row(GET, "/apps/{app_id}/connections", Act::ManageApps),
    row(GET, "/tenants/{tenant_key}/grants", Act::SeeGrants),
    row(GET, "/tenants/{tenant_key}/apps/{app_id}/grant", Act::SeeGrants),
    row(POST, "/tenants/{tenant_key}/apps/{app_id}/grant", Act::GrantApps),
    row(DELETE, "/tenants/{tenant_key}/apps/{app_id}/grant", Act::GrantApps),
    row(POST, "/tenants/{tenant_key}/accounts", Act::ManageAccounts),
    row(GET, "/tenants/{tenant_key}/accounts", Act::SeeAccounts),
    row(GET, "/tenants/{tenant_key}/accounts/{account_id}", Act::SeeAccounts),
    row(DELETE, "/tenants/{tenant_key}/accounts/{account_id}", Act::ManageAccounts),
    row(GET, "/tenants/{tenant_key}/apps/{app_id}/account_form", Act::SeeAccounts),
    row(POST, "/tenants/{tenant_key}/files", Act::PlaceOrders),
    row(POST, "/tenants/{tenant_key}/orders", Act::PlaceOrders),
    row(GET, "/tenants/{tenant_key}/orders", Act::ListOrders),
    row(GET, "/tenants/{tenant_key}/orders/{order_id}", Act::SeeOrders),
    row(POST, "/tenants/{tenant_key}/orders/{order_id}/approve", Act::ReviewOrders),
    row(POST, "/tenants/{tenant_key}/orders/{order_id}/reject", Act::ReviewOrders),
    row(POST, "/tenants/{tenant_key}/orders/{order_id}/withdraw", Act::ReviewOrders),
    row(POST, "/tenants/{tenant_key}/orders/{order_id}/terminate", Act::TerminateOrders),
    row(
        GET,
        "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content",
        Act::SeeReports,
    ),
    row(
        POST,
        "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/refetch",
        Act::SeeReports,
    ),
    row(
        POST,
        "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/accept",
        Act::SeeReports,
    ),
    row(
        GET,
        "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/versions",
        Act::SeeReports,
    ),
    row(GET, "/storage", Act::CareForInstallation),
    row(GET, "/tenants/{tenant_key}/quota", Act::SeeTenant),
    row(PUT, "/tenants/{tenant_key}/quota", Act::ManageTenants),
    row(GET, "/apps/{app_id}/quota", Act::ManageApps),
    row(PUT, "/apps/{app_id}/quota", Act::ManageApps),
    row(POST, "/objects/check", Act::CareForInstallation),
    row(POST, "/keys/rotate", Act::CareForInstallation),
    row(GET, "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/views", Act::SeeViews),
    row(GET, "/tenants/{tenant_key}/orders/{order_id}/manifest", Act::SeeManifests),
    row(GET, "/tenants/{tenant_key}/retention", Act::SeeRetention),
    row(PUT, "/tenants/{tenant_key}/retention", Act::ManageRetention),
    row(GET, "/tenants/{tenant_key}/hold", Act::SeeRetention),
    row(PUT, "/tenants/{tenant_key}/hold", Act::ManageRetention),
    row(DELETE, "/tenants/{tenant_key}/hold", Act::ManageRetention),
    row(GET, "/tenants/{tenant_key}/orders/{order_id}/hold", Act::SeeRetention),
    row(PUT, "/tenants/{tenant_key}/orders/{order_id}/hold", Act::ManageRetention),
    row(DELETE, "/tenants/{tenant_key}/orders/{order_id}/hold", Act::ManageRetention),
    row(GET, "/tenants/{tenant_key}/erasures/preview", Act::SeeRetention),
    row(GET, "/tenants/{tenant_key}/erasures", Act::SeeRetention),
    row(POST, "/tenants/{tenant_key}/orders/{order_id}/erase", Act::EraseOrders),
    row(POST, "/tenants/{tenant_key}/candidates/search", Act::FindCandidates),
    row(GET, "/tenants/{tenant_key}/orders/{order_id}/certificate", Act::SeeRetention),
    row(GET, "/tenants/{tenant_key}/audit", Act::SeeAudit),
    row(GET, "/audit", Act::SeeOperatorAudit),
    row(GET, "/public-key", Act::SeePublicKey),
    row(GET, "/tenants/{tenant_key}/events", Act::SeeEvents),
    row(GET, "/tenants/{tenant_key}/events/{event_id}/deliveries", Act::SeeEvents),
    row(POST, "/tenants/{tenant_key}/events/{event_id}/resend", Act::ResendEvents),
];

/// Who may make the call; `path` is the route's, below `/api/v1`. None when it has no row.
pub(super) fn find(method: &Method, path: &str) -> Option<Access> {
    index_of(method, path).map(|index| TABLE[index].access)
}

/// The call's place in [`TABLE`]; None when it has no row.
pub(super) fn index_of(method: &Method, path: &str) -> Option<usize> {
    // Whoever may GET may ask for the head alone.
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    TABLE.iter().position(|row| row.method == *method && row.path == path)
}

impl Access {
    /// The roles that may make the call; none when it needs no key.
    pub(super) fn roles(self) -> &'static [Role] {
        match self {
            Access::Anyone => &[],
            Access::Key(act) => act.roles(),
        }
    }
}
