//! The world of the tests: real processes, real clients, and what they all need.
//!
//! A [`System`] is a core and an edge as processes of their own, with keys of the tests' own; its parts
//! can be killed and started again on the same port and folder. Clients are unmodified ones: tonic,
//! reqwest, `socket.io-client` in Node, `python-socketio`, Chromium. Nothing sleeps for a guess: one
//! [`eventually`] looks until a deadline. Whatever starts a process ends it when dropped, and then
//! demands that it logged no error and did not panic.

mod agent;
mod author;
mod balancer;
mod browser;
mod cluster;
mod command;
mod core;
mod credential;
mod crowd;
mod dev;
mod edge;
mod eventually;
pub(crate) mod evidence;
pub(crate) mod follower;
mod grpc;
mod link;
pub(crate) mod log_reader;
pub(crate) mod model;
mod process;
pub(crate) mod recorder;
mod redis;
mod rest;
mod socket;
mod sse;
mod system;
mod tools;
mod way;
pub(crate) mod worker;

pub(crate) use roomcast_test_servers::{Port, Postgres};

pub(crate) use self::agent::Agent;
pub(crate) use self::author::Author;
pub(crate) use self::balancer::Balancer;
pub(crate) use self::browser::Browser;
pub(crate) use self::cluster::Cluster;
pub(crate) use self::command::{Finished, finish, finish_within, roomcast};
pub(crate) use self::core::Core;
pub(crate) use self::credential::{
    Token, admin, admin_of, expired_user, forged_user, service, token_of, user, user_until,
    user_with_id, user_with_role,
};
pub(crate) use self::crowd::{Comeback, Crowd, Manner};
pub(crate) use self::dev::Dev;
pub(crate) use self::edge::{Edge, lane_is_on};
pub(crate) use self::eventually::{eventually, looked, looked_every, within};
pub(crate) use self::evidence::Evidence;
pub(crate) use self::grpc::{Broadcast, Caller, Jobs, Sessions, code};
pub(crate) use self::link::Link;
pub(crate) use self::process::Process;
pub(crate) use self::recorder::{Recorder, Subscriber};
pub(crate) use self::redis::Redis;
pub(crate) use self::rest::{Answer, Rest};
pub(crate) use self::socket::{Clients, Observation, Socket};
pub(crate) use self::sse::Sse;
pub(crate) use self::system::System;
pub(crate) use self::tools::{buf, node, python, tests_folder};
pub(crate) use self::way::Way;
pub(crate) use self::worker::Worker;
