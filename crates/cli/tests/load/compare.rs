//! Compares what was acknowledged with what is stored, what the server shows, and what the vendor was notified of.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use client::control::Control;
use contract::control::{Event, ListEvents, OrderState, ReportState};
use sha2::{Digest as _, Sha256};

use super::call::Door;
use super::client::Client;
use super::memory::Memory;
use super::receiver::{Receiver, pdf};
use super::{until, wall_clock};

/// How many unanswered calls a comparison met, and how many of them had been accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unanswered {
    pub(crate) met: u64,
    pub(crate) accepted: u64,
}

/// The number of each rule that an order's timeline holds.
type Rules = BTreeMap<i64, i64>;

/// Compares the rows of all orders with the book: everything acknowledged exactly once, the unanswered call of
/// a client once or not at all, and nothing else.
pub(crate) async fn stored(memory: &Memory, clients: &[Client]) -> Unanswered {
    memory.assert_whole().await;
    let mut timelines: HashMap<i64, Rules> = HashMap::new();
    let sql = "SELECT order_id, rule, count(*) FROM timeline_entries GROUP BY order_id, rule";
    for row in memory.rows(sql).await {
        timelines.entry(row[0]).or_default().insert(row[1], row[2]);
    }
    let mut orders: HashMap<i64, (i64, i64)> = HashMap::new();
    for row in memory.rows("SELECT order_id, tenant_id, state FROM orders").await {
        orders.insert(row[0], (row[1], row[2]));
    }
    let mut unanswered = Unanswered::default();
    for client in clients {
        unanswered.met += u64::from(client.unanswered.is_some());
        let tenant_id = u64::from_str_radix(&client.tenant_key, 16).unwrap().cast_signed();
        for (place, order) in client.orders.iter().enumerate() {
            let order_id: i64 = order.order_id.parse().unwrap();
            let Some((tenant, state)) = orders.remove(&order_id) else {
                panic!("lost: order {order_id} was acknowledged to client {}", client.number);
            };
            assert_eq!(tenant, tenant_id, "order {order_id} lies with another tenant");
            let mut rules = Rules::new();
            for entry in &order.entries {
                *rules.entry(entry.rule()).or_default() += 1;
            }
            let acknowledged = (rules.clone(), order.state());
            let with = client.unanswered_entry(place).map(|entry| {
                *rules.entry(entry.rule()).or_default() += 1;
                (rules, entry.to)
            });
            let state = OrderState::ALL
                .into_iter()
                .find(|known| i64::from(known.order_status()) == state)
                .expect("a known state");
            let found = (timelines.remove(&order_id).unwrap_or_default(), state);
            if with.as_ref() == Some(&found) {
                unanswered.accepted += 1;
            } else {
                assert_eq!(found, acknowledged, "lost or doubled: order {order_id} ({with:?})");
            }
        }
        let more: Vec<i64> = orders
            .iter()
            .filter(|(_, (tenant, _))| *tenant == tenant_id)
            .map(|(order_id, _)| *order_id)
            .collect();
        assert!(
            more.len() <= usize::from(client.is_placing()),
            "doubled: client {} has orders that nobody placed: {more:?}",
            client.number
        );
        for order_id in more {
            unanswered.accepted += 1;
            orders.remove(&order_id);
            let rules = timelines.remove(&order_id);
            assert_eq!(rules, Some(Rules::from([(0, 1)])), "order {order_id} is half there");
        }
    }
    assert!(orders.is_empty(), "orders of no client: {orders:?}");
    assert!(timelines.is_empty(), "timelines of no order: {timelines:?}");
    unanswered
}

/// Compares orders and packages as the server shows them with the book; of orders all, or only those that a
/// call was made on since.
pub(crate) async fn shown(door: &Door, clients: &mut Vec<Client>, all: bool) {
    let mut tasks = Vec::new();
    for mut client in clients.drain(..) {
        let control = Control::new(&door.url, &client.key).unwrap();
        tasks.push(tokio::spawn(async move {
            client_shown(&control, &mut client, all).await;
            client
        }));
    }
    for task in tasks {
        clients.push(task.await.unwrap());
    }
}

async fn client_shown(control: &Control, client: &mut Client, all: bool) {
    for place in 0..client.orders.len() {
        if !all && !client.orders[place].is_touched {
            continue;
        }
        let order_id = &client.orders[place].order_id;
        let order = control.get_order(&client.tenant_key, order_id).await.unwrap();
        let unanswered = client.unanswered_entry(place);
        if let Err(difference) = client.orders[place].compare(&order, unanswered) {
            panic!("order {order_id} of client {}: {difference}", client.number);
        }
        client.orders[place].is_touched = false;
    }
    let account = control.get_account(&client.tenant_key, &client.account_id).await.unwrap();
    let mut found: Vec<_> = account.packages.into_iter().map(|package| package.id).collect();
    let unanswered = client.unanswered_package();
    found.retain(|id| unanswered != Some(id) || client.packages.contains(id));
    let mut expected = client.packages.clone();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "packages of client {}", client.number);
}

/// Waits until all events are delivered, which takes the 30 s of a lease when a worker was killed, then compares them as the server lists them with the orders, and with
/// what the vendors took: each at least once, nothing else, `created` before `canceled`. Gives the number of
/// events and of deliveries.
pub(crate) async fn reported(
    door: &Door,
    memory: &Memory,
    clients: &[Client],
    receiver: &Receiver,
) -> (usize, u64) {
    until("the events are delivered", Duration::from_secs(90), async || {
        memory.count(&undone("deliveries", Leases::AwaitEnd)).await == 0
    })
    .await;
    let mut taken = receiver.taken();
    let mut events = 0;
    for client in clients {
        let control = Control::new(&door.url, &client.key).unwrap();
        let listed = all_events(&control, &client.tenant_key).await;
        events += listed.len();
        let mut created = HashMap::new();
        let mut canceled = HashMap::new();
        for event in listed {
            assert_eq!(event.app_id, client.app_id);
            let Some(reported) = taken.remove(&event.event_id) else {
                panic!("{} of {:?} was never told", event.event_type, event.order_id);
            };
            assert_eq!(reported.event_type, event.event_type);
            assert_eq!(reported.order_id, event.order_id);
            assert_eq!(reported.tenant_key, client.tenant_key);
            let before = match (event.event_type.as_str(), event.order_id) {
                ("hire.eco_background_check.created_v1", Some(order_id)) => {
                    created.insert(order_id, reported.place)
                }
                ("hire.eco_background_check.canceled_v1", Some(order_id)) => {
                    canceled.insert(order_id, reported.place)
                }
                ("hire.eco_account.created_v1", None) => None,
                other => panic!("an event of no known kind: {other:?}"),
            };
            assert_eq!(before, None, "an order has two events of one kind");
        }
        let ids = |wanted: fn(&super::book::Entry) -> bool| -> HashSet<String> {
            let orders = client.orders.iter().filter(|order| order.entries.iter().any(wanted));
            orders.map(|order| order.order_id.clone()).collect()
        };
        assert_eq!(created.keys().cloned().collect::<HashSet<_>>(), ids(|_| true));
        let terminated = ids(|entry| entry.rule() == 5);
        assert_eq!(canceled.keys().cloned().collect::<HashSet<_>>(), terminated);
        for (order_id, place) in canceled {
            let is_in_order = created[&order_id] < place;
            assert!(is_in_order, "order {order_id} was canceled before it was created");
        }
    }
    assert!(taken.is_empty(), "told of what never happened: {taken:?}");
    (events, receiver.taken().values().map(|reported| reported.times).sum())
}

/// The statement that counts what a worker has still to do.
fn undone(table: &str, leases: Leases) -> String {
    let until = match leases {
        Leases::AwaitEnd => i64::MAX,
        Leases::LeaveOut => i64::try_from(wall_clock().as_millis()).unwrap(),
    };
    format!("SELECT count(*) FROM {table} WHERE due_at <= {until}")
}

async fn all_events(control: &Control, tenant_key: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut list = ListEvents { limit: Some(200), ..ListEvents::default() };
    loop {
        let page = control.list_events(tenant_key, &list).await.unwrap();
        events.extend(page.items);
        list.cursor = page.next_cursor;
        if list.cursor.is_none() {
            return events;
        }
    }
}

/// How long a worker that was killed keeps others from what it had claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leases {
    /// Wait for their end, so that everything is done.
    AwaitEnd,
    /// What is still claimed may be left undone.
    LeaveOut,
}

/// Waits until the reports are fetched, then reads some back whole; gives the number of fetched ones.
pub(crate) async fn fetched(
    door: &Door,
    memory: &Memory,
    clients: &[Client],
    leases: Leases,
) -> i64 {
    until("the reports are fetched", Duration::from_secs(200), async || {
        memory.count(&undone("reports", leases)).await == 0
    })
    .await;
    let failed = "SELECT count(*) FROM reports WHERE state NOT IN (3, 6) AND due_at IS NULL";
    assert_eq!(memory.count(failed).await, 0, "reports were neither stored nor linked");
    let digest = Sha256::digest(pdf());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    for client in clients {
        let control = Control::new(&door.url, &client.key).unwrap();
        let with_reports = |order: &&super::book::Booked| {
            order.entries.iter().any(|entry| !entry.reports.is_empty())
        };
        for booked in client.orders.iter().filter(with_reports).take(3) {
            let order = control.get_order(&client.tenant_key, &booked.order_id).await.unwrap();
            for report in order.reports.iter().filter(|report| report.state == ReportState::Stored)
            {
                assert_eq!(report.sha256.as_ref(), Some(&digest));
                let path = format!(
                    "/api/v1/tenants/{}/orders/{}/reports/{}/content",
                    client.tenant_key, order.order_id, report.report_id
                );
                let request = door.http.get(format!("{}{path}", door.url)).bearer_auth(&client.key);
                let content = request.send().await.unwrap().error_for_status().unwrap();
                assert_eq!(content.bytes().await.unwrap(), pdf(), "a report changed");
            }
        }
    }
    memory.count("SELECT count(*) FROM reports WHERE state = 3").await
}
