//! The state of an order as the open API numbers it. Source: contract, section 4.3; the product's section 3.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Makes the states of a table: number, name, name in Chinese, what it means.
macro_rules! statuses {
    ($($status:ident = $number:literal, $name:literal, $chinese:literal, $doc:literal;)+) => {
        /// An order's state on the wire; there is no 1 and no 7.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum OrderStatus {
            $(#[doc = concat!($number, " ", $chinese, ": ", $doc)] $status),+
        }

        impl OrderStatus {
            /// All states, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$status),+];

            /// The number in answers; filters take it as text.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$status => $number),+
                }
            }

            /// The name used in code, SQL and the control API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$status => $name),+
                }
            }

            /// The name shown to Chinese readers.
            pub const fn as_chinese(self) -> &'static str {
                match self {
                    $(Self::$status => $chinese),+
                }
            }
        }
    };
}

statuses! {
    Arranged = 2, "arranged", "已安排", "the vendor has been notified.";
    Completed = 3, "completed", "已完成", "final.";
    Terminated = 4, "terminated", "已终止", "ended by hirer or vendor.";
    InReview = 5, "in_review", "审批中", "a result waits for the review.";
    ReviewWithdrawn = 6, "review_withdrawn", "审批已撤回", "the review request was taken back.";
    Approved = 8, "approved", "审批通过", "only a value for filters and answers.";
    Rejected = 9, "rejected", "审批未通过", "the report was sent back.";
}

impl OrderStatus {
    /// Finds the state of a number; `None` when no state has it.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| u64::from(status.number()) == number)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for OrderStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for OrderStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| {
            serde::de::Error::custom(format_args!("expected an order status, came {number}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::OrderStatus;

    #[test]
    fn numbers_are_those_of_the_wire() {
        let numbers: Vec<u8> = OrderStatus::ALL.iter().map(|status| status.number()).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6, 8, 9]);
        for number in 0..=300 {
            let found = OrderStatus::from_number(number).map(|status| u64::from(status.number()));
            assert_eq!(found, [2, 3, 4, 5, 6, 8, 9].contains(&number).then_some(number));
        }
    }

    #[test]
    fn json_is_the_number() {
        for status in OrderStatus::ALL {
            let text = serde_json::to_string(status).unwrap();
            assert_eq!(text, status.number().to_string());
            assert_eq!(serde_json::from_str::<OrderStatus>(&text).unwrap(), *status);
        }
        assert!(serde_json::from_str::<OrderStatus>("7").is_err());
        assert!(serde_json::from_str::<OrderStatus>("\"2\"").is_err());
    }
}
