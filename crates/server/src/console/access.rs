//! Who may see a page: whether somebody is signed in, in which tenant, and whether their roles may.
//!
//! In this order: row in the table, session, second factor, tenant, role. A form that was sent when the session was over is
//! shown again after signing in, with what was typed.

use axum::extract::{FromRequest, MatchedPath, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::form_urlencoded;

use super::enter::{Onward, sign_in_page};
use super::form::Form;
use super::routes::{self, Who};
use super::session;
use super::stop::{Stop, render};
use super::visit::Visit;
use crate::app::SharedApp;

/// Lets a request pass, or answers with the page that says why not.
pub(super) async fn require_access(
    State(app): State<SharedApp>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let signed = match session::find(&app, &parts.headers).await {
        Ok(signed) => signed,
        Err(stop) => {
            let visit = Visit::new(&app, None, &parts);
            return stop.page(visit.plain_frame("".into()));
        }
    };
    let visit = Visit::new(&app, signed, &parts);
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let who = routes::find(&parts.method, path);
    let answer = match authorize(who, path, &visit) {
        Ok(()) => {
            if !parts.method.is_safe() {
                app.call_rate.call_came();
            }
            parts.extensions.insert(visit.clone());
            next.run(Request::from_parts(parts, body)).await
        }
        Err(Refusal::Stop(stop)) => stop.into_response(),
        Err(Refusal::Go(path)) => Redirect::to(path).into_response(),
        Err(Refusal::SignIn) => {
            ask_to_sign_in(&app, &visit, &parts, Request::from_parts(parts.clone(), body)).await
        }
    };
    fill(answer, &visit).await
}

/// Why a page is not shown.
enum Refusal {
    Stop(Stop),
    Go(&'static str),
    SignIn,
}

fn authorize(who: Option<Who>, path: &str, visit: &Visit) -> Result<(), Refusal> {
    let who = who.ok_or(Refusal::Stop(Stop::NotFound))?;
    if who == Who::Anyone {
        return Ok(());
    }
    let signed = visit.signed.as_deref().ok_or(Refusal::SignIn)?;
    match (who, signed.awaits_code) {
        (Who::Halfway, true) => return Ok(()),
        (Who::Halfway, false) => return Err(Refusal::Go("/")),
        (_, true) => return Err(Refusal::Go("/sign-in/code")),
        (_, false) => {}
    }
    match who {
        Who::Person => Ok(()),
        _ if signed.tenant.is_none() => Err(Refusal::Go("/tenant")),
        _ if signed.lacks_factor && !path.starts_with("/account") => Err(Refusal::Go("/account")),
        Who::May(act) if !visit.may(act) => Err(Refusal::Stop(Stop::Forbidden)),
        _ => Ok(()),
    }
}

/// The page where somebody signs in, to come back here afterwards.
async fn ask_to_sign_in(
    app: &SharedApp,
    visit: &Visit,
    parts: &Parts,
    request: Request,
) -> Response {
    if parts.method == Method::GET || parts.method == Method::HEAD {
        let then: String = form_urlencoded::byte_serialize(visit.path().as_bytes()).collect();
        let is_start = visit.path() == "/";
        let path = if is_start { "/sign-in".to_owned() } else { format!("/sign-in?then={then}") };
        return Redirect::to(&path).into_response();
    }
    match Form::from_request(request, app).await {
        Ok(form) => {
            let onward = Onward { then: visit.path(), typed: form.packed() };
            render(&sign_in_page(visit, &onward, true))
        }
        Err(stop) => stop.into_response(),
    }
}

/// Puts the page in that says why there is none.
async fn fill(mut answer: Response, visit: &Visit) -> Response {
    let Some(stop) = answer.extensions_mut().remove::<Stop>() else { return answer };
    let frame = match visit.frame("".into(), None).await {
        Ok(frame) => frame,
        Err(_) => visit.plain_frame("".into()),
    };
    stop.page(frame)
}
