//! Changing the root key: `POST /keys/rotate`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{ProblemCode, RotateKeys, RotatedKeys};
use store::{Fault, FaultKind};

use super::auth::Call;
use super::failure::Failure;
use super::idempotency;
use super::request::Command;
use crate::root_key::Refused;

/// Puts the next root key in force, while everybody works on.
///
/// The next key comes from where the present one comes from: `root.key.next`, `PROBITY_ROOT_KEY_NEXT`, or the second line
/// of the root key command. All keys that the root key wraps are wrapped anew in one transaction; reports stay as they are.
#[utoipa::path(
    post,
    path = "/keys/rotate",
    tag = "installation",
    request_body = RotateKeys,
    responses(
        (status = 200, description = "The root key that is in force now", body = RotatedKeys),
        (status = 409, description = "There is no next key, or it is in force already"),
    )
)]
pub(crate) async fn rotate_keys(
    call: Call,
    command: Command<RotateKeys>,
) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let app = &call.app;
    let rotated = app
        .root_key
        .rotate(&app.hub.store, call.by(), command.body.make_key)
        .await
        .map_err(refused)?;
    let body = RotatedKeys {
        key_id: rotated.key_id,
        generation: u64::try_from(rotated.generation).unwrap_or_default(),
        tenant_count: rotated.tenant_count as u64,
    };
    idempotency::keep(&call, command.key, StatusCode::OK, &body).await
}

fn refused(refused: Refused) -> Failure {
    match refused {
        Refused::NoNext(expected) => Failure::refused(ProblemCode::IllegalState, expected),
        Refused::InForce => Failure::refused(
            ProblemCode::IllegalState,
            "expected a next root key that is not in force already",
        ),
        Refused::Source(error) => Failure::Fault(Fault::new(FaultKind::WrongRootKey, error)),
        Refused::Fault(fault) => fault.into(),
    }
}
