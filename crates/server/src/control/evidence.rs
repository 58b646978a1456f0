//! What proves something. What the calls do is in `hub::evidence`.

use contract::control::{ListAudit, PublicKey};
use hub::evidence;

use super::answer::{Json, JsonLines, Signed};
use super::auth::Call;
use super::failure::Failure;
use super::request::Query;

pub(super) async fn get_public_key(call: Call) -> Result<Json<PublicKey>, Failure> {
    Ok(evidence::get_public_key(call.hub(), call.actor())?.into())
}

pub(super) async fn list_operator_audit(
    call: Call,
    Query(list): Query<ListAudit>,
) -> Result<JsonLines, Failure> {
    Ok(JsonLines(evidence::list_audit(call.hub(), call.actor(), None, list).await?))
}

pub(super) async fn list_audit(
    call: Call,
    Query(list): Query<ListAudit>,
) -> Result<JsonLines, Failure> {
    let tenant_id = Some(call.tenant().await?.tenant_id);
    Ok(JsonLines(evidence::list_audit(call.hub(), call.actor(), tenant_id, list).await?))
}

pub(super) async fn get_manifest(call: Call) -> Result<Signed, Failure> {
    let (tenant_id, order_id) = (call.tenant().await?.tenant_id, call.path_param("order_id")?);
    Ok(Signed(evidence::get_manifest(call.hub(), call.actor(), tenant_id, order_id).await?))
}

pub(super) async fn get_certificate(call: Call) -> Result<Signed, Failure> {
    let (tenant_id, order_id) = (call.tenant().await?.tenant_id, call.path_param("order_id")?);
    Ok(Signed(evidence::get_certificate(call.hub(), call.actor(), tenant_id, order_id).await?))
}
