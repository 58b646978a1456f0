//! `GET /tenants/{tenant_key}/accounts`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, List, Page};
use domain::Id;

use super::view;
use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};

/// Lists a tenant's accounts with what can be ordered there, newest first.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/accounts",
    tag = "accounts",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), List),
    responses((status = 200, description = "A page of accounts", body = Page<control::Account>))
)]
pub(crate) async fn list_accounts(
    call: Call,
    Query(list): Query<List>,
) -> Result<Response, Failure> {
    validate(list.faults())?;
    let tenant = call.tenant().await?;
    let before = cursor::read(Of::Accounts, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[account_id]| Id(account_id));
    let limit = cursor::limit(list.limit);
    let accounts = call.app.hub.store.list_accounts(&tenant, before, limit + 1).await?;
    let page = cursor::page(accounts, limit, Clone::clone, |last| {
        cursor::write(Of::Accounts, [last.account_id.0])
    });
    let mut items = Vec::with_capacity(page.items.len());
    for account in &page.items {
        items.push(view(&call.app.hub.store, tenant.tenant_id, account).await?);
    }
    Ok(json(StatusCode::OK, &Page { items, next_cursor: page.next_cursor }))
}
