//! `POST /apps/{app_id}/verify_url`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{EventMode, ProblemCode, UrlCheck};

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::idempotency;
use crate::control::request::{Command, Nothing};
use crate::{secret_rotation, url_check};

/// Checks an app's callback URL by a challenge, and explains what fails: bytes sent, bytes back, likely cause.
///
/// In the grace time of a rotated encrypt key or verification token a receiver that passes under the new values
/// ends it: events go out under them from then on.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/verify_url",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    responses(
        (status = 200, description = "How the check went", body = UrlCheck),
        (status = 409, description = "The app has no callback URL, or gets its events over the long connection"),
    )
)]
pub(crate) async fn verify_url(call: Call, command: Command<Nothing>) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let app = call.vendor_app().await?;
    if app.settings.event_mode == EventMode::LongConnection {
        let detail = "the app gets its events over the long connection: a callback URL that it may still \
            have is not called; check it after a change to webhook";
        return Err(Failure::refused(ProblemCode::IllegalState, detail));
    }
    let Some(url) = &app.settings.callback_url else {
        let detail = "the app has no callback URL to check: its events wait for one";
        return Err(Failure::refused(ProblemCode::IllegalState, detail));
    };
    let checked = url_check::check(&call.app, &app, url).await;
    if checked.ends_grace {
        secret_rotation::end_grace(&call.app, &app).await?;
    }
    idempotency::keep(&call, command.key, StatusCode::OK, &checked.check).await
}
