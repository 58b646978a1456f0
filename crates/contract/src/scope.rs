//! The scopes of the background-check family. Source: contract, sections 3, 3.5, 4.1, 4.2 and 4.4.

use std::fmt;

/// Makes the scopes of a table: name on the wire, and what it is for.
macro_rules! scopes {
    ($($scope:ident = $name:literal: $doc:literal;)+) => {
        /// A right that a tenant grants to an app.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope {
            $(#[doc = $doc] $scope),+
        }

        impl Scope {
            /// All scopes, in reading order.
            pub const ALL: &'static [Self] = &[$(Self::$scope),+];

            /// The scope's name on the wire, as in `hire:background_check_order`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$scope => $name),+
                }
            }
        }
    };
}

scopes! {
    BackgroundCheckOrder = "hire:background_check_order":
        "更新招聘背调信息: all calls of the vendor; also reads orders.";
    BackgroundCheckOrderReadonly = "hire:background_check_order:readonly":
        "获取招聘背调信息: reads orders, subscribes to the events.";
    Exam = "hire:exam": "更新笔试信息: alternative for the account custom fields.";
    ExamReadonly = "hire:exam:readonly": "Alternative for the account-bound event.";
    UserEmployeeIdReadonly = "contact:user.employee_id:readonly":
        "Field scope: user ids of kind `user_id`.";
    TalentMobileReadonly = "hire:talent.mobile:readonly":
        "Field scope: a candidate's mobile number.";
    TalentEmailReadonly = "hire:talent.email:readonly":
        "Field scope: a candidate's e-mail address.";
    EmployeeMobileReadonly = "hire:employee.mobile:readonly":
        "Field scope: a client contact's mobile number.";
    EmployeeEmailReadonly = "hire:employee.email:readonly":
        "Field scope: a client contact's e-mail address.";
    ApplicationReadonly = "hire:application:readonly":
        "Subscribes to changes of an application's stage.";
    ExternalApplication = "hire:external_application": "Imports external background checks.";
    ExternalApplicationReadonly = "hire:external_application:readonly":
        "Reads external background checks.";
}

impl Scope {
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
