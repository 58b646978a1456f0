//! Reports: claimed under a lease, fetched, recorded.

use domain::report::ReportState;
use domain::{Id, TenantId};
use store::Key;
use store::audit::By;
use store::content::VersionFacts;
use store::report_versions::{ExpectedKey, NewContent};
use store::reports::{ClaimedReport, FetchOutcome, Report};

use crate::support::*;

on_every_desk!(
    a_due_report_is_claimed_once_until_its_lease_ends,
    a_stored_report_tells_size_and_hash,
    each_fetch_that_brings_a_content_is_a_version,
    a_lost_lease_leaves_no_version,
    an_object_is_known_until_its_version_is_erased,
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

/// A content as the object store would have stored it.
fn stored(number: u8, findings: &[&str]) -> FetchOutcome {
    let content = NewContent {
        object_id: Id(1_000 + i64::from(number)),
        key: Key::new([number; 32]),
        size_bytes: 1_234,
        sha256: [number; 32],
        fetched_at: NOW.plus_ms(i64::from(number)),
    };
    let findings = findings.iter().map(|code| (*code).to_owned()).collect();
    let source_host = "v.example".to_owned();
    FetchOutcome::Stored {
        content,
        facts: VersionFacts { source_host, findings, ..Default::default() },
    }
}

async fn find(world: &World, scene: &Scene, order_id: Id, report_id: Id) -> Report {
    world.store.find_report(&scene.tenant, order_id, report_id).await.unwrap().unwrap()
}

async fn refetch(world: &World, scene: &Scene, order_id: Id, report_id: Id, ms: i64) -> bool {
    let (tenant_id, at) = (scene.tenant.tenant_id, NOW.plus_ms(ms));
    world.store.refetch_report(By::system(at), tenant_id, order_id, report_id).await.unwrap()
}

async fn a_stored_report_tells_size_and_hash(world: &World) {
    let scene = world.scene(false, false).await;
    for (number, findings, state) in
        [(8, &[][..], ReportState::Stored), (9, &["script"][..], ReportState::Flagged)]
    {
        let (order_id, report_id) = returned(world, &scene).await;
        let claimed = claim(world, 0, 10).await.remove(0);
        assert!(world.store.finish_report(&claimed, &stored(number, findings)).await.unwrap());
        let found = find(world, &scene, order_id, report_id).await;
        assert_eq!((found.state, found.size_bytes), (state, Some(1_234)));
        assert_eq!((found.sha256, found.version_last), (Some(vec![number; 32]), 1));
        assert!(claim(world, 10 * LEASE_MS, 10).await.is_empty());
    }
}

async fn each_fetch_that_brings_a_content_is_a_version(world: &World) {
    let scene = world.scene(false, false).await;
    let (order_id, report_id) = returned(world, &scene).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let mut ms = 0;
    for (number, findings) in [(1, &["encrypted", "script"][..]), (2, &[]), (3, &["script"])] {
        let claimed = claim(world, ms, 10).await.remove(0);
        assert!(store.finish_report(&claimed, &stored(number, findings)).await.unwrap());
        ms += LEASE_MS;
        assert!(refetch(world, &scene, order_id, report_id, ms).await);
        // While it is fetched anew, what is there stays.
        let found = find(world, &scene, order_id, report_id).await;
        assert_eq!((found.state, found.version_last), (ReportState::Pending, i64::from(number)));
        assert!(found.has_content() && found.size_bytes == Some(1_234));
    }
    let versions = store.list_report_versions(tenant, order_id, report_id).await.unwrap();
    let numbers: Vec<_> = versions.iter().map(|version| version.version).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(
        versions.iter().map(|version| version.is_flagged).collect::<Vec<_>>(),
        [true, false, true]
    );
    let first = store.find_report_version(tenant, order_id, report_id, 1).await.unwrap().unwrap();
    assert_eq!((first.object_id, first.fetched_at), (Id(1_001), NOW.plus_ms(1)));
    let (key, facts) = first.opened.unwrap();
    assert_eq!((key.bytes(), facts.source_host.as_str()), (&[1; 32], "v.example"));
    assert_eq!(facts.findings, ["encrypted", "script"]);

    // A new try that fails leaves what the newest version makes of the report, and says why.
    let claimed = claim(world, ms, 10).await.remove(0);
    let retry = FetchOutcome::Retry { reason: "404".into(), due_at: NOW.plus_ms(ms + LEASE_MS) };
    assert!(store.finish_report(&claimed, &retry).await.unwrap());
    let found = find(world, &scene, order_id, report_id).await;
    assert_eq!((found.state, found.failure.as_deref()), (ReportState::Pending, Some("404")));
    assert!(found.has_content());
    let claimed = claim(world, ms + LEASE_MS, 10).await.remove(0);
    let failed = FetchOutcome::Failed { reason: "404 still".into(), is_refused: false };
    assert!(store.finish_report(&claimed, &failed).await.unwrap());
    let found = find(world, &scene, order_id, report_id).await;
    assert_eq!((found.state, found.failure.as_deref()), (ReportState::Flagged, Some("404 still")));
    assert_eq!((found.version_last, found.size_bytes), (3, Some(1_234)));

    // Of another tenant or order there is none.
    let stranger = world.scene(false, false).await;
    let (other, _) = returned(world, &scene).await;
    for (tenant, order_id) in [(&stranger.tenant, order_id), (tenant, other)] {
        assert!(store.list_report_versions(tenant, order_id, report_id).await.unwrap().is_empty());
        assert!(store.find_report_version(tenant, order_id, report_id, 1).await.unwrap().is_none());
    }
}

async fn a_lost_lease_leaves_no_version(world: &World) {
    let scene = world.scene(false, false).await;
    let (order_id, report_id) = returned(world, &scene).await;
    let late = claim(world, 0, 10).await.remove(0);
    let holder = claim(world, LEASE_MS, 10).await.remove(0);
    assert!(!world.store.finish_report(&late, &stored(1, &[])).await.unwrap());
    assert_eq!(world.number("SELECT count(*) FROM report_versions").await, 0);
    assert!(!refetch(world, &scene, order_id, report_id, LEASE_MS).await, "it is being fetched");
    assert!(world.store.finish_report(&holder, &stored(2, &[])).await.unwrap());
    assert!(!world.store.finish_report(&late, &stored(1, &[])).await.unwrap());
    let versions = world.store.list_report_versions(&scene.tenant, order_id, report_id);
    let objects: Vec<_> = versions.await.unwrap().iter().map(|it| it.object_id.0).collect();
    assert_eq!(objects, [1_002]);
}

async fn an_object_is_known_until_its_version_is_erased(world: &World) {
    let scene = world.scene(false, false).await;
    let (_, report_id) = returned(world, &scene).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    assert!(world.store.finish_report(&claimed, &stored(1, &[])).await.unwrap());
    let store = &world.store;
    assert!(store.knows_object(Id(1_001)).await.unwrap());
    assert!(!store.knows_object(Id(1_002)).await.unwrap());
    let begin = (TenantId(i64::MIN), Id(i64::MIN), 0);
    let expected = store.list_expected_reports(begin, 10).await.unwrap();
    assert_eq!(
        (expected.len(), expected[0].owner_id, expected[0].version),
        (1, report_id, Some(1))
    );
    assert!(matches!(&expected[0].key, ExpectedKey::Opens(key) if key.bytes() == &[1; 32]));
    let after = (expected[0].tenant_id, report_id, 1);
    assert!(store.list_expected_reports(after, 10).await.unwrap().is_empty());

    let empty = if world.is_sqlite() { "x''" } else { "''::bytea" };
    world.raw(&format!("UPDATE report_versions SET wrapped_key = {empty}, sealed = {empty}")).await;
    assert!(!store.knows_object(Id(1_001)).await.unwrap());
    let expected = store.list_expected_reports(begin, 10).await.unwrap();
    assert!(matches!(expected[0].key, ExpectedKey::Erased));
    let versions = store.list_report_versions(&scene.tenant, claimed.order_id, report_id).await;
    assert!(versions.unwrap()[0].opened.is_none());
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
    let failed = FetchOutcome::Failed { reason: "too late".into(), is_refused: false };
    assert!(!world.store.finish_report(&late, &failed).await.unwrap());
    assert!(world.store.finish_report(&holder, &stored(1, &[])).await.unwrap());
    assert!(!world.store.finish_report(&holder, &failed).await.unwrap());
    let found = world.store.find_report(&scene.tenant, order_id, report_id).await.unwrap().unwrap();
    assert_eq!(found.state, ReportState::Stored);
}

async fn a_failed_report_is_fetched_again_on_request(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant_id = scene.tenant.tenant_id;
    let (order_id, report_id) = returned(world, &scene).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    let failed = FetchOutcome::Failed { reason: "no such host".into(), is_refused: false };
    assert!(world.store.finish_report(&claimed, &failed).await.unwrap());
    assert!(claim(world, 10 * LEASE_MS, 10).await.is_empty());
    let at = NOW.plus_ms(11 * LEASE_MS);
    let stranger = world.scene(false, false).await.tenant.tenant_id;
    assert!(
        !world.store.refetch_report(By::system(at), stranger, order_id, report_id).await.unwrap()
    );
    assert!(
        !world.store.refetch_report(By::system(at), tenant_id, Id(1), report_id).await.unwrap()
    );
    let link = Id(report_id.0 + 1);
    assert!(!world.store.refetch_report(By::system(at), tenant_id, order_id, link).await.unwrap());
    assert!(
        world.store.refetch_report(By::system(at), tenant_id, order_id, report_id).await.unwrap()
    );
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
