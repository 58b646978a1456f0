//! Lists of orders, searches and counts, as the actor may see them. A recruiter gets its own orders alone.
//!
//! A list shows ids, states and times; [`list_lines`] shows the candidate's name as well, to those who may see orders. A search is
//! theirs too: which orders a name finds tells about the person.

use contract::control::{
    FieldFault, ListMoved, ListOrders, OrderCounts, OrderLine, OrderSummary, Page,
};
use domain::order::State;
use domain::search::Query;
use domain::{Act, Actor, Id};
use store::Fault;
use store::order_lines;
use store::order_pages::{After, OrderFilter, OrderPage, UnixMsRange};
use store::orders;
use store::reviews::Waiting;
use store::tenants::Tenant;

use super::view::{self, Sight};
use crate::error::{authorize, fault, validate};
use crate::instant::{self, rfc3339};
use crate::pages::{Of, Paging};
use crate::text::non_empty;
use crate::{Error, Hub, Input};

/// A tenant's orders, newest first: no personal data. A page can be shorter than `limit` and still have a next one.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListOrders>,
) -> Result<Page<OrderSummary>, Error> {
    authorize(actor, Act::ListOrders)?;
    let (found, next_cursor) = find(hub, actor, tenant, list, Act::ListOrders).await?;
    let waiting = find_waiting(hub, tenant, &found).await?;
    let items = found.iter().map(|order| summary(order, &waiting)).collect();
    Ok(Page { items, next_cursor })
}

/// The same with the candidates' names, stages and results, for those who may see into the orders.
pub async fn list_lines(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListOrders>,
) -> Result<Page<OrderLine>, Error> {
    authorize(actor, Act::SeeOrders)?;
    let (found, next_cursor) = find(hub, actor, tenant, list, Act::SeeOrders).await?;
    Ok(Page { items: lines(hub, actor, tenant, &found).await?, next_cursor })
}

/// How many orders are in each state; for a recruiter how many of its own.
pub async fn count_by_state(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
) -> Result<OrderCounts, Error> {
    authorize(actor, Act::ListOrders)?;
    let own = own_only(actor, Act::ListOrders);
    let counts = hub.store.count_orders(tenant, own).await?;
    Ok(OrderCounts {
        total: State::ALL.iter().map(|state| counts.of(*state)).sum(),
        arranged: counts.of(State::Arranged),
        in_review: counts.of(State::InReview),
        review_withdrawn: counts.of(State::ReviewWithdrawn),
        rejected: counts.of(State::Rejected),
        completed: counts.of(State::Completed),
        terminated: counts.of(State::Terminated),
    })
}

/// The orders that the actor placed and that somebody else changed since, those placed last first.
pub async fn list_moved(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListMoved>,
) -> Result<Page<OrderLine>, Error> {
    authorize(actor, Act::SeeOrders)?;
    let list = list.valid()?;
    let paging = Paging::new(Of::MovedOrders, list.cursor.as_deref(), list.limit)?;
    let start = instant::parse(&list.since).ok_or_else(|| not_an_instant("since"))?;
    let filter = OrderFilter {
        placed_by: Some(actor.owner),
        updated: UnixMsRange { start: Some(start), end: None },
        ..OrderFilter::default()
    };
    let after = match paging.after {
        Some([0, order_id]) => After::Order(Id(order_id)),
        Some([_, entry_id]) => After::Entry(Id(entry_id)),
        None => After::Order(Id(i64::MAX)),
    };
    let OrderPage { mut orders, next } =
        hub.store.list_orders(tenant, &filter, after, paging.limit).await?;
    orders.retain(|order| order.updated_at != order.placed_at);
    let mut found = hub.store.list_order_lines(tenant, &ids(&orders)).await?;
    found.retain(|line| line.changed_by != actor.id);
    let next_cursor = next.map(|after| match after {
        After::Order(order_id) => paging.cursor([0, order_id.0]),
        After::Entry(entry_id) => paging.cursor([1, entry_id.0]),
    });
    let waiting = find_waiting(hub, tenant, &orders).await?;
    let items = found.iter().map(|found| line(found, &waiting, Sight::of(actor))).collect();
    Ok(Page { items, next_cursor })
}

/// A page of the orders that fit and that the actor sees by `act`.
pub(super) async fn find(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListOrders>,
    act: Act,
) -> Result<(Vec<orders::OrderSummary>, Option<String>), Error> {
    let list = list.valid()?;
    let paging = Paging::new(Of::Orders, list.cursor.as_deref(), list.limit)?;
    let Some(filter) = filter(actor, &list, act)? else { return Ok((Vec::new(), None)) };
    let after = After::Order(paging.before());
    let found = hub.store.list_orders(tenant, &filter, after, paging.limit).await?;
    // Without a time range of changes every page continues after an order.
    let next = found.next.map(|(After::Order(order_id) | After::Entry(order_id))| order_id);
    Ok((found.orders, next.map(|order_id| paging.cursor([order_id.0]))))
}

/// What the actor's list is to hold; none when that can only be nothing.
fn filter(actor: &Actor, list: &ListOrders, act: Act) -> Result<Option<OrderFilter>, Error> {
    let mut faults = Vec::new();
    let mut range = UnixMsRange::default();
    for (field, text, end) in [
        ("placed_from", &list.placed_from, &mut range.start),
        ("placed_until", &list.placed_until, &mut range.end),
    ] {
        *end = text.as_deref().and_then(instant::parse);
        faults.extend((text.is_some() && end.is_none()).then(|| instant_fault(field)));
    }
    range.end = range.end.map(|end| end.plus_ms(-1));
    let query = list.q.as_deref().map(Query::new);
    if query == Some(None) {
        faults.push(fault("q", "expected letters or digits to search for"));
    }
    validate(faults)?;
    // What a search finds tells about persons.
    let act = if list.q.is_some() { Act::SeeOrders } else { act };
    authorize(actor, act)?;
    let id = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Id>().ok());
    let (own, named) = (own_only(actor, act), id(&list.placed_by));
    if own.is_some() && named.is_some() && own != named {
        return Ok(None);
    }
    let states = list.all_states().unwrap_or_default();
    Ok(Some(OrderFilter {
        states: states.into_iter().map(Into::into).collect(),
        vendor: list.app_id.as_ref().and_then(|app_id| app_id.parse().ok()),
        account: id(&list.account_id),
        package: list.package_id.clone(),
        placed_by: own.or(named),
        query: query.flatten(),
        placed: range,
        ..OrderFilter::default()
    }))
}

/// Whose orders alone the actor sees.
pub(super) fn own_only(actor: &Actor, act: Act) -> Option<Id> {
    actor.roles.sees_own_orders_only(act).then_some(actor.owner)
}

fn not_an_instant(field: &str) -> Error {
    Error::Invalid(vec![instant_fault(field)])
}

fn instant_fault(field: &str) -> FieldFault {
    fault(field, "expected an instant with its offset, as 2026-03-01T08:00:00Z")
}

fn ids(orders: &[orders::OrderSummary]) -> Vec<Id> {
    orders.iter().map(|order| order.order_id).collect()
}

/// Since when those of the orders that are in review wait.
async fn find_waiting(
    hub: &Hub,
    tenant: &Tenant,
    orders: &[orders::OrderSummary],
) -> Result<Vec<Waiting>, Fault> {
    let in_review = orders.iter().filter(|order| order.state == State::InReview);
    let ids: Vec<_> = in_review.map(|order| order.order_id).collect();
    hub.store.list_waiting(tenant.tenant_id, &ids).await
}

pub(super) async fn lines(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    orders: &[orders::OrderSummary],
) -> Result<Vec<OrderLine>, Fault> {
    let waiting = find_waiting(hub, tenant, orders).await?;
    let found = hub.store.list_order_lines(tenant, &ids(orders)).await?;
    Ok(found.iter().map(|found| line(found, &waiting, Sight::of(actor))).collect())
}

fn line(found: &order_lines::OrderLine, waiting: &[Waiting], sight: Sight) -> OrderLine {
    let stage = found.stage.as_ref();
    let result = found.result.as_ref().filter(|_| sight.may_see_reports);
    OrderLine {
        summary: summary(&found.summary, waiting),
        candidate_name: found.candidate_name.clone(),
        application_id: non_empty(&found.application_id),
        stage_name: stage.map(|stage| stage.stage_name.clone()),
        stage_en_name: stage.and_then(|stage| stage.stage_en_name.clone()),
        conclusion: result.map(|result| result.result.clone()),
        result_count: found.result_count,
    }
}

fn summary(order: &orders::OrderSummary, waiting: &[Waiting]) -> OrderSummary {
    let waiting = waiting.iter().find(|waiting| waiting.order_id == order.order_id);
    let waiting = waiting.filter(|_| order.state == State::InReview);
    OrderSummary {
        waiting_since: waiting.map(|waiting| rfc3339(waiting.returned_at)),
        review_overdue: waiting.is_some_and(|waiting| waiting.overdue_at.is_some()),
        ..view::summary(order)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Role, Roles, UnixMs};

    use super::*;

    fn actor(roles: &[Role]) -> Actor {
        Actor::user(Id(7), Roles::of(roles))
    }

    #[test]
    fn a_search_is_for_those_who_may_see_into_orders() {
        let list = ListOrders { q: Some("张三".into()), ..ListOrders::default() };
        for role in [Role::Auditor, Role::PrivacyOfficer] {
            let found = filter(&actor(&[role]), &list, Act::ListOrders);
            assert!(matches!(found, Err(Error::Refused(..))), "{role:?}");
        }
        let found = filter(&actor(&[Role::Approver]), &list, Act::ListOrders).unwrap().unwrap();
        assert_eq!((found.placed_by, found.query), (None, Query::new("张三")));
        // The auditor lists every order, but searches own ones alone where it is a recruiter as well.
        let both = actor(&[Role::Auditor, Role::Recruiter]);
        let found = filter(&both, &list, Act::ListOrders).unwrap().unwrap();
        assert_eq!(found.placed_by, Some(Id(7)));
        let all = filter(&both, &ListOrders::default(), Act::ListOrders).unwrap().unwrap();
        assert_eq!(all.placed_by, None);
    }

    #[test]
    fn a_recruiter_does_not_see_what_others_placed() {
        let of = |placed_by: i64| ListOrders {
            placed_by: Some(format!("{placed_by:019}")),
            ..ListOrders::default()
        };
        let recruiter = actor(&[Role::Recruiter]);
        assert!(filter(&recruiter, &of(8), Act::ListOrders).unwrap().is_none());
        let own = filter(&recruiter, &of(7), Act::ListOrders).unwrap().unwrap();
        assert_eq!(own.placed_by, Some(Id(7)));
    }

    #[test]
    fn every_fault_of_a_filter_is_named() {
        let list = ListOrders {
            placed_from: Some("yesterday".into()),
            placed_until: Some("2026-03-01".into()),
            q: Some("!?".into()),
            ..ListOrders::default()
        };
        let Err(Error::Invalid(faults)) = filter(&actor(&[Role::Admin]), &list, Act::ListOrders)
        else {
            panic!("expected faults")
        };
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["placed_from", "placed_until", "q"]);
        let until = UnixMs(1_772_352_000_000);
        let list = ListOrders { placed_until: Some(rfc3339(until)), ..ListOrders::default() };
        let found = filter(&actor(&[Role::Admin]), &list, Act::ListOrders).unwrap().unwrap();
        assert_eq!(found.placed.end, Some(until.plus_ms(-1)), "not that instant itself");
    }
}
