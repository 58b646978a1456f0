//! What a vendor says about an order; a canonical form recognises repeats. Source: contract, 3.4.

use crate::decode::{EmptyBody, Object, Presence, Refused, TextRule, decode};
use crate::report_url;
use serde::{Serialize, Serializer};
use std::fmt;

/// Most characters of an order's id; an ill-formed id is simply an unknown order.
pub const ORDER_ID_CHARS_MAX: usize = 64;
/// Most characters of a stage's id.
pub const STAGE_ID_CHARS_MAX: usize = 255;
/// Most characters of a stage's name, in either language.
pub const STAGE_NAME_CHARS_MAX: usize = 2_000;
/// Most characters of a result.
pub const RESULT_CHARS_MAX: usize = 2_000;
/// Most characters of a report's name.
pub const REPORT_NAME_CHARS_MAX: usize = 255;
/// Most reports in one call.
pub const REPORTS_MAX: usize = 50;

/// In which role the vendor's operator acted; stored, without effect on rights (contract, section 7, Q27).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OperatorRole {
    /// 1: 供应商, the default.
    #[default]
    Provider,
    /// 2: 管理员.
    Administrator,
}

impl OperatorRole {
    const OPTIONS: &'static [u8] = &[1, 2];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Provider => 1,
            Self::Administrator => 2,
        }
    }

    fn read(object: &mut Object<'_>) -> Self {
        match object.optional_option("operator_role", Self::OPTIONS) {
            Some(2) => Self::Administrator,
            _ => Self::Provider,
        }
    }
}

/// What is found behind a report's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ReportUrlType {
    /// 1 or absent: a PDF to download (可下载的链接).
    #[default]
    Download,
    /// 2: a page to look at (预览型链接).
    Preview,
}

impl ReportUrlType {
    const OPTIONS: &'static [u8] = &[1, 2];

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Download => 1,
            Self::Preview => 2,
        }
    }
}

/// One report of a call.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ReportFile {
    /// The name shown: 1 to 255 characters.
    #[serde(rename = "report_name")]
    pub name: String,
    /// Absolute `http` or `https` address of at most 2,048 characters, checked by its text only.
    #[serde(rename = "report_url")]
    pub url: String,
    /// What is found behind the address.
    #[serde(rename = "report_url_type", serialize_with = "url_type_as_number")]
    pub url_type: ReportUrlType,
}

// Name and address may be personal.
crate::debug_only! { ReportFile { url_type } }

impl ReportFile {
    fn read(object: &mut Object<'_>) -> Self {
        let name = object.text("report_name", TextRule::shown(REPORT_NAME_CHARS_MAX));
        let url = object.text("report_url", TextRule::free(report_url::CHARS_MAX));
        if !url.is_empty()
            && url.len() <= report_url::BYTES_CHECKED_MAX
            && let Err(error) = report_url::validate(&url)
        {
            object.violate("report_url", None, error.to_string());
        }
        let url_type = match object.optional_option("report_url_type", ReportUrlType::OPTIONS) {
            Some(2) => ReportUrlType::Preview,
            _ => ReportUrlType::Download,
        };
        Self { name, url, url_type }
    }
}

/// Body of `update_progress`: a stage that the order has reached.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct UpdateProgress {
    /// Names the order: 1 to 64 characters.
    pub background_check_id: String,
    /// Names the stage within the order, never twice: 1 to 255 characters.
    pub stage_id: String,
    /// English name, if any: at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_en_name: Option<String>,
    /// Name: 1 to 2,000 characters.
    pub stage_name: String,
    /// When the stage was reached, in milliseconds since the epoch; positive.
    #[serde(serialize_with = "as_text")]
    pub stage_time: i64,
    /// Interim result, if any: at most 2,000 characters; comes with at least one report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// In which role the operator acted.
    #[serde(serialize_with = "role_as_number")]
    pub operator_role: OperatorRole,
    /// Interim reports: at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub report_file_list: Vec<ReportFile>,
}

impl UpdateProgress {
    /// Decodes the body (contract, section 3.4.1). Errors: [`Refused`] with all faults: 9499 or 99992402.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::Refused, |object| {
            let background_check_id = read_order_id(object);
            let stage_id = object.text("stage_id", TextRule::id(STAGE_ID_CHARS_MAX));
            let stage_en_name =
                object.optional_text("stage_en_name", TextRule::free(STAGE_NAME_CHARS_MAX));
            let stage_name = object.text("stage_name", TextRule::shown(STAGE_NAME_CHARS_MAX));
            let stage_time = object.time_ms("stage_time");
            let result = object.optional_text("result", TextRule::shown(RESULT_CHARS_MAX));
            let operator_role = OperatorRole::read(object);
            // A result without a report is refused (contract, section 7, Q8).
            let presence = if result.is_some() { Presence::Required } else { Presence::Optional };
            let report_file_list =
                object.list("report_file_list", presence, REPORTS_MAX, ReportFile::read);
            Self {
                background_check_id,
                stage_id,
                stage_en_name,
                stage_name,
                stage_time,
                result,
                operator_role,
                report_file_list,
            }
        })
    }

    /// Appends an unambiguous encoding of all values to `out`: equal bytes mean an identical repeat.
    pub fn canonical(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"progress/1");
        put_text(out, &self.background_check_id);
        put_text(out, &self.stage_id);
        put_optional_text(out, self.stage_en_name.as_deref());
        put_text(out, &self.stage_name);
        out.extend_from_slice(&self.stage_time.to_le_bytes());
        put_optional_text(out, self.result.as_deref());
        out.push(self.operator_role.number());
        put_reports(out, &self.report_file_list);
    }
}

impl fmt::Debug for UpdateProgress {
    /// Names and results may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateProgress")
            .field("background_check_id", &self.background_check_id)
            .field("stage_id", &self.stage_id)
            .field("stage_time", &self.stage_time)
            .field("reports", &self.report_file_list.len())
            .finish_non_exhaustive()
    }
}

/// Body of `update_result`: the vendor's final word.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct UpdateResult {
    /// Names the order: 1 to 64 characters.
    pub background_check_id: String,
    /// Final result, free text or one of 红灯, 黄灯, 蓝灯, 绿灯: 1 to 2,000 characters, more than blanks.
    pub result: String,
    /// When the result was reached, in milliseconds since the epoch; positive.
    #[serde(serialize_with = "as_text")]
    pub result_time: i64,
    /// In which role the operator acted.
    #[serde(serialize_with = "role_as_number")]
    pub operator_role: OperatorRole,
    /// Final reports: at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub report_file_list: Vec<ReportFile>,
}

impl UpdateResult {
    /// Decodes the body (contract, section 3.4.2). Errors: [`Refused`] with all faults: 9499 or 99992402.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::Refused, |object| Self {
            background_check_id: read_order_id(object),
            result: object.text("result", TextRule::shown(RESULT_CHARS_MAX)),
            result_time: object.time_ms("result_time"),
            operator_role: OperatorRole::read(object),
            report_file_list: object.list(
                "report_file_list",
                Presence::Optional,
                REPORTS_MAX,
                ReportFile::read,
            ),
        })
    }

    /// Appends an unambiguous encoding of all values to `out`: equal bytes mean an identical repeat.
    pub fn canonical(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"result/1");
        put_text(out, &self.background_check_id);
        put_text(out, &self.result);
        out.extend_from_slice(&self.result_time.to_le_bytes());
        out.push(self.operator_role.number());
        put_reports(out, &self.report_file_list);
    }
}

impl fmt::Debug for UpdateResult {
    /// The result may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateResult")
            .field("background_check_id", &self.background_check_id)
            .field("result_time", &self.result_time)
            .field("reports", &self.report_file_list.len())
            .finish_non_exhaustive()
    }
}

/// Body of `cancel`: the vendor gives the order up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cancel {
    /// Names the order: 1 to 64 characters.
    pub background_check_id: String,
}

impl Cancel {
    /// Decodes the body (contract, section 3.4.3); no bytes count as `{}`, as some clients send it.
    pub fn decode(body: &[u8]) -> Result<Self, Refused> {
        decode(body, EmptyBody::CountsAsObject, |object| Self {
            background_check_id: read_order_id(object),
        })
    }

    /// Appends an unambiguous encoding of all values to `out`: equal bytes mean an identical repeat.
    pub fn canonical(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"cancel/1");
        put_text(out, &self.background_check_id);
    }
}

fn read_order_id(object: &mut Object<'_>) -> String {
    object.text("background_check_id", TextRule::id(ORDER_ID_CHARS_MAX))
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u64).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_optional_text(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(out, text);
    }
}

fn put_reports(out: &mut Vec<u8>, reports: &[ReportFile]) {
    put_count(out, reports.len());
    for ReportFile { name, url, url_type } in reports {
        put_text(out, name);
        put_text(out, url);
        out.push(url_type.number());
    }
}

fn as_text<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(ms)
}

fn role_as_number<S: Serializer>(role: &OperatorRole, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(role.number())
}

fn url_type_as_number<S: Serializer>(
    url_type: &ReportUrlType,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(url_type.number())
}
