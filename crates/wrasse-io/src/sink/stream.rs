//! [`stream`]: rows for a reader in this process, while the run goes on.
//!
//! Nothing is written, so that nothing can be taken up again: a run into a
//! stream is like one to a pipe. The reader holds the other end of a bounded
//! channel, and a run waits for a reader that is slow.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use indexmap::IndexMap;
use serde_json::Value;

use super::kind::{Kind, fields_of};
use super::parquet::columns_of;
use super::rows::{Lines, LinesEncoder, Piece, TableEncoder};
use super::stage::{self, Chunk};
use super::table::NO_COLUMN;
use super::{Encoder, Finished, OutBlock, Payload, Sink};
use crate::Error;

/// Blocks that wait for the reader: one that is read, and some for a reader
/// that takes its time with it now and then.
const WAITING_MAX: usize = 4;

/// What a reader is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamForm {
    /// Lines of JSON, each ending in a line end.
    Lines,
    /// Streams of Arrow's IPC format, each of one batch. A batch has all columns
    /// that were seen so far, in the types that hold all their values so far: the
    /// next one may have more columns, and wider ones.
    Arrow,
    /// Nothing; rows are only counted.
    Nothing,
}

/// A sink, and what comes out of it, block by block.
pub fn stream(form: StreamForm) -> (Box<dyn Sink>, Receiver<Vec<u8>>) {
    let (to, rows) = sync_channel(WAITING_MAX);
    let sink = Stream {
        form,
        to,
        columns: Kind::Struct(IndexMap::new()),
    };
    (Box::new(sink), rows)
}

struct Stream {
    form: StreamForm,
    to: SyncSender<Vec<u8>>,
    /// What the columns held so far.
    columns: Kind,
}

impl Stream {
    fn send(&self, bytes: Vec<u8>) -> Result<(), Error> {
        let gone = |_| Error::new("-", "the reader of the rows is gone");
        match bytes.is_empty() {
            true => Ok(()),
            false => self.to.send(bytes).map_err(gone),
        }
    }

    fn append_lines(&mut self, lines: Lines) -> Result<(), Error> {
        match self.form {
            StreamForm::Nothing => Ok(()),
            StreamForm::Lines => self.send(lines.bytes),
            StreamForm::Arrow if lines.bytes.is_empty() => Ok(()),
            StreamForm::Arrow => {
                stage::lines(&lines.bytes).for_each(|line| self.columns.observe(line));
                self.send_batch(Chunk::Lines(lines.bytes))
            }
        }
    }

    fn append_piece(&mut self, piece: Piece) -> Result<(), Error> {
        match piece {
            Piece::Lines(lines) => self.append_lines(lines),
            Piece::Table(table) if table.n_rows() == 0 => Ok(()),
            Piece::Table(table) => {
                let mut columns = IndexMap::new();
                table.observe(&mut columns);
                self.columns.join(Kind::Struct(columns));
                self.send_batch(Chunk::Table(table))
            }
        }
    }

    fn send_batch(&mut self, rows: Chunk) -> Result<(), Error> {
        let no_columns;
        let columns = match &self.columns {
            Kind::Struct(columns) if !columns.is_empty() => columns,
            _ => {
                no_columns = IndexMap::from([(NO_COLUMN.to_owned(), Kind::Null)]);
                &no_columns
            }
        };
        let bytes = ipc(rows, columns)
            .map_err(|error| Error::new("-", format!("rows make no batch: {error}")))?;
        self.send(bytes)
    }
}

/// One batch as a stream of its own.
fn ipc(rows: Chunk, columns: &IndexMap<String, Kind>) -> Result<Vec<u8>, ArrowError> {
    let schema: SchemaRef = Arc::new(Schema::new(fields_of(columns)));
    let batch = columns_of(rows, columns, &schema)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&batch)?;
    writer.into_inner()
}

impl Sink for Stream {
    fn encoder(&self) -> Arc<dyn Encoder> {
        match self.form {
            StreamForm::Arrow => Arc::new(TableEncoder),
            _ => Arc::new(LinesEncoder { strict: false }),
        }
    }

    fn set_threads(&mut self, _: NonZeroUsize) {}

    fn append(&mut self, block: OutBlock) -> Result<(), Error> {
        match block.0 {
            Payload::Lines(lines) => self.append_lines(lines),
            Payload::Pieces(pieces) => pieces
                .into_iter()
                .try_for_each(|piece| self.append_piece(piece)),
            Payload::Files(_) | Payload::Hollow(_) => {
                unreachable!("a stream's encoders make lines and tables")
            }
        }
    }

    fn memory_bytes(&self) -> usize {
        0
    }

    fn commit(&mut self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn finish(self: Box<Self>) -> Result<Finished, Error> {
        Ok(Finished::default())
    }
}

#[cfg(test)]
mod tests {
    use arrow_ipc::reader::StreamReader;

    use super::*;

    fn block(form: StreamForm, rows: &[&str]) -> OutBlock {
        let lines = rows.iter().fold(Lines::default(), |mut lines, row| {
            lines.bytes.extend_from_slice(row.as_bytes());
            lines.bytes.push(b'\n');
            lines.ends.push(lines.bytes.len());
            lines
        });
        OutBlock(match form {
            StreamForm::Arrow => Payload::Pieces(vec![Piece::Lines(lines)]),
            _ => Payload::Lines(lines),
        })
    }

    #[test]
    fn lines_come_as_they_are() {
        let (mut sink, rows) = stream(StreamForm::Lines);
        sink.append(block(StreamForm::Lines, &[r#"{"a":  1}"#]))
            .unwrap();
        sink.append(block(StreamForm::Lines, &[])).unwrap();
        sink.finish().unwrap();
        assert_eq!(rows.iter().collect::<Vec<_>>(), [b"{\"a\":  1}\n"]);
    }

    #[test]
    fn batches_have_the_columns_that_were_seen_so_far() {
        let (mut sink, rows) = stream(StreamForm::Arrow);
        for row in [r#"{"a": 1}"#, r#"{"b": "x"}"#, r#"{"a": 0.5}"#, "{}"] {
            sink.append(block(StreamForm::Arrow, &[row])).unwrap();
        }
        sink.finish().unwrap();
        let schemas: Vec<String> = rows
            .iter()
            .map(|bytes| {
                let mut batches = StreamReader::try_new(&bytes[..], None).unwrap();
                let batch = batches.next().unwrap().unwrap();
                assert_eq!(batch.num_rows(), 1);
                let fields = batch.schema();
                let fields = fields.fields().iter();
                fields
                    .map(|field| format!("{}: {}", field.name(), field.data_type()))
                    .collect::<Vec<_>>()
                    .join(", ")
            })
            .collect();
        assert_eq!(
            schemas,
            [
                "a: Int64",
                "a: Int64, b: Utf8",
                "a: Float64, b: Utf8",
                "a: Float64, b: Utf8"
            ]
        );
    }

    #[test]
    fn a_reader_that_goes_ends_the_writing() {
        let (mut sink, rows) = stream(StreamForm::Lines);
        drop(rows);
        let error = sink
            .append(block(StreamForm::Lines, &["{}"]))
            .err()
            .unwrap();
        assert!(error.to_string().contains("is gone"), "{error}");
    }
}
