//! Who is operator and admin in one person: whatever is prepared is granted at once.

use client::control::Error;
use contract::control::{App, CreateApp, CreatedApp, PutInstallation, UpdateApp};
use domain::AppId;
use hub::app_access::{Holder, Numbers};
use store::audit::By;
use store::grants::offered;

use super::World;

impl World {
    /// An app that its tenant granted everything.
    pub(crate) async fn create_granted(&self, body: &CreateApp) -> Result<CreatedApp, Error> {
        let created = self.operator.create_app(body).await?;
        self.grant(&created.app.app_id).await;
        Ok(created)
    }

    /// Changes an app; its tenants grant the change.
    pub(crate) async fn update_granted(
        &self,
        app_id: &str,
        body: &UpdateApp,
    ) -> Result<App, Error> {
        let updated = self.operator.update_app(app_id, body).await?;
        self.grant(app_id).await;
        Ok(updated)
    }

    /// Installs a store app; the tenant grants it.
    pub(crate) async fn install_granted(
        &self,
        app_id: &str,
        tenant_key: &str,
        body: &PutInstallation,
    ) -> Result<contract::control::Installation, Error> {
        let installed = self.operator.put_installation(app_id, tenant_key, body).await?;
        self.grant(app_id).await;
        Ok(installed)
    }

    /// Every tenant of an app grants what it is now.
    pub(crate) async fn grant(&self, app_id: &str) {
        let (store, app_id) = (&self.app.hub.store, app_id.parse::<AppId>().unwrap());
        let by = By::system(self.clock.now());
        let app = store.find_app(app_id).await.unwrap().unwrap();
        if let Some(tenant_id) = app.tenant_id {
            store.grant(by, &app, tenant_id, &app.terms()).await.unwrap();
        }
        for it in store.list_installations(app_id, None, 1_000).await.unwrap() {
            let app = store.find_app(app_id).await.unwrap().unwrap();
            let terms = offered(&app, Some(&it));
            store.grant(by, &app, it.tenant_id, &terms).await.unwrap();
        }
    }

    /// Who is given a link, of a new app.
    pub(crate) fn holder(&self, app: &CreatedApp) -> Holder {
        Holder { app_id: app.app.app_id.parse().unwrap(), numbers: Numbers::FIRST }
    }
}
