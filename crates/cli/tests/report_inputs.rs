//! Reports as real vendors and report hosts send them: what every viewer opens is stored, what is no PDF or something
//! else as well is refused, and reported at once. The files lie in `report_inputs`; more of each kind are made.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;
#[path = "inspect/parties.rs"]
mod parties;
#[path = "report_inputs/variants.rs"]
mod variants;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use contract::control::ReportState;
use load::daemon::Setup;
use load::{Folder, until};
use parties::Parties;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use variants::{Input, Page, served, variants};

/// Until all reports of one call have ended.
const ENDED_WITHIN: Duration = Duration::from_secs(120);
/// The most reports of one call.
const AT_ONCE: usize = 50;

/// The files of the folder beside this one.
fn files(host: &str) -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report_inputs");
    let expected = std::fs::read_to_string(folder.join("expect.json")).unwrap();
    let expected: HashMap<String, Vec<ReportState>> = serde_json::from_str(&expected).unwrap();
    let input = |(name, ends): (String, Vec<ReportState>)| {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let answer = match name.ends_with(".pdf") {
            true => served(&bytes),
            // The host's own authority stands in addresses.
            false => replace(&bytes, b"{host}", host.as_bytes()),
        };
        Input { name, answer, ends }
    };
    expected.into_iter().map(input).collect()
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match bytes.windows(from.len()).position(|window| window == from) {
        Some(at) => [&bytes[..at], to, &bytes[at + from.len()..]].concat(),
        None => bytes.to_vec(),
    }
}

/// Answers each path with its bytes as they are, and every other one with a good PDF.
async fn host(listener: TcpListener, answers: Arc<HashMap<String, Vec<u8>>>) {
    let other = served(&Page::default().bytes());
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (answers, other) = (Arc::clone(&answers), other.clone());
        tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let answer = answers.get(path.trim_start_matches("/i/")).unwrap_or(&other);
            // A client that has seen enough may be gone.
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_input_ends_as_it_should() {
    let _alone = load::ONE_AT_A_TIME.lock().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let mut all = files(&authority);
    assert!(all.len() > 40, "{}", all.len());
    all.extend(variants(&authority));
    let answers = all.iter().map(|it| (it.name.clone(), it.answer.clone())).collect();
    tokio::spawn(host(listener, Arc::new(answers)));

    let folder = Folder::new();
    let setup = Setup::new(folder.path());
    let server = setup.start().await;
    let parties = Parties::arrange(&server.url, &setup.operator_key()).await;
    let mut wrong = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let urls: Vec<_> = some
            .iter()
            .map(|it| (it.name.clone(), format!("http://{authority}/i/{}", it.name)))
            .collect();
        let order_id = parties.reported(&urls).await;
        let has_ended = |state| !matches!(state, ReportState::Pending | ReportState::Fetching);
        // What has not ended in time is reported by its name below.
        let _ = tokio::time::timeout(
            ENDED_WITHIN,
            until("all reports ended", ENDED_WITHIN * 2, async || {
                let order = parties.order(&order_id).await;
                order.reports.iter().all(|report| has_ended(report.state))
            }),
        )
        .await;
        let order = parties.order(&order_id).await;
        for (input, report) in some.iter().zip(&order.reports) {
            assert_eq!(input.name, report.name);
            if !input.ends.contains(&report.state) {
                let (name, state, why) = (&input.name, report.state, &report.failure_reason);
                wrong.push(format!("{name}: {state:?} ({why:?}), expected {:?}", input.ends));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    println!("{} inputs ended as they should", all.len());
    setup.assert_no_panic();
}
