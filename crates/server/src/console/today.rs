//! Today: what waits for this person, and nothing else.

use askama::Template;
use hub::orders::ShownLine;

use super::frame::Frame;
use super::lines::{self, Names};
use super::moment::Reading;
use super::pieces::{Action, Empty, Head, Look, Table, To};

/// Reports that wait that are shown; the review desk has them all.
pub(super) const WAITING_SHOWN: usize = 10;
/// How long an order of one's own counts as moved: three days.
pub(super) const MOVED_MS: i64 = 3 * 86_400_000;

/// The page.
#[derive(Template)]
#[template(path = "console/today.html")]
pub(super) struct Today {
    frame: Frame,
    head: Head,
    waiting: Option<Table>,
    /// How many wait beside those that are shown, in words.
    more: Option<String>,
    moved: Option<Table>,
    empty: Option<Empty>,
}

impl Today {
    pub(super) fn new(
        frame: Frame,
        waiting: &[ShownLine],
        moved: &[ShownLine],
        names: &Names,
        reading: &Reading,
    ) -> Today {
        let w = frame.w;
        let shown = &waiting[..waiting.len().min(WAITING_SHOWN)];
        let table = |caption, lines: &[ShownLine]| {
            (!lines.is_empty()).then(|| lines::table(w, caption, lines, names, reading))
        };
        let more = waiting.len() > shown.len();
        let is_empty = waiting.is_empty() && moved.is_empty();
        Today {
            head: Head {
                crumb: None,
                title: frame.title.clone(),
                tag: None,
                notes: Vec::new(),
                actions: Vec::new(),
                more: None,
            },
            waiting: table(w.t("today-waiting"), shown),
            more: more.then(|| w.n("today-more", waiting.len() - shown.len())),
            moved: table(w.t("today-moved"), moved),
            empty: is_empty.then(|| empty(&frame)),
            frame,
        }
    }
}

fn empty(frame: &Frame) -> Empty {
    let w = frame.w;
    let to_orders = || Action {
        label: w.t("see-orders"),
        to: To::Page("/orders".to_owned()),
        look: Look::Plain,
    };
    Empty {
        icon: "rest",
        title: w.t("today-empty"),
        text: w.t("today-empty-why"),
        actions: if frame.may_list() { vec![to_orders()] } else { Vec::new() },
    }
}
