//! Word documents: paragraphs, with headings marked as in Markdown; tables a
//! line for each row; footnotes behind all else. Deleted text, field codes and
//! headers are left out.

use crate::output::Output;
use crate::package::Package;
use crate::xml::{Item, walk};
use crate::{DocError, Document, Limits};

pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let mut package = Package::open(bytes, limits)?;
    let mut out = Output::new(limits);
    let body = package.required("word/document.xml")?;
    story(&body, &mut out)?;
    drop(body);
    for notes in ["word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(notes) = package.part(notes)? {
            story(&notes, &mut out)?;
        }
    }
    let mut document = Document {
        text: out.finish(),
        ..Document::default()
    };
    package.describe(&mut document)?;
    Ok(document)
}

/// Adds the text of one part.
fn story(xml: &str, out: &mut Output) -> Result<(), DocError> {
    let mut in_text = false;
    // The other half of what newer and older programs shall show.
    let mut n_fallbacks = 0;
    let mut cells: Vec<usize> = Vec::new();
    // The level of the paragraph that has no text yet.
    let mut heading: Option<usize> = None;
    // Within a cell, paragraphs are parts of one line.
    let mut is_next_in_cell = false;
    walk(xml, |item| {
        match item {
            Item::Open("Fallback", _) => n_fallbacks += 1,
            Item::Close("Fallback") => n_fallbacks -= 1,
            _ if n_fallbacks > 0 => {}
            Item::Open("t", _) => in_text = true,
            Item::Close("t") => in_text = false,
            Item::Text(text) if in_text => {
                if std::mem::take(&mut is_next_in_cell) {
                    out.space()?;
                }
                if let Some(level) = heading.take()
                    && cells.is_empty()
                    && !text.trim().is_empty()
                {
                    out.end_paragraph();
                    out.push(&"#".repeat(level))?;
                    out.push(" ")?;
                }
                out.push(text)?;
            }
            Item::Open("tab", _) if !out.is_at_line_start() => out.push("\t")?,
            Item::Open("br" | "cr", _) => out.end_line(),
            Item::Open("noBreakHyphen", _) => out.push("-")?,
            Item::Open("p", _) => heading = None,
            Item::Open("pStyle", attributes) => {
                heading = attributes.get("w:val").and_then(|style| level(&style));
            }
            Item::Close("p") if cells.is_empty() => {
                out.end_paragraph();
            }
            Item::Close("p") => is_next_in_cell = true,
            Item::Open("tr", _) => cells.push(0),
            Item::Open("tc", _) => {
                is_next_in_cell = false;
                if let Some(n) = cells.last_mut() {
                    *n += 1;
                    if *n > 1 {
                        out.push("\t")?;
                    }
                }
            }
            Item::Close("tr") => {
                cells.pop();
                is_next_in_cell = false;
                out.end_line();
            }
            Item::Close("tbl") if cells.is_empty() => out.end_paragraph(),
            _ => {}
        }
        Ok(())
    })
}

/// The level of a style for headings, 1 to 6.
fn level(style: &str) -> Option<usize> {
    if style.eq_ignore_ascii_case("title") {
        return Some(1);
    }
    let number = style
        .get(..7)
        .filter(|name| name.eq_ignore_ascii_case("heading"));
    let level = number.and_then(|_| style[7..].trim().parse().ok())?;
    (1..=6).contains(&level).then_some(level)
}
