//! The operator's care for what is stored.

use contract::control::{CheckObjects, ObjectsChecked, RotateKeys, RotatedKeys};

use super::{Control, Error};

impl Control {
    /// Checks a part of the stored contents; `next_cursor` goes into the call for the next part. Needs the operator's key.
    pub async fn check_objects(&self, body: &CheckObjects) -> Result<ObjectsChecked, Error> {
        self.post(&["objects", "check"], body).await
    }

    /// Puts the next root key in force. Needs the operator's key.
    pub async fn rotate_keys(&self, body: &RotateKeys) -> Result<RotatedKeys, Error> {
        self.post(&["keys", "rotate"], body).await
    }
}
