//! The console: pages for the people of a tenant, made on the server; every action is a link or a form, and works without
//! script.
//!
//! A request finds its row in `routes.rs`, which says who may; its session is looked up (`session.rs`); the handler calls
//! the use case that the control API calls, and a typed template shows what it gives. What always holds: nobody reaches a page
//! of a tenant without a session and a role that may; a post that another site sent is refused (`guard.rs`); no page is stored
//! on its way; no script, style or picture comes from elsewhere. Source: product, sections 7 and 8.
//!
//! To add a page: a view and its template of the pieces in `pieces.rs`, a handler, a row in the table, its words in both
//! catalogues, samples for the tests.

mod access;
mod account;
mod assets;
mod confirm;
mod content;
mod cookie;
mod desk;
mod enter;
mod export;
mod faults;
mod form;
mod frame;
mod guard;
mod lines;
mod links;
mod moment;
mod order;
mod orders;
mod own;
mod pieces;
mod plain;
mod program;
mod report;
mod review;
mod routes;
mod session;
mod states;
mod stop;
#[cfg(any(debug_assertions, test))]
mod styleguide;
mod today;
mod visit;
mod words;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::get;

use crate::app::SharedApp;

pub use routes::console_pages;

/// The pages, and what belongs to them.
pub(crate) fn routes(app: &SharedApp) -> Router<SharedApp> {
    let pages = routes::pages()
        .into_iter()
        .fold(Router::new(), |router, page| router.route(page.path, page.serve))
        .route_layer(from_fn_with_state(SharedApp::clone(app), access::require_access));
    #[cfg(debug_assertions)]
    let pages = pages.route("/styleguide", get(styleguide::show));
    pages
        .layer(map_response(guard::guard_page))
        .layer(from_fn(guard::refuse_other_sites))
        .route("/assets/{name}", get(assets::serve))
}
