//! Reports by the control API: their content, whole and in ranges, and new tries.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use bytes::Bytes;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{Report, ReportState};
use domain::Id;
use harness::{Seed, World};
use reqwest::{Response, StatusCode};
use store::reports::FetchOutcome;

const NAME: &str = "张三 终版报告";
const CONTENT: &[u8] = b"%PDF-1.7 0123456789";

/// A completed order with one report.
struct Scene<'w> {
    world: &'w World,
    seed: Seed,
    order_id: String,
    report: Report,
}

impl<'w> Scene<'w> {
    async fn new(world: &'w World, url_type: ReportUrlType) -> Scene<'w> {
        let seed = world.seed().await;
        let order_id = world.place(&seed).await.order_id;
        let result = UpdateResult {
            background_check_id: order_id.clone(),
            result: "绿灯".to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: OperatorRole::Provider,
            report_file_list: vec![ReportFile {
                name: NAME.to_owned(),
                url: "https://vendor.example/r.pdf".to_owned(),
                url_type,
            }],
        };
        seed.vendor.update_result(&result).await.unwrap();
        let report = read(&seed, &order_id).await;
        Scene { world, seed, order_id, report }
    }

    /// Records how the fetch ended, as the worker does.
    async fn finish(&mut self, outcome: FetchOutcome) {
        let (store, now) = (&self.world.app.store, self.world.clock.now());
        let claimed = store.claim_reports(now, now.plus_ms(1_000), 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert!(store.finish_report(&claimed[0], &outcome).await.unwrap());
        self.report = read(&self.seed, &self.order_id).await;
    }

    /// Keeps the content, as the worker does.
    async fn store(&mut self) {
        let mut writer = self.world.app.objects.create();
        writer.write(Bytes::from_static(CONTENT)).await.unwrap();
        let report_id: Id = self.report.report_id.parse().unwrap();
        let kept = writer.finish(report_id).await.unwrap();
        let size_bytes = i64::try_from(kept.size_bytes).unwrap();
        self.finish(FetchOutcome::Stored { size_bytes, sha256: kept.sha256, is_flagged: false })
            .await;
        assert_eq!(self.report.state, ReportState::Stored);
    }

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

async fn read(seed: &Seed, order_id: &str) -> Report {
    let order = seed.hirer.control.get_order(&seed.hirer.tenant_key, order_id).await.unwrap();
    assert_eq!(order.reports.len(), 1);
    order.reports.into_iter().next().unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_stored_report_is_an_attachment_that_nothing_keeps_or_guesses() {
    World::each(async |world| {
        let mut scene = Scene::new(&world, ReportUrlType::Download).await;
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
        let mut scene = Scene::new(&world, ReportUrlType::Download).await;
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
        let mut scene = Scene::new(&world, ReportUrlType::Download).await;
        let answer = scene.ask("GET", "").await;
        assert_eq!(answer.status(), 409);
        assert!(answer.text().await.unwrap().contains("the report is pending"));

        scene.finish(FetchOutcome::Failed { reason: "answered 404".to_owned() }).await;
        assert_eq!(scene.report.failure_reason.as_deref(), Some("answered 404"));
        let answer = scene.ask("GET", "").await;
        assert_eq!(answer.status(), 404);
        assert!(answer.text().await.unwrap().contains("the report is failed"));

        let linked = Scene::new(&world, ReportUrlType::Preview).await;
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
        let mut scene = Scene::new(&world, ReportUrlType::Download).await;
        scene.finish(FetchOutcome::Failed { reason: "answered 404".to_owned() }).await;
        let answer = scene.refetch().await;
        assert_eq!(answer.status(), 200);
        let report: Report = answer.json().await.unwrap();
        assert_eq!((report.state, report.failure_reason), (ReportState::Pending, None));
        scene.store().await;
        let answer = scene.refetch().await;
        assert_eq!(answer.status(), 409);
        assert!(answer.text().await.unwrap().contains("illegal_state"));
        let linked = Scene::new(&world, ReportUrlType::Preview).await;
        assert_eq!(linked.refetch().await.status(), 409);
    })
    .await;
}

#[tokio::test]
async fn a_report_belongs_to_its_order_and_to_who_may_see_reports() {
    World::each(async |world| {
        let mut scene = Scene::new(&world, ReportUrlType::Download).await;
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
