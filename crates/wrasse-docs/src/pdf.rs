//! PDF: the text of its pages, in the order in which it is drawn, cut into
//! lines and words by where it is drawn. Pages without text (scans) give none.

mod layout;
mod objects;

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::content::Content;
use lopdf::{
    DecompressError, Dictionary, Document as Pdf, Encoding, LoadOptions, Object, ObjectId,
};

use crate::output::Output;
use crate::{DocError, Document, Limits};
use layout::{Matrix, Pen};

/// Fonts of a document; text in further ones is passed over.
const FONTS_MAX: usize = 4096;
/// What part of all that a document may unpack to an encoding may.
const ENCODING_SHARE: usize = 64;
/// Drawings within drawings.
const DEPTH_MAX: usize = 16;
/// Operations of a document: what takes a second or two.
const OPERATIONS_MAX: usize = 20_000_000;

pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let start = bytes[..bytes.len().min(1024)]
        .windows(5)
        .position(|found| found == b"%PDF-");
    let Some(start) = start else {
        return Err(DocError::new("no PDF: it does not begin with `%PDF-`"));
    };
    let bytes = &bytes[start..];
    objects::check(bytes, limits)?;
    let options = LoadOptions {
        max_decompressed_size: Some(limits.unpacked_bytes_max),
        ..LoadOptions::default()
    };
    let pdf = Pdf::load_mem_with_options(bytes, options)
        .map_err(|error| DocError::new(format!("damaged PDF: {error}")))?;
    if pdf.is_encrypted() {
        return Err(DocError::new("the PDF is encrypted with a password"));
    }
    let pages: Vec<ObjectId> = pdf.page_iter().collect();
    if pages.is_empty() {
        return Err(DocError::new("damaged PDF: it has no pages"));
    }
    let mut reader = Reader {
        pdf: &pdf,
        out: Output::new(limits),
        fonts: HashMap::new(),
        bytes_left: limits.unpacked_bytes_max,
        bytes_max: limits.unpacked_bytes_max,
        operations_left: OPERATIONS_MAX,
    };
    for page in &pages {
        reader.page(*page)?;
        reader.out.end_paragraph();
    }
    let information = |key: &[u8]| -> Option<String> {
        let dictionary = pdf.trailer.get_deref(b"Info", &pdf).ok()?.as_dict().ok()?;
        let text = lopdf::decode_text_string(dictionary.get_deref(key, &pdf).ok()?).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    Ok(Document {
        title: information(b"Title"),
        author: information(b"Author"),
        n_pages: Some(pages.len() as u64),
        text: reader.out.finish(),
    })
}

struct Reader<'p> {
    pdf: &'p Pdf,
    out: Output,
    /// By where their dictionaries are.
    fonts: HashMap<usize, Rc<Font<'p>>>,
    bytes_left: usize,
    bytes_max: usize,
    operations_left: usize,
}

/// A font with what text in it needs.
struct Font<'p> {
    encoding: Option<Encoding<'p>>,
    widths: objects::Widths,
}

impl<'p> Reader<'p> {
    fn page(&mut self, page: ObjectId) -> Result<(), DocError> {
        let mut resources = Vec::new();
        if let Ok((own, ids)) = self.pdf.get_page_resources(page) {
            resources.extend(own);
            resources.extend(
                ids.iter()
                    .filter_map(|id| self.pdf.get_dictionary(*id).ok()),
            );
        }
        let content = self
            .pdf
            .get_page_content_with_limit(page, self.bytes_left)
            .map_err(|error| self.refused(&error))?;
        self.bytes_left = self.bytes_left.saturating_sub(content.len());
        let mut pen = Pen::new();
        self.draw(&content, &resources, &mut pen, Matrix::IDENTITY, 0)
    }

    fn draw(
        &mut self,
        content: &[u8],
        resources: &[&'p Dictionary],
        pen: &mut Pen,
        outer: Matrix,
        depth: usize,
    ) -> Result<(), DocError> {
        let mut font: Option<Rc<Font<'p>>> = None;
        let mut matrices = vec![outer];
        pen.frame = outer;
        for operation in Content::decode_iter(content) {
            // What comes before the damage is text nevertheless.
            let Ok(operation) = operation else {
                break;
            };
            self.operations_left = self.operations_left.checked_sub(1).ok_or_else(|| {
                DocError::new(format!(
                    "the PDF draws with more than {OPERATIONS_MAX} operations"
                ))
            })?;
            let operands = &operation.operands;
            let number = |i: usize| operands.get(i).and_then(number_of).unwrap_or(0.0);
            match operation.operator.as_str() {
                "q" if matrices.len() < 256 => matrices.push(pen.frame),
                "Q" if matrices.len() > 1 => pen.frame = matrices.pop().unwrap_or(outer),
                "cm" => pen.frame = matrix(operands).then(pen.frame),
                "BT" => pen.begin(),
                "Tf" => {
                    pen.size = number(1);
                    let name = operands.first().and_then(|name| name.as_name().ok());
                    let name = name.unwrap_or_default();
                    font = self.font(name, resources);
                }
                "Tc" => pen.char_space = number(0),
                "Tw" => pen.word_space = number(0),
                "Tz" => pen.scale = number(0) / 100.0,
                "TL" => pen.leading = number(0),
                "Td" => pen.move_by(number(0), number(1)),
                "TD" => {
                    pen.leading = -number(1);
                    pen.move_by(number(0), number(1));
                }
                "Tm" => pen.place(matrix(operands)),
                "T*" => pen.next_line(),
                "Tj" => self.show(operands.first(), font.as_deref(), pen)?,
                "'" | "\"" => {
                    pen.next_line();
                    self.show(operands.last(), font.as_deref(), pen)?;
                }
                "TJ" => {
                    let parts = operands.first().and_then(|parts| parts.as_array().ok());
                    for part in parts.into_iter().flatten() {
                        match number_of(part) {
                            Some(back) => pen.advance(-back / 1000.0 * pen.size * pen.scale),
                            None => self.show(Some(part), font.as_deref(), pen)?,
                        }
                    }
                }
                "Do" if depth < DEPTH_MAX => {
                    let frame = pen.frame;
                    let name = operands.first().and_then(|name| name.as_name().ok());
                    self.form(name.unwrap_or_default(), resources, pen, depth)?;
                    pen.frame = frame;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Draws what another drawing consists of.
    fn form(
        &mut self,
        name: &[u8],
        resources: &[&'p Dictionary],
        pen: &mut Pen,
        depth: usize,
    ) -> Result<(), DocError> {
        let found = self.resource(b"XObject", name, resources);
        let Some(Object::Stream(stream)) = found else {
            return Ok(());
        };
        if stream.dict.get(b"Subtype").and_then(Object::as_name).ok() != Some(b"Form") {
            return Ok(());
        }
        let content = stream
            .get_plain_content_with_limit(self.bytes_left)
            .map_err(|error| self.refused(&error))?;
        self.bytes_left = self.bytes_left.saturating_sub(content.len());
        let own = stream
            .dict
            .get_deref(b"Resources", self.pdf)
            .and_then(Object::as_dict);
        let own: Vec<&Dictionary> = own.into_iter().collect();
        let inner = match stream
            .dict
            .get_deref(b"Matrix", self.pdf)
            .and_then(Object::as_array)
        {
            Ok(numbers) => matrix(numbers).then(pen.frame),
            Err(_) => pen.frame,
        };
        let resources = if own.is_empty() { resources } else { &own };
        self.draw(&content, resources, pen, inner, depth + 1)
    }

    fn refused(&self, error: &lopdf::Error) -> DocError {
        DocError::new(match error {
            lopdf::Error::Decompress(DecompressError::MemoryLimitExceeded { .. }) => {
                format!("the PDF unpacks to more than {} bytes", self.bytes_max)
            }
            error => format!("damaged PDF: {error}"),
        })
    }

    fn resource(
        &self,
        kind: &[u8],
        name: &[u8],
        resources: &[&'p Dictionary],
    ) -> Option<&'p Object> {
        resources.iter().find_map(|resources| {
            let all = resources.get_deref(kind, self.pdf).ok()?.as_dict().ok()?;
            all.get_deref(name, self.pdf).ok()
        })
    }

    /// A font with its encoding, which is read once for all pages.
    fn font(&mut self, name: &[u8], resources: &[&'p Dictionary]) -> Option<Rc<Font<'p>>> {
        let font = self.resource(b"Font", name, resources)?.as_dict().ok()?;
        let key = std::ptr::from_ref(font).addr();
        if let Some(known) = self.fonts.get(&key) {
            return Some(Rc::clone(known));
        }
        if self.fonts.len() == FONTS_MAX {
            return None;
        }
        let bytes_max = self.bytes_max / ENCODING_SHARE;
        let read = Rc::new(Font {
            encoding: font.get_font_encoding_with_limit(self.pdf, bytes_max).ok(),
            widths: objects::Widths::of(font, self.pdf),
        });
        self.fonts.insert(key, Rc::clone(&read));
        Some(read)
    }

    fn show(
        &mut self,
        text: Option<&Object>,
        font: Option<&Font<'p>>,
        pen: &mut Pen,
    ) -> Result<(), DocError> {
        let (Some(Object::String(bytes, _)), Some(font)) = (text, font) else {
            return Ok(());
        };
        let shown = font
            .encoding
            .as_ref()
            .and_then(|encoding| encoding.bytes_to_string(bytes).ok());
        let shown: String = shown
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control() && *c != '\u{fffd}')
            .collect();
        if !shown.trim().is_empty() {
            pen.separate(&mut self.out)?;
        }
        self.out.push(&shown)?;
        let (em, n_codes) = font.widths.of_text(bytes);
        let n_spaces = bytes.iter().filter(|byte| **byte == b' ').count();
        let spaced = em * pen.size
            + n_codes as f64 * pen.char_space
            + if font.widths.is_wide() {
                0.0
            } else {
                n_spaces as f64 * pen.word_space
            };
        pen.advance(spaced * pen.scale);
        if !shown.trim().is_empty() {
            pen.mark();
        }
        Ok(())
    }
}

fn number_of(object: &Object) -> Option<f64> {
    match object {
        Object::Integer(number) => Some(*number as f64),
        Object::Real(number) => Some(f64::from(*number)),
        _ => None,
    }
}

fn matrix(operands: &[Object]) -> Matrix {
    let number = |i: usize| operands.get(i).and_then(number_of).unwrap_or(0.0);
    Matrix([
        number(0),
        number(1),
        number(2),
        number(3),
        number(4),
        number(5),
    ])
}
