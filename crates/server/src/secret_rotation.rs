//! Rotation: under which secrets an app is spoken to while old ones are good besides the new ones.
//!
//! Nobody lets the server know when the receiver was given the new values. So the tries of an event take turns: the first
//! one goes out as before, and when it is not taken the next one under the new values. The first event that is taken
//! under the new ones, or a passed check of the URL, ends the grace time.

use std::borrow::Cow;

use domain::UnixMs;
use store::Fault;
use store::apps::{App as Receiver, OldSecrets};
use store::audit::By;

use crate::app::App;

/// The app as a try speaks to it.
pub(crate) struct AttemptSecrets<'r> {
    /// With the secrets of this try.
    pub(crate) receiver: Cow<'r, Receiver>,
    /// Whether these are the new ones, and old ones are good besides.
    pub(crate) proves_new: bool,
}

/// The voice of an event's try; 1 is the first.
pub(crate) fn secrets_for_attempt(
    receiver: &Receiver,
    number: u32,
    now: UnixMs,
) -> AttemptSecrets<'_> {
    match receiver.secrets.before_rotation(now) {
        Some(secrets) if number % 2 == 1 => {
            let receiver = Receiver { secrets, ..receiver.clone() };
            AttemptSecrets { receiver: Cow::Owned(receiver), proves_new: false }
        }
        old => AttemptSecrets { receiver: Cow::Borrowed(receiver), proves_new: old.is_some() },
    }
}

/// Ends the grace time of encrypt key and verification token: the receiver has the new ones. Who changed the app
/// meanwhile keeps it; it ends by itself.
pub(crate) async fn end_grace(app: &App, receiver: &Receiver) -> Result<(), Fault> {
    let mut secrets = receiver.secrets.clone();
    let app_secret_hash = secrets.old.app_secret_hash.take();
    secrets.old = OldSecrets { app_secret_hash, ..OldSecrets::default() };
    let (app_id, hash) = (receiver.app_id, &receiver.secret_hash);
    let by = By::system(app.hub.clock.now());
    app.hub.store.rotate_app(by, app_id, receiver.version, hash, &secrets, None).await.map(drop)
}
