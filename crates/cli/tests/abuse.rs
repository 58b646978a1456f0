//! What one tenant, one vendor or a stranger can take from all others: memory, time, disk. Prints a row of the table in
//! `docs/performance.md` for each abuse; `ABUSED_PROGRAM` names another build of the program to be measured, of which
//! nothing is asserted.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path as UrlPath;
use axum::routing::get;
use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{
    CandidateInfo, CreateAccount, CreateApp, CreateTenant, Mobile, PlaceOrder, ReportState,
};
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use futures_util::{StreamExt as _, stream};
use load::daemon::{Daemon, Setup};
use load::faults::Disk;
use load::{Folder, ONE_AT_A_TIME, is_demanded, now, pause, until};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

const MIB: usize = 1 << 20;
/// What the server and its children may hold at once, in MiB.
const PEAK_MIB_MAX: u64 = 256;
/// What they may still hold 10 s after an abuse.
const STORED_MIB_MAX: u64 = 128;

/// A hirer with a vendor.
struct Party {
    tenant_key: String,
    hirer: Control,
    vendor: Vendor,
    account_id: String,
}

/// A server, and a tenant that wants nothing but to place orders.
struct Site {
    daemon: Daemon,
    operator: Control,
    good: Arc<Party>,
    key: String,
    is_ours: bool,
}

impl Site {
    async fn open(setup: &mut Setup) -> Site {
        let other = std::env::var("ABUSED_PROGRAM").ok();
        let is_ours = other.is_none();
        setup.program = other.unwrap_or(setup.program.clone());
        let daemon = setup.start().await;
        let operator = Control::new(&daemon.url, &setup.operator_key()).unwrap();
        let (good, key) = party(&daemon, &operator).await;
        Site { daemon, operator, good: Arc::new(good), key, is_ours }
    }

    async fn party(&self) -> Party {
        party(&self.daemon, &self.operator).await.0
    }
}

async fn party(daemon: &Daemon, operator: &Control) -> (Party, String) {
    let tenant = operator.create_tenant(&CreateTenant::named("星河科技")).await.unwrap();
    let tenant_key = tenant.tenant.tenant_key;
    let hirer = Control::new(&daemon.url, &tenant.api_key).unwrap();
    let app = CreateApp {
        name: "青松背调".to_owned(),
        tenant_key: Some(tenant_key.clone()),
        scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
        ..CreateApp::default()
    };
    let app = operator.create_app(&app).await.unwrap();
    // An earlier build has no grants; where one is wanted and failed, the vendor's first call is refused.
    let _ = hirer.grant_prepared(&tenant_key, &app.app.app_id).await;
    let account = CreateAccount::new(&app.app.app_id, "华东区");
    let account_id = hirer.create_account(&tenant_key, &account).await.unwrap().account_id;
    let vendor = Vendor::new(&daemon.url, &app.app.app_id, &app.app_secret).unwrap();
    let packages = CreatePackages {
        account_id: account_id.clone(),
        package_list: vec![PackageEntry {
            id: "pkg-a".to_owned(),
            name: "标准".to_owned(),
            description: None,
        }],
        additional_item_list: Vec::new(),
    };
    vendor.create_packages(&packages).await.unwrap();
    (Party { tenant_key, hirer, vendor, account_id }, tenant.api_key)
}

impl Party {
    async fn place(&self) -> Result<String, client::control::Error> {
        let candidate_info = CandidateInfo {
            name: "张三".to_owned(),
            mobile: Some(Mobile { code: "86".to_owned(), number: "13800000000".to_owned() }),
            email: Some("z@example.com".to_owned()),
            ..CandidateInfo::default()
        };
        let order = PlaceOrder {
            account_id: self.account_id.clone(),
            package_id: "pkg-a".to_owned(),
            candidate_info,
            ..PlaceOrder::default()
        };
        Ok(self.hirer.place_order(&self.tenant_key, &order).await?.order_id)
    }

    /// An order with reports at these addresses.
    async fn report(&self, urls: &[String]) -> String {
        let order_id = self.place().await.unwrap();
        let file = |url: &String| ReportFile {
            name: "a.pdf".to_owned(),
            url: url.clone(),
            url_type: ReportUrlType::Download,
        };
        let result = UpdateResult {
            background_check_id: order_id.clone(),
            result: "绿灯".to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: OperatorRole::Provider,
            report_file_list: urls.iter().map(file).collect(),
        };
        self.vendor.update_result(&result).await.unwrap();
        order_id
    }

    async fn states(&self, order_id: &str) -> Vec<ReportState> {
        let order = self.hirer.get_order(&self.tenant_key, order_id).await.unwrap();
        order.reports.iter().map(|report| report.state).collect()
    }
}

/// Somebody else's orders, and the memory of the server, while an abuse lasts.
struct Watch {
    is_over: Arc<AtomicBool>,
    peak_kib: Arc<AtomicU64>,
    orders: JoinHandle<(Vec<Duration>, usize)>,
    memory: JoinHandle<()>,
    id: u32,
}

impl Watch {
    fn begin(site: &Site) -> Watch {
        let (is_over, peak_kib) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (id, over, peak) = (site.daemon.id(), Arc::clone(&is_over), Arc::clone(&peak_kib));
        let memory = tokio::spawn(async move {
            while !over.load(Ordering::SeqCst) {
                peak.fetch_max(held_kib(id), Ordering::SeqCst);
                pause(Duration::from_millis(20)).await;
            }
        });
        let (good, over) = (Arc::clone(&site.good), Arc::clone(&is_over));
        let orders = tokio::spawn(async move {
            let (mut times, mut refused) = (Vec::new(), 0);
            while !over.load(Ordering::SeqCst) {
                let begin = now();
                match good.place().await {
                    Ok(_) => times.push(begin.elapsed()),
                    Err(_) => refused += 1,
                }
                pause(Duration::from_millis(5)).await;
            }
            (times, refused)
        });
        Watch { is_over, peak_kib, orders, memory, id }
    }

    /// Prints the row, and asserts what must hold.
    async fn end(self, site: &Site, abuse: &str, note: &str) {
        self.is_over.store(true, Ordering::SeqCst);
        self.memory.await.unwrap();
        let (mut times, refused) = self.orders.await.unwrap();
        times.sort_unstable();
        let p99 = times.get(times.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default();
        let peak = self.peak_kib.load(Ordering::SeqCst) / 1_024;
        let (begin, mut stored) = (now(), held_kib(self.id) / 1_024);
        while stored > STORED_MIB_MAX && begin.elapsed() < Duration::from_secs(10) {
            pause(Duration::from_millis(200)).await;
            stored = held_kib(self.id) / 1_024;
        }
        let orders = times.len();
        println!(
            "| {abuse} | {peak} MiB | {stored} MiB | {} ms | {orders} placed, {refused} refused | {note} |",
            p99.as_millis()
        );
        if site.is_ours {
            assert!(peak <= PEAK_MIB_MAX, "{abuse}: {peak} MiB");
            assert!(stored <= STORED_MIB_MAX, "{abuse}: {stored} MiB were kept");
            assert!(orders > 0 && refused == 0, "{abuse}: {refused} of {orders} refused");
        }
    }
}

/// What a process and its children hold in memory. The pages of the program's file are the same ones in all of them, and count
/// once.
fn held_kib(id: u32) -> u64 {
    let status =
        |id: &str| std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let (mut sum, mut file) = (0, 0);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            let status = status(&name);
            if name == id.to_string() || field(&status, "PPid:") == Some(id.into()) {
                let kib = |name| field(&status, name).unwrap_or_default();
                sum += kib("RssAnon:") + kib("RssShmem:");
                file = file.max(kib("RssFile:"));
            }
        }
    }
    sum + file
}

/// A PDF of scanned pages, 1 MiB each.
fn scan(mib: usize) -> Bytes {
    let (mut file, mut places) = (b"%PDF-1.7\n".to_vec(), Vec::new());
    let mut object = |file: &mut Vec<u8>, body: &[u8]| {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n", places.len()).bytes());
        file.extend(body);
        file.extend(b"\nendobj\n");
    };
    object(&mut file, b"<< /Type /Catalog /Pages 2 0 R >>");
    let kids: String = (0..mib).map(|page| format!("{} 0 R ", 3 + 2 * page)).collect();
    object(&mut file, format!("<< /Type /Pages /Count {mib} /Kids [{kids}] >>").as_bytes());
    for page in 0..mib {
        let image = format!(
            "<< /Type /Page /Parent 2 0 R /Resources << /XObject << /I {} 0 R >> >> >>",
            4 + 2 * page
        );
        object(&mut file, image.as_bytes());
        let mut image = format!("<< /Subtype /Image /Length {MIB} >>\nstream\n").into_bytes();
        image.extend((0..MIB).map(|place| (place * 31 % 251) as u8 | 0x80));
        image.extend(b"\nendstream");
        object(&mut file, &image);
    }
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
    for place in &places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = places.len() + 1;
    let end = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.extend(end.bytes());
    file.into()
}

/// A host with a scan at `/scan/…`, and one that never comes to its end at `/drip/…`.
async fn host(content: Bytes) -> String {
    let drip = || async {
        let head = stream::iter([Bytes::from_static(b"%PDF-1.7\n")]);
        let ticks = stream::unfold((), |()| async {
            pause(Duration::from_millis(500)).await;
            Some((Bytes::from_static(b"%"), ()))
        });
        Body::from_stream(head.chain(ticks).map(Ok::<_, std::io::Error>))
    };
    let router = Router::new()
        .route("/scan/{n}", get(move |_: UrlPath<String>| async move { content.clone() }))
        .route("/drip/{n}", get(move |_: UrlPath<String>| drip()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_bodies_of_strangers_cost_little() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let site = Site::open(&mut Setup::new(folder.path())).await;
    let watch = Watch::begin(&site);
    let address = site.daemon.url.trim_start_matches("http://").to_owned();
    let half: Arc<Vec<u8>> = Arc::new(
        [
            b"POST /open-apis/auth/v3/tenant_access_token/internal HTTP/1.1\r\nhost: a\r\n\
              content-type: application/json\r\ncontent-length: 1048576\r\n\r\n"
                .to_vec(),
            vec![b' '; MIB / 2],
        ]
        .concat(),
    );
    let mut strangers = JoinSet::new();
    for _ in 0..1_000 {
        let (address, half) = (address.clone(), Arc::clone(&half));
        strangers.spawn(async move {
            let mut stream = TcpStream::connect(address).await.ok()?;
            // Who is refused is cut off.
            let _ = tokio::time::timeout(Duration::from_secs(5), stream.write_all(&half)).await;
            Some(stream)
        });
    }
    let held: Vec<_> = strangers.join_all().await.into_iter().flatten().collect();
    pause(Duration::from_secs(1)).await;
    let count = held.len();
    drop(held);
    watch.end(&site, &format!("{count} half bodies of 1 MiB without a token"), "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_streamed() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let site = Site::open(&mut Setup::new(folder.path())).await;
    let content = Bytes::from(vec![7_u8; 10 * MIB]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url =
        format!("{}/api/v1/tenants/{}/files?name=a.bin", site.daemon.url, site.good.tenant_key);
    let watch = Watch::begin(&site);
    let mut uploads = JoinSet::new();
    for _ in 0..16 {
        let upload = http.post(&url).bearer_auth(&site.key).body(content.clone());
        let upload = upload.header("content-type", "application/octet-stream");
        uploads.spawn(async move { upload.send().await.unwrap().status().as_u16() });
    }
    let statuses = uploads.join_all().await;
    assert_eq!(statuses, [201; 16]);
    watch.end(&site, "16 uploads of 10 MiB at once", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_checks_are_bounded_together() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let site = Site::open(&mut Setup::new(folder.path())).await;
    let content = scan(48);
    let hosts = [host(content.clone()).await, host(content).await];
    let watch = Watch::begin(&site);
    let begin = now();
    let mut orders = Vec::new();
    for _ in 0..4 {
        let bad = site.party().await;
        let urls: Vec<_> =
            hosts.iter().flat_map(|host| (0..2).map(move |n| format!("{host}/scan/{n}"))).collect();
        let order_id = bad.report(&urls).await;
        orders.push((bad, order_id));
    }
    for (bad, order_id) in &orders {
        until("all are kept", Duration::from_secs(110), async || {
            let is_kept =
                |state: &ReportState| matches!(state, ReportState::Stored | ReportState::Flagged);
            bad.states(order_id).await.iter().all(is_kept)
        })
        .await;
    }
    let note = format!("all kept after {:.1} s", begin.elapsed().as_secs_f64());
    watch.end(&site, "16 reports of 48 MiB at once", &note).await;
    for (bad, order_id) in &orders {
        assert_eq!(bad.states(order_id).await, [ReportState::Stored; 4]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dripping_reports_hold_up_nobody_else() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let site = Site::open(&mut Setup::new(folder.path())).await;
    let host = host(scan(1)).await;
    let bad = site.party().await;
    let urls: Vec<_> = (0..50).map(|n| format!("{host}/drip/{n}")).collect();
    bad.report(&urls).await;
    pause(Duration::from_secs(1)).await;
    let watch = Watch::begin(&site);
    let (begin, order_id) = (now(), site.good.report(&[format!("{host}/scan/1")]).await);
    let mut is_stored = false;
    while !is_stored && begin.elapsed() < Duration::from_secs(45) {
        is_stored = site.good.states(&order_id).await == [ReportState::Stored];
        pause(Duration::from_millis(50)).await;
    }
    let took = begin.elapsed().as_secs_f64();
    let note = match is_stored {
        true => format!("the other's report kept after {took:.1} s"),
        false => format!("the other's report still waits after {took:.0} s"),
    };
    watch.end(&site, "50 dripping reports", &note).await;
    assert!(is_stored || !site.is_ours, "{note}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_filled_with_reports_takes_orders() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let disk = match Disk::mount_mib(&folder.path().join("disk"), 160) {
        Ok(disk) => disk,
        Err(why) if is_demanded() => panic!("a tmpfs is demanded: {why}"),
        Err(why) => return eprintln!("skipped: no tmpfs can be mounted: {why}"),
    };
    let mut setup = Setup::new(folder.path());
    setup.data = disk.path.join("data");
    let site = Site::open(&mut setup).await;
    let host = host(scan(5)).await;
    let bad = site.party().await;
    let watch = Watch::begin(&site);
    let urls: Vec<_> = (0..40).map(|n| format!("{host}/scan/{n}")).collect();
    let order_id = bad.report(&urls).await;
    let begin = now();
    let mut stored = 0;
    while begin.elapsed() < Duration::from_secs(15) {
        let states = bad.states(&order_id).await;
        stored = states.iter().filter(|state| **state == ReportState::Stored).count();
        pause(Duration::from_millis(200)).await;
    }
    watch.end(&site, "40 reports of 5 MiB on a disk of 160 MiB", &format!("{stored} kept")).await;
    assert!(!site.is_ours || (15..30).contains(&stored), "{stored} reports were kept");
}
