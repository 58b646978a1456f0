//! Results that wait for a decision (背调报告审批).

use contract::control::{ListReviews, Page, ShownReviews, WaitingReview};
use domain::{Act, Actor, Id};
use store::reviews::{self, ReviewFilter};
use store::tenants::Tenant;

use super::list::lines;
use crate::error::authorize;
use crate::instant::rfc3339;
use crate::pages::{Of, Paging};
use crate::{Error, Hub, Input};

/// Up to how many waiting results are counted.
pub const WAITING_COUNTED_MAX: u32 = 1_000;

/// The results that wait for a decision, the longest waiting first. Those on which four eyes do not let the actor decide are left
/// out, or marked where all are asked for.
pub async fn list_waiting_for_review(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListReviews>,
) -> Result<Page<WaitingReview>, Error> {
    authorize(actor, Act::ReviewOrders)?;
    let list = list.valid()?;
    let paging = Paging::new(Of::Reviews, list.cursor.as_deref(), list.limit)?;
    let after = paging.after.map_or(Id(0), |[result_id]| Id(result_id));
    let excluded = excluded(actor, tenant);
    let filter = ReviewFilter {
        not_placed_by: excluded.filter(|_| list.show != Some(ShownReviews::All)),
        overdue_since: None,
    };
    let found = hub.store.list_waiting_reviews(tenant, filter, after, paging.rows()).await?;
    let page = paging.page(found, Clone::clone, |last| [last.result_id.0]);
    let orders: Vec<_> = page.items.iter().map(|review| review.summary.clone()).collect();
    let lines = lines(hub, actor, tenant, &orders).await?;
    let view = |review: &reviews::WaitingReview| {
        let order_id = review.summary.order_id.to_string();
        let line = lines.iter().find(|line| line.summary.order_id == order_id)?.clone();
        Some(WaitingReview {
            line,
            result_number: u32::try_from(review.result_number).unwrap_or(u32::MAX),
            returned_at: rfc3339(review.returned_at),
            may_decide: excluded != Some(review.summary.placed_by),
        })
    };
    Ok(Page { items: page.items.iter().filter_map(view).collect(), next_cursor: page.next_cursor })
}

/// How many results wait for a decision that the actor may take, counted up to [`WAITING_COUNTED_MAX`].
pub async fn count_waiting_for_review(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
) -> Result<u32, Error> {
    authorize(actor, Act::ReviewOrders)?;
    let excluded = excluded(actor, tenant);
    Ok(hub.store.count_waiting_reviews(tenant, excluded, WAITING_COUNTED_MAX).await?)
}

/// Whose orders the actor may not decide on.
fn excluded(actor: &Actor, tenant: &Tenant) -> Option<Id> {
    tenant.settings.four_eyes.then_some(actor.owner)
}
