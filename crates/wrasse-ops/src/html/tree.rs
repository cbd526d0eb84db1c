//! The tree that a document is parsed into: as much of it as its text needs.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::tendril::StrTendril;
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, ExpandedName, QualName, local_name, ns};

/// A node, as the parser knows it.
pub(super) type Handle = Rc<Element>;

pub(super) struct Element {
    at: usize,
    name: QualName,
    /// Where the contents of a `template` go, which are no part of the tree.
    contents: Option<Handle>,
    is_integration_point: bool,
}

/// Nodes with links to each other; a link to [`NONE`] leads nowhere.
#[derive(Default)]
struct Links {
    parent: u32,
    first: u32,
    last: u32,
    before: u32,
    after: u32,
    text: StrTendril,
}

const NONE: u32 = 0;

pub(super) struct Tree {
    nodes: RefCell<Vec<Links>>,
    document: Handle,
    n_elements: Cell<usize>,
}

impl Tree {
    pub(super) fn new() -> Self {
        // The first node is none, the second is the document.
        Self {
            nodes: RefCell::new(vec![Links::default(), Links::default()]),
            document: Rc::new(Element {
                at: 1,
                name: nameless(),
                contents: None,
                is_integration_point: false,
            }),
            n_elements: Cell::new(0),
        }
    }

    /// The number of elements that were made.
    pub(super) fn n_elements(&self) -> usize {
        self.n_elements.get()
    }

    /// The text of all nodes, in their order.
    pub(super) fn text(&self, capacity: usize) -> String {
        let nodes = self.nodes.borrow();
        let mut out = String::with_capacity(capacity);
        let mut at = self.document.at as u32;
        loop {
            let node = &nodes[at as usize];
            out.push_str(&node.text);
            if node.first != NONE {
                at = node.first;
                continue;
            }
            while nodes[at as usize].after == NONE {
                at = nodes[at as usize].parent;
                if at == NONE {
                    return out;
                }
            }
            at = nodes[at as usize].after;
        }
    }

    fn make(&self, text: StrTendril) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Links {
            text,
            ..Links::default()
        });
        nodes.len() - 1
    }

    fn element(
        &self,
        name: QualName,
        contents: Option<Handle>,
        is_integration_point: bool,
    ) -> Handle {
        Rc::new(Element {
            at: self.make(StrTendril::new()),
            name,
            contents,
            is_integration_point,
        })
    }

    /// The node to be put somewhere: a text, or one that leaves its old place.
    fn take(&self, child: NodeOrText<Handle>) -> usize {
        match child {
            NodeOrText::AppendText(text) => self.make(text),
            NodeOrText::AppendNode(node) => {
                self.remove_from_parent(&node);
                node.at
            }
        }
    }
}

fn nameless() -> QualName {
    QualName::new(None, ns!(), local_name!(""))
}

impl TreeSink for Tree {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self {
        self
    }

    fn get_document(&self) -> Handle {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, _: Vec<Attribute>, flags: ElementFlags) -> Handle {
        self.n_elements.set(self.n_elements.get() + 1);
        let contents = flags
            .template
            .then(|| self.element(nameless(), None, false));
        self.element(
            name,
            contents,
            flags.mathml_annotation_xml_integration_point,
        )
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.element(nameless(), None, false)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.element(nameless(), None, false)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        let child = self.take(child);
        let nodes = &mut *self.nodes.borrow_mut();
        let last = std::mem::replace(&mut nodes[parent.at].last, child as u32);
        if last == NONE {
            nodes[parent.at].first = child as u32;
        } else {
            nodes[last as usize].after = child as u32;
        }
        nodes[child].parent = parent.at as u32;
        nodes[child].before = last;
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let child = self.take(child);
        let nodes = &mut *self.nodes.borrow_mut();
        let before = std::mem::replace(&mut nodes[sibling.at].before, child as u32);
        let parent = nodes[sibling.at].parent;
        if before != NONE {
            nodes[before as usize].after = child as u32;
        } else if parent != NONE {
            nodes[parent as usize].first = child as u32;
        }
        nodes[child].parent = parent;
        nodes[child].before = before;
        nodes[child].after = sibling.at as u32;
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        prev: &Handle,
        child: NodeOrText<Handle>,
    ) {
        let has_parent = self.nodes.borrow()[element.at].parent != NONE;
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(prev, child);
        }
    }

    fn get_template_contents(&self, target: &Handle) -> Handle {
        Rc::clone(target.contents.as_ref().unwrap_or(target))
    }

    fn same_node(&self, a: &Handle, b: &Handle) -> bool {
        a.at == b.at
    }

    fn remove_from_parent(&self, target: &Handle) {
        let nodes = &mut *self.nodes.borrow_mut();
        let Links {
            parent,
            before,
            after,
            ..
        } = nodes[target.at];
        if parent == NONE {
            return;
        }
        if before == NONE {
            nodes[parent as usize].first = after;
        } else {
            nodes[before as usize].after = after;
        }
        if after == NONE {
            nodes[parent as usize].last = before;
        } else {
            nodes[after as usize].before = before;
        }
        let node = &mut nodes[target.at];
        (node.parent, node.before, node.after) = (NONE, NONE, NONE);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let nodes = &mut *self.nodes.borrow_mut();
        let first = std::mem::take(&mut nodes[node.at].first);
        let last = std::mem::take(&mut nodes[node.at].last);
        if first == NONE {
            return;
        }
        let mut child = first;
        while child != NONE {
            nodes[child as usize].parent = new_parent.at as u32;
            child = nodes[child as usize].after;
        }
        let end = std::mem::replace(&mut nodes[new_parent.at].last, last);
        nodes[first as usize].before = end;
        if end == NONE {
            nodes[new_parent.at].first = first;
        } else {
            nodes[end as usize].after = first;
        }
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &Handle) -> bool {
        handle.is_integration_point
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}
    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}
    fn set_quirks_mode(&self, _: QuirksMode) {}
    fn parse_error(&self, _: Cow<'static, str>) {}
}
