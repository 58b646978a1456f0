//! Erasures: of one order by hand, those that were, and the dry run.

use contract::control::{
    self, EraseOrder, ErasurePreview, ErasureVerdict, List, Page, ProblemCode,
};
use contract::evidence::{Certificate, ErasureRule, Evidence as _};
use domain::retention::{Facts, Rule, Stays, check, check_by_hand, due_at};
use domain::{Act, Actor, Id, UnixMs};
use store::erasing::{Erasure, Why};
use store::retention::Candidate;
use store::tenants::Tenant;
use store::{Fault, FaultKind};

use crate::error::authorize;
use crate::instant::rfc3339;
use crate::pages::{Of, Paging, read_all};
use crate::{Error, Hub, Input};

/// Erases an order for good before its retention is over, at a person's demand. A repeat gives the first erasure.
/// Refuses an order that has not ended, is held, or must stay longer.
pub async fn erase(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
    input: Input<EraseOrder>,
) -> Result<control::Erasure, Error> {
    authorize(actor, Act::EraseOrders)?;
    let input = input.valid()?;
    validate_order(hub, tenant, order_id).await?;
    let why = Why::Hand(input.reason);
    // None when an erasure or a hold came first.
    if hub.store.erase_order(hub.by(actor), tenant, order_id, &why).await?.is_none() {
        validate_order(hub, tenant, order_id).await?;
    }
    let erasure = hub.store.find_erasure(tenant, order_id).await?;
    let erasure = erasure.ok_or_else(|| Fault::new(FaultKind::Damaged, "an erasure is gone"))?;
    Ok(view(&erasure)?)
}

/// Refuses an order that must stay; one that is erased already may be erased again.
async fn validate_order(hub: &Hub, tenant: &Tenant, order_id: Id) -> Result<(), Error> {
    let summary = hub.store.find_order_summary(tenant.tenant_id, order_id).await?;
    let summary = summary.ok_or(Error::NotFound)?;
    if summary.is_erased {
        return Ok(());
    }
    let facts = Facts {
        ended_at: summary.ended_at,
        is_held: hub.store.find_hold(tenant, Some(order_id)).await?.is_some(),
        is_tenant_held: hub.store.find_hold(tenant, None).await?.is_some(),
        rule: Rule { days: 0, is_of_package: false },
    };
    let stays = check_by_hand(&facts, hub.retention, hub.clock(tenant).now());
    stays.map_err(|stays| Error::refused(ProblemCode::IllegalState, detail(stays)))
}

fn detail(stays: Stays) -> String {
    match stays {
        Stays::NotEnded => "expected an order that has ended: terminate it first".to_owned(),
        Stays::Held => "the order is under a legal hold".to_owned(),
        Stays::TenantHeld => "the tenant is under a legal hold".to_owned(),
        Stays::Until(at) => format!("the order must be kept until {}", rfc3339(at)),
    }
}

/// The orders that were erased, newest first; each has a certificate.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<List>,
) -> Result<Page<control::Erasure>, Error> {
    authorize(actor, Act::SeeRetention)?;
    let paging = Paging::of_list(Of::Erasures, list)?;
    let stored = hub.store.list_erasures(tenant, paging.before(), paging.rows()).await?;
    Ok(read_all(paging.page(stored, view, |last| [last.erasure_id.0]))?)
}

/// Says of each order that is not erased, oldest first, whether and when it goes, and why it stays. Changes nothing.
pub async fn preview(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<List>,
) -> Result<Page<ErasurePreview>, Error> {
    authorize(actor, Act::SeeRetention)?;
    let paging = Paging::<1>::of_list(Of::RetentionCandidates, list)?;
    let now = hub.clock(tenant).now();
    let after = match paging.after {
        Some([order_id]) => Id(order_id),
        None => hub.store.find_erase_mark(tenant.tenant_id).await?,
    };
    let end = UnixMs(i64::MAX);
    let found = hub.store.list_candidates(tenant, hub.retention, after, end, paging.limit).await?;
    Ok(Page {
        items: found.orders.iter().map(|candidate| view_candidate(candidate, now)).collect(),
        next_cursor: found.next.map(|last| paging.cursor([last.0])),
    })
}

fn view_candidate(candidate: &Candidate, now: UnixMs) -> ErasurePreview {
    let facts = &candidate.facts;
    ErasurePreview {
        order_id: candidate.order_id.to_string(),
        package_id: candidate.package_id.clone(),
        verdict: match check(facts, now) {
            Ok(()) => ErasureVerdict::Erase,
            Err(Stays::Until(_)) => ErasureVerdict::NotDue,
            Err(Stays::NotEnded) => ErasureVerdict::NotEnded,
            Err(Stays::Held) => ErasureVerdict::Held,
            Err(Stays::TenantHeld) => ErasureVerdict::TenantHeld,
        },
        ended_at: facts.ended_at.map(rfc3339),
        due_at: facts.ended_at.map(|ended_at| rfc3339(due_at(ended_at, facts.rule.days))),
        days: facts.rule.days,
        is_package_rule: facts.rule.is_of_package,
    }
}

fn view(stored: &Erasure) -> Result<control::Erasure, Fault> {
    let certificate = Certificate::read(&stored.certificate)
        .ok_or_else(|| Fault::new(FaultKind::Damaged, "a certificate is not what it must be"))?;
    let rule = match certificate.rule {
        ErasureRule::TenantRetention { .. } => "tenant_retention",
        ErasureRule::PackageRetention { .. } => "package_retention",
        ErasureRule::Hand => "hand",
    };
    Ok(control::Erasure {
        erasure_id: stored.erasure_id.to_string(),
        order_id: stored.order_id.to_string(),
        erased_at: rfc3339(UnixMs(certificate.erased_at_ms)),
        unrecoverable_from: rfc3339(UnixMs(certificate.unrecoverable_from_ms)),
        finished_at: stored.finished_at.map(rfc3339),
        rule: rule.to_owned(),
        reason: stored.reason.clone(),
        counts: certificate.counts,
    })
}
