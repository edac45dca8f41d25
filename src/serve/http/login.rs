//! Logging in and out.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use maud::{Markup, html};
use serde::Deserialize;

use super::app::App;
use super::params::Params;
use super::problem::Problem;
use super::site;
use super::visitor::cookie_name;
use crate::access::{AccessFile, PasswordStamp};
use crate::serve::attempts::TooMany;

/// The routes of this file.
pub fn routes() -> Router<App> {
    let routes = Router::new().route("/login", get(form).post(log_in)).route("/logout", post(log_out));
    // Who sends these is not known yet.
    routes.layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
}

/// Bytes of the form.
const FORM_BYTES_MAX: usize = 16 << 10;

/// What is typed to log in.
#[derive(Deserialize)]
struct Typed {
    user: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn form(State(app): State<App>, params: Params) -> Result<Response, Problem> {
    if app.access.is_none() {
        return Ok(Redirect::to("/").into_response());
    }
    Ok(page(params.one("next")?.unwrap_or_default(), None).into_response())
}

async fn log_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    cookies: CookieJar,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let Some(file) = &app.access else { return Ok(Redirect::to("/").into_response()) };
    let address = address(&app, peer, &headers);
    let Typed { user, password, next } = typed;
    let credential = match proven(&app, file, &user, password, address).await? {
        Ok(Some(credential)) => credential,
        // One text for every reason, so that it does not state which users there are.
        Ok(None) => {
            return Ok((StatusCode::UNAUTHORIZED, page(&next, Some("user or password is not right"))).into_response());
        }
        Err(TooMany) => {
            let fault = "too many attempts; try again in a minute";
            return Ok((StatusCode::TOO_MANY_REQUESTS, page(&next, Some(fault))).into_response());
        }
    };
    let secret = app.sessions.begin(&user, credential, app.engine.now());
    let cookie = Cookie::build((cookie_name(&app), secret))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.is_secure)
        .build();
    Ok((cookies.add(cookie), Redirect::to(within_site(&next))).into_response())
}

/// What the user has proven to know, where the password is right.
async fn proven(
    app: &App,
    file: &AccessFile,
    user: &str,
    password: String,
    address: IpAddr,
) -> Result<Result<Option<PasswordStamp>, TooMany>, Problem> {
    let attempts = &app.engine.attempts;
    if let Err(too_many) = attempts.check(address, user, app.engine.now()) {
        return Ok(Err(too_many));
    }
    let _turn = attempts.turn().await;
    // Others may have been wrong meanwhile.
    if let Err(too_many) = attempts.check(address, user, app.engine.now()) {
        return Ok(Err(too_many));
    }
    let missing = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the credentials are gone");
    let access = file.current()?.ok_or_else(missing)?;
    let name = user.to_owned();
    let compared = tokio::task::spawn_blocking(move || {
        let is_right = access.verify_password(&name, &password);
        access.password_stamp(&name).filter(|_| is_right)
    });
    let credential = compared.await.ok().flatten();
    let judged = attempts.judge(address, user, app.engine.now(), credential.is_some());
    Ok(judged.map(|is_right| credential.filter(|_| is_right)))
}

async fn log_out(State(app): State<App>, cookies: CookieJar) -> Response {
    let name = cookie_name(&app);
    if let Some(cookie) = cookies.get(name) {
        app.sessions.end(cookie.value());
    }
    let gone = Cookie::build((name, "")).path("/").http_only(true).secure(app.is_secure).build();
    (cookies.remove(gone), Redirect::to("/login")).into_response()
}

/// An address within this site: that, or the first page.
fn within_site(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if is_path { next } else { "/" }
}

/// The address of a client: behind a proxy the one that the proxy saw.
fn address(app: &App, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = headers.get("x-forwarded-for").filter(|_| app.behind_proxy);
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.unwrap_or_else(|| peer.ip())
}

fn page(next: &str, fault: Option<&str>) -> Markup {
    site::bare(
        "Log in",
        &html! {
            form class="login card" method="post" action="/login" {
                h1 { "Log in" }
                @if let Some(fault) = fault { p class="fault" role="alert" { (fault) } }
                label { "User " input name="user" autocomplete="username" required autofocus; }
                label { "Password " input name="password" type="password" autocomplete="current-password" required; }
                input type="hidden" name="next" value=(next);
                button { "Log in" }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logging_in_leads_to_a_page_of_this_site() {
        assert_eq!(within_site("/boards/week?range=2026-02"), "/boards/week?range=2026-02");
        for other in ["", "boards", "//other.example", "https://other.example", "/\\other.example", "/\n/x"] {
            assert_eq!(within_site(other), "/", "{other}");
        }
    }
}
