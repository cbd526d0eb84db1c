//! Mappers: one sample in, one sample out.

wrasse_op::operators! {
    whitespace_normalization_mapper,
}
