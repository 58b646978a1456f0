//! Finding, counting and exporting orders: who may, what is found, and that no name stands in an address.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::check::{OperatorRole, UpdateResult};
use contract::control::{
    CandidateInfo, ListMoved, ListOrders, ListReviews, OrderCounts, OrderState, PlaceOrder,
    ShownReviews, TerminateOrder,
};
use harness::{Seed, World};
use serde_json::json;

fn order(seed: &Seed, name: &str, application_id: &str) -> PlaceOrder {
    PlaceOrder {
        candidate_info: CandidateInfo { name: name.to_owned(), ..CandidateInfo::default() },
        application_id: Some(application_id.to_owned()),
        ..harness::form(&seed.account.account_id)
    }
}

async fn place(seed: &Seed, name: &str, application_id: &str) -> String {
    let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
    control.place_order(tenant_key, &order(seed, name, application_id)).await.unwrap().order_id
}

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

fn by(q: &str) -> ListOrders {
    ListOrders { q: Some(q.to_owned()), ..ListOrders::default() }
}

#[tokio::test]
async fn an_order_is_found_by_whom_it_is_about() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let zhang = place(&seed, "张小鱼", "a-1").await;
        let other = place(&seed, "Zoë Müller", "a-2").await;
        give_result(&seed, &other, "绿灯").await;
        for (q, expected) in [
            ("张", Some(&zhang)),
            ("小鱼", Some(&zhang)),
            ("mull", Some(&other)),
            (other.as_str(), Some(&other)),
            ("王", None),
        ] {
            let page = control.search_orders(tenant_key, &by(q)).await.unwrap();
            let ids: Vec<_> = page.items.iter().map(|line| &line.summary.order_id).collect();
            assert_eq!(ids, expected.into_iter().collect::<Vec<_>>(), "{q}");
        }
        let page = control.search_orders(tenant_key, &by("zoe")).await.unwrap();
        let line = &page.items[0];
        assert_eq!((line.candidate_name.as_str(), line.result_count), ("Zoë Müller", 1));
        assert_eq!(line.conclusion.as_deref(), Some("绿灯"));
        assert_eq!(line.summary.waiting_since.as_ref(), Some(&line.summary.updated_at));
        let filter = ListOrders { states: Some("arranged,rejected".into()), ..by("zoe") };
        assert!(control.search_orders(tenant_key, &filter).await.unwrap().items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_search_shows_what_its_caller_may_see() {
    World::each(async |world| {
        let seed = world.seed().await;
        let tenant_key = &seed.hirer.tenant_key;
        let recruiter = world.control(&world.member_key(&seed.hirer, "recruiter").await);
        let foreign = place(&seed, "张三", "a-1").await;
        let own = recruiter.place_order(tenant_key, &order(&seed, "张三", "a-2")).await.unwrap();
        for order_id in [&foreign, &own.order_id] {
            give_result(&seed, order_id, "红灯").await;
        }
        let found = recruiter.search_orders(tenant_key, &by("张三")).await.unwrap().items;
        let [line] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&line.summary.order_id, &line.conclusion), (&own.order_id, &None));
        let of_other = ListOrders { placed_by: Some("0".repeat(19)), ..by("张三") };
        assert!(recruiter.search_orders(tenant_key, &of_other).await.unwrap().items.is_empty());
        let counts = recruiter.count_orders(tenant_key).await.unwrap();
        assert_eq!(counts, OrderCounts { total: 1, completed: 1, ..OrderCounts::default() });
        let approver = world.control(&world.member_key(&seed.hirer, "approver").await);
        let found = approver.search_orders(tenant_key, &by("张三")).await.unwrap().items;
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|line| line.conclusion.as_deref() == Some("红灯")));
        // Seeing where orders stand is not seeing whom they are about.
        for role in ["auditor", "privacy_officer"] {
            let member = world.control(&world.member_key(&seed.hirer, role).await);
            assert_eq!(member.count_orders(tenant_key).await.unwrap().total, 2);
            let refused = member.search_orders(tenant_key, &by("张三")).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().code, "forbidden");
            let refused = member.export_orders(tenant_key, &by("张三")).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().code, "forbidden");
        }
        // Another tenant finds nothing, also by a cursor of this one.
        let stranger = world.seed().await;
        let page = ListOrders { limit: Some(1), ..ListOrders::default() };
        let cursor = approver.search_orders(tenant_key, &page).await.unwrap().next_cursor;
        assert!(cursor.is_some());
        let (control, own_key) = (&stranger.hirer.control, &stranger.hirer.tenant_key);
        for list in [ListOrders { cursor, ..ListOrders::default() }, by("张三"), by(&foreign)] {
            assert!(control.search_orders(own_key, &list).await.unwrap().items.is_empty());
        }
        let refused = control.search_orders(tenant_key, &by("张三")).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not_found");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_by_its_name() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (key, tenant_key) = (&seed.hirer.key, &seed.hirer.tenant_key);
        place(&seed, "张三", "a-1").await;
        let path = format!("/api/v1/tenants/{tenant_key}/orders");
        let text = world.request("GET", &format!("{path}?q=%E5%BC%A0"), key).send().await.unwrap();
        assert_eq!(text.status(), 400);
        let problem: serde_json::Value = text.json().await.unwrap();
        assert_eq!(problem["errors"][0]["field"], "q");
        let search = async |body: String| {
            let request = world.request("POST", &format!("{path}/search"), key);
            let request = request.header("content-type", "application/json").body(body);
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let problem: serde_json::Value = answer.json().await.unwrap();
            (status, problem["errors"][0]["field"].as_str().unwrap_or_default().to_owned())
        };
        for (body, field) in [
            (json!({"q": "名".repeat(2_000)}).to_string(), "q"),
            (json!({"q": "a\0b"}).to_string(), "q"),
            (r#"{"q": "\ud83d"}"#.to_owned(), "q"),
            (json!({"q": ""}).to_string(), "q"),
            (json!({"q": "!?"}).to_string(), "q"),
            (json!({"q": ["张三"]}).to_string(), "q"),
            (json!({"states": "done"}).to_string(), "states"),
            (json!({"cursor": "AAAA"}).to_string(), "cursor"),
            (
                format!(
                    "{{{}}}",
                    (0..10_000).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(",")
                ),
                "f0",
            ),
        ] {
            let (status, named) = search(body.clone()).await;
            assert_eq!((status, named.as_str()), (400, field), "{body:.60}");
        }
        let words = (0..100).map(|_| "张").collect::<Vec<_>>().join(" ");
        assert_eq!(search(json!({"q": words}).to_string()).await.0, 200);
        let query = (0..10_000).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
        let many = world.request("GET", &format!("{path}?{query}"), key).send().await;
        // Or the head is longer than the listener reads.
        assert!(many.is_err() || many.unwrap().status().is_client_error());
    })
    .await;
}

#[tokio::test]
async fn what_waits_and_what_moved_is_listed() {
    World::each(async |world| {
        let body = contract::control::CreateTenant {
            report_approval: true,
            four_eyes: true,
            ..contract::control::CreateTenant::named("星河科技")
        };
        let seed = world.seed_with(&body, None, false).await;
        let tenant_key = &seed.hirer.tenant_key;
        let recruiter = world.control(&world.member_key(&seed.hirer, "recruiter").await);
        let first = place(&seed, "张三", "a-1").await;
        let second = recruiter.place_order(tenant_key, &order(&seed, "李四", "a-2")).await.unwrap();
        recruiter.place_order(tenant_key, &order(&seed, "王五", "a-3")).await.unwrap();
        world.clock.advance_ms(60_000);
        give_result(&seed, &second.order_id, "黄灯").await;
        world.clock.advance_ms(60_000);
        give_result(&seed, &first, "绿灯").await;
        let approver = world.control(&world.member_key(&seed.hirer, "approver").await);
        let reviews = approver.list_reviews(tenant_key, &ListReviews::default()).await.unwrap();
        let said: Vec<_> = reviews
            .items
            .iter()
            .map(|it| (it.line.candidate_name.as_str(), it.result_number, it.may_decide))
            .collect();
        assert_eq!(said, [("李四", 1, true), ("张三", 1, true)], "the longest waiting first");
        assert_eq!(reviews.items[0].returned_at, "2026-11-18T12:27:40.000Z");
        // The admin placed the first one.
        let own = seed.hirer.control.list_reviews(tenant_key, &ListReviews::default()).await;
        assert_eq!(own.unwrap().items.len(), 1);
        let all = ListReviews { show: Some(ShownReviews::All), ..ListReviews::default() };
        let all = seed.hirer.control.list_reviews(tenant_key, &all).await.unwrap().items;
        let may: Vec<_> = all.iter().map(|it| it.may_decide).collect();
        assert_eq!(may, [true, false]);
        let moved = ListMoved { since: "2026-11-18T12:26:41Z".into(), ..ListMoved::default() };
        let moved = recruiter.list_moved_orders(tenant_key, &moved).await.unwrap().items;
        let [line] = moved.as_slice() else { panic!("{moved:?}") };
        assert_eq!((&line.summary.order_id, &line.conclusion), (&second.order_id, &None));
        let reason = TerminateOrder { reason: "不再需要".into() };
        recruiter.terminate_order(tenant_key, &second.order_id, &reason).await.unwrap();
        let since = ListMoved { since: "2026-11-18T12:26:41Z".into(), ..ListMoved::default() };
        let moved = recruiter.list_moved_orders(tenant_key, &since).await.unwrap().items;
        assert!(moved.is_empty(), "changed by itself: {moved:?}");
    })
    .await;
}

#[tokio::test]
async fn an_export_is_whole_harmless_and_recorded() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let evil = place(&seed, "=HYPERLINK(\"http://x\",\"张三\")", "@a").await;
        for number in 0..205 {
            place(&seed, "李四", &format!("b-{number}")).await;
        }
        let table = control.export_orders(tenant_key, &ListOrders::default()).await.unwrap();
        let table = String::from_utf8(table.bytes().await.unwrap()).unwrap();
        let lines: Vec<_> = table.split("\r\n").collect();
        assert!(lines[0].starts_with("\u{feff}order_id,state,candidate_name,"), "{}", lines[0]);
        assert_eq!((lines.len(), lines[207]), (208, ""), "more than a page, each order once");
        let cells = "\"'=HYPERLINK(\"\"http://x\"\",\"\"张三\"\")\",\"'@a\"";
        assert!(lines[206].starts_with(&format!("{evil},arranged,{cells},")), "{}", lines[206]);
        let list = ListOrders { state: Some(OrderState::Arranged), ..by("=hyperlink") };
        let found = control.export_orders(tenant_key, &list).await.unwrap().bytes().await.unwrap();
        assert_eq!(String::from_utf8(found).unwrap().matches("\r\n").count(), 2);
        let audit = control.list_audit(tenant_key, &Default::default()).await.unwrap();
        let exports: Vec<_> =
            audit.lines().filter(|line| line.contains("orders_exported")).collect();
        assert_eq!(exports.len(), 2);
        assert!(exports[1].contains("state q") && !audit.contains("hyperlink"), "{}", exports[1]);
        let refused = control.export_orders(tenant_key, &by("!")).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "validation_failed");
    })
    .await;
}
