//! Reports by the control API: their content, whole and in ranges, and new tries.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::check::ReportUrlType;
use contract::control::{Report, ReportState};
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

    async fn refetch(&self) -> Response {
        let (tenant_key, order_id) = (&self.seed.hirer.tenant_key, &self.order_id);
        let report_id = &self.report.report_id;
        let path =
            format!("/api/v1/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/refetch");
        self.world.request("POST", &path, &self.seed.hirer.key).send().await.unwrap()
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
        let answer = scene.ask("GET", "bytes=0-1,3-4").await;
        assert_eq!(
            (answer.status(), answer.bytes().await.unwrap()),
            (StatusCode::OK, CONTENT.into())
        );
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

        scene.finish(FetchOutcome::Failed { reason: "answered 404".to_owned() }).await;
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
async fn a_failed_report_is_tried_again_and_a_stored_one_is_not() {
    World::each(async |world| {
        let mut scene = Filed::new(&world, ReportUrlType::Download).await;
        scene.finish(FetchOutcome::Failed { reason: "answered 404".to_owned() }).await;
        let answer = scene.refetch().await;
        assert_eq!(answer.status(), 200);
        let report: Report = answer.json().await.unwrap();
        assert_eq!((report.state, report.failure_reason), (ReportState::Pending, None));
        scene.store().await;
        let answer = scene.refetch().await;
        assert_eq!(answer.status(), 409);
        assert!(answer.text().await.unwrap().contains("illegal_state"));
        let linked = Filed::new(&world, ReportUrlType::Preview).await;
        assert_eq!(linked.refetch().await.status(), 409);
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
