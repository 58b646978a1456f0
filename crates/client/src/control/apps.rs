//! Apps.

use contract::control::{
    Alert, App, Connection, CreateApp, CreatedApp, ExplainSignature, List, Page, PauseApp,
    ResendSince, Resent, RotateSecret, RotatedSecret, SignatureExplanation, UpdateApp, UrlCheck,
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

    /// Lets the app call and be notified again.
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

    /// Sends the app nothing until it is resumed; its deliveries wait.
    pub async fn pause_app(&self, app_id: &str, body: &PauseApp) -> Result<App, Error> {
        self.post(&["apps", app_id, "pause"], body).await
    }

    /// Sends the app its events again, what was paused first.
    pub async fn resume_app(&self, app_id: &str) -> Result<App, Error> {
        self.post(&["apps", app_id, "resume"], &Nothing {}).await
    }

    /// Checks the app's callback URL by a challenge, and explains what fails.
    pub async fn verify_url(&self, app_id: &str) -> Result<UrlCheck, Error> {
        self.post(&["apps", app_id, "verify_url"], &Nothing {}).await
    }

    /// Gives the app a new secret, which the answer alone holds; the old one is good besides for a time.
    pub async fn rotate_secret(
        &self,
        app_id: &str,
        body: &RotateSecret,
    ) -> Result<RotatedSecret, Error> {
        self.post(&["apps", app_id, "rotate"], body).await
    }

    /// Explains the signature of a webhook to the app: each step's bytes, and which input is wrong.
    pub async fn explain_signature(
        &self,
        app_id: &str,
        body: &ExplainSignature,
    ) -> Result<SignatureExplanation, Error> {
        self.post(&["apps", app_id, "explain_signature"], body).await
    }

    /// Lists what somebody should look at, newest first.
    pub async fn list_alerts(&self, list: &List) -> Result<Page<Alert>, Error> {
        self.get(&["alerts"], Some(list)).await
    }

    /// Sends the app's events of a span of time again.
    pub async fn resend_app_events(
        &self,
        app_id: &str,
        body: &ResendSince,
    ) -> Result<Resent, Error> {
        self.post(&["apps", app_id, "resend"], body).await
    }
}
