//! Measures the way of an event from its commit to the first byte at an idle receiver: prints the median and more
//! over 200 events, on SQLite or, with `postgres://…` as its argument, on a PostgreSQL database.
//!
//! With `--outage` it measures twenty receivers instead, while one more is alive and while it is dead: what a dead
//! receiver costs the others.
//!
//! ```text
//! cargo run --release -p server --example delivery_latency -- [--outage] [postgres://USER@HOST/DATABASE]
//! ```
//!
//! The commit is counted from its acknowledgement. An event is placed when the one before has arrived and 20 ms have
//! passed, so that neither the server nor the receiver has anything else to do. Loopback is allowed for it.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contract::control::{AppKind, EventMode};
use contract::scope::Scope;
use domain::{Actor, Roles};
use domain::{AppId, Id, TenantId};
use server::{Config, Server, SharedApp};
use store::apps::{App, AppSecrets, AppSettings, Changes, OldSecrets};
use store::audit::By;
use store::content::{Form, to_text};
use store::tenants::{NewTenant, Tenant, TenantSettings};
use store::{CommandResult, OrderCommand, Request};
use system::clock::{Clock, socket_now};
use system::random;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

const EVENTS: usize = 200;
/// Events before them that do not count: the first one connects.
const WARM_UP: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);
/// Receivers beside the one that is dead now and then.
const HEALTHY: usize = 20;
/// How often it dies.
const CYCLES: usize = 5;
const TURN: Duration = Duration::from_secs(6);
/// What of a turn does not count: what waited for the receiver arrives.
const SETTLING: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (flags, urls): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let is_outage = flags.iter().any(|flag| flag == "--outage");
    let database_url = urls.into_iter().next();
    let engine = if database_url.is_some() { "PostgreSQL" } else { "SQLite" };
    let folder = tempfile::tempdir()?;
    let config = Config {
        data: folder.path().join("data"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        database_url,
        allow_outbound: vec!["127.0.0.1".to_owned()],
        ..Config::default()
    };
    let server = Server::bind(config, Clock::system()).await?;
    let app = SharedApp::clone(&server.app);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        // Its sender may be gone; that is the end too.
        let _ = stopped.await;
    }));

    if is_outage {
        println!("{engine}, commit to first byte at {HEALTHY} receivers, in ms");
        outage(&app).await?;
        drop(stop);
        running.await?;
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (tenant, app_id) = seed(&app, &format!("http://{}/", listener.local_addr()?)).await?;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(receive(stream, arrived.clone()));
        }
    });

    let mut waits = Vec::with_capacity(EVENTS);
    for number in 0..WARM_UP + EVENTS {
        place(&app, &tenant, app_id).await?;
        let committed = socket_now();
        let arrived: Instant = arrivals.recv().await.ok_or("the receiver has ended")?;
        if number >= WARM_UP {
            // The receiver may read before this task learns of the commit.
            waits.push(arrived.saturating_duration_since(committed));
        }
        // Nothing comes: this is the pause.
        let _ = tokio::time::timeout(PAUSE, arrivals.recv()).await;
    }
    drop(stop);
    running.await?;

    waits.sort();
    let ms = |share: f64| {
        let place = ((EVENTS - 1) as f64 * share).round() as usize;
        waits[place].as_secs_f64() * 1_000.0
    };
    println!("{engine}, {EVENTS} events, commit to first byte at an idle receiver, in ms");
    println!(
        "median {:.2}   p90 {:.2}   p99 {:.2}   max {:.2}",
        ms(0.5),
        ms(0.9),
        ms(0.99),
        ms(1.0)
    );
    Ok(())
}

/// Says events to twenty receivers, one after the other to each, while one more is alive and while it is dead, in
/// turns; prints the 99th percentile of each turn and the median of their ratios.
async fn outage(app: &SharedApp) -> Result<(), Box<dyn Error>> {
    let is_dead = Arc::new(AtomicBool::new(false));
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let silent_app = seed(app, &format!("http://{}/", silent.local_addr()?)).await?;
    let dies = Arc::clone(&is_dead);
    tokio::spawn(async move {
        while let Ok((stream, _)) = silent.accept().await {
            tokio::spawn(receive_until_dead(stream, Arc::clone(&dies)));
        }
    });
    let mut receivers = Vec::with_capacity(HEALTHY);
    for _ in 0..HEALTHY {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let parties = seed(app, &format!("http://{}/", listener.local_addr()?)).await?;
        let (arrived, arrivals) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, arrived.clone()));
            }
        });
        receivers.push((parties, arrivals));
    }
    let mut ratios = Vec::new();
    let mut alive_ms = 0.0;
    for turn in 0..2 * CYCLES {
        let dead = turn % 2 == 1;
        is_dead.store(dead, Ordering::SeqCst);
        let begun = socket_now();
        let mut turns = JoinSet::new();
        for ((tenant, app_id), mut arrivals) in receivers.drain(..) {
            let app = SharedApp::clone(app);
            turns.spawn(async move {
                let mut waits = Vec::new();
                while begun.elapsed() < TURN {
                    place(&app, &tenant, app_id).await.map_err(|error| error.to_string())?;
                    let committed = socket_now();
                    let arrived: Instant = arrivals.recv().await.ok_or("a receiver has ended")?;
                    if begun.elapsed() > SETTLING {
                        waits.push(arrived.saturating_duration_since(committed));
                    }
                    let _ = tokio::time::timeout(PAUSE, arrivals.recv()).await;
                }
                Ok::<_, String>((((tenant, app_id), arrivals), waits))
            });
        }
        while begun.elapsed() < TURN {
            place(app, &silent_app.0, silent_app.1).await?;
            let _ = tokio::time::timeout(PAUSE, std::future::pending::<()>()).await;
        }
        let mut waits = Vec::new();
        while let Some(done) = turns.join_next().await {
            let (receiver, some) = done??;
            receivers.push(receiver);
            waits.extend(some);
        }
        waits.sort();
        let at =
            |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let (word, p99) = (if dead { "dead " } else { "alive" }, at(0.99));
        println!("{word}  median {:.2}   p99 {p99:.2}   of {} events", at(0.5), waits.len());
        match dead {
            true => ratios.push(p99 / alive_ms),
            false => alive_ms = p99,
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!("p99 while one is dead over p99 while all live, median: {:.2}", ratios[CYCLES / 2]);
    Ok(())
}

/// Answers every request while it is alive; dead, it takes connections and says nothing.
async fn receive_until_dead(
    mut stream: TcpStream,
    is_dead: Arc<AtomicBool>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = vec![0; 64 * 1024];
    while stream.read(&mut bytes).await? > 0 {
        if !is_dead.load(Ordering::SeqCst) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
        }
    }
    Ok(())
}

/// Notes when the first byte of each request came, and answers it.
async fn receive(
    mut stream: TcpStream,
    arrived: mpsc::UnboundedSender<Instant>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let mut bytes = vec![0; 64 * 1024];
        let mut count = stream.read(&mut bytes).await?;
        let first_byte = socket_now();
        // Bodies end with their braces; heads hold none.
        while count > 0 && !bytes[..count].ends_with(b"}}") {
            let more = stream.read(&mut bytes[count..]).await?;
            count = if more == 0 { 0 } else { count + more };
        }
        if count == 0 || arrived.send(first_byte).is_err() {
            return Ok(());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
    }
}

/// A tenant and an app whose events go to `callback_url`.
async fn seed(app: &SharedApp, callback_url: &str) -> Result<(Arc<Tenant>, AppId), Box<dyn Error>> {
    let (store, at) = (&app.hub.store, app.hub.installation_clock.now());
    let settings = TenantSettings {
        report_approval: false,
        four_eyes: false,
        retention_days: 365,
        locale: "zh-CN".to_owned(),
        review_hours: None,
    };
    let tenant_id = TenantId(random::bits());
    let tenant = NewTenant {
        tenant_id,
        name: "tenant".to_owned(),
        settings,
        api_key_id: store.make_id(at),
        api_key_hash: random::bytes(),
        at,
    };
    store.create_tenant(By::system(at), &tenant, None).await?;
    let receiver = App {
        app_id: AppId(random::bits()),
        tenant_id: Some(tenant_id),
        kind: AppKind::SelfBuilt,
        settings: AppSettings {
            name: "vendor".to_owned(),
            scopes: vec![Scope::BackgroundCheckOrder],
            event_mode: EventMode::Webhook,
            callback_url: Some(callback_url.to_owned()),
            encrypted: false,
            ip_allowlist: Vec::new(),
            is_enabled: true,
        },
        secret_hash: random::bytes(),
        secrets: AppSecrets {
            verification_token: random::secret(),
            encrypt_key: random::secret(),
            old: OldSecrets::default(),
        },
        pause: None,
        changes: Changes::none(),
        version: 1,
        created_at: at,
    };
    store.create_app(By::system(at), &receiver, None).await?;
    store.grant(By::system(at), &receiver, tenant_id, &receiver.terms()).await?;
    let tenant = store.find_tenant(tenant_id).await?.ok_or("the tenant is there")?;
    Ok((tenant, receiver.app_id))
}

/// Places an order; its event is due when this returns.
async fn place(app: &SharedApp, tenant: &Arc<Tenant>, app_id: AppId) -> Result<(), Box<dyn Error>> {
    let command = OrderCommand {
        tenant: Arc::clone(tenant),
        order_id: Id(0),
        at: app.hub.installation_clock.now(),
        actor: Actor::api_key(Id(1), Id(1), Roles::NONE),
        request: Request::Place {
            vendor: app_id,
            account_id: Id(1),
            package_id: "package".to_owned(),
            application_id: String::new(),
            content: to_text(&Form::default()),
        },
        idempotency: None,
    };
    match app.hub.store.command(command).await? {
        CommandResult::Accepted(_) => Ok(()),
        _ => Err("the order is not accepted".into()),
    }
}
