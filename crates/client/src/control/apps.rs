//! Apps.

use contract::control::{
    Alert, App, Connection, CreateApp, CreatedApp, ExplainSignature, List, Page, PauseApp,
    ResendSince, Resent, RotateSecret, RotatedSecret, SignatureExplanation, UpdateApp, UrlCheck,
};

calls! {
    /// Creates an app; the answer alone holds its secrets. Needs the operator's key.
    pub async fn create_app(body: &CreateApp) -> CreatedApp = post(["apps"], body);
    /// Lists apps, newest first. Needs the operator's key.
    pub async fn list_apps(list: &List) -> Page<App> = get(["apps"], list);
    /// Reads one app.
    pub async fn get_app(app_id: &str) -> App = get(["apps", app_id]);
    /// Changes an app; absent members keep their value.
    pub async fn update_app(app_id: &str, body: &UpdateApp) -> App = patch(["apps", app_id], body);
    /// Deletes an app.
    pub async fn delete_app(app_id: &str) -> () = delete(["apps", app_id]);
    /// Lets the app call and be notified again.
    pub async fn enable_app(app_id: &str) -> App = post(["apps", app_id, "enable"]);
    /// Stops the app's calls; its deliveries wait.
    pub async fn disable_app(app_id: &str) -> App = post(["apps", app_id, "disable"]);
    /// Lists the app's live long connections, newest first.
    pub async fn list_app_connections(app_id: &str) -> Page<Connection> =
        get(["apps", app_id, "connections"]);
    /// Sends the app nothing until it is resumed; its deliveries wait.
    pub async fn pause_app(app_id: &str, body: &PauseApp) -> App =
        post(["apps", app_id, "pause"], body);
    /// Sends the app its events again, what was paused first.
    pub async fn resume_app(app_id: &str) -> App = post(["apps", app_id, "resume"]);
    /// Checks the app's callback URL by a challenge, and explains what fails.
    pub async fn verify_url(app_id: &str) -> UrlCheck = post(["apps", app_id, "verify_url"]);
    /// Gives the app a new secret, which the answer alone holds; the old one is good besides for a time.
    pub async fn rotate_secret(app_id: &str, body: &RotateSecret) -> RotatedSecret =
        post(["apps", app_id, "rotate"], body);
    /// Explains the signature of a webhook to the app: each step's bytes, and which input is wrong.
    pub async fn explain_signature(app_id: &str, body: &ExplainSignature) -> SignatureExplanation =
        post(["apps", app_id, "explain_signature"], body);
    /// Lists what somebody should look at, newest first.
    pub async fn list_alerts(list: &List) -> Page<Alert> = get(["alerts"], list);
    /// Sends the app's events of a span of time again.
    pub async fn resend_app_events(app_id: &str, body: &ResendSince) -> Resent =
        post(["apps", app_id, "resend"], body);
}
