//! `probity serve`: the HTTP server with its workers, until it is asked to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use server::{Config, NotFound, Server, TlsFiles};
use system::clock::Clock;

use crate::daemon::{self, Evidence, Outbound, Reports, Storage};
use crate::limits::Limits;
use crate::shared_args::Global;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one. The first line on stdout says the address; the second one says where
    /// to set up, while there is no person yet.
    #[arg(long, value_name = "ADDR:PORT", env = "PROBITY_LISTEN")]
    #[arg(default_value_t = Config::default().listen)]
    listen: SocketAddr,
    /// The server's address as others see it, for the links that it gives.
    #[arg(long, value_name = "URL", env = "PROBITY_PUBLIC_URL")]
    public_url: Option<String>,
    /// Certificate in PEM, with those that lead to its authority, to speak TLS with; read anew when it
    /// changes.
    #[arg(long, value_name = "FILE", env = "PROBITY_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", env = "PROBITY_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Proxy whose word on the client's address and scheme counts (X-Forwarded-For, -Proto and -Host,
    /// Forwarded); from elsewhere these headers are ignored. May be repeated.
    #[arg(long, value_name = "CIDR", env = "PROBITY_TRUSTED_PROXY", value_delimiter = ',')]
    trusted_proxy: Vec<String>,
    /// How a path that the vendors' API does not have is answered, with 404: as the platform does, or in JSON.
    #[arg(long, value_enum, default_value_t, env = "PROBITY_NOT_FOUND")]
    not_found: NotFoundForm,
    /// Start although something that was acknowledged is missing: what is lost stays lost. The log and
    /// the operator's audit chain say what.
    #[arg(long)]
    accept_data_loss: bool,
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    outbound: Outbound,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    evidence: Evidence,
    #[command(flatten)]
    limits: Limits,
}

/// How an unknown path is answered, as the command line writes it.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum NotFoundForm {
    /// `404 page not found` as text/plain, which SDKs cannot read.
    #[default]
    Text,
    /// A body with code 99991201, or 99991301 for another method on a known path.
    Json,
}

impl From<NotFoundForm> for NotFound {
    fn from(form: NotFoundForm) -> NotFound {
        match form {
            NotFoundForm::Text => NotFound::Text,
            NotFoundForm::Json => NotFound::Json,
        }
    }
}

pub(crate) fn run(global: &Global, serve: Serve) -> anyhow::Result<()> {
    let Serve { listen, public_url, trusted_proxy, not_found, storage, outbound, .. } = serve;
    let Serve { reports, evidence, limits, tls_certificate, tls_key, accept_data_loss, .. } = serve;
    let mut config = daemon::config(global, storage);
    config.listen = listen;
    config.public_url = public_url;
    config.trusted_proxies = trusted_proxy;
    config.tls =
        tls_certificate.zip(tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
    config.not_found = not_found.into();
    config.accept_data_loss = accept_data_loss;
    config.allow_outbound = outbound.allow_outbound;
    limits.set(&mut config);
    reports.set(&mut config);
    evidence.set(&mut config)?;
    let is_secure = config.tls.is_some();
    daemon::runtime()?.block_on(async {
        let shutdown = daemon::shutdown()?;
        let server = Server::bind(config, Clock::system()).await?;
        announce(server.address(), is_secure);
        if let Some(address) = server.set_up_address().await? {
            print_line(&format!("set up: {address}"));
        }
        server.run(shutdown).await;
        Ok(())
    })
}

/// The line that scripts wait for; the socket takes connections by now.
fn announce(address: SocketAddr, is_secure: bool) {
    let scheme = if is_secure { "https" } else { "http" };
    print_line(&format!("listening on {scheme}://{address}"));
}

/// That nobody reads it does not stop the server.
fn print_line(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
