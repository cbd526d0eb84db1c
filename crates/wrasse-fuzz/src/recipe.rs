//! [`recipe`]: any bytes are a recipe, or are told to be none.

use std::sync::OnceLock;

use wrasse_recipe::{Catalog, Origin, Severity, Source, check, diff};

/// Checks a recipe with overrides: what comes before the first NUL is the
/// recipe, each part after one is an override.
///
/// # Panics
///
/// If the check panics, gives neither recipe nor error (or both), names a place
/// that is not there, or does not say the same twice.
pub fn recipe(data: &[u8]) {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    let catalog = CATALOG.get_or_init(wrasse_ops::catalog);
    let mut parts = data.split(|byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let overrides: Vec<String> = parts
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    let n_overrides = overrides.len();
    let source = Source::new("recipe.yaml", text).with_overrides(overrides);
    let n_lines = text
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count()
        + 1;

    let checked = check(&source, catalog);
    let is_wrong = checked
        .diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error);
    assert_eq!(
        checked.recipe.is_none(),
        is_wrong,
        "{:?}",
        checked.diagnostics
    );
    for one in &checked.diagnostics {
        assert!(!one.message.is_empty());
        // Control characters are shown by their codes, so the text may differ.
        let rendered = one.render(&source);
        assert!(
            rendered.contains(one.severity.name()) && rendered.ends_with('\n'),
            "{rendered:?}"
        );
        let Some(place) = one.place else { continue };
        assert!(
            place.line >= 1 && place.column >= 1 && place.len >= 1,
            "{one:?}"
        );
        match place.origin {
            Origin::Text => assert!(place.line <= n_lines + 1, "{one:?} of {n_lines} lines"),
            Origin::Override(i) => assert!(i < n_overrides, "{one:?} of {n_overrides} overrides"),
        }
    }

    let again = check(&source, catalog);
    assert_eq!(checked.diagnostics, again.diagnostics);
    if let (Some(first), Some(second)) = (checked.recipe, again.recipe) {
        let (first, second) = (first.canonical(), second.canonical());
        assert_eq!(first.json(), second.json());
        assert!(diff(&first, &second).is_empty());
        assert!(!first.json().is_null());
    }
}
