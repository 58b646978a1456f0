//! `POST /apps/{app_id}/enable`, `…/disable`. A repeat changes nothing.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control;
use store::apps::AppSettings;

use super::{change, view};
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::idempotency;
use crate::control::request::{Command, Nothing};

/// Lets an app call again; what was held for it is delivered.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/enable",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    responses((status = 200, description = "The app as it is now", body = control::App))
)]
pub(crate) async fn enable_app(call: Call, command: Command<Nothing>) -> Result<Response, Failure> {
    switch(&call, command, true).await
}

/// Stops an app: its calls are refused, its tokens do not count, its deliveries wait.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/disable",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    responses((status = 200, description = "The app as it is now", body = control::App))
)]
pub(crate) async fn disable_app(
    call: Call,
    command: Command<Nothing>,
) -> Result<Response, Failure> {
    switch(&call, command, false).await
}

async fn switch(
    call: &Call,
    command: Command<Nothing>,
    is_enabled: bool,
) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let app = change(call, |old| AppSettings { is_enabled, ..old.clone() }).await?;
    idempotency::keep(call, command.key, StatusCode::OK, &view(&app)).await
}
