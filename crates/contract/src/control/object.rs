//! The operator's care for what is stored: `POST /objects/check`, `POST /keys/rotate`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rule::{Faults, Rules};

const CURSOR_CHARS_MAX: usize = 200;

/// Body of `POST /objects/check`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckObjects {
    /// `next_cursor` of the part before; absent for the first part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Looks only whether objects are there and of the right size, and reads none.
    #[serde(default)]
    pub quick: bool,
    /// Removes what nothing stands for: orphans older than an hour, and dead drafts.
    #[serde(default)]
    pub sweep: bool,
}

impl Rules for CheckObjects {
    fn check(&self, faults: &mut Faults) {
        faults.optional("cursor", self.cursor.as_deref(), CURSOR_CHARS_MAX);
    }
}

/// What is not as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectFindingKind {
    /// A row whose object is not there.
    Missing,
    /// An object that does not open, or holds another content than its row says.
    Damaged,
    /// A row whose key does not open.
    KeyDamaged,
    /// An object older than an hour that no row stands for.
    Orphan,
    /// What a process that died had begun.
    Draft,
    /// Something that is not named as an object; never removed.
    Unknown,
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectFinding {
    /// What is wrong.
    pub kind: ObjectFindingKind,
    /// Where the object lies, or should, in its folder or bucket.
    pub object: String,
    /// Whose it is, when a row says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// The report, when it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
    /// The report's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The file, when it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// More about it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether it was removed.
    pub is_removed: bool,
}

/// One part of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectsChecked {
    /// Rows whose objects were looked at in this part.
    pub row_count: u64,
    /// Objects whose rows were looked for in this part.
    pub object_count: u64,
    /// Bytes of content that were read in this part.
    pub read_bytes: u64,
    /// What is not as it must be.
    pub findings: Vec<ObjectFinding>,
    /// Sent back as `cursor` it checks the next part. Absent after the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Body of `POST /keys/rotate`. It says where the next key comes from, so that no empty call changes the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// Whether the next root key is made, in the data folder, when none lies there; else it must be there. With
    /// PostgreSQL only where one process runs: the others would not have it.
    pub make_key: bool,
}

impl Rules for RotateKeys {}

/// The root key after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotatedKeys {
    /// Distinguishes the root key that is in force now from others; 8 hex digits that say nothing of it.
    pub key_id: String,
    /// How often the root key was changed.
    pub generation: u64,
    /// How many tenants' keys were wrapped anew.
    pub tenant_count: u64,
}
