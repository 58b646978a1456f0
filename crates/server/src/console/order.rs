//! One order: where it stands, what came, whom it is about, and what happened.

use askama::Template;
use contract::control::{
    CandidateInfo, Delivery, Event, FieldValue, Mobile, Order, OrderState, ReportView as View,
    TimelineAction, TimelineEntry,
};
use contract::field::I18n;
use domain::{Act, Roles};
use hub::orders::ShownOrder;

use super::frame::Frame;
use super::lines::{Names, href};
use super::moment::Reading;
use super::pieces::{
    Action, Copy, Empty, Head, Inline, Log, LogEntry, Look, Menu, Notice, Pairs, Step, Tab, Tabs,
    Text, Timeline, To, Tone,
};
use super::report::ReportView;
use super::states;
use super::words::{Language, Words};

/// A part of the page below the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Part {
    #[default]
    Timeline,
    Sent,
    Deliveries,
    Views,
    Evidence,
}

impl Part {
    const ALL: [Part; 5] =
        [Part::Timeline, Part::Sent, Part::Deliveries, Part::Views, Part::Evidence];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Part::Timeline => "timeline",
            Part::Sent => "sent",
            Part::Deliveries => "deliveries",
            Part::Views => "views",
            Part::Evidence => "evidence",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.as_str() == text)
    }

    fn label(self, w: Words) -> Text {
        match self {
            Part::Timeline => w.t("timeline"),
            Part::Sent => w.t("sent"),
            Part::Deliveries => w.t("deliveries"),
            Part::Views => w.t("views"),
            Part::Evidence => w.t("evidence"),
        }
    }

    /// What somebody must be able to do to see it.
    pub(super) const fn act(self) -> Act {
        match self {
            Part::Timeline | Part::Sent => Act::SeeOrders,
            Part::Deliveries => Act::SeeEvents,
            Part::Views => Act::SeeViews,
            Part::Evidence => Act::SeeManifests,
        }
    }
}

/// What the chosen part holds.
pub(super) enum PartContent {
    Timeline,
    Sent,
    /// Each event with its deliveries.
    Deliveries(Vec<(Event, Vec<Delivery>)>),
    /// The views of each report, by its name.
    Views(Vec<(String, View)>),
    /// The signed manifest, if there is one.
    Evidence(Option<String>),
}

/// The page.
#[derive(Template)]
#[template(path = "console/order.html")]
pub(super) struct OrderPage {
    frame: Frame,
    head: Head,
    w: Words,
    notice: Option<Notice>,
    progress: Timeline,
    facts: Pairs,
    report: Option<ReportView>,
    no_report: Option<Empty>,
    tabs: Tabs,
    log: Option<Log>,
    pairs: Option<Pairs>,
    manifest: Option<String>,
    empty: Option<Text>,
}

/// What is asked of the page.
#[derive(Debug, Default)]
pub(super) struct AskedOrder<'a> {
    pub(super) part: Part,
    pub(super) report: Option<&'a str>,
}

impl OrderPage {
    pub(super) fn new(
        frame: Frame,
        shown: &ShownOrder,
        asked: &AskedOrder<'_>,
        content: PartContent,
        names: &Names,
        reading: &Reading,
    ) -> OrderPage {
        let (w, order) = (frame.w, &shown.order);
        let roles = frame.reader.as_ref().map_or(Roles::NONE, |reader| reader.roles);
        let here = format!("{}?part={}&", href(&order.order_id), asked.part.as_str());
        let maker = Maker { w, shown, names, reading };
        let report =
            ReportView::new(w, &order.order_id, &order.reports, asked.report, &here, reading);
        let mut page = OrderPage {
            head: maker.head(),
            notice: maker.notice(),
            progress: maker.progress(),
            facts: maker.facts(),
            no_report: report.is_none().then(|| no_report(w, order, roles)),
            report,
            tabs: maker.tabs(asked, roles),
            log: None,
            pairs: None,
            manifest: None,
            empty: None,
            w,
            frame,
        };
        page.fill(&maker, content);
        page
    }

    fn fill(&mut self, maker: &Maker<'_>, content: PartContent) {
        let w = self.w;
        let (log, nothing) = match content {
            PartContent::Timeline => (maker.timeline(), w.t("nothing-yet")),
            PartContent::Deliveries(events) => (maker.deliveries(&events), w.t("deliveries-none")),
            PartContent::Views(views) => (maker.views(&views), w.t("views-none")),
            PartContent::Sent => {
                self.pairs = Some(maker.sent());
                return;
            }
            PartContent::Evidence(manifest) => {
                self.empty = manifest.is_none().then(|| w.t("evidence-none"));
                self.manifest = manifest;
                return;
            }
        };
        match log.entries.is_empty() {
            true => self.empty = Some(nothing),
            false => self.log = Some(log),
        }
    }
}

fn no_report(w: Words, order: &Order, roles: Roles) -> Empty {
    let (title, text) = match (order.erased, roles.may(Act::SeeReports)) {
        (true, _) => (w.t("erased"), w.t("order-erased-why")),
        (false, false) => (w.t("report-not-yours"), w.t("report-not-yours-why")),
        (false, true) => (w.t("report-none"), w.t("report-none-why")),
    };
    Empty { icon: "document", title, text, actions: Vec::new() }
}

/// Makes the parts of the page.
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

    fn post(&self, what: &str) -> String {
        format!("{}/{what}", href(&self.order().order_id))
    }

    fn head(&self) -> Head {
        let (w, order) = (self.w, self.order());
        let package = order.form.package.as_ref().map(|package| package.name.clone());
        let package = package.unwrap_or_else(|| order.package_id.clone());
        let who = match order.erased {
            true => w.t("erased").into_owned(),
            false => order.candidate_info.name.clone(),
        };
        let mut notes = Vec::new();
        notes.extend(self.shown.vendor.clone().map(|vendor| Inline::Text(vendor.into())));
        notes.extend(
            self.names
                .get(&self.shown.placed_by)
                .map(|name| Inline::Text(w.of_it("placed-by", name).into())),
        );
        notes.push(Inline::Moment(self.reading.moment(&order.created_at)));
        notes.push(Inline::Copy(Copy::of(w, &order.order_id)));
        let review = format!("/review/{}", order.order_id);
        let decide = |label, look| Action { label, to: To::Page(review.clone()), look };
        let actions = match self.shown.may_decide {
            true => vec![decide(w.t("decide"), Look::Primary)],
            false => Vec::new(),
        };
        Head {
            crumb: Some((w.t("orders"), "/orders".to_owned())),
            title: format!("{who} · {package}"),
            tag: Some(states::order_tag(w, order.state)),
            notes,
            actions,
            more: self.more(),
        }
    }

    fn more(&self) -> Option<Menu> {
        let w = self.w;
        let mut actions = Vec::new();
        if self.shown.may_withdraw {
            let to = To::Page(self.post("withdraw"));
            actions.push(Action { label: w.t("withdraw"), to, look: Look::Plain });
        }
        if self.shown.may_terminate {
            let to = To::Page(self.post("terminate"));
            actions.push(Action { label: w.t("terminate"), to, look: Look::Danger });
        }
        let (label, said) = (w.t("more"), None);
        (!actions.is_empty()).then_some(Menu { label, is_button: true, said, actions })
    }

    /// Where it stands and what comes next, in one sentence.
    fn notice(&self) -> Option<Notice> {
        let (w, order) = (self.w, self.order());
        let last = |wanted: TimelineAction| {
            order.timeline.iter().rev().find(|entry| entry.action == wanted)
        };
        let when = |entry: &TimelineEntry| Inline::Moment(self.reading.moment(&entry.at));
        let mut parts = Vec::new();
        let tone = match order.state {
            OrderState::InReview => {
                parts.push(Inline::Text(w.t("says-in-review")));
                parts.extend(last(TimelineAction::Result).map(when));
                parts.extend(
                    order.conclusion.as_deref().map(|it| Inline::Light(states::light(w, it))),
                );
                parts.push(Inline::Text(match self.shown {
                    ShownOrder { may_decide: true, .. } => w.t("says-may-decide"),
                    ShownOrder { is_barred_by_four_eyes: true, .. } => w.t("says-four-eyes"),
                    _ => w.t("says-waits"),
                }));
                Tone::Waiting
            }
            OrderState::Rejected => {
                let entry = last(TimelineAction::Rejected)?;
                parts.push(Inline::Text(w.of_it("says-rejected", &self.name(&entry.actor)).into()));
                parts.push(when(entry));
                parts.extend(entry.note.clone().map(Inline::Strong));
                Tone::Attention
            }
            OrderState::ReviewWithdrawn => {
                parts.push(Inline::Text(w.t("says-withdrawn")));
                Tone::Attention
            }
            OrderState::Completed => {
                let entry = last(TimelineAction::Approved)?;
                parts.push(Inline::Text(w.of_it("says-approved", &self.name(&entry.actor)).into()));
                parts.push(when(entry));
                parts.extend(entry.note.clone().map(Inline::Strong));
                Tone::Good
            }
            OrderState::Arranged | OrderState::Terminated => return None,
        };
        Some(Notice { tone, parts, list: Vec::new() })
    }

    /// Who did something: a person, the vendor, else the id of a key or job.
    fn name(&self, actor: &str) -> String {
        if actor == self.shown.vendor_id {
            return self.shown.vendor.clone().unwrap_or_else(|| actor.to_owned());
        }
        let known = actor.parse().ok().and_then(|id| self.names.get(&id).cloned());
        known.unwrap_or_else(|| self.w.of_it("key-of-api", actor))
    }

    /// The steps taken, oldest first, and the one that comes next.
    fn progress(&self) -> Timeline {
        let (w, order) = (self.w, self.order());
        let mut steps = Vec::new();
        let mut stages = order.stages.iter();
        let mut results = order.results.iter();
        let last_result = order.timeline.iter().rposition(|it| it.action == TimelineAction::Result);
        for (at, entry) in order.timeline.iter().enumerate() {
            let title = match entry.action {
                TimelineAction::Placed | TimelineAction::Progress => match stages.next() {
                    Some(it) => states::stage(w, &it.stage_name, it.stage_en_name.as_deref()),
                    None => states::action(w, entry.action).into_owned(),
                },
                TimelineAction::Result => match results.next() {
                    Some(result) => w.of_it("step-result", &result.result),
                    None => w.t("did-result").into_owned(),
                },
                action => states::action(w, action).into_owned(),
            };
            let is_last = order.state == OrderState::InReview && Some(at) == last_result;
            let mut notes = vec![Inline::Moment(self.reading.moment(&entry.at))];
            if !matches!(
                entry.action,
                TimelineAction::Placed | TimelineAction::Progress | TimelineAction::Result
            ) {
                notes.push(Inline::Text(self.name(&entry.actor).into()));
            }
            let class = states::action_dot(entry.action, is_last);
            steps.push(Step { class, title, notes, quote: entry.note.clone() });
        }
        steps.extend(next_step(w, order.state));
        Timeline { steps }
    }

    fn facts(&self) -> Pairs {
        let (w, order) = (self.w, self.order());
        let text = |text: &str| Inline::Text(text.to_owned().into());
        let mut pairs = person(w, &order.candidate_info);
        let items: Vec<_> =
            order.form.additional_items.iter().map(|item| text(&item.name)).collect();
        if !items.is_empty() {
            pairs.push((w.t("additional-items"), items));
        }
        if let Some(contact) = &order.client_contact_info {
            let mut parts = vec![text(&contact.name)];
            parts.extend(contact.mobile.as_ref().map(|it| text(&number(it))));
            pairs.push((w.t("client-contact"), parts));
        }
        let application = order.application_id.clone();
        pairs.extend(application.map(|id| (w.t("application"), vec![Inline::Code(id)])));
        if !order.comment.is_empty() {
            pairs.push((w.t("comment"), vec![text(&order.comment)]));
        }
        Pairs { pairs }
    }

    /// Everything that the vendor was sent.
    fn sent(&self) -> Pairs {
        let (w, order) = (self.w, self.order());
        let mut pairs =
            vec![(w.t("candidate"), vec![Inline::Text(order.candidate_info.name.clone().into())])];
        pairs.extend(self.facts().pairs);
        let code = order.location_code.clone();
        pairs.extend(code.map(|code| (w.t("location"), vec![Inline::Code(code)])));
        for FieldValue { key, value } in &order.custom_field_list {
            let field = order.form.fields.iter().find(|field| field.key == *key);
            let label = field.map_or_else(|| key.clone(), |field| i18n(w, &field.name));
            let options = field.map_or(&[][..], |field| &field.options);
            let option = options.iter().find(|option| option.key == *value);
            let value = option.map_or_else(|| value.clone(), |option| i18n(w, &option.name));
            pairs.push((label.into(), vec![Inline::Text(value.into())]));
        }
        Pairs { pairs }
    }

    fn tabs(&self, asked: &AskedOrder<'_>, roles: Roles) -> Tabs {
        let parts = Part::ALL.into_iter().filter(|part| roles.may(part.act()));
        let report = asked.report.and_then(|report| report.parse::<u64>().ok());
        let report = report.map(|report| format!("&report={report}")).unwrap_or_default();
        let tab = |part: Part| Tab {
            label: part.label(self.w),
            count: None,
            href: format!("{}?part={}{report}#parts", href(&self.order().order_id), part.as_str()),
            is_current: part == asked.part,
        };
        Tabs { label: self.w.t("parts"), tabs: parts.map(tab).collect() }
    }

    /// The flight recorder, newest first.
    fn timeline(&self) -> Log {
        let w = self.w;
        let entry = |entry: &TimelineEntry| {
            let mut notes = vec![Inline::Text(self.name(&entry.actor).into())];
            notes.extend(entry.rule.clone().map(Inline::Code));
            let moved = entry.from_state != Some(entry.to_state);
            LogEntry {
                at: self.reading.moment(&entry.at),
                title: states::action(w, entry.action),
                notes,
                quote: entry.note.clone(),
                tag: moved.then(|| states::order_tag(w, entry.to_state)),
            }
        };
        Log { entries: self.order().timeline.iter().rev().map(entry).collect() }
    }

    fn deliveries(&self, events: &[(Event, Vec<Delivery>)]) -> Log {
        let w = self.w;
        let mut entries = Vec::new();
        for (event, deliveries) in events {
            for delivery in deliveries {
                for attempt in delivery.attempts.iter().rev() {
                    let mut notes = vec![Inline::Text(w.n("attempt", attempt.attempt).into())];
                    notes.push(Inline::Text(attempt.outcome.clone().into()));
                    notes.extend(attempt.http_status.map(|it| Inline::Code(format!("HTTP {it}"))));
                    notes.push(Inline::Text(format!("{} ms", attempt.took_ms).into()));
                    entries.push(LogEntry {
                        at: self.reading.moment(&attempt.at),
                        title: states::event(w, &event.event_type),
                        notes,
                        quote: attempt.response_excerpt.clone(),
                        tag: None,
                    });
                }
                let mut notes = vec![Inline::Code(event.event_type.clone())];
                notes.push(Inline::Copy(Copy::of(w, &event.event_id)));
                notes.extend(delivery.hold_reason.clone().map(|why| Inline::Text(why.into())));
                entries.push(LogEntry {
                    at: self.reading.moment(&event.created_at),
                    title: states::event(w, &event.event_type),
                    notes,
                    quote: None,
                    tag: Some(states::delivery_tag(w, delivery.state)),
                });
            }
        }
        Log { entries }
    }

    fn views(&self, views: &[(String, View)]) -> Log {
        let w = self.w;
        let entry = |(report, view): &(String, View)| {
            let who = match (view.user_id.as_ref().or(view.key_id.as_ref()), &view.app_id) {
                (Some(id), _) => self.name(id),
                (None, Some(app_id)) => w.of_it("link-of-app", app_id),
                (None, None) => w.t("link-of-somebody").into_owned(),
            };
            let mut notes = vec![Inline::Text(report.clone().into())];
            notes.push(Inline::Text(w.n("report-version", view.version).into()));
            notes.extend(view.address.clone().map(Inline::Code));
            notes.extend(view.range.clone().map(Inline::Code));
            let at = self.reading.moment(&view.at);
            LogEntry { at, title: who.into(), notes, quote: None, tag: None }
        };
        Log { entries: views.iter().map(entry).collect() }
    }
}

fn next_step(w: Words, state: OrderState) -> Option<Step> {
    let title = match state {
        OrderState::Arranged => w.t("next-result"),
        OrderState::InReview => w.t("next-review"),
        OrderState::Rejected | OrderState::ReviewWithdrawn => w.t("next-corrected"),
        OrderState::Completed | OrderState::Terminated => return None,
    };
    Some(Step { class: "step-open", title: title.into_owned(), notes: Vec::new(), quote: None })
}

fn person(w: Words, candidate: &CandidateInfo) -> Vec<(Text, Vec<Inline>)> {
    let text = |text: String| vec![Inline::Text(text.into())];
    let mut pairs = Vec::new();
    pairs.extend(candidate.mobile.as_ref().map(|it| (w.t("mobile"), text(number(it)))));
    pairs.extend(candidate.email.clone().map(|it| (w.t("email"), text(it))));
    pairs
}

fn number(mobile: &Mobile) -> String {
    format!("+{} {}", mobile.code, mobile.number)
}

/// A text of the vendor's in the reader's language, else in the other one.
fn i18n(w: Words, text: &I18n) -> String {
    let english = text.en_us.clone().filter(|_| w.language == Language::English);
    english.or_else(|| text.any().map(str::to_owned)).unwrap_or_default()
}
