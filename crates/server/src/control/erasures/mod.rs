//! How long orders are stored, what holds them, and how they are erased.

pub(super) mod erase;
pub(super) mod holds;
pub(super) mod list;
pub(super) mod preview;
pub(super) mod retention;

use contract::control;
use contract::evidence::{Certificate, ErasureRule};
use domain::UnixMs;
use store::erasing::Erasure;
use store::{Fault, FaultKind};

use hub::instant::rfc3339;

/// An erasure as the API shows it.
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
