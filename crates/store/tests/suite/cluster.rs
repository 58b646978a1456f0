//! PostgreSQL servers of a test's own, and PgBouncer before the common one: for what may not be done to a server that
//! others use.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio_postgres::config::Host;

use crate::support::{Database, is_demanded, until};

/// A PostgreSQL server with a folder and a port of its own; stopped and removed when it is dropped.
pub(crate) struct Cluster {
    pub(crate) port: u16,
    programs: PathBuf,
    folder: TempDir,
}

impl Cluster {
    /// A new, empty one; none, with a line that says so, where the server's programs are not installed.
    pub(crate) fn start() -> Option<Cluster> {
        let cluster = Cluster::at(programs()?);
        let data = cluster.data();
        let how = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"];
        cluster.run("initdb", how.into_iter().chain(["--pgdata", &data]));
        cluster.begin();
        Some(cluster)
    }

    /// A standby that follows this one.
    pub(crate) fn standby(&self) -> Cluster {
        let standby = Cluster::at(self.programs.clone());
        let (port, data) = (self.port.to_string(), standby.data());
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-R", "-c", "fast"];
        standby.run("pg_basebackup", from.into_iter().chain(["-D", &data, "--no-sync"]));
        standby.begin();
        standby
    }

    /// Makes a primary of a standby.
    pub(crate) fn promote(&self) {
        self.run("pg_ctl", ["--wait", "--silent", "--pgdata", &self.data(), "promote"]);
    }

    /// Its database `postgres`.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn at(programs: PathBuf) -> Cluster {
        Cluster { port: free_port(), programs, folder: folder() }
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_str().unwrap().to_owned()
    }

    fn begin(&self) {
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", self.port);
        let log = self.folder.path().join("log");
        let how = ["--wait", "--silent", "--options", &options, "--log", log.to_str().unwrap()];
        self.run("pg_ctl", how.into_iter().chain(["--pgdata", &self.data(), "start"]));
    }

    fn run<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) {
        let mut command = as_owner(&self.programs.join(program));
        let done = command.args(arguments).current_dir(self.folder.path()).status();
        assert!(done.unwrap().success(), "{program} failed");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let how = ["--silent", "--mode", "immediate", "--pgdata", &data, "stop"];
        let _ = as_owner(&self.programs.join("pg_ctl")).args(how).status();
    }
}

/// PgBouncer before one server; stopped when it is dropped.
pub(crate) struct Pooler {
    pub(crate) port: u16,
    server: String,
    folder: TempDir,
    child: Child,
}

impl Pooler {
    /// One with this `pool_mode`; none, with a line that says so, where PgBouncer is not installed.
    pub(crate) async fn start(database: &Database, pool_mode: &str) -> Option<Pooler> {
        let Some(program) = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
            .map(PathBuf::from)
            .into_iter()
            .find(|program| program.exists())
        else {
            return skipped("PgBouncer is not installed");
        };
        let (folder, port) = (folder(), free_port());
        let settings = folder.path().join("pgbouncer.ini");
        let server = server(&database.url);
        write_settings(&settings, port, &server, pool_mode);
        let child = as_owner(&program).arg("-q").arg(&settings).spawn().unwrap();
        let pooler = Pooler { port, server, folder, child };
        until("PgBouncer listens", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        Some(pooler)
    }

    /// Where the database is reached through it.
    pub(crate) fn url(&self, database: &Database) -> String {
        let config: tokio_postgres::Config = database.url.parse().unwrap();
        format!("postgres://postgres@127.0.0.1:{}/{}", self.port, config.get_dbname().unwrap())
    }

    /// Changes its mode while it runs.
    pub(crate) fn set_mode(&self, pool_mode: &str) {
        let settings = self.folder.path().join("pgbouncer.ini");
        write_settings(&settings, self.port, &self.server, pool_mode);
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server of a database, as PgBouncer names it.
fn server(url: &str) -> String {
    let config: tokio_postgres::Config = url.parse().unwrap();
    let host = match &config.get_hosts()[0] {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.to_str().unwrap().to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user().unwrap_or("postgres");
    let password = config.get_password().map(String::from_utf8_lossy);
    let password = password.map(|password| format!(" password='{password}'")).unwrap_or_default();
    format!("host={host} port={port} user={user}{password}")
}

fn write_settings(path: &Path, port: u16, server: &str, pool_mode: &str) {
    let text = format!(
        "[databases]\n* = {server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = any\npool_mode = {pool_mode}\ndefault_pool_size = 40\n"
    );
    std::fs::write(path, text).unwrap();
}

/// Where the server's programs lie.
fn programs() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed
        .map(|version| version.path().join("bin"))
        .filter(|programs| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().or_else(|| skipped("the programs of PostgreSQL's server are not installed"))
}

fn skipped<T>(why: &str) -> Option<T> {
    assert!(!is_demanded(), "demanded: {why}");
    println!("skipped: {why}");
    None
}

/// Neither PostgreSQL nor PgBouncer runs as root.
fn as_owner(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if let Some((user, group)) = owner() {
        command.uid(user).gid(group);
    }
    command
}

/// Who runs them instead of root.
fn owner() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> u32 {
        let found = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(found.stdout).unwrap().trim().parse().unwrap()
    };
    (number(&["-u"]) == 0).then(|| (number(&["-u", "postgres"]), number(&["-g", "postgres"])))
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    if let Some((user, group)) = owner() {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
    }
    folder
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
