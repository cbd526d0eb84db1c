//! Documents made here, byte by byte.

use std::io::{Cursor, Write};

use lopdf::{Document as Pdf, Object, Stream, dictionary};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{Document, Kind, Limits, parse};

const LIMITS: Limits = Limits {
    text_bytes_max: 1 << 20,
    unpacked_bytes_max: 8 << 20,
};

fn text(kind: Kind, bytes: impl AsRef<[u8]>) -> String {
    parsed(kind, bytes).text
}

fn parsed(kind: Kind, bytes: impl AsRef<[u8]>) -> Document {
    parse(kind, bytes.as_ref(), LIMITS).unwrap()
}

fn failed(kind: Kind, bytes: impl AsRef<[u8]>) -> String {
    parse(kind, bytes.as_ref(), LIMITS).unwrap_err().to_string()
}

fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn docx(body: &str) -> Vec<u8> {
    let document =
        format!("<?xml version=\"1.0\"?><w:document><w:body>{body}</w:body></w:document>");
    let core = "<cp:coreProperties><dc:title>Fish &amp; chips</dc:title><dc:creator>A. B.</dc:creator></cp:coreProperties>";
    package(&[
        ("word/document.xml", &document),
        ("docProps/core.xml", core),
    ])
}

#[test]
fn word_documents_are_read_by_paragraphs() {
    let document = parsed(
        Kind::Docx,
        docx(concat!(
            r#"<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr></w:p>"#,
            r#"<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>On</w:t></w:r></w:p>"#,
            r#"<w:p><w:r><w:t xml:space="preserve">A </w:t></w:r><w:del><w:r><w:delText>no</w:delText></w:r></w:del><w:r><w:t>b &lt;&#x6570;</w:t><w:br/><w:t>c</w:t></w:r></w:p>"#,
            r#"<w:tbl><w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc><w:tc><w:p><w:r><w:t>3</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"#,
            r#"<mc:AlternateContent><mc:Choice><w:p><w:r><w:t>once</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>twice</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>"#,
        )),
    );
    assert_eq!(document.text, "## On\n\nA b <数\nc\n\n1\t\t3\n\nonce");
    assert_eq!(document.title.as_deref(), Some("Fish & chips"));
    assert_eq!(document.author.as_deref(), Some("A. B."));
}

#[test]
fn slides_are_read_in_their_order() {
    let slide = |text: &str| {
        format!(
            "<p:sld><a:p><a:r><a:t>{text}</a:t></a:r></a:p><a:p><a:r><a:t>more</a:t></a:r></a:p></p:sld>"
        )
    };
    let bytes = package(&[
        (
            "ppt/presentation.xml",
            r#"<p:presentation><p:sldIdLst><p:sldId id="1" r:id="r2"/><p:sldId id="2" r:id="r1"/><p:sldId id="3" r:id="r2"/></p:sldIdLst></p:presentation>"#,
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            r#"<Relationships><Relationship Id="r1" Target="slides/slide1.xml"/><Relationship Id="r2" Target="/ppt/slides/slide2.xml"/></Relationships>"#,
        ),
        ("ppt/slides/slide1.xml", &slide("one")),
        ("ppt/slides/slide2.xml", &slide("two")),
    ]);
    let document = parsed(Kind::Pptx, bytes);
    assert_eq!(document.text, "two\nmore\n\none\nmore");
    assert_eq!(document.n_pages, Some(2));
}

#[test]
fn sheets_are_read_by_rows() {
    let bytes = package(&[
        (
            "xl/workbook.xml",
            r#"<workbook><sheets><sheet name="Fish" r:id="r1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        (
            "xl/sharedStrings.xml",
            "<sst><si><r><t>na</t></r><r><t>me</t></r><rPh><t>no</t></rPh></si><si><t>two\nlines</t></si></sst>",
        ),
        (
            "xl/styles.xml",
            r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[Red]yyyy&quot;d&quot;"/><numFmt numFmtId="165" formatCode="0.0&quot;day&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>"#,
        ),
        (
            "xl/worksheets/sheet1.xml",
            concat!(
                r#"<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>"#,
                r#"<row r="2"><c r="A2" s="1"><v>45292</v></c><c s="2"><v>45292.75</v></c><c s="3"><v>2</v></c><c t="b"><v>1</v></c><c t="inlineStr"><is><t>in</t></is></c><c><f>A1</f><v>0.5</v></c></row></sheetData></worksheet>"#,
            ),
        ),
    ]);
    let document = parsed(Kind::Xlsx, bytes);
    assert_eq!(
        document.text,
        "# Fish\n\nname\t\ttwo lines\n2024-01-01\t2024-01-01 18:00:00\t2\tTRUE\tin\t0.5"
    );
    assert_eq!(document.n_pages, Some(1));
}

#[test]
fn pages_of_html_give_their_main_content() {
    let document = parsed(
        Kind::Html,
        concat!(
            "<!DOCTYPE html><html><head><title>T &amp; u</title><style>p{}</style></head><body>",
            "<!-- <p>no</p> --><div class='site-nav'><div><a href=/>Home</a></div> text</div><header><h1>Site</h1></header>",
            "<h2>On   fish</h2><p>A <b>small</b>\n fish&nbsp;&mdash; &#x6570;<br>line &unknown; a&b</p>",
            "<ul><li><p>one</p></li><li>two</li></ul><pre>a\n  b</pre>",
            "<table><tr><td>1</td><td>2</td></tr></table><script>if (a < b) '</p>'</script>",
            "<ul><li><a href='x'>Other page</a></li></ul><p hidden>gone</p><div style='display: none'>gone</div>",
            "<footer>(c)</footer></body></html>",
        ),
    );
    assert_eq!(
        document.text,
        "## On fish\n\nA small fish — 数\nline &unknown; a&b\n\n- one\n- two\n\na\n  b\n\n1\t2\n\ngone"
    );
    assert_eq!(document.title.as_deref(), Some("T & u"));
    let article =
        "<p>Around it.</p><article><p>The text of an article.</p><aside>no</aside></article>";
    assert_eq!(text(Kind::Html, article), "The text of an article.");
    assert_eq!(text(Kind::Html, "<nav>Only <a>this</a></nav>"), "Only this");
    assert_eq!(
        text(Kind::Html, b"<meta charset=latin1><p>\xe9t\xe9"),
        "été"
    );
    assert_eq!(text(Kind::Html, "<p>a<p>b <x <y>c"), "a\n\nb c");
    assert_eq!(text(Kind::Html, ""), "");
}

#[test]
fn other_texts_are_read_as_what_they_are() {
    assert_eq!(text(Kind::Csv, "a,\"b\n,c\"\r\n1,\n"), "a\tb ,c\n1");
    assert_eq!(text(Kind::Tsv, "a\tb"), "a\tb");
    assert_eq!(
        text(
            Kind::Xml,
            "<a><title>T</title><b x='y'>one <i>two</i> &amp; <![CDATA[<3>]]></b></a>"
        ),
        "T\none\ntwo\n& <3>"
    );
    assert_eq!(
        text(Kind::Json, r#"{"a": [1, {"b": "x"}], "c": null, "d": "y"}"#),
        "a:\n  - 1\n  -\n    b: x\nc:\nd: y"
    );
    let markdown = parsed(Kind::Markdown, "\u{feff}x\r\n# Title\r\ny");
    assert_eq!(
        (markdown.text.as_str(), markdown.title.as_deref()),
        ("x\n# Title\ny", Some("Title"))
    );
    let wide: Vec<u8> = "\u{feff}数据"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(text(Kind::Text, wide), "数据");
}

/// A PDF of one page that draws `content`, which can draw the form `F`.
fn pdf(content: &str, form: &str) -> Vec<u8> {
    let mut pdf = Pdf::with_version("1.5");
    let font = pdf.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let pages = pdf.new_object_id();
    let form_id = pdf.new_object_id();
    let resources = pdf.add_object(dictionary! {
        "Font" => dictionary! { "F1" => font }, "XObject" => dictionary! { "F" => form_id },
    });
    let form = Stream::new(
        dictionary! { "Subtype" => "Form", "Resources" => resources },
        form.into(),
    );
    pdf.objects.insert(form_id, Object::Stream(form));
    let content = pdf.add_object(Stream::new(dictionary! {}, content.into()));
    let page = pdf.add_object(dictionary! { "Type" => "Page", "Parent" => pages, "Contents" => content, "Resources" => resources });
    let tree = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
    pdf.objects.insert(pages, Object::Dictionary(tree));
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    pdf.trailer.set("Root", catalog);
    let info = pdf.add_object(dictionary! { "Title" => Object::string_literal("On fish") });
    pdf.trailer.set("Info", info);
    pdf.compress();
    let mut bytes = Vec::new();
    pdf.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn pages_of_pdf_give_lines_and_words() {
    let content = "BT /F1 10 Tf 50 700 Td (One) Tj 30 0 Td (two) Tj ( th) Tj [(r) -20 (ee) -300 (four)] TJ 0 -12 Td (caf\\351) Tj \
                   -30 -40 Td (Far) Tj ET q 1 0 0 1 0 -100 cm /F Do Q";
    let document = parsed(
        Kind::Pdf,
        pdf(content, "BT /F1 10 Tf 50 700 Td (In a form) Tj ET"),
    );
    assert_eq!(
        document.text,
        "One two three four\ncafé\n\nFar\n\nIn a form"
    );
    assert_eq!(
        (document.title.as_deref(), document.n_pages),
        (Some("On fish"), Some(1))
    );
}

#[test]
fn hostile_files_cost_an_error() {
    // A form that draws itself four times, 16 levels deep, ends at a limit.
    let bytes = pdf("/F Do", "BT /F1 1 Tf (x) Tj ET /F Do /F Do /F Do /F Do");
    assert!(failed(Kind::Pdf, &bytes).contains("the PDF unpacks to more than 8388608"));
    let whole = pdf("BT (x) Tj ET", "");
    for n in (0..whole.len()).step_by(7) {
        let _ = parse(Kind::Pdf, &whole[..n], LIMITS);
    }
    assert!(failed(Kind::Pdf, "%PDF-1.4\n").contains("damaged"));
    assert!(failed(Kind::Pdf, "text").contains("%PDF-"));

    let bomb = docx(&format!("<w:p>{}</w:p>", " ".repeat(9 << 20)));
    assert!(bomb.len() < 100_000);
    assert!(failed(Kind::Docx, &bomb).contains("unpacks to more than 8388608"));
    assert!(failed(Kind::Docx, &bomb[..bomb.len() / 2]).contains("damaged package"));
    assert!(failed(Kind::Docx, package(&[("a", "b")])).contains("no part `word/document.xml`"));
    assert!(failed(Kind::Docx, docx("<w:p><w:t>")).contains("damaged XML"));
    assert!(failed(Kind::Docx, b"\xd0\xcf\x11\xe0").contains("encrypted"));

    let deep = "<div>".repeat(300_000) + "x";
    assert_eq!(text(Kind::Html, &deep), "x");
    let attributes = format!("<div {}>x", "a=1 ".repeat(200_000));
    assert_eq!(text(Kind::Html, &attributes), "x");
    let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
    assert_eq!(text(Kind::Xml, &deep), "");
    let entities = r#"<!DOCTYPE a [<!ENTITY x "yyyy"><!ENTITY z "&x;&x;">]><a>&z;</a>"#;
    assert_eq!(text(Kind::Xml, entities), "");
    assert!(failed(Kind::Json, "[".repeat(1_000)).contains("no JSON"));
    assert!(failed(Kind::Text, b"\xff\xffx").contains("not UTF-8 at byte 0"));
    assert!(
        failed(Kind::Text, "x".repeat(2 << 20)).contains("longer than the limit of 1048576 bytes")
    );
}

#[test]
fn no_bytes_make_any_parser_panic() {
    let kinds = [
        Kind::Html,
        Kind::Pdf,
        Kind::Docx,
        Kind::Pptx,
        Kind::Xlsx,
        Kind::Csv,
        Kind::Xml,
        Kind::Json,
    ];
    let seeds = [
        pdf("BT /F1 9 Tf (x) Tj ET", "q Q"),
        docx("<w:p><w:t>a</w:t></w:p>"),
        b"<a b='c'>&amp;<!--x--><script>y</script>[{\"a\":1}]".to_vec(),
    ];
    let mut state = 7_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for round in 0..1_500 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=round % 5 {
            let at = random() % bytes.len();
            match random() % 3 {
                0 => bytes[at] = random() as u8,
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, b"<>&\"[{(/"[random() % 8]),
            }
        }
        for kind in kinds {
            if let Err(error) = parse(kind, &bytes, LIMITS) {
                assert!(
                    !error.to_string().contains("failed on this file"),
                    "{kind:?}: {bytes:?}"
                );
            }
        }
    }
}
