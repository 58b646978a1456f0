//! Where store apps are installed, and what follows from it: calls, scopes, events.

use contract::control::{
    CreateAccount, DeliveryState, List, PutInstallation, TerminateOrder, UpdateApp,
};
use contract::event::Event;
use serde_json::json;

use super::harness::wire::{Ask, path};
use super::harness::{self, BEGIN, World};
use super::peer::Peer;
use super::{REACHED, SCOPES, app_token, install, outcome, store_app, tenant_token, tickets};

/// What was taken away takes hold at once, also for tokens that were given before.
#[tokio::test]
async fn an_installation_decides_where_and_what_a_store_app_may_call() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        let (one, other) = (world.hirer().await, world.hirer().await);
        let app_id = &app.app.app_id;
        install(&world, &app, &one, None).await;
        install(&world, &app, &other, Some(&SCOPES[1..])).await;
        world.settle().await;
        let ticket = tickets(&peer).remove(0).app_ticket;
        let (of_app, _) = app_token(&world, &app, &ticket).await.unwrap();
        let (token, _) = tenant_token(&world, &of_app, &one.tenant_key).await.unwrap();
        let (poor, _) = tenant_token(&world, &of_app, &other.tenant_key).await.unwrap();
        assert_eq!(outcome(&world, &token).await, REACHED);
        let missing = "400 99991672 Access denied. One of the following scopes is required: \
            [hire:background_check_order].";
        assert!(outcome(&world, &poor).await.starts_with(missing));
        // The tenant grants what was missing.
        install(&world, &app, &other, Some(&SCOPES)).await;
        assert_eq!(outcome(&world, &poor).await, REACHED);
        // The app itself gives it up: then no tenant's word helps.
        let scopes = Some(vec![SCOPES[1].to_owned()]);
        let body = UpdateApp { scopes, ..UpdateApp::default() };
        world.update_granted(app_id, &body).await.unwrap();
        assert!(outcome(&world, &token).await.starts_with(missing));
        let scopes = Some(SCOPES.map(str::to_owned).to_vec());
        let body = UpdateApp { scopes, ..UpdateApp::default() };
        world.update_granted(app_id, &body).await.unwrap();
        assert_eq!(outcome(&world, &token).await, REACHED);

        world.operator.delete_installation(app_id, &one.tenant_key).await.unwrap();
        assert_eq!(outcome(&world, &token).await, "400 99991673 unauthorized app");
        assert_eq!(outcome(&world, &poor).await, REACHED, "the other tenant keeps it");
        let refused = tenant_token(&world, &of_app, &one.tenant_key).await.unwrap_err();
        assert_eq!(refused["code"], 20009);
        install(&world, &app, &one, None).await;
        assert!(outcome(&world, &token).await.starts_with("400 99991663"), "for good");
        let (token, _) = tenant_token(&world, &of_app, &one.tenant_key).await.unwrap();
        assert_eq!(outcome(&world, &token).await, REACHED);
        world.operator.disable_app(app_id).await.unwrap();
        assert_eq!(outcome(&world, &token).await, "400 99991662 app not in use");
    })
    .await;
}

/// Events of both tenants reach the one webhook, each with its tenant's key.
#[tokio::test]
async fn events_of_every_tenant_reach_the_one_webhook_with_the_tenants_key() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        let mut expected = Vec::new();
        for _ in 0..2 {
            let hirer = world.hirer().await;
            install(&world, &app, &hirer, None).await;
            let body = CreateAccount::new(&app.app.app_id, "华东区");
            let account = hirer.control.create_account(&hirer.tenant_key, &body).await.unwrap();
            expected.push((hirer.tenant_key, account.account_id));
        }
        world.settle().await;
        let seen = peer.seen();
        let events = seen.iter().filter_map(|seen| contract::event::read(&seen.body).ok());
        let mut reported: Vec<_> = events
            .map(|(header, event)| {
                assert_eq!(header.app_id, app.app.app_id);
                let Event::AccountCreated(body) = event else { panic!("{event:?}") };
                (header.tenant_key, body.account_id)
            })
            .collect();
        reported.sort();
        expected.sort();
        assert_eq!(reported, expected);
        assert_eq!(tickets(&peer).len(), 1);
        // No tenant sees the app's ticket among its events.
        for (tenant_key, _) in reported {
            let all = Default::default();
            let listed = world.operator.list_events(&tenant_key, &all).await.unwrap();
            assert_eq!(listed.items.len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn what_happens_while_the_app_is_not_installed_is_held_until_it_is_again() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        let hirer = world.hirer().await;
        install(&world, &app, &hirer, None).await;
        let body = CreateAccount::new(&app.app.app_id, "华东区");
        let account = hirer.control.create_account(&hirer.tenant_key, &body).await.unwrap();
        world.settle().await;
        let ticket = tickets(&peer).remove(0).app_ticket;
        let (of_app, _) = app_token(&world, &app, &ticket).await.unwrap();
        let (token, _) = tenant_token(&world, &of_app, &hirer.tenant_key).await.unwrap();
        let packages = json!({
            "account_id": account.account_id,
            "package_list": [{"id": harness::PACKAGE, "name": "标准"}],
            "additional_item_list": [{"id": harness::ITEM, "name": "学历"}],
        });
        let publish = Ask::post(path("packages"), packages.to_string()).json().bearer(&token);
        assert_eq!(world.ask(&publish).await.outcome(), "200 0 success");
        let form = harness::form(&account.account_id);
        let order = hirer.control.place_order(&hirer.tenant_key, &form).await.unwrap();
        world.settle().await;
        let before = peer.seen().len();

        world.operator.delete_installation(&app.app.app_id, &hirer.tenant_key).await.unwrap();
        let body = TerminateOrder { reason: "候选人放弃".to_owned() };
        let (tenant_key, order_id) = (&hirer.tenant_key, &order.order_id);
        hirer.control.terminate_order(tenant_key, order_id, &body).await.unwrap();
        world.settle().await;
        assert_eq!(peer.seen().len(), before);
        let newest = async || {
            let listed = hirer.control.list_events(tenant_key, &Default::default()).await.unwrap();
            listed.items[0].delivery_state
        };
        assert_eq!(newest().await, DeliveryState::Held);
        install(&world, &app, &hirer, None).await;
        world.settle().await;
        assert_eq!(newest().await, DeliveryState::Delivered);
        let last = peer.seen().pop().unwrap();
        let (header, event) = contract::event::read(&last.body).unwrap();
        let Event::CheckCanceled(body) = event else { panic!("{event:?}") };
        assert_eq!((&header.tenant_key, &body.background_check_id), (tenant_key, order_id));
    })
    .await;
}

fn fields(refused: &client::control::Error) -> Vec<String> {
    let problem = refused.problem().unwrap();
    problem.errors.iter().map(|fault| fault.field.clone()).collect()
}

#[tokio::test]
async fn an_installation_is_put_read_listed_and_deleted() {
    World::each(async |world| {
        let app = store_app(&world, None, false).await;
        let app_id = &app.app.app_id;
        let (one, other) = (world.hirer().await, world.hirer().await);
        let operator = &world.operator;
        let all = PutInstallation::default();
        let put = world.install_granted(app_id, &one.tenant_key, &all).await.unwrap();
        assert_eq!((&put.app_id, &put.tenant_key), (app_id, &one.tenant_key));
        assert_eq!(put.scopes, SCOPES, "every scope of the app");
        assert_eq!(put.installed_at, "2026-11-18T12:26:40.000Z");
        assert_eq!(operator.get_installation(app_id, &one.tenant_key).await.unwrap(), put);
        // A repeat changes the scopes, and nothing else.
        world.clock.advance_ms(1_000);
        let poor = PutInstallation { scopes: Some(vec![SCOPES[1].to_owned()]) };
        let again = world.install_granted(app_id, &one.tenant_key, &poor).await.unwrap();
        assert_eq!(
            (&again.scopes[..], &again.installed_at),
            (&[SCOPES[1].to_owned()][..], &put.installed_at)
        );
        let second = world.install_granted(app_id, &other.tenant_key, &all).await.unwrap();
        let list = List { limit: Some(1), cursor: None };
        let page = operator.list_installations(app_id, &list).await.unwrap();
        assert_eq!(page.items, [second]);
        let list = List { limit: Some(1), cursor: page.next_cursor };
        let page = operator.list_installations(app_id, &list).await.unwrap();
        assert_eq!((page.items, page.next_cursor), (vec![again], None));
        operator.delete_installation(app_id, &one.tenant_key).await.unwrap();
        for refused in [
            operator.delete_installation(app_id, &one.tenant_key).await.unwrap_err(),
            operator.get_installation(app_id, &one.tenant_key).await.unwrap_err(),
            operator.get_installation(app_id, "0123456789abcdef").await.unwrap_err(),
            world.install_granted(app_id, "0123456789abcdef", &all).await.unwrap_err(),
            operator
                .put_installation("cli_0123456789abcdef", &one.tenant_key, &all)
                .await
                .unwrap_err(),
            operator
                .list_installations("cli_0123456789abcdef", &List::default())
                .await
                .unwrap_err(),
        ] {
            assert_eq!(refused.problem().unwrap().code, "not_found");
        }
        // An app takes its installations with it.
        operator.delete_app(app_id).await.unwrap();
        let refused = operator.get_installation(app_id, &other.tenant_key).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not_found");
        assert_eq!(world.clock.now(), BEGIN.plus_ms(1_000));
    })
    .await;
}

#[tokio::test]
async fn a_wrong_installation_stores_nothing() {
    World::each(async |world| {
        let app = store_app(&world, None, false).await;
        let hirer = world.hirer().await;
        let own = world.create_app(&hirer, None, false).await;
        let before = world.rows().await;
        let all = PutInstallation::default();
        let refused = world.install_granted(&own.app.app_id, &hirer.tenant_key, &all).await;
        assert_eq!(refused.unwrap_err().problem().unwrap().code, "conflict");
        let scopes = [SCOPES[0], "hire:exam", "hire:nothing", SCOPES[0], ""];
        let body = PutInstallation { scopes: Some(scopes.map(str::to_owned).to_vec()) };
        let refused = world.install_granted(&app.app.app_id, &hirer.tenant_key, &body).await;
        let mut named = fields(&refused.unwrap_err());
        named.sort();
        assert_eq!(named, ["scopes[1]", "scopes[2]", "scopes[3]", "scopes[4]"]);
        let path = format!("/api/v1/apps/{}/installations/{}", app.app.app_id, hirer.tenant_key);
        for body in ["{", "[]", r#"{"scope":[]}"#, r#"{"scopes":7}"#, r#"{"scopes":[7]}"#] {
            let request = world.request("PUT", &path, &world.operator_key);
            let request = request.header("content-type", "application/json").body(body);
            let status = request.send().await.unwrap().status();
            assert_eq!(status, 400, "{body}");
        }
        assert_eq!(before, world.rows().await);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_bound_to_a_store_app_where_it_is_installed_only() {
    World::each(async |world| {
        let app = store_app(&world, None, false).await;
        let (one, other) = (world.hirer().await, world.hirer().await);
        install(&world, &app, &one, None).await;
        let body = CreateAccount::new(&app.app.app_id, "华东区");
        one.control.create_account(&one.tenant_key, &body).await.unwrap();
        let refused = other.control.create_account(&other.tenant_key, &body).await.unwrap_err();
        assert_eq!(fields(&refused), ["app_id"]);
    })
    .await;
}
