//! The PostgreSQL server that is measured on: databases made, copied and dropped.

use std::time::Duration;

use anyhow::Context as _;
use tokio_postgres::{Client, NoTls};

const LOCAL: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// A server in which databases may be made.
pub(crate) struct Server {
    url: String,
    client: Client,
    /// Version and the settings that matter.
    pub(crate) description: String,
    copies_files: bool,
}

pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let connecting =
        tokio::time::timeout(Duration::from_secs(10), tokio_postgres::connect(url, NoTls));
    let (client, connection) = connecting.await.context("PostgreSQL does not answer")??;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("a connection to PostgreSQL ended: {error}");
        }
    });
    Ok(client)
}

impl Server {
    /// The server of `DATABASE_URL`, else the one on this machine.
    pub(crate) async fn find() -> anyhow::Result<Server> {
        let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| LOCAL.to_owned());
        let client = connect(&url).await?;
        let settings = "SELECT current_setting('server_version'), current_setting('shared_buffers'), \
            current_setting('fsync'), current_setting('synchronous_commit'), \
            current_setting('server_version_num')::int >= 150000";
        let row = client.query_one(settings, &[]).await?;
        let text = |index: usize| row.get::<_, String>(index);
        let description = format!(
            "PostgreSQL {}, shared_buffers {}, fsync {}, synchronous_commit {}",
            text(0),
            text(1),
            text(2),
            text(3)
        );
        Ok(Server { copies_files: row.get(4), url, client, description })
    }

    /// The address of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        let (address, options) = match self.url.split_once('?') {
            Some((address, options)) => (address, format!("?{options}")),
            None => (self.url.as_str(), String::new()),
        };
        let host_at = address.find("://").map_or(0, |index| index + 3);
        let end = address[host_at..].find('/').map_or(address.len(), |index| host_at + index);
        format!("{}/{database}{options}", &address[..end])
    }

    pub(crate) async fn has(&self, database: &str) -> anyhow::Result<bool> {
        let find = "SELECT 1 FROM pg_database WHERE datname = $1";
        Ok(self.client.query_opt(find, &[&database]).await?.is_some())
    }

    pub(crate) async fn create(&self, database: &str) -> anyhow::Result<()> {
        self.drop(database).await?;
        Ok(self.client.batch_execute(&format!("CREATE DATABASE {database}")).await?)
    }

    pub(crate) async fn copy(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.drop(to).await?;
        // Files are copied instead of rows, which would all go through the log.
        let strategy = if self.copies_files { " STRATEGY file_copy" } else { "" };
        let create = format!("CREATE DATABASE {to} TEMPLATE {from}{strategy}");
        self.client.batch_execute(&create).await?;
        Ok(self.client.batch_execute("CHECKPOINT").await?)
    }

    pub(crate) async fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.end_connections(from).await?;
        Ok(self.client.batch_execute(&format!("ALTER DATABASE {from} RENAME TO {to}")).await?)
    }

    pub(crate) async fn drop(&self, database: &str) -> anyhow::Result<()> {
        self.end_connections(database).await?;
        Ok(self.client.batch_execute(&format!("DROP DATABASE IF EXISTS {database}")).await?)
    }

    /// Runs statements in one of its databases, each by itself.
    pub(crate) async fn run(&self, database: &str, statements: &[&str]) -> anyhow::Result<()> {
        let client = connect(&self.url(database)).await?;
        for statement in statements {
            client.batch_execute(statement).await?;
        }
        Ok(())
    }

    /// Closes what is still open, and waits until it is.
    async fn end_connections(&self, database: &str) -> anyhow::Result<()> {
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
        self.client.query(end, &[&database]).await?;
        Ok(())
    }
}
