//! Who may do what: roles and acts, as one table. The operator sees no personal data. Source: product, section 8.

/// The part in which somebody calls.
pub use contract::control::KeyRole as Role;

/// The roles of one key: whatever one of them may do, it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// None at all: an actor that is no member of a tenant.
    pub const NONE: Roles = Roles(0);

    /// These roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Roles {
        Roles(roles.iter().fold(0, |all, role| all | bit(*role)))
    }

    /// The roles of a text as its `Display` writes it; None when one is unknown or there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Roles> {
        let roles: Vec<_> = text.split(' ').map(parse).collect::<Option<_>>()?;
        Some(Roles::of(&roles))
    }

    /// Those that are among both.
    #[must_use]
    pub fn and(self, others: Roles) -> Roles {
        Roles(self.0 & others.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them once.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.0 & bit(*role) != 0)
    }

    /// Whether one of them may do this.
    #[must_use]
    pub fn may(self, act: Act) -> bool {
        self.iter().any(|role| act.roles().contains(&role))
    }

    /// Whether they do this only to orders that they placed themselves.
    #[must_use]
    pub fn sees_own_orders_only(self, act: Act) -> bool {
        self.iter().all(|role| role == Role::Recruiter || !act.roles().contains(&role))
    }
}

impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, role) in self.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { " " }, role.as_str())?;
        }
        Ok(())
    }
}

fn parse(name: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == name)
}

const fn bit(role: Role) -> u8 {
    1 << role as u8
}

/// Makes the acts of a table: what each is, and the roles that may do it.
macro_rules! acts {
    ($($act:ident: $doc:literal, [$($role:ident)+];)+) => {
        /// What somebody wants to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Act {
            $(#[doc = $doc] $act),+
        }

        impl Act {
            /// Every act.
            pub const ALL: [Act; [$(Act::$act),+].len()] = [$(Act::$act),+];

            /// The roles that may do this.
            #[must_use]
            pub const fn roles(self) -> &'static [Role] {
                match self {
                    $(Act::$act => &[$(Role::$role),+]),+
                }
            }
        }
    };
}

acts! {
    ManageTenants: "Create tenants, and see that they exist.", [Operator];
    SeeTenant: "See one tenant's settings.",
        [Operator Admin Recruiter Approver PrivacyOfficer Auditor];
    ChangeTenant: "Change one tenant's settings.", [Operator Admin];
    ManageKeys: "Make, see, replace and revoke keys of a tenant.", [Admin];
    ManageOperatorKeys: "Make, see, replace and revoke the operator's keys.", [Operator];
    ManageApps: "Create, see, change and delete apps; send their events again.", [Operator];
    SeeGrants: "See what a tenant granted to apps, and what waits for its grant.", [Operator Admin];
    GrantApps: "Grant an app what was prepared for it, or take that back.", [Admin];
    SeeAccounts: "See a tenant's accounts and what can be ordered there.",
        [Operator Admin Recruiter Approver PrivacyOfficer Auditor];
    ManageAccounts: "Bind and unbind accounts.", [Operator Admin];
    PlaceOrders: "Place orders.", [Admin Recruiter];
    ListOrders: "See where orders stand: no personal data.",
        [Admin Recruiter Approver PrivacyOfficer Auditor];
    SeeOrders: "See an order with its form, stages and timeline.", [Admin Recruiter Approver];
    TerminateOrders: "End orders.", [Admin Recruiter];
    ReviewOrders: "Decide on returned results.", [Admin Approver];
    SeeReports: "See the results and reports of an order, and ask for reports again.",
        [Admin Approver];
    SeeEvents: "See events and the way of each to its app.", [Operator Admin Auditor];
    SeeExchanges: "See what a receiver answered to an event.", [Admin];
    ResendEvents: "Send events again.", [Operator Admin];
    CareForInstallation: "Check what is stored, and change the root key.", [Operator];
    SeePublicKey: "See the installation's public key.",
        [Operator Admin Recruiter Approver PrivacyOfficer Auditor];
    SeeOperatorAudit: "See the operator's audit chain.", [Operator];
    SeeAudit: "See a tenant's audit chain.", [Admin PrivacyOfficer Auditor];
    SeeViews: "See who looked at reports.", [Admin PrivacyOfficer Auditor];
    SeeManifests: "See manifests of reports: hashes and times, no content.",
        [Admin Approver PrivacyOfficer Auditor];
    SeeRetention: "See how long orders are stored, what holds them, what was and will be erased.",
        [Admin PrivacyOfficer Auditor];
    ManageRetention: "Change how long orders are stored, set and lift legal holds.",
        [Admin PrivacyOfficer];
    EraseOrders: "Erase orders by hand.", [Admin PrivacyOfficer];
    FindCandidates: "Find a person's orders, to erase them or to answer the person.",
        [Admin PrivacyOfficer];
    SeeUsers: "See who is in a tenant, and who is invited.", [Admin];
    ManageUsers: "Invite people, change their roles, suspend and remove them, end their sessions.", [Admin];
    ResetPasswords: "Give a person the address at which they set a new password.", [Operator Admin];
    ManageServiceAccounts: "Make, see, change and remove service accounts.", [Admin];
    ManageOperators: "Invite operators, suspend and remove them.", [Operator];
    SeeReasonTemplates: "See the reasons that can be chosen.", [Admin Recruiter Approver];
    ManageReasonTemplates: "Make, change and delete reasons that can be chosen.", [Admin];
    SwitchReturnedEvent: "Switch whether a vendor is notified of results that are sent back.", [Admin];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(role: Role, act: Act) -> bool {
        Roles::of(&[role]).may(act)
    }

    #[test]
    fn the_operator_sees_nothing_that_tells_about_a_person() {
        let seen: Vec<_> = Act::ALL.into_iter().filter(|act| may(Role::Operator, *act)).collect();
        let expected = [
            Act::ManageTenants,
            Act::SeeTenant,
            Act::ChangeTenant,
            Act::ManageOperatorKeys,
            Act::ManageApps,
            Act::SeeGrants,
            Act::SeeAccounts,
            Act::ManageAccounts,
            Act::SeeEvents,
            Act::ResendEvents,
            Act::CareForInstallation,
            Act::SeePublicKey,
            Act::SeeOperatorAudit,
            Act::ResetPasswords,
            Act::ManageOperators,
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_tenants_admin_may_do_everything_there_and_nothing_elsewhere() {
        for act in Act::ALL {
            let is_elsewhere = matches!(
                act,
                Act::ManageTenants
                    | Act::ManageOperatorKeys
                    | Act::ManageApps
                    | Act::CareForInstallation
                    | Act::SeeOperatorAudit
                    | Act::ManageOperators
            );
            assert_eq!(may(Role::Admin, act), !is_elsewhere, "{act:?}");
        }
    }

    #[test]
    fn seeing_an_order_does_not_imply_seeing_its_reports() {
        assert!(may(Role::Recruiter, Act::SeeOrders) && !may(Role::Recruiter, Act::SeeReports));
        assert!(may(Role::Auditor, Act::ListOrders) && !may(Role::Auditor, Act::SeeOrders));
        assert!(may(Role::Approver, Act::SeeReports));
        assert!(!may(Role::PrivacyOfficer, Act::SeeOrders));
    }

    #[test]
    fn several_roles_may_what_one_of_them_may() {
        let roles = Roles::parse("recruiter auditor").unwrap();
        assert!(roles.may(Act::PlaceOrders) && roles.may(Act::SeeAudit));
        assert!(!roles.may(Act::SeeReports));
        // The auditor lists every order, but sees into none.
        assert!(!roles.sees_own_orders_only(Act::ListOrders));
        assert!(roles.sees_own_orders_only(Act::SeeOrders));
        let admin = Roles::of(&[Role::Admin, Role::Auditor]);
        assert_eq!(roles.and(admin), Roles::of(&[Role::Auditor]));
        assert!(roles.and(Roles::NONE).is_empty() && !roles.is_empty());
        assert_eq!(roles.to_string(), "recruiter auditor");
        assert_eq!(Roles::parse("auditor recruiter"), Some(roles));
        for wrong in ["", " ", "admin ", "admin  auditor", "root", "admin root"] {
            assert_eq!(Roles::parse(wrong), None, "{wrong:?}");
        }
        for role in Role::ALL {
            assert_eq!(Roles::parse(role.as_str()), Some(Roles::of(&[role])));
        }
    }

    #[test]
    fn roles_are_found_by_their_names() {
        for role in Role::ALL {
            assert_eq!(parse(role.as_str()), Some(role));
        }
        assert_eq!(parse("root"), None);
    }
}
