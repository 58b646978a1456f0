//! Enums that are stored as numbers.

/// A number that stands for no variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found the number {found}")]
pub struct UnknownNumber {
    /// What the number should have stood for, in words.
    pub expected: &'static str,
    /// The number.
    pub found: i64,
}

/// Makes an enum of a table of variants, their numbers and what they mean; with `number` and `TryFrom<i64>`.
macro_rules! stored_as_number {
    (
        $(#[$attribute:meta])* $name:ident, $expected:literal;
        $($variant:ident = $number:literal: $doc:literal;)+
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $(#[doc = $doc] $variant = $number),+
        }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The number by which it is stored.
            #[must_use]
            pub const fn number(self) -> i64 {
                self as i64
            }
        }

        impl TryFrom<i64> for $name {
            type Error = $crate::stored::UnknownNumber;

            fn try_from(number: i64) -> Result<$name, $crate::stored::UnknownNumber> {
                let unknown =
                    $crate::stored::UnknownNumber { expected: $expected, found: number };
                let found = $name::ALL.iter().find(|variant| variant.number() == number);
                found.copied().ok_or(unknown)
            }
        }
    };
}

/// Converts an enum to one that has variants of the same names.
macro_rules! same_variants {
    ($from:ty => $to:ty: [$($variant:ident),+ $(,)?]) => {
        impl From<$from> for $to {
            fn from(value: $from) -> $to {
                match value {
                    $(<$from>::$variant => <$to>::$variant),+
                }
            }
        }
    };
}

pub(crate) use {same_variants, stored_as_number};
