//! Events and their deliveries: `GET /tenants/{tenant_key}/events`;
//! `GET …/events/{event_id}/deliveries`; `POST …/events/{event_id}/resend`; `POST /apps/{app_id}/resend`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::debug_only;
use super::rule::{Faults, Rules};
use crate::event::EventType;

/// Most characters of `since`.
pub const SINCE_CHARS_MAX: usize = 40;

/// Where the delivery of an event to one app stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits because the app has no endpoint, is disabled, or lacks the tenant's grant.
    Held,
    /// Is to be tried, now or at `next_attempt_at`.
    Due,
    /// The app took it.
    Delivered,
    /// Every try failed; stored, and can be resent.
    Exhausted,
    /// Waits because the app's endpoint failed for long.
    Paused,
}

/// The query of `GET /tenants/{tenant_key}/events`, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// Only events of this order: 19 decimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// Only events for this app: `cli_` and 16 lower-case hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Only events of this type: `hire.eco_account.created_v1`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Only events whose delivery stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub state: Option<DeliveryState>,
    /// `next_cursor` of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries wanted, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

impl Rules for ListEvents {
    fn check(&self, faults: &mut Faults) {
        faults.page(self.cursor.as_deref(), self.limit);
        if let Some(order_id) = &self.order_id {
            faults.digits("order_id", order_id, 19, 19);
        }
        if let Some(app_id) = &self.app_id {
            faults.app_id("app_id", app_id);
        }
        if let Some(event_type) = &self.event_type
            && EventType::parse(event_type).is_none()
        {
            let all: Vec<_> = EventType::ALL.iter().map(|known| known.as_str()).collect();
            faults.add("event_type", format!("expected one of {}", all.join(", ")));
        }
    }
}

/// Something that happened and that an app is notified of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// 32 lower-case hex digits, the same in every attempt.
    pub event_id: String,
    /// `hire.eco_account.created_v1`, `hire.eco_background_check.created_v1`, ….
    pub event_type: String,
    /// The app that is notified.
    pub app_id: String,
    /// The order it is about, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// The account it is about, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// When it happened (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Where its delivery stands.
    pub delivery_state: DeliveryState,
}

/// The way of one event to one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The app that is notified.
    pub app_id: String,
    /// Where the delivery stands.
    pub state: DeliveryState,
    /// What a held delivery waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_reason: Option<String>,
    /// Tries made so far, resent ones included.
    pub attempt_count: u32,
    /// When the next try is due (RFC 3339, UTC); absent when none is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next_attempt_at: Option<String>,
    /// The tries, oldest first.
    pub attempts: Vec<Attempt>,
}

/// One try to hand an event over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Counts from 1.
    pub attempt: u32,
    /// When it began (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub at: String,
    /// Milliseconds from the first byte sent to the decision.
    pub took_ms: u64,
    /// `delivered`, or in words why not: `no answer within 3 s`, `answered 500`, `address refused`.
    pub outcome: String,
    /// The answer's HTTP status, or the ack's `code`, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The beginning of the answer's body, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_excerpt: Option<String>,
    /// The long connection that took it, when it went by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
}

debug_only! { Attempt { attempt, at, took_ms, outcome, http_status } }

/// Body of `POST /apps/{app_id}/resend`: the events of the app in a span of time are sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendSince {
    /// Events that happened at this instant or later (RFC 3339, any offset).
    #[schema(format = DateTime)]
    pub since: String,
    /// Only events that happened before this instant (RFC 3339, any offset).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Only events whose delivery is in one of these states, each once; all when absent or empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<DeliveryState>,
}

impl Rules for ResendSince {
    fn check(&self, faults: &mut Faults) {
        faults.length("since", &self.since, 1, SINCE_CHARS_MAX);
        faults.optional("until", self.until.as_deref(), SINCE_CHARS_MAX);
        faults.distinct("states", self.states.iter());
    }
}

/// Answer to both `resend` calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resent {
    /// Deliveries that are due again.
    pub delivery_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn the_query_names_every_fault() {
        let query = ListEvents {
            order_id: Some("7".into()),
            cursor: Some(String::new()),
            limit: Some(0),
            ..ListEvents::default()
        };
        assert_eq!(fields(&query), ["limit", "cursor", "order_id"]);
    }

    #[test]
    fn states_are_written_as_the_product_names_them() {
        let states = [DeliveryState::Held, DeliveryState::Exhausted];
        assert_eq!(serde_json::to_string(&states).unwrap(), r#"["held","exhausted"]"#);
    }
}
