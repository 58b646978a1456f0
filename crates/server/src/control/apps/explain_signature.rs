//! `POST /apps/{app_id}/explain_signature`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{ExplainSignature, SignatureExplanation};

use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, json};
use crate::signature::{self, Keys};

/// Explains the signature of a webhook: each step's bytes, and which input is wrong.
///
/// Changes nothing, so that an Idempotency-Key has no effect.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/explain_signature",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    request_body = ExplainSignature,
    responses((status = 200, description = "The explanation", body = SignatureExplanation))
)]
pub(crate) async fn explain_signature(
    call: Call,
    command: Command<ExplainSignature>,
) -> Result<Response, Failure> {
    validate(command.body.faults())?;
    let (app, now) = (call.vendor_app().await?, call.app.hub.clock.now());
    let secrets = &app.secrets;
    let old = secrets.old.encrypt_key.as_ref().and_then(|old| old.at(now));
    let keys = Keys {
        encrypt_key: &secrets.encrypt_key,
        old_encrypt_key: old.map(String::as_str),
        verification_token: &secrets.verification_token,
    };
    Ok(json(StatusCode::OK, &signature::explain(&command.body, keys)))
}
