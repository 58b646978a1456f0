//! Reports checked by what is in them, and by the operator's scanner; transfers that break off; and what is counted of
//! all that. Source: product, section 4; sections 6 and 7 of the reliability list.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use std::os::unix::fs::PermissionsExt;

use domain::Id;
use domain::report::ReportState;
use harness::{BEGIN, Engine, World};
use http::StatusCode;
use inspect::ScannerPolicy;
use peer::{Parties, Peer, Reply, answer, pdf, settings};
use server::{Config, Server, StartError};
use store::reports::Report;
use system::clock::Clock;

async fn host(bytes: Vec<u8>) -> Peer {
    Peer::start(move |_, _| Reply::Whole(answer(200, "", &bytes))).await
}

async fn reports(world: &World, parties: &Parties, order_id: Id) -> Vec<Report> {
    world.app.hub.store.find_order(&parties.tenant, order_id).await.unwrap().unwrap().reports
}

/// Fetches one report and says how far it is, and why it is not further.
async fn fetched(world: &World, bytes: Vec<u8>) -> (ReportState, Option<String>) {
    let peer = host(bytes).await;
    let parties = world.parties(settings(None, false)).await;
    let order_id = world.reported(&parties, &[peer.url("/")], false).await;
    world.settle().await;
    let report = reports(world, &parties, order_id).await.remove(0);
    (report.state, report.failure)
}

/// A World on every engine, with these settings.
async fn each(adjust: impl Fn(&mut Config), test: impl AsyncFn(World)) {
    for engine in Engine::available().await {
        eprintln!("on {engine:?}");
        test(World::start(engine, Clock::manual(BEGIN), false, &adjust).await).await;
    }
}

/// A program that looks for a word, and fails when it meets another.
fn scanner() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    let script = "#!/bin/sh\ncontent=$(/bin/cat)\ncase \"$content\" in\n*EICAR*) echo Eicar; exit 1;;\n*TROUBLE*) exit 2;;\nesac\n";
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let scanner = format!("command:{}", path.display());
    (folder, scanner)
}

/// The value of a line of `/metrics`; 0 when it is not there.
fn counted(world: &World, line: &str) -> u64 {
    let text = world.app.metrics.text();
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.map_or(0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn files_of_two_formats_and_unknown_versions_are_refused() {
    World::each(async |world| {
        let sound = String::from_utf8(pdf("")).unwrap();
        let reason = |format: &str| {
            Some(format!("the report is more than a PDF: it has the mark of {format}"))
        };
        for (bytes, expected) in [
            (
                sound.replacen("\n", "\n<html><script>alert(1)</script>\n", 1),
                reason("an HTML page"),
            ),
            (sound.clone() + "PK\x05\x06" + &"\0".repeat(18), reason("a ZIP archive")),
            (sound.replacen("\n", "\n#!/bin/sh\n", 1), reason("a script")),
            (
                sound.replacen("1.7", "1.9", 1),
                Some(
                    "the report is a PDF of an unknown version: expected 1.0 to 1.7 or 2.0"
                        .to_owned(),
                ),
            ),
        ] {
            assert_eq!(fetched(&world, bytes.into_bytes()).await, (ReportState::Failed, expected));
        }
        assert_eq!(
            counted(&world, "probity_report_fetches_total{outcome=\"content_polyglot\"}"),
            3
        );
        assert_eq!(counted(&world, "probity_report_fetches_total{outcome=\"content_version\"}"), 1);
    })
    .await;
}

#[tokio::test]
async fn what_calls_for_caution_is_kept_flagged_and_counted() {
    World::each(async |world| {
        let flagged = (ReportState::Flagged, None);
        assert_eq!(fetched(&world, pdf("/Encrypt 5 0 R")).await, flagged);
        assert_eq!(
            fetched(&world, pdf("/Names << /EmbeddedFiles 5 0 R >> /XFA [1]")).await,
            flagged
        );
        assert_eq!(fetched(&world, [pdf(""), b"what else".to_vec()].concat()).await, flagged);
        assert_eq!(fetched(&world, pdf("")).await, (ReportState::Stored, None));
        for code in ["encrypted", "attachment", "xfa", "odd_structure"] {
            let line = format!("probity_report_findings_total{{code=\"{code}\"}}");
            assert_eq!(counted(&world, &line), 1, "{code}");
        }
        assert_eq!(counted(&world, "probity_report_fetches_total{outcome=\"stored\"}"), 4);
    })
    .await;
}

#[tokio::test]
async fn what_the_scanner_finds_is_flagged_or_refused_and_never_kept_unscanned() {
    let (_folder, program) = scanner();
    for (policy, found) in [
        (ScannerPolicy::Flag, (ReportState::Flagged, None)),
        (
            ScannerPolicy::Refuse,
            (
                ReportState::Failed,
                Some("the report was refused: the scanner found something in it".to_owned()),
            ),
        ),
    ] {
        let adjust = |config: &mut Config| {
            config.scanner = Some(program.clone());
            config.scanner_policy = policy;
        };
        each(adjust, async |world| {
            assert_eq!(fetched(&world, pdf("")).await, (ReportState::Stored, None));
            assert_eq!(fetched(&world, pdf("EICAR")).await, found);
            let unscanned =
                (ReportState::Pending, Some("the report could not be scanned".to_owned()));
            assert_eq!(fetched(&world, pdf("TROUBLE")).await, unscanned);
            assert_eq!(counted(&world, "probity_report_fetches_total{outcome=\"not_scanned\"}"), 1);
        })
        .await;
    }
}

#[tokio::test]
async fn a_scanner_that_cannot_be_read_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        data: folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        scanner: Some("clamscan".to_owned()),
        ..Config::default()
    };
    let failure = Server::bind(config, Clock::manual(BEGIN)).await.err().unwrap();
    assert!(matches!(failure, StartError::Scanner(_)), "{failure:?}");
}

#[tokio::test]
async fn a_report_waits_for_a_scanner_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    let adjust = |config: &mut Config| config.scanner = Some(format!("command:{}", path.display()));
    each(adjust, async |world| {
        let _ = std::fs::remove_file(&path);
        let peer = host(pdf("")).await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        world.settle().await;
        let waiting = reports(&world, &parties, order_id).await.remove(0);
        assert_eq!(waiting.failure.as_deref(), Some("the report could not be scanned"));
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        world.clock.advance_ms(10_000);
        world.settle().await;
        assert_eq!(reports(&world, &parties, order_id).await.remove(0).state, ReportState::Stored);
    })
    .await;
}

#[tokio::test]
async fn a_child_that_fails_flags_the_report_and_the_server_goes_on() {
    // No program at all, one that fails, and one that answers.
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    };
    let answer = |codes: &str| format!("/bin/cat >/dev/null; echo '{{\"findings\":[{codes}]}}'");
    let answers = script("answers", &answer(""));
    let odd = script("odd", &answer("\"odd_structure\""));
    let killed = script("killed", "kill -11 $$");
    let missing = folder.path().join("missing");
    let acting = "/OpenAction 5 0 R";
    for (program, words, state, class) in [
        (&answers, "", ReportState::Stored, None),
        // What looks like an action by its bytes is none, says a parser that found nothing odd.
        (&answers, acting, ReportState::Stored, None),
        (&answers, "/JS (x)", ReportState::Flagged, None),
        (&odd, acting, ReportState::Flagged, None),
        (&killed, "", ReportState::Flagged, Some("killed")),
        (&missing, "", ReportState::Flagged, Some("not_started")),
    ] {
        let adjust = |config: &mut Config| config.deep_check = Some(program.clone());
        each(adjust, async |world| {
            assert_eq!(fetched(&world, pdf(words)).await, (state, None), "{program:?} {words}");
            if let Some(class) = class {
                let line = format!("probity_report_deep_check_failures_total{{class=\"{class}\"}}");
                assert_eq!(counted(&world, &line), 1);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_report_whose_transfer_breaks_off_is_fetched_whole_at_the_next_try() {
    World::each(async |world| {
        let bytes = [pdf(""), b"% ".repeat(100_000), b"%%EOF\n".to_vec()].concat();
        let whole = answer(200, "accept-ranges: bytes\r\netag: \"v1\"\r\n", &bytes);
        let peer = Peer::start(move |request, number| {
            assert_eq!(request.header("Range"), None);
            match number {
                1 => Reply::Last(whole[..70_000].to_vec()),
                _ => Reply::Whole(whole.clone()),
            }
        })
        .await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        world.settle().await;
        let report = reports(&world, &parties, order_id).await.remove(0);
        let reason = report.failure.as_deref();
        assert_eq!(
            (report.state, reason),
            (ReportState::Pending, Some("the report's transfer broke off"))
        );
        world.clock.advance_ms(10_000);
        world.settle().await;
        let report = reports(&world, &parties, order_id).await.remove(0);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        assert_eq!(
            (report.state, report.sha256.as_deref()),
            (ReportState::Stored, Some(digest.as_ref()))
        );
        let size = u64::try_from(bytes.len()).unwrap();
        assert_eq!(counted(&world, "probity_report_fetched_bytes_total"), size);
    })
    .await;
}

#[tokio::test]
async fn metrics_are_for_the_operator_and_name_nobody() {
    World::each(async |world| {
        let seed = world.seed().await;
        fetched(&world, pdf("")).await;
        let url = format!("http://{}/metrics", world.address);
        let ask = async |key: Option<&str>| {
            let request = world.http.get(&url);
            let request = match key {
                Some(key) => request.bearer_auth(key),
                None => request,
            };
            request.send().await.unwrap()
        };
        assert_eq!(ask(None).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(ask(Some("pbo_wrong")).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(ask(Some(&seed.hirer.key)).await.status(), StatusCode::FORBIDDEN);
        let answer = ask(Some(&world.operator_key)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let form = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(form.starts_with("application/openmetrics-text"), "{form}");
        let text = answer.text().await.unwrap();
        for line in [
            "probity_report_fetches_total{outcome=\"stored\"} 1",
            "probity_calls_total{method=\"POST\",path=\"/api/v1/tenants\",status=\"201\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.contains("path=\"/open-apis/"), "{text}");
        assert!(text.ends_with("# EOF\n"));
        for secret in [&seed.hirer.tenant_key, &seed.app.app.app_id, &seed.account.account_id] {
            assert!(!text.contains(secret.as_str()), "{secret} in {text}");
        }
    })
    .await;
}
