//! Measures long connections on the server as it is shipped: the resident memory of each of 5,000 idle ones, and the
//! time in which 1,000 events reach 50 connections of one app and are acknowledged.
//!
//! ```text
//! cargo build --release -p cli --bin probity
//! cargo run --release -p server --example long_connections [postgres://USER@HOST/DATABASE]
//! ```
//!
//! The server is a process of its own, so that its memory is its own; the clients live here. The events are due all
//! at once: they are delivered, and then sent again by one call.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client::control::Control;
use contract::control::{
    CandidateInfo, CreateAccount, CreateApp, CreateTenant, CreatedApp, CreatedTenant, EventMode,
    PlaceOrder, ResendSince,
};
use contract::endpoint::ENDPOINT_PATH;
use contract::frame::{Frame, METHOD_DATA};
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use system::clock::socket_now;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

const IDLE: usize = 5_000;
const PER_APP: usize = 50;
const EVENTS: usize = 1_000;
/// Calls under way at once.
const AT_ONCE: usize = 32;
/// How long the server has to come to rest before its memory is read.
const REST: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(60);

type Failed = Box<dyn Error + Send + Sync>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The server as it is shipped; killed when dropped.
struct Shipped(Child);

impl Drop for Shipped {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    // Whoever came first has set it, with the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let database_url = std::env::args().nth(1);
    let engine = if database_url.is_some() { "PostgreSQL" } else { "SQLite" };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let (server, url) = start(&data, database_url.as_deref())?;
    let key = std::fs::read_to_string(data.join(server::data_folder::OPERATOR_KEY_FILE))?;
    let operator = Control::new(&url, key.trim())?;
    let tenant = operator.create_tenant(&CreateTenant::named("星河科技")).await?;

    let mut apps = Vec::new();
    for _ in 0..IDLE / PER_APP {
        apps.push(app(&operator, &tenant).await?);
    }
    let http = reqwest::Client::builder().no_proxy().build()?;
    rest().await;
    let before = resident_bytes(&server)?;
    let mut idle = Vec::with_capacity(IDLE);
    let addresses: Vec<&CreatedApp> = apps.iter().flat_map(|app| [app; PER_APP]).collect();
    for chunk in addresses.chunks(AT_ONCE) {
        let mut opening = JoinSet::new();
        for app in chunk {
            opening.spawn(connect(http.clone(), url.clone(), (*app).clone()));
        }
        for opened in opening.join_all().await {
            idle.push(opened?);
        }
    }
    rest().await;
    let each = (resident_bytes(&server)?.saturating_sub(before)) / IDLE;
    println!(
        "{engine}: {} idle long connections, {:.1} KiB each",
        idle.len(),
        each as f64 / 1024.0
    );

    let took = send(&http, &url, &operator, &tenant).await?;
    println!("{engine}: {EVENTS} events to {PER_APP} connections of one app in {took:?}");
    Ok(())
}

/// Starts `probity serve`, the binary beside the examples' folder.
fn start(data: &Path, database_url: Option<&str>) -> Result<(Shipped, String), Failed> {
    let own = std::env::current_exe()?;
    let built = own.parent().and_then(Path::parent).ok_or("expected a folder of built programs")?;
    let mut command = Command::new(built.join("probity"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    if let Some(url) = database_url {
        command.args(["--database-url", url]);
    }
    let child = command.env("RUST_LOG", "error").stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("cargo build --release -p cli: {error}"))?;
    let stdout = child.stdout.take().ok_or("expected the server's stdout")?;
    let shipped = Shipped(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let url = line.trim().strip_prefix("listening on ").ok_or("expected the server to listen")?;
    Ok((shipped, url.to_owned()))
}

/// Resident bytes of the server.
fn resident_bytes(server: &Shipped) -> Result<usize, Failed> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.0.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("expected VmRSS")?;
    Ok(kib.parse::<usize>()? * 1024)
}

async fn rest() {
    let _ = tokio::time::timeout(REST, std::future::pending::<()>()).await;
}

async fn app(operator: &Control, tenant: &CreatedTenant) -> Result<CreatedApp, Failed> {
    let body = CreateApp {
        name: "诚信背调".to_owned(),
        tenant_key: Some(tenant.tenant.tenant_key.clone()),
        scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
        event_mode: EventMode::LongConnection,
        ..CreateApp::default()
    };
    let created = operator.create_app(&body).await?;
    let hirer = Control::new(&operator.server(), &tenant.api_key)?;
    hirer.grant_prepared(&tenant.tenant.tenant_key, &created.app.app_id).await?;
    Ok(created)
}

/// Opens a connection as the SDKs do: asks for an address, upgrades, pings.
async fn connect(http: reqwest::Client, url: String, app: CreatedApp) -> Result<Socket, Failed> {
    let body = json!({"AppID": app.app.app_id, "AppSecret": app.app_secret});
    let answer = http.post(format!("{url}{ENDPOINT_PATH}")).body(body.to_string()).send().await?;
    let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
    let address = answer["data"]["URL"].as_str().ok_or_else(|| format!("no address: {answer}"))?;
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
    let (mut socket, _) = connect_async_with_config(address, Some(config), true).await?;
    socket.send(Message::Binary(Frame::ping(33_554_678).encode().into())).await?;
    socket.next().await.ok_or("expected a pong")??;
    Ok(socket)
}

/// The time in which all events, due at once, reach the connections and are acknowledged.
async fn send(
    http: &reqwest::Client,
    url: &str,
    operator: &Control,
    tenant: &CreatedTenant,
) -> Result<Duration, Failed> {
    let app = app(operator, tenant).await?;
    let control = Control::new(url, &tenant.api_key)?;
    let tenant_key = &tenant.tenant.tenant_key;
    let body = CreateAccount::new(&app.app.app_id, "华东区");
    let account = control.create_account(tenant_key, &body).await?;
    let vendor = client::vendor::Vendor::new(url, &app.app.app_id, &app.app_secret)?;
    let package = PackageEntry { id: "p".to_owned(), name: "标准".to_owned(), description: None };
    let packages = CreatePackages {
        account_id: account.account_id.clone(),
        package_list: vec![package],
        additional_item_list: Vec::new(),
    };
    vendor.create_packages(&packages).await?;
    let (taken, mut arrivals) = mpsc::unbounded_channel();
    for _ in 0..PER_APP {
        let socket = connect(http.clone(), url.to_owned(), app.clone()).await?;
        tokio::spawn(serve(socket, taken.clone()));
    }
    let since = control.get_account(tenant_key, &account.account_id).await?.created_at;
    let order = PlaceOrder {
        account_id: account.account_id.clone(),
        package_id: "p".to_owned(),
        additional_item_id_list: Vec::new(),
        comment: String::new(),
        candidate_info: CandidateInfo {
            name: "张三".to_owned(),
            mobile: None,
            email: None,
            first_name: None,
            last_name: None,
        },
        client_contact_info: None,
        custom_field_list: Vec::new(),
        application_id: None,
        location_code: None,
    };
    // The account's event is one of them.
    for _ in 1..EVENTS {
        control.place_order(tenant_key, &order).await?;
    }
    let all = async |arrivals: &mut mpsc::UnboundedReceiver<()>| {
        for _ in 0..EVENTS {
            tokio::time::timeout(PATIENCE, arrivals.recv()).await?;
        }
        Ok::<(), Failed>(())
    };
    all(&mut arrivals).await?;
    rest().await;
    let begun = socket_now();
    let body = ResendSince { since, until: None, states: Vec::new() };
    operator.resend_app_events(&app.app.app_id, &body).await?;
    all(&mut arrivals).await?;
    Ok(begun.elapsed())
}

/// Acknowledges every event.
async fn serve(mut socket: Socket, taken: mpsc::UnboundedSender<()>) -> Result<(), Failed> {
    while let Some(message) = socket.next().await {
        let Message::Binary(bytes) = message? else { continue };
        let mut frame = Frame::decode(&bytes)?;
        if frame.method == METHOD_DATA {
            frame.payload = Some(br#"{"code":200}"#.to_vec());
            socket.send(Message::Binary(frame.encode().into())).await?;
            taken.send(())?;
        }
    }
    Ok(())
}
