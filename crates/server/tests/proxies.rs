//! Clients behind proxies, as the server sees them: in address lists, in the ledger of views, among the long
//! connections, and in the addresses that it hands out.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod line;

use contract::check::ReportUrlType;
use contract::control::{List, UpdateApp};
use harness::filed::Filed;
use harness::{BEGIN, Engine, Seed, World};
use serde_json::{Value, json};
use system::clock::Clock;

/// A World that trusts the proxies at `proxies`; its tests come from 127.0.0.1.
async fn behind(engine: Engine, proxies: &[&str]) -> World {
    World::start(engine, Clock::manual(BEGIN), false, |config| {
        config.trusted_proxies = proxies.iter().map(|&text| text.to_owned()).collect();
    })
    .await
}

/// Lets only `range` call as the app.
async fn allow(world: &World, seed: &Seed, range: &str) {
    let ip_allowlist = Some(vec![range.to_owned()]);
    let body = UpdateApp { ip_allowlist, ..UpdateApp::default() };
    world.update_granted(&seed.app.app.app_id, &body).await.unwrap();
}

/// A call of the vendor's with these headers; the code of its answer, and its text.
async fn call(world: &World, seed: &Seed, headers: &[(&str, &str)]) -> (i64, String) {
    let token = seed.vendor.tenant_access_token().await.unwrap();
    let path = "/open-apis/hire/v1/eco_background_checks/cancel";
    let mut request =
        world.request("POST", path, &token).json(&json!({"background_check_id": "1"}));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    (answer["code"].as_i64().unwrap(), answer["msg"].as_str().unwrap().to_owned())
}

/// The address that a client with these headers is given for its long connection.
async fn endpoint(world: &World, seed: &Seed, headers: &[(&str, &str)]) -> String {
    let body = json!({"AppID": seed.app.app.app_id, "AppSecret": seed.app.app_secret});
    let mut request = world.request("POST", "/callback/ws/endpoint", "").json(&body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let url = answer["data"]["URL"].as_str().unwrap_or_else(|| panic!("{answer}"));
    url.split_once("/ws/v2").unwrap().0.to_owned()
}

const DENIED: i64 = 99_991_401;

#[tokio::test]
async fn an_address_list_checks_the_client_behind_a_trusted_proxy() {
    for engine in Engine::available().await {
        let world = behind(engine, &["127.0.0.0/8"]).await;
        let seed = world.seed().await;
        allow(&world, &seed, "203.0.113.0/24").await;
        for headers in [
            &[("x-forwarded-for", "203.0.113.9")][..],
            &[("x-forwarded-for", "192.0.2.1, 203.0.113.9:5000")],
            &[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "203.0.113.9, 127.0.0.5")],
            &[("forwarded", "for=203.0.113.9;proto=https")],
        ] {
            assert_ne!(call(&world, &seed, headers).await.0, DENIED, "{headers:?}");
        }
        for (headers, seen) in [
            (&[][..], "127.0.0.1"),
            (&[("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
            // The client writes what it likes; the proxy adds who it is.
            (&[("x-forwarded-for", "203.0.113.9, 192.0.2.1")], "192.0.2.1"),
            (&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=203.0.113.9")], "127.0.0.1"),
            (&[("x-forwarded-for", "203.0.113.9, unknown")], "127.0.0.1"),
            (&[("x-forwarded-for", "2001:db8::9")], "2001:db8::9"),
        ] {
            let (code, msg) = call(&world, &seed, headers).await;
            assert_eq!((code, msg.contains(&format!("ip {seen} is"))), (DENIED, true), "{msg}");
        }
        allow(&world, &seed, "2001:db8::/32").await;
        let headers = [("x-forwarded-for", "\"[2001:db8::9]:80\"")];
        assert_ne!(call(&world, &seed, &headers).await.0, DENIED);
    }
}

#[tokio::test]
async fn forwarded_headers_from_elsewhere_are_ignored() {
    for proxies in [&[][..], &["10.0.0.0/8", "::1"]] {
        let world = behind(Engine::Sqlite, proxies).await;
        let seed = world.seed().await;
        allow(&world, &seed, "203.0.113.0/24").await;
        for name in ["x-forwarded-for", "x-real-ip", "forwarded"] {
            for value in ["203.0.113.9", "for=203.0.113.9"] {
                let (code, msg) = call(&world, &seed, &[(name, value)]).await;
                assert_eq!((code, msg.contains("127.0.0.1")), (DENIED, true), "{msg}");
            }
        }
        allow(&world, &seed, "127.0.0.1").await;
        let seed = world.seed_connected().await;
        let headers = [("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")];
        let given = endpoint(&world, &seed, &headers).await;
        assert_eq!(given, format!("ws://{}", world.address));
    }
}

#[tokio::test]
async fn the_long_connection_s_address_is_as_the_client_reached_the_proxy() {
    let world = behind(Engine::Sqlite, &["127.0.0.1"]).await;
    let seed = world.seed_connected().await;
    let own = format!("ws://{}", world.address);
    for (headers, expected) in [
        (&[][..], own.as_str()),
        (&[("x-forwarded-proto", "https"), ("host", "hub.example")], "wss://hub.example"),
        (
            &[("x-forwarded-proto", "https"), ("x-forwarded-host", "hub.example:8443")],
            "wss://hub.example:8443",
        ),
        (&[("forwarded", "for=192.0.2.1;proto=https;host=hub.example")], "wss://hub.example"),
        (&[("x-forwarded-host", "a/b?c")], own.as_str()),
        (&[("x-forwarded-host", "user@hub.example")], own.as_str()),
    ] {
        assert_eq!(endpoint(&world, &seed, headers).await, expected, "{headers:?}");
    }
    allow(&world, &seed, "192.0.2.1").await;
    let headers = [("x-forwarded-for", "192.0.2.1")];
    assert_eq!(endpoint(&world, &seed, &headers).await, own);
}

#[tokio::test]
async fn the_ledger_of_views_names_the_client_behind_the_proxy() {
    for engine in Engine::available().await {
        let world = behind(engine, &["127.0.0.1"]).await;
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        filed.store().await;
        let hirer = &filed.seed.hirer;
        let (order_id, report_id) = (&filed.order_id, &filed.report.report_id);
        let path = format!(
            "/api/v1/tenants/{}/orders/{order_id}/reports/{report_id}/content",
            hirer.tenant_key
        );
        for client in [Some("203.0.113.9"), Some("[2001:db8::9]:443"), None] {
            let mut request = world.request("GET", &path, &hirer.key);
            if let Some(client) = client {
                request = request.header("x-forwarded-for", format!("192.0.2.1, {client}"));
            }
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
        let list = List::default();
        let views =
            hirer.control.list_report_views(&hirer.tenant_key, order_id, report_id, &list).await;
        let seen: Vec<_> =
            views.unwrap().items.into_iter().filter_map(|view| view.address).collect();
        assert_eq!(seen, ["127.0.0.1", "2001:db8::9", "203.0.113.9"]);
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_made_or_trusted_are_refused_at_the_start() {
    for (public_url, proxy, expected) in [
        (Some("hub.example"), "10.0.0.0/8", "--public-url"),
        (None, "localhost", "--trusted-proxy"),
        (None, "10.0.0.0/33", "--trusted-proxy"),
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let config = server::Config {
            data: folder.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: public_url.map(str::to_owned),
            trusted_proxies: vec![proxy.to_owned()],
            ..server::Config::default()
        };
        let Err(failure) = server::Server::bind(config, Clock::manual(BEGIN)).await else {
            panic!("started with {public_url:?} and {proxy}");
        };
        assert_eq!(failure.to_string(), expected);
        assert!(!folder.path().join("data").exists(), "nothing was made");
    }
}
