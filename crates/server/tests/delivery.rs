//! Events on their way to webhooks: what arrives, when it is tried again, who is stored from whom.
//! Source: contract, section 5.2; product, section 5.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use std::collections::HashSet;
use std::time::Duration;

use contract::control::EventMode;
use contract::scope::Scope;
use contract::{event, seal};
use domain::delivery::DeliveryState;
use domain::event::EventKind;
use domain::{Id, UnixMs};
use harness::{BEGIN, Engine, World};
use peer::{Peer, Reply, answer, ok, settings};
use system::clock::Clock;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A receiver that answers every request with a status.
async fn answering(status: u16) -> Peer {
    Peer::start(move |_, _| Reply::Whole(answer(status, "", b"no"))).await
}

#[tokio::test]
async fn a_plain_event_arrives_compact_with_its_headers() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let parties = world.parties(settings(Some(&peer.url("/hook?a=1&b=%2F")), false)).await;
        // One by one: what is sent at once arrives in any order.
        world.settle().await;
        world.clock.advance_ms(5);
        let order_id = world.placed(&parties).await;
        world.settle().await;

        let mut seen = peer.seen();
        assert_eq!(seen.len(), 2, "account bound, order placed");
        // Both were due at once: either may come first.
        seen.sort_by_key(|request| request.event().0.event_id);
        for request in &seen {
            assert_eq!(request.line, "POST /hook?a=1&b=%2F HTTP/1.1", "the URL verbatim");
            let kind = request.header("Content-Type");
            assert_eq!(kind, Some("application/json; charset=utf-8"));
            let time = request.header("X-Lark-Request-Timestamp");
            assert_eq!(time, Some(BEGIN.seconds().to_string().as_str()));
            assert_eq!(request.header("X-Lark-Request-Nonce").unwrap().len(), 32);
            assert_eq!(request.header("X-Request-Id").unwrap().len(), 32);
            assert_eq!(request.header("X-Lark-Signature"), None, "there is no key to check it with");
        }
        let (bound, _) = world.delivery(&parties, EventKind::AccountCreated).await;
        let (placed, delivery) = world.delivery(&parties, EventKind::OrderCreated).await;
        let expected = |event_id: &str, at: UnixMs, kind: &str, event: &str| {
            format!(
                r#"{{"schema":"2.0","header":{{"event_id":"{event_id}","token":"v-1","create_time":"{at}","event_type":"hire.{kind}_v1","tenant_key":"{}","app_id":"{}"}},"event":{event}}}"#,
                parties.tenant.tenant_id, parties.app_id,
            )
        };
        let account_id = parties.account_id;
        let body = |nth: usize| String::from_utf8(seen[nth].body.clone()).unwrap();
        assert_eq!(
            body(0),
            expected(
                &bound.event_id.to_string(),
                BEGIN,
                "eco_account.created",
                &format!(
                    r#"{{"scope":1,"account_id":"{account_id}","account_name":"华东区","usage_list":[1,2],"custom_field_list":[{{"key":"code","value":"星-7"}}]}}"#
                ),
            )
        );
        assert_eq!(
            body(1),
            expected(
                &placed.event_id.to_string(),
                BEGIN.plus_ms(5),
                "eco_background_check.created",
                &format!(
                    r#"{{"background_check_id":"{order_id}","account_id":"{account_id}","package_id":"pkg-a","additional_item_id_list":["item-a"],"comment":"加急 / \"x\"","candidate_info":{{"name":"张三","mobile":{{"code":"86","number":"13800000000"}},"email":"z@example.com","first_name":"San","last_name":"Zhang"}},"client_contact_info":{{"name":"李四","mobile":{{"code":"86","number":"13900000000"}},"email":"l@example.com"}},"custom_field_list":[{{"key":"degree","value":"bachelor"}}]}}"#
                ),
            )
        );

        assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Delivered, None));
        let [attempt] = delivery.attempts.as_slice() else { panic!("{delivery:?}") };
        assert_eq!((attempt.attempt, attempt.at), (1, BEGIN.plus_ms(5)));
        assert_eq!((attempt.outcome.as_str(), attempt.http_status), ("delivered", Some(200)));
        assert_eq!(attempt.exchange.request, body(1));
        assert_eq!(attempt.exchange.response, r#"{"msg":"success"}"#);
    })
    .await;
}

#[tokio::test]
async fn an_encrypted_event_opens_and_its_signature_holds() {
    World::each(async |world| {
        let peer = answering(500).await;
        let parties = world.parties(settings(Some(&peer.url("/")), true)).await;
        world.settle().await;
        world.clock.advance_ms(15 * SECOND);
        world.settle().await;

        let seen = peer.seen();
        let mut plains = HashSet::new();
        for request in &seen {
            let header = |name| request.header(name).unwrap();
            assert!(seal::verify(
                header("X-Lark-Signature"),
                header("X-Lark-Request-Timestamp"),
                header("X-Lark-Request-Nonce"),
                "test key",
                &request.body,
            ));
            let plain = seal::decrypt("test key", &request.body).unwrap();
            let (header, reported) = event::read(&plain).unwrap();
            assert_eq!(event::render(&header, &reported), plain);
            assert_eq!(header.token, "v-1");
            plains.insert(plain);
        }
        assert_eq!((seen.len(), plains.len()), (2, 1), "the same event in every try");
        assert_ne!(seen[0].body, seen[1].body, "a fresh initialisation vector");
        let (_, delivery) = world.delivery(&parties, EventKind::AccountCreated).await;
        assert_eq!(delivery.attempts[0].exchange.request.as_bytes(), seen[0].body);
    })
    .await;
}

#[tokio::test]
async fn failed_tries_follow_the_schedule_and_then_the_delivery_is_exhausted() {
    World::each(async |world| {
        let peer = answering(500).await;
        let parties = world.parties(settings(Some(&peer.url("/")), false)).await;
        world.settle().await;
        let waits = [15 * SECOND, 5 * MINUTE, HOUR, 6 * HOUR];
        for (tries, wait_ms) in (1..).zip(waits) {
            assert_eq!(peer.seen().len(), tries);
            let (_, delivery) = world.delivery(&parties, EventKind::AccountCreated).await;
            let due_at = world.clock.now().plus_ms(i64::try_from(wait_ms).unwrap());
            assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Due, Some(due_at)));
            world.clock.advance_ms(wait_ms - 1);
            world.settle().await;
            assert_eq!(peer.seen().len(), tries, "1 ms before it is due");
            world.clock.advance_ms(1);
            world.settle().await;
        }
        world.clock.advance_ms(10 * HOUR);
        world.settle().await;

        let seen = peer.seen();
        assert_eq!(seen.len(), 5);
        let of = |name: &'static str| {
            seen.iter().map(|request| request.header(name).unwrap()).collect::<HashSet<_>>().len()
        };
        assert_eq!((of("X-Lark-Request-Nonce"), of("X-Request-Id")), (5, 5), "fresh in every try");
        assert_eq!(of("X-Lark-Request-Timestamp"), 5);
        let (event, delivery) = world.delivery(&parties, EventKind::AccountCreated).await;
        let ids: HashSet<_> = seen.iter().map(|request| request.event().0.event_id).collect();
        assert_eq!(ids, HashSet::from([event.event_id.to_string()]), "one event_id");
        assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Exhausted, None));
        let numbers: Vec<_> = delivery.attempts.iter().map(|attempt| attempt.attempt).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        for attempt in &delivery.attempts {
            assert_eq!((attempt.outcome.as_str(), attempt.http_status), ("status 500", Some(500)));
            assert_eq!(attempt.exchange.response, "no");
        }

        let tenant_id = parties.tenant.tenant_id;
        let now = world.clock.now();
        let store = &world.app.hub.store;
        let (event_no, endpoint_id) = (event.event_id.event_no, event.app_id.into());
        assert!(store.resend_event(tenant_id, event_no, endpoint_id, now).await.unwrap());
        world.settle().await;
        assert_eq!(peer.seen()[5].event().0.event_id, event.event_id.to_string());
        let (_, delivery) = world.delivery(&parties, EventKind::AccountCreated).await;
        let due_at = Some(world.clock.now().plus_ms(15_000));
        assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Due, due_at), "anew");
        assert_eq!(delivery.attempts.len(), 6);
        for _ in 0..4 {
            world.clock.advance_ms(6 * HOUR);
            world.settle().await;
        }
        let (_, delivery) = world.delivery(&parties, EventKind::AccountCreated).await;
        assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Exhausted, 10));
    })
    .await;
}

#[tokio::test]
async fn only_200_in_time_is_a_delivery() {
    World::each(async |world| {
        let megabyte = vec![b'x'; 1 << 20];
        let long = format!("{{\"msg\":\"{}\"}}", "长".repeat(40_000));
        let chunked =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
        let late = "no complete answer came in time";
        let broken = "the answer broke off or was not HTTP";
        let cases = [
            ("200", Reply::Whole(answer(200, "", b"")), "delivered", Some(200)),
            ("200 in chunks", Reply::Whole(chunked.to_vec()), "delivered", Some(200)),
            ("200 of 1 MB", Reply::Last(answer(200, "", &megabyte)), "delivered", Some(200)),
            ("200 long", Reply::Whole(answer(200, "", long.as_bytes())), "delivered", Some(200)),
            ("201", Reply::Whole(answer(201, "", b"")), "status 201", Some(201)),
            ("204", Reply::Whole(b"HTTP/1.1 204 No\r\n\r\n".to_vec()), "status 204", Some(204)),
            ("302", Reply::Whole(answer(302, "location: /\r\n", b"")), "status 302", Some(302)),
            ("429", Reply::Whole(answer(429, "", b"")), "status 429", Some(429)),
            ("500", Reply::Whole(answer(500, "", b"")), "status 500", Some(500)),
            ("no answer", Reply::Stall(Vec::new()), late, None),
            ("half, then silence", Reply::Stall(half.clone()), late, None),
            ("a byte now and then", Reply::Drip(answer(200, "", &[b'x'; 100])), late, None),
            ("broken off", Reply::Last(half), broken, None),
            ("closed", Reply::Last(Vec::new()), broken, None),
            ("not HTTP", Reply::Last(b"SSH-2.0-x\r\n".to_vec()), broken, None),
        ];
        let mut all = Vec::new();
        for (name, reply, outcome, status) in cases {
            let peer = Peer::start(move |_, _| reply.clone()).await;
            let parties = world.parties(settings(Some(&peer.url("/")), false)).await;
            all.push((name, parties, peer, outcome, status));
        }
        let closed = world.parties(settings(Some("http://127.0.0.1:9/"), false)).await;
        let inner = world.parties(settings(Some("http://10.1.2.3/"), false)).await;
        world.settle().await;

        for (name, parties, peer, outcome, status) in &all {
            let (_, delivery) = world.delivery(parties, EventKind::AccountCreated).await;
            let attempt = &delivery.attempts[0];
            assert_eq!(
                (attempt.outcome.as_str(), attempt.http_status),
                (*outcome, *status),
                "{name}"
            );
            let expected = match *status {
                Some(200) => DeliveryState::Delivered,
                _ => DeliveryState::Due,
            };
            assert_eq!(delivery.state, expected, "{name}");
            assert_eq!((delivery.attempts.len(), peer.seen().len()), (1, 1), "{name}: no redirect");
            assert!(attempt.exchange.response.len() <= 64 * 1024, "{name}");
            let response = &attempt.exchange.response;
            match *name {
                "200 of 1 MB" => assert_eq!(response.len(), 64 * 1024),
                "200 long" => assert!(response.len() > 64 * 1024 - 3 && long.starts_with(response)),
                _ => {}
            }
        }
        for parties in [closed, inner] {
            let (_, delivery) = world.delivery(&parties, EventKind::AccountCreated).await;
            let outcome = &delivery.attempts[0].outcome;
            assert_eq!(outcome, "the address could not be reached", "nothing tells them apart");
            assert_eq!(delivery.state, DeliveryState::Due);
        }
    })
    .await;
}

#[tokio::test]
async fn created_is_sent_before_canceled() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let parties = world.parties(settings(None, false)).await;
        let refusing = Peer::start(|request, _| {
            let is_created = request.event().1.event_type() == event::EventType::CheckCreated;
            if is_created { Reply::Whole(answer(500, "", b"")) } else { ok() }
        });
        let refusing = refusing.await;
        let other = world.parties(settings(Some(&refusing.url("/")), false)).await;
        let mut orders = Vec::new();
        for parties in [&parties, &other] {
            for number in 0..5 {
                let order_id = world.placed(parties).await;
                world.terminated(parties, order_id, &format!("候选人放弃 {number}")).await;
                orders.push(order_id);
            }
        }
        world.settle().await;
        assert!(peer.seen().is_empty());
        world.change_app(&parties, &settings(Some(&peer.url("/")), false)).await;
        world.settle().await;

        for (peer, orders) in [(peer, &orders[..5]), (refusing, &orders[5..])] {
            let mut reported: Vec<(Id, event::EventType)> = Vec::new();
            for request in peer.seen() {
                let (_, event) = request.event();
                let order_id = match &event {
                    event::Event::AccountCreated(_) | event::Event::CheckReturned(_) => continue,
                    event::Event::CheckCreated(created) => &created.background_check_id,
                    event::Event::CheckCanceled(canceled) => {
                        assert!(canceled.termination_reason.starts_with("候选人放弃 "));
                        &canceled.background_check_id
                    }
                };
                reported.push((order_id.parse().unwrap(), event.event_type()));
            }
            for order_id in orders {
                let of_order = reported.iter().filter(|(reported, _)| reported == order_id);
                let kinds: Vec<_> = of_order.map(|(_, kind)| *kind).collect();
                let expected = [event::EventType::CheckCreated, event::EventType::CheckCanceled];
                assert_eq!(kinds, expected);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_is_held_until_its_app_has_a_endpoint() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let open = settings(Some(&peer.url("/")), false);
        let lacking = [
            settings(None, false),
            store::apps::AppSettings { is_enabled: false, ..open.clone() },
            store::apps::AppSettings { event_mode: EventMode::LongConnection, ..open.clone() },
            store::apps::AppSettings { scopes: vec![Scope::ApplicationReadonly], ..open.clone() },
        ];
        for (number, lacking) in lacking.into_iter().enumerate() {
            let parties = world.parties(lacking.clone()).await;
            world.placed(&parties).await;
            world.settle().await;
            // A change that gives no endpoint releases nothing for good.
            world.change_app(&parties, &lacking).await;
            world.settle().await;
            for (_, delivery) in world.deliveries(&parties).await {
                assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Held, None));
                assert!(delivery.attempts.is_empty());
            }
            assert_eq!(peer.seen().len(), number * 2);
            world.clock.advance_ms(10 * HOUR);
            world.change_app(&parties, &open).await;
            world.settle().await;
            for (_, delivery) in world.deliveries(&parties).await {
                assert_eq!(delivery.state, DeliveryState::Delivered);
                assert_eq!(delivery.attempts[0].attempt, 1, "holding is no try");
            }
            assert_eq!(peer.seen().len(), number * 2 + 2);
        }
    })
    .await;
}

#[tokio::test]
async fn the_scope_of_the_exams_is_enough_for_the_account_alone() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let open = settings(Some(&peer.url("/")), false);
        let scopes = vec![Scope::ExamReadonly];
        let parties = world.parties(store::apps::AppSettings { scopes, ..open }).await;
        world.placed(&parties).await;
        world.settle().await;
        let states: Vec<_> =
            world.deliveries(&parties).await.iter().map(|(_, delivery)| delivery.state).collect();
        assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Held]);
    })
    .await;
}

#[tokio::test]
async fn what_became_of_accounts_and_apps_meanwhile_is_said() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let (store, now) = (&world.app.hub.store, world.clock.now());
        let by = store::audit::By::system(now);
        let unbound = world.parties(settings(Some(&peer.url("/")), false)).await;
        let tenant_id = unbound.tenant.tenant_id;
        assert!(store.unbind_account(by, tenant_id, unbound.account_id).await.unwrap());
        let deleted = world.parties(settings(Some(&peer.url("/")), false)).await;
        world.placed(&deleted).await;
        store.unbind_account(by, deleted.tenant.tenant_id, deleted.account_id).await.unwrap();
        assert_eq!(store.delete_app(by, deleted.app_id).await.unwrap(), store::Saved::Done);
        world.settle().await;

        assert!(peer.seen().is_empty());
        let (event, delivery) = world.delivery(&unbound, EventKind::AccountCreated).await;
        assert_eq!(delivery.state, DeliveryState::Exhausted);
        assert_eq!(delivery.attempts[0].outcome, "not sent: the account is no longer bound");
        for (_, delivery) in world.deliveries(&deleted).await {
            assert_eq!(delivery.state, DeliveryState::Held);
        }
        let (event_no, endpoint_id) = (event.event_id.event_no, event.app_id.into());
        assert!(store.resend_event(tenant_id, event_no, endpoint_id, now).await.unwrap());
        world.settle().await;
    })
    .await;
}

#[tokio::test]
async fn two_workers_at_once_send_each_try_once() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let parties = world.parties(settings(Some(&peer.url("/")), true)).await;
        for _ in 0..150 {
            world.placed(&parties).await;
        }
        tokio::join!(world.settle(), world.settle(), world.settle());
        let plain = |request: &peer::Seen| seal::decrypt("test key", &request.body).unwrap();
        let seen = peer.seen();
        let ids: HashSet<_> =
            seen.iter().map(|request| event::read(&plain(request)).unwrap().0.event_id).collect();
        assert_eq!((seen.len(), ids.len()), (151, 151));
        for (_, delivery) in world.deliveries(&parties).await {
            assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 1));
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_dead_worker_held_is_sent_when_its_lease_ends() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let parties = world.parties(settings(Some(&peer.url("/")), false)).await;
        let now = world.clock.now();
        let claimed =
            world.app.hub.store.claim_deliveries(now, now.plus_ms(30_000), 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        world.clock.advance_ms(30 * SECOND - 1);
        world.settle().await;
        assert!(peer.seen().is_empty());
        world.clock.advance_ms(1);
        world.settle().await;
        assert_eq!(peer.seen().len(), 1);
        let (_, delivery) = world.delivery(&parties, EventKind::AccountCreated).await;
        assert_eq!(delivery.state, DeliveryState::Delivered);
    })
    .await;
}

#[tokio::test]
async fn a_dead_receiver_stops_nobody_else() {
    World::each(async |world| {
        let dead = Peer::start(|_, _| Reply::Stall(Vec::new())).await;
        let good = Peer::willing().await;
        let silent = world.parties(settings(Some(&dead.url("/")), false)).await;
        for _ in 0..99 {
            world.placed(&silent).await;
        }
        world.clock.advance_ms(1);
        let parties = world.parties(settings(Some(&good.url("/")), false)).await;
        for _ in 0..29 {
            world.placed(&parties).await;
        }
        let mut settling = Box::pin(world.settle());
        tokio::select! {
            () = &mut settling => panic!("the dead receiver holds its tries for 3 s"),
            seen = good.wait_for(30) => assert_eq!(seen.len(), 30),
        }
        assert!(dead.seen().len() <= 16, "no more than its places: {}", dead.seen().len());
        settling.await;

        assert_eq!(dead.seen().len(), 16, "the rest is spared");
        let (now, mut untried) = (world.clock.now(), 0);
        for (_, delivery) in world.deliveries(&silent).await {
            let is_tried = !delivery.attempts.is_empty();
            let due_at = if is_tried { now.plus_ms(15_000) } else { now.plus_ms(-1) };
            untried += usize::from(!is_tried);
            assert_eq!(delivery.state, DeliveryState::Due);
            assert!(delivery.due_at <= Some(due_at), "{delivery:?}");
        }
        assert_eq!(untried, 84);
        world.clock.advance_ms(15 * SECOND);
        tokio::select! {
            () = world.settle() => {}
            () = wait(&good, 31) => panic!("nothing is due for the good one"),
        }
        assert_eq!(good.seen().len(), 30);
    })
    .await;
}

async fn wait(peer: &Peer, count: usize) {
    peer.wait_for(count).await;
}

#[tokio::test]
async fn a_commit_wakes_the_workers_and_stopping_leaves_nothing_in_the_air() {
    for engine in Engine::available().await {
        let mut world = World::start(engine, Clock::manual(BEGIN), true, |_| {}).await;
        let peer = Peer::willing().await;
        let parties = world.parties(settings(Some(&peer.url("/")), false)).await;
        for count in 2..20 {
            world.placed(&parties).await;
            let seen = tokio::time::timeout(Duration::from_secs(20), peer.wait_for(count)).await;
            assert_eq!(seen.expect("the signal comes").len(), count);
        }
        world.restart().await;
        for (_, delivery) in world.deliveries(&parties).await {
            assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 1));
        }
    }
}
