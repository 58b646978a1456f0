//! The whole program in surroundings that are hard on it: a log that takes nothing, signals that ask nothing of it, a
//! parent that ignores its children's ends, few file handles. None of them ends it, and none is laid at the door of a
//! report or a receiver.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{
    Attempt, CandidateInfo, CreateAccount, CreateApp, CreateTenant, ListEvents, PlaceOrder,
    ReportState,
};
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use load::daemon::{Daemon, Setup, signal};
use load::{Folder, pause, receiver, until};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

/// How long a report may take that is fetched at once, and one that is tried again after 10 s.
const FETCHED_WITHIN: Duration = Duration::from_secs(40);

/// A vendor's host that closes each connection after its answer, so that each call needs a new one.
async fn host() -> String {
    let take = async |body: axum::body::Bytes| {
        let event: Value = serde_json::from_slice(&body).unwrap();
        let answer = serde_json::json!({"challenge": event["challenge"]});
        ([(CONNECTION, "close")], answer.to_string())
    };
    let give = async || ([(CONTENT_TYPE, "application/pdf")], receiver::pdf()).into_response();
    let router = Router::new().route("/events", post(take)).route("/report.pdf", get(give));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// A tenant and its vendor, whose clients keep their connections.
struct Parties {
    tenant_key: String,
    operator: Control,
    hirer: Control,
    vendor: Vendor,
    account_id: String,
    host: String,
}

impl Parties {
    async fn new(url: &str, operator_key: &str, host: &str) -> Parties {
        let operator = Control::new(url, operator_key).unwrap();
        let created = operator.create_tenant(&CreateTenant::named("星河科技")).await.unwrap();
        let tenant_key = created.tenant.tenant_key;
        let hirer = Control::new(url, &created.api_key).unwrap();
        let app = CreateApp {
            name: "青松背调".to_owned(),
            tenant_key: Some(tenant_key.clone()),
            scopes: vec![Scope::BackgroundCheckOrder.as_str().to_owned()],
            callback_url: Some(format!("{host}/events")),
            ..CreateApp::default()
        };
        let app = operator.create_app(&app).await.unwrap();
        hirer.grant_prepared(&tenant_key, &app.app.app_id).await.unwrap();
        let account = CreateAccount::new(&app.app.app_id, "华东区");
        let account_id = hirer.create_account(&tenant_key, &account).await.unwrap().account_id;
        let vendor = Vendor::new(url, &app.app.app_id, &app.app_secret).unwrap();
        let package =
            PackageEntry {
                id: "pkg-a".to_owned(), name: "标准背调".to_owned(), description: None
            };
        let packages = CreatePackages {
            account_id: account_id.clone(),
            package_list: vec![package],
            additional_item_list: Vec::new(),
        };
        vendor.create_packages(&packages).await.unwrap();
        let host = host.to_owned();
        Parties { tenant_key, operator, hirer, vendor, account_id, host }
    }

    /// An order whose result brings one sound report.
    async fn report(&self) -> String {
        let order_id = self.place().await.expect("an order");
        self.return_result(&order_id).await.expect("a result");
        order_id
    }

    async fn place(&self) -> Result<String, client::control::Error> {
        let form = PlaceOrder {
            account_id: self.account_id.clone(),
            package_id: "pkg-a".to_owned(),
            candidate_info: CandidateInfo {
                name: "张三".to_owned(),
                mobile: None,
                email: Some("z@example.com".to_owned()),
                first_name: None,
                last_name: None,
            },
            ..PlaceOrder::default()
        };
        Ok(self.hirer.place_order(&self.tenant_key, &form).await?.order_id)
    }

    async fn return_result(&self, order_id: &str) -> Result<(), String> {
        let report = ReportFile {
            name: "report".to_owned(),
            url: format!("{}/report.pdf", self.host),
            url_type: ReportUrlType::Download,
        };
        let result = UpdateResult {
            background_check_id: order_id.to_owned(),
            result: "绿灯".to_owned(),
            result_time: 1_795_000_000_000,
            operator_role: OperatorRole::Provider,
            report_file_list: vec![report],
        };
        self.vendor.update_result(&result).await.map_err(|error| error.to_string())
    }

    async fn report_state(&self, order_id: &str) -> ReportState {
        let order = self.hirer.get_order(&self.tenant_key, order_id).await.unwrap();
        order.reports[0].state
    }

    /// Waits until the report is stored, and asserts that nothing was found in it.
    async fn is_stored(&self, order_id: &str) {
        let waits = async || {
            let state = self.report_state(order_id).await;
            !matches!(state, ReportState::Pending | ReportState::Fetching)
        };
        until("the report has ended", FETCHED_WITHIN, waits).await;
        assert_eq!(self.report_state(order_id).await, ReportState::Stored);
    }

    /// Every try to deliver an event so far.
    async fn attempts(&self) -> Vec<Attempt> {
        let events =
            self.hirer.list_events(&self.tenant_key, &ListEvents::default()).await.unwrap();
        let mut attempts = Vec::new();
        for event in events.items {
            let found =
                self.hirer.list_deliveries(&self.tenant_key, &event.event_id).await.unwrap();
            attempts.extend(found.items.into_iter().flat_map(|delivery| delivery.attempts));
        }
        attempts
    }
}

/// A server whose outputs go where a test wants them, on an address of its own.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(data: &Path, stdout: Stdio, stderr: Stdio) -> Server {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
        command.args(["serve", "--listen", &address, "--allow-outbound", "127.0.0.1", "--data"]);
        command.arg(data).env("RUST_LOG", "debug");
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        Server { child: command.spawn().unwrap(), url: format!("http://{address}") }
    }

    async fn is_ready(&mut self) {
        let url = format!("{}/readyz", self.url);
        let ready = async || {
            assert_eq!(self.child.try_wait().unwrap(), None, "it has ended");
            reqwest::get(&url).await.is_ok_and(|answer| answer.status() == 200)
        };
        until("readiness", Duration::from_secs(30), ready).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A counter of the server's.
async fn counter(url: &str, key: &str, name: &str) -> u64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let text = client.get(format!("{url}/metrics")).bearer_auth(key).send().await.unwrap();
    let text = text.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("such a counter");
    line.trim().parse().unwrap()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// The end of a pipe that nobody will ever read.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_written_is_counted_and_the_server_goes_on() {
    let host = host().await;
    for (name, stdout, stderr) in [
        ("full log", Stdio::null(), full()),
        ("closed log", Stdio::null(), closed()),
        ("both full", full(), full()),
        ("both closed", closed(), closed()),
    ] {
        let folder = Folder::new();
        let mut server = Server::start(&folder.path().join("data"), stdout, stderr);
        server.is_ready().await;
        let key = std::fs::read_to_string(folder.path().join("data/operator.key")).unwrap();
        let parties = Parties::new(&server.url, key.trim(), &host).await;
        // Each try at nobody writes a line.
        let app = &parties.operator.list_apps(&Default::default()).await.unwrap().items[0];
        parties.operator.disable_app(&app.app_id).await.unwrap();
        parties.operator.enable_app(&app.app_id).await.unwrap();
        let nobody = CreateApp {
            name: "nobody".to_owned(),
            tenant_key: Some(parties.tenant_key.clone()),
            scopes: vec![Scope::BackgroundCheckOrder.as_str().to_owned()],
            callback_url: Some("http://127.0.0.1:9/".to_owned()),
            ..CreateApp::default()
        };
        let nobody = parties.operator.create_app(&nobody).await.unwrap();
        let granted = parties.hirer.grant_prepared(&parties.tenant_key, &nobody.app.app_id);
        granted.await.unwrap();
        let account = CreateAccount::new(&nobody.app.app_id, "华东区");
        parties.hirer.create_account(&parties.tenant_key, &account).await.unwrap();
        let lost =
            async || counter(&server.url, key.trim(), "probity_log_lines_lost_total").await > 0;
        until(name, Duration::from_secs(20), lost).await;
        let order_id = parties.report().await;
        parties.is_stored(&order_id).await;
        signal("TERM", server.child.id());
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{name}");
    }
}

#[test]
fn a_command_whose_words_nobody_takes_ends_as_it_should() {
    for (args, code) in [(&["migrate", "--data"][..], 0), (&["backup", "/nowhere", "--data"], 1)] {
        let folder = Folder::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_probity"));
        command.args(args).arg(folder.path().join("data"));
        let status = command.stdin(Stdio::null()).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_that_ask_nothing_of_the_server_do_not_end_it() {
    let folder = Folder::new();
    let setup = Setup::new(folder.path());
    let mut daemon = setup.start().await;
    for name in [
        "HUP", "USR1", "USR2", "PIPE", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "XFSZ",
        "CHLD", "WINCH", "URG", "CONT", "34", "50", "64",
    ] {
        signal(name, daemon.id());
        signal(name, daemon.id());
    }
    pause(Duration::from_millis(300)).await;
    assert_eq!(daemon.ended(), None, "{}", setup.log_tail());
    assert_eq!(daemon.door().is_ready().await, Some(true));
    signal("INT", daemon.id());
    assert!(daemon.wait(Duration::from_secs(20)).await.0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_that_others_can_enter_is_warned_of() {
    for (mode, is_warned) in [(0o700, false), (0o755, true)] {
        let folder = Folder::new();
        let setup = Setup::new(folder.path());
        std::fs::create_dir(&setup.data).unwrap();
        std::fs::set_permissions(&setup.data, Permissions::from_mode(mode)).unwrap();
        setup.start().await;
        let log = std::fs::read_to_string(&setup.log).unwrap();
        let remedy = format!("`chmod 700 {}` closes it", setup.data.display());
        assert_eq!(log.contains(&remedy), is_warned, "{log}");
    }
}

/// Wraps the server in a line of the shell.
fn under(folder: &Folder, line: &str) -> Setup {
    let wrapper = ["sh", "-c", &format!("{line}; exec \"$@\""), "sh"];
    let mut setup = Setup::new(folder.path());
    setup.wrapper = wrapper.map(str::to_owned).to_vec();
    setup
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parent_that_ignores_the_ends_of_its_children_costs_nothing() {
    let folder = Folder::new();
    let key = "01".repeat(32);
    let setup = under(
        &folder,
        &format!("trap '' CHLD; export PROBITY_ROOT_KEY_COMMAND='sleep 0.1; echo {key}'"),
    );
    let daemon = setup.start().await;
    let parties = Parties::new(&daemon.url, &setup.operator_key(), &host().await).await;
    for _ in 0..3 {
        let order_id = parties.report().await;
        parties.is_stored(&order_id).await;
    }
    setup.assert_no_panic();
}

fn handles(id: u32) -> Vec<u64> {
    let entries = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

/// Sets the soft limit on the server's open files.
fn limit(id: u32, handles: u64) {
    let limit = format!("--nofile={handles}:");
    let set = Command::new("prlimit").args(["--pid", &id.to_string(), &limit]).status().unwrap();
    assert!(set.success(), "prlimit");
}

/// Leaves the server so many free handles.
fn leave(daemon: &Daemon, free: u64) {
    let taken = handles(daemon.id());
    let mut left = free;
    let mut number = 0;
    while taken.iter().any(|taken| *taken >= number) || left > 0 {
        left = if taken.contains(&number) { left } else { left.saturating_sub(1) };
        number += 1;
        if left == 0 && !taken.contains(&number) {
            break;
        }
    }
    limit(daemon.id(), number);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn want_of_file_handles_is_tried_again_and_neither_a_finding_nor_the_receivers_fault() {
    let folder = Folder::new();
    let setup = Setup::new(folder.path());
    let daemon = setup.start().await;
    let parties = Parties::new(&daemon.url, &setup.operator_key(), &host().await).await;
    let mut orders = Vec::new();
    for free in [0, 1, 2, 3, 4, 6, 8] {
        leave(&daemon, free);
        let mut placed = parties.place().await;
        if placed.is_err() {
            // Without a handle storage may have to say no, which is reported; what matters comes after it.
            limit(daemon.id(), 1_024);
            placed = parties.place().await;
            leave(&daemon, free);
        }
        orders.push(placed.unwrap());
        let order_id = orders.last().unwrap();
        let returned = parties.return_result(order_id).await;
        // Time for a try.
        pause(Duration::from_millis(1_500)).await;
        limit(daemon.id(), 1_024);
        if returned.is_err() {
            parties.return_result(order_id).await.unwrap();
        }
        let state = parties.report_state(orders.last().unwrap()).await;
        assert!(
            matches!(state, ReportState::Pending | ReportState::Fetching | ReportState::Stored),
            "{free} handles: {state:?}"
        );
    }
    for order_id in &orders {
        parties.is_stored(order_id).await;
    }
    // Everything was reported, and no try failed.
    until("all events are delivered", FETCHED_WITHIN, async || {
        parties.attempts().await.len() > orders.len()
    })
    .await;
    for attempt in parties.attempts().await {
        assert_eq!((attempt.attempt, attempt.outcome.as_str()), (1, "delivered"));
    }
    setup.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_leave_handles_to_everything_else() {
    let folder = Folder::new();
    let setup = under(&folder, "ulimit -n 256");
    let daemon = setup.start().await;
    let address = daemon.url.strip_prefix("http://").unwrap();
    let parties = Parties::new(&daemon.url, &setup.operator_key(), &host().await).await;
    // Its clients have their connections; others take whatever they get.
    let mut crowd = Vec::new();
    for _ in 0..400 {
        let Ok(connected) =
            tokio::time::timeout(Duration::from_secs(2), TcpStream::connect(address)).await
        else {
            break;
        };
        crowd.push(connected.unwrap());
    }
    pause(Duration::from_millis(500)).await;
    let taken = handles(daemon.id()).len();
    assert!((64..=140).contains(&taken), "{taken} handles are taken");
    for _ in 0..3 {
        let order_id = parties.report().await;
        parties.is_stored(&order_id).await;
    }
    assert!(parties.attempts().await.iter().all(|attempt| attempt.outcome == "delivered"));
    drop(crowd);
    until("others are served again", Duration::from_secs(20), async || {
        daemon.door().is_ready().await == Some(true)
    })
    .await;
    setup.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_soft_limit_on_open_files_is_raised_at_the_start() {
    let folder = Folder::new();
    let setup = under(&folder, "ulimit -S -n 128");
    let daemon = setup.start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] == numbers[1] || numbers[0] == 1 << 20, "{line}");
}
