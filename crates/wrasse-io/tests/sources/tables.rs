//! CSV, TSV and Parquet.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use wrasse_io::ReadLimits;

use crate::support::{LIMITS, Seen, read, read_with, spec};

fn write_parquet(file: &Path, batch: &RecordBatch, rows_a_group: usize) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows_a_group))
        .set_compression(Compression::SNAPPY)
        .build();
    let opened = File::create(file).unwrap();
    let mut writer = ArrowWriter::try_new(opened, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

#[test]
fn csv_cells_keep_their_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    let text = "\u{feff}id,\"na\"\"me\",text\r\n007,\"a, b\",\"two\r\nlines\"\r\n\r\n1e5,,\"\"\r\n-0,5\" disk,=1+1";
    fs::write(&file, text).unwrap();
    for block_bytes in [1, 1 << 20] {
        let limits = ReadLimits {
            block_bytes,
            ..LIMITS
        };
        let read = read_with(&spec(&file), 1, limits);
        assert_eq!(
            read.samples(),
            [
                r#"{"id":"007","na\"me":"a, b","text":"two\r\nlines"}"#,
                r#"{"id":"1e5","na\"me":"","text":""}"#,
                r#"{"id":"-0","na\"me":"5\" disk","text":"=1+1"}"#,
            ]
        );
        assert!(read.bad().is_empty() && read.errors.is_empty());
        let positions: Vec<u64> = read.rows.iter().map(Seen::position).collect();
        assert_eq!(positions, [0, 1, 2]);
        assert_eq!(read.input_bytes, text.len() as u64);
    }
    let file = folder.path().join("a.tsv");
    fs::write(&file, "a\tb\n1,5\t2\n").unwrap();
    assert_eq!(read(&file).samples(), [r#"{"a":"1,5","b":"2"}"#]);
}

#[test]
fn csv_rows_that_do_not_fit_are_bad_rows_with_row_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    let long = "x".repeat(3 << 20);
    let text = format!("a,b\n1,\"x\n\n\"\n1,2,3\n1,\"{long}\"\n1,2\n");
    fs::write(&file, &text).unwrap();
    let limits = ReadLimits {
        block_bytes: 1 << 16,
        row_bytes_max: 1 << 20,
    };
    let read = read_with(&spec(&file), 1, limits);
    assert_eq!(read.samples().len(), 2);
    assert_eq!(read.bad()[0], "row 2 (line 5) has 3 fields, the header 2");
    assert!(
        read.bad()[1].starts_with("row 3 (line 6): the row has "),
        "{:?}",
        read.bad()
    );
    assert!(read.block_bytes_max < 3 << 20, "{}", read.block_bytes_max);
    fs::write(&file, format!("a,b\n1,2\n3,\"{long}\n4,5\n")).unwrap();
    let read = read_with(&spec(&file), 1, limits);
    assert_eq!((read.samples().len(), read.bad().len()), (1, 0));
    assert!(
        read.errors[0]
            .message
            .contains("line 3 and is never closed")
    );
}

fn typed() -> RecordBatch {
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("x"), None]);
    tags.append_null();
    tags.append_value(Vec::<Option<&str>>::new());
    let meta = StructArray::from(vec![(
        Arc::new(Field::new("lang", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec![Some("en"), None, Some("\"")])) as ArrayRef,
    )]);
    let dictionary: DictionaryArray<Int32Type> =
        vec![Some("k"), None, Some("k")].into_iter().collect();
    batch(vec![
        (
            "text",
            Arc::new(StringArray::from(vec![Some("é\n"), None, Some("c")])),
        ),
        (
            "large",
            Arc::new(LargeStringArray::from(vec!["1", "2", "3"])),
        ),
        (
            "view",
            Arc::new(StringViewArray::from(vec![
                "short",
                "a text that is longer",
                "",
            ])),
        ),
        ("dict", Arc::new(dictionary)),
        ("int", Arc::new(Int64Array::from(vec![i64::MAX, -1, 0]))),
        (
            "float",
            Arc::new(Float64Array::from(vec![0.1, f64::NAN, f64::INFINITY])),
        ),
        (
            "yes",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        ),
        ("tags", Arc::new(tags.finish())),
        ("meta", Arc::new(meta)),
        (
            "at",
            Arc::new(TimestampMillisecondArray::from(vec![0, 1_500, -1])),
        ),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![12_345, -5, 0])
                    .with_precision_and_scale(20, 2)
                    .unwrap(),
            ),
        ),
        (
            "raw",
            Arc::new(BinaryArray::from_vec(vec![b"\xff\x00", b"", b"a"])),
        ),
    ])
}

#[test]
fn parquet_values_become_json() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.parquet");
    write_parquet(&file, &typed(), 100);
    let read = read(&file);
    assert_eq!(
        read.samples(),
        [
            r#"{"text":"é\n","large":"1","view":"short","dict":"k","int":9223372036854775807,"float":0.1,"yes":true,"tags":["x",null],"meta":{"lang":"en"},"at":"1970-01-01T00:00:00","price":123.45,"raw":"ff00"}"#,
            r#"{"text":null,"large":"2","view":"a text that is longer","dict":null,"int":-1,"float":null,"yes":false,"tags":null,"meta":{"lang":null},"at":"1970-01-01T00:00:01.500","price":-0.05,"raw":""}"#,
            r#"{"text":"c","large":"3","view":"","dict":"k","int":0,"float":null,"yes":null,"tags":[],"meta":{"lang":"\""},"at":"1969-12-31T23:59:59.999","price":0.00,"raw":"61"}"#,
        ]
    );
}

fn numbered(n: usize, text_bytes: usize) -> RecordBatch {
    let texts = (0..n).map(|i| format!("{i} {}", "x".repeat(text_bytes)));
    batch(vec![(
        "text",
        Arc::new(texts.map(Some).collect::<StringArray>()),
    )])
}

#[test]
fn every_cut_of_row_groups_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.parquet");
    write_parquet(&file, &numbered(1000, 100), 70);
    let whole = read(&file);
    assert_eq!(whole.samples().len(), 1000);
    assert!(whole.errors.is_empty());
    let positions: Vec<u64> = whole.rows.iter().map(Seen::position).collect();
    assert_eq!(positions, (0..1000).collect::<Vec<u64>>());
    for target in [1, 1000, 3000, 1 << 20] {
        for block_bytes in [1, 3000, 1 << 20] {
            let limits = ReadLimits {
                block_bytes,
                ..LIMITS
            };
            let cut = read_with(&spec(&file), target, limits);
            assert_eq!(cut.rows, whole.rows, "{target} {block_bytes}");
            assert_eq!(cut.input_bytes, whole.input_bytes);
            assert_eq!(cut.n_splits > 1, target < 1 << 20);
        }
    }
}

#[test]
fn parquet_blocks_are_bounded_by_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.parquet");
    // Small rows first: what is measured on them does not hold for the others.
    let texts = (0..3000).map(|i| "y".repeat(if i < 1000 { 10 } else { 20_000 }));
    let rows = batch(vec![(
        "text",
        Arc::new(texts.map(Some).collect::<StringArray>()),
    )]);
    write_parquet(&file, &rows, 10_000);
    let limits = ReadLimits {
        block_bytes: 1 << 20,
        row_bytes_max: 1 << 20,
    };
    let read = read_with(&spec(&file), u64::MAX, limits);
    assert_eq!(read.samples().len(), 3000);
    assert!(read.block_bytes_max < 2 << 20, "{}", read.block_bytes_max);
    let limits = ReadLimits {
        block_bytes: 1 << 16,
        row_bytes_max: 15_000,
    };
    let read = read_with(&spec(&file), u64::MAX, limits);
    assert_eq!((read.samples().len(), read.bad().len()), (1000, 2000));
}

#[test]
fn a_string_that_is_not_utf8_costs_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.parquet");
    let marked = |i: usize| format!("text {i} {}", if i % 50 == 7 { "MARK" } else { "" });
    let rows = batch(vec![
        (
            "text",
            Arc::new(
                (0..500)
                    .map(|i| Some(marked(i)))
                    .collect::<LargeStringArray>(),
            ),
        ),
        ("n", Arc::new((0..500).map(Some).collect::<Int64Array>())),
    ]);
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(200))
        .build();
    let opened = File::create(&file).unwrap();
    let mut writer = ArrowWriter::try_new(opened, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let marks: Vec<usize> = (0..bytes.len() - 4)
        .filter(|at| &bytes[*at..at + 4] == b"MARK")
        .collect();
    assert!(marks.len() >= 10);
    for at in marks {
        bytes[at] = 0xff;
    }
    fs::write(&file, bytes).unwrap();
    let read = read(&file);
    assert!(read.errors.is_empty(), "{:?}", read.errors);
    assert_eq!((read.samples().len(), read.bad().len()), (490, 10));
    assert!(read.bad()[0].contains("column `text`: not UTF-8: byte 0xff"));
    let at: Vec<u64> = read
        .rows
        .iter()
        .filter(|row| row.reason().is_some())
        .map(Seen::position)
        .collect();
    assert_eq!(at, (0..10).map(|i| i * 50 + 7).collect::<Vec<u64>>());
    assert!(read.samples()[0].ends_with(r#""n":0}"#));
}

#[test]
fn damaged_parquet_is_an_error_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.parquet");
    write_parquet(&file, &numbered(2000, 20), 500);
    let whole = fs::read(&file).unwrap();
    let sound = read(&file).rows;
    for cut in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..cut]).unwrap();
        assert_eq!(read(&file).errors.len(), 1, "cut at {cut}");
    }
    let mut encrypted = whole.clone();
    let end = encrypted.len();
    encrypted[end - 4..].copy_from_slice(b"PARE");
    fs::write(&file, &encrypted).unwrap();
    let error = &read(&file).errors[0];
    assert!(
        error.hint.as_ref().unwrap().contains("encrypt"),
        "{error:?}"
    );
    // One byte at a time, all over the file: rows or an error, never a panic
    // or more rows than there were.
    for at in (0..whole.len()).step_by(whole.len() / 300) {
        for flip in [0xff, 0x01, 0x80] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            fs::write(&file, &damaged).unwrap();
            let read = read(&file);
            let n = read.rows.len();
            assert!(
                n == sound.len() || !read.errors.is_empty(),
                "{at}: {n} rows"
            );
        }
    }
}
