//! An app's endpoint: `POST /apps/{app_id}/pause`, `…/resume`, `…/verify_url`, `…/rotate`, `…/explain_signature`;
//! `GET /alerts`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::debug_only;
use super::rule::{Faults, Rules};

/// Most seconds of a grace time: 30 days.
pub const GRACE_SECONDS_MAX: u32 = 30 * 86_400;
/// Seconds of a grace time when none is named: one day.
pub const GRACE_SECONDS_DEFAULT: u32 = 86_400;
const REASON_CHARS_MAX: usize = 200;
const HEADER_CHARS_MAX: usize = 200;
const BODY_CHARS_MAX: usize = 512 * 1024;

/// Body of `POST /apps/{app_id}/pause`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseApp {
    /// Why, 1 to 200 characters; shown with the app. Nothing personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub reason: Option<String>,
}

impl Rules for PauseApp {
    fn check(&self, faults: &mut Faults) {
        faults.optional("reason", self.reason.as_deref(), REASON_CHARS_MAX);
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Nothing is sent to an app any more, because its endpoint took nothing for 5 days.
    SinkPaused,
    /// 80 % of what may be stored for a tenant are used.
    TenantNearQuota,
    /// 80 % of what may be stored for an app are used.
    AppNearQuota,
    /// The disk has less room than its reserve: reports and files wait.
    DiskNearlyFull,
    /// The stored content of one of the tenant's reports is missing or damaged; ends when it is asked for again.
    ContentDamaged,
}

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// 19 decimal digits.
    pub alert_id: String,
    /// The app that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The tenant that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// What it is about.
    pub kind: AlertKind,
    /// What happened, in words.
    pub detail: String,
    /// When (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ended: the app was resumed, there is room again, or the damaged report was asked for again (RFC 3339,
    /// UTC); absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// The likely cause for which a callback URL did not pass its check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UrlCause {
    /// The guard lets nothing out to this address.
    AddressRefused,
    /// The host has no address.
    NotResolved,
    /// Nothing takes connections there.
    NotConnected,
    /// TLS failed, or the certificate does not prove the host.
    NotSecured,
    /// No whole answer within the time.
    TooSlow,
    /// The connection broke off, or the answer was not HTTP.
    Broken,
    /// A redirect, which is not followed.
    Redirected,
    /// Another HTTP status than 200.
    Status,
    /// 200 without a body.
    EmptyAnswer,
    /// An answer that is no JSON object.
    NotJson,
    /// An answer that is compressed, which was not asked for.
    Compressed,
    /// A byte-order mark before the JSON.
    ByteOrderMark,
    /// The challenge by itself, as text or as a JSON string.
    BareChallenge,
    /// The challenge in another member than `challenge` of the answer itself.
    ChallengeElsewhere,
    /// A JSON object without `challenge`.
    NoChallenge,
    /// Another challenge than the one sent.
    OtherChallenge,
    /// This server had no file handle left for the connection.
    OutOfHandles,
}

/// How the check of a callback URL went: one POST of `url_verification`, which the receiver answers within 1 s
/// with the challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UrlCheck {
    /// Whether the receiver answered as it must.
    pub passed: bool,
    /// Where it was posted.
    pub url: String,
    /// Milliseconds until the answer was there, or was given up.
    pub took_ms: u64,
    /// The body as it was posted. In a plain one the verification token is masked.
    pub sent: String,
    /// The answer's HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The answer's body, cut at 64 KiB; bytes that are no text stand as U+FFFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<String>,
    /// The likely cause, when it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<UrlCause>,
    /// What was found, and what to do about it.
    pub explanation: String,
}

/// A secret of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// With `app_id` it buys tokens.
    AppSecret,
    /// Encrypts and signs events.
    EncryptKey,
    /// Stands in every event.
    VerificationToken,
}

/// Body of `POST /apps/{app_id}/rotate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// Which secret gets a new value.
    pub secret: SecretKind,
    /// How long the old value is good besides the new one: 0 to 2,592,000 s; 86,400 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub grace_seconds: Option<u32>,
}

impl Rules for RotateSecret {
    fn check(&self, faults: &mut Faults) {
        faults.range("grace_seconds", self.grace_seconds, 0, GRACE_SECONDS_MAX);
    }
}

/// Answer to `rotate`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotatedSecret {
    /// Which secret it is.
    pub secret: SecretKind,
    /// The new value, which is shown this once: absent in the answer to a repeat.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Until when the old value is good besides it (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub old_until: String,
}

impl RotatedSecret {
    /// The answer as repeats get it.
    #[must_use]
    pub fn without_secret(&self) -> RotatedSecret {
        RotatedSecret { value: String::new(), ..self.clone() }
    }
}

debug_only! { RotatedSecret { secret, old_until } }

/// Body of `POST /apps/{app_id}/explain_signature`: a request as a receiver got it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainSignature {
    /// `X-Lark-Request-Timestamp`, at most 200 characters.
    #[schema(max_length = 200)]
    pub timestamp: String,
    /// `X-Lark-Request-Nonce`, at most 200 characters.
    #[schema(max_length = 200)]
    pub nonce: String,
    /// The request's body as it came, at most 524,288 characters.
    #[schema(max_length = 524_288)]
    pub body: String,
    /// The signature in question: `X-Lark-Signature`, or what the receiver computed; at most 200 characters.
    #[schema(max_length = 200)]
    pub signature: String,
}

debug_only! { ExplainSignature { timestamp, nonce, signature } }

impl Rules for ExplainSignature {
    fn check(&self, faults: &mut Faults) {
        for (name, text) in
            [("timestamp", &self.timestamp), ("nonce", &self.nonce), ("signature", &self.signature)]
        {
            faults.length(name, text, 0, HEADER_CHARS_MAX);
        }
        faults.length("body", &self.body, 0, BODY_CHARS_MAX);
    }
}

/// Which input of a signature is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WrongInput {
    /// The key before the last rotation, or without one of its characters.
    EncryptKey,
    /// The verification token stands in the key's place.
    TokenInsteadOfKey,
    /// The key was left out.
    NoKey,
    /// The body was parsed and printed again.
    BodyReserialised,
    /// A newline or blank at the body's end was taken away or added.
    BodyTrimmed,
    /// The decrypted text stands in the body's place.
    BodyDecrypted,
    /// The order of the parts is another one.
    Order,
    /// HMAC instead of a plain hash.
    Hmac,
    /// SHA-1, as the old card callbacks had it.
    Sha1,
    /// The right digest in another spelling: upper case, base64, blanks around it.
    Spelling,
    /// The body does not open under the key, so that body or key are not those of the app.
    BodyOrKey,
    /// Body and key are right; so timestamp, nonce or signature belong to another request.
    TimestampOrNonce,
}

/// One step of the computation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureStep {
    /// `timestamp`, `nonce`, `encrypt_key`, `body`, `bytes_signed`, `sha256`, `given`.
    pub name: String,
    /// How many bytes.
    pub size_bytes: u64,
    /// The bytes as text: long ones with their middle left out, the key masked.
    pub text: String,
    /// The last 16 bytes as hex digits, to see what stands at the end; absent for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_hex: Option<String>,
}

/// Answer to `explain_signature`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureExplanation {
    /// Whether the signature is the one of these inputs under the app's encrypt key.
    pub matches: bool,
    /// The input that is wrong, when it does not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<WrongInput>,
    /// What was found, and what to do about it.
    pub explanation: String,
    /// The computation, step by step.
    pub steps: Vec<SignatureStep>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn every_fault_is_named() {
        let body = PauseApp { reason: Some("x".repeat(201)) };
        assert_eq!(fields(&body), ["reason"]);
        assert!(PauseApp::default().faults().is_empty());
        let rotate = |grace_seconds| RotateSecret { secret: SecretKind::AppSecret, grace_seconds };
        assert_eq!(fields(&rotate(Some(2_592_001))), ["grace_seconds"]);
        assert!(rotate(Some(2_592_000)).faults().is_empty() && rotate(None).faults().is_empty());
        let long = "x".repeat(201);
        let body =
            ExplainSignature { timestamp: long.clone(), signature: long, ..Default::default() };
        assert_eq!(fields(&body), ["timestamp", "signature"]);
    }
}
