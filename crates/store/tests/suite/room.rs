//! Queues of reports, what is stored for whom, and leases that nobody holds.

use domain::report::ReportState;
use domain::{Id, UnixMs};
use store::alerts::Subject;
use store::audit::By;
use store::content::VersionFacts;
use store::erasing::Why;
use store::fetch_queues::{FetchQueue, QueueClaim};
use store::pauses::AlertKind;
use store::report_versions::NewContent;
use store::reports::{ClaimedReport, FetchOutcome};
use store::storage_use::Holder;
use store::{FaultKind, Key};

use crate::support::*;

on_both!(
    each_host_of_an_app_has_its_lane,
    a_link_that_ends_soon_goes_first,
    what_does_not_fit_a_quota_waits_until_it_fits,
    what_is_erased_is_stored_no_more,
    an_alert_about_room_lasts_once,
    what_a_dead_process_leased_is_due_at_the_next_start,
);

const LEASE_MS: i64 = 60_000;

async fn returned(world: &World, scene: &Scene, urls: &[&str]) -> Id {
    let order_id = accepted(&world.store, scene.place()).await;
    let reports = urls.iter().map(|url| report("终版.pdf", url)).collect();
    accepted(&world.store, scene.result_with(order_id, "绿灯", reports)).await;
    order_id
}

async fn queues(world: &World, now: UnixMs) -> Vec<FetchQueue> {
    while world.store.place_reports(now, now.plus_ms(LEASE_MS)).await.unwrap() > 0 {}
    world.store.list_fetch_queues(now).await.unwrap()
}

async fn claim(world: &World, queue: &FetchQueue, now: UnixMs, limit: u32) -> Vec<ClaimedReport> {
    let claim = QueueClaim { queue_id: queue.queue_id, limit, room_bytes: i64::MAX };
    world.store.claim_lane(claim, now, now.plus_ms(LEASE_MS)).await.unwrap()
}

fn stored(number: i64, size_bytes: i64) -> FetchOutcome {
    let content = NewContent {
        object_id: Id(number),
        key: Key::new([1; 32]),
        size_bytes,
        sha256: [1; 32],
        fetched_at: NOW,
    };
    FetchOutcome::Stored { content, facts: VersionFacts::default() }
}

async fn used(world: &World, holder: Holder) -> i64 {
    world.store.find_storage_use(holder).await.unwrap().used_bytes
}

async fn each_host_of_an_app_has_its_lane(world: &World) {
    let scene = world.scene(false, false).await;
    let urls = [
        "https://a.example/1",
        "https://A.example.:443/2",
        "https://a.example:8443/",
        "http://b.example/",
    ];
    returned(world, &scene, &urls).await;
    let found = queues(world, NOW).await;
    assert_eq!(found.iter().filter(|queue| queue.app_id == scene.app_id).count(), 3);
    let mut claimed = Vec::new();
    for queue in &found {
        claimed.extend(claim(world, queue, NOW, 10).await);
    }
    assert_eq!(claimed.len(), 4);
    assert!(queues(world, NOW).await.is_empty(), "all are leased");
    // Where nothing was tried, no try is counted.
    for report in &claimed {
        assert_eq!(report.attempt, 1);
        assert!(world.store.put_back_report(report, None, 1, NOW.plus_ms(5)).await.unwrap());
        assert!(!world.store.put_back_report(report, None, 1, NOW).await.unwrap());
    }
    let later = NOW.plus_ms(5);
    let queue = queues(world, later).await[0];
    assert_eq!(claim(world, &queue, later, 1).await[0].attempt, 1);
}

async fn a_link_that_ends_soon_goes_first(world: &World) {
    let scene = world.scene(false, false).await;
    let ends = |seconds: i64| {
        format!("https://a.example/{seconds}?Expires={}", NOW.plus_ms(seconds * 1_000).seconds())
    };
    let (minute, week, gone) = (ends(60), ends(604_800), ends(-60));
    let half = ends(30);
    let plain = "https://a.example/plain";
    let urls = [plain, week.as_str(), gone.as_str(), minute.as_str(), half.as_str()];
    returned(world, &scene, &urls).await;
    returned(world, &scene, &["https://b.example/"]).await;
    let found = queues(world, NOW).await;
    assert_eq!(found.len(), 2);
    let ends_at = UnixMs(NOW.plus_ms(30_000).seconds() * 1_000);
    assert_eq!((found[0].link_ends_at, found[1].link_ends_at), (Some(ends_at), None));
    let first: Vec<_> =
        claim(world, &found[0], NOW, 2).await.into_iter().map(|one| one.source.url).collect();
    assert_eq!(first.len(), 2);
    assert!(first.contains(&minute) && first.contains(&half), "{first:?}");
    let rest = claim(world, &found[0], NOW, 10).await;
    assert_eq!(rest.len(), 3);
}

async fn what_does_not_fit_a_quota_waits_until_it_fits(world: &World) {
    let scene = world.scene(false, false).await;
    let (tenant, app) = (Holder::Tenant(scene.tenant.tenant_id), Holder::App(scene.app_id));
    let store = &world.store;
    let urls = ["https://a.example/1", "https://a.example/2"];
    let order_id = returned(world, &scene, &urls).await;
    for (holder, object) in [(tenant, 100), (app, 200)] {
        let before = used(world, holder).await;
        store.set_quota(holder, Some(before + 1_000)).await.unwrap();
        let queue = queues(world, NOW).await[0];
        let report = claim(world, &queue, NOW, 1).await.remove(0);
        let fault = store.finish_report(&report, &stored(object, 1_001)).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::NoRoom);
        assert_eq!(used(world, holder).await, before, "nothing was written");
        assert!(store.put_back_report(&report, Some("full"), 1_001, NOW).await.unwrap());
        let found = store.find_report(&scene.tenant, order_id, report.report_id).await.unwrap();
        let found = found.unwrap();
        assert_eq!((found.state, found.failure.as_deref()), (ReportState::Pending, Some("full")));
        // The other one may fit, this one does not.
        let others = claim(world, &queue, NOW, 10).await;
        assert!(others.iter().all(|other| other.report_id != report.report_id));
        for other in &others {
            assert!(store.put_back_report(other, None, 1, NOW).await.unwrap());
        }
        store.set_quota(holder, Some(before)).await.unwrap();
        assert!(claim(world, &queue, NOW, 10).await.is_empty(), "nothing fits");
        store.tell_waiting(queue.queue_id, NOW, "waits").await.unwrap();
        let found = store.find_report(&scene.tenant, order_id, report.report_id).await.unwrap();
        assert_eq!(found.unwrap().failure.as_deref(), Some("waits"));

        store.set_quota(holder, None).await.unwrap();
        let quota = store.find_storage_use(holder).await.unwrap();
        assert_eq!((quota.own_quota_bytes, quota.is_near_quota()), (None, false));
        let claimed = claim(world, &queue, NOW, 10).await;
        let again = claimed.iter().find(|other| other.report_id == report.report_id).unwrap();
        assert_eq!(again.attempt, 1);
        assert!(store.finish_report(again, &stored(object, 1_001)).await.unwrap());
        assert_eq!(used(world, holder).await, before + 1_001);
        for other in claimed.iter().filter(|other| other.report_id != report.report_id) {
            assert!(store.put_back_report(other, None, 1, NOW).await.unwrap());
        }
    }
    store.set_quota(tenant, Some(2_502)).await.unwrap();
    let found = store.list_storage_use(None, 10).await.unwrap();
    let found: Vec<_> =
        found.into_iter().filter(|one| [tenant, app].contains(&one.holder)).collect();
    assert_eq!(found.len(), 2);
    assert!(found.iter().any(|one| one.holder == tenant && one.is_near_quota()), "80 % are near");
    assert!(
        store
            .list_storage_use(Some(tenant), 10)
            .await
            .unwrap()
            .iter()
            .all(|one| one.holder != tenant)
    );
}

async fn what_is_erased_is_stored_no_more(world: &World) {
    let scene = world.scene(false, false).await;
    let (tenant, app) = (Holder::Tenant(scene.tenant.tenant_id), Holder::App(scene.app_id));
    let order_id = returned(world, &scene, &["https://a.example/1"]).await;
    let queue = queues(world, NOW).await[0];
    let claimed = claim(world, &queue, NOW, 1).await.remove(0);
    assert!(world.store.finish_report(&claimed, &stored(300, 700)).await.unwrap());
    assert_eq!((used(world, tenant).await, used(world, app).await), (700, 700));
    let (by, why) = (By::system(NOW), Why::Hand("x".to_owned()));
    let erased = world.store.erase_order(by, &scene.tenant, order_id, &why).await.unwrap();
    assert!(erased.is_some());
    assert_eq!((used(world, tenant).await, used(world, app).await), (0, 0));
}

async fn an_alert_about_room_lasts_once(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant = Subject::Tenant(scene.tenant.tenant_id);
    let (store, kind) = (&world.store, AlertKind::TenantNearQuota);
    let list = async || store.list_alerts(Id(i64::MAX), 10).await.unwrap();
    for _ in 0..2 {
        store.raise_alert(kind, tenant, "80 %", NOW).await.unwrap();
        let disk = AlertKind::DiskNearlyFull;
        store.raise_alert(disk, Subject::Installation, "full", NOW).await.unwrap();
    }
    let alerts = list().await;
    assert_eq!(alerts.len(), 2);
    let about = alerts.iter().find(|alert| alert.kind == kind).unwrap();
    assert_eq!((about.app_id, about.tenant_id), (None, Some(scene.tenant.tenant_id)));
    let at = NOW.plus_ms(9);
    store.end_alert(kind, tenant, at).await.unwrap();
    let open: Vec<_> = list().await.into_iter().filter(|alert| alert.ended_at.is_none()).collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].kind, AlertKind::DiskNearlyFull);
    store.raise_alert(kind, tenant, "80 %", at).await.unwrap();
    assert_eq!(list().await.len(), 3);
}

async fn what_a_dead_process_leased_is_due_at_the_next_start(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = returned(world, &scene, &["https://a.example/1"]).await;
    let queue = queues(world, NOW).await[0];
    let claimed = claim(world, &queue, NOW, 1).await.remove(0);
    let leased = world.store.claim_deliveries(NOW, NOW.plus_ms(LEASE_MS), 10).await.unwrap();
    assert!(!leased.is_empty());
    world.store.release_leases(NOW.plus_ms(1)).await.unwrap();
    let now = NOW.plus_ms(1);
    let (reports, deliveries) = (
        queues(world, now).await.len(),
        world.store.claim_deliveries(now, now.plus_ms(LEASE_MS), 10).await.unwrap().len(),
    );
    // Another process may be at work on PostgreSQL.
    let expected = if world.is_sqlite() { (1, leased.len()) } else { (0, 0) };
    assert_eq!((reports, deliveries), expected);
    let found = world.store.find_report(&scene.tenant, order_id, claimed.report_id).await.unwrap();
    let state = if world.is_sqlite() { ReportState::Pending } else { ReportState::Fetching };
    assert_eq!(found.unwrap().state, state);
}
