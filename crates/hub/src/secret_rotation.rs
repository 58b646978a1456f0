//! Rotation: under which secrets an app is spoken to while old ones are good besides the new ones.
//!
//! Nobody lets the server know when the receiver was given the new values. So the tries of an event take turns: the first
//! one goes out as before, and when it is not taken the next one under the new values. The first event that is taken
//! under the new ones, or a passed check of the URL, ends the grace time.

use std::borrow::Cow;

use domain::UnixMs;
use store::apps::{App, OldSecrets};
use store::audit::By;

use crate::{Error, Hub};

/// The app as a try speaks to it.
pub struct AttemptSecrets<'r> {
    /// With the secrets of this try.
    pub app: Cow<'r, App>,
    /// Whether these are the new ones, and old ones are good besides.
    pub proves_new: bool,
}

/// The voice of an event's try; 1 is the first.
pub fn secrets_for_attempt(app: &App, number: u32, now: UnixMs) -> AttemptSecrets<'_> {
    match app.secrets.before_rotation(now) {
        Some(secrets) if number % 2 == 1 => {
            let app = App { secrets, ..app.clone() };
            AttemptSecrets { app: Cow::Owned(app), proves_new: false }
        }
        old => AttemptSecrets { app: Cow::Borrowed(app), proves_new: old.is_some() },
    }
}

/// Ends the grace time of encrypt key and verification token: the receiver has the new ones. Who changed the app
/// meanwhile keeps it; it ends by itself.
pub async fn end_grace(hub: &Hub, app: &App) -> Result<(), Error> {
    let mut secrets = app.secrets.clone();
    let app_secret_hash = secrets.old.app_secret_hash.take();
    secrets.old = OldSecrets { app_secret_hash, ..OldSecrets::default() };
    let (by, hash) = (By::system(hub.clock.now()), &app.secret_hash);
    hub.store.rotate_app(by, app.app_id, app.version, hash, &secrets, None).await?;
    Ok(())
}
