//! Reports by the control API: their content, whole and in ranges, and new tries.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::check::ReportUrlType;
use contract::control::{
    AlertKind, GetReportContent, List, ListAudit, Problem, ProblemCode, Report, ReportState,
};
use harness::World;
use harness::filed::{CONTENT, Filed};
use reqwest::{Response, StatusCode};
use store::reports::FetchOutcome;

impl Filed<'_> {
    async fn ask(&self, method: &str, range: &str) -> Response {
        let (tenant_key, order_id) = (&self.seed.hirer.tenant_key, &self.order_id);
        let report_id = &self.report.report_id;
        let path =
            format!("/api/v1/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content");
        let request = self.world.request(method, &path, &self.seed.hirer.key);
        let request = if range.is_empty() { request } else { request.header("range", range) };
        request.send().await.unwrap()
    }

    async fn read_whole(&self) -> reqwest::Result<bytes::Bytes> {
        let (tenant_key, order_id) = (&self.seed.hirer.tenant_key, &self.order_id);
        let report_id = &self.report.report_id;
        let path =
            format!("/api/v1/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content");
        let answer = self.world.request("GET", &path, &self.seed.hirer.key).send().await?;
        assert_eq!(answer.status(), 200);
        answer.bytes().await
    }

    async fn refetch(&self) -> Response {
        self.post("refetch", &self.seed.hirer.key).await
    }

    async fn post(&self, act: &str, key: &str) -> Response {
        let (tenant_key, order_id) = (&self.seed.hirer.tenant_key, &self.order_id);
        let report_id = &self.report.report_id;
        let path =
            format!("/api/v1/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/{act}");
        self.world.request("POST", &path, key).send().await.unwrap()
    }
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_stored_report_is_an_attachment_that_nothing_keeps_or_guesses() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.store().await;
        let sha256 = scene.report.sha256.clone().unwrap();
        assert_eq!((scene.report.size_bytes, sha256.len()), (Some(CONTENT.len() as u64), 64));

        let answer = scene.ask("GET", "").await;
        assert_eq!(answer.status(), 200);
        for (name, expected) in [
            ("content-type", "application/pdf"),
            ("content-length", "19"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox"),
            ("cross-origin-resource-policy", "same-origin"),
            ("accept-ranges", "bytes"),
            ("etag", &format!("\"{sha256}\"")),
            (
                "content-disposition",
                "attachment; filename=\"__ ____.pdf\"; \
                 filename*=UTF-8''%E5%BC%A0%E4%B8%89%20%E7%BB%88%E7%89%88%E6%8A%A5%E5%91%8A.pdf",
            ),
        ] {
            assert_eq!(header(&answer, name), expected, "{name}");
        }
        assert_eq!(answer.bytes().await.unwrap(), CONTENT);

        let head = scene.ask("HEAD", "").await;
        assert_eq!(
            (head.status(), header(&head, "content-length").as_str()),
            (StatusCode::OK, "19")
        );
        assert!(head.bytes().await.unwrap().is_empty());

        let (control, hirer) = (&scene.seed.hirer.control, &scene.seed.hirer);
        let report_id = &scene.report.report_id;
        let content =
            control.get_report_content(&hirer.tenant_key, &scene.order_id, report_id).await;
        assert_eq!(content.unwrap().bytes().await.unwrap(), CONTENT);
    })
    .await;
}

#[tokio::test]
async fn a_range_of_a_report_is_given_alone() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.store().await;
        for (range, expected, content_range) in [
            ("bytes=0-3", &CONTENT[..4], "bytes 0-3/19"),
            ("bytes=9-", &CONTENT[9..], "bytes 9-18/19"),
            ("bytes=-2", &CONTENT[17..], "bytes 17-18/19"),
            ("bytes=5-1000", &CONTENT[5..], "bytes 5-18/19"),
        ] {
            let answer = scene.ask("GET", range).await;
            assert_eq!(answer.status(), 206, "{range}");
            assert_eq!(header(&answer, "content-range"), content_range);
            assert_eq!(header(&answer, "content-length"), expected.len().to_string());
            assert_eq!(answer.bytes().await.unwrap(), expected);
        }
        let answer = scene.ask("GET", "bytes=19-").await;
        assert_eq!(answer.status(), 416);
        assert_eq!(header(&answer, "content-range"), "bytes */19");
        assert_eq!(header(&answer, "content-type"), "application/problem+json");
    })
    .await;
}

#[tokio::test]
async fn a_report_without_content_says_what_it_is() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        let answer = scene.ask("GET", "").await;
        assert_eq!(answer.status(), 409);
        assert!(answer.text().await.unwrap().contains("the report is pending"));

        scene
            .finish(FetchOutcome::Failed { reason: "answered 404".to_owned(), is_refused: false })
            .await;
        assert_eq!(scene.report.failure_reason.as_deref(), Some("answered 404"));
        let answer = scene.ask("GET", "").await;
        assert_eq!(answer.status(), 404);
        assert!(answer.text().await.unwrap().contains("the report is failed"));

        let linked = Filed::new(&world, ReportUrlType::Preview).await;
        assert_eq!(linked.report.preview_url.as_deref(), Some("https://vendor.example/r.pdf"));
        let answer = linked.ask("GET", "").await;
        assert_eq!(answer.status(), 409);
        assert!(answer.text().await.unwrap().contains("preview_url"));
    })
    .await;
}

#[tokio::test]
async fn several_ranges_come_in_parts_and_no_byte_comes_twice() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.store().await;
        let answer = scene.ask("GET", "bytes=9-10,0-3,2-4").await;
        assert_eq!(answer.status(), 206);
        let kind = header(&answer, "content-type");
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
        let length = header(&answer, "content-length");
        let body = answer.text().await.unwrap();
        let part = |range: &str, text: &str| {
            format!(
                "\r\n--{boundary}\r\nContent-Type: application/pdf\r\nContent-Range: bytes {range}/19\r\n\r\n{text}"
            )
        };
        let expected = part("0-4", "%PDF-") + &part("9-10", "01") + &format!("\r\n--{boundary}--\r\n");
        assert_eq!(body, expected);
        assert_eq!(length, expected.len().to_string());

        let answer = scene.ask("GET", "bytes=0-3,4-6").await;
        assert_eq!(header(&answer, "content-range"), "bytes 0-6/19", "those that touch are one");
        let many = format!("bytes=0-0{}", ",2-2".repeat(16));
        assert_eq!(scene.ask("GET", &many).await.status(), 416);
        let answer = scene.ask("HEAD", "bytes=0-3").await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-length").as_str()), (200, "19"));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_has_the_content_is_told_so() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.store().await;
        let tag = format!("\"{}\"", scene.report.sha256.clone().unwrap());
        let (tenant_key, report_id) = (&scene.seed.hirer.tenant_key, &scene.report.report_id);
        let path = format!(
            "/api/v1/tenants/{tenant_key}/orders/{}/reports/{report_id}/content",
            scene.order_id
        );
        let ask = async |name: &str, value: &str| {
            let request = world.request("GET", &path, &scene.seed.hirer.key);
            request.header(name, value).header("range", "bytes=0-3").send().await.unwrap()
        };
        let answer = ask("if-none-match", &tag).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "etag")), (304, tag.clone()));
        assert_eq!(header(&answer, "cache-control"), "no-store");
        assert!(answer.bytes().await.unwrap().is_empty());
        assert_eq!(ask("if-none-match", "\"other\"").await.status(), 206);
        assert_eq!(ask("if-range", &tag).await.status(), 206);
        assert_eq!(ask("if-range", "\"other\"").await.status(), 200);
    })
    .await;
}

#[tokio::test]
async fn a_refetched_report_keeps_what_it_has_until_something_new_came() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene
            .finish(FetchOutcome::Failed { reason: "answered 404".to_owned(), is_refused: false })
            .await;
        let answer = scene.refetch().await;
        assert_eq!(answer.status(), 200);
        let report: Report = answer.json().await.unwrap();
        assert_eq!((report.state, report.failure_reason), (ReportState::Pending, None));
        scene.store().await;
        assert_eq!(scene.report.version, Some(1));

        // Asked for by hand; what is there can be read all the while, and after the try has failed.
        let report: Report = scene.refetch().await.json().await.unwrap();
        assert_eq!((report.state, report.version), (ReportState::Pending, Some(1)));
        assert!(report.has_content());
        assert_eq!(scene.ask("GET", "").await.bytes().await.unwrap(), CONTENT);
        scene
            .finish(FetchOutcome::Failed { reason: "answered 500".to_owned(), is_refused: false })
            .await;
        assert_eq!(scene.report.state, ReportState::Stored);
        assert_eq!(scene.report.failure_reason.as_deref(), Some("answered 500"));
        assert_eq!(scene.ask("GET", "").await.bytes().await.unwrap(), CONTENT);

        assert_eq!(scene.refetch().await.status(), 200);
        let second = b"%PDF-1.7 second";
        scene.store_this(second, &["script"]).await;
        assert_eq!((scene.report.state, scene.report.version), (ReportState::Flagged, Some(2)));
        assert_eq!(scene.ask("GET", "").await.bytes().await.unwrap(), &second[..]);
        let (control, tenant_key) = (&scene.seed.hirer.control, &scene.seed.hirer.tenant_key);
        let (order_id, report_id) = (&scene.order_id, &scene.report.report_id);
        for (version, expected) in [(1, CONTENT), (2, &second[..])] {
            let query = GetReportContent { version: Some(version) };
            let content = control.get_report_version(tenant_key, order_id, report_id, &query).await;
            assert_eq!(content.unwrap().bytes().await.unwrap(), expected);
        }
        let query = GetReportContent { version: Some(3) };
        let missing = control.get_report_version(tenant_key, order_id, report_id, &query).await;
        assert_eq!(missing.err().unwrap().problem().unwrap().status, 404);
        let versions = control.list_report_versions(tenant_key, order_id, report_id).await.unwrap();
        let shown: Vec<_> = versions
            .items
            .iter()
            .map(|it| (it.version, it.is_flagged, it.findings.join(","), it.size_bytes))
            .collect();
        assert_eq!(shown, [(2, true, "script".to_owned(), 15), (1, false, String::new(), 19)]);
        assert_eq!(versions.items[0].source_host.as_deref(), Some("vendor.example"));

        let linked = Filed::new(&world, ReportUrlType::Preview).await;
        assert_eq!(linked.refetch().await.status(), 409);
    })
    .await;
}

#[tokio::test]
async fn a_refused_content_is_taken_by_an_act_and_given_as_a_file_of_any_kind() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        let key = scene.seed.hirer.key.clone();
        assert_eq!(scene.post("accept", &key).await.status(), 409, "nothing was refused yet");
        let reason = "the report is not a PDF".to_owned();
        scene.finish(FetchOutcome::Failed { reason, is_refused: true }).await;
        assert!(scene.report.is_refused);
        let recruiter = world.member_key(&scene.seed.hirer, "recruiter").await;
        assert_eq!(scene.post("accept", &recruiter).await.status(), 403);
        let (hirer, report_id) = (&scene.seed.hirer, &scene.report.report_id);
        let (tenant_key, order_id) = (&hirer.tenant_key, &scene.order_id);
        let taken = hirer.control.accept_report(tenant_key, order_id, report_id).await.unwrap();
        assert_eq!(taken.state, ReportState::Pending);
        let reported = hirer.control.list_audit(tenant_key, &ListAudit::default()).await.unwrap();
        assert!(
            reported.contains("report_accepted") && reported.contains(report_id.as_str()),
            "{reported}"
        );

        let page = b"<html>your report</html>";
        scene.store_this(page, &["refused_content"]).await;
        assert_eq!((scene.report.state, scene.report.is_refused), (ReportState::Flagged, false));
        for range in ["", "bytes=0-3", "bytes=0-1,5-6"] {
            let answer = scene.ask("GET", range).await;
            let kind = header(&answer, "content-type");
            let body = answer.text().await.unwrap();
            let is_of_any_kind = |text: &str| text.contains("application/octet-stream");
            let kind = if range.contains(',') { &body } else { &kind };
            assert!(is_of_any_kind(kind) && !kind.contains("application/pdf"), "{range}: {kind}");
        }
        assert_eq!(scene.post("accept", &key).await.status(), 409, "it was taken already");
    })
    .await;
}

#[tokio::test]
async fn a_damaged_content_is_never_given() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        let content: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
        let object_id = scene.store_this(&content, &[]).await;
        let name = format!("{:016x}", object_id.0);
        let listed = world.app.hub.objects.list("", 10).await.unwrap();
        let path = &listed.iter().find(|object| object.path.ends_with(&name)).unwrap().path;
        let path = world.data().join("reports").join(path);
        let whole = std::fs::read(&path).unwrap();

        // Damage in the first chunk shows before the answer begins, further behind it breaks the connection off.
        let mut altered = whole.clone();
        altered[50] ^= 1;
        std::fs::write(&path, &altered).unwrap();
        let answer = scene.ask("GET", "").await;
        assert_eq!(answer.status(), 500);
        assert_eq!(header(&answer, "content-type"), "application/problem+json");
        let problem: Problem = answer.json().await.unwrap();
        assert_eq!(problem.kind(), Some(ProblemCode::ContentDamaged));
        assert!(problem.detail.contains("refetch"), "{problem:?}");
        let reason = scene.shown().await.failure_reason.unwrap();
        assert!(reason.contains("missing or damaged"), "{reason}");
        let lasting = async || {
            let alerts = world.operator.list_alerts(&List::default()).await.unwrap().items;
            let of_kind = alerts.into_iter().filter(|it| it.kind == AlertKind::ContentDamaged);
            of_kind.filter(|alert| alert.ended_at.is_none()).collect::<Vec<_>>()
        };
        let alerts = lasting().await;
        assert_eq!(alerts[0].tenant_key.as_ref(), Some(&scene.seed.hirer.tenant_key));
        assert!(alerts[0].detail.contains(&scene.report.report_id), "{alerts:?}");
        let mut altered = whole.clone();
        altered[290_000] ^= 1;
        std::fs::write(&path, &altered).unwrap();
        assert!(scene.read_whole().await.is_err(), "it does not end cleanly");
        let answer = scene.ask("GET", "bytes=0-99").await;
        assert_eq!(answer.bytes().await.unwrap(), &content[..100], "what is whole is given");

        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(scene.ask("GET", "").await.status(), 500);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(scene.ask("GET", "").await.status(), 500);
        assert_eq!(lasting().await.len(), 1, "one alert for each report");
        assert_eq!(scene.refetch().await.status(), 200);
        assert!(lasting().await.is_empty());
        assert_eq!(scene.shown().await.failure_reason, None);
        assert_eq!(
            world.http.get(format!("{}/readyz", world.server())).send().await.unwrap().status(),
            200
        );
    })
    .await;
}

#[tokio::test]
async fn a_report_belongs_to_its_order_and_to_who_may_see_reports() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.store().await;
        let (hirer, report_id) = (&scene.seed.hirer, &scene.report.report_id);
        let other = world.place(&scene.seed).await.order_id;
        let path = |order_id: &str| {
            let tenant_key = &hirer.tenant_key;
            format!("/api/v1/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content")
        };
        let answer = world.request("GET", &path(&other), &hirer.key).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        for (role, expected) in [("approver", 200), ("recruiter", 403), ("auditor", 403)] {
            let key = world.member_key(hirer, role).await;
            let answer = world.request("GET", &path(&scene.order_id), &key).send().await.unwrap();
            assert_eq!(answer.status(), expected, "{role}");
        }
        let request = world.request("GET", &path(&scene.order_id), &world.operator_key);
        assert_eq!(request.send().await.unwrap().status(), 403);
    })
    .await;
}
