//! Handlers of today, the orders, one order and the review desk: each asks a use case and shows what it gives.

use axum::extract::Path;
use axum::response::Response;
use contract::control::{
    ApproveOrder, List, ListEvents, ListOrders, Order, Page, RejectOrder, TerminateOrder,
};
use domain::{Act, Id};
use hub::orders::{self, ShownLine, ShownOrder};
use hub::{accounts, events, evidence, reason_templates, reports};

use super::confirm::{ConfirmPage, Question};
use super::form::Form;
use super::frame::Place;
use super::lines::{Names, href};
use super::order::{AskedOrder, OrderPage, Part, PartContent};
use super::orders::{LIMIT, Listed, Orders};
use super::review::{ReviewPage, Typed, Waits};
use super::stop::{Stop, render};
use super::today::{MOVED_MS, Today};
use super::visit::Visit;

pub(super) async fn today(visit: Visit) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let waiting = match visit.may(Act::ReviewOrders) {
        true => orders::list_shown_waiting(hub, actor, tenant).await?.0,
        false => Vec::new(),
    };
    let moved = match visit.may(Act::ListOrders) {
        true => {
            let since = hub.clock(tenant).now().plus_ms(-MOVED_MS);
            orders::list_shown_moved(hub, actor, tenant, since).await?
        }
        false => Vec::new(),
    };
    let names = names_of_lines(&visit, waiting.iter().chain(&moved)).await?;
    let frame = visit.frame(visit.w.t("today"), Some(Place::Today)).await?;
    Ok(render(&Today::new(frame, &waiting, &moved, &names, &visit.reading())))
}

pub(super) async fn list_orders(visit: Visit) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let asked = asked_orders(&visit);
    let page = orders::list_shown(hub, actor, tenant, asked.clone().into()).await?;
    let counts = orders::count_by_state(hub, actor, tenant).await?;
    let accounts = accounts::list(hub, actor, tenant, List::default().into()).await?.items;
    let names = names_of_lines(&visit, page.items.iter()).await?;
    let frame = visit.frame(visit.w.t("orders"), Some(Place::Orders)).await?;
    let (page, own_id) = (&page, actor.owner.to_string());
    let listed = Listed { asked: &asked, page, counts: &counts, accounts: &accounts, own_id };
    Ok(render(&Orders::new(frame, &listed, &names, &visit.reading())))
}

/// What the address asks for; a filter that names nothing finds nothing.
fn asked_orders(visit: &Visit) -> ListOrders {
    let state = visit.query("state");
    ListOrders {
        state: state.and_then(|state| serde_json::from_value(state.into()).ok()),
        account_id: visit.query("account"),
        package_id: visit.query("package"),
        placed_by: visit.query("placed_by"),
        cursor: visit.query("cursor"),
        limit: Some(LIMIT),
        ..ListOrders::default()
    }
}

pub(super) async fn search_orders(visit: Visit, form: Form) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let (q, cursor) = (form.word("q"), Some(form.word("cursor")).filter(|it| !it.is_empty()));
    if q.is_empty() {
        return Err(Stop::See(Place::Orders.path().to_owned()));
    }
    let asked =
        ListOrders { q: Some(q.clone()), cursor, limit: Some(LIMIT), ..ListOrders::default() };
    let page = match orders::list_shown(hub, actor, tenant, asked.into()).await {
        // Signs without a letter or digit find nobody.
        Err(hub::Error::Invalid(_)) => Page { items: Vec::new(), next_cursor: None },
        found => found?,
    };
    let names = names_of_lines(&visit, page.items.iter()).await?;
    let mut frame = visit.frame(visit.w.t("search"), Some(Place::Orders)).await?;
    frame.path = Place::Orders.path().to_owned();
    frame.searched.clone_from(&q);
    Ok(render(&Orders::found(frame, &q, &page, &names, &visit.reading())))
}

pub(super) async fn show_order(
    visit: Visit,
    Path(order_id): Path<String>,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let shown = orders::get_shown(hub, actor, tenant, id(&order_id)).await?;
    let part = visit.query("part").and_then(|part| Part::parse(&part)).unwrap_or_default();
    let part = if visit.may(part.act()) { part } else { Part::default() };
    let content = content(&visit, &shown.order, part).await?;
    let names = names_of_order(&visit, &shown, &content).await?;
    let frame = visit.frame(title(&visit, &shown), Some(Place::Orders)).await?;
    let report = visit.query("report");
    let asked = AskedOrder { part, report: report.as_deref() };
    Ok(render(&OrderPage::new(frame, &shown, &asked, content, &names, &visit.reading())))
}

async fn content(visit: &Visit, order: &Order, part: Part) -> Result<PartContent, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    Ok(match part {
        Part::Timeline => PartContent::Timeline,
        Part::Sent => PartContent::Sent,
        Part::Deliveries => {
            let order_id = Some(order.order_id.clone());
            let list = ListEvents { order_id, ..ListEvents::default() };
            let mut found = Vec::new();
            for event in events::list(hub, actor, tenant, list.into()).await?.items {
                let event_id = event.event_id.parse().map_err(|_| Stop::Fault)?;
                let page = events::list_deliveries(hub, actor, tenant, event_id).await?;
                found.push((event, page.items));
            }
            PartContent::Deliveries(found)
        }
        Part::Views => {
            let mut found = Vec::new();
            for report in &order.reports {
                let (order_id, report_id) = (id(&order.order_id), id(&report.report_id));
                let list = List::default().into();
                let page =
                    reports::list_views(hub, actor, tenant, order_id, report_id, list).await?;
                found.extend(page.items.into_iter().map(|view| (report.name.clone(), view)));
            }
            found.sort_by(|(_, one), (_, other)| other.at.cmp(&one.at));
            PartContent::Views(found)
        }
        Part::Evidence => {
            let order_id = id(&order.order_id);
            let found = evidence::get_manifest(hub, actor, tenant.tenant_id, order_id).await;
            PartContent::Evidence(match found {
                Err(hub::Error::NotFound) => None,
                found => Some(found?),
            })
        }
    })
}

pub(super) async fn ask_to_terminate(
    visit: Visit,
    Path(order_id): Path<String>,
) -> Result<Response, Stop> {
    ask(&visit, &order_id, Question::Terminate, None).await
}

pub(super) async fn ask_to_withdraw(
    visit: Visit,
    Path(order_id): Path<String>,
) -> Result<Response, Stop> {
    ask(&visit, &order_id, Question::Withdraw, None).await
}

async fn ask(
    visit: &Visit,
    order_id: &str,
    question: Question,
    typed: Option<&str>,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let shown = orders::get_shown(hub, actor, tenant, id(order_id)).await?;
    let frame = visit.frame(question.title(visit.w), Some(Place::Orders)).await?;
    Ok(render(&ConfirmPage::new(frame, question, &shown, typed)))
}

pub(super) async fn terminate(
    visit: Visit,
    Path(order_id): Path<String>,
    form: Form,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let reason = form.text("reason");
    let input = TerminateOrder { reason: reason.clone() }.into();
    match orders::terminate(hub, actor, tenant, id(&order_id), input, None).await {
        Err(hub::Error::Invalid(_)) => {
            ask(&visit, &order_id, Question::Terminate, Some(&reason)).await
        }
        done => to_order(done, &order_id, "terminated"),
    }
}

pub(super) async fn withdraw(visit: Visit, Path(order_id): Path<String>) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let done = orders::withdraw(hub, actor, tenant, id(&order_id), None).await;
    to_order(done, &order_id, "withdrawn")
}

fn to_order(done: Result<Order, hub::Error>, order_id: &str, word: &str) -> Result<Response, Stop> {
    done?;
    Err(Stop::See(format!("{}?done={word}", href(order_id))))
}

/// The first that waits, or what is said when none does.
pub(super) async fn review_first(visit: Visit) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let (lines, _) = orders::list_shown_waiting(hub, actor, tenant).await?;
    let first = lines.first().map(|line| line.summary.order_id.clone());
    review_page(&visit, first.as_deref(), Typed::default()).await
}

pub(super) async fn review_one(
    visit: Visit,
    Path(order_id): Path<String>,
) -> Result<Response, Stop> {
    review_page(&visit, Some(&order_id), Typed::default()).await
}

async fn review_page(
    visit: &Visit,
    order_id: Option<&str>,
    typed: Typed,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let (lines, has_more) = orders::list_shown_waiting(hub, actor, tenant).await?;
    let shown = match order_id {
        Some(order_id) => Some(orders::get_shown(hub, actor, tenant, id(order_id)).await?),
        None => None,
    };
    let names = match &shown {
        Some(shown) => names_of_order(visit, shown, &PartContent::Timeline).await?,
        None => Names::new(),
    };
    let templates = reason_templates::list(hub, actor, tenant).await?.items;
    let reasons = templates.into_iter().map(|it| (it.name, it.text)).collect();
    let frame = visit.frame(visit.w.t("review"), Some(Place::Review)).await?;
    let report = visit.query("report");
    let (report, reading) = (report.as_deref(), visit.reading());
    let waits = Waits { lines: &lines, has_more, reasons };
    Ok(render(&ReviewPage::new(frame, waits, shown.as_ref(), report, typed, &names, &reading)))
}

pub(super) async fn approve(
    visit: Visit,
    Path(order_id): Path<String>,
    form: Form,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let words = form.text("words");
    let comment = Some(words.clone()).filter(|words| !words.trim().is_empty());
    let input =
        ApproveOrder { comment, result_number: form.text("result_number").parse().ok() }.into();
    let done = orders::approve(hub, actor, tenant, id(&order_id), input, None).await;
    after_decision(&visit, done, &order_id, words, "approved").await
}

pub(super) async fn reject(
    visit: Visit,
    Path(order_id): Path<String>,
    form: Form,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    // A common reason that was chosen without script counts beside what was typed.
    let words = [form.text("words"), form.text("reason")];
    let words = words.iter().filter(|it| !it.trim().is_empty()).cloned().collect::<Vec<_>>();
    let words = words.join("\n");
    let result_number = form.text("result_number").parse().ok();
    let input = RejectOrder { reason: words.clone(), result_number }.into();
    let done = orders::reject(hub, actor, tenant, id(&order_id), input, None).await;
    after_decision(&visit, done, &order_id, words, "rejected").await
}

pub(super) async fn withdraw_review(
    visit: Visit,
    Path(order_id): Path<String>,
    form: Form,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let done = orders::withdraw(hub, actor, tenant, id(&order_id), None).await;
    after_decision(&visit, done, &order_id, form.text("words"), "withdrawn").await
}

/// The next one that waits; or the same page with what was typed, and why it did not count.
async fn after_decision(
    visit: &Visit,
    done: Result<Order, hub::Error>,
    order_id: &str,
    words: String,
    word: &str,
) -> Result<Response, Stop> {
    let (lacks_reason, is_late) = match done {
        Ok(_) => return Err(Stop::See(format!("/review?done={word}"))),
        Err(hub::Error::Invalid(_)) => (true, false),
        Err(hub::Error::Order(_)) => (false, true),
        Err(error) => return Err(error.into()),
    };
    review_page(visit, Some(order_id), Typed { words, lacks_reason, is_late }).await
}

fn title(visit: &Visit, shown: &ShownOrder) -> super::pieces::Text {
    match shown.order.erased {
        true => visit.w.t("erased"),
        false => shown.order.candidate_info.name.clone().into(),
    }
}

async fn names_of_lines(
    visit: &Visit,
    lines: impl Iterator<Item = &ShownLine>,
) -> Result<Names, Stop> {
    let ids: Vec<_> = lines.map(|line| line.placed_by).collect();
    visit.names(&ids).await
}

async fn names_of_order(
    visit: &Visit,
    shown: &ShownOrder,
    content: &PartContent,
) -> Result<Names, Stop> {
    let mut ids = vec![shown.placed_by];
    ids.extend(shown.order.timeline.iter().filter_map(|entry| entry.actor.parse::<Id>().ok()));
    if let PartContent::Views(views) = content {
        ids.extend(views.iter().filter_map(|(_, view)| view.user_id.as_ref()?.parse::<Id>().ok()));
    }
    visit.names(&ids).await
}

/// A text of the wrong shape names an order that nobody has.
fn id(text: &str) -> Id {
    text.parse().unwrap_or(Id(0))
}
