//! Logs, metrics and traces of a process.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

pub use metrics_exporter_prometheus::PrometheusHandle;

/// Transports describe every frame; one call and its connection made 172 spans.
const SILENCED: [&str; 4] = ["h2", "hyper", "hyper_util", "tower"];
/// Recorded values lie in memory until they are sorted into buckets, scraped or not.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// From a commit's fsync to a long poll, in seconds.
const SECONDS_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The last spans are worth a short wait, not a hanging shutdown.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// How a process tells of itself.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetryConfig {
    /// What to log: a level, or directives such as `info,roomcast_core=debug`
    #[arg(long, env = "ROOMCAST_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// How to log
    #[arg(long, env = "ROOMCAST_LOG_FORMAT", default_value = "auto", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Export traces by OTLP over gRPC to this URL
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// The name of this process in exported traces
    #[arg(long, env = "OTEL_SERVICE_NAME", default_value = "roomcast", value_name = "NAME")]
    pub service_name: String,
}

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people on a terminal, else JSON
    Auto,
    /// One JSON object a line
    Json,
    /// For people
    Pretty,
}

/// Flushes what is not exported yet when it is dropped. Keep it until the end of `main`.
#[must_use = "dropping it ends the export of traces"]
#[derive(Debug)]
pub struct Telemetry {
    tracer_provider: Option<SdkTracerProvider>,
}

/// Sets up this process's logs and traces, once. With an OTLP endpoint it must be called inside a
/// tokio runtime.
pub fn init(config: &TelemetryConfig) -> anyhow::Result<Telemetry> {
    let mut filter = EnvFilter::builder()
        .parse(&config.log)
        .with_context(|| format!("the log filter `{}` is malformed", config.log))?;
    for target in SILENCED {
        filter = filter.add_directive(format!("{target}=warn").parse()?);
    }
    let json = match config.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Pretty => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    let tracer_provider = config.otlp_endpoint.as_deref().map(|endpoint| {
        tracer_provider(endpoint, &config.service_name)
            .with_context(|| format!("traces cannot be exported to {endpoint}"))
    });
    let tracer_provider = tracer_provider.transpose()?;
    let spans = tracer_provider.as_ref().map(|provider| {
        let silenced = SILENCED.map(|target| (target, LevelFilter::OFF));
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("roomcast"))
            .with_filter(Targets::new().with_default(LevelFilter::INFO).with_targets(silenced))
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init()
        .context("logging is already set up in this process")?;
    Ok(Telemetry { tracer_provider })
}

/// The process's metrics, which the macros of the `metrics` crate write to; `render` them for a scrape.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install_metrics).clone()
}

fn install_metrics() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let builder = builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let handle = builder.install_recorder().unwrap_or_else(|error| {
        tracing::error!(%error, "metrics go to another recorder of this process");
        PrometheusBuilder::new().build_recorder().handle()
    });
    let upkeep = handle.clone();
    let thread = std::thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(UPKEEP_EVERY);
            upkeep.run_upkeep();
        }
    });
    if let Err(error) = thread {
        tracing::error!(%error, "metrics are sorted at scrapes only");
    }
    handle
}

fn tracer_provider(endpoint: &str, service_name: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let resource = Resource::builder().with_service_name(service_name.to_owned()).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.tracer_provider
            && let Err(error) = provider.shutdown_with_timeout(EXPORT_TIMEOUT)
        {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}
