//! Reports on their way from the vendor's host to the object store: what is stored, what is refused and why, when it is
//! tried again. Source: product, section 4; faults of sources: `T11` of the reliability list.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use std::time::Duration;

use domain::report::ReportState;
use domain::{Id, UnixMs};
use futures_util::TryStreamExt;
use harness::{BEGIN, Engine, World};
use peer::{Parties, Peer, Reply, answer, pdf, settings};
use store::reports::Report;
use system::clock::{Clock, socket_now};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A host that has a report.
async fn host(bytes: Vec<u8>) -> Peer {
    Peer::start(move |_, _| Reply::Whole(answer(200, "", &bytes))).await
}

/// A host that answers with a status first and has a report from the given request on.
async fn host_from(number: usize, status: u16) -> Peer {
    Peer::start(move |_, nth| {
        Reply::Whole(if nth < number {
            answer(status, "", b"no")
        } else {
            answer(200, "", &pdf(""))
        })
    })
    .await
}

async fn reports(world: &World, parties: &Parties, order_id: Id) -> Vec<Report> {
    world.app.hub.store.find_order(&parties.tenant, order_id).await.unwrap().unwrap().reports
}

async fn report(world: &World, parties: &Parties, order_id: Id) -> Report {
    let mut reports = reports(world, parties, order_id).await;
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// The content of a version.
async fn object(
    world: &World,
    parties: &Parties,
    order_id: Id,
    report: &Report,
) -> Option<Vec<u8>> {
    version(world, parties, order_id, report, report.version_last).await
}

async fn version(
    world: &World,
    parties: &Parties,
    order_id: Id,
    report: &Report,
    version: i64,
) -> Option<Vec<u8>> {
    let (tenant, report_id) = (&parties.tenant, report.report_id);
    let store = &world.app.hub.store;
    let version = store.find_report_version(tenant, order_id, report_id, version).await.unwrap()?;
    let (key, _) = version.opened.unwrap();
    let size_bytes = u64::try_from(version.size_bytes).unwrap();
    let objects = &world.app.hub.objects;
    let object =
        objects.open(tenant.tenant_id, version.object_id, key.bytes(), size_bytes).await.unwrap();
    let pieces: Vec<_> = object.read(0..size_bytes).try_collect().await.unwrap();
    Some(pieces.concat())
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

#[tokio::test]
async fn a_pdf_is_kept_with_its_size_and_hash() {
    World::each(async |world| {
        let bytes = [pdf(""), b"% ".repeat(200_000), b"%%EOF".to_vec()].concat();
        let peer = host(bytes.clone()).await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/r.pdf?sig=%2B")], false).await;
        let waiting = report(&world, &parties, order_id).await;
        assert_eq!((waiting.state, waiting.size_bytes), (ReportState::Pending, None));
        world.settle().await;

        let stored = report(&world, &parties, order_id).await;
        assert_eq!((stored.state, stored.failure.as_deref()), (ReportState::Stored, None));
        assert_eq!(stored.size_bytes, Some(i64::try_from(bytes.len()).unwrap()));
        assert_eq!(stored.sha256, Some(sha256(&bytes)));
        assert_eq!(object(&world, &parties, order_id, &stored).await, Some(bytes));
        let seen = peer.seen();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].line, "GET /r.pdf?sig=%2B HTTP/1.1");
        world.clock.advance_ms(100 * HOUR);
        world.settle().await;
        assert_eq!(peer.seen().len(), 1, "fetched once");
    })
    .await;
}

#[tokio::test]
async fn an_acting_pdf_is_kept_and_flagged() {
    World::each(async |world| {
        let peer = host(pdf("/OpenAction << /S /JavaScript /JS (app.alert(1)) >>")).await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        world.settle().await;
        let flagged = report(&world, &parties, order_id).await;
        assert_eq!((flagged.state, flagged.failure.as_deref()), (ReportState::Flagged, None));
        assert!(object(&world, &parties, order_id, &flagged).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_redirect_to_the_report_is_followed() {
    World::each(async |world| {
        let peer = Peer::start(|request, _| {
            Reply::Whole(match request.line.as_str() {
                "GET / HTTP/1.1" => answer(302, "location: /b\r\n", b""),
                "GET /b HTTP/1.1" => answer(307, "location: c?d=1\r\n", b""),
                _ => answer(200, "", &pdf("")),
            })
        });
        let peer = peer.await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        world.settle().await;
        assert_eq!(report(&world, &parties, order_id).await.state, ReportState::Stored);
        assert_eq!(peer.seen()[2].line, "GET /c?d=1 HTTP/1.1");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_report_is_told_and_leaves_nothing() {
    World::each(async |world| {
        let whole = |bytes: &[u8]| Reply::Whole(answer(200, "", bytes));
        let head = |length: u64| {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes()
        };
        let too_large = "the report is larger than 52428800 bytes";
        let unreachable = "the report's address could not be reached";
        let redirects = "the report's address redirects too often or nowhere";
        let not_pdf = "the report is not a PDF: expected it to begin with %PDF-";
        let gzip = answer(200, "content-encoding: gzip\r\n", &pdf(""));
        let endless = b"HTTP/1.1 200 OK\r\n\r\n%PDF-1.7\n".to_vec();
        let away = answer(302, "location: http://10.0.0.1/r.pdf\r\n", b"");
        let cases = [
            (whole(b""), "the report is empty"),
            (whole(b"<html>log in, please</html>"), not_pdf),
            (whole(b"PK\x03\x04 %PDF-1.7 %%EOF"), not_pdf),
            (whole(b"%PDF-1.7 cut"), "the report is not a whole PDF: expected %%EOF at its end"),
            (Reply::Whole(answer(404, "", b"")), "the report's address answered with status 404"),
            (Reply::Whole(answer(503, "", b"")), "the report's address answered with status 503"),
            (
                Reply::Whole(answer(206, "", &pdf(""))),
                "the report's address answered with status 206",
            ),
            (Reply::Endless(endless, b"% ".repeat(32_768)), too_large),
            (Reply::Last(head(51 << 20)), too_large),
            (Reply::Whole(answer(302, "location: /\r\n", b"")), redirects),
            (Reply::Whole(answer(302, "", b"")), redirects),
            (Reply::Whole(away), unreachable),
            (Reply::Stall(Vec::new()), "the report did not come in time"),
            (Reply::Last(gzip.clone()), "the report came in an encoding that was not asked for"),
            (Reply::Last([head(5_000), pdf("")].concat()), "the report's transfer broke off"),
            (Reply::Last(Vec::new()), "the report's transfer broke off"),
        ];
        let parties = world.parties(settings(None, false)).await;
        let mut urls = Vec::new();
        for (reply, _) in &cases {
            let reply = reply.clone();
            urls.push(Peer::start(move |_, _| reply.clone()).await.url("/"));
        }
        urls.push("http://127.0.0.1:9/".to_owned());
        urls.push("http://192.168.0.1/".to_owned());
        let order_id = world.reported(&parties, &urls, false).await;
        world.settle().await;

        let expected = cases.iter().map(|(_, reason)| *reason).chain([unreachable; 2]);
        for (report, reason) in reports(&world, &parties, order_id).await.iter().zip(expected) {
            let found = (report.state, report.failure.as_deref());
            // What was not there, broke off or came too late is asked for again; what was refused is not.
            let may_pass_later =
                ["status", "in time", "broke off"].iter().any(|it| reason.contains(it))
                    || report.source.url.ends_with(":9/");
            let state = if may_pass_later { ReportState::Pending } else { ReportState::Failed };
            assert_eq!(found, (state, Some(reason)), "{}", report.source.url);
            assert_eq!((report.size_bytes, &report.sha256), (None, &None));
            assert_eq!(object(&world, &parties, order_id, report).await, None);
        }
        let drafts = world.data().join(server::data_folder::REPORTS_FOLDER).join("drafts");
        assert_eq!(std::fs::read_dir(drafts).unwrap().count(), 0, "no half report is left");
    })
    .await;
}

#[tokio::test]
async fn a_missing_report_is_fetched_when_it_is_there() {
    World::each(async |world| {
        let peer = host_from(2, 404).await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        world.settle().await;
        world.clock.advance_ms(10 * SECOND - 1);
        world.settle().await;
        assert_eq!(peer.seen().len(), 1, "1 ms before it is due");
        world.clock.advance_ms(1);
        world.settle().await;
        let stored = report(&world, &parties, order_id).await;
        assert_eq!((stored.state, stored.failure.as_deref()), (ReportState::Stored, None));
    })
    .await;
}

#[tokio::test]
async fn failed_fetches_follow_the_schedule_and_a_new_try_can_be_asked_for() {
    World::each(async |world| {
        let peer = host_from(8, 500).await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        world.settle().await;
        let waits = [10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR];
        for (tries, wait_ms) in (1..).zip(waits) {
            assert_eq!(report(&world, &parties, order_id).await.state, ReportState::Pending);
            world.clock.advance_ms(wait_ms - 1);
            world.settle().await;
            assert_eq!(peer.seen().len(), tries, "1 ms before it is due");
            world.clock.advance_ms(1);
            world.settle().await;
        }
        let failed = report(&world, &parties, order_id).await;
        let reason = "the report's address answered with status 500";
        assert_eq!((failed.state, failed.failure.as_deref()), (ReportState::Failed, Some(reason)));
        world.clock.advance_ms(100 * HOUR);
        world.settle().await;
        assert_eq!(peer.seen().len(), 7);

        let (store, tenant_id) = (&world.app.hub.store, parties.tenant.tenant_id);
        let now = world.clock.now();
        assert!(
            store
                .refetch_report(
                    store::audit::By::system(now),
                    tenant_id,
                    order_id,
                    failed.report_id
                )
                .await
                .unwrap()
        );
        world.settle().await;
        let stored = report(&world, &parties, order_id).await;
        assert_eq!((stored.state, stored.failure), (ReportState::Stored, None));
    })
    .await;
}

#[tokio::test]
async fn what_was_refused_is_kept_as_it_is_when_a_user_takes_it() {
    World::each(async |world| {
        let page = b"<html>your report</html>".as_slice();
        let double = [&b"PK\x03\x04"[..], &pdf("")].concat();
        let contents = [page.to_vec(), double, b"%PDF-1.7 cut".to_vec(), Vec::new()];
        let mut urls = Vec::new();
        for content in &contents {
            urls.push(host(content.clone()).await.url("/"));
        }
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &urls, false).await;
        world.settle().await;
        let (store, tenant_id) = (&world.app.hub.store, parties.tenant.tenant_id);
        let by = store::audit::By::system(world.clock.now());
        for (report, content) in reports(&world, &parties, order_id).await.iter().zip(&contents) {
            assert_eq!(report.state, ReportState::Failed);
            let may_be_taken = !content.is_empty();
            assert_eq!(report.is_refused, may_be_taken, "{}", content.len());
            let taken = store.accept_report(by, tenant_id, order_id, report.report_id).await;
            assert_eq!(taken.unwrap(), may_be_taken);
        }
        world.settle().await;
        let found = reports(&world, &parties, order_id).await;
        for (report, content) in found.iter().zip(&contents).take(3) {
            assert_eq!((report.state, report.is_refused), (ReportState::Flagged, false));
            assert_eq!(object(&world, &parties, order_id, report).await.as_ref(), Some(content));
            let (tenant, report_id) = (&parties.tenant, report.report_id);
            let version = store.find_report_version(tenant, order_id, report_id, 1).await.unwrap();
            let (_, facts) = version.unwrap().opened.unwrap();
            assert_eq!(facts.findings, ["refused_content"]);
            // It was taken once: what comes of another try is checked again.
            assert!(store.refetch_report(by, tenant_id, order_id, report_id).await.unwrap());
        }
        assert_eq!(found[3].state, ReportState::Failed, "nothing is there to take");
        world.settle().await;
        for report in reports(&world, &parties, order_id).await.iter().take(3) {
            let found = (report.state, report.is_refused, report.version_last);
            assert_eq!(found, (ReportState::Flagged, true, 1), "it stays what its version is");
        }
    })
    .await;
}

#[tokio::test]
async fn a_preview_link_stays_a_link() {
    World::each(async |world| {
        let peer = host(pdf("")).await;
        let urls = [peer.url("/report"), peer.url("/preview")];
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &urls, true).await;
        world.settle().await;
        world.clock.advance_ms(100 * HOUR);
        world.settle().await;
        let found = reports(&world, &parties, order_id).await;
        assert_eq!(found[0].state, ReportState::Stored);
        assert_eq!(
            (found[1].state, found[1].source.url.as_str()),
            (ReportState::Linked, &*urls[1])
        );
        assert_eq!(peer.seen().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_workers_at_once_fetch_each_report_once() {
    World::each(async |world| {
        let peer = host(pdf("")).await;
        let parties = world.parties(settings(None, false)).await;
        let urls: Vec<_> = (0..50).map(|number| peer.url(&format!("/{number}"))).collect();
        let order_id = world.reported(&parties, &urls, false).await;
        tokio::join!(world.settle(), world.settle());
        assert_eq!(peer.seen().len(), 50);
        for report in reports(&world, &parties, order_id).await {
            assert_eq!(report.state, ReportState::Stored);
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_dead_worker_held_is_fetched_when_its_lease_ends() {
    World::each(async |world| {
        let peer = host(pdf("")).await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        let now = world.clock.now();
        let lease_until = UnixMs(now.0 + 150_000);
        let claimed = world.app.hub.store.claim_reports(now, lease_until, 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(report(&world, &parties, order_id).await.state, ReportState::Fetching);
        world.settle().await;
        assert!(peer.seen().is_empty());
        world.go_to(lease_until);
        world.settle().await;
        assert_eq!(report(&world, &parties, order_id).await.state, ReportState::Stored);
    })
    .await;
}

#[tokio::test]
async fn a_fetch_that_outlived_its_lease_is_dropped() {
    World::each(async |world| {
        let clock = world.clock.clone();
        let peer = Peer::start(move |_, nth| {
            if nth == 1 {
                clock.advance_ms(149 * SECOND);
            }
            Reply::Whole(answer(200, "", &pdf("")))
        });
        let peer = peer.await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        world.settle().await;
        let late = report(&world, &parties, order_id).await;
        assert_eq!(late.failure.as_deref(), Some("the report did not come in time"));
        assert_eq!(object(&world, &parties, order_id, &late).await, None);
        world.clock.advance_ms(10 * SECOND);
        world.settle().await;
        assert_eq!(report(&world, &parties, order_id).await.state, ReportState::Stored);
    })
    .await;
}

#[tokio::test]
async fn a_fetch_broken_off_by_a_stop_begins_anew_at_once() {
    for engine in Engine::available().await {
        let mut world = World::start(engine, Clock::manual(BEGIN), true, |_| {}).await;
        let peer = Peer::start(|_, nth| match nth {
            1 => Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n%PDF-1.7\n".to_vec()),
            _ => Reply::Whole(answer(200, "", &pdf(""))),
        });
        let peer = peer.await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        peer.wait_for(1).await;
        let begun = socket_now();
        world.restart().await;
        assert!(begun.elapsed() < Duration::from_secs(60), "a stop does not wait for the fetch");
        peer.wait_for(2).await;
        world.restart().await;
        let found = report(&world, &parties, order_id).await;
        let reason = found.failure.as_deref();
        match found.state {
            ReportState::Stored => assert_eq!(reason, None),
            // The second stop may come before the last byte.
            _ => assert_eq!(reason, Some("the fetch was broken off because the server stopped")),
        }
    }
}
