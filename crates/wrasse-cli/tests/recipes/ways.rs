//! [`WAYS`]: the ways to run a recipe that must not be told apart by what
//! comes out. Another backend is another line here.

/// A way to run.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// Flags for the commands that run a recipe.
    flags: &'static [&'static str],
}

/// All of them. The first one is what the guides show.
pub(crate) const WAYS: &[Way] = &[
    Way {
        name: "one thread",
        flags: &["--threads=1"],
    },
    Way {
        name: "four threads",
        flags: &["--threads=4"],
    },
    Way {
        name: "one thread, tiny splits",
        flags: &["--threads=1", "--set=split_bytes=64"],
    },
    Way {
        name: "four threads, tiny splits",
        flags: &["--threads=4", "--set=split_bytes=64"],
    },
];

impl Way {
    /// The words of a command, run in this way.
    pub(crate) fn args(&self, words: &[String]) -> Vec<String> {
        let mut args = words.to_vec();
        if matches!(
            words.first().map(String::as_str),
            Some("run" | "replay" | "analyze")
        ) {
            args.extend(self.flags.iter().map(|flag| (*flag).to_owned()));
        }
        args
    }
}
