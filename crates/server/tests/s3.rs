//! Reports in an S3-compatible store: the whole path as in a folder, on both engines; and a store that is away, full or
//! slow. `S3_URL` names the server; without it these tests are skipped, unless they are demanded.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{CheckObjects, GetReportContent, ObjectFindingKind, Report, ReportState};
use harness::{BEGIN, Engine, Seed, World, is_demanded};
use peer::{Peer, Reply, answer, pdf};
use server::{Config, S3};
use system::clock::Clock;
use system::random;

/// The server's address, and a new bucket there.
async fn bucket() -> Option<(String, String)> {
    let Ok(url) = std::env::var("S3_URL") else {
        assert!(!is_demanded(), "S3 is demanded: expected S3_URL");
        eprintln!("skipped: S3_URL names no server");
        return None;
    };
    let bucket = format!("probity-{}", random::hex::<8>());
    // Whoever came first has set it, with the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let built = http.put(format!("{url}/{bucket}")).send().await.unwrap();
    assert_eq!(built.status(), 200, "{}", built.text().await.unwrap());
    Some((url, bucket))
}

fn settings(config: &mut Config, url: &str, bucket: &str) {
    config.objects = Some(format!("s3://{bucket}/kept/here"));
    config.s3 = S3 {
        endpoint: Some(url.to_owned()),
        region: None,
        is_virtual_hosted: false,
        access_key_id: Some("test".to_owned()),
        secret_access_key: Some("test".to_owned()),
    };
}

async fn world(engine: Engine, url: &str, bucket: &str) -> World {
    let adjust = |config: &mut Config| settings(config, url, bucket);
    World::start(engine, Clock::manual(BEGIN), false, adjust).await
}

/// An order whose result brings a report from this address.
async fn reported(world: &World, seed: &Seed, url: String) -> String {
    let order_id = world.place(seed).await.order_id;
    let result = UpdateResult {
        background_check_id: order_id.clone(),
        result: "绿灯".to_owned(),
        result_time: 1_795_004_000_000,
        operator_role: OperatorRole::Provider,
        report_file_list: vec![ReportFile {
            name: "终版".to_owned(),
            url,
            url_type: ReportUrlType::Download,
        }],
    };
    seed.vendor.update_result(&result).await.unwrap();
    order_id
}

async fn report(seed: &Seed, order_id: &str) -> Report {
    let order = seed.hirer.control.get_order(&seed.hirer.tenant_key, order_id).await.unwrap();
    order.reports.into_iter().next().unwrap()
}

/// The status and the bytes of an answer.
async fn ask(
    world: &World,
    seed: &Seed,
    report: &Report,
    order_id: &str,
    range: &str,
) -> (u16, Vec<u8>) {
    let path = format!(
        "/api/v1/tenants/{}/orders/{order_id}/reports/{}/content",
        seed.hirer.tenant_key, report.report_id
    );
    let request = world.request("GET", &path, &seed.hirer.key);
    let request = if range.is_empty() { request } else { request.header("range", range) };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

async fn findings(world: &World, sweep: bool) -> Vec<(ObjectFindingKind, bool)> {
    let mut found = Vec::new();
    let mut asked = CheckObjects { cursor: None, quick: false, sweep };
    loop {
        let part = world.operator.check_objects(&asked).await.unwrap();
        found.extend(part.findings.iter().map(|finding| (finding.kind, finding.is_removed)));
        match part.next_cursor {
            Some(cursor) => asked.cursor = Some(cursor),
            None => return found,
        }
    }
}

#[tokio::test]
async fn the_whole_path_is_as_in_a_folder() {
    let Some((url, bucket)) = bucket().await else { return };
    for engine in Engine::available().await {
        eprintln!("on {engine:?}");
        let world = world(engine, &url, &bucket).await;
        let seed = world.seed().await;
        // One that one call takes, and one of several parts.
        for length in [0, 12 << 20] {
            let content = [pdf(""), b"% ".repeat(length / 2), b"%%EOF".to_vec()].concat();
            let first = content.clone();
            let second = [content.clone(), b"\n%%EOF".to_vec()].concat();
            let peer = Peer::start(move |_, nth| {
                Reply::Whole(answer(200, "", if nth == 1 { &first } else { &second }))
            });
            let peer = peer.await;
            let order_id = reported(&world, &seed, peer.url("/r.pdf")).await;
            world.settle().await;
            let stored = report(&seed, &order_id).await;
            assert_eq!((stored.state, stored.version), (ReportState::Stored, Some(1)));
            assert_eq!(stored.size_bytes, Some(content.len() as u64));
            let (status, given) = ask(&world, &seed, &stored, &order_id, "").await;
            assert!(status == 200 && given == content, "{status}, {} bytes", given.len());
            let (status, given) = ask(&world, &seed, &stored, &order_id, "bytes=5-14").await;
            assert_eq!((status, given.as_slice()), (206, &content[5..15]));
            let (status, given) = ask(&world, &seed, &stored, &order_id, "bytes=-6").await;
            assert_eq!((status, given.as_slice()), (206, &content[content.len() - 6..]));
            let (status, _) = ask(&world, &seed, &stored, &order_id, "bytes=0-1,9-9").await;
            assert_eq!(status, 206);

            let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
            let report_id = &stored.report_id;
            control.refetch_report(tenant_key, &order_id, report_id).await.unwrap();
            world.settle().await;
            let newer = report(&seed, &order_id).await;
            assert_eq!((newer.state, newer.version), (ReportState::Stored, Some(2)));
            assert_eq!(newer.size_bytes, Some(content.len() as u64 + 6));
            let query = GetReportContent { version: Some(1) };
            let older = control.get_report_version(tenant_key, &order_id, report_id, &query).await;
            assert!(older.unwrap().bytes().await.unwrap() == content, "the first version stays");
        }
        assert_eq!(findings(&world, false).await, []);
        // What nothing stands for is found, and goes when it is old enough by the store's own time.
        world.app.hub.objects.create_behind(seed.hirer.tenant_id).finish().await.unwrap();
        world.clock.advance_ms(400 * 86_400_000);
        let orphan = ObjectFindingKind::Orphan;
        // The objects of the other engine's World lie in the same bucket.
        let before = findings(&world, false).await;
        assert!(before.contains(&(orphan, false)), "{before:?}");
        let swept = findings(&world, true).await;
        assert!(swept.iter().all(|found| *found == (orphan, true)) && swept.len() == before.len());
        assert_eq!(findings(&world, false).await, []);
    }
}

#[tokio::test]
async fn a_store_that_is_away_or_full_keeps_nothing_half_and_stops_nothing_else() {
    let Some((url, bucket)) = bucket().await else { return };
    for engine in Engine::available().await {
        eprintln!("on {engine:?}");
        let mut world = world(engine, &url, &bucket).await;
        let seed = world.seed().await;
        let peer = Peer::start(|_, _| Reply::Whole(answer(200, "", &pdf("")))).await;
        let kept_order = reported(&world, &seed, peer.url("/kept.pdf")).await;
        world.settle().await;
        let stored = report(&seed, &kept_order).await;
        assert_eq!(stored.state, ReportState::Stored);

        let full = Peer::start(|_, _| Reply::Whole(answer(507, "", b"<Error/>"))).await;
        let no_address = "http://127.0.0.1:9".to_owned();
        for place in [no_address, full.url("")] {
            world.restart_with(|config| config.s3.endpoint = Some(place)).await;
            let order_id = reported(&world, &seed, peer.url("/r.pdf")).await;
            world.settle().await;
            let waiting = report(&seed, &order_id).await;
            assert_eq!((waiting.state, waiting.version), (ReportState::Pending, None));
            assert_eq!(waiting.failure_reason.as_deref(), Some("the report could not be kept"));
            assert_eq!(ask(&world, &seed, &stored, &kept_order, "").await.0, 503);
            let ready = world.http.get(format!("{}/readyz", world.server())).send().await.unwrap();
            assert_eq!(ready.status(), 200);

            world.restart_with(|config| settings(config, &url, &bucket)).await;
            assert_eq!(ask(&world, &seed, &stored, &kept_order, "").await, (200, pdf("")));
            world.clock.advance_ms(10_000);
            world.settle().await;
            assert_eq!(report(&seed, &order_id).await.state, ReportState::Stored);
        }
        world.clock.advance_ms(400 * 86_400_000);
        let found = findings(&world, true).await;
        assert!(found.iter().all(|(_, is_removed)| *is_removed), "{found:?}");
    }
}

/// Why a server with its reports in this bucket does not start.
async fn refusal(url: &str, bucket: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        data: folder.path().join("data"),
        listen: ([127, 0, 0, 1], 0).into(),
        ..Config::default()
    };
    settings(&mut config, url, bucket);
    let refused = server::Server::bind(config, Clock::manual(BEGIN)).await;
    let failure = refused.err().expect("the server starts");
    let cause = std::error::Error::source(&failure).map(ToString::to_string);
    format!("{failure}: {}", cause.unwrap_or_default())
}

#[tokio::test]
async fn a_store_that_refuses_is_told_of_at_the_start() {
    let Some((url, _)) = bucket().await else { return };
    let why = refusal(&url, "probity-nowhere").await;
    assert!(why.contains("probity-nowhere") && why.contains("writing was refused"), "{why}");
    assert!(why.contains("--s3-style path:") && why.contains("NoSuchBucket"), "{why}");

    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>No.</Message></Error>");
    for (status, code, hint) in [
        (403, "SecondLevelDomainForbidden", true),
        (403, "PathStyleDomainForbidden", true),
        (400, "InvalidRequest", true),
        (405, "MethodNotAllowed", true),
        (301, "PermanentRedirect", true),
        (403, "AccessDenied", false),
        (403, "SignatureDoesNotMatch", false),
    ] {
        let body = error(code);
        let store =
            Peer::start(move |_, _| Reply::Whole(answer(status, "", body.as_bytes()))).await;
        let why = refusal(&store.url(""), "kept").await;
        assert!(why.contains("writing was refused") && why.contains("--s3-style path"), "{why}");
        assert_eq!(why.contains("--s3-style virtual"), hint, "{why}");
        assert!(why.contains(code) || status == 301, "{why}");
    }
}

#[tokio::test]
async fn a_bucket_that_may_be_written_and_not_read_is_refused() {
    let store = Peer::start(|seen, _| {
        let denied = b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>";
        match seen.line.starts_with("PUT ") {
            true => Reply::Whole(answer(200, "ETag: \"a\"\r\n", b"")),
            false => Reply::Whole(answer(403, "", denied)),
        }
    })
    .await;
    let why = refusal(&store.url(""), "kept").await;
    assert!(why.contains("reading what was written was refused"), "{why}");
    assert!(why.contains("403 AccessDenied: No."), "{why}");
}

#[tokio::test]
async fn a_store_that_falls_silent_is_given_up() {
    if bucket().await.is_none() {
        return;
    }
    let silent = Peer::start(|_, _| Reply::Stall(Vec::new())).await;
    let world = world(Engine::Sqlite, &silent.url(""), "probity-silent").await;
    let seed = world.seed().await;
    let peer = Peer::start(|_, _| Reply::Whole(answer(200, "", &pdf("")))).await;
    let order_id = reported(&world, &seed, peer.url("/r.pdf")).await;
    world.settle().await;
    let waiting = report(&seed, &order_id).await;
    assert_eq!(waiting.failure_reason.as_deref(), Some("the report could not be kept"));
}
