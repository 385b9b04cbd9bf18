//! Compiles every `proto/**/*.proto` with protox (no protoc needed) and writes the descriptor set.

use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;

fn main() -> miette::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=proto");

    let mut files = Vec::new();
    collect(Path::new("proto"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    tonic_prost_build::configure()
        .build_transport(false)
        .bytes(".")
        // Equal messages have equal bytes: idempotency keys and page tokens hash them.
        .btree_map(".")
        .include_file("_includes.rs")
        .compile_fds(compiler.file_descriptor_set())
        .into_diagnostic()?;

    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    write_if_changed(&out.join("descriptor.bin"), &compiler.encode_file_descriptor_set())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> miette::Result<()> {
    for entry in std::fs::read_dir(folder).into_diagnostic()? {
        let path = entry.into_diagnostic()?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    std::fs::write(path, bytes).into_diagnostic()
}
