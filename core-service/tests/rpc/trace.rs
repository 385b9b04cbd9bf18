//! Traces leave the process when an endpoint is configured.

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use roomcast_identity::Scope;
use roomcast_runtime::telemetry::{self, LogFormat, TelemetryConfig};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::core::{report, request, serve, service};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A collector that hands on what it is sent.
struct Collector(mpsc::Sender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.send(request.into_inner()).await.map_err(|_| Status::unavailable("closed"))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_exported_as_a_span_of_its_callers_trace() {
    let (sender, mut exported) = mpsc::channel(64);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let collector =
        tonic::transport::Server::builder().add_service(TraceServiceServer::new(Collector(sender)));
    tokio::spawn(collector.serve_with_incoming(TcpIncoming::from(listener)));
    let config = TelemetryConfig {
        log: "error".into(),
        log_format: LogFormat::Json,
        otlp_endpoint: Some(endpoint),
        service_name: "roomcast-core".into(),
    };
    let telemetry = telemetry::init(&config).expect("telemetry");

    let core = serve(|_, _| {}).await;
    let mut create = request(report("x"), Some(&service(&[Scope::Service])), None);
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01").parse().expect("ascii");
    create.metadata_mut().insert("traceparent", parent);
    let created = core.jobs().create_job(create).await.expect("created").into_inner();
    assert_eq!(created.job.expect("a job").trace_id, TRACE);
    // Ending the telemetry exports what is left.
    tokio::task::spawn_blocking(|| drop(telemetry)).await.expect("ended");

    let mut spans = Vec::new();
    while let Ok(request) = exported.try_recv() {
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        spans.extend(scopes.flat_map(|scope| scope.spans));
    }
    let ours = spans
        .iter()
        .find(|span| span.trace_id == u128::from_str_radix(TRACE, 16).expect("hex").to_be_bytes());
    assert_eq!(ours.map(|span| span.name.as_str()), Some("rpc"), "{spans:?}");
}
