//! What a batch writes of an order's open review (`open_reviews`): nothing, unless a result came that waits for a decision.

use domain::UnixMs;
use domain::order::{Change, Rule, State};

use super::plan::Plan;
use crate::rows::{OrderRow, ReviewChange, ReviewKey, ReviewRow};

/// What becomes of an order's review within a batch.
#[derive(Debug, Default)]
pub(super) struct Review {
    over: Option<ReviewKey>,
    row: Option<ReviewRow>,
    change: Option<ReviewChange>,
}

impl Review {
    /// Notes a change, after which the order has this row.
    pub(super) fn note(&mut self, row: &OrderRow, change: &Change, at: UnixMs) {
        let (tenant_id, order_id, state) = (row.tenant_id, row.order_id, row.state);
        let is_new_result = change.rule == Rule::ResultAwaitsReview;
        let was_open = change.from.is_some_and(State::has_open_review);
        if was_open && (is_new_result || !state.has_open_review()) {
            *self = Review::default();
            self.over = Some(ReviewKey { tenant_id, order_id });
        }
        let overdue_at = (change.rule == Rule::ReviewOverdue).then_some(at);
        match &mut self.row {
            _ if is_new_result => {
                let (result_id, returned_at) = (row.entry_last, at);
                self.row = Some(ReviewRow {
                    tenant_id,
                    order_id,
                    state,
                    result_id,
                    returned_at,
                    overdue_at,
                });
            }
            Some(row) if was_open && change.rule != Rule::StageReported => {
                (row.state, row.overdue_at) = (state, overdue_at);
            }
            None if was_open && state.has_open_review() && change.rule != Rule::StageReported => {
                self.change = Some(ReviewChange { tenant_id, order_id, state, overdue_at });
            }
            _ => {}
        }
    }

    pub(super) fn add_to(self, plan: &mut Plan) {
        plan.reviews_over.extend(self.over);
        plan.reviews.extend(self.row);
        plan.reviews_changed.extend(self.change);
    }
}
