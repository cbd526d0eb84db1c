//! The allocator of the program, and what it does with freed memory.

use libmimalloc_sys::mi_option_set;
use mimalloc::MiMalloc;
use wrasse_local::Job;

/// Blocks are freed on other threads than they were made on, in sizes from
/// bytes to megabytes: what this allocator is good at.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Numbers of options in `mimalloc.h` of version 3, for which the bindings have
/// no names: milliseconds after which freed memory goes back to the system, and
/// how many times as long arenas wait.
const PURGE_DELAY: i32 = 15;
const ARENA_PURGE_MULT: i32 = 24;

/// A thread of a fast recipe frees so many bytes in the second that the
/// allocator keeps them: measured, rounded up.
const KEPT_PER_THREAD: u64 = 96 << 20;

/// Lets freed memory go back to the system at once where the run has little.
/// Keeping it for a second, as the allocator does by itself, saves a tenth of
/// the processor time and holds some 40 MB more for each thread, beyond any
/// limit that blocks could be kept to.
///
/// To be called before there are threads.
#[expect(unsafe_code, reason = "the allocator's bindings are not safe")]
pub(crate) fn fit(job: &Job) {
    let is_tight = |limit: u64| limit < KEPT_PER_THREAD * (job.threads as u64 + 1);
    if !job.memory.is_some_and(|limit| is_tight(limit.0)) {
        return;
    }
    // SAFETY: both options exist and take any number. Setting them is not
    // safe while another thread sets them, and nothing else does.
    unsafe {
        mi_option_set(PURGE_DELAY, 1);
        mi_option_set(ARENA_PURGE_MULT, 1);
    }
}
