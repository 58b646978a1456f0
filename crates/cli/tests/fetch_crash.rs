//! `kill -9` while reports are fetched, again and again: every report ends stored whole, none half, and what the dead
//! left is gone after the sweep of the check.
//!
//! `LOOPS` is the number of kills (10), `SEED` makes a run again. From 100 kills on the leases of the dead are awaited,
//! 150 s; in short runs the test lets that time pass by hand, in the database of a server that was stopped.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{
    CandidateInfo, CheckObjects, CreateAccount, CreateApp, CreateTenant, CreatedApp,
    ObjectsChecked, PlaceOrder, ReportState,
};
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use futures_util::{StreamExt, stream};
use load::daemon::{Daemon, Setup};
use load::{Folder, Random, number, pause, seed, wall_clock};

/// Reports of an order.
const REPORTS: usize = 8;
/// From how many kills on the leases of the dead are awaited.
const LONG: u64 = 100;
/// How long a worker holds a report, and some time to fetch it then.
const LEASE: Duration = Duration::from_secs(150 + 60);

/// The content at an address: about 300 KB that nobody else has.
fn pdf(path: &str) -> Vec<u8> {
    let line = format!("% this is {path}\n").repeat(300_000 / (path.len() + 11));
    format!("%PDF-1.7\n{line}%%EOF\n").into_bytes()
}

/// A host that gives every report in pieces, over about a quarter of a second.
async fn host() -> String {
    let give = async |path: axum::extract::Path<String>| {
        let pieces: Vec<_> = pdf(&path.0).chunks(16 * 1024).map(<[u8]>::to_vec).collect();
        Body::from_stream(stream::iter(pieces).then(async |piece| {
            pause(Duration::from_millis(12)).await;
            Ok::<_, Infallible>(piece)
        }))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/{path}", get(give))).await.unwrap();
    });
    url
}

/// Who orders and who reports.
struct Parties {
    tenant_key: String,
    key: String,
    app: CreatedApp,
    account_id: String,
}

impl Parties {
    async fn new(daemon: &Daemon, operator_key: &str) -> Parties {
        let operator = Control::new(&daemon.url, operator_key).unwrap();
        let created = operator.create_tenant(&CreateTenant::named("星河科技")).await.unwrap();
        let tenant_key = created.tenant.tenant_key;
        let body = CreateApp {
            name: "诚信背调".to_owned(),
            tenant_key: Some(tenant_key.clone()),
            scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
            ..CreateApp::default()
        };
        let app = operator.create_app(&body).await.unwrap();
        let control = Control::new(&daemon.url, &created.api_key).unwrap();
        control.grant_prepared(&tenant_key, &app.app.app_id).await.unwrap();
        let body = CreateAccount::new(&app.app.app_id, "华东区");
        let account_id = control.create_account(&tenant_key, &body).await.unwrap().account_id;
        let package =
            PackageEntry {
                id: "pkg-a".to_owned(), name: "标准套餐".to_owned(), description: None
            };
        let packages = CreatePackages {
            account_id: account_id.clone(),
            package_list: vec![package],
            additional_item_list: Vec::new(),
        };
        let parties = Parties { tenant_key, key: created.api_key, app, account_id };
        parties.vendor(daemon).create_packages(&packages).await.unwrap();
        parties
    }

    fn vendor(&self, daemon: &Daemon) -> Vendor {
        Vendor::new(&daemon.url, &self.app.app.app_id, &self.app.app_secret).unwrap()
    }

    fn control(&self, daemon: &Daemon) -> Control {
        Control::new(&daemon.url, &self.key).unwrap()
    }

    /// An order whose result brings [`REPORTS`] reports.
    async fn report(&self, daemon: &Daemon, host: &str, nth: u64) -> String {
        let body = PlaceOrder {
            account_id: self.account_id.clone(),
            package_id: "pkg-a".to_owned(),
            additional_item_id_list: Vec::new(),
            comment: String::new(),
            candidate_info: CandidateInfo {
                name: "张三".to_owned(),
                mobile: None,
                email: Some("zhangsan@example.com".to_owned()),
                first_name: None,
                last_name: None,
            },
            client_contact_info: None,
            custom_field_list: Vec::new(),
            application_id: None,
            location_code: None,
        };
        let order = self.control(daemon).place_order(&self.tenant_key, &body).await.unwrap();
        let report = |place: usize| ReportFile {
            name: format!("{nth}-{place}"),
            url: format!("{host}/{nth}-{place}"),
            url_type: ReportUrlType::Download,
        };
        let result = UpdateResult {
            background_check_id: order.order_id.clone(),
            result: "绿灯".to_owned(),
            result_time: i64::try_from(wall_clock().as_millis()).unwrap() - 1_000,
            operator_role: OperatorRole::Provider,
            report_file_list: (0..REPORTS).map(report).collect(),
        };
        self.vendor(daemon).update_result(&result).await.unwrap();
        order.order_id
    }

    /// How many reports are not stored yet.
    async fn waiting(&self, daemon: &Daemon, orders: &[String]) -> usize {
        let mut waiting = 0;
        for order_id in orders {
            let order = self.control(daemon).get_order(&self.tenant_key, order_id).await.unwrap();
            assert_eq!(order.reports.len(), REPORTS);
            // The contents are no more than they must be: the deep check finds them odd.
            let is_stored = |state| matches!(state, ReportState::Stored | ReportState::Flagged);
            waiting += order.reports.iter().filter(|report| !is_stored(report.state)).count();
        }
        waiting
    }
}

/// Checks everything.
async fn check(operator: &Control, sweep: bool) -> ObjectsChecked {
    let mut all = ObjectsChecked::default();
    let mut asked = CheckObjects { cursor: None, quick: false, sweep };
    loop {
        let part = operator.check_objects(&asked).await.unwrap();
        all.row_count += part.row_count;
        all.object_count += part.object_count;
        all.findings.extend(part.findings);
        match part.next_cursor {
            Some(cursor) => asked.cursor = Some(cursor),
            None => return all,
        }
    }
}

/// All files below a folder, drafts and objects.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fetch_that_is_killed_ends_whole_or_is_made_again() {
    let (kills, mut random) = (number("LOOPS", 10), Random::new(seed()));
    let folder = Folder::new();
    let host = host().await;
    let setup = Setup::new(folder.path());
    let mut daemon = setup.start().await;
    let parties = Parties::new(&daemon, &setup.operator_key()).await;
    let (mut orders, mut drafts) = (Vec::new(), 0);
    for nth in 0..kills {
        orders.push(parties.report(&daemon, &host, nth).await);
        pause(Duration::from_millis(random.below(450) as u64)).await;
        daemon.kill();
        drafts += files(&setup.data.join("reports").join("drafts")).len();
        daemon = setup.start().await;
    }
    if kills < LONG {
        daemon.terminate();
        assert!(daemon.wait(Duration::from_secs(60)).await.0.success());
        let database = rusqlite::Connection::open(setup.data.join("probity.db")).unwrap();
        database.execute("UPDATE reports SET due_at = 0 WHERE state = 2", []).unwrap();
        drop(database);
        daemon = setup.start().await;
    }
    let all_stored = async || parties.waiting(&daemon, &orders).await == 0;
    let waited = load::until("every report is stored", LEASE, all_stored).await;

    for (nth, order_id) in orders.iter().enumerate() {
        let control = parties.control(&daemon);
        let order = control.get_order(&parties.tenant_key, order_id).await.unwrap();
        for report in &order.reports {
            let content =
                control.get_report_content(&parties.tenant_key, order_id, &report.report_id);
            let content = content.await.unwrap().bytes().await.unwrap();
            assert!(report.name.starts_with(&format!("{nth}-")));
            assert!(content == pdf(&report.name), "{} is not whole", report.name);
        }
    }
    // What the dead left shall look as old as it must be to be swept.
    let objects = files(&setup.data.join("reports"));
    for path in &objects {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let old = std::time::UNIX_EPOCH + wall_clock() - Duration::from_hours(2);
        file.set_modified(old).unwrap();
    }
    let operator = Control::new(&daemon.url, &setup.operator_key()).unwrap();
    let swept = check(&operator, true).await;
    assert!(swept.findings.iter().all(|finding| finding.is_removed), "{:?}", swept.findings);
    let after = check(&operator, false).await;
    assert_eq!(after.findings, [], "nothing is left after the sweep");
    let expected = kills as usize * REPORTS;
    assert_eq!((after.row_count, after.object_count), (expected as u64, expected as u64));
    assert_eq!(files(&setup.data.join("reports")).len(), expected);
    setup.assert_no_panic();
    eprintln!(
        "{kills} kills, {drafts} fetches cut off in their midst, {expected} reports stored whole, {} orphans and drafts \
         swept, 0 left; the last report after {:.0} s",
        swept.findings.len(),
        waited.as_secs_f64()
    );
    assert!(kills < 5 || drafts > 0, "no fetch was ever interrupted");
}
