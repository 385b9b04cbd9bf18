/// The tenant of a token that names none.
pub const DEFAULT_TENANT: &str = "default";

const ADMIN_ROLE: &str = "admin";
/// Not `viewer`: applications call users of their own so.
const AUDITOR_ROLE: &str = "auditor";

/// Who a user's token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Claim `sub`, opaque. A number in the token is its decimal digits here.
    pub id: String,
    /// Claim `tenant`.
    pub tenant: String,
    /// Claims `role` and `roles`.
    pub roles: Vec<String>,
    /// Claim `email`.
    pub email: Option<String>,
    /// Claim `scope`.
    pub scopes: Vec<String>,
    /// Claim `jti`: names the token in a revocation.
    pub token_id: Option<String>,
    /// Claim `iat`, in Unix seconds.
    pub issued_at: Option<u64>,
    /// Claim `exp`, in Unix seconds.
    pub expires_at: Option<u64>,
}

impl User {
    /// Whether the user holds the role `admin`.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.roles.iter().any(|role| role == ADMIN_ROLE)
    }

    /// Whether the user holds the role `auditor`: reads all of the tenant, and changes nothing of others.
    #[must_use]
    pub fn is_auditor(&self) -> bool {
        self.roles.iter().any(|role| role == AUDITOR_ROLE)
    }

    /// The user that a development server takes a missing token for.
    #[must_use]
    pub fn dev() -> User {
        User {
            id: "dev".to_owned(),
            tenant: DEFAULT_TENANT.to_owned(),
            roles: vec![ADMIN_ROLE.to_owned()],
            email: None,
            scopes: Vec::new(),
            token_id: None,
            issued_at: None,
            expires_at: None,
        }
    }
}
