//! What a use case takes: a body or query whose own rules are checked on the way out, so that none is forgotten.

use contract::control::{FieldFault, Rules};

use crate::Error;
use crate::error::validate;

/// The input of a use case, not checked yet.
#[derive(Debug, Clone)]
pub struct Input<T>(T);

impl<T> From<T> for Input<T> {
    fn from(input: T) -> Input<T> {
        Input(input)
    }
}

impl<T: Rules> Input<T> {
    /// The input, whose rules hold. Refuses with all faults at once.
    pub fn valid(self) -> Result<T, Error> {
        validate(self.0.faults())?;
        Ok(self.0)
    }

    /// The input and its faults, for a use case that adds some.
    pub(crate) fn with_faults(self) -> (T, Vec<FieldFault>) {
        let faults = self.0.faults();
        (self.0, faults)
    }
}
