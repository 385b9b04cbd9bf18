//! The way to the cores with a program's credentials: the service under every generated client.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use tonic::Status;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};
use uuid::Uuid;

use crate::cores::Way;
use crate::token::Token;

/// Metadata key of the service's credential.
const SERVICE_TOKEN: HeaderName = HeaderName::from_static("x-roomcast-service");
/// Metadata key of the W3C trace context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Puts the tokens and the trace with each call.
#[derive(Debug, Clone)]
pub struct Line {
    way: Way,
    token: Option<Token>,
    service_token: Option<Token>,
    trace: Uuid,
}

impl Line {
    pub(crate) fn new(way: Way, token: Option<Token>, service_token: Option<Token>) -> Self {
        Self { way, token, service_token, trace: Uuid::new_v4() }
    }

    pub(crate) fn as_service(&self) -> Self {
        let token = if self.service_token.is_some() { None } else { self.token.clone() };
        Self { token, ..self.clone() }
    }

    /// Whether another call may go with another token.
    pub(crate) fn may_renew(&self) -> bool {
        [&self.token, &self.service_token].into_iter().flatten().any(Token::is_provided)
    }

    pub(crate) fn traced(&self, trace_id: &str) -> Self {
        let given = Uuid::try_parse(trace_id).ok().filter(|trace| !trace.is_nil());
        Self { trace: given.unwrap_or(self.trace), ..self.clone() }
    }

    async fn sign(&self, headers: &mut HeaderMap) -> Result<(), Status> {
        if let Some(token) = &self.token {
            let bearer = secret(format!("Bearer {}", reveal(token).await?))?;
            headers.insert(header::AUTHORIZATION, bearer);
        }
        if let Some(token) = &self.service_token {
            headers.insert(SERVICE_TOKEN, secret(reveal(token).await?)?);
        }
        let (span, _) = Uuid::new_v4().as_u64_pair();
        if let Ok(trace) =
            HeaderValue::try_from(format!("00-{}-{span:016x}-01", self.trace.simple()))
        {
            headers.insert(TRACEPARENT, trace);
        }
        Ok(())
    }
}

impl Service<Request<Body>> for Line {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    /// Always: the call itself waits for the connection, which the token may take longer than.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let line = self.clone();
        Box::pin(async move {
            line.sign(request.headers_mut()).await?;
            line.way.oneshot(request).await
        })
    }
}

async fn reveal(token: &Token) -> Result<String, Status> {
    token.reveal().await.map_err(|error| Status::unavailable(format!("there is no token: {error}")))
}

fn secret(text: String) -> Result<HeaderValue, Status> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Status::unauthenticated("the token has characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}
