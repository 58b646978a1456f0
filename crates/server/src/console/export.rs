//! The list of orders as a table for spreadsheets, narrowed as the list on the page is; recorded in the tenant's audit chain.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use contract::control::ListOrders;
use futures_util::{Stream, TryStreamExt, stream};
use hub::orders::{self, Export};
use hub::tenants::Tenant;

use super::form::Form;
use super::stop::Stop;
use super::visit::Visit;

const KIND: [(axum::http::HeaderName, &str); 2] = [
    (CONTENT_TYPE, "text/csv; charset=utf-8"),
    (CONTENT_DISPOSITION, "attachment; filename=\"orders.csv\""),
];

pub(super) async fn export_orders(visit: Visit, form: Form) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let field = |name| Some(form.word(name)).filter(|value| !value.is_empty());
    let asked = ListOrders {
        state: field("state").and_then(|state| serde_json::from_value(state.into()).ok()),
        account_id: field("account"),
        package_id: field("package"),
        placed_by: field("placed_by"),
        ..ListOrders::default()
    };
    let export = orders::begin_export(hub, actor, tenant, asked.into()).await?;
    let tenant = Arc::clone(tenant);
    Ok((KIND, Body::from_stream(pieces(visit, tenant, export))).into_response())
}

/// The pieces of the table. A fault breaks the answer off, and is logged.
fn pieces(
    visit: Visit,
    tenant: Arc<Tenant>,
    export: Export,
) -> impl Stream<Item = Result<String, hub::Error>> {
    let pieces = stream::try_unfold((visit, tenant, export), |(visit, tenant, mut export)| async {
        let (hub, actor, _) = visit.member().map_err(|_| hub::Error::NotFound)?;
        let piece = export.next(hub, actor, &tenant).await?;
        Ok(piece.map(|piece| (piece, (visit, tenant, export))))
    });
    pieces.inspect_err(|error| tracing::error!(%error, "an export is broken off"))
}
