//! Erasing: what goes, what stays, what keeps an order; and that nothing of it is left in the engine's files.

use contract::evidence::{Certificate, ErasureRule, Evidence as _, Signed};
use domain::delivery::DeliveryState;
use domain::order::Refusal;
use domain::report::ReportState;
use domain::retention::{Bounds, DAY_MS, Stays, check};
use domain::{AppId, Id, order::State};
use store::audit::By;
use store::content::{FieldFile, HttpExchange};
use store::deliveries::NewAttempt;
use store::erasing::Why;
use store::order_pages::OrderFilter;
use store::views::{NewView, Viewer};
use store::{Location, Request, Saved, Store};

use crate::evidence::{acts, note_version};
use crate::support::*;

on_both!(
    an_erased_order_is_a_tombstone_and_every_reader_bears_it,
    what_has_not_ended_or_is_held_is_not_erased,
    an_order_is_erased_once_by_whoever_comes_first,
    the_engines_files_hold_nothing_of_an_erased_order,
    candidates_are_checked_by_the_rule_of_their_package,
    events_of_an_erased_order_are_not_sent_again,
);

const RULE: Why = Why::Retention(ErasureRule::TenantRetention { days: 365 });

/// An order with everything that an order can have, completed; and what must be gone after its erasure.
struct Full {
    scene: Scene,
    order_id: Id,
    report_id: Id,
    object_id: Id,
    file_id: Id,
    stray: Vec<Vec<u8>>,
}

impl Full {
    async fn new(world: &World) -> Full {
        let scene = world.scene(false, false).await;
        let (store, tenant) = (&world.store, &scene.tenant);
        let file_id = store.make_id(NOW);
        let file = store::files::File {
            file_id,
            name: "简历.docx".into(),
            size_bytes: 3,
            sha256: vec![1; 32],
            key: store::Key::random(),
        };
        assert_eq!(store.create_file(tenant, &file, None).await.unwrap(), Saved::Done);
        let mut form = form();
        form.application_id = "canary-application".into();
        form.files =
            vec![FieldFile { key: "cv".into(), file_id: file_id.0, name: "简历".into() }];
        let mut index = scene.place();
        let Request::Place { content, application_id, .. } = &mut index.request else { panic!() };
        *content = store::content::to_text(&form);
        application_id.clone_from(&form.application_id);
        let order_id = accepted(store, index).await;
        accepted(store, scene.progress(order_id, "s1", 100)).await;
        for claimed in store.claim_deliveries(NOW, NOW.plus_ms(1), 10).await.unwrap() {
            let exchange = HttpExchange { request: "asked".into(), ..HttpExchange::default() };
            let attempt = NewAttempt {
                at: NOW,
                took_ms: 1,
                outcome: "answered 500".into(),
                http_status: Some(500),
                exchange,
            };
            let state = DeliveryState::Due;
            let again = Some(NOW.plus_ms(DAY_MS));
            assert!(store.finish_delivery(tenant, &claimed, &attempt, state, again).await.unwrap());
        }
        let reports = vec![
            report("报告名", "https://v.example/r.pdf"),
            preview("预览", "https://v.example/p"),
        ];
        accepted(store, scene.result_with(order_id, "绿灯", reports)).await;
        let order = store.find_order(tenant, order_id).await.unwrap().unwrap();
        let report_id = order.reports[0].report_id;
        let object_id = note_version(world, &scene, (order_id, report_id), b"pdf").await;
        assert!(store.write_manifest(tenant, order_id, NOW).await.unwrap());
        let view = NewView {
            order_id,
            report_id,
            version: 1,
            viewer: Viewer::Link(Some(AppId(5))),
            at: NOW,
            address: "203.0.113.9".parse().unwrap(),
            ranges: Vec::new(),
        };
        assert!(store.record_view(tenant, &view).await.unwrap());
        let mut stray = vec![b"wrapped-key-canary".to_vec(), b"sealed-version".to_vec()];
        for sql in [
            format!("SELECT wrapped_key FROM orders WHERE order_id = {}", order_id.0),
            format!("SELECT sealed FROM timeline_entries WHERE order_id = {}", order_id.0),
            format!(
                "SELECT digest FROM timeline_entries WHERE order_id = {} AND rule <> 4 AND digest <> {ZERO}",
                order_id.0,
                ZERO = zero(world)
            ),
            format!("SELECT result_digest FROM orders WHERE order_id = {}", order_id.0),
            format!("SELECT stage FROM stage_keys WHERE order_id = {}", order_id.0),
            format!("SELECT sealed FROM reports WHERE order_id = {}", order_id.0),
            format!("SELECT sealed FROM report_views WHERE order_id = {}", order_id.0),
            format!("SELECT application FROM order_applications WHERE order_id = {}", order_id.0),
            format!("SELECT sealed FROM attempts WHERE event_no = {}", order_id.0),
            format!("SELECT wrapped_key FROM files WHERE file_id = {}", file_id.0),
            format!("SELECT sealed FROM files WHERE file_id = {}", file_id.0),
        ] {
            let rows = world.raw(&sql).await;
            assert!(!rows.is_empty(), "{sql}");
            stray.extend(rows.into_iter().flatten());
        }
        Full { scene, order_id, report_id, object_id, file_id, stray }
    }

    async fn erase(&self, store: &Store) -> Option<Id> {
        let by = by_key(Id(31), NOW.plus_ms(DAY_MS));
        let why = Why::Hand("候选人要求删除".into());
        store.erase_order(by, &self.scene.tenant, self.order_id, &why).await.unwrap()
    }
}

fn zero(world: &World) -> &'static str {
    if world.is_sqlite() { "zeroblob(16)" } else { "decode(repeat('00', 16), 'hex')" }
}

async fn an_erased_order_is_a_tombstone_and_every_reader_bears_it(world: &World) {
    let full = Full::new(world).await;
    let (store, tenant, order_id) = (&world.store, &full.scene.tenant, full.order_id);
    let before = store.find_order(tenant, order_id).await.unwrap().unwrap();
    let erasure_id = full.erase(store).await.unwrap();

    let after = store.find_order(tenant, order_id).await.unwrap().unwrap();
    assert!(after.summary.is_erased && !before.summary.is_erased);
    assert_eq!(after.form, store::content::Form::default());
    let marks = |order: &store::orders::Order| -> Vec<_> {
        order
            .timeline
            .iter()
            .map(|entry| (entry.entry_id, entry.at, entry.rule, entry.to))
            .collect()
    };
    assert_eq!(marks(&after), marks(&before), "ids, states and times stay");
    assert_eq!(after.summary.state, State::Completed);
    assert_eq!(after.reports.len(), 2);
    for report in &after.reports {
        assert_eq!((report.state, report.source.name.as_str()), (ReportState::Erased, ""));
        assert_eq!((report.size_bytes, report.sha256.as_ref()), (None, None));
    }
    assert!(after.summary.is_erased && after.form.candidate.name.is_empty());
    let entry_id = after.timeline[1].entry_id;
    assert_eq!(store.find_words(tenant, order_id, entry_id).await.unwrap(), None);
    let report = store.find_report(tenant, order_id, full.report_id).await.unwrap().unwrap();
    assert_eq!(report.state, ReportState::Erased);
    let delivery = store.list_deliveries(tenant, order_id, Some(order_id)).await.unwrap().remove(0);
    assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Exhausted, None));
    assert_eq!(delivery.attempts[0].exchange, HttpExchange::default());
    let views = store.list_views(tenant, order_id, full.report_id, END, 10).await.unwrap();
    assert_eq!((views.len(), views[0].address.as_ref()), (1, None));
    assert!(store.find_file(tenant, full.file_id).await.unwrap().is_none());
    assert_eq!(list(store, tenant, &OrderFilter::default()).await, [order_id]);
    let application =
        OrderFilter { application_id: Some("canary-application".into()), ..OrderFilter::default() };
    assert!(list(store, tenant, &application).await.is_empty());
    assert!(
        store.claim_reports(NOW.plus_ms(9 * DAY_MS), END_OF_LEASE, 10).await.unwrap().is_empty()
    );
    assert!(
        store.claim_deliveries(NOW.plus_ms(9 * DAY_MS), END_OF_LEASE, 10).await.unwrap().is_empty()
    );
    assert!(
        !store
            .refetch_report(By::system(NOW), tenant.tenant_id, order_id, full.report_id)
            .await
            .unwrap()
    );

    // What vendors and hirers still call gets the refusal of a final order.
    for command in [
        full.scene.result(order_id, "绿灯"),
        full.scene.progress(order_id, "s1", 100),
        full.scene.progress(order_id, "s9", 900),
        full.scene.cancel(order_id),
        full.scene.terminate(order_id, "x"),
        full.scene.approve(order_id),
    ] {
        let refusal = refused(store, command).await;
        assert!(matches!(refusal, Refusal::IllegalStatus(State::Completed)), "{refusal:?}");
    }

    let file = store.find_certificate(tenant.tenant_id, order_id).await.unwrap().unwrap();
    let certificate = Certificate::read(&Signed::read::<Certificate>(&file).unwrap().text).unwrap();
    assert_eq!(certificate.erasure_id, erasure_id.to_string());
    assert_eq!(certificate.rule, ErasureRule::Hand);
    assert_eq!(certificate.erased_at_ms, NOW.plus_ms(DAY_MS).0);
    assert_eq!(certificate.unrecoverable_from_ms, NOW.plus_ms(8 * DAY_MS).0);
    let counts = certificate.counts;
    assert_eq!((counts.entries, counts.reports, counts.versions, counts.files), (3, 2, 1, 1));
    assert_eq!(certificate.versions[0].size_bytes, 3);
    assert!(certificate.manifest.is_some());
    let stored = store.list_erasures(tenant, END, 10).await.unwrap();
    assert_eq!(stored[0].reason.as_deref(), Some("候选人要求删除"));
    let reported = acts(world, tenant.tenant_id, &[]).await.unwrap();
    assert_eq!(reported.last(), Some(&contract::evidence::AuditAct::OrderErased));
    assert!(store.find_manifest(tenant.tenant_id, order_id).await.unwrap().is_some());

    let open = store.list_open_erasures(Id(0), 10).await.unwrap();
    for object in [full.object_id, full.file_id, full.report_id] {
        assert!(open[0].objects.contains(&object));
    }
    store.finish_erasure(tenant.tenant_id, erasure_id, NOW.plus_ms(2 * DAY_MS)).await.unwrap();
    assert!(store.list_open_erasures(Id(0), 10).await.unwrap().is_empty());
}

const END_OF_LEASE: domain::UnixMs = domain::UnixMs(NOW.0 + 10 * DAY_MS);

async fn what_has_not_ended_or_is_held_is_not_erased(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let order_id = accepted(store, scene.place()).await;
    assert_eq!(store.erase_order(BY, tenant, order_id, &RULE).await.unwrap(), None);
    accepted(store, scene.cancel(order_id)).await;
    for held in [Some(order_id), None] {
        assert_eq!(store.set_hold(BY, tenant, held, "诉讼").await.unwrap(), Saved::Done);
        assert_eq!(store.find_hold(tenant, held).await.unwrap().unwrap().reason, "诉讼");
        assert_eq!(store.erase_order(BY, tenant, order_id, &RULE).await.unwrap(), None);
        assert!(store.lift_hold(BY, tenant.tenant_id, held).await.unwrap());
        assert!(!store.lift_hold(BY, tenant.tenant_id, held).await.unwrap());
    }
    let stranger = world.scene(false, false).await;
    assert_eq!(
        store.set_hold(BY, &stranger.tenant, Some(order_id), "x").await.unwrap(),
        Saved::Outdated
    );
    assert_eq!(store.erase_order(BY, &stranger.tenant, order_id, &RULE).await.unwrap(), None);
    assert!(store.erase_order(BY, tenant, order_id, &RULE).await.unwrap().is_some());
    assert_eq!(store.set_hold(BY, tenant, Some(order_id), "迟了").await.unwrap(), Saved::Outdated);
}

async fn an_order_is_erased_once_by_whoever_comes_first(world: &World) {
    let full = Full::new(world).await;
    let erasures = (0..8).map(|_| full.erase(&world.store));
    let done = futures_util::future::join_all(erasures).await;
    assert_eq!(done.iter().flatten().count(), 1, "{done:?}");
    assert_eq!(full.erase(&world.store).await, None);
}

async fn the_engines_files_hold_nothing_of_an_erased_order(world: &World) {
    let full = Full::new(world).await;
    let other = Full::new(world).await;
    full.erase(&world.store).await.unwrap();
    until("nobody reads from the WAL", async || world.store.scrub().await.unwrap()).await;
    let stored = files_or_rows(world).await;
    for (index, part) in other.stray.iter().enumerate() {
        assert!(index < 2 || holds(&stored, part), "the search finds what is not erased: {index}");
    }
    for (index, part) in full.stray.iter().enumerate().skip(2) {
        assert!(!holds(&stored, part), "part {index} is still there");
    }
    // The log goes on after it was overwritten.
    let order_id = accepted(&world.store, full.scene.place()).await;
    accepted(&world.store, full.scene.progress(order_id, "s1", 100)).await;
    accepted(&world.store, full.scene.result(order_id, "绿灯")).await;
}

fn holds(stored: &[Vec<u8>], part: &[u8]) -> bool {
    stored.iter().any(|stored| stored.windows(part.len()).any(|bytes| bytes == part))
}

/// SQLite's files as they lie there: database and WAL; PostgreSQL's rows, since its files are the server's.
async fn files_or_rows(world: &World) -> Vec<Vec<u8>> {
    if let Location::Sqlite(path) = &world.location {
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
        let stored: Vec<_> =
            files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(stored.len() >= 4, "the database, its WAL, and two files of the log");
        return stored;
    }
    let mut stored = Vec::new();
    for sql in [
        "SELECT wrapped_key, result_digest FROM orders",
        "SELECT sealed, digest FROM timeline_entries",
        "SELECT stage, digest FROM stage_keys",
        "SELECT sealed FROM reports",
        "SELECT wrapped_key, sealed FROM report_versions",
        "SELECT sealed FROM report_views",
        "SELECT application FROM order_applications",
        "SELECT sealed FROM attempts",
        "SELECT wrapped_key, sealed FROM files",
    ] {
        stored.extend(world.raw(sql).await.into_iter().flatten());
    }
    stored
}

async fn candidates_are_checked_by_the_rule_of_their_package(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let mut orders = Vec::new();
    for package in ["pkg-1", "pkg-2", "pkg-1"] {
        let mut index = scene.place();
        let Request::Place { package_id, .. } = &mut index.request else { panic!() };
        *package_id = package.to_owned();
        orders.push(accepted(store, index).await);
    }
    for order_id in &orders[..2] {
        accepted(store, scene.cancel(*order_id)).await;
    }
    let rules = vec![("pkg-2".to_owned(), 30), ("pkg-3".to_owned(), 9_000)];
    store.set_retention_rules(BY, tenant.tenant_id, &rules).await.unwrap();
    assert_eq!(store.list_retention_rules(tenant.tenant_id).await.unwrap(), rules);
    let bounds = Bounds { min_days: 40, max_days: 3_650 };
    let later = NOW.plus_ms(DAY_MS);
    let found = store.list_candidates(tenant, bounds, Id(0), later, 2).await.unwrap();
    assert_eq!((found.orders.len(), found.next), (2, Some(orders[1])));
    let [first, second] = &found.orders[..] else { panic!() };
    assert_eq!((first.facts.rule.days, first.facts.rule.is_of_package), (365, false));
    // The operator's bounds count for a rule of before them.
    assert_eq!((second.facts.rule.days, second.facts.rule.is_of_package), (40, true));
    assert_eq!(check(&second.facts, NOW.plus_ms(40 * DAY_MS)), Ok(()));
    assert!(matches!(check(&first.facts, NOW.plus_ms(40 * DAY_MS)), Err(Stays::Until(_))));
    let rest = store.list_candidates(tenant, bounds, orders[1], later, 2).await.unwrap();
    assert_eq!((rest.orders.len(), rest.next), (1, None));
    assert_eq!(check(&rest.orders[0].facts, NOW.plus_ms(9_999 * DAY_MS)), Err(Stays::NotEnded));
    let early =
        store.list_candidates(tenant, bounds, Id(0), NOW.plus_ms(-DAY_MS), 9).await.unwrap();
    assert!(early.orders.is_empty());

    assert!(store.erase_order(BY, tenant, orders[1], &RULE).await.unwrap().is_some());
    let found = store.list_candidates(tenant, bounds, Id(0), later, 9).await.unwrap();
    let ids: Vec<_> = found.orders.iter().map(|candidate| candidate.order_id).collect();
    assert_eq!(ids, [orders[0], orders[2]]);
    assert_eq!(store.find_erase_mark(tenant.tenant_id).await.unwrap(), Id(0));
    for (moved, expected) in [(orders[1], orders[1]), (orders[0], orders[1])] {
        store.move_erase_mark(tenant.tenant_id, moved).await.unwrap();
        assert_eq!(store.find_erase_mark(tenant.tenant_id).await.unwrap(), expected);
    }
}

async fn events_of_an_erased_order_are_not_sent_again(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let order_id = accepted(store, scene.place()).await;
    accepted(store, scene.terminate(order_id, "不再需要")).await;
    assert!(
        store.resend_event(tenant.tenant_id, order_id, scene.app_id.into(), NOW).await.unwrap()
    );
    assert!(store.erase_order(BY, tenant, order_id, &RULE).await.unwrap().is_some());
    assert!(
        !store.resend_event(tenant.tenant_id, order_id, scene.app_id.into(), NOW).await.unwrap()
    );
    let filter = store::resend::ResendFilter {
        since: NOW.plus_ms(-DAY_MS),
        until: None,
        states: Vec::new(),
    };
    store.resend_span(tenant.tenant_id, scene.app_id, &filter, NOW).await.unwrap();
    assert!(
        store.claim_deliveries(NOW.plus_ms(DAY_MS), END_OF_LEASE, 10).await.unwrap().is_empty()
    );
}
