//! Checking a report's content while it is fetched: by its bytes, by the operator's scanner ([`Scanner`]), and, read
//! again when stored, by a parser in a child process ([`SandboxedParser`]). The server itself parses nothing; its memory
//! is bounded by a few pieces and 64 KiB.

mod child;
mod confine;
mod content;
mod file_signature;
mod finding;
mod pdf_keywords;
mod sandboxed_parser;
mod scan;
mod syntax;

use std::io;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

pub use child::run as run_child;
pub use content::{Check, ContentError};
pub use finding::{Finding, Findings};
pub use sandboxed_parser::{IDLE_FLAG, PARSER_COMMAND, ParserError, SandboxedParser};
pub use scan::{BadScanner, ScanFailure, Scanner, ScannerPolicy, Verdict};

use scan::Scan;

/// What checks contents, as the operator set it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Inspect {
    /// The parser in a child process; none when it is off.
    pub deep: Option<SandboxedParser>,
    /// The operator's scanner, if there is one.
    pub scanner: Option<Scanner>,
    /// What is done with what the scanner found.
    pub scanner_policy: ScannerPolicy,
}

/// What came out for a content that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What calls for caution; nothing for most.
    pub findings: Vec<Finding>,
    /// The scanner's verdict in words, when there is one.
    pub scanner: Option<String>,
    /// The host that gave the content, after all redirects.
    pub source_host: String,
    /// Why the deep check has no result of its own, when it has none.
    pub deep_failure: Option<ParserError>,
}

impl Inspection {
    /// Whether the report is shown with a warning.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        !self.findings.is_empty()
    }
}

/// Why a content is not stored. The text is for vendor and hirer.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Its bytes are no report.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The scanner gave no verdict; without one nothing is stored.
    #[error("the report could not be scanned")]
    NotScanned(#[source] ScanFailure),
    /// The deep check did not come to its end for want of processor time.
    #[error("the report could not be checked in time")]
    NotChecked,
    /// The deep check did not come to its end for another reason that is this machine's.
    #[error("the report could not be checked: {0}")]
    CheckFailed(ParserError),
    /// What was stored could not be read again for the deep check.
    #[error("the report could not be read for its check")]
    Unreadable(#[source] io::Error),
    /// The scanner found something, and the operator wants that refused.
    #[error("the report was refused: the scanner found something in it")]
    Malware,
}

impl IntakeError {
    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            IntakeError::Content(error) => error.class(),
            IntakeError::NotScanned(_) => "not_scanned",
            IntakeError::NotChecked => "not_checked",
            IntakeError::CheckFailed(_) => "check_failed",
            IntakeError::Unreadable(_) => "unreadable",
            IntakeError::Malware => "malware",
        }
    }
}

/// One content under inspection. Dropped, it stops what it started.
#[derive(Debug)]
pub struct Inspector {
    inspect: Inspect,
    may_idle: bool,
    check: Check,
    /// Whether a content is taken although the check refuses it, and whether it did.
    is_accepted: bool,
    is_refused: bool,
    scan: Option<Scan>,
}

impl Inspector {
    /// Begins with a content. Its child may be idle if the content comes again after [`IntakeError::NotChecked`].
    #[must_use]
    pub fn new(inspect: &Inspect, may_idle: bool) -> Inspector {
        let (inspect, check) = (inspect.clone(), Check::default());
        Inspector { inspect, may_idle, check, is_accepted: false, is_refused: false, scan: None }
    }

    /// The same for a content that a user takes as it is.
    #[must_use]
    pub fn accepting(self, is_accepted: bool) -> Inspector {
        Inspector { is_accepted, ..self }
    }

    fn checked<T: Default>(&mut self, checked: Result<T, ContentError>) -> Result<T, ContentError> {
        match checked {
            Err(error) if self.is_accepted && error.may_be_accepted() => {
                self.is_refused = true;
                Ok(T::default())
            }
            checked => checked,
        }
    }

    /// Takes the next piece, within the runtime; an error as soon as the content cannot be stored.
    pub async fn take(&mut self, piece: &Bytes) -> Result<(), IntakeError> {
        if !self.is_refused {
            let checked = self.check.take(piece);
            self.checked(checked)?;
        }
        // What is no PDF at its first byte costs no call.
        if self.scan.is_none()
            && let Some(scanner) = &self.inspect.scanner
        {
            self.scan = Some(scanner.start().await.map_err(IntakeError::NotScanned)?);
        }
        if let Some(scan) = &mut self.scan {
            scan.take(piece).await.map_err(IntakeError::NotScanned)?;
        }
        Ok(())
    }

    /// What came out before the deep check, once the last piece was taken from `source_host`.
    pub async fn finish(mut self, source_host: String) -> Result<Checked, IntakeError> {
        let mut findings = Findings::NONE;
        if !self.is_refused {
            let checked = std::mem::take(&mut self.check).finish();
            findings = self.checked(checked)?;
        }
        let Inspector { mut inspect, may_idle, is_refused, scan, .. } = self;
        if is_refused {
            findings.add(Finding::RefusedContent);
            inspect.deep = None;
        }
        let verdict = match scan {
            Some(scan) => Some(scan.finish().await.map_err(IntakeError::NotScanned)?),
            None => None,
        };
        if let Some(Verdict::Found(_)) = &verdict {
            if inspect.scanner_policy == ScannerPolicy::Refuse {
                return Err(IntakeError::Malware);
            }
            findings.add(Finding::Malware);
        }
        let scanner = verdict.map(|verdict| verdict.to_string());
        Ok(Checked { deep: inspect.deep, may_idle, findings, scanner, source_host })
    }
}

/// A content that may be stored, before its deep check.
#[derive(Debug)]
pub struct Checked {
    deep: Option<SandboxedParser>,
    may_idle: bool,
    findings: Findings,
    scanner: Option<String>,
    source_host: String,
}

impl Checked {
    /// Whether there is a deep check to make.
    #[must_use]
    pub fn needs_check(&self) -> bool {
        self.deep.is_some()
    }

    /// What came out with the deep check of the content, read again. Must be called within the runtime.
    pub async fn check(
        self,
        content: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Inspection, IntakeError> {
        let Checked { deep, may_idle, mut findings, scanner, source_host } = self;
        let checked = match deep {
            Some(deep) => Some(run(&deep, may_idle, content).await?),
            None => None,
        };
        let deep_failure = match checked {
            Some(Ok(found)) => {
                // By their bytes alone, files that begin at one of their pages look like those that act. In a
                // sound file the parser knows which it is.
                if !found.has(Finding::OddStructure) {
                    findings = findings.without(Finding::OpenAction);
                }
                findings = findings.with(found);
                None
            }
            Some(Err(ParserError::Starved)) => return Err(IntakeError::NotChecked),
            Some(Err(failure)) if failure.is_ours() => {
                return Err(IntakeError::CheckFailed(failure));
            }
            Some(Err(failure)) => {
                // What kills a parser is not shown as if nothing were wrong with it.
                findings.add(Finding::OddStructure);
                Some(failure)
            }
            None => None,
        };
        Ok(Inspection { findings: findings.iter().collect(), scanner, source_host, deep_failure })
    }
}

async fn run(
    deep: &SandboxedParser,
    may_idle: bool,
    content: impl Stream<Item = io::Result<Bytes>>,
) -> Result<Result<Findings, ParserError>, IntakeError> {
    let mut content = std::pin::pin!(content);
    let mut running = deep.start(may_idle).await;
    while let Some(piece) = content.next().await {
        running.take(&piece.map_err(IntakeError::Unreadable)?).await;
    }
    Ok(running.finish().await)
}
