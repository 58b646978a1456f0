//! A hirer and a vendor of a server that is looked at from outside, and orders whose results bring reports.

use client::control::Control;
use client::vendor::Vendor;
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};
use contract::control::{
    CandidateInfo, CreateAccount, CreateApp, CreateTenant, Mobile, Order, PlaceOrder,
};
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;

/// The package that can be ordered.
const PACKAGE: &str = "pkg-a";

pub(crate) struct Parties {
    tenant_key: String,
    hirer: Control,
    vendor: Vendor,
    account_id: String,
}

impl Parties {
    /// A tenant, a vendor's app, and an account with one package.
    pub(crate) async fn arrange(url: &str, operator_key: &str) -> Parties {
        let operator = Control::new(url, operator_key).unwrap();
        let tenant = operator.create_tenant(&CreateTenant::named("星河科技")).await.unwrap();
        let tenant_key = tenant.tenant.tenant_key;
        let hirer = Control::new(url, &tenant.api_key).unwrap();
        let app = CreateApp {
            name: "青松背调".into(),
            tenant_key: Some(tenant_key.clone()),
            scopes: vec![Scope::BackgroundCheckOrder.as_str().to_owned()],
            ..CreateApp::default()
        };
        let app = operator.create_app(&app).await.unwrap();
        hirer.grant_prepared(&tenant_key, &app.app.app_id).await.unwrap();
        let account = CreateAccount::new(&app.app.app_id, "华东区".to_owned());
        let account_id = hirer.create_account(&tenant_key, &account).await.unwrap().account_id;
        let vendor = Vendor::new(url, &app.app.app_id, &app.app_secret).unwrap();
        let package =
            PackageEntry { id: PACKAGE.into(), name: "标准背调".into(), description: None };
        let packages = CreatePackages {
            account_id: account_id.clone(),
            package_list: vec![package],
            additional_item_list: Vec::new(),
        };
        vendor.create_packages(&packages).await.unwrap();
        Parties { tenant_key, hirer, vendor, account_id }
    }

    /// The id of a new order whose result brought reports of these names from these addresses.
    pub(crate) async fn reported(&self, reports: &[(String, String)]) -> String {
        let form = PlaceOrder {
            account_id: self.account_id.clone(),
            package_id: PACKAGE.into(),
            candidate_info: CandidateInfo {
                name: "张三".into(),
                mobile: Some(Mobile { code: "86".into(), number: "13800000000".into() }),
                email: Some("z@example.com".into()),
                first_name: None,
                last_name: None,
            },
            ..PlaceOrder::default()
        };
        let order_id = self.hirer.place_order(&self.tenant_key, &form).await.unwrap().order_id;
        let report = |(name, url): &(String, String)| ReportFile {
            name: name.clone(),
            url: url.clone(),
            url_type: ReportUrlType::Download,
        };
        let result = UpdateResult {
            background_check_id: order_id.clone(),
            result: "绿灯".into(),
            result_time: 1_795_004_800_000,
            operator_role: OperatorRole::Provider,
            report_file_list: reports.iter().map(report).collect(),
        };
        self.vendor.update_result(&result).await.unwrap();
        order_id
    }

    /// The order as the hirer sees it.
    pub(crate) async fn order(&self, order_id: &str) -> Order {
        self.hirer.get_order(&self.tenant_key, order_id).await.unwrap()
    }
}
