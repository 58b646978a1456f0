//! Storage that fails under load: a full disk, syncs and writes that end in an input/output error. No call is
//! acknowledged until a commit really works, `/readyz` says so within 1 s, reading goes on, and the server
//! recovers by itself. And the polite stop: what was taken is finished.
//!
//! The full disk is a small tmpfs, mounted for the test; the errors come from `strace`. Where mounting or tracing
//! is not permitted the test says so and skips itself, unless it is demanded (`DEMANDED=1` or `CI=true`).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::control::Control;
use contract::control::{CreateTenant, List, ListOrders};
use load::book::Journal;
use load::call::{Answer, Call, Door, check};
use load::client::{Client, Live, Step};
use load::compare::{self, Unanswered};
use load::daemon::{Daemon, Setup};
use load::faults::{Disk, Tracer};
use load::memory::Memory;
use load::receiver::Receiver;
use load::{Folder, ONE_AT_A_TIME, Random, is_demanded, now, number, pause, seed, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::MutexGuard;
use tokio::task::JoinHandle;

const CLIENTS: usize = 16;
/// From the first failed call until `/readyz` says so, at most.
const SAID_WITHIN: Duration = Duration::from_secs(1);
/// How long no call may be acknowledged for the fault to count as lasting.
const SILENCE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_acknowledges_nothing_and_recovers_by_itself() {
    let folder = Folder::new();
    let disk = match Disk::mount(&folder.path().join("disk")) {
        Ok(disk) => disk,
        Err(why) if is_demanded() => panic!("a tmpfs is demanded: {why}"),
        Err(why) => return eprintln!("skipped: no tmpfs can be mounted: {why}"),
    };
    let mut setup = Setup::new(folder.path());
    setup.data = disk.path.join("data");
    let mut site = Site::open(setup, folder.path()).await;

    site.work().await;
    let filler = disk.fill();
    let failing = site.until_silent("the full disk").await;
    site.assert_reading().await;
    let ended = now();
    filler.end();
    site.recover(failing, ended, "the full disk").await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failing_syncs_and_writes_are_never_acknowledged() {
    let folder = Folder::new();
    let mut site = Site::open(Setup::new(folder.path()), folder.path()).await;
    let mut faults = vec![("fdatasync,fsync", 1), ("fdatasync,fsync", 40), ("pwrite64", 25)];
    if number("LOOPS", 20) > 20 {
        let more = ["fdatasync,fsync", "pwrite64"].into_iter();
        faults.extend(more.flat_map(|calls| (2..=40).map(move |first| (calls, first))));
    }
    for (calls, first) in faults {
        site.work().await;
        let what = format!("EIO of {calls} from number {first} on");
        let tracer = match Tracer::attach(site.daemon.id(), calls, first) {
            Ok(tracer) => tracer,
            Err(why) if is_demanded() => panic!("strace is demanded: {why}"),
            Err(why) => return eprintln!("skipped: strace does not work here: {why}"),
        };
        let failing = site.until_silent(&what).await;
        site.assert_reading().await;
        let ended = now();
        tracer.detach();
        site.recover(failing, ended, &what).await;
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_start_whose_syncs_fail_ends_badly_or_acknowledges_nothing() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (mut refused, mut listened) = (0, 0);
    for first in [1, 2, 3, 5, 8, 12] {
        let folder = Folder::new();
        let mut setup = Setup::new(folder.path());
        setup.wrapper = match Tracer::wrapper("fdatasync,fsync", first) {
            Ok(wrapper) => wrapper,
            Err(why) if is_demanded() => panic!("strace is demanded: {why}"),
            Err(why) => return eprintln!("skipped: strace does not work here: {why}"),
        };
        let mut acknowledged = Vec::new();
        match setup.spawn().await {
            Err(status) => {
                assert!(!status.success(), "a failed start says that all is well");
                refused += 1;
            }
            Ok(daemon) => {
                let operator = Control::new(&daemon.url, &setup.operator_key()).unwrap();
                for name in 0..20 {
                    let body = CreateTenant::named(format!("{name}"));
                    if operator.create_tenant(&body).await.is_ok() {
                        acknowledged.push(body.name);
                    }
                }
                assert!(acknowledged.len() < 20, "syncs fail, and all calls are acknowledged");
                assert_eq!(daemon.door().is_ready().await, Some(false));
                daemon.kill();
                listened += 1;
            }
        }
        setup.wrapper.clear();
        let daemon = setup.start().await;
        let operator = Control::new(&daemon.url, &setup.operator_key()).unwrap();
        let list = operator.list_tenants(&List::default()).await.unwrap();
        let there: Vec<_> = list.items.into_iter().map(|tenant| tenant.name).collect();
        for name in acknowledged {
            assert_eq!(there.iter().filter(|there| **there == name).count(), 1, "tenant {name}");
        }
        drop(daemon);
        drop(Memory::copy_of(&setup.data));
        setup.assert_no_panic();
    }
    eprintln!("of the starts with failing syncs {refused} ended, {listened} listened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stopped_server_finishes_what_it_took() {
    let folder = Folder::new();
    let mut site = Site::open(Setup::new(folder.path()), folder.path()).await;
    let door = site.daemon.door();
    // Half of the clients have sent half a call when the signal comes, the others go on calling.
    let (mut waiting, mut calling) = (Vec::new(), Vec::new());
    for mut client in site.clients.drain(..) {
        if client.number < CLIENTS / 2 {
            client.place_one(&door).await;
            let (call, token) = client.progress();
            let half = HalfCall::send(&door, &call, &token).await;
            waiting.push((client, call, half));
        } else {
            let door = door.clone();
            calling.push(tokio::spawn(async move {
                client.until_lost(&door).await;
                client
            }));
        }
    }
    pause(Duration::from_millis(700)).await;
    site.daemon.terminate();
    pause(Duration::from_millis(300)).await;
    for (mut client, call, half) in waiting {
        let sent = half.sent;
        let answer = half.finish(&call).await;
        assert!(matches!(answer, Answer::Done(_)), "a call that was taken was answered {answer:?}");
        assert_eq!(client.note(call, sent, answer), Step::Clear);
        site.clients.push(client);
    }
    let (status, took) = site.daemon.wait(Duration::from_secs(10)).await;
    assert!(status.success(), "a polite stop ends with {status}");
    for client in calling {
        site.clients.push(client.await.unwrap());
    }
    let memory = Memory::copy_of(&site.setup.data);
    let unanswered = compare::stored(&memory, &site.clients).await;
    assert_eq!(unanswered.accepted, 0, "calls were accepted, but never answered");
    let leased = "SELECT count(*) FROM deliveries d WHERE d.state = 2 AND d.attempts > \
        (SELECT count(*) FROM attempts a WHERE a.tenant_id = d.tenant_id AND a.event_no = d.event_no)";
    assert_eq!(memory.count(leased).await, 0, "deliveries are still claimed");
    let calls: usize = site.clients.iter().map(|client| client.acknowledged.len()).sum();
    eprintln!(
        "stopped after {calls} calls, of which {} were half sent: all answered, ended within {} ms",
        CLIENTS / 2,
        took.as_millis() + 300
    );
    site.daemon = site.setup.start().await;
    site.close().await;
}

/// An installation under load, and somebody who watches what it says of itself.
struct Site {
    alone: MutexGuard<'static, ()>,
    setup: Setup,
    daemon: Daemon,
    clients: Vec<Client>,
    working: Vec<JoinHandle<Client>>,
    live: Arc<Live>,
    receiver: Receiver,
    /// A tenant and its key.
    reader: (String, String),
}

/// A fault that lasts: since when nothing is acknowledged.
struct Failing {
    since: Instant,
    watch: Watch,
}

impl Site {
    async fn open(setup: Setup, folder: &Path) -> Site {
        let alone = ONE_AT_A_TIME.lock().await;
        let mut random = Random::new(seed());
        let receiver = Receiver::start().await;
        let journal = Arc::new(Journal::create(&folder.join("journal")));
        let daemon = setup.start().await;
        let (mut clients, live) =
            Client::crowd(CLIENTS, &setup, &daemon, &receiver, &journal, &mut random).await;
        for client in &mut clients {
            client.has_fetches = false;
        }
        let reader = (clients[0].tenant_key.clone(), clients[0].key.clone());
        Site { alone, setup, daemon, clients, working: Vec::new(), live, receiver, reader }
    }

    /// Sets the clients to work, and waits until it works.
    async fn work(&mut self) {
        self.live.stop.store(false, Ordering::SeqCst);
        for mut client in self.clients.drain(..) {
            let door = self.daemon.door();
            self.working.push(tokio::spawn(async move {
                client.until_stopped(&door).await;
                client
            }));
        }
        self.until_acknowledged().await;
    }

    async fn until_acknowledged(&self) {
        let wanted = self.acknowledged() + 200;
        let within = Duration::from_secs(30);
        until("calls are acknowledged", within, async || self.acknowledged() >= wanted).await;
    }

    fn acknowledged(&self) -> u64 {
        self.live.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until the fault lasts: calls fail, and nothing has been acknowledged for a while.
    async fn until_silent(&self, what: &str) -> Failing {
        let watch = Watch::start(self.daemon.door());
        let faults = self.live.faults.load(Ordering::SeqCst);
        let (mut last, mut since) = (self.acknowledged(), now());
        until(what, Duration::from_secs(30), async || {
            if self.acknowledged() != last {
                (last, since) = (self.acknowledged(), now());
            }
            let failed = self.live.faults.load(Ordering::SeqCst) > faults;
            failed && since.elapsed() >= SILENCE
        })
        .await;
        Failing { since, watch }
    }

    /// While nothing can be written, tenants and orders are still shown.
    async fn assert_reading(&self) {
        let operator = Control::new(&self.daemon.url, &self.setup.operator_key()).unwrap();
        let tenants = operator.list_tenants(&List::default()).await.unwrap();
        assert_eq!(tenants.items.len(), CLIENTS);
        let (tenant_key, key) = &self.reader;
        let hirer = Control::new(&self.daemon.url, key).unwrap();
        let orders = hirer.list_orders(tenant_key, &ListOrders::default()).await.unwrap();
        let order_id = &orders.items.first().expect("the load placed orders").order_id;
        assert_eq!(hirer.get_order(tenant_key, order_id).await.unwrap().order_id, *order_id);
    }

    /// The fault is over since `ended`: waits until the server has noticed by itself, stops the clients, and
    /// checks what was said meanwhile.
    async fn recover(&mut self, failing: Failing, ended: Instant, what: &str) {
        let door = self.daemon.door();
        let recovered = until("readiness after the fault", Duration::from_secs(10), async || {
            door.is_ready().await == Some(true)
        })
        .await;
        self.until_acknowledged().await;
        self.live.stop.store(true, Ordering::SeqCst);
        for working in self.working.drain(..) {
            self.clients.push(working.await.unwrap());
        }
        let Failing { since, watch } = failing;
        let looks = watch.end().await;
        let faults = self.clients.iter().flat_map(|client| &client.faults);
        let faults: Vec<_> = faults.filter(|(at, _)| *at >= watch_begin(&looks)).collect();
        let first = faults.iter().map(|(at, _)| *at).min().expect("calls failed");
        let said = looks.iter().find(|look| look.ready == Some(503)).expect("/readyz said so").at;
        let said = said.saturating_duration_since(first);
        assert!(said <= SAID_WITHIN, "/readyz said so only after {said:?}");
        for client in &self.clients {
            for (sent, answered) in &client.acknowledged {
                assert!(*sent < since || *answered > ended, "acknowledged while all fails");
            }
        }
        for look in &looks {
            assert_eq!(look.healthy, Some(200), "/healthz goes on");
            let is_lasting = look.at > since + SILENCE / 2 && look.at < ended;
            assert!(
                !is_lasting || look.ready == Some(503),
                "/readyz says all is well while it is not"
            );
        }
        let mut words: Vec<_> = faults.iter().map(|(_, words)| words.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        eprintln!(
            "{what}: {} calls failed, 0 acknowledged in {:.1} s; /readyz said so after {} ms, and was well {} ms \
             after the fault; {words:?}",
            faults.len(),
            (ended - since).as_secs_f64(),
            said.as_millis(),
            recovered.as_millis()
        );
    }

    /// Compares everything, before and after a kill.
    async fn close(mut self) {
        let door = self.daemon.door();
        for client in &mut self.clients {
            client.clear_up(&door).await;
        }
        // Whoever reads waits for what was acknowledged to be in the database; then it can be looked at.
        assert_eq!(door.status("/readyz").await, Some(200));
        let memory = Memory::live(&self.setup.data);
        assert_eq!(compare::stored(&memory, &self.clients).await, Unanswered::default());
        // From here on there is mostly waiting.
        drop(self.alone);
        compare::reported(&door, &memory, &self.clients, &self.receiver).await;
        drop(memory);
        self.daemon.kill();
        let memory = Memory::copy_of(&self.setup.data);
        assert_eq!(compare::stored(&memory, &self.clients).await, Unanswered::default());
        let daemon = self.setup.start().await;
        compare::shown(&daemon.door(), &mut self.clients, true).await;
        self.setup.assert_no_panic();
        let calls: usize = self.clients.iter().map(|client| client.acknowledged.len()).sum();
        eprintln!("{calls} calls acknowledged, 0 lost, 0 doubled");
    }
}

/// Looks at `/readyz` and `/healthz` all the time.
struct Watch {
    task: JoinHandle<Vec<Look>>,
    is_over: Arc<AtomicBool>,
}

struct Look {
    at: Instant,
    ready: Option<u16>,
    healthy: Option<u16>,
}

fn watch_begin(looks: &[Look]) -> Instant {
    looks.first().expect("it was watched").at
}

impl Watch {
    fn start(door: Door) -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let task = tokio::spawn(async move {
            let mut looks = Vec::new();
            while !over.load(Ordering::SeqCst) {
                let ready = door.status("/readyz").await;
                let at = now();
                looks.push(Look { at, ready, healthy: door.status("/healthz").await });
                pause(Duration::from_millis(10)).await;
            }
            looks
        });
        Watch { task, is_over }
    }

    async fn end(self) -> Vec<Look> {
        self.is_over.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

/// A call of which the server has only one half.
struct HalfCall {
    stream: TcpStream,
    rest: Vec<u8>,
    sent: Instant,
}

impl HalfCall {
    async fn send(door: &Door, call: &Call, token: &str) -> HalfCall {
        let address = door.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (path, length) = (&call.path, call.body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        let (first, rest) = call.body.split_at(length / 2);
        let sent = now();
        stream.write_all(&[head.as_bytes(), first].concat()).await.unwrap();
        HalfCall { stream, rest: rest.to_vec(), sent }
    }

    async fn finish(mut self, call: &Call) -> Answer {
        self.stream.write_all(&self.rest).await.unwrap();
        let mut answer = Vec::new();
        // The server closes the connection, because it stops.
        self.stream.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        check(call, status.expect("a status"), body.as_bytes().to_vec())
    }
}
