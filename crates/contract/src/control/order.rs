//! Orders: `POST /tenants/{tenant_key}/orders`; `GET …/orders/{order_id}`;
//! `POST …/approve`, `…/reject`, `…/withdraw`, `…/terminate`, each of which answers with the order.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::{AdditionalItem, FieldValue, Package};
use super::debug_only;
use super::order_form::{CandidateInfo, ClientContactInfo, ShownCandidate};
use super::report::Report;
use super::rule::{Faults, Rules, TEXT_CHARS_MAX, reason_only};
use crate::field::CheckField;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// 已安排: the vendor has been notified.
    Arranged,
    /// 审批中: a result came and waits for the tenant's decision.
    InReview,
    /// 审批已撤回: the review request was taken back.
    ReviewWithdrawn,
    /// 审批未通过: the report was sent back with a reason.
    Rejected,
    /// 已完成: final.
    Completed,
    /// 已终止: ended by hirer or vendor.
    Terminated,
}

impl OrderState {
    /// Every state, in the order of an order's life.
    pub const ALL: [OrderState; 6] = [
        OrderState::Arranged,
        OrderState::InReview,
        OrderState::ReviewWithdrawn,
        OrderState::Rejected,
        OrderState::Completed,
        OrderState::Terminated,
    ];

    /// The number on the vendor's wire. Source: contract, section 3.4.4.
    #[must_use]
    pub const fn order_status(self) -> u32 {
        match self {
            OrderState::Arranged => 2,
            OrderState::Completed => 3,
            OrderState::Terminated => 4,
            OrderState::InReview => 5,
            OrderState::ReviewWithdrawn => 6,
            OrderState::Rejected => 9,
        }
    }

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            OrderState::Arranged => "arranged",
            OrderState::InReview => "in_review",
            OrderState::ReviewWithdrawn => "review_withdrawn",
            OrderState::Rejected => "rejected",
            OrderState::Completed => "completed",
            OrderState::Terminated => "terminated",
        }
    }
}

/// Body of `POST …/approve`: the returned result is accepted.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveOrder {
    /// Why, at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub comment: Option<String>,
    /// The number of the result that was looked at: refused with 409 when a newer one came since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub result_number: Option<u32>,
}

/// Body of `POST …/reject`: the returned result is sent back.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectOrder {
    /// Why, 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// The number of the result that was looked at: refused with 409 when a newer one came since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub result_number: Option<u32>,
}

/// Body of `POST …/terminate`: the order ends without a conclusion; the vendor is notified of the reason.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminateOrder {
    /// Why, 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

debug_only! { ApproveOrder { result_number } RejectOrder { result_number } TerminateOrder {} }
reason_only! { TerminateOrder }

impl Rules for ApproveOrder {
    fn check(&self, faults: &mut Faults) {
        faults.length("comment", self.comment.as_deref().unwrap_or_default(), 0, TEXT_CHARS_MAX);
        faults.range("result_number", self.result_number, 1, u32::MAX);
    }
}

impl Rules for RejectOrder {
    fn check(&self, faults: &mut Faults) {
        faults.length("reason", &self.reason, 1, TEXT_CHARS_MAX);
        faults.range("result_number", self.result_number, 1, u32::MAX);
    }
}

/// An order in a list: no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderSummary {
    /// 19 decimal digits; `background_check_id` on the vendor's wire.
    pub order_id: String,
    /// The vendor's app.
    #[serde(default)]
    pub app_id: String,
    /// The account at which it was ordered.
    pub account_id: String,
    /// The package that was ordered.
    pub package_id: String,
    /// The person or service that placed it.
    #[serde(default)]
    pub placed_by: String,
    /// Where it stands.
    pub state: OrderState,
    /// The same as the number on the vendor's wire.
    pub order_status: u32,
    /// While it is in review: since when it waits for a decision (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub waiting_since: Option<String>,
    /// Whether nobody decided within the tenant's time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub review_overdue: bool,
    /// When it was placed (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When a command last changed it (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it was completed or terminated (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Whether the personal data was erased: then ids, states and times are all there is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// One background check of one candidate.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// 19 decimal digits; `background_check_id` on the vendor's wire.
    pub order_id: String,
    /// The account at which it was ordered.
    pub account_id: String,
    /// The package that was ordered.
    pub package_id: String,
    /// The additional items that were ordered.
    pub additional_item_id_list: Vec<String>,
    /// Where it stands.
    pub state: OrderState,
    /// The same as the number on the vendor's wire.
    pub order_status: u32,
    /// The last result's words, as they came; absent before the first result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// Remark for the vendor.
    pub comment: String,
    /// Whom it is about; an empty name once the order was erased.
    #[schema(value_type = ShownCandidate)]
    pub candidate_info: CandidateInfo,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_contact_info: Option<ClientContactInfo>,
    /// Values of the vendor's custom fields; those of a file or resume hold the files' ids.
    pub custom_field_list: Vec<FieldValue>,
    /// What the vendor calls what was ordered, and the form that the order was placed with.
    #[serde(default)]
    pub form: OrderedForm,
    /// The application (投递) in the hirer's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// The place of work in the hirer's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_code: Option<String>,
    /// Every progress entry, oldest first.
    pub stages: Vec<Stage>,
    /// Every result ever accepted, oldest first.
    pub results: Vec<OrderResult>,
    /// Every report ever accepted, oldest first.
    pub reports: Vec<Report>,
    /// Every accepted command, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// When it was placed (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When a command last changed it (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it was completed or terminated (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Whether the personal data was erased: then ids, states and times are all there is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

/// What was ordered in the vendor's words. What the vendor renames shows its new name; what it replaces or deletes
/// stays here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderedForm {
    /// The package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// The additional items.
    pub additional_items: Vec<AdditionalItem>,
    /// The fields of the form that the order was placed with, filled or not.
    pub fields: Vec<CheckField>,
}

/// One progress entry.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// The vendor's id of the stage; absent for the platform's own first entry, 待安排 / `arranged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_id: Option<String>,
    /// The stage in words.
    pub stage_name: String,
    /// The stage in English words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_en_name: Option<String>,
    /// When it was reached, as the vendor says (RFC 3339, UTC; the vendor's milliseconds as they
    /// came when they lie beyond the year 9999).
    pub stage_time: String,
    /// The interim result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// 1 the vendor (供应商), 2 an administrator (管理员).
    pub operator_role: u32,
    /// When it reached this server (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub reported_at: String,
}

/// One result that was accepted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderResult {
    /// Its number, which a decision can name: 1 is the order's first.
    #[serde(default)]
    pub number: u32,
    /// A light (红灯/黄灯/蓝灯/绿灯) or free text, as it came.
    pub result: String,
    /// When it was reached, as the vendor says (RFC 3339, UTC; the vendor's milliseconds as they
    /// came when they lie beyond the year 9999).
    pub result_time: String,
    /// 1 the vendor (供应商), 2 an administrator (管理员).
    pub operator_role: u32,
    /// When it reached this server (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub received_at: String,
}

/// What was done to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineAction {
    /// The hirer placed it.
    Placed,
    /// The vendor reported progress.
    Progress,
    /// The vendor returned a result.
    Result,
    /// The vendor ended it.
    Canceled,
    /// The hirer ended it.
    Terminated,
    /// The result was accepted.
    Approved,
    /// The result was sent back.
    Rejected,
    /// The review request was taken back.
    Withdrawn,
    /// Nobody decided within the tenant's time.
    ReviewOverdue,
}

/// One accepted command: who did what when, under which rule.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When it was accepted (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub at: String,
    /// What was done.
    pub action: TimelineAction,
    /// Who did it, by an id that is no personal data: an app's id or a key's.
    pub actor: String,
    /// The rule that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The comment or reason that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the order stood before; absent for `placed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_state: Option<OrderState>,
    /// Where the order stood afterwards.
    pub to_state: OrderState,
}

debug_only! {
    Order { order_id, account_id, package_id, state, created_at, updated_at, ended_at }
    Stage { stage_time, operator_role, reported_at }
    OrderResult { number, result_time, operator_role, received_at }
    TimelineEntry { at, action, actor, rule, from_state, to_state }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn reasons_are_required_and_comments_are_not() {
        let long = "因".repeat(2_000);
        assert!(RejectOrder { reason: long.clone(), result_number: None }.faults().is_empty());
        assert!(TerminateOrder { reason: long.clone() }.faults().is_empty());
        assert!(ApproveOrder::default().faults().is_empty());
        assert_eq!(fields(&RejectOrder::default()), ["reason"]);
        assert_eq!(fields(&TerminateOrder { reason: " ".into() }), ["reason"]);
        let approve = ApproveOrder { comment: Some(long + "因"), result_number: Some(0) };
        assert_eq!(fields(&approve), ["comment", "result_number"]);
        assert!(serde_json::from_str::<RejectOrder>("{}").is_err());
    }

    #[test]
    fn states_have_the_numbers_of_the_wire() {
        let numbers = OrderState::ALL.map(|state| (state.as_str(), state.order_status()));
        let expected = [
            ("arranged", 2),
            ("in_review", 5),
            ("review_withdrawn", 6),
            ("rejected", 9),
            ("completed", 3),
            ("terminated", 4),
        ];
        assert_eq!(numbers, expected);
        for state in OrderState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
