//! Packages and additional items, over the wire on both engines: increment, renaming, deletion, ids that are taken,
//! unknown or deleted; and the account that is another's. Source: contract, sections 3.3 and 7 (Q12, Q13, Q16).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use harness::scene::{Scene, with};
use harness::{ITEM, PACKAGE, World};
use serde_json::{Value, json};

const DONE: &str = "200 0 success";
const DONE_CAPITAL: &str = "200 0 SUCCESS";

/// A refusal with the member that it names.
fn refused(status: u16, code: u32, msg: &str, field: &str, expected: &str) -> String {
    format!("{status} {code} {msg} | {field}: {expected}")
}

impl Scene<'_> {
    /// Packages and items of the account as its hirer sees them: id and name.
    async fn packages(&self) -> (Vec<(String, String)>, Vec<(String, String)>) {
        let (hirer, account_id) = (&self.seed.hirer, &self.seed.account.account_id);
        let account = hirer.control.get_account(&hirer.tenant_key, account_id).await.unwrap();
        (
            account.packages.into_iter().map(|package| (package.id, package.name)).collect(),
            account.additional_items.into_iter().map(|item| (item.id, item.name)).collect(),
        )
    }
}

#[tokio::test]
async fn packages_are_renamed_deleted_and_may_come_back() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let account_id = &scene.seed.account.account_id;
        let entry = |id: &str, name: &str| json!({"id": id, "name": name});
        let body = |packages: &[Value], items: &[Value]| {
            json!({
                "account_id": account_id,
                "package_list": packages,
                "additional_item_list": items,
            })
        };
        let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
        // Each creation adds.
        let more = body(&[entry("pkg-b", "高级套餐")], &[]);
        assert_eq!(scene.post("packages", &more).await, DONE);
        let change = body(&[entry("pkg-b", "尊享套餐")], &[entry(ITEM, "学历")]);
        assert_eq!(scene.post("packages_update", &change).await, DONE);
        let items_alone = body(&[], &[entry(ITEM, "学历核验")]);
        assert_eq!(scene.post("packages_update", &items_alone).await, DONE);
        let (packages, items) = scene.packages().await;
        assert_eq!(packages, [pair(PACKAGE, "标准套餐"), pair("pkg-b", "尊享套餐")]);
        assert_eq!(items, [pair(ITEM, "学历核验")]);

        let (create, delete) = ("account package not found", "account package not found");
        let has = "expected an id that the account has";
        scene
            .stores_nothing(async || {
                // A refused call stores nothing of what stands before its fault.
                for (name, body, path, id, expected) in [
                    (
                        "packages",
                        body(&[entry("pkg-c", "c"), entry("pkg-b", "b")], &[]),
                        "package_list[1].id",
                        "pkg-b",
                        "expected an id that the account does not have yet",
                    ),
                    (
                        "packages",
                        body(&[entry("pkg-c", "c")], &[entry("x", "x"), entry(ITEM, "i")]),
                        "additional_item_list[1].id",
                        ITEM,
                        "expected an id that the account does not have yet",
                    ),
                    (
                        "packages",
                        body(&[entry("pkg-c", "c"), entry("pkg-c", "d")], &[]),
                        "package_list[1].id",
                        "pkg-c",
                        "expected each id once",
                    ),
                    (
                        "packages_update",
                        body(&[entry("pkg-b", "x"), entry("pkg-c", "c")], &[]),
                        "package_list[1].id",
                        "pkg-c",
                        has,
                    ),
                    // An item's id is no package's.
                    (
                        "packages_update",
                        body(&[entry(ITEM, "x")], &[]),
                        "package_list[0].id",
                        ITEM,
                        has,
                    ),
                    (
                        "packages_update",
                        body(&[], &[entry(ITEM, "x"), entry(ITEM, "x")]),
                        "additional_item_list[1].id",
                        ITEM,
                        "expected each id once",
                    ),
                ] {
                    let path = format!("{path}={id}");
                    let expected = refused(400, 1_002_001, create, &path, expected);
                    assert_eq!(scene.post(name, &body).await, expected);
                }
                for (packages, items, path, expected) in [
                    (json!(["pkg-b", "pkg-c"]), json!([]), "package_id_list[1]=pkg-c", has),
                    (json!(["pkg-b"]), json!(["x"]), "additional_item_id_list[0]=x", has),
                    (
                        json!(["pkg-b", "pkg-b"]),
                        json!([]),
                        "package_id_list[1]=pkg-b",
                        "expected each id once",
                    ),
                ] {
                    let body = json!({
                        "account_id": account_id,
                        "package_id_list": packages,
                        "additional_item_id_list": items,
                    });
                    let expected = refused(400, 1_002_859, delete, path, expected);
                    assert_eq!(scene.post("packages_delete", &body).await, expected);
                }
                for nothing in [
                    json!({"account_id": account_id}),
                    json!({"account_id": account_id, "package_id_list": [], "additional_item_id_list": null}),
                ] {
                    assert_eq!(scene.post("packages_delete", &nothing).await, DONE_CAPITAL);
                }
            })
            .await;

        let body = scene.body("packages_delete");
        assert_eq!(scene.post("packages_delete", &body).await, DONE_CAPITAL);
        let (packages, items) = scene.packages().await;
        assert_eq!((packages, items), (vec![pair("pkg-b", "尊享套餐")], vec![]));
        let expected = format!("package_id_list[0]={PACKAGE}");
        let expected = refused(400, 1_002_859, delete, &expected, has);
        assert_eq!(scene.post("packages_delete", &body).await, expected);
        // A deleted id may be created again (question 12).
        let again = json!({
            "account_id": account_id,
            "package_list": [entry(PACKAGE, "新套餐")],
        });
        assert_eq!(scene.post("packages", &again).await, DONE);
        assert!(scene.packages().await.0.contains(&pair(PACKAGE, "新套餐")));
    })
    .await;
}

/// An account that is unknown, another app's or another tenant's: each call has its own code, and nothing says one
/// from the other.
#[tokio::test]
async fn a_foreign_account_is_not_found() {
    const REFUSALS: [(&str, &str); 6] = [
        ("check_fields", "400 1002855 background check custom field is exist not allow to create"),
        ("check_fields_update", "400 1002001 background check custom field is not exist"),
        ("check_fields_delete", "400 1002860 background check custom field cannot be deleted"),
        ("packages", "400 1002001 account package not found"),
        ("packages_update", "400 1002001 account package not found"),
        ("packages_delete", "400 1002859 account package not found"),
    ];
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let form = scene.body("check_fields");
        assert_eq!(scene.post("check_fields", &form).await, DONE);
        let other_app = world.create_app(&scene.seed.hirer, None, false).await;
        let other_app = world.caller(&other_app).await;
        let foreign = Scene::new(&world).await;
        scene
            .stores_nothing(async || {
                for (name, refusal) in REFUSALS {
                    let expected =
                        format!("{refusal} | account_id: expected an account of this app");
                    let body = scene.body(name);
                    for caller in [&other_app, &foreign.vendor] {
                        let answer = caller.post(name, body.to_string()).await;
                        assert_eq!(answer.outcome(), expected, "{name}");
                    }
                    let own = &scene.seed.account.account_id;
                    for id in ["6931286400470354183", "0", "-1", "x", " ", &format!("{own} ")] {
                        let body = with(body.clone(), "/account_id", Some(&json!(id)));
                        assert_eq!(scene.post(name, &body).await, expected, "{name} {id}");
                    }
                }
            })
            .await;
        // Nor is an account that was unbound.
        let hirer = &scene.seed.hirer;
        let account_id = &scene.seed.account.account_id;
        hirer.control.delete_account(&hirer.tenant_key, account_id).await.unwrap();
        for (name, refusal) in REFUSALS {
            let outcome = scene.post(name, &scene.body(name)).await;
            assert!(outcome.starts_with(refusal), "{name}: {outcome}");
        }
    })
    .await;
}
