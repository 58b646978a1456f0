//! What a thief of the disk, the database or the logs finds of an order's whole life: ids, states and times, but no
//! candidate's name, phone or mail, no comment, form value, result or reason, no report's name or address, no token
//! and no secret. Source: design, section 7; the product's section 1, item 3.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateProgress, UpdateResult};
use contract::control::{
    Account, ApproveOrder, CandidateInfo, ClientContactInfo, CreateAccount, CreateApp,
    CreateTenant, CreatedApp, DeliveryState, FieldValue, List, ListEvents, Mobile, PlaceOrder,
    RejectOrder, ReportState, TerminateOrder, UpdateTenant,
};
use contract::package::{CreatePackages, PackageEntry};
use contract::route::Call;
use load::daemon::Setup;
use load::database::Database;
use load::{Folder, is_demanded, until};
use serde_json::{Value, json};

/// Something that may be found, so that it shows that the search works.
const PACKAGE_NAME: &str = "身份与学历套餐";
/// How long a worker may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_logs_hold_nothing_about_people_and_no_secret() {
    search(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_and_logs_hold_nothing_about_people_and_no_secret_on_postgresql() {
    let database = match Database::create().await {
        Ok(database) => database,
        Err(why) if is_demanded() => panic!("PostgreSQL is demanded: {why}"),
        Err(why) => return eprintln!("skipped on PostgreSQL: {why}"),
    };
    search(Some(database.url.clone())).await;
}

async fn search(database_url: Option<String>) {
    let folder = Folder::new();
    let mut setup = Setup::new(folder.path());
    setup.database_url = database_url;
    // More than an operator ever turns on: what the server itself says on every level.
    let levels = "RUST_LOG=debug,probity=trace,server=trace,store=trace,client=trace";
    setup.wrapper = vec!["env".to_owned(), levels.to_owned()];
    let daemon = setup.start().await;
    let mut canaries = Canaries::default();
    let operator_key = setup.operator_key();
    canaries.hide("operator key", &operator_key);
    Sample::new(&daemon.url, &operator_key).await.tell(&mut canaries, &setup).await;

    let mut places = vec![("the log".to_owned(), std::fs::read(&setup.log).unwrap())];
    // While it runs, then as a kill left them.
    places.extend(memory(&setup).await);
    daemon.kill();
    places.extend(memory(&setup).await);
    let mut is_searchable = false;
    for (place, bytes) in &places {
        let place_text = latin(bytes);
        is_searchable |= place_text.contains(&latin(PACKAGE_NAME.as_bytes()));
        canaries.assert_absent(place, &place_text);
    }
    assert!(is_searchable, "the search does not see what is there");
    setup.assert_no_panic();
}

/// The database's contents, and every file of the data folder but the two that hold keys.
async fn memory(setup: &Setup) -> Vec<(String, Vec<u8>)> {
    let mut places = Vec::new();
    for path in files(&setup.data) {
        let name = path.strip_prefix(&setup.data).unwrap().to_str().unwrap().to_owned();
        places.push((format!("the name of {name}"), name.clone().into_bytes()));
        if name != "operator.key" && name != "root.key" {
            places.push((name, std::fs::read(&path).unwrap()));
        }
    }
    if let Some(url) = &setup.database_url {
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        // Ends with the client.
        tokio::spawn(connection);
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let sql = format!("SELECT t::text FROM \"{table}\" t");
            let rows = client.query(&sql, &[]).await.unwrap();
            let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            places.push((format!("table {table}"), rows.join("\n").into_bytes()));
        }
    }
    places
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// Every byte as one letter, so that any bytes can be searched as text.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// What must be found nowhere.
#[derive(Default)]
struct Canaries(Vec<(String, Vec<String>)>);

impl Canaries {
    /// Keeps a text; gives it back to be sent to the server.
    fn hide(&mut self, what: &str, text: &str) -> String {
        assert!(text.len() >= 6, "{what} is too short to be told from chance");
        let mut spellings = vec![latin(text.as_bytes()), hex(text.as_bytes())];
        if !text.is_ascii() {
            let units = text.encode_utf16();
            spellings.push(units.fold(String::new(), |mut all, unit| {
                write!(all, "\\u{unit:04x}").unwrap();
                all
            }));
            spellings.push(text.bytes().fold(String::new(), |mut all, byte| {
                write!(all, "%{byte:02X}").unwrap();
                all
            }));
        }
        self.0.push((what.to_owned(), spellings));
        text.to_owned()
    }

    fn assert_absent(&self, place: &str, text: &str) {
        let lower = text.to_ascii_lowercase();
        for (what, spellings) in &self.0 {
            for spelling in spellings {
                let is_found = lower.contains(&spelling.to_ascii_lowercase());
                assert!(!is_found, "{place} holds the {what}");
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut all, byte| {
        write!(all, "{byte:02x}").unwrap();
        all
    })
}

/// Everybody who takes part.
struct Sample {
    server: String,
    operator: Control,
    hirer: Control,
    tenant_key: String,
    api_key: String,
    /// `http://127.0.0.1:…` of the vendor's own server: events, reports.
    vendor_url: String,
}

impl Sample {
    async fn new(server: &str, operator_key: &str) -> Sample {
        let operator = Control::new(server, operator_key).unwrap();
        let body = CreateTenant { report_approval: true, ..CreateTenant::named("星河科技") };
        let tenant = operator.create_tenant(&body).await.unwrap();
        let service = Router::new()
            .route("/events", post(async |body: String| body))
            .route("/refusing", post(async |body: String| (http_error(), body)))
            .route("/{report}", get(async || load::receiver::pdf()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let vendor_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, service).await });
        Sample {
            server: server.to_owned(),
            operator,
            hirer: Control::new(server, &tenant.api_key).unwrap(),
            tenant_key: tenant.tenant.tenant_key,
            api_key: tenant.api_key,
            vendor_url,
        }
    }

    async fn tell(self, canaries: &mut Canaries, setup: &Setup) {
        canaries.hide("tenant's key", &self.api_key);
        let app = self.app(canaries, "/events", false).await;
        let sealed = self.app(canaries, "/events", true).await;
        let refusing = self.app(canaries, "/refusing", false).await;
        let account = self.account(canaries, &app).await;
        self.account(canaries, &sealed).await;
        self.account(canaries, &refusing).await;

        let vendor = Vendor::new(&self.server, &app.app.app_id, &app.app_secret).unwrap();
        let token = vendor.tenant_access_token().await.unwrap();
        canaries.hide("tenant token", &token);
        canaries.hide("tenant token's MAC", &token[token.len() - 26..]);
        self.publish(&vendor, &account).await;
        self.whole_life(canaries, &vendor, &account).await;
        self.other_ends(canaries, &vendor, &account).await;
        self.bad_calls(canaries, &app, &token).await;
        self.storage_fault(canaries, setup, &vendor, &account).await;
        self.workers_are_done().await;
    }

    /// An app whose events go to `path` of the vendor's server.
    async fn app(&self, canaries: &mut Canaries, path: &str, encrypted: bool) -> CreatedApp {
        let scopes = ["hire:background_check_order", "hire:background_check_order:readonly"];
        let body = CreateApp {
            name: "诚信背调".to_owned(),
            tenant_key: Some(self.tenant_key.clone()),
            scopes: scopes.map(str::to_owned).to_vec(),
            callback_url: Some(format!("{}{path}", self.vendor_url)),
            encrypted,
            ..CreateApp::default()
        };
        let app = self.operator.create_app(&body).await.unwrap();
        self.hirer.grant_prepared(&self.tenant_key, &app.app.app_id).await.unwrap();
        canaries.hide("app's secret", &app.app_secret);
        canaries.hide("verification token", &app.verification_token);
        canaries.hide("encrypt key", &app.encrypt_key);
        app
    }

    async fn account(&self, canaries: &mut Canaries, app: &CreatedApp) -> Account {
        let value = canaries.hide("account's form value", "账号密语-ACCT-5150");
        let body = CreateAccount {
            custom_field_list: vec![FieldValue { key: "company_code".to_owned(), value }],
            ..CreateAccount::new(&app.app.app_id, "华东区")
        };
        self.hirer.create_account(&self.tenant_key, &body).await.unwrap()
    }

    async fn publish(&self, vendor: &Vendor, account: &Account) {
        let entry = |id: &str, name: &str| PackageEntry {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
        };
        let body = CreatePackages {
            account_id: account.account_id.clone(),
            package_list: vec![entry("pkg-a", PACKAGE_NAME)],
            additional_item_list: vec![entry("item-a", "工作履历核实")],
        };
        vendor.create_packages(&body).await.unwrap();
        let field = |kind: &str, key: &str| json!({"type": kind, "key": key, "name": {}, "is_required": true});
        let fields = [field("text", "degree"), field("resume", "cv")];
        let body = json!({"account_id": account.account_id, "custom_field_list": fields});
        vendor.call(Call::CreateCheckFields, &body).await.unwrap();
    }

    /// Places an order whose every text is a canary.
    async fn place(&self, canaries: &mut Canaries, account: &Account) -> String {
        let mobile = |number: String| Some(Mobile { code: "86".to_owned(), number });
        let name = canaries.hide("file's name", "欧阳简历密语.docx");
        let content = canaries.hide("file's content", "简历内容密语 CV-CANARY-0042");
        let content = content.repeat(5_000).into_bytes();
        let file = self.hirer.create_file(&self.tenant_key, &name, content).await.unwrap();
        let body = PlaceOrder {
            account_id: account.account_id.clone(),
            package_id: "pkg-a".to_owned(),
            additional_item_id_list: vec!["item-a".to_owned()],
            comment: canaries.hide("comment", "备注密语：请勿联系现雇主"),
            candidate_info: CandidateInfo {
                name: canaries.hide("candidate's name", "欧阳金丝雀"),
                mobile: mobile(canaries.hide("candidate's phone", "13912340987")),
                email: Some(canaries.hide("candidate's mail", "canary.candidate@example.com")),
                first_name: Some(canaries.hide("candidate's first name", "Jinsique")),
                last_name: Some(canaries.hide("candidate's last name", "Ouyangcanary")),
            },
            client_contact_info: Some(ClientContactInfo {
                name: canaries.hide("contact's name", "慕容联系人"),
                mobile: mobile(canaries.hide("contact's phone", "13698761234")),
                email: Some(canaries.hide("contact's mail", "canary.contact@example.com")),
            }),
            custom_field_list: vec![
                FieldValue {
                    key: "degree".to_owned(),
                    value: canaries.hide("form value", "表单密语-FORM-7341"),
                },
                FieldValue { key: "cv".to_owned(), value: format!("[\"{}\"]", file.file_id) },
            ],
            application_id: None,
            location_code: None,
        };
        self.hirer.place_order(&self.tenant_key, &body).await.unwrap().order_id
    }

    /// Progress, a result that is sent back, another one that is approved; reports that are fetched, linked and lost.
    async fn whole_life(&self, canaries: &mut Canaries, vendor: &Vendor, account: &Account) {
        let order_id = self.place(canaries, account).await;
        let vendor_url = &self.vendor_url;
        let mut report = |place: &str, name: &str, url: String, url_type| ReportFile {
            name: canaries.hide(&format!("name of the {place} report"), name),
            url: {
                let path = url.rsplit('/').next().unwrap();
                canaries.hide(&format!("address of the {place} report"), path);
                url
            },
            url_type,
        };
        let fetched = report(
            "fetched",
            "欧阳的学历证明.pdf",
            format!("{vendor_url}/canary-fetched.pdf?sig=canary-signature-1"),
            ReportUrlType::Download,
        );
        // Nobody listens at port 9.
        let lost = report(
            "lost",
            "欧阳的离职证明.pdf",
            "http://127.0.0.1:9/canary-lost.pdf?sig=canary-signature-2".to_owned(),
            ReportUrlType::Download,
        );
        let linked = report(
            "linked",
            "欧阳的预览.html",
            format!("{vendor_url}/canary-linked?sig=canary-signature-3"),
            ReportUrlType::Preview,
        );
        let progress = UpdateProgress {
            background_check_id: order_id.clone(),
            stage_id: canaries.hide("stage's id", "stage-canary-4711"),
            stage_en_name: Some(canaries.hide("stage's English name", "canary stage of Ouyang")),
            stage_name: canaries.hide("stage's name", "欧阳学历核实阶段"),
            stage_time: 1_795_000_000_001,
            result: Some(canaries.hide("interim result", "中期密语：学历存疑")),
            operator_role: OperatorRole::Provider,
            report_file_list: vec![fetched.clone(), linked],
        };
        vendor.update_progress(&progress).await.unwrap();
        let mut result = UpdateResult {
            background_check_id: order_id.clone(),
            result: canaries.hide("first result", "结论密语：有重大差异"),
            result_time: 1_795_000_000_002,
            operator_role: OperatorRole::Provider,
            report_file_list: vec![fetched],
        };
        vendor.update_result(&result).await.unwrap();
        let reason = canaries.hide("reason of the rejection", "驳回密语：材料不全");
        let reject = RejectOrder { reason, result_number: None };
        self.hirer.reject_order(&self.tenant_key, &order_id, &reject).await.unwrap();
        result.result = canaries.hide("second result", "结论密语：无差异可录用");
        result.report_file_list = vec![lost];
        vendor.update_result(&result).await.unwrap();
        let comment = Some(canaries.hide("comment of the approval", "批准密语：同意录用"));
        let approve = ApproveOrder { comment, result_number: None };
        self.hirer.approve_order(&self.tenant_key, &order_id, &approve).await.unwrap();

        let states = async || {
            let order = self.hirer.get_order(&self.tenant_key, &order_id).await.unwrap();
            order.reports
        };
        until("reports are fetched, or tried", PATIENCE, async || {
            states().await.iter().all(|report| match report.state {
                ReportState::Pending => report.failure_reason.is_some(),
                ReportState::Fetching => false,
                _ => true,
            })
        })
        .await;
        let stored = states().await;
        let stored = stored.iter().find(|report| report.state == ReportState::Stored).unwrap();
        let (key, id) = (&self.tenant_key, &stored.report_id);
        let content = self.hirer.get_report_content(key, &order_id, id).await.unwrap();
        assert_eq!(content.bytes().await.unwrap(), load::receiver::pdf());
    }

    /// Orders that the hirer or the vendor ends, looked at in every list.
    async fn other_ends(&self, canaries: &mut Canaries, vendor: &Vendor, account: &Account) {
        let order_id = self.place(canaries, account).await;
        let reason = canaries.hide("reason of the termination", "终止密语：候选人放弃");
        let body = TerminateOrder { reason };
        self.hirer.terminate_order(&self.tenant_key, &order_id, &body).await.unwrap();
        let order_id = self.place(canaries, account).await;
        vendor.cancel(&order_id).await.unwrap();
        let list = List::default();
        self.hirer.list_accounts(&self.tenant_key, &list).await.unwrap();
        self.operator.list_apps(&list).await.unwrap();
        let orders = contract::control::ListOrders::default();
        self.hirer.list_orders(&self.tenant_key, &orders).await.unwrap();
    }

    /// Canaries where they do not belong: wrong members, wrong tokens, wrong paths.
    async fn bad_calls(&self, canaries: &mut Canaries, app: &CreatedApp, token: &str) {
        let stray = canaries.hide("stray text", "欧阳误入此处-STRAY");
        let stray_token = canaries.hide("stray token", "t-canarystraytoken0000000000");
        let stray_ascii = canaries.hide("stray word", "STRAYCANARY9921");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let root = "/open-apis/hire/v1/eco_background_checks/";
        let bodies = [
            json!({"background_check_id": stray, "result": stray, "result_time": stray}),
            json!({"background_check_id": [stray], "result": {"a": stray}}),
            json!({"background_check_id": "1", "stage_id": stray.repeat(40), "operator_role": stray}),
            json!({"app_id": stray, "app_secret": stray}),
            json!({"app_id": app.app.app_id, "app_secret": stray}),
            Value::String(stray.clone()),
        ];
        let paths = [
            format!("{root}update_result"),
            format!("{root}update_progress?q={stray_ascii}"),
            format!("{root}cancel"),
            format!("{root}{stray_ascii}"),
            "/open-apis/auth/v3/tenant_access_token/internal".to_owned(),
            format!("/api/v1/tenants/{}/orders?cursor={stray_ascii}", self.tenant_key),
            format!("/api/v1/tenants/{}/orders/{stray_ascii}/approve", self.tenant_key),
            format!("/{stray_ascii}"),
        ];
        for path in &paths {
            for body in &bodies {
                for token in [token, &stray_token, &self.api_key, "pbo_wrong"] {
                    let request = http.post(format!("{}{path}", self.server)).bearer_auth(token);
                    let request = request.header("User-Agent", &stray_ascii);
                    let request = request.header("Idempotency-Key", &stray_ascii);
                    request.body(body.to_string()).send().await.unwrap();
                }
            }
        }
        // A head that is no HTTP at all.
        let address = self.server.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!("{stray_ascii} {stray}\r\nAuthorization: {stray_token}\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        let mut end = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut end).await.unwrap();
    }

    /// A desk that fails with a result in its hands: the fault is logged, the result is not.
    async fn storage_fault(
        &self,
        canaries: &mut Canaries,
        setup: &Setup,
        vendor: &Vendor,
        account: &Account,
    ) {
        let order_id = self.place(canaries, account).await;
        let rename = async |from: &str, to: &str| {
            let sql = format!("ALTER TABLE {from} RENAME TO {to}");
            match &setup.database_url {
                None => {
                    let path = setup.data.join("probity.db");
                    rusqlite::Connection::open(path).unwrap().execute_batch(&sql).unwrap();
                }
                Some(url) => {
                    let tls = tokio_postgres::NoTls;
                    let (client, connection) = tokio_postgres::connect(url, tls).await.unwrap();
                    tokio::spawn(connection);
                    client.batch_execute(&sql).await.unwrap();
                }
            }
        };
        let result = canaries.hide("result that met a fault", "故障密语：存储失败时的结论");
        let body = json!({
            "background_check_id": order_id,
            "result": result,
            "result_time": "1795000000003",
        });
        rename("orders", "orders_away").await;
        let refused = vendor.call(Call::UpdateResult, &body).await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().code, 1_002_001);
        let log = std::fs::read_to_string(&setup.log).unwrap();
        assert!(log.contains("a call failed"), "the fault is logged");
        rename("orders_away", "orders").await;
        vendor.call(Call::UpdateResult, &body).await.unwrap();
        let off = UpdateTenant { report_approval: Some(false), ..UpdateTenant::default() };
        self.operator.update_tenant(&self.tenant_key, &off).await.unwrap();
    }

    /// Waits until every event was delivered, or refused once.
    async fn workers_are_done(&self) {
        let list = ListEvents { limit: Some(200), ..ListEvents::default() };
        until("every event is tried", PATIENCE, async || {
            let events = self.hirer.list_events(&self.tenant_key, &list).await.unwrap().items;
            for event in &events {
                if event.delivery_state == DeliveryState::Delivered {
                    continue;
                }
                let ways = self.hirer.list_deliveries(&self.tenant_key, &event.event_id).await;
                if ways.unwrap().items[0].attempts.is_empty() {
                    return false;
                }
            }
            !events.is_empty()
        })
        .await;
    }
}

fn http_error() -> axum::http::StatusCode {
    axum::http::StatusCode::INTERNAL_SERVER_ERROR
}
