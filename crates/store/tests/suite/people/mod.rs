//! People, where they are, how they sign in, and what is left of them: what these tests share.

mod keys;
mod members;
mod places;
mod signing_in;

use domain::people::{INVITATION_MS, OneTimeLinkKind};
use domain::{Actor, Id, Roles, TenantId};
use store::Saved;
use store::audit::By;
use store::members::{Change, MemberChange};
use store::one_time_links::{Joined, OneTimeLink};
use store::sessions::{NewSession, Origin};
use store::tenants::Tenant;
use store::users::{NewUser, Profile, User};

use crate::support::*;

const PASSWORD: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA";

fn by(user_id: Id) -> By {
    By { actor: Actor::user(user_id, Roles::NONE), at: NOW }
}

fn profile(email: &str) -> Profile {
    Profile { name: "王小明".into(), email: email.into() }
}

fn new_user(world: &World, email: &str) -> NewUser {
    NewUser {
        user_id: world.store.make_id(NOW),
        profile: profile(email),
        password_hash: PASSWORD.into(),
        locale: None,
    }
}

fn session(world: &World, user_id: Id, number: u8) -> NewSession {
    NewSession {
        hash: [number; 32],
        session_id: world.store.make_id(NOW),
        user_id,
        tenant_id: None,
        awaits_totp: false,
        origin: Origin { address: "203.0.113.7".into(), client: "Firefox".into() },
        at: NOW,
    }
}

fn link(world: &World, tenant_id: Option<TenantId>, email: &str, roles: &str) -> OneTimeLink {
    OneTimeLink {
        link_id: world.store.make_id(NOW),
        kind: OneTimeLinkKind::Invitation,
        tenant_id,
        user_id: None,
        roles: roles.into(),
        email: email.into(),
        created_by: Id(1),
        created_at: NOW,
        expires_at: NOW.plus_ms(INVITATION_MS),
        used_at: None,
        revoked_at: None,
    }
}

async fn invite(world: &World, token: [u8; 32], link: &OneTimeLink) {
    let saved = world.store.create_one_time_link(BY, &token, link, None).await.unwrap();
    assert_eq!(saved, Saved::Done);
}

/// A person who joins the tenant, or the operators; numbers of one test differ.
pub(crate) async fn join(world: &World, tenant: Option<&Tenant>, number: u8, roles: &str) -> User {
    let email = format!("person-{number}@qiming.example");
    let link = link(world, tenant.map(|tenant| tenant.tenant_id), &email, roles);
    invite(world, [number; 32], &link).await;
    let user = new_user(world, &email);
    let session = session(world, user.user_id, number);
    let joined =
        world.store.join(by(user.user_id), &[number; 32], &link, &user, &session).await.unwrap();
    assert_eq!(joined, Joined::Done);
    world.store.find_user(user.user_id).await.unwrap().unwrap()
}

async fn audit(world: &World, tenant_id: TenantId) -> String {
    let entries = world.store.list_audit(tenant_id, 0, 1_000).await.unwrap();
    entries.into_iter().map(|entry| entry.line).collect::<Vec<_>>().join("\n")
}

async fn is_signed_in(world: &World, number: u8) -> bool {
    world.store.find_session(&[number; 32]).await.unwrap().is_some()
}

async fn with_totp(world: &World, tenant: &Tenant, codes: &[String]) -> User {
    let user = join(world, Some(tenant), 1, "recruiter").await;
    let (store, me) = (&world.store, user.user_id);
    assert_eq!(store.begin_totp(me, b"first").await.unwrap(), Saved::Done);
    assert_eq!(store.begin_totp(me, b"secret").await.unwrap(), Saved::Done);
    let confirm = async |secret: &'static [u8]| {
        store.confirm_totp(by(me), me, secret, 5, codes).await.unwrap()
    };
    assert_eq!(confirm(b"first").await, Saved::Outdated);
    assert_eq!(confirm(b"secret").await, Saved::Done);
    assert_eq!(confirm(b"secret").await, Saved::Outdated);
    assert_eq!(store.begin_totp(me, b"another").await.unwrap(), Saved::Outdated);
    store.find_user(me).await.unwrap().unwrap()
}

async fn change(world: &World, tenant: &Tenant, user: &User, change: Change<'_>) -> MemberChange {
    let tenant_id = Some(tenant.tenant_id);
    world.store.change_member(BY, tenant_id, user.user_id, "admin", change).await.unwrap()
}
