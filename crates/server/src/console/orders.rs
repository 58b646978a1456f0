//! The list of orders: tabs by state, filters in the address, pages by key.

use askama::Template;
use contract::control::{Account, ListOrders, OrderCounts, OrderState, Page};
use domain::{Act, Roles};
use hub::orders::ShownLine;
use url::form_urlencoded;

use super::frame::Frame;
use super::lines::{self, Names};
use super::moment::Reading;
use super::pieces::{
    Action, Choice, Empty, Filters, Head, Inline, Look, Pager, Tab, Table, Tabs, Text, To,
};
use super::states;
use super::words::Words;

/// Orders on a page.
pub(super) const LIMIT: u32 = 50;
const PATH: &str = "/orders";
/// Where a search goes: a name stands in no address.
pub(super) const SEARCH_PATH: &str = "/orders/search";

/// The page.
#[derive(Template)]
#[template(path = "console/orders.html")]
pub(super) struct Orders {
    frame: Frame,
    head: Head,
    tabs: Option<Tabs>,
    filters: Option<Filters>,
    table: Option<Table>,
    empty: Option<Empty>,
    pager: Option<Pager>,
    /// The next page of a search.
    more: Option<Action>,
}

/// What a list is made of.
pub(super) struct Listed<'a> {
    pub(super) asked: &'a ListOrders,
    pub(super) page: &'a Page<ShownLine>,
    pub(super) counts: &'a OrderCounts,
    /// Where orders can be placed.
    pub(super) accounts: &'a [Account],
    /// The reader's id, as who placed orders.
    pub(super) own_id: String,
}

impl Orders {
    pub(super) fn new(
        frame: Frame,
        listed: &Listed<'_>,
        names: &Names,
        reading: &Reading,
    ) -> Orders {
        let (w, Listed { asked, page, counts, .. }) = (frame.w, listed);
        let roles = frame.reader.as_ref().map_or(Roles::NONE, |reader| reader.roles);
        let has_any = !page.items.is_empty();
        let total =
            w.with("orders-total", [("total", counts.total), ("waiting", counts.in_review)]);
        Orders {
            head: Head {
                actions: match has_any && roles.may(Act::SeeOrders) {
                    true => vec![export(w, asked)],
                    false => Vec::new(),
                },
                ..head(frame.title.clone(), vec![Inline::Text(total.into())])
            },
            tabs: Some(tabs(w, asked, counts)),
            filters: filters(w, listed, roles).filter(|_| counts.total > 0),
            table: has_any.then(|| lines::table(w, w.t("orders"), &page.items, names, reading)),
            empty: (!has_any).then(|| empty(w, asked)),
            pager: pager(w, asked, page),
            more: None,
            frame,
        }
    }

    /// What a search found.
    pub(super) fn found(
        frame: Frame,
        q: &str,
        page: &Page<ShownLine>,
        names: &Names,
        reading: &Reading,
    ) -> Orders {
        let w = frame.w;
        let has_any = !page.items.is_empty();
        let back =
            Action { label: w.t("orders-all"), to: To::Page(PATH.to_owned()), look: Look::Plain };
        let next = page.next_cursor.clone().map(|cursor| Action {
            label: w.t("next-page"),
            to: To::Post(SEARCH_PATH.to_owned(), vec![("q", q.to_owned()), ("cursor", cursor)]),
            look: Look::Plain,
        });
        Orders {
            head: Head { actions: vec![back], ..head(w.of_it("search-for", q), Vec::new()) },
            tabs: None,
            filters: None,
            table: has_any.then(|| lines::table(w, w.t("orders"), &page.items, names, reading)),
            empty: (!has_any && next.is_none()).then(|| Empty {
                icon: "search",
                title: w.t("search-none"),
                text: w.t("search-none-why"),
                actions: Vec::new(),
            }),
            pager: None,
            more: next,
            frame,
        }
    }
}

fn head(title: String, notes: Vec<Inline>) -> Head {
    Head { crumb: None, title, tag: None, notes, actions: Vec::new(), more: None }
}

fn tabs(w: Words, asked: &ListOrders, counts: &OrderCounts) -> Tabs {
    let tabs = [
        (None, counts.total),
        (Some(OrderState::Arranged), counts.arranged),
        (Some(OrderState::InReview), counts.in_review),
        (Some(OrderState::ReviewWithdrawn), counts.review_withdrawn),
        (Some(OrderState::Rejected), counts.rejected),
        (Some(OrderState::Completed), counts.completed),
        (Some(OrderState::Terminated), counts.terminated),
    ];
    let tab = |(state, count): (Option<OrderState>, u64)| Tab {
        label: state.map_or_else(|| w.t("all"), |state| states::order_state(w, state)),
        count: Some(count.to_string()),
        href: list_href(&ListOrders { state, cursor: None, ..asked.clone() }),
        is_current: state == asked.state,
    };
    Tabs { label: w.t("state"), tabs: tabs.map(tab).into() }
}

/// The list's address.
fn list_href(asked: &ListOrders) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let pairs = [
        ("state", asked.state.map(OrderState::as_str)),
        ("account", asked.account_id.as_deref()),
        ("package", asked.package_id.as_deref()),
        ("placed_by", asked.placed_by.as_deref()),
        ("cursor", asked.cursor.as_deref()),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") }
}

/// The list as a table for spreadsheets, narrowed as it is.
fn export(w: Words, asked: &ListOrders) -> Action {
    let fields = [
        ("state", asked.state.map(|state| state.as_str().to_owned())),
        ("account", asked.account_id.clone()),
        ("package", asked.package_id.clone()),
        ("placed_by", asked.placed_by.clone()),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let to = To::Post("/orders/export".to_owned(), fields);
    Action { label: w.t("export-csv"), to, look: Look::Plain }
}

fn is_narrowed(asked: &ListOrders) -> bool {
    asked.account_id.is_some() || asked.package_id.is_some() || asked.placed_by.is_some()
}

/// The choices of which there are several.
fn filters(w: Words, listed: &Listed<'_>, roles: Roles) -> Option<Filters> {
    let asked = listed.asked;
    let choice =
        |name, label: Text, any: Text, options: Vec<(String, Text)>, chosen: &Option<String>| {
            let options = std::iter::once((String::new(), any)).chain(options).collect();
            Choice { name, label, options, chosen: chosen.clone().unwrap_or_default() }
        };
    let mut choices = Vec::new();
    if listed.accounts.len() > 1 {
        let options = listed.accounts.iter();
        let options = options.map(|it| (it.account_id.clone(), it.account_name.clone().into()));
        let (label, any) = (w.t("account"), w.t("any"));
        choices.push(choice("account", label, any, options.collect(), &asked.account_id));
    }
    let mut packages: Vec<(String, Text)> = Vec::new();
    for package in listed.accounts.iter().flat_map(|account| &account.packages) {
        if !packages.iter().any(|(id, _)| *id == package.id) {
            packages.push((package.id.clone(), package.name.clone().into()));
        }
    }
    if packages.len() > 1 {
        choices.push(choice("package", w.t("package"), w.t("any"), packages, &asked.package_id));
    }
    if roles.may(Act::PlaceOrders) && !roles.sees_own_orders_only(Act::ListOrders) {
        let own = vec![(listed.own_id.clone(), w.t("placed-by-me"))];
        choices.push(choice(
            "placed_by",
            w.t("placed-by-whom"),
            w.t("anybody"),
            own,
            &asked.placed_by,
        ));
    }
    let all = ListOrders { state: asked.state, ..ListOrders::default() };
    let state = asked.state.map(|state| ("state", state.as_str().to_owned()));
    (!choices.is_empty()).then(|| Filters {
        action: PATH,
        hidden: state.into_iter().collect(),
        choices,
        apply: w.t("filter"),
        clear: is_narrowed(asked).then(|| (w.t("filter-clear"), list_href(&all))),
    })
}

fn pager(w: Words, asked: &ListOrders, page: &Page<ShownLine>) -> Option<Pager> {
    let next = page.next_cursor.clone();
    if next.is_none() && asked.cursor.is_none() {
        return None;
    }
    let href = |cursor| list_href(&ListOrders { cursor, ..asked.clone() });
    Some(Pager {
        label: w.t("pages"),
        note: w.n("orders-on-page", page.items.len()).into(),
        first: asked.cursor.as_ref().map(|_| (w.t("first-page"), href(None))),
        next: next.map(|cursor| (w.t("next-page"), href(Some(cursor)))),
    })
}

fn empty(w: Words, asked: &ListOrders) -> Empty {
    let (title, text) = match asked.state {
        None if asked.cursor.is_none() && !is_narrowed(asked) => {
            (w.t("orders-none"), w.t("orders-none-why"))
        }
        _ => (w.t("orders-none-here"), w.t("orders-none-here-why")),
    };
    let all =
        || Action { label: w.t("orders-all"), to: To::Page(PATH.to_owned()), look: Look::Plain };
    Empty {
        icon: "document",
        title,
        text,
        actions: if asked.state.is_some() || is_narrowed(asked) { vec![all()] } else { Vec::new() },
    }
}
