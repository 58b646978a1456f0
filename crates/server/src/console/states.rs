//! What states, steps and rules are called, and what they mean to the reader.

use contract::control::{
    DeliveryState, OrderState, Report, ReportKind, ReportState, TimelineAction,
};

use super::pieces::{Light, Tag, Text, Tone};
use super::words::{Language, Words};

/// Where an order stands.
pub(super) fn order_tag(w: Words, state: OrderState) -> Tag {
    let tone = match state {
        OrderState::Arranged => Tone::UnderWay,
        OrderState::InReview => Tone::Waiting,
        OrderState::ReviewWithdrawn | OrderState::Rejected => Tone::Attention,
        OrderState::Completed => Tone::Good,
        OrderState::Terminated => Tone::Ended,
    };
    Tag::new(tone, order_state(w, state))
}

pub(super) fn order_state(w: Words, state: OrderState) -> Text {
    match state {
        OrderState::Arranged => w.t("state-arranged"),
        OrderState::InReview => w.t("state-in-review"),
        OrderState::ReviewWithdrawn => w.t("state-review-withdrawn"),
        OrderState::Rejected => w.t("state-rejected"),
        OrderState::Completed => w.t("state-completed"),
        OrderState::Terminated => w.t("state-terminated"),
    }
}

/// What was done to an order.
pub(super) fn action(w: Words, action: TimelineAction) -> Text {
    match action {
        TimelineAction::Placed => w.t("did-placed"),
        TimelineAction::Progress => w.t("did-progress"),
        TimelineAction::Result => w.t("did-result"),
        TimelineAction::Canceled => w.t("did-canceled"),
        TimelineAction::Terminated => w.t("did-terminated"),
        TimelineAction::Approved => w.t("did-approved"),
        TimelineAction::Rejected => w.t("did-rejected"),
        TimelineAction::Withdrawn => w.t("did-withdrawn"),
        TimelineAction::ReviewOverdue => w.t("did-review-overdue"),
    }
}

/// The dot of an action in a timeline.
pub(super) fn action_dot(action: TimelineAction, is_last: bool) -> &'static str {
    match action {
        TimelineAction::Result if is_last => "step-waiting",
        TimelineAction::Rejected | TimelineAction::Withdrawn | TimelineAction::ReviewOverdue => {
            "step-attention"
        }
        TimelineAction::Canceled | TimelineAction::Terminated => "step-ended",
        _ => "",
    }
}

/// A stage in the vendor's words, in the reader's language where the vendor says it.
pub(super) fn stage(w: Words, name: &str, english: Option<&str>) -> String {
    match (w.language, english) {
        (Language::English, Some(english)) if !english.is_empty() => english.to_owned(),
        _ => name.to_owned(),
    }
}

/// What the vendor concluded.
pub(super) fn light(w: Words, word: &str) -> Light {
    Light { whose: w.t("conclusion-of-vendor"), word: word.to_owned() }
}

pub(super) fn report_kind(w: Words, kind: ReportKind) -> Text {
    match kind {
        ReportKind::Stage => w.t("report-stage"),
        ReportKind::Final => w.t("report-final"),
    }
}

/// How far a report has come.
pub(super) fn report_tag(w: Words, report: &Report) -> Tag {
    match report.state {
        ReportState::Pending | ReportState::Fetching => {
            Tag::new(Tone::UnderWay, w.t("report-pending"))
        }
        ReportState::Stored => Tag::new(Tone::Good, w.t("report-stored")),
        ReportState::Flagged => Tag::new(Tone::Attention, w.t("report-flagged")),
        ReportState::Failed => Tag::new(Tone::Attention, w.t("report-failed")),
        ReportState::Linked => Tag::new(Tone::UnderWay, w.t("report-linked")),
        ReportState::Erased => Tag::new(Tone::Ended, w.t("erased")),
    }
}

pub(super) fn delivery_tag(w: Words, state: DeliveryState) -> Tag {
    match state {
        DeliveryState::Held => Tag::new(Tone::Waiting, w.t("delivery-held")),
        DeliveryState::Due => Tag::new(Tone::UnderWay, w.t("delivery-due")),
        DeliveryState::Delivered => Tag::new(Tone::Good, w.t("delivery-delivered")),
        DeliveryState::Exhausted => Tag::new(Tone::Attention, w.t("delivery-exhausted")),
        DeliveryState::Paused => Tag::new(Tone::Attention, w.t("delivery-paused")),
    }
}

/// What an event tells; its type where it has no name here.
pub(super) fn event(w: Words, event_type: &str) -> Text {
    match event_type {
        "hire.eco_account.created_v1" => w.t("event-account"),
        "hire.eco_background_check.created_v1" => w.t("event-placed"),
        "hire.eco_background_check.canceled_v1" => w.t("event-terminated"),
        other => other.to_owned().into(),
    }
}

/// Bytes as a reader takes them in.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 2] = [("MB", 1_048_576), ("KB", 1_024)];
    for (unit, of) in UNITS {
        if bytes >= of {
            let tenths = u128::from(bytes) * 10 / u128::from(of);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        for (bytes, expected) in
            [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KB"), (1_258_291, "1.1 MB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn a_stage_is_in_the_readers_language_where_the_vendor_says_it() {
        let english = Words::of(Language::English);
        assert_eq!(stage(english, "学历核验", Some("Degree")), "Degree");
        assert_eq!(stage(english, "学历核验", None), "学历核验");
        assert_eq!(stage(Words::default(), "学历核验", Some("Degree")), "学历核验");
    }
}
