//! Orders as the API shows them.

use contract::control::{
    CandidateInfo, ClientContactInfo, Mobile, Order, OrderResult, OrderState, OrderSummary,
    OrderedForm, Report, Stage, TimelineAction, TimelineEntry,
};
use domain::order::{Actor, Rule};
use domain::{Act, Id, UnixMs};
use store::content::{FinalResult, Person};
use store::orders::{self as kept, EntryContent};

use crate::control::accounts::field_values;
use crate::control::auth::Caller;
use crate::control::instant::rfc3339;
use crate::control::reports;

/// The first stage of every order is the platform's own. Source: product, section 3; contract, section 4.3.
const ARRANGED: (&str, &str) = ("待安排", "arranged");
/// Who speaks in the platform's own stage: the administrator.
const ADMINISTRATOR: u32 = 2;

/// An order in a list.
pub(super) fn summary(kept: &kept::OrderSummary) -> OrderSummary {
    let state = OrderState::from(kept.state);
    OrderSummary {
        order_id: kept.order_id.to_string(),
        account_id: kept.account_id.to_string(),
        package_id: kept.package_id.clone(),
        state,
        order_status: state.order_status(),
        created_at: rfc3339(kept.order_id.made_at()),
        updated_at: rfc3339(kept.updated_at),
        ended_at: kept.ended_at.map(rfc3339),
        erased: kept.is_erased,
    }
}

/// How much of an order somebody sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    may_see_reports: bool,
    /// By which key: its own words it sees.
    key_id: Id,
}

impl Sight {
    pub(super) fn of(caller: Caller) -> Sight {
        Sight { may_see_reports: caller.may(Act::SeeReports), key_id: caller.key_id }
    }

    /// Whether the words of an entry are seen: a reason or comment may tell of a result or report.
    fn shows_words_of(self, entry: &kept::TimelineEntry) -> bool {
        self.may_see_reports || entry.actor == Actor::Member(self.key_id)
    }
}

/// One order; what the vendor concluded and reported, and what was said of it, only for who may see reports.
pub(super) fn order(kept: &kept::Order, ordered: OrderedForm, sight: Sight) -> Order {
    let may_see_reports = sight.may_see_reports;
    let summary = summary(&kept.summary);
    let form = &kept.form;
    let mut stages = vec![arranged(summary.created_at.clone())];
    let mut results = Vec::new();
    for entry in &kept.timeline {
        match &entry.content {
            EntryContent::Stage(kept) => stages.push(Stage {
                stage_id: Some(kept.stage_id.clone()),
                stage_name: kept.stage_name.clone(),
                stage_en_name: kept.stage_en_name.clone(),
                stage_time: rfc3339(UnixMs(kept.stage_time_ms)),
                result: kept.result.clone().filter(|_| may_see_reports),
                operator_role: u32::from(kept.operator_role),
                reported_at: rfc3339(entry.at),
            }),
            EntryContent::Result(kept) if may_see_reports => results.push(result(kept, entry.at)),
            EntryContent::Result(_) | EntryContent::Comment(_) | EntryContent::Nothing => {}
        }
    }
    let reports: Vec<Report> = match may_see_reports {
        true => kept.reports.iter().map(reports::view).collect(),
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
        application_id: filled(&form.application_id),
        location_code: filled(&form.location_code),
        stages,
        results,
        reports,
        timeline: kept.timeline.iter().map(|entry| timeline_entry(entry, sight)).collect(),
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

fn result(kept: &FinalResult, at: UnixMs) -> OrderResult {
    OrderResult {
        result: kept.result.clone(),
        result_time: rfc3339(UnixMs(kept.result_time_ms)),
        operator_role: u32::from(kept.operator_role),
        received_at: rfc3339(at),
    }
}

fn timeline_entry(kept: &kept::TimelineEntry, sight: Sight) -> TimelineEntry {
    TimelineEntry {
        at: rfc3339(kept.at),
        action: match kept.rule {
            Rule::Placed => TimelineAction::Placed,
            Rule::StageReported => TimelineAction::Progress,
            Rule::ResultCompletes | Rule::ResultAwaitsReview => TimelineAction::Result,
            Rule::VendorCanceled => TimelineAction::Canceled,
            Rule::HirerTerminated => TimelineAction::Terminated,
            Rule::ReviewApproved => TimelineAction::Approved,
            Rule::ReviewRejected => TimelineAction::Rejected,
            Rule::ReviewWithdrawn => TimelineAction::Withdrawn,
        },
        actor: match kept.actor {
            Actor::Vendor(app_id) => app_id.to_string(),
            Actor::Member(key_id) => key_id.to_string(),
        },
        rule: Some(kept.rule.code().to_owned()),
        note: match &kept.content {
            EntryContent::Comment(words) if sight.shows_words_of(kept) => filled(&words.text),
            _ => None,
        },
        from_state: kept.from.map(Into::into),
        to_state: kept.to.into(),
    }
}

fn candidate(kept: &Person) -> CandidateInfo {
    CandidateInfo {
        name: kept.name.clone(),
        mobile: mobile(kept),
        email: filled(&kept.email),
        first_name: filled(&kept.first_name),
        last_name: filled(&kept.last_name),
    }
}

fn contact(kept: &Person) -> Option<ClientContactInfo> {
    let name = filled(&kept.name)?;
    Some(ClientContactInfo { name, mobile: mobile(kept), email: filled(&kept.email) })
}

fn mobile(kept: &Person) -> Option<Mobile> {
    let number = filled(&kept.mobile_number)?;
    Some(Mobile { code: kept.mobile_code.clone(), number })
}

pub(in crate::control) fn filled(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
