//! Which secrets sign an attempt while the old ones are good beside the new ones. Nobody says when the receiver was
//! given the new values, so the tries of an event take turns: the first goes out under the old ones, the next under the
//! new. The first event accepted under the new ones, or a passed check of the URL, ends the grace time.

use std::borrow::Cow;

use domain::UnixMs;
use store::apps::{App, OldSecrets};
use store::audit::By;

use crate::{Error, Hub};

/// The secrets of one attempt.
pub struct AttemptSecrets<'r> {
    /// The app with the secrets of this attempt.
    pub app: Cow<'r, App>,
    /// Whether these are the new ones while old ones are good too.
    pub proves_new: bool,
}

/// The secrets for attempt `number`, from 1.
pub fn secrets_for_attempt(app: &App, number: u32, now: UnixMs) -> AttemptSecrets<'_> {
    match app.secrets.before_rotation(now) {
        Some(secrets) if number % 2 == 1 => {
            let app = App { secrets, ..app.clone() };
            AttemptSecrets { app: Cow::Owned(app), proves_new: false }
        }
        old => AttemptSecrets { app: Cow::Borrowed(app), proves_new: old.is_some() },
    }
}

/// Ends the grace time of encrypt key and verification token: the receiver has the new ones. When the app was changed
/// meanwhile nothing is done; the grace time ends by itself.
pub async fn end_grace(hub: &Hub, app: &App) -> Result<(), Error> {
    let mut secrets = app.secrets.clone();
    let app_secret_hash = secrets.old.app_secret_hash.take();
    secrets.old = OldSecrets { app_secret_hash, ..OldSecrets::default() };
    let (by, hash) = (By::system(hub.installation_clock.now()), &app.secret_hash);
    hub.store.rotate_app(by, app.app_id, app.version, hash, &secrets, None).await?;
    Ok(())
}
