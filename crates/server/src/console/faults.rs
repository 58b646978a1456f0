//! What is wrong with a field of a form, in the reader's words.

use super::pieces::Text;
use super::words::Words;

/// What the field expects.
pub(super) fn text(w: Words, field: &str) -> Text {
    match field {
        "current" | "totp_password" => w.t("fault-current-password"),
        "password" => w.t("fault-password"),
        "email" => w.t("fault-email"),
        "name" | "tenant_name" => w.t("fault-name"),
        "code" => w.t("code-wrong"),
        _ => w.t("fault-other"),
    }
}
