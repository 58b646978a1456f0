//! Tenant tokens, and the app tokens of store apps: derived under keys of the installation, never stored.
//!
//! `t-` (`a-` for an app token) and 64 characters of base64url: [`Numbers`] (8 bytes), app (8), tenant (8), expiry in
//! Unix seconds (4), and a MAC over these (20 bytes of HMAC-SHA256), verified before storage is asked. Source:
//! design, section 3; decision 002.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{AppId, TenantId, UnixMs};
use store::Key;

use hub::app_access::Numbers;

/// The prefix of tenant tokens.
pub const PREFIX: &str = "t-";
/// The prefix of the app tokens of store apps.
pub const APP_PREFIX: &str = "a-";
const CLAIMS_BYTES: usize = 28;
const MAC_BYTES: usize = 20;
const TOKEN_BYTES: usize = CLAIMS_BYTES + MAC_BYTES;

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// By which it ends before its time.
    pub numbers: Numbers,
    /// Who calls.
    pub app_id: AppId,
    /// In which tenant.
    pub tenant_id: TenantId,
    /// Until when, in whole seconds since the epoch.
    pub expires_at_s: u32,
}

impl Claims {
    /// Whether the token's life is over at `now`.
    #[must_use]
    pub fn is_expired(&self, now: UnixMs) -> bool {
        now.seconds() >= i64::from(self.expires_at_s)
    }
}

/// Makes and verifies the installation's tokens of one kind.
pub struct TokenMaker {
    key: hmac::Key,
    prefix: &'static str,
}

impl TokenMaker {
    /// The maker of tenant tokens under the installation's token key.
    #[must_use]
    pub fn new(key: &Key) -> TokenMaker {
        TokenMaker { key: key.authenticator(), prefix: PREFIX }
    }

    /// The maker of store apps' app tokens under the installation's key for them.
    #[must_use]
    pub fn of_apps(key: &Key) -> TokenMaker {
        TokenMaker { key: key.authenticator(), prefix: APP_PREFIX }
    }

    /// The token that says `claims`; the same claims give the same token.
    #[must_use]
    pub fn make(&self, claims: &Claims) -> String {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..8].copy_from_slice(&claims.numbers.to_bytes());
        bytes[8..16].copy_from_slice(&claims.app_id.0.to_be_bytes());
        bytes[16..24].copy_from_slice(&claims.tenant_id.0.to_be_bytes());
        bytes[24..CLAIMS_BYTES].copy_from_slice(&claims.expires_at_s.to_be_bytes());
        let mac = hmac::sign(&self.key, &bytes[..CLAIMS_BYTES]);
        bytes[CLAIMS_BYTES..].copy_from_slice(&mac.as_ref()[..MAC_BYTES]);
        format!("{}{}", self.prefix, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What `token` says, if this installation made it.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Claims> {
        let mut bytes = [0; TOKEN_BYTES];
        let text = token.strip_prefix(self.prefix)?;
        if text.len() != TOKEN_BYTES / 3 * 4 {
            return None;
        }
        URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (claims, mac) = bytes.split_at(CLAIMS_BYTES);
        let expected = hmac::sign(&self.key, claims);
        verify_slices_are_equal(&expected.as_ref()[..MAC_BYTES], mac).ok()?;
        let number = |index: usize| {
            i64::from_be_bytes(claims[index..index + 8].try_into().expect("eight bytes"))
        };
        let expiry = claims[24..].try_into().expect("four bytes");
        Some(Claims {
            numbers: Numbers::from_bytes(number(0).to_be_bytes()),
            app_id: AppId(number(8)),
            tenant_id: TenantId(number(16)),
            expires_at_s: u32::from_be_bytes(expiry),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: Claims = Claims {
        numbers: Numbers::FIRST,
        app_id: AppId(-2),
        tenant_id: TenantId(3),
        expires_at_s: 1_795_000_000,
    };

    #[test]
    fn a_token_says_what_it_was_made_for_and_is_always_the_same() {
        let maker = TokenMaker::new(&Key::new([7; 32]));
        let token = maker.make(&CLAIMS);
        assert_eq!(token.len(), 66);
        assert_eq!(token, maker.make(&CLAIMS));
        assert_eq!(maker.verify(&token), Some(CLAIMS));
    }

    #[test]
    fn altered_cut_extended_and_foreign_tokens_do_not_verify() {
        let maker = TokenMaker::new(&Key::new([7; 32]));
        let token = maker.make(&CLAIMS);
        assert_eq!(TokenMaker::new(&Key::new([8; 32])).verify(&token), None);
        for index in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(maker.verify(std::str::from_utf8(&altered).unwrap()), None, "{index}");
            assert_eq!(maker.verify(&token[..index]), None, "{index}");
        }
        assert_eq!(maker.verify(&format!("{token}A")), None);
        assert_eq!(maker.verify(&token.to_uppercase()), None);
        assert_eq!(maker.verify("t-"), None);
        assert_eq!(maker.verify(&format!("t-{}", "é".repeat(32))), None);
    }

    #[test]
    fn an_app_token_is_no_tenant_token() {
        let (key, other) = (Key::new([7; 32]), Key::new([8; 32]));
        let app_token = TokenMaker::of_apps(&key).make(&CLAIMS);
        assert!(app_token.starts_with("a-"));
        assert_eq!(TokenMaker::of_apps(&key).verify(&app_token), Some(CLAIMS));
        assert_eq!(TokenMaker::new(&key).verify(&app_token), None);
        let renamed = app_token.replacen("a-", "t-", 1);
        assert_eq!(TokenMaker::new(&other).verify(&renamed), None);
    }

    #[test]
    fn a_token_is_expired_from_its_last_second_on() {
        assert!(!CLAIMS.is_expired(UnixMs(1_794_999_999_999)));
        assert!(CLAIMS.is_expired(UnixMs(1_795_000_000_000)));
    }
}
