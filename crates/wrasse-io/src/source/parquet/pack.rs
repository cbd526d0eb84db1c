//! Columnar batches as bytes, and back, for samples that wait on disk or travel.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use wrasse_core::Columns;

use super::columns::ArrowColumns;
use crate::Error;

/// A batch as bytes: an Arrow IPC stream.
///
/// # Errors
///
/// If the batch is not one that a source of this crate made.
pub fn pack_columns(columns: &dyn Columns) -> Result<Vec<u8>, Error> {
    let columns = columns
        .as_any()
        .downcast_ref::<ArrowColumns>()
        .ok_or_else(|| Error::new("-", "rows of an unknown kind cannot wait on disk"))?;
    write(columns.batch()).map_err(|error| fault(&error))
}

/// A batch out of the bytes that [`pack_columns`] made.
///
/// # Errors
///
/// If the bytes are not such.
pub fn unpack_columns(bytes: &[u8]) -> Result<Arc<dyn Columns>, Error> {
    let batch = read(bytes).map_err(|error| fault(&error))?;
    Ok(Arc::new(ArrowColumns::new(batch)))
}

/// The batch in an Arrow IPC stream.
pub(crate) fn read(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let mut reader = StreamReader::try_new(bytes, None)?;
    let none = || ArrowError::IpcError("no batch".to_owned());
    reader.next().ok_or_else(none)?
}

/// A batch as an Arrow IPC stream.
pub(crate) fn write(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

fn fault(error: &ArrowError) -> Error {
    Error::new("-", format!("rows that wait on disk: {error}"))
}
