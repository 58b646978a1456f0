//! States and kinds as they stand in the text of statements.

use domain::delivery::DeliveryState;
use domain::order::{Rule, State};
use domain::report::ReportState;

pub(crate) const DELIVERY_HELD: i64 = DeliveryState::Held.number();
pub(crate) const DELIVERY_DUE: i64 = DeliveryState::Due.number();
pub(crate) const DELIVERY_DELIVERED: i64 = DeliveryState::Delivered.number();
pub(crate) const DELIVERY_EXHAUSTED: i64 = DeliveryState::Exhausted.number();
pub(crate) const DELIVERY_PAUSED: i64 = DeliveryState::Paused.number();

pub(crate) const REPORT_PENDING: i64 = ReportState::Pending.number();
pub(crate) const REPORT_FETCHING: i64 = ReportState::Fetching.number();
pub(crate) const REPORT_STORED: i64 = ReportState::Stored.number();
pub(crate) const REPORT_FLAGGED: i64 = ReportState::Flagged.number();
pub(crate) const REPORT_FAILED: i64 = ReportState::Failed.number();
pub(crate) const REPORT_ERASED: i64 = ReportState::Erased.number();

pub(crate) const IN_REVIEW: i64 = State::InReview.number();
pub(crate) const REVIEW_WITHDRAWN: i64 = State::ReviewWithdrawn.number();
pub(crate) const REJECTED: i64 = State::Rejected.number();

pub(crate) const RESULT_COMPLETES: i64 = Rule::ResultCompletes.number();
pub(crate) const RESULT_AWAITS_REVIEW: i64 = Rule::ResultAwaitsReview.number();
