//! A release embeds the console's files that are there when it is compiled; other builds read them when they
//! run.

use std::{env, path::Path};

/// What the console's build leaves, and what is there before it: cargo takes a folder that is not there for
/// one that always changes.
const CONSOLE: [&str; 2] = ["../console/dist", "../console"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("PROFILE").is_ok_and(|profile| profile == "release")
        && let Some(watched) = CONSOLE.iter().find(|folder| Path::new(folder).is_dir())
    {
        println!("cargo:rerun-if-changed={watched}");
    }
}
