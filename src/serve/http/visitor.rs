//! Who asks: the owner of a loopback listener, a user with a session, or a user's token.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use super::app::App;
use super::problem::Problem;
use super::sessions::Holder;
use crate::access::Scope;
use crate::error::Error;
use crate::query::rights::Viewer;

/// The cookie of a session.
pub const COOKIE: &str = "casebook_session";
/// The same where browsers come by TLS: one that no other site of the domain can set.
pub const SECURE_COOKIE: &str = "__Host-casebook_session";

/// Who asks, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub viewer: Viewer,
    /// Whether figures may be read.
    pub may_read: bool,
    /// Whether events may be sent.
    pub may_ingest: bool,
    /// Whether they came by a session, which can be ended.
    pub has_session: bool,
    /// The state of the facts when they asked: what is shown is of that one or a later one.
    pub version: u64,
}

/// What a request shows of who asks.
#[derive(Clone, Debug)]
enum Shown {
    Visitor(Visitor),
    /// A token or a session that is not known, or no longer.
    Unknown(&'static str),
    /// A user who may do nothing, and why.
    Powerless(String),
    Nothing,
}

impl Visitor {
    /// The person who runs the process on their own files.
    const OWNER: Visitor =
        Visitor { viewer: Viewer::Owner, may_read: true, may_ingest: true, has_session: false, version: 0 };

    /// What the visitor is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.viewer {
            Viewer::Owner => "owner",
            Viewer::User(user) => user,
        }
    }
}

/// Finds out who asks, for everything that comes after.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match shown(&app, request.headers()) {
        Ok(shown) => {
            let version = app.engine.state().version;
            let shown = match with_rights(&app, shown).await {
                Shown::Visitor(visitor) => Shown::Visitor(Visitor { version, ..visitor }),
                other => other,
            };
            request.extensions_mut().insert(shown);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn shown(app: &App, headers: &HeaderMap) -> Result<Shown, Problem> {
    let Some(file) = &app.access else { return Ok(Shown::Visitor(Visitor::OWNER)) };
    let missing = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the credentials of this process are gone");
    let access = file.current().map_err(Problem::from)?.ok_or_else(missing)?;
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let grant = token.and_then(|token| access.verify_token(token.trim(), app.engine.now()));
        let visitor = grant.map(|grant| Visitor {
            viewer: Viewer::User(grant.user),
            may_read: grant.scopes.has(Scope::Read),
            may_ingest: grant.scopes.has(Scope::Ingest),
            has_session: false,
            version: 0,
        });
        return Ok(visitor.map_or(Shown::Unknown("the token is not valid"), Shown::Visitor));
    }
    let cookies = CookieJar::from_headers(headers);
    let Some(cookie) = cookies.get(cookie_name(app)) else { return Ok(Shown::Nothing) };
    // A session counts no longer than the password with which it began.
    let holder = app.sessions.holder(cookie.value(), app.engine.now());
    let is_good = |holder: &Holder| access.password_stamp(&holder.user) == Some(holder.credential);
    let user = holder.filter(is_good).map(|holder| holder.user);
    let visitor =
        user.map(|user| Visitor { viewer: Viewer::User(user), may_ingest: false, has_session: true, ..Visitor::OWNER });
    Ok(visitor.map_or(Shown::Nothing, Shown::Visitor))
}

/// A user whom the log does not know, or whose role is `none`, may do nothing.
async fn with_rights(app: &App, shown: Shown) -> Shown {
    let Shown::Visitor(visitor) = &shown else { return shown };
    match app.engine.seen_by(&visitor.viewer).await {
        // The first events of a log, which may be those of its users, are sent by a user whom it cannot know.
        Err(Error::Refused { .. }) if visitor.may_ingest && app.engine.state().has_no_users().await => shown,
        Err(error @ Error::Refused { .. }) => Shown::Powerless(error.to_string()),
        // Other errors are those of the question that comes next.
        _ => shown,
    }
}

/// The name of the cookie of a session.
#[must_use]
pub fn cookie_name(app: &App) -> &'static str {
    if app.is_secure { SECURE_COOKIE } else { COOKIE }
}

/// The visitor, where there may be none.
fn of_parts(parts: &Parts) -> Result<Visitor, Problem> {
    match parts.extensions.get::<Shown>() {
        Some(Shown::Visitor(visitor)) => Ok(visitor.clone()),
        Some(Shown::Powerless(why)) => Err(Problem::forbidden(why.as_str())),
        Some(Shown::Unknown(why)) => Err(Problem::new(StatusCode::UNAUTHORIZED, *why)),
        Some(Shown::Nothing) | None => Err(Problem::new(StatusCode::UNAUTHORIZED, "a token is needed")
            .with_hint("`casebook access token USER` makes one; send it as `Authorization: Bearer TOKEN`")),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor, Problem> {
        let visitor = of_parts(parts)?;
        match visitor.may_read {
            true => Ok(visitor),
            false => Err(Problem::forbidden("the token may not read: its scope is `ingest` alone")),
        }
    }
}

/// A visitor who may send events.
#[derive(Clone, Debug)]
pub struct Sender(pub Visitor);

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Sender, Problem> {
        let visitor = of_parts(parts)?;
        match visitor.may_ingest {
            true => Ok(Sender(visitor)),
            false => Err(Problem::forbidden("events need a token with the scope `ingest`")),
        }
    }
}
