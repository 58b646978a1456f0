//! A tenant whose clock is ahead of the installation's: what is recorded and shown about it has its time, and what waits has
//! the installation's.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use contract::check::{OperatorRole, UpdateResult};
use contract::control::{
    ApproveOrder, CreateTenant, DeliveryState, ErasureVerdict, List, ListAudit, ListEvents,
    UpdateTenant,
};
use domain::TenantId;
use harness::{BEGIN, Seed, World};
use peer::{Peer, Reply, answer};

const DAY_MS: i64 = 86_400_000;
const HERE: &str = "2026-11-18T12:26:40.000Z";
const THERE: &str = "2026-11-19T12:26:40.000Z";

/// Sets the tenant's clock so far ahead. A change of its settings makes the server read it again.
async fn ahead(world: &World, seed: &Seed, days: i64) {
    let tenant_key = &seed.hirer.tenant_key;
    let tenant_id: TenantId = tenant_key.parse().unwrap();
    let ms = days * DAY_MS;
    let sql =
        format!("UPDATE tenants SET clock_offset_ms = {ms} WHERE tenant_id = {}", tenant_id.0);
    world.execute(&sql).await;
    let same = UpdateTenant { four_eyes: Some(false), ..UpdateTenant::default() };
    world.operator.update_tenant(tenant_key, &same).await.unwrap();
}

/// A tenant one day ahead whose events a receiver refuses.
async fn scene(world: &World) -> Seed {
    let peer = Peer::start(|_, _| Reply::Whole(answer(500, "", b"no"))).await;
    let tenant = CreateTenant { report_approval: true, ..CreateTenant::named("星河科技") };
    let seed = world.seed_with(&tenant, Some(&peer.url("/hook")), false).await;
    ahead(world, &seed, 1).await;
    seed
}

#[tokio::test]
async fn what_is_recorded_and_shown_has_the_tenants_time() {
    World::each(async |world| {
        let seed = scene(&world).await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order_id = world.place(&seed).await.order_id;
        let result = UpdateResult {
            background_check_id: order_id.clone(),
            result: "绿灯".to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        seed.vendor.update_result(&result).await.unwrap();
        let order = control
            .approve_order(
                tenant_key,
                &order_id,
                &ApproveOrder { comment: None, result_number: None },
            )
            .await
            .unwrap();
        assert_eq!((order.created_at.as_str(), order.updated_at.as_str()), (THERE, THERE));
        assert_eq!(order.ended_at.as_deref(), Some(THERE));
        assert_eq!(order.results[0].received_at, THERE);
        assert!(order.timeline.len() == 3 && order.timeline.iter().all(|entry| entry.at == THERE));

        // An entry that the operator causes has the tenant's time as well.
        ahead(&world, &seed, 1).await;
        let audit = control.list_audit(tenant_key, &ListAudit::default()).await.unwrap();
        let times: Vec<_> =
            audit.lines().map(|line| line.contains(&at(BEGIN.0 + DAY_MS))).collect();
        assert_eq!(times[times.len() - 3..], [false, true, true], "{audit}");
        let operators = world.operator.list_operator_audit(&ListAudit::default()).await.unwrap();
        assert!(!operators.contains(&at(BEGIN.0 + DAY_MS)), "{operators}");

        // Retention counts by the tenant's clock from the order's end, which is by the same.
        let verdict = async || {
            let page = control.preview_erasures(tenant_key, &List::default()).await.unwrap();
            page.items[0].verdict
        };
        assert_eq!(verdict().await, ErasureVerdict::NotDue);
        ahead(&world, &seed, 400).await;
        assert_eq!(verdict().await, ErasureVerdict::Erase);
    })
    .await;
}

fn at(ms: i64) -> String {
    format!("\"at_ms\":{ms}")
}

#[tokio::test]
async fn what_waits_has_the_time_of_the_installation() {
    World::each(async |world| {
        let seed = scene(&world).await;
        let order_id = world.place(&seed).await.order_id;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let list = ListEvents { order_id: Some(order_id), ..ListEvents::default() };
        world.settle().await;
        let event = control.list_events(tenant_key, &list).await.unwrap().items.remove(0);
        assert_eq!(event.created_at, THERE);
        let delivery = async || {
            let page = control.list_deliveries(tenant_key, &event.event_id).await;
            page.unwrap().items.remove(0)
        };
        let first = delivery().await;
        assert_eq!((first.state, first.attempt_count), (DeliveryState::Due, 1));
        assert_eq!(first.attempts[0].at, HERE);
        assert_eq!(first.next_attempt_at.as_deref(), Some("2026-11-18T12:26:55.000Z"));

        world.clock.advance_ms(15_000);
        world.settle().await;
        assert_eq!(delivery().await.attempt_count, 2, "the lease of the first try is over");
    })
    .await;
}
