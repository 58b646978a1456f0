//! `DELETE /apps/{app_id}`.

use axum::http::StatusCode;
use contract::control::ProblemCode;
use store::Saved;

use crate::control::auth::Call;
use crate::control::failure::Failure;

/// Deletes an app that no account is bound to, with its installations. Its tokens end at once.
#[utoipa::path(
    delete,
    path = "/apps/{app_id}",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 409, description = "An account is bound to it"),
    )
)]
pub(crate) async fn delete_app(call: Call) -> Result<StatusCode, Failure> {
    let app_id = call.vendor_app().await?.app_id;
    match call.app.hub.store.delete_app(call.by(), app_id).await? {
        Saved::Done => Ok(StatusCode::NO_CONTENT),
        Saved::Outdated | Saved::KeyTaken => {
            // Somebody else may have been quicker.
            call.vendor_app().await?;
            let detail = "expected an app that no account is bound to";
            Err(Failure::refused(ProblemCode::Conflict, detail))
        }
    }
}
