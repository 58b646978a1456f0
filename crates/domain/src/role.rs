//! Who may do what: roles and acts, as one table of plain values.
//!
//! A role is a key's (later a user's) part in a tenant, or the operator's. What always holds: the operator sees
//! no personal data, and seeing where an order stands never implies seeing its results and
//! reports. Source: product, section 8.

/// The part in which somebody calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// 运维: runs the installation.
    Operator,
    /// Everything in its own tenant.
    Admin,
    /// Places orders, and sees where its own ones stand.
    Recruiter,
    /// Decides on returned results.
    Approver,
    /// Looks after retention and erasure.
    PrivacyOfficer,
    /// Reads what holds no personal data.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] = [
        Role::Operator,
        Role::Admin,
        Role::Recruiter,
        Role::Approver,
        Role::PrivacyOfficer,
        Role::Auditor,
    ];

    /// The role's name, as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Admin => "admin",
            Role::Recruiter => "recruiter",
            Role::Approver => "approver",
            Role::PrivacyOfficer => "privacy_officer",
            Role::Auditor => "auditor",
        }
    }

    /// The role of this name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether the role may do this at all; in its own tenant only, unless it is the operator.
    #[must_use]
    pub fn may(self, act: Act) -> bool {
        act.roles().contains(&self)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Whether only orders that it placed itself exist for this role.
    const fn sees_own_orders_only(self) -> bool {
        matches!(self, Role::Recruiter)
    }
}

/// The roles of one key: whatever one of them may do, it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// None at all: an actor that is no member of a tenant.
    pub const NONE: Roles = Roles(0);

    /// These roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Roles {
        Roles(roles.iter().fold(0, |all, role| all | role.bit()))
    }

    /// The roles of a text as its `Display` writes it; None when one is unknown or there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Roles> {
        let roles: Vec<_> = text.split(' ').map(Role::parse).collect::<Option<_>>()?;
        Some(Roles::of(&roles))
    }

    /// Each of them once.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.0 & role.bit() != 0)
    }

    /// Whether one of them may do this.
    #[must_use]
    pub fn may(self, act: Act) -> bool {
        self.iter().any(|role| role.may(act))
    }

    /// Whether they do this only to orders that they placed themselves.
    #[must_use]
    pub fn sees_own_orders_only(self, act: Act) -> bool {
        self.iter().filter(|role| role.may(act)).all(Role::sees_own_orders_only)
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

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Create tenants, and see that they exist.
    ManageTenants,
    /// See one tenant's settings.
    SeeTenant,
    /// Change one tenant's settings.
    ChangeTenant,
    /// Make, see, replace and revoke keys of a tenant.
    ManageKeys,
    /// Make, see, replace and revoke the operator's keys.
    ManageOperatorKeys,
    /// Create, see, change and delete apps; send their events again.
    ManageApps,
    /// See what a tenant granted to apps, and what waits for its grant.
    SeeGrants,
    /// Grant an app what was prepared for it, or take that back.
    GrantApps,
    /// See a tenant's accounts and what can be ordered there.
    SeeAccounts,
    /// Bind and unbind accounts.
    ManageAccounts,
    /// Place orders.
    PlaceOrders,
    /// See where orders stand: no personal data.
    ListOrders,
    /// See an order with its form, stages and timeline.
    SeeOrders,
    /// End orders.
    TerminateOrders,
    /// Decide on returned results.
    ReviewOrders,
    /// See the results and reports of an order, and ask for reports again.
    SeeReports,
    /// See events and the way of each to its app.
    SeeEvents,
    /// See what a receiver answered to an event.
    SeeExchanges,
    /// Send events again.
    ResendEvents,
    /// Check what is stored, and change the root key.
    CareForInstallation,
    /// See the installation's public key.
    SeePublicKey,
    /// See the operator's audit chain.
    SeeOperatorAudit,
    /// See a tenant's audit chain.
    SeeAudit,
    /// See who looked at reports.
    SeeViews,
    /// See manifests of reports: hashes and times, no content.
    SeeManifests,
    /// See how long orders are stored, what holds them, what was and will be erased.
    SeeRetention,
    /// Change how long orders are stored, set and lift legal holds.
    ManageRetention,
    /// Erase orders by hand.
    EraseOrders,
    /// Find a person's orders, to erase them or to answer the person.
    FindCandidates,
}

impl Act {
    /// Every act.
    pub const ALL: [Act; 29] = [
        Act::ManageTenants,
        Act::SeeTenant,
        Act::ChangeTenant,
        Act::ManageKeys,
        Act::ManageOperatorKeys,
        Act::ManageApps,
        Act::SeeGrants,
        Act::GrantApps,
        Act::SeeAccounts,
        Act::ManageAccounts,
        Act::PlaceOrders,
        Act::ListOrders,
        Act::SeeOrders,
        Act::TerminateOrders,
        Act::ReviewOrders,
        Act::SeeReports,
        Act::SeeEvents,
        Act::SeeExchanges,
        Act::ResendEvents,
        Act::CareForInstallation,
        Act::SeePublicKey,
        Act::SeeOperatorAudit,
        Act::SeeAudit,
        Act::SeeViews,
        Act::SeeManifests,
        Act::SeeRetention,
        Act::ManageRetention,
        Act::EraseOrders,
        Act::FindCandidates,
    ];

    /// The roles that may do this.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Admin, Approver, Auditor, Operator, PrivacyOfficer, Recruiter};
        match self {
            Act::ManageTenants
            | Act::ManageOperatorKeys
            | Act::ManageApps
            | Act::CareForInstallation
            | Act::SeeOperatorAudit => &[Operator],
            Act::ChangeTenant | Act::SeeGrants | Act::ManageAccounts | Act::ResendEvents => {
                &[Operator, Admin]
            }
            Act::SeeTenant | Act::SeeAccounts | Act::SeePublicKey => {
                &[Operator, Admin, Recruiter, Approver, PrivacyOfficer, Auditor]
            }
            Act::PlaceOrders | Act::TerminateOrders => &[Admin, Recruiter],
            Act::ListOrders => &[Admin, Recruiter, Approver, PrivacyOfficer, Auditor],
            Act::SeeOrders => &[Admin, Recruiter, Approver],
            Act::ReviewOrders | Act::SeeReports => &[Admin, Approver],
            Act::SeeEvents => &[Operator, Admin, Auditor],
            Act::SeeExchanges | Act::GrantApps | Act::ManageKeys => &[Admin],
            Act::SeeAudit | Act::SeeViews | Act::SeeRetention => &[Admin, PrivacyOfficer, Auditor],
            Act::SeeManifests => &[Admin, Approver, PrivacyOfficer, Auditor],
            Act::ManageRetention | Act::EraseOrders | Act::FindCandidates => {
                &[Admin, PrivacyOfficer]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_sees_nothing_that_tells_about_a_person() {
        let seen: Vec<_> = Act::ALL.into_iter().filter(|act| Role::Operator.may(*act)).collect();
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
            );
            assert_eq!(Role::Admin.may(act), !is_elsewhere, "{act:?}");
        }
    }

    #[test]
    fn seeing_an_order_does_not_imply_seeing_its_reports() {
        assert!(Role::Recruiter.may(Act::SeeOrders) && !Role::Recruiter.may(Act::SeeReports));
        assert!(Role::Auditor.may(Act::ListOrders) && !Role::Auditor.may(Act::SeeOrders));
        assert!(Role::Approver.may(Act::SeeReports));
        assert!(!Role::PrivacyOfficer.may(Act::SeeOrders));
    }

    #[test]
    fn several_roles_may_what_one_of_them_may() {
        let roles = Roles::parse("recruiter auditor").unwrap();
        assert!(roles.may(Act::PlaceOrders) && roles.may(Act::SeeAudit));
        assert!(!roles.may(Act::SeeReports));
        // The auditor lists every order, but sees into none.
        assert!(!roles.sees_own_orders_only(Act::ListOrders));
        assert!(roles.sees_own_orders_only(Act::SeeOrders));
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
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
