//! A started server, and the real binary called against it as a shell would.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use client::vendor::Vendor;
use contract::check::{OperatorRole, UpdateResult};
use contract::field::{
    AccountField, AccountFields, AccountScope, CheckField, CheckFields, FieldOption, FieldType,
    I18n,
};
use contract::package::{CreatePackages, PackageEntry};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// What the vendor publishes.
pub(crate) const PACKAGE: &str = "pkg-a";

/// A server on a free port with a data folder of its own, stopped when dropped.
pub(crate) struct World {
    pub(crate) url: String,
    /// The second line that it printed.
    pub(crate) set_up: String,
    server: Child,
    /// Stored open: a server whose stdout is closed could not write.
    _stdout: BufReader<ChildStdout>,
    folder: TempDir,
    runtime: Runtime,
}

/// How a command ended, and what it wrote.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// What a command wrote that did not fail.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// What a command wrote in JSON that did not fail.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// What a command wrote to stderr that failed with `code` and wrote no data.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{self:?}");
        self.stderr
    }
}

impl World {
    /// Starts `probity serve` and waits for the line that says its address.
    pub(crate) fn start() -> World {
        World::start_with(&[])
    }

    /// Starts it with further flags.
    pub(crate) fn start_with(flags: &[&str]) -> World {
        // The TLS provider is the process's choice; the binary makes it in main.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut command = probity();
        command.args(["serve", "--data", "./data"]).args(flags).current_dir(folder.path());
        command.env("PROBITY_LISTEN", "127.0.0.1:0");
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap();
        let mut stdout = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").expect("the address comes first");
        let mut set_up = String::new();
        stdout.read_line(&mut set_up).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        World { url: url.to_owned(), set_up, server, _stdout: stdout, folder, runtime }
    }

    /// The server's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The credentials file of the commands.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.folder.path().join("credentials.toml")
    }

    /// A file for a command to read.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Runs a command against the server, as the operator on the server's machine.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        let mut command = self.command(args);
        command.env("PROBITY_DATA", self.data());
        done(&mut command)
    }

    /// Runs a command against the server from elsewhere: with no operator's key at hand.
    pub(crate) fn run_elsewhere(&self, args: &[&str]) -> Done {
        done(&mut self.command(args))
    }

    /// Runs a line in a shell that finds the binary, and the official SDK's Python where it is installed.
    pub(crate) fn shell(&self, line: &str, tenant_key: &str) -> Done {
        let mut path =
            Path::new(env!("CARGO_BIN_EXE_probity")).parent().unwrap().as_os_str().to_owned();
        for folder in
            [python().parent().unwrap().as_os_str().to_owned(), std::env::var_os("PATH").unwrap()]
        {
            path.push(":");
            path.push(folder);
        }
        let mut shell = self.clean(Command::new("sh"));
        shell.args(["-c", line]).env("PATH", path).env("PROBITY_DATA", "./data");
        shell.env("PROBITY_TENANT", tenant_key);
        shell.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        done(&mut shell)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.clean(Command::new(env!("CARGO_BIN_EXE_probity")));
        command.args(args);
        command
    }

    /// A command in the World's folder, said of its server and of nothing else.
    fn clean(&self, command: Command) -> Command {
        let mut command = without_settings(command);
        command
            .current_dir(self.folder.path())
            .env("PROBITY_SERVER", &self.url)
            .env("PROBITY_CREDENTIALS", self.credentials());
        command
    }

    /// What the API itself answers to a GET, byte by byte off the wire.
    pub(crate) fn api(&self, path: &str, key: &str) -> Value {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /api/v1{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
             Connection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
        serde_json::from_str(body).unwrap()
    }

    /// The operator's key, as the server wrote it.
    pub(crate) fn operator_key(&self) -> String {
        std::fs::read_to_string(self.data().join("operator.key")).unwrap().trim().to_owned()
    }

    /// A tenant made by a command.
    pub(crate) fn tenant(&self, flags: &[&str]) -> Tenant {
        let args =
            [&["tenant", "create", "--name", "星河科技", "--output", "json"], flags].concat();
        let created = self.run(&args).json();
        Tenant { tenant_key: text(&created, "tenant_key"), key: text(&created, "api_key") }
    }

    /// A vendor's app in a tenant, bound to it and with a package, all made by commands but the last.
    pub(crate) fn seat(&self, tenant: &Tenant) -> Seat {
        let tenant_key = tenant.tenant_key.as_str();
        let args = ["app", "create", "--name", "青松背调", "--output", "json", "--tenant"];
        let app = self.run(&[&args[..], &[tenant_key]].concat()).json();
        let app_id = text(&app, "app_id");
        let args = ["account", "bind", "--name", "华东", "--output", "json", "--app", &app_id];
        let account = self.run(&[&args[..], &["--tenant", tenant_key]].concat()).json();
        let account_id = text(&account, "account_id");
        let vendor = Vendor::new(&self.url, &app_id, text(&app, "app_secret")).unwrap();
        let package =
            PackageEntry { id: PACKAGE.into(), name: "标准背调".into(), description: None };
        let body = CreatePackages {
            account_id: account_id.clone(),
            package_list: vec![package],
            additional_item_list: Vec::new(),
        };
        self.runtime.block_on(vendor.create_packages(&body)).unwrap();
        Seat { app_id, account_id, vendor }
    }

    /// Publishes what the app asks of accounts, and what the account asks of orders: a degree and a resume.
    pub(crate) fn publish_forms(&self, seat: &Seat) {
        let label = |zh: &str| I18n { zh_cn: Some(zh.to_owned()), en_us: None };
        let option = |key: &str| FieldOption { key: key.to_owned(), name: label(key) };
        let field = |kind: FieldType, key: &str, zh: &str| CheckField {
            kind,
            key: key.to_owned(),
            name: label(zh),
            is_required: true,
            description: None,
            options: Vec::new(),
        };
        let degree = CheckField {
            options: vec![option("bachelor"), option("master")],
            ..field(FieldType::Select, "degree", "学历")
        };
        let fields = CheckFields {
            account_id: seat.account_id.clone(),
            custom_field_list: vec![degree, field(FieldType::Resume, "resume", "简历")],
        };
        let account_fields = AccountFields {
            scope: AccountScope::BackgroundCheck,
            custom_field_list: vec![AccountField {
                key: "company_code".to_owned(),
                name: label("企业代码"),
                is_required: true,
                description: None,
            }],
        };
        self.runtime.block_on(async {
            seat.vendor.create_check_fields(&fields).await.unwrap();
            seat.vendor.create_account_fields(&account_fields).await.unwrap();
        });
    }

    /// An order placed by a command; its id.
    pub(crate) fn place(&self, tenant: &Tenant, seat: &Seat) -> String {
        let args = [
            "order",
            "place",
            "--candidate-name=张三",
            "--candidate-mobile=86:13800000000",
            "--output=json",
            "--package",
            PACKAGE,
            "--account",
            &seat.account_id,
            "--tenant",
            &tenant.tenant_key,
        ];
        text(&self.run(&args).json(), "order_id")
    }

    /// The vendor returns a result.
    pub(crate) fn return_result(&self, seat: &Seat, order_id: &str, result: &str) {
        let body = UpdateResult {
            background_check_id: order_id.to_owned(),
            result: result.to_owned(),
            result_time: 1_795_000_000_000,
            operator_role: OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        self.runtime.block_on(seat.vendor.update_result(&body)).unwrap();
    }

    /// Asks the server to stop as a terminal or a supervisor does; gives its exit code.
    pub(crate) fn stop(&mut self, signal: &str) -> Option<i32> {
        let pid = self.server.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        self.server.wait().unwrap().code()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have been stopped already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A tenant and its first key.
pub(crate) struct Tenant {
    pub(crate) tenant_key: String,
    pub(crate) key: String,
}

/// A vendor's place in a tenant.
pub(crate) struct Seat {
    pub(crate) app_id: String,
    pub(crate) account_id: String,
    pub(crate) vendor: Vendor,
}

/// The binary with nothing from our own environment that it would read.
pub(crate) fn probity() -> Command {
    without_settings(Command::new(env!("CARGO_BIN_EXE_probity")))
}

fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PROBITY_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Whether a test that cannot run is a failure.
pub(crate) fn is_demanded() -> bool {
    ["DEMANDED", "CI"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Where `./check` installs the official Python SDK.
pub(crate) fn python() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/python/bin/python3")
}

/// Runs a command to its end.
pub(crate) fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A member that is a text.
#[track_caller]
pub(crate) fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap_or_else(|| panic!("{member} is no text in {body}")).to_owned()
}

/// The permissions of a file or folder.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
