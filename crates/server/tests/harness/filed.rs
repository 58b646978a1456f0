//! An order that is completed with one report, whose fetching the test decides.

use bytes::Bytes;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{Report, ReportState};
use domain::Id;
use store::content::VersionFacts;
use store::report_versions::NewContent;
use store::reports::FetchOutcome;

use super::{Seed, World};

/// The report's name.
const NAME: &str = "张三 终版报告";
/// The report's content, once it is stored.
pub(crate) const CONTENT: &[u8] = b"%PDF-1.7 0123456789";

/// A completed order with one report.
pub(crate) struct Filed<'w> {
    pub(crate) world: &'w World,
    pub(crate) seed: Seed,
    pub(crate) order_id: String,
    pub(crate) report: Report,
}

impl<'w> Filed<'w> {
    pub(crate) async fn new(world: &'w World, url_type: ReportUrlType) -> Filed<'w> {
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
        Filed { world, seed, order_id, report }
    }

    /// Records how the fetch ended, as the worker does.
    pub(crate) async fn finish(&mut self, outcome: FetchOutcome) {
        let (store, now) = (&self.world.app.hub.store, self.world.clock.now());
        let claimed = store.claim_reports(now, now.plus_ms(1_000), 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert!(store.finish_report(&claimed[0], &outcome).await.unwrap());
        self.report = read(&self.seed, &self.order_id).await;
    }

    /// The report as it is shown now.
    pub(crate) async fn shown(&self) -> Report {
        read(&self.seed, &self.order_id).await
    }

    /// Keeps the content, as the worker does.
    pub(crate) async fn store(&mut self) {
        self.store_this(CONTENT, &[]).await;
        assert_eq!(self.report.state, ReportState::Stored);
    }

    /// Keeps a content with these findings, as the worker does; the name of its object.
    pub(crate) async fn store_this(&mut self, content: &[u8], findings: &[&str]) -> Id {
        let mut writer = self.world.app.hub.objects.create_behind(self.seed.hirer.tenant_id);
        writer.write(Bytes::copy_from_slice(content)).await.unwrap();
        let stored = writer.finish().await.unwrap();
        let facts = VersionFacts {
            source_host: "vendor.example".to_owned(),
            findings: findings.iter().map(|code| (*code).to_owned()).collect(),
            scanner: None,
        };
        let content = NewContent {
            object_id: stored.object_id,
            key: store::Key::new(*stored.key),
            size_bytes: i64::try_from(stored.size_bytes).unwrap(),
            sha256: stored.sha256,
            fetched_at: self.world.clock.now(),
        };
        self.finish(FetchOutcome::Stored { content, facts }).await;
        stored.object_id
    }
}

async fn read(seed: &Seed, order_id: &str) -> Report {
    let order = seed.hirer.control.get_order(&seed.hirer.tenant_key, order_id).await.unwrap();
    assert_eq!(order.reports.len(), 1);
    order.reports.into_iter().next().unwrap()
}
