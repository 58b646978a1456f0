//! People for tests: who is invited, joins and signs in, by the use cases that pages call.

#![allow(dead_code, reason = "every test file uses its own part")]

use aws_lc_rs::hmac;
use contract::control::{CreateInvitation, KeyRole};
use domain::{Id, UnixMs};
use hub::invitations::{Acceptance, NewPerson};
use hub::passwords::Password;
use hub::sessions::{Origin, Session, SessionState, SignIn, SignedIn};
use hub::{Error, Hub, invitations, sessions};

use super::harness::{Hirer, World};

/// A password that is good for everybody.
pub(crate) const PASSWORD: &str = "lamp-quiet-river-9";

/// Somebody who joined.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) user_id: Id,
    pub(crate) email: String,
    pub(crate) cookie: String,
}

pub(crate) fn password(text: &str) -> Password {
    text.to_owned().into()
}

/// From somewhere.
pub(crate) fn origin() -> Origin {
    from("203.0.113.7")
}

pub(crate) fn from(address: &str) -> Origin {
    Origin { address: address.to_owned(), client: "Firefox".to_owned() }
}

/// Lets time pass.
pub(crate) fn advance(world: &World, ms: i64) {
    world.clock.advance_ms(ms.unsigned_abs());
}

/// The token of an address.
pub(crate) fn token(address: &str) -> String {
    address.split_once("?token=").unwrap().1.to_owned()
}

/// The token of an invitation to the tenant, with these roles.
pub(crate) async fn invite(hirer: &Hirer, email: &str, roles: &[KeyRole]) -> String {
    let body = CreateInvitation { email: email.to_owned(), roles: roles.to_vec() };
    let created = hirer.control.create_invitation(&hirer.tenant_key, &body).await.unwrap();
    token(&created.url)
}

pub(crate) fn new_person(name: &str) -> NewPerson {
    NewPerson { name: name.to_owned(), password: password(PASSWORD), locale: None }
}

/// Somebody new in the tenant, who is signed in.
pub(crate) async fn join(world: &World, hirer: &Hirer, email: &str, roles: &[KeyRole]) -> Person {
    let token = invite(hirer, email, roles).await;
    let acceptance = Acceptance::New(new_person("王小明"));
    let hub = &world.app.hub;
    let signed_in = invitations::accept(hub, &token, acceptance, origin()).await.unwrap().unwrap();
    let session = session(hub, &signed_in).await;
    Person {
        user_id: session.user.user_id,
        email: email.to_owned(),
        cookie: signed_in.cookie_value,
    }
}

/// Somebody who is in a tenant joins one more.
pub(crate) async fn join_too(world: &World, hirer: &Hirer, person: &Person, roles: &[KeyRole]) {
    let token = invite(hirer, &person.email, roles).await;
    let session = of(world, &person.cookie).await;
    let acceptance = Acceptance::Known(&session);
    invitations::accept(&world.app.hub, &token, acceptance, origin()).await.unwrap();
}

/// The session of what was just signed in.
pub(crate) async fn session(hub: &Hub, signed_in: &SignedIn) -> Session {
    sessions::authenticate(hub, &signed_in.cookie_value).await.unwrap().unwrap()
}

/// The session of a cookie that is good.
pub(crate) async fn of(world: &World, cookie: &str) -> Session {
    sessions::authenticate(&world.app.hub, cookie).await.unwrap().unwrap()
}

/// Whether the cookie is good for anything.
pub(crate) async fn is_signed_in(world: &World, cookie: &str) -> bool {
    let found = sessions::authenticate(&world.app.hub, cookie).await.unwrap();
    found.is_some_and(|session| session.state != SessionState::AwaitsTotp)
}

pub(crate) async fn sign_in(
    world: &World,
    email: &str,
    text: &str,
    origin: Origin,
) -> Result<SignedIn, Error> {
    let input = SignIn { email: email.to_owned(), password: password(text) };
    sessions::sign_in(&world.app.hub, input, origin, None).await
}

/// The code of a secret, as its program would show it.
pub(crate) fn code(secret: &str, now: UnixMs) -> String {
    let mut bits = String::new();
    for letter in secret.bytes() {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        bits += &format!("{value:05b}");
    }
    let bytes = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap());
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes.collect::<Vec<_>>());
    let tag = hmac::sign(&key, &(now.0 / 30_000).to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The problem's code of a refusal.
pub(crate) fn refusal(error: Error) -> &'static str {
    match error {
        Error::NotFound => "not_found",
        Error::Refused(code, _) => code.as_str(),
        Error::Invalid(_) => "validation_failed",
        Error::TooSoon(_) => "rate_limited",
        other => panic!("expected a refusal, came {other}"),
    }
}

/// The members that are at fault.
pub(crate) fn fields(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(faults) => faults.into_iter().map(|fault| fault.field).collect(),
        other => panic!("expected faults of members, came {other}"),
    }
}

/// The lines of the tenant's audit chain.
pub(crate) async fn audit(world: &World, hirer: &Hirer) -> String {
    let entries = world.app.hub.store.list_audit(hirer.tenant_id, 0, 1_000).await.unwrap();
    entries.into_iter().map(|entry| entry.line).collect::<Vec<_>>().join("\n")
}
