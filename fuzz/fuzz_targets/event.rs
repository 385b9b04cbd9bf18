//! An event as its publisher hands it over.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roomcast_core::probe;

fuzz_target!(|bytes: &[u8]| probe::run("event", bytes));
