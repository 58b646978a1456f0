//! Keys and secrets: how they are made, and how they are compared.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::UnixMs;
use store::apps::App;
use system::random;

/// The prefix of an operator's key.
pub const OPERATOR_PREFIX: &str = "pbo_";
/// The prefix of a tenant's key.
pub const TENANT_PREFIX: &str = "pbt_";
const KEY_LENGTH: usize = 43;

/// A new API key: the prefix and 43 letters and digits, 256 bits.
#[must_use]
pub fn new_key(prefix: &str) -> String {
    format!("{prefix}{}", random::secret_of(KEY_LENGTH))
}

/// Whether a text has the shape of a key that was made here.
#[must_use]
pub fn is_key(text: &str, prefix: &str) -> bool {
    let is_secret = |rest: &str| {
        rest.len() == KEY_LENGTH && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    text.strip_prefix(prefix).is_some_and(is_secret)
}

/// SHA-256 of a secret of full strength, which needs no salt and no work factor.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// The number of the secret that an app presents: the present one, or in its grace time the one before; else none.
#[must_use]
pub fn secret_no(app: &App, secret: &str, now: UnixMs) -> Option<i64> {
    let hash = hash(secret);
    let mut good = app.good_secrets(now);
    let found = good.find(|(_, good)| verify_slices_are_equal(&hash, *good).is_ok());
    found.map(|(number, _)| number)
}
