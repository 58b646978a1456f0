//! An order as its hirer's programs see it: what the caller lacks the field scope for is left out without a word.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use contract::event::FieldValue;
use contract::field::{CheckField, I18n};
use contract::hex::to_hex;
use contract::order_query::{
    CUSTOM_SUPPLIER, CheckOrder, CreatorInfo, CustomData, ExtItemInfo, FeedbackInfo, PersonInfo,
    ProcessInfo, ProviderInfo, UserIdType,
};
use contract::scope::Scope;
use domain::report::{ReportKind, ReportState};
use domain::{AppId, Id, UnixMs};
use store::accounts::{Package, PackageKind};
use store::content::Person;
use store::orders::{EntryContent, Order};
use store::reports::Report;
use store::{Fault, FaultKind};
use tokio::sync::Mutex;

use super::super::Vendor;
use crate::Hub;
use crate::form_values::with_links;
use crate::links::{LinkKind, Linked};
use crate::text::non_empty;

/// The first stage of every order is the platform's own. Source: product, section 3; contract, section 4.3.
const ARRANGED: (&str, &str) = ("待安排", "arranged");

/// What a call shows of persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fields {
    /// Numbers and addresses as they are.
    Persons,
    /// Numbers and addresses to apps with their field scopes alone.
    ByScope,
}

/// Shows orders to one caller.
pub(super) struct Viewer<'a> {
    hub: &'a Hub,
    vendor: &'a Vendor,
    user_id_type: UserIdType,
    fields: Fields,
    now: UnixMs,
    /// What the accounts of the page published.
    published: Mutex<HashMap<Id, Arc<Vec<Package>>>>,
}

impl<'a> Viewer<'a> {
    pub(super) fn new(
        hub: &'a Hub,
        vendor: &'a Vendor,
        user_id_type: UserIdType,
        fields: Fields,
    ) -> Viewer<'a> {
        let published = Mutex::default();
        Viewer { hub, vendor, user_id_type, fields, now: hub.installation_clock.now(), published }
    }

    /// The order, which exists.
    pub(super) async fn order(&self, order_id: Id) -> Result<CheckOrder, Fault> {
        let tenant = &self.vendor.tenant;
        let order = self.hub.store.find_order(tenant, order_id).await?;
        let order =
            order.ok_or_else(|| Fault::new(FaultKind::Damaged, "a listed order is gone"))?;
        let published = self.published(order.summary.account_id).await?;
        let provider_info = self.provider(order.summary.app_id).await?;
        let (summary, form) = (&order.summary, &order.form);
        let name = |kind, id: &str| {
            let is_it = |package: &&Package| package.kind == kind && package.package_id == id;
            // What was never published here has no name.
            published.iter().find(is_it).map_or_else(|| id.to_owned(), |it| it.name.clone())
        };
        let ext_item = |id: &String| ExtItemInfo {
            id: id.clone(),
            name: name(PackageKind::AdditionalItem, id),
        };
        let holder = self.vendor.access.holder();
        let tenant_id = self.vendor.tenant.tenant_id;
        let values = with_links(self.hub, tenant_id, order_id, form, holder);
        let data = |FieldValue { key, value }: FieldValue| CustomData { key, value };
        Ok(CheckOrder {
            order_id: order_id.to_string(),
            application_id: non_empty(&form.application_id),
            order_status: summary.state.into(),
            account_third_type: CUSTOM_SUPPLIER,
            package: name(PackageKind::Package, &summary.package_id),
            feedback_info_list: self.feedback(&order),
            process_info_list: process(&order),
            candidate_info: self.person(
                &form.candidate,
                Scope::TalentMobileReadonly,
                Scope::TalentEmailReadonly,
            ),
            creator_info: CreatorInfo { user_id: self.user_id(summary.placed_by) },
            contactor_info: self.person(
                &form.client_contact,
                Scope::EmployeeMobileReadonly,
                Scope::EmployeeEmailReadonly,
            ),
            begin_time: summary.placed_at.to_string(),
            end_time: summary.ended_at.map(|at| at.to_string()),
            conclusion: conclusion(&order),
            provider_info,
            custom_field_list: self.fields(summary.account_id, form.form_id).await?,
            custom_data_list: values.into_iter().map(data).collect(),
            ext_item_info_list: form.additional_item_ids.iter().map(ext_item).collect(),
            update_time: summary.updated_at.to_string(),
            geo: geo(&form.location_code),
            location_code: non_empty(&form.location_code),
            remark: form.comment.clone(),
        })
    }

    async fn published(&self, account_id: Id) -> Result<Arc<Vec<Package>>, Fault> {
        let mut all = self.published.lock().await;
        if let Some(known) = all.get(&account_id) {
            return Ok(Arc::clone(known));
        }
        let tenant_id = self.vendor.tenant.tenant_id;
        let found = Arc::new(self.hub.store.list_packages_ever(tenant_id, account_id).await?);
        all.insert(account_id, Arc::clone(&found));
        Ok(found)
    }

    /// The account's form that the order was placed with.
    async fn fields(&self, account_id: Id, form_id: Option<i64>) -> Result<Vec<CheckField>, Fault> {
        let Some(form_id) = form_id else { return Ok(Vec::new()) };
        let (store, tenant_id) = (&self.hub.store, self.vendor.tenant.tenant_id);
        let form = store.find_form_of_order(tenant_id, account_id, Id(form_id)).await?;
        Ok(form.map(|form| form.fields).unwrap_or_default())
    }

    async fn provider(&self, app_id: AppId) -> Result<ProviderInfo, Fault> {
        let app = self.hub.store.find_app(app_id).await?;
        let name = app.map(|app| app.settings.name.clone());
        Ok(ProviderInfo {
            provider_id: app_id.to_string(),
            provider_name: I18n { zh_cn: name.clone(), en_us: name },
        })
    }

    /// The arranger in the kind that was asked for; the tenant's own kind only with its field scope.
    fn user_id(&self, member: Id) -> Option<String> {
        let name = |kind: &str, text: String| {
            to_hex(&self.vendor.tenant.digester.digest(kind, text.as_bytes()))
        };
        match self.user_id_type {
            UserIdType::OpenId => {
                let app_id = self.vendor.app.app_id;
                Some(format!("ou_{}", name("open_id", format!("{app_id} {member}"))))
            }
            UserIdType::UnionId => Some(format!("on_{}", name("union_id", member.to_string()))),
            UserIdType::UserId => {
                self.is_granted(Scope::UserEmployeeIdReadonly).then(|| member.to_string())
            }
        }
    }

    fn person(&self, person: &Person, mobile: Scope, email: Scope) -> PersonInfo {
        let is_shown = |scope| self.fields == Fields::Persons || self.is_granted(scope);
        PersonInfo {
            name: non_empty(&person.name),
            mobile: non_empty(&person.mobile_number).filter(|_| is_shown(mobile)),
            email: non_empty(&person.email).filter(|_| is_shown(email)),
            first_name: non_empty(&person.first_name),
            last_name: non_empty(&person.last_name),
        }
    }

    fn is_granted(&self, scope: Scope) -> bool {
        self.vendor.has(scope)
    }

    /// The reports, newest first, each with what the vendor said with it.
    fn feedback(&self, order: &Order) -> Vec<FeedbackInfo> {
        let said = |report: &Report| {
            // The ids of an entry's reports follow its own.
            let entry = order.timeline.iter().rev().find(|entry| entry.entry_id < report.report_id);
            match &entry?.content {
                EntryContent::Stage(stage) => stage.result.clone(),
                EntryContent::Result(result) => Some(result.result.clone()),
                EntryContent::Nothing | EntryContent::Comment(_) => None,
            }
        };
        let feedback = |report: &Report| FeedbackInfo {
            id: report.report_id.to_string(),
            attachment_url: self.attachment_url(order.summary.order_id, report),
            report_preview_url: Some(report.source.url.clone())
                .filter(|_| report.state == ReportState::Linked),
            result: said(report),
            report_type: match report.kind {
                ReportKind::Stage => 1,
                ReportKind::Final => 2,
            },
            create_time: report.created_at.to_string(),
            report_name: report.source.name.clone(),
        };
        order.reports.iter().rev().map(feedback).collect()
    }

    /// A link for one hour, once the report is stored here.
    fn attachment_url(&self, order_id: Id, report: &Report) -> Option<String> {
        if !matches!(report.state, ReportState::Stored | ReportState::Flagged) {
            return None;
        }
        let linked = Linked {
            kind: LinkKind::Report,
            tenant_id: self.vendor.tenant.tenant_id,
            order_id,
            object_id: report.report_id,
            holder: self.vendor.access.holder(),
        };
        Some(self.hub.links.make(&linked, self.now))
    }
}

/// The stages and the platform's own one, newest first.
fn process(order: &Order) -> Vec<ProcessInfo> {
    let (process, en_process) = ARRANGED;
    let arranged = (order.summary.placed_at, process.to_owned(), Some(en_process.to_owned()));
    let stage = |content: &EntryContent| match content {
        EntryContent::Stage(stage) => Some((
            UnixMs(stage.stage_time_ms),
            stage.stage_name.clone(),
            stage.stage_en_name.clone(),
        )),
        EntryContent::Nothing | EntryContent::Result(_) | EntryContent::Comment(_) => None,
    };
    let stages = order.timeline.iter().rev().filter_map(|entry| stage(&entry.content));
    let mut stages: Vec<_> = stages.chain([arranged]).collect();
    // A vendor's clock is its own: its stages can lie before the platform's.
    stages.sort_by_key(|(at, ..)| Reverse(*at));
    let process = |(at, process, en_process): (UnixMs, String, Option<String>)| ProcessInfo {
        process,
        update_time: at.to_string(),
        en_process,
    };
    stages.into_iter().map(process).collect()
}

/// The last result that the vendor returned.
fn conclusion(order: &Order) -> Option<String> {
    order.timeline.iter().rev().find_map(|entry| match &entry.content {
        EntryContent::Result(result) => Some(result.result.clone()),
        EntryContent::Nothing | EntryContent::Stage(_) | EntryContent::Comment(_) => None,
    })
}

/// The region that a place of work lies in, as far as its code says.
fn geo(location_code: &str) -> Option<String> {
    let (country, _) = location_code.split_once('_').unwrap_or((location_code, ""));
    let geo = match country {
        "CN" => "cn",
        "SG" => "sg",
        "US" => "us",
        "JP" => "jp",
        _ => return None,
    };
    Some(geo.to_owned())
}
