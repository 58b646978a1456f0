//! What there is to do about an app's endpoint: pausing it, checking its URL, rotating its secrets, explaining a
//! signature; and what a repeat with the same Idempotency-Key finds.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;
mod peer;

use std::sync::{Arc, Mutex};

use client::vendor;
use contract::control::{
    AlertKind, CreateTenant, CreatedApp, DeliveryState, EventMode, ExplainSignature, List,
    ListEvents, PauseApp, ResendSince, RotateSecret, SecretKind, UpdateApp, UrlCause, WrongInput,
};
use contract::event::UrlVerification;
use contract::seal;
use harness::{Seed, World};
use peer::{Peer, Reply, Seen, answer, ok};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// What a receiver of the official SDKs knows of its app.
#[derive(Debug, Clone, Default)]
struct Known {
    key: Option<String>,
    token: String,
}

/// A receiver that does as Python's SDK: 500 for what does not open or has another token, the challenge answered.
async fn receiver(known: &Arc<Mutex<Known>>) -> Peer {
    let known = Arc::clone(known);
    Peer::start(move |request, _| receive(&known.lock().unwrap(), request)).await
}

fn receive(known: &Known, request: &Seen) -> Reply {
    let refused = || Reply::Whole(answer(500, "", b"{\"msg\":\"no\"}"));
    let plain = match &known.key {
        Some(key) => match seal::decrypt(key, &request.body) {
            Ok(plain) => plain,
            Err(_) => return refused(),
        },
        None => request.body.clone(),
    };
    if let Ok(call) = serde_json::from_slice::<UrlVerification>(&plain) {
        assert_eq!(call.kind, "url_verification");
        if call.token != known.token {
            return refused();
        }
        let body = format!("{{\"challenge\":\"{}\"}}", call.challenge);
        return Reply::Whole(answer(200, "content-type: application/json\r\n", body.as_bytes()));
    }
    match contract::event::read(&plain) {
        Ok((header, _)) if header.token == known.token => ok(),
        _ => refused(),
    }
}

/// A hirer and a vendor whose app's events go to `url`, encrypted.
async fn seed(world: &World, url: &str) -> Seed {
    world.seed_with(&CreateTenant::named("星河科技"), Some(url), true).await
}

fn learn(known: &Arc<Mutex<Known>>, app: &CreatedApp) {
    let key = Some(app.encrypt_key.clone());
    *known.lock().unwrap() = Known { key, token: app.verification_token.clone() };
}

async fn states(world: &World, seed: &Seed) -> Vec<DeliveryState> {
    let (tenant_key, all) = (&seed.hirer.tenant_key, ListEvents::default());
    let events = seed.hirer.control.list_events(tenant_key, &all).await.unwrap().items;
    assert!(world.operator.list_events(tenant_key, &all).await.is_ok());
    events.into_iter().map(|event| event.delivery_state).collect()
}

#[tokio::test]
async fn a_paused_app_is_sent_nothing_until_it_is_resumed() {
    World::each(async |world| {
        let known = Arc::default();
        let peer = receiver(&known).await;
        let seed = seed(&world, &peer.url("/")).await;
        learn(&known, &seed.app);
        world.settle().await;
        let before = peer.seen().len();
        let app_id = &seed.app.app.app_id;
        let reason = PauseApp { reason: Some("moving house".to_owned()) };
        let paused = world.operator.pause_app(app_id, &reason).await.unwrap();
        assert_eq!(paused.pause_reason.as_deref(), Some("moving house"));
        assert_eq!(paused.paused_at.as_deref(), Some("2026-11-18T12:26:40.000Z"));
        world.clock.advance_ms(SECOND);
        let again = world.operator.pause_app(app_id, &PauseApp::default()).await.unwrap();
        assert_eq!(again, paused, "a repeat changes nothing");
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Paused);
        assert_eq!(peer.seen().len(), before);
        seed.vendor.tenant_access_token().await.unwrap();

        let resumed = world.operator.resume_app(app_id).await.unwrap();
        assert_eq!((resumed.paused_at, resumed.pause_reason), (None, None));
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Delivered);
        assert_eq!(peer.seen().len(), before + 1);
        let alerts = world.operator.list_alerts(&List::default()).await.unwrap();
        assert!(alerts.items.is_empty(), "somebody wanted it so");
        let long = PauseApp { reason: Some("x".repeat(201)) };
        let refused = world.operator.pause_app(app_id, &long).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().errors[0].field, "reason");
    })
    .await;
}

#[tokio::test]
async fn a_endpoint_that_fails_for_five_days_is_paused_with_an_alert() {
    World::each(async |world| {
        let known: Arc<Mutex<Known>> = Arc::default();
        let peer = receiver(&known).await;
        let seed = seed(&world, &peer.url("/")).await;
        let app_id = &seed.app.app.app_id;
        for hours in [0, 4 * 24, 23] {
            world.clock.advance_ms(hours * HOUR);
            world.place(&seed).await;
            world.settle().await;
            assert_eq!(world.operator.get_app(app_id).await.unwrap().paused_at, None);
        }
        world.clock.advance_ms(HOUR);
        world.place(&seed).await;
        world.settle().await;
        let paused = world.operator.get_app(app_id).await.unwrap();
        let reason = "no event was taken for 5 days; the last try: status 500";
        assert_eq!(paused.pause_reason.as_deref(), Some(reason));
        assert!(paused.enabled);
        let alerts = world.operator.list_alerts(&List::default()).await.unwrap().items;
        assert_eq!(alerts.len(), 1);
        let about = (alerts[0].app_id.as_ref(), alerts[0].kind);
        assert_eq!(about, (Some(app_id), AlertKind::SinkPaused));
        assert_eq!((alerts[0].detail.as_str(), &alerts[0].ended_at), (reason, &None));
        world.clock.advance_ms(DAY);
        world.place(&seed).await;
        world.settle().await;
        let all = states(&world, &seed).await;
        assert_eq!(all[0], DeliveryState::Paused, "{all:?}");
        assert!(!all.contains(&DeliveryState::Due), "{all:?}");

        learn(&known, &seed.app);
        world.operator.resume_app(app_id).await.unwrap();
        world.settle().await;
        let alerts = world.operator.list_alerts(&List::default()).await.unwrap().items;
        assert!(alerts[0].ended_at.is_some());
        let all = states(&world, &seed).await;
        assert!(!all.contains(&DeliveryState::Paused), "{all:?}");
        // Those whose tries had ended before are sent again by hand, and by state.
        let body = ResendSince {
            since: "2026-11-18T12:26:40Z".to_owned(),
            until: Some("2027-01-01T00:00:00Z".to_owned()),
            states: vec![DeliveryState::Exhausted],
        };
        let exhausted = all.iter().filter(|state| **state == DeliveryState::Exhausted).count();
        let resent = world.operator.resend_app_events(app_id, &body).await.unwrap();
        assert_eq!(resent.delivery_count, exhausted as u64);
        world.settle().await;
        let all = states(&world, &seed).await;
        assert!(all.iter().all(|state| *state == DeliveryState::Delivered), "{all:?}");
    })
    .await;
}

#[tokio::test]
async fn a_url_that_passes_or_fails_is_explained_when_saved_and_on_demand() {
    World::each(async |world| {
        let known = Arc::default();
        let good = receiver(&known).await;
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, true).await;
        let app_id = &app.app.app_id;
        assert_eq!(app.app.url_check, None);
        let refused = world.operator.verify_url(app_id).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "illegal_state");
        learn(&known, &app);
        let save = async |url: &str| {
            let body =
                UpdateApp { callback_url: Some(Some(url.to_owned())), ..UpdateApp::default() };
            world.update_granted(app_id, &body).await.unwrap().url_check.unwrap()
        };
        let check = save(&good.url("/hook?a=1")).await;
        assert!(check.passed, "{check:?}");
        let seen = good.seen();
        assert_eq!(seen[0].line, "POST /hook?a=1 HTTP/1.1");
        assert_eq!(check.sent.as_bytes(), seen[0].body, "bytes sent");
        assert!(check.received.unwrap().starts_with("{\"challenge\":"), "bytes back");
        assert!(world.operator.verify_url(app_id).await.unwrap().passed);
        assert_eq!(world.operator.get_app(app_id).await.unwrap().url_check, None);

        // A URL of before that is not called is not checked.
        let seen = good.seen().len();
        for (mode, is_checked) in [(EventMode::LongConnection, false), (EventMode::Webhook, true)] {
            let body = UpdateApp { event_mode: Some(mode), ..UpdateApp::default() };
            world.operator.update_app(app_id, &body).await.unwrap();
            match world.operator.verify_url(app_id).await {
                Ok(check) => assert!(is_checked && check.passed, "{mode:?}"),
                Err(refused) => {
                    let problem = refused.problem().unwrap();
                    assert!(!is_checked && problem.code == "illegal_state", "{problem:?}");
                    assert!(problem.detail.contains("long connection"), "{problem:?}");
                    assert_eq!(good.seen().len(), seen, "nobody was asked");
                }
            }
        }

        known.lock().unwrap().key = Some("another key".to_owned());
        let check = world.operator.verify_url(app_id).await.unwrap();
        assert_eq!(
            (check.passed, check.cause, check.http_status),
            (false, Some(UrlCause::Status), Some(500))
        );
        assert!(check.explanation.contains("encrypt key"), "{}", check.explanation);
        assert_eq!(check.received.as_deref(), Some("{\"msg\":\"no\"}"));

        let silent = Peer::start(|_, _| Reply::Stall(Vec::new())).await;
        let page = Peer::start(|_, _| Reply::Whole(answer(200, "", b"<html>"))).await;
        let node = Peer::start(|_, _| Reply::Whole(answer(200, "", b""))).await;
        let event = Peer::willing().await;
        let moved = Peer::start(|_, _| Reply::Whole(answer(301, "location: /x\r\n", b""))).await;
        for (url, cause) in [
            (silent.url("/"), UrlCause::TooSlow),
            (page.url("/"), UrlCause::NotJson),
            (node.url("/"), UrlCause::EmptyAnswer),
            (event.url("/"), UrlCause::NoChallenge),
            (moved.url("/"), UrlCause::Redirected),
            ("http://127.0.0.1:9/".to_owned(), UrlCause::NotConnected),
        ] {
            let check = save(&url).await;
            assert_eq!((check.passed, check.cause), (false, Some(cause)), "{url}");
            assert_eq!(check.url, url);
        }

        let plain = UpdateApp { encrypted: Some(false), ..UpdateApp::default() };
        world.update_granted(app_id, &plain).await.unwrap();
        known.lock().unwrap().key = None;
        let check = save(&good.url("/")).await;
        assert!(check.passed);
        assert!(!check.sent.contains(&app.verification_token), "the token is masked");
        let body = String::from_utf8(good.seen().last().unwrap().body.clone()).unwrap();
        assert!(body.contains(&app.verification_token), "and was sent");
    })
    .await;
}

async fn rotate(world: &World, app: &CreatedApp, secret: SecretKind, seconds: u32) -> String {
    let body = RotateSecret { secret, grace_seconds: Some(seconds) };
    let rotated = world.operator.rotate_secret(&app.app.app_id, &body).await.unwrap();
    world.grant(&app.app.app_id).await;
    rotated.value
}

#[tokio::test]
async fn two_app_secrets_are_good_in_the_grace_time_and_one_after_it() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, true).await;
        let buys = async |secret: &str| {
            let vendor = vendor::Vendor::new(&world.server(), &app.app.app_id, secret).unwrap();
            vendor.tenant_access_token().await.is_ok()
        };
        let new = rotate(&world, &app, SecretKind::AppSecret, 600).await;
        assert!(buys(&app.app_secret).await && buys(&new).await);
        world.clock.advance_ms(600 * SECOND - 1);
        assert!(buys(&app.app_secret).await && buys(&new).await);
        world.clock.advance_ms(1);
        assert!(!buys(&app.app_secret).await && buys(&new).await);
        let newer = rotate(&world, &app, SecretKind::AppSecret, 0).await;
        assert!(!buys(&new).await && buys(&newer).await, "no grace was wanted");

        let body = RotateSecret { secret: SecretKind::AppSecret, grace_seconds: None };
        let twice = world.operator.with_idempotency_key("rotate-1").unwrap();
        let first = twice.rotate_secret(&app.app.app_id, &body).await.unwrap();
        assert_eq!(first.old_until, "2026-11-19T12:36:40.000Z", "one day");
        let second = twice.rotate_secret(&app.app.app_id, &body).await.unwrap();
        assert_eq!(second, first.without_secret(), "a repeat rotates nothing, and shows nothing");
        world.grant(&app.app.app_id).await;
        assert!(buys(&first.value).await && buys(&newer).await);
    })
    .await;
}

#[tokio::test]
async fn no_event_is_lost_while_the_receiver_changes_its_key() {
    World::each(async |world| {
        let known = Arc::default();
        let peer = receiver(&known).await;
        let seed = seed(&world, &peer.url("/")).await;
        learn(&known, &seed.app);
        world.settle().await;
        let key = rotate(&world, &seed.app, SecretKind::EncryptKey, 86_400).await;
        let token = rotate(&world, &seed.app, SecretKind::VerificationToken, 86_400).await;
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Delivered, "as before");

        *known.lock().unwrap() = Known { key: Some(key.clone()), token: token.clone() };
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Due, "the old one is not taken");
        world.clock.advance_ms(15 * SECOND);
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Delivered, "the new one is");
        let before = peer.seen().len();
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Delivered, "at once from now on");
        assert_eq!(peer.seen().len(), before + 1);

        // Without an event, the check of the URL shows it.
        let key = rotate(&world, &seed.app, SecretKind::EncryptKey, 86_400).await;
        let app_id = &seed.app.app.app_id;
        let check = world.operator.verify_url(app_id).await.unwrap();
        assert!(check.passed && check.explanation.contains("old secrets"), "{check:?}");
        *known.lock().unwrap() = Known { key: Some(key), token };
        assert!(world.operator.verify_url(app_id).await.unwrap().passed);
        let before = peer.seen().len();
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Delivered);
        assert_eq!(peer.seen().len(), before + 1);

        // Nobody changed anything until the end: then the new one alone is good.
        rotate(&world, &seed.app, SecretKind::VerificationToken, 60).await;
        world.clock.advance_ms(60 * SECOND);
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(states(&world, &seed).await[0], DeliveryState::Due);
    })
    .await;
}

#[tokio::test]
async fn the_signature_of_a_delivered_event_is_explained() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let seed = seed(&world, &peer.url("/")).await;
        world.settle().await;
        let seen = peer.seen();
        let sent = seen.last().unwrap();
        let header = |name| sent.header(name).unwrap().to_owned();
        let request = ExplainSignature {
            timestamp: header("X-Lark-Request-Timestamp"),
            nonce: header("X-Lark-Request-Nonce"),
            body: String::from_utf8(sent.body.clone()).unwrap(),
            signature: header("X-Lark-Signature"),
        };
        let explain = async |request: &ExplainSignature| {
            world.operator.explain_signature(&seed.app.app.app_id, request).await.unwrap()
        };
        let reported = explain(&request).await;
        assert_eq!((reported.matches, reported.wrong), (true, None));
        assert_eq!(reported.steps.len(), 7);
        let text = serde_json::to_string(&reported).unwrap();
        assert!(
            !text.contains(&seed.app.encrypt_key) && !text.contains(&seed.app.verification_token)
        );
        let sign = |key: &str, body: &str| {
            seal::signature(&request.timestamp, &request.nonce, key, body.as_bytes())
        };
        let (key, token) = (&seed.app.encrypt_key, &seed.app.verification_token);
        let (body, spaced) = (&request.body, request.body.replace("\":\"", "\": \""));
        for (signature, wrong) in [
            (sign(token, body), WrongInput::TokenInsteadOfKey),
            (sign(key, &spaced), WrongInput::BodyReserialised),
            (sign(key, &format!("{body}\n")), WrongInput::BodyTrimmed),
            ("0".repeat(64), WrongInput::TimestampOrNonce),
        ] {
            let reported = explain(&ExplainSignature { signature, ..request.clone() }).await;
            assert_eq!((reported.matches, reported.wrong), (false, Some(wrong)));
        }
        let other = world.create_app(&seed.hirer, None, true).await;
        let reported = world.operator.explain_signature(&other.app.app_id, &request).await.unwrap();
        assert_eq!(reported.wrong, Some(WrongInput::BodyOrKey));
        let long = ExplainSignature { nonce: "x".repeat(201), ..request };
        let app_id = &seed.app.app.app_id;
        let refused = world.operator.explain_signature(app_id, &long).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().errors[0].field, "nonce");
    })
    .await;
}

#[tokio::test]
async fn a_repeat_with_the_same_key_finds_the_first_answer() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let seed = seed(&world, &peer.url("/")).await;
        world.settle().await;
        let (app_id, tenant_key) = (&seed.app.app.app_id, &seed.hirer.tenant_key);
        let keyed = |name: &str| world.operator.with_idempotency_key(name).unwrap();
        let disabled = keyed("disable").disable_app(app_id).await.unwrap();
        world.operator.enable_app(app_id).await.unwrap();
        assert_eq!(keyed("disable").disable_app(app_id).await.unwrap(), disabled);
        assert!(world.operator.get_app(app_id).await.unwrap().enabled, "and does nothing");
        let reused = keyed("disable").resume_app(app_id).await.unwrap_err();
        assert_eq!(reused.problem().unwrap().code, "idempotency_key_reused");

        let since = ResendSince { since: "2026-01-01T00:00:00Z".to_owned(), ..Default::default() };
        let before = peer.seen().len();
        let first = keyed("resend").resend_app_events(app_id, &since).await.unwrap();
        assert_eq!(first.delivery_count, 1);
        world.settle().await;
        assert_eq!(peer.seen().len(), before + 1);
        assert_eq!(keyed("resend").resend_app_events(app_id, &since).await.unwrap(), first);
        let all = ListEvents::default();
        let events = seed.hirer.control.list_events(tenant_key, &all).await.unwrap();
        let event_id = &events.items[0].event_id;
        let one = keyed("one").resend_event(tenant_key, event_id).await.unwrap();
        world.settle().await;
        assert_eq!(keyed("one").resend_event(tenant_key, event_id).await.unwrap(), one);
        let checked = keyed("verify").verify_url(app_id).await.unwrap();
        assert_eq!(keyed("verify").verify_url(app_id).await.unwrap(), checked);
        world.settle().await;
        assert_eq!(peer.seen().len(), before + 3, "two events and one check");
    })
    .await;
}
