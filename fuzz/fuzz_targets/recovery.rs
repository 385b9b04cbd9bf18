//! What a client shows to recover its last connection.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roomcast_edge::probe;

fuzz_target!(|bytes: &[u8]| probe::run("recovery", bytes));
