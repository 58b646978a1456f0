//! The review desk: what waits on the left, longest first; the report and the decision on the right.

use askama::Template;
use contract::control::{Order, TimelineAction};
use hub::orders::{ShownLine, ShownOrder};

use super::frame::Frame;
use super::lines::{Names, href};
use super::moment::Reading;
use super::pieces::{Action, Copy, Empty, Field, FieldKind, Head, Inline, Look, Notice, To, Tone};
use super::report::ReportView;
use super::states;
use super::words::Words;

/// Most characters of a comment or reason.
const WORDS_CHARS_MAX: usize = 2_000;

/// A report that waits.
pub(super) struct Waiting {
    href: String,
    name: String,
    second: String,
    light: Option<Inline>,
    since: String,
    is_current: bool,
}

/// The one that is looked at.
pub(super) struct Opened {
    name: String,
    line: Vec<Inline>,
    notice: Option<Notice>,
    report: Option<ReportView>,
    no_report: Option<Empty>,
    decision: Option<Decision>,
}

/// The form of a decision.
pub(super) struct Decision {
    words: Field,
    reasons: Vec<(String, String)>,
    approve: String,
    reject: String,
    withdraw: String,
    /// The result that the decision is about.
    result_number: u32,
}

/// What was typed, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) words: String,
    /// Whether a reason is missing.
    pub(super) lacks_reason: bool,
    /// Whether somebody else decided first, or the result is not the newest any more.
    pub(super) is_late: bool,
}

/// What waits.
pub(super) struct Waits<'a> {
    pub(super) lines: &'a [ShownLine],
    /// Whether there is more than that.
    pub(super) has_more: bool,
    /// The tenant's reasons, by name and text; without any there are some usual ones.
    pub(super) reasons: Vec<(String, String)>,
}

/// The page.
#[derive(Template)]
#[template(path = "console/review.html")]
pub(super) struct ReviewPage {
    frame: Frame,
    head: Head,
    waiting: Vec<Waiting>,
    opened: Option<Opened>,
    empty: Option<Empty>,
}

impl ReviewPage {
    /// `shown` is what is looked at, of which `report` is chosen.
    pub(super) fn new(
        frame: Frame,
        waits: Waits<'_>,
        shown: Option<&ShownOrder>,
        report: Option<&str>,
        typed: Typed,
        names: &Names,
        reading: &Reading,
    ) -> ReviewPage {
        let (w, Waits { lines, has_more, reasons }) = (frame.w, waits);
        let current = shown.map(|shown| shown.order.order_id.as_str());
        let waiting = lines.iter().map(|line| entry(w, line, current, reading)).collect::<Vec<_>>();
        let opened = shown.map(|shown| {
            let maker = Maker { w, shown, names, reading };
            maker.opened(report, typed, reasons)
        });
        ReviewPage {
            head: head(w, &frame.title, lines, has_more, reading),
            empty: opened.is_none().then(|| empty(w)),
            waiting,
            opened,
            frame,
        }
    }
}

fn head(w: Words, title: &str, lines: &[ShownLine], has_more: bool, reading: &Reading) -> Head {
    let mut notes = Vec::new();
    if let Some(first) = lines.first() {
        let count = match has_more {
            true => w.n("review-waiting-more", lines.len()),
            false => w.n("review-waiting", lines.len()),
        };
        notes.push(Inline::Text(count.into()));
        let longest = reading.since(waits_since(first));
        notes.push(Inline::Text(w.of_it("review-longest", &longest).into()));
        notes.push(Inline::Keys(vec!["j", "k"], w.t("keys-step")));
    }
    Head { crumb: None, title: title.to_owned(), tag: None, notes, actions: Vec::new(), more: None }
}

fn waits_since(line: &ShownLine) -> &str {
    line.inner.as_ref().map_or(&line.summary.updated_at, |inner| &inner.waits_since)
}

fn entry(w: Words, line: &ShownLine, current: Option<&str>, reading: &Reading) -> Waiting {
    let order_id = &line.summary.order_id;
    let inner = line.inner.as_ref();
    let package = line.package.as_ref().unwrap_or(&line.summary.package_id).clone();
    let mut second: Vec<String> = std::iter::once(package).chain(line.vendor.clone()).collect();
    let again = inner.map_or(0, |inner| inner.result_count);
    if again > 1 {
        second.push(w.n("result-number", again));
    }
    let light = inner.and_then(|inner| inner.conclusion.as_deref());
    Waiting {
        href: format!("/review/{order_id}"),
        name: inner.map_or_else(|| order_id.clone(), |inner| inner.name.clone()),
        second: second.join(" · "),
        light: light.map(|word| Inline::Light(states::light(w, word))),
        since: reading.since(waits_since(line)),
        is_current: current == Some(order_id),
    }
}

fn empty(w: Words) -> Empty {
    let to = To::Page("/orders".to_owned());
    Empty {
        icon: "rest",
        title: w.t("review-empty"),
        text: w.t("review-empty-why"),
        actions: vec![Action { label: w.t("see-orders"), to, look: Look::Plain }],
    }
}

struct Maker<'a> {
    w: Words,
    shown: &'a ShownOrder,
    names: &'a Names,
    reading: &'a Reading,
}

impl Maker<'_> {
    fn order(&self) -> &Order {
        &self.shown.order
    }

    fn opened(&self, report: Option<&str>, typed: Typed, reasons: Vec<(String, String)>) -> Opened {
        let (w, order) = (self.w, self.order());
        let here = format!("/review/{}?", order.order_id);
        let reports = &order.reports;
        let report = ReportView::new(w, &order.order_id, reports, report, &here, self.reading);
        let none = || Empty {
            icon: "document",
            title: w.t("report-none"),
            text: w.t("report-none-why"),
            actions: Vec::new(),
        };
        Opened {
            name: order.candidate_info.name.clone(),
            line: self.line(),
            notice: self.notice(&typed),
            no_report: report.is_none().then(none),
            report,
            decision: (self.shown.may_decide || !typed.words.is_empty())
                .then(|| self.decision(typed, reasons)),
        }
    }

    fn line(&self) -> Vec<Inline> {
        let (w, order) = (self.w, self.order());
        let mut line = vec![Inline::Tag(states::order_tag(w, order.state))];
        let conclusion = order.conclusion.as_deref();
        line.extend(conclusion.map(|word| Inline::Light(states::light(w, word))));
        line.push(Inline::Link(w.t("whole-order"), href(&order.order_id)));
        line.push(Inline::Copy(Copy::of(w, &order.order_id)));
        line
    }

    fn notice(&self, typed: &Typed) -> Option<Notice> {
        let w = self.w;
        let mut parts = Vec::new();
        let tone = match self.shown {
            _ if typed.lacks_reason => return None,
            ShownOrder { is_barred_by_four_eyes: true, .. } => {
                parts.push(Inline::Text(w.t("says-four-eyes")));
                Tone::Waiting
            }
            ShownOrder { may_decide: true, .. } if typed.is_late => {
                parts.push(Inline::Text(w.t("newer-result")));
                Tone::Attention
            }
            ShownOrder { may_decide: true, .. } => return None,
            _ if !typed.is_late => {
                parts.extend(self.first_decision());
                Tone::UnderWay
            }
            _ => {
                parts.extend(self.first_decision());
                if !typed.words.is_empty() {
                    parts.push(Inline::Text(w.t("your-words-are-here")));
                }
                Tone::Attention
            }
        };
        Some(Notice { tone, parts, list: Vec::new() })
    }

    /// What somebody decided before.
    fn first_decision(&self) -> Vec<Inline> {
        let (w, order) = (self.w, self.order());
        let Some(entry) = order.timeline.last() else { return Vec::new() };
        let known = entry.actor.parse().ok().and_then(|id| self.names.get(&id).cloned());
        let name = &known.unwrap_or_else(|| w.of_it("key-of-api", &entry.actor));
        let said = match entry.action {
            TimelineAction::Approved => w.of_it("says-approved", name),
            TimelineAction::Rejected => w.of_it("says-rejected", name),
            TimelineAction::Withdrawn => w.of_it("says-withdrawn-by", name),
            action => states::action(w, action).into_owned(),
        };
        let mut parts = vec![Inline::Text(said.into())];
        parts.push(Inline::Moment(self.reading.moment(&entry.at)));
        parts.extend(entry.note.clone().map(Inline::Strong));
        parts
    }

    fn decision(&self, typed: Typed, mut reasons: Vec<(String, String)>) -> Decision {
        let (w, order) = (self.w, self.order());
        let to = |what: &str| format!("/review/{}/{what}", order.order_id);
        let mut words = Field {
            value: typed.words,
            is_required: false,
            says_optional: false,
            chars_max: WORDS_CHARS_MAX,
            ..Field::new(w, "words", w.t("words-of-decision"), FieldKind::Area)
        };
        if typed.lacks_reason {
            words.error = w.t("reason-is-missing");
            words.is_first = true;
        }
        if reasons.is_empty() {
            let usual = ["reason-1", "reason-2", "reason-3"].map(|key| w.t(key).into_owned());
            reasons = usual.map(|text| (text.clone(), text)).into();
        }
        Decision {
            words,
            reasons,
            approve: to("approve"),
            reject: to("reject"),
            withdraw: to("withdraw"),
            result_number: order.results.last().map_or(0, |result| result.number),
        }
    }
}
