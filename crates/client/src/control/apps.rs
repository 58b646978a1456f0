//! Apps.

use contract::control::{
    App, Connection, CreateApp, CreatedApp, List, Page, ResendSince, Resent, UpdateApp,
};

use super::{Control, Error, NO_QUERY, Nothing};

impl Control {
    /// Creates an app; the answer alone holds its secrets. Needs the operator's key.
    pub async fn create_app(&self, body: &CreateApp) -> Result<CreatedApp, Error> {
        self.post(&["apps"], body).await
    }

    /// Lists apps, newest first. Needs the operator's key.
    pub async fn list_apps(&self, list: &List) -> Result<Page<App>, Error> {
        self.get(&["apps"], Some(list)).await
    }

    /// Reads one app.
    pub async fn get_app(&self, app_id: &str) -> Result<App, Error> {
        self.get(&["apps", app_id], NO_QUERY).await
    }

    /// Changes an app; absent members keep their value.
    pub async fn update_app(&self, app_id: &str, body: &UpdateApp) -> Result<App, Error> {
        self.patch(&["apps", app_id], body).await
    }

    /// Deletes an app.
    pub async fn delete_app(&self, app_id: &str) -> Result<(), Error> {
        self.delete(&["apps", app_id]).await
    }

    /// Lets the app call and be told again.
    pub async fn enable_app(&self, app_id: &str) -> Result<App, Error> {
        self.post(&["apps", app_id, "enable"], &Nothing {}).await
    }

    /// Stops the app's calls; its deliveries wait.
    pub async fn disable_app(&self, app_id: &str) -> Result<App, Error> {
        self.post(&["apps", app_id, "disable"], &Nothing {}).await
    }

    /// Lists the app's live long connections, newest first.
    pub async fn list_app_connections(&self, app_id: &str) -> Result<Page<Connection>, Error> {
        self.get(&["apps", app_id, "connections"], NO_QUERY).await
    }

    /// Sends every event of the app since an instant again.
    pub async fn resend_app_events(
        &self,
        app_id: &str,
        body: &ResendSince,
    ) -> Result<Resent, Error> {
        self.post(&["apps", app_id, "resend"], body).await
    }
}
