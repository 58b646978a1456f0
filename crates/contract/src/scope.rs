//! The scopes that an app can be granted, as far as the background-check family names them.
//!
//! Source: contract, sections 3, 3.5, 4.1, 4.2 and 4.4.

use std::fmt;

/// A right that a tenant grants to an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// 更新招聘背调信息: all calls of the vendor; also reads orders.
    BackgroundCheckOrder,
    /// 获取招聘背调信息: reads orders, subscribes to the events.
    BackgroundCheckOrderReadonly,
    /// 更新笔试信息: alternative for the account custom fields.
    Exam,
    /// Alternative for the account-bound event.
    ExamReadonly,
    /// Field scope: user ids of kind `user_id`.
    UserEmployeeIdReadonly,
    /// Field scope: a candidate's mobile number.
    TalentMobileReadonly,
    /// Field scope: a candidate's e-mail address.
    TalentEmailReadonly,
    /// Field scope: a client contact's mobile number.
    EmployeeMobileReadonly,
    /// Field scope: a client contact's e-mail address.
    EmployeeEmailReadonly,
    /// Subscribes to changes of an application's stage.
    ApplicationReadonly,
    /// Imports external background checks.
    ExternalApplication,
    /// Reads external background checks.
    ExternalApplicationReadonly,
}

impl Scope {
    /// All scopes, in reading order.
    pub const ALL: &'static [Self] = &[
        Self::BackgroundCheckOrder,
        Self::BackgroundCheckOrderReadonly,
        Self::Exam,
        Self::ExamReadonly,
        Self::UserEmployeeIdReadonly,
        Self::TalentMobileReadonly,
        Self::TalentEmailReadonly,
        Self::EmployeeMobileReadonly,
        Self::EmployeeEmailReadonly,
        Self::ApplicationReadonly,
        Self::ExternalApplication,
        Self::ExternalApplicationReadonly,
    ];

    /// The scope's name on the wire, as in `hire:background_check_order`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackgroundCheckOrder => "hire:background_check_order",
            Self::BackgroundCheckOrderReadonly => "hire:background_check_order:readonly",
            Self::Exam => "hire:exam",
            Self::ExamReadonly => "hire:exam:readonly",
            Self::UserEmployeeIdReadonly => "contact:user.employee_id:readonly",
            Self::TalentMobileReadonly => "hire:talent.mobile:readonly",
            Self::TalentEmailReadonly => "hire:talent.email:readonly",
            Self::EmployeeMobileReadonly => "hire:employee.mobile:readonly",
            Self::EmployeeEmailReadonly => "hire:employee.email:readonly",
            Self::ApplicationReadonly => "hire:application:readonly",
            Self::ExternalApplication => "hire:external_application",
            Self::ExternalApplicationReadonly => "hire:external_application:readonly",
        }
    }

    /// Finds the scope of a wire name; `None` when no scope has it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn every_scope_is_found_by_its_name() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(*scope));
        }
        for wrong in ["", "hire", "hire:Exam", "hire:exam ", "hire:background_check_order:"] {
            assert_eq!(Scope::parse(wrong), None, "{wrong}");
        }
    }
}
