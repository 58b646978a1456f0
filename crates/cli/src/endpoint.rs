//! `probity app pause`, `verify-url`, `rotate`, `explain-signature` and `alerts`: what there is to do about an app's endpoint.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use contract::control::{
    Alert, ExplainSignature, PauseApp, RotateSecret, RotatedSecret, SecretKind,
    SignatureExplanation, UrlCheck,
};

use crate::grant::grant_at_hand;
use crate::output::{Row, Show, print_note, short_time, wire_name, yes_no};
use crate::shared_args::Global;
use crate::table::Table;

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The app.
    app_id: String,
    /// Why, 1 to 200 characters; shown with the app.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The app.
    app_id: String,
    /// Which secret gets a new value.
    #[arg(long, value_enum)]
    secret: Which,
    /// How long the old value is good besides the new one, in seconds; one day when left out.
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The app.
    app_id: String,
    /// X-Lark-Request-Timestamp.
    #[arg(long)]
    timestamp: String,
    /// X-Lark-Request-Nonce.
    #[arg(long)]
    nonce: String,
    /// X-Lark-Signature, or what the receiver computed.
    #[arg(long)]
    signature: String,
    /// File with the request's body as it came, byte by byte.
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
}

/// A secret of an app, as the command line writes it.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Which {
    /// With the app's id it buys tokens.
    AppSecret,
    /// Encrypts and signs events.
    EncryptKey,
    /// Stands in every event.
    VerificationToken,
}

impl From<Which> for SecretKind {
    fn from(secret: Which) -> SecretKind {
        match secret {
            Which::AppSecret => SecretKind::AppSecret,
            Which::EncryptKey => SecretKind::EncryptKey,
            Which::VerificationToken => SecretKind::VerificationToken,
        }
    }
}

pub(crate) async fn pause(global: &Global, pause: Pause) -> anyhow::Result<()> {
    let body = PauseApp { reason: pause.reason };
    global.print(&global.operator()?.pause_app(&pause.app_id, &body).await?)
}

pub(crate) async fn verify_url(global: &Global, app_id: &str) -> anyhow::Result<()> {
    let check = global.operator()?.verify_url(app_id).await?;
    global.print(&check)?;
    match check.passed {
        true => Ok(()),
        false => bail!("the callback URL does not pass its check"),
    }
}

pub(crate) async fn rotate(global: &Global, rotate: Rotate) -> anyhow::Result<()> {
    let body = RotateSecret { secret: rotate.secret.into(), grace_seconds: rotate.grace };
    let control = global.operator()?;
    global.print(&control.rotate_secret(&rotate.app_id, &body).await?)?;
    print_note("note the new value: it is shown this once");
    grant_at_hand(global, &control, &rotate.app_id).await?;
    if !matches!(rotate.secret, Which::AppSecret) {
        print_note("give it to the receiver, then: probity app verify-url");
    }
    Ok(())
}

pub(crate) async fn explain(global: &Global, explain: Explain) -> anyhow::Result<()> {
    let Explain { app_id, timestamp, nonce, signature, body: path } = explain;
    let body = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let body = String::from_utf8(body).context("expected a body that is text in UTF-8")?;
    let body = ExplainSignature { timestamp, nonce, body, signature };
    global.print(&global.operator()?.explain_signature(&app_id, &body).await?)
}

impl Row for Alert {
    const COLUMNS: &'static str = "ALERT|APP/TENANT|KIND|~DETAIL|CREATED|ENDED";

    fn cells(&self) -> Vec<String> {
        vec![
            self.alert_id.clone(),
            self.app_id.clone().or_else(|| self.tenant_key.clone()).unwrap_or_default(),
            wire_name(&self.kind),
            self.detail.clone(),
            short_time(&self.created_at),
            self.ended_at.as_deref().map(short_time).unwrap_or_default(),
        ]
    }
}

impl Show for UrlCheck {
    fn show(&self, table: &mut Table) {
        table.field("URL check passed", yes_no(self.passed));
        table.field("checked URL", &self.url);
        table.field("took", format!("{} ms", self.took_ms));
        table.field("sent", &self.sent);
        table.optional("status", self.http_status.map(|status| status.to_string()));
        table.optional("received", self.received.as_ref());
        table.optional("likely cause", self.cause.as_ref().map(wire_name));
        table.field("explanation", &self.explanation);
    }
}

impl Show for RotatedSecret {
    fn show(&self, table: &mut Table) {
        table.field("secret", wire_name(&self.secret));
        table.once("new value", &self.value);
        table.field("old value until", &self.old_until);
    }
}

impl Show for SignatureExplanation {
    fn show(&self, table: &mut Table) {
        table.field("matches", yes_no(self.matches));
        table.optional("wrong", self.wrong.as_ref().map(wire_name));
        table.field("explanation", &self.explanation);
        let columns = "STEP|BYTES|~TEXT|ENDS WITH";
        let rows: Vec<_> = self
            .steps
            .iter()
            .map(|step| {
                vec![
                    step.name.clone(),
                    step.size_bytes.to_string(),
                    step.text.clone(),
                    step.end_hex.clone().unwrap_or_default(),
                ]
            })
            .collect();
        table.section("steps", columns, &rows);
    }
}
