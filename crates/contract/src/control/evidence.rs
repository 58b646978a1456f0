//! What proves something: views of reports, the audit chain, retention, holds, erasures, the installation's public key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::debug_only;
use super::rule::{Faults, Rules, reason_only};
use crate::evidence::{CertificateCounts, key_id};
use crate::hex::to_hex;

/// Entries of an audit page when the request names no `limit`.
pub const AUDIT_LIMIT_DEFAULT: u32 = 1_000;
/// Most entries of an audit page.
pub const AUDIT_LIMIT_MAX: u32 = 10_000;
const RULES_MAX: usize = 1_000;
const PACKAGE_CHARS_MAX: usize = 255;

/// The key that verifies manifests, certificates and anchors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicKey {
    /// By which signed texts name the key: 16 lower-case hex digits.
    pub key_id: String,
    /// Always `Ed25519`.
    pub algorithm: String,
    /// 64 lower-case hex digits.
    pub public_key: String,
    /// The same key as JOSE libraries take it.
    pub jwk: Jwk,
}

/// An Ed25519 key as a JWK. Source: RFC 8037, section 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// The key's 32 bytes in base64url.
    pub x: String,
    /// The member `kid` of what it signed; the same as `key_id`.
    pub kid: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    pub r#use: String,
}

impl PublicKey {
    /// The public key with these bytes.
    #[must_use]
    pub fn new(public_key: &[u8; 32]) -> PublicKey {
        let (key_id, curve) = (key_id(public_key), "Ed25519".to_owned());
        let jwk = Jwk {
            kty: "OKP".to_owned(),
            crv: curve.clone(),
            x: URL_SAFE_NO_PAD.encode(public_key),
            kid: key_id.clone(),
            alg: "EdDSA".to_owned(),
            r#use: "sig".to_owned(),
        };
        PublicKey { key_id, algorithm: curve, public_key: to_hex(public_key), jwk }
    }
}

/// The query of `GET …/audit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    /// The number of the last entry that is known; 0 when absent, which begins with the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Entries wanted, 1 to 10,000; 1,000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 10000)]
    pub limit: Option<u32>,
}

impl Rules for ListAudit {
    fn check(&self, faults: &mut Faults) {
        faults.range("limit", self.limit, 1, AUDIT_LIMIT_MAX);
    }
}

/// Who looked at a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewerKind {
    /// A key of the control API.
    ApiKey,
    /// Whoever held a signed link.
    Link,
    /// A person who was signed in.
    User,
}

/// One time that a report's content was given away.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportView {
    /// 19 decimal digits.
    pub view_id: String,
    /// When (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub at: String,
    /// Through what.
    pub viewer: ViewerKind,
    /// The key, when it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The person, when it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The app that was given the link; absent for all else, and for links of before apps were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The network address; absent once the order is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Which of the report's contents; 1 is the first.
    pub version: u64,
    /// First and last byte, as `0-65535`; absent when the whole was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
}

debug_only! { ReportView { view_id, at, viewer, key_id, user_id, app_id, version, range } }

/// How long orders of one package are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageRetention {
    /// The package, 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    pub package_id: String,
    /// Days after an order's end.
    pub days: u32,
}

/// Body of `PUT …/retention`: the rules for packages, which replace those that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRetention {
    /// Each package once, at most 1,000.
    pub packages: Vec<PackageRetention>,
}

impl Rules for PutRetention {
    fn check(&self, faults: &mut Faults) {
        if self.packages.len() > RULES_MAX {
            faults.add("packages", format!("expected at most {RULES_MAX} rules"));
        }
        for (index, rule) in self.packages.iter().enumerate() {
            let field = format!("packages[{index}].package_id");
            faults.length(&field, &rule.package_id, 1, PACKAGE_CHARS_MAX);
            let earlier = &self.packages[..index];
            if earlier.iter().any(|other| other.package_id == rule.package_id) {
                faults.add(field, "expected each package once");
            }
        }
    }
}

/// How long a tenant's orders are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retention {
    /// Days after an order's end, for packages without a rule of their own; `PATCH /tenants/{tenant_key}` changes it.
    pub retention_days: u32,
    /// The rules for packages.
    pub packages: Vec<PackageRetention>,
    /// Fewest days that a rule may say; no order is erased earlier, not by hand either.
    pub days_min: u32,
    /// Most days that a rule may say.
    pub days_max: u32,
}

/// Body of `PUT …/hold`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutHold {
    /// Why, 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// A legal hold: what is held is not erased.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// The key that set it.
    pub set_by: String,
    /// When (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub set_at: String,
}

/// Body of `POST …/erase`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseOrder {
    /// Why, 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

debug_only! { PutHold {} Hold { set_by, set_at } EraseOrder {} }
reason_only! { PutHold EraseOrder }

/// What will become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureVerdict {
    /// It goes with the next run.
    Erase,
    /// It goes at `due_at`.
    NotDue,
    /// It stays: it has not ended.
    NotEnded,
    /// It stays: it is under a legal hold.
    Held,
    /// It stays: the tenant is under a legal hold.
    TenantHeld,
}

/// What will become of one order, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasurePreview {
    /// The order.
    pub order_id: String,
    /// Its package.
    pub package_id: String,
    /// What will become of it.
    pub verdict: ErasureVerdict,
    /// When it ended (RFC 3339, UTC); absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// When its rule lets it go (RFC 3339, UTC), if nothing holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// Days of the rule that counts.
    pub days: u32,
    /// Whether that is the rule of its package, else it is the tenant's.
    pub is_package_rule: bool,
}

/// An order that was erased.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Erasure {
    /// 19 decimal digits.
    pub erasure_id: String,
    /// The order.
    pub order_id: String,
    /// When its keys were destroyed (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub erased_at: String,
    /// From when on no backup can bring the person back (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub unrecoverable_from: String,
    /// Since when the objects are gone too (RFC 3339, UTC); absent while some may be left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// `tenant_retention`, `package_retention` or `hand`.
    pub rule: String,
    /// Why somebody demanded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much was erased.
    pub counts: CertificateCounts,
}

debug_only! { Erasure { erasure_id, order_id, erased_at, unrecoverable_from, finished_at, rule } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn a_package_stands_once_and_has_a_name() {
        let rule = |package_id: &str| PackageRetention { package_id: package_id.into(), days: 30 };
        let body = PutRetention { packages: vec![rule("a"), rule(""), rule("a")] };
        assert_eq!(fields(&body), ["packages[1].package_id", "packages[2].package_id"]);
    }

    #[test]
    fn a_reason_is_demanded_and_never_shows_in_debug() {
        let body = EraseOrder { reason: " ".into() };
        assert_eq!(body.faults()[0].field, "reason");
        assert!(!format!("{:?}", PutHold { reason: "张三".into() }).contains("张三"));
    }
}
