//! The allocator of the program, and what it does with freed memory.

use std::sync::{Mutex, OnceLock, PoisonError};

use libmimalloc_sys::{mi_option_get, mi_option_set};
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

/// What the allocator does by itself, or was told to by the environment.
static USUAL: OnceLock<[i64; 2]> = OnceLock::new();

/// Held while the options are set.
static SETTING: Mutex<()> = Mutex::new(());

/// Freed memory goes back to the system at once.
const AT_ONCE: [i64; 2] = [1, 1];

/// Lets freed memory go back to the system at once, until [`fit`] knows better.
/// What is freed before would otherwise be kept for a second, and all that is
/// freed in that time with it.
///
/// To be called before anything else.
pub(crate) fn start() {
    usual();
    set(AT_ONCE);
}

#[expect(unsafe_code, reason = "the allocator's bindings are not safe")]
fn usual() -> [i64; 2] {
    *USUAL.get_or_init(|| {
        // SAFETY: both options exist; nothing sets them before this is known.
        unsafe { [PURGE_DELAY, ARENA_PURGE_MULT].map(|option| mi_option_get(option)) }
    })
}

/// Lets the allocator keep freed memory, as it does by itself, unless the run
/// has little. Keeping it for a second saves a tenth of the processor time and
/// holds some 40 MB more for each thread, beyond any limit that blocks could be
/// kept to.
///
/// To be called before there are threads; where several runs share a process,
/// the last one decides.
pub(crate) fn fit(job: &Job) {
    let is_tight = |limit: u64| limit < KEPT_PER_THREAD * (job.threads as u64 + 1);
    let usual = usual();
    set(match job.memory.is_some_and(|limit| is_tight(limit.0)) {
        true => AT_ONCE,
        false => usual,
    });
}

#[expect(unsafe_code, reason = "the allocator's bindings are not safe")]
fn set([delay, mult]: [i64; 2]) {
    let _guard = SETTING.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: both options exist and take any number. Setting them is not safe
    // while another thread sets them, and nothing else does.
    unsafe {
        mi_option_set(PURGE_DELAY, delay);
        mi_option_set(ARENA_PURGE_MULT, mult);
    }
}
