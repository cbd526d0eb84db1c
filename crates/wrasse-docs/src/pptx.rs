//! Presentations: the slides in their order, an empty line between two, a line
//! for each paragraph.

use crate::output::Output;
use crate::package::Package;
use crate::xml::{Item, walk};
use crate::{DocError, Document, Limits};

pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let mut package = Package::open(bytes, limits)?;
    let mut ids = Vec::new();
    let presentation = package.required("ppt/presentation.xml")?;
    walk(&presentation, |item| {
        if let Item::Open("sldId", attributes) = item {
            ids.extend(attributes.get("r:id"));
        }
        Ok(())
    })?;
    let targets = package.targets("ppt", "presentation.xml")?;
    let mut seen = std::collections::HashSet::new();
    let slides = ids.iter().filter_map(|id| targets.get(id));
    // A slide named a thousand times is there once.
    let slides: Vec<&String> = slides.filter(|part| seen.insert(*part)).collect();
    let mut out = Output::new(limits);
    for slide in &slides {
        if let Some(xml) = package.part(slide)? {
            paragraphs(&xml, &mut out)?;
            out.end_paragraph();
        }
    }
    let mut document = Document {
        text: out.finish(),
        n_pages: Some(slides.len() as u64),
        ..Document::default()
    };
    package.describe(&mut document)?;
    Ok(document)
}

fn paragraphs(xml: &str, out: &mut Output) -> Result<(), DocError> {
    let mut in_text = false;
    walk(xml, |item| {
        match item {
            Item::Open("t", _) => in_text = true,
            Item::Close("t") => in_text = false,
            Item::Text(text) if in_text => out.push(text)?,
            Item::Open("br", _) | Item::Close("p") => out.end_line(),
            _ => {}
        }
        Ok(())
    })
}
