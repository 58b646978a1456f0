//! The vendor's three calls on an order: progress, result, cancel. Source: contract, section 3.4.

use contract::check::{Cancel, ReportFile, ReportUrlType, UpdateProgress, UpdateResult};
use contract::code::{self, Code};
use contract::envelope::FieldViolation;
use domain::Actor;
use domain::Id;
use outbound::Refusal;
use store::content::{FinalResult, ReportSource, Stage, to_text};
use store::{CommandResult, NewReport, OrderCommand, Request};

use super::{CallError, Vendor};
use crate::Hub;

/// Records a stage of an order, with its interim reports.
///
/// Refuses with `illegal order status` (1002858), `order not exist` (1002862), `Parameter error` (1002002)
/// for a stage_id that is taken or a stage_time that does not increase. Source: contract, section 3.4.1.
pub async fn update_progress(
    hub: &Hub,
    vendor: &Vendor,
    log_id: &str,
    body: &[u8],
) -> Result<(), CallError> {
    let progress = UpdateProgress::decode(body)?;
    check_reports(hub, &progress.report_file_list)?;
    let mut canonical = Vec::with_capacity(256);
    progress.canonical(&mut canonical);
    let content = Stage {
        stage_id: progress.stage_id.clone(),
        stage_name: progress.stage_name,
        stage_en_name: progress.stage_en_name,
        stage_time_ms: progress.stage_time,
        result: progress.result,
        operator_role: progress.operator_role.number(),
    };
    let request = Request::Progress {
        stage_id: progress.stage_id,
        stage_time_ms: progress.stage_time,
        canonical,
        content: to_text(&content),
        reports: reports(progress.report_file_list, log_id),
    };
    command(hub, vendor, &progress.background_check_id, request, &code::SYSTEM_ERROR).await
}

/// Records the final result of an order and its reports: the order is completed, or waits for review.
///
/// Refuses with `illegal order status` (1002858), `order not exist` (1002862), `being approved` (1002863).
/// Source: contract, section 3.4.2.
pub async fn update_result(
    hub: &Hub,
    vendor: &Vendor,
    log_id: &str,
    body: &[u8],
) -> Result<(), CallError> {
    let result = UpdateResult::decode(body)?;
    check_reports(hub, &result.report_file_list)?;
    let mut canonical = Vec::with_capacity(256);
    result.canonical(&mut canonical);
    let content = FinalResult {
        result: result.result,
        result_time_ms: result.result_time,
        operator_role: result.operator_role.number(),
    };
    let request = Request::Result {
        canonical,
        content: to_text(&content),
        reports: reports(result.report_file_list, log_id),
    };
    command(hub, vendor, &result.background_check_id, request, &code::SYSTEM_ERROR).await
}

/// Ends an order from the vendor's side.
///
/// Refuses with `order not exist` (1002862), `illegal order status` (1002858). Source: contract, section 3.4.3.
pub async fn cancel(hub: &Hub, vendor: &Vendor, body: &[u8]) -> Result<(), CallError> {
    let cancel = Cancel::decode(body)?;
    let fault = &code::SYSTEM_ERROR_BARE;
    command(hub, vendor, &cancel.background_check_id, Request::Cancel, fault).await
}

/// Gives a command of the vendor to the order desk; `fault` is the row that the call documents for ours.
async fn command(
    hub: &Hub,
    vendor: &Vendor,
    background_check_id: &str,
    request: Request,
    fault: &'static Code,
) -> Result<(), CallError> {
    // A text that is no id names no order.
    let order_id: Id =
        background_check_id.parse().map_err(|_| CallError::Refused(&code::ORDER_NOT_EXIST))?;
    let command = OrderCommand {
        tenant: vendor.tenant.clone(),
        order_id,
        at: hub.installation_clock.now(),
        actor: Actor::vendor(vendor.app.app_id),
        request,
        idempotency: None,
    };
    match hub.store.command(command).await {
        Ok(CommandResult::Accepted(_)) => Ok(()),
        Ok(CommandResult::Refused(refusal)) => Err(refusal.into()),
        Ok(CommandResult::KeyTaken) => unreachable!("the vendor's wire has no idempotency keys"),
        Err(error) => Err(CallError::Fault(fault, error)),
    }
}

/// Refuses literal addresses that are not public, this machine by name, and ports that are not called; other names are
/// checked when they are fetched from. A link that is shown is checked alike: the hirer's people follow it from inside.
fn check_reports(hub: &Hub, reports: &[ReportFile]) -> Result<(), CallError> {
    let expected = |report: &ReportFile| match hub.outbound.check(&report.url) {
        Ok(_) => None,
        // A name of one label may be anybody's; the documentation's own sample has one.
        Err(Refusal::InnerName) if !is_localhost(&report.url) => None,
        Err(Refusal::Port) => Some("expected port 80, 443 or 8443, or one that the server allows"),
        Err(_) => Some("expected a public http or https address"),
    };
    let violation = |(index, report)| {
        expected(report).map(|expected| FieldViolation {
            field: format!("report_file_list[{index}].report_url"),
            value: None,
            description: expected.to_owned(),
        })
    };
    let violations: Vec<_> = reports.iter().enumerate().filter_map(violation).collect();
    match violations.is_empty() {
        true => Ok(()),
        false => Err(CallError::Field(&code::FIELD_VALIDATION_FAILED, violations)),
    }
}

/// Whether the host is `localhost`, or below it.
fn is_localhost(url: &str) -> bool {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.as_deref().map(|host| host.strip_suffix('.').unwrap_or(host));
    host.is_some_and(|host| host == "localhost" || host.ends_with(".localhost"))
}

/// The reports as they are stored; `log_id` names the call that brings them.
fn reports(files: Vec<ReportFile>, log_id: &str) -> Vec<NewReport> {
    let report = |file: ReportFile| NewReport {
        is_preview: file.url_type == ReportUrlType::Preview,
        content: to_text(&ReportSource {
            name: file.name,
            url: file.url,
            log_id: Some(log_id.to_owned()),
        }),
    };
    files.into_iter().map(report).collect()
}
