//! Store apps: created, installed, and with tokens; their tickets are made at hand instead of being waited for.

use contract::control::{AppKind, CreateApp, CreatedApp, PutInstallation};
use contract::scope::Scope;
use domain::{AppId, Id};
use serde_json::{Value, json};

use super::wire::Ask;
use super::{Hirer, World};

/// Asks for a store app's next ticket.
pub(crate) const RESEND_TICKET: &str = "/open-apis/auth/v3/app_ticket/resend";
/// The app token of store apps.
pub(crate) const STORE_APP_TOKEN: &str = "/open-apis/auth/v3/app_access_token";
/// The tenant token of store apps.
pub(crate) const STORE_TENANT_TOKEN: &str = "/open-apis/auth/v3/tenant_access_token";

impl World {
    /// A store app that asks for every scope; its events go to `callback_url`.
    pub(crate) async fn create_store_app(
        &self,
        callback_url: Option<&str>,
        encrypted: bool,
    ) -> CreatedApp {
        let body = CreateApp {
            name: "诚信背调".to_owned(),
            kind: AppKind::Store,
            scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
            callback_url: callback_url.map(str::to_owned),
            encrypted,
            ..CreateApp::default()
        };
        self.create_granted(&body).await.unwrap()
    }

    /// Installs a store app; the tenant grants these scopes, or all that the app asks for.
    pub(crate) async fn install(&self, app: &CreatedApp, hirer: &Hirer, scopes: Option<&[Scope]>) {
        let scopes = scopes.map(|them| them.iter().map(|it| it.as_str().to_owned()).collect());
        let (body, app_id) = (PutInstallation { scopes }, &app.app.app_id);
        self.install_granted(app_id, &hirer.tenant_key, &body).await.unwrap();
    }

    /// A ticket of the app, issued now.
    pub(crate) async fn ticket(&self, app: &CreatedApp) -> String {
        let app_id: AppId = app.app.app_id.parse().unwrap();
        let app = self.app.hub.store.find_app(app_id).await.unwrap().unwrap();
        self.app.hub.tickets.make(&app, Id(1), self.clock.now())
    }

    /// The store app's token.
    pub(crate) async fn app_token(&self, app: &CreatedApp) -> String {
        let body = json!({
            "app_id": app.app.app_id,
            "app_secret": app.app_secret,
            "app_ticket": self.ticket(app).await,
        });
        self.bought(STORE_APP_TOKEN, &body, "app_access_token").await
    }

    /// The store app's token in a tenant where it is installed.
    pub(crate) async fn store_token(&self, app: &CreatedApp, hirer: &Hirer) -> String {
        let body = json!({
            "app_access_token": self.app_token(app).await,
            "tenant_key": hirer.tenant_key,
        });
        self.bought(STORE_TENANT_TOKEN, &body, "tenant_access_token").await
    }

    async fn bought(&self, path: &str, body: &Value, name: &str) -> String {
        let answer = self.ask(&Ask::post(path, body.to_string()).json()).await.json();
        answer[name].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }
}
