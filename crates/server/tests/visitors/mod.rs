//! People at the console: who joins by an invitation, signs in, and opens pages as a browser does.

#![allow(dead_code, reason = "every test file uses its own part")]

use contract::control::{CreateInvitation, CreatedInvitation, KeyRole};
use hub::{api_keys, invitations, tenants};
use reqwest::{Response, StatusCode};

use super::harness::{Hirer, World};

/// What everybody's password is.
pub(crate) const PASSWORD: &str = "velvet tundra obelisk";

/// Somebody with a browser.
pub(crate) struct Person<'w> {
    world: &'w World,
    pub(crate) email: String,
    /// `name=value` of the session's cookie; empty while nobody is signed in.
    pub(crate) cookie: String,
}

impl<'w> Person<'w> {
    /// Somebody who is not signed in.
    pub(crate) fn stranger(world: &'w World) -> Person<'w> {
        Person { world, email: String::new(), cookie: String::new() }
    }

    /// A new member of the tenant with these roles, signed in.
    pub(crate) async fn join(
        world: &'w World,
        hirer: &Hirer,
        name: &str,
        email: &str,
        roles: &[KeyRole],
    ) -> Person<'w> {
        let path = invite(world, hirer, email, roles).await;
        let mut person = Person { email: email.to_owned(), ..Person::stranger(world) };
        let answer = person.post(&path, &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
        person.take_cookie(&answer);
        person
    }

    /// The same person in another browser, not signed in yet.
    pub(crate) fn elsewhere(&self) -> Person<'w> {
        Person { email: self.email.clone(), ..Person::stranger(self.world) }
    }

    /// Signs in, to go on at the start.
    pub(crate) async fn sign_in(&mut self) -> Response {
        let email = self.email.clone();
        let answer = self.post("/sign-in", &[("email", &email), ("password", PASSWORD)]).await;
        self.take_cookie(&answer);
        answer
    }

    pub(crate) fn take_cookie(&mut self, answer: &Response) {
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.ask("GET", path).send().await.unwrap()
    }

    /// The text of a page that is there.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// Sends a form as a page of the server does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = self.ask("POST", path).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form.finish()).send().await.unwrap()
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.world.request(method, path, "");
        match self.cookie.is_empty() {
            true => request,
            false => request.header("cookie", &self.cookie),
        }
    }
}

/// The path of an invitation to the tenant.
pub(crate) async fn invite(world: &World, hirer: &Hirer, email: &str, roles: &[KeyRole]) -> String {
    let hub = &world.app.hub;
    let (admin, _) = api_keys::authenticate(hub, &hirer.key).await.unwrap().unwrap();
    let tenant = tenants::find(hub, hirer.tenant_id).await.unwrap();
    let body = CreateInvitation { email: email.to_owned(), roles: roles.to_vec() };
    let answer = invitations::create(hub, &admin, Some(&tenant), body.into(), None).await.unwrap();
    let created: CreatedInvitation = serde_json::from_slice(&answer.json).unwrap();
    let at = created.url.find("/invitation").unwrap();
    created.url[at..].to_owned()
}
