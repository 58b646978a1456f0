//! PostgreSQL for tests: a database of their own, dropped with what holds it. The command line's tests of crashes
//! include this file too.

use tokio_postgres::{Client, NoTls};
use url::Url;

/// A database of its own on the server of the tests.
pub(crate) struct Database {
    /// Where it is.
    pub(crate) url: String,
    name: String,
}

/// The server of the tests, with any database that exists.
fn server_url() -> String {
    let default = "postgres://postgres@127.0.0.1:5432/postgres";
    std::env::var("DATABASE_URL").unwrap_or_else(|_| default.to_owned())
}

/// A connection of its own.
pub(crate) async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends with the client.
    tokio::spawn(connection);
    Ok(client)
}

/// Whether the server answers; why not.
pub(crate) async fn check() -> Result<(), String> {
    connect(&server_url()).await.map(drop).map_err(|error| error.to_string())
}

impl Database {
    /// A new, empty one.
    ///
    /// # Errors
    /// Why there is no PostgreSQL.
    pub(crate) async fn create() -> Result<Database, String> {
        let server = server_url();
        let name = format!("probity_test_{}", system::random::hex::<8>());
        let client = connect(&server).await.map_err(|error| error.to_string())?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let mut url = Url::parse(&server).unwrap();
        url.set_path(&name);
        // A server on the spot may offer TLS with a certificate that nobody signed.
        if !url.query_pairs().any(|(name, _)| name == "sslmode") {
            url.query_pairs_mut().append_pair("sslmode", "disable");
        }
        Ok(Database { url: url.into(), name })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own, because the test's runtime may be the one that is ending.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = connect(&server_url()).await.unwrap();
                client.batch_execute(&sql).await.unwrap();
            });
        });
        if dropped.join().is_err() && !std::thread::panicking() {
            panic!("the test's database could not be dropped");
        }
    }
}
