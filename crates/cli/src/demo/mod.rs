//! `probity demo`: a server as `serve` starts it with a scripted vendor, over HTTP on the loopback.

mod check;
mod history;
mod next;
mod pdf;
mod plan;
mod receiver;
mod scenario;
mod transcript;

use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use contract::control::KeyRole;
use server::data_folder::OPERATOR_KEY_FILE;
use server::{Config, Server, StartError};
use system::clock::Clock;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::daemon;
use history::Filled;
use receiver::Receiver;
use scenario::Scenario;
use transcript::Transcript;

const LOOPBACK: &str = "127.0.0.0/8";
/// How long one step may take. The first retry of a delivery is due after 15 s.
const STEP_MAX: Duration = Duration::from_secs(60);
const STORY_MAX: Duration = Duration::from_secs(300);
const ASK_EVERY: Duration = Duration::from_millis(25);

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Approve what is in review, check where everything ended, and stop.
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(demo: &Demo) -> anyhow::Result<()> {
    daemon::runtime()?.block_on(async {
        let mut interrupted = Box::pin(daemon::shutdown()?);
        let for_us_alone = Permissions::from_mode(0o700);
        let folder =
            tempfile::Builder::new().prefix("probity-demo-").permissions(for_us_alone).tempdir()?;
        let config = config(folder.path());
        let transcript = Transcript::to_stdout();
        let mut receiver = Receiver::start().await?;
        transcript.title(&format!(
            "Probity {}, a demo: all of this happens now, over HTTP on this machine",
            env!("CARGO_PKG_VERSION")
        ));
        let filled = tokio::select! {
            filled = history::fill(&config, &mut receiver) => filled?,
            () = &mut interrupted => return Ok(folder.close()?),
        };
        receiver.forget();
        let server = bind(config).await?;
        let url = format!("http://{}", server.address());
        let key = operator_key(folder.path())?;
        let links = filled.people.iter().map(|(role, person)| {
            (*role, format!("{url}{}", server::demo::sign_in_path(&server.app, person)))
        });
        let place = Place { url: &url, filled: &filled, links: links.collect() };

        let (stop, stopped) = oneshot::channel::<()>();
        let mut running = tokio::spawn(server.run(async {
            // Dropping the sender stops it too.
            let _ = stopped.await;
        }));
        let received = tokio::select! {
            received = tell(demo, &transcript, &place, &key, folder.path(), receiver) => received,
            () = &mut interrupted => Ok(()),
            _ = &mut running => anyhow::bail!("the server ended before its time"),
        };
        if received.is_ok() {
            transcript.end("Stopping; the data is removed.");
        }
        drop(stop);
        running.await.context("the server ended badly")?;
        folder.close().context("the data folder")?;
        received
    })
}

fn config(data: &Path) -> Config {
    Config {
        data: data.to_owned(),
        allow_outbound: vec![LOOPBACK.to_owned()],
        deep_check: Some(daemon::this_program()),
        ..Config::default()
    }
}

async fn bind(config: Config) -> anyhow::Result<Server> {
    match Server::bind(config.clone(), Clock::system()).await {
        Err(StartError::Listen(_, error)) if error.kind() == ErrorKind::AddrInUse => {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Ok(Server::bind(Config { listen, ..config }, Clock::system()).await?)
        }
        bound => Ok(bound?),
    }
}

fn operator_key(data: &Path) -> anyhow::Result<String> {
    let path = data.join(OPERATOR_KEY_FILE);
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("no operator key at {}", path.display()))?;
    Ok(text.trim().to_owned())
}

/// Where the demo is.
struct Place<'a> {
    url: &'a str,
    filled: &'a Filled,
    /// Addresses that sign in as a person with the role.
    links: Vec<(KeyRole, String)>,
}

fn print_links(transcript: &Transcript, place: &Place<'_>) {
    transcript.heading("Your turn, in a browser: each address signs in as a person of the tenant");
    for (role, link) in &place.links {
        transcript.field(role.as_str(), link);
    }
}

async fn tell(
    demo: &Demo,
    transcript: &Transcript,
    place: &Place<'_>,
    operator_key: &str,
    data: &Path,
    receiver: Receiver,
) -> anyhow::Result<()> {
    let Place { url, filled: Filled { tenant_key, orders, .. }, .. } = place;
    transcript.field("server", url);
    transcript.field("filled", &format!("星河科技 ({tenant_key}), {orders} orders of six months"));
    transcript
        .field("vendor", &format!("{}, scripted: takes events, serves a PDF", receiver.url()));
    transcript.field("data", &format!("{}, removed at the end", data.display()));
    transcript
        .field("loopback", &format!("events and reports may travel to {LOOPBACK}, in demos only"));

    let mut scenario = Scenario::new(transcript, url, operator_key, receiver)?;
    let play = async {
        let actors = scenario.play().await?;
        if demo.once {
            scenario.approve(&actors).await?;
            check::check(transcript, &actors).await?;
        } else {
            next::print(transcript, url, &actors).await?;
            print_links(transcript, place);
            next::print_end(transcript);
        }
        anyhow::Ok(())
    };
    timeout(STORY_MAX, play)
        .await
        .with_context(|| format!("expected an end within {} s", STORY_MAX.as_secs()))??;
    if demo.once { Ok(()) } else { scenario.listen().await }
}

/// Waits for `happening`, at most a minute; `what` names it in the error.
async fn within<T>(
    what: &str,
    happening: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let happened = timeout(STEP_MAX, happening).await;
    happened.with_context(|| format!("waited {} s in vain for {what}", STEP_MAX.as_secs()))?
}

async fn asked_until<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let mut ticks = interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    within(what, async {
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
        }
    })
    .await
}
