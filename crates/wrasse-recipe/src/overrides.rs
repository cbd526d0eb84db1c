//! `--set key=value`: changes to the tree before it is checked, so that they
//! are checked like everything else, with the override as the place of errors.

use wrasse_op::Catalog;

use crate::node::{Content, Entry, Node, brief};
use crate::{Diagnostic, Origin, Place, parse};

/// Applies overrides in order. One with an error changes nothing.
pub(crate) fn apply(
    root: &mut Node,
    overrides: &[String],
    catalog: &Catalog,
    found: &mut Vec<Diagnostic>,
) {
    for (i, text) in overrides.iter().enumerate() {
        let Some(change) = Override::parse(i, text, found) else {
            continue;
        };
        let before = root.clone();
        if let Err(error) = change.set(root, catalog) {
            *root = before;
            found.push(error);
        }
    }
}

struct Override<'t> {
    path: &'t str,
    start: Place,
    value: Node,
}

impl<'t> Override<'t> {
    fn parse(i: usize, text: &'t str, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let start = Place {
            origin: Origin::Override(i),
            ..Place::START
        };
        let len = |text: &str| text.chars().count();
        let whole = Place {
            len: len(text).max(1),
            ..start
        };
        let Some((key, value)) = text
            .split_once('=')
            .filter(|(key, _)| !key.trim().is_empty())
        else {
            let error = Diagnostic::error("an override is `key=value`").at(whole);
            found.push(error.hint("for example `--set process.0.text_length_filter.max_len=5000`"));
            return None;
        };
        let n_errors = found.len();
        // Alone, `-` is no list of nothing but standard input or output.
        let value = if value == "-" { "'-'" } else { value };
        let node = parse::parse(value, start.origin, found);
        let mut errors = found.split_off(n_errors);
        let after_key = len(key) + 1;
        for place in errors.iter_mut().filter_map(|error| error.place.as_mut()) {
            shift(place, after_key);
        }
        let failed = !errors.is_empty();
        found.append(&mut errors);
        if failed {
            return None;
        }
        let mut value = node.unwrap_or_else(|| Node::null(whole));
        shift_all(&mut value, after_key);
        Some(Self {
            path: key,
            start,
            value,
        })
    }

    fn set(self, root: &mut Node, catalog: &Catalog) -> Result<(), Diagnostic> {
        let mut node = root;
        let (mut rest, mut column) = (Some(self.path), 1);
        while let Some(path) = rest {
            let (part, behind) = first_part(node, path);
            let len = part.chars().count();
            let place = Place {
                column,
                len: len.max(1),
                ..self.start
            };
            if part.trim().is_empty() {
                let error = Diagnostic::error("an empty part in the path of an override");
                return Err(error.at(place));
            }
            node = step(node, part.trim(), place, catalog)?;
            (rest, column) = (behind, column + len + 1);
        }
        *node = self.value;
        Ok(())
    }
}

/// The part of a path that is to be found in `node`, and what comes behind it. Parts
/// end at dots, but the name of a step may have some: `./clean.py:Filter`.
fn first_part<'t>(node: &Node, path: &'t str) -> (&'t str, Option<&'t str>) {
    let names: Vec<String> = match &node.content {
        Content::List(items) => items.iter().filter_map(operator).collect(),
        _ => operator(node).into_iter().collect(),
    };
    let is_whole = |name: &&String| {
        name.contains('.') && { path.strip_prefix(name.as_str()) }
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let named = names.iter().filter(is_whole).map(String::len).max();
    match named.or_else(|| path.find('.')) {
        Some(len) => (&path[..len], path[len..].strip_prefix('.')),
        None => (path, None),
    }
}

/// The child that a part of a path names; made if it could be.
fn step<'n>(
    node: &'n mut Node,
    part: &str,
    place: Place,
    catalog: &Catalog,
) -> Result<&'n mut Node, Diagnostic> {
    if node.is_null() {
        *node = Node::new(Content::Map(Vec::new()), place);
    }
    if let Content::Scalar(scalar) = &node.content
        && same_operator(&scalar.text, part, catalog)
    {
        let name = scalar.text.clone();
        give_parameters(node, name);
    }
    match &mut node.content {
        Content::Map(entries) => Ok(child(entries, part, place, catalog)),
        Content::List(items) => match item(items, part, place, catalog)? {
            (item, None) => Ok(item),
            (item, Some(name)) => step(item, &name, place, catalog),
        },
        Content::Scalar(scalar) => {
            let message = format!(
                "`{part}` cannot be set in `{}`, which is a single value",
                brief(&scalar.text)
            );
            Err(Diagnostic::error(message).at(place))
        }
    }
}

/// Turns `- operator` into `- operator:`, so that parameters can follow.
fn give_parameters(item: &mut Node, name: String) {
    let entry = Entry {
        key: name,
        place: item.place,
        value: Node::null(item.place),
    };
    item.content = Content::Map(vec![entry]);
}

/// Whether two names, one of them perhaps an alias, mean one operator.
fn same_operator(name: &str, other: &str, catalog: &Catalog) -> bool {
    let found = || Some(catalog.find(name)?.name == catalog.find(other)?.name);
    name == other || found().unwrap_or(false)
}

fn child<'n>(
    entries: &'n mut Vec<Entry>,
    part: &str,
    place: Place,
    catalog: &Catalog,
) -> &'n mut Node {
    let i = entries
        .iter()
        .position(|entry| same_operator(&entry.key, part, catalog))
        .unwrap_or(entries.len());
    if i == entries.len() {
        entries.push(Entry {
            key: part.to_owned(),
            place,
            value: Node::null(place),
        });
    }
    &mut entries[i].value
}

/// The item of a list that a part names: by number, or by its operator, whose
/// name in the recipe comes with it.
fn item<'n>(
    items: &'n mut [Node],
    part: &str,
    place: Place,
    catalog: &Catalog,
) -> Result<(&'n mut Node, Option<String>), Diagnostic> {
    let n_items = items.len();
    if let Ok(i) = part.parse::<usize>() {
        return match items.get_mut(i) {
            Some(item) => Ok((item, None)),
            None => Err(
                Diagnostic::error(format!("there is no item {i} in a list of {n_items}"))
                    .at(place)
                    .hint("items are numbered from 0"),
            ),
        };
    }
    let named: Vec<(usize, String)> = items
        .iter()
        .enumerate()
        .filter_map(|(i, item)| Some((i, operator(item)?)))
        .collect();
    let matching: Vec<&(usize, String)> = named
        .iter()
        .filter(|(_, name)| same_operator(name, part, catalog))
        .collect();
    match matching.as_slice() {
        [(i, name)] => Ok((&mut items[*i], Some(name.clone()))),
        [] => {
            let error = Diagnostic::error(format!("no step is called `{part}`")).at(place);
            let names = named.iter().map(|(_, name)| name.as_str());
            Err(error.did_you_mean(wrasse_op::closest(part, names)))
        }
        [(first, name), ..] => Err(Diagnostic::error(format!(
            "{} steps are called `{part}`",
            matching.len()
        ))
        .at(place)
        .hint(format!("say which by its number: `process.{first}.{name}`"))),
    }
}

/// The operator that an item of `process` names.
fn operator(item: &Node) -> Option<String> {
    match &item.content {
        Content::Scalar(scalar) => Some(scalar.text.clone()),
        Content::Map(entries) => entries.first().map(|entry| entry.key.clone()),
        Content::List(_) => None,
    }
}

/// Moves a place in the value to where it is in the whole override.
fn shift(place: &mut Place, columns: usize) {
    if place.line == 1 {
        place.column += columns;
    }
}

fn shift_all(node: &mut Node, columns: usize) {
    shift(&mut node.place, columns);
    match &mut node.content {
        Content::Scalar(_) => {}
        Content::List(items) => items.iter_mut().for_each(|item| shift_all(item, columns)),
        Content::Map(entries) => entries.iter_mut().for_each(|entry| {
            shift(&mut entry.place, columns);
            shift_all(&mut entry.value, columns);
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_steps_may_have_dots() {
        let recipe = "[{./ops.py:A: {}}, {./ops.py:A.b: {}}, plain]";
        let steps = parse::parse(recipe, Origin::Text, &mut Vec::new()).unwrap();
        let parts = |path| first_part(&steps, path);
        assert_eq!(parts("./ops.py:A.b.n"), ("./ops.py:A.b", Some("n")));
        assert_eq!(parts("./ops.py:A.n"), ("./ops.py:A", Some("n")));
        assert_eq!(parts("./ops.py:A"), ("./ops.py:A", None));
        assert_eq!(parts("./ops.py:Am.n"), ("", Some("/ops.py:Am.n")));
        assert_eq!(parts("plain.n"), ("plain", Some("n")));
        assert_eq!(parts("0../ops.py:A.n"), ("0", Some("./ops.py:A.n")));
        let Content::List(items) = &steps.content else {
            panic!("a list")
        };
        assert_eq!(
            first_part(&items[0], "./ops.py:A.n"),
            ("./ops.py:A", Some("n"))
        );
    }
}
