//! Does the core answer, and does its clock agree with ours?

use std::time::{Duration, SystemTime};

use roomcast_proto::v1::broadcast_service_server::SERVICE_NAME as BROADCAST;
use roomcast_proto::v1::job_service_server::SERVICE_NAME as JOBS;
use roomcast_proto::v1::session_service_server::SERVICE_NAME as SESSIONS;
use tonic::metadata::MetadataMap;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::report::Finding;
use crate::connection::{Core, call};

/// The core says its time in whole seconds; beyond this, tokens and delays are off.
const SKEW_MAX: Duration = Duration::from_secs(5);

pub(super) async fn check(core: &Core, url: &str) -> Vec<Finding> {
    let mut health = HealthClient::new(core.channel());
    let mut findings = Vec::new();
    for (check, service) in
        [("core", ""), ("jobs", JOBS), ("topics", BROADCAST), ("sessions", SESSIONS)]
    {
        let request = HealthCheckRequest { service: service.to_owned() };
        match health.check(call(request)).await {
            Ok(answer) => {
                let status = answer.get_ref().status();
                findings.push(serving(check, status, url));
                if service.is_empty() {
                    findings.push(clock(answer.metadata(), SystemTime::now()));
                }
            }
            Err(status) => findings.push(Finding::fail(
                check,
                format_args!("no answer: {:?}", status.code()),
                "look at the core's log, and whether this is a core: an edge has another address",
            )),
        }
    }
    findings
}

fn serving(check: &'static str, status: ServingStatus, url: &str) -> Finding {
    match status {
        ServingStatus::Serving => Finding::ok(check, format_args!("serves at {url}")),
        ServingStatus::NotServing if check == "sessions" => {
            Finding::ok(check, "not built in this version")
        }
        ServingStatus::NotServing => Finding::fail(
            check,
            "takes no writes: it drains, or its disk is full",
            "look at the core's log and at its disk",
        ),
        ServingStatus::Unknown | ServingStatus::ServiceUnknown => {
            Finding::warn(check, "not known there", "is this an older core?")
        }
    }
}

fn clock(metadata: &MetadataMap, here: SystemTime) -> Finding {
    const CHECK: &str = "clock";
    let date = metadata.get("date").and_then(|date| date.to_str().ok());
    let Some(there) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return Finding::warn(CHECK, "the core does not tell the time", "is a proxy in between?");
    };
    let skew = here.duration_since(there).unwrap_or_else(|early| early.duration());
    if skew > SKEW_MAX {
        let found = format!("{} s apart from the core's", skew.as_secs());
        return Finding::warn(CHECK, found, "synchronise both clocks (NTP): tokens expire by them");
    }
    Finding::ok(CHECK, "agrees with the core's")
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::*;

    fn level_at(offset_seconds: u64) -> Level {
        let there = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut metadata = MetadataMap::new();
        metadata.insert("date", httpdate::fmt_http_date(there).parse().unwrap());
        let late = clock(&metadata, there + Duration::from_secs(offset_seconds)).level;
        let early = clock(&metadata, there - Duration::from_secs(offset_seconds)).level;
        assert_eq!(late, early);
        late
    }

    #[test]
    fn clocks_that_are_apart_are_told() {
        assert_eq!(level_at(2), Level::Ok);
        assert_eq!(level_at(60), Level::Warn);
        assert_eq!(clock(&MetadataMap::new(), SystemTime::now()).level, Level::Warn);
    }
}
