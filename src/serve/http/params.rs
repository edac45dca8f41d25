//! The parameters of an address: each name is known, and of those that are given once there is one.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use url::form_urlencoded;

use super::problem::Problem;
use crate::error::Error;
use crate::spelling::did_you_mean;

/// Parameters of an address: each filter makes the plan of a question deeper.
const PARAMETERS_MAX: usize = 100;

/// The parameters of an address, in their order; empty ones are left out, as a form sends what was not filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// The parameters of a query string.
    #[must_use]
    pub fn of(query: &str) -> Params {
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Params(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// Refuses parameters that do nothing.
    ///
    /// # Errors
    /// When there is one that is not among the known ones, or there are too many.
    pub fn check(&self, known: &[&str]) -> Result<(), Problem> {
        if self.0.len() > PARAMETERS_MAX {
            let text = format!("an address has at most {PARAMETERS_MAX} parameters, found {}", self.0.len());
            return Err(Problem::new(StatusCode::BAD_REQUEST, text).with_hint("a filter may list several values"));
        }
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let hint = did_you_mean(name, known.iter().copied());
                let hint = hint.unwrap_or_else(|| format!("the parameters are {}", known.join(", ")));
                Err(Error::invalid(name, "there is no such parameter").with_hint(hint).into())
            }
        }
    }

    /// The value of a parameter that is given at most once.
    ///
    /// # Errors
    /// When it is given twice.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Error::invalid(name, "it is given twice, expected once").into()),
        }
    }

    /// The values of a parameter that may be given several times.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// The values of a parameter that may be given several times, or as one text with commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let all = self.all(name);
        all.iter().flat_map(|text| text.split(',')).map(|text| text.trim().to_owned()).collect()
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// When it is given twice, is no number, or is outside the bounds.
    pub fn number(
        &self,
        name: &str,
        bounds: std::ops::RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, Problem> {
        let Some(text) = self.one(name)? else { return Ok(default) };
        let found = text.parse().ok().filter(|number| bounds.contains(number));
        found.ok_or_else(|| {
            let (from, to) = bounds.into_inner();
            Error::invalid(name, format!("`{text}` is not a whole number from {from} to {to}")).into()
        })
    }

    /// The same parameters and one more.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Params {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same parameters without one of them.
    #[must_use]
    pub fn without(&self, name: &str) -> Params {
        Params(self.0.iter().filter(|(known, _)| known != name).cloned().collect())
    }

    /// The same parameters with other values of one of them, as a query string with its question mark.
    #[must_use]
    pub fn with(&self, name: &str, values: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.0.iter().filter(|(known, _)| known != name));
        query.extend_pairs(values.iter().map(|value| (name, value)));
        match query.finish() {
            query if query.is_empty() => query,
            query => format!("?{query}"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params, Self::Rejection> {
        Ok(Params::of(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_once_or_as_lists() {
        let params = Params::of("range=2026-02&where=a%3Db&where=c=d&by=agent,day&zone=");
        assert_eq!(params.one("range"), Ok(Some("2026-02")));
        assert_eq!(params.one("zone"), Ok(None));
        assert_eq!(params.all("where"), ["a=b", "c=d"]);
        assert_eq!(params.list("by"), ["agent", "day"]);
        assert!(params.one("where").is_err());
        assert_eq!(params.with("where", &[]), "?range=2026-02&by=agent%2Cday");
        let problem = params.check(&["range", "where", "buy"]).unwrap_err();
        assert_eq!(problem.detail, "by: there is no such parameter");
        assert!(Params::of(&"where=a%3Db&".repeat(100)).check(&["where"]).is_ok());
        assert!(Params::of(&"where=a%3Db&".repeat(101)).check(&["where"]).is_err());
    }
}
