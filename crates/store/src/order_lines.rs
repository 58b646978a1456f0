//! What a list of orders shows to those who may see into them: each order's row, opened.

use domain::{ActorId, Id};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::Store;
use crate::content::{FinalResult, Stage};
use crate::fault::{Fault, FaultKind};
use crate::orders::{EntryContent, OrderSummary};
use crate::tenants::Tenant;

/// Orders that are read at the same time.
const AT_ONCE: usize = 4;

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// Ids, state and times.
    pub summary: OrderSummary,
    /// The candidate's name; empty once the order is erased.
    pub candidate_name: String,
    /// The application in the hirer's system; may be empty.
    pub application_id: String,
    /// The newest stage.
    pub stage: Option<Stage>,
    /// The newest result.
    pub result: Option<FinalResult>,
    /// How many results came.
    pub result_count: u32,
    /// Who changed it last.
    pub changed_by: ActorId,
}

impl Store {
    /// The lines of these orders, in their order; one that is gone meanwhile is left out.
    pub async fn list_order_lines(
        &self,
        tenant: &Tenant,
        order_ids: &[Id],
    ) -> Result<Vec<OrderLine>, Fault> {
        let lines = order_ids.iter().copied();
        let lines = lines.map(|order_id| self.find_order_line(tenant, order_id));
        let lines: Vec<_> = stream::iter(lines).buffered(AT_ONCE).try_collect().await?;
        Ok(lines.into_iter().flatten().collect())
    }

    async fn find_order_line(
        &self,
        tenant: &Tenant,
        order_id: Id,
    ) -> Result<Option<OrderLine>, Fault> {
        match self.read_order_line(tenant, order_id).await {
            // Its parts are read one after the other: an erasure meanwhile leaves texts that open no more.
            Err(fault) if fault.kind() == FaultKind::Damaged => {
                match self.find_order_summary(tenant.tenant_id, order_id).await? {
                    Some(summary) if summary.is_erased => {
                        self.read_order_line(tenant, order_id).await
                    }
                    _ => Err(fault),
                }
            }
            read => read,
        }
    }

    async fn read_order_line(
        &self,
        tenant: &Tenant,
        order_id: Id,
    ) -> Result<Option<OrderLine>, Fault> {
        let Some(read) = self.read_timeline(tenant, order_id).await? else { return Ok(None) };
        let (summary, form, timeline) = read;
        let (mut stage, mut result, mut result_count) = (None, None, 0);
        let newest = timeline.last().map(|entry| entry.actor);
        let nothing = || Fault::new(FaultKind::Damaged, "an order has no timeline");
        let changed_by = newest.ok_or_else(nothing)?;
        for entry in timeline {
            match entry.content {
                EntryContent::Stage(newest) => stage = Some(newest),
                EntryContent::Result(newest) => {
                    result = Some(newest);
                    result_count += 1;
                }
                EntryContent::Comment(_) | EntryContent::Nothing => {}
            }
        }
        let (candidate_name, application_id) = (form.candidate.name, form.application_id);
        Ok(Some(OrderLine {
            summary,
            candidate_name,
            application_id,
            stage,
            result,
            result_count,
            changed_by,
        }))
    }
}
