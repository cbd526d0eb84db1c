//! [`Lines`]: who waits for the same, in the order in which they began to.
//!
//! A token of the order stands in one line at the most. Who joins does so at the
//! end and who leaves does so from anywhere, at the same cost for any number of
//! others; so the first of a line are those that wait longest, and nobody has to
//! look for them. The places in line lie in a table of their own, by the tokens'
//! positions, as the links of the order do (see `order`).

use crate::chunks::Chunks;
use crate::slab::{At, Key};
use crate::{OpIdx, Time};

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// Tasks of an operator that were submitted and have not begun, but for those
    /// of the last moment: see [`Fresh`].
    Start(OpIdx),
    /// Tasks of it whose outputs nobody may read now.
    Read(OpIdx),
    /// Inputs of it that wait for their next attempt.
    Retry(OpIdx),
}

/// How many tasks are submitted before one that has not begun joins the line.
/// Most begin at once; to stand in line for that moment would cost them more than
/// all that is decided about them.
const FRESH: usize = 64;

/// The tasks that were submitted last.
#[derive(Debug)]
pub(crate) struct Fresh {
    tasks: [Option<Key>; FRESH],
    oldest: usize,
}

impl Default for Fresh {
    fn default() -> Self {
        Self {
            tasks: [None; FRESH],
            oldest: 0,
        }
    }
}

impl Fresh {
    /// Takes a task in, for the one that was submitted first of all.
    pub(crate) fn replace(&mut self, task: Key) -> Option<Key> {
        let earlier = self.tasks[self.oldest].replace(task);
        self.oldest = (self.oldest + 1) % FRESH;
        earlier
    }

    /// From the one that was submitted first on; many have begun, or are gone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Key> {
        let (newer, older) = self.tasks.split_at(self.oldest);
        older.iter().chain(newer).filter_map(|task| *task)
    }
}

#[derive(Debug)]
pub(crate) struct Lines {
    /// The ends of the lines, which close each to a ring; then, by position, the
    /// tokens.
    places: Chunks<Standing>,
    n_lines: u32,
}

/// Beside whom somebody stands, and since when.
#[derive(Clone, Copy, Debug)]
struct Standing {
    before: u32,
    behind: u32,
    since: Time,
}

impl Lines {
    /// Lines of so many operators, all empty.
    pub(crate) fn new(n_ops: usize) -> Self {
        let mut lines = Self {
            places: Chunks::default(),
            n_lines: 3 * n_ops as u32,
        };
        for end in 0..lines.n_lines {
            *lines.at_mut(end) = Standing {
                before: end,
                behind: end,
                since: Time::default(),
            };
        }
        lines
    }

    /// A token joins a line at its end.
    pub(crate) fn join(&mut self, line: Line, token: At, now: Time) {
        let (end, here) = (self.end(line), self.place(token));
        let last = std::mem::replace(&mut self.at_mut(end).before, here);
        self.at_mut(last).behind = here;
        *self.at_mut(here) = Standing {
            before: last,
            behind: end,
            since: now,
        };
    }

    /// A token leaves the line in which it stands.
    pub(crate) fn leave(&mut self, token: At) {
        let Standing { before, behind, .. } = self.places[self.place(token) as usize];
        self.at_mut(before).behind = behind;
        self.at_mut(behind).before = before;
    }

    /// A token begins to wait outside of the lines.
    pub(crate) fn date(&mut self, token: At, now: Time) {
        let here = self.place(token);
        self.at_mut(here).since = now;
    }

    /// Since when a token waits.
    pub(crate) fn since(&self, token: At) -> Time {
        self.places[self.place(token) as usize].since
    }

    /// Who stands in a line; who does longest comes first.
    pub(crate) fn iter(&self, line: Line) -> impl Iterator<Item = At> {
        let end = self.end(line);
        let mut at = end;
        std::iter::from_fn(move || {
            at = self.places[at as usize].behind;
            // The end is no token.
            At::from_word(at.checked_sub(self.n_lines)? + 1)
        })
    }

    fn end(&self, line: Line) -> u32 {
        match line {
            Line::Start(op) => 3 * op as u32,
            Line::Read(op) => 3 * op as u32 + 1,
            Line::Retry(op) => 3 * op as u32 + 2,
        }
    }

    fn place(&self, token: At) -> u32 {
        self.n_lines + token.to_word() - 1
    }

    fn at_mut(&mut self, place: u32) -> &mut Standing {
        while place as usize >= self.places.len() {
            self.places.grow(|| Standing {
                before: 0,
                behind: 0,
                since: Time::default(),
            });
        }
        &mut self.places[place as usize]
    }
}
