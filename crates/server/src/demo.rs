//! What a demo has beside a server: people who joined without a browser, and links that sign in as each.
//!
//! A link is good for as long as the process runs, again and again. A server that is no demo has none, and answers their path
//! as any unknown one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hub::invitations::{self, Acceptance, NewPerson};
use hub::sessions::{self, Origin, SignIn, SignedIn};
use system::random;

use crate::app::App;

/// The path below which the links are; the token follows.
pub(crate) const PATH: &str = "/demo/{token}";
const TOKEN_LENGTH: usize = 24;

/// A person of a demo.
#[derive(Clone)]
pub struct Person {
    /// Full name.
    pub name: String,
    /// Mail address.
    pub email: String,
    password: String,
}

/// The links of a running demo: who signs in by each token.
#[derive(Default)]
pub(crate) struct SignInLinks(Mutex<HashMap<String, Person>>);

/// Accepts an invitation for a person, by its address, with a password that the process alone has.
pub async fn join(
    app: &App,
    invitation: &str,
    name: &str,
    email: &str,
    locale: &str,
) -> Result<Person, hub::Error> {
    let token = invitation.rsplit('=').next().unwrap_or_default();
    let password = random::secret_of(TOKEN_LENGTH);
    let person = NewPerson {
        name: name.to_owned(),
        password: password.clone().into(),
        locale: Some(locale.to_owned()),
    };
    invitations::accept(&app.hub, token, Acceptance::New(person), origin()).await?;
    Ok(Person { name: name.to_owned(), email: email.to_owned(), password })
}

/// A path of this server that signs in as the person.
pub fn sign_in_path(app: &App, person: &Person) -> String {
    let token = random::secret_of(TOKEN_LENGTH);
    let path = PATH.replace("{token}", &token);
    let mut links = app.sign_in_links.0.lock().unwrap_or_else(PoisonError::into_inner);
    links.insert(token, person.clone());
    path
}

/// Signs in by a link's token; none when it is none of a demo's.
pub(crate) async fn sign_in(
    app: &App,
    token: &str,
    origin: Origin,
    before: Option<&str>,
) -> Result<Option<SignedIn>, hub::Error> {
    let found = {
        let links = app.sign_in_links.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.get(token).cloned()
    };
    let Some(Person { email, password, .. }) = found else { return Ok(None) };
    let input = SignIn { email, password: password.into() };
    sessions::sign_in(&app.hub, input, origin, before).await.map(Some)
}

fn origin() -> Origin {
    Origin { address: "127.0.0.1".to_owned(), client: "demo".to_owned() }
}
