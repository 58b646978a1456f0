//! `/api_keys`: keys of the operator, by the operator.

use axum::response::Response;
use contract::control::{ApiKey, CreateApiKey, CreatedApiKey, List, Page, ReplaceApiKey};

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::{Command, Query};

/// Makes a key of the operator; the answer alone holds its value.
///
/// When no operator key is at hand any more, `probity key replace-operator` makes one on the machine itself.
#[utoipa::path(
    post,
    path = "/api_keys",
    tag = "api_keys",
    request_body = CreateApiKey,
    responses((status = 201, description = "The key", body = CreatedApiKey))
)]
pub(crate) async fn create_operator_key(
    call: Call,
    command: Command<CreateApiKey>,
) -> Result<Response, Failure> {
    let faults = command.body.operator_faults();
    super::create(&call, None, command, faults).await
}

/// Lists the operator's keys without their values, newest first, revoked ones included.
#[utoipa::path(
    get,
    path = "/api_keys",
    tag = "api_keys",
    params(List),
    responses((status = 200, description = "A page of keys", body = Page<ApiKey>))
)]
pub(crate) async fn list_operator_keys(call: Call, list: Query<List>) -> Result<Response, Failure> {
    super::list(&call, None, list).await
}

/// Reads one key of the operator, without its value.
#[utoipa::path(
    get,
    path = "/api_keys/{key_id}",
    tag = "api_keys",
    params(("key_id" = String, Path, description = "19 decimal digits")),
    responses((status = 200, description = "The key", body = ApiKey))
)]
pub(crate) async fn get_operator_key(call: Call) -> Result<Response, Failure> {
    super::get(&call, None).await
}

/// Gives an operator key another value; the answer alone holds it. Id, roles and end stay, and with the id whatever the key did.
///
/// The old value is refused from now on, or after `grace_seconds`.
#[utoipa::path(
    post,
    path = "/api_keys/{key_id}/replace",
    tag = "api_keys",
    params(("key_id" = String, Path, description = "19 decimal digits")),
    request_body = ReplaceApiKey,
    responses(
        (status = 200, description = "The key with its new value", body = CreatedApiKey),
        (status = 409, description = "The key is revoked, or its time is over"),
    )
)]
pub(crate) async fn replace_operator_key(
    call: Call,
    command: Command<ReplaceApiKey>,
) -> Result<Response, Failure> {
    super::replace(&call, None, command).await
}

/// Revokes a key of the operator, for good and everywhere at once.
#[utoipa::path(
    delete,
    path = "/api_keys/{key_id}",
    tag = "api_keys",
    params(("key_id" = String, Path, description = "19 decimal digits")),
    responses(
        (status = 204, description = "The key is revoked"),
        (status = 409, description = "It is the last operator key that does not end"),
    )
)]
pub(crate) async fn revoke_operator_key(call: Call) -> Result<Response, Failure> {
    super::revoke(&call, None).await
}
