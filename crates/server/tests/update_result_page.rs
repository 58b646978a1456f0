//! Long because: it follows one page from its first sentence to its last.
//!
//! The page 回传背调订单的最终结果, from which the whole product grew, sentence by sentence: each test quotes what it
//! shows. Source: contract, section 3.4.2 and the page that it describes.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use contract::control::{
    ApproveOrder, CreateApp, ListEvents, OrderState, RejectOrder, ReportKind, ReportState,
};
use harness::World;
use harness::scene::{Scene, with};
use harness::wire::{Answer, Ask, Caller, path};
use serde_json::{Value, json};

const CALL: &str = "update_result";

/// 请求体示例, as it stands on the page.
const REQUEST_EXAMPLE: &str = r#"{
    "background_check_id": "6931286400470354183",
    "result": "无差异",
    "result_time": "1660123456789",
    "report_file_list": [
        {
            "report_name": "阶段报告.pdf",
            "report_url": "https://xxxxx/xxxxxx/xxxx.pdf",
            "report_url_type": 1
        }
    ]
}"#;

/// 响应体示例, as it stands on the page.
const RESPONSE_EXAMPLE: &str = r#"{
    "code": 0,
    "msg": "success",
    "data": {}
}"#;

/// The order that the page speaks of.
const EXAMPLE_ID: &str = "6931286400470354183";

impl Scene<'_> {
    /// The page's example for this order.
    fn example(&self) -> String {
        REQUEST_EXAMPLE.replace(EXAMPLE_ID, &self.order_id)
    }

    /// The page's example for this order with one member set, or left out when `None`.
    fn example_with(&self, pointer: &str, value: Option<&Value>) -> String {
        let body = serde_json::from_str(&self.example()).unwrap();
        with(body, pointer, value).to_string()
    }

    async fn update_result(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.send(CALL, body).await
    }
}

/// 「回传背调的最终结果和终版报告。」
#[tokio::test]
async fn the_final_result_and_the_final_report_are_returned() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        assert_eq!(scene.update_result(scene.example()).await.outcome(), "200 0 success");
        let order = scene.order().await;
        assert_eq!(order.conclusion.as_deref(), Some("无差异"));
        assert_eq!(order.results.len(), 1);
        assert_eq!(order.results[0].result, "无差异");
        assert_eq!(order.results[0].operator_role, 1);
        assert_eq!(order.reports.len(), 1);
        assert_eq!(order.reports[0].kind, ReportKind::Final);
        assert_eq!(order.reports[0].name, "阶段报告.pdf");
        // Fetching it is the workers' business; the call does not wait for the vendor's host.
        assert_eq!(order.reports[0].state, ReportState::Pending);
    })
    .await;
}

/// 「回传后，若租户未启用背调报告审批功能，则背调订单状态将会直接变成「已完成」。」
#[tokio::test]
async fn without_approval_the_order_is_completed_at_once() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        assert_eq!(scene.update_result(scene.example()).await.outcome(), "200 0 success");
        let order = scene.order().await;
        assert_eq!((order.state, order.order_status), (OrderState::Completed, 3));
        assert!(order.ended_at.is_some());
    })
    .await;
}

/// 「若启用背调报告审批功能，则在管理员审批通过后，订单状态流转为「已完成」。」
#[tokio::test]
async fn with_approval_the_order_is_completed_after_the_admin_has_approved() {
    World::each(async |world| {
        let scene = Scene::with_approval(&world).await;
        assert_eq!(scene.update_result(scene.example()).await.outcome(), "200 0 success");
        let order = scene.order().await;
        assert_eq!((order.state, order.order_status), (OrderState::InReview, 5));
        assert!(order.ended_at.is_none());

        let hirer = &scene.seed.hirer;
        let approve = ApproveOrder { comment: Some("同意".to_owned()), result_number: None };
        let approved =
            hirer.control.approve_order(&hirer.tenant_key, &scene.order_id, &approve).await;
        let approved = approved.unwrap();
        assert_eq!((approved.state, approved.order_status), (OrderState::Completed, 3));
        assert_eq!(scene.order().await.conclusion.as_deref(), Some("无差异"));
    })
    .await;
}

/// 「若启用背调报告审批功能，则在管理员审批通过后…」: after nothing else.
#[tokio::test]
async fn with_approval_a_rejected_or_withdrawn_result_does_not_complete_the_order() {
    World::each(async |world| {
        let scene = Scene::with_approval(&world).await;
        let hirer = &scene.seed.hirer;
        let again = |words: &str| scene.example_with("/result", Some(&json!(words)));

        assert_eq!(scene.update_result(again("红灯")).await.outcome(), "200 0 success");
        let reason = RejectOrder { reason: "缺少学历核实".to_owned(), result_number: None };
        let rejected =
            hirer.control.reject_order(&hirer.tenant_key, &scene.order_id, &reason).await;
        assert_eq!(rejected.unwrap().order_status, 9);

        assert_eq!(scene.update_result(again("黄灯")).await.outcome(), "200 0 success");
        assert_eq!(scene.order().await.order_status, 5);
        let withdrawn = hirer.control.withdraw_order(&hirer.tenant_key, &scene.order_id).await;
        assert_eq!(withdrawn.unwrap().order_status, 6);

        assert_eq!(scene.update_result(again("绿灯")).await.outcome(), "200 0 success");
        assert_eq!(scene.order().await.order_status, 5);
        let approve = ApproveOrder::default();
        let approved = hirer.control.approve_order(&hirer.tenant_key, &scene.order_id, &approve);
        let approved = approved.await.unwrap();
        assert_eq!(approved.order_status, 3);
        assert_eq!(approved.conclusion.as_deref(), Some("绿灯"));
        let all: Vec<_> = approved.results.iter().map(|result| result.result.as_str()).collect();
        assert_eq!(all, ["红灯", "黄灯", "绿灯"], "nothing overwrites");
    })
    .await;
}

/// 「HTTP URL | …/open-apis/hire/v1/eco_background_checks/update_result」, 「HTTP Method | POST」
#[tokio::test]
async fn the_call_is_a_post_to_its_path_and_nothing_else() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let path = path(CALL);
        assert_eq!(path, "/open-apis/hire/v1/eco_background_checks/update_result");
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = scene.vendor.ask(Ask::new(method, path)).await;
            assert_eq!((answer.status, answer.text()), (404, "404 page not found"), "{method}");
        }
        let answer = scene.vendor.ask(Ask::post(path, scene.example()).json()).await;
        assert_eq!(answer.outcome(), "200 0 success");
    })
    .await;
}

/// 「接口频率限制 | 1000 次/分钟、50 次/秒」: the second.
#[tokio::test]
async fn fifty_calls_fit_a_second() {
    World::each(async |world| {
        let limits = Limits::new(&world).await;
        for call in 0..50 {
            world.clock.advance_ms(1);
            assert_eq!(limits.calls_through(CALL).await, Ok(()), "call {call}");
        }
        // The first of them is 50 ms old.
        assert_eq!(limits.calls_through(CALL).await, Err((50, 1)));
        limits.others_go_through().await;
        world.clock.advance_ms(951);
        assert_eq!(limits.calls_through(CALL).await, Err((50, 1)));
        // The first of them is just over a second old: room for one.
        world.clock.advance_ms(1);
        assert_eq!(limits.calls_through(CALL).await, Ok(()));
        assert_eq!(limits.calls_through(CALL).await, Err((50, 1)));
    })
    .await;
}

/// 「接口频率限制 | 1000 次/分钟、50 次/秒」: the minute.
#[tokio::test]
async fn a_thousand_calls_fit_a_minute() {
    World::each(async |world| {
        let limits = Limits::new(&world).await;
        for second in 0..20 {
            for call in 0..50 {
                assert_eq!(limits.calls_through(CALL).await, Ok(()), "call {call} of {second}");
            }
            world.clock.advance_ms(1_001);
        }
        // 20.02 s after the first 50 there are 39.981 s to wait.
        assert_eq!(limits.calls_through(CALL).await, Err((1_000, 40)));
        limits.others_go_through().await;
        world.clock.advance_ms(39_980);
        assert_eq!(limits.calls_through(CALL).await, Err((1_000, 1)));
        // What was refused did not count.
        world.clock.advance_ms(1);
        assert_eq!(limits.calls_through(CALL).await, Ok(()));
    })
    .await;
}

/// Callers that never share a budget: two apps of one tenant, and one of another.
struct Limits<'w> {
    world: &'w World,
    caller: Caller<'w>,
    others: [Caller<'w>; 2],
}

impl<'w> Limits<'w> {
    async fn new(world: &'w World) -> Limits<'w> {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, false).await;
        let other_app = world.create_app(&hirer, None, false).await;
        let other_hirer = world.hirer().await;
        let foreign_app = world.create_app(&other_hirer, None, false).await;
        let caller = world.caller(&app).await;
        let others = [world.caller(&other_app).await, world.caller(&foreign_app).await];
        Limits { world, caller, others }
    }

    /// Whether a call is let through to its body; else the ceiling and the seconds to wait of the two headers.
    async fn calls_through(&self, call: &str) -> Result<(), (u32, u32)> {
        self.through(&self.caller, call).await
    }

    async fn through(&self, caller: &Caller<'_>, call: &str) -> Result<(), (u32, u32)> {
        let answer = self.world.ask(&Ask::post(path(call), "{}").bearer(&caller.token)).await;
        if answer.status == 429 {
            let expected = r#"{"code":99991400,"msg":"request trigger frequency limit"}"#;
            assert_eq!(answer.outcome(), "429 99991400 request trigger frequency limit");
            assert_eq!(answer.text(), expected);
            let number = |name: &str| answer.header(name).unwrap().parse().unwrap();
            return Err((number("X-Ogw-Ratelimit-Limit"), number("X-Ogw-Ratelimit-Reset")));
        }
        assert!(answer.outcome().starts_with("400 99992402 field validation failed | "));
        assert_eq!(answer.header("X-Ogw-Ratelimit-Limit"), None);
        Ok(())
    }

    /// The budget is per API × app × tenant.
    async fn others_go_through(&self) {
        for call in ["update_progress", "cancel", "packages"] {
            assert_eq!(self.calls_through(call).await, Ok(()), "{call}");
        }
        for other in &self.others {
            assert_eq!(self.through(other, CALL).await, Ok(()));
        }
    }
}

/// 「权限要求 | 更新招聘背调信息(hire:background_check_order)」
#[tokio::test]
async fn the_scope_to_update_background_checks_is_needed() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let hirer = &scene.seed.hirer;
        let answer_with = async |scopes: &[&str]| {
            let body = CreateApp {
                name: "另一个应用".to_owned(),
                tenant_key: Some(hirer.tenant_key.clone()),
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                ..CreateApp::default()
            };
            let app = world.create_granted(&body).await.unwrap();
            world.caller(&app).await.post(CALL, scene.example()).await
        };
        for scopes in [&[][..], &["hire:background_check_order:readonly", "hire:exam"]] {
            let answer = answer_with(scopes).await;
            let start = "400 99991672 Access denied. One of the following scopes is required: \
                [hire:background_check_order].";
            assert!(answer.outcome().starts_with(start), "{}", answer.outcome());
            let error = &answer.json()["error"];
            let expected = json!([
                {"type": "action_scope_required", "subject": "hire:background_check_order"}
            ]);
            assert_eq!(error["permission_violations"], expected);
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("hire:background_check_order"), "{message}");
        }
        // With the scope the app gets as far as the order, which is not its own.
        let answer = answer_with(&["hire:background_check_order"]).await;
        assert_eq!(answer.outcome(), "400 1002862 background check order not exist");
        assert_eq!(scene.order().await.state, OrderState::Arranged);
    })
    .await;
}

/// 「Authorization | string | 是 | tenant_access_token 值格式："Bearer access_token"」; gateway.rs has all wrong shapes.
#[tokio::test]
async fn the_tenant_access_token_is_needed() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let ask = Ask::post(path(CALL), scene.example()).json();
        let missing = "400 99991661 Missing access token for authorization. Please make a request with token attached.";
        let invalid = "400 99991663 Invalid access token for authorization. Please make a request with token attached.";
        assert_eq!(world.ask(&ask).await.outcome(), missing);
        let page = ask.clone().with("Authorization", "Bearer t-7f1bcd13fc57d46bac21793a18e560");
        assert_eq!(world.ask(&page).await.outcome(), invalid);
        assert_eq!(scene.order().await.state, OrderState::Arranged);
        assert_eq!(world.ask(&ask.bearer(&scene.vendor.token)).await.outcome(), "200 0 success");
    })
    .await;
}

/// 「Content-Type | string | 是 | 固定值："application/json; charset=utf-8"」; bad_input.rs has all others.
#[tokio::test]
async fn the_documented_content_type_is_taken_and_given_back() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let ask = Ask::post(path(CALL), scene.example())
            .with("Content-Type", "application/json; charset=utf-8");
        let answer = scene.vendor.ask(ask).await;
        assert_eq!(answer.outcome(), "200 0 success");
        assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
    })
    .await;
}

/// 「background_check_id | string | 是 | 背调 ID。可通过创建背调事件获取」
#[tokio::test]
async fn background_check_id_is_the_one_that_the_created_event_told() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let hirer = &scene.seed.hirer;
        let list = ListEvents { order_id: Some(scene.order_id.clone()), ..ListEvents::default() };
        let events = hirer.control.list_events(&hirer.tenant_key, &list).await.unwrap();
        let [event] = &events.items[..] else { panic!("expected one event, came {events:?}") };
        assert_eq!(event.event_type, "hire.eco_background_check.created_v1");
        assert_eq!(event.order_id.as_ref(), Some(&scene.order_id));
        assert_eq!(scene.order_id.len(), EXAMPLE_ID.len());
        assert!(scene.order_id.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(scene.update_result(scene.example()).await.outcome(), "200 0 success");
    })
    .await;
}

/// The column 必填 and the column 类型 of the table 请求体.
#[tokio::test]
async fn each_member_is_required_or_not_and_of_its_type() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let refused = async |pointer: &str, value: Option<Value>, expected: &str| {
            let answer = scene.update_result(scene.example_with(pointer, value.as_ref())).await;
            assert_eq!(answer.outcome(), expected, "{pointer}");
        };
        for (pointer, field) in [
            ("/background_check_id", "background_check_id"),
            ("/result", "result"),
            ("/result_time", "result_time"),
            ("/report_file_list/0/report_name", "report_file_list[0].report_name"),
            ("/report_file_list/0/report_url", "report_file_list[0].report_url"),
        ] {
            let name = pointer.rsplit('/').next().unwrap();
            let required =
                format!("400 99992402 field validation failed | {field}: {name} is required");
            refused(pointer, None, &required).await;
            let mistyped = format!(
                "400 9499 Invalid parameter type in json: {field}. Invalid parameter value: 7. \
                 Please check and modify accordingly."
            );
            refused(pointer, Some(json!(7)), &mistyped).await;
        }
        let mistyped = |field: &str, value: &str| {
            format!(
                "400 9499 Invalid parameter type in json: {field}. Invalid parameter value: {value}. \
                 Please check and modify accordingly."
            )
        };
        refused("/report_file_list", Some(json!({})), &mistyped("report_file_list", "object")).await;
        let url_type = "/report_file_list/0/report_url_type";
        let field = "report_file_list[0].report_url_type";
        refused(url_type, Some(json!("1")), &mistyped(field, "1")).await;
        let order = scene.order().await;
        assert_eq!((order.state, order.results.len()), (OrderState::Arranged, 0));
    })
    .await;
}

/// 「result | string | 是 | 背调结果 示例值："无差异"」: any words, and the product's lights.
#[tokio::test]
async fn result_is_free_text_and_becomes_the_conclusion_as_it_came() {
    World::each(async |world| {
        let seed = world.seed().await;
        let long = "无".repeat(2_000);
        for words in ["无差异", "红灯", "黄灯", "蓝灯", "绿灯", "x", "  a\n\"b\\ 😀", &long]
        {
            let scene = Scene::of(&world, seed.clone()).await;
            let body = scene.example_with("/result", Some(&json!(words)));
            assert_eq!(scene.update_result(body).await.outcome(), "200 0 success");
            assert_eq!(scene.order().await.conclusion.as_deref(), Some(words));
        }
    })
    .await;
}

/// 「result_time | string | 是 | 背调结果时间。毫秒时间戳 示例值："1660123456789"」
#[tokio::test]
async fn result_time_is_a_text_of_milliseconds() {
    World::each(async |world| {
        let seed = world.seed().await;
        for (ms, shown) in [
            ("1660123456789", "2022-08-10T09:24:16.789Z"),
            // Seconds by mistake are taken for what they say: no plausibility is checked.
            ("1660123456", "1970-01-20T05:08:43.456Z"),
            // Beyond any calendar, so shown as it came.
            ("9223372036854775807", "9223372036854775807"),
        ] {
            let scene = Scene::of(&world, seed.clone()).await;
            let body = scene.example_with("/result_time", Some(&json!(ms)));
            assert_eq!(scene.update_result(body).await.outcome(), "200 0 success");
            assert_eq!(scene.order().await.results[0].result_time, shown);
        }
        let scene = Scene::of(&world, seed.clone()).await;
        for ms in
            ["0", "-1660123456789", "1660123456789.5", "2022-08-10", "1.66e12", " 1660123456789"]
        {
            let body = scene.example_with("/result_time", Some(&json!(ms)));
            let expected = format!(
                "400 99992402 field validation failed | result_time={ms}: \
                 expected milliseconds since the epoch as a positive decimal integer"
            );
            assert_eq!(scene.update_result(body).await.outcome(), expected);
        }
    })
    .await;
}

/// 「report_file_list | eco_background_check_report_file[] | 否 | 报告列表」
#[tokio::test]
async fn report_file_list_may_be_absent_empty_or_long() {
    World::each(async |world| {
        let seed = world.seed().await;
        for list in [None, Some(json!(null)), Some(json!([]))] {
            let scene = Scene::of(&world, seed.clone()).await;
            let body = scene.example_with("/report_file_list", list.as_ref());
            assert_eq!(scene.update_result(body).await.outcome(), "200 0 success");
            let order = scene.order().await;
            assert_eq!((order.state, order.reports.len()), (OrderState::Completed, 0));
        }
        let scene = Scene::of(&world, seed.clone()).await;
        let report = |number| {
            json!({
                "report_name": format!("报告 {number}.pdf"),
                "report_url": format!("https://vendor.example/{number}.pdf"),
            })
        };
        let list = |count: u32| Some(Value::Array((0..count).map(report).collect()));
        let body = scene.example_with("/report_file_list", list(51).as_ref());
        let expected = "400 99992402 field validation failed | report_file_list: the max len is 50";
        assert_eq!(scene.update_result(body).await.outcome(), expected);
        let body = scene.example_with("/report_file_list", list(50).as_ref());
        assert_eq!(scene.update_result(body).await.outcome(), "200 0 success");
        let names: Vec<_> = scene.order().await.reports.into_iter().map(|it| it.name).collect();
        let expected: Vec<_> = (0..50).map(|number| format!("报告 {number}.pdf")).collect();
        assert_eq!(names, expected, "in the order of the call");
    })
    .await;
}

/// 「report_name | string | 是 | 报告名称 示例值："阶段报告.pdf"」
#[tokio::test]
async fn report_name_is_shown_as_it_came() {
    World::each(async |world| {
        let seed = world.seed().await;
        let long = "报".repeat(255);
        for name in ["阶段报告.pdf", "no ending", "../../etc/passwd", &long] {
            let scene = Scene::of(&world, seed.clone()).await;
            let body = scene.example_with("/report_file_list/0/report_name", Some(&json!(name)));
            assert_eq!(scene.update_result(body).await.outcome(), "200 0 success");
            assert_eq!(scene.order().await.reports[0].name, name);
        }
    })
    .await;
}

/// 「report_url | string | 是 | 报告地址；当report_url_type 为空或为 1 时需为可下载的 pdf 链接；为 2 时为预览型链接」 and
/// 「report_url_type | int | 否 | …可选值有： 1：可下载的链接 2：外链型链接」
#[tokio::test]
async fn report_url_is_fetched_when_its_type_is_absent_or_1_and_shown_when_it_is_2() {
    World::each(async |world| {
        let seed = world.seed().await;
        let url = "https://vendor.example/reports/1?page=封面#top";
        for (url_type, state, preview) in [
            (None, ReportState::Pending, None),
            (Some(json!(null)), ReportState::Pending, None),
            (Some(json!(1)), ReportState::Pending, None),
            (Some(json!(2)), ReportState::Linked, Some(url)),
        ] {
            let scene = Scene::of(&world, seed.clone()).await;
            let mut body: Value = serde_json::from_str(&scene.example()).unwrap();
            let report = body["report_file_list"][0].as_object_mut().unwrap();
            report.insert("report_url".to_owned(), json!(url));
            report.remove("report_url_type");
            if let Some(url_type) = url_type {
                report.insert("report_url_type".to_owned(), url_type);
            }
            assert_eq!(scene.update_result(body.to_string()).await.outcome(), "200 0 success");
            let order = scene.order().await;
            assert_eq!(order.reports[0].state, state);
            assert_eq!(order.reports[0].preview_url.as_deref(), preview);
        }
        let scene = Scene::of(&world, seed.clone()).await;
        let pointer = "/report_file_list/0/report_url_type";
        for url_type in [0, 3, -1] {
            let expected = format!(
                "400 99992402 field validation failed | report_file_list[0].report_url_type={url_type}: \
                 report_url_type is optional, options: [1,2]"
            );
            let body = scene.example_with(pointer, Some(&json!(url_type)));
            assert_eq!(scene.update_result(body).await.outcome(), expected);
        }
    })
    .await;
}

/// 「请求体示例」 and 「响应体示例」, byte for byte.
#[tokio::test]
async fn the_examples_of_the_page_are_taken_and_given() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        // The page's own order is nobody's here.
        let answer = scene.update_result(REQUEST_EXAMPLE).await;
        assert_eq!(answer.outcome(), "400 1002862 background check order not exist");
        let answer = scene.update_result(scene.example()).await;
        assert_eq!(answer.status, 200);
        let example: Value = serde_json::from_str(RESPONSE_EXAMPLE).unwrap();
        assert_eq!(answer.json(), example);
        // The page prints it with blanks; on the wire there are none.
        let compact: String = RESPONSE_EXAMPLE.split_whitespace().collect();
        assert_eq!(answer.text(), compact);
        let report = &scene.order().await.reports[0];
        assert_eq!((report.name.as_str(), report.kind), ("阶段报告.pdf", ReportKind::Final));
    })
    .await;
}

/// 「400 | 1002858 | 订单状态异常」
#[tokio::test]
async fn code_1002858_tells_that_the_order_has_ended() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let expected = "400 1002858 illegal order status";
        assert_eq!(scene.update_result(scene.example()).await.outcome(), "200 0 success");
        let other = scene.example_with("/result", Some(&json!("红灯")));
        assert_eq!(scene.update_result(other).await.outcome(), expected);
        assert_eq!(scene.order().await.conclusion.as_deref(), Some("无差异"));

        let canceled = Scene::of(&world, scene.seed.clone()).await;
        let cancel = json!({"background_check_id": canceled.order_id}).to_string();
        assert_eq!(canceled.vendor.post("cancel", cancel).await.outcome(), "200 0 success");
        assert_eq!(canceled.update_result(canceled.example()).await.outcome(), expected);
        let order = canceled.order().await;
        assert_eq!((order.state, order.conclusion), (OrderState::Terminated, None));
    })
    .await;
}

/// 「400 | 1002862 | 背调订单不存在 | 请检查入参`background_check_id`」
#[tokio::test]
async fn code_1002862_tells_that_there_is_no_such_order() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        for id in [EXAMPLE_ID, "0", "-1", "abc", "9223372036854775807", "99999999999999999999"] {
            let body = scene.example_with("/background_check_id", Some(&json!(id)));
            let expected = "400 1002862 background check order not exist";
            assert_eq!(scene.update_result(body).await.outcome(), expected, "{id}");
        }
    })
    .await;
}

/// 1002863, which only the platform's newer definitions have (contract, section 3.4.2).
#[tokio::test]
async fn code_1002863_tells_that_a_result_is_in_review() {
    World::each(async |world| {
        let scene = Scene::with_approval(&world).await;
        assert_eq!(scene.update_result(scene.example()).await.outcome(), "200 0 success");
        let other = scene.example_with("/result", Some(&json!("红灯")));
        let expected = "500 1002863 background order is being approved";
        assert_eq!(scene.update_result(other).await.outcome(), expected);
        assert_eq!(scene.order().await.results.len(), 1);
    })
    .await;
}

/// 「500 | 1002001 | 系统异常」: no answer 0 without a commit, and the same call works when storage does again.
#[tokio::test]
async fn code_1002001_tells_of_our_own_fault() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        world.execute("ALTER TABLE orders RENAME TO orders_away").await;
        let answer = scene.update_result(scene.example()).await;
        assert_eq!(answer.outcome(), "500 1002001 system error");
        assert!(!answer.text().contains("orders"), "{}", answer.text());
        world.execute("ALTER TABLE orders_away RENAME TO orders").await;
        assert_eq!(scene.order().await.state, OrderState::Arranged);
        assert_eq!(scene.update_result(scene.example()).await.outcome(), "200 0 success");
        assert_eq!(scene.order().await.state, OrderState::Completed);
    })
    .await;
}
