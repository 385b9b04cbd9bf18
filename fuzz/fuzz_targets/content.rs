//! Published content, on its way to sockets.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roomcast_edge::probe;

fuzz_target!(|bytes: &[u8]| probe::run("content", bytes));
