//! Pages behind one-time links: the first set-up, an invitation, a new password. A link that is not good any more is no page.

use axum::response::Response;
use hub::invitations::{self, Acceptance, NewPerson, Offer};
use hub::sessions::SignedIn;
use hub::setup::{self, SetUp};
use hub::users;

use super::form::Form;
use super::own::{faults, with_session};
use super::pieces::{Action, Field, FieldKind, Look, Text, To};
use super::plain::PlainPage;
use super::session::Asker;
use super::stop::{Stop, render};
use super::visit::Visit;
use super::words::Words;

/// The member of the address that holds the link's secret.
const TOKEN: &str = "token";

fn token(visit: &Visit) -> String {
    visit.query(TOKEN).unwrap_or_default()
}

fn name(w: Words) -> Field {
    Field::new(w, "name", w.t("name"), FieldKind::Text)
}

fn password(w: Words) -> Field {
    let kind = FieldKind::Password { is_new: true };
    Field { hint: w.t("password-hint"), ..Field::new(w, "password", w.t("password"), kind) }
}

/// The page with what was typed, and with its faults.
fn filled(
    visit: &Visit,
    mut page: PlainPage,
    form: &Form,
    error: hub::Error,
) -> Result<Response, Stop> {
    let names = [("new_password", "password")];
    let faults = faults(visit, error, &names, "password")?;
    for field in &mut page.fields {
        if !matches!(field.kind, FieldKind::Password { .. }) {
            field.value = form.text(field.name);
        }
    }
    Ok(render(&page.with_faults(visit.w.t("form-has-faults"), &faults)))
}

/// The language in which somebody made themselves known is theirs from then on.
fn locale(visit: &Visit) -> Option<String> {
    Some(visit.w.language.tag().to_owned())
}

fn begun(visit: &Visit, signed_in: &SignedIn) -> Response {
    with_session(visit, signed_in, "/")
}

pub(super) async fn show_set_up(visit: Visit) -> Result<Response, Stop> {
    match setup::is_open(visit.hub(), &token(&visit)).await? {
        true => Ok(render(&set_up_page(&visit))),
        false => Err(Stop::LinkOver),
    }
}

fn set_up_page(visit: &Visit) -> PlainPage {
    let w = visit.w;
    let frame = visit.plain_frame(w.t("set-up"));
    let mut page = PlainPage::new(frame, w.t("set-up-why"), visit.path());
    page.fields = vec![
        Field {
            hint: w.t("tenant-name-hint"),
            is_required: false,
            is_first: true,
            ..Field::new(w, "tenant_name", w.t("tenant-name"), FieldKind::Text)
        },
        name(w),
        Field::new(w, "email", w.t("email"), FieldKind::Email),
        password(w),
    ];
    page.button = Some(w.t("set-up-do"));
    page
}

pub(super) async fn set_up(
    visit: Visit,
    Asker(origin): Asker,
    form: Form,
) -> Result<Response, Stop> {
    let input = SetUp {
        tenant_name: Some(form.word("tenant_name")).filter(|name| !name.is_empty()),
        name: form.word("name"),
        email: form.word("email"),
        password: form.text("password").into(),
        locale: locale(&visit),
    };
    match setup::complete(visit.hub(), &token(&visit), input, origin).await {
        Ok(signed_in) => Ok(begun(&visit, &signed_in)),
        Err(hub::Error::NotFound) => Err(Stop::LinkOver),
        Err(error) => filled(&visit, set_up_page(&visit), &form, error),
    }
}

pub(super) async fn show_invitation(visit: Visit) -> Result<Response, Stop> {
    let offer = invitations::find(visit.hub(), &token(&visit)).await?.ok_or(Stop::LinkOver)?;
    Ok(render(&invitation_page(&visit, &offer)))
}

fn invitation_page(visit: &Visit, offer: &Offer) -> PlainPage {
    let w = visit.w;
    let tenant = offer.tenant_name.clone().unwrap_or_else(|| w.t("the-operators").into_owned());
    let frame = visit.plain_frame(w.t("invitation"));
    let text = w.with("invitation-why", [("tenant", &*tenant), ("email", &*offer.email)]);
    let mut page = PlainPage::new(frame, text.into(), visit.path());
    match (offer.is_known, &visit.signed) {
        (false, _) => {
            page.fields = vec![Field { is_first: true, ..name(w) }, password(w)];
            page.button = Some(w.t("join"));
        }
        (true, Some(_)) => page.button = Some(w.t("join")),
        (true, None) => page.below.push(to_sign_in(w, &visit.path())),
    }
    page
}

fn to_sign_in(w: Words, then: &str) -> Action {
    let then: String = url::form_urlencoded::byte_serialize(then.as_bytes()).collect();
    let to = To::Page(format!("/sign-in?then={then}"));
    Action { label: w.t("sign-in-to-join"), to, look: Look::Primary }
}

pub(super) async fn accept_invitation(
    visit: Visit,
    Asker(origin): Asker,
    form: Form,
) -> Result<Response, Stop> {
    let token = token(&visit);
    let offer = invitations::find(visit.hub(), &token).await?.ok_or(Stop::LinkOver)?;
    let acceptance = match (offer.is_known, &visit.signed) {
        (true, Some(signed)) => Acceptance::Known(&signed.session),
        _ => Acceptance::New(NewPerson {
            name: form.word("name"),
            password: form.text("password").into(),
            locale: locale(&visit),
        }),
    };
    match invitations::accept(visit.hub(), &token, acceptance, origin).await {
        Ok(Some(signed_in)) => Ok(begun(&visit, &signed_in)),
        Ok(None) => Err(Stop::See("/".to_owned())),
        Err(hub::Error::NotFound) => Err(Stop::LinkOver),
        Err(error) => filled(&visit, invitation_page(&visit, &offer), &form, error),
    }
}

pub(super) async fn show_new_password(visit: Visit) -> Result<Response, Stop> {
    let reset = users::find_reset(visit.hub(), &token(&visit)).await?.ok_or(Stop::LinkOver)?;
    Ok(render(&password_page(&visit, &reset.email)))
}

fn password_page(visit: &Visit, email: &str) -> PlainPage {
    let w = visit.w;
    let frame = visit.plain_frame(w.t("new-password"));
    let text: Text = w.of_it("new-password-why", email).into();
    let mut page = PlainPage::new(frame, text, visit.path());
    page.fields = vec![Field { is_first: true, ..password(w) }];
    page.button = Some(w.t("save"));
    page
}

pub(super) async fn set_new_password(
    visit: Visit,
    Asker(origin): Asker,
    form: Form,
) -> Result<Response, Stop> {
    let token = token(&visit);
    let reset = users::find_reset(visit.hub(), &token).await?.ok_or(Stop::LinkOver)?;
    let password = form.text("password").into();
    match users::reset_password(visit.hub(), &token, password, origin).await {
        Ok(signed_in) => Ok(begun(&visit, &signed_in)),
        Err(hub::Error::NotFound) => Err(Stop::LinkOver),
        Err(error) => filled(&visit, password_page(&visit, &reset.email), &form, error),
    }
}
