//! YAML text into [`Node`]s, within bounds.
//!
//! The parser below yields events; this module builds the tree, resolves
//! aliases and merge keys, and refuses what a recipe never needs: code tags,
//! several documents, keys that are no text, trees that are too large once
//! aliases are expanded.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::node::{Content, Entry, Node, Scalar};
use crate::source::lines;
use crate::{Diagnostic, Origin, Place};

/// Nodes of a recipe after the expansion of aliases. The largest known recipes
/// have some 2,000; a list of 50,000 words still fits.
const NODES_MAX: usize = 100_000;
/// Levels of nesting; known recipes have 6. Bounds the recursion over trees.
const DEPTH_MAX: usize = 128;

/// The parser's commonest errors: a part of its message, ours if it says more,
/// and what to do.
const SYNTAX: &[(&str, Option<&str>, Option<&str>)] = &[
    (
        "unknown anchor",
        Some("this alias has no anchor above it"),
        Some("quote the value if it is text"),
    ),
    (
        "quoted scalar, found unexpected end",
        Some("this quote is never closed"),
        None,
    ),
    (
        "illegal placement of ':'",
        None,
        Some("a bracket or brace above may still be open"),
    ),
    ("did not find expected", None, INDENTATION),
    ("invalid indentation", None, INDENTATION),
    ("mapping values are not allowed", None, INDENTATION),
    ("simple key", None, INDENTATION),
];
const INDENTATION: Option<&str> =
    Some("compare the indentation of this line with that of the lines above");

/// Parses a text. Errors go to `found`; `None` after one that hides the rest,
/// and for an empty text (which is no error here).
pub(crate) fn parse(text: &str, origin: Origin, found: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut builder = Builder {
        origin,
        lines: lines(text).collect(),
        open: Vec::new(),
        root: None,
        anchors: BTreeMap::new(),
        n_nodes: 0,
        found,
    };
    let parsed = builder.read(Parser::new_from_str(text));
    let root = builder.root;
    match parsed {
        Ok(()) => root,
        Err(diagnostic) => {
            found.push(*diagnostic);
            None
        }
    }
}

/// An error after which nothing more can be read.
type Fatal = Box<Diagnostic>;

struct Builder<'t, 'd> {
    origin: Origin,
    lines: Vec<&'t str>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Anchored>,
    n_nodes: usize,
    found: &'d mut Vec<Diagnostic>,
}

/// A list or mapping whose end has not been seen yet.
struct Open {
    content: Content,
    place: Place,
    anchor: usize,
    /// A mapping's key that waits for its value.
    key: Option<(String, Place)>,
    /// What `<<` brought in, for a mapping.
    merged: Vec<Entry>,
    depth_below: usize,
    n_below: usize,
}

struct Anchored {
    node: Node,
    n_nodes: usize,
    depth: usize,
}

impl<'t> Builder<'t, '_> {
    fn read(&mut self, parser: Parser<'t, StrInput<'t>>) -> Result<(), Fatal> {
        let mut n_documents = 0;
        let mut parser = parser;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax_error(&error))?;
            let place = self.place(span);
            match event {
                Event::DocumentStart(_) => {
                    n_documents += 1;
                    if n_documents > 1 {
                        return Err(Box::new(
                            Diagnostic::error(
                                "a recipe is one YAML document, and here starts another",
                            )
                            .at(place)
                            .hint(
                                "remove the `---`, or put the second recipe into a file of its own",
                            ),
                        ));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain;
                    let plain = self.scalar_tag(tag.as_deref(), place).unwrap_or(plain);
                    let text = text.into_owned();
                    let node = Node::new(Content::Scalar(Scalar { text, plain }), place);
                    self.count(1, place)?;
                    self.close(node, anchor, 1, 1)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.tag(tag.as_deref(), "seq", place);
                    self.start(Content::List(Vec::new()), anchor, place)?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.tag(tag.as_deref(), "map", place);
                    self.start(Content::Map(Vec::new()), anchor, place)?;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some(open) = self.open.pop() {
                        self.end(open)?;
                    }
                }
                Event::Alias(id) => self.alias(id, place)?,
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, content: Content, anchor: usize, place: Place) -> Result<(), Fatal> {
        self.count(1, place)?;
        self.open.push(Open {
            content,
            place: Place { len: 1, ..place },
            anchor,
            key: None,
            merged: Vec::new(),
            depth_below: 0,
            n_below: 0,
        });
        self.bound_depth(self.open.len(), place)
    }

    fn end(&mut self, open: Open) -> Result<(), Fatal> {
        let content = match open.content {
            Content::Map(entries) => Content::Map(self.merge(open.merged, entries)),
            other => other,
        };
        let node = Node::new(content, open.place);
        self.close(node, open.anchor, open.n_below + 1, open.depth_below + 1)
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<(), Fatal> {
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(Box::new(
                Diagnostic::error("an alias inside of what it names").at(place),
            ));
        };
        let (n_nodes, depth) = (anchored.n_nodes, anchored.depth);
        // Before the copy, which may be what does not fit.
        self.count(n_nodes, place)?;
        self.bound_depth(self.open.len() + depth, place)?;
        let Some(node) = self.anchors.get(&id).map(|anchored| anchored.node.clone()) else {
            return Ok(());
        };
        self.close(node, 0, n_nodes, depth)
    }

    /// Hands a finished node to what it lies in.
    fn close(
        &mut self,
        mut node: Node,
        anchor: usize,
        n_nodes: usize,
        depth: usize,
    ) -> Result<(), Fatal> {
        let key_place = self
            .open
            .last()
            .and_then(|open| open.key.as_ref())
            .map(|(_, place)| *place);
        if let (Some(place), true) = (key_place, is_absent(&node)) {
            node.place = place;
        }
        if anchor > 0 {
            self.count(n_nodes, node.place)?;
            let node = node.clone();
            self.anchors.insert(
                anchor,
                Anchored {
                    node,
                    n_nodes,
                    depth,
                },
            );
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.n_below += n_nodes;
        open.depth_below = open.depth_below.max(depth);
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map(entries) => match open.key.take() {
                None => open.key = Some(key(node)?),
                Some((key, place)) if key == "<<" => {
                    let merged = mappings(node).map_err(|found| {
                        let message = format!("`<<` merges mappings, found {found}");
                        Box::new(Diagnostic::error(message).at(place))
                    })?;
                    open.merged.extend(merged);
                }
                Some((key, place)) => entries.push(Entry {
                    key,
                    place,
                    value: node,
                }),
            },
            Content::Scalar(_) => {}
        }
        Ok(())
    }
}

impl Builder<'_, '_> {
    /// The entries of a mapping: what `<<` brought in gives way to its own
    /// keys, and of equal keys the first stays.
    fn merge(&mut self, merged: Vec<Entry>, own: Vec<Entry>) -> Vec<Entry> {
        let mut places = BTreeMap::new();
        for entry in &own {
            let first = *places.entry(entry.key.as_str()).or_insert(entry.place);
            if first != entry.place {
                let message = format!(
                    "duplicate key `{}`, first given at {}:{}",
                    entry.key, first.line, first.column
                );
                let hint = "keep one of them; of two equal keys most readers would silently drop the first";
                self.found
                    .push(Diagnostic::error(message).at(entry.place).hint(hint));
            }
        }
        let own_keys: BTreeSet<String> = places.keys().map(|key| (*key).to_owned()).collect();
        let mut seen = BTreeSet::new();
        let from_merge = merged
            .into_iter()
            .filter(|entry| !own_keys.contains(&entry.key));
        from_merge
            .chain(own)
            .filter(|entry| seen.insert(entry.key.clone()))
            .collect()
    }

    /// Checks the tag of a scalar; `Some` if it decides whether it is plain.
    fn scalar_tag(&mut self, tag: Option<&Tag>, place: Place) -> Option<bool> {
        let tag = tag?;
        match core_name(tag).as_deref() {
            Some("str") => Some(false),
            Some("int" | "float" | "bool" | "null") => Some(true),
            _ if tag.handle == "!" && tag.suffix.is_empty() => Some(false),
            _ => {
                self.refuse_tag(tag, place);
                None
            }
        }
    }

    fn tag(&mut self, tag: Option<&Tag>, allowed: &str, place: Place) {
        if let Some(tag) = tag
            && core_name(tag).as_deref() != Some(allowed)
        {
            self.refuse_tag(tag, place);
        }
    }

    fn refuse_tag(&mut self, tag: &Tag, place: Place) {
        let name = core_name(tag).map_or_else(|| tag.to_string(), |name| format!("!!{name}"));
        let place = Place {
            len: name.chars().count(),
            ..place
        };
        let error = if name.starts_with("!!python") {
            Diagnostic::error(format!("the tag `{name}` would run Python code"))
                .hint("a recipe is data; write the value itself")
        } else {
            Diagnostic::error(format!("the tag `{name}` has no meaning in a recipe"))
                .hint("remove it, or quote the value if it is text")
        };
        self.found.push(error.at(place));
    }

    fn count(&mut self, n_nodes: usize, place: Place) -> Result<(), Fatal> {
        self.n_nodes = self.n_nodes.saturating_add(n_nodes);
        if self.n_nodes > NODES_MAX {
            let message = format!(
                "the recipe has more than {NODES_MAX} values once its aliases are expanded"
            );
            return Err(Box::new(Diagnostic::error(message).at(place)));
        }
        Ok(())
    }

    fn bound_depth(&self, depth: usize, place: Place) -> Result<(), Fatal> {
        if depth > DEPTH_MAX {
            return Err(too_deep(place));
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        let start = self.at(span.start);
        let end = if span.end.line() == span.start.line() {
            span.end.col()
        } else {
            let line = self.lines.get(start.line - 1);
            line.map_or(0, |line| line.trim_end().chars().count())
        };
        Place {
            len: end.saturating_sub(span.start.col()).max(1),
            ..start
        }
    }

    fn at(&self, marker: Marker) -> Place {
        let place = Place {
            origin: self.origin,
            line: marker.line().max(1),
            column: marker.col() + 1,
            len: 1,
        };
        match self.lines.last() {
            // The end of the text is shown behind its last line.
            Some(last) if place.line > self.lines.len() => Place {
                line: self.lines.len(),
                column: last.chars().count() + 1,
                ..place
            },
            _ => place,
        }
    }

    /// The parser's error in the words of someone who writes recipes.
    fn syntax_error(&self, error: &ScanError) -> Fatal {
        let place = self.at(*error.marker());
        if error.info().contains("recursion limit") {
            return too_deep(place);
        }
        if let Some(tab) = self.tab(place) {
            return Box::new(
                Diagnostic::error("a tab, where YAML takes only spaces")
                    .at(tab)
                    .hint("indent with two spaces"),
            );
        }
        let known = SYNTAX.iter().find(|(part, ..)| error.info().contains(part));
        let message = match known {
            Some((_, Some(message), _)) => (*message).to_owned(),
            _ => format!("not valid YAML: {}", error.info()),
        };
        let error = Diagnostic::error(message).at(place);
        Box::new(match known {
            Some((.., Some(hint))) => error.hint(*hint),
            _ => error,
        })
    }

    /// A tab among the blanks that lead to a place, or in the indentation of its line.
    fn tab(&self, place: Place) -> Option<Place> {
        let line: Vec<char> = self.lines.get(place.line - 1)?.chars().collect();
        let blank = |c: &char| *c == ' ' || *c == '\t';
        let is_tab = |c: &char| *c == '\t';
        let in_indentation = line.iter().take_while(|c| blank(c)).position(is_tab);
        let near = || {
            let at = (place.column - 1).min(line.len());
            let n_blank = line[..at].iter().rev().take_while(|c| blank(c)).count();
            let span = line.iter().enumerate().take(at + 1).skip(at - n_blank);
            span.filter(|(_, c)| is_tab(c)).map(|(i, _)| i).next()
        };
        let column = in_indentation.or_else(near)? + 1;
        Some(Place { column, ..place })
    }
}

fn too_deep(place: Place) -> Fatal {
    Box::new(Diagnostic::error(format!("nested more than {DEPTH_MAX} levels deep")).at(place))
}

/// The part after `!!`, for a tag of YAML itself.
fn core_name(tag: &Tag) -> Option<String> {
    let full = format!("{}{}", tag.handle, tag.suffix);
    full.strip_prefix("tag:yaml.org,2002:").map(str::to_owned)
}

/// Whether nothing was written at all, so that a node has no place of its own.
fn is_absent(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar(scalar) if scalar.plain && scalar.text.is_empty())
}

fn key(node: Node) -> Result<(String, Place), Fatal> {
    match node.content {
        Content::Scalar(scalar) => Ok((scalar.text, node.place)),
        _ => Err(Box::new(
            Diagnostic::error(format!("a key is text, found {}", node.words())).at(node.place),
        )),
    }
}

/// The entries of a mapping or of a list of mappings; else what it is.
fn mappings(node: Node) -> Result<Vec<Entry>, String> {
    match node.content {
        Content::Map(entries) => Ok(entries),
        Content::List(items) => {
            let mut entries = Vec::new();
            for item in items {
                entries.extend(mappings(item)?);
            }
            Ok(entries)
        }
        Content::Scalar(_) => Err(node.words()),
    }
}
