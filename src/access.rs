//! The one place that says who may find and open what. Everything else asks here and gets a value it could not have made
//! itself: an [`Actor`] from a request, a loaded object or 404, an index scope, a right to read bytes.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result, say},
    id::{OfficeId, PersonId, PostId, SessionId, TokenId},
    office::Brief,
};

/// Roles of a post, as in `post.role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Clerk,
    Head,
    Archivist,
    OfficeAdmin,
    PlatformAdmin,
    Provisioner,
    Auditor,
}

impl Role {
    pub const ALL: [Role; 7] = [
        Role::Clerk,
        Role::Head,
        Role::Archivist,
        Role::OfficeAdmin,
        Role::PlatformAdmin,
        Role::Provisioner,
        Role::Auditor,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Clerk => "clerk",
            Role::Head => "head",
            Role::Archivist => "archivist",
            Role::OfficeAdmin => "office_admin",
            Role::PlatformAdmin => "platform_admin",
            Role::Provisioner => "provisioner",
            Role::Auditor => "auditor",
        }
    }

    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Regency roles stand outside every archive: they neither read nor write documents.
    pub fn is_regency(self) -> bool {
        matches!(self, Role::PlatformAdmin | Role::Provisioner | Role::Auditor)
    }
}

/// What a caller wants to do. Each route names exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Find, list and open what the office may see.
    Read,
    /// Bring in documents and versions.
    Upload,
    /// Edit details and trash documents.
    Edit,
    /// Make, change and revoke links and drops.
    Share,
    /// Lower a class from rahasia, release a link.
    Decide,
    /// Members, roles and tokens of the office.
    Members,
    /// The audit of the own office, or all of it for an auditor.
    Audit,
    /// Offices, jobs and health of the installation.
    Platform,
    /// First accounts of offices.
    Provision,
}

impl Act {
    pub const ALL: [Act; 9] = [
        Act::Read,
        Act::Upload,
        Act::Edit,
        Act::Share,
        Act::Decide,
        Act::Members,
        Act::Audit,
        Act::Platform,
        Act::Provision,
    ];
}

/// Scopes of an API token, as in `POST /api/v1/offices/{office}/tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    Read,
    Upload,
    Share,
    Manage,
}

impl TokenScope {
    pub const ALL: [TokenScope; 4] = [TokenScope::Read, TokenScope::Upload, TokenScope::Share, TokenScope::Manage];

    pub fn as_str(self) -> &'static str {
        match self {
            TokenScope::Read => "read",
            TokenScope::Upload => "upload",
            TokenScope::Share => "share",
            TokenScope::Manage => "manage",
        }
    }

    pub fn parse(text: &str) -> Option<TokenScope> {
        TokenScope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    fn allows(self, act: Act) -> bool {
        match self {
            TokenScope::Read => act == Act::Read,
            TokenScope::Upload => act == Act::Upload,
            TokenScope::Share => act == Act::Share,
            TokenScope::Manage => {
                matches!(act, Act::Edit | Act::Decide | Act::Members | Act::Audit | Act::Platform | Act::Provision)
            }
        }
    }
}

/// How the caller proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    Session(SessionId),
    Web(SessionId),
    Token { id: TokenId, scopes: Vec<TokenScope> },
}

/// A person acting in one post (or several roles of one office). Only `account::authenticate` makes one.
#[derive(Clone, Debug)]
pub struct Actor {
    person: PersonId,
    office: Brief,
    /// The office's number in the index.
    number: i64,
    /// What the office may keep, where it has a quota of its own.
    quota: Option<u64>,
    roles: Vec<Role>,
    posts: Vec<PostId>,
    via: Via,
}

impl Actor {
    pub(crate) fn new(
        person: PersonId,
        office: Brief,
        number: i64,
        quota: Option<u64>,
        roles: Vec<Role>,
        posts: Vec<PostId>,
        via: Via,
    ) -> Actor {
        Actor { person, office, number, quota, roles, posts, via }
    }

    pub fn person(&self) -> PersonId {
        self.person
    }

    pub fn office(&self) -> OfficeId {
        self.office.id
    }

    /// The office as answers show it.
    pub fn owner(&self) -> &Brief {
        &self.office
    }

    pub fn office_number(&self) -> i64 {
        self.number
    }

    /// As it was when the request came.
    pub fn office_quota(&self) -> Option<u64> {
        self.quota
    }

    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    pub fn posts(&self) -> &[PostId] {
        &self.posts
    }

    pub fn via(&self) -> &Via {
        &self.via
    }

    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    pub fn is_head(&self) -> bool {
        self.has(Role::Head)
    }

    /// Whether role and token scope both allow the act.
    pub fn may(&self, act: Act) -> bool {
        let by_scope = match &self.via {
            Via::Token { scopes, .. } => scopes.iter().any(|scope| scope.allows(act)),
            Via::Session(_) | Via::Web(_) => true,
        };
        by_scope && self.roles.iter().any(|role| role_may(*role, act))
    }

    pub fn must(&self, act: Act) -> Result<()> {
        if self.may(act) { Ok(()) } else { Err(not_your_role()) }
    }

    /// For what everybody may do for themselves and a token only with the scope `manage`.
    pub fn must_manage(&self) -> Result<()> {
        match &self.via {
            Via::Token { scopes, .. } if !scopes.contains(&TokenScope::Manage) => Err(not_your_role()),
            _ => Ok(()),
        }
    }
}

fn role_may(role: Role, act: Act) -> bool {
    match role {
        Role::Clerk => matches!(act, Act::Read | Act::Upload | Act::Edit | Act::Share),
        Role::Head => {
            matches!(act, Act::Read | Act::Upload | Act::Edit | Act::Share | Act::Decide | Act::Members | Act::Audit)
        }
        Role::Archivist => matches!(act, Act::Read | Act::Upload | Act::Edit),
        Role::OfficeAdmin => matches!(act, Act::Read | Act::Members | Act::Audit),
        Role::PlatformAdmin => matches!(act, Act::Platform),
        Role::Provisioner => matches!(act, Act::Provision),
        Role::Auditor => matches!(act, Act::Audit),
    }
}

fn not_your_role() -> Error {
    Error::forbidden(
        "not-your-role",
        say(
            "Jabatan atau token Anda tidak memuat tindakan ini. Minta admin kantor bila memang diperlukan.",
            "Your post or token does not include this act. Ask your office's admin if you need it.",
        ),
    )
}

/// What an actor's office may find and open, as a value for queries. Made only here, so that no query can be asked with
/// a scope that nobody holds.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    office: OfficeId,
    number: i64,
    head: bool,
}

impl Sight {
    pub fn office(&self) -> OfficeId {
        self.office
    }

    /// The office's number in the index.
    pub fn office_number(&self) -> i64 {
        self.number
    }

    /// `sangat_rahasia` is found by heads only.
    pub fn is_head(&self) -> bool {
        self.head
    }
}

impl Actor {
    /// Regency roles see no archive at all, so they have no sight: what they ask for does not exist.
    pub fn sight(&self) -> Option<Sight> {
        self.may(Act::Read).then_some(Sight { office: self.office.id, number: self.number, head: self.is_head() })
    }

    /// The same for acts that do not read: a token that may only upload still knows its own office's documents.
    pub fn sight_for(&self, act: Act) -> Option<Sight> {
        let in_archive = matches!(act, Act::Read | Act::Upload | Act::Edit | Act::Share | Act::Decide);
        (in_archive && self.may(act)).then_some(Sight {
            office: self.office.id,
            number: self.number,
            head: self.is_head(),
        })
    }
}

/// Why somebody may see a document; the first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The document is the office's own.
    Own,
    /// Received by letter or granted directly.
    Granted,
    /// Class `biasa`, opened to the regency.
    Reach,
    /// The office opened a link that gives the document whole, and that opening lasts.
    Opened,
    /// A link for named offices would open: title and the fact of a match only, until it is opened.
    Listed,
}
