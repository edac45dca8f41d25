//! The program; everything is in the library.

use std::ffi::{c_int, c_long};
use std::process::ExitCode;

use libmimalloc_sys::mi_option_set_default;
use mimalloc::MiMalloc;

/// Replay makes and drops many small things on every core.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The number of mimalloc's option `purge_delay`, for which the bindings have no name: how many milliseconds it keeps memory
/// that was freed before the system has it back.
const PURGE_DELAY: c_int = 15;

/// Of a process that goes on until it is ended: with the thousand of the library, one that serves a desk keeps up to four times
/// of the memory that it uses.
const LASTING_PURGE_DELAY_MS: c_long = 10;

/// Of all others: an ingestion and a replay take a twelfth less time than with the shorter delay, and up to a sixth more memory.
const PURGE_DELAY_MS: c_long = 200;

/// The commands that go on until they are ended.
const LASTING: [&str; 3] = ["mcp", "schedule", "serve"];

fn main() -> ExitCode {
    let is_lasting = std::env::args_os().any(|argument| LASTING.iter().any(|command| argument == *command));
    let purge_delay_ms = if is_lasting { LASTING_PURGE_DELAY_MS } else { PURGE_DELAY_MS };
    #[allow(unsafe_code, reason = "the bindings to the allocator have no other way to set an option")]
    // SAFETY: The function may not be called by two threads at once. There is only one yet. A value of the environment stays.
    unsafe {
        mi_option_set_default(PURGE_DELAY, purge_delay_ms);
    }
    casebook::cli::main()
}
