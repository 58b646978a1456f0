//! The view ledger: every time that a report's content was given away.
//!
//! A view is recorded, and audited, before the first byte goes out. The viewer's address is sealed under the order's
//! data key; the audit chain has its keyed digest. Source: product, sections 4 and 8.

use std::net::IpAddr;
use std::ops::Range;

use contract::evidence::AuditAct;
use contract::hex::to_hex;
use domain::{Actor, AppId, Id, Roles, TenantId, UnixMs};

use crate::audit::{self, By};
use crate::fault::{Fault, FaultKind};
use crate::seal::{Key, RowContext};
use crate::tenants::Tenant;
use crate::value::{Row, Statement, any, values};
use crate::{Store, content};

/// Who looks at a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// A key of the control API.
    ApiKey(Id),
    /// A holder of a signed link that the app was given; none for those of before apps were named.
    Link(Option<AppId>),
    /// A person who is signed in.
    User(Id),
}

/// A content that is about to be given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    /// The order.
    pub order_id: Id,
    /// The report.
    pub report_id: Id,
    /// Which of its contents; 1 is the first.
    pub version: i64,
    /// To whom.
    pub viewer: Viewer,
    /// When.
    pub at: UnixMs,
    /// Where to.
    pub address: IpAddr,
    /// Which bytes, each range recorded by itself; all when there is none.
    pub ranges: Vec<Range<u64>>,
}

/// A view as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its id; ascending in time.
    pub view_id: Id,
    /// To whom.
    pub viewer: Viewer,
    /// When.
    pub at: UnixMs,
    /// Which content.
    pub version: i64,
    /// Which bytes; all when there is no range.
    pub range: Option<Range<u64>>,
    /// Where to; none once the order is erased.
    pub address: Option<String>,
}

const INSERT: &str = "INSERT INTO report_views (tenant_id, report_id, view_id, order_id, version, viewer_kind, \
    viewer_id, at, range_start, range_end, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const LIST: &str = "SELECT view_id, version, viewer_kind, viewer_id, at, range_start, range_end, sealed \
    FROM report_views WHERE tenant_id = $1 AND report_id = $2 AND view_id < $3 \
    ORDER BY view_id DESC LIMIT $4";

/// How often a view is recorded whose id is there already.
const TRIES: u32 = 3;

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, LIST];

impl Store {
    /// Records a view, before the content goes out. False, and nothing may go out, when the order is gone or erased.
    pub async fn record_view(&self, tenant: &Tenant, view: &NewView) -> Result<bool, Fault> {
        let Some((row, data_key)) = self.find_order_row(tenant, view.order_id).await? else {
            return Ok(false);
        };
        if row.is_erased() {
            return Ok(false);
        }
        let mut tries = TRIES;
        loop {
            let mut statements = Vec::new();
            if view.ranges.is_empty() {
                statements.extend(self.record_range(tenant, &data_key, view, None));
            }
            for range in &view.ranges {
                statements.extend(self.record_range(tenant, &data_key, view, Some(range)));
            }
            tries -= 1;
            match self.write(statements).await {
                // The id of a view of before came again: the clock was set back.
                Err(fault) if fault.kind() == FaultKind::Constraint && tries > 0 => {}
                written => return written.map(|_| true),
            }
        }
    }

    fn record_range(
        &self,
        tenant: &Tenant,
        data_key: &Key,
        view: &NewView,
        range: Option<&Range<u64>>,
    ) -> Vec<Statement> {
        let (tenant_id, view_id) = (tenant.tenant_id, self.make_id(view.at));
        let address = view.address.to_string();
        let (actor, viewer_kind, viewer_id) = match view.viewer {
            Viewer::ApiKey(key_id) => (Actor::api_key(key_id, key_id, Roles::NONE), 1, key_id.0),
            Viewer::Link(app_id) => (Actor::link(), 2, app_id.map_or(0, |app_id| app_id.0)),
            Viewer::User(user_id) => (Actor::user(user_id, Roles::NONE), 3, user_id.0),
        };
        let end = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
        let mut statements = vec![any(
            INSERT,
            values![
                tenant_id.0,
                view.report_id.0,
                view_id.0,
                view.order_id.0,
                view.version,
                viewer_kind,
                viewer_id,
                tenant.time(view.at).0,
                range.map(|range| end(range.start)),
                range.map(|range| end(range.end)),
                data_key.seal(context(tenant_id, view_id), &content::to_text(&address)),
            ],
        )];
        let mut entry = By { actor, at: tenant.time(view.at) }.did(AuditAct::ReportViewed);
        if let Viewer::Link(Some(app_id)) = view.viewer {
            entry.app_id = Some(app_id.to_string());
        }
        entry.order_id = Some(view.order_id.to_string());
        entry.report_id = Some(view.report_id.to_string());
        let digest = tenant.digester.digest("viewer address", address.as_bytes());
        entry.details.insert("address_digest".to_owned(), to_hex(&digest));
        entry.details.insert("version".to_owned(), view.version.to_string());
        entry.details.insert("view_id".to_owned(), view_id.to_string());
        if let Some(Range { start, end }) = range {
            entry.details.insert("range".to_owned(), format!("{start}-{}", end.saturating_sub(1)));
        }
        statements.extend(audit::add(tenant_id, &entry));
        statements
    }

    /// At most `limit` views of a report before the given one, newest first.
    pub async fn list_views(
        &self,
        tenant: &Tenant,
        order_id: Id,
        report_id: Id,
        before: Id,
        limit: u32,
    ) -> Result<Vec<View>, Fault> {
        let Some((row, data_key)) = self.find_order_row(tenant, order_id).await? else {
            return Ok(Vec::new());
        };
        let values = values![tenant.tenant_id.0, report_id.0, before.0, i64::from(limit)];
        let rows = self.read(LIST, values).await?;
        let address = |view: &Row| {
            let sealed = view.bytes(7)?;
            if row.is_erased() || sealed.is_empty() {
                return Ok(None);
            }
            let text = data_key.open(context(tenant.tenant_id, Id(view.int(0)?)), sealed)?;
            content::from_text(&text).map(Some)
        };
        rows.iter().map(|row| self::view(row, address(row)?)).collect()
    }
}

fn context(tenant_id: TenantId, view_id: Id) -> RowContext {
    RowContext::new("report_views", tenant_id, view_id.0)
}

fn view(row: &Row, address: Option<String>) -> Result<View, Fault> {
    let end = |column| row.find_int(column).map(|end| end.and_then(|end| u64::try_from(end).ok()));
    Ok(View {
        view_id: Id(row.int(0)?),
        viewer: match row.int(2)? {
            1 => Viewer::ApiKey(Id(row.int(3)?)),
            2 => Viewer::Link(Some(AppId(row.int(3)?)).filter(|app_id| app_id.0 != 0)),
            3 => Viewer::User(Id(row.int(3)?)),
            _ => return Err(Fault::new(FaultKind::Damaged, "a viewer's kind is unknown")),
        },
        at: UnixMs(row.int(4)?),
        version: row.int(1)?,
        range: end(5)?.zip(end(6)?).map(|(start, end)| start..end),
        address,
    })
}
