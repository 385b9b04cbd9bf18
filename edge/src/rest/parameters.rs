//! A request's query string: the names a route knows, each read with its own check.

use std::{collections::BTreeMap, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query},
    response::IntoResponse as _,
};
use http::request::Parts;

use crate::problem::Problem;

/// The parameters of a request, in order.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Refuses a parameter that the route does not know: a misspelt filter would match everything.
    pub(super) fn knows(self, names: &[&str]) -> Result<Self, Problem> {
        match self.0.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            Some((name, _)) => Err(Problem::field(
                name.clone(),
                format!("no such parameter; there are {}", names.join(", ")),
            )),
            None => Ok(self),
        }
    }

    /// The last value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The last value of a parameter, or nothing.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    /// A number, 0 when it is not given.
    pub(super) fn number<T: FromStr + Default>(&self, name: &str) -> Result<T, Problem> {
        self.get(name).map_or(Ok(T::default()), |text| {
            text.parse().map_err(|_| Problem::field(name, "must be a whole number in its range"))
        })
    }

    /// How many entries a page may have, 0 where the core's default is meant.
    pub(super) fn limit(&self) -> Result<i32, Problem> {
        self.count("limit")
    }

    /// A number from 1, 0 where none is given.
    pub(super) fn count(&self, name: &str) -> Result<i32, Problem> {
        match self.number(name)? {
            count if count < 0 || (count == 0 && self.get(name).is_some()) => {
                Err(Problem::field(name, "must be a whole number from 1"))
            }
            count => Ok(count),
        }
    }

    /// A list: values between commas, and the parameter may be repeated.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.all(name)
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// `name=key=value`, which may be repeated.
    pub(super) fn pairs(&self, name: &str) -> Result<BTreeMap<String, String>, Problem> {
        self.all(name)
            .map(|text| {
                text.split_once('=')
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .ok_or_else(|| Problem::field(name, "must be key=value"))
            })
            .collect()
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(rejection) => {
                let status = rejection.into_response().status();
                Err(Problem::field("query", format!("cannot be read ({status})")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn lists_are_split_at_commas_and_repeated() {
        let query = query(&[("status", "queued, running"), ("status", "failed")]);
        assert_eq!(query.list("status"), ["queued", "running", "failed"]);
    }

    #[test]
    fn a_label_holds_its_first_equals_sign() {
        let query = query(&[("label", "run=a=b"), ("label", "team=x")]);
        let labels = query.pairs("label").unwrap();
        assert_eq!((labels["run"].as_str(), labels["team"].as_str()), ("a=b", "x"));
    }

    #[test]
    fn what_cannot_be_read_names_its_parameter() {
        assert!(query(&[("label", "run")]).pairs("label").is_err());
        assert!(query(&[("limit", "-1")]).number::<u32>("limit").is_err());
        for wrong in ["0", "-1", "many", ""] {
            assert!(query(&[("limit", wrong)]).limit().is_err(), "{wrong}");
        }
        assert_eq!(
            (query(&[]).limit().unwrap(), query(&[("limit", "7")]).limit().unwrap()),
            (0, 7)
        );
        assert!(query(&[("stauts", "failed")]).knows(&["status"]).is_err());
    }
}
