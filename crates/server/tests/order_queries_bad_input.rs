//! Bad input to the order queries, over the wire: each gets the documented code, and names the parameter and what was
//! expected. Source: contract, sections 2.3, 4 and questions 5, 28, 29 and 30.

mod harness;

use harness::World;
use harness::queries::{BATCH, LIST};
use harness::wire::Ask;
use serde_json::{Value, json};

const INVALID: &str = "400 99992402 field validation failed";
const NUMBER: &str = "expected milliseconds since the epoch as a decimal integer";

#[tokio::test]
async fn a_parameter_that_breaks_its_rule_is_named() {
    World::each(async |world| {
        let seed = world.seed().await;
        let caller = world.caller(&seed.app).await;
        let long = "9".repeat(100);
        for (query, expected) in [
            ("page_size=0", "page_size=0: the min value is 1".to_owned()),
            ("page_size=-1", "page_size=-1: the min value is 1".to_owned()),
            ("page_size=101", "page_size=101: the max value is 100".to_owned()),
            (&format!("page_size={long}"), format!("page_size={long}: the max value is 100")),
            ("page_size=ten", "page_size=ten: expected a decimal integer".to_owned()),
            ("page_size=1.5", "page_size=1.5: expected a decimal integer".to_owned()),
            ("page_size=-", "page_size=-: expected a decimal integer".to_owned()),
            ("page_size=%2B5", "page_size=+5: expected a decimal integer".to_owned()),
            ("page_size=5&page_size=6", "page_size: expected once".to_owned()),
            (
                "user_id_type=email",
                "user_id_type=email: user_id_type is optional, options: [open_id,union_id,user_id]".to_owned(),
            ),
            (
                "user_id_type=Open_id",
                "user_id_type=Open_id: user_id_type is optional, options: [open_id,union_id,user_id]".to_owned(),
            ),
            (
                &format!("page_token={}", "A".repeat(501)),
                format!("page_token={}: the max len is 500", "A".repeat(100)),
            ),
            (
                "page_size=0&user_id_type=x",
                "user_id_type=x: user_id_type is optional, options: [open_id,union_id,user_id] | \
                 page_size=0: the min value is 1".to_owned(),
            ),
        ] {
            let expected = format!("{INVALID} | {expected}");
            for ask in [
                Ask::new("GET", &format!("{LIST}?{query}")),
                Ask::post(&format!("{BATCH}?{query}"), "{}").json(),
            ] {
                world.clock.advance_ms(100);
                assert_eq!(caller.ask(ask).await.outcome(), expected, "{query}");
            }
        }
        for (query, expected) in [
            ("update_start_time=yesterday", format!("update_start_time=yesterday: {NUMBER}")),
            ("update_end_time=-1", format!("update_end_time=-1: {NUMBER}")),
            ("update_end_time=1e3", format!("update_end_time=1e3: {NUMBER}")),
            (&format!("update_end_time={long}"), format!("update_end_time={long}: {NUMBER}")),
            (
                &format!("application_id={}", "a".repeat(256)),
                format!("application_id={}: the max len is 255", "a".repeat(100)),
            ),
        ] {
            let ask = Ask::new("GET", &format!("{LIST}?{query}"));
            assert_eq!(caller.ask(ask).await.outcome(), format!("{INVALID} | {expected}"), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_token_of_nobody_and_a_reversed_stretch_are_parameter_errors() {
    World::each(async |world| {
        let seed = world.seed().await;
        let caller = world.caller(&seed.app).await;
        let token = "400 1002002 Parameter error | page_token: expected that of the page before";
        for text in ["x", "0", "AAAAAAAAAAAA", "AQAAAAAAAAAB%3D"] {
            for path in [LIST, BATCH] {
                world.clock.advance_ms(100);
                let path = format!("{path}?page_token={text}");
                let ask = if path.starts_with(BATCH) {
                    Ask::post(&path, "")
                } else {
                    Ask::new("GET", &path)
                };
                assert_eq!(caller.ask(ask).await.outcome(), token, "{text}");
            }
        }
        let reversed = |field: &str| {
            format!(
                "400 1002002 Parameter error | {field}: expected a start that is not after the end"
            )
        };
        let ask = Ask::new("GET", &format!("{LIST}?update_start_time=2&update_end_time=1"));
        assert_eq!(caller.ask(ask).await.outcome(), reversed("update_start_time"));
        for kind in ["update", "begin"] {
            world.clock.advance_ms(100);
            let body = json!({format!("{kind}_start_time"): "2", format!("{kind}_end_time"): "1"});
            let answer = caller.ask(Ask::post(BATCH, body.to_string())).await;
            assert_eq!(answer.outcome(), reversed(&format!("{kind}_start_time")));
        }
        // Equal ends are a stretch of one instant.
        let ask = Ask::new("GET", &format!("{LIST}?update_start_time=1&update_end_time=1"));
        assert_eq!(caller.ask(ask).await.json()["code"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_body_member_that_breaks_its_rule_is_named() {
    World::each(async |world| {
        let seed = world.seed().await;
        let caller = world.caller(&seed.app).await;
        let type_of = |field: &str, value: &str| {
            format!(
                "400 9499 Invalid parameter type in json: {field}. Invalid parameter value: {value}. \
                 Please check and modify accordingly."
            )
        };
        let status = "order_status is optional, options: [2,3,4,5,6,8,9]";
        let list = "background_check_order_id_list";
        let many: Vec<_> = (0..21).map(|number| number.to_string()).collect();
        let mut cases: Vec<(Value, String)> = vec![
            (json!({list: many}), format!("{INVALID} | {list}: the max len is 20")),
            (json!({list: [""]}), format!("{INVALID} | {list}[0]: the min len is 1")),
            (
                json!({list: ["1", "x".repeat(65)]}),
                format!("{INVALID} | {list}[1]={}: the max len is 64", "x".repeat(65)),
            ),
            (json!({list: "1"}), type_of(list, "string")),
            (json!({list: {}}), type_of(list, "object")),
            (json!({list: [1]}), type_of(&format!("{list}[0]"), "1")),
            (json!({list: [null]}), type_of(&format!("{list}[0]"), "null")),
            (json!({"order_status": "1"}), format!("{INVALID} | order_status=1: {status}")),
            (json!({"order_status": "7"}), format!("{INVALID} | order_status=7: {status}")),
            (json!({"order_status": 7}), format!("{INVALID} | order_status=7: {status}")),
            (json!({"order_status": " 2"}), format!("{INVALID} | order_status= 2: {status}")),
            (json!({"order_status": "arranged"}), format!("{INVALID} | order_status=arranged: {status}")),
            (json!({"order_status": -2}), format!("{INVALID} | order_status=-2: {status}")),
            (json!({"order_status": 2.5}), type_of("order_status", "2.5")),
            (json!({"order_status": true}), type_of("order_status", "true")),
            (json!({"order_status": ["2"]}), type_of("order_status", "array")),
            (json!({"application_id": 1}), type_of("application_id", "1")),
            (
                json!({"application_id": "a".repeat(256)}),
                format!("{INVALID} | application_id={}: the max len is 255", "a".repeat(100)),
            ),
            (
                json!({"order_status": "1", "update_end_time": "x"}),
                format!("{INVALID} | update_end_time=x: {NUMBER} | order_status=1: {status}"),
            ),
        ];
        for field in ["update_start_time", "update_end_time", "begin_start_time", "begin_end_time"] {
            cases.push((json!({field: 1_700_000_000_000_i64}), type_of(field, "1700000000000")));
            cases.push((json!({field: "2026-11-18"}), format!("{INVALID} | {field}=2026-11-18: {NUMBER}")));
            cases.push((json!({field: "-1"}), format!("{INVALID} | {field}=-1: {NUMBER}")));
            cases.push((json!({field: true}), type_of(field, "true")));
        }
        for (body, expected) in cases {
            world.clock.advance_ms(100);
            let answer = caller.ask(Ask::post(BATCH, body.to_string()).json()).await;
            assert_eq!(answer.outcome(), expected, "{body}");
        }
        for body in ["{", "[]", "null", "\"\"", "7", "{}{}", "{\"a\":1,\"a\":2}", "\u{feff}{}"] {
            world.clock.advance_ms(100);
            let answer = caller.ask(Ask::post(BATCH, body).json()).await;
            assert_eq!(answer.outcome(), "400 9499 Bad Request", "{body}");
        }
        // A faulty parameter and a faulty member are named together; a wrong type outweighs both.
        let path = format!("{BATCH}?page_size=0");
        world.clock.advance_ms(100);
        let answer = caller.ask(Ask::post(&path, json!({"order_status": "1"}).to_string())).await;
        let expected = format!("{INVALID} | page_size=0: the min value is 1 | order_status=1: {status}");
        assert_eq!(answer.outcome(), expected);
        world.clock.advance_ms(100);
        let answer = caller.ask(Ask::post(&path, json!({"order_status": {}}).to_string())).await;
        assert_eq!(answer.outcome(), type_of("order_status", "object"));
    })
    .await;
}

#[tokio::test]
async fn no_body_and_bodies_that_clients_send_with_a_list_are_taken() {
    World::each(async |world| {
        let seed = world.seed().await;
        let caller = world.caller(&seed.app).await;
        for ask in [
            Ask::new("POST", BATCH),
            Ask::post(BATCH, ""),
            Ask::post(BATCH, "{}"),
            Ask::post(BATCH, "{}").chunked(),
            Ask::new("GET", LIST),
            Ask::get_with(LIST, "{}").json(),
            Ask::new("GET", &format!("{LIST}?")),
            Ask::new("GET", &format!("{LIST}?&&=")),
        ] {
            world.clock.advance_ms(100);
            let answer = caller.ask(ask).await;
            assert_eq!(answer.json()["data"], json!({"has_more": false, "items": []}));
        }
        for (method, path) in
            [("POST", LIST), ("GET", BATCH), ("GET", "/open-apis/hire/v1/background_check_orders/")]
        {
            let answer = caller.ask(Ask::new(method, path)).await;
            assert_eq!(
                (answer.status, answer.text()),
                (404, "404 page not found"),
                "{method} {path}"
            );
        }
    })
    .await;
}
