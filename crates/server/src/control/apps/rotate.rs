//! `POST /apps/{app_id}/rotate`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{GRACE_SECONDS_DEFAULT, RotateSecret, RotatedSecret, SecretKind};
use domain::UnixMs;
use store::Saved;
use store::answers::StoredAnswer;
use store::apps::{App, AppSecrets, OldSecret};
use system::random;

use super::pause::overtaken;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::idempotency::{self, Answer};
use crate::control::request::{Command, raw_json};
use crate::keys;
use hub::instant::rfc3339;

/// Gives an app a new app secret, encrypt key or verification token; the answer alone holds it.
///
/// The old value is good besides it for a grace time. An old app secret still buys tokens; events go out under the
/// old encrypt key and verification token first and under the new ones when that was not taken, until an event or
/// `verify_url` shows that the receiver has the new ones. A value whose grace time has not ended is good no longer
/// when it is rotated again.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/rotate",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    request_body = RotateSecret,
    responses((status = 200, description = "The new value", body = RotatedSecret))
)]
pub(crate) async fn rotate_secret(
    call: Call,
    command: Command<RotateSecret>,
) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let body = command.body;
    validate(body.faults())?;
    let now = call.app.hub.clock.now();
    let grace_seconds = body.grace_seconds.unwrap_or(GRACE_SECONDS_DEFAULT);
    let until = now.plus_ms(i64::from(grace_seconds) * 1_000);
    let value = random::secret();
    let old_until = rfc3339(until);
    let shown = RotatedSecret { secret: body.secret, value: value.clone(), old_until };
    let answer = Answer::shown_once(&shown, &shown.without_secret());
    let stored = command.key.map(|key| StoredAnswer {
        key,
        http_status: StatusCode::OK.as_u16(),
        body: answer.repeat,
        at: now,
    });
    for _ in 0..2 {
        let app = call.vendor_app().await?;
        let (hash, secrets) = rotated(&app, body.secret, &value, until);
        let store = &call.app.hub.store;
        let (by, version) = (call.by(), app.version);
        match store.rotate_app(by, app.app_id, version, &hash, &secrets, stored.as_ref()).await? {
            Saved::Done => return Ok(raw_json(StatusCode::OK, answer.first)),
            Saved::Outdated => {}
            Saved::KeyTaken => {
                let first = idempotency::find_first_answer(
                    &call,
                    stored.as_ref().map(|stored| &stored.key),
                );
                return first.await?.ok_or_else(idempotency::twin);
            }
        }
    }
    Err(overtaken())
}

/// The app's secrets with a new value for one of them, and the old value beside it.
fn rotated(app: &App, secret: SecretKind, value: &str, until: UnixMs) -> ([u8; 32], AppSecrets) {
    let (mut hash, mut secrets) = (app.secret_hash, app.secrets.clone());
    let until_ms = until.0;
    match secret {
        SecretKind::AppSecret => {
            secrets.old.app_secret_hash = Some(OldSecret { value: hash, until_ms });
            hash = keys::hash(value);
        }
        SecretKind::EncryptKey => {
            let old = std::mem::replace(&mut secrets.encrypt_key, value.to_owned());
            secrets.old.encrypt_key = Some(OldSecret { value: old, until_ms });
        }
        SecretKind::VerificationToken => {
            let old = std::mem::replace(&mut secrets.verification_token, value.to_owned());
            secrets.old.verification_token = Some(OldSecret { value: old, until_ms });
        }
    }
    (hash, secrets)
}
