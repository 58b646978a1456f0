//! Lists of orders: `GET /tenants/{tenant_key}/orders`; `POST …/orders/search`, `…/orders/export`; `GET …/orders/counts`,
//! `…/reviews`, `…/orders/moved`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::debug_only;
use super::event::SINCE_CHARS_MAX;
use super::order::{OrderState, OrderSummary};
use super::rule::{Faults, Rules};

/// Most characters of a search.
pub const SEARCH_CHARS_MAX: usize = 200;
const STATES_CHARS_MAX: usize = 100;
const PACKAGE_ID_CHARS_MAX: usize = 36;

/// The query of `GET /tenants/{tenant_key}/orders`, and the body of `POST …/orders/search`: which orders are listed, newest
/// first. All that is named must fit.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrders {
    /// Only orders in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub state: Option<OrderState>,
    /// Only orders in one of these states, with commas between them: `in_review,rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<String>,
    /// Only orders of this vendor: `cli_` and 16 lower-case hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Only orders placed with this account: 19 decimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Only orders of this package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_id: Option<String>,
    /// Only orders that this person or service placed: 19 decimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<String>,
    /// Only orders placed at this instant or later (RFC 3339, any offset).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_from: Option<String>,
    /// Only orders placed before this instant (RFC 3339, any offset).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_until: Option<String>,
    /// Only orders that are found by this, 1 to 200 characters: words of the candidate's name, its phone number or mail address, the
    /// application or the order. In a body alone: names do not belong into addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(ignore)]
    #[schema(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// `next_cursor` of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries wanted, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

debug_only! {
    ListOrders { state, states, app_id, account_id, package_id, placed_by, placed_from, placed_until, limit }
}

impl ListOrders {
    /// The states that are asked for, each once; none when any will do. None at all when one is unknown.
    #[must_use]
    pub fn all_states(&self) -> Option<Vec<OrderState>> {
        let mut states: Vec<_> = self.state.into_iter().collect();
        for name in self.states.iter().flat_map(|names| names.split(',')) {
            let found = OrderState::ALL.into_iter().find(|state| state.as_str() == name.trim())?;
            if !states.contains(&found) {
                states.push(found);
            }
        }
        Some(states)
    }
}

impl Rules for ListOrders {
    fn check(&self, faults: &mut Faults) {
        faults.page(self.cursor.as_deref(), self.limit);
        faults.optional("states", self.states.as_deref(), STATES_CHARS_MAX);
        if self.all_states().is_none() {
            let names = OrderState::ALL.map(OrderState::as_str);
            faults.add("states", format!("expected some of {}", names.join(",")));
        } else if self.state.is_some() && self.states.is_some() {
            faults.add("states", "expected either state or states");
        }
        if let Some(app_id) = &self.app_id {
            faults.app_id("app_id", app_id);
        }
        for (field, id) in [("account_id", &self.account_id), ("placed_by", &self.placed_by)] {
            if let Some(id) = id {
                faults.digits(field, id, 19, 19);
            }
        }
        faults.optional("package_id", self.package_id.as_deref(), PACKAGE_ID_CHARS_MAX);
        faults.optional("placed_from", self.placed_from.as_deref(), SINCE_CHARS_MAX);
        faults.optional("placed_until", self.placed_until.as_deref(), SINCE_CHARS_MAX);
        faults.optional("q", self.q.as_deref(), SEARCH_CHARS_MAX);
    }
}

/// An order in a list for those who may see into it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// Ids, state and times.
    #[serde(flatten)]
    pub summary: OrderSummary,
    /// The candidate's name; empty once the order was erased.
    pub candidate_name: String,
    /// The application (投递) in the hirer's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// The newest stage in words; absent before the vendor's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_name: Option<String>,
    /// The newest stage in English words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_en_name: Option<String>,
    /// The last result's words, as they came; only for those who may see reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// How many results came.
    pub result_count: u32,
}

debug_only! { OrderLine { summary, result_count } }

/// How many orders are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderCounts {
    /// All of them.
    pub total: u64,
    /// 已安排
    pub arranged: u64,
    /// 审批中
    pub in_review: u64,
    /// 审批已撤回
    pub review_withdrawn: u64,
    /// 审批未通过
    pub rejected: u64,
    /// 已完成
    pub completed: u64,
    /// 已终止
    pub terminated: u64,
}

/// The query of `GET /tenants/{tenant_key}/reviews`, the longest waiting first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListReviews {
    /// `all` shows also results on which the caller may not decide, because it placed the order; `own` those alone on which it
    /// may. `own` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub show: Option<ShownReviews>,
    /// `next_cursor` of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries wanted, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// Whose decisions are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShownReviews {
    /// Those that the caller may take.
    Own,
    /// All.
    All,
}

impl Rules for ListReviews {
    fn check(&self, faults: &mut Faults) {
        faults.page(self.cursor.as_deref(), self.limit);
    }
}

/// A result that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingReview {
    /// The order.
    #[serde(flatten)]
    pub line: OrderLine,
    /// The result's number, which a decision can name: 1 is the order's first.
    pub result_number: u32,
    /// Since when it waits (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub returned_at: String,
    /// Whether the caller may decide on it: with four eyes, not who placed the order.
    pub may_decide: bool,
}

/// The query of `GET /tenants/{tenant_key}/orders/moved`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListMoved {
    /// Changes at this instant or later (RFC 3339, any offset).
    pub since: String,
    /// `next_cursor` of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries wanted, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

impl Rules for ListMoved {
    fn check(&self, faults: &mut Faults) {
        faults.length("since", &self.since, 1, SINCE_CHARS_MAX);
        faults.page(self.cursor.as_deref(), self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn every_filter_that_cannot_be_is_named() {
        let list = ListOrders {
            states: Some("in_review,lost".into()),
            app_id: Some("cli_".into()),
            account_id: Some("5".into()),
            package_id: Some(String::new()),
            placed_by: Some("me".into()),
            placed_from: Some("x".repeat(41)),
            q: Some("名".repeat(201)),
            limit: Some(201),
            ..ListOrders::default()
        };
        let expected = [
            "limit",
            "states",
            "app_id",
            "account_id",
            "placed_by",
            "package_id",
            "placed_from",
            "q",
        ];
        assert_eq!(fields(&list), expected);
        for q in ["", " ", "a\0b"] {
            assert_eq!(fields(&ListOrders { q: Some(q.into()), ..ListOrders::default() }), ["q"]);
        }
        assert!(!format!("{:?}", ListOrders { q: Some("张三".into()), ..list }).contains("张三"));
    }

    #[test]
    fn states_are_named_in_one_way() {
        let of = |states: &str| ListOrders { states: Some(states.into()), ..ListOrders::default() };
        let two = [OrderState::InReview, OrderState::Rejected];
        assert_eq!(of("in_review, rejected,in_review").all_states().unwrap(), two);
        assert_eq!(ListOrders::default().all_states().unwrap(), []);
        for wrong in ["", ",", "in_review,", "In_review"] {
            assert!(!of(wrong).faults().is_empty(), "{wrong:?}");
        }
        let both = ListOrders { state: Some(OrderState::Arranged), ..of("rejected") };
        assert_eq!(fields(&both), ["states"]);
    }
}
