//! Workbooks: the sheets in their order, each under its name, a line for each
//! row, its cells with tabs between them. Dates are written as such; of
//! formulas there is the value that was last computed.

use crate::csv::cell;
use crate::output::Output;
use crate::package::Package;
use crate::xml::{Item, walk};
use crate::{DocError, Document, Limits};

/// Cells of a row, of which those without text are few; the format allows
/// 16,384.
const COLUMNS_MAX: usize = 16_384;

pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Document, DocError> {
    let mut package = Package::open(bytes, limits)?;
    let mut sheets = Vec::new();
    let mut since_1904 = false;
    let workbook = package.required("xl/workbook.xml")?;
    walk(&workbook, |item| {
        match item {
            Item::Open("sheet", attributes) => {
                sheets.extend(attributes.get("name").zip(attributes.get("r:id")));
            }
            Item::Open("workbookPr", attributes) => {
                let flag = attributes.get("date1904");
                since_1904 = matches!(flag.as_deref(), Some("1" | "true"));
            }
            _ => {}
        }
        Ok(())
    })?;
    let targets = package.targets("xl", "workbook.xml")?;
    let book = Book {
        strings: match package.part("xl/sharedStrings.xml")? {
            Some(xml) => strings(&xml)?,
            None => Vec::new(),
        },
        dates: match package.part("xl/styles.xml")? {
            Some(xml) => dates(&xml)?,
            None => Vec::new(),
        },
        since_1904,
    };
    let mut out = Output::new(limits);
    let mut seen = std::collections::HashSet::new();
    for (name, id) in &sheets {
        let Some(part) = targets.get(id).filter(|part| seen.insert(*part)) else {
            continue;
        };
        if let Some(xml) = package.part(part)? {
            out.end_paragraph();
            out.push("# ")?;
            out.push(name)?;
            out.end_paragraph();
            book.sheet(&xml, &mut out)?;
        }
    }
    let mut document = Document {
        text: out.finish(),
        n_pages: Some(sheets.len() as u64),
        ..Document::default()
    };
    package.describe(&mut document)?;
    Ok(document)
}

/// The texts that cells refer to by number.
fn strings(xml: &str) -> Result<Vec<String>, DocError> {
    let mut strings = Vec::new();
    let mut in_text = false;
    let mut n_phonetic = 0;
    walk(xml, |item| {
        match item {
            Item::Open("si", _) => strings.push(String::new()),
            Item::Open("rPh", _) => n_phonetic += 1,
            Item::Close("rPh") => n_phonetic -= 1,
            Item::Open("t", _) => in_text = true,
            Item::Close("t") => in_text = false,
            Item::Text(text) if in_text && n_phonetic == 0 => {
                if let Some(string) = strings.last_mut() {
                    string.push_str(text);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(strings)
}

/// For each style of cells, whether it shows a number as a date.
fn dates(xml: &str) -> Result<Vec<bool>, DocError> {
    let mut custom = std::collections::HashSet::new();
    let mut styles = Vec::new();
    let mut in_styles = false;
    walk(xml, |item| {
        match item {
            Item::Open("numFmt", attributes) => {
                let id = attributes
                    .get("numFmtId")
                    .and_then(|id| id.parse::<u32>().ok());
                let code = attributes.get("formatCode").unwrap_or_default();
                if shows_date(&code) {
                    custom.extend(id);
                }
            }
            Item::Open("cellXfs", _) => in_styles = true,
            Item::Close("cellXfs") => in_styles = false,
            Item::Open("xf", attributes) if in_styles => {
                let id = attributes.get("numFmtId").and_then(|id| id.parse().ok());
                let id: u32 = id.unwrap_or(0);
                styles.push(
                    matches!(id, 14..=17 | 22 | 27..=31 | 36 | 50..=58) || custom.contains(&id),
                );
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(styles)
}

/// Whether a format shows a year or a day, outside of quotes and brackets.
fn shows_date(code: &str) -> bool {
    let mut closing = None;
    code.chars().any(|c| {
        match closing {
            Some(end) if c == end => closing = None,
            Some(_) => {}
            None if c == '"' => closing = Some('"'),
            None if c == '[' => closing = Some(']'),
            None => return matches!(c.to_ascii_lowercase(), 'y' | 'd'),
        }
        false
    })
}

struct Book {
    strings: Vec<String>,
    dates: Vec<bool>,
    since_1904: bool,
}

impl Book {
    fn sheet(&self, xml: &str, out: &mut Output) -> Result<(), DocError> {
        let mut column = 0;
        let mut kind = String::new();
        let mut is_date = false;
        let mut value = String::new();
        let mut in_value = false;
        let mut row: Vec<(usize, String)> = Vec::new();
        walk(xml, |item| {
            match item {
                Item::Open("row", _) => column = 0,
                Item::Open("c", attributes) => {
                    let place = attributes.get("r");
                    column = place
                        .and_then(|place| column_of(&place))
                        .unwrap_or(column + 1);
                    kind = attributes.get("t").unwrap_or_default();
                    let style = attributes
                        .get("s")
                        .and_then(|style| style.parse::<usize>().ok());
                    is_date = style.and_then(|style| self.dates.get(style)) == Some(&true);
                    value.clear();
                }
                Item::Open("v" | "t", _) => in_value = true,
                Item::Close("v" | "t") => in_value = false,
                Item::Text(text) if in_value => value.push_str(text),
                Item::Close("c") => {
                    let text = self.value(&kind, is_date, &value);
                    if !text.is_empty() && column <= COLUMNS_MAX {
                        row.push((column, text));
                    }
                }
                Item::Close("row") => {
                    // Empty cells at the left are the sheet's margin only if
                    // they are in all rows, thus kept.
                    let mut at = 1;
                    for (column, text) in row.drain(..) {
                        out.push(&"\t".repeat(column.saturating_sub(at)))?;
                        out.push(&text)?;
                        at = column.max(at);
                    }
                    out.end_line();
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn value(&self, kind: &str, is_date: bool, raw: &str) -> String {
        match kind {
            "s" => {
                let string = raw
                    .trim()
                    .parse()
                    .ok()
                    .and_then(|i: usize| self.strings.get(i));
                string.map_or_else(String::new, |text| cell(text))
            }
            "b" => if raw.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "" | "n" if is_date => match raw.trim().parse() {
                Ok(days) => date(days, self.since_1904).unwrap_or_else(|| raw.to_owned()),
                Err(_) => cell(raw),
            },
            _ => cell(raw),
        }
    }
}

/// The number of a column, from 1 on: `AB12` is in column 28.
fn column_of(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number = letters.fold(0, |number, letter| {
        number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    (number > 0).then_some(number)
}

/// A day, counted from the end of 1899 or from 1904, with its time if it has
/// one.
fn date(days: f64, since_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&days) {
        return None;
    }
    let seconds = (days * 86_400.0).round() as i64;
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    // Day 60 is a 29th of February 1900 that never was.
    let day = match (since_1904, day) {
        (true, day) => day + 1_462 - 25_569,
        (false, day) if day < 60 => day + 1 - 25_569,
        (false, day) => day - 25_569,
    };
    let (year, month, of_month) = civil(day);
    let date = format!("{year:04}-{month:02}-{of_month:02}");
    Some(match second {
        0 => date,
        _ => format!(
            "{date} {:02}:{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60
        ),
    })
}

/// The date of a day counted from 1970-01-01.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_month)
}
