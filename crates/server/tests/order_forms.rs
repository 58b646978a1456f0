//! The vendor gets each value of its form as the contract encodes it. Source: contract, 3.2, 3.3, 3.5.2, 7 (Q14).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use contract::control::{CreateAccount, CreateTenant, FieldValue, Order, PlaceOrder};
use contract::event::{CheckCreated, Event};
use harness::wire::Caller;
use harness::{ITEM, PACKAGE, Seed, World, form};
use peer::Peer;
use reqwest::Response;
use serde_json::{Value, json};

/// A hirer, and a vendor that published a form with all types of fields; its events go to `peer`.
struct Scene<'w> {
    world: &'w World,
    seed: Seed,
    vendor: Caller<'w>,
    peer: Peer,
}

fn label(zh: &str) -> Value {
    json!({"zh_cn": zh})
}

/// One field of each type, its key the type's name.
fn all_fields() -> Vec<Value> {
    let options = json!([{"key": "a", "name": label("甲")}, {"key": "b", "name": label("乙")}]);
    ["text", "textarea", "number", "boolean", "select", "multiselect", "date", "file", "resume"]
        .iter()
        .map(|kind| {
            let is_required = matches!(*kind, "text" | "select" | "resume");
            let mut field =
                json!({"type": kind, "key": kind, "name": label(kind), "is_required": is_required});
            if matches!(*kind, "select" | "multiselect") {
                field["options"] = options.clone();
            }
            field
        })
        .collect()
}

impl<'w> Scene<'w> {
    async fn new(world: &'w World) -> Scene<'w> {
        let peer = Peer::willing().await;
        let url = peer.url("/");
        let tenant = CreateTenant::named("星河科技");
        let seed = world.seed_with(&tenant, Some(&url), false).await;
        let vendor = world.caller(&seed.app).await;
        let scene = Scene { world, seed, vendor, peer };
        scene.publish(&all_fields()).await;
        scene
    }

    async fn publish(&self, fields: &[Value]) {
        let body = json!({"account_id": self.account_id(), "custom_field_list": fields});
        self.succeeds("check_fields", &body).await;
    }

    async fn succeeds(&self, name: &str, body: &Value) {
        let outcome = self.vendor.post(name, body.to_string()).await.outcome();
        assert!(outcome.starts_with("200 0 "), "{name}: {outcome}");
    }

    fn account_id(&self) -> &str {
        &self.seed.account.account_id
    }

    fn body(&self, values: &[(&str, &str)]) -> PlaceOrder {
        let value = |(key, value): &(&str, &str)| FieldValue {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        PlaceOrder {
            custom_field_list: values.iter().map(value).collect(),
            ..form(self.account_id())
        }
    }

    async fn place(&self, body: &PlaceOrder) -> Order {
        let hirer = &self.seed.hirer;
        hirer.control.place_order(&hirer.tenant_key, body).await.unwrap()
    }

    /// What is wrong with the order: each member with its message.
    async fn refusal(&self, body: &PlaceOrder) -> Vec<String> {
        let hirer = &self.seed.hirer;
        let error = hirer.control.place_order(&hirer.tenant_key, body).await.unwrap_err();
        let problem = error.problem().unwrap_or_else(|| panic!("{error}"));
        assert_eq!((problem.status, problem.code.as_str()), (400, "validation_failed"));
        problem.errors.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect()
    }

    async fn order(&self, order_id: &str) -> Order {
        let hirer = &self.seed.hirer;
        hirer.control.get_order(&hirer.tenant_key, order_id).await.unwrap()
    }

    /// Uploads a file; gives its id.
    async fn file(&self, name: &str, content: &[u8]) -> String {
        let hirer = &self.seed.hirer;
        let file =
            hirer.control.create_file(&hirer.tenant_key, name, content.to_vec()).await.unwrap();
        assert_eq!((file.name.as_str(), file.size_bytes), (name, content.len() as u64));
        file.file_id
    }

    /// The last order that the vendor was notified of.
    async fn reported(&self) -> CheckCreated {
        self.world.settle().await;
        let order = |seen: &peer::Seen| match seen.event().1 {
            Event::CheckCreated(created) => Some(*created),
            _ => None,
        };
        self.peer.seen().iter().rev().find_map(order).unwrap()
    }
}

fn value<'a>(reported: &'a CheckCreated, key: &str) -> &'a str {
    &reported.custom_field_list.iter().find(|value| value.key == key).unwrap().value
}

/// The address of the first file of a field.
fn link(reported: &CheckCreated, key: &str) -> String {
    let files: Value = serde_json::from_str(value(reported, key)).unwrap();
    files[0]["url"].as_str().unwrap().to_owned()
}

async fn get(world: &World, url: &str) -> Response {
    world.http.get(url).send().await.unwrap()
}

async fn status(world: &World, url: &str) -> u16 {
    get(world, url).await.status().as_u16()
}

#[tokio::test]
async fn every_fault_of_the_form_is_named_at_once_and_nothing_is_stored() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let other = world.seed().await;
        let foreign = other.hirer.control.create_file(&other.hirer.tenant_key, "cv", vec![1]);
        let foreign = format!("[\"{}\"]", foreign.await.unwrap().file_id);
        let rows = world.rows().await;
        let body = PlaceOrder {
            package_id: "nowhere".to_owned(),
            additional_item_id_list: vec![ITEM.to_owned(), "nothing".to_owned()],
            ..scene.body(&[
                ("unknown", "x"),
                ("text", &"长".repeat(101)),
                ("textarea", &"长".repeat(201)),
                ("number", "1e3"),
                ("boolean", "yes"),
                ("select", "甲"),
                ("multiselect", "[\"a\",\"c\"]"),
                ("date", "2026-11-18"),
                ("file", "cv.pdf"),
            ])
        };
        let expected = [
            "package_id: expected a package of the account",
            "additional_item_id_list[1]: expected an additional item of the account",
            "custom_field_list[0].key: expected a key of the vendor's form",
            "custom_field_list[1].value: expected at most 100 characters, came 101",
            "custom_field_list[2].value: expected at most 200 characters, came 201",
            "custom_field_list[3].value: expected a decimal number of at most 40 characters, as -12.5",
            "custom_field_list[4].value: expected true or false",
            "custom_field_list[5].value: expected the key of one of the field's options",
            "custom_field_list[6].value: expected a JSON array of keys of the field's options, each once",
            "custom_field_list[7].value: expected milliseconds since the epoch, within the years 1 to 9999",
            "custom_field_list[8].value: expected a JSON array of 1 to 20 file ids, each once",
            "custom_field_list: expected a value of the required field resume",
        ];
        assert_eq!(scene.refusal(&body).await, expected);
        let nowhere = "[\"6931286400470354183\"]";
        for file in [nowhere, foreign.as_str()] {
            let body = scene.body(&[("text", "x"), ("select", "a"), ("resume", file)]);
            let expected = ["custom_field_list[2].value: expected ids of files that were uploaded \
                             to the tenant"];
            assert_eq!(scene.refusal(&body).await, expected);
        }
        let body = scene.body(&[("text", " "), ("select", ""), ("resume", "[]")]);
        let expected = [
            "custom_field_list[0].value: is required",
            "custom_field_list[1].value: is required",
            "custom_field_list[2].value: is required",
        ];
        assert_eq!(scene.refusal(&body).await, expected);
        harness::rows::assert_same_rows(&rows, &world.rows().await, "nothing is stored");

        // An account without a form has no fields that could be filled.
        let body = PlaceOrder {
            custom_field_list: vec![FieldValue { key: "degree".into(), value: "b".into() }],
            ..form(&other.account.account_id)
        };
        let error = other.hirer.control.place_order(&other.hirer.tenant_key, &body).await;
        let problem = error.unwrap_err().problem().unwrap().clone();
        assert_eq!(problem.errors[0].field, "custom_field_list[0].key");
    })
    .await;
}

#[tokio::test]
async fn the_vendor_gets_every_type_of_value_as_a_text_and_files_as_links() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let content: Vec<u8> = (0..200_000_u32).map(|at| (at % 253) as u8).collect();
        let (cv, more) =
            (scene.file("简历 张三.docx", &content).await, scene.file("b.txt", b"b").await);
        let files = format!("[\"{more}\"]");
        let resumes = format!("[\"{cv}\", \"{more}\"]");
        let order = scene
            .place(&scene.body(&[
                ("resume", &resumes),
                ("date", "-62135596800000"),
                ("multiselect", "[ \"b\", \"a\" ]"),
                ("select", "b"),
                ("boolean", "false"),
                ("number", "-12.50"),
                ("textarea", "一\n二"),
                ("text", " 学历 / \"x\" "),
                ("file", &files),
            ]))
            .await;
        let reported = scene.reported().await;
        assert_eq!(reported.background_check_id, order.order_id);
        let keys: Vec<_> = reported.custom_field_list.iter().map(|it| it.key.as_str()).collect();
        let in_order = [
            "text",
            "textarea",
            "number",
            "boolean",
            "select",
            "multiselect",
            "date",
            "file",
            "resume",
        ];
        assert_eq!(keys, in_order, "in the order of the vendor's form");
        for (key, expected) in [
            ("text", " 学历 / \"x\" "),
            ("textarea", "一\n二"),
            ("number", "-12.50"),
            ("boolean", "false"),
            ("select", "b"),
            ("multiselect", r#"["b","a"]"#),
            ("date", "-62135596800000"),
        ] {
            assert_eq!(value(&reported, key), expected);
        }
        let resumes: Value = serde_json::from_str(value(&reported, "resume")).unwrap();
        let names: Vec<_> = resumes.as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(names, ["简历 张三.docx", "b.txt"]);
        let members = resumes[0].as_object().unwrap();
        assert_eq!(members.keys().collect::<Vec<_>>(), ["name", "url"]);

        let url = link(&reported, "resume");
        assert!(url.starts_with(&format!("{}/content/", world.server())), "{url}");
        let answer = get(&world, &url).await;
        assert_eq!(answer.status(), 200);
        let size = content.len().to_string();
        for (name, expected) in [
            ("content-type", "application/octet-stream"),
            (
                "content-disposition",
                "attachment; filename=\"__ __.docx\"; \
                 filename*=UTF-8''%E7%AE%80%E5%8E%86%20%E5%BC%A0%E4%B8%89.docx",
            ),
            ("content-length", size.as_str()),
            ("content-security-policy", "sandbox"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.headers()[name], expected, "{name}");
        }
        assert_eq!(answer.bytes().await.unwrap(), content);
        assert_eq!(
            get(&world, &link(&reported, "file")).await.bytes().await.unwrap(),
            b"b".as_slice()
        );
    })
    .await;
}

#[tokio::test]
async fn a_link_to_a_file_is_good_for_one_hour_and_only_unaltered() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let file = format!("[\"{}\"]", scene.file("cv.pdf", b"%PDF").await);
        let body = scene.body(&[("text", "x"), ("select", "a"), ("resume", &file)]);
        let order = scene.place(&body).await;
        let reported = scene.reported().await;
        let url = link(&reported, "resume");
        let (path, signed) = url.rsplit_once('/').unwrap();
        // Kind, tenant, order, object, expiry and MAC.
        for place in [0, 2, 11, 23, 30, 36, 45, 59] {
            let mut altered = signed.to_owned().into_bytes();
            altered[place] = if altered[place] == b'x' { b'y' } else { b'x' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(status(&world, &format!("{path}/{altered}")).await, 404, "{place}");
        }
        world.clock.advance_ms(3_599_000);
        assert_eq!(status(&world, &url).await, 200);
        world.clock.advance_ms(1_000);
        let answer = get(&world, &url).await;
        assert_eq!(answer.status(), 403);
        assert!(answer.text().await.unwrap().contains("older than one hour"));

        // An event that is sent again carries a fresh link.
        let hirer = &scene.seed.hirer;
        let events = hirer.control.list_events(&hirer.tenant_key, &Default::default()).await;
        let event_id = events.unwrap().items[0].event_id.clone();
        hirer.control.resend_event(&hirer.tenant_key, &event_id).await.unwrap();
        let again = scene.reported().await;
        assert_eq!(again.background_check_id, order.order_id);
        assert_ne!(link(&again, "resume"), url);
        assert_eq!(status(&world, &link(&again, "resume")).await, 200);

        // Without its object, or with another one's bytes, nothing is given.
        let file_id = order.custom_field_list.iter().find(|it| it.key == "resume").unwrap();
        let ids: Vec<String> = serde_json::from_str(&file_id.value).unwrap();
        world.app.hub.objects.remove(ids[0].parse().unwrap()).await.unwrap();
        assert_eq!(status(&world, &link(&again, "resume")).await, 500);
    })
    .await;
}

#[tokio::test]
async fn an_order_keeps_the_form_that_it_was_placed_with() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let file = format!("[\"{}\"]", scene.file("cv.pdf", b"%PDF").await);
        let values =
            [("text", "x"), ("select", "a"), ("multiselect", "[\"b\"]"), ("resume", &file)];
        let order = scene.place(&scene.body(&values)).await;
        let reported = scene.reported().await;
        assert_eq!(json!(order.form.fields), json!(all_fields()));
        let package = order.form.package.clone().unwrap();
        assert_eq!((package.id.as_str(), package.name.as_str()), (PACKAGE, "标准套餐"));
        assert_eq!(order.form.additional_items[0].name, "学历核实");

        // Names that the vendor changes show on the order.
        let mut renamed = all_fields();
        renamed[0]["name"] = label("新名");
        let body = json!({"account_id": scene.account_id(), "custom_field_list": renamed});
        scene.succeeds("check_fields_update", &body).await;
        let body = json!({
            "account_id": scene.account_id(),
            "package_list": [{"id": PACKAGE, "name": "新套餐"}],
        });
        scene.succeeds("packages_update", &body).await;
        let shown = scene.order(&order.order_id).await;
        assert_eq!(json!(shown.form.fields), json!(renamed));
        assert_eq!(shown.form.package.as_ref().unwrap().name, "新套餐");
        assert_eq!(shown.custom_field_list, order.custom_field_list);

        // What it replaces or deletes stays with the order, and so does an account that is gone.
        scene.publish(&all_fields()[..1]).await;
        let account = json!({"account_id": scene.account_id()});
        scene.succeeds("check_fields_delete", &account).await;
        let body = json!({
            "account_id": scene.account_id(),
            "package_id_list": [PACKAGE],
            "additional_item_id_list": [ITEM],
        });
        scene.succeeds("packages_delete", &body).await;
        let expected = [
            "package_id: expected a package of the account, whose vendor publishes none",
            "additional_item_id_list[0]: expected an additional item of the account",
            "custom_field_list[0].key: expected a key of the vendor's form",
        ];
        assert_eq!(scene.refusal(&scene.body(&values[..1])).await, expected);
        for _ in 0..2 {
            assert_eq!(json!(scene.order(&order.order_id).await), json!(shown));
            let hirer = &scene.seed.hirer;
            let account_id = scene.account_id();
            let _ = hirer.control.delete_account(&hirer.tenant_key, account_id).await;
        }

        // The vendor is notified the same again.
        let hirer = &scene.seed.hirer;
        let events = hirer.control.list_events(&hirer.tenant_key, &Default::default()).await;
        let event_id = events.unwrap().items[0].event_id.clone();
        hirer.control.resend_event(&hirer.tenant_key, &event_id).await.unwrap();
        let again = scene.reported().await;
        assert!(again == reported, "the same values, and links of the same second");
    })
    .await;
}

#[tokio::test]
async fn an_account_is_bound_with_what_the_app_asks() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let (hirer, app_id) = (&scene.seed.hirer, &scene.seed.app.app.app_id);
        let form = hirer.control.get_account_form(&hirer.tenant_key, app_id).await.unwrap();
        assert_eq!(form.fields, []);
        let fields = json!([
            {"key": "code", "name": label("企业代码"), "is_required": true},
            {"key": "contact", "name": label("联系人"), "is_required": false},
        ]);
        let body = json!({"scope": 1, "custom_field_list": fields});
        scene.succeeds("account_fields", &body).await;
        let form = hirer.control.get_account_form(&hirer.tenant_key, app_id).await.unwrap();
        assert_eq!(json!(form.fields), fields);
        // Another tenant does not see the app.
        let stranger = world.hirer().await;
        let error = stranger.control.get_account_form(&stranger.tenant_key, app_id).await;
        assert_eq!(error.unwrap_err().problem().unwrap().code, "not_found");

        let bind = async |values: &[(&str, &str)]| {
            let body = CreateAccount {
                custom_field_list: scene.body(values).custom_field_list,
                ..CreateAccount::new(app_id, "华南区")
            };
            hirer.control.create_account(&hirer.tenant_key, &body).await
        };
        let error = bind(&[("nowhere", "x")]).await.unwrap_err();
        let faults: Vec<_> =
            error.problem().unwrap().errors.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(faults, ["custom_field_list[0].key", "custom_field_list"]);
        let account = bind(&[("code", "XH-7")]).await.unwrap();
        assert_eq!(account.custom_field_list[0].value, "XH-7");

        // Values stay when the form changes. Source: contract, section 3.1.3.
        let body = json!({"scope": 1, "custom_field_key_list": ["code"]});
        scene.succeeds("account_fields_delete", &body).await;
        let shown = hirer.control.get_account(&hirer.tenant_key, &account.account_id).await;
        assert_eq!(shown.unwrap().custom_field_list, account.custom_field_list);
        assert!(bind(&[("contact", "王五")]).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_file_is_taken_whole_once_and_purged_when_no_order_uses_it() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let (hirer, path) =
            (&scene.seed.hirer, format!("/api/v1/tenants/{}/files", scene.seed.hirer.tenant_key));
        let ask = |query: &str, key: &str, content: Vec<u8>| {
            let request = world.request("POST", &format!("{path}{query}"), &hirer.key);
            request.header("idempotency-key", key).body(content).send()
        };
        for (query, content, status, field) in [
            ("", vec![1], 400, "name"),
            ("?name=", vec![1], 400, "name"),
            ("?name=a&x=1", vec![1], 400, "x"),
            ("?name=a", vec![], 400, "body"),
        ] {
            let answer = ask(query, "k-0", content).await.unwrap();
            assert_eq!(answer.status(), status, "{query}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
        }
        let long = format!("?name={}", "a".repeat(256));
        assert_eq!(ask(&long, "k-0", vec![1]).await.unwrap().status(), 400);
        let large = vec![0; 10 * 1024 * 1024 + 1];
        assert_eq!(ask("?name=a", "k-0", large).await.unwrap().status(), 413);
        for role in ["approver", "privacy_officer", "auditor"] {
            let key = world.member_key(hirer, role).await;
            let answer = world.request("POST", &format!("{path}?name=a"), &key).body("x").send();
            assert_eq!(answer.await.unwrap().status(), 403, "{role}");
        }

        // A repeat finds the first answer; another content under the same key does not.
        let largest = vec![7; 10 * 1024 * 1024];
        let first = ask("?name=a.bin", "k-1", largest.clone()).await.unwrap();
        assert_eq!(first.status(), 201);
        let first = first.bytes().await.unwrap();
        let again = ask("?name=a.bin", "k-1", largest).await.unwrap();
        assert_eq!(again.bytes().await.unwrap(), first);
        assert_eq!(ask("?name=a.bin", "k-1", vec![8]).await.unwrap().status(), 422);

        // Used by an order it stays; unused it goes after a day.
        let unused: Value = serde_json::from_slice(&first).unwrap();
        let unused = unused["file_id"].as_str().unwrap().to_owned();
        let used = scene.file("cv.pdf", b"%PDF").await;
        let ids = format!("[\"{used}\"]");
        let body = scene.body(&[("text", "x"), ("select", "a"), ("resume", &ids)]);
        scene.place(&body).await;
        let is_there = async |id: &str| {
            let name = format!("{:016x}", id.parse::<i64>().unwrap());
            let listed = world.app.hub.objects.list("", 1_000).await.unwrap();
            listed.iter().any(|object| object.path.ends_with(&name))
        };
        world.clock.advance_ms(86_400_000 - 3_600_000);
        world.settle().await;
        assert!(is_there(&unused).await && is_there(&used).await);
        world.clock.advance_ms(3_600_001);
        world.settle().await;
        assert!(!is_there(&unused).await && is_there(&used).await);
        let ids = format!("[\"{unused}\"]");
        let body = scene.body(&[("text", "x"), ("select", "a"), ("resume", &ids)]);
        assert_eq!(scene.refusal(&body).await.len(), 1);
    })
    .await;
}
