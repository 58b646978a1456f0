//! The audit chains, the view ledger, manifests, retention, holds and erasing by the control API.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use client::evidence::{ProofError, PublicKey, read_anchors, verify_chain, verify_content, whole};
use contract::check::ReportUrlType;
use contract::control::{
    CreateTenant, EraseOrder, ErasureVerdict, List, ListAudit, PackageRetention, PutHold,
    PutRetention, ReportState, UpdateTenant, ViewerKind,
};
use contract::evidence::{AuditAct, Certificate, Chain, ErasureRule, OPERATOR_CHAIN, chain_header};
use domain::retention::Bounds;
use harness::filed::{CONTENT, Filed};
use harness::{BEGIN, Engine, World};
use system::clock::Clock;

const DAY_MS: u64 = 86_400_000;

async fn settle(world: &World) {
    hub::work::settle(&world.app.hub).await.unwrap();
}

async fn public_key(world: &World) -> PublicKey {
    world.operator.get_public_key().await.unwrap().public_key.parse().unwrap()
}

/// A tenant's chain as `probity audit export` writes it.
async fn export(world: &World, key: &str, tenant_key: &str) -> String {
    let (control, mut text) = (world.control(key), chain_header(tenant_key) + "\n");
    loop {
        let after = text.lines().count() as u64 - 1;
        let list = ListAudit { after: Some(after), limit: Some(2) };
        let page = match tenant_key {
            OPERATOR_CHAIN => control.list_operator_audit(&list).await.unwrap(),
            tenant_key => control.list_audit(tenant_key, &list).await.unwrap(),
        };
        if page.is_empty() {
            return text;
        }
        text.push_str(&page);
    }
}

fn acts(export: &str) -> Vec<AuditAct> {
    let mut lines = export.lines();
    let mut chain = Chain::begin(lines.next().unwrap(), &[]).unwrap();
    let acts = lines.map(|line| chain.take(line).unwrap().act).collect();
    assert_eq!(whole(&chain, None, &[]).entries, chain.seq());
    acts
}

#[tokio::test]
async fn the_chains_tell_who_changed_what_and_verify() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let hirer = &seed.hirer;
        let order = world.place(&seed).await;
        let update = UpdateTenant { four_eyes: Some(false), ..UpdateTenant::default() };
        world.operator.update_tenant(&hirer.tenant_key, &update).await.unwrap();
        let reason = "不再需要：张三".to_owned();
        let body = contract::control::TerminateOrder { reason: reason.clone() };
        hirer.control.terminate_order(&hirer.tenant_key, &order.order_id, &body).await.unwrap();

        let auditor = world.member_key(hirer, "auditor").await;
        let own = export(&world, &auditor, &hirer.tenant_key).await;
        let expected = [
            AuditAct::TenantCreated,
            AuditAct::ApiKeyMade,
            AuditAct::AppCreated,
            AuditAct::AppGranted,
            AuditAct::AccountBound,
            AuditAct::SettingsChanged,
            AuditAct::OrderTerminated,
            AuditAct::ApiKeyMade,
        ];
        assert_eq!(acts(&own), expected);
        let key = seed.hirer.key.clone();
        for secret in [reason.as_str(), "张三", &key, "星河科技", "13800000000"] {
            assert!(!own.contains(secret), "{secret}");
        }
        let operators = export(&world, &world.operator_key, OPERATOR_CHAIN).await;
        let expected = [AuditAct::ApiKeyMade, AuditAct::TenantCreated, AuditAct::AppCreated];
        assert_eq!(acts(&operators), expected);

        // The anchors find what is cut off.
        settle(&world).await;
        let file = std::fs::read_to_string(world.data().join("audit-anchors.jsonl")).unwrap();
        let anchors = read_anchors(&file, Some(&public_key(&world).await)).unwrap();
        assert!(anchors.len() >= 2, "{file}");
        let found = verify_chain(own.as_bytes(), &anchors).unwrap();
        assert_eq!((found.entries, found.anchored), (8, Some(8)));
        let cut = own.trim_end().rsplit_once('\n').unwrap().0;
        assert!(matches!(verify_chain(cut.as_bytes(), &anchors), Err(ProofError::Chain(_))));
        assert!(verify_chain(cut.as_bytes(), &[]).is_ok());
        let forged = file.replacen("\"seq\":8", "\"seq\":5", 1);
        let found = read_anchors(&forged, Some(&public_key(&world).await));
        assert!(matches!(found, Err(ProofError::AnchorLine { .. })));
    })
    .await;
}

#[tokio::test]
async fn every_look_at_a_report_is_in_the_ledger_before_it_is_given() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.store().await;
        let (hirer, order_id) = (scene.seed.hirer.clone(), scene.order_id.clone());
        let report_id = scene.report.report_id.clone();
        let path = format!(
            "/api/v1/tenants/{}/orders/{order_id}/reports/{report_id}/content",
            hirer.tenant_key
        );
        let approver = world.member_key(&hirer, "approver").await;
        for (method, range, key) in [
            ("GET", "", &hirer.key),
            ("HEAD", "", &hirer.key),
            ("GET", "bytes=2-5", &approver),
            ("GET", "bytes=99-", &approver),
        ] {
            let request = world.request(method, &path, key);
            let request = if range.is_empty() { request } else { request.header("range", range) };
            request.send().await.unwrap();
        }
        let link = world.app.hub.links.make(
            &hub::links::Linked {
                kind: hub::links::LinkKind::Report,
                tenant_id: hirer.tenant_id,
                order_id: order_id.parse().unwrap(),
                object_id: report_id.parse().unwrap(),
                holder: world.holder(&scene.seed.app),
            },
            world.clock.now(),
        );
        assert_eq!(world.http.get(&link).send().await.unwrap().status(), 200);

        let officer = world.control(&world.member_key(&hirer, "privacy_officer").await);
        let list = List { limit: Some(2), ..List::default() };
        let first =
            officer.list_report_views(&hirer.tenant_key, &order_id, &report_id, &list).await;
        let first = first.unwrap();
        let rest = List { cursor: first.next_cursor.clone(), ..List::default() };
        let rest = officer.list_report_views(&hirer.tenant_key, &order_id, &report_id, &rest).await;
        let views: Vec<_> = first.items.into_iter().chain(rest.unwrap().items).collect();
        let seen: Vec<_> = views.iter().map(|view| (view.viewer, view.range.as_deref())).collect();
        let expected = [
            (ViewerKind::Link, None),
            (ViewerKind::ApiKey, Some("2-5")),
            (ViewerKind::ApiKey, None),
        ];
        assert_eq!(seen, expected);
        assert!(views.iter().all(|view| view.address.as_deref() == Some("127.0.0.1")));
        assert!(views[0].key_id.is_none() && views[1].key_id != views[2].key_id);
        let own = acts(&export(&world, &hirer.key, &hirer.tenant_key).await);
        assert_eq!(own.iter().filter(|act| **act == AuditAct::ReportViewed).count(), 3);

        // What cannot be recorded is not given.
        world.execute("ALTER TABLE report_views RENAME TO away").await;
        let answer = world.request("GET", &path, &hirer.key).send().await.unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(world.http.get(&link).send().await.unwrap().status(), 500);
        world.execute("ALTER TABLE away RENAME TO report_views").await;
    })
    .await;
}

#[tokio::test]
async fn a_manifest_proves_a_report_without_the_hub() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        let hirer = scene.seed.hirer.clone();
        let none = hirer.control.get_manifest(&hirer.tenant_key, &scene.order_id).await;
        assert_eq!(none.unwrap_err().problem().unwrap().code, "not_found");
        scene.store().await;
        settle(&world).await;
        let manifest =
            hirer.control.get_manifest(&hirer.tenant_key, &scene.order_id).await.unwrap();
        let key = public_key(&world).await;
        let proved = verify_content(CONTENT, &manifest, &key).unwrap();
        assert_eq!(proved.version.source_host.as_deref(), Some("vendor.example"));
        assert_eq!(proved.manifest.order_id, scene.order_id);
        let log_id = proved.version.log_id.unwrap();
        assert!(log_id.len() > 20 && log_id.is_ascii(), "{log_id}");
        let other = verify_content(&b"%PDF-1.7 another one"[..], &manifest, &key);
        assert!(matches!(other, Err(ProofError::NotListed { .. })));
    })
    .await;
}

#[tokio::test]
async fn retention_erases_on_its_day_and_holds_keep() {
    World::each(async |world| {
        let body = CreateTenant { retention_days: 30, ..CreateTenant::named("星河科技") };
        let seed = world.seed_with(&body, None, false).await;
        let (hirer, control) = (&seed.hirer, &seed.hirer.control);
        let key = hirer.tenant_key.as_str();
        let mut orders = Vec::new();
        for _ in 0..3 {
            orders.push(world.place(&seed).await.order_id);
            world.clock.advance_ms(1_000);
        }
        let [due, held, open] = [&orders[0], &orders[1], &orders[2]].map(String::as_str);
        let reason = contract::control::TerminateOrder { reason: "x".to_owned() };
        for order_id in [due, held] {
            control.terminate_order(key, order_id, &reason).await.unwrap();
        }
        let hold = PutHold { reason: "诉讼保全".to_owned() };
        let set = control.put_hold(key, Some(held), &hold).await.unwrap();
        assert_eq!(set.reason, "诉讼保全");
        let verdicts = async || -> Vec<_> {
            let page = control.preview_erasures(key, &List::default()).await.unwrap();
            page.items.into_iter().map(|item| (item.order_id, item.verdict)).collect()
        };
        let own = |order_id: &str, verdict| (order_id.to_owned(), verdict);
        let expected = [
            own(due, ErasureVerdict::NotDue),
            own(held, ErasureVerdict::Held),
            own(open, ErasureVerdict::NotEnded),
        ];
        assert_eq!(verdicts().await, expected);
        world.clock.advance_ms(30 * DAY_MS - 1);
        settle(&world).await;
        assert_eq!(verdicts().await.len(), 3, "a millisecond too early");
        world.clock.advance_ms(1);
        assert_eq!(verdicts().await[0].1, ErasureVerdict::Erase);
        settle(&world).await;
        assert_eq!(verdicts().await, expected[1..]);

        let erasures = control.list_erasures(key, &List::default()).await.unwrap().items;
        assert_eq!((erasures.len(), erasures[0].rule.as_str()), (1, "tenant_retention"));
        assert!(erasures[0].finished_at.is_some(), "nothing is left");
        let certificate = control.get_certificate(key, due).await.unwrap();
        let certificate: Certificate = public_key(&world).await.open(&certificate).unwrap();
        assert_eq!(certificate.rule, ErasureRule::TenantRetention { days: 30 });

        control.lift_hold(key, Some(held)).await.unwrap();
        let rules = PutRetention {
            packages: vec![PackageRetention { package_id: harness::PACKAGE.to_owned(), days: 60 }],
        };
        let stored = control.put_retention(key, &rules).await.unwrap();
        assert_eq!((stored.retention_days, stored.packages.len()), (30, 1));
        settle(&world).await;
        assert_eq!(verdicts().await[0], own(held, ErasureVerdict::NotDue));
        world.clock.advance_ms(30 * DAY_MS);
        control.put_hold(key, None, &hold).await.unwrap();
        settle(&world).await;
        assert_eq!(verdicts().await[0], own(held, ErasureVerdict::TenantHeld));
        control.lift_hold(key, None).await.unwrap();
        settle(&world).await;
        assert_eq!(verdicts().await, [own(open, ErasureVerdict::NotEnded)]);
        let certificate = control.get_certificate(key, held).await.unwrap();
        let certificate: Certificate = public_key(&world).await.open(&certificate).unwrap();
        assert_eq!(certificate.rule, ErasureRule::PackageRetention { days: 60 });
    })
    .await;
}

#[tokio::test]
async fn an_order_erased_by_hand_shows_nothing_and_faults_nowhere() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.store().await;
        let seed = scene.seed.clone();
        let (hirer, order_id) = (&seed.hirer, scene.order_id.as_str());
        let (control, key) = (&hirer.control, hirer.tenant_key.as_str());
        let report_id = scene.report.report_id.as_str();
        let fresh = world.place(&seed).await.order_id;
        let body = EraseOrder { reason: "候选人张三要求删除".to_owned() };
        let refused = control.erase_order(key, &fresh, &body).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "illegal_state");
        let link = world.app.hub.links.make(
            &hub::links::Linked {
                kind: hub::links::LinkKind::Report,
                tenant_id: hirer.tenant_id,
                order_id: order_id.parse().unwrap(),
                object_id: report_id.parse().unwrap(),
                holder: world.holder(&seed.app),
            },
            world.clock.now(),
        );
        let officer = world.control(&world.member_key(hirer, "privacy_officer").await);
        let erased = officer.erase_order(key, order_id, &body).await.unwrap();
        assert_eq!(
            (erased.rule.as_str(), erased.reason.as_deref()),
            ("hand", Some("候选人张三要求删除"))
        );
        assert_eq!(officer.erase_order(key, order_id, &body).await.unwrap(), erased);
        settle(&world).await;
        assert_eq!(
            world.app.hub.objects.list("", 10).await.unwrap().len(),
            0,
            "the object is gone"
        );

        let order = control.get_order(key, order_id).await.unwrap();
        assert!(order.erased && order.candidate_info.name.is_empty() && order.results.is_empty());
        assert_eq!((order.order_status, order.timeline.len()), (3, 2));
        assert_eq!(order.reports[0].state, ReportState::Erased);
        let listed = control.list_orders(key, &Default::default()).await.unwrap().items;
        assert_eq!(listed.iter().filter(|order| order.erased).count(), 1);
        let path = format!("/api/v1/tenants/{key}/orders/{order_id}/reports/{report_id}");
        for (method, end, expected) in
            [("GET", "content", 410), ("POST", "refetch", 410), ("GET", "views", 200)]
        {
            let request = world.request(method, &format!("{path}/{end}"), &hirer.key);
            assert_eq!(request.send().await.unwrap().status(), expected, "{end}");
        }
        assert_eq!(world.http.get(&link).send().await.unwrap().status(), 410);
        let hold = PutHold { reason: "x".to_owned() };
        let late = control.put_hold(key, Some(order_id), &hold).await.unwrap_err();
        assert_eq!(late.problem().unwrap().code, "gone");
        let events = control.list_events(key, &Default::default()).await.unwrap().items;
        for event in events {
            control.list_deliveries(key, &event.event_id).await.unwrap();
        }

        // What the vendor still says, and what its queries show.
        let result = contract::check::UpdateResult {
            background_check_id: order_id.to_owned(),
            result: "绿灯".to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: contract::check::OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        let refused = seed.vendor.update_result(&result).await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().code, 1_002_858);
        let query = serde_json::json!({ "background_check_order_id_list": [order_id] });
        let call = contract::route::Call::QueryOrders;
        let shown = seed.vendor.call(call, &query).await.unwrap().to_string();
        assert!(shown.contains(order_id), "{shown}");
        for word in ["张三", "13800000000", "绿灯", "终版报告"] {
            assert!(!shown.contains(word), "{word}");
        }
        let text = serde_json::to_string(&order).unwrap();
        for word in ["张三", "13800000000", "绿灯", "终版报告", "vendor.example", "请尽快"]
        {
            assert!(!text.contains(word), "{word}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_operators_bounds_count_for_rules_and_for_erasing_by_hand() {
    for engine in Engine::available().await {
        let bounds = Bounds { min_days: 7, max_days: 400 };
        let clock = Clock::manual(BEGIN);
        let world = World::start(engine, clock, false, |config| config.retention = bounds).await;
        let seed = world.seed().await;
        let (control, key) = (&seed.hirer.control, seed.hirer.tenant_key.as_str());
        for days in [6, 401] {
            let rule = PackageRetention { package_id: harness::PACKAGE.to_owned(), days };
            let refused = control.put_retention(key, &PutRetention { packages: vec![rule] }).await;
            let problem = refused.unwrap_err().problem().unwrap().clone();
            assert_eq!(problem.errors[0].field, "packages[0].days");
            let update = UpdateTenant { retention_days: Some(days), ..UpdateTenant::default() };
            let refused = control.update_tenant(key, &update).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().errors[0].field, "retention_days");
        }
        let order_id = world.place(&seed).await.order_id;
        let reason = contract::control::TerminateOrder { reason: "x".to_owned() };
        control.terminate_order(key, &order_id, &reason).await.unwrap();
        let body = EraseOrder { reason: "x".to_owned() };
        world.clock.advance_ms(7 * DAY_MS - 1);
        let early = control.erase_order(key, &order_id, &body).await.unwrap_err();
        assert!(early.problem().unwrap().detail.contains("2026-11-25T12:26:40.000Z"), "{early}");
        world.clock.advance_ms(1);
        control.erase_order(key, &order_id, &body).await.unwrap();
    }
}

#[tokio::test]
async fn anchors_are_sent_to_another_host_until_it_takes_them() {
    let (reported, mut received) = tokio::sync::mpsc::unbounded_channel::<String>();
    let is_first = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let take = axum::routing::post(async move |body: String| {
        reported.send(body).unwrap();
        match is_first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => axum::http::StatusCode::SERVICE_UNAVAILABLE,
            false => axum::http::StatusCode::OK,
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/anchors", listener.local_addr().unwrap());
    let service = axum::Router::new().route("/anchors", take);
    tokio::spawn(async move { axum::serve(listener, service).await });
    let adjust = |config: &mut server::Config| config.anchor_url = Some(url);
    let mut world = World::start(Engine::Sqlite, Clock::system(), true, adjust).await;
    // The first try, at the start, is refused; stopping anchors once more, and sends what waits.
    let refused = received.recv().await.unwrap();
    world.hirer().await;
    let key = public_key(&world).await;
    let first = read_anchors(&refused, Some(&key)).unwrap();
    assert!(first.iter().all(|anchor| anchor.tenant_key == OPERATOR_CHAIN));
    world.restart().await;
    let taken = read_anchors(&received.recv().await.unwrap(), Some(&key)).unwrap();
    assert_eq!(taken[..first.len()], first, "what was not taken is sent again");
    assert!(taken.len() >= first.len() + 2, "and what came since");
}
