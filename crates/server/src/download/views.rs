//! Views: whoever gets a report's content is recorded before its first byte goes out.

use std::net::IpAddr;
use std::ops::Range;

use domain::Id;
use store::Fault;
use store::tenants::Tenant;
use store::views::{NewView, Viewer};

use crate::app::App;

/// A content that is about to be given away.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The order.
    pub(crate) order_id: Id,
    /// The report.
    pub(crate) report_id: Id,
    /// Which of its contents; 1 is the first.
    pub(crate) version: i64,
    /// To whom.
    pub(crate) viewer: Viewer,
    /// Where to.
    pub(crate) address: IpAddr,
    /// Which bytes; all when there is no range.
    pub(crate) range: Option<Range<u64>>,
}

/// Records a view in the ledger and in the audit chain. False, and nothing may go out, when the order was erased
/// meanwhile.
///
/// # Errors
/// Faults of storage; then nothing may go out either.
pub(crate) async fn viewed(app: &App, tenant: &Tenant, view: View) -> Result<bool, Fault> {
    let View { order_id, report_id, version, viewer, address, range } = view;
    let (at, address) = (app.clock.now(), address.to_canonical());
    let view = NewView { order_id, report_id, version, viewer, at, address, range };
    app.store.record_view(tenant, &view).await
}
