//! What proves something: audit chains, views, manifests, certificates; and how long orders are stored.

use contract::control::{
    EraseOrder, Erasure, ErasurePreview, Hold, List, ListAudit, Page, PublicKey, PutHold,
    PutRetention, ReportView, Retention,
};
use reqwest::Method;

use super::{Control, Error, NO_QUERY, Nothing};

impl Control {
    /// Reads the key that verifies the installation's signed texts. Any key may ask.
    pub async fn get_public_key(&self) -> Result<PublicKey, Error> {
        self.get(&["public-key"], NO_QUERY).await
    }

    /// Reads a page of the operator's audit chain as JSON lines; empty after the last entry. Needs the operator's key.
    pub async fn list_operator_audit(&self, list: &ListAudit) -> Result<String, Error> {
        self.text(&["audit"], Some(list)).await
    }

    /// Reads a page of a tenant's audit chain as JSON lines; empty after the last entry.
    pub async fn list_audit(&self, tenant_key: &str, list: &ListAudit) -> Result<String, Error> {
        self.text(&["tenants", tenant_key, "audit"], Some(list)).await
    }

    /// Lists who was given a report's content, newest first.
    pub async fn list_report_views(
        &self,
        tenant_key: &str,
        order_id: &str,
        report_id: &str,
        list: &List,
    ) -> Result<Page<ReportView>, Error> {
        let path = ["tenants", tenant_key, "orders", order_id, "reports", report_id, "views"];
        self.get(&path, Some(list)).await
    }

    /// Reads an order's newest manifest with its signature, as it must be stored: see [`crate::evidence`].
    pub async fn get_manifest(&self, tenant_key: &str, order_id: &str) -> Result<String, Error> {
        self.text(&["tenants", tenant_key, "orders", order_id, "manifest"], NO_QUERY).await
    }

    /// Reads the certificate of an order's erasure with its signature, as it must be stored.
    pub async fn get_certificate(&self, tenant_key: &str, order_id: &str) -> Result<String, Error> {
        self.text(&["tenants", tenant_key, "orders", order_id, "certificate"], NO_QUERY).await
    }

    /// Reads how long a tenant's orders are stored.
    pub async fn get_retention(&self, tenant_key: &str) -> Result<Retention, Error> {
        self.get(&["tenants", tenant_key, "retention"], NO_QUERY).await
    }

    /// Replaces a tenant's rules for packages.
    pub async fn put_retention(
        &self,
        tenant_key: &str,
        body: &PutRetention,
    ) -> Result<Retention, Error> {
        self.put(&["tenants", tenant_key, "retention"], body).await
    }

    /// Reads the legal hold of an order, or without one of the whole tenant.
    pub async fn get_hold(&self, tenant_key: &str, order_id: Option<&str>) -> Result<Hold, Error> {
        self.get(&hold(tenant_key, order_id), NO_QUERY).await
    }

    /// Sets a legal hold on an order, or without one on the whole tenant.
    pub async fn put_hold(
        &self,
        tenant_key: &str,
        order_id: Option<&str>,
        body: &PutHold,
    ) -> Result<Hold, Error> {
        self.put(&hold(tenant_key, order_id), body).await
    }

    /// Lifts the legal hold of an order, or without one of the whole tenant.
    pub async fn lift_hold(&self, tenant_key: &str, order_id: Option<&str>) -> Result<(), Error> {
        self.delete(&hold(tenant_key, order_id)).await
    }

    /// Says for each order that is not erased when it goes, oldest first; changes nothing.
    pub async fn preview_erasures(
        &self,
        tenant_key: &str,
        list: &List,
    ) -> Result<Page<ErasurePreview>, Error> {
        self.get(&["tenants", tenant_key, "erasures", "preview"], Some(list)).await
    }

    /// Lists the orders that were erased, newest first.
    pub async fn list_erasures(
        &self,
        tenant_key: &str,
        list: &List,
    ) -> Result<Page<Erasure>, Error> {
        self.get(&["tenants", tenant_key, "erasures"], Some(list)).await
    }

    /// Erases an order for good.
    pub async fn erase_order(
        &self,
        tenant_key: &str,
        order_id: &str,
        body: &EraseOrder,
    ) -> Result<Erasure, Error> {
        self.post(&["tenants", tenant_key, "orders", order_id, "erase"], body).await
    }

    async fn text(
        &self,
        path: &[&str],
        query: Option<&impl serde::Serialize>,
    ) -> Result<String, Error> {
        let response = self.send(Method::GET, path, query, None::<&Nothing>).await?;
        let status = response.status();
        let body = self.transport.body(response).await?;
        let text = String::from_utf8(body);
        Ok(text.map_err(|_| self.transport.unreadable(status, "expected a text"))?)
    }
}

fn hold<'a>(tenant_key: &'a str, order_id: Option<&'a str>) -> Vec<&'a str> {
    match order_id {
        Some(order_id) => vec!["tenants", tenant_key, "orders", order_id, "hold"],
        None => vec!["tenants", tenant_key, "hold"],
    }
}
