//! Orders as the API shows them.

use contract::control::{
    CandidateInfo, ClientContactInfo, Mobile, Order, OrderResult, OrderState, OrderSummary,
    OrderedForm, Report, Stage, TimelineAction, TimelineEntry,
};
use domain::order::Rule;
use domain::{Act, Actor, ActorId, UnixMs};
use store::content::{FinalResult, Person};
use store::orders::{self as stored, EntryContent};

use crate::accounts::field_values;
use crate::instant::rfc3339;
use crate::reports;
use crate::text::non_empty;

/// The first stage of every order is the platform's own. Source: product, section 3; contract, section 4.3.
const ARRANGED: (&str, &str) = ("待安排", "arranged");
/// Who acts in the platform's own stage: the administrator.
const ADMINISTRATOR: u32 = 2;

pub(super) fn summary(stored: &stored::OrderSummary) -> OrderSummary {
    let state = OrderState::from(stored.state);
    OrderSummary {
        order_id: stored.order_id.to_string(),
        app_id: stored.app_id.to_string(),
        account_id: stored.account_id.to_string(),
        package_id: stored.package_id.clone(),
        placed_by: stored.placed_by.to_string(),
        state,
        order_status: state.order_status(),
        waiting_since: None,
        review_overdue: false,
        created_at: rfc3339(stored.placed_at),
        updated_at: rfc3339(stored.updated_at),
        ended_at: stored.ended_at.map(rfc3339),
        erased: stored.is_erased,
    }
}

/// How much of an order somebody sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) may_see_reports: bool,
    /// Whose own words are shown to it.
    viewer: ActorId,
}

impl Sight {
    pub(super) fn of(actor: &Actor) -> Sight {
        Sight { may_see_reports: actor.roles.may(Act::SeeReports), viewer: actor.id }
    }

    /// Whether the words of an entry are shown: a reason or comment may speak of a result or report.
    fn shows_words_of(self, entry: &stored::TimelineEntry) -> bool {
        self.may_see_reports || entry.actor == self.viewer
    }
}

/// One order; the vendor's results and reports, and what was said of them, only for viewers who may see reports.
pub(super) fn order(stored: &stored::Order, ordered: OrderedForm, sight: Sight) -> Order {
    let may_see_reports = sight.may_see_reports;
    let summary = summary(&stored.summary);
    let form = &stored.form;
    let mut stages = vec![arranged(summary.created_at.clone())];
    let mut results = Vec::new();
    for entry in &stored.timeline {
        match &entry.content {
            EntryContent::Stage(stored) => stages.push(Stage {
                stage_id: Some(stored.stage_id.clone()),
                stage_name: stored.stage_name.clone(),
                stage_en_name: stored.stage_en_name.clone(),
                stage_time: rfc3339(UnixMs(stored.stage_time_ms)),
                result: stored.result.clone().filter(|_| may_see_reports),
                operator_role: u32::from(stored.operator_role),
                reported_at: rfc3339(entry.at),
            }),
            EntryContent::Result(stored) if may_see_reports => {
                let number = u32::try_from(results.len() + 1).unwrap_or(u32::MAX);
                results.push(result(stored, number, entry.at));
            }
            EntryContent::Result(_) | EntryContent::Comment(_) | EntryContent::Nothing => {}
        }
    }
    let reports: Vec<Report> = match may_see_reports {
        true => stored.reports.iter().map(reports::view).collect(),
        false => Vec::new(),
    };
    Order {
        order_id: summary.order_id,
        account_id: summary.account_id,
        package_id: summary.package_id,
        additional_item_id_list: form.additional_item_ids.clone(),
        state: summary.state,
        order_status: summary.order_status,
        conclusion: results.last().map(|last: &OrderResult| last.result.clone()),
        comment: form.comment.clone(),
        candidate_info: candidate(&form.candidate),
        client_contact_info: contact(&form.client_contact),
        custom_field_list: field_values(&form.custom_fields),
        form: ordered,
        application_id: non_empty(&form.application_id),
        location_code: non_empty(&form.location_code),
        stages,
        results,
        reports,
        timeline: stored.timeline.iter().map(|entry| timeline_entry(entry, sight)).collect(),
        created_at: summary.created_at,
        updated_at: summary.updated_at,
        ended_at: summary.ended_at,
        erased: summary.erased,
    }
}

fn arranged(at: String) -> Stage {
    let (stage_name, stage_en_name) = ARRANGED;
    Stage {
        stage_id: None,
        stage_name: stage_name.to_owned(),
        stage_en_name: Some(stage_en_name.to_owned()),
        stage_time: at.clone(),
        result: None,
        operator_role: ADMINISTRATOR,
        reported_at: at,
    }
}

fn result(stored: &FinalResult, number: u32, at: UnixMs) -> OrderResult {
    OrderResult {
        number,
        result: stored.result.clone(),
        result_time: rfc3339(UnixMs(stored.result_time_ms)),
        operator_role: u32::from(stored.operator_role),
        received_at: rfc3339(at),
    }
}

fn timeline_entry(stored: &stored::TimelineEntry, sight: Sight) -> TimelineEntry {
    TimelineEntry {
        at: rfc3339(stored.at),
        action: match stored.rule {
            Rule::Placed => TimelineAction::Placed,
            Rule::StageReported => TimelineAction::Progress,
            Rule::ResultCompletes | Rule::ResultAwaitsReview => TimelineAction::Result,
            Rule::VendorCanceled => TimelineAction::Canceled,
            Rule::HirerTerminated => TimelineAction::Terminated,
            Rule::ReviewApproved => TimelineAction::Approved,
            Rule::ReviewRejected => TimelineAction::Rejected,
            Rule::ReviewWithdrawn => TimelineAction::Withdrawn,
            Rule::ReviewOverdue => TimelineAction::ReviewOverdue,
        },
        actor: stored.actor.to_string(),
        rule: Some(stored.rule.code().to_owned()),
        note: match &stored.content {
            EntryContent::Comment(words) if sight.shows_words_of(stored) => non_empty(&words.text),
            _ => None,
        },
        from_state: stored.from.map(Into::into),
        to_state: stored.to.into(),
    }
}

fn candidate(stored: &Person) -> CandidateInfo {
    CandidateInfo {
        name: stored.name.clone(),
        mobile: mobile(stored),
        email: non_empty(&stored.email),
        first_name: non_empty(&stored.first_name),
        last_name: non_empty(&stored.last_name),
    }
}

fn contact(stored: &Person) -> Option<ClientContactInfo> {
    let name = non_empty(&stored.name)?;
    Some(ClientContactInfo { name, mobile: mobile(stored), email: non_empty(&stored.email) })
}

fn mobile(stored: &Person) -> Option<Mobile> {
    let number = non_empty(&stored.mobile_number)?;
    Some(Mobile { code: stored.mobile_code.clone(), number })
}
