//! The agent: a worker that runs what projects ask for, through real tools and real faults.

mod testrun;
mod vibecode;
mod worker;
