//! Reports: claimed under a lease, fetched, recorded.

use contract::control::ReportState;
use domain::Id;
use store::reports::{ClaimedReport, FetchOutcome};

use crate::support::*;

on_both!(
    a_due_report_is_claimed_once_until_its_lease_ends,
    a_stored_report_tells_size_and_hash,
    a_failed_fetch_is_tried_again_when_it_is_due,
    a_lost_lease_changes_nothing,
    a_failed_report_is_fetched_again_on_request,
    a_report_that_does_not_open_spoils_no_claim,
    a_claim_takes_the_oldest_and_no_more_than_asked,
    a_commit_with_reports_wakes_the_workers,
);

const LEASE_MS: i64 = 60_000;

async fn claim(world: &World, ms: i64, limit: u32) -> Vec<ClaimedReport> {
    let now = NOW.plus_ms(ms);
    world.store.claim_reports(now, now.plus_ms(LEASE_MS), limit).await.unwrap()
}

/// An order with one report to fetch and one that is only a link; the first's id.
async fn returned(world: &World, scene: &Scene) -> (Id, Id) {
    let order_id = accepted(&world.store, scene.place()).await;
    let reports =
        vec![report("终版.pdf", "https://v.example/a"), preview("b", "https://v.example/b")];
    accepted(&world.store, scene.result_with(order_id, "绿灯", reports)).await;
    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    (order_id, order.reports[0].report_id)
}

async fn a_due_report_is_claimed_once_until_its_lease_ends(world: &World) {
    let scene = world.scene(false, false).await;
    let (order_id, report_id) = returned(world, &scene).await;
    assert!(claim(world, -1, 10).await.is_empty(), "it is not due yet");
    let claimed = claim(world, 0, 10).await;
    let [claimed] = claimed.as_slice() else { panic!("expected one, found {}", claimed.len()) };
    assert_eq!(claimed.tenant_id, scene.tenant.tenant_id);
    assert_eq!((claimed.order_id, claimed.report_id), (order_id, report_id));
    assert_eq!(claimed.attempt, 1);
    assert_eq!(claimed.source, source("终版.pdf", "https://v.example/a"));
    let found = world.store.find_report(&scene.tenant, order_id, report_id).await.unwrap().unwrap();
    assert_eq!(found.state, ReportState::Fetching);
    assert!(claim(world, LEASE_MS - 1, 10).await.is_empty(), "it is leased");
    let again = claim(world, LEASE_MS, 10).await;
    assert_eq!((again.len(), again[0].attempt), (1, 2));
    let stranger = world.scene(false, false).await;
    let found = world.store.find_report(&stranger.tenant, order_id, report_id).await.unwrap();
    assert_eq!(found, None, "another tenant's report");
}

async fn a_stored_report_tells_size_and_hash(world: &World) {
    let scene = world.scene(false, false).await;
    for is_flagged in [false, true] {
        let (order_id, report_id) = returned(world, &scene).await;
        let claimed = claim(world, 0, 10).await.remove(0);
        let outcome = FetchOutcome::Stored { size_bytes: 1_234, sha256: [9; 32], is_flagged };
        assert!(world.store.finish_report(&claimed, &outcome).await.unwrap());
        let found = world.store.find_report(&scene.tenant, order_id, report_id).await;
        let found = found.unwrap().unwrap();
        let state = if is_flagged { ReportState::Flagged } else { ReportState::Stored };
        assert_eq!((found.state, found.size_bytes), (state, Some(1_234)));
        assert_eq!(found.sha256, Some(vec![9; 32]));
        assert!(claim(world, 10 * LEASE_MS, 10).await.is_empty());
        assert!(
            !world
                .store
                .refetch_report(scene.tenant.tenant_id, order_id, report_id, NOW)
                .await
                .unwrap()
        );
    }
}

async fn a_failed_fetch_is_tried_again_when_it_is_due(world: &World) {
    let scene = world.scene(false, false).await;
    let (order_id, report_id) = returned(world, &scene).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    let outcome = FetchOutcome::Retry { reason: "timed out".into(), due_at: NOW.plus_ms(10_000) };
    assert!(world.store.finish_report(&claimed, &outcome).await.unwrap());
    let found = world.store.find_report(&scene.tenant, order_id, report_id).await.unwrap().unwrap();
    assert_eq!((found.state, found.failure.as_deref()), (ReportState::Pending, Some("timed out")));
    assert!(claim(world, 9_999, 10).await.is_empty());
    assert_eq!(claim(world, 10_000, 10).await[0].attempt, 2);
}

async fn a_lost_lease_changes_nothing(world: &World) {
    let scene = world.scene(false, false).await;
    let (order_id, report_id) = returned(world, &scene).await;
    let late = claim(world, 0, 10).await.remove(0);
    let holder = claim(world, LEASE_MS, 10).await.remove(0);
    let failed = FetchOutcome::Failed { reason: "too late".into() };
    assert!(!world.store.finish_report(&late, &failed).await.unwrap());
    let stored = FetchOutcome::Stored { size_bytes: 1, sha256: [1; 32], is_flagged: false };
    assert!(world.store.finish_report(&holder, &stored).await.unwrap());
    assert!(!world.store.finish_report(&holder, &failed).await.unwrap());
    let found = world.store.find_report(&scene.tenant, order_id, report_id).await.unwrap().unwrap();
    assert_eq!(found.state, ReportState::Stored);
}

async fn a_failed_report_is_fetched_again_on_request(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant_id = scene.tenant.tenant_id;
    let (order_id, report_id) = returned(world, &scene).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    let failed = FetchOutcome::Failed { reason: "no such host".into() };
    assert!(world.store.finish_report(&claimed, &failed).await.unwrap());
    assert!(claim(world, 10 * LEASE_MS, 10).await.is_empty());
    let at = NOW.plus_ms(11 * LEASE_MS);
    let stranger = world.scene(false, false).await.tenant.tenant_id;
    assert!(!world.store.refetch_report(stranger, order_id, report_id, at).await.unwrap());
    assert!(!world.store.refetch_report(tenant_id, Id(1), report_id, at).await.unwrap());
    let link = Id(report_id.0 + 1);
    assert!(!world.store.refetch_report(tenant_id, order_id, link, at).await.unwrap());
    assert!(world.store.refetch_report(tenant_id, order_id, report_id, at).await.unwrap());
    let claimed = claim(world, 11 * LEASE_MS, 10).await;
    assert_eq!((claimed.len(), claimed[0].attempt), (1, 1));
}

async fn a_report_that_does_not_open_spoils_no_claim(world: &World) {
    let scene = world.scene(false, false).await;
    let (_, damaged) = returned(world, &scene).await;
    let (_, whole) = returned(world, &scene).await;
    let other = format!("SELECT sealed FROM reports WHERE report_id = {}", whole.0);
    world
        .raw(&format!("UPDATE reports SET sealed = ({other}) WHERE report_id = {}", damaged.0))
        .await;
    let claimed = claim(world, 0, 10).await;
    assert_eq!(claimed.iter().map(|report| report.report_id).collect::<Vec<_>>(), [whole]);
}

async fn a_claim_takes_the_oldest_and_no_more_than_asked(world: &World) {
    let scene = world.scene(false, false).await;
    let mut reports = Vec::new();
    for age_ms in 0..7 {
        let order_id = accepted(&world.store, scene.place()).await;
        let brought = vec![report("a", "https://v.example/a")];
        let mut result = scene.result_with(order_id, "绿灯", brought);
        result.at = NOW.plus_ms(-age_ms);
        accepted(&world.store, result).await;
        let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
        reports.insert(0, order.reports[0].report_id);
    }
    for expected in reports.chunks(3) {
        let claimed = claim(world, 0, 3).await;
        let mut claimed: Vec<_> = claimed.iter().map(|report| report.report_id).collect();
        let mut expected = expected.to_vec();
        claimed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(claimed, expected);
    }
    assert!(claim(world, 0, 3).await.is_empty());
}

async fn a_commit_with_reports_wakes_the_workers(world: &World) {
    let scene = world.scene(false, false).await;
    returned(world, &scene).await;
    let woken = tokio::time::timeout(std::time::Duration::from_secs(5), world.store.reports_due());
    woken.await.expect("the signal was kept");
    if !world.is_sqlite() {
        let replica = world.replica().await;
        until("another replica hears of work", async || {
            returned(world, &scene).await;
            let wait = std::time::Duration::from_millis(50);
            tokio::time::timeout(wait, replica.reports_due()).await.is_ok()
        })
        .await;
    }
}
