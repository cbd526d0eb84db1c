//! Mappers: one sample in, one sample out.

wrasse_op::operators! {
    fix_unicode_mapper,
    whitespace_normalization_mapper,
}
