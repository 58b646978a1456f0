//! What is stored for whom: `GET /storage`, `GET, PUT /tenants/{tenant_key}/quota`, `GET, PUT /apps/{app_id}/quota`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decode::nullable;
use super::rule::{Faults, Rules};

/// The largest quota, 1 PiB: more is a slip of the hand.
pub const QUOTA_BYTES_MAX: u64 = 1 << 50;

/// How much is stored for a tenant (its reports and files) or an app (its reports, in all tenants).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageUse {
    /// The tenant; absent for an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// The app; absent for a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Bytes that are stored.
    pub used_bytes: u64,
    /// Bytes that may be stored; what does not fit waits.
    pub quota_bytes: u64,
    /// Whether the quota is the installation's, and not one of its own.
    pub is_default: bool,
    /// Whether 80 % of the quota are used.
    pub is_near_quota: bool,
}

/// Body of `PUT …/quota`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutQuota {
    /// Bytes that may be stored, 0 to 1 PiB; null for the installation's quota. Required.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, required = true)]
    pub quota_bytes: Option<Option<u64>>,
}

impl Rules for PutQuota {
    fn check(&self, faults: &mut Faults) {
        match self.quota_bytes {
            None => faults.add("quota_bytes", "is required"),
            Some(Some(bytes)) if bytes > QUOTA_BYTES_MAX => {
                faults.add("quota_bytes", format!("expected 0 to {QUOTA_BYTES_MAX}"));
            }
            Some(_) => {}
        }
    }
}

/// The disk that has the least room, of those that reports and the embedded database lie on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskRoom {
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Bytes that are left to orders: below, reports and files wait.
    pub reserve_bytes: u64,
    /// Whether reports and files wait now.
    pub is_short: bool,
}

/// What is stored on the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Storage {
    /// The disk; absent where nothing lies on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskRoom>,
    /// Apps and tenants for which something was ever stored, or that have a quota of their own.
    pub items: Vec<StorageUse>,
}
