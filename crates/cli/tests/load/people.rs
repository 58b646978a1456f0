//! Somebody who is invited, joins on a page, signs in and is refused: what of it may be found nowhere.

use client::control::Control;
use contract::control::{CreateApiKey, CreateInvitation, CreateServiceAccount, KeyRole};
use reqwest::header::{ORIGIN, SET_COOKIE};

const EMAIL: &str = "canary.person@qiming.example";
const STRANGER: &str = "canary.stranger@qiming.example";
const PASSWORD: &str = "canary-lamp-quiet-river";
const WRONG: &str = "canary-wrong-password";

/// Comes and is refused; gives what it was called, and the texts that only hashes or seals of may stay.
pub(crate) async fn come(
    server: &str,
    hirer: &Control,
    tenant_key: &str,
) -> Vec<(&'static str, String)> {
    let body = CreateInvitation { email: EMAIL.to_owned(), roles: vec![KeyRole::Recruiter] };
    let invited = hirer.create_invitation(tenant_key, &body).await.unwrap();
    let name = "鸢尾人员王小明";
    let form = format!("name={name}&password={PASSWORD}");
    let joined = post(server, &invited.url, form).await;
    let first = cookie(&joined);
    let sign_in = format!("{server}/sign-in");
    let wrong = post(server, &sign_in, format!("email={EMAIL}&password={WRONG}")).await;
    assert_eq!(wrong.status(), 401);
    post(server, &sign_in, format!("email={STRANGER}&password={WRONG}")).await;
    let second =
        cookie(&post(server, &sign_in, format!("email={EMAIL}&password={PASSWORD}")).await);
    let user_id = hirer.list_users(tenant_key, &Default::default()).await.unwrap().items;
    let user_id = user_id[0].user_id.clone();
    let reset = hirer.reset_password(tenant_key, &user_id).await.unwrap();
    let service = CreateServiceAccount {
        name: "canary-service-account".to_owned(),
        description: "canary-service-purpose".to_owned(),
    };
    let service = hirer.create_service_account(tenant_key, &service).await.unwrap();
    let key = CreateApiKey {
        name: "canary-key-name".to_owned(),
        owner_id: Some(user_id),
        roles: vec![KeyRole::Recruiter],
        ..CreateApiKey::default()
    };
    let key = hirer.create_api_key(tenant_key, &key).await.unwrap();
    let token = |url: &str| url.split_once("?token=").unwrap().1.to_owned();
    vec![
        ("a person's mail address", EMAIL.to_owned()),
        ("a stranger's mail address", STRANGER.to_owned()),
        ("a person's name", name.to_owned()),
        ("a password", PASSWORD.to_owned()),
        ("a wrong password", WRONG.to_owned()),
        ("an invitation's token", token(&invited.url)),
        ("a reset's token", token(&reset.url)),
        ("a cookie", first),
        ("another cookie", second),
        ("a service account's name", service.name),
        ("a service account's purpose", service.description),
        ("a person's key", key.api_key),
        ("a key's name", key.key.name),
    ]
}

async fn post(server: &str, url: &str, form: String) -> reqwest::Response {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = http.post(url).header(ORIGIN, server).body(form);
    let kind = "application/x-www-form-urlencoded";
    request.header("content-type", kind).send().await.unwrap()
}

/// The value of the cookie that a sign-in gave.
fn cookie(response: &reqwest::Response) -> String {
    let cookies = response.headers().get_all(SET_COOKIE).iter();
    let mut values = cookies.filter_map(|cookie| {
        let (name, rest) = cookie.to_str().unwrap().split_once('=')?;
        let value = rest.split(';').next()?;
        (name.ends_with("probity") && value.len() == 43).then(|| value.to_owned())
    });
    values.next().expect("a sign-in gives a cookie")
}
