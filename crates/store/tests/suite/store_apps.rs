//! Installations of store apps, and their tickets.

use contract::scope::Scope;
use domain::event::EventKind;
use domain::{AppId, TenantId, UnixMs};
use store::Saved;
use store::installations::Installation;
use store::tenants::NO_TENANT;
use store::tickets::DueTicket;

use crate::support::*;
use crate::tenancy::new_app;

on_both!(
    an_installation_is_kept_changed_and_taken_away,
    an_installation_needs_its_app,
    installations_page_newest_first,
    replicas_hear_of_installations,
    a_due_ticket_is_issued_by_one_of_many,
    a_new_ticket_takes_the_place_of_an_undelivered_one,
    of_tickets_issued_at_once_one_is_sent,
    old_tickets_are_forgotten_and_nothing_else,
    a_deleted_app_leaves_nothing_behind,
);

const APP: AppId = AppId(5);

fn installation(tenant_id: TenantId, scopes: &[Scope], at: UnixMs) -> Installation {
    let scopes = scopes.to_vec();
    let (changed_by, changed_at) = (0, NOW);
    Installation { app_id: APP, tenant_id, scopes, installed_at: at, changed_by, changed_at }
}

async fn create_app(world: &World) {
    let app = new_app(&world.store, APP, None);
    assert_eq!(world.store.create_app(BY, &app, None).await.unwrap(), Saved::Done);
}

async fn an_installation_is_kept_changed_and_taken_away(world: &World) {
    create_app(world).await;
    let tenant_id = TenantId(-7);
    let find = async || world.store.find_installation(APP, tenant_id).await.unwrap();
    assert_eq!(find().await, None);
    let first = installation(tenant_id, &[Scope::Exam, Scope::BackgroundCheckOrder], NOW);
    assert_eq!(world.store.put_installation(BY, &first).await.unwrap(), Saved::Done);
    assert_eq!(find().await.as_deref(), Some(&first));
    assert_eq!(find().await.as_deref(), Some(&first), "from memory");
    let found = world.replica().await.find_installation(APP, tenant_id).await.unwrap();
    assert_eq!(found.as_deref(), Some(&first));
    let second = installation(tenant_id, &[], NOW.plus_ms(9));
    assert_eq!(world.store.put_installation(BY, &second).await.unwrap(), Saved::Done);
    let expected = Installation { installed_at: NOW, ..second };
    assert_eq!(find().await.as_deref(), Some(&expected), "since when stays");
    assert_eq!(world.store.find_installation(APP, TenantId(7)).await.unwrap(), None);
    assert!(world.store.delete_installation(BY, APP, tenant_id).await.unwrap());
    assert_eq!(find().await, None);
    assert!(!world.store.delete_installation(BY, APP, tenant_id).await.unwrap());
    // Three changes, each counted as one of the app.
    assert_eq!(world.store.find_app(APP).await.unwrap().unwrap().version, 4);
}

async fn an_installation_needs_its_app(world: &World) {
    let orphan = installation(TenantId(1), &[], NOW);
    assert_eq!(world.store.put_installation(BY, &orphan).await.unwrap(), Saved::Outdated);
    assert_eq!(world.store.find_installation(APP, TenantId(1)).await.unwrap(), None);
}

async fn installations_page_newest_first(world: &World) {
    create_app(world).await;
    let mut all = Vec::new();
    for number in -5..5_i64 {
        let at = NOW.plus_ms(number / 2);
        world.store.put_installation(BY, &installation(TenantId(number), &[], at)).await.unwrap();
        all.push((at, TenantId(number)));
    }
    all.sort();
    all.reverse();
    for limit in [1, 3, 100] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = world.store.list_installations(APP, before, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some((last.installed_at, last.tenant_id));
            seen.extend(page.iter().map(|found| (found.installed_at, found.tenant_id)));
        }
        assert_eq!(seen, all, "pages of {limit}");
    }
    assert_eq!(world.store.list_installations(AppId(6), None, 9).await.unwrap(), []);
}

async fn replicas_hear_of_installations(world: &World) {
    if world.is_sqlite() {
        return; // One process has a SQLite file to itself.
    }
    create_app(world).await;
    let (tenant_id, replica) = (TenantId(3), world.replica().await);
    for round in 0..4_usize {
        let scopes = &Scope::ALL[..round];
        world.store.put_installation(BY, &installation(tenant_id, scopes, NOW)).await.unwrap();
        let received = until("the replica sees the change", async || {
            let found = replica.find_installation(APP, tenant_id).await.unwrap();
            found.is_some_and(|found| found.scopes == scopes)
        });
        tokio::time::timeout(std::time::Duration::from_secs(1), received).await.expect("a second");
    }
    world.store.delete_installation(BY, APP, tenant_id).await.unwrap();
    let received = until("the replica sees that it is gone", async || {
        replica.find_installation(APP, tenant_id).await.unwrap().is_none()
    });
    tokio::time::timeout(std::time::Duration::from_secs(1), received).await.expect("a second");
}

async fn a_due_ticket_is_issued_by_one_of_many(world: &World) {
    create_app(world).await;
    let self_built = new_app(&world.store, AppId(6), Some(TenantId(1)));
    world.store.create_app(BY, &self_built, None).await.unwrap();
    let due = world.store.list_due_tickets(NOW, 10).await.unwrap();
    assert_eq!(due, [DueTicket { app_id: APP, due_at: NOW }], "of store apps alone, at once");
    assert_eq!(world.store.list_due_tickets(NOW.plus_ms(-1), 10).await.unwrap(), []);
    let next_at = NOW.plus_ms(3_600_000);
    let issue = || world.store.issue_due_ticket(due[0], NOW, next_at);
    let issued = futures_util::future::join_all((0..8).map(|_| issue())).await;
    let issued = issued.into_iter().filter(|issued| *issued.as_ref().unwrap()).count();
    assert_eq!(issued, 1);
    assert_eq!(world.counts().await.events, 1);
    assert_eq!(world.store.list_due_tickets(next_at.plus_ms(-1), 10).await.unwrap(), []);
    let due = world.store.list_due_tickets(next_at, 10).await.unwrap();
    assert_eq!(due, [DueTicket { app_id: APP, due_at: next_at }]);
}

async fn a_new_ticket_takes_the_place_of_an_undelivered_one(world: &World) {
    create_app(world).await;
    let next_at = NOW.plus_ms(3_600_000);
    for at in [NOW, NOW.plus_ms(5)] {
        assert!(world.store.issue_ticket(APP, at, next_at).await.unwrap());
    }
    assert!(!world.store.issue_ticket(AppId(6), NOW, next_at).await.unwrap());
    let at = NOW.plus_ms(9);
    let claimed = world.store.claim_deliveries(at, at.plus_ms(9), 10).await.unwrap();
    let [claimed] = &claimed[..] else { panic!("{claimed:?}") };
    assert_eq!((claimed.tenant_id, claimed.app_id), (NO_TENANT, APP));
    assert_eq!((claimed.kind, claimed.created_at), (EventKind::AppTicket, NOW.plus_ms(5)));
    assert_eq!(claimed.order_id, None);
    // What stands for its tenant is found for events alone.
    assert!(world.store.find_tenant_of_event(NO_TENANT).await.unwrap().is_some());
    assert!(world.store.find_tenant(NO_TENANT).await.unwrap().is_none());
    // Also one that is being tried ends, whatever comes of the try.
    world.store.issue_ticket(APP, at, next_at).await.unwrap();
    world.store.put_back_deliveries(std::slice::from_ref(claimed), at).await.unwrap();
    let newest = world.store.claim_deliveries(at, at.plus_ms(9), 10).await.unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[0].created_at, at);
}

async fn of_tickets_issued_at_once_one_is_sent(world: &World) {
    create_app(world).await;
    for _ in 0..5 {
        let issue = || world.store.issue_ticket(APP, NOW, NOW.plus_ms(3_600_000));
        let issued = futures_util::future::join_all((0..16).map(|_| issue())).await;
        assert!(issued.into_iter().all(Result::unwrap));
        let claimed = world.store.claim_deliveries(NOW, NOW.plus_ms(9), 100).await.unwrap();
        assert_eq!(claimed.len(), 1);
    }
}

async fn old_tickets_are_forgotten_and_nothing_else(world: &World) {
    let scene = world.scene(false, false).await;
    create_app(world).await;
    accepted(&world.store, scene.place()).await;
    let before = world.counts().await;
    let day_ms = 86_400_000;
    for day in 0..3 {
        world.store.issue_ticket(APP, NOW.plus_ms(day * day_ms), NOW).await.unwrap();
    }
    world.store.forget_old_tickets(NOW.plus_ms(2 * day_ms - 1)).await.unwrap();
    let after = world.counts().await;
    assert_eq!((after.events, after.deliveries), (before.events + 1, before.deliveries + 1));
}

async fn a_deleted_app_leaves_nothing_behind(world: &World) {
    create_app(world).await;
    world.store.put_installation(BY, &installation(TenantId(1), &[], NOW)).await.unwrap();
    assert_eq!(world.store.delete_app(BY, APP).await.unwrap(), Saved::Done);
    assert_eq!(world.store.find_installation(APP, TenantId(1)).await.unwrap(), None);
    assert_eq!(world.store.list_due_tickets(NOW, 10).await.unwrap(), []);
}
