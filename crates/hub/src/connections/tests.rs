//! Which connection an event goes to, and what an ack is worth.

use super::*;

const APP: AppId = AppId(7);
const TIME: Duration = Duration::from_millis(20);

fn lines(count: i64) -> (ConnectionRegistry, Vec<mpsc::Receiver<Order>>) {
    let connections = ConnectionRegistry::new(TIME);
    let connection = |number| {
        let (connection, orders) =
            Connection::new(Id(number), APP, Numbers::FIRST, "client".to_owned(), UnixMs(0));
        connections.add(&connection);
        orders
    };
    let orders = (0..count).map(connection).collect();
    (connections, orders)
}

fn ack(code: u16) -> Ack {
    Ack { code: Some(code), payload: Vec::new() }
}

#[test]
fn every_connection_is_as_likely_as_any_other() {
    let (connections, _orders) = lines(4);
    let mut drawn = [0; 4];
    for _ in 0..4_000 {
        drawn[usize::try_from(connections.pick(APP).unwrap().connection_id.0).unwrap()] += 1;
    }
    // Nine standard deviations.
    assert!(drawn.iter().all(|count| (750..1_250).contains(count)), "{drawn:?}");
    assert!(connections.pick(AppId(8)).is_none());
}

#[tokio::test]
async fn an_ack_is_matched_by_its_id_and_counts_once() {
    let (connections, mut orders) = lines(1);
    let connection = connections.pick(APP).unwrap();
    let pushed = connection.push("m1", vec![b"frame".to_vec()], TIME * 100);
    let answered = async {
        assert!(matches!(orders[0].recv().await, Some(Order::Send(_))));
        assert_eq!(connection.in_flight(), 1);
        connection.acknowledge("m2", ack(200));
        connection.acknowledge("m1", ack(500));
        connection.acknowledge("m1", ack(200));
    };
    let (pushed, ()) = tokio::join!(pushed, answered);
    assert_eq!(pushed, Ok(ack(500)));
    assert_eq!(connection.in_flight(), 0);
}

#[tokio::test]
async fn who_owes_an_ack_is_passed_over_until_it_speaks() {
    let (connections, _orders) = lines(2);
    let late = connections.pick(APP).unwrap();
    assert_eq!(late.push("m1", Vec::new(), TIME).await, Err(AckError::Late));
    assert_eq!(late.in_flight(), 0, "a late ack finds nobody waiting");
    let other = connections.pick(APP).unwrap();
    assert!((0..100).all(|_| connections.pick(APP).unwrap().connection_id == other.connection_id));
    assert_eq!(other.push("m2", Vec::new(), TIME).await, Err(AckError::Late));
    assert!((0..100).any(|_| connections.pick(APP).unwrap().connection_id == late.connection_id));
    late.note_frame();
    assert!((0..100).all(|_| connections.pick(APP).unwrap().connection_id == late.connection_id));
}

#[tokio::test]
async fn a_connection_that_is_full_or_gone_is_told_at_once() {
    let (connections, mut orders) = lines(1);
    let connection = connections.pick(APP).unwrap();
    for number in 0..OUTBOX {
        let id = number.to_string();
        assert_eq!(connection.push(&id, Vec::new(), Duration::ZERO).await, Err(AckError::Late));
    }
    assert_eq!(connection.push("m", Vec::new(), TIME).await, Err(AckError::Busy));
    orders.clear();
    assert_eq!(connection.push("m", Vec::new(), TIME).await, Err(AckError::Ended));
    connections.remove(&connection);
    assert_eq!(
        (connections.count(), connections.pick(APP).is_none()),
        (1, true),
        "it says farewell"
    );
    connections.note_end(connection.connection_id);
    assert_eq!(connections.count(), 0);
}

#[tokio::test]
async fn waiting_for_an_ack_ends_with_the_connection() {
    let (connections, _orders) = lines(1);
    let connection = connections.pick(APP).unwrap();
    let gone = async {
        while connection.in_flight() == 0 {
            tokio::task::yield_now().await;
        }
        connection.give_up();
    };
    let (pushed, ()) = tokio::join!(connection.push("m1", Vec::new(), TIME * 100), gone);
    assert_eq!(pushed, Err(AckError::Ended));
}

#[test]
fn news_are_told_once() {
    let (connections, _orders) = lines(2);
    assert_eq!(connections.news(), []);
    connections.pick(APP).unwrap().pinged(UnixMs(5));
    let news = connections.news();
    assert_eq!((news.len(), news[0].last_ping_at, news[0].in_flight), (1, Some(UnixMs(5)), 0));
    assert_eq!(connections.news(), []);
}
