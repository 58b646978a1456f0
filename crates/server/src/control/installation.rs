//! The operator's care for the installation: `/storage`, `/objects/check`, `/keys/rotate`. What the calls do is in
//! `hub::quotas`, `hub::object_check` and `hub::root_key`.

use contract::control::{CheckObjects, ObjectsChecked, RotateKeys, RotatedKeys, Storage};
use hub::{object_check, quotas, root_key};

use super::answer::Json;
use super::auth::Call;
use super::failure::Failure;
use super::request::Command;

pub(super) async fn get_storage(call: Call) -> Result<Json<Storage>, Failure> {
    Ok(quotas::list(call.hub(), call.actor()).await?.into())
}

pub(super) async fn check_objects(
    call: Call,
    command: Command<CheckObjects>,
) -> Result<Json<ObjectsChecked>, Failure> {
    Ok(object_check::check(call.hub(), call.actor(), command.body).await?.into())
}

pub(super) async fn rotate_keys(
    call: Call,
    Command { body, key }: Command<RotateKeys>,
) -> Result<Json<RotatedKeys>, Failure> {
    Ok(root_key::rotate(call.hub(), call.actor(), body, key).await?.into())
}
