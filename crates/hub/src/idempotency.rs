//! Repeats of a call with the same Idempotency-Key: they find their first answer for 24 hours.

use store::IdempotencyKey;
use store::answers::UsedKey;

use crate::{Error, Hub};

/// What this key was used for by the same request.
///
/// Refuses a key that was used for another one.
pub async fn find_used_key(
    hub: &Hub,
    key: Option<&IdempotencyKey>,
) -> Result<Option<UsedKey>, Error> {
    let Some(key) = key else { return Ok(None) };
    match hub.store.find_used_key(key, hub.clock.now()).await? {
        Some(used) if used.request_digest != key.request_digest => Err(Error::IdempotencyKeyReused),
        used => Ok(used),
    }
}
