//! Evidence: the installation's public key, audit chains, manifests of reports, certificates of erasures.

use contract::control::{AUDIT_LIMIT_DEFAULT, ListAudit, PublicKey};
use domain::{Act, Actor, Id, TenantId};
use store::audit::OPERATOR;

use crate::error::authorize;
use crate::{Error, Hub, Input};

/// The key that verifies the installation's manifests, certificates and anchors.
pub fn get_public_key(hub: &Hub, actor: &Actor) -> Result<PublicKey, Error> {
    authorize(actor, Act::SeePublicKey)?;
    Ok(PublicKey::new(hub.store.signer().public_key()))
}

/// A page of a tenant's audit chain, or without one of the operator's, oldest first, as JSON lines; empty at the end.
pub async fn list_audit(
    hub: &Hub,
    actor: &Actor,
    tenant_id: Option<TenantId>,
    list: Input<ListAudit>,
) -> Result<String, Error> {
    authorize(actor, tenant_id.map_or(Act::SeeOperatorAudit, |_| Act::SeeAudit))?;
    let list = list.valid()?;
    let (after, limit) = (list.after.unwrap_or(0), list.limit.unwrap_or(AUDIT_LIMIT_DEFAULT));
    let entries = hub.store.list_audit(tenant_id.unwrap_or(OPERATOR), after, limit).await?;
    Ok(entries.iter().flat_map(|entry| [entry.line.as_str(), "\n"]).collect())
}

/// The newest manifest of an order: a signed list of every content that is or was stored of its reports.
pub async fn get_manifest(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
    order_id: Id,
) -> Result<String, Error> {
    authorize(actor, Act::SeeManifests)?;
    hub.store.find_manifest(tenant_id, order_id).await?.ok_or(Error::NotFound)
}

/// The certificate of an order's erasure.
pub async fn get_certificate(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
    order_id: Id,
) -> Result<String, Error> {
    authorize(actor, Act::SeeRetention)?;
    hub.store.find_certificate(tenant_id, order_id).await?.ok_or(Error::NotFound)
}
