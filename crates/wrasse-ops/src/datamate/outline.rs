//! XML as lines of names and values.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use crate::unicode::strip;

/// Elements within elements, beyond which a text is refused.
const MAX_DEPTH: usize = 200;

enum Value {
    Nothing,
    Text(String),
    Fields(Fields),
}

/// What an element has, by name, in the order of the first of each name.
#[derive(Default)]
struct Fields {
    names: HashMap<String, usize>,
    values: Vec<(String, Vec<Value>)>,
}

impl Fields {
    fn add(&mut self, name: String, value: Value) {
        let n = self.values.len();
        let at = *self.names.entry(name.clone()).or_insert(n);
        if at == n {
            self.values.push((name, Vec::new()));
        }
        self.values[at].1.push(value);
    }
}

#[derive(Default)]
struct Element {
    name: String,
    fields: Fields,
    text: String,
}

/// The lines of `xml`.
///
/// # Errors
///
/// Why it is not well-formed.
pub(crate) fn outline(xml: &str) -> Result<String, String> {
    // As the format has it, whatever ends lines is one line feed.
    let xml = xml.replace("\r\n", "\n").replace('\r', "\n");
    let root = parse(&xml)?;
    let mut out = String::new();
    write_fields(&root, 0, &mut out);
    Ok(strip(&out).to_owned())
}

fn parse(xml: &str) -> Result<Fields, String> {
    let mut reader = Reader::from_str(xml);
    // What is around the root is its parent.
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} levels"));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                open.push(element(&start)?);
                close(&mut open);
            }
            // That it closes the last one is checked by the reader.
            Event::End(_) => close(&mut open),
            Event::Text(text) => add_text(&mut open, &utf8(&text)?)?,
            Event::CData(data) => add_text(&mut open, &utf8(&data)?)?,
            Event::GeneralRef(reference) => {
                let reference = format!("&{};", utf8(&reference)?);
                let text = unescape(&reference).map_err(|error| error.to_string())?;
                add_text(&mut open, &text)?;
            }
            Event::DocType(declaration) => {
                if utf8(&declaration)?.contains("<!ENTITY") {
                    return Err("it declares entities".to_owned());
                }
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    match open.pop() {
        Some(outside) if open.is_empty() => match outside.fields.values.as_slice() {
            [(_, roots)] if roots.len() == 1 => Ok(outside.fields),
            _ => Err("it does not have one root".to_owned()),
        },
        _ => Err("it ends within an element".to_owned()),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())
}

/// The name of an element or an attribute, which the reader does not check.
fn name(bytes: &[u8]) -> Result<String, String> {
    let name = utf8(bytes)?;
    let is_member = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c) || !c.is_ascii();
    let is_start = |c: char| is_member(c) && !c.is_ascii_digit() && !"-.".contains(c);
    if name.starts_with(is_start) && name.chars().all(is_member) {
        Ok(name)
    } else {
        Err(format!("`{name}` is no name"))
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut fields = Fields::default();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = utf8(&attribute.value)?.replace(['\t', '\n'], " ");
        if value.contains('<') {
            return Err("`<` in an attribute".to_owned());
        }
        let value = unescape(&value).map_err(|error| error.to_string())?;
        let name = format!("@{}", name(attribute.key.as_ref())?);
        fields.add(name, Value::Text(value.into_owned()));
    }
    Ok(Element {
        name: name(start.name().as_ref())?,
        fields,
        text: String::new(),
    })
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    match open {
        [_, .., element] => element.text.push_str(text),
        _ if text
            .chars()
            .all(|c| matches!(c, ' ' | '\t' | '\n' | '\u{feff}')) => {}
        _ => return Err("text outside of the root".to_owned()),
    }
    Ok(())
}

fn close(open: &mut Vec<Element>) {
    let Some(mut element) = open.pop() else {
        return;
    };
    let text = strip(&element.text).to_owned();
    let value = match (element.fields.values.is_empty(), text.is_empty()) {
        (true, true) => Value::Nothing,
        (true, false) => Value::Text(text),
        (false, true) => Value::Fields(element.fields),
        (false, false) => {
            element.fields.add("#text".to_owned(), Value::Text(text));
            Value::Fields(element.fields)
        }
    };
    if let Some(parent) = open.last_mut() {
        parent.fields.add(element.name, value);
    }
}

fn write_fields(fields: &Fields, indent: usize, out: &mut String) {
    for (name, values) in &fields.values {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(name);
        out.push_str(": ");
        // The fields of one of several are indented by one more.
        let is_list = values.len() > 1;
        for value in values {
            match value {
                Value::Nothing => out.push_str("None"),
                Value::Text(text) => out.push_str(text),
                Value::Fields(fields) => {
                    out.push('\n');
                    write_fields(fields, indent + 1 + usize::from(is_list), out);
                }
            }
            if !is_list && !matches!(value, Value::Fields(_)) {
                out.push('\n');
            }
        }
    }
}
