//! Forms: saved whole from the version that was seen, replaced, renamed, deleted, and stored for their orders.

use contract::field::{AccountField, AccountScope, CheckField, FieldType, I18n};
use domain::{AppId, Id, TenantId};
use store::Saved;
use store::forms::AccountForm;

use crate::support::*;

on_both!(
    an_account_form_is_saved_from_the_version_that_was_seen,
    an_app_that_is_deleted_takes_its_forms_along,
    one_check_form_is_in_force_and_the_others_stay_for_their_orders,
);

fn account_field(key: &str) -> AccountField {
    let name = I18n { zh_cn: Some("企业代码".into()), en_us: None };
    AccountField { key: key.into(), name, is_required: true, description: None }
}

fn check_field(key: &str, name: &str) -> CheckField {
    CheckField {
        kind: FieldType::Date,
        key: key.into(),
        name: I18n { zh_cn: None, en_us: Some(name.into()) },
        is_required: false,
        description: Some(I18n::default()),
        options: vec![],
    }
}

async fn an_account_form_is_saved_from_the_version_that_was_seen(world: &World) {
    let (app_id, scope) = (AppId(1), AccountScope::BackgroundCheck);
    let store = &world.store;
    let get = async |scope| store.get_account_form(app_id, scope).await.unwrap();
    let save =
        async |form: &AccountForm| store.save_account_form(app_id, scope, form, NOW).await.unwrap();
    assert_eq!(get(scope).await, AccountForm::default());
    let first = AccountForm { fields: vec![account_field("a")], ..AccountForm::default() };
    assert_eq!(save(&first).await, Saved::Done);
    assert_eq!(save(&first).await, Saved::Outdated, "there is one already");
    let seen = get(scope).await;
    assert_eq!((seen.fields.clone(), seen.version), (first.fields, 1));
    let second = AccountForm { retired_keys: vec!["b".into()], ..seen };
    assert_eq!(save(&second).await, Saved::Done);
    assert_eq!(save(&second).await, Saved::Outdated, "it changed meanwhile");
    assert_eq!(get(scope).await, AccountForm { version: 2, ..second });
    assert_eq!(get(AccountScope::Exam).await, AccountForm::default());
    let other = store.get_account_form(AppId(2), scope).await.unwrap();
    assert_eq!(other, AccountForm::default());
}

async fn an_app_that_is_deleted_takes_its_forms_along(world: &World) {
    let app = crate::tenancy::new_app(&world.store, AppId(1), None);
    world.store.create_app(BY, &app, None).await.unwrap();
    let form = AccountForm { fields: vec![account_field("a")], ..AccountForm::default() };
    let scope = AccountScope::Exam;
    world.store.save_account_form(app.app_id, scope, &form, NOW).await.unwrap();
    assert_eq!(world.store.delete_app(BY, app.app_id).await.unwrap(), Saved::Done);
    let found = world.store.get_account_form(app.app_id, scope).await.unwrap();
    assert_eq!(found, AccountForm::default());
}

async fn one_check_form_is_in_force_and_the_others_stay_for_their_orders(world: &World) {
    let (tenant_id, account_id) = (TenantId(3), Id(4));
    let store = &world.store;
    let find = async || store.find_check_form(tenant_id, account_id).await.unwrap();
    let replace = async |seen, key: &str| {
        let fields = [check_field(key, key)];
        store.replace_check_form(tenant_id, account_id, seen, &fields, NOW).await.unwrap()
    };
    assert_eq!(find().await, None);
    assert_eq!(replace(None, "a").await, Saved::Done);
    assert_eq!(replace(None, "b").await, Saved::Outdated, "one is in force");
    let first = find().await.unwrap();
    assert_eq!((&first.fields[..], first.version), (&[check_field("a", "a")][..], 1));

    let fields = [check_field("a", "day")];
    let rename =
        async |seen| store.rename_check_form(tenant_id, account_id, seen, &fields).await.unwrap();
    assert_eq!(rename(&first).await, Saved::Done);
    assert_eq!(rename(&first).await, Saved::Outdated);
    assert_eq!(replace(Some(&first), "b").await, Saved::Outdated);
    let renamed = find().await.unwrap();
    assert_eq!((renamed.form_id, &renamed.fields[..]), (first.form_id, &fields[..]));
    assert_eq!(replace(Some(&renamed), "b").await, Saved::Done);
    assert_eq!(store.list_retired_keys(tenant_id, account_id).await.unwrap(), [""; 0]);

    let second = find().await.unwrap();
    assert_ne!(second.form_id, first.form_id);
    let delete = async |seen| store.delete_check_form(tenant_id, account_id, seen).await.unwrap();
    assert_eq!(delete(&first).await, Saved::Outdated, "it is no longer in force");
    assert_eq!(delete(&second).await, Saved::Done);
    assert_eq!(find().await, None);
    assert_eq!(store.list_retired_keys(tenant_id, account_id).await.unwrap(), ["b"]);

    // An order shows the form that it was placed with, with its last names.
    let of_order = async |tenant_id, account_id, form_id| {
        let found = store.find_form_of_order(tenant_id, account_id, form_id).await.unwrap();
        found.map(|form| form.fields)
    };
    assert_eq!(of_order(tenant_id, account_id, first.form_id).await.unwrap(), fields);
    assert!(of_order(tenant_id, account_id, second.form_id).await.is_some());
    assert_eq!(of_order(TenantId(4), account_id, first.form_id).await, None);
    assert_eq!(of_order(tenant_id, Id(5), first.form_id).await, None);
}
