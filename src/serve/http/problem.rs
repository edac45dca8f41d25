//! Why a request was not carried out: a status, and a text with the next step.

use std::any::Any;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;
use crate::serve::ingestion::NotTaken;
use crate::serve::limits::NotAnswered;

/// The media type of problems (RFC 9457).
const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// What is wrong, in lower case without a full stop.
    pub detail: String,
    /// The next step.
    pub hint: Option<String>,
    /// What is no matter of the client, for the log of the process.
    pub defect: Option<String>,
}

/// A text for the log of the process, with a response.
#[derive(Clone, Debug)]
pub struct Defect(pub String);

impl Problem {
    /// A problem without a hint.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), hint: None, defect: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }

    /// Something that is asked for and is not there.
    #[must_use]
    pub fn not_found(error: Error) -> Problem {
        match Problem::from(error) {
            problem if problem.status == StatusCode::BAD_REQUEST => {
                Problem { status: StatusCode::NOT_FOUND, ..problem }
            }
            problem => problem,
        }
    }

    /// The visitor may not do that.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    /// Something that is no matter of the client: the text of the defect goes to the log of the process.
    #[must_use]
    pub fn defect(status: StatusCode, detail: &str, defect: impl Into<String>) -> Problem {
        Problem { defect: Some(defect.into()), ..Problem::new(status, detail) }
    }

    /// What the status is called.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Problem")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let (detail, hint) = (error.to_string(), error.hint().map(str::to_owned));
        match error {
            Error::Invalid { .. } | Error::Refused { .. } => {
                Problem { hint, ..Problem::new(StatusCode::BAD_REQUEST, detail) }
            }
            // Its text may name files of this machine.
            _ => Problem::defect(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be made", detail)
                .with_hint("standard error of the process has the reason"),
        }
    }
}

impl From<NotAnswered> for Problem {
    fn from(not_answered: NotAnswered) -> Problem {
        let text = not_answered.to_string();
        match not_answered {
            NotAnswered::Failed(error) => Problem::from(error),
            NotAnswered::TookTooLong(_) => {
                Problem::new(StatusCode::GATEWAY_TIMEOUT, text).with_hint("ask for a shorter range or fewer parts")
            }
            NotAnswered::TooMany(_) => Problem::new(StatusCode::TOO_MANY_REQUESTS, text),
        }
    }
}

impl From<NotTaken> for Problem {
    fn from(not_taken: NotTaken) -> Problem {
        let lost = "the events could not be written; none of this request was added";
        let again = "send the request again; events that were added count once";
        match not_taken {
            NotTaken::Failed(text) => Problem::defect(StatusCode::INSUFFICIENT_STORAGE, lost, text).with_hint(again),
            NotTaken::NotKnown(text) => {
                let not_known = "the bucket has failed; whether the events of this request were added is not known";
                Problem::defect(StatusCode::SERVICE_UNAVAILABLE, not_known, text).with_hint(again)
            }
            not_taken => Problem::new(StatusCode::SERVICE_UNAVAILABLE, not_taken.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let object = json!({
            "type": "about:blank", "title": self.title(), "status": self.status.as_u16(), "detail": self.detail,
            "hint": self.hint,
        });
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], object.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let value = header::HeaderValue::from_static("Bearer realm=\"casebook\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(defect) = self.defect {
            response.extensions_mut().insert(Defect(defect));
        }
        response
    }
}

/// The answer to a request on which a part of the program stopped.
#[must_use]
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be made: this is a defect of the program")
        .into_response()
}
