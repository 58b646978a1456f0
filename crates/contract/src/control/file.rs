//! Files for orders: `POST /tenants/{tenant_key}/files`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::debug_only;
use super::rule::{Faults, Rules};
use crate::text::is_file_name;

const NAME_CHARS_MAX: usize = 255;

/// The query of `POST /tenants/{tenant_key}/files`; its body is the content.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CreateFile {
    /// The file's name, 1 to 255 characters: no path, no control characters. Vendors get it as it is.
    pub name: String,
}

impl Rules for CreateFile {
    fn check(&self, faults: &mut Faults) {
        faults.length("name", &self.name, 1, NAME_CHARS_MAX);
        if faults.0.is_empty() && !is_file_name(&self.name) {
            faults.add(
                "name",
                "expected a file's name: no path, no line break or other control character",
            );
        }
    }
}

/// A file that an order's form can name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct File {
    /// 19 decimal digits. The value of a field of type file or resume is a JSON array of these.
    pub file_id: String,
    /// Its name.
    pub name: String,
    /// Bytes of its content.
    pub size_bytes: u64,
    /// SHA-256 of its content, 64 hex digits.
    pub sha256: String,
    /// When it came (RFC 3339, UTC). A file that no order uses is removed a day later.
    #[schema(format = DateTime)]
    pub created_at: String,
}

debug_only! { CreateFile {} File { file_id, size_bytes, created_at } }
