//! Erasing, from outside: twelve planted canaries and the order's wrapped keys are searched for in every file that an
//! installation has, in its log and in a restored backup; and a server that is killed in the middle of it, again and
//! again, ends with everything gone.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use client::control::Control;
use client::evidence::{PublicKey, read_anchors, verify_chain, verify_content};
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateProgress, UpdateResult};
use contract::control::{
    Account, CandidateInfo, CreateAccount, CreateApp, CreateTenant, CreatedApp, EraseOrder, List,
    ListAudit, Mobile, Order, PlaceOrder, RejectOrder, ReportState, TerminateOrder,
};
use contract::evidence::{Certificate, chain_header};
use contract::package::{CreatePackages, PackageEntry};
use load::daemon::Setup;
use load::database::Database;
use load::{Folder, is_demanded, until};

const PATIENCE: Duration = Duration::from_secs(60);
const REASON: &str = "候选人要求删除";
const REPORT: &str = "金丝雀报告内容-REPORT-BYTES-0077";

/// What must be gone.
const CANARIES: [(&str, &str); 12] = [
    ("candidate's name", "欧阳金丝雀"),
    ("first name", "Jinsiquecanary"),
    ("last name", "Ouyangcanary"),
    ("mobile number", "13912340987"),
    ("mail address", "canary.candidate@example.com"),
    ("comment", "备注密语：请勿联系现雇主"),
    ("stage's result", "中期密语：学历存疑"),
    ("result", "结论密语：有重大差异"),
    ("reason of the rejection", "驳回密语：材料不全"),
    ("report's name", "欧阳的学历证明.pdf"),
    ("report's address", "canary-fetched.pdf?sig=canary-signature-1"),
    ("report's content", REPORT),
];

fn pdf() -> Vec<u8> {
    let mut bytes = load::receiver::pdf();
    let end = bytes.windows(9).rposition(|window| window == b"startxref").unwrap();
    let end = bytes.split_off(end);
    bytes.extend_from_slice(format!("% {REPORT}\n").as_bytes());
    bytes.extend_from_slice(&end);
    bytes
}

fn canary(what: &str) -> String {
    let found = CANARIES.iter().find(|(name, _)| *name == what);
    found.unwrap_or_else(|| panic!("no canary for the {what}")).1.to_owned()
}

/// A tenant, a vendor's app with an account, and everybody's callers.
struct Scene {
    operator: Control,
    hirer: Control,
    tenant_key: String,
    api_key: String,
    operator_key: String,
    app: (String, String),
    vendor: Vendor,
    account: Account,
    vendor_url: String,
}

impl Scene {
    async fn new(server: &str, operator_key: &str) -> Scene {
        let operator = Control::new(server, operator_key).unwrap();
        let body = CreateTenant { report_approval: true, ..CreateTenant::named("星河科技") };
        let tenant = operator.create_tenant(&body).await.unwrap();
        let hirer = Control::new(server, &tenant.api_key).unwrap();
        let service = Router::new().route("/{report}", get(async || pdf()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, service).await });
        let scopes = ["hire:background_check_order", "hire:background_check_order:readonly"];
        let body = CreateApp {
            name: "诚信背调".to_owned(),
            tenant_key: Some(tenant.tenant.tenant_key.clone()),
            scopes: scopes.map(str::to_owned).to_vec(),
            ..CreateApp::default()
        };
        let CreatedApp { app, app_secret, .. } = operator.create_app(&body).await.unwrap();
        let tenant_key = tenant.tenant.tenant_key;
        hirer.grant_prepared(&tenant_key, &app.app_id).await.unwrap();
        let body = CreateAccount::new(&app.app_id, "华东区");
        let account = hirer.create_account(&tenant_key, &body).await.unwrap();
        let vendor = Vendor::new(server, &app.app_id, &app_secret).unwrap();
        let package =
            PackageEntry {
                id: "pkg-a".to_owned(), name: "标准套餐".to_owned(), description: None
            };
        let packages = CreatePackages {
            account_id: account.account_id.clone(),
            package_list: vec![package],
            additional_item_list: Vec::new(),
        };
        vendor.create_packages(&packages).await.unwrap();
        Scene {
            operator,
            hirer,
            tenant_key,
            api_key: tenant.api_key,
            operator_key: operator_key.to_owned(),
            app: (app.app_id, app_secret),
            vendor,
            account,
            vendor_url,
        }
    }

    /// Goes on with a server that listens elsewhere.
    fn move_to(&mut self, server: &str) {
        self.operator = Control::new(server, &self.operator_key).unwrap();
        self.hirer = Control::new(server, &self.api_key).unwrap();
        self.vendor = Vendor::new(server, &self.app.0, &self.app.1).unwrap();
    }

    async fn place(&self, candidate_info: CandidateInfo, comment: String) -> String {
        let body = PlaceOrder {
            account_id: self.account.account_id.clone(),
            package_id: "pkg-a".to_owned(),
            additional_item_id_list: Vec::new(),
            comment,
            candidate_info,
            client_contact_info: None,
            custom_field_list: Vec::new(),
            application_id: None,
            location_code: None,
        };
        self.hirer.place_order(&self.tenant_key, &body).await.unwrap().order_id
    }

    /// A whole run, with every canary in its place; the order, completed, with a report that was looked at.
    async fn whole_run(&self) -> Order {
        let number = canary("mobile number");
        let candidate = CandidateInfo {
            name: canary("candidate's name"),
            mobile: Some(Mobile { code: "86".to_owned(), number }),
            email: Some(canary("mail address")),
            first_name: Some(canary("first name")),
            last_name: Some(canary("last name")),
        };
        let order_id = self.place(candidate, canary("comment")).await;
        let report = ReportFile {
            name: canary("report's name"),
            url: format!("{}/{}", self.vendor_url, canary("report's address")),
            url_type: ReportUrlType::Download,
        };
        let progress = UpdateProgress {
            background_check_id: order_id.clone(),
            stage_id: "stage-1".to_owned(),
            stage_name: "学历核实".to_owned(),
            stage_en_name: None,
            stage_time: 1_795_000_000_001,
            result: Some(canary("stage's result")),
            operator_role: OperatorRole::Provider,
            report_file_list: vec![ReportFile {
                url_type: ReportUrlType::Preview,
                ..report.clone()
            }],
        };
        self.vendor.update_progress(&progress).await.unwrap();
        let result = UpdateResult {
            background_check_id: order_id.clone(),
            result: canary("result"),
            result_time: 1_795_000_000_002,
            operator_role: OperatorRole::Provider,
            report_file_list: vec![report],
        };
        self.vendor.update_result(&result).await.unwrap();
        let reason = canary("reason of the rejection");
        self.hirer
            .reject_order(&self.tenant_key, &order_id, &RejectOrder { reason, result_number: None })
            .await
            .unwrap();
        self.terminate(&order_id).await;
        let order = async || self.hirer.get_order(&self.tenant_key, &order_id).await.unwrap();
        until("the report is fetched", PATIENCE, async || {
            order().await.reports[1].state == ReportState::Stored
        })
        .await;
        let order = order().await;
        let report_id = &order.reports[1].report_id;
        let content = self.hirer.get_report_content(&self.tenant_key, &order_id, report_id).await;
        assert_eq!(content.unwrap().bytes().await.unwrap(), pdf());
        order
    }

    async fn terminate(&self, order_id: &str) {
        let body = TerminateOrder { reason: "不再需要".to_owned() };
        self.hirer.terminate_order(&self.tenant_key, order_id, &body).await.unwrap();
    }

    async fn erase(
        &self,
        order_id: &str,
    ) -> Result<contract::control::Erasure, client::control::Error> {
        let body = EraseOrder { reason: REASON.to_owned() };
        self.hirer.erase_order(&self.tenant_key, order_id, &body).await
    }

    /// Waits until nothing is left of any erasure.
    async fn erased_whole(&self) {
        until("nothing is left", PATIENCE, async || {
            let list = List { limit: Some(200), ..List::default() };
            let page = self.hirer.list_erasures(&self.tenant_key, &list).await;
            page.is_ok_and(|page| page.items.iter().all(|item| item.finished_at.is_some()))
        })
        .await;
    }

    async fn public_key(&self) -> PublicKey {
        self.operator.get_public_key().await.unwrap().public_key.parse().unwrap()
    }

    async fn export(&self) -> String {
        let list = ListAudit { after: None, limit: Some(10_000) };
        let lines = self.hirer.list_audit(&self.tenant_key, &list).await.unwrap();
        format!("{}\n{lines}", chain_header(&self.tenant_key))
    }
}

/// Every file below a folder but those that hold keys of the installation.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("operator.key") && !path.ends_with("root.key") {
            // It may be gone by now.
            if let Ok(bytes) = std::fs::read(&path) {
                found.insert(path, bytes);
            }
        }
    }
    found
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    latin(bytes).contains(&latin(part))
}

/// All canaries, in the encodings in which they could stand somewhere.
fn parts(stray: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut parts: Vec<_> = CANARIES
        .iter()
        .map(|(what, text)| ((*what).to_owned(), text.as_bytes().to_vec()))
        .collect();
    for (what, text) in CANARIES {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        parts.push((format!("{what}, escaped"), escaped.into_bytes()));
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        parts.push((format!("{what}, in hex"), hex.into_bytes()));
    }
    parts.extend(stray.iter().cloned().map(|part| ("wrapped key or sealed text".to_owned(), part)));
    parts
}

#[track_caller]
fn assert_absent(places: &BTreeMap<PathBuf, Vec<u8>>, parts: &[(String, Vec<u8>)]) {
    let parts: Vec<_> = parts.iter().map(|(what, part)| (what, latin(part))).collect();
    for (place, bytes) in places {
        let text = latin(bytes);
        for (what, part) in &parts {
            assert!(!text.contains(part), "{} holds the {what}", place.display());
        }
    }
}

/// Every byte as one letter, so that any bytes can be searched as text, which is quicker.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The wrapped key and the sealed texts of an order, read past the server.
fn sealed_parts(data: &Path, order_id: &str) -> Vec<Vec<u8>> {
    let database = rusqlite::Connection::open(data.join("probity.db")).unwrap();
    let mut parts = Vec::new();
    for sql in [
        "SELECT wrapped_key FROM orders WHERE order_id = ?1",
        "SELECT sealed FROM timeline_entries WHERE order_id = ?1",
        "SELECT sealed FROM reports WHERE order_id = ?1",
        "SELECT wrapped_key FROM report_versions WHERE order_id = ?1",
    ] {
        let mut statement = database.prepare(sql).unwrap();
        let order_id: i64 = order_id.parse().unwrap();
        let rows = statement.query_map([order_id], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        parts.extend(rows.map(Result::unwrap));
    }
    assert!(parts.len() > 4);
    parts
}

fn probity(data: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
    command.args(words).arg("--data").arg(data).env_remove("PROBITY_DATABASE_URL");
    command.output().unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    words
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_canaries_are_found_nowhere_after_erasure() {
    let folder = Folder::new();
    let mut setup = Setup::new(folder.path());
    let levels = "RUST_LOG=debug,probity=trace,server=trace,store=trace,client=trace";
    setup.wrapper = vec!["env".to_owned(), levels.to_owned()];
    let daemon = setup.start().await;
    let scene = Scene::new(&daemon.url, &setup.operator_key()).await;
    let order = scene.whole_run().await;
    let order_id = order.order_id.as_str();
    // An order that stays: by it the search shows that it sees what is there.
    let other = CandidateInfo {
        name: "留下的人".to_owned(),
        mobile: None,
        email: None,
        first_name: None,
        last_name: None,
    };
    let stored = scene.place(other, String::new()).await;
    let stray = sealed_parts(&setup.data, order_id);
    let parts = parts(&stray);
    let before = folder.path().join("before");
    done(&probity(&setup.data, &["backup", before.to_str().unwrap()]));
    let bytes = std::fs::read(before.join("keys.db")).unwrap();
    assert!(holds(&bytes, &stray[0]), "the search finds a wrapped key where one is");

    let manifest = async || scene.hirer.get_manifest(&scene.tenant_key, order_id).await;
    until("the content is listed", PATIENCE, async || manifest().await.is_ok()).await;
    let manifest = manifest().await.unwrap();
    let erased = scene.erase(order_id).await.unwrap();
    scene.erased_whole().await;
    let after = folder.path().join("after");
    done(&probity(&setup.data, &["backup", after.to_str().unwrap()]));

    // While it runs, and as a kill leaves it.
    assert_absent(&files(&setup.data), &parts);
    assert_absent(&files(&after), &parts);
    let key = scene.public_key().await;
    let certificate = scene.hirer.get_certificate(&scene.tenant_key, order_id).await.unwrap();
    let opened: Certificate = key.open(&certificate).unwrap();
    assert_eq!(opened.erasure_id, erased.erasure_id);
    assert_eq!(opened.unrecoverable_from_ms, opened.erased_at_ms + 7 * 86_400_000);
    // It still proves what the content was, for who stored a copy.
    let proved = verify_content(pdf().as_slice(), &manifest, &key).unwrap();
    assert_eq!(proved.manifest.order_id, order_id);
    let export = scene.export().await;
    daemon.terminate();
    let mut daemon = daemon;
    daemon.wait(PATIENCE).await;
    let anchors = std::fs::read_to_string(setup.data.join("audit-anchors.jsonl")).unwrap();
    let anchors = read_anchors(&anchors, Some(&key)).unwrap();
    let chain = verify_chain(export.as_bytes(), &anchors).unwrap();
    assert_eq!(chain.anchored, Some(chain.entries));
    let mut places = files(&setup.data);
    places.insert(setup.log.clone(), std::fs::read(&setup.log).unwrap());
    places.insert("the audit chain".into(), export.into_bytes());
    places.insert("the certificate".into(), certificate.into_bytes());
    assert_absent(&places, &parts);

    // A content that was cut in the backup is named, and all else is there.
    let object = files(&before.join("reports")).into_keys().next().unwrap();
    let whole = std::fs::read(&object).unwrap();
    std::fs::write(&object, &whole[..whole.len() - 1]).unwrap();
    let data = folder.path().join("cut").join("data");
    let reported = probity(&data, &["restore", before.to_str().unwrap()]);
    let words = String::from_utf8_lossy(&reported.stderr);
    assert_eq!(reported.status.code(), Some(1), "{words}");
    let name = object.file_name().unwrap().to_str().unwrap();
    assert!(words.contains("1 contents are missing or cut") && words.contains(name), "{words}");
    assert!(data.join("probity.db").exists());
    std::fs::write(&object, whole).unwrap();

    // The backup of before, with the keys of after.
    let restored = folder.path().join("restored");
    let data = restored.join("data");
    let keys = after.join("keys.db");
    let words = ["restore", before.to_str().unwrap(), "--keys", keys.to_str().unwrap()];
    let reported = done(&probity(&data, &words));
    assert!(
        reported.contains("1 orders are restored") && reported.contains("1 were erased"),
        "{reported}"
    );
    let way_in = format!("`probity key replace-operator --data {}`", data.display());
    assert!(reported.trim_end().ends_with(&way_in), "{reported}");
    assert_absent(&files(&data), &parts);
    std::fs::copy(setup.data.join("root.key"), data.join("root.key")).unwrap();
    let revived = Setup::new(&restored);
    let daemon = revived.start().await;
    let hirer = Control::new(&daemon.url, &scene.api_key).unwrap();
    let tombstone = hirer.get_order(&scene.tenant_key, order_id).await.unwrap();
    assert!(tombstone.erased && tombstone.candidate_info.name.is_empty());
    let whole = hirer.get_order(&scene.tenant_key, &stored).await.unwrap();
    assert_eq!(whole.candidate_info.name, "留下的人");
    assert_absent(&files(&data), &parts);
    daemon.kill();
    setup.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_canaries_are_in_no_row_after_erasure_on_postgresql() {
    let database = match Database::create().await {
        Ok(database) => database,
        Err(why) if is_demanded() => panic!("PostgreSQL is demanded: {why}"),
        Err(why) => return eprintln!("skipped on PostgreSQL: {why}"),
    };
    let folder = Folder::new();
    let mut setup = Setup::new(folder.path());
    setup.database_url = Some(database.url.clone());
    let daemon = setup.start().await;
    let scene = Scene::new(&daemon.url, &setup.operator_key()).await;
    let order = scene.whole_run().await;
    scene.erase(&order.order_id).await.unwrap();
    scene.erased_whole().await;
    let parts = parts(&[]);
    assert_absent(&files(&setup.data), &parts);
    let tls = tokio_postgres::NoTls;
    let (client, connection) = tokio_postgres::connect(&database.url, tls).await.unwrap();
    tokio::spawn(connection);
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let mut places = BTreeMap::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let rows = client.query(&format!("SELECT t::text FROM \"{table}\" t"), &[]).await.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        places.insert(PathBuf::from(table), rows.join("\n").into_bytes());
    }
    assert!(holds(&places[Path::new("orders")], order.order_id.as_bytes()));
    places.insert(setup.log.clone(), std::fs::read(&setup.log).unwrap());
    assert_absent(&places, &parts);
    let key = scene.public_key().await;
    let certificate =
        scene.hirer.get_certificate(&scene.tenant_key, &order.order_id).await.unwrap();
    key.open::<Certificate>(&certificate).unwrap();
    verify_chain(scene.export().await.as_bytes(), &[]).unwrap();
    daemon.kill();
}

/// Kills of one run.
const KILLS: u64 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_while_it_erases_ends_with_everything_gone() {
    let folder = Folder::new();
    let setup = Setup::new(folder.path());
    let mut daemon = setup.start().await;
    let mut scene = Scene::new(&daemon.url, &setup.operator_key()).await;
    let mut strays = Vec::new();
    for kill in 0..KILLS {
        let order = scene.whole_run().await;
        strays.extend(sealed_parts(&setup.data, &order.order_id));
        let asked = {
            let (hirer, tenant_key) = (scene.hirer.clone(), scene.tenant_key.clone());
            let order_id = order.order_id.clone();
            tokio::spawn(async move {
                let body = EraseOrder { reason: REASON.to_owned() };
                hirer.erase_order(&tenant_key, &order_id, &body).await.is_ok()
            })
        };
        // Before, within and after the transaction, and while objects and old pages go.
        load::pause(Duration::from_millis(kill * kill * 3)).await;
        daemon.kill();
        let was_answered = asked.await.unwrap();
        daemon = setup.start().await;
        scene.move_to(&daemon.url);
        let found = scene.hirer.get_order(&scene.tenant_key, &order.order_id).await.unwrap();
        assert!(found.erased || !was_answered, "an answered erasure stands");
        let whole = found.candidate_info.name == canary("candidate's name");
        assert_eq!(found.erased, !whole, "all or nothing");
        // The same again: it is erased once.
        scene.erase(&order.order_id).await.unwrap();
    }
    scene.erased_whole().await;
    let erasures = scene.hirer.list_erasures(&scene.tenant_key, &List::default()).await.unwrap();
    assert_eq!(erasures.items.len() as u64, KILLS);
    assert_absent(&files(&setup.data), &parts(&strays));
    verify_chain(scene.export().await.as_bytes(), &[]).unwrap();
    daemon.kill();
    setup.assert_no_panic();
}
