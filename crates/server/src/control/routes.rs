//! The one table of the control API: its calls in reading order, who may make each, what serves it, and what its
//! description says. Router, access, metrics and OpenAPI document are made from it; a path without a row cannot be called.
//!
//! Long because: it is one table.
//!
//! A row: summary and description; method, path below `/api/v1`, act; handler and what it answers with; other answers.

use std::sync::LazyLock;

use axum::http::Method;
use domain::Act;

use super::description::About;
use super::route::{Access, Route};
use super::{
    accounts, api_keys, apps, candidates, erasures, events, evidence, files, grants, installation,
    installations, invitations, orders, reason_templates, reports, service_accounts, tenants,
    users,
};

macro_rules! calls {
    ($(
        $(#[doc = $doc:literal])*
        $method:ident $path:literal $act:ident
            $tag:ident::$name:ident $gives:literal $(, $status:literal $other:literal)*;
    )*) => {
        vec![$(Route::new(
            Method::$method,
            $path,
            Act::$act,
            $tag::$name,
            &About {
                tag: stringify!($tag),
                name: stringify!($name),
                doc: &[$($doc),*],
                gives: $gives,
                others: &[$(($status, $other)),*],
            },
        )),*]
    };
}

/// Where the description is, for everybody.
pub(super) const DESCRIPTION: &str = "/openapi.json";

/// Method, path and access of every call, in the table's order.
static ROWS: LazyLock<Vec<(Method, &str, Access)>> = LazyLock::new(|| {
    let mut rows = vec![(Method::GET, DESCRIPTION, Access::Anyone)];
    rows.extend(routes().into_iter().map(|route| (route.method, route.path, route.access)));
    rows
});

/// The call's place in the table, and who may make it; `path` is the route's, below `/api/v1`.
pub(super) fn find(method: &Method, path: &str) -> Option<(usize, Access)> {
    // A HEAD is a GET without the body.
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let index = ROWS.iter().position(|(known, at, _)| known == method && *at == path)?;
    Some((index, ROWS[index].2))
}

/// Method and path of every call, in the table's order.
pub(crate) fn names() -> impl Iterator<Item = (&'static Method, String)> {
    ROWS.iter().map(|(method, path, _)| (method, format!("/api/v1{path}")))
}

/// Every call but the description's.
pub(super) fn routes() -> Vec<Route> {
    calls! {
        /// Creates a tenant. The answer alone holds `api_key`, the tenant's first key, role `admin`.
        ///
        /// Nobody but that key can make another one: when the answer is lost, create another tenant.
        POST "/tenants" ManageTenants
            tenants::create_tenant "The tenant and its first key";

        /// Lists the tenants, newest first.
        GET "/tenants" ManageTenants
            tenants::list_tenants "A page of tenants";

        /// Reads one tenant's settings.
        GET "/tenants/{tenant_key}" SeeTenant
            tenants::get_tenant "The tenant";

        /// Changes a tenant's settings; absent members keep their value.
        ///
        /// `report_approval` counts when a result arrives: orders that are in review stay there.
        PATCH "/tenants/{tenant_key}" ChangeTenant
            tenants::update_tenant "The tenant as it is now";

        /// Makes a key of the tenant; the answer alone holds its value.
        ///
        /// Only the tenant's admin makes keys: each one opens a way to personal data. Names and owners are stored sealed. A key
        /// with several roles may do what one of them may. With `owner_id` it belongs to a person, and never does more than the
        /// person may; or to a service account.
        POST "/tenants/{tenant_key}/api_keys" ManageKeys
            api_keys::create_api_key "The key";

        /// Lists the tenant's keys without their values, newest first, revoked ones included.
        GET "/tenants/{tenant_key}/api_keys" ManageKeys
            api_keys::list_api_keys "A page of keys";

        /// Reads one key of the tenant, without its value.
        GET "/tenants/{tenant_key}/api_keys/{key_id}" ManageKeys
            api_keys::get_api_key "The key";

        /// Gives a key another value; the answer alone holds it. Id, roles and end stay, and with the id whatever the key did.
        ///
        /// The old value is refused from now on, or after `grace_seconds`.
        POST "/tenants/{tenant_key}/api_keys/{key_id}/replace" ManageKeys
            api_keys::replace_api_key "The key with its new value",
            409 "The key is revoked, or its time is over";

        /// Revokes a key of the tenant, for good and everywhere at once.
        DELETE "/tenants/{tenant_key}/api_keys/{key_id}" ManageKeys
            api_keys::revoke_api_key "The key is revoked",
            409 "It is the tenant's last admin key that does not end, and no person is admin";

        /// Invites somebody to the tenant; the answer alone holds the address at which they accept, once and within 7 days.
        ///
        /// The address is good for the person with this mail address alone. A person who is known already accepts while signed in.
        POST "/tenants/{tenant_key}/invitations" ManageUsers
            invitations::create_invitation "The invitation",
            409 "Somebody with this mail address is a member already";

        /// Lists the invitations of the last 7 days, newest first, accepted and revoked ones included.
        GET "/tenants/{tenant_key}/invitations" SeeUsers
            invitations::list_invitations "A page of invitations";

        /// Takes an invitation back.
        DELETE "/tenants/{tenant_key}/invitations/{invitation_id}" ManageUsers
            invitations::revoke_invitation "The invitation is good no more",
            409 "It was accepted";

        /// Lists the tenant's people, suspended ones included.
        GET "/tenants/{tenant_key}/users" SeeUsers
            users::list_users "A page of people";

        /// Reads one person of the tenant.
        GET "/tenants/{tenant_key}/users/{user_id}" SeeUsers
            users::get_user "The person";

        /// Gives a person other roles in the tenant. Their keys never do more than they may.
        PATCH "/tenants/{tenant_key}/users/{user_id}" ManageUsers
            users::update_user "The person as they are now",
            409 "It is the tenant's last admin";

        /// Removes a person from the tenant, with their keys. A person who is in no other tenant is forgotten.
        DELETE "/tenants/{tenant_key}/users/{user_id}" ManageUsers
            users::remove_user "The person is no member any more",
            409 "It is the tenant's last admin";

        /// Keeps a person from doing anything in the tenant: they are signed out, and their keys are refused.
        POST "/tenants/{tenant_key}/users/{user_id}/suspend" ManageUsers
            users::suspend_user "The person as they are now",
            409 "It is the tenant's last admin";

        /// Lets a suspended person act again.
        POST "/tenants/{tenant_key}/users/{user_id}/resume" ManageUsers
            users::resume_user "The person as they are now";

        /// Makes the address at which a person sets a new password, once and within 24 hours; the answer alone holds it.
        ///
        /// Nobody sets another's password. An admin is refused with 403 for a person who is in another tenant too, or is an
        /// operator: then it is the operator's to make. A second factor stays.
        POST "/tenants/{tenant_key}/users/{user_id}/reset_password" ResetPasswords
            users::reset_password "The address";

        /// Lists a person's sessions that look at this tenant, newest first.
        GET "/tenants/{tenant_key}/users/{user_id}/sessions" ManageUsers
            users::list_user_sessions "The sessions";

        /// Ends all of a person's sessions that look at this tenant.
        DELETE "/tenants/{tenant_key}/users/{user_id}/sessions" ManageUsers
            users::revoke_user_sessions "They are over";

        /// Ends one of a person's sessions that look at this tenant.
        DELETE "/tenants/{tenant_key}/users/{user_id}/sessions/{session_id}" ManageUsers
            users::revoke_user_session "It is over";

        /// Makes a service account, which keys can belong to.
        POST "/tenants/{tenant_key}/service_accounts" ManageServiceAccounts
            service_accounts::create_service_account "The service account";

        /// Lists the service accounts, newest first.
        GET "/tenants/{tenant_key}/service_accounts" ManageServiceAccounts
            service_accounts::list_service_accounts "A page of service accounts";

        /// Reads one service account.
        GET "/tenants/{tenant_key}/service_accounts/{service_account_id}" ManageServiceAccounts
            service_accounts::get_service_account "The service account";

        /// Changes what a service account is called; absent members keep their value.
        PATCH "/tenants/{tenant_key}/service_accounts/{service_account_id}" ManageServiceAccounts
            service_accounts::update_service_account "The service account as it is now";

        /// Removes a service account with its keys, which are refused at once.
        DELETE "/tenants/{tenant_key}/service_accounts/{service_account_id}" ManageServiceAccounts
            service_accounts::remove_service_account "It is removed, and its keys are revoked",
            409 "One of its keys is the last that makes keys, and no person could";

        /// Makes a key of the operator; the answer alone holds its value.
        ///
        /// When no operator key is at hand any more, `probity key replace-operator` makes one on the machine itself.
        POST "/api_keys" ManageOperatorKeys
            api_keys::create_operator_key "The key";

        /// Lists the operator's keys without their values, newest first, revoked ones included.
        GET "/api_keys" ManageOperatorKeys
            api_keys::list_operator_keys "A page of keys";

        /// Reads one key of the operator, without its value.
        GET "/api_keys/{key_id}" ManageOperatorKeys
            api_keys::get_operator_key "The key";

        /// Gives an operator key another value; the answer alone holds it. Id, roles and end stay, and with the id whatever the key did.
        ///
        /// The old value is refused from now on, or after `grace_seconds`.
        POST "/api_keys/{key_id}/replace" ManageOperatorKeys
            api_keys::replace_operator_key "The key with its new value",
            409 "The key is revoked, or its time is over";

        /// Revokes a key of the operator, for good and everywhere at once.
        DELETE "/api_keys/{key_id}" ManageOperatorKeys
            api_keys::revoke_operator_key "The key is revoked",
            409 "It is the last operator key that does not end";

        /// Creates an app. The answer alone holds `app_secret`, `verification_token` and `encrypt_key`.
        ///
        /// A callback URL is checked, and the answer says how that went; the app is created all the same, since its receiver
        /// cannot know its secrets before.
        POST "/apps" ManageApps
            apps::create_app "The app and its secrets";

        /// Lists the apps of all tenants, newest first.
        GET "/apps" ManageApps
            apps::list_apps "A page of apps";

        /// Reads one app.
        GET "/apps/{app_id}" ManageApps
            apps::get_app "The app";

        /// Changes an app; absent members keep their value, and `callback_url: null` takes the address away.
        ///
        /// Deliveries that wait for a callback URL become due when the app gets one. A callback URL that is saved is checked,
        /// and the answer says how that went.
        PATCH "/apps/{app_id}" ManageApps
            apps::update_app "The app as it is now";

        /// Deletes an app that no account is bound to, with its installations. Its tokens end at once.
        DELETE "/apps/{app_id}" ManageApps
            apps::delete_app "Deleted",
            409 "An account is bound to it";

        /// Lets an app call again; what was held for it is delivered.
        POST "/apps/{app_id}/enable" ManageApps
            apps::enable_app "The app as it is now";

        /// Stops an app: its calls are refused, its tokens do not count, its deliveries wait.
        POST "/apps/{app_id}/disable" ManageApps
            apps::disable_app "The app as it is now";

        /// Sends an app nothing until it is resumed: its deliveries wait as paused.
        ///
        /// The app's calls go on. An endpoint that takes nothing for 5 days is paused by itself.
        POST "/apps/{app_id}/pause" ManageApps
            apps::pause_app "The app as it is now";

        /// Sends an app its events again; what was paused is delivered, and its alerts end.
        POST "/apps/{app_id}/resume" ManageApps
            apps::resume_app "The app as it is now";

        /// Checks an app's callback URL by a challenge, and explains what fails: bytes sent, bytes back, likely cause.
        ///
        /// In the grace time of a rotated encrypt key or verification token a receiver that passes under the new values
        /// ends it: events go out under them from then on.
        POST "/apps/{app_id}/verify_url" ManageApps
            apps::verify_url "How the check went",
            409 "The app has no callback URL, or gets its events over the long connection";

        /// Gives an app a new app secret, encrypt key or verification token; the answer alone holds it.
        ///
        /// The old value is good beside it for a grace time. An old app secret still buys tokens; events go out under the
        /// old encrypt key and verification token first and under the new ones when that was not taken, until an event or
        /// `verify_url` shows that the receiver has the new ones. A value whose grace time has not ended is good no longer
        /// when it is rotated again.
        POST "/apps/{app_id}/rotate" ManageApps
            apps::rotate_secret "The new value";

        /// Explains the signature of a webhook: each step's bytes, and which input is wrong.
        ///
        /// Changes nothing, so that an Idempotency-Key has no effect.
        POST "/apps/{app_id}/explain_signature" ManageApps
            apps::explain_signature "The explanation";

        /// Sends the events of an app again that happened at `since` or later and before `until`, to whatever endpoint the app
        /// has now; each has the whole schedule of tries before it.
        ///
        /// Receivers know repeats by their `event_id`.
        POST "/apps/{app_id}/resend" ManageApps
            apps::resend_app_events "How many deliveries are due again";

        /// Lists what somebody should look at, newest first: apps that were paused because their endpoint failed for
        /// long, tenants and apps near their quota, a disk that is nearly full.
        GET "/alerts" ManageApps
            apps::list_alerts "A page of alerts";

        /// Lists where a store app is installed, newest first. A self-built app has no installations.
        GET "/apps/{app_id}/installations" ManageApps
            installations::list_installations "A page of installations";

        /// Installs a store app in a tenant (安装), or changes what the tenant grants it there.
        ///
        /// What was held for the app because it was not installed becomes due. A repeat changes nothing.
        PUT "/apps/{app_id}/installations/{tenant_key}" ManageApps
            installations::put_installation "The installation as it is now",
            409 "The app is no store app";

        /// Reads one installation.
        GET "/apps/{app_id}/installations/{tenant_key}" ManageApps
            installations::get_installation "The installation";

        /// Takes a store app out of a tenant. Its tokens there end at once; accounts and orders stay, and what happens to
        /// them is held until the app is installed again.
        DELETE "/apps/{app_id}/installations/{tenant_key}" ManageApps
            installations::delete_installation "No longer installed";

        /// Lists an app's live long connections on all replicas, newest first: who, since when, last ping, in flight.
        GET "/apps/{app_id}/connections" ManageApps
            apps::list_app_connections "All of them";

        /// Lists the apps of a tenant with what it granted to each, and what was prepared for it and waits.
        GET "/tenants/{tenant_key}/grants" SeeGrants
            grants::list_grants "All of them";

        /// Shows what a tenant granted to an app, and what was prepared for it and waits.
        GET "/tenants/{tenant_key}/apps/{app_id}/grant" SeeGrants
            grants::get_grant "The grant";

        /// Grants an app what was prepared for it: scopes, endpoint, addresses and secrets, as `revision` names them.
        ///
        /// Until then none of it takes effect in the tenant, no matter who prepared it. What was held for the app becomes due.
        POST "/tenants/{tenant_key}/apps/{app_id}/grant" GrantApps
            grants::grant_app "The grant as it is now",
            409 "Something else is prepared by now";

        /// Takes back what a tenant granted to an app. Its tokens there end for good; what happens is held for it until it is
        /// granted again.
        DELETE "/tenants/{tenant_key}/apps/{app_id}/grant" GrantApps
            grants::take_grant_back "Nothing is granted any more";

        /// Binds a tenant to a vendor's app (账号绑定); the vendor is notified.
        ///
        /// When the app published a form for accounts, the values must have its keys, and the required ones must be there.
        POST "/tenants/{tenant_key}/accounts" ManageAccounts
            accounts::create_account "The account, without packages yet";

        /// Lists a tenant's accounts with what can be ordered there, newest first.
        GET "/tenants/{tenant_key}/accounts" SeeAccounts
            accounts::list_accounts "A page of accounts";

        /// Reads one account with the packages and additional items that can be ordered there.
        GET "/tenants/{tenant_key}/accounts/{account_id}" SeeAccounts
            accounts::get_account "The account";

        /// Switches whether the account's vendor is notified, by `probity.background_check.returned_v1`, of results that are sent back.
        ///
        /// Off unless an admin of the tenant switches it on: the reason goes to the vendor.
        PATCH "/tenants/{tenant_key}/accounts/{account_id}" SwitchReturnedEvent
            accounts::update_account "The account as it is now";

        /// Unbinds an account, with its packages. Its orders stay, and go on.
        DELETE "/tenants/{tenant_key}/accounts/{account_id}" ManageAccounts
            accounts::delete_account "Unbound";

        /// Shows what a vendor's app asks when an account is bound to it: its account custom fields.
        GET "/tenants/{tenant_key}/apps/{app_id}/account_form" SeeAccounts
            accounts::get_account_form "The form";

        /// Keeps a file, which an order's form can then name as the value of a file or resume.
        ///
        /// The body is the content as it stands, 1 byte to 10 MiB. It is sealed under a key of its own; the vendor gets it by
        /// signed links, good for one hour each. A file that no order uses within a day is removed.
        POST "/tenants/{tenant_key}/files" PlaceOrders
            files::create_file "The file";

        /// Arranges a background check; the vendor is notified.
        ///
        /// The account, its package and its additional items must exist; the values of custom fields must fit the vendor's
        /// form: known keys, types, lengths, options, files, and all required ones. All faults are named at once.
        POST "/tenants/{tenant_key}/orders" PlaceOrders
            orders::place_order "The order, arranged";

        /// Lists a tenant's orders, newest first: no personal data.
        ///
        /// A page can be shorter than `limit` and still have a `next_cursor`.
        GET "/tenants/{tenant_key}/orders" ListOrders
            orders::list_orders "A page of orders";

        /// Finds orders by their candidate's name, phone number or mail address, by application or order, and by the filters of the list.
        ///
        /// The words of `q` must all fit: a name, a part of it or its beginning, a whole number, address or id. The answer has the candidates'
        /// names, stages, and results for who may see reports. A page can be shorter than `limit` and still have a `next_cursor`.
        POST "/tenants/{tenant_key}/orders/search" SeeOrders
            orders::search_orders "A page of orders";

        /// Gives what the search finds as a table: CSV in UTF-8, whole, whatever `cursor` and `limit` say. The export is audited first.
        ///
        /// Cells that a spreadsheet would take for a formula begin with an apostrophe.
        POST "/tenants/{tenant_key}/orders/export" SeeOrders
            orders::export_orders "The table";

        /// Counts a tenant's orders by state; those of a recruiter alone where the key has no other role.
        GET "/tenants/{tenant_key}/orders/counts" ListOrders
            orders::count_orders "How many orders are in each state";

        /// Lists the caller's own orders that somebody else changed since an instant.
        GET "/tenants/{tenant_key}/orders/moved" SeeOrders
            orders::list_moved_orders "A page of orders";

        /// Lists the results that wait for a decision, the longest waiting first.
        ///
        /// With `four_eyes` on, those of orders that the caller placed are left out, or marked where all are asked for.
        GET "/tenants/{tenant_key}/reviews" ReviewOrders
            orders::list_reviews "A page of results";

        /// Makes a reason that people can choose when they send a result back or end an order.
        POST "/tenants/{tenant_key}/reason_templates" ManageReasonTemplates
            reason_templates::create_reason_template "The template",
            409 "The tenant has 100";

        /// Lists the reasons that people can choose, the oldest first.
        GET "/tenants/{tenant_key}/reason_templates" SeeReasonTemplates
            reason_templates::list_reason_templates "All templates";

        /// Changes a reason that people can choose; absent members keep their value.
        PATCH "/tenants/{tenant_key}/reason_templates/{template_id}" ManageReasonTemplates
            reason_templates::update_reason_template "The template as it is now";

        /// Deletes a reason that people can choose. Reasons that were given stay.
        DELETE "/tenants/{tenant_key}/reason_templates/{template_id}" ManageReasonTemplates
            reason_templates::delete_reason_template "Deleted";

        /// Reads one order with its form, stages, results, reports and timeline.
        ///
        /// Results and reports, and the reasons and comments of decisions, are there for who may see reports only.
        GET "/tenants/{tenant_key}/orders/{order_id}" SeeOrders
            orders::get_order "The order";

        /// Accepts the result under review: the order is completed.
        ///
        /// With `four_eyes` on, who placed the order is refused with 403.
        POST "/tenants/{tenant_key}/orders/{order_id}/approve" ReviewOrders
            orders::approve_order "The order as it is now",
            409 "The order is not in review, or the result that was looked at is not its newest";

        /// Sends the result under review back with a reason; the vendor may return another one.
        ///
        /// With `four_eyes` on, who placed the order is refused with 403.
        POST "/tenants/{tenant_key}/orders/{order_id}/reject" ReviewOrders
            orders::reject_order "The order as it is now",
            409 "The order is not in review, or the result that was looked at is not its newest";

        /// Takes the review request back; the vendor may return another result.
        POST "/tenants/{tenant_key}/orders/{order_id}/withdraw" ReviewOrders
            orders::withdraw_order "The order as it is now",
            409 "The order is not in review";

        /// Ends an order without a conclusion; the vendor is notified of the reason.
        POST "/tenants/{tenant_key}/orders/{order_id}/terminate" TerminateOrders
            orders::terminate_order "The order as it is now",
            409 "The order has ended";

        /// Gives a report's content, a PDF, whole or in ranges; of the newest version, or of any. The view is recorded first.
        GET "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content" SeeReports
            reports::get_report_content "The whole content",
            304 "The caller has it already, as if-none-match says",
            409 "It has not been fetched yet, or is a preview link",
            410 "It was erased",
            416 "The ranges lie outside the content, or are too many",
            503 "The store of the contents does not answer";

        /// Asks for a new try to fetch a report that failed, waits, or has a content already. The tries count from the start
        /// again.
        ///
        /// What comes is a new version. Until then, and when nothing comes, the content that is there stays as it is: the
        /// report goes back to `stored` or `flagged`, and `failure_reason` says why nothing came.
        POST "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/refetch" SeeReports
            reports::refetch_report "The report as it is now",
            409 "The report is just being fetched, or is a preview link",
            410 "It was erased";

        /// Takes a content that was refused as it is: it is fetched once more and stored, flagged with `refused_content`. What is
        /// empty, and what the scanner refused, is not taken.
        ///
        /// It is given away as a file of unknown kind, never as a PDF. The audit chain says who took it.
        POST "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/accept" SeeReports
            reports::accept_report "The report as it is now",
            409 "Its content was not refused, or it is just being fetched",
            410 "It was erased";

        /// Lists everything that was ever fetched for a report, the newest first.
        GET "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/versions" SeeReports
            reports::list_report_versions "All of them";

        /// Reads how much is stored for each tenant and each app, and how much room the disk has.
        GET "/storage" CareForInstallation
            installation::get_storage "What is stored";

        /// Reads how much is stored for a tenant: its reports and files.
        GET "/tenants/{tenant_key}/quota" SeeTenant
            tenants::get_tenant_quota "What is stored";

        /// Sets how much may be stored for a tenant. What waits goes on when it fits; nothing that is there is removed.
        PUT "/tenants/{tenant_key}/quota" ManageTenants
            tenants::put_tenant_quota "What is stored";

        /// Reads how much is stored for an app: its reports, in all tenants.
        GET "/apps/{app_id}/quota" ManageApps
            apps::get_app_quota "What is stored";

        /// Sets how much may be stored for an app. What waits goes on when it fits; nothing that is there is removed.
        PUT "/apps/{app_id}/quota" ManageApps
            apps::put_app_quota "What is stored";

        /// Checks a part of the stored contents: rows against objects and their hashes, and objects against rows.
        ///
        /// A check is many calls, each with the `next_cursor` of the one before. Nothing is repaired. Repeated, a part is checked
        /// again: an idempotency key changes nothing.
        POST "/objects/check" CareForInstallation
            installation::check_objects "What was found in this part",
            503 "The store of the contents does not answer";

        /// Puts the next root key in force, while everybody works on.
        ///
        /// The next key comes from where the present one comes from: `root.key.next`, `PROBITY_ROOT_KEY_NEXT`, or the second line
        /// of the root key command. All keys that the root key wraps are wrapped anew in one transaction; reports stay as they are.
        POST "/keys/rotate" CareForInstallation
            installation::rotate_keys "The root key that is in force now",
            409 "There is no next key, or it is in force already";

        /// Lists who was given a report's content, newest first.
        GET "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/views" SeeViews
            reports::list_report_views "A page of views";

        /// Reads the newest manifest of an order: a signed list of every content that is or was stored of its reports.
        ///
        /// The answer is a JWS in the flattened JSON serialization (RFC 7515), with `alg` `EdDSA` and `typ`
        /// `probity-manifest+jws`: `payload`, `protected` and `signature` prove what it says. `manifest` is what the payload
        /// says, and `key_id` the header's `kid`, for reading. A manifest of before has no `payload`; its `signature` is
        /// Ed25519 over the bytes of `manifest`. Keep the answer as it is.
        GET "/tenants/{tenant_key}/orders/{order_id}/manifest" SeeManifests
            evidence::get_manifest "The manifest with its signature",
            404 "There is no such order, or nothing was kept of it yet";

        /// Reads how long a tenant's orders are stored after their end.
        GET "/tenants/{tenant_key}/retention" SeeRetention
            erasures::get_retention "The rules";

        /// Replaces the rules for packages. A shorter rule counts for orders that have ended already.
        PUT "/tenants/{tenant_key}/retention" ManageRetention
            erasures::put_retention "The rules as they are now";

        /// Reads the legal hold of a whole tenant.
        GET "/tenants/{tenant_key}/hold" SeeRetention
            erasures::get_tenant_hold "The hold";

        /// Holds a whole tenant: none of its orders is erased until the hold is lifted. A repeat changes the reason.
        PUT "/tenants/{tenant_key}/hold" ManageRetention
            erasures::put_tenant_hold "The hold";

        /// Lifts the legal hold of a whole tenant; orders may be under holds of their own.
        DELETE "/tenants/{tenant_key}/hold" ManageRetention
            erasures::lift_tenant_hold "Lifted";

        /// Reads the legal hold of an order.
        GET "/tenants/{tenant_key}/orders/{order_id}/hold" SeeRetention
            erasures::get_order_hold "The hold";

        /// Holds an order: it is not erased until the hold is lifted. A repeat changes the reason.
        PUT "/tenants/{tenant_key}/orders/{order_id}/hold" ManageRetention
            erasures::put_order_hold "The hold",
            410 "The order was erased";

        /// Lifts the legal hold of an order.
        DELETE "/tenants/{tenant_key}/orders/{order_id}/hold" ManageRetention
            erasures::lift_order_hold "Lifted";

        /// Says of each order that is not erased, oldest first, whether and when it goes, and why it stays. Changes nothing.
        ///
        /// A page can be shorter than `limit` and still have a `next_cursor`.
        GET "/tenants/{tenant_key}/erasures/preview" SeeRetention
            erasures::preview_erasures "A page of orders";

        /// Lists the orders that were erased, newest first; each has a certificate.
        GET "/tenants/{tenant_key}/erasures" SeeRetention
            erasures::list_erasures "A page of erasures";

        /// Erases an order for good, before its retention is over: for a person who demands it.
        ///
        /// Its keys and texts are destroyed before this answers; the objects follow within seconds. What stays are ids,
        /// states, times and a signed certificate. A repeat gives the erasure that there was.
        POST "/tenants/{tenant_key}/orders/{order_id}/erase" EraseOrders
            erasures::erase_order "The erasure",
            409 "The order has not ended, is held, or must be kept longer";

        /// Finds the orders of a person by name, mobile number, mail address, application or order; all that is named must fit.
        ///
        /// Compared exactly, but for case, blanks, punctuation and the country code of a number. Of the candidate the answer
        /// holds the name, and number and address masked. Every call is recorded in the tenant's audit chain: by what was searched
        /// and which orders were found, not the words. A page looks through at most 20,000 orders, so it can be shorter than
        /// `limit`, or empty, and still have a `next_cursor`.
        POST "/tenants/{tenant_key}/candidates/search" FindCandidates
            candidates::search_candidates "A page of orders, newest first";

        /// Reads the certificate of an order's erasure.
        ///
        /// The answer is a JWS like that of a manifest, with `typ` `probity-certificate+jws` and the member `certificate`.
        /// Keep the answer as it is.
        GET "/tenants/{tenant_key}/orders/{order_id}/certificate" SeeRetention
            evidence::get_certificate "The certificate with its signature",
            404 "There is no such order, or it is not erased";

        /// Reads a tenant's audit chain, oldest first, as JSON lines: views, decisions, erasures, holds, settings.
        ///
        /// Each line is `{"seq":…,"hash":"…","entry":{…}}`; the hash is SHA-256 over the hash before and the entry's bytes as
        /// they stand there. An empty answer ends the chain. No entry holds personal data.
        GET "/tenants/{tenant_key}/audit" SeeAudit
            evidence::list_audit "Entries";

        /// Reads the operator's audit chain, oldest first, as JSON lines: apps, installations, tenants, keys.
        ///
        /// Each line is `{"seq":…,"hash":"…","entry":{…}}`; the hash is SHA-256 over the hash before and the entry's bytes as
        /// they stand there. An empty answer ends the chain.
        GET "/audit" SeeOperatorAudit
            evidence::list_operator_audit "Entries";

        /// Reads the key that verifies the installation's manifests, certificates and anchors.
        GET "/public-key" SeePublicKey
            evidence::get_public_key "The key";

        /// Lists a tenant's events, newest first, with how far the delivery of each is.
        GET "/tenants/{tenant_key}/events" SeeEvents
            events::list_events "A page of events";

        /// Lists the ways of one event to its app, each with every try.
        ///
        /// What receivers answered is there for keys of the tenant only.
        GET "/tenants/{tenant_key}/events/{event_id}/deliveries" SeeEvents
            events::list_deliveries "The deliveries";

        /// Sends one event again, whatever became of it, to whatever endpoint its app has now.
        POST "/tenants/{tenant_key}/events/{event_id}/resend" ResendEvents
            events::resend_event "How many deliveries are due again";
    }
}
