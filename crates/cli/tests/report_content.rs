//! The whole program against contents that are meant to hurt it: `probity serve` fetches sound files, hidden scripts,
//! files of two formats and bombs, and goes on serving with the memory that it had.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

#[path = "inspect/bombs.rs"]
mod bombs;
#[path = "inspect/file.rs"]
mod file;
mod load;
#[path = "inspect/parties.rs"]
mod parties;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use contract::control::ReportState;
use file::{File, sound_files};
use load::daemon::Setup;
use load::{Folder, until};
use parties::Parties;
use tokio::net::TcpListener;

/// What a server may ever have held in memory, its own 50 MB and what tests of many bombs may add to it, in KiB.
const PEAK_KIB_MAX: u64 = 192 * 1024;
/// Until all reports have been checked, the slowest bombs included.
const CHECKED_WITHIN: Duration = Duration::from_secs(120);

/// What one content should come to.
struct Served {
    name: String,
    bytes: Vec<u8>,
    state: ReportState,
}

fn served() -> Vec<Served> {
    let served = |name: &str, bytes, state| Served {
        name: name.replace([' ', ',', '^'], "-"),
        bytes,
        state,
    };
    let mut all = Vec::new();
    for (name, bytes) in sound_files() {
        all.push(served(name, bytes, ReportState::Stored));
    }
    let hidden = File::sound("/OpenAction 6 0 R").stream(4, "", b"x");
    let member = format!("6 0 << /S /JavaScript /JS (app.alert()) >>{}", " ".repeat(500));
    let hidden = hidden.stream(
        5,
        "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode",
        &file::flate(member.as_bytes()),
    );
    let (table, rows) = (hidden.place(), hidden.rows(&[(6, 5)]));
    let hidden =
        hidden.stream(7, "/Type /XRef /Size 8 /W [1 4 2] /Root 1 0 R", &rows).end_at(table, "");
    all.push(served("hidden script", hidden, ReportState::Flagged));
    let archive = [&sound_files()[0].1[..], b"PK\x05\x06", &[0; 18]].concat();
    all.push(served("archive", archive, ReportState::Failed));
    all.push(served("page", b"<html>log in</html>".to_vec(), ReportState::Failed));
    for (name, bytes) in bombs::bombs() {
        // Three are nothing but odd to look at, and one is larger than a report may be.
        let is_sound =
            ["object stream of 2^31 objects", "a length that is its own", "a length of 2^63"]
                .contains(&name);
        if !is_sound && bytes.len() < 50 << 20 {
            all.push(served(name, bytes, ReportState::Flagged));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_given_bombs_flags_them_and_goes_on() {
    let _alone = load::ONE_AT_A_TIME.lock().await;
    let all = served();
    assert!(
        all.len() <= 50 && all.iter().filter(|one| one.state == ReportState::Flagged).count() > 20
    );
    let contents: HashMap<String, Vec<u8>> =
        all.iter().map(|one| (one.name.clone(), one.bytes.clone())).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route(
        "/{name}",
        get(
            async |State(contents): State<Arc<HashMap<String, Vec<u8>>>>,
                   Path(name): Path<String>| { contents[&name].clone() },
        ),
    );
    tokio::spawn(axum::serve(listener, router.with_state(Arc::new(contents))).into_future());

    let folder = Folder::new();
    let setup = Setup::new(folder.path());
    let server = setup.start().await;
    let parties = Parties::arrange(&server.url, &setup.operator_key()).await;
    let urls: Vec<_> =
        all.iter().map(|one| (one.name.clone(), format!("{host}/{}", one.name))).collect();
    let order_id = parties.reported(&urls).await;

    let has_ended = |state| !matches!(state, ReportState::Pending | ReportState::Fetching);
    let took = until("all reports checked", CHECKED_WITHIN, async || {
        let order = parties.order(&order_id).await;
        order.reports.iter().filter(|report| has_ended(report.state)).count() == all.len()
    });
    let took = took.await;
    let order = parties.order(&order_id).await;
    let found: HashMap<_, _> =
        order.reports.iter().map(|report| (report.name.as_str(), report)).collect();
    for one in &all {
        let state = found[one.name.as_str()].state;
        assert_eq!(state, one.state, "{}", one.name);
    }

    assert_eq!(server.door().is_ready().await, Some(true));
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!(
        "{} contents checked in {took:?}; the server never held more than {peak_kib} KiB",
        all.len()
    );
    assert!(peak_kib < PEAK_KIB_MAX, "{peak_kib} KiB");
    setup.assert_no_panic();
}
