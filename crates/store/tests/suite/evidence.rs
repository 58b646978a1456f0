//! What proves what was done: the audit chains, the view ledger, manifests.

use std::net::IpAddr;

use contract::evidence::{
    Anchor, AuditAct, Chain, ChainFault, Evidence as _, Manifest, Signed, sha256,
};
use contract::hex::to_hex;
use domain::{AppId, Id, TenantId};
use store::audit::{self, By, chain_name};
use store::content::VersionFacts;
use store::report_versions::NewContent;
use store::reports::FetchOutcome;
use store::views::{NewView, Viewer};
use store::{FaultKind, Key};

use crate::support::*;

on_every_desk!(
    decisions_and_settings_stand_in_the_chain,
    what_is_refused_is_not_told,
    many_at_once_make_one_chain,
    a_chain_that_was_touched_in_the_database_is_found,
    a_head_that_is_gone_lets_nothing_be_told,
    a_view_is_recorded_and_told_without_its_address,
    a_manifest_lists_every_content_and_builds_on_the_one_before,
);

/// Reads a chain whole, page by page, and verifies it; gives what was done.
pub(crate) async fn acts(
    world: &World,
    tenant_id: TenantId,
    anchors: &[Anchor],
) -> Result<Vec<AuditAct>, ChainFault> {
    let mut chain = Chain::new(&chain_name(tenant_id), anchors);
    let mut acts = Vec::new();
    loop {
        let page = world.store.list_audit(tenant_id, acts.len() as u64, 3).await.unwrap();
        if page.is_empty() {
            chain.end()?;
            return Ok(acts);
        }
        for entry in page {
            acts.push(chain.take(&entry.line)?.act);
        }
    }
}

async fn decisions_and_settings_stand_in_the_chain(world: &World) {
    let scene = world.scene(true, false).await;
    let (store, tenant_id) = (&world.store, scene.tenant.tenant_id);
    for _ in 0..2 {
        let order_id = accepted(store, scene.place()).await;
        accepted(store, scene.result(order_id, "绿灯")).await;
        accepted(store, scene.reject(order_id, "请补充")).await;
        accepted(store, scene.result(order_id, "黄灯")).await;
        accepted(store, scene.withdraw(order_id)).await;
        accepted(store, scene.result(order_id, "蓝灯")).await;
        accepted(store, scene.approve(order_id)).await;
    }
    let order_id = accepted(store, scene.place()).await;
    accepted(store, scene.terminate(order_id, "不再需要")).await;
    let by = by_key(Id(31), NOW);
    store.update_tenant(by, tenant_id, 1, "启明", &scene.tenant.settings).await.unwrap();
    let own = acts(world, tenant_id, &[]).await.unwrap();
    let once = [AuditAct::OrderRejected, AuditAct::OrderWithdrawn, AuditAct::OrderApproved];
    let mut expected = vec![AuditAct::TenantCreated, AuditAct::ApiKeyMade];
    expected.extend(once.iter().chain(&once));
    expected.extend([AuditAct::OrderTerminated, AuditAct::SettingsChanged]);
    assert_eq!(own, expected);
    let operators = acts(world, audit::OPERATOR, &[]).await.unwrap();
    assert_eq!(operators, [AuditAct::TenantCreated]);
    let lines = store.list_audit(tenant_id, 0, 100).await.unwrap();
    let last = &lines.last().unwrap().line;
    assert!(last.contains(r#""actor":"api_key","actor_id":"31""#), "{last}");
    for word in ["启明", "请补充", "不再需要", "绿灯"] {
        assert!(lines.iter().all(|entry| !entry.line.contains(word)), "{word}");
    }
}

async fn what_is_refused_is_not_told(world: &World) {
    let scene = world.scene(true, false).await;
    let store = &world.store;
    let order_id = accepted(store, scene.place()).await;
    refused(store, scene.approve(order_id)).await;
    let tenant = &scene.tenant;
    let outdated = store.update_tenant(BY, tenant.tenant_id, 7, "x", &tenant.settings).await;
    assert_eq!(outdated.unwrap(), store::Saved::Outdated);
    let reported = acts(world, tenant.tenant_id, &[]).await.unwrap();
    assert_eq!(reported, [AuditAct::TenantCreated, AuditAct::ApiKeyMade]);
}

async fn many_at_once_make_one_chain(world: &World) {
    let (scene, other) = (world.scene(true, false).await, world.scene(true, false).await);
    let replica = if world.is_sqlite() { None } else { Some(world.replica().await) };
    let mut orders = Vec::new();
    for index in 0..24 {
        let scene = if index % 3 == 0 { &other } else { &scene };
        let order_id = accepted(&world.store, scene.place()).await;
        accepted(&world.store, scene.result(order_id, "绿灯")).await;
        orders.push((scene.clone(), order_id));
    }
    let entry = By::system(NOW).did(AuditAct::KeyRotated);
    let commands = orders.iter().zip(0..).map(|((scene, order_id), index)| {
        let store = match (&replica, index % 2) {
            (Some(replica), 0) => replica,
            _ => &world.store,
        };
        let entry = &entry;
        async move {
            accepted(store, scene.approve(*order_id)).await;
            store.add_audit_entry(scene.tenant.tenant_id, entry).await.unwrap();
        }
    });
    futures_util::future::join_all(commands).await;
    for (scene, count) in [(&scene, 16), (&other, 8)] {
        let reported = acts(world, scene.tenant.tenant_id, &[]).await.unwrap();
        let number = |act| reported.iter().filter(|it| **it == act).count();
        assert_eq!((number(AuditAct::OrderApproved), number(AuditAct::KeyRotated)), (count, count));
        assert_eq!(reported.len(), 2 + 2 * count);
    }
}

/// A chain of 12 entries, and an anchor of its end.
async fn chain(world: &World) -> (TenantId, Anchor) {
    let tenant_id = world.scene(false, false).await.tenant.tenant_id;
    for index in 0..10 {
        let entry = by_key(Id(index), NOW.plus_ms(index)).did(AuditAct::HoldSet);
        world.store.add_audit_entry(tenant_id, &entry).await.unwrap();
    }
    let heads = world.store.list_audit_heads(TenantId(i64::MIN), 100).await.unwrap();
    let head = heads.iter().find(|head| head.tenant_id == tenant_id).unwrap();
    let anchor = Anchor {
        kind: Anchor::KIND.to_owned(),
        tenant_key: tenant_id.to_string(),
        seq: head.seq,
        hash: to_hex(&head.hash),
        at_ms: NOW.0,
    };
    (tenant_id, anchor)
}

async fn a_chain_that_was_touched_in_the_database_is_found(world: &World) {
    let (tenant_id, anchor) = chain(world).await;
    let anchors = [anchor];
    assert_eq!(acts(world, tenant_id, &anchors).await.unwrap().len(), 12);
    world.raw("CREATE TABLE whole AS SELECT * FROM audit_entries").await;
    let bytes = |text: &str| {
        if world.is_sqlite() {
            format!("CAST('{text}' AS BLOB)")
        } else {
            format!("'{text}'::bytea")
        }
    };
    let t = format!("tenant_id = {}", tenant_id.0);
    for seq in 1..=12 {
        let other = seq % 12 + 1;
        let forged = bytes(r#"{"at_ms":1,"act":"hold_lifted","actor":"system"}"#);
        let mut edits = vec![
            format!("UPDATE audit_entries SET body = {forged} WHERE {t} AND seq = {seq}"),
            format!("UPDATE audit_entries SET hash = sha256(body) WHERE {t} AND seq = {seq}"),
            format!("DELETE FROM audit_entries WHERE {t} AND seq = {seq}"),
            format!("DELETE FROM audit_entries WHERE {t} AND seq >= {seq}"),
            format!("UPDATE audit_entries SET seq = seq + 100 WHERE {t} AND seq = {seq}"),
            // Two entries change places, bodies and hashes.
            format!(
                "UPDATE audit_entries SET seq = -seq WHERE {t} AND seq IN ({seq}, {other}); \
                UPDATE audit_entries SET seq = {seq} + {other} + seq WHERE {t} AND seq < 0"
            ),
            // A rewritten entry with its right hash.
            format!(
                "UPDATE audit_entries SET body = {forged}, hash = sha256((SELECT b.hash FROM whole b \
                WHERE b.tenant_id = audit_entries.tenant_id AND b.seq = audit_entries.seq - 1) || {forged}) \
                WHERE {t} AND seq = {seq}"
            ),
        ];
        if world.is_sqlite() {
            // What makes hashes is the store's own function, which a plain connection does not have.
            edits.retain(|edit| !edit.contains("sha256"));
        }
        if seq == 1 {
            edits.retain(|edit| !edit.contains("audit_entries.seq - 1"));
        }
        for edit in edits {
            for part in edit.split("; ") {
                world.raw(part).await;
            }
            assert!(acts(world, tenant_id, &anchors).await.is_err(), "not found: {edit}");
            world.raw("DELETE FROM audit_entries").await;
            world.raw("INSERT INTO audit_entries (tenant_id, seq, body, hash) SELECT tenant_id, seq, body, hash FROM whole").await;
        }
    }
    assert_eq!(acts(world, tenant_id, &anchors).await.unwrap().len(), 12);
    // Entries of another tenant's chain, whole or one by one.
    let (foreign, _) = chain(world).await;
    world.raw(&format!("DELETE FROM audit_entries WHERE {t}")).await;
    world
        .raw(&format!(
            "UPDATE audit_entries SET tenant_id = {} WHERE tenant_id = {}",
            tenant_id.0, foreign.0
        ))
        .await;
    assert_eq!(acts(world, tenant_id, &anchors).await, Err(ChainFault::Hash { seq: 1 }));
}

async fn a_head_that_is_gone_lets_nothing_be_told(world: &World) {
    let scene = world.scene(true, false).await;
    let (store, tenant_id) = (&world.store, scene.tenant.tenant_id);
    let order_id = accepted(store, scene.place()).await;
    accepted(store, scene.result(order_id, "绿灯")).await;
    world.raw(&format!("DELETE FROM audit_heads WHERE tenant_id = {}", tenant_id.0)).await;
    let fault = store.command(scene.approve(order_id)).await.unwrap_err();
    assert_eq!(fault.kind(), store::FaultKind::Constraint);
    let order = store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    assert_eq!(order.timeline.len(), 2, "what cannot be told is not done");
    assert_eq!(acts(world, tenant_id, &[]).await.unwrap().len(), 2);
}

/// A completed order with one report that was fetched, and the row that stands for its content.
async fn filed(world: &World, scene: &Scene) -> (Id, Id) {
    let store = &world.store;
    let order_id = accepted(store, scene.place()).await;
    let reports = vec![report("背调报告", "https://reports.vendor.example/r.pdf?sig=1")];
    accepted(store, scene.result_with(order_id, "绿灯", reports)).await;
    let order = store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    let report_id = order.reports[0].report_id;
    note_version(world, scene, (order_id, report_id), b"pdf").await;
    (order_id, report_id)
}

/// Keeps a content of a report as the worker does, of one that was fetched before anew; the name of its object.
pub(crate) async fn note_version(
    world: &World,
    scene: &Scene,
    (order_id, report_id): (Id, Id),
    content: &[u8],
) -> Id {
    let (store, tenant) = (&world.store, &scene.tenant);
    let report = store.find_report(tenant, order_id, report_id).await.unwrap().unwrap();
    if report.has_content() {
        assert!(
            store
                .refetch_report(By::system(NOW), tenant.tenant_id, order_id, report_id)
                .await
                .unwrap()
        );
    }
    let claimed = store.claim_reports(NOW, NOW.plus_ms(1_000), 100).await.unwrap();
    let claimed = claimed.iter().find(|claimed| claimed.report_id == report_id).unwrap();
    let object_id = store.make_id(NOW);
    let content = NewContent {
        object_id,
        key: Key::random(),
        size_bytes: i64::try_from(content.len()).unwrap(),
        sha256: sha256(content),
        fetched_at: NOW,
    };
    let facts = VersionFacts { source_host: "reports.vendor.example".into(), ..Default::default() };
    assert!(store.finish_report(claimed, &FetchOutcome::Stored { content, facts }).await.unwrap());
    object_id
}

async fn a_view_is_recorded_and_told_without_its_address(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let (order_id, report_id) = filed(world, &scene).await;
    let address: IpAddr = "203.0.113.77".parse().unwrap();
    let whole = NewView {
        order_id,
        report_id,
        version: 1,
        viewer: Viewer::ApiKey(Id(31)),
        at: NOW,
        address,
        ranges: Vec::new(),
    };
    let part = NewView {
        viewer: Viewer::Link(Some(AppId(5))),
        at: NOW.plus_ms(5),
        ranges: vec![0..100, 200..300],
        ..whole.clone()
    };
    for view in [&whole, &part] {
        assert!(store.record_view(tenant, view).await.unwrap());
    }
    let nowhere = NewView { order_id: Id(1), ..whole.clone() };
    assert!(!store.record_view(tenant, &nowhere).await.unwrap());
    let views = store.list_views(tenant, order_id, report_id, END, 10).await.unwrap();
    let seen: Vec<_> = views.iter().map(|view| (view.viewer, view.range.clone())).collect();
    let linked = |range| (Viewer::Link(Some(AppId(5))), Some(range));
    assert_eq!(seen, [linked(200..300), linked(0..100), (Viewer::ApiKey(Id(31)), None)]);
    assert!(views.iter().all(|view| view.address.as_deref() == Some("203.0.113.77")));
    let next = store.list_views(tenant, order_id, report_id, views[0].view_id, 10).await.unwrap();
    assert_eq!(next, views[1..]);
    let stranger = world.scene(false, false).await;
    let nothing = store.list_views(&stranger.tenant, order_id, report_id, END, 10).await.unwrap();
    assert!(nothing.is_empty());
    let reported = acts(world, tenant.tenant_id, &[]).await.unwrap();
    assert_eq!(reported[2..], [AuditAct::ReportViewed; 3]);
    for entry in store.list_audit(tenant.tenant_id, 0, 10).await.unwrap() {
        assert!(!entry.line.contains("203.0.113"), "{}", entry.line);
    }
    let rows = world.raw("SELECT sealed FROM report_views").await;
    let found = |row: &[Vec<u8>]| row[0].windows(7).any(|bytes| bytes == b"203.0.1");
    assert!(!rows.iter().any(|row| found(row)));
}

async fn a_manifest_lists_every_content_and_builds_on_the_one_before(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let ids = filed(world, &scene).await;
    let (order_id, report_id) = ids;
    let due = store.list_unlisted_orders(Id(0), 10).await.unwrap();
    assert_eq!(due, [(tenant.tenant_id, order_id)]);
    assert!(store.write_manifest(tenant, order_id, NOW).await.unwrap());
    assert!(!store.write_manifest(tenant, order_id, NOW).await.unwrap(), "nothing is left to list");
    assert!(store.list_unlisted_orders(Id(0), 10).await.unwrap().is_empty());
    let file = store.find_manifest(tenant.tenant_id, order_id).await.unwrap().unwrap();
    let first_text = Signed::read::<Manifest>(&file).unwrap().text;
    let first = Manifest::read(&first_text).unwrap();
    assert_eq!((first.number, first.before.as_deref(), first.versions.len()), (1, None, 1));
    let listed = &first.versions[0];
    assert_eq!(listed.report_id, report_id.to_string());
    assert_eq!((listed.size_bytes, listed.sha256.as_str()), (3, to_hex(&sha256(b"pdf")).as_str()));
    assert_eq!(listed.source_host.as_deref(), Some("reports.vendor.example"));
    assert_eq!(listed.accepted_at_ms, report_id.made_at().0);

    // Versions before stored the bare 64 bytes of a signature, and what they signed is given away as they did.
    world.raw("UPDATE manifests SET signature = substr(signature, 1, 64)").await;
    let file = store.find_manifest(tenant.tenant_id, order_id).await.unwrap().unwrap();
    assert!(file.starts_with(&format!(r#"{{"manifest":{first_text},"signature":""#)), "{file}");
    assert_eq!(Signed::read::<Manifest>(&file).unwrap().message, first_text);
    note_version(world, &scene, ids, b"pdf, corrected").await;
    assert!(store.write_manifest(tenant, order_id, NOW.plus_ms(9)).await.unwrap());
    let file = store.find_manifest(tenant.tenant_id, order_id).await.unwrap().unwrap();
    let second = Manifest::read(&Signed::read::<Manifest>(&file).unwrap().text).unwrap();
    assert_eq!((second.number, second.versions.len()), (2, 2));
    assert_eq!(second.before, Some(Manifest::hash(&first_text)));
    world.raw("UPDATE manifests SET signature = substr(signature, 2)").await;
    let damaged = store.find_manifest(tenant.tenant_id, order_id).await.unwrap_err();
    assert_eq!(damaged.kind(), FaultKind::Damaged);
    let stranger = world.scene(false, false).await.tenant.tenant_id;
    assert_eq!(store.find_manifest(stranger, order_id).await.unwrap(), None);
}
