//! A report on a page: which ones there are, how far each has come, and the frame in which one is read.
//!
//! The frame shows the report's own route, whose answer is sandboxed by its headers; an attribute `sandbox` on the frame would
//! keep browsers from showing a PDF at all (decision 083).

use askama::Template;
use askama::filters::HtmlSafe;
use contract::control::{Report, ReportState};

use super::moment::Reading;
use super::pieces::{Copy, Inline, Tab, Tabs, Text};
use super::states;
use super::words::Words;

/// The reports of an order, one of them open.
#[derive(Debug, Clone, Template)]
#[template(path = "console/report.html")]
pub(super) struct ReportView {
    w: Words,
    tabs: Tabs,
    facts: Vec<Inline>,
    /// Why there is nothing to read, or why care is due.
    note: Option<Text>,
    /// What the report is called.
    name: String,
    /// Where its content is.
    content: Option<String>,
    /// Where the vendor shows it, for a preview link.
    elsewhere: Option<Inline>,
}

impl HtmlSafe for ReportView {}

impl ReportView {
    /// The order's reports with the one of this id open, else the newest that can be read; none without reports. `here` is
    /// the page's address, to which the choice of a report is added.
    pub(super) fn new(
        w: Words,
        order_id: &str,
        reports: &[Report],
        chosen: Option<&str>,
        here: &str,
        reading: &Reading,
    ) -> Option<ReportView> {
        let newest_first = || reports.iter().rev();
        let report = newest_first()
            .find(|report| Some(report.report_id.as_str()) == chosen)
            .or_else(|| newest_first().find(|report| report.has_content()))
            .or_else(|| reports.last())?;
        let tab = |it: &Report| Tab {
            label: it.name.clone().into(),
            count: None,
            href: format!("{here}report={}#report", it.report_id),
            is_current: it.report_id == report.report_id,
        };
        let content = format!("/orders/{order_id}/reports/{}/content", report.report_id);
        Some(ReportView {
            w,
            tabs: Tabs { label: w.t("reports"), tabs: newest_first().map(tab).collect() },
            facts: facts(w, report, reading),
            note: note(w, report),
            name: report.name.clone(),
            content: report.has_content().then_some(content),
            elsewhere: report
                .preview_url
                .as_deref()
                .map(|address| Inline::elsewhere(w.t("report-open-there"), address)),
        })
    }
}

fn facts(w: Words, report: &Report, reading: &Reading) -> Vec<Inline> {
    let mut facts = vec![
        Inline::Tag(states::report_tag(w, report)),
        Inline::Text(states::report_kind(w, report.kind)),
    ];
    facts.extend(report.size_bytes.map(|bytes| Inline::Text(states::size(bytes).into())));
    let version = report.version.filter(|version| *version > 1);
    facts.extend(version.map(|version| Inline::Text(w.n("report-version", version).into())));
    facts.push(Inline::Moment(reading.moment(&report.created_at)));
    facts.extend(report.sha256.as_deref().map(|hash| Inline::Copy(Copy::of(w, hash))));
    facts
}

fn note(w: Words, report: &Report) -> Option<Text> {
    match report.state {
        ReportState::Pending | ReportState::Fetching if !report.has_content() => {
            Some(w.t("report-pending-why"))
        }
        ReportState::Failed | ReportState::Flagged => {
            report.failure_reason.clone().map(Text::Owned)
        }
        ReportState::Linked => Some(w.t("report-linked-why")),
        ReportState::Erased => Some(w.t("report-erased-why")),
        ReportState::Pending | ReportState::Fetching | ReportState::Stored => None,
    }
}
