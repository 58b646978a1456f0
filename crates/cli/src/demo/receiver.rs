//! The scripted vendor's web server: takes events as an official SDK's receiver does, and serves reports.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use contract::control::CreatedApp;
use contract::event::{ChallengeAnswer, Event, UrlVerification};
use contract::{event, seal};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::within;

pub(super) enum Received {
    Event(Event),
    Fetched { path: String, size_bytes: usize },
    Refused(&'static str),
}

pub(super) struct Receiver {
    url: String,
    shared: Arc<Shared>,
    received: UnboundedReceiver<Received>,
    passed_over: VecDeque<Received>,
}

struct Shared {
    secrets: Mutex<HashMap<String, Secrets>>,
    reports: Mutex<HashMap<String, Bytes>>,
    event_ids: Mutex<HashSet<String>>,
    tell: UnboundedSender<Received>,
}

#[derive(Clone)]
struct Secrets {
    verification_token: String,
    encrypt_key: String,
}

impl Receiver {
    pub(super) async fn start() -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the vendor's receiver")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (tell, received) = unbounded_channel();
        let shared = Arc::new(Shared {
            secrets: Mutex::default(),
            reports: Mutex::default(),
            event_ids: Mutex::default(),
            tell,
        });
        let routes = Router::new()
            .route("/events/{app_id}", post(take_event))
            .route("/reports/{name}", get(serve_report))
            .with_state(Arc::clone(&shared));
        // Ends with the runtime; events that are lost by that come again.
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Receiver { url, shared, received, passed_over: VecDeque::new() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Takes the events of an app from now on; returns the callback URL.
    pub(super) fn register(&self, app: &CreatedApp) -> String {
        let secrets = Secrets {
            verification_token: app.verification_token.clone(),
            encrypt_key: app.encrypt_key.clone(),
        };
        let app_id = &app.app.app_id;
        locked(&self.shared.secrets).insert(app_id.clone(), secrets);
        format!("{}/events/{app_id}", self.url)
    }

    /// Serves a report from now on; returns its URL.
    pub(super) fn publish(&self, name: &str, content: &[u8]) -> String {
        locked(&self.shared.reports).insert(name.to_owned(), Bytes::copy_from_slice(content));
        format!("{}/reports/{name}", self.url)
    }

    /// Waits for what `wanted` recognises; what comes before it is left for later waits.
    pub(super) async fn wait_for<T>(
        &mut self,
        what: &str,
        wanted: impl Fn(&Received) -> Option<T>,
    ) -> anyhow::Result<T> {
        let earlier = self.passed_over.iter().enumerate();
        let found = earlier.filter_map(|(index, received)| Some((index, wanted(received)?))).next();
        if let Some((index, found)) = found {
            self.passed_over.remove(index);
            return Ok(found);
        }
        within(what, async {
            loop {
                let received =
                    self.received.recv().await.context("the vendor's receiver has ended")?;
                if let Some(found) = wanted(&received) {
                    return Ok(found);
                }
                if let Received::Refused(why) = received {
                    anyhow::bail!("the vendor refused what came as an event: {why}");
                }
                self.passed_over.push_back(received);
            }
        })
        .await
    }

    /// Forgets what has happened.
    pub(super) fn forget(&mut self) {
        self.passed_over.clear();
        while self.received.try_recv().is_ok() {}
    }

    /// The next that happens, or happened without being waited for; none once nothing more can.
    pub(super) async fn next(&mut self) -> Option<Received> {
        match self.passed_over.pop_front() {
            Some(received) => Some(received),
            None => self.received.recv().await,
        }
    }
}

/// `POST /events/{app_id}`: the callback URL.
async fn take_event(
    State(shared): State<Arc<Shared>>,
    Path(app_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(secrets) = locked(&shared.secrets).get(&app_id).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match read(&app_id, &secrets, &headers, &body) {
        Ok(Read::Challenge(answer)) => {
            let body = serde_json::to_vec(&answer).expect("one text always serialises");
            ([(CONTENT_TYPE, "application/json")], body).into_response()
        }
        Ok(Read::Event(event_id, event)) => {
            if locked(&shared.event_ids).insert(event_id) {
                shared.tell(Received::Event(event));
            }
            ([(CONTENT_TYPE, "application/json")], r#"{"msg":"success"}"#).into_response()
        }
        Err(why) => {
            shared.tell(Received::Refused(why));
            (StatusCode::UNAUTHORIZED, why).into_response()
        }
    }
}

enum Read {
    Challenge(ChallengeAnswer),
    Event(String, Event),
}

fn read(
    app_id: &str,
    secrets: &Secrets,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Read, &'static str> {
    let Secrets { verification_token, encrypt_key } = secrets;
    let plain = seal::decrypt(encrypt_key, body)
        .map_err(|_| "expected a body encrypted with the app's encrypt key")?;
    // The check of the URL carries no signature.
    if let Ok(check) = serde_json::from_slice::<UrlVerification>(&plain)
        && check.kind == "url_verification"
    {
        return match check.token == *verification_token {
            true => Ok(Read::Challenge(ChallengeAnswer { challenge: check.challenge })),
            false => Err("expected the app's verification token"),
        };
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (timestamp, nonce) = (header("x-lark-request-timestamp"), header("x-lark-request-nonce"));
    if !seal::verify(header("x-lark-signature"), timestamp, nonce, encrypt_key, body) {
        return Err("expected a signature by the app's encrypt key");
    }
    let (header, event) = event::read(&plain).map_err(|_| "expected an event of this family")?;
    if header.token != *verification_token || header.app_id != app_id {
        return Err("expected the app's id and verification token");
    }
    Ok(Read::Event(header.event_id, event))
}

async fn serve_report(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let Some(content) = locked(&shared.reports).get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    shared.tell(Received::Fetched { path: format!("/reports/{name}"), size_bytes: content.len() });
    ([(CONTENT_TYPE, "application/pdf")], content).into_response()
}

impl Shared {
    fn tell(&self, received: Received) {
        let _ = self.tell.send(received);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding it")
}

#[cfg(test)]
mod tests {
    use contract::event::{CheckCanceled, Header};

    use super::*;

    const APP: &str = "cli_0000000000000001";

    fn secrets() -> Secrets {
        Secrets { verification_token: "v-1".into(), encrypt_key: "test key".into() }
    }

    fn sealed(token: &str) -> Vec<u8> {
        let header = Header {
            event_id: "0".repeat(32),
            token: token.into(),
            create_time: 1_700_000_000_000,
            tenant_key: "0000000000000001".into(),
            app_id: APP.into(),
        };
        let event = Event::CheckCanceled(CheckCanceled {
            background_check_id: "7000000000000000001".into(),
            termination_reason: "候选人放弃".into(),
        });
        seal::encrypt("test key", [7; 16], &event::render(&header, &event))
    }

    fn signed(body: &[u8], encrypt_key: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let signature = seal::signature("1700000000", "n0nce", encrypt_key, body);
        headers.insert("x-lark-request-timestamp", "1700000000".parse().unwrap());
        headers.insert("x-lark-request-nonce", "n0nce".parse().unwrap());
        headers.insert("x-lark-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn a_genuine_event_is_taken() {
        let body = sealed("v-1");
        let read = read(APP, &secrets(), &signed(&body, "test key"), &body);
        assert!(matches!(read, Ok(Read::Event(_, Event::CheckCanceled(_)))));
    }

    #[test]
    fn nothing_counts_without_key_signature_and_token() {
        let body = sealed("v-1");
        let good = signed(&body, "test key");
        let other_token = sealed("v-2");
        let plain = br#"{"schema":"2.0"}"#;
        let cases: [(&str, &[u8], HeaderMap); 5] = [
            (APP, &body, HeaderMap::new()),
            (APP, &body, signed(&body, "another key")),
            (APP, &other_token, signed(&other_token, "test key")),
            ("cli_0000000000000002", &body, good),
            (APP, plain, signed(plain, "test key")),
        ];
        for (index, (app_id, body, headers)) in cases.into_iter().enumerate() {
            assert!(read(app_id, &secrets(), &headers, body).is_err(), "case {index}");
        }
    }

    #[test]
    fn the_check_of_the_url_is_answered_for_the_right_token_alone() {
        let check = |token: &str| {
            let plain = UrlVerification::new("c-1".into(), token.into()).to_vec();
            let body = seal::encrypt("test key", [7; 16], &plain);
            read(APP, &secrets(), &HeaderMap::new(), &body)
        };
        assert!(matches!(check("v-1"), Ok(Read::Challenge(answer)) if answer.challenge == "c-1"));
        assert!(check("v-2").is_err());
    }
}
