//! Paths that overlap: what is written to `meta` and to `meta.lang`.

use std::borrow::Cow;

use super::content::Content;
use super::{Loaded, Sample};
use crate::json;

impl Sample {
    /// Writes a value.
    pub(super) fn set(&mut self, path: &str, value: Content) {
        self.revision += 1;
        // Of paths that overlap (`meta`, `meta.lang`) what is written last counts:
        // the inside of an old value goes with it, and what is written below a
        // new value becomes part of that.
        let (mut above, mut stale) = (None, Vec::new());
        for (i, known) in self.loaded.iter().enumerate() {
            if self.below(path, &known.path).is_some() && known.changed {
                above = Some(i);
            } else if self.below(path, &known.path).is_some()
                || self.below(&known.path, path).is_some()
            {
                stale.push(i);
            }
        }
        if let Some(at) = above {
            let old = self.loaded[at].value.json();
            let new = value.json();
            let rest = self.below(path, &self.loaded[at].path).unwrap_or_default();
            match (old, new) {
                (None, None) => {}
                (old, new) => {
                    let json =
                        json::set_below(old.as_deref().unwrap_or("{}"), rest, new.as_deref());
                    self.loaded[at].value = Content::Json(json.into());
                }
            }
            // What was read at the path itself is stale as well.
            stale.extend(self.position(path));
            stale.sort_unstable();
            for i in stale.into_iter().rev() {
                self.loaded.remove(i);
            }
            return;
        }
        for i in stale.into_iter().rev() {
            self.loaded.remove(i);
        }
        match self.position(path) {
            Some(at) => {
                self.loaded[at].value = value;
                self.loaded[at].changed = true;
            }
            None => self.loaded.push(Loaded {
                path: path.into(),
                value,
                changed: true,
            }),
        }
    }

    /// What `path` adds to `outer`, if it names something within it.
    fn below<'p>(&self, path: &'p str, outer: &str) -> Option<&'p str> {
        let rest = path.strip_prefix(outer)?.strip_prefix('.')?;
        let (at, _) = self.row.locate(path)?;
        let (outer_at, _) = self.row.locate(outer)?;
        // A key may hold the dot itself: then the two have nothing in common.
        (at == outer_at && self.is_below_a_field(path)).then_some(rest)
    }

    /// Whether something was written above or below `path`, so that the row it
    /// was read from does not tell its value.
    pub(super) fn is_overwritten(&self, path: &str) -> bool {
        self.loaded.iter().any(|known| {
            known.changed
                && (self.below(path, &known.path).is_some()
                    || self.below(&known.path, path).is_some())
        })
    }

    /// The value at `path` with what was written above and below it.
    pub(super) fn overwritten_json(&self, path: &str) -> Option<String> {
        let mut json = None;
        for known in self.loaded.iter().filter(|known| known.changed) {
            if let Some(rest) = self.below(path, &known.path) {
                let above = known.value.json()?;
                return json::descend(&above, rest).map(str::to_owned);
            }
            if let Some(rest) = self.below(&known.path, path) {
                let old = json.or_else(|| self.row.json(path).map(Cow::into_owned));
                let new = known.value.json();
                json = match (old, &new) {
                    (None, None) => None,
                    (old, new) => Some(json::set_below(
                        old.as_deref().unwrap_or("{}"),
                        rest,
                        new.as_deref(),
                    )),
                };
            }
        }
        json
    }

    /// Whether `path` names something within a top-level field.
    pub(super) fn is_below_a_field(&self, path: &str) -> bool {
        matches!(self.row.locate(path), Some((_, Some(_))))
    }
}
