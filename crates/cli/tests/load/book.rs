//! The book of what was acknowledged about an order, its comparison with the order as the server shows it, and
//! the journal on disk that says afterwards what happened.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use contract::control::{Order, OrderState, TimelineAction};

use super::wall_clock;

/// One accepted command on an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) action: TimelineAction,
    /// Where the order stands afterwards.
    pub(crate) to: OrderState,
    /// The stage's id, the result, or the reason.
    pub(crate) text: Option<String>,
    /// The names of the reports that came with it.
    pub(crate) reports: Vec<String>,
    /// The stage's time in milliseconds; 0 for others.
    pub(crate) stage_time: i64,
}

impl Entry {
    pub(crate) fn new(action: TimelineAction, to: OrderState, text: Option<String>) -> Entry {
        Entry { action, to, text, reports: Vec::new(), stage_time: 0 }
    }

    /// The rule's number in the store: its place in `domain::order::Rule::ALL`.
    pub(crate) fn rule(&self) -> i64 {
        match self.action {
            TimelineAction::Placed => 0,
            TimelineAction::Progress => 1,
            TimelineAction::Result if self.to == OrderState::Completed => 2,
            TimelineAction::Result => 3,
            TimelineAction::Canceled => 4,
            TimelineAction::Terminated => 5,
            TimelineAction::Approved => 6,
            TimelineAction::Rejected => 7,
            TimelineAction::Withdrawn => 8,
            TimelineAction::ReviewOverdue => 9,
        }
    }
}

/// An order as far as its client knows.
#[derive(Debug, Clone)]
pub(crate) struct Booked {
    pub(crate) order_id: String,
    /// Oldest first; never empty.
    pub(crate) entries: Vec<Entry>,
    /// Whether a call was made on it since it was compared last.
    pub(crate) is_touched: bool,
}

/// What is compared of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct View {
    state: OrderState,
    conclusion: Option<String>,
    timeline: Vec<(TimelineAction, OrderState, Option<String>)>,
    stages: Vec<String>,
    results: Vec<String>,
    reports: Vec<String>,
}

impl Booked {
    pub(crate) fn placed(order_id: String) -> Booked {
        let entry = Entry::new(TimelineAction::Placed, OrderState::Arranged, None);
        Booked { order_id, entries: vec![entry], is_touched: true }
    }

    pub(crate) fn state(&self) -> OrderState {
        self.entries.last().expect("an order begins with an entry").to
    }

    pub(crate) fn is_final(&self) -> bool {
        matches!(self.state(), OrderState::Completed | OrderState::Terminated)
    }

    pub(crate) fn stage_time(&self) -> i64 {
        self.entries.iter().map(|entry| entry.stage_time).max().unwrap_or(0)
    }

    /// Compares with what the server shows; true when the unanswered command is there as well.
    ///
    /// # Errors
    /// What differs, when the order is neither what was acknowledged nor that and the unanswered command.
    pub(crate) fn compare(
        &self,
        shown: &Order,
        unanswered: Option<&Entry>,
    ) -> Result<bool, String> {
        let (shown, booked) = (View::of_order(shown), View::of_entries(&self.entries));
        if shown == booked {
            return Ok(false);
        }
        let with = unanswered.map(|entry| {
            let entries = self.entries.iter().chain([entry]).cloned();
            View::of_entries(&entries.collect::<Vec<_>>())
        });
        if with.as_ref() == Some(&shown) {
            return Ok(true);
        }
        Err(format!("acknowledged: {booked:#?}\nwith the unanswered: {with:#?}\nshown: {shown:#?}"))
    }
}

impl View {
    fn of_entries(entries: &[Entry]) -> View {
        let of = |action| entries.iter().filter(move |entry| entry.action == action);
        let texts = |action| of(action).filter_map(|entry| entry.text.clone()).collect::<Vec<_>>();
        let results = texts(TimelineAction::Result);
        View {
            state: entries.last().expect("an order begins with an entry").to,
            conclusion: results.last().cloned(),
            timeline: entries
                .iter()
                .map(|entry| (entry.action, entry.to, note(entry.action, entry.text.as_ref())))
                .collect(),
            stages: texts(TimelineAction::Progress),
            results,
            reports: entries.iter().flat_map(|entry| entry.reports.clone()).collect(),
        }
    }

    fn of_order(order: &Order) -> View {
        // The first stage is the platform's own.
        let stages = order.stages.iter().filter_map(|stage| stage.stage_id.clone());
        View {
            state: order.state,
            conclusion: order.conclusion.clone(),
            timeline: order
                .timeline
                .iter()
                .map(|entry| {
                    (entry.action, entry.to_state, note(entry.action, entry.note.as_ref()))
                })
                .collect(),
            stages: stages.filter(|stage_id| stage_id != "arranged").collect(),
            results: order.results.iter().map(|result| result.result.clone()).collect(),
            reports: order.reports.iter().map(|report| report.name.clone()).collect(),
        }
    }
}

/// Reasons and comments are compared as notes; stages and results stand in lists of their own.
fn note(action: TimelineAction, text: Option<&String>) -> Option<String> {
    use TimelineAction::{Approved, Rejected, Terminated};
    text.filter(|_| matches!(action, Approved | Rejected | Terminated)).cloned()
}

/// Every acknowledgement in a file outside the server, written before the client's next call.
pub(crate) struct Journal(Mutex<File>);

impl Journal {
    pub(crate) fn create(path: &Path) -> Journal {
        Journal(Mutex::new(File::create(path).unwrap()))
    }

    pub(crate) fn write(&self, line: &str) {
        let line = format!("{} {line}\n", wall_clock().as_millis());
        self.0.lock().unwrap().write_all(line.as_bytes()).unwrap();
    }
}
