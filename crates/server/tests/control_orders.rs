//! Orders by the control API: placing, reading, deciding, ending.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use client::control::{Control, Error};
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateProgress, UpdateResult};
use contract::control::{
    ApproveOrder, CreateTenant, ListOrders, Order, OrderState, ProblemCode, RejectOrder,
    TerminateOrder, TimelineAction,
};
use domain::order::Refusal;
use domain::{Actor, Id, Role, Roles};
use harness::{Seed, World};

fn result(order_id: &str, result: &str) -> UpdateResult {
    UpdateResult {
        background_check_id: order_id.to_owned(),
        result: result.to_owned(),
        result_time: 1_795_004_000_000,
        operator_role: OperatorRole::Provider,
        report_file_list: Vec::new(),
    }
}

fn code(refused: Result<Order, Error>) -> String {
    refused.unwrap_err().problem().unwrap().code.clone()
}

fn reason(text: &str) -> TerminateOrder {
    TerminateOrder { reason: text.to_owned() }
}

fn sent_back(text: &str) -> RejectOrder {
    RejectOrder { reason: text.to_owned(), result_number: None }
}

/// An order whose result waits for a decision.
async fn in_review(world: &World, seed: &Seed) -> Order {
    let order = world.place(seed).await;
    seed.vendor.update_result(&result(&order.order_id, "黄灯")).await.unwrap();
    let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
    let order = control.get_order(tenant_key, &order.order_id).await.unwrap();
    assert_eq!((order.state, order.order_status), (OrderState::InReview, 5));
    order
}

#[tokio::test]
async fn a_placed_order_is_arranged_and_shows_its_form() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order = world.place(&seed).await;
        let form = harness::form(&seed.account.account_id);
        assert_eq!((order.state, order.order_status), (OrderState::Arranged, 2));
        assert_eq!(order.order_id.len(), 19);
        assert_eq!(order.package_id, form.package_id);
        assert_eq!(order.candidate_info, form.candidate_info);
        assert_eq!(order.client_contact_info, form.client_contact_info);
        assert_eq!(order.additional_item_id_list, form.additional_item_id_list);
        assert_eq!(order.application_id, form.application_id);
        assert_eq!(order.location_code, form.location_code);
        assert_eq!(order.comment, form.comment);

        let at = "2026-11-18T12:26:40.000Z";
        assert_eq!((order.created_at.as_str(), order.updated_at.as_str()), (at, at));
        let [stage] = order.stages.as_slice() else { panic!("expected one stage") };
        assert_eq!((stage.stage_name.as_str(), stage.stage_time.as_str()), ("待安排", at));
        assert_eq!((stage.stage_en_name.as_deref(), &stage.stage_id), (Some("arranged"), &None));
        let [entry] = order.timeline.as_slice() else { panic!("expected one entry") };
        assert_eq!(entry.action, TimelineAction::Placed);
        assert_eq!((entry.from_state, entry.to_state), (None, OrderState::Arranged));
        assert_eq!(entry.rule.as_deref(), Some("placed"));
        assert!(order.conclusion.is_none() && order.ended_at.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_form_with_the_least_members_is_placed() {
    World::each(async |world| {
        let seed = world.seed().await;
        let mut form = harness::form(&seed.account.account_id);
        form.additional_item_id_list.clear();
        form.comment.clear();
        form.candidate_info = contract::control::CandidateInfo {
            name: "张三".to_owned(),
            ..contract::control::CandidateInfo::default()
        };
        form.client_contact_info = None;
        form.application_id = None;
        form.location_code = None;
        let tenant_key = &seed.hirer.tenant_key;
        let order = seed.hirer.control.place_order(tenant_key, &form).await.unwrap();
        assert_eq!(order.candidate_info, form.candidate_info);
        assert!(order.client_contact_info.is_none() && order.application_id.is_none());
    })
    .await;
}

#[tokio::test]
async fn everything_wrong_with_a_form_is_named_at_once() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let refused = async |form: &contract::control::PlaceOrder| {
            let refused = control.place_order(tenant_key, form).await.unwrap_err();
            let problem = refused.problem().unwrap();
            assert!(!format!("{problem:?}").contains("张三"), "a value shows");
            problem.errors.iter().map(|fault| fault.field.clone()).collect::<Vec<_>>()
        };
        let mut form = harness::form(&seed.account.account_id);
        form.package_id = "pkg-z".to_owned();
        form.additional_item_id_list = vec!["item-a".to_owned(), "item-z".to_owned()];
        form.candidate_info.name = String::new();
        let expected = ["candidate_info.name", "package_id", "additional_item_id_list[1]"];
        assert_eq!(refused(&form).await, expected);
        // A package is no additional item.
        let mut form = harness::form(&seed.account.account_id);
        form.package_id = harness::ITEM.to_owned();
        assert_eq!(refused(&form).await, ["package_id"]);
        for account_id in ["7", "7000000000000000000"] {
            assert_eq!(refused(&harness::form(account_id)).await, ["account_id"]);
        }
        let foreign = world.seed().await;
        assert_eq!(refused(&harness::form(&foreign.account.account_id)).await, ["account_id"]);
        let page = control.list_orders(tenant_key, &ListOrders::default()).await.unwrap();
        assert!(page.items.is_empty(), "nothing was placed");
    })
    .await;
}

#[tokio::test]
async fn what_the_vendor_reports_shows_in_the_order() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order = world.place(&seed).await;
        world.clock.advance_ms(1_000);
        let progress = UpdateProgress {
            background_check_id: order.order_id.clone(),
            stage_id: "s1".to_owned(),
            stage_name: "学历核实".to_owned(),
            stage_en_name: Some("degree".to_owned()),
            stage_time: 999_999_999_999_999,
            result: Some("无差异".to_owned()),
            operator_role: OperatorRole::Provider,
            report_file_list: vec![ReportFile {
                name: "学历".to_owned(),
                url: "https://vendor.example/degree".to_owned(),
                url_type: ReportUrlType::Preview,
            }],
        };
        seed.vendor.update_progress(&progress).await.unwrap();
        let mut last = result(&order.order_id, "绿灯");
        last.report_file_list = vec![ReportFile {
            name: "终版".to_owned(),
            url: "https://vendor.example/final.pdf".to_owned(),
            url_type: ReportUrlType::Download,
        }];
        seed.vendor.update_result(&last).await.unwrap();

        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order = control.get_order(tenant_key, &order.order_id).await.unwrap();
        assert_eq!((order.state, order.order_status), (OrderState::Completed, 3));
        assert_eq!(order.conclusion.as_deref(), Some("绿灯"));
        assert_eq!(order.ended_at.as_deref(), Some("2026-11-18T12:26:41.000Z"));
        let stage = &order.stages[1];
        assert_eq!(
            (stage.stage_id.as_deref(), stage.stage_name.as_str()),
            (Some("s1"), "学历核实")
        );
        assert_eq!(stage.stage_time, "999999999999999", "beyond the year 9999");
        assert_eq!(stage.reported_at, "2026-11-18T12:26:41.000Z");
        assert_eq!(order.results[0].result_time, "2026-11-18T12:13:20.000Z");
        let reports: Vec<_> = order.reports.iter().map(|it| serde_json::json!(it)).collect();
        assert_eq!(reports[0]["state"], "linked");
        assert_eq!(reports[0]["kind"], "stage");
        assert_eq!(reports[0]["preview_url"], "https://vendor.example/degree");
        assert_eq!(
            (&reports[1]["state"], &reports[1]["kind"]),
            (&"pending".into(), &"final".into())
        );
        assert!(reports[1].get("preview_url").is_none(), "a source is not shown");
        let actions: Vec<_> = order.timeline.iter().map(|entry| entry.action).collect();
        let expected = [TimelineAction::Placed, TimelineAction::Progress, TimelineAction::Result];
        assert_eq!(actions, expected);
        assert_eq!(order.timeline[1].actor, seed.app.app.app_id);
    })
    .await;
}

#[tokio::test]
async fn a_result_in_review_is_sent_back_taken_back_and_approved() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order_id = in_review(&world, &seed).await.order_id;

        let rejected = control.reject_order(tenant_key, &order_id, &sent_back("补充学历")).await;
        let rejected = rejected.unwrap();
        assert_eq!((rejected.state, rejected.order_status), (OrderState::Rejected, 9));
        let entry = rejected.timeline.last().unwrap();
        assert_eq!(entry.note.as_deref(), Some("补充学历"));
        assert_eq!(entry.from_state, Some(OrderState::InReview));

        seed.vendor.update_result(&result(&order_id, "蓝灯")).await.unwrap();
        let withdrawn = control.withdraw_order(tenant_key, &order_id).await.unwrap();
        assert_eq!((withdrawn.state, withdrawn.order_status), (OrderState::ReviewWithdrawn, 6));

        seed.vendor.update_result(&result(&order_id, "绿灯")).await.unwrap();
        let body = ApproveOrder { comment: Some("同意".to_owned()), result_number: None };
        let approved = control.approve_order(tenant_key, &order_id, &body).await.unwrap();
        assert_eq!((approved.state, approved.order_status), (OrderState::Completed, 3));
        assert_eq!(approved.timeline.last().unwrap().note.as_deref(), Some("同意"));
        let results: Vec<_> = approved.results.iter().map(|it| it.result.as_str()).collect();
        assert_eq!(results, ["黄灯", "蓝灯", "绿灯"], "nothing is overwritten");
        assert_eq!(approved.conclusion.as_deref(), Some("绿灯"));
    })
    .await;
}

#[tokio::test]
async fn a_decision_needs_an_order_in_review() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order_id = world.place(&seed).await.order_id;
        let approve = ApproveOrder::default();
        assert_eq!(
            code(control.approve_order(tenant_key, &order_id, &approve).await),
            "illegal_state"
        );
        assert_eq!(code(control.withdraw_order(tenant_key, &order_id).await), "illegal_state");
        let refused = control.reject_order(tenant_key, &order_id, &sent_back("x")).await;
        let detail = refused.unwrap_err().problem().unwrap().detail.clone();
        assert_eq!(detail, "an order that is arranged does not allow this");
        let order_id = "7000000000000000000";
        assert_eq!(code(control.approve_order(tenant_key, order_id, &approve).await), "not_found");
        let faults = control.reject_order(tenant_key, order_id, &sent_back(" ")).await.unwrap_err();
        assert_eq!(faults.problem().unwrap().errors[0].field, "reason");
    })
    .await;
}

#[tokio::test]
async fn an_ended_order_stays_ended() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order_id = world.place(&seed).await.order_id;
        let ended = control.terminate_order(tenant_key, &order_id, &reason("不再需要")).await;
        let ended = ended.unwrap();
        assert_eq!((ended.state, ended.order_status), (OrderState::Terminated, 4));
        assert_eq!(ended.timeline.last().unwrap().note.as_deref(), Some("不再需要"));
        assert!(ended.ended_at.is_some());
        let again = control.terminate_order(tenant_key, &order_id, &reason("又一次")).await;
        assert_eq!(code(again), "illegal_state");
        let refused = seed.vendor.update_result(&result(&order_id, "绿灯")).await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().code, 1_002_858);
    })
    .await;
}

#[tokio::test]
async fn with_four_eyes_somebody_else_decides() {
    World::each(async |world| {
        let body = CreateTenant {
            report_approval: true,
            four_eyes: true,
            ..CreateTenant::named("星河科技")
        };
        let seed = world.seed_with(&body, None, false).await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order_id = in_review(&world, &seed).await.order_id;
        let approve = ApproveOrder::default();
        assert_eq!(code(control.approve_order(tenant_key, &order_id, &approve).await), "forbidden");
        let approver = world.control(&world.member_key(&seed.hirer, "approver").await);
        let order = approver.approve_order(tenant_key, &order_id, &approve).await.unwrap();
        assert_eq!(order.state, OrderState::Completed);
    })
    .await;
}

/// What stands in both answers alike: without ids, instants and who it was.
fn comparable(order: &impl serde::Serialize) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                let is_own = |name: &str| {
                    name == "at"
                        || name.ends_with("_at")
                        || ["order_id", "report_id", "actor"].contains(&name)
                };
                members.retain(|name, _| !is_own(name));
                members.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(order).unwrap();
    strip(&mut value);
    value
}

/// The use case by itself does what the API does, and so does one that a person starts.
#[tokio::test]
async fn approving_in_the_hub_is_approving_through_the_api() {
    World::each(async |world| {
        let body = CreateTenant {
            report_approval: true,
            four_eyes: true,
            ..CreateTenant::named("星河科技")
        };
        let seed = world.seed_with(&body, None, false).await;
        let tenant_key = &seed.hirer.tenant_key;
        let approve = ApproveOrder { comment: Some("可录用".to_owned()), result_number: None };
        let approver = world.control(&world.member_key(&seed.hirer, "approver").await);
        let first = in_review(&world, &seed).await;
        let by_api = approver.approve_order(tenant_key, &first.order_id, &approve).await.unwrap();

        let hub = &world.app.hub;
        let tenant = hub.store.find_tenant(tenant_key.parse().unwrap()).await.unwrap().unwrap();
        let order_id: Id = in_review(&world, &seed).await.order_id.parse().unwrap();
        let person = Actor::user(Id(4_711), Roles::of(&[Role::Approver]));
        let call = async |actor| {
            hub::orders::approve(hub, &actor, &tenant, order_id, approve.clone().into(), None).await
        };
        let recruiter = Actor::user(Id(4_712), Roles::of(&[Role::Recruiter]));
        assert!(matches!(
            call(recruiter).await,
            Err(hub::Error::Refused(ProblemCode::Forbidden, _))
        ));
        let summary = hub.store.find_order_summary(tenant.tenant_id, order_id).await.unwrap();
        let placer = Actor::user(summary.unwrap().placed_by, Roles::of(&[Role::Approver]));
        let refused = call(placer).await.unwrap_err();
        assert!(matches!(refused, hub::Error::Order(Refusal::PlacerMayNotDecide)), "{refused}");
        let in_hub = call(person).await.unwrap();
        assert_eq!(comparable(&in_hub), comparable(&by_api));
        assert_eq!(in_hub.timeline.last().unwrap().actor, Id(4_711).to_string());
        let again = call(person).await.unwrap_err();
        assert!(matches!(again, hub::Error::Order(Refusal::IllegalStatus(_))), "{again}");

        let audit = hub.store.list_audit(tenant.tenant_id, 0, 100).await.unwrap();
        let approved = |actor: &str| {
            let is_one = |line: &str| line.contains("order_approved") && line.contains(actor);
            audit.iter().filter(|entry| is_one(&entry.line)).count()
        };
        assert_eq!((approved("\"api_key\""), approved("\"user\"")), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_repeat_with_its_key_is_one_order() {
    World::each(async |world| {
        let seed = world.seed().await;
        let tenant_key = &seed.hirer.tenant_key;
        let form = harness::form(&seed.account.account_id);
        let control = seed.hirer.control.with_idempotency_key("place").unwrap();
        let place = |control: &Control| {
            let (control, tenant_key, form) = (control.clone(), tenant_key.clone(), form.clone());
            tokio::spawn(async move { control.place_order(&tenant_key, &form).await })
        };
        let twins: Vec<_> = (0..16).map(|_| place(&control)).collect();
        let mut order_ids = Vec::new();
        for twin in twins {
            order_ids.push(twin.await.unwrap().unwrap().order_id);
        }
        order_ids.dedup();
        assert_eq!(order_ids.len(), 1);

        // The answer to a repeat is the order as it is now, also when it could not be placed any more.
        seed.vendor.update_result(&result(&order_ids[0], "绿灯")).await.unwrap();
        let (plain, account_id) = (&seed.hirer.control, &seed.account.account_id);
        plain.delete_account(tenant_key, account_id).await.unwrap();
        let again = control.place_order(tenant_key, &form).await.unwrap();
        assert_eq!((&again.order_id, again.state), (&order_ids[0], OrderState::Completed));

        let mut other = form.clone();
        other.comment = "另一个".to_owned();
        assert_eq!(code(control.place_order(tenant_key, &other).await), "idempotency_key_reused");
        let page = plain.list_orders(tenant_key, &ListOrders::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn after_24_hours_a_key_places_another_order() {
    World::each(async |world| {
        let seed = world.seed().await;
        let tenant_key = &seed.hirer.tenant_key;
        let form = harness::form(&seed.account.account_id);
        let control = seed.hirer.control.with_idempotency_key("place").unwrap();
        let first = control.place_order(tenant_key, &form).await.unwrap().order_id;
        world.clock.advance_ms(86_399_999);
        let again = control.place_order(tenant_key, &form).await.unwrap().order_id;
        assert_eq!(again, first);
        world.clock.advance_ms(1);
        let later = control.place_order(tenant_key, &form).await.unwrap().order_id;
        assert_ne!(later, first);
        let again = control.place_order(tenant_key, &form).await.unwrap().order_id;
        assert_eq!(again, later);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_decision_answers_as_the_first_one() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let tenant_key = &seed.hirer.tenant_key;
        let order_id = in_review(&world, &seed).await.order_id;
        let control = seed.hirer.control.with_idempotency_key("decide").unwrap();
        let body = ApproveOrder { comment: Some("同意".to_owned()), result_number: None };
        for _ in 0..3 {
            let order = control.approve_order(tenant_key, &order_id, &body).await.unwrap();
            assert_eq!((order.state, order.timeline.len()), (OrderState::Completed, 3));
        }
        let plain = &seed.hirer.control;
        assert_eq!(code(plain.approve_order(tenant_key, &order_id, &body).await), "illegal_state");
        let refused = control.reject_order(tenant_key, &order_id, &sent_back("x")).await;
        assert_eq!(code(refused), "idempotency_key_reused");
    })
    .await;
}

#[tokio::test]
async fn of_many_decisions_at_once_one_wins() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let order_id = in_review(&world, &seed).await.order_id;
        let decide = |number: usize| {
            let control = seed.hirer.control.clone();
            let (tenant_key, order_id) = (seed.hirer.tenant_key.clone(), order_id.clone());
            tokio::spawn(async move {
                match number % 3 {
                    0 => {
                        let body = ApproveOrder::default();
                        control.approve_order(&tenant_key, &order_id, &body).await
                    }
                    1 => control.reject_order(&tenant_key, &order_id, &sent_back("x")).await,
                    _ => control.withdraw_order(&tenant_key, &order_id).await,
                }
            })
        };
        let decisions: Vec<_> = (0..24).map(decide).collect();
        let mut won = 0;
        for decision in decisions {
            match decision.await.unwrap() {
                Ok(_) => won += 1,
                refused => assert_eq!(code(refused), "illegal_state"),
            }
        }
        assert_eq!(won, 1);
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let order = control.get_order(tenant_key, &order_id).await.unwrap();
        assert_eq!(order.timeline.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn lists_page_and_filter_by_state() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let mut placed = Vec::new();
        for _ in 0..5 {
            placed.push(world.place(&seed).await.order_id);
        }
        seed.vendor.update_result(&result(&placed[1], "绿灯")).await.unwrap();
        let list = async |list: ListOrders| {
            let page = control.list_orders(tenant_key, &list).await.unwrap();
            let ids: Vec<_> = page.items.into_iter().map(|order| order.order_id).collect();
            (ids, page.next_cursor)
        };
        let (first, cursor) = list(ListOrders { limit: Some(3), ..ListOrders::default() }).await;
        let (rest, end) = list(ListOrders { cursor, ..ListOrders::default() }).await;
        let newest_first: Vec<_> = placed.iter().rev().cloned().collect();
        assert_eq!(([first, rest].concat(), end), (newest_first, None));
        let state = Some(OrderState::Completed);
        let (completed, _) = list(ListOrders { state, ..ListOrders::default() }).await;
        assert_eq!(completed, placed[1..2]);

        let path = format!("/api/v1/tenants/{tenant_key}/orders");
        let answer = world.request("GET", &path, &seed.hirer.key).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(
            !text.contains("张三") && !text.contains("绿灯"),
            "a list tells of persons: {text}"
        );
        let wrong = world.request("GET", &format!("{path}?state=done"), &seed.hirer.key);
        let answer = wrong.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains("\"field\":\"state\""));
    })
    .await;
}
