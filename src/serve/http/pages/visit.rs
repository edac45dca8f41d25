//! Who visits a page, and why it is not shown.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::serve::http::problem::Problem;
use crate::serve::http::site::PageProblem;
use crate::serve::http::visitor::Visitor;

/// The result of a page.
pub type PageResult<T> = Result<T, PageProblem>;

/// A visitor of a page: a browser that has not logged in is led to the form.
pub struct PageVisitor {
    pub visitor: Visitor,
    /// Path and query of the page.
    pub path: String,
}

impl PageVisitor {
    /// The problem of this page.
    pub fn problem(&self, problem: impl Into<Problem>) -> PageProblem {
        PageProblem { problem: problem.into(), path: self.path.clone() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageVisitor {
    type Rejection = PageProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> PageResult<PageVisitor> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        match Visitor::from_request_parts(parts, state).await {
            Ok(visitor) => Ok(PageVisitor { visitor, path }),
            Err(problem) => Err(PageProblem { problem, path }),
        }
    }
}
