//! [`Catalog`]: the operators that a build of Wrasse knows.

use crate::OpSpec;

/// A list of operators, found by name or alias.
///
/// The library is one list; a build with operators of one's own joins another:
///
/// ```text
/// let catalog = wrasse_ops::catalog().with(my_ops::SPECS);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    specs: Vec<&'static OpSpec>,
}

impl Catalog {
    /// A catalog without operators.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds operators. A name that is there already gives way to the new one,
    /// so that a build can replace an operator of the library.
    #[must_use]
    pub fn with(mut self, specs: &[&'static OpSpec]) -> Self {
        for spec in specs {
            self.specs.retain(|known| known.name != spec.name);
            self.specs.push(spec);
        }
        self.specs.sort_by_key(|spec| spec.name);
        self
    }

    /// The operator called `name`, by its name or an alias.
    pub fn find(&self, name: &str) -> Option<&'static OpSpec> {
        self.specs
            .iter()
            .find(|spec| spec.name == name)
            .or_else(|| self.specs.iter().find(|spec| spec.aliases.contains(&name)))
            .copied()
    }

    /// The name that was probably meant by `name`.
    pub fn suggest(&self, name: &str) -> Option<&'static str> {
        closest(
            name,
            self.iter()
                .flat_map(|spec| std::iter::once(spec.name).chain(spec.aliases.iter().copied())),
        )
    }

    /// The operators, by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static OpSpec> {
        self.specs.iter().copied()
    }
}

/// The candidate closest to `word`, if one is close enough to be meant by it.
pub fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes time and memory by the product of both lengths.
    const TYPO_BYTES_MAX: usize = 100;
    candidates
        .filter(|_| word.len() <= TYPO_BYTES_MAX)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (word.len().max(candidate.len()) / 3).max(1)
                || (word.len() >= 4 && candidate.starts_with(word))
        })
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}
