//! Tables of comma- or tab-separated values: a line for each row, its cells
//! with tabs between them.

use csv_core::{ReadRecordResult, ReaderBuilder};

use crate::output::Output;
use crate::{DocError, Document, Limits, decode};

pub(crate) fn parse(bytes: &[u8], delimiter: u8, limits: Limits) -> Result<Document, DocError> {
    let text = decode::text(bytes, None)?;
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut rest = text.as_bytes();
    // A row is no longer than what is left, and has no more cells than bytes.
    let mut cells = vec![0; rest.len().max(1)];
    let mut ends = vec![0; 64];
    let mut out = Output::new(limits);
    let (mut n_cells, mut n_ends) = (0, 0);
    loop {
        let (result, n_in, n_out, n) =
            reader.read_record(rest, &mut cells[n_cells..], &mut ends[n_ends..]);
        rest = &rest[n_in..];
        n_cells += n_out;
        n_ends += n;
        match result {
            ReadRecordResult::OutputFull => cells.resize(cells.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::Record => {
                let mut start = 0;
                for (i, end) in ends[..n_ends].iter().enumerate() {
                    if i > 0 {
                        out.push("\t")?;
                    }
                    out.push(&cell(&String::from_utf8_lossy(&cells[start..*end])))?;
                    start = *end;
                }
                out.end_line();
                (n_cells, n_ends) = (0, 0);
            }
            ReadRecordResult::End => break,
        }
    }
    Ok(Document {
        text: out.finish(),
        ..Document::default()
    })
}

/// A cell on one line.
pub(crate) fn cell(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut out = words.next().unwrap_or("").to_owned();
    for word in words {
        out.push(' ');
        out.push_str(word);
    }
    out
}
