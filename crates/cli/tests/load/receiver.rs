//! The vendor's side of the network: takes every event, and serves a PDF for reports.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::pause;

/// Listens on loopback until it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    taken: Taken,
    task: JoinHandle<()>,
}

type Taken = Arc<Mutex<HashMap<String, Reported>>>;

/// An event as it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    pub(crate) event_type: String,
    pub(crate) tenant_key: String,
    /// The order that it is about, when it is about one.
    pub(crate) order_id: Option<String>,
    /// Its place among all events, when it came first.
    pub(crate) place: usize,
    /// How often it came.
    pub(crate) times: u64,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let taken = Taken::default();
        let service = Router::new()
            .route("/events", post(take))
            .route("/report.pdf", get(report))
            .with_state(Arc::clone(&taken));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Receiver { address, taken, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn callback_url(&self) -> String {
        format!("{}/events", self.url())
    }

    /// Every event so far, by its id.
    pub(crate) fn taken(&self) -> HashMap<String, Reported> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(taken): State<Taken>, body: Bytes) -> String {
    let event: Value = serde_json::from_slice(&body).unwrap();
    if event["type"] == "url_verification" {
        // The check of the URL when it is saved; no event.
        return serde_json::json!({"challenge": event["challenge"]}).to_string();
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let header = &event["header"];
    let mut taken = taken.lock().unwrap();
    let reported = Reported {
        event_type: text(&header["event_type"]).unwrap(),
        tenant_key: text(&header["tenant_key"]).unwrap(),
        order_id: text(&event["event"]["background_check_id"]),
        place: taken.len(),
        times: 0,
    };
    let known = taken.entry(text(&header["event_id"]).unwrap()).or_insert_with(|| reported.clone());
    known.times += 1;
    // The panic fails this delivery; the comparison at the end then finds the event missing.
    let again = Reported { place: known.place, times: known.times, ..reported };
    assert_eq!(*known, again, "an event id came with another event");
    "{}".to_owned()
}

/// Sends the PDF in pieces, so that a server is killed while it fetches.
async fn report() -> impl IntoResponse {
    let pieces: Vec<_> = pdf().chunks(32 * 1024).map(Bytes::copy_from_slice).collect();
    let pieces = stream::iter(pieces).then(async |piece| {
        pause(Duration::from_millis(20)).await;
        Ok::<_, Infallible>(piece)
    });
    ([(CONTENT_TYPE, "application/pdf")], Body::from_stream(pieces))
}

/// A small whole PDF: one empty page, and a stream of some length.
pub(crate) fn pdf() -> Vec<u8> {
    let stream = "% nothing to see\n".repeat(8_000);
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}endstream", stream.len()),
    ];
    let mut file = String::from("%PDF-1.7\n");
    let mut places = Vec::new();
    for (object, number) in objects.iter().zip(1..) {
        places.push(file.len());
        file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let table = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    let size = objects.len() + 1;
    file.push_str(&format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n"));
    file.into_bytes()
}
