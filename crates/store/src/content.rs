//! The personal data of an order, as it is sealed. Members of these types stay readable for ever.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultKind};

/// The form with which an order was placed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Ids of the additional items.
    pub additional_item_ids: Vec<String>,
    /// Remark.
    pub comment: String,
    /// Whom the check is about.
    pub candidate: Person,
    /// Who asked for it.
    pub client_contact: Person,
    /// The vendor's form as filled in: key and value.
    pub custom_fields: Vec<(String, String)>,
    /// The application (投递) in the hirer's system.
    pub application_id: String,
    /// The expected place of work.
    pub location_code: String,
    /// The account's form that the order was placed with, if the account had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_id: Option<i64>,
    /// The files of the fields that hold files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FieldFile>,
}

/// A file that was given as the value of a field, one of several perhaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFile {
    /// The field's key.
    pub key: String,
    /// The file.
    pub file_id: i64,
    /// Its name.
    pub name: String,
}

/// A candidate or a client contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Full name.
    pub name: String,
    /// Country calling code without plus; empty without a number.
    pub mobile_code: String,
    /// Mobile number; may be empty.
    pub mobile_number: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
}

/// One stage as the vendor reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Chosen by the vendor.
    pub stage_id: String,
    /// Shown name.
    pub stage_name: String,
    /// English name.
    pub stage_en_name: Option<String>,
    /// When the stage was reached, milliseconds since the epoch.
    pub stage_time_ms: i64,
    /// Interim result.
    pub result: Option<String>,
    /// 1 provider, 2 administrator.
    pub operator_role: u8,
}

/// A final result as the vendor returned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalResult {
    /// A light or free text.
    pub result: String,
    /// When the vendor reached it, milliseconds since the epoch.
    pub result_time_ms: i64,
    /// 1 provider, 2 administrator.
    pub operator_role: u8,
}

/// A reason or a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The text.
    pub text: String,
}

/// Where a report comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSource {
    /// Shown name.
    pub name: String,
    /// Address to fetch from, or preview link.
    pub url: String,
    /// The call that named it, as its answer's `X-Tt-Logid` said; none for reports of before it was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_id: Option<String>,
}

/// What is known of a version of a report beside its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionFacts {
    /// The host that gave the content, after all redirects.
    #[serde(default)]
    pub source_host: String,
    /// Codes of what in the content calls for caution; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// What the scanner said, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner: Option<String>,
}

/// One try of a delivery: what was sent and what came back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpExchange {
    /// The body as it was sent, cut at 64 KiB.
    pub request: String,
    /// The answer's body, cut at 64 KiB.
    pub response: String,
    /// The long connection that took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
}

/// The content as the text that gets sealed.
#[must_use]
pub fn to_text<T: Serialize>(content: &T) -> Vec<u8> {
    serde_json::to_vec(content).expect("contents are plain JSON values")
}

pub(crate) fn from_text<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(text)
        .map_err(|_| Fault::new(FaultKind::Damaged, "a sealed content is not what it must be"))
}
