//! New values for an app's secrets, with a grace time for the old ones.

use contract::control::{GRACE_SECONDS_DEFAULT, RotateSecret, RotatedSecret, SecretKind};
use domain::{Act, Actor, AppId, UnixMs};
use store::apps::{App, AppSecrets, OldSecret};
use store::{IdempotencyKey, Saved};
use system::random;

use super::{find, overtaken};
use crate::error::authorize;
use crate::idempotency::{self, Answer};
use crate::instant::rfc3339;
use crate::{Error, Hub, Input, keys};

/// Gives an app a new app secret, encrypt key or verification token, which the first answer alone holds. The old value
/// stays good for a grace time; a further rotation ends that.
pub async fn rotate(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    input: Input<RotateSecret>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<RotatedSecret>, Error> {
    authorize(actor, Act::ManageApps)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let input = input.valid()?;
    let (by, value) = (hub.by(actor), random::secret());
    let grace_seconds = input.grace_seconds.unwrap_or(GRACE_SECONDS_DEFAULT);
    let until = by.at.plus_ms(i64::from(grace_seconds) * 1_000);
    let old_until = rfc3339(until);
    let shown = RotatedSecret { secret: input.secret, value: value.clone(), old_until };
    let answer = idempotency::changed(hub, key, &shown.without_secret());
    for _ in 0..2 {
        let app = find(hub, app_id).await?;
        let (hash, secrets) = rotated(&app, input.secret, &value, until);
        let (version, answer) = (app.version, answer.as_ref());
        match hub.store.rotate_app(by, app_id, version, &hash, &secrets, answer).await? {
            Saved::Done => return Ok(Answer::new(&shown)),
            Saved::Outdated => {}
            Saved::KeyTaken => return idempotency::first_of_twin(hub, key).await,
        }
    }
    Err(overtaken())
}

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
