//! What proves something: the installation's public key, the audit chains, manifests of reports.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use contract::control::{AUDIT_LIMIT_DEFAULT, ListAudit, PublicKey};
use contract::hex::to_hex;
use domain::TenantId;
use store::audit::OPERATOR;

use super::auth::Call;
use super::failure::{Failure, validate};
use super::request::{Query, json, raw_json};

/// Reads the key that verifies the installation's manifests, certificates and anchors.
#[utoipa::path(
    get,
    path = "/public-key",
    tag = "evidence",
    responses((status = 200, description = "The key", body = PublicKey))
)]
pub(crate) async fn get_public_key(call: Call) -> Result<Response, Failure> {
    let signer = call.app.hub.store.signer();
    let body = PublicKey {
        key_id: signer.key_id().to_owned(),
        algorithm: "Ed25519".to_owned(),
        public_key: to_hex(signer.public_key()),
    };
    Ok(json(StatusCode::OK, &body))
}

/// Reads the operator's audit chain, oldest first, as JSON lines: apps, installations, tenants, keys.
///
/// Each line is `{"seq":…,"hash":"…","entry":{…}}`; the hash is SHA-256 over the hash before and the entry's bytes as
/// they stand there. An empty answer ends the chain.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "evidence",
    params(ListAudit),
    responses((status = 200, description = "Entries", body = String, content_type = "application/jsonl"))
)]
pub(crate) async fn list_operator_audit(
    call: Call,
    Query(list): Query<ListAudit>,
) -> Result<Response, Failure> {
    lines(&call, OPERATOR, &list).await
}

/// Reads a tenant's audit chain, oldest first, as JSON lines: views, decisions, erasures, holds, settings.
///
/// Each line is `{"seq":…,"hash":"…","entry":{…}}`; the hash is SHA-256 over the hash before and the entry's bytes as
/// they stand there. An empty answer ends the chain. No entry holds personal data.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/audit",
    tag = "evidence",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), ListAudit),
    responses((status = 200, description = "Entries", body = String, content_type = "application/jsonl"))
)]
pub(crate) async fn list_audit(
    call: Call,
    Query(list): Query<ListAudit>,
) -> Result<Response, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    lines(&call, tenant_id, &list).await
}

async fn lines(call: &Call, tenant_id: TenantId, list: &ListAudit) -> Result<Response, Failure> {
    validate(list.faults())?;
    let limit = list.limit.unwrap_or(AUDIT_LIMIT_DEFAULT);
    let entries = call.app.hub.store.list_audit(tenant_id, list.after.unwrap_or(0), limit).await?;
    let mut text = String::new();
    for entry in entries {
        text.push_str(&entry.line);
        text.push('\n');
    }
    let mut response = Response::new(Body::from(text));
    let jsonl = HeaderValue::from_static("application/jsonl");
    response.headers_mut().insert(CONTENT_TYPE, jsonl);
    Ok(response)
}

/// Reads the newest manifest of an order: a signed list of every content that is or was stored of its reports.
///
/// `signature` is Ed25519 over the bytes of `manifest` as they stand in the answer; keep the answer as it is.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}/manifest",
    tag = "evidence",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    responses(
        (status = 200, description = "The manifest with its signature", body = serde_json::Value),
        (status = 404, description = "There is no such order, or nothing was kept of it yet"),
    )
)]
pub(crate) async fn get_manifest(call: Call) -> Result<Response, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    let file = call.app.hub.store.find_manifest(tenant_id, call.path_param("order_id")?).await?;
    Ok(raw_json(StatusCode::OK, file.ok_or_else(Failure::not_found)?.into_bytes()))
}

/// Reads the certificate of an order's erasure.
///
/// `signature` is Ed25519 over the bytes of `certificate` as they stand in the answer; keep the answer as it is.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}/certificate",
    tag = "evidence",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    responses(
        (status = 200, description = "The certificate with its signature", body = serde_json::Value),
        (status = 404, description = "There is no such order, or it is not erased"),
    )
)]
pub(crate) async fn get_certificate(call: Call) -> Result<Response, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    let file = call.app.hub.store.find_certificate(tenant_id, call.path_param("order_id")?).await?;
    Ok(raw_json(StatusCode::OK, file.ok_or_else(Failure::not_found)?.into_bytes()))
}
