//! The hirer's order queries. Ids and times are texts, states are numbers; what an order does not have, or the caller
//! may not see, is left out. Source: contract, section 4 and questions 5, 28, 30 and 31.

use crate::decode::{EmptyBody, Object, Refused, TextRule, decode, decode_query};
use crate::field::{CheckField, I18n};
use crate::order::OrderStatus;
use serde::{Deserialize, Serialize};

/// Orders on a page when the call names no number.
pub const PAGE_SIZE_DEFAULT: u32 = 10;
/// Most orders on a page.
pub const PAGE_SIZE_MAX: u32 = 100;
/// Most orders that a call names by their ids.
pub const ORDER_IDS_MAX: usize = 20;
const ORDER_ID_CHARS_MAX: usize = 64;
const APPLICATION_ID_CHARS_MAX: usize = 255;
const PAGE_TOKEN_CHARS_MAX: usize = 500;

/// In which kind of id the arranger of an order is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UserIdType {
    /// Differs from app to app, the default.
    #[default]
    OpenId,
    /// The same for all apps of one developer.
    UnionId,
    /// The tenant's own; only for apps with its field scope.
    UserId,
}

impl UserIdType {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("open_id", Self::OpenId), ("union_id", Self::UnionId), ("user_id", Self::UserId)];
}

/// A stretch of time in milliseconds since the epoch, both ends within it; open where nothing stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Its first instant.
    pub start_ms: Option<i64>,
    /// Its last instant.
    pub end_ms: Option<i64>,
}

impl TimeRange {
    /// Whether it ends before it starts.
    #[must_use]
    pub fn is_reversed(self) -> bool {
        matches!((self.start_ms, self.end_ms), (Some(start), Some(end)) if start > end)
    }
}

/// What both queries ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// How the arranger is named.
    pub user_id_type: UserIdType,
    /// Where the page begins: the `page_token` of the page before; none for the first page.
    pub page_token: Option<String>,
    /// Most orders on the page: 1 to 100.
    pub page_size: u32,
    /// The orders that are asked for, at most 20; when there are any, no other filter counts.
    pub order_ids: Vec<String>,
    /// Only orders of this application (投递).
    pub application_id: Option<String>,
    /// Only orders whose last change lies within.
    pub updated: TimeRange,
    /// Only orders that were arranged within.
    pub begun: TimeRange,
    /// Only orders in this state.
    pub order_status: Option<OrderStatus>,
}

impl OrderQuery {
    /// Reads the parameters of `GET background_check_orders` (contract, section 4.1); faults are 99992402.
    pub fn decode_list(parameters: Vec<(String, String)>) -> Result<Self, Refused> {
        decode_query(parameters, |object| {
            let paging = Self::paging(object);
            Self {
                application_id: application_id(object),
                updated: time_range(object, "update_start_time", "update_end_time"),
                ..paging
            }
        })
    }

    /// Reads `POST background_check_orders/batch_query` (contract, section 4.2); no body counts as `{}`.
    pub fn decode_batch(parameters: Vec<(String, String)>, body: &[u8]) -> Result<Self, Refused> {
        let paging = decode_query(parameters, Self::paging);
        let filters = decode(body, EmptyBody::CountsAsObject, |object| Self {
            order_ids: object.texts(
                "background_check_order_id_list",
                ORDER_IDS_MAX,
                TextRule::id(ORDER_ID_CHARS_MAX),
            ),
            updated: time_range(object, "update_start_time", "update_end_time"),
            begun: time_range(object, "begin_start_time", "begin_end_time"),
            application_id: application_id(object),
            order_status: order_status(object),
            ..Self::default()
        });
        match (paging, filters) {
            (Ok(Self { user_id_type, page_token, page_size, .. }), Ok(filters)) => {
                Ok(Self { user_id_type, page_token, page_size, ..filters })
            }
            (Err(Refused::Violations(mut all)), Err(Refused::Violations(more))) => {
                all.extend(more);
                Err(Refused::Violations(all))
            }
            (_, Err(refused)) | (Err(refused), Ok(_)) => Err(refused),
        }
    }

    fn paging(object: &mut Object<'_>) -> Self {
        Self {
            user_id_type: object
                .optional_choice("user_id_type", UserIdType::CHOICES)
                .unwrap_or_default(),
            page_token: object.optional_text("page_token", TextRule::id(PAGE_TOKEN_CHARS_MAX)),
            page_size: object
                .optional_count("page_size", 1, PAGE_SIZE_MAX)
                .unwrap_or(PAGE_SIZE_DEFAULT),
            ..Self::default()
        }
    }
}

fn application_id(object: &mut Object<'_>) -> Option<String> {
    object.optional_text("application_id", TextRule::id(APPLICATION_ID_CHARS_MAX))
}

fn time_range(object: &mut Object<'_>, start: &str, end: &str) -> TimeRange {
    TimeRange { start_ms: object.optional_time_ms(start), end_ms: object.optional_time_ms(end) }
}

fn order_status(object: &mut Object<'_>) -> Option<OrderStatus> {
    let numbers: Vec<u8> = OrderStatus::ALL.iter().map(|status| status.number()).collect();
    let number = object.optional_text_option("order_status", &numbers)?;
    OrderStatus::from_number(number.into())
}

/// A page of orders, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPage {
    /// Whether there is a next page.
    pub has_more: bool,
    /// Where the next page begins; only when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
    /// The orders; may be fewer than asked for, also when there is a next page.
    pub items: Vec<CheckOrder>,
}

/// `account_third_type` of every order here: 自定义供应商.
pub const CUSTOM_SUPPLIER: u32 = 127;

/// One order as its hirer's programs see it. Times are milliseconds since the epoch, as texts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOrder {
    /// The order.
    pub order_id: String,
    /// The application (投递) in the hirer's system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// Where it stands.
    pub order_status: OrderStatus,
    /// Kind of supplier: [`CUSTOM_SUPPLIER`].
    pub account_third_type: u32,
    /// Name of the package.
    pub package: String,
    /// Reports, newest first.
    pub feedback_info_list: Vec<FeedbackInfo>,
    /// Stages, newest first.
    pub process_info_list: Vec<ProcessInfo>,
    /// Whom the check is about.
    pub candidate_info: PersonInfo,
    /// Who arranged it.
    pub creator_info: CreatorInfo,
    /// Who asked for it.
    pub contactor_info: PersonInfo,
    /// When it was arranged.
    pub begin_time: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// The last result that the vendor returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// The vendor.
    pub provider_info: ProviderInfo,
    /// The vendor's form as it was when the order was placed.
    pub custom_field_list: Vec<CheckField>,
    /// The form's values, encoded as in the event.
    pub custom_data_list: Vec<CustomData>,
    /// Additional items.
    pub ext_item_info_list: Vec<ExtItemInfo>,
    /// When it changed last.
    pub update_time: String,
    /// Region of the expected place of work: `cn`, `sg`, `us` or `jp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<String>,
    /// Expected place of work, as in `CN_1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_code: Option<String>,
    /// The comment with which it was placed.
    pub remark: String,
}

// All but id and state are personal data.
crate::debug_only! { CheckOrder { order_id, order_status } }

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackInfo {
    /// The report.
    pub id: String,
    /// Where it can be fetched for one hour, once it is stored here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_url: Option<String>,
    /// The vendor's preview link, unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_preview_url: Option<String>,
    /// What the vendor said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// 1 阶段性报告, 2 终版报告.
    pub report_type: u32,
    /// When it was accepted.
    pub create_time: String,
    /// Its name.
    pub report_name: String,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Its name.
    pub process: String,
    /// When it was reached.
    pub update_time: String,
    /// Its English name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en_process: Option<String>,
}

/// A candidate or a client contact, as far as the caller may see them. The number comes without calling code.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonInfo {
    /// Full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
}

/// Who arranged an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatorInfo {
    /// In the kind that was asked for; absent without the field scope that the kind needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// The vendor of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderInfo {
    /// Its app.
    pub provider_id: String,
    /// Its name.
    pub provider_name: I18n,
}

/// A value of the vendor's form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomData {
    /// The field's key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// An additional item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtItemInfo {
    /// The item.
    pub id: String,
    /// Its name.
    pub name: String,
}
