//! The operator's care for what is stored.

use contract::control::{CheckObjects, ObjectsChecked, RotateKeys, RotatedKeys};

calls! {
    /// Checks a part of the stored contents; `next_cursor` goes into the call for the next part. Needs the operator's key.
    pub async fn check_objects(body: &CheckObjects) -> ObjectsChecked =
        post(["objects", "check"], body);
    /// Puts the next root key in force. Needs the operator's key.
    pub async fn rotate_keys(body: &RotateKeys) -> RotatedKeys = post(["keys", "rotate"], body);
}
