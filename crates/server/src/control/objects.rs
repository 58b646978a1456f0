//! Checking what is stored: `POST /objects/check`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{CheckObjects, ObjectsChecked};

use super::auth::Call;
use super::failure::{Failure, validate};
use super::request::{Command, json};
use crate::object_check::{self, ObjectCheckError};

/// Checks a part of the stored contents: rows against objects and their hashes, and objects against rows.
///
/// A check is many calls, each with the `next_cursor` of the one before. Nothing is repaired. Repeated, a part is checked
/// again: an idempotency key changes nothing.
#[utoipa::path(
    post,
    path = "/objects/check",
    tag = "installation",
    request_body = CheckObjects,
    responses(
        (status = 200, description = "What was found in this part", body = ObjectsChecked),
        (status = 503, description = "The store of the contents does not answer"),
    )
)]
pub(crate) async fn check_objects(
    call: Call,
    command: Command<CheckObjects>,
) -> Result<Response, Failure> {
    validate(command.body.faults())?;
    match object_check::check(&call.app, &command.body).await {
        Ok(checked) => Ok(json(StatusCode::OK, &checked)),
        Err(ObjectCheckError::Cursor) => {
            Err(Failure::field("cursor", "expected a next_cursor of this check"))
        }
        Err(ObjectCheckError::Fault(fault)) => Err(fault.into()),
        Err(ObjectCheckError::Objects(error)) => Err(error.into()),
    }
}
