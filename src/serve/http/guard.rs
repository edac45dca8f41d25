//! What holds for every request: the name of the host, that a change comes from a page of this site, and the headers that keep a page
//! within its site.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::problem::Problem;

/// The content policy of every page: everything comes from this site, and no script is written in a page. Pictures set their own
/// colours by attributes, and bars their width by a style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every response.
static HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds the headers of every response.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses what another site makes a browser ask.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (headers, uri) = (request.headers(), request.uri());
    if app.access.is_none() && !is_of_this_machine(host(headers, uri)) {
        let problem =
            Problem::new(StatusCode::MISDIRECTED_REQUEST, "this process answers to the name `localhost` alone");
        let hint = "make credentials with `casebook access add`, then it answers to any name";
        return problem.with_hint(hint).into_response();
    }
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_change && comes_from_elsewhere(headers, uri) {
        return Problem::forbidden("a page of another site asked for a change").into_response();
    }
    next.run(request).await
}

/// The host that a client asked, with its port.
fn host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> &'r str {
    let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    named.or(uri.authority().map(|authority| authority.as_str())).unwrap_or_default()
}

/// Whether that is a name of the loopback interface: what a page of another site cannot take for its own.
fn is_of_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether a browser states that a page of another site asks. Programs state nothing.
fn comes_from_elsewhere(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").is_none_or(|(_, name)| name != host(headers, uri)),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        headers.iter().map(pair).collect()
    }

    #[test]
    fn a_change_comes_from_this_site_or_from_a_program() {
        let is_refused =
            |headers: &[(&'static str, &str)]| comes_from_elsewhere(&request(headers), &Uri::from_static("/login"));
        assert!(!is_refused(&[("host", "desk:8080")]));
        assert!(!is_refused(&[("host", "desk:8080"), ("origin", "https://desk:8080")]));
        assert!(!is_refused(&[("host", "desk"), ("origin", "https://desk"), ("sec-fetch-site", "same-origin")]));
        assert!(is_refused(&[("host", "desk"), ("origin", "https://other")]));
        assert!(is_refused(&[("host", "desk"), ("origin", "null")]));
        assert!(is_refused(&[("host", "desk"), ("sec-fetch-site", "same-site")]));
        assert!(is_refused(&[("host", "desk"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn names_of_this_machine() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "[::1]"] {
            assert!(is_of_this_machine(host), "{host}");
        }
        for host in ["", "example.org:8080", "localhost.example.org", "127.0.0.1.example.org:80", "localhost:x"] {
            assert!(!is_of_this_machine(host), "{host}");
        }
    }
}
