//! The hirer's order queries over the wire: what they answer, and what each caller may see.
//! Pages are in order_queries_pages.rs, bad input to them in order_queries_bad_input.rs. Source: contract, section 4.

mod harness;

use contract::check::ReportUrlType;
use contract::control::{FieldValue, PlaceOrder, TerminateOrder, UpdateApp};
use contract::scope::Scope;
use harness::filed::{CONTENT, Filed};
use harness::queries::{BATCH, LIST, batch, hirers_app, ids, list};
use harness::wire::Ask;
use harness::{BEGIN, Seed, World, form};
use serde_json::json;

#[tokio::test]
async fn an_order_is_answered_with_every_member() {
    World::each(async |world| {
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        filed.store().await;
        let hirer = &filed.seed.hirer;
        let caller = hirers_app(&world, hirer, Scope::ALL).await;
        let body = json!({"background_check_order_id_list": [filed.order_id]});
        let data = batch(&caller, "", &body).await;
        assert_eq!(data["has_more"], false);
        assert!(data.get("page_token").is_none(), "{data}");
        let mut order = data["items"][0].clone();
        let report = order["feedback_info_list"][0].take();
        let user_id = order["creator_info"]["user_id"].take();
        let begin = BEGIN.0.to_string();
        let person = |name: &str, mobile: &str, email: &str| {
            json!({"name": name, "mobile": mobile, "email": email})
        };
        let mut candidate = person("张三", "13800000000", "zhangsan@example.com");
        candidate["first_name"] = json!("San");
        candidate["last_name"] = json!("Zhang");
        let app_id = &filed.seed.app.app.app_id;
        let expected = json!({
            "order_id": filed.order_id,
            "application_id": "7000000000000000001",
            "order_status": 3,
            "account_third_type": 127,
            "package": "标准套餐",
            "feedback_info_list": [null],
            "process_info_list": [
                {"process": "待安排", "en_process": "arranged", "update_time": begin},
            ],
            "candidate_info": candidate,
            "creator_info": {"user_id": null},
            "contactor_info": person("李四", "13900000000", "lisi@example.com"),
            "begin_time": begin,
            "end_time": begin,
            "conclusion": "绿灯",
            "provider_info": {
                "provider_id": app_id,
                "provider_name": {"zh_cn": "诚信背调", "en_us": "诚信背调"},
            },
            "custom_field_list": [],
            "custom_data_list": [],
            "ext_item_info_list": [{"id": "item-a", "name": "学历核实"}],
            "update_time": begin,
            "geo": "cn",
            "location_code": "CN_1",
            "remark": "请尽快",
        });
        assert_eq!(order, expected);
        let user_id = user_id.as_str().unwrap();
        assert!(user_id.starts_with("ou_") && user_id.len() == 35, "{user_id}");
        let link = report["attachment_url"].as_str().unwrap().to_owned();
        let expected = json!({
            "id": filed.report.report_id,
            "attachment_url": link,
            "result": "绿灯",
            "report_type": 2,
            "create_time": begin,
            "report_name": "张三 终版报告",
        });
        assert_eq!(report, expected);

        let answer = world.http.get(&link).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.bytes().await.unwrap()), (200, CONTENT.into()));
        // The list says the same.
        let listed = list(&caller, "").await;
        assert_eq!(listed["items"][0]["candidate_info"], candidate);
        world.clock.advance_ms(3_600_000);
        assert_eq!(world.http.get(&link).send().await.unwrap().status(), 403);
    })
    .await;
}

#[tokio::test]
async fn reports_and_stages_come_newest_first() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order_id = world.place(&seed).await.order_id;
        let vendor = world.caller(&seed.app).await;
        for number in 1..=2 {
            let body = json!({
                "background_check_id": order_id,
                "stage_id": format!("s{number}"),
                "stage_name": format!("阶段{number}"),
                "stage_en_name": format!("stage {number}"),
                "stage_time": (BEGIN.0 + number * 1_000_000).to_string(),
                "result": format!("结论{number}"),
                "report_file_list": [
                    {"report_name": "a", "report_url": "https://v.example/a", "report_url_type": 2},
                    {"report_name": "b", "report_url": "https://v.example/b"},
                ],
            });
            assert_eq!(
                vendor.post("update_progress", body.to_string()).await.outcome(),
                "200 0 success"
            );
        }
        let data = list(&vendor, "").await;
        let order = &data["items"][0];
        let names: Vec<_> = order["process_info_list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["process"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["阶段2", "阶段1", "待安排"]);
        assert_eq!(order["process_info_list"][0]["en_process"], "stage 2");
        assert_eq!(order["process_info_list"][0]["update_time"], (BEGIN.0 + 2_000_000).to_string());
        let reports = order["feedback_info_list"].as_array().unwrap();
        let reported: Vec<_> = reports
            .iter()
            .map(|it| (it["report_name"].as_str().unwrap(), it["result"].as_str().unwrap()))
            .collect();
        assert_eq!(reported, [("b", "结论2"), ("a", "结论2"), ("b", "结论1"), ("a", "结论1")]);
        assert!(reports.iter().all(|report| report["report_type"] == 1));
        // A link to preview passes unchanged; what is still to be fetched has no link yet.
        assert_eq!(reports[1]["report_preview_url"], "https://v.example/a");
        assert!(reports[1].get("attachment_url").is_none());
        assert!(
            reports[0].get("report_preview_url").is_none()
                && reports[0].get("attachment_url").is_none()
        );
        assert!(order.get("conclusion").is_none() && order.get("end_time").is_none(), "{order}");
    })
    .await;
}

#[tokio::test]
async fn members_without_their_field_scope_are_left_out_silently() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order_id = world.place(&seed).await.order_id;
        let body = json!({"background_check_order_id_list": [order_id]});
        let (mobile, email) = (Scope::TalentMobileReadonly, Scope::TalentEmailReadonly);
        let (contact_mobile, contact_email) =
            (Scope::EmployeeMobileReadonly, Scope::EmployeeEmailReadonly);
        for granted in
            [vec![], vec![mobile], vec![email], vec![contact_mobile], vec![contact_email]]
        {
            let scopes = [&[Scope::BackgroundCheckOrderReadonly], &granted[..]].concat();
            let caller = hirers_app(&world, &seed.hirer, &scopes).await;
            let order = batch(&caller, "?user_id_type=user_id", &body).await["items"][0].clone();
            for (pointer, scope) in [
                ("/candidate_info/mobile", mobile),
                ("/candidate_info/email", email),
                ("/contactor_info/mobile", contact_mobile),
                ("/contactor_info/email", contact_email),
            ] {
                assert_eq!(order.pointer(pointer).is_some(), granted.contains(&scope), "{pointer}");
            }
            assert_eq!(order["candidate_info"]["name"], "张三");
            assert_eq!(order["creator_info"], json!({}));
            // The list's page names no field scope but that of user ids.
            let listed = list(&caller, "?user_id_type=user_id").await["items"][0].clone();
            assert_eq!(listed["candidate_info"]["mobile"], "13800000000");
            assert_eq!(listed["creator_info"], json!({}));
        }
    })
    .await;
}

#[tokio::test]
async fn the_arranger_is_named_in_the_kind_that_is_asked_for() {
    World::each(async |world| {
        let seed = world.seed().await;
        world.place(&seed).await;
        world.place(&seed).await;
        let one = hirers_app(&world, &seed.hirer, Scope::ALL).await;
        let other = hirers_app(&world, &seed.hirer, Scope::ALL).await;
        let mut named = Vec::new();
        for caller in [&one, &other] {
            for kind in
                ["", "?user_id_type=open_id", "?user_id_type=union_id", "?user_id_type=user_id"]
            {
                let data = list(caller, kind).await;
                let user_id =
                    |place: usize| data["items"][place]["creator_info"]["user_id"].clone();
                assert_eq!(user_id(0), user_id(1), "{kind}");
                named.push(user_id(0).as_str().unwrap().to_owned());
            }
        }
        assert_eq!(named[0], named[1]);
        assert_ne!(named[0], named[4], "open ids differ from app to app");
        assert!(named[2].starts_with("on_"));
        assert_eq!((&named[2], &named[3]), (&named[6], &named[7]));
        assert_eq!(named[3].len(), 19);
    })
    .await;
}

#[tokio::test]
async fn filters_find_what_they_say() {
    World::each(async |world| {
        let seed = world.seed_with_approval().await;
        let control = &seed.hirer.control;
        let tenant_key = &seed.hirer.tenant_key;
        let mut orders = Vec::new();
        for number in 0..6 {
            let application_id = Some(format!("application-{}", number % 2));
            let body = PlaceOrder { application_id, ..form(&seed.account.account_id) };
            orders.push(control.place_order(tenant_key, &body).await.unwrap().order_id);
            world.clock.advance_ms(60_000);
        }
        let reason = TerminateOrder { reason: "x".to_owned() };
        control.terminate_order(tenant_key, &orders[0], &reason).await.unwrap();
        let caller = world.caller(&seed.app).await;
        let result =
            json!({"background_check_id": orders[1], "result": "绿灯", "result_time": "1"});
        let answer = caller.post("update_result", result.to_string()).await;
        assert_eq!(answer.outcome(), "200 0 success");
        let changed_ms = BEGIN.0 + 6 * 60_000;
        let at = |minute: i64| (BEGIN.0 + minute * 60_000).to_string();
        let changed = changed_ms.to_string();
        let pick =
            |places: &[usize]| places.iter().map(|it| orders[*it].clone()).collect::<Vec<_>>();
        for (body, expected) in [
            (json!({}), vec![5, 4, 3, 2, 1, 0]),
            (json!({"order_status": "2"}), vec![5, 4, 3, 2]),
            (json!({"order_status": 2}), vec![5, 4, 3, 2]),
            (json!({"order_status": "4"}), vec![0]),
            (json!({"order_status": 5}), vec![1]),
            (json!({"order_status": "3"}), vec![]),
            (json!({"order_status": "8"}), vec![]),
            (json!({"order_status": ""}), vec![5, 4, 3, 2, 1, 0]),
            (json!({"order_status": null}), vec![5, 4, 3, 2, 1, 0]),
            (json!({"application_id": "application-1"}), vec![5, 3, 1]),
            (json!({"application_id": "application-1", "order_status": "2"}), vec![5, 3]),
            (json!({"application_id": "nobody's"}), vec![]),
            (json!({"begin_start_time": at(2), "begin_end_time": at(4)}), vec![4, 3, 2]),
            (json!({"begin_end_time": at(0)}), vec![0]),
            (json!({"begin_start_time": at(6)}), vec![]),
            (json!({"update_end_time": at(4)}), vec![4, 3, 2]),
            (json!({"update_start_time": at(4), "update_end_time": at(5)}), vec![5, 4]),
            // Those that were placed since come first, then those that only changed since.
            (json!({"update_start_time": at(4)}), vec![5, 4, 1, 0]),
            (json!({"update_start_time": changed}), vec![1, 0]),
            (json!({"update_start_time": changed, "begin_end_time": at(0)}), vec![0]),
            (
                json!({"update_start_time": "0", "update_end_time": i64::MAX.to_string()}),
                vec![5, 4, 3, 2, 1, 0],
            ),
            // With ids no other filter counts.
            (
                json!({
                    "background_check_order_id_list": [orders[2], "1", "x", orders[4], orders[2]],
                    "order_status": "3",
                    "application_id": "x",
                    "update_start_time": "9", "update_end_time": "1",
                }),
                vec![4, 2],
            ),
            (json!({"background_check_order_id_list": [], "order_status": "4"}), vec![0]),
        ] {
            let found = ids(&batch(&caller, "", &body).await);
            assert_eq!(found, pick(&expected), "{body}");
        }
        for (query, expected) in [
            ("?application_id=application-0".to_owned(), vec![4, 2, 0]),
            (format!("?update_start_time={}&update_end_time={}", at(4), at(5)), vec![5, 4]),
            (format!("?update_start_time={changed}&application_id=application-1"), vec![1]),
            (
                "?page_token=&page_size=&application_id=&update_start_time=".to_owned(),
                vec![5, 4, 3, 2, 1, 0],
            ),
            ("?unknown=1&unknown2=2".to_owned(), vec![5, 4, 3, 2, 1, 0]),
        ] {
            assert_eq!(ids(&list(&caller, &query).await), pick(&expected), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_vendor_sees_its_own_orders_and_the_hirer_all_of_them() {
    World::each(async |world| {
        let seed = world.seed().await;
        let own = world.place(&seed).await.order_id;
        let app = world.create_app(&seed.hirer, None, false).await;
        let account = world.bind(&seed.hirer, &app).await;
        let other = Seed { vendor: world.vendor(&app), account, app, hirer: seed.hirer.clone() };
        let others = world.place(&other).await.order_id;
        let stranger = world.seed().await;
        world.place(&stranger).await;

        let both = json!({"background_check_order_id_list": [own, others]});
        let hirers = hirers_app(&world, &seed.hirer, &[Scope::BackgroundCheckOrderReadonly]).await;
        let (one, another) = (world.caller(&seed.app).await, world.caller(&other.app).await);
        let expected =
            [(&hirers, vec![&others, &own]), (&one, vec![&own]), (&another, vec![&others])];
        for (caller, expected) in &expected {
            let expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
            assert_eq!(ids(&list(caller, "").await), expected);
            assert_eq!(ids(&batch(caller, "", &json!({})).await), expected);
            assert_eq!(ids(&batch(caller, "", &both).await), expected);
        }
        // A vendor stays one when its account is gone.
        let account_id = &other.account.account_id;
        seed.hirer.control.delete_account(&seed.hirer.tenant_key, account_id).await.unwrap();
        assert_eq!(ids(&list(&another, "").await), [others]);
    })
    .await;
}

#[tokio::test]
async fn either_scope_suffices_and_without_one_nothing_is_read() {
    World::each(async |world| {
        let seed = world.seed().await;
        world.place(&seed).await;
        for scope in [Scope::BackgroundCheckOrder, Scope::BackgroundCheckOrderReadonly] {
            let caller = hirers_app(&world, &seed.hirer, &[scope]).await;
            assert_eq!(ids(&list(&caller, "").await).len(), 1);
        }
        let caller = hirers_app(&world, &seed.hirer, &[Scope::Exam]).await;
        for ask in [Ask::new("GET", LIST), Ask::post(BATCH, "{}")] {
            let answer = caller.ask(ask).await;
            let start = "400 99991672 Access denied. One of the following scopes is required: \
                [hire:background_check_order, hire:background_check_order:readonly].";
            assert!(answer.outcome().starts_with(start), "{}", answer.outcome());
        }
    })
    .await;
}

#[tokio::test]
async fn batch_queries_are_ten_in_a_second_and_lists_fifty() {
    World::each(async |world| {
        let seed = world.seed().await;
        let token = world.caller(&seed.app).await.token;
        let ask = |ask: Ask| {
            let (world, token) = (&world, &token);
            async move { world.ask(&ask.bearer(token)).await }
        };
        for (is_list, limit) in [(false, 10), (true, 50)] {
            let request = || if is_list { Ask::new("GET", LIST) } else { Ask::post(BATCH, "") };
            for number in 0..limit {
                assert_eq!(ask(request()).await.status, 200, "{number}");
            }
            let answer = ask(request()).await;
            assert_eq!(answer.outcome(), "429 99991400 request trigger frequency limit");
            assert_eq!(answer.header("X-Ogw-Ratelimit-Limit"), Some(limit.to_string().as_str()));
            assert_eq!(answer.header("X-Ogw-Ratelimit-Reset"), Some("2"));
            world.clock.advance_ms(1_001);
            assert_eq!(ask(request()).await.status, 200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_fault_of_storage_is_a_system_exception() {
    World::each(async |world| {
        let seed = world.seed().await;
        world.place(&seed).await;
        let caller = world.caller(&seed.app).await;
        world.execute("ALTER TABLE orders RENAME TO gone").await;
        for ask in [Ask::new("GET", LIST), Ask::post(BATCH, "{}")] {
            assert_eq!(caller.ask(ask).await.outcome(), "500 1002001 System exception");
        }
        world.execute("ALTER TABLE gone RENAME TO orders").await;
    })
    .await;
}

#[tokio::test]
async fn a_disabled_app_reads_nothing() {
    World::each(async |world| {
        let seed = world.seed().await;
        let caller = world.caller(&seed.app).await;
        let body = UpdateApp { scopes: Some(Vec::new()), ..UpdateApp::default() };
        world.update_granted(&seed.app.app.app_id, &body).await.unwrap();
        assert!(caller.ask(Ask::new("GET", LIST)).await.outcome().starts_with("400 99991672"));
        world.operator.disable_app(&seed.app.app.app_id).await.unwrap();
        assert_eq!(
            caller.ask(Ask::new("GET", LIST)).await.outcome(),
            "400 99991662 app not in use"
        );
    })
    .await;
}

#[tokio::test]
async fn an_order_shows_the_form_that_it_was_placed_with_and_packages_as_they_are_named_now() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (vendor, account_id) = (world.caller(&seed.app).await, &seed.account.account_id);
        let fields = |name: &str| {
            json!([{
                "type": "select",
                "key": "degree",
                "name": {"zh_cn": name},
                "is_required": true,
                "options": [{"key": "bachelor", "name": {"zh_cn": "本科"}}],
            }])
        };
        let make = async |method: &str, path: &str, body: serde_json::Value| {
            let path = format!("/open-apis/hire/v1/{path}");
            let ask = if method == "PATCH" { Ask::patch } else { Ask::post };
            let answer = vendor.ask(ask(&path, body.to_string()).json()).await.json();
            assert_eq!(answer["code"], 0, "{path}: {answer}");
        };
        let form_of =
            |name: &str| json!({"account_id": account_id, "custom_field_list": fields(name)});
        make("POST", "eco_background_check_custom_fields", form_of("学历")).await;
        let degree = FieldValue { key: "degree".to_owned(), value: "bachelor".to_owned() };
        let body = PlaceOrder { custom_field_list: vec![degree], ..form(account_id) };
        seed.hirer.control.place_order(&seed.hirer.tenant_key, &body).await.unwrap();
        // Another form, another name, and then no package at all.
        make("POST", "eco_background_check_custom_fields", form_of("另一个")).await;
        let renamed =
            json!({"account_id": account_id, "package_list": [{"id": "pkg-a", "name": "新名"}]});
        make("PATCH", "eco_background_check_packages/batch_update", renamed).await;
        let gone = json!({"account_id": account_id, "package_id_list": ["pkg-a"]});
        make("POST", "eco_background_check_packages/batch_delete", gone).await;
        let order = list(&vendor, "").await["items"][0].clone();
        assert_eq!(order["custom_field_list"], fields("学历"));
        assert_eq!(order["custom_data_list"], json!([{"key": "degree", "value": "bachelor"}]));
        assert_eq!(order["package"], "新名");
    })
    .await;
}
