//! One order that is 已安排, with its hirer and its vendor: where most tests of the vendor's calls begin.

use contract::control::{Order, OrderState};
use serde_json::{Value, json};

use super::rows::assert_same_rows;
use super::wire::{Answer, Caller};
use super::{Seed, World};

/// A hirer, a vendor with a token, and an order.
pub(crate) struct Scene<'w> {
    pub(crate) world: &'w World,
    pub(crate) seed: Seed,
    pub(crate) vendor: Caller<'w>,
    pub(crate) order_id: String,
}

impl<'w> Scene<'w> {
    /// With a hirer that has no 背调报告审批.
    pub(crate) async fn new(world: &'w World) -> Scene<'w> {
        Scene::of(world, world.seed().await).await
    }

    /// With a hirer that has 背调报告审批.
    pub(crate) async fn with_approval(world: &'w World) -> Scene<'w> {
        Scene::of(world, world.seed_with_approval().await).await
    }

    /// With another order of parties that are there already.
    pub(crate) async fn of(world: &'w World, seed: Seed) -> Scene<'w> {
        let order = world.place(&seed).await;
        assert_eq!((order.state, order.order_status), (OrderState::Arranged, 2));
        Scene { world, vendor: world.caller(&seed.app).await, seed, order_id: order.order_id }
    }

    /// A good body for a call, with every member.
    pub(crate) fn body(&self, call: &str) -> Value {
        let order_id = &self.order_id;
        let reports = json!([{
            "report_name": "a.pdf",
            "report_url": "https://vendor.example/a.pdf",
            "report_url_type": 1,
        }]);
        match call {
            "update_progress" => json!({
                "background_check_id": order_id,
                "stage_id": "stage-1",
                "stage_en_name": "degree",
                "stage_name": "学历核实",
                "stage_time": "1700000000000",
                "result": "无差异",
                "operator_role": 1,
                "report_file_list": reports,
            }),
            "update_result" => json!({
                "background_check_id": order_id,
                "result": "绿灯",
                "result_time": "1700000000000",
                "operator_role": 2,
                "report_file_list": reports,
            }),
            "cancel" => json!({"background_check_id": order_id}),
            "account_fields" | "account_fields_update" => json!({
                "scope": 1,
                "custom_field_list": [{
                    "key": "company_code",
                    "name": {"zh_cn": "企业代码", "en_us": "company code"},
                    "is_required": true,
                    "description": {"zh_cn": "在背调平台上的代码", "en_us": "code at the vendor"},
                }],
            }),
            "account_fields_delete" => json!({"scope": 1, "custom_field_key_list": ["contact"]}),
            "check_fields" | "check_fields_update" => json!({
                "account_id": self.seed.account.account_id,
                "custom_field_list": [{
                    "type": "select",
                    "key": "degree",
                    "name": {"zh_cn": "学历", "en_us": "degree"},
                    "is_required": true,
                    "description": {"zh_cn": "最高学历", "en_us": "highest degree"},
                    "options": [{
                        "key": "bachelor",
                        "name": {"zh_cn": "本科", "en_us": "bachelor"},
                    }],
                }],
            }),
            "check_fields_delete" => json!({"account_id": self.seed.account.account_id}),
            "packages_delete" => json!({
                "account_id": self.seed.account.account_id,
                "package_id_list": ["pkg-a"],
                "additional_item_id_list": ["item-a"],
            }),
            "packages_update" => json!({
                "account_id": self.seed.account.account_id,
                "package_list": [{"id": super::PACKAGE, "name": "标准", "description": "d"}],
                "additional_item_list": [{"id": super::ITEM, "name": "学历", "description": "d"}],
            }),
            "packages" => json!({
                "account_id": self.seed.account.account_id,
                "package_list": [{"id": "pkg-new", "name": "标准", "description": "d"}],
                "additional_item_list": [{"id": "item-new", "name": "学历", "description": "d"}],
            }),
            "list_orders" => json!({}),
            "query_orders" => json!({"background_check_order_id_list": [order_id]}),
            _ => panic!("no call {call}"),
        }
    }

    /// The good body with the member at `pointer` set, or gone when `None`.
    pub(crate) fn body_with(&self, call: &str, pointer: &str, value: Option<&Value>) -> Value {
        with(self.body(call), pointer, value)
    }

    /// Makes a call; gives [`Answer::outcome`].
    pub(crate) async fn post(&self, call: &str, body: &Value) -> String {
        self.vendor.post(call, body.to_string()).await.outcome()
    }

    /// Publishes the forms that the good bodies of updates and deletions are about.
    pub(crate) async fn publish_forms(&self) {
        let mut form = self.body("account_fields");
        let mut contact = form["custom_field_list"][0].clone();
        contact["key"] = json!("contact");
        form["custom_field_list"].as_array_mut().expect("a list").push(contact);
        assert_eq!(self.post("account_fields", &form).await, "200 0 ok");
        let form = self.body("check_fields");
        assert_eq!(self.post("check_fields", &form).await, "200 0 success");
    }

    /// Makes a call with a text as its body.
    pub(crate) async fn send(&self, call: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.vendor.post(call, body).await
    }

    /// The order as its hirer sees it.
    pub(crate) async fn order(&self) -> Order {
        let hirer = &self.seed.hirer;
        hirer.control.get_order(&hirer.tenant_key, &self.order_id).await.unwrap()
    }

    /// Runs `test`, then checks that the order and every row of the database are as they were.
    pub(crate) async fn stores_nothing(&self, test: impl AsyncFnOnce()) {
        let (rows, order) = (self.world.rows().await, json!(self.order().await));
        test().await;
        assert_eq!(json!(self.order().await), order);
        assert_same_rows(&rows, &self.world.rows().await, "nothing is stored");
    }
}

/// A body with the member at `pointer` set, or gone when `None`.
pub(crate) fn with(mut body: Value, pointer: &str, value: Option<&Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
    let parent = parent.unwrap_or_else(|| panic!("no object at {pointer}"));
    match value {
        Some(value) => parent.insert(name.to_owned(), value.clone()),
        None => parent.remove(name),
    };
    body
}
