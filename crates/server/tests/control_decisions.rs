//! Decisions on results: about the one that was looked at, in time, with reasons to choose from, and what the vendor hears of it.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;
mod peer;

use contract::check::{OperatorRole, UpdateResult};
use contract::control::{
    ApproveOrder, CreateReasonTemplate, CreateTenant, ListEvents, ListOrders, ListReviews,
    OrderState, RejectOrder, TimelineAction, UpdateAccount, UpdateReasonTemplate, UpdateTenant,
};
use contract::event::Event;
use harness::{Seed, World};
use peer::Peer;

const HOUR_MS: u64 = 3_600_000;

async fn give_result(seed: &Seed, order_id: &str, result: &str) {
    let result = UpdateResult {
        background_check_id: order_id.to_owned(),
        result: result.to_owned(),
        result_time: 1_795_004_000_000,
        operator_role: OperatorRole::Provider,
        report_file_list: Vec::new(),
    };
    seed.vendor.update_result(&result).await.unwrap();
}

fn reject(reason: &str, result_number: Option<u32>) -> RejectOrder {
    RejectOrder { reason: reason.to_owned(), result_number }
}

#[tokio::test]
async fn a_decision_on_a_superseded_result_is_refused() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order_id = world.place(&seed).await.order_id;
        give_result(&seed, &order_id, "红灯").await;
        control.withdraw_order(tenant_key, &order_id).await.unwrap();
        give_result(&seed, &order_id, "绿灯").await;
        let order = control.get_order(tenant_key, &order_id).await.unwrap();
        assert_eq!(order.results.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2]);
        let old = ApproveOrder { comment: None, result_number: Some(1) };
        let refused = control.approve_order(tenant_key, &order_id, &old).await.unwrap_err();
        let problem = refused.problem().unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (409, "illegal_state"));
        assert!(problem.detail.contains("number 2"), "{}", problem.detail);
        let refused = control.reject_order(tenant_key, &order_id, &reject("不全", Some(1))).await;
        assert_eq!(refused.unwrap_err().problem().unwrap().code, "illegal_state");
        let new = ApproveOrder { result_number: Some(2), ..old };
        let order = control.approve_order(tenant_key, &order_id, &new).await.unwrap();
        assert_eq!(order.state, OrderState::Completed);
    })
    .await;
}

#[tokio::test]
async fn a_result_that_nobody_decides_on_is_overdue_once() {
    World::each(async |world| {
        let body = CreateTenant {
            report_approval: true,
            review_hours: Some(24),
            ..CreateTenant::named("星河科技")
        };
        let seed = world.seed_with(&body, None, false).await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order_id = world.place(&seed).await.order_id;
        give_result(&seed, &order_id, "红灯").await;
        let overdue = async || {
            world.settle().await;
            world.settle().await;
            let order = control.get_order(tenant_key, &order_id).await.unwrap();
            let noted = order.timeline.iter();
            let noted = noted.filter(|entry| entry.action == TimelineAction::ReviewOverdue);
            let list = control.list_orders(tenant_key, &ListOrders::default()).await.unwrap();
            (noted.count(), list.items[0].review_overdue)
        };
        world.clock.advance_ms(24 * HOUR_MS - 1);
        assert_eq!(overdue().await, (0, false));
        world.clock.advance_ms(1);
        assert_eq!(overdue().await, (1, true));
        let reviews = control.list_reviews(tenant_key, &ListReviews::default()).await.unwrap();
        assert!(reviews.items[0].line.summary.review_overdue);
        world.clock.advance_ms(48 * HOUR_MS);
        assert_eq!(overdue().await, (1, true));
        // Another result has its own time, and none where the limit is taken away.
        control.reject_order(tenant_key, &order_id, &reject("不全", None)).await.unwrap();
        give_result(&seed, &order_id, "绿灯").await;
        assert_eq!(overdue().await, (1, false));
        let off = UpdateTenant { review_hours: Some(None), ..UpdateTenant::default() };
        assert_eq!(control.update_tenant(tenant_key, &off).await.unwrap().review_hours, None);
        world.clock.advance_ms(48 * HOUR_MS);
        assert_eq!(overdue().await, (1, false));
        let on = UpdateTenant { review_hours: Some(Some(1)), ..UpdateTenant::default() };
        assert_eq!(control.update_tenant(tenant_key, &on).await.unwrap().review_hours, Some(1));
        assert_eq!(overdue().await, (2, true));
    })
    .await;
}

#[tokio::test]
async fn a_vendor_hears_of_a_rejection_where_an_admin_switched_that_on() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let body = CreateTenant { report_approval: true, ..CreateTenant::named("星河科技") };
        let seed = world.seed_with(&body, Some(&peer.url("/hook")), false).await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let account_id = &seed.account.account_id;
        assert!(!seed.account.returned_event, "off by default");
        let order_id = world.place(&seed).await.order_id;
        let returned = async || {
            world.settle().await;
            // What checked the address is no event.
            let seen = peer.seen();
            let seen = seen.iter().filter_map(|seen| contract::event::read(&seen.body).ok());
            seen.filter_map(|(_, event)| match event {
                Event::CheckReturned(body) => Some(body),
                _ => None,
            })
            .collect::<Vec<_>>()
        };
        give_result(&seed, &order_id, "红灯").await;
        control.reject_order(tenant_key, &order_id, &reject("缺少学历核实", None)).await.unwrap();
        assert!(returned().await.is_empty());
        let switch = UpdateAccount { returned_event: Some(true) };
        for role in ["approver", "recruiter", "privacy_officer"] {
            let member = world.control(&world.member_key(&seed.hirer, role).await);
            let refused = member.update_account(tenant_key, account_id, &switch).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().code, "forbidden", "{role}");
        }
        let refused = world.operator.update_account(tenant_key, account_id, &switch).await;
        assert!(refused.is_err(), "the reason is the tenant's to give");
        let account = control.update_account(tenant_key, account_id, &switch).await.unwrap();
        assert!(account.returned_event);
        give_result(&seed, &order_id, "黄灯").await;
        control.reject_order(tenant_key, &order_id, &reject("仍缺一项", None)).await.unwrap();
        let bodies = returned().await;
        let [body] = bodies.as_slice() else { panic!("expected one event") };
        assert_eq!(body.background_check_id, order_id);
        assert_eq!(body.return_reason, "仍缺一项");
        let list = ListEvents { order_id: Some(order_id), ..ListEvents::default() };
        let events = control.list_events(tenant_key, &list).await.unwrap().items;
        let types: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
        let expected =
            ["probity.background_check.returned_v1", "hire.eco_background_check.created_v1"];
        assert_eq!(types, expected);
        let audit = control.list_audit(tenant_key, &Default::default()).await.unwrap();
        assert!(audit.contains("returned_event_switched") && !audit.contains("仍缺一项"));
    })
    .await;
}

#[tokio::test]
async fn reasons_to_choose_from_are_the_tenants_own() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let new =
            CreateReasonTemplate { name: "学历".into(), text: "请补充学历核实".into() };
        let control_once = control.with_idempotency_key("one").unwrap();
        let made = control_once.create_reason_template(tenant_key, &new).await.unwrap();
        let again = control_once.create_reason_template(tenant_key, &new).await.unwrap();
        assert_eq!(made, again);
        let change = UpdateReasonTemplate { text: Some("请补充".into()), name: None };
        let changed = control.update_reason_template(tenant_key, &made.template_id, &change).await;
        assert_eq!(changed.unwrap().text, "请补充");
        let recruiter = world.control(&world.member_key(&seed.hirer, "recruiter").await);
        let found = recruiter.list_reason_templates(tenant_key).await.unwrap().items;
        let [template] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((template.name.as_str(), template.text.as_str()), ("学历", "请补充"));
        let refused = recruiter.create_reason_template(tenant_key, &new).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "forbidden");
        let stranger = world.seed().await;
        let (other, other_key) = (&stranger.hirer.control, &stranger.hirer.tenant_key);
        assert!(other.list_reason_templates(other_key).await.unwrap().items.is_empty());
        let foreign = other.update_reason_template(other_key, &made.template_id, &change).await;
        assert_eq!(foreign.unwrap_err().problem().unwrap().code, "not_found");
        control.delete_reason_template(tenant_key, &made.template_id).await.unwrap();
        let gone = control.delete_reason_template(tenant_key, &made.template_id).await;
        assert_eq!(gone.unwrap_err().problem().unwrap().code, "not_found");
        for number in 0..100 {
            let new = CreateReasonTemplate { name: format!("理由 {number}"), ..new.clone() };
            control.create_reason_template(tenant_key, &new).await.unwrap();
        }
        let refused = control.create_reason_template(tenant_key, &new).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "conflict");
    })
    .await;
}
