//! Orders as rows of a table, on the pages that list some.

use std::collections::HashMap;

use domain::Id;
use hub::orders::{InnerLine, ShownLine};

use super::moment::Reading;
use super::pieces::{Cell, Column, Inline, Table, Text};
use super::states;
use super::words::Words;

/// What people are called, by id.
pub(super) type Names = HashMap<Id, String>;

/// Where an order's page is.
pub(super) fn href(order_id: &str) -> String {
    format!("/orders/{order_id}")
}

/// Orders as a table.
pub(super) fn table(
    w: Words,
    caption: Text,
    lines: &[ShownLine],
    names: &Names,
    reading: &Reading,
) -> Table {
    let column = |label: Text, class| Column { label, class };
    Table {
        caption,
        columns: vec![
            column(w.t("candidate"), ""),
            column(w.t("package-and-vendor"), ""),
            column(w.t("state"), ""),
            column(w.t("latest"), ""),
            column(w.t("conclusion"), ""),
            column(w.t("placed"), "end"),
        ],
        rows: lines.iter().map(|line| row(w, line, names, reading)).collect(),
    }
}

fn row(w: Words, line: &ShownLine, names: &Names, reading: &Reading) -> Vec<Cell> {
    let summary = &line.summary;
    let placed_by = names.get(&line.placed_by).cloned();
    let conclusion = line.inner.as_ref().and_then(|inner| inner.conclusion.as_deref());
    vec![
        who(w, line),
        Cell {
            href: None,
            first: Inline::Text(line.package.clone().unwrap_or(summary.package_id.clone()).into()),
            second: line.vendor.clone().map(|vendor| Inline::Text(vendor.into())),
            class: "phone-3",
        },
        plain(Inline::Tag(states::order_tag(w, summary.state)), "phone-2"),
        Cell {
            href: None,
            first: latest(w, line),
            second: Some(Inline::Moment(reading.moment(&summary.updated_at))),
            class: "phone-4",
        },
        plain(
            conclusion
                .map_or(Inline::Muted("—".into()), |word| Inline::Light(states::light(w, word))),
            "",
        ),
        Cell {
            href: None,
            first: Inline::Moment(reading.moment(&summary.created_at)),
            second: placed_by.map(|name| Inline::Text(name.into())),
            class: "end",
        },
    ]
}

fn plain(first: Inline, class: &'static str) -> Cell {
    Cell { href: None, first, second: None, class }
}

/// The candidate, who leads to the order; the order's id for readers who do not see into orders.
fn who(w: Words, line: &ShownLine) -> Cell {
    let order_id = &line.summary.order_id;
    match &line.inner {
        Some(InnerLine { name, mobile, .. }) => Cell {
            href: Some(href(order_id)),
            first: Inline::Text(name.clone().into()),
            second: mobile.clone().map(|mobile| Inline::Text(mobile.into())),
            class: "phone-1",
        },
        None if line.summary.erased => Cell {
            href: Some(href(order_id)),
            first: Inline::Muted(w.t("erased")),
            second: Some(Inline::Text(order_id.clone().into())),
            class: "phone-1",
        },
        None => plain(Inline::Code(order_id.clone()), "phone-1"),
    }
}

fn latest(w: Words, line: &ShownLine) -> Inline {
    let Some(inner) = &line.inner else {
        return Inline::Text(states::order_state(w, line.summary.state));
    };
    match (&inner.stage, inner.latest) {
        (Some((name, english)), _) => {
            Inline::Text(states::stage(w, name, english.as_deref()).into())
        }
        (None, Some(action)) => Inline::Text(states::action(w, action)),
        (None, None) => Inline::Muted("—".into()),
    }
}
