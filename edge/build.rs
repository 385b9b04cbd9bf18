//! Embeds Socket.IO's own browser client, which npm brings into `web/` before the build. Without it the
//! edge is complete but for that one file, and says so when asked for it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

const CLIENT: &str = "web/node_modules/socket.io-client/dist/socket.io.min.js";

/// What the console's build leaves, and what is there before it.
const CONSOLE: [&str; 2] = ["../console/dist", "../console"];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    // The folder and not the file: cargo takes a file that is not there for one that always changes.
    println!("cargo:rerun-if-changed=web");
    // A release embeds the files that are there when it is compiled; others read them when they run.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let mut folders = CONSOLE.iter().filter(|_| is_release);
    if let Some(watched) = folders.find(|folder| Path::new(folder).is_dir()) {
        println!("cargo:rerun-if-changed={watched}");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let client = root.join(CLIENT);
    let source = if client.is_file() {
        format!("Some(include_str!({:?}))", client.display().to_string())
    } else {
        println!("cargo:warning=no Socket.IO browser client in edge/web: run `make setup`");
        "None".to_owned()
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("socket_io_client.rs"), source)
}
