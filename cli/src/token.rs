//! `roomcast token`: mint tokens.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use roomcast_identity::{
    DEFAULT_TENANT, Intended, Scope, Secret, ServiceKeys, User, mint_user_for,
};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::keyring::{self, Keyring};
use crate::output::Output;
use crate::span;

const EXAMPLES: &str = "\
Examples:
  roomcast token mint --sub 42 --role admin --ttl 1h
  export ROOMCAST_TOKEN=$(roomcast token mint --sub 42)
  roomcast token mint --service indexer --scope worker --ttl 7d

The secret is ROOMCAST_JWT_SECRET, for services ROOMCAST_SERVICE_SECRET; without it the one that
`roomcast dev` made in the data folder.";

/// What to do with tokens.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Mint(Arguments),
}

/// Mint a user's token, or with --service a service's
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The user
    #[arg(long, value_name = "ID", required_unless_present = "service")]
    sub: Option<String>,
    /// The user's e-mail address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "service")]
    email: Option<String>,
    /// A role; repeat for more. `admin` sees everything of its tenant
    #[arg(long = "role", value_name = "ROLE", conflicts_with = "service")]
    roles: Vec<String>,
    /// The user's tenant
    #[arg(long, default_value = DEFAULT_TENANT, value_name = "TENANT")]
    tenant: String,
    /// The service instead of a user
    #[arg(long, value_name = "NAME", conflicts_with = "sub", requires = "scopes")]
    service: Option<String>,
    /// What it is for: for services edge, worker, service, admin; separated by commas
    #[arg(long = "scope", value_delimiter = ',', value_name = "SCOPES")]
    scopes: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value = "12h", value_name = "TIME", value_parser = span::parse)]
    ttl: Duration,
    /// Claim `iss`, where the verifier demands one
    #[arg(long, env = "ROOMCAST_JWT_ISSUER", value_name = "ISSUER")]
    issuer: Option<String>,
    /// Claim `aud`, where the verifier demands one
    #[arg(long, env = "ROOMCAST_JWT_AUDIENCE", value_name = "AUDIENCE")]
    audience: Option<String>,
    /// The users' secret
    #[arg(
        long,
        env = "ROOMCAST_JWT_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    jwt_secret: Vec<Secret>,
    /// The services' secret
    #[arg(
        long,
        env = "ROOMCAST_SERVICE_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    service_secret: Vec<Secret>,
    /// The data folder whose secrets stand in for missing ones
    #[arg(long, env = "ROOMCAST_DATA_DIR", default_value = ".roomcast", value_name = "DIR")]
    data_dir: PathBuf,
}

pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    let Command::Mint(arguments) = command;
    let token = match &arguments.service {
        Some(name) => service_token(name, &arguments)?,
        None => user_token(&arguments)?,
    };
    if output.is_json() {
        output.json(&json!({"token": token, "expires_in_seconds": arguments.ttl.as_secs()}))?;
    } else {
        output.line(token)?;
    }
    Ok(Exit::OK)
}

fn user_token(arguments: &Arguments) -> Result<String, Failure> {
    let user = User {
        id: arguments.sub.clone().unwrap_or_default(),
        tenant: arguments.tenant.clone(),
        roles: arguments.roles.clone(),
        email: arguments.email.clone(),
        scopes: arguments.scopes.clone(),
        token_id: None,
        issued_at: None,
        expires_at: None,
    };
    let Arguments { issuer, audience, .. } = arguments;
    let intended = Intended { issuer: issuer.clone(), audience: audience.clone() };
    let secret = signing(&arguments.jwt_secret, arguments, Keyring::Users)?;
    let token = mint_user_for(&secret, &user, arguments.ttl, &intended);
    Ok(token.context("the token cannot be minted")?)
}

fn service_token(name: &str, arguments: &Arguments) -> Result<String, Failure> {
    let scopes = arguments.scopes.iter().map(|scope| scope.parse::<Scope>());
    let scopes = scopes.collect::<Result<Vec<_>, _>>();
    let scopes = scopes.map_err(|error| Failure::Usage(error.to_string()))?;
    let secret = signing(&arguments.service_secret, arguments, Keyring::Services)?;
    let keys = ServiceKeys::new(vec![secret]).context("the secret cannot be used")?;
    let token = keys.mint(name, &scopes, arguments.ttl);
    Ok(token.context("the token cannot be minted")?)
}

/// During a rotation the first secret signs.
fn signing(given: &[Secret], arguments: &Arguments, keyring: Keyring) -> Result<Secret, Failure> {
    if let Some(secret) = given.first() {
        return Ok(secret.clone());
    }
    keyring::read(&arguments.data_dir, keyring)?.ok_or_else(|| {
        Failure::Usage(format!(
            "no secret to sign with: set {}, or name the data folder of `roomcast dev`",
            keyring.variable()
        ))
    })
}
