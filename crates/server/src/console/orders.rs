//! The list of orders: tabs by state, filters in the address, pages by key.

use askama::Template;
use contract::control::{ListOrders, OrderState, Page};
use hub::orders::ShownLine;

use super::frame::Frame;
use super::lines::{self, Names};
use super::moment::Reading;
use super::pieces::{Action, Empty, Head, Look, Pager, Tab, Table, Tabs, To};
use super::states;
use super::words::Words;

/// Orders on a page.
pub(super) const LIMIT: u32 = 50;

/// The page.
#[derive(Template)]
#[template(path = "console/orders.html")]
pub(super) struct Orders {
    frame: Frame,
    head: Head,
    tabs: Tabs,
    table: Option<Table>,
    empty: Option<Empty>,
    pager: Option<Pager>,
}

impl Orders {
    /// `waiting` is how many wait for a decision, as far as they were counted.
    pub(super) fn new(
        frame: Frame,
        asked: &ListOrders,
        page: &Page<ShownLine>,
        names: &Names,
        reading: &Reading,
    ) -> Orders {
        let w = frame.w;
        let waiting = frame.reader.as_ref().and_then(|reader| reader.waiting.clone());
        let has_any = !page.items.is_empty();
        let head = Head {
            crumb: None,
            title: frame.title.clone(),
            tag: None,
            notes: Vec::new(),
            actions: Vec::new(),
            more: None,
        };
        Orders {
            head,
            tabs: tabs(w, asked.state, waiting.as_deref()),
            table: has_any.then(|| lines::table(w, w.t("orders"), &page.items, names, reading)),
            empty: (!has_any).then(|| empty(w, asked)),
            pager: pager(w, asked, page),
            frame,
        }
    }
}

fn tabs(w: Words, state: Option<OrderState>, waiting: Option<&str>) -> Tabs {
    let shown = [
        OrderState::Arranged,
        OrderState::InReview,
        OrderState::ReviewWithdrawn,
        OrderState::Rejected,
        OrderState::Completed,
        OrderState::Terminated,
    ];
    let tab = |tab: Option<OrderState>| Tab {
        label: tab.map_or_else(|| w.t("all"), |state| states::order_state(w, state)),
        count: waiting.map(str::to_owned).filter(|_| tab == Some(OrderState::InReview)),
        href: list_href(tab, None),
        is_current: tab == state,
    };
    Tabs {
        label: w.t("state"),
        tabs: std::iter::once(None).chain(shown.map(Some)).map(tab).collect(),
    }
}

/// The list's address; states and cursors need no escaping.
fn list_href(state: Option<OrderState>, cursor: Option<&str>) -> String {
    let state = state.map(|state| format!("state={}", state.as_str()));
    let cursor = cursor.map(|cursor| format!("cursor={cursor}"));
    let query: Vec<_> = state.into_iter().chain(cursor).collect();
    match query.is_empty() {
        true => "/orders".to_owned(),
        false => format!("/orders?{}", query.join("&")),
    }
}

fn pager(w: Words, asked: &ListOrders, page: &Page<ShownLine>) -> Option<Pager> {
    let next = page.next_cursor.as_deref();
    if next.is_none() && asked.cursor.is_none() {
        return None;
    }
    Some(Pager {
        label: w.t("pages"),
        note: w.n("orders-on-page", page.items.len()).into(),
        first: asked.cursor.as_ref().map(|_| (w.t("first-page"), list_href(asked.state, None))),
        next: next.map(|cursor| (w.t("next-page"), list_href(asked.state, Some(cursor)))),
    })
}

fn empty(w: Words, asked: &ListOrders) -> Empty {
    let (title, text) = match asked.state {
        None if asked.cursor.is_none() => (w.t("orders-none"), w.t("orders-none-why")),
        _ => (w.t("orders-none-here"), w.t("orders-none-here-why")),
    };
    let all = || Action {
        label: w.t("orders-all"),
        to: To::Page("/orders".to_owned()),
        look: Look::Plain,
    };
    Empty {
        icon: "document",
        title,
        text,
        actions: if asked.state.is_some() { vec![all()] } else { Vec::new() },
    }
}
