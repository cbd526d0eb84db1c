//! Parquet: row groups made of staged rows, several at a time.
//!
//! A row group is a run of frames: full with the one that brings it to 64 MiB of
//! rows, or to a million of them. Each is encoded by one thread, frame by
//! frame, so that a thread holds the encoded pages of one row group and the
//! columns of one frame. Pages are compressed with zstd; row groups and pages
//! have statistics.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use indexmap::IndexMap;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::build::Builder;
use super::fault::fault;
use super::kind::{Kind, fields_of};
use super::pool::Ordered;
use super::stage::{self, Chunk, FrameAt};
use super::staged::{Staged, StagedPosition};
use crate::Error;

const GROUP_BYTES: u64 = 64 << 20;
const GROUP_ROWS: u64 = 1 << 20;

type Columns = IndexMap<String, Kind>;

/// Writes staged rows to `out`.
pub(super) fn write(
    rows: &Arc<Vec<PathBuf>>,
    frames: &[FrameAt],
    columns: &Arc<Columns>,
    out: Staged,
    threads: NonZeroUsize,
) -> Result<StagedPosition, Error> {
    let path = out.path().to_owned();
    let failed = |e| parquet_fault(&path, e);
    let schema: SchemaRef = Arc::new(Schema::new(fields_of(columns)));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("wrasse ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let (mut file, factory) =
        ArrowWriter::try_new(StagedWriter(out), Arc::clone(&schema), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(failed)?;
    let factory = Arc::new(factory);
    let mut pool = Ordered::new(threads);
    for (index, group) in groups(frames).into_iter().enumerate() {
        let job = Group {
            index,
            frames: group.to_vec(),
            rows: Arc::clone(rows),
            columns: Arc::clone(columns),
            schema: Arc::clone(&schema),
        };
        let factory = Arc::clone(&factory);
        pool.push(move || job.encode(&factory))?;
        while pool.is_full() {
            append_oldest(&mut pool, &mut file, &path)?;
        }
    }
    while pool.n_waiting() > 0 {
        append_oldest(&mut pool, &mut file, &path)?;
    }
    file.into_inner().map_err(failed)?.0.sync()
}

/// Cuts frames into row groups.
fn groups(frames: &[FrameAt]) -> Vec<&[FrameAt]> {
    let (mut rows, mut bytes) = (0, 0);
    let groups = frames.chunk_by(|frame, _| {
        rows += frame.rows;
        bytes += frame.row_bytes;
        let goes_on = rows < GROUP_ROWS && bytes < GROUP_BYTES;
        if !goes_on {
            (rows, bytes) = (0, 0);
        }
        goes_on
    });
    groups.collect()
}

fn append_oldest(
    pool: &mut Ordered<Result<Vec<ArrowColumnChunk>, Error>>,
    file: &mut SerializedFileWriter<StagedWriter>,
    path: &Path,
) -> Result<(), Error> {
    let Some(chunks) = pool.pop() else {
        return Ok(());
    };
    let chunks = chunks??;
    let append = || {
        let mut group = file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close().map(|_| ())
    };
    append().map_err(|e| parquet_fault(path, e))
}

/// A row group to be encoded.
struct Group {
    index: usize,
    frames: Vec<FrameAt>,
    rows: Arc<Vec<PathBuf>>,
    columns: Arc<Columns>,
    schema: SchemaRef,
}

impl Group {
    fn encode(&self, factory: &ArrowRowGroupWriterFactory) -> Result<Vec<ArrowColumnChunk>, Error> {
        let failed = |e| parquet_fault(Path::new("the staged rows"), e);
        let mut writers = factory.create_column_writers(self.index).map_err(failed)?;
        for frame in &self.frames {
            for chunk in stage::read(&self.rows, *frame)?.chunks {
                let batch =
                    columns_of(chunk, &self.columns, &self.schema).map_err(|e| failed(e.into()))?;
                let mut writers = writers.iter_mut();
                for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
                    for leaf in compute_leaves(field, column).map_err(failed)? {
                        let writer = writers.next().expect("a writer for each leaf");
                        writer.write(&leaf).map_err(failed)?;
                    }
                }
            }
        }
        let writers = writers.into_iter();
        writers
            .map(|w| w.close())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}

/// The rows of a chunk as the columns of the output.
pub(super) fn columns_of(
    chunk: Chunk,
    columns: &Columns,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let columns: Vec<ArrayRef> = match chunk {
        Chunk::Lines(bytes) => {
            let mut builder = Builder::new(&Kind::Struct(columns.clone()));
            stage::lines(&bytes).for_each(|line| builder.append(Some(line)));
            let rows = builder.finish();
            let rows = rows.as_any().downcast_ref::<StructArray>();
            rows.expect("a row is a struct").columns().to_vec()
        }
        Chunk::Table(table) => {
            let columns = columns.iter();
            let columns = columns.map(|(name, kind)| table.column(name, kind));
            columns.collect::<Result<_, _>>()?
        }
    };
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// A staged file as the library takes it.
struct StagedWriter(Staged);

impl Write for StagedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => Err(error
                .source
                .unwrap_or_else(|| io::Error::other(error.message))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A failure of the library; what the system reported is told as such.
fn parquet_fault(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(source) => fault(path, "cannot write", *source),
            Err(cause) => fault(
                path,
                "cannot be encoded as Parquet",
                io::Error::other(cause),
            ),
        },
        error => fault(
            path,
            "cannot be encoded as Parquet",
            io::Error::other(error),
        ),
    }
}
