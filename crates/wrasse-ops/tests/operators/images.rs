//! Operators on images, against what OpenCV and Pillow make of the same images.
//!
//! The digests are of the pixels that the original operators gave (OpenCV
//! 4.14, NumPy 2.4): equal digests are equal in every value.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Value, json};
use wrasse_op::testing::{Ran, run};
use wrasse_op::{OpError, OpErrorKind};

use crate::build;

fn apply(name: &str, params: &str, rows: &[Value]) -> Result<Ran, OpError> {
    let params = serde_json::from_str(params).unwrap();
    run(&build(name, &params).unwrap(), rows)
}

/// An image that the original was given too.
fn picture(kind: &str, width: u32, height: u32) -> RgbImage {
    let mut state = 1_u32;
    let mut values = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let slopes = [
                x * 255 / width,
                y * 255 / height,
                (x + y) * 255 / (width + height),
            ];
            for slope in slopes {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = state >> 24;
                values.push(match kind {
                    "noise" => noise,
                    "dark" => slope / 8 + noise / 16,
                    "dull" => 96 + slope / 8 + noise / 16,
                    "ramp" => slope * 3 / 4 + noise / 8,
                    "dots" if noise > 249 => 255,
                    "dots" => slope / 2,
                    _ => panic!("{kind}"),
                } as u8);
            }
        }
    }
    RgbImage::from_raw(width, height, values).unwrap()
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = image.into();
    image
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

fn row(bytes: &[u8], file_type: &str) -> Value {
    json!({ "data": BASE64.encode(bytes), "fileType": file_type })
}

fn pixels(row: &Value) -> RgbImage {
    let bytes = BASE64.decode(row["data"].as_str().unwrap()).unwrap();
    image::load_from_memory(&bytes).unwrap().into_rgb8()
}

fn digest(image: &RgbImage) -> String {
    format!("{:x}", md5::compute(image.as_raw()))
}

/// Operator, parameters, image, and the digest of what the original makes of it.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    u32,
    u32,
    &'static str,
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("ImgResize", r#"{"widthSize": 32, "heightSize": 24}"#, "ramp", 64, 48, "7c6be3e7ed6af1ce2d02d43505a6d0bb"),
    ("ImgResize", r#"{"widthSize": 22, "heightSize": 16}"#, "ramp", 66, 48, "049edf164b6fb5f5ddfae3a2295353dc"),
    ("ImgResize", r#"{"widthSize": 20, "heightSize": 30}"#, "ramp", 61, 47, "f4ed346162b2c0b4c11aa82df6a4239a"),
    ("ImgResize", r#"{"widthSize": 100, "heightSize": 20}"#, "noise", 61, 47, "c001101fb08e82e4b73b0b592bcf8dc6"),
    ("ImgResize", r#"{"widthSize": 80, "heightSize": 90}"#, "noise", 33, 21, "f87fee8fac663fe71f5840241fe0b9ce"),
    ("ImgResize", r#"{"widthSize": 5, "heightSize": 7}"#, "ramp", 5, 7, "1b245be3a4b1772acdfe4417ae867755"),
    ("ImgResize", r#"{"widthSize": 3, "heightSize": 4}"#, "noise", 1, 9, "278947aa4852ea14042b33d9b7f93303"),
    ("ImgResize", r#"{"widthSize": 61, "heightSize": 20}"#, "noise", 61, 47, "56a35e0063382fe3c2389cfef9571b48"),
    ("ImgBrightness", "{}", "noise", 61, 47, "f44c2ed3a2e45fa0cf1be336957be494"),
    ("ImgBrightness", "{}", "dark", 61, 47, "b7b50ee2ef44c46e39b5dad8643e8433"),
    ("ImgBrightness", "{}", "dull", 61, 47, "7871f6165d95cb90e91bf56795d0d2a4"),
    ("ImgBrightness", "{}", "ramp", 61, 47, "13a8aebb35196f3409d2a41c82328570"),
    ("ImgSaturation", "{}", "noise", 61, 47, "e354b876bbbc2c0f568dac4ef4cf6ebc"),
    ("ImgSaturation", "{}", "dark", 61, 47, "46d1767d850fd880749fdf35befdb2f7"),
    ("ImgSaturation", "{}", "dull", 61, 47, "39e2d9cb880a1b62fad760ce6f5f8b3d"),
    ("ImgSaturation", "{}", "ramp", 61, 47, "44806c902f38d3914e6e3dc901664856"),
    ("ImgSharpness", "{}", "noise", 61, 47, "116f1264c43ca644ea931456b54a5203"),
    ("ImgSharpness", "{}", "dark", 61, 47, "1b81c3948c588f87485b46fa4172261d"),
    ("ImgSharpness", "{}", "dull", 61, 47, "aa9a384bcbd34820a69767c2df9a95ec"),
    ("ImgSharpness", "{}", "ramp", 61, 47, "5254a042b88eaaadf67f8def419a7e00"),
    ("ImgSharpness", "{}", "dots", 61, 47, "181aecd28f0af2fe74f4748cc4b5fae9"),
    ("ImgDenoise", "{}", "noise", 61, 47, "34ef5948bb99e76f18bec95f4f3cb499"),
    ("ImgDenoise", "{}", "dots", 61, 47, "d73ae22ee55a125e2c36370a83cd2b84"),
    ("ImgDenoise", "{}", "ramp", 61, 47, "b530e8119d949e840fbc37c1be1b3777"),
    // What the original means: 11.2 dB, where it computes 11.0.
    ("ImgDenoise", r#"{"denoise_threshold": 11.1}"#, "dots", 61, 47, "403358ec6741d39c90ab0dabc7bde41d"),
    ("ImgDenoise", r#"{"denoise_threshold": 11.1, "exact_snr": true}"#, "dots", 61, 47, "d73ae22ee55a125e2c36370a83cd2b84"),
    ("ImgContrast", "{}", "noise", 61, 47, "e9d245bfc8bce25616c3405bb5235f7e"),
    ("ImgContrast", "{}", "dark", 61, 47, "a4f78837b6df96ae4889398f04e1febc"),
    ("ImgContrast", "{}", "dull", 64, 48, "c90d6cefe64fac2a40d46d051387ac05"),
    ("ImgContrast", "{}", "ramp", 64, 47, "5fe28f6ef16d73b5d3735794b5d306c7"),
    ("ImgContrast", "{}", "noise", 61, 48, "2ed18fe95da8a33e9b90c85e536fb010"),
    ("ImgContrast", "{}", "ramp", 61, 47, "55be005187349ff1ca3c1663eb052c6c"),
    ("ImgContrast", "{}", "dots", 40, 9, "1cf3a9fa6cbba053c6be0010579f7a05"),
];

#[test]
fn pixels_are_those_of_the_original() {
    let mut failures = Vec::new();
    for (name, params, kind, width, height, want) in CASES {
        let image = encoded(picture(kind, *width, *height), ImageFormat::Png);
        let ran = apply(name, params, &[row(&image, "png")]).unwrap();
        if digest(&pixels(&ran.rows[0])) != *want {
            failures.push(format!("{name} {params} {kind} {width} x {height}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn blur_and_hashes_are_those_of_the_original() {
    // With the variance of the Laplacian and the hash of OpenCV.
    let cases = [
        ("noise", 61, 47, 2150.6472254145, 0x4fe3643111ed9e53_u64),
        ("dark", 61, 47, 10.842316468225725, 0x5efdbc3310adac51),
        ("ramp", 300, 200, 340.8901172973176, 0xa8c652ef3cb46615),
        ("dots", 112, 112, 7842.828297244466, 0x3c1f3cdfce97d6c5),
        ("dull", 224, 224, 51.67888776405014, 0xaadfeef7faa80401),
    ];
    for (kind, width, height, variance, hash) in cases {
        let image = encoded(picture(kind, width, height), ImageFormat::Png);
        let rows = [row(&image, "png")];
        let ran = apply("ImgBlurredImagesCleaner", "{}", &rows).unwrap();
        let got = ran.stats[0]["laplacian_variance"].as_f64().unwrap();
        assert!((got / variance - 1.0).abs() < 1e-12, "{kind}: {got}");
        assert_eq!(ran.kept[0], variance > 1000.0, "{kind}");
        let ran = apply("ImgSimilarImagesCleaner", "{}", &rows).unwrap();
        assert_eq!(ran.keys[0], hash.to_le_bytes(), "{kind}");
    }
}

#[test]
fn every_format_gives_the_same_pixels() {
    let image = picture("ramp", 16, 12);
    for (format, name) in [
        (ImageFormat::Png, "png"),
        (ImageFormat::Bmp, "bmp"),
        (ImageFormat::WebP, "webp"),
    ] {
        let source = row(&encoded(image.clone(), format), name);
        for to in ["png", "bmp", "webp"].into_iter().filter(|to| *to != name) {
            let params = json!({ "imgType": to }).to_string();
            let ran = apply("ImgTypeUnify", &params, std::slice::from_ref(&source)).unwrap();
            assert_eq!(ran.rows[0]["fileType"], to);
            assert_eq!(pixels(&ran.rows[0]), image, "{name} to {to}");
        }
        let rows = [
            source.clone(),
            row(&encoded(image.clone(), ImageFormat::Png), "png"),
        ];
        let ran = apply("ImgDuplicatedImagesCleaner", "{}", &rows).unwrap();
        assert_eq!(ran.kept, [true, false], "{name}");
    }
    // OpenCV halves the colors of a JPEG, and is off by 6.4.
    for (to, mean_max) in [("jpg", 3.5), ("gif", 3.5)] {
        let source = row(&encoded(image.clone(), ImageFormat::Png), "png");
        let params = json!({ "imgType": to }).to_string();
        let ran = apply("ImgTypeUnify", &params, &[source]).unwrap();
        let (got, n) = (pixels(&ran.rows[0]), image.as_raw().len());
        let off: u32 = got
            .iter()
            .zip(image.iter())
            .map(|(a, b)| u32::from(a.abs_diff(*b)))
            .sum();
        let mean = f64::from(off) / n as f64;
        assert!(mean < mean_max, "{to}: off by {mean} in the mean");
    }
}

#[test]
fn flat_images_look_alike() {
    let flat = |value: u8| {
        let image = RgbImage::from_pixel(9, 9, image::Rgb([value; 3]));
        row(&encoded(image, ImageFormat::Png), "png")
    };
    let rows = [flat(1), flat(77), flat(128), flat(255)];
    let ran = apply("ImgSimilarImagesCleaner", "{}", &rows).unwrap();
    assert!(
        ran.keys.iter().all(|key| *key == [0xff; 8]),
        "{:?}",
        ran.keys
    );
    assert_eq!(ran.kept, [true, false, false, false]);
}

/// Written by Pillow: 16 x 12 pixels, to be shown turned by 90 degrees.
const TURNED_JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAMABADASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD5Z8L/AAecyCMW4/ebQYwOn4entz1r17wx8JCsf+qxGx5LgYIz6Dr657flXrPhnw9YfaBCYAULIPm5/hJ7/l9K9l8NeGbBLqErEVBjJwDgDGcY/M1z4PHSjb+uh5PB3GmJagkn0P/Z";

#[test]
fn images_are_upright_and_opaque_as_opencv_decodes_them() {
    let as_png = |data: &str| {
        let rows = [json!({ "data": data, "fileType": "?" })];
        pixels(
            &apply("ImgTypeUnify", r#"{"imgType": "png"}"#, &rows)
                .unwrap()
                .rows[0],
        )
    };
    let jpeg = as_png(TURNED_JPEG);
    assert_eq!(jpeg.dimensions(), (12, 16));
    let want = [
        22, 195, 103, 48, 181, 122, 86, 166, 137, 127, 157, 131, 151, 126, 156, 190,
    ];
    for (got, want) in jpeg.iter().step_by(37).zip(want) {
        assert!(got.abs_diff(want) <= 4, "{got} for {want}");
    }
    // Of RGBA the three colors stay, whatever the fourth says.
    let rgba = as_png(
        "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAYAAACddGYaAAAAI0lEQVQIHWO0iWtkqFh3t0GoaVk942KHHPYv0y4wprCJMwIAhqQJjTzqv/kAAAAASUVORK5CYII=",
    );
    assert_eq!(
        rgba.as_raw(),
        &[
            60, 94, 129, 180, 12, 94, 198, 142, 4, 163, 64, 108, 151, 214, 60, 251, 220, 83
        ]
    );
    // Of 16 bits OpenCV takes the upper 8, we round.
    let gray = as_png(
        "iVBORw0KGgoAAAANSUhEUgAAAAYAAAABEAAAAACIMlxvAAAAFUlEQVQIHWNkYGD4z8hY95+Rsf4/ABMTBADo2XLKAAAAAElFTkSuQmCC",
    );
    for (got, want) in gray.iter().step_by(3).zip([0_u8, 0, 1, 127, 128, 255]) {
        assert!(got.abs_diff(want) <= 1, "{got} for {want}");
    }
}

#[test]
fn files_are_read_and_left_as_they_are() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    std::fs::create_dir_all(&folder).unwrap();
    let (wide, turned) = (folder.join("wide.png"), folder.join("turned.jpg"));
    let bytes = encoded(picture("ramp", 8, 2), ImageFormat::Png);
    std::fs::write(&wide, &bytes).unwrap();
    std::fs::write(&turned, BASE64.decode(TURNED_JPEG).unwrap()).unwrap();

    let rows = [json!({ "filePath": wide, "fileName": "wide.png" })];
    let params = r#"{"widthSize": 4, "heightSize": 3}"#;
    let ran = apply("ImgResize", params, &rows).unwrap();
    assert_eq!(pixels(&ran.rows[0]).dimensions(), (4, 3));
    assert_eq!(ran.rows[0]["fileType"], "png");
    assert_eq!(std::fs::read(&wide).unwrap(), bytes);
    // What was changed goes before the file.
    let again = apply(
        "ImgResize",
        r#"{"widthSize": 4, "heightSize": 3}"#,
        &ran.rows,
    )
    .unwrap();
    assert_eq!(again.rows, ran.rows);

    let rows = [json!({ "images": [wide, turned] }), json!({})];
    let ran = apply("image_shape_filter", r#"{"max_width": 8}"#, &rows).unwrap();
    assert_eq!(
        ran.stats[0],
        json!({ "image_width": [8, 12], "image_height": [2, 16] })
    );
    assert_eq!(
        ran.stats[1],
        json!({ "image_width": [], "image_height": [] })
    );
    assert_eq!(ran.kept, [true, true]);
    let all = r#"{"max_width": 8, "any_or_all": "all"}"#;
    assert_eq!(
        apply("image_shape_filter", all, &rows).unwrap().kept,
        [false, true]
    );
    let ran = apply("image_aspect_ratio_filter", "{}", &rows).unwrap();
    assert_eq!(ran.stats[0], json!({ "aspect_ratios": [4.0, 0.75] }));
    let ran = apply("image_size_filter", r#"{"min_size": "1kb"}"#, &rows).unwrap();
    assert_eq!(ran.stats[0], json!({ "image_sizes": [bytes.len(), 762] }));
    assert_eq!(ran.kept, [false, true]);
}

const OF_ONE_IMAGE: [&str; 10] = [
    "ImgResize",
    "ImgTypeUnify",
    "ImgBrightness",
    "ImgContrast",
    "ImgSaturation",
    "ImgSharpness",
    "ImgDenoise",
    "ImgBlurredImagesCleaner",
    "ImgDuplicatedImagesCleaner",
    "ImgSimilarImagesCleaner",
];

fn rejected(row: &Value, about: &str) {
    for name in OF_ONE_IMAGE {
        let error = apply(name, "{}", std::slice::from_ref(row)).expect_err(about);
        assert_eq!(error.kind, OpErrorKind::BadSample, "{name}, {about}");
    }
}

/// A TIFF of one pixel, which its header does not have to be told: 4 bytes of magic,
/// a directory of width, height and whatever else, and perhaps another page.
fn tiff(is_big: bool, is_big_endian: bool, pages: &[(u32, u32, u16)]) -> Vec<u8> {
    let number = |value: u64, size: usize| -> Vec<u8> {
        match is_big_endian {
            true => value.to_be_bytes()[8 - size..].to_vec(),
            false => value.to_le_bytes()[..size].to_vec(),
        }
    };
    let (wide, n_bytes) = if is_big { (8, 8) } else { (4, 2) };
    let mut bytes = if is_big_endian { b"MM" } else { b"II" }.to_vec();
    bytes.extend(number(if is_big { 43 } else { 42 }, 2));
    if is_big {
        bytes.extend([number(8, 2), number(0, 2)].concat());
    }
    for (width, height, orientation) in pages {
        bytes.extend(number(bytes.len() as u64 + wide as u64, wide));
        // Tag, type (16 or 32 bits), value.
        let entries = [
            (256, 4, u64::from(*width)),
            (257, 4, u64::from(*height)),
            (258, 3, 8),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, 0),
            (274, 3, u64::from(*orientation)),
            (277, 3, 1),
            (278, 4, u64::from(*height)),
            (279, 4, 1),
        ];
        bytes.extend(number(entries.len() as u64, n_bytes));
        for (tag, kind, value) in entries {
            let size = if kind == 3 { 2 } else { 4 };
            bytes.extend([number(tag, 2), number(kind, 2), number(1, wide)].concat());
            bytes.extend(number(value, size));
            bytes.extend(vec![0; wide - size]);
        }
    }
    bytes.extend(number(0, wide));
    bytes
}

/// Pillow 13 gives the same shapes for these bytes: upright, of the first page, as
/// Data-Juicer has them. (It cannot read those that are both big and big-endian.)
#[test]
fn tiffs_are_measured_by_their_first_page_as_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    for (is_big, is_big_endian) in [(false, false), (false, true), (true, false), (true, true)] {
        for (orientation, shape) in [
            (1, (7, 3)),
            (3, (7, 3)),
            (6, (3, 7)),
            (8, (3, 7)),
            (0, (7, 3)),
        ] {
            let bytes = tiff(is_big, is_big_endian, &[(7, 3, orientation), (9, 9, 1)]);
            let path = folder.path().join("page.tif");
            std::fs::write(&path, &bytes).unwrap();
            for row in [
                json!({"images": [path]}),
                json!({"images": ["x"], "image_bytes": [BASE64.encode(&bytes)]}),
            ] {
                let ran = apply("image_shape_filter", "{}", &[row]).unwrap();
                let measured = (
                    &ran.stats[0]["image_width"][0],
                    &ran.stats[0]["image_height"][0],
                );
                assert_eq!(
                    measured,
                    (&json!(shape.0), &json!(shape.1)),
                    "{orientation}"
                );
            }
            for end in 0..bytes.len() {
                let row = json!({"images": ["x"], "image_bytes": [BASE64.encode(&bytes[..end])]});
                // A reject or a shape, and no panic.
                let _ = apply("image_shape_filter", "{}", &[row]);
            }
        }
    }
}

#[test]
fn what_is_no_image_is_a_reject() {
    rejected(&json!({}), "no field");
    rejected(&json!({ "data": "", "filePath": null }), "empty fields");
    rejected(&json!({ "data": 7, "fileType": "png" }), "a number");
    rejected(&json!({ "data": "%%%", "fileType": "png" }), "no base64");
    rejected(&row(b"just text", "png"), "text");
    rejected(&row(b"\x89PNG\r\n\x1a\n", "png"), "a signature alone");
    rejected(&json!({ "filePath": "no/such/file.png" }), "no file");
    rejected(
        &json!({ "filePath": env!("CARGO_TARGET_TMPDIR"), "fileType": "png" }),
        "a folder",
    );
    let folder = json!({ "filePath": env!("CARGO_TARGET_TMPDIR"), "fileType": "png" });
    let error = apply("ImgResize", "{}", &[folder]).unwrap_err();
    assert!(error.message.contains("no plain file"), "{error}");
    let png = encoded(picture("ramp", 4, 4), ImageFormat::Png);
    let named = row(&png, "exe");
    let error = apply("ImgResize", "{}", &[named]).unwrap_err();
    assert!(error.message.contains("`exe`"), "{error}");
}

#[test]
fn images_that_claim_to_be_huge_are_refused_before_they_are_unpacked() {
    let png = |side: u32| {
        let mut png = encoded(picture("ramp", 4, 4), ImageFormat::Png);
        png[16..20].copy_from_slice(&side.to_be_bytes());
        png[20..24].copy_from_slice(&side.to_be_bytes());
        let sum = crc(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        png
    };
    let error = apply("ImgResize", "{}", &[row(&png(9000), "png")]).unwrap_err();
    assert!(error.message.contains("9000 x 9000 pixels"), "{error}");
    // The header of each says 60,000 x 60,000 (GIF: 65,535 x 65,535).
    let side = 60_000_u32;
    rejected(&row(&png(side), "png"), "PNG");
    let mut bmp = encoded(picture("ramp", 4, 4), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&side.to_le_bytes());
    bmp[22..26].copy_from_slice(&side.to_le_bytes());
    rejected(&row(&bmp, "bmp"), "BMP");
    let mut gif = encoded(picture("ramp", 4, 4), ImageFormat::Gif);
    gif[6..10].fill(0xff);
    rejected(&row(&gif, "gif"), "GIF");
    let mut jpeg = BASE64.decode(TURNED_JPEG).unwrap();
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&(side as u16).to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&(side as u16).to_be_bytes());
    rejected(&row(&jpeg, "jpeg"), "JPEG");
    // A header is all that the filters of Data-Juicer need.
    let rows = [json!({ "images": ["bomb.png"], "image_bytes": [BASE64.encode(png(side))] })];
    let ran = apply("image_shape_filter", r#"{"max_width": 4096}"#, &rows).unwrap();
    assert_eq!(ran.stats[0]["image_width"], json!([side]));
    assert_eq!(ran.kept, [false]);
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn damage_is_a_reject_or_an_image_and_never_a_panic() {
    let image = picture("noise", 9, 7);
    for (format, name) in [
        (ImageFormat::Png, "png"),
        (ImageFormat::Bmp, "bmp"),
        (ImageFormat::Gif, "gif"),
        (ImageFormat::WebP, "webp"),
        (ImageFormat::Jpeg, "jpeg"),
    ] {
        let whole = encoded(image.clone(), format);
        assert!(apply("ImgResize", "{}", &[row(&whole, name)]).is_ok());
        // Within the pixels, where a decoder could make up the rest.
        let large = encoded(picture("noise", 64, 48), format);
        rejected(&row(&large[..large.len() * 3 / 4], name), name);
        let half = row(&whole[..whole.len() / 2], name);
        rejected(&half, name);
        for cut in 0..whole.len() {
            survives(&whole[..cut], name);
        }
        let mut state = 7_u32;
        for _ in 0..600 {
            let mut damaged = whole.clone();
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % damaged.len();
                damaged[at] = state as u8;
            }
            survives(&damaged, name);
        }
    }
}

fn survives(bytes: &[u8], name: &str) {
    let small = r#"{"widthSize": 2, "heightSize": 2}"#;
    for (op, params) in [("ImgResize", small), ("ImgContrast", "{}")] {
        if let Err(error) = apply(op, params, &[row(bytes, name)]) {
            assert_eq!(error.kind, OpErrorKind::BadSample, "{op}: {error}");
        }
    }
    let listed = json!({ "images": ["x"], "image_bytes": [BASE64.encode(bytes)] });
    if let Err(error) = apply("image_shape_filter", "{}", &[listed]) {
        assert_eq!(error.kind, OpErrorKind::BadSample, "{error}");
    }
}
