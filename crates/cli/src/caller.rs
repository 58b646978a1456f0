//! Who calls: `--key` first; else the tenant's key from the credentials file, for what the operator manages and for
//! tenants without a stored key `operator.key` of the data directory.

use std::path::Path;

use anyhow::Context as _;
use client::control::Control;
use contract::control::List;
use server::Config;
use server::data_folder::OPERATOR_KEY_FILE;

use crate::credentials::{self, Credentials};
use crate::output::print_note;
use crate::shared_args::{Global, SERVER_DEFAULT};
use crate::usage_error::UsageError;

const KEY_HINT: &str =
    "name one with --key or PROBITY_KEY, or the server's data directory with --data";

impl Global {
    pub(crate) fn operator(&self) -> anyhow::Result<Control> {
        let server = self.server_name()?;
        if let Some(key) = &self.key {
            return self.control(key);
        }
        if let Some(key) = self.operator_key()? {
            return self.control(&key);
        }
        let credentials = load()?;
        let tenant = self.tenant.as_deref().or_else(|| credentials.only_tenant(&server));
        match tenant.and_then(|tenant| credentials.find(&server, tenant)) {
            Some(key) => self.control(key),
            None => Err(no_key(format!("no operator key for {server}"))),
        }
    }

    pub(crate) fn anyone(&self) -> anyhow::Result<Control> {
        match self.key.clone().map_or_else(|| self.operator_key(), |key| Ok(Some(key)))? {
            Some(key) => self.control(&key),
            None => self.trusting(Control::anonymous(&self.server)?),
        }
    }

    pub(crate) fn tenant(&self) -> anyhow::Result<(Control, String)> {
        let server = self.server_name()?;
        let credentials = load()?;
        let tenant = self.tenant.as_deref().or_else(|| credentials.only_tenant(&server));
        let Some(tenant) = tenant else {
            let message = format!("expected a tenant: several or none are known at {server}");
            let hint = "name one with --tenant or PROBITY_TENANT; `probity tenant list` shows all";
            return Err(UsageError { message, hint }.into());
        };
        Ok((self.for_tenant(&server, tenant, &credentials)?, tenant.to_owned()))
    }

    pub(crate) async fn tenant_or_only(&self, operator: &Control) -> anyhow::Result<String> {
        let server = self.server_name()?;
        let known = load()?.only_tenant(&server).map(str::to_owned);
        if let Some(tenant) = self.tenant.clone().or(known) {
            return Ok(tenant);
        }
        let two = List { limit: Some(2), ..List::default() };
        match &operator.list_tenants(&two).await?.items[..] {
            [only] => Ok(only.tenant_key.clone()),
            found => {
                let count = if found.is_empty() { "none" } else { "several" };
                let message = format!("expected a tenant: {server} has {count}");
                let hint =
                    "name one with --tenant or PROBITY_TENANT; `probity tenant list` shows all";
                Err(UsageError { message, hint }.into())
            }
        }
    }

    pub(crate) fn named_tenant(&self, tenant_key: &str) -> anyhow::Result<Control> {
        self.for_tenant(&self.server_name()?, tenant_key, &load()?)
    }

    pub(crate) fn stored_tenant(&self, tenant_key: &str) -> anyhow::Result<Option<Control>> {
        let (server, credentials) = (self.server_name()?, load()?);
        let key = credentials.find(&server, tenant_key);
        Ok(key.map(|key| Control::new(&self.server, key)).transpose()?)
    }

    fn for_tenant(
        &self,
        server: &str,
        tenant_key: &str,
        credentials: &Credentials,
    ) -> anyhow::Result<Control> {
        if let Some(key) = self.key.as_deref().or_else(|| credentials.find(server, tenant_key)) {
            return self.control(key);
        }
        match self.operator_key()? {
            Some(key) => self.control(&key),
            None => Err(no_key(format!("no key for tenant {tenant_key} at {server}"))),
        }
    }

    fn server_name(&self) -> anyhow::Result<String> {
        Ok(client::server_name(&self.server).map_err(client::control::Error::from)?)
    }

    fn control(&self, key: &str) -> anyhow::Result<Control> {
        let control = self.trusting(Control::new(&self.server, key)?)?;
        match &self.idempotency_key {
            Some(key) => Ok(control.with_idempotency_key(key)?),
            None => Ok(control),
        }
    }

    fn trusting(&self, control: Control) -> anyhow::Result<Control> {
        let Some(path) = &self.ca_file else { return Ok(control) };
        let authorities = std::fs::read(path);
        let authorities = authorities.with_context(|| format!("no {}", path.display()))?;
        Ok(control.trusting(&authorities)?)
    }

    fn operator_key(&self) -> anyhow::Result<Option<String>> {
        if let Some(data) = &self.data {
            return read_operator_key(data).map(Some);
        }
        let data = Config::default().data;
        let is_here = self.server == SERVER_DEFAULT && data.join(OPERATOR_KEY_FILE).exists();
        is_here.then(|| read_operator_key(&data)).transpose()
    }
}

fn read_operator_key(data: &Path) -> anyhow::Result<String> {
    let path = data.join(OPERATOR_KEY_FILE);
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("no operator key at {}", path.display()))?;
    Ok(text.trim().to_owned())
}

fn load() -> anyhow::Result<Credentials> {
    let path = credentials::path()?;
    let credentials = Credentials::load(path.clone())?;
    if credentials.is_open_to_others() {
        print_note(&format!(
            "warning: others may read {0}; close it with `chmod 600 {0}`",
            path.display()
        ));
    }
    Ok(credentials)
}

fn no_key(message: String) -> anyhow::Error {
    UsageError { message, hint: KEY_HINT }.into()
}
