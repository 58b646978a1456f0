//! The guard of the way out against every inner address that there is: none is ever connected to, whether it is
//! written down, redirected to or what a name turns into, for reports, webhooks and URL checks.
//!
//! The tests run in a network of their own, where all addresses of the world are this machine's and something listens
//! on them, with a name server of their own that the system's resolver asks, and with proxies in the environment that
//! nobody may use. They need root, `unshare`, `ip` and `mount`; without them they say so and are skipped, unless they
//! are demanded (`DEMANDED=1` or `CI=true`).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod inner;
mod peer;

use std::collections::BTreeSet;
use std::net::IpAddr;

use bytes::Bytes;
use contract::control::UpdateApp;
use domain::report::ReportState;
use harness::{BEGIN, Engine, World};
use inner::cases::{Case, cases, embedding};
use inner::dns::{Dns, Found};
use inner::{Ears, PORT, PUBLIC, namespace};
use outbound::{
    Allow, Counters, FetchFailure, FetchLimits, Guard, Outbound, PostFailure, PostLimits,
};
use peer::settings;
use server::metrics::Metrics;
use system::clock::Clock;

/// What is reported to whoever gave the address, whatever lies behind it.
const REPORT_REASON: &str = "the report's address could not be reached";
const WEBHOOK_REASON: &str = "the address could not be reached";

fn public() -> IpAddr {
    PUBLIC.parse().unwrap()
}

/// Names of `inner.example`: `fixed-…-N` has the N-th case's address; `turn-…-N` has the public address when it is
/// asked for first, and the N-th case's from then on; and some that are odd.
fn zone(cases: &[Case]) -> impl Fn(&str, usize) -> Found + Send + use<> {
    let addresses: Vec<_> = cases.iter().map(|case| case.address).collect();
    move |name, asked_before| {
        let label = name.split('.').next().unwrap_or_default();
        let inner: IpAddr = "10.0.0.1".parse().unwrap();
        let number = label.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
        let address = number.and_then(|number| addresses.get(number).copied().flatten());
        Found::Addresses(match label {
            "public" => vec![public()],
            "mixed" => vec![public(), inner],
            "mixed6" => vec![public(), "fd00::1".parse().unwrap()],
            "none" => vec![],
            "many" => (1..=40).map(|last| IpAddr::from([9, 9, 9, last])).collect(),
            "alias" => return Found::Alias("within.inner.example".to_owned(), vec![inner]),
            _ if label.starts_with("turn-") && asked_before == 0 => vec![public()],
            _ => address.into_iter().collect(),
        })
    }
}

/// What the operator sees, each at least once.
const CLASSES: [&str; 19] = [
    "address_benchmark",
    "address_carrier_nat",
    "address_cloud_inner",
    "address_documentation",
    "address_embeds_ipv4",
    "address_link_local",
    "address_loopback",
    "address_multicast",
    "address_private",
    "address_protocol",
    "address_relay",
    "address_reserved",
    "address_unspecified",
    "name_inner",
    "name_with_many_addresses",
    "url_malformed",
    "url_port",
    "url_scheme",
    "url_user_info",
];

/// Names whose answers are odd, and refused.
const ODD_NAMES: [&str; 5] = ["mixed", "mixed6", "none", "many", "alias"];

fn url(label: &str, path: &str) -> String {
    format!("http://{label}.inner.example:{PORT}{path}")
}

fn targets(cases: &[Case]) -> Vec<String> {
    cases.iter().map(|case| case.url.clone()).collect()
}

/// The numbers of the cases that stand for an address.
fn addressed(cases: &[Case]) -> Vec<usize> {
    (0..cases.len()).filter(|number| cases[*number].address.is_some()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_leads_to_an_inner_address() {
    if !namespace::enter("no_way_leads_to_an_inner_address") {
        return;
    }
    let cases = cases(PORT);
    let addressed = addressed(&cases);
    assert!(cases.len() >= 120 && addressed.len() >= 120, "{} {}", cases.len(), addressed.len());
    let ears = Ears::start(targets(&cases)).await;
    let dns = Dns::start(zone(&cases));
    for address in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "fd00:ec2::254", "::1", PUBLIC]
    {
        inner::assert_reachable(&ears, address).await;
    }
    let guard = Guard { allow: Allow::from_rules([":9000"]).unwrap(), ..Guard::default() };
    let (post, fetch) = (PostLimits::default(), FetchLimits::default());
    let metrics = Metrics::default();
    let outbound = Outbound::new(Clock::manual(BEGIN), guard, post, fetch, metrics.outbound());
    let fetched = async |url: &str| outbound.fetch(url, &mut Vec::new()).await;
    let posted = async |url: &str| outbound.post(url, &[], Bytes::from_static(b"{}")).await;

    // What may be reached is reached, by its address and by its name.
    for url in [format!("http://{PUBLIC}:{PORT}/r.pdf"), url("public", "/r.pdf")] {
        assert!(fetched(&url).await.is_ok() && posted(&url).await.is_ok(), "{url}");
    }
    assert_eq!((ears.allowed(), ears.inner()), (4, vec![]));

    let mut texts = BTreeSet::new();
    for case in &cases {
        let failure = fetched(&case.url).await.unwrap_err();
        assert!(matches!(failure, FetchFailure::Unreachable(_)), "{}: {failure}", case.url);
        texts.insert(failure.to_string());
        let failure = posted(&case.url).await.unwrap_err();
        assert!(matches!(failure, PostFailure::Unreachable(_)), "{}: {failure}", case.url);
        texts.insert(failure.to_string());
        assert!(outbound.check(&case.url).is_err(), "{}", case.url);
    }
    assert_eq!((ears.allowed(), ears.inner()), (4, vec![]), "written down");

    for (number, case) in cases.iter().enumerate() {
        let hop = format!("http://{PUBLIC}:{PORT}/to/{number}");
        // Some are no addresses at all, but paths of the host that redirects.
        match fetched(&hop).await {
            Ok(fetched) => {
                assert!(fetched.final_host == PUBLIC && case.address.is_none(), "{}", case.url);
            }
            // Of what is no ASCII nothing is read in a header.
            Err(failure) if case.address.is_some() && case.url.is_ascii() => {
                assert!(matches!(failure, FetchFailure::Unreachable(_)), "{}: {failure}", case.url);
                texts.insert(failure.to_string());
            }
            Err(_) => {}
        }
        // A webhook's redirect is an answer, and not followed; one that is no HTTP is none.
        if let Ok(answer) = posted(&hop).await {
            assert_eq!(answer.status, 302, "{}", case.url);
        }
    }
    assert_eq!(ears.inner(), vec![], "redirected to");

    for number in &addressed {
        let address = cases[*number].address;
        for label in [format!("fixed-{number}"), format!("turn-fetch-{number}")] {
            let failure = fetched(&url(&label, "/again")).await.unwrap_err();
            assert!(matches!(failure, FetchFailure::Unreachable(_)), "{address:?}: {failure}");
            texts.insert(failure.to_string());
        }
        let asked = dns.asked(&format!("turn-fetch-{number}.inner.example"));
        assert_eq!(asked, 2, "a name is asked for once for each connection");
        let turning = url(&format!("turn-post-{number}"), "/");
        assert_eq!(posted(&turning).await.unwrap().status, 200);
        for url in [turning, url(&format!("fixed-{number}"), "/")] {
            let failure = posted(&url).await.unwrap_err();
            assert!(matches!(failure, PostFailure::Unreachable(_)), "{address:?}: {failure}");
            texts.insert(failure.to_string());
        }
    }
    for label in ODD_NAMES {
        texts.insert(fetched(&url(label, "/")).await.unwrap_err().to_string());
        texts.insert(posted(&url(label, "/")).await.unwrap_err().to_string());
    }
    assert_eq!(ears.inner(), vec![], "what names turned into");
    for class in CLASSES {
        let line = format!("probity_outbound_refusals_total{{way=\"report\",class=\"{class}\"}}");
        assert!(metrics.text().contains(&line), "{line}");
    }
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    assert_eq!(texts, [WEBHOOK_REASON, REPORT_REASON], "one reason for all");
    println!(
        "{} addresses and spellings x direct and redirect, {} x names and rebinding, {} odd names, for reports and \
         webhooks: {} connections to inner addresses, {} to the public one",
        cases.len(),
        addressed.len(),
        ODD_NAMES.len(),
        ears.inner().len(),
        ears.allowed(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rule_for_outer_addresses_opens_inner_ones_that_they_embed() {
    if !namespace::enter("no_rule_for_outer_addresses_opens_inner_ones_that_they_embed") {
        return;
    }
    let cases = embedding(PORT);
    let ears = Ears::start(targets(&cases)).await;
    let _dns = Dns::start(zone(&cases));
    for case in &cases {
        inner::assert_heard(&ears, case.address.unwrap()).await;
    }
    // On a network with a translator, as an operator may allow it: the block itself, or as a translator's prefix.
    for rules in [["::/0", ":9000"], ["nat64:64:ff9b::/96", ":9000"]] {
        let guard = Guard { allow: Allow::from_rules(rules).unwrap(), ..Guard::default() };
        let (post, fetch) = (PostLimits::default(), FetchLimits::default());
        let outbound = Outbound::new(Clock::manual(BEGIN), guard, post, fetch, Counters::default());
        let fetched = async |url: &str| outbound.fetch(url, &mut Vec::new()).await;
        let posted = async |url: &str| outbound.post(url, &[], Bytes::from_static(b"{}")).await;
        for (number, case) in cases.iter().enumerate() {
            let fixed = url(&format!("fixed-{number}"), "/");
            let hop = format!("http://{PUBLIC}:{PORT}/to/{number}");
            for url in [&case.url, &fixed, &hop] {
                let failure = fetched(url).await.unwrap_err();
                assert!(matches!(failure, FetchFailure::Unreachable(_)), "{url}: {failure}");
            }
            for url in [&case.url, &fixed] {
                let failure = posted(url).await.unwrap_err();
                assert!(matches!(failure, PostFailure::Unreachable(_)), "{url}: {failure}");
            }
        }
        assert_eq!(ears.inner(), vec![], "{rules:?}");
        // What is public behind the translator is reached.
        let translated = format!("http://[64:ff9b::{PUBLIC}]:{PORT}/r.pdf");
        assert!(fetched(&translated).await.is_ok(), "{rules:?}");
        ears.forget();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_server_reaches_no_inner_address() {
    if !namespace::enter("the_whole_server_reaches_no_inner_address") {
        return;
    }
    let cases = cases(PORT);
    let addressed = addressed(&cases);
    let ears = Ears::start(targets(&cases)).await;
    let _dns = Dns::start(zone(&cases));
    inner::assert_reachable(&ears, "10.0.0.1").await;
    // PostgreSQL does not listen in here; what is reported of a report does not depend on the engine.
    let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |config| {
        config.allow_outbound = vec![format!(":{PORT}")];
    })
    .await;

    let parties = world.parties(settings(None, false)).await;
    let mut urls = targets(&cases);
    urls.extend((0..cases.len()).map(|number| format!("http://{PUBLIC}:{PORT}/to/{number}")));
    for number in &addressed {
        urls.extend([
            url(&format!("fixed-{number}"), "/"),
            url(&format!("turn-{number}"), "/again"),
        ]);
    }
    urls.extend(ODD_NAMES.map(|label| url(label, "/")));
    let order_id = world.reported(&parties, &urls, false).await;
    world.settle().await;
    assert_eq!(ears.inner(), vec![], "reports");
    let found =
        world.app.hub.store.find_order(&parties.tenant, order_id).await.unwrap().unwrap().reports;
    assert_eq!(found.len(), urls.len());
    for (place, report) in found.iter().enumerate() {
        let is_redirect = (cases.len()..2 * cases.len()).contains(&place);
        if is_redirect {
            let case = &cases[place - cases.len()];
            if case.address.is_none() || !case.url.is_ascii() {
                // May be a path of the host that redirects, or nothing that can be read in a header.
                continue;
            }
        }
        // What the guard refuses has failed at once; a name without an address may have one later.
        let is_unknown = report.source.url.contains("//none.");
        let state = if is_unknown { ReportState::Pending } else { ReportState::Failed };
        assert_eq!(report.state, state, "{}", report.source.url);
        assert_eq!(report.failure.as_deref(), Some(REPORT_REASON), "{}", report.source.url);
    }

    let mut receivers = targets(&cases);
    receivers.extend(addressed.iter().map(|number| url(&format!("fixed-hook-{number}"), "/")));
    let mut hooked = Vec::new();
    for receiver in &receivers {
        hooked.push(world.parties(settings(Some(receiver), false)).await);
    }
    world.settle().await;
    assert_eq!(ears.inner(), vec![], "webhooks");
    for (parties, receiver) in hooked.iter().zip(&receivers) {
        let deliveries = world.deliveries(parties).await;
        let attempts = &deliveries[0].1.attempts;
        assert_eq!(
            (attempts.len(), attempts[0].outcome.as_str()),
            (1, WEBHOOK_REASON),
            "{receiver}"
        );
    }

    let app_id = parties.app_id.to_string();
    let mut checked = 0;
    for receiver in &receivers {
        let callback_url = Some(Some(receiver.clone()));
        let body = UpdateApp { callback_url, ..UpdateApp::default() };
        // Most are refused by their text; names are taken, and then not called.
        if world.update_granted(&app_id, &body).await.is_ok() {
            let check = world.operator.verify_url(&app_id).await.unwrap();
            assert!(!check.passed, "{receiver}");
            checked += 1;
        }
    }
    assert_eq!(checked, addressed.len(), "names alone are taken");
    assert_eq!(ears.inner(), vec![], "URL checks");
    let metrics = world.app.metrics.text();
    for way in ["report", "webhook", "text"] {
        let line =
            format!("probity_outbound_refusals_total{{way=\"{way}\",class=\"address_private\"}}");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    println!(
        "{} reports, {} webhooks, {checked} URL checks: {} connections to inner addresses, {} to the public one",
        urls.len(),
        receivers.len(),
        ears.inner().len(),
        ears.allowed(),
    );
}
