//! Reports of an order: `/tenants/{tenant_key}/orders/{order_id}/reports`.

pub(super) mod accept;
pub(super) mod content;
pub(super) mod refetch;
pub(super) mod versions;
pub(super) mod views;

use store::reports::Report;

use super::auth::Call;
use super::failure::Failure;

/// The report in the path.
async fn find(call: &Call) -> Result<Report, Failure> {
    let tenant = call.tenant().await?;
    let (order_id, report_id) = (call.path_param("order_id")?, call.path_param("report_id")?);
    let report = call.app.hub.store.find_report(&tenant, order_id, report_id).await?;
    report.ok_or_else(Failure::not_found)
}
