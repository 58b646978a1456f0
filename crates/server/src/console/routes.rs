//! The one table of the pages: who may see each, and what serves it. A path without a row is no page.
//!
//! A row: method, path, who; handler.

use std::sync::LazyLock;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use domain::Act;

use super::{content, desk, enter, export, links, own};
use crate::app::SharedApp;

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Everybody, signed in or not.
    Anyone,
    /// A person who gave a password and still owes a code.
    Halfway,
    /// Every person who is signed in, in a tenant or in none yet.
    Person,
    /// Every member of the tenant that was chosen, whatever the role.
    Member,
    /// Members whose role may do this.
    May(Act),
}

/// A page.
pub(super) struct Page {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) who: Who,
    pub(super) serve: MethodRouter<SharedApp>,
}

impl Page {
    fn new<H, T>(method: Method, path: &'static str, who: Who, handler: H) -> Page
    where
        H: Handler<T, SharedApp>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("GET and POST are known");
        Page { method, path, who, serve: on(filter, handler) }
    }
}

macro_rules! pages {
    ($($method:ident $path:literal $who:ident $(($act:ident))? $handler:path;)*) => {
        vec![$(Page::new(Method::$method, $path, Who::$who $((Act::$act))?, $handler)),*]
    };
}

/// Every page.
pub(super) fn pages() -> Vec<Page> {
    pages! {
        GET "/sign-in" Anyone enter::show_sign_in;
        POST "/sign-in" Anyone enter::sign_in;
        GET "/sign-in/code" Halfway enter::show_code;
        POST "/sign-in/code" Halfway enter::confirm_code;
        POST "/sign-out" Anyone enter::sign_out;
        POST "/language" Anyone enter::choose_language;
        GET "/demo/{token}" Anyone enter::sign_in_to_demo;
        GET "/setup" Anyone links::show_set_up;
        POST "/setup" Anyone links::set_up;
        GET "/invitation" Anyone links::show_invitation;
        POST "/invitation" Anyone links::accept_invitation;
        GET "/password" Anyone links::show_new_password;
        POST "/password" Anyone links::set_new_password;
        GET "/tenant" Person own::show_tenants;
        POST "/tenant" Person own::choose_tenant;
        GET "/account" Member own::show_account;
        POST "/account/preferences" Member own::set_preferences;
        POST "/account/password" Member own::change_password;
        POST "/account/totp" Member own::begin_totp;
        POST "/account/totp/confirm" Member own::confirm_totp;
        POST "/account/totp/end" Member own::end_totp;
        POST "/account/sessions/end" Member own::end_session;
        POST "/account/sessions/end-others" Member own::end_other_sessions;
        GET "/" Member desk::today;
        GET "/orders" May(ListOrders) desk::list_orders;
        POST "/orders/search" May(SeeOrders) desk::search_orders;
        POST "/orders/export" May(SeeOrders) export::export_orders;
        GET "/orders/{order_id}" May(SeeOrders) desk::show_order;
        GET "/orders/{order_id}/reports/{report_id}/content" May(SeeReports) content::give;
        GET "/orders/{order_id}/terminate" May(TerminateOrders) desk::ask_to_terminate;
        POST "/orders/{order_id}/terminate" May(TerminateOrders) desk::terminate;
        GET "/orders/{order_id}/withdraw" May(ReviewOrders) desk::ask_to_withdraw;
        POST "/orders/{order_id}/withdraw" May(ReviewOrders) desk::withdraw;
        GET "/review" May(ReviewOrders) desk::review_first;
        GET "/review/{order_id}" May(ReviewOrders) desk::review_one;
        POST "/review/{order_id}/approve" May(ReviewOrders) desk::approve;
        POST "/review/{order_id}/reject" May(ReviewOrders) desk::reject;
        POST "/review/{order_id}/withdraw" May(ReviewOrders) desk::withdraw_review;
    }
}

/// Who may see the page of a row; none for what is no page.
pub(super) fn find(method: &Method, path: &str) -> Option<Who> {
    static ROWS: LazyLock<Vec<(Method, &str, Who)>> = LazyLock::new(|| {
        pages().into_iter().map(|page| (page.method, page.path, page.who)).collect()
    });
    // A HEAD is a GET without the body.
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let found = ROWS.iter().find(|(known, at, _)| known == method && *at == path);
    found.map(|(_, _, who)| *who)
}

/// Method and path of every page, and who may see it: `anyone`, `halfway`, `person`, `member`, or the roles.
pub fn console_pages() -> Vec<(String, &'static str, String)> {
    let who = |who: Who| match who {
        Who::Anyone => "anyone".to_owned(),
        Who::Halfway => "halfway".to_owned(),
        Who::Person => "person".to_owned(),
        Who::Member => "member".to_owned(),
        Who::May(act) => {
            let roles: Vec<_> = act.roles().iter().map(|role| role.as_str()).collect();
            roles.join(" ")
        }
    };
    let pages = pages().into_iter();
    pages.map(|page| (page.method.to_string(), page.path, who(page.who))).collect()
}
