//! Which page of a list is asked for: `?limit=&page_token=`.

use axum::extract::FromRequestParts;
use http::request::Parts;
use utoipa::IntoParams;

use super::parameters::Parameters;
use crate::problem::Problem;

/// Of a list without a filter it is all that may be asked.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// 1 to 200, by default 50
    #[param(value_type = Option<i32>)]
    pub(super) limit: i32,
    #[param(value_type = Option<String>)]
    pub(super) page_token: String,
}

/// A list's `next_page_token`, none on the last page.
pub(super) fn next_page(token: &str) -> Option<&str> {
    Some(token).filter(|token| !token.is_empty())
}

impl PageQuery {
    /// The parameters of a list that knows these filters, and the page among them.
    pub(super) fn among(
        parameters: Parameters,
        filters: &[&str],
    ) -> Result<(Self, Parameters), Problem> {
        let known = parameters.knows(&[filters, &["limit", "page_token"]].concat())?;
        let page = Self { limit: known.limit()?, page_token: known.text("page_token") };
        Ok((page, known))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = Parameters::from_request_parts(parts, state).await?;
        Ok(Self::among(parameters, &[])?.0)
    }
}
