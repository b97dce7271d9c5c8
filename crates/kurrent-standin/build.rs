//! Compiles the protocol.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let files = ["proto/streams.proto", "proto/cluster.proto", "proto/features.proto"];
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    tonic_build::configure().build_client(false).build_transport(false).bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
