//! Pages that ask once more before something that cannot be undone.

use askama::Template;
use hub::orders::ShownOrder;

use super::frame::Frame;
use super::lines::href;
use super::pieces::{Confirm, Field, FieldKind, Head, Inline, Look, Text};
use super::states;
use super::words::Words;

/// Most characters of a reason.
const REASON_CHARS_MAX: usize = 2_000;

/// What is asked about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Terminate,
    Withdraw,
}

/// The page.
#[derive(Template)]
#[template(path = "console/confirm.html")]
pub(super) struct ConfirmPage {
    frame: Frame,
    head: Head,
    confirm: Confirm,
}

impl Question {
    pub(super) fn title(self, w: Words) -> Text {
        match self {
            Question::Terminate => w.t("terminate"),
            Question::Withdraw => w.t("withdraw"),
        }
    }
}

impl ConfirmPage {
    /// `typed` is a reason that was sent and is missing or too long.
    pub(super) fn new(
        frame: Frame,
        question: Question,
        shown: &ShownOrder,
        typed: Option<&str>,
    ) -> ConfirmPage {
        let (w, order) = (frame.w, &shown.order);
        let page = href(&order.order_id);
        let package = order.form.package.as_ref().map(|package| package.name.clone());
        let package = package.unwrap_or_else(|| order.package_id.clone());
        let vendor = shown.vendor.clone().unwrap_or_default();
        let (what, text, fields, look) = match question {
            Question::Terminate => {
                ("terminate", w.t("terminate-why"), vec![reason(w, typed)], Look::Danger)
            }
            Question::Withdraw => ("withdraw", w.t("withdraw-why"), Vec::new(), Look::Plain),
        };
        ConfirmPage {
            head: Head {
                crumb: Some((order.candidate_info.name.clone().into(), page.clone())),
                title: frame.title.clone(),
                tag: Some(states::order_tag(w, order.state)),
                notes: vec![Inline::Text(package.into()), Inline::Text(vendor.into())],
                actions: Vec::new(),
                more: None,
            },
            confirm: Confirm {
                action: format!("{page}/{what}"),
                text,
                fields,
                button: question.title(w),
                look,
                back: (w.t("back"), page),
            },
            frame,
        }
    }
}

fn reason(w: Words, typed: Option<&str>) -> Field {
    Field {
        hint: w.t("terminate-reason-hint"),
        error: typed.map_or("".into(), |_| w.t("reason-is-missing-here")),
        value: typed.unwrap_or_default().to_owned(),
        chars_max: REASON_CHARS_MAX,
        is_first: true,
        ..Field::new(w, "reason", w.t("terminate-reason"), FieldKind::Area)
    }
}
