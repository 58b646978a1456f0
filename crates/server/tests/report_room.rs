//! Reports of many vendors beside each other: what is slow, what needs much room, what is about to end. Source: product,
//! section 12.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use std::time::Duration;

use client::control::Control;
use contract::control::{AlertKind, List, ProblemCode, PutQuota, ReportState};
use domain::Id;
use harness::{BEGIN, Engine, World};
use peer::{Parties, Peer, Reply, answer, pdf, settings};
use store::reports::Report;
use system::clock::Clock;

async fn report(world: &World, parties: &Parties, order_id: Id) -> Report {
    let order = world.app.hub.store.find_order(&parties.tenant, order_id).await.unwrap().unwrap();
    order.reports.into_iter().next().unwrap()
}

/// A host that begins with an answer and never ends it.
async fn dripping() -> Peer {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n%PDF-1.7\n".to_vec();
    Peer::start(move |_, _| Reply::Drip([&head[..], &[b'%'; 100_000]].concat())).await
}

async fn host(bytes: Vec<u8>) -> Peer {
    Peer::start(move |_, _| Reply::Whole(answer(200, "", &bytes))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_host_holds_up_neither_other_tenants_nor_other_hosts() {
    for engine in Engine::available().await {
        let world = World::start(engine, Clock::manual(BEGIN), true, |_| {}).await;
        let (slow, slower) = (dripping().await, dripping().await);
        let bad = world.parties(settings(None, false)).await;
        let urls = |peer: &Peer| (0..25).map(|n| peer.url(&format!("/{n}"))).collect::<Vec<_>>();
        world.reported(&bad, &[urls(&slow), urls(&slower)].concat(), false).await;
        slow.wait_for(2).await;
        slower.wait_for(2).await;

        let good = host(pdf("")).await;
        let parties = world.parties(settings(None, false)).await;
        world.reported(&parties, &[good.url("/")], false).await;
        let passed = tokio::time::timeout(Duration::from_secs(20), good.wait_for(1)).await;
        assert!(passed.is_ok(), "the healthy pass the slow");
        assert_eq!((slow.seen().len(), slower.seen().len()), (2, 2), "2 of a host, 4 of an app");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_sixteen_are_fetched_at_once() {
    let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), true, |_| {}).await;
    let mut peers = Vec::new();
    for _ in 0..6 {
        let parties = world.parties(settings(None, false)).await;
        let hosts = [dripping().await, dripping().await, dripping().await];
        let urls: Vec<_> = hosts.iter().flat_map(|peer| [peer.url("/a"), peer.url("/b")]).collect();
        world.reported(&parties, &urls, false).await;
        peers.push(hosts);
    }
    let count = || peers.iter().flatten().map(|peer| peer.seen().len()).sum::<usize>();
    let full = async {
        while count() < 16 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), full).await.unwrap();
    // A call that the worker answers to: it looks again, and finds no place.
    let parties = world.parties(settings(None, false)).await;
    world.reported(&parties, &[peers[0][0].url("/c")], false).await;
    assert_eq!(count(), 16);
    for hosts in &peers {
        assert!(hosts.iter().map(|peer| peer.seen().len()).sum::<usize>() <= 4);
    }
}

#[tokio::test]
async fn a_link_that_ends_is_tried_again_before_its_end() {
    World::each(async |world| {
        let peer = Peer::start(|_, nth| {
            Reply::Whole(if nth < 4 { answer(503, "", b"") } else { answer(200, "", &pdf("")) })
        });
        let peer = peer.await;
        let parties = world.parties(settings(None, false)).await;
        let end = BEGIN.plus_ms(120_000);
        let url = peer.url(&format!("/r.pdf?Expires={}", end.seconds()));
        let order_id = world.reported(&parties, &[url], false).await;
        while report(&world, &parties, order_id).await.state != domain::report::ReportState::Stored
        {
            world.settle().await;
            world.clock.advance_ms(1_000);
        }
        assert_eq!(peer.seen().len(), 4);
        assert!(world.clock.now() < end, "{}", world.clock.now());
    })
    .await;
}

#[tokio::test]
async fn a_full_quota_makes_reports_and_files_wait_and_orders_go_on() {
    World::each(async |world| {
        let peer = host([pdf(""), b"% ".repeat(5_000), b"%%EOF".to_vec()].concat()).await;
        let seed = world.seed().await;
        let hirer = &seed.hirer;
        let quota = |bytes| PutQuota { quota_bytes: Some(bytes) };
        let set = world.operator.put_tenant_quota(&hirer.tenant_key, &quota(Some(12_000))).await;
        assert_eq!((set.unwrap().quota_bytes, peer.seen().len()), (12_000, 0));
        let refused = hirer.control.put_tenant_quota(&hirer.tenant_key, &quota(None)).await;
        assert_eq!(refused.unwrap_err().problem().unwrap().code, ProblemCode::Forbidden.as_str());

        let (first, second) =
            (returned(&world, &seed, &peer).await, returned(&world, &seed, &peer).await);
        world.settle().await;
        let states = [
            state(&hirer.control, hirer, &first).await,
            state(&hirer.control, hirer, &second).await,
        ];
        let waits = "the report waits: the space for stored reports is used up";
        assert!(states.contains(&(ReportState::Stored, None)), "{states:?}");
        assert!(states.contains(&(ReportState::Pending, Some(waits.to_owned()))), "{states:?}");
        // It is known what it needs: it is not fetched again and again.
        let asked = peer.seen().len();
        world.clock.advance_ms(60_000);
        world.settle().await;
        assert_eq!(peer.seen().len(), asked);

        let large = vec![7_u8; 2_000];
        let refused = hirer.control.create_file(&hirer.tenant_key, "a.bin", large).await;
        assert_eq!(refused.unwrap_err().problem().unwrap().code, "quota_used_up");
        world.place(&seed).await;

        let alerts = world.operator.list_alerts(&List::default()).await.unwrap().items;
        let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
        assert_eq!(alert.kind, AlertKind::TenantNearQuota);
        assert_eq!(alert.tenant_key.as_ref(), Some(&hirer.tenant_key));

        world.operator.put_tenant_quota(&hirer.tenant_key, &quota(Some(100_000))).await.unwrap();
        world.settle().await;
        for order_id in [&first, &second] {
            assert_eq!(state(&hirer.control, hirer, order_id).await, (ReportState::Stored, None));
        }
        let own = hirer.control.get_tenant_quota(&hirer.tenant_key).await.unwrap();
        assert_eq!(
            (own.used_bytes, own.is_default, own.is_near_quota),
            (2 * 10_000 + 2 * head(), false, false)
        );
        let alerts = world.operator.list_alerts(&List::default()).await.unwrap().items;
        assert!(alerts[0].ended_at.is_some());

        hirer.control.create_file(&hirer.tenant_key, "a.bin", vec![7_u8; 2_000]).await.unwrap();
        let all = world.operator.get_storage().await.unwrap();
        let of = |key: &str| all.items.iter().find(|item| item.tenant_key.as_deref() == Some(key));
        assert_eq!(of(&hirer.tenant_key).unwrap().used_bytes, own.used_bytes + 2_000);
        let app = world.operator.get_app_quota(&seed.app.app.app_id).await.unwrap();
        assert_eq!(
            (app.used_bytes, app.quota_bytes, app.is_default),
            (own.used_bytes, 10 << 30, true)
        );
    })
    .await;
}

/// Bytes of the small PDF around what makes it large.
fn head() -> u64 {
    pdf("").len() as u64 + 5
}

async fn returned(world: &World, seed: &harness::Seed, peer: &Peer) -> String {
    use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
    let order_id = world.place(seed).await.order_id;
    let result = UpdateResult {
        background_check_id: order_id.clone(),
        result: "绿灯".to_owned(),
        result_time: 1_795_004_000_000,
        operator_role: OperatorRole::Provider,
        report_file_list: vec![ReportFile {
            name: "a.pdf".to_owned(),
            url: peer.url(&format!("/{order_id}")),
            url_type: ReportUrlType::Download,
        }],
    };
    seed.vendor.update_result(&result).await.unwrap();
    order_id
}

async fn state(
    control: &Control,
    hirer: &harness::Hirer,
    order_id: &str,
) -> (ReportState, Option<String>) {
    let order = control.get_order(&hirer.tenant_key, order_id).await.unwrap();
    (order.reports[0].state, order.reports[0].failure_reason.clone())
}

#[tokio::test]
async fn a_nearly_full_disk_makes_reports_wait_and_orders_go_on() {
    World::each(async |mut world| {
        let peer = host(pdf("")).await;
        let seed = world.seed().await;
        world.restart_with(|config| config.disk_reserve_bytes = Some(u64::MAX)).await;
        let order_id = returned(&world, &seed, &peer).await;
        world.settle().await;
        let (hirer, control) = (&seed.hirer, &seed.hirer.control);
        let waits = "the report waits: the disk is nearly full".to_owned();
        assert_eq!(state(control, hirer, &order_id).await, (ReportState::Pending, Some(waits)));
        assert!(peer.seen().is_empty());
        let ready = world.request("GET", "/readyz", "").send().await.unwrap();
        assert_eq!(ready.status(), 200);
        let ready = ready.text().await.unwrap();
        assert_eq!(ready, "ready\nreports and files wait: the disk is nearly full\n");
        let refused = control.create_file(&hirer.tenant_key, "a.bin", vec![7_u8; 9]).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, ProblemCode::Unavailable.as_str());
        let metrics = world.request("GET", "/metrics", &world.operator_key).send().await.unwrap();
        assert!(metrics.text().await.unwrap().contains("probity_disk_short 1"));
        let alerts = world.operator.list_alerts(&List::default()).await.unwrap().items;
        assert_eq!((alerts[0].kind, &alerts[0].ended_at), (AlertKind::DiskNearlyFull, &None));
        assert!(world.operator.get_storage().await.unwrap().disk.unwrap().is_short);

        world.restart_with(|config| config.disk_reserve_bytes = Some(0)).await;
        world.settle().await;
        assert_eq!(state(control, hirer, &order_id).await, (ReportState::Stored, None));
        let alerts = world.operator.list_alerts(&List::default()).await.unwrap().items;
        assert!(alerts[0].ended_at.is_some());
        let ready = world.request("GET", "/readyz", "").send().await.unwrap();
        assert_eq!(ready.text().await.unwrap(), "ready\n");
    })
    .await;
}
