//! Settings that can be read and cannot work: whoever uses them finds out, such as that a file is not there.

use std::process::ExitCode;

/// How a process ends whose settings are wrong, as clap ends it where they cannot be read.
const WRONG: u8 = 2;

/// An error of the settings. It says what it is made of, and nothing of its own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unusable(anyhow::Error);

/// Says of an error that it is the settings that are wrong.
pub fn unusable(error: impl Into<anyhow::Error>) -> anyhow::Error {
    Unusable(error.into()).into()
}

/// How a server's process ends. What went wrong is written for whoever started it.
#[must_use]
pub fn exit_code(ended: anyhow::Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:?}");
            if error.is::<Unusable>() { ExitCode::from(WRONG) } else { ExitCode::FAILURE }
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn what_is_wrong_with_settings_is_known_and_told_under_whatever_is_said_of_it() {
        let error = Err::<(), _>(anyhow!("no such file")).context("cannot read key.pem");
        let error = error.map_err(unusable).context("the core cannot serve").unwrap_err();
        assert!(error.is::<Unusable>());
        assert_eq!(
            format!("{error:#}"),
            "the core cannot serve: cannot read key.pem: no such file"
        );
        assert_eq!(exit_code(Err(error)), ExitCode::from(WRONG));
        assert_eq!(exit_code(Err(anyhow!("a fire"))), ExitCode::FAILURE);
    }
}
