//! What a vendor offers on an account. Source: contract, section 3.3.1.

use serde::Serialize;

/// Body of the call that adds packages and additional items to an account; ids that exist are refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CreatePackages {
    /// The account, from the account-bound event.
    pub account_id: String,
    /// Packages to add (套餐).
    pub package_list: Vec<PackageEntry>,
    /// Additional items to add (附加调查项).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_item_list: Vec<PackageEntry>,
}

/// One package or additional item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PackageEntry {
    /// Chosen by the vendor, at most 36 characters.
    pub id: String,
    /// Shown name, at most 100 characters.
    pub name: String,
    /// What it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
