//! What a vendor publishes for an account: packages and additional items. Source: contract, section 3.3.

use crate::decode::{EmptyBody, Object, Presence, Refused, TextRule, decode};
use serde::Serialize;

/// Most characters of an account's id; an ill-formed id is simply an unknown account.
pub const ACCOUNT_ID_CHARS_MAX: usize = 64;
/// Most characters of a package's or item's id.
pub const ID_CHARS_MAX: usize = 36;
/// Most characters of a package's or item's name.
pub const NAME_CHARS_MAX: usize = 100;
/// Most characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Most packages, and most additional items, in one call.
pub const ENTRIES_MAX: usize = 500;

/// A package or an additional item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageEntry {
    /// Chosen by the vendor, unique per account: 1 to 36 characters.
    pub id: String,
    /// Name shown to the hirer: 1 to 100 characters.
    pub name: String,
    /// Description, if any: at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl PackageEntry {
    fn read(object: &mut Object<'_>) -> Self {
        Self {
            id: object.text("id", TextRule::id(ID_CHARS_MAX)),
            name: object.text("name", TextRule::shown(NAME_CHARS_MAX)),
            description: object.optional_text("description", TextRule::free(DESCRIPTION_CHARS_MAX)),
        }
    }
}

/// Body of `eco_background_check_packages`, which adds, and of its `batch_update`, which renames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatePackages {
    /// The account: 1 to 64 characters.
    pub account_id: String,
    /// Packages to add or rename: at most 500; empty only beside additional items.
    pub package_list: Vec<PackageEntry>,
    /// Additional items to add or rename: at most 500.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_item_list: Vec<PackageEntry>,
}

impl CreatePackages {
    /// Decodes the body (contract, 3.3.1 and 3.3.2). `package_list` is required, but may be empty.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::Refused, |object| {
            let has_items = object.holds_entries("additional_item_list");
            let empty_packages = has_items && object.is_empty_list("package_list");
            let presence = if empty_packages { Presence::Optional } else { Presence::Required };
            Self {
                account_id: object.text("account_id", TextRule::id(ACCOUNT_ID_CHARS_MAX)),
                package_list: object.list(
                    "package_list",
                    presence,
                    ENTRIES_MAX,
                    PackageEntry::read,
                ),
                additional_item_list: object.list(
                    "additional_item_list",
                    Presence::Optional,
                    ENTRIES_MAX,
                    PackageEntry::read,
                ),
            }
        })
    }
}

/// Body of `eco_background_check_packages/batch_delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeletePackages {
    /// The account: 1 to 64 characters.
    pub account_id: String,
    /// Packages to delete: at most 500; none when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub package_id_list: Vec<String>,
    /// Additional items to delete: at most 500; none when absent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_item_id_list: Vec<String>,
}

impl DeletePackages {
    /// Decodes the body (contract, section 3.3.3). Errors: [`Refused`] with all faults: 9499 or 99992402.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        let rule = TextRule::id(ID_CHARS_MAX);
        decode(body, EmptyBody::Refused, |object| Self {
            account_id: object.text("account_id", TextRule::id(ACCOUNT_ID_CHARS_MAX)),
            package_id_list: object.texts("package_id_list", ENTRIES_MAX, rule),
            additional_item_id_list: object.texts("additional_item_id_list", ENTRIES_MAX, rule),
        })
    }
}
