//! Mappers: one sample in, one sample out.

wrasse_op::operators! {
    clean_html_mapper,
    fix_unicode_mapper,
    whitespace_normalization_mapper,
}
