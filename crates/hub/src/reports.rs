//! Reports: what was fetched, who was given it, and fetching it once more.

use contract::control::{self, List, Page, ProblemCode, ReportView, ViewerKind};
use contract::hex::to_hex;
use domain::report::ReportState;
use domain::{Act, Actor, Id};
use store::IdempotencyKey;
use store::report_versions::ReportVersion;
use store::reports::Report;
use store::tenants::Tenant;
use store::views::View;

use crate::error::authorize;
use crate::idempotency::{self, Answer};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging, whole};
use crate::{Error, Hub, Input};

pub use store::views::Viewer;

/// A content to give away: of the named version, or of the newest. Refuses a report without content, saying why.
pub async fn find_content(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
    report_id: Id,
    version: Option<u32>,
) -> Result<(Report, ReportVersion), Error> {
    authorize(actor, Act::SeeReports)?;
    let report = find(hub, tenant, order_id, report_id).await?;
    validate_state(&report)?;
    let wanted = version.map_or(report.version_last, i64::from);
    let version = hub.store.find_report_version(tenant, order_id, report_id, wanted).await?;
    Ok((report, version.ok_or(Error::NotFound)?))
}

fn validate_state(report: &Report) -> Result<(), Error> {
    if report.has_content() {
        return Ok(());
    }
    let (code, detail) = match report.state {
        ReportState::Failed => (
            ProblemCode::NotFound,
            "the report is failed: it could not be fetched; refetch asks for a new try",
        ),
        ReportState::Linked => (
            ProblemCode::IllegalState,
            "the report is linked: open its preview_url, it is not kept here",
        ),
        ReportState::Erased => return Err(erased()),
        ReportState::Pending
        | ReportState::Fetching
        | ReportState::Stored
        | ReportState::Flagged => {
            (ProblemCode::IllegalState, "the report is pending: it has not been fetched yet")
        }
    };
    Err(Error::refused(code, detail))
}

/// The report's content was erased.
#[must_use]
pub fn erased() -> Error {
    Error::refused(ProblemCode::Gone, "the report is erased")
}

/// How a report is fetched once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Inspected anew. Refuses one that is being fetched, or is a preview link.
    Inspected,
    /// Stored as it is, although it was refused. Refuses one whose content was not refused, or that is being fetched.
    AsItIs,
}

/// Asks for a new try to fetch a report, with all its tries; what comes is a new version.
pub async fn fetch_again(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
    report_id: Id,
    again: Again,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::Report>, Error> {
    authorize(actor, Act::SeeReports)?;
    if find(hub, tenant, order_id, report_id).await?.state == ReportState::Erased {
        return Err(erased());
    }
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (by, tenant_id) = (hub.by(actor), tenant.tenant_id);
    let (is_asked, expected) = match again {
        Again::AsItIs => (
            hub.store.accept_report(by, tenant_id, order_id, report_id).await?,
            "expected a report whose content was refused and that is not being fetched",
        ),
        Again::Inspected => (
            hub.store.refetch_report(by, tenant_id, order_id, report_id).await?,
            "expected a report that is pending, failed, stored or flagged",
        ),
    };
    if !is_asked {
        return Err(Error::refused(ProblemCode::IllegalState, expected));
    }
    idempotency::keep(hub, key, &view(&find(hub, tenant, order_id, report_id).await?)).await
}

/// Everything that was ever fetched for a report, the newest first.
pub async fn list_versions(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
    report_id: Id,
) -> Result<Page<control::ReportVersion>, Error> {
    authorize(actor, Act::SeeReports)?;
    find(hub, tenant, order_id, report_id).await?;
    let versions = hub.store.list_report_versions(tenant, order_id, report_id).await?;
    Ok(whole(versions.iter().rev().map(view_version).collect()))
}

/// Who was given a report's content, newest first.
pub async fn list_views(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
    report_id: Id,
    list: Input<List>,
) -> Result<Page<ReportView>, Error> {
    authorize(actor, Act::SeeViews)?;
    let paging = Paging::of_list(Of::Views, list)?;
    find(hub, tenant, order_id, report_id).await?;
    let (before, rows) = (paging.before(), paging.rows());
    let views = hub.store.list_views(tenant, order_id, report_id, before, rows).await?;
    Ok(paging.page(views, view_view, |last| [last.view_id.0]))
}

async fn find(hub: &Hub, tenant: &Tenant, order_id: Id, report_id: Id) -> Result<Report, Error> {
    hub.store.find_report(tenant, order_id, report_id).await?.ok_or(Error::NotFound)
}

pub(crate) fn view(report: &Report) -> control::Report {
    let is_linked = report.state == ReportState::Linked;
    control::Report {
        report_id: report.report_id.to_string(),
        kind: report.kind.into(),
        name: report.source.name.clone(),
        state: report.state.into(),
        failure_reason: report.failure.clone(),
        is_refused: report.is_refused,
        preview_url: is_linked.then(|| report.source.url.clone()),
        version: u32::try_from(report.version_last).ok().filter(|version| *version > 0),
        size_bytes: report.size_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
        sha256: report.sha256.as_deref().map(to_hex),
        created_at: rfc3339(report.created_at),
    }
}

fn view_version(version: &ReportVersion) -> control::ReportVersion {
    let facts = version.opened.as_ref().map(|(_, facts)| facts);
    control::ReportVersion {
        version: u32::try_from(version.version).unwrap_or(u32::MAX),
        size_bytes: u64::try_from(version.size_bytes).unwrap_or_default(),
        sha256: to_hex(&version.sha256),
        fetched_at: rfc3339(version.fetched_at),
        is_flagged: version.is_flagged,
        findings: facts.map(|facts| facts.findings.clone()).unwrap_or_default(),
        scanner: facts.and_then(|facts| facts.scanner.clone()),
        source_host: facts.map(|facts| facts.source_host.clone()),
        is_erased: version.opened.is_none(),
    }
}

fn view_view(stored: &View) -> ReportView {
    let (viewer, key_id, user_id, app_id) = match stored.viewer {
        Viewer::ApiKey(key_id) => (ViewerKind::ApiKey, Some(key_id.to_string()), None, None),
        Viewer::User(user_id) => (ViewerKind::User, None, Some(user_id.to_string()), None),
        Viewer::Link(app_id) => (ViewerKind::Link, None, None, app_id),
    };
    let range = stored.range.as_ref();
    ReportView {
        view_id: stored.view_id.to_string(),
        at: rfc3339(stored.at),
        viewer,
        key_id,
        user_id,
        app_id: app_id.map(|app_id| app_id.to_string()),
        address: stored.address.clone(),
        version: stored.version.unsigned_abs(),
        range: range.map(|range| format!("{}-{}", range.start, range.end.saturating_sub(1))),
    }
}
