//! The forms that vendors publish: an app's form for accounts, an account's form for orders.
//!
//! Optimistic locking: a change names the version that it saw. Forms are JSON lists in the words of the
//! contract.

use const_format::formatcp;
use contract::field::{AccountField, AccountScope, CheckField};
use domain::{AppId, Id, TenantId, UnixMs};

use crate::fault::Fault;
use crate::value::{Row, one, values};
use crate::{Saved, Store, content};

/// An app's form for accounts of one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountForm {
    /// Its fields.
    pub fields: Vec<AccountField>,
    /// Keys that were deleted, and never come back.
    pub retired_keys: Vec<String>,
    /// Counts its changes; 0 before the first one.
    pub version: i64,
}

/// An account's form for orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckForm {
    /// Its id: a replaced form is another one.
    pub form_id: Id,
    /// Its fields.
    pub fields: Vec<CheckField>,
    /// Counts its changes.
    pub version: i64,
}

const IN_FORCE: i64 = 1;
const REPLACED: i64 = 2;
const DELETED: i64 = 3;

const FIND_ACCOUNT_FORM: &str = "SELECT fields, retired_keys, version FROM account_forms \
    WHERE app_id = $1 AND scope = $2";
const INSERT_ACCOUNT_FORM: &str = "INSERT INTO account_forms (app_id, scope, fields, retired_keys, \
    version, changed_at) VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT DO NOTHING";
const UPDATE_ACCOUNT_FORM: &str = "UPDATE account_forms SET fields = $3, retired_keys = $4, \
    version = version + 1, changed_at = $5 WHERE app_id = $1 AND scope = $2 AND version = $6";
pub(crate) const DELETE_ACCOUNT_FORMS: &str = "DELETE FROM account_forms WHERE app_id = $1";
const FIND_CHECK_FORM: &str = formatcp!(
    "SELECT form_id, fields, version FROM check_forms \
    WHERE tenant_id = $1 AND account_id = $2 AND state = {IN_FORCE}"
);
const FIND_FORM_OF_ORDER: &str = "SELECT form_id, fields, version FROM check_forms \
    WHERE tenant_id = $1 AND account_id = $2 AND form_id = $3";
const LIST_DELETED: &str = formatcp!(
    "SELECT form_id, fields, version FROM check_forms \
    WHERE tenant_id = $1 AND account_id = $2 AND state = {DELETED}"
);
const INSERT_CHECK_FORM: &str = formatcp!(
    "INSERT INTO check_forms (tenant_id, account_id, form_id, state, \
    fields, version) VALUES ($1, $2, $3, {IN_FORCE}, $4, 1) \
    ON CONFLICT (tenant_id, account_id) WHERE state = {IN_FORCE} DO NOTHING"
);
const RENAME_CHECK_FORM: &str = formatcp!(
    "UPDATE check_forms SET fields = $5, version = version + 1 \
    WHERE tenant_id = $1 AND account_id = $2 AND form_id = $3 AND version = $4 AND state = {IN_FORCE}"
);
const END_CHECK_FORM: &str = formatcp!(
    "UPDATE check_forms SET state = $5, version = version + 1 \
    WHERE tenant_id = $1 AND account_id = $2 AND form_id = $3 AND version = $4 AND state = {IN_FORCE}"
);

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    FIND_ACCOUNT_FORM,
    INSERT_ACCOUNT_FORM,
    UPDATE_ACCOUNT_FORM,
    DELETE_ACCOUNT_FORMS,
    FIND_CHECK_FORM,
    FIND_FORM_OF_ORDER,
    LIST_DELETED,
    INSERT_CHECK_FORM,
    RENAME_CHECK_FORM,
    END_CHECK_FORM,
];

impl Store {
    /// The app's form for accounts of a scope; without fields when it never published one.
    pub async fn get_account_form(
        &self,
        app_id: AppId,
        scope: AccountScope,
    ) -> Result<AccountForm, Fault> {
        let rows =
            self.read(FIND_ACCOUNT_FORM, values![app_id.0, i64::from(scope.number())]).await?;
        let Some(row) = rows.first() else { return Ok(AccountForm::default()) };
        Ok(AccountForm {
            fields: content::from_text(row.text(0)?.as_bytes())?,
            retired_keys: content::from_text(row.text(1)?.as_bytes())?,
            version: row.int(2)?,
        })
    }

    /// Saves an app's form; [`Saved::Outdated`] when it is no longer at the version that `form` names.
    pub async fn save_account_form(
        &self,
        app_id: AppId,
        scope: AccountScope,
        form: &AccountForm,
        at: UnixMs,
    ) -> Result<Saved, Fault> {
        let mut values = values![
            app_id.0,
            i64::from(scope.number()),
            to_text(&form.fields),
            to_text(&form.retired_keys),
            at.0,
        ];
        let statement = if form.version == 0 {
            one(INSERT_ACCOUNT_FORM, values)
        } else {
            values.push(form.version.into());
            one(UPDATE_ACCOUNT_FORM, values)
        };
        Ok(self.write(vec![statement]).await?.saved_or(Saved::Outdated))
    }

    /// The account's form for orders that is in force.
    pub async fn find_check_form(
        &self,
        tenant_id: TenantId,
        account_id: Id,
    ) -> Result<Option<CheckForm>, Fault> {
        let rows = self.read(FIND_CHECK_FORM, values![tenant_id.0, account_id.0]).await?;
        rows.first().map(check_form).transpose()
    }

    /// A form of the account, in force or not: the one that an order was placed with.
    pub async fn find_form_of_order(
        &self,
        tenant_id: TenantId,
        account_id: Id,
        form_id: Id,
    ) -> Result<Option<CheckForm>, Fault> {
        let values = values![tenant_id.0, account_id.0, form_id.0];
        let rows = self.read(FIND_FORM_OF_ORDER, values).await?;
        rows.first().map(check_form).transpose()
    }

    /// The keys of all forms of the account that were deleted.
    pub async fn list_retired_keys(
        &self,
        tenant_id: TenantId,
        account_id: Id,
    ) -> Result<Vec<String>, Fault> {
        let rows = self.read(LIST_DELETED, values![tenant_id.0, account_id.0]).await?;
        let mut keys = Vec::new();
        for row in &rows {
            keys.extend(check_form(row)?.fields.into_iter().map(|field| field.key));
        }
        Ok(keys)
    }

    /// Puts a new form in force in place of the one that was seen; [`Saved::Outdated`] when another is in force.
    pub async fn replace_check_form(
        &self,
        tenant_id: TenantId,
        account_id: Id,
        seen: Option<&CheckForm>,
        fields: &[CheckField],
        at: UnixMs,
    ) -> Result<Saved, Fault> {
        let ended =
            seen.map(|form| one(END_CHECK_FORM, end(tenant_id, account_id, form, REPLACED)));
        let form_id = self.make_id(at);
        let values = values![tenant_id.0, account_id.0, form_id.0, to_text(&fields)];
        let statements = ended.into_iter().chain([one(INSERT_CHECK_FORM, values)]).collect();
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Gives the form that was seen other names; [`Saved::Outdated`] when it changed meanwhile.
    pub async fn rename_check_form(
        &self,
        tenant_id: TenantId,
        account_id: Id,
        seen: &CheckForm,
        fields: &[CheckField],
    ) -> Result<Saved, Fault> {
        let mut values = values![tenant_id.0, account_id.0, seen.form_id.0, seen.version];
        values.push(to_text(&fields).into());
        Ok(self.write(vec![one(RENAME_CHECK_FORM, values)]).await?.saved_or(Saved::Outdated))
    }

    /// Ends the form that was seen, and retires its keys; [`Saved::Outdated`] when it changed meanwhile.
    pub async fn delete_check_form(
        &self,
        tenant_id: TenantId,
        account_id: Id,
        seen: &CheckForm,
    ) -> Result<Saved, Fault> {
        let statement = one(END_CHECK_FORM, end(tenant_id, account_id, seen, DELETED));
        Ok(self.write(vec![statement]).await?.saved_or(Saved::Outdated))
    }
}

fn end(
    tenant_id: TenantId,
    account_id: Id,
    form: &CheckForm,
    state: i64,
) -> Vec<crate::value::Value> {
    values![tenant_id.0, account_id.0, form.form_id.0, form.version, state]
}

fn check_form(row: &Row) -> Result<CheckForm, Fault> {
    Ok(CheckForm {
        form_id: Id(row.int(0)?),
        fields: content::from_text(row.text(1)?.as_bytes())?,
        version: row.int(2)?,
    })
}

fn to_text(list: &impl serde::Serialize) -> String {
    String::from_utf8(content::to_text(list)).expect("JSON is UTF-8")
}
