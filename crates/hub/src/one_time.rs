//! The tokens of one-time links: how they are made and read. The address holds the token, the store its hash.

use domain::UnixMs;
use domain::people::OneTimeLinkKind;
use store::one_time_links::OneTimeLink;
use system::random;

use crate::{Error, Hub, keys};

const TOKEN_LENGTH: usize = 43;

/// A new token, 256 bits, and its hash.
pub(crate) fn new_token() -> (String, [u8; 32]) {
    let token = random::secret_of(TOKEN_LENGTH);
    let hash = keys::hash(&token);
    (token, hash)
}

/// The address of a page with a token.
pub(crate) fn address(hub: &Hub, path: &str, token: &str) -> String {
    hub.links.page(&below(path, token))
}

/// The same below the public address.
pub(crate) fn below(path: &str, token: &str) -> String {
    format!("{path}?token={token}")
}

/// A link of this kind that may be used now, and its token's hash; none for anything else.
pub(crate) async fn find(
    hub: &Hub,
    token: &str,
    kind: OneTimeLinkKind,
) -> Result<Option<(OneTimeLink, [u8; 32])>, Error> {
    if token.len() != TOKEN_LENGTH {
        return Ok(None);
    }
    let (hash, now): (_, UnixMs) = (keys::hash(token), hub.installation_clock.now());
    let found = hub.store.find_one_time_link(&hash).await?;
    Ok(found.filter(|link| link.kind == kind && link.is_good(now)).map(|link| (link, hash)))
}
