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

/// With the thousand of the library a process that serves a desk keeps up to four times of the memory that it uses.
const PURGE_DELAY_MS: c_long = 10;

fn main() -> ExitCode {
    #[allow(unsafe_code, reason = "the bindings to the allocator have no other way to set an option")]
    // SAFETY: The function may not be called by two threads at once. There is only one yet. A value of the environment stays.
    unsafe {
        mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS);
    }
    casebook::cli::main()
}
