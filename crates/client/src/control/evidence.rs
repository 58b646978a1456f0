//! What proves something: audit chains, views, manifests, certificates; and how long orders are stored.

use contract::control::{
    EraseOrder, Erasure, ErasurePreview, Hold, List, ListAudit, Page, PublicKey, PutHold,
    PutRetention, ReportView, Retention,
};

calls! {
    /// Reads the key that verifies the installation's signed texts. Any key may ask.
    pub async fn get_public_key() -> PublicKey = get(["public-key"]);
    /// Reads a page of the operator's audit chain as JSON lines; empty after the last entry. Needs the operator's key.
    pub async fn list_operator_audit(list: &ListAudit) -> String = text(["audit"], list);
    /// Reads a page of a tenant's audit chain as JSON lines; empty after the last entry.
    pub async fn list_audit(tenant_key: &str, list: &ListAudit) -> String =
        text(["tenants", tenant_key, "audit"], list);
    /// Lists who was given a report's content, newest first.
    pub async fn list_report_views(tenant_key: &str, order_id: &str, report_id: &str, list: &List)
        -> Page<ReportView> =
        get(["tenants", tenant_key, "orders", order_id, "reports", report_id, "views"], list);
    /// Reads an order's newest manifest with its signature, as it must be stored: see [`crate::evidence`].
    pub async fn get_manifest(tenant_key: &str, order_id: &str) -> String =
        text(["tenants", tenant_key, "orders", order_id, "manifest"]);
    /// Reads the certificate of an order's erasure with its signature, as it must be stored.
    pub async fn get_certificate(tenant_key: &str, order_id: &str) -> String =
        text(["tenants", tenant_key, "orders", order_id, "certificate"]);
    /// Reads how long a tenant's orders are stored.
    pub async fn get_retention(tenant_key: &str) -> Retention =
        get(["tenants", tenant_key, "retention"]);
    /// Replaces a tenant's rules for packages.
    pub async fn put_retention(tenant_key: &str, body: &PutRetention) -> Retention =
        put(["tenants", tenant_key, "retention"], body);
    /// Reads the legal hold of an order, or without one of the whole tenant.
    pub async fn get_hold(tenant_key: &str, order_id: Option<&str>) -> Hold =
        get(hold(tenant_key, order_id));
    /// Sets a legal hold on an order, or without one on the whole tenant.
    pub async fn put_hold(tenant_key: &str, order_id: Option<&str>, body: &PutHold) -> Hold =
        put(hold(tenant_key, order_id), body);
    /// Lifts the legal hold of an order, or without one of the whole tenant.
    pub async fn lift_hold(tenant_key: &str, order_id: Option<&str>) -> () =
        delete(hold(tenant_key, order_id));
    /// Says for each order that is not erased when it goes, oldest first; changes nothing.
    pub async fn preview_erasures(tenant_key: &str, list: &List) -> Page<ErasurePreview> =
        get(["tenants", tenant_key, "erasures", "preview"], list);
    /// Lists the orders that were erased, newest first.
    pub async fn list_erasures(tenant_key: &str, list: &List) -> Page<Erasure> =
        get(["tenants", tenant_key, "erasures"], list);
    /// Erases an order for good.
    pub async fn erase_order(tenant_key: &str, order_id: &str, body: &EraseOrder) -> Erasure =
        post(["tenants", tenant_key, "orders", order_id, "erase"], body);
}

fn hold<'a>(tenant_key: &'a str, order_id: Option<&'a str>) -> Vec<&'a str> {
    match order_id {
        Some(order_id) => vec!["tenants", tenant_key, "orders", order_id, "hold"],
        None => vec!["tenants", tenant_key, "hold"],
    }
}
