//! Invitations: who is invited by an address that is good once and for 7 days, and joins by it.
//!
//! A new person chooses a name and a password. A person who is known accepts while signed in, and only as the one who was
//! invited: the address alone opens nobody's account.

use contract::control::{CreateInvitation, CreatedInvitation, Invitation, List, Page, ProblemCode};
use domain::people::{INVITATION_MS, OneTimeLinkKind};
use domain::{Act, Actor, Id, Role, Roles, UnixMs};
use store::audit::By;
use store::one_time_links::{Joined, OneTimeLink};
use store::tenants::Tenant;
use store::users::{NewUser, Profile};
use store::{Fault, FaultKind, IdempotencyKey, Saved, Store};

use crate::error::{authorize, validate};
use crate::idempotency::{self, Answer, Creation};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging, read_all};
use crate::passwords::Password;
use crate::sessions::{Origin, Session, SignedIn, new_session};
use crate::users::{Owner, fields, owner_id};
use crate::{Error, Hub, Input, one_time};

/// The path of the page that accepts, below the public address.
pub const PATH: &str = "/invitation";

/// An invitation as its holder sees it.
pub struct Offer {
    /// The mail address of who is invited.
    pub email: String,
    /// The tenant's shown name; none when they become an operator.
    pub tenant_name: Option<String>,
    /// What they may do.
    pub roles: Roles,
    /// Whether there is a person with the address: they accept while signed in.
    pub is_known: bool,
}

/// What a new person says.
pub struct NewPerson {
    /// Full name.
    pub name: String,
    /// A password.
    pub password: Password,
    /// The language of their pages; none for what the browser asks for.
    pub locale: Option<String>,
}

/// Who accepts.
pub enum Acceptance<'a> {
    /// Somebody new.
    New(NewPerson),
    /// Somebody who is signed in.
    Known(&'a Session),
}

/// Invites somebody to a tenant, or to the operators; the first answer alone holds the address.
///
/// Refuses with [`ProblemCode::Conflict`] the address of a member.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    input: Input<CreateInvitation>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<CreatedInvitation>, Error> {
    authorize(actor, owner.map_or(Act::ManageOperators, |_| Act::ManageUsers))?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (input, mut faults) = input.with_faults();
    faults.extend(fields::roles(owner, &input.roles));
    validate(faults)?;
    if let Some(user) = hub.store.find_user_by_mail(&input.email).await?
        && hub.store.find_member(owner_id(owner), user.user_id).await?.is_some()
    {
        let detail = "expected the mail address of somebody who is no member yet";
        return Err(Error::refused(ProblemCode::Conflict, detail));
    }
    let by = hub.by(actor);
    let (link, token, hash) = new_link(&hub.store, by, owner, &input);
    let url = one_time::address(hub, PATH, &token);
    let body = CreatedInvitation { invitation: view(&link)?, url };
    let creation = Creation::OneTimeLink(&hash, &link);
    idempotency::create(hub, by, creation, key, &body, &body.without_secret()).await
}

/// Invites an operator from the machine itself, when none can sign in any more; gives the address below the public one.
pub async fn create_for_operator(store: &Store, now: UnixMs, email: &str) -> Result<String, Error> {
    let input = CreateInvitation { email: email.to_owned(), roles: vec![Role::Operator] };
    let input = Input::from(input).valid()?;
    let (link, token, hash) = new_link(store, By::system(now), None, &input);
    store.create_one_time_link(By::system(now), &hash, &link, None).await?;
    Ok(one_time::below(PATH, &token))
}

fn new_link(
    store: &Store,
    by: By,
    owner: Owner<'_>,
    input: &CreateInvitation,
) -> (OneTimeLink, String, [u8; 32]) {
    let (token, hash) = one_time::new_token();
    let link = OneTimeLink {
        link_id: store.make_id(by.at),
        kind: OneTimeLinkKind::Invitation,
        tenant_id: owner_id(owner),
        user_id: None,
        roles: Roles::of(&input.roles).to_string(),
        email: input.email.trim().to_owned(),
        created_by: by.actor.owner,
        created_at: by.at,
        expires_at: by.at.plus_ms(INVITATION_MS),
        used_at: None,
        revoked_at: None,
    };
    (link, token, hash)
}

/// The invitations of the last 7 days, newest first, accepted and revoked ones included.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    list: Input<List>,
) -> Result<Page<Invitation>, Error> {
    authorize(actor, owner.map_or(Act::ManageOperators, |_| Act::SeeUsers))?;
    let paging = Paging::of_list(Of::Invitations, list)?;
    let (tenant_id, before) = (owner_id(owner), paging.before());
    let links = hub.store.list_invitations(tenant_id, before, paging.rows()).await?;
    read_all(paging.page(links, view, |last| [last.link_id.0]))
}

/// Takes an invitation back; a repeat is no error. Refuses with [`ProblemCode::IllegalState`] one that was accepted.
pub async fn revoke(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    invitation_id: Id,
) -> Result<(), Error> {
    authorize(actor, owner.map_or(Act::ManageOperators, |_| Act::ManageUsers))?;
    let tenant_id = owner_id(owner);
    if hub.store.revoke_invitation(hub.by(actor), tenant_id, invitation_id).await? == Saved::Done {
        return Ok(());
    }
    match hub.store.get_invitation(tenant_id, invitation_id).await? {
        None => Err(Error::NotFound),
        Some(link) if link.used_at.is_some() => Err(Error::refused(
            ProblemCode::IllegalState,
            "expected an invitation that nobody accepted: remove the member instead",
        )),
        Some(_) => Ok(()),
    }
}

/// What a token offers; none when it is not good, or not good any more.
pub async fn find(hub: &Hub, token: &str) -> Result<Option<Offer>, Error> {
    let found = one_time::find(hub, token, OneTimeLinkKind::Invitation).await?;
    let Some((link, _)) = found else { return Ok(None) };
    let tenant = match link.tenant_id {
        Some(tenant_id) => hub.store.find_tenant(tenant_id).await?,
        None => None,
    };
    let is_known = hub.store.find_user_by_mail(&link.email).await?.is_some();
    Ok(Some(Offer {
        roles: parse_roles(&link)?,
        tenant_name: tenant.map(|tenant: std::sync::Arc<Tenant>| tenant.name.clone()),
        email: link.email,
        is_known,
    }))
}

/// Joins by a token, which is used up. A new person is signed in; for a person who is signed in it gives none.
///
/// Refuses as [`Error::NotFound`] a token that is not good any more, with [`ProblemCode::Conflict`] a new person whose address
/// is known, somebody who is signed in as another person, and a member.
pub async fn accept(
    hub: &Hub,
    token: &str,
    acceptance: Acceptance<'_>,
    origin: Origin,
) -> Result<Option<SignedIn>, Error> {
    let found = one_time::find(hub, token, OneTimeLinkKind::Invitation).await?;
    let (link, hash) = found.ok_or(Error::NotFound)?;
    match acceptance {
        Acceptance::New(person) => join(hub, &link, &hash, person, origin).await.map(Some),
        Acceptance::Known(session) => join_known(hub, &link, &hash, session).await.map(|()| None),
    }
}

async fn join(
    hub: &Hub,
    link: &OneTimeLink,
    hash: &[u8; 32],
    person: NewPerson,
    origin: Origin,
) -> Result<SignedIn, Error> {
    let NewPerson { name, password, locale } = person;
    let mut faults = fields::person(&name, &link.email, locale.as_deref());
    faults.extend(fields::password(&password, &[&name, &link.email]));
    validate(faults)?;
    if hub.store.find_user_by_mail(&link.email).await?.is_some() {
        return Err(known());
    }
    let password_hash = hub.passwords.hash(password).await?;
    let at = hub.installation_clock.now();
    let user_id = hub.store.make_id(at);
    let profile = Profile { name, email: link.email.clone() };
    let user = NewUser { user_id, profile, password_hash, locale };
    let (session, signed_in) = new_session(hub, user_id, link.tenant_id, false, origin);
    let by = By { actor: Actor::user(user_id, Roles::NONE), at };
    joined(hub.store.join(by, hash, link, &user, &session).await?)?;
    Ok(signed_in)
}

async fn join_known(
    hub: &Hub,
    link: &OneTimeLink,
    hash: &[u8; 32],
    session: &Session,
) -> Result<(), Error> {
    session.is_beyond_totp()?;
    let invited = hub.store.find_user_by_mail(&link.email).await?;
    if invited.is_none_or(|invited| invited.user_id != session.user.user_id) {
        let detail =
            "expected the person who was invited: sign in with the address of the invitation";
        return Err(Error::refused(ProblemCode::Conflict, detail));
    }
    let by = hub.by(&session.actor);
    joined(hub.store.join_known(by, hash, link, session.user.user_id).await?)
}

fn joined(joined: Joined) -> Result<(), Error> {
    match joined {
        Joined::Done => Ok(()),
        Joined::LinkGone => Err(Error::NotFound),
        Joined::Known => Err(known()),
    }
}

fn known() -> Error {
    let detail = "expected somebody new: sign in to accept, if you are no member yet";
    Error::refused(ProblemCode::Conflict, detail)
}

fn parse_roles(link: &OneTimeLink) -> Result<Roles, Fault> {
    Roles::parse(&link.roles)
        .ok_or_else(|| Fault::new(FaultKind::Damaged, "an invitation's role is unknown"))
}

fn view(link: &OneTimeLink) -> Result<Invitation, Error> {
    Ok(Invitation {
        invitation_id: link.link_id.to_string(),
        email: link.email.clone(),
        roles: parse_roles(link)?.iter().collect(),
        created_at: rfc3339(link.created_at),
        expires_at: rfc3339(link.expires_at),
        accepted_at: link.used_at.map(rfc3339),
        revoked_at: link.revoked_at.map(rfc3339),
    })
}
