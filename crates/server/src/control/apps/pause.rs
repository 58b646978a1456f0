//! `POST /apps/{app_id}/pause`, `…/resume`. A repeat changes nothing.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, PauseApp, ProblemCode};
use store::Saved;
use store::pauses::Pause;

use super::view;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::idempotency;
use crate::control::request::{Command, Nothing};

/// Sends an app nothing until it is resumed: its deliveries wait as paused.
///
/// The app's calls go on. An endpoint that takes nothing for 5 days is paused by itself.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/pause",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    request_body = PauseApp,
    responses((status = 200, description = "The app as it is now", body = control::App))
)]
pub(crate) async fn pause_app(call: Call, command: Command<PauseApp>) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    validate(command.body.faults())?;
    let reason = command.body.reason.unwrap_or_else(|| "paused by the operator".to_owned());
    for _ in 0..2 {
        let app = call.vendor_app().await?;
        let pause = Pause { since: call.app.hub.clock.now(), reason: reason.clone() };
        if app.pause.is_some()
            || call.app.hub.store.pause_app(app.app_id, app.version, &pause, None).await?
                == Saved::Done
        {
            let body = view(&*call.vendor_app().await?);
            return idempotency::keep(&call, command.key, StatusCode::OK, &body).await;
        }
    }
    Err(overtaken())
}

/// Sends an app its events again; what was paused is delivered, and its alerts end.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/resume",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    responses((status = 200, description = "The app as it is now", body = control::App))
)]
pub(crate) async fn resume_app(call: Call, command: Command<Nothing>) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    for _ in 0..2 {
        let (app, now) = (call.vendor_app().await?, call.app.hub.clock.now());
        if app.pause.is_none()
            || call.app.hub.store.resume_app(app.app_id, app.version, now).await? == Saved::Done
        {
            let body = view(&*call.vendor_app().await?);
            return idempotency::keep(&call, command.key, StatusCode::OK, &body).await;
        }
    }
    Err(overtaken())
}

/// Who was overtaken twice.
pub(super) fn overtaken() -> Failure {
    let detail = "expected nobody else to change the app at the same time";
    Failure::refused(ProblemCode::Conflict, detail)
}
