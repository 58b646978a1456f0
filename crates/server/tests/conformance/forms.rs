//! The calls on forms as a user of an official SDK makes them: account fields, background-check fields, packages;
//! and an order whose form the vendor gets, with a file behind a link. Source: contract, sections 3.1 to 3.3.

use contract::control::{Account, FieldValue, PlaceOrder, TerminateOrder};
use serde_json::{Value, json};

use super::Scenario;
use crate::harness::form;

fn label(zh: &str, en: &str) -> Value {
    json!({"zh_cn": zh, "en_us": en})
}

fn degree() -> Value {
    json!({
        "type": "multiselect",
        "key": "degree",
        "name": label("学历", "degree"),
        "is_required": true,
        "description": label("可多选", "one or more"),
        "options": [
            {"key": "bachelor", "name": label("本科", "bachelor")},
            {"key": "master", "name": label("硕士", "master")},
        ],
    })
}

impl Scenario<'_, '_> {
    /// Every call on forms, each with every member that the SDK knows.
    pub(super) async fn publishes_forms(&mut self, account: &Account) {
        let account_id = &account.account_id;
        let (hirer, world) = (self.hirer.clone(), self.world);
        let code = json!({
            "key": "company_code",
            "name": label("企业代码", "company code"),
            "is_required": false,
            "description": label("在背调平台上的代码", "code at the vendor"),
        });
        let mut contact = code.clone();
        contact["key"] = json!("contact");
        for scope in [1, 2] {
            let both = json!({"scope": scope, "custom_field_list": [code, contact]});
            self.succeeds_with("create_account_fields", &both, "ok").await;
        }
        contact["name"] = label("联系人", "contact");
        let rename = json!({"scope": 1, "custom_field_list": [contact]});
        self.succeeds_with("update_account_fields", &rename, "ok").await;
        let delete = json!({"scope": 2, "custom_field_key_list": ["contact"]});
        self.succeeds_with("delete_account_fields", &delete, "ok").await;
        let app_id = &self.app.app.app_id;
        let shown = hirer.control.get_account_form(&hirer.tenant_key, app_id).await.unwrap();
        assert_eq!(json!(shown.fields), json!([code, contact]));

        let simple = |kind: &str, key: &str| {
            let name = label("项", key);
            json!({"type": kind, "key": key, "name": name, "is_required": false})
        };
        let types = ["text", "textarea", "number", "boolean", "date", "file", "resume"];
        let mut fields: Vec<_> = types.iter().map(|kind| simple(kind, kind)).collect();
        fields.push(degree());
        let body = json!({"account_id": account_id, "custom_field_list": fields});
        self.succeeds("create_check_fields", &body).await;
        fields[0]["name"] = label("备注", "remark");
        fields[7]["options"][1]["name"] = label("研究生", "graduate");
        let body = json!({"account_id": account_id, "custom_field_list": fields});
        self.succeeds("update_check_fields", &body).await;
        let shown = hirer.control.get_account(&hirer.tenant_key, account_id).await.unwrap();
        assert_eq!(json!(shown.fields), json!(fields));

        let packages = json!({
            "account_id": account_id,
            "package_list": [{"id": "pkg-b", "name": "高级套餐", "description": "全部"}],
            "additional_item_list": [{"id": "item-b", "name": "信用"}],
        });
        self.succeeds("create_packages", &packages).await;
        let mut renamed = packages.clone();
        renamed["package_list"][0]["name"] = json!("尊享套餐");
        self.succeeds("update_packages", &renamed).await;
        let shown = hirer.control.get_account(&hirer.tenant_key, account_id).await.unwrap();
        assert_eq!(shown.packages[1].name, "尊享套餐");
        let delete = json!({
            "account_id": account_id,
            "package_id_list": ["pkg-b"],
            "additional_item_id_list": ["item-b"],
        });
        self.succeeds_with("delete_packages", &delete, "SUCCESS").await;
        let shown = hirer.control.get_account(&hirer.tenant_key, account_id).await.unwrap();
        assert_eq!((shown.packages.len(), shown.additional_items.len()), (1, 1));

        // What the hirer fills in comes as texts, a resume as a link.
        let file = hirer.control.create_file(&hirer.tenant_key, "简历.pdf", b"%PDF-1.7".to_vec());
        let resume = format!("[\"{}\"]", file.await.unwrap().file_id);
        let value = |key: &str, value: &str| FieldValue { key: key.into(), value: value.into() };
        let order = PlaceOrder {
            custom_field_list: vec![
                value("text", "急 / \"x\""),
                value("date", "1795004800000"),
                value("degree", r#"["master","bachelor"]"#),
                value("resume", &resume),
            ],
            ..form(account_id)
        };
        let order = hirer.control.place_order(&hirer.tenant_key, &order).await.unwrap();
        let event = self.next_event("hire.eco_background_check.created_v1").await;
        let reported = &event["body"]["custom_field_list"];
        let expected = [
            ("text", "急 / \"x\""),
            ("date", "1795004800000"),
            ("degree", r#"["master","bachelor"]"#),
        ];
        for ((key, value), place) in expected.iter().zip([0, 1, 3]) {
            assert_eq!(reported[place], json!({"key": key, "value": value}));
        }
        let files: Value = serde_json::from_str(reported[2]["value"].as_str().unwrap()).unwrap();
        assert_eq!(files[0]["name"], "简历.pdf");
        let content = world.http.get(files[0]["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(content.bytes().await.unwrap(), b"%PDF-1.7".as_slice());
        let body = TerminateOrder { reason: "改期".to_owned() };
        hirer.control.terminate_order(&hirer.tenant_key, &order.order_id, &body).await.unwrap();
        self.next_event("hire.eco_background_check.canceled_v1").await;

        // Without the form again, as the rest of the transcript places its orders.
        let account = json!({"account_id": account_id});
        self.succeeds("delete_check_fields", &account).await;
    }

    /// The codes of the calls on forms, with their HTTP statuses and texts.
    pub(super) async fn sees_the_refusals_of_forms(&mut self, account: &Account) {
        let nowhere = "7000000000000000001";
        let fields =
            |account_id: &str| json!({"account_id": account_id, "custom_field_list": [degree()]});
        let packages = json!({"account_id": nowhere, "package_list": [{"id": "a", "name": "b"}]});
        let not_found = "account package not found";
        self.refused("update_packages", &packages, 400, 1_002_001, not_found).await;
        let body = json!({"account_id": account.account_id, "package_id_list": ["nowhere"]});
        let answer = self.refused("delete_packages", &body, 400, 1_002_859, not_found).await;
        assert_eq!(answer["field_violations"][0]["field"], "package_id_list[0]");

        let exists = "background check custom field is exist not allow to create";
        self.refused("create_check_fields", &fields(nowhere), 400, 1_002_855, exists).await;
        let not_exist = "background check custom field is not exist";
        let own = fields(&account.account_id);
        self.refused("update_check_fields", &own, 400, 1_002_001, not_exist).await;
        let msg = "background check custom field cannot be deleted";
        let body = json!({"account_id": account.account_id});
        self.refused("delete_check_fields", &body, 400, 1_002_860, msg).await;
        self.succeeds("create_check_fields", &own).await;
        self.succeeds("delete_check_fields", &body).await;
        self.refused("create_check_fields", &own, 400, 1_002_855, exists).await;

        let field = json!({"key": "a", "name": label("甲", "a"), "is_required": true});
        let form = json!({"scope": 1, "custom_field_list": [field]});
        let msg = "background check account custom field is not exist";
        self.refused("update_account_fields", &form, 500, 1_002_001, msg).await;
        self.succeeds_with("create_account_fields", &form, "ok").await;
        let delete = json!({"scope": 1, "custom_field_key_list": ["a"]});
        let msg = "Exam provider cannot be deleted";
        self.refused("delete_account_fields", &delete, 500, 1_002_001, msg).await;
        let twice = json!({"scope": 1, "custom_field_list": [field, field]});
        self.refused("create_account_fields", &twice, 500, 1_002_001, "").await;
        let wrong = json!({"scope": 3, "custom_field_list": [field]});
        let msg = "field validation failed";
        let answer = self.refused("create_account_fields", &wrong, 400, 99_992_402, msg).await;
        let expected = json!([{
            "field": "scope",
            "value": "3",
            "description": "scope is optional, options: [1,2]",
        }]);
        assert_eq!(answer["field_violations"], expected);
        // The account of the transcript goes on without required fields.
        let mut optional = field;
        optional["is_required"] = json!(false);
        let form = json!({"scope": 1, "custom_field_list": [optional]});
        self.succeeds_with("create_account_fields", &form, "ok").await;
    }
}
