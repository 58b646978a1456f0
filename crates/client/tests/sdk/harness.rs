//! A server on loopback that gives canned answers in order and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// One answer to give: status, content type, further header, body.
pub(crate) struct Canned(
    pub(crate) u16,
    pub(crate) &'static str,
    pub(crate) Option<(&'static str, &'static str)>,
    pub(crate) String,
);

pub(crate) fn json(status: u16, body: &str) -> Canned {
    Canned(status, "application/json; charset=utf-8", None, body.to_owned())
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts a server; beyond `answers` it gives 500 with an empty body.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Canned>) -> Server {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stored = asked.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (answers, asked) = (answers.clone(), stored.clone());
            async move { answer(request, &answers, &asked).await }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Server { url, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn answer(
    request: Request,
    answers: &Mutex<VecDeque<Canned>>,
    asked: &Mutex<Vec<Asked>>,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    asked.lock().unwrap().push(Asked { line, headers: parts.headers, body });
    let Some(Canned(status, kind, header, body)) = answers.lock().unwrap().pop_front() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
