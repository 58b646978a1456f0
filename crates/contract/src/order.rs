//! The state of an order as the open API numbers it.
//!
//! Source: contract, section 4.3; the product's section 3.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An order's state on the wire; there is no 1 and no 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// 2 已安排: the vendor has been notified.
    Arranged,
    /// 3 已完成: final.
    Completed,
    /// 4 已终止: ended by hirer or vendor.
    Terminated,
    /// 5 审批中: a result waits for the review.
    InReview,
    /// 6 审批已撤回: the review request was taken back.
    ReviewWithdrawn,
    /// 8 审批通过: only a value for filters and answers.
    Approved,
    /// 9 审批未通过: the report was sent back.
    Rejected,
}

impl OrderStatus {
    /// All states, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Arranged,
        Self::Completed,
        Self::Terminated,
        Self::InReview,
        Self::ReviewWithdrawn,
        Self::Approved,
        Self::Rejected,
    ];

    /// The number in answers; filters take it as text.
    pub const fn number(self) -> u8 {
        match self {
            Self::Arranged => 2,
            Self::Completed => 3,
            Self::Terminated => 4,
            Self::InReview => 5,
            Self::ReviewWithdrawn => 6,
            Self::Approved => 8,
            Self::Rejected => 9,
        }
    }

    /// Finds the state of a number; `None` when no state has it.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| u64::from(status.number()) == number)
    }

    /// The name used in code, SQL and the control API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arranged => "arranged",
            Self::Completed => "completed",
            Self::Terminated => "terminated",
            Self::InReview => "in_review",
            Self::ReviewWithdrawn => "review_withdrawn",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// The name shown to Chinese readers.
    pub const fn as_chinese(self) -> &'static str {
        match self {
            Self::Arranged => "已安排",
            Self::Completed => "已完成",
            Self::Terminated => "已终止",
            Self::InReview => "审批中",
            Self::ReviewWithdrawn => "审批已撤回",
            Self::Approved => "审批通过",
            Self::Rejected => "审批未通过",
        }
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
