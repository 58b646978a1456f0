//! The operator's malware scanner, clamd or a command: it gets the content while it streams in, and without
//! its verdict nothing is stored. Its address is the operator's, so the outbound guard does not apply.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

/// How long a scanner may take to be reached, and for each piece.
const PIECE: Duration = Duration::from_secs(10);
/// How long it may take for its verdict after the last piece.
const VERDICT: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: u64 = 4_096;
/// Characters of a found thing's name that are stored.
const NAME_CHARS_MAX: usize = 100;

/// Where the operator's scanner is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanner(Arc<Way>);

#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// clamd on a socket of this machine. Its `StreamMaxLength` must be at least what a report may have.
    ClamdSocket(PathBuf),
    /// clamd on a host and port.
    ClamdHost(String),
    /// A program with its arguments: the content on its standard input; it ends with 0 when it found nothing, with 1
    /// when it found something, whose name is the first line that it writes, else it failed.
    Command(PathBuf, Vec<String>),
}

/// A text that names no scanner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected clamd:///path/of/socket, clamd://host:port or command:/path/of/program with its \
     arguments, got {0:?}"
)]
pub struct BadScanner(String);

/// What is done with what the scanner found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScannerPolicy {
    /// Stored, and shown with a warning.
    #[default]
    Flag,
    /// Not stored.
    Refuse,
}

/// What the scanner said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It found nothing.
    Clean,
    /// It found this.
    Found(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Clean => f.write_str("clean"),
            Verdict::Found(name) => write!(f, "found {name}"),
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ScanFailure {
    /// It cannot be reached or started.
    #[error("the scanner cannot be reached")]
    Unreachable(#[source] std::io::Error),
    /// It broke off.
    #[error("the scanner broke off")]
    Broken(#[source] std::io::Error),
    /// It took too long.
    #[error("the scanner took too long")]
    TooSlow,
    /// It said that it failed, or something that nobody understands.
    #[error("the scanner failed: {0:?}")]
    Failed(String),
}

impl FromStr for Scanner {
    type Err = BadScanner;

    fn from_str(text: &str) -> Result<Scanner, BadScanner> {
        let bad = || BadScanner(text.to_owned());
        let way = if let Some(index) = text.strip_prefix("clamd://") {
            if index.starts_with('/') {
                Way::ClamdSocket(PathBuf::from(index))
            } else {
                let (host, port) = index.rsplit_once(':').ok_or_else(bad)?;
                if host.is_empty() || port.parse::<u16>().is_err() {
                    return Err(bad());
                }
                Way::ClamdHost(index.to_owned())
            }
        } else if let Some(line) = text.strip_prefix("command:") {
            let mut words = line.split_whitespace();
            let program = PathBuf::from(words.next().ok_or_else(bad)?);
            if !program.is_absolute() {
                return Err(bad());
            }
            Way::Command(program, words.map(str::to_owned).collect())
        } else {
            return Err(bad());
        };
        Ok(Scanner(Arc::new(way)))
    }
}

impl Scanner {
    /// Begins with one content. Must be called within the runtime.
    pub async fn start(&self) -> Result<Scan, ScanFailure> {
        match &*self.0 {
            Way::ClamdSocket(path) => {
                let stream = in_time(PIECE, UnixStream::connect(path)).await?;
                Clamd::begin(stream.map_err(ScanFailure::Unreachable)?).await
            }
            Way::ClamdHost(index) => {
                let stream = in_time(PIECE, TcpStream::connect(index)).await?;
                Clamd::begin(stream.map_err(ScanFailure::Unreachable)?).await
            }
            Way::Command(program, arguments) => Program::begin(program, arguments),
        }
    }
}

/// A scan under way. Dropped, it is broken off.
#[derive(Debug)]
pub struct Scan(Work);

#[derive(Debug)]
enum Work {
    Clamd(Clamd),
    Program(Box<Program>),
}

impl Scan {
    /// Hands on the next piece; fails when there will be no verdict.
    pub async fn take(&mut self, piece: &Bytes) -> Result<(), ScanFailure> {
        match &mut self.0 {
            Work::Clamd(clamd) => clamd.take(piece).await,
            Work::Program(program) => program.take(piece).await,
        }
    }

    /// The verdict on the whole.
    pub async fn finish(self) -> Result<Verdict, ScanFailure> {
        match self.0 {
            Work::Clamd(clamd) => in_time(VERDICT, clamd.finish()).await?,
            Work::Program(program) => in_time(VERDICT, program.finish()).await?,
        }
    }
}

/// A conversation with clamd, by its command `INSTREAM`: pieces with their length before them, and one of length 0.
/// Source: the manual of clamd, section "Commands".
struct Clamd(Box<dyn Stream>);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl fmt::Debug for Clamd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clamd")
    }
}

impl Clamd {
    async fn begin(stream: impl Stream + 'static) -> Result<Scan, ScanFailure> {
        let mut clamd = Clamd(Box::new(stream));
        clamd.send(b"zINSTREAM\0").await?;
        Ok(Scan(Work::Clamd(clamd)))
    }

    async fn take(&mut self, piece: &[u8]) -> Result<(), ScanFailure> {
        if piece.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(piece.len())
            .map_err(|error| ScanFailure::Broken(std::io::Error::other(error)))?;
        self.send(&length.to_be_bytes()).await?;
        self.send(piece).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), ScanFailure> {
        match in_time(PIECE, self.0.write_all(bytes)).await? {
            Ok(()) => Ok(()),
            // It may have said why before it closed.
            Err(error) => match self.answer().await {
                Ok(answer) if !answer.is_empty() => Err(ScanFailure::Failed(answer)),
                _ => Err(ScanFailure::Broken(error)),
            },
        }
    }

    async fn finish(mut self) -> Result<Verdict, ScanFailure> {
        self.send(&[0; 4]).await?;
        let answer = self.answer().await.map_err(ScanFailure::Broken)?;
        // `stream: OK`, `stream: Eicar-Test-Signature FOUND`, or something with ERROR at its end.
        let said = answer.strip_prefix("stream: ").unwrap_or(&answer);
        if said == "OK" {
            return Ok(Verdict::Clean);
        }
        match said.strip_suffix(" FOUND") {
            Some(name) => Ok(Verdict::Found(name_of(name))),
            None => Err(ScanFailure::Failed(answer)),
        }
    }

    async fn answer(&mut self) -> std::io::Result<String> {
        let mut answer = Vec::new();
        let mut rest = (&mut self.0).take(ANSWER_BYTES_MAX);
        loop {
            let byte = match rest.read_u8().await {
                Ok(0) => break,
                Ok(byte) => byte,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            };
            answer.push(byte);
        }
        Ok(words(&String::from_utf8_lossy(&answer)))
    }
}

#[derive(Debug)]
struct Program {
    child: Child,
    /// None once it takes nothing more: it may have seen enough.
    input: Option<ChildStdin>,
    output: JoinHandle<std::io::Result<Vec<u8>>>,
}

impl Program {
    fn begin(program: &PathBuf, arguments: &[String]) -> Result<Scan, ScanFailure> {
        let mut command = Command::new(program);
        // The environment holds the server's keys.
        command.args(arguments).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // What is sent to the server's group is not meant for it.
        command.process_group(0);
        let mut child = command.kill_on_drop(true).spawn().map_err(ScanFailure::Unreachable)?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let output = tokio::spawn(async move {
            let mut said = Vec::new();
            if let Some(mut output) = output {
                (&mut output).take(ANSWER_BYTES_MAX).read_to_end(&mut said).await?;
                // Whatever else it says must not hold it up.
                tokio::io::copy(&mut output, &mut tokio::io::sink()).await?;
            }
            Ok(said)
        });
        Ok(Scan(Work::Program(Box::new(Program { child, input, output }))))
    }

    async fn take(&mut self, piece: &[u8]) -> Result<(), ScanFailure> {
        let Some(input) = &mut self.input else { return Ok(()) };
        if in_time(PIECE, input.write_all(piece)).await?.is_err() {
            self.input = None;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Verdict, ScanFailure> {
        drop(self.input.take());
        let status = self.child.wait().await.map_err(ScanFailure::Broken)?;
        let said = self.output.await.map_err(std::io::Error::other).and_then(|said| said);
        let said = said.map_err(ScanFailure::Broken)?;
        let first = String::from_utf8_lossy(&said);
        let first = words(first.lines().next().unwrap_or_default());
        match status.code() {
            Some(0) => Ok(Verdict::Clean),
            Some(1) => Ok(Verdict::Found(name_of(&first))),
            _ => Err(ScanFailure::Failed(format!("{status}: {first}"))),
        }
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, ScanFailure> {
    tokio::time::timeout(limit, work).await.map_err(|_| ScanFailure::TooSlow)
}

/// The name of what was found, fit to be stored and shown.
fn name_of(said: &str) -> String {
    let name: String = said.trim().chars().take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "something without a name".to_owned() } else { name }
}

fn words(said: &str) -> String {
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
