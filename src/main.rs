//! The program; everything is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Replay makes and drops many small things on every core.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    casebook::cli::main()
}
