//! Measures how reports are taken in: one of 50 MiB, fetched, hashed, sealed and synced, beside `curl` to a file and a
//! sync of it, by turns; the memory that it takes; and what 100 reports at once cost `update_result`.
//!
//! ```text
//! cargo run --release -p server --example report_intake -- [postgres://USER@HOST/DATABASE] [--deep-check PROGRAM]
//! ```
//!
//! With `--deep-check target/release/probity` each report is parsed in a child process too, as in a server.
//! A report counts from the acknowledged call that brought it until its row says stored. Loopback is allowed for it.
//! The host of the reports runs in the same process; the peak of memory is reset before each of our turns, so what
//! counts is what a turn adds.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path as UrlPath;
use axum::routing::get;
use bytes::Bytes;
use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{
    CandidateInfo, CreateAccount, CreateApp, CreateTenant, CreatedApp, PlaceOrder, ReportState,
};
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use futures_util::{StreamExt, stream};
use server::{Config, Server};
use system::clock::{Clock, socket_now};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::interval_at;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const MIB: usize = 1 << 20;
/// Bytes of the large report's picture; with it the report is nearly the most that is taken.
const LARGE: usize = 50 * MIB - 64 * 1024;
const TURNS: usize = 7;
/// Reports at once, and bytes of each.
const AT_ONCE: usize = 100;
const SMALL: usize = 5 * MIB;
/// Vendors: each may make 1,000 calls of a kind in a minute.
const VENDORS: usize = 256;
/// Callers of `update_result`, each with one call at a time.
const CALLERS: usize = 8;
/// Calls of each without reports beside them, before and after those with them.
const CALLS: usize = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    let (mut database_url, mut deep_check) = (None, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--deep-check" => {
                deep_check =
                    Some(std::fs::canonicalize(words.next().ok_or("expected a program")?)?);
            }
            _ => database_url = Some(word),
        }
    }
    let folder = tempfile::tempdir()?;
    let config = Config {
        data: folder.path().join("data"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        database_url,
        deep_check,
        allow_outbound: vec!["127.0.0.1".to_owned()],
        ..Config::default()
    };
    let data = config.data.clone();
    // Whoever came first has set it, with the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = Server::bind(config, Clock::system()).await?;
    let url = format!("http://{}", server.address());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        // Its sender may be gone; that is the end too.
        let _ = stopped.await;
    }));
    let parties = Arc::new(Parties::new(&url, &data).await?);
    let host = host()?;
    large(&parties, &host, folder.path()).await?;
    many(&parties, &host).await?;
    drop(stop);
    running.await?;
    Ok(())
}

/// One large report, by turns with `curl` and a sync.
async fn large(parties: &Parties, host: &str, folder: &Path) -> Result<()> {
    let address = format!("{host}/{LARGE}");
    let (mut ours, mut theirs, mut memory) = (Vec::new(), Vec::new(), 0);
    for turn in 0..=TURNS {
        let file = folder.join("curl.pdf");
        let begin = socket_now();
        let (to, from) = (file.clone(), address.clone());
        tokio::task::spawn_blocking(move || -> Result<()> {
            let line = ["--silent", "--fail", "--noproxy", "*", "--output"];
            if !Command::new("curl").args(line).arg(&to).arg(from).status()?.success() {
                return Err("curl failed".into());
            }
            Ok(std::fs::File::open(&to)?.sync_all()?)
        })
        .await??;
        let curl = begin.elapsed();
        std::fs::remove_file(&file)?;
        // A file system may discard the file's space with the next sync, which would be ours.
        std::fs::File::open(folder)?.sync_all()?;

        let order_id = parties.place().await?;
        std::fs::write("/proc/self/clear_refs", "5")?;
        let before = status("VmRSS")?;
        parties.finish(&order_id, &address).await?;
        let begin = socket_now();
        parties.stored(&[order_id], curl.mul_f64(0.8)).await?;
        let intake = begin.elapsed();
        // The first turn warms up.
        if turn > 0 {
            theirs.push(curl);
            ours.push(intake);
            memory = memory.max(status("VmHWM")?.saturating_sub(before));
        }
    }
    let (curl, intake) = (median(&mut theirs), median(&mut ours));
    println!(
        "50 MiB, median of {TURNS} turns: curl and sync {} ms, intake {} ms",
        ms(curl),
        ms(intake)
    );
    println!(
        "speed of intake to that of curl: {:.2} (at least 1 wanted)",
        curl.as_secs_f64() / intake.as_secs_f64()
    );
    println!("memory that a turn adds: at most {:.1} MiB (16 wanted)", memory as f64 / 1_024.0);
    Ok(())
}

/// What many reports at once cost the calls beside them.
async fn many(parties: &Arc<Parties>, host: &str) -> Result<()> {
    let mut alone = load(parties, None).await?;
    let mut reported = Vec::new();
    for _ in 0..AT_ONCE {
        reported.push(parties.place().await?);
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let (beside, ending) = (Arc::clone(parties), Arc::clone(&is_over));
    let calls = tokio::spawn(async move { load(&beside, Some(ending)).await });
    let begin = socket_now();
    for order_id in &reported {
        parties.finish(order_id, &format!("{host}/{SMALL}")).await?;
    }
    parties.stored(&reported, Duration::ZERO).await?;
    let took = begin.elapsed();
    is_over.store(true, Ordering::SeqCst);
    let mut busy = calls.await??;
    alone.extend(load(parties, None).await?);
    let (without, with) = (p99(&mut alone), p99(&mut busy));
    println!(
        "{AT_ONCE} reports of 5 MiB at once in {} ms; p99 of update_result: {} ms of {} calls without, {} ms of {} with; \
         ratio {:.2} (at most 1.5 wanted)",
        ms(took),
        ms(without),
        alone.len(),
        ms(with),
        busy.len(),
        with.as_secs_f64() / without.as_secs_f64()
    );
    Ok(())
}

/// The times of `update_result`: a number of calls, or as many as there are until it is over.
async fn load(parties: &Arc<Parties>, is_over: Option<Arc<AtomicBool>>) -> Result<Vec<Duration>> {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (parties, is_over) = (Arc::clone(parties), is_over.clone());
        callers.spawn(async move {
            let mut times = Vec::new();
            loop {
                let is_enough = match &is_over {
                    Some(is_over) => is_over.load(Ordering::SeqCst),
                    None => times.len() >= CALLS,
                };
                if is_enough {
                    return Ok::<_, Box<dyn Error + Send + Sync>>(times);
                }
                let order_id = parties.place().await?;
                let begin = socket_now();
                parties.finish(&order_id, "").await?;
                times.push(begin.elapsed());
            }
        });
    }
    let mut all = Vec::new();
    while let Some(times) = callers.join_next().await {
        all.extend(times??);
    }
    Ok(all)
}

/// A host that gives a PDF of one page with a picture of as many bytes as the address says.
fn host() -> Result<String> {
    let filling = Bytes::from(system::random::bytes::<{ 64 * 1024 }>().to_vec());
    let give = async move |UrlPath(length): UrlPath<usize>| {
        let (begin, end) = around_picture(length);
        let pieces = std::iter::repeat_n(filling.clone(), length / filling.len());
        let pieces = std::iter::once(begin).chain(pieces).chain([end]);
        Body::from_stream(stream::iter(pieces).map(Ok::<_, Infallible>))
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || -> Result<()> {
        // On a machine of its own it would take nothing from our processors.
        rustix::process::nice(10)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            Ok(axum::serve(listener, Router::new().route("/{length}", get(give))).await?)
        })
    });
    Ok(format!("http://{address}"))
}

/// What stands before and after the picture.
fn around_picture(length: usize) -> (Bytes, Bytes) {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>".to_owned(),
        format!(
            "<< /Type /XObject /Subtype /Image /Filter /DCTDecode /Length {length} >>\nstream\n"
        ),
    ];
    let mut begin = "%PDF-1.7\n".to_owned();
    let mut table = "xref\n0 5\n0000000000 65535 f \n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", begin.len());
        begin += &format!("{} 0 obj\n{object}", index + 1);
        begin += if object.ends_with("stream\n") { "" } else { "\nendobj\n" };
    }
    let object_end = "\nendstream\nendobj\n";
    let table_at = begin.len() + length + object_end.len();
    let trailer = "trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n";
    let end = format!("{object_end}{table}{trailer}{table_at}\n%%EOF\n");
    (begin.into(), end.into())
}

/// Who orders and who reports. There are so many vendors that none meets its limit of calls.
struct Parties {
    control: Control,
    tenant_key: String,
    /// Each with its account; they take turns.
    vendors: Vec<(Vendor, String)>,
    turn: std::sync::atomic::AtomicUsize,
    placed: std::sync::Mutex<std::collections::HashMap<String, usize>>,
}

impl Parties {
    async fn new(url: &str, data: &Path) -> Result<Parties> {
        let operator_key = std::fs::read_to_string(data.join("operator.key"))?;
        let operator = Control::new(url, operator_key.trim())?;
        let created = operator.create_tenant(&CreateTenant::named("星河科技")).await?;
        let tenant_key = created.tenant.tenant_key;
        let control = Control::new(url, &created.api_key)?;
        let mut vendors = Vec::new();
        for _ in 0..VENDORS {
            let body = CreateApp {
                name: "诚信背调".to_owned(),
                tenant_key: Some(tenant_key.clone()),
                scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
                ..CreateApp::default()
            };
            let app: CreatedApp = operator.create_app(&body).await?;
            control.grant_prepared(&tenant_key, &app.app.app_id).await?;
            let body = CreateAccount::new(&app.app.app_id, "华东区");
            let account_id = control.create_account(&tenant_key, &body).await?.account_id;
            let vendor = Vendor::new(url, &app.app.app_id, &app.app_secret)?;
            let package = PackageEntry {
                id: "pkg-a".to_owned(),
                name: "标准套餐".to_owned(),
                description: None,
            };
            let packages = CreatePackages {
                account_id: account_id.clone(),
                package_list: vec![package],
                additional_item_list: Vec::new(),
            };
            vendor.create_packages(&packages).await?;
            vendors.push((vendor, account_id));
        }
        let (turn, placed) = Default::default();
        Ok(Parties { control, tenant_key, vendors, turn, placed })
    }

    /// Places an order.
    async fn place(&self) -> Result<String> {
        let turn = self.turn.fetch_add(1, Ordering::SeqCst) % self.vendors.len();
        let body = PlaceOrder {
            account_id: self.vendors[turn].1.clone(),
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
        let order_id = self.control.place_order(&self.tenant_key, &body).await?.order_id;
        self.placed.lock().map_err(|_| "a caller panicked")?.insert(order_id.clone(), turn);
        Ok(order_id)
    }

    /// Returns the result of an order, with a report from this address unless it is empty.
    async fn finish(&self, order_id: &str, address: &str) -> Result<()> {
        let placed = self.placed.lock().map_err(|_| "a caller panicked")?.remove(order_id);
        let turn = placed.ok_or("expected an order that was placed")?;
        let report = ReportFile {
            name: "终版".to_owned(),
            url: address.to_owned(),
            url_type: ReportUrlType::Download,
        };
        let result = UpdateResult {
            background_check_id: order_id.to_owned(),
            result: "绿灯".to_owned(),
            result_time: Clock::system().now().0 - 1_000,
            operator_role: OperatorRole::Provider,
            report_file_list: if address.is_empty() { Vec::new() } else { vec![report] },
        };
        Ok(self.vendors[turn].0.update_result(&result).await?)
    }

    /// Waits until the report of each order is stored. DownloadRequest takes of the processors too, so not before some time.
    async fn stored(&self, order_ids: &[String], not_before: Duration) -> Result<()> {
        let mut ticks = interval_at(socket_now() + not_before, Duration::from_millis(2));
        ticks.tick().await;
        for order_id in order_ids {
            loop {
                let order = self.control.get_order(&self.tenant_key, order_id).await?;
                let report = order.reports.first().ok_or("expected a report")?;
                match (report.state, &report.failure_reason) {
                    (ReportState::Stored, _) => break,
                    (ReportState::Flagged, _) => {
                        return Err("expected a report without findings".into());
                    }
                    (_, Some(reason)) => return Err(reason.clone().into()),
                    _ => ticks.tick().await,
                };
            }
        }
        Ok(())
    }
}

/// KiB that the system reports for this process.
fn status(name: &str) -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number =
        line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("expected a number of kB")?;
    Ok(number.parse()?)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn p99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}
