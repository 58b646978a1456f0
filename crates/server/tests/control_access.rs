//! Who may call what: the table of the API, walked with no key, with every role, and as another tenant.
//!
//! The walk reads the calls from the server's own description, so that a new call is covered by being there.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod access;
mod harness;
mod peer;
mod persons;

use std::collections::BTreeSet;
use std::fmt::Write;

use access::{CANARIES, Names, Sample, key};
use contract::control::{CreateReasonTemplate, EraseOrder};
use harness::{Engine, Seed, World};
use reqwest::{Response, StatusCode};
use serde_json::Value;

const ROLES: [&str; 6] =
    ["operator", "admin", "recruiter", "approver", "privacy_officer", "auditor"];

/// One call of the description.
struct Call {
    method: String,
    path: String,
    roles: Vec<String>,
}

impl Call {
    /// The path with these names in it.
    fn path(&self, names: &Names) -> String {
        let mut path = format!("/api/v1{}", self.path);
        for (place, name) in [
            ("{tenant_key}", &names.tenant_key),
            ("{app_id}", &names.app_id),
            ("{account_id}", &names.account_id),
            ("{order_id}", &names.order_id),
            ("{report_id}", &names.report_id),
            ("{event_id}", &names.event_id),
            ("{key_id}", &names.key_id),
            ("{user_id}", &names.user_id),
            ("{session_id}", &names.session_id),
            ("{invitation_id}", &names.invitation_id),
            ("{service_account_id}", &names.service_account_id),
            ("{template_id}", &names.template_id),
        ] {
            path = path.replace(place, name);
        }
        assert!(!path.contains('{'), "{path}");
        path
    }

    async fn ask(&self, world: &World, names: &Names, key: &str) -> Response {
        world.request(&self.method, &self.path(names), key).send().await.unwrap()
    }
}

async fn calls(world: &World) -> Vec<Call> {
    let description = world.operator.get_openapi().await.unwrap();
    let mut calls = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap();
            let role = |it: &Value| it["key"][0].as_str().unwrap().to_owned();
            calls.push(Call {
                method: method.to_uppercase(),
                path: path.clone(),
                roles: security.iter().map(role).collect(),
            });
        }
    }
    calls
}

/// Names of things that are there.
async fn names(world: &World, seed: &Seed) -> Names {
    let hirer = &seed.hirer;
    let order = world.place(seed).await;
    let keys = hirer.control.list_api_keys(&hirer.tenant_key, &Default::default()).await.unwrap();
    let events = hirer.control.list_events(&hirer.tenant_key, &Default::default()).await.unwrap();
    let template = CreateReasonTemplate { name: "学历".into(), text: "请补充".into() };
    let template =
        hirer.control.create_reason_template(&hirer.tenant_key, &template).await.unwrap();
    Names {
        tenant_key: hirer.tenant_key.clone(),
        app_id: seed.app.app.app_id.clone(),
        account_id: seed.account.account_id.clone(),
        report_id: order.order_id.clone(),
        order_id: order.order_id,
        event_id: events.items[0].event_id.clone(),
        key_id: keys.items[0].key_id.clone(),
        template_id: template.template_id,
        ..access::people(world, hirer).await
    }
}

/// Names of the same shape, of nothing.
fn absent() -> Names {
    Names {
        tenant_key: "0123456789abcdef".to_owned(),
        app_id: "cli_0123456789abcdef".to_owned(),
        account_id: "7000000000000000000".to_owned(),
        order_id: "7000000000000000000".to_owned(),
        report_id: "7000000000000000000".to_owned(),
        event_id: "0123456789abcdef0123456789abcdef".to_owned(),
        key_id: "7000000000000000000".to_owned(),
        user_id: "7000000000000000000".to_owned(),
        session_id: "7000000000000000000".to_owned(),
        invitation_id: "7000000000000000000".to_owned(),
        service_account_id: "7000000000000000000".to_owned(),
        template_id: "7000000000000000000".to_owned(),
    }
}

#[tokio::test]
async fn the_table_of_access_is_the_one_that_was_decided() {
    let world = World::on(Engine::Sqlite).await;
    let mut table = String::new();
    for call in calls(&world).await {
        let _ = writeln!(table, "{:6} {}: {}", call.method, call.path, call.roles.join(" "));
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn nobody_calls_anything_without_a_key() {
    let world = World::on(Engine::Sqlite).await;
    for call in calls(&world).await {
        let answer = call.ask(&world, &absent(), "").await;
        assert_eq!(answer.status(), 401, "{} {}", call.method, call.path);
    }
}

#[tokio::test]
async fn a_role_calls_what_the_table_says_and_nothing_else() {
    let world = World::on(Engine::Sqlite).await;
    let hirer = world.hirer().await;
    let names = Names { tenant_key: hirer.tenant_key.clone(), ..absent() };
    for role in ROLES {
        let key = key(&world, &hirer, role).await;
        for call in calls(&world).await {
            let status = call.ask(&world, &names, &key).await.status();
            let name = format!("{role}: {} {} answered {status}", call.method, call.path);
            if call.roles.iter().any(|allowed| allowed == role) {
                assert!(status != 401 && status != 403 && status.as_u16() < 500, "{name}");
            } else {
                assert_eq!(status, StatusCode::FORBIDDEN, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn what_belongs_to_another_tenant_is_answered_as_what_is_absent() {
    World::each(async |world| {
        let seed = world.seed().await;
        let there = names(&world, &seed).await;
        let other = world.hirer().await;
        let own_path = Names { tenant_key: other.tenant_key.clone(), ..there.clone() };
        let own_absent = Names { tenant_key: other.tenant_key.clone(), ..absent() };
        for call in calls(&world).await {
            if !call.path.starts_with("/tenants/") || !call.roles.iter().any(|it| it == "admin") {
                continue;
            }
            let name = format!("{} {}", call.method, call.path);
            // Below the foreign tenant, and foreign things below the own one.
            let foreign = call.ask(&world, &there, &other.key).await;
            let nothing = call.ask(&world, &absent(), &other.key).await;
            assert_eq!(foreign.status(), 404, "{name}");
            assert_same(foreign, nothing, &name).await;
            if call.path.matches('{').count() > 1 {
                let foreign = call.ask(&world, &own_path, &other.key).await;
                let nothing = call.ask(&world, &own_absent, &other.key).await;
                assert_same(foreign, nothing, &name).await;
            }
        }
        let (tenant_key, order_id) = (&there.tenant_key, &there.order_id);
        let order = seed.hirer.control.get_order(tenant_key, order_id).await.unwrap();
        assert_eq!(order.timeline.len(), 1, "nobody else changed the order");
        seed.hirer.control.get_account(tenant_key, &there.account_id).await.unwrap();
    })
    .await;
}

async fn assert_same(one: Response, other: Response, name: &str) {
    let date = reqwest::header::DATE;
    let (mut one_headers, mut other_headers) = (one.headers().clone(), other.headers().clone());
    // The time, and what is left of the caller's own limit, say nothing of what is there.
    for header in [date.as_str(), "ratelimit"] {
        one_headers.remove(header);
        other_headers.remove(header);
    }
    assert_eq!(one.status(), other.status(), "{name}");
    assert_eq!(one_headers, other_headers, "{name}");
    assert_eq!(one.bytes().await.unwrap(), other.bytes().await.unwrap(), "{name}");
}

/// Every member of every answer, export and list, with every role.
#[tokio::test]
async fn no_answer_shows_a_role_what_another_may_see() {
    World::each(async |world| {
        let sample = Sample::tell(&world).await;
        let calls = calls(&world).await;
        let seers = |path: &str| {
            let call = calls.iter().find(|call| call.path == path && call.method == "GET");
            call.unwrap().roles.clone()
        };
        let mut seen = BTreeSet::new();
        for role in ROLES {
            let key = sample.key(&world, role).await;
            for call in calls.iter().filter(|call| call.method == "GET") {
                let text = call.ask(&world, &sample.names, &key).await.text().await.unwrap();
                for (canary, shown_by) in CANARIES {
                    if text.contains(canary) {
                        let may = seers(shown_by).iter().any(|seer| seer == role);
                        assert!(may, "{role} reads {canary} by {}", call.path);
                        seen.insert(canary);
                    }
                }
            }
        }
        let unseen: Vec<_> = CANARIES.iter().filter(|(canary, _)| !seen.contains(canary)).collect();
        assert!(unseen.is_empty(), "seen by nobody: {unseen:?}");
    })
    .await;
}

#[tokio::test]
async fn answers_fit_their_description_also_of_what_was_erased() {
    let world = World::on(Engine::Sqlite).await;
    let sample = Sample::tell(&world).await;
    let description = world.operator.get_openapi().await.unwrap();
    for is_erased in [false, true] {
        if is_erased {
            let (control, names) = (&sample.hirer.control, &sample.names);
            let body = EraseOrder { reason: "候选人要求".to_owned() };
            control.erase_order(&names.tenant_key, &names.order_id, &body).await.unwrap();
            world.settle().await;
        }
        let mut checked = 0;
        for role in ["operator", "admin", "recruiter"] {
            let key = sample.key(&world, role).await;
            for call in calls(&world).await.iter().filter(|call| call.method == "GET") {
                let answered = call.ask(&world, &sample.names, &key).await;
                let kind = answered.headers().get("content-type").map(|it| it.to_str().unwrap());
                let Some(kind @ ("application/json" | "application/problem+json")) = kind else {
                    continue;
                };
                let (kind, status) = (kind.to_owned(), answered.status().as_u16().to_string());
                let body: Value = answered.json().await.unwrap();
                let described = &description["paths"][&call.path]["get"]["responses"][&status];
                let mut schema = described["content"][&kind]["schema"].clone();
                if schema.is_null() {
                    continue;
                }
                schema["components"] = description["components"].clone();
                let validator = jsonschema::validator_for(&schema).unwrap();
                let faults: Vec<_> = validator
                    .iter_errors(&body)
                    .map(|fault| format!("{}: {fault}", fault.instance_path()))
                    .collect();
                let name = format!("{role}, erased {is_erased}: {} {status}", call.path);
                assert!(faults.is_empty(), "{name}: {faults:?}\n{body}");
                checked += 1;
            }
        }
        assert!(checked > 30, "only {checked} answers were checked");
    }
}

#[tokio::test]
async fn names_of_the_wrong_shape_name_nothing() {
    let world = World::on(Engine::Sqlite).await;
    let hirer = world.hirer().await;
    for wrong in ["x", "%00", "%ff", "1e18", "+700000000000000000", "７０００"] {
        let names = Names {
            tenant_key: hirer.tenant_key.clone(),
            app_id: wrong.to_owned(),
            account_id: wrong.to_owned(),
            order_id: wrong.to_owned(),
            report_id: wrong.to_owned(),
            event_id: wrong.to_owned(),
            key_id: wrong.to_owned(),
            user_id: wrong.to_owned(),
            session_id: wrong.to_owned(),
            invitation_id: wrong.to_owned(),
            service_account_id: wrong.to_owned(),
            template_id: wrong.to_owned(),
        };
        for call in calls(&world).await {
            let is_named = call.path.contains("_id}");
            let with_body = [
                "/reject",
                "/terminate",
                "/resend",
                "/rotate",
                "/explain_signature",
                "/erase",
                "/hold",
                "/grant",
            ];
            let needs_body = with_body.iter().any(|end| call.path.ends_with(end));
            let needs_body =
                needs_body || call.path.starts_with("/tenants") && call.method == "PATCH";
            if !is_named || needs_body {
                continue;
            }
            let is_operator = call.roles.iter().any(|role| role == "operator");
            let key = if is_operator { &world.operator_key } else { &hirer.key };
            let answer = call.ask(&world, &names, key).await;
            assert_eq!(answer.status(), 404, "{} {}", call.method, call.path(&names));
        }
    }
}

#[tokio::test]
async fn a_recruiter_sees_its_own_orders_and_no_results() {
    World::each(async |world| {
        let seed = world.seed().await;
        let tenant_key = &seed.hirer.tenant_key;
        let recruiter = world.control(&world.member_key(&seed.hirer, "recruiter").await);
        let foreign = world.place(&seed).await;
        let form = harness::form(&seed.account.account_id);
        let own = recruiter.place_order(tenant_key, &form).await.unwrap();
        world.place(&seed).await;

        let page = recruiter.list_orders(tenant_key, &Default::default()).await.unwrap();
        let listed: Vec<_> = page.items.iter().map(|order| &order.order_id).collect();
        assert_eq!((listed, page.next_cursor), (vec![&own.order_id], None));
        let refused = recruiter.get_order(tenant_key, &foreign.order_id).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not_found");
        let body = contract::control::TerminateOrder { reason: "不再需要".to_owned() };
        let refused = recruiter.terminate_order(tenant_key, &foreign.order_id, &body).await;
        assert_eq!(refused.unwrap_err().problem().unwrap().code, "not_found");

        let result = contract::check::UpdateResult {
            background_check_id: own.order_id.clone(),
            result: "绿灯".to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: contract::check::OperatorRole::Provider,
            report_file_list: vec![contract::check::ReportFile {
                name: "终版报告".to_owned(),
                url: "https://vendor.example/1".to_owned(),
                url_type: contract::check::ReportUrlType::Preview,
            }],
        };
        seed.vendor.update_result(&result).await.unwrap();
        let seen = recruiter.get_order(tenant_key, &own.order_id).await.unwrap();
        assert_eq!(seen.order_status, 3);
        assert!(seen.conclusion.is_none() && seen.results.is_empty() && seen.reports.is_empty());
        let approver = world.control(&world.member_key(&seed.hirer, "approver").await);
        let seen = approver.get_order(tenant_key, &own.order_id).await.unwrap();
        assert_eq!(seen.conclusion.as_deref(), Some("绿灯"));
        assert_eq!((seen.results.len(), seen.reports.len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn reasons_and_comments_are_seen_by_who_sees_reports() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let tenant_key = &seed.hirer.tenant_key;
        let recruiter = world.control(&world.member_key(&seed.hirer, "recruiter").await);
        let approver = world.control(&world.member_key(&seed.hirer, "approver").await);
        let form = harness::form(&seed.account.account_id);
        let result = |order_id: &str, result: &str| contract::check::UpdateResult {
            background_check_id: order_id.to_owned(),
            result: result.to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: contract::check::OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        let mut orders = Vec::new();
        for _ in 0..3 {
            let order_id = recruiter.place_order(tenant_key, &form).await.unwrap().order_id;
            seed.vendor.update_result(&result(&order_id, "红灯")).await.unwrap();
            orders.push(order_id);
        }
        let reject = contract::control::RejectOrder {
            reason: "有犯罪记录".to_owned(),
            result_number: None,
        };
        approver.reject_order(tenant_key, &orders[0], &reject).await.unwrap();
        seed.vendor.update_result(&result(&orders[0], "绿灯")).await.unwrap();
        let approve = contract::control::ApproveOrder {
            comment: Some("学历已更正".to_owned()),
            result_number: None,
        };
        approver.approve_order(tenant_key, &orders[0], &approve).await.unwrap();
        let end = |reason: &str| contract::control::TerminateOrder { reason: reason.to_owned() };
        let admin = &seed.hirer.control;
        admin.terminate_order(tenant_key, &orders[1], &end("结果为红灯")).await.unwrap();
        let own = recruiter.terminate_order(tenant_key, &orders[2], &end("候选人退出")).await;
        let notes = |order: &contract::control::Order| -> Vec<String> {
            order.timeline.iter().filter_map(|entry| entry.note.clone()).collect()
        };
        assert_eq!(notes(&own.unwrap()), ["候选人退出"], "its own words");
        let expected: [&[&str]; 3] =
            [&["有犯罪记录", "学历已更正"], &["结果为红灯"], &["候选人退出"]];
        for (order_id, expected) in orders.iter().zip(expected) {
            let seen = approver.get_order(tenant_key, order_id).await.unwrap();
            assert_eq!(notes(&seen), expected);
            let seen = recruiter.get_order(tenant_key, order_id).await.unwrap();
            let is_own = expected[0] == "候选人退出";
            assert_eq!(notes(&seen).len(), usize::from(is_own), "{seen:?}");
            assert_eq!(seen.timeline.last().unwrap().actor.len(), 19, "who did it is seen");
        }
    })
    .await;
}
