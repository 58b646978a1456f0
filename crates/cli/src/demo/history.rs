//! Fills the demo's tenant: the plan is played on a server whose clock stands where the plan says, by the same calls that
//! hirers and vendors make. Then the server is stopped, and the data folder is as if all had happened.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateProgress, UpdateResult};
use contract::control::{
    ApproveOrder, CandidateInfo, CreateAccount, CreateApiKey, CreateApp, CreateInvitation,
    CreateTenant, CreatedApp, KeyRole, List, Mobile, PlaceOrder, RejectOrder, Report,
    TerminateOrder, UpdateApp,
};
use contract::event::Event;
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use server::demo::{self, Person};
use server::{App, Config, Server, SharedApp};
use system::clock::Clock;
use tokio::sync::oneshot;

use super::plan::{self, Deed, OrderPlan, Step, VENDORS};
use super::receiver::{Received, Receiver};
use super::{asked_until, operator_key, pdf};

/// The people of the tenant. Recruiters, as many as the plan names, come first, then the approver: they have keys too.
const PEOPLE: [(&str, &str, KeyRole, &str); 6] = [
    ("李红", "lihong@example.com", KeyRole::Recruiter, "zh-CN"),
    ("陈晨", "chenchen@example.com", KeyRole::Recruiter, "zh-CN"),
    ("王敏", "wangmin@example.com", KeyRole::Approver, "zh-CN"),
    ("周岚", "zhoulan@example.com", KeyRole::Admin, "zh-CN"),
    ("何静", "hejing@example.com", KeyRole::PrivacyOfficer, "zh-CN"),
    ("James Lee", "james@example.com", KeyRole::Auditor, "en"),
];
const KEYS: usize = 3;

/// The tenant that was filled.
pub(super) struct Filled {
    pub(super) tenant_key: String,
    pub(super) orders: usize,
    /// Its people, each with one role.
    pub(super) people: Vec<(KeyRole, Person)>,
}

struct Tenant {
    tenant_key: String,
    recruiters: Vec<Control>,
    approver: Control,
    apps: Vec<VendorApp>,
}

struct VendorApp {
    app: CreatedApp,
    account_id: String,
}

/// Plays the plan that ends now in the folder of `config`.
pub(super) async fn fill(config: &Config, receiver: &mut Receiver) -> anyhow::Result<Filled> {
    let now = Clock::system().now();
    let (orders, steps) = plan::make(now.0);
    let clock = Clock::manual(now.plus_ms(-(plan::DAYS + 1) * plan::DAY_MS));
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    // The reports are our own.
    let config = Config { listen, deep_check: None, ..config.clone() };
    let server = Server::bind(config.clone(), clock.clone()).await?;
    let url = format!("http://{}", server.address());
    let (stop, stopped) = oneshot::channel::<()>();
    let app = SharedApp::clone(&server.app);
    let running = tokio::spawn(server.run(async {
        // Dropping the sender stops it too.
        let _ = stopped.await;
    }));
    let operator = Control::new(&url, &operator_key(&config.data)?)?;
    let body =
        CreateTenant {
            report_approval: true, four_eyes: true, ..CreateTenant::named("星河科技")
        };
    let created = operator.create_tenant(&body).await.context("creating the tenant")?;
    let (tenant_key, key) = (created.tenant.tenant_key, created.api_key);
    let people = invite(&app, &url, &tenant_key, &key).await?;
    let tenant = prepare(&url, &operator, &tenant_key, &key, receiver).await?;
    let mut history = History { url, clock, tenant, orders, order_ids: HashMap::new(), receiver };
    for step in steps {
        history.play(step).await.with_context(|| format!("{step:?}"))?;
    }
    let orders = history.order_ids.len();
    drop(stop);
    running.await.context("the server that was filled ended badly")?;
    Ok(Filled { tenant_key, orders, people })
}

/// Invites the people, who accept.
async fn invite(
    app: &App,
    url: &str,
    tenant_key: &str,
    key: &str,
) -> anyhow::Result<Vec<(KeyRole, Person)>> {
    let admin = Control::new(url, key)?;
    let mut people = Vec::new();
    for (name, email, role, locale) in PEOPLE {
        let body = CreateInvitation { email: email.into(), roles: vec![role] };
        let invitation = admin.create_invitation(tenant_key, &body).await.context("inviting")?;
        let joined = demo::join(app, &invitation.url, name, email, locale).await;
        people.push((role, joined.context("joining")?));
    }
    Ok(people)
}

async fn prepare(
    url: &str,
    operator: &Control,
    tenant_key: &str,
    key: &str,
    receiver: &Receiver,
) -> anyhow::Result<Tenant> {
    let admin = Control::new(url, key)?;
    let users = admin.list_users(tenant_key, &List::default()).await.context("the people")?.items;
    let mut keys = Vec::new();
    for (_, email, role, _) in PEOPLE.into_iter().take(KEYS) {
        let owner = users.iter().find(|user| user.email == email).context("a person is missing")?;
        let body = CreateApiKey {
            name: "demo".into(),
            owner_id: Some(owner.user_id.clone()),
            roles: vec![role],
            ..CreateApiKey::default()
        };
        let made = admin.create_api_key(tenant_key, &body).await.context("making a key")?;
        keys.push(Control::new(url, &made.api_key)?);
    }
    let mut apps = Vec::new();
    for vendor in VENDORS {
        let scopes = [Scope::BackgroundCheckOrder, Scope::BackgroundCheckOrderReadonly];
        let body = CreateApp {
            name: vendor.name.into(),
            tenant_key: Some(tenant_key.to_owned()),
            scopes: scopes.map(|scope| scope.as_str().to_owned()).to_vec(),
            encrypted: true,
            ..CreateApp::default()
        };
        let app = operator.create_app(&body).await.context("creating an app")?;
        let app_id = &app.app.app_id;
        let callback_url = receiver.register(&app);
        let body = UpdateApp { callback_url: Some(Some(callback_url)), ..UpdateApp::default() };
        operator.update_app(app_id, &body).await.context("setting the callback URL")?;
        admin.grant_prepared(tenant_key, app_id).await.context("granting the app")?;
        let body = CreateAccount::new(app_id, vendor.name);
        let account = admin.create_account(tenant_key, &body).await.context("an account")?;
        let entries = vendor.packages.map(|(id, name, description)| PackageEntry {
            id: id.into(),
            name: name.into(),
            description: Some(description.into()),
        });
        let packages = CreatePackages {
            account_id: account.account_id.clone(),
            package_list: entries.to_vec(),
            additional_item_list: Vec::new(),
        };
        let by = Vendor::new(url, app_id, &app.app_secret)?;
        by.create_packages(&packages).await.context("publishing packages")?;
        apps.push(VendorApp { app, account_id: account.account_id });
    }
    let approver = keys.pop().context("three keys were made")?;
    Ok(Tenant { tenant_key: tenant_key.to_owned(), recruiters: keys, approver, apps })
}

struct History<'r> {
    url: String,
    clock: Clock,
    tenant: Tenant,
    orders: Vec<OrderPlan>,
    order_ids: HashMap<usize, String>,
    receiver: &'r mut Receiver,
}

impl History<'_> {
    async fn play(&mut self, step: Step) -> anyhow::Result<()> {
        let ahead = step.at_ms - self.clock.now().0;
        self.clock.advance_ms(u64::try_from(ahead).unwrap_or(0));
        if step.deed == Deed::Place {
            return self.place(step.order).await;
        }
        let order_id = self.order_ids.get(&step.order).context("it was placed before")?.clone();
        let Tenant { tenant_key, approver, .. } = &self.tenant;
        match step.deed {
            Deed::Place => {}
            Deed::Stage(index) => self.report_stage(step.order, order_id, index).await?,
            Deed::Return(version, conclusion) => {
                self.return_result(step.order, order_id, version, conclusion).await?;
            }
            Deed::Approve => {
                let comment = plan::comment(step.order).map(str::to_owned);
                approver
                    .approve_order(
                        tenant_key,
                        &order_id,
                        &ApproveOrder { comment, result_number: None },
                    )
                    .await?;
            }
            Deed::Reject => {
                let is_english = VENDORS[self.orders[step.order].vendor].is_english;
                let reason = plan::rejection(step.order, is_english).to_owned();
                approver
                    .reject_order(
                        tenant_key,
                        &order_id,
                        &RejectOrder { reason, result_number: None },
                    )
                    .await?;
            }
            Deed::Withdraw => drop(approver.withdraw_order(tenant_key, &order_id).await?),
            Deed::Terminate => {
                let recruiter = &self.tenant.recruiters[self.orders[step.order].recruiter];
                let body = TerminateOrder { reason: plan::ending(step.order).to_owned() };
                recruiter.terminate_order(tenant_key, &order_id, &body).await?;
                self.notified("canceled", |event| {
                    matches!(event, Event::CheckCanceled(body) if body.background_check_id == order_id)
                })
                .await?;
            }
            Deed::Cancel => self.vendor(step.order)?.cancel(&order_id).await?,
        }
        Ok(())
    }

    /// The vendor, with a token of the time that it is now.
    fn vendor(&self, order: usize) -> anyhow::Result<Vendor> {
        let app = &self.tenant.apps[self.orders[order].vendor].app;
        Ok(Vendor::new(&self.url, &app.app.app_id, &app.app_secret)?)
    }

    async fn place(&mut self, order: usize) -> anyhow::Result<()> {
        let OrderPlan { vendor, package, candidate, recruiter } = &self.orders[order];
        let mobile = Mobile { code: candidate.code.into(), number: candidate.number.clone() };
        let body = PlaceOrder {
            account_id: self.tenant.apps[*vendor].account_id.clone(),
            package_id: VENDORS[*vendor].packages[*package].0.into(),
            candidate_info: CandidateInfo {
                name: candidate.name.clone(),
                mobile: Some(mobile),
                email: Some(candidate.email.clone()),
                first_name: None,
                last_name: None,
            },
            ..PlaceOrder::default()
        };
        let recruiter = &self.tenant.recruiters[*recruiter];
        let order_id = recruiter.place_order(&self.tenant.tenant_key, &body).await?.order_id;
        self.order_ids.insert(order, order_id.clone());
        self.notified("created", |event| {
            matches!(event, Event::CheckCreated(body) if body.background_check_id == order_id)
        })
        .await
    }

    /// The clock may not move while an event is on its way.
    async fn notified(
        &mut self,
        what: &str,
        is_wanted: impl Fn(&Event) -> bool,
    ) -> anyhow::Result<()> {
        self.receiver
            .wait_for(what, |received| match received {
                Received::Event(event) if is_wanted(event) => Some(()),
                _ => None,
            })
            .await
    }

    async fn report_stage(
        &self,
        order: usize,
        order_id: String,
        index: usize,
    ) -> anyhow::Result<()> {
        let vendor = VENDORS[self.orders[order].vendor];
        let (name, _) = vendor.stages[index];
        let body = UpdateProgress {
            background_check_id: order_id,
            stage_id: format!("stage{index}"),
            stage_en_name: vendor.is_english.then(|| name.to_owned()),
            stage_name: name.to_owned(),
            stage_time: self.clock.now().0,
            result: None,
            operator_role: OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        Ok(self.vendor(order)?.update_progress(&body).await?)
    }

    async fn return_result(
        &mut self,
        order: usize,
        order_id: String,
        version: u32,
        conclusion: &str,
    ) -> anyhow::Result<()> {
        let name = format!("{order_id}-{version}.pdf");
        let content = self.report(order, &order_id, conclusion);
        let url = self.receiver.publish(&name, &content);
        let is_english = VENDORS[self.orders[order].vendor].is_english;
        let report = ReportFile {
            name: if is_english { "Final report" } else { "终版报告" }.into(),
            url,
            url_type: ReportUrlType::Download,
        };
        let body = UpdateResult {
            background_check_id: order_id.clone(),
            result: conclusion.to_owned(),
            result_time: self.clock.now().0,
            operator_role: OperatorRole::Provider,
            report_file_list: vec![report],
        };
        self.vendor(order)?.update_result(&body).await?;
        let Tenant { tenant_key, approver, .. } = &self.tenant;
        // The clock may not move while the report is fetched.
        asked_until("the report to be fetched", async || {
            let order = approver.get_order(tenant_key, &order_id).await?;
            Ok(order.reports.iter().all(Report::has_content).then_some(()))
        })
        .await
    }

    fn report(&self, order: usize, order_id: &str, conclusion: &str) -> Vec<u8> {
        let OrderPlan { vendor, package, candidate, .. } = &self.orders[order];
        let vendor = VENDORS[*vendor];
        let package = vendor.packages[*package].1;
        let about = match vendor.is_english {
            true => [("Candidate", &*candidate.name), ("Package", package), ("Order", order_id)],
            false => [("候选人", &*candidate.name), ("套餐", package), ("订单", order_id)],
        };
        let mut lines: Vec<String> =
            about.iter().map(|(what, text)| format!("{what}: {text}")).collect();
        lines.push(String::new());
        let found = if vendor.is_english { "as stated" } else { "一致" };
        lines.extend(vendor.stages.iter().map(|(stage, _)| format!("{stage}: {found}")));
        lines.push(String::new());
        let word = if vendor.is_english { "Conclusion" } else { "结论" };
        lines.push(format!("{word}: {conclusion}"));
        let title =
            if vendor.is_english { "Background check" } else { "背景调查报告（终版）" };
        pdf::page(title, &lines.iter().map(String::as_str).collect::<Vec<_>>())
    }
}
